//! Sparkplug B: `spBv1.0/{group}/{message}/{node}[/{device}]`, Protocol Buffers. Births name the metrics and give them
//! aliases, data use the aliases, deaths end it. Devices are called `group/node` and `group/node/device`.
//!
//! Deliberately absent: the rebirth request. It is a command to the plant, and this room sends none by itself; where one
//! would help, the fault says so. Metric properties, data sets and templates are not read.
//!
//! The rules are those of the Sparkplug 3.0 specification, chapters 4 to 6.

mod nodes;
mod payload;

use std::borrow::Cow;

use prost::Message as _;

use super::fields::{Fields, RawStamp};
use super::tell::{counted, tell, unreadable};
use super::walk::Leaf;
use super::{Message, name, presence};
use crate::domain::fault::Fault;
use crate::domain::observation::Batch;
use crate::fleet::attributes::Schema;
use crate::ingest::route::MessageKind;
pub use nodes::Nodes;
use payload::{Metric, Payload};

pub fn decode(message: &Message<'_>, schema: &Schema, nodes: &mut Nodes, batch: &mut Batch) {
    let levels: Vec<&str> = message.rest.split('/').collect();
    let (group, place) = match levels[..] {
        ["STATE", host] => return counted(message, host_state(message, host, schema, batch), batch),
        [_, "NCMD" | "DCMD", ..] => return,
        [group, _, node] => (group, Place::new(group, node, None)),
        [group, _, node, device] => (group, Place::new(group, node, Some(device))),
        _ => return unreadable(message, Fault::BadTopic, batch),
    };
    let place = match place {
        Ok(place) => place,
        Err(fault) => return unreadable(message, fault, batch),
    };
    let message = place.message(message, group);
    let read = if levels.len() == 3 {
        of_node(&message, levels[1], &place, schema, nodes, batch)
    } else {
        of_device(&message, levels[1], &place, schema, nodes, batch)
    };
    counted(&message, read, batch);
}

/// Whom a message is about.
struct Place {
    node: String,
    /// The device behind the node, or the node itself.
    id: String,
}

impl Place {
    fn new(group: &str, node: &str, device: Option<&str>) -> Result<Self, Fault> {
        let node = format!("{group}/{node}");
        let id = device.map_or_else(|| node.clone(), |device| format!("{node}/{device}"));
        Ok(Self { node: name(&node)?.into_owned(), id: name(&id)?.into_owned() })
    }

    fn message<'m>(&'m self, message: &Message<'m>, group: &'m str) -> Message<'m> {
        Message { site: Some(group), ..message.about(&self.id) }
    }
}

/// `spBv1.0/STATE/{host}`: whether the plant's own host application is there. It is followed like a device.
fn host_state(message: &Message<'_>, host: &str, schema: &Schema, batch: &mut Batch) -> Result<(), Fault> {
    let id = format!("STATE/{host}");
    let device = name(&id)?;
    presence::told(&message.about(&device), Fields::default(), schema, batch)
}

fn of_node(
    message: &Message<'_>,
    kind: &str,
    place: &Place,
    schema: &Schema,
    nodes: &mut Nodes,
    batch: &mut Batch,
) -> Result<(), Fault> {
    match kind {
        "NBIRTH" => {
            let payload = read(message)?;
            if !nodes.born(&place.node, payload.bd_seq(), payload.seq) {
                unreadable(message, Fault::AliasesFull, batch);
            }
            birth(message, &payload, place, schema, nodes, batch);
        }
        "NDATA" => data(message, &read(message)?, place, schema, nodes, batch)?,
        "NDEATH" => node_death(message, place, schema, nodes, batch)?,
        _ => return Err(Fault::BadTopic),
    }
    Ok(())
}

fn of_device(
    message: &Message<'_>,
    kind: &str,
    place: &Place,
    schema: &Schema,
    nodes: &mut Nodes,
    batch: &mut Batch,
) -> Result<(), Fault> {
    let payload = match kind {
        "DBIRTH" | "DDATA" | "DDEATH" => read(message)?,
        _ => return Err(Fault::BadTopic),
    };
    match kind {
        "DBIRTH" => {
            in_sequence(message, &payload, place, nodes, batch)?;
            if !nodes.adopt(&place.node, &place.id) {
                unreadable(message, Fault::AliasesFull, batch);
            }
            birth(message, &payload, place, schema, nodes, batch);
        }
        "DDATA" => data(message, &payload, place, schema, nodes, batch)?,
        _ => {
            in_sequence(message, &payload, place, nodes, batch)?;
            nodes.disown(&place.node, &place.id);
            tell(&message.of(MessageKind::Status), &Fields::presence(false), schema, batch);
        }
    }
    Ok(())
}

fn read(message: &Message<'_>) -> Result<Payload, Fault> {
    Payload::decode(message.arrival.payload).map_err(|_| Fault::BadProtobuf)
}

/// A gap is said and the message is taken all the same; a message that comes twice is not.
fn in_sequence(
    message: &Message<'_>,
    payload: &Payload,
    place: &Place,
    nodes: &mut Nodes,
    batch: &mut Batch,
) -> Result<(), Fault> {
    match nodes.follow(&place.node, payload.seq) {
        Err(Fault::SequenceGap) => unreadable(message, Fault::SequenceGap, batch),
        other => other?,
    }
    Ok(())
}

/// Learns the aliases of a birth, and tells that the device is there and what it is.
fn birth(
    message: &Message<'_>,
    payload: &Payload,
    place: &Place,
    schema: &Schema,
    nodes: &mut Nodes,
    batch: &mut Batch,
) {
    let mut fields = Fields { online: Some(true), ts: stamp(payload), ..Fields::default() };
    let mut room = true;
    for metric in &payload.metrics {
        let Some(name) = metric.name.as_deref() else { continue };
        if let Some(alias) = metric.alias {
            let name = if is_followed(name) { name } else { "" };
            room &= nodes.learn(&place.node, alias, name, metric.datatype.unwrap_or(0));
        }
        if metric.is_historical != Some(true) {
            take(&mut fields, name, metric.value(metric.datatype.unwrap_or(0)), schema);
        }
    }
    if !room {
        unreadable(message, Fault::AliasesFull, batch);
    }
    tell(&message.of(MessageKind::Status), &fields, schema, batch);
}

fn data(
    message: &Message<'_>,
    payload: &Payload,
    place: &Place,
    schema: &Schema,
    nodes: &mut Nodes,
    batch: &mut Batch,
) -> Result<(), Fault> {
    in_sequence(message, payload, place, nodes, batch)?;
    if !nodes.knows(&place.node, &place.id) {
        unreadable(message, Fault::NoBirth, batch);
    }
    let mut fields = Fields { ts: stamp(payload), ..Fields::default() };
    let mut unknown = false;
    for metric in payload.metrics.iter().filter(|metric| metric.is_historical != Some(true)) {
        let known = metric.alias.and_then(|alias| nodes.alias(&place.node, alias));
        match (metric.name.as_deref(), known) {
            (Some(name), known) => {
                let datatype = known.map_or(0, |known| known.datatype);
                take(&mut fields, name, metric.value(metric.datatype.unwrap_or(datatype)), schema);
            }
            (None, Some(known)) => take(&mut fields, &known.name, metric.value(known.datatype), schema),
            (None, None) => unknown = true,
        }
    }
    if unknown {
        unreadable(message, Fault::UnknownAlias, batch);
    }
    // What was stored while the line was down is sent when it is up again, and is no news of the device behind it.
    let stored = !payload.metrics.is_empty() && payload.metrics.iter().all(|metric| metric.is_historical == Some(true));
    let message = message.of(MessageKind::Telemetry);
    tell(&if stored { message.hearsay() } else { message }, &fields, schema, batch);
    Ok(())
}

/// The node is gone, and with it everything behind it; unless the certificate is one of an earlier session.
fn node_death(
    message: &Message<'_>,
    place: &Place,
    schema: &Schema,
    nodes: &mut Nodes,
    batch: &mut Batch,
) -> Result<(), Fault> {
    let devices = nodes.died(&place.node, read(message)?.bd_seq())?;
    let message = message.of(MessageKind::Status);
    tell(&message, &Fields::presence(false), schema, batch);
    for device in &devices {
        tell(&message.about(device).part().hearsay(), &Fields::presence(false), schema, batch);
    }
    Ok(())
}

fn stamp(payload: &Payload) -> Option<RawStamp<'static>> {
    payload.timestamp.map(|ms| RawStamp::Number(ms as f64))
}

/// Metrics about the protocol itself are not.
fn is_followed(name: &str) -> bool {
    !(name.is_empty() || name == "bdSeq" || name.starts_with("Node Control/") || name.starts_with("Device Control/"))
}

/// Takes a metric by its name. The specification names a few properties; what vendors call the rest goes by the last
/// part of the name.
fn take<'a>(fields: &mut Fields<'a>, name: &str, value: Leaf<'a>, schema: &Schema) {
    if !is_followed(name) {
        return;
    }
    let last = name.rsplit('/').next().unwrap_or(name).to_ascii_lowercase();
    match last.replace(['_', '-', ' '], "").as_str() {
        "hardwaremodel" | "hardwareversion" => fields.attribute("hardware", value.text(), schema),
        "fw" | "fwversion" | "firmwareversion" => fields.attribute("firmware", value.text(), schema),
        "battery" | "batterylevel" => fields.battery = value.number(),
        "rssi" => fields.rssi = value.number(),
        _ if schema.find(&last).is_some() => fields.attribute(&last, value.text(), schema),
        _ => {
            if let Leaf::Number(number) = value {
                fields.measure(name, Some(number), schema);
            }
        }
    }
}

impl Payload {
    /// The number that ties a death to its birth.
    fn bd_seq(&self) -> Option<u64> {
        let metric = self.metrics.iter().find(|metric| metric.name.as_deref() == Some("bdSeq"))?;
        metric.long_value.or(metric.int_value.map(u64::from))
    }
}

impl Metric {
    /// The value, as its type has it: signed numbers are sent as unsigned ones.
    fn value(&self, datatype: u32) -> Leaf<'_> {
        if self.is_null == Some(true) {
            return Leaf::Null;
        }
        let number = match (self.int_value, self.long_value, self.float_value, self.double_value) {
            (Some(n), ..) => Some(int(n, datatype)),
            (_, Some(n), ..) => Some(if datatype == payload::INT64 { n as i64 as f64 } else { n as f64 }),
            (_, _, Some(n), _) => Some(f64::from(n)),
            (_, _, _, Some(n)) => Some(n),
            _ => None,
        };
        match (number, self.boolean_value, &self.string_value) {
            (Some(n), ..) if n.is_finite() => Leaf::Number(n),
            (None, Some(told), _) => Leaf::Bool(told),
            (None, None, Some(text)) => Leaf::Text(Cow::Borrowed(text)),
            _ => Leaf::Null,
        }
    }
}

fn int(n: u32, datatype: u32) -> f64 {
    match datatype {
        payload::INT8 => f64::from(n as u8 as i8),
        payload::INT16 => f64::from(n as u16 as i16),
        payload::INT32 => f64::from(n as i32),
        // Nobody said which; what would be beyond two thousand million was below zero.
        0 if n > i32::MAX as u32 => f64::from(n as i32),
        _ => f64::from(n),
    }
}

#[cfg(test)]
mod tests;
