//! From bytes to observations: a route says what a topic is about, a decoder says what the payload tells.
//!
//! Usable without a broker: [`Ingest::take`] wants a topic, a payload and a moment. Nothing that comes in here can fail:
//! what cannot be read becomes a counted fault with a sample. Text is made safe to show on the way in.

pub mod capture;
pub mod decode;
pub mod encode;
pub mod preset;
pub mod route;

use decode::{Memory, Message};
use route::{Routed, Router};

use crate::domain::fault::Fault;
use crate::domain::observation::{Batch, Body, Envelope};
use crate::domain::text::visible_bytes;
use crate::domain::time::At;
use crate::fleet::attributes::Schema;
use crate::limits;

/// A message as a client hands it over.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    pub at: At,
    pub topic: &'a [u8],
    pub payload: &'a [u8],
    pub retained: bool,
    /// The length it really had, where the payload was cut on its way in.
    pub full_length: Option<u64>,
}

/// Routes and decoders of one fleet.
#[derive(Debug)]
pub struct Ingest {
    router: Router,
    schema: Schema,
    memory: Memory,
}

impl Ingest {
    pub fn new(router: Router, schema: Schema) -> Self {
        Self { router, schema, memory: Memory::default() }
    }

    pub const fn router(&self) -> &Router {
        &self.router
    }

    /// The link was lost: messages may have been missed, and nobody is to blame for a gap.
    pub fn interrupted(&mut self) {
        self.memory.interrupted();
    }

    /// Reads a message into the batch. `watched` is a device whose every message is to be kept as it came.
    pub fn take(&mut self, arrival: Arrival<'_>, watched: Option<&str>, batch: &mut Batch) {
        let Ok(topic) = std::str::from_utf8(arrival.topic) else {
            return fault(arrival, "", Fault::BadTopic, batch);
        };
        let routed = match self.router.route(topic) {
            Ok(Some(routed)) => routed,
            Ok(None) => return,
            Err(problem) => return fault(arrival, "", problem, batch),
        };
        let Routed { route, device, site, campaign, action, rest } = routed;
        let within = site.filter(|_| self.router.names_per_site());
        let device = device.map(|id| decode::called(id, within));
        if arrival.payload.len() > limits::PAYLOAD || arrival.full_length.is_some() {
            return fault(arrival, device.as_deref().unwrap_or(""), Fault::TooLarge, batch);
        }
        let message = Message {
            arrival,
            kind: route.kind,
            topic,
            rest,
            device: device.as_deref().unwrap_or(""),
            device_as_sent: routed.device.unwrap_or(""),
            site,
            within,
            campaign,
            action,
            watched,
            hearsay: false,
            part: false,
        };
        decode::decode(&route.format, &message, &self.schema, &mut self.memory, batch);
    }
}

/// Takes a message that was set aside on its way in: too large to be read, or with a topic that is not one.
pub fn take_quarantined(arrival: Arrival<'_>, batch: &mut Batch) {
    let too_large = arrival.full_length.is_some_and(|length| length > limits::PAYLOAD as u64);
    fault(arrival, "", if too_large { Fault::TooLarge } else { Fault::BadTopic }, batch);
}

/// Pushes a fault with its sample, and with the device whose message it is where the topic tells.
fn fault(arrival: Arrival<'_>, device: &str, fault: Fault, batch: &mut Batch) {
    let mark = batch.mark();
    let device = batch.keep(device);
    let topic = batch.keep(&visible_bytes(arrival.topic, limits::SENTENCE));
    let raw = batch.keep(&visible_bytes(arrival.payload, limits::PREVIEW));
    let bytes = arrival.full_length.unwrap_or(arrival.payload.len() as u64).min(u32::MAX.into()) as u32;
    let envelope = Envelope { at: arrival.at, device, retained: arrival.retained, hearsay: false, bytes, topic, raw };
    batch.push(mark, envelope, Body::Fault(fault));
}

#[cfg(test)]
mod tests;
