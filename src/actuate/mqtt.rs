//! The MQTT actuator: publishes the call of a switch and says what the broker made of it.
//!
//! A broker's yes is not an outcome: it says that the message has arrived there. Whether it did anything is seen in
//! what the controller and the devices say.

use std::time::Duration;

use super::gate::Confirmed;
use crate::domain::input::Outcome;
use crate::mqtt::{Delivery, Outbox};

/// How long the broker has to confirm.
const WITHIN: Duration = Duration::from_secs(10);

/// Carries out a confirmed proposal.
pub async fn fire(confirmed: Confirmed, outbox: &Outbox) -> Outcome {
    let call = confirmed.into_proposal().call;
    match outbox.deliver(call.topic, call.payload.into_bytes(), call.retain, WITHIN).await {
        Delivery::Sent => Outcome::Sent,
        Delivery::NotSent(reason) => Outcome::NotSent { reason },
        Delivery::Unknown(reason) => Outcome::Unknown { reason },
    }
}
