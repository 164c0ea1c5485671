//! From the confirming key to the message on the wire, with the intent synced to disk between: `cargo bench --bench press`.
//!
//! A room on the embedded broker pulls a switch again and again; the clock runs from the moment the command is handed over,
//! as the key does it, to the moment somebody else on the broker has the message. The baseline in the same run is the bare
//! message by the same link, without arming, gate or log.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{self, UnboundedReceiver};
use warroom::domain::command::{Command, Confirmation, SwitchCommand};
use warroom::domain::input::Ticket;
use warroom::domain::switch::standard::access;
use warroom::domain::switch::template::Values;
use warroom::domain::switch::{Scope, SwitchId};
use warroom::engine::Settings;
use warroom::engine::snapshot::Snapshot;
use warroom::ingest::Ingest;
use warroom::ingest::route::Router;
use warroom::mqtt::broker::Broker;
use warroom::mqtt::{Link, LinkEvent, LinkOptions, Protocol};
use warroom::runtime::clock::Clock;
use warroom::runtime::{Source, Station, StationOptions};

const ROUNDS: usize = 200;
const PATIENCE: Duration = Duration::from_secs(10);

fn link(address: std::net::SocketAddr, id: &str, subscriptions: &[&str]) -> LinkOptions {
    LinkOptions {
        host: address.ip().to_string(),
        port: address.port(),
        tls: None,
        protocol: Protocol::V3,
        client_id: id.into(),
        credentials: Arc::new(|| Ok(None)),
        keep_alive_s: 30,
        subscriptions: subscriptions.iter().map(|filter| (*filter).to_owned()).collect(),
        seed: 1,
    }
}

/// Moments at which messages arrive at somebody else.
fn listener(options: LinkOptions) -> (Link, UnboundedReceiver<Instant>) {
    let (tell, told) = mpsc::unbounded_channel();
    let link = Link::start(options, move |event| {
        if matches!(event, LinkEvent::Message { .. } | LinkEvent::Up) {
            let _ = tell.send(Instant::now());
        }
    });
    (link, told)
}

fn told(name: &str, mut samples: Vec<Duration>) -> Duration {
    samples.sort();
    let median = samples[samples.len() / 2];
    println!(
        "{name:34} median {:8.2} ms   p99 {:8.2} ms   ({} rounds)",
        median.as_secs_f64() * 1e3,
        samples[samples.len() * 99 / 100].as_secs_f64() * 1e3,
        samples.len()
    );
    median
}

async fn until<T>(
    snapshots: &mut tokio::sync::watch::Receiver<Arc<Snapshot>>,
    wanted: impl Fn(&Snapshot) -> Option<T>,
) -> T {
    loop {
        if let Some(found) = wanted(&snapshots.borrow_and_update()) {
            return found;
        }
        snapshots.changed().await.unwrap();
    }
}

#[tokio::main]
async fn main() {
    let broker = Broker::start().await.unwrap();
    let data = tempfile::tempdir().unwrap();
    let mut settings = Settings { operator: "bench".into(), environment: "drill".into(), ..Settings::default() };
    settings.switches = access("fleet").into_iter().map(Arc::new).collect();
    let options = StationOptions {
        ingest: Ingest::new(Router::standard("fleet").unwrap(), settings.fleet.schema.clone()),
        settings,
        log: data.path().join("log.db"),
        source: Source::Broker(link(broker.address(), "room", &["fleet/#"])),
        drill: None,
        clock: Arc::new(Clock::live()),
        secrets: Arc::new(|name| Err(name.to_owned())),
        socket: None,
    };
    let (station, mut replies) = Station::open(options).unwrap();
    let mut snapshots = station.snapshots();
    until(&mut snapshots, |s| s.link.is_up().then_some(())).await;
    let (other, mut arrived) = listener(link(broker.address(), "other", &["fleet/access/+/control"]));
    arrived.recv().await.unwrap();
    // Subscribed, not only connected: the first message that comes through says so.
    while {
        other.outbox().deliver("fleet/access/x/control".into(), b"{}".to_vec(), false, PATIENCE).await;
        tokio::time::timeout(Duration::from_millis(200), arrived.recv()).await.is_err()
    } {}

    let mut bare = Vec::new();
    for _ in 0..ROUNDS {
        let pressed = Instant::now();
        other.outbox().deliver("fleet/access/x/control".into(), b"{}".to_vec(), false, PATIENCE).await;
        bare.push(arrived.recv().await.unwrap() - pressed);
    }
    let mut pulled = Vec::new();
    let asker = station.asker();
    for round in 0..ROUNDS {
        let arm = SwitchCommand::Arm {
            switch: SwitchId::new("throttle"),
            scope: Scope::Devices(vec![format!("d{round}")]),
            parameters: Values::new(),
        };
        asker.command(Ticket(round as u64 * 2), Command::Switch(arm));
        replies.recv().await.unwrap().1.unwrap();
        let arming = until(&mut snapshots, |s| s.arming.as_ref().map(|armed| armed.id)).await;
        // The guard: a person looks before confirming.
        tokio::time::sleep(Duration::from_millis(320)).await;
        let fire = SwitchCommand::Fire(Confirmation { arming, typed: "1".into() });
        let pressed = Instant::now();
        asker.command(Ticket(round as u64 * 2 + 1), Command::Switch(fire));
        pulled.push(arrived.recv().await.unwrap() - pressed);
        replies.recv().await.unwrap().1.unwrap();
    }
    let bare = told("a bare message", bare);
    let pulled = told("a switch, with its synced intent", pulled);
    println!("ratio of the medians {:.1}", pulled.as_secs_f64() / bare.as_secs_f64());
    station.close("done").await;
}
