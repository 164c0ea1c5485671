//! The `standard` format: JSON below `fleet/{site}/{device}/…`, as the README documents it.

use super::Message;
use super::fields::{self, Fields};
use super::presence;
use super::tell::{cleared, tell, unreadable};
use crate::domain::fault::Fault;
use crate::domain::observation::Batch;
use crate::fleet::attributes::Schema;
use crate::ingest::route::MessageKind;

/// Reads a message into the batch: one observation, and a fault for each thing that is wrong with it.
pub fn decode(message: &Message<'_>, schema: &Schema, batch: &mut Batch) {
    let payload = message.arrival.payload;
    if payload.is_empty() && message.kind != MessageKind::Telemetry && message.kind != MessageKind::Event {
        // A retained message was cleared at the broker, which is nothing wrong.
        if matches!(message.kind, MessageKind::Status | MessageKind::CampaignState) {
            cleared(message, batch);
        }
        return;
    }
    if message.kind == MessageKind::Status
        && let Some(online) = presence::word(payload)
    {
        return tell(message, &Fields { online: Some(online), ..Fields::default() }, schema, batch);
    }
    match fields::read(payload, schema) {
        Ok(fields) if fields.device_id.as_ref().is_some_and(|id| id.0 != message.device_as_sent) => {
            unreadable(message, Fault::IdMismatch, batch);
        }
        Ok(fields) => tell(message, &fields, schema, batch),
        Err(fault) => unreadable(message, fault, batch),
    }
}
