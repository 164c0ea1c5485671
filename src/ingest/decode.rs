//! Payload formats, one a file.

mod fields;
pub mod standard;

use super::Arrival;
use super::route::MessageKind;

/// A message that has been routed and waits to be decoded.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    pub arrival: Arrival<'a>,
    pub kind: MessageKind,
    pub topic: &'a str,
    /// The device in the topic, safe to show; and as it was sent, for comparing.
    pub device: &'a str,
    pub device_as_sent: &'a str,
    pub site: Option<&'a str>,
    pub campaign: Option<&'a str>,
    /// A command named by the topic itself.
    pub action: Option<&'a str>,
    /// Somebody looks at this device: keep the message as it came.
    pub watched: bool,
}
