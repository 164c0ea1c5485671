//! Payload formats, one a file. `standard` is the room's own; the others belong to fleets that were there before it.
//!
//! A decoder fills in [`fields::Fields`] and hands them to [`tell::tell`], which makes an observation of them. What a
//! decoder must remember from message to message lies in [`Memory`], and every part of it has a bound.

pub mod aws;
pub mod emqx;
pub mod esphome;
mod fields;
mod fill;
pub mod homeassistant;
pub mod homie;
pub mod mapped;
pub mod mosquitto;
mod presence;
pub mod shelly;
pub mod sparkplug;
pub mod standard;
pub mod tasmota;
mod tell;
pub mod thingsboard;
mod walk;
pub mod zigbee2mqtt;

use std::borrow::Cow;

use super::Arrival;
use super::route::{Format, MessageKind};
use crate::domain::fault::Fault;
use crate::domain::observation::Batch;
use crate::domain::site;
use crate::fleet::attributes::Schema;
use crate::limits;

/// A message that has been routed and waits to be decoded.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    pub arrival: Arrival<'a>,
    pub kind: MessageKind,
    pub topic: &'a str,
    /// What stands below the route's own levels; empty where the route is not open-ended.
    pub rest: &'a str,
    /// The device in the topic, safe to show; and as it was sent, for comparing.
    pub device: &'a str,
    pub device_as_sent: &'a str,
    pub site: Option<&'a str>,
    /// The site within which names of devices differ, where they do not differ beyond it.
    pub within: Option<&'a str>,
    pub campaign: Option<&'a str>,
    /// A command, or a kind of message, named by the topic itself.
    pub action: Option<&'a str>,
    /// Somebody looks at this device: keep its messages as they came.
    pub watched: Option<&'a str>,
    /// Said about the device by somebody else: it shows no life.
    pub hearsay: bool,
    /// One of many devices in a message, which is not kept again for each of them.
    pub part: bool,
}

impl<'a> Message<'a> {
    /// The same message, about a device that the payload or the rest of the topic names.
    const fn about<'m>(&self, device: &'m str) -> Message<'m>
    where
        'a: 'm,
    {
        Message { device, device_as_sent: device, ..*self }
    }

    const fn of(&self, kind: MessageKind) -> Self {
        Self { kind, ..*self }
    }

    /// The same message, said by somebody else than the device.
    const fn hearsay(&self) -> Self {
        Self { hearsay: true, ..*self }
    }

    const fn part(&self) -> Self {
        Self { part: true, ..*self }
    }
}

/// What the room calls a device, safe to show.
pub(super) fn called<'a>(id: &'a str, within: Option<&str>) -> Cow<'a, str> {
    site::called(id, within, limits::DEVICE_ID)
}

/// A device's name, safe to show.
///
/// # Errors
/// When there is none, or one that is longer than any name.
fn name(id: &str) -> Result<Cow<'_, str>, Fault> {
    name_within(id, None)
}

/// The same, of a name within a site.
fn name_within<'a>(id: &'a str, within: Option<&str>) -> Result<Cow<'a, str>, Fault> {
    match id.len() {
        0 => Err(Fault::BadShape),
        length if length > limits::DEVICE_ID * 4 => Err(Fault::IdTooLong),
        _ => Ok(called(id, within)),
    }
}

/// What decoders remember of earlier messages.
#[derive(Debug, Default)]
pub struct Memory {
    sparkplug: sparkplug::Nodes,
    aws: aws::Clients,
    emqx: emqx::Cluster,
    homie: homie::Families,
}

impl Memory {
    /// Messages were missed: what hangs on an unbroken sequence begins anew.
    pub fn interrupted(&mut self) {
        self.sparkplug.interrupted();
    }
}

/// Reads a message into the batch.
pub fn decode(format: &Format, message: &Message<'_>, schema: &Schema, memory: &mut Memory, batch: &mut Batch) {
    match format {
        Format::Standard => standard::decode(message, schema, batch),
        Format::Json(mapping) => mapped::decode(message, mapping, schema, batch),
        Format::Sparkplug => sparkplug::decode(message, schema, &mut memory.sparkplug, batch),
        Format::Aws => aws::decode(message, schema, &mut memory.aws, batch),
        Format::Emqx => emqx::decode(message, schema, &mut memory.emqx, batch),
        Format::Mosquitto => mosquitto::decode(message, schema, batch),
        Format::Tasmota => tasmota::decode(message, schema, batch),
        Format::Zigbee2mqtt => zigbee2mqtt::decode(message, schema, batch),
        Format::Esphome => esphome::decode(message, schema, batch),
        Format::HomeAssistant => homeassistant::decode(message, schema, batch),
        Format::Shelly => shelly::decode(message, schema, batch),
        Format::Homie => homie::decode(message, schema, &mut memory.homie, batch),
        Format::Thingsboard => thingsboard::decode(message, schema, batch),
    }
}
