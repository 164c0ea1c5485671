//! MQTT: the link to a broker, and a small broker for drills. The client library is known here and nowhere else.
//!
//! The client is rumqttc by its maintained continuation. What it leaves to its user is done here: dialling and TLS,
//! subscribing again after each connect, growing delays, a watchdog, an outbox with deadlines, and a [`guard`] that
//! keeps one poisonous message from ending the connection for ever.

pub mod broker;
mod dial;
mod guard;
pub mod link;
mod outbox;
pub mod probe;
mod session;
pub mod way;

pub use dial::{Failure, Tls};
pub use guard::QUARANTINE;
pub use link::{Credentials, Link, LinkEvent, LinkOptions, Protocol};
pub use outbox::{Delivery, Outbox, Qos};
