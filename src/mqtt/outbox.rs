//! What goes out. A caller waits for the broker's word, within a deadline; the task that reads never waits for anybody.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::session::{Published, Sender};

/// How surely a message is to arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Qos {
    AtMostOnce,
    AtLeastOnce,
    ExactlyOnce,
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The broker has confirmed it; where nobody confirms (QoS 0), it has left this machine.
    Sent,
    /// It is known that the broker does not have it.
    NotSent(String),
    /// The broker may have it.
    Unknown(String),
}

/// The way out of a link, whatever session it has just now.
#[derive(Clone, Debug)]
pub struct Outbox {
    sender: watch::Receiver<Option<Sender>>,
}

impl Outbox {
    pub(super) const fn new(sender: watch::Receiver<Option<Sender>>) -> Self {
        Self { sender }
    }

    /// Sends a message and waits until the broker has confirmed it, for at most `within`.
    pub async fn deliver(&self, topic: String, payload: Vec<u8>, retain: bool, within: Duration) -> Delivery {
        self.deliver_at(Qos::AtLeastOnce, topic, payload, retain, within).await
    }

    /// The same at any QoS.
    pub async fn deliver_at(
        &self,
        qos: Qos,
        topic: String,
        payload: Vec<u8>,
        retain: bool,
        within: Duration,
    ) -> Delivery {
        let deadline = Instant::now() + within;
        let Some(sender) = self.connected(deadline).await else {
            return Delivery::NotSent(format!("not connected to the broker for {} s", within.as_secs()));
        };
        match timeout_at(deadline, sender.publish(qos, topic, payload, retain)).await {
            Ok(Published::Confirmed) => Delivery::Sent,
            Ok(Published::Refused(reason)) => Delivery::NotSent(reason),
            Ok(Published::Unconfirmed(reason)) => Delivery::Unknown(reason),
            Err(_) => Delivery::Unknown(format!("the broker did not confirm within {} s", within.as_secs())),
        }
    }

    /// Sends a message as telemetry is sent: handed over, and forgotten. False when it was not even handed over.
    pub async fn push(&self, topic: String, payload: Vec<u8>, retain: bool) -> bool {
        let sender = self.sender.borrow().clone();
        match sender {
            Some(sender) => sender.push(topic, payload, retain).await,
            None => false,
        }
    }

    /// Waits for a session, until the deadline.
    async fn connected(&self, deadline: Instant) -> Option<Sender> {
        let mut sender = self.sender.clone();
        let found = timeout_at(deadline, sender.wait_for(Option::is_some)).await.ok()?.ok()?;
        found.clone()
    }
}
