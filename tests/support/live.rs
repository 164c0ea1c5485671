//! A live room without a screen: the real runtime, log and link, asked through its own door.

#![allow(dead_code, clippy::unwrap_used)]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use warroom::config::Config;
use warroom::domain::command::Command;
use warroom::domain::ids::Seq;
use warroom::domain::input::Ticket;
use warroom::domain::switch::Switch;
use warroom::engine::Settings;
use warroom::engine::snapshot::Snapshot;
use warroom::ingest::Ingest;
use warroom::ingest::route::Router;
use warroom::mqtt::{Delivery, Link, LinkEvent, LinkOptions, Protocol};
use warroom::runtime::clock::Clock;
use warroom::runtime::{Reply, Source, Station, StationOptions};

/// How long anything may take that must come.
const PATIENCE: Duration = Duration::from_secs(20);

pub struct Live {
    pub station: Station,
    pub snapshots: watch::Receiver<Arc<Snapshot>>,
    replies: mpsc::Receiver<Reply>,
    tickets: u64,
}

/// Options to reach a broker on this machine.
pub fn link(port: u16, protocol: Protocol) -> LinkOptions {
    let id = format!("warroom-test-{}", super::mosquitto::free_port());
    LinkOptions { protocol, subscriptions: vec!["fleet/#".into()], ..LinkOptions::plain("localhost", port, id) }
}

/// The first switch of a configuration, in a room whose time runs `speed` times as fast: who is asked answers in that of
/// life.
pub fn patient(source: &str, speed: f64) -> Switch {
    let mut switch = Config::read(source, "test").unwrap().switches().swap_remove(0);
    for step in &mut switch.steps {
        step.answer = step.answer.mul_f64(speed);
    }
    switch
}

impl Live {
    pub fn open(link: LinkOptions, data: &Path) -> Self {
        Self::open_at(link, data, Vec::new(), 1.0)
    }

    /// A room with these switches beside the standard ones, whose time runs `speed` times as fast.
    pub fn open_at(link: LinkOptions, data: &Path, switches: Vec<Switch>, speed: f64) -> Self {
        Self::open_with(link, data, speed, |settings| {
            settings.switches.splice(0..0, switches.into_iter().map(Arc::new));
        })
    }

    /// A room with other settings than usual.
    pub fn open_with(link: LinkOptions, data: &Path, speed: f64, with: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings { operator: "mira".into(), ..super::settings() };
        settings.pace = speed.ceil() as i64;
        with(&mut settings);
        let options = StationOptions {
            ingest: Ingest::new(Router::standard("fleet").unwrap(), settings.fleet.schema.clone()),
            settings,
            log: data.join("log.db"),
            source: Source::Broker(link),
            drill: None,
            clock: Arc::new(Clock::at_speed(speed)),
            socket: None,
            // One secret for everybody: `stub`, as headers have it.
            secrets: Arc::new(|_| Ok("c3R1Yg==".into())),
            stage: None,
        };
        let (station, replies) = Station::open(options).unwrap();
        Self { snapshots: station.snapshots(), station, replies, tickets: 0 }
    }

    /// Waits until a snapshot is as wanted, and returns what is found in it.
    pub async fn until<T>(&mut self, what: &str, wanted: impl Fn(&Snapshot) -> Option<T>) -> T {
        let search = async {
            loop {
                let found = wanted(&self.snapshots.borrow_and_update());
                match found {
                    Some(found) => return found,
                    None => self.snapshots.changed().await.unwrap(),
                }
            }
        };
        match tokio::time::timeout(PATIENCE, search).await {
            Ok(found) => found,
            Err(_) => panic!("never came: {what}; link {:?}", self.snapshots.borrow().link),
        }
    }

    pub async fn up(&mut self) {
        self.until("the link", |s| s.link.is_up().then_some(())).await;
    }

    /// Asks for something, and waits until it is on disk or refused.
    pub async fn ask(&mut self, command: Command) -> Result<Seq, String> {
        self.tickets += 1;
        assert!(self.station.asker().command(Ticket(self.tickets), command));
        let (ticket, result) = tokio::time::timeout(PATIENCE, self.replies.recv()).await.unwrap().unwrap();
        assert_eq!(ticket, Ticket(self.tickets));
        result.map_err(|refusal| refusal.0)
    }
}

/// Somebody else on the broker: devices, a controller.
pub struct Other {
    link: Link,
    events: mpsc::UnboundedReceiver<LinkEvent>,
}

impl Other {
    pub async fn connect(options: LinkOptions) -> Self {
        let (tell, events) = mpsc::unbounded_channel();
        let link = Link::start(options, move |event| drop(tell.send(event)));
        let mut other = Self { link, events };
        other.wait(|event| matches!(event, LinkEvent::Up).then_some(())).await;
        other
    }

    pub fn outbox(&self) -> warroom::mqtt::Outbox {
        self.link.outbox()
    }

    pub async fn wait<T>(&mut self, wanted: impl Fn(&LinkEvent) -> Option<T>) -> T {
        let search = async {
            loop {
                let event = self.events.recv().await.unwrap();
                if let Some(found) = wanted(&event) {
                    return found;
                }
            }
        };
        tokio::time::timeout(PATIENCE, search).await.expect("the event comes")
    }

    pub async fn say(&self, topic: &str, payload: impl Into<Vec<u8>>, retain: bool) {
        let delivery = self.link.outbox().deliver(topic.into(), payload.into(), retain, PATIENCE).await;
        assert_eq!(delivery, Delivery::Sent, "{topic}");
    }

    /// Sends without waiting for each.
    pub async fn push(&self, topic: &str, payload: impl Into<Vec<u8>>, retain: bool) {
        let pushed = self.link.outbox().push(topic.into(), payload.into(), retain).await;
        assert!(pushed, "{topic} was not taken");
    }

    /// Sends if there is a connection.
    pub async fn try_push(&self, topic: &str, payload: &str) -> bool {
        self.link.outbox().push(topic.into(), payload.into(), false).await
    }

    /// The next message on a topic, as JSON.
    pub async fn hear(&mut self, topic: &str) -> serde_json::Value {
        self.wait(|event| match event {
            LinkEvent::Message { topic: t, payload, .. } if t == topic.as_bytes() => {
                serde_json::from_slice(payload).ok()
            }
            _ => None,
        })
        .await
    }
}
