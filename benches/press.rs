//! From the confirming key to the message on the wire, with the intent synced to disk between, and how a room answers
//! while it pushes a configuration to ten thousand devices: `cargo bench --bench press`.
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
use warroom::mqtt::{Link, LinkEvent, LinkOptions};
use warroom::runtime::clock::Clock;
use warroom::runtime::{Source, Station, StationOptions};

const ROUNDS: usize = 200;
const PATIENCE: Duration = Duration::from_secs(10);

fn link(address: std::net::SocketAddr, id: &str, subscriptions: &[&str]) -> LinkOptions {
    let subscriptions = subscriptions.iter().map(|filter| (*filter).to_owned()).collect();
    LinkOptions { subscriptions, ..LinkOptions::plain(address.ip().to_string(), address.port(), id) }
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
        stage: None,
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
        while arrived.try_recv().is_ok() {}
        let pressed = Instant::now();
        other.outbox().deliver("fleet/access/x/control".into(), b"{}".to_vec(), false, PATIENCE).await;
        bare.push(arrived.recv().await.unwrap() - pressed);
    }
    let mut pulled = Vec::new();
    let asker = station.asker();
    let mut last = 0;
    for round in 0..ROUNDS {
        let arm = SwitchCommand::Arm {
            switch: SwitchId::new("throttle"),
            scope: Scope::Devices(vec![format!("d{round}")]),
            parameters: Values::new(),
        };
        asker.command(Ticket(round as u64 * 2), Command::Switch(arm));
        replies.recv().await.unwrap().1.unwrap();
        // Not the one of the round before, which an older snapshot still has.
        let arming = until(&mut snapshots, |s| s.arming.as_ref().map(|armed| armed.id).filter(|id| *id > last)).await;
        last = arming;
        // The guard: a person looks before confirming.
        tokio::time::sleep(Duration::from_millis(320)).await;
        let fire = SwitchCommand::Fire(Confirmation { arming, typed: "1".into() });
        while arrived.try_recv().is_ok() {}
        let pressed = Instant::now();
        asker.command(Ticket(round as u64 * 2 + 1), Command::Switch(fire));
        pulled.push(arrived.recv().await.unwrap() - pressed);
        replies.recv().await.unwrap().1.unwrap();
    }
    let bare = told("a bare message", bare);
    let pulled = told("a switch, with its synced intent", pulled);
    println!("ratio of the medians {:.1}", pulled.as_secs_f64() / bare.as_secs_f64());
    station.close("done").await;
    push().await;
}

const DEVICES: usize = 10_000;
/// Pushes a second: the whole fleet in ten.
const PACE: f64 = 1000.0;

/// A push to ten thousand devices, a third of which are away, while somebody works in the room.
async fn push() {
    let broker = Broker::start().await.unwrap();
    let data = tempfile::tempdir().unwrap();
    let mut settings = Settings { operator: "bench".into(), ..Settings::default() };
    for switch in &mut settings.switches {
        Arc::make_mut(switch).steps[0].per_second = PACE;
    }
    let options = StationOptions {
        ingest: Ingest::new(Router::standard("fleet").unwrap(), settings.fleet.schema.clone()),
        settings,
        log: data.path().join("log.db"),
        source: Source::Broker(link(broker.address(), "room", &["fleet/#"])),
        drill: None,
        clock: Arc::new(Clock::live()),
        secrets: Arc::new(|name| Err(name.to_owned())),
        socket: None,
        stage: None,
    };
    let (station, mut replies) = Station::open(options).unwrap();
    let mut snapshots = station.snapshots();
    until(&mut snapshots, |s| s.link.is_up().then_some(())).await;
    // The devices: those that are connected report what they are sent.
    let (orders, mut ordered) = mpsc::unbounded_channel::<String>();
    let fleet = Link::start(link(broker.address(), "fleet", &["fleet/+/+/config/desired"]), move |event| {
        if let LinkEvent::Message { topic, .. } = event {
            let _ = orders.send(String::from_utf8_lossy(&topic).into_owned());
        }
    });
    for n in 0..DEVICES {
        let status = if n % 3 == 0 { r#"{"online":false}"# } else { r#"{"online":true}"# };
        while !fleet.outbox().push(format!("fleet/a/d{n}/status"), status.into(), true).await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    until(&mut snapshots, |s| (s.totals.devices == DEVICES as u32).then_some(())).await;
    let outbox = fleet.outbox();
    let reports = tokio::spawn(async move {
        while let Some(topic) = ordered.recv().await {
            let device: usize = topic.split('/').nth(2).and_then(|id| id[1..].parse().ok()).unwrap_or_default();
            if !device.is_multiple_of(3) {
                outbox.push(topic.replace("desired", "reported"), br#"{"version":"c-2"}"#.to_vec(), false).await;
            }
        }
    });

    let asker = station.asker();
    let parameters: Values =
        [("version", "c-2"), ("values", "{}")].into_iter().map(|(name, value)| (name.into(), value.into())).collect();
    let scope = Scope::Cohort(warroom::domain::cohort::CohortKey::of("site", "a"));
    let arm = SwitchCommand::Arm { switch: SwitchId::new("config-push"), scope, parameters };
    asker.command(Ticket(1), Command::Switch(arm));
    replies.recv().await.unwrap().1.unwrap();
    let arming = until(&mut snapshots, |s| s.arming.as_ref().map(|armed| armed.id)).await;
    tokio::time::sleep(Duration::from_millis(320)).await;
    asker.command(Ticket(2), Command::Switch(SwitchCommand::Fire(Confirmation { arming, typed: DEVICES.to_string() })));
    replies.recv().await.unwrap().1.unwrap();
    let approval = until(&mut snapshots, |s| s.requests.last().map(|request| request.approval)).await;
    let reason = "nobody else is in this benchmark".into();
    asker.command(Ticket(3), Command::Switch(SwitchCommand::BreakGlass { approval, reason }));
    replies.recv().await.unwrap().1.unwrap();

    let (mut answers, mut looks) = (Vec::new(), 0);
    for n in 0_u64.. {
        let pressed = Instant::now();
        asker.command(Ticket(10 + n), Command::Note { incident: None, text: "still here".into() });
        replies.recv().await.unwrap().1.unwrap();
        answers.push(pressed.elapsed());
        let tally = snapshots.borrow_and_update().actuations.values().find_map(|view| view.tally);
        if let Some(tally) = tally {
            looks += 1;
            assert_eq!(tally.done + tally.pending + tally.offline + tally.escaped, DEVICES as u32, "{tally:?}");
            if tally.pending == 0 {
                println!(
                    "pushed to {DEVICES}: acked {}, offline-queued {}, added up at {looks} looks",
                    tally.done, tally.offline
                );
                break;
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    told("a key answered during the push", answers);
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let memory = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("VmHWM unknown").to_owned();
    println!("memory of room, broker and fleet together, at most: {}", memory.trim_start_matches("VmHWM:").trim());
    reports.abort();
    station.close("done").await;
}
