//! The MQTT actuator: publishes, and says what the broker made of it.
//!
//! A broker's yes is not an outcome: it says that the message has arrived there. Whether it did anything is seen in
//! what the controller and the devices say.

use std::time::Duration;

use crate::domain::input::Outcome;
use crate::domain::switch::{Publish, Qos};
use crate::mqtt::{self, Delivery, Outbox};

/// How long the broker has to confirm.
const WITHIN: Duration = Duration::from_secs(10);

/// Publishes, and waits for the broker's word, where its QoS asks for one.
pub(super) async fn publish(publish: Publish, outbox: &Outbox) -> Outcome {
    let Publish { topic, payload, retain, qos } = publish;
    let qos = match qos {
        Qos::AtMostOnce => mqtt::Qos::AtMostOnce,
        Qos::AtLeastOnce => mqtt::Qos::AtLeastOnce,
        Qos::ExactlyOnce => mqtt::Qos::ExactlyOnce,
    };
    match outbox.deliver_at(qos, topic, payload.into_bytes(), retain, WITHIN).await {
        Delivery::Sent => Outcome::Sent,
        Delivery::NotSent(reason) => Outcome::NotSent { reason },
        Delivery::Unknown(reason) => Outcome::Unknown { reason },
    }
}
