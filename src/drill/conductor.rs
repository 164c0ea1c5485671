//! The conductor: puts a simulated world on real MQTT, in step with a clock.
//!
//! The world's devices share a few connections; messages of one device always take the same one, so that they stay in
//! order. What is published to the world (a halt, a rollback) comes back by a subscription like any device's. On a
//! staging broker everything is taken back at the end.

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::task::JoinHandle;

use super::scenario::FaultPlan;
use super::staging;
use super::world::{Published, World, orders};
use crate::domain::drill::StageOrder;
use crate::domain::input::StageNews;
use crate::domain::time::At;
use crate::mqtt::broker::Broker;
use crate::mqtt::{Link, LinkEvent, LinkOptions};

/// Connections that the simulated devices share.
const CONNECTIONS: usize = 4;
/// How often the world moves on.
const STEP: Duration = Duration::from_millis(50);
/// A step that takes this long shows that the machine is too slow, where it is not the first one, which tells of everything.
const TOO_LONG: Duration = Duration::from_millis(1_500);

/// Orders waiting for the world: a push to every device of the largest fleet.
const ORDERS: usize = 131_072;

/// Reads the drill's time.
pub type DrillClock = Arc<dyn Fn() -> At + Send + Sync>;
/// Sets how much faster than life it runs.
pub type SetSpeed = Arc<dyn Fn(f64) + Send + Sync>;

/// What the conductor works with, beside the world.
pub struct Score {
    pub clock: DrillClock,
    /// The speed that was asked for.
    pub speed: f64,
    pub set_speed: SetSpeed,
    /// What the facilitator wants.
    pub orders: Receiver<StageOrder>,
    /// What the room should know.
    pub news: Sender<StageNews>,
    /// A broker that is not ours, as its clients reach it; one of our own where none is given.
    pub staging: Option<LinkOptions>,
}

/// A world on the air, with its broker.
#[derive(Debug)]
pub struct Conductor {
    broker: Option<Arc<Broker>>,
    task: Option<JoinHandle<()>>,
    end: Sender<()>,
}

/// What the world's links tell the conductor.
enum Told {
    Up { link: usize },
    Down { link: usize, reason: String },
    Order { topic: String, payload: Vec<u8> },
}

impl Conductor {
    /// Starts a broker, where none is given, and puts the world on it. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// When the broker finds no port.
    pub async fn start(world: World, score: Score) -> io::Result<Self> {
        let broker = if score.staging.is_some() { None } else { Some(Arc::new(Broker::start().await?)) };
        let (tell, told) = mpsc::channel(ORDERS);
        let filters = orders::filters(&world.scenario().fleet.root);
        let links = (0..CONNECTIONS)
            .map(|n| {
                let subscriptions = if n == 0 { filters.clone() } else { Vec::new() };
                let options = match (&broker, &score.staging) {
                    (Some(broker), _) => own(broker.address(), n),
                    (None, Some(staging)) => {
                        LinkOptions { client_id: format!("{}-world-{n}", staging.client_id), ..staging.clone() }
                    }
                    (None, None) => return Err(io::Error::other("there is no broker")),
                };
                let tell = tell.clone();
                Ok(Link::start(LinkOptions { subscriptions, ..options }, move |event| {
                    let told = match event {
                        LinkEvent::Up => Told::Up { link: n },
                        LinkEvent::Down { reason, .. } => Told::Down { link: n, reason },
                        LinkEvent::Message { topic, payload, .. } => Told::Order {
                            topic: String::from_utf8_lossy(&topic).into_owned(),
                            payload: payload.to_vec(),
                        },
                        _ => return,
                    };
                    // When the conductor has ended, or is this far behind, nobody is there to be told.
                    let _ = tell.try_send(told);
                }))
            })
            .collect::<io::Result<Vec<_>>>()?;
        let (end, ended) = mpsc::channel(1);
        let task = tokio::spawn(conduct(world, score, links, told, broker.clone(), ended));
        Ok(Self { broker, task: Some(task), end })
    }

    /// Where our own broker is.
    pub fn address(&self) -> Option<SocketAddr> {
        self.broker.as_ref().map(|broker| broker.address())
    }

    pub fn broker(&self) -> Option<&Broker> {
        self.broker.as_deref()
    }

    /// Ends the game day, and waits until everything is undone.
    pub async fn end(mut self) {
        let _ = self.end.send(()).await;
        if let Some(task) = self.task.take() {
            // A conductor that panicked has said so through the panic hook.
            let _ = task.await;
        }
    }
}

impl Drop for Conductor {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

fn own(address: SocketAddr, n: usize) -> LinkOptions {
    let link = LinkOptions::plain(address.ip().to_string(), address.port(), format!("world-{n}"));
    LinkOptions { keep_alive_s: 30, seed: n as u64, ..link }
}

async fn conduct(
    mut world: World,
    mut score: Score,
    links: Vec<Link>,
    mut told: Receiver<Told>,
    broker: Option<Arc<Broker>>,
    mut ended: Receiver<()>,
) {
    let mut up = 0;
    while up < links.len() {
        tokio::select! {
            news = told.recv() => match news {
                Some(Told::Up { .. }) => up += 1,
                Some(Told::Order { .. } | Told::Down { .. }) => {}
                None => break,
            },
            _ = ended.recv() => return take_back(&world, &score, links).await,
        }
    }
    let retained = world.retained((score.clock)());
    publish(&links, retained).await;
    let mut step = tokio::time::interval(STEP);
    step.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut last = (score.clock)();
    let mut away = BTreeSet::new();
    loop {
        tokio::select! {
            _ = step.tick() => {}
            _ = ended.recv() => break,
        }
        let now = (score.clock)();
        while let Ok(news) = told.try_recv() {
            match news {
                Told::Order { topic, payload } => world.hear(&topic, &payload, now),
                // Our own broker goes away only where the scenario says so.
                Told::Down { .. } | Told::Up { .. } if broker.is_some() => {}
                Told::Down { link, reason } => {
                    if away.is_empty() {
                        let _ = score.news.try_send(StageNews::Lost { reason });
                    }
                    away.insert(link);
                }
                Told::Up { link } => {
                    if away.remove(&link) && away.is_empty() {
                        // A broker that was started anew may have forgotten who was there.
                        publish(&links, world.retained_anew(now)).await;
                        let _ = score.news.try_send(StageNews::Back);
                    }
                }
            }
        }
        let mut over = false;
        while let Ok(order) = score.orders.try_recv() {
            match order {
                StageOrder::Plant(planted) => {
                    if let Some(fault) = FaultPlan::improvised(&planted) {
                        world.plant(fault, now);
                    }
                }
                StageOrder::End => over = true,
                StageOrder::Pause | StageOrder::Resume | StageOrder::Step { .. } => {}
            }
        }
        if over {
            take_back(&world, &score, links).await;
            // The room is looked at for as long as people like.
            let _ = ended.recv().await;
            return;
        }
        if let Some(broker) = &broker {
            broker.open(world.has_broker(now));
        }
        let began = Instant::now();
        publish(&links, world.advance(now)).await;
        slow_down(&mut score, now.since_ms(last), began.elapsed());
        last = now;
    }
    take_back(&world, &score, links).await;
}

/// Where a step takes longer than the time that it plays, the clock is slowed to what this machine can do.
fn slow_down(score: &mut Score, played_ms: i64, took: Duration) {
    if took < TOO_LONG || played_ms <= 0 {
        return;
    }
    let real = 0.8 * played_ms as f64 / took.as_secs_f64() / 1000.0;
    if real < 0.9 * score.speed {
        (score.set_speed)(real);
        // A room that is closing does not need to know.
        let _ = score.news.try_send(StageNews::Slowed { asked: score.speed, real });
        score.speed = real;
    }
}

/// Lets the clients go, and on a staging broker removes everything that the game day has left there.
async fn take_back(world: &World, score: &Score, links: Vec<Link>) {
    for link in links {
        link.stop().await;
    }
    if let Some(staging) = &score.staging {
        let root = &world.scenario().fleet.root;
        if let Ok(messages) = staging::clear(staging, root).await {
            let _ = score.news.try_send(StageNews::Cleared { topic: root.clone(), messages });
        }
    }
}

async fn publish(links: &[Link], messages: Vec<Published>) {
    let outboxes: Vec<_> = links.iter().map(Link::outbox).collect();
    for Published { device, message, .. } in messages {
        let outbox = &outboxes[device.unwrap_or(0) as usize % outboxes.len()];
        // A message that finds its connection down is lost, as a device's would be.
        outbox.push(message.topic, message.payload, message.retain).await;
    }
}
