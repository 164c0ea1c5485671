//! The conductor: puts a simulated world on real MQTT, in step with a clock.
//!
//! The world's devices share a few connections; messages of one device always take the same one, so that they stay in
//! order. What is published to the world (a halt, a rollback) comes back by a subscription like any device's.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{self, Receiver};
use tokio::task::JoinHandle;

use super::world::{Published, World, orders};
use crate::domain::time::At;
use crate::mqtt::broker::Broker;
use crate::mqtt::{Link, LinkEvent, LinkOptions, Protocol};

/// Connections that the simulated devices share.
const CONNECTIONS: usize = 4;
/// How often the world moves on.
const STEP: Duration = Duration::from_millis(50);

/// Orders waiting for the world: a push to every device of the largest fleet.
const ORDERS: usize = 131_072;

/// Reads the drill's time.
pub type DrillClock = Arc<dyn Fn() -> At + Send + Sync>;

/// A world on the air, with its broker.
#[derive(Debug)]
pub struct Conductor {
    broker: Broker,
    task: JoinHandle<()>,
}

/// What the world's links tell the conductor.
enum Told {
    Up,
    Order { topic: String, payload: Vec<u8> },
}

impl Conductor {
    /// Starts a broker and puts the world on it. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// When the broker finds no port.
    pub async fn start(world: World, clock: DrillClock) -> io::Result<Self> {
        let broker = Broker::start().await?;
        let (tell, told) = mpsc::channel(ORDERS);
        let orders = orders::filters(&world.scenario().fleet.root);
        let links = (0..CONNECTIONS)
            .map(|n| {
                let subscriptions = if n == 0 { orders.clone() } else { Vec::new() };
                let tell = tell.clone();
                Link::start(options(broker.address(), n, subscriptions), move |event| {
                    let told = match event {
                        LinkEvent::Up => Told::Up,
                        LinkEvent::Message { topic, payload, .. } => Told::Order {
                            topic: String::from_utf8_lossy(&topic).into_owned(),
                            payload: payload.to_vec(),
                        },
                        _ => return,
                    };
                    // When the conductor has ended, or is this far behind, nobody is there to be told.
                    let _ = tell.try_send(told);
                })
            })
            .collect();
        let task = tokio::spawn(conduct(world, clock, links, told));
        Ok(Self { broker, task })
    }

    pub const fn address(&self) -> SocketAddr {
        self.broker.address()
    }

    pub const fn broker(&self) -> &Broker {
        &self.broker
    }
}

impl Drop for Conductor {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn options(address: SocketAddr, n: usize, subscriptions: Vec<String>) -> LinkOptions {
    LinkOptions {
        host: address.ip().to_string(),
        port: address.port(),
        tls: None,
        protocol: Protocol::V3,
        client_id: format!("world-{n}"),
        credentials: Arc::new(|| Ok(None)),
        keep_alive_s: 30,
        subscriptions,
        seed: n as u64,
    }
}

async fn conduct(mut world: World, clock: DrillClock, links: Vec<Link>, mut told: Receiver<Told>) {
    for _ in 0..links.len() {
        while !matches!(told.recv().await, Some(Told::Up) | None) {}
    }
    let retained = world.retained(clock());
    publish(&links, retained).await;
    let mut step = tokio::time::interval(STEP);
    step.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        step.tick().await;
        let now = clock();
        while let Ok(news) = told.try_recv() {
            if let Told::Order { topic, payload } = news {
                world.hear(&topic, &payload, now);
            }
        }
        publish(&links, world.advance(now)).await;
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
