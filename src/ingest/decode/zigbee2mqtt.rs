//! zigbee2mqtt: `{base}/{name}` with a device's state, `{base}/{name}/availability`, and what the bridge tells below
//! `{base}/bridge`. The bridge itself is followed as a device called `bridge`.
//!
//! Names may contain slashes, so that the end of a topic decides what it is. Deliberately absent: the output of single
//! attributes (`output: attribute`), whose topics look like devices with a slash in their name. The bridge's list tells
//! everything that each device exposes, and is larger than what is read where there are many; models and versions then
//! come with `include_device_information`.

use super::fields::{Fields, Str};
use super::tell::{counted, tell, unreadable};
use super::walk::{Leaf, walk};
use super::{Message, name, presence};
use crate::domain::fault::Fault;
use crate::domain::observation::Batch;
use crate::fleet::attributes::Schema;
use crate::ingest::route::MessageKind;
use crate::limits;

pub fn decode(message: &Message<'_>, schema: &Schema, batch: &mut Batch) {
    let (device, read): (&str, Reader) = match message.rest {
        "bridge/state" => ("bridge", available),
        "bridge/info" => ("bridge", bridge),
        "bridge/devices" => ("bridge", devices),
        rest if rest.starts_with("bridge/") || is_request(rest) => return,
        rest => match rest.strip_suffix("/availability") {
            Some(device) => (device, available),
            None => (rest, state),
        },
    };
    match name(device) {
        Ok(device) => {
            let message = message.about(&device);
            let read = if message.arrival.payload.is_empty() { Ok(()) } else { read(&message, schema, batch) };
            counted(&message, read, batch);
        }
        Err(fault) => unreadable(message, fault, batch),
    }
}

type Reader = fn(&Message<'_>, &Schema, &mut Batch) -> Result<(), Fault>;

/// Sent to devices, not by them: `{name}/set`, `{name}/get/brightness`.
fn is_request(rest: &str) -> bool {
    rest.split('/').skip(1).any(|level| level == "set" || level == "get")
}

fn available(message: &Message<'_>, schema: &Schema, batch: &mut Batch) -> Result<(), Fault> {
    presence::told(&message.clone().hearsay(), Fields::default(), schema, batch)
}

/// What a device measures; battery and link quality among it. With `include_device_information` it says what it is, too.
fn state(message: &Message<'_>, schema: &Schema, batch: &mut Batch) -> Result<(), Fault> {
    let payload = message.arrival.payload;
    if payload.trim_ascii_start().first() != Some(&b'{') {
        return Err(Fault::BadShape);
    }
    let mut fields = Fields::default();
    walk(payload, &mut |path, value| match (path.as_str(), value) {
        ("battery", Leaf::Number(percent)) => fields.battery = Some(as_share(percent)),
        ("last_seen", value) => fields.stamp(value),
        ("device.model", value) => fields.attribute("hardware", value.text(), schema),
        ("device.softwareBuildID", value) => fields.attribute("firmware", value.text(), schema),
        (path, Leaf::Number(n)) if path.contains('.') => fields.measure_if_named(path, Some(n), schema),
        (path, Leaf::Number(n)) => fields.measure(path, Some(n), schema),
        _ => {}
    })?;
    tell(&message.of(MessageKind::Telemetry), &fields, schema, batch);
    Ok(())
}

/// Zigbee always speaks in percent: one is one percent, and not all of it.
fn as_share(percent: f64) -> f64 {
    if percent <= 1.0 { percent / 100.0 } else { percent }
}

fn bridge(message: &Message<'_>, schema: &Schema, batch: &mut Batch) -> Result<(), Fault> {
    let mut fields = Fields::default();
    walk(message.arrival.payload, &mut |path, value| {
        if path.as_str() == "version" {
            fields.attribute("firmware", value.text(), schema);
        }
    })?;
    tell(&message.of(MessageKind::Status).hearsay(), &fields, schema, batch);
    Ok(())
}

/// One entry of the bridge's list.
#[derive(Default)]
struct Entry<'a> {
    name: Option<Str<'a>>,
    firmware: Option<Str<'a>>,
    model: Option<Str<'a>>,
    is_coordinator: bool,
}

fn devices(message: &Message<'_>, schema: &Schema, batch: &mut Batch) -> Result<(), Fault> {
    let mut entries: Vec<Entry<'_>> = Vec::new();
    let mut last = String::new();
    walk(message.arrival.payload, &mut |path, value| {
        let (place, key) = path.split();
        if !matches!(key, "friendly_name" | "software_build_id" | "definition.model" | "model_id" | "type") {
            return;
        }
        if place != last {
            if entries.len() == limits::DEVICES_PER_MESSAGE {
                return;
            }
            place.clone_into(&mut last);
            entries.push(Entry::default());
        }
        let Some(entry) = entries.last_mut() else { return };
        match key {
            "friendly_name" => entry.name = value.text(),
            "software_build_id" => entry.firmware = value.text(),
            "definition.model" => entry.model = value.text(),
            "model_id" => entry.model = entry.model.take().or(value.text()),
            _ => entry.is_coordinator = value == Leaf::Text("Coordinator".into()),
        }
    })?;
    let message = message.of(MessageKind::Status).hearsay().part();
    for entry in entries.into_iter().filter(|entry| !entry.is_coordinator) {
        let Some(device) = entry.name.as_ref().and_then(|id| name(&id.0).ok()) else { continue };
        let mut fields = Fields::default();
        fields.attribute("firmware", entry.firmware, schema);
        fields.attribute("hardware", entry.model, schema);
        tell(&message.about(&device), &fields, schema, batch);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::ingest::tests::table;

    #[test]
    fn the_documented_payloads_are_read() {
        table(
            "zigbee2mqtt",
            &[
                ("zigbee2mqtt/bridge/state", r#"{"state":"online"}"#, &["bridge status Some(true) None hearsay"]),
                (
                    "zigbee2mqtt/bridge/info",
                    r#"{"version":"2.1.0","commit":"abc"}"#,
                    &["bridge status None None hearsay firmware=2.1.0"],
                ),
                ("zigbee2mqtt/lamp/availability", r#"{"state":"offline"}"#, &["lamp status Some(false) None hearsay"]),
                ("zigbee2mqtt/kitchen/lamp/availability", "online", &["kitchen/lamp status Some(true) None hearsay"]),
                (
                    "zigbee2mqtt/kitchen/sensor",
                    r#"{"battery":87,"humidity":53.2,"linkquality":120,"temperature":21.3,"update":{"progress":3},"last_seen":"2026-11-20T12:00:00Z"}"#,
                    &[
                        "kitchen/sensor telemetry None Some(87) None None humidity:53.2 linkquality:120 temperature:21.3",
                    ],
                ),
                ("zigbee2mqtt/sensor", r#"{"battery":1}"#, &["sensor telemetry None Some(1) None None"]),
                (
                    "zigbee2mqtt/lamp",
                    r#"{"state":"ON","device":{"model":"LED1545G12","softwareBuildID":"1.3.009","applicationVersion":17}}"#,
                    &["lamp telemetry None None None None hardware=LED1545G12 firmware=1.3.009"],
                ),
                (
                    "zigbee2mqtt/bridge/devices",
                    r#"[{"friendly_name":"Coordinator","type":"Coordinator"},{"ieee_address":"0x1","type":"Router","friendly_name":"lamp","software_build_id":"1.3.009","model_id":"TRADFRI bulb","definition":{"model":"LED1545G12","exposes":[{"features":[{"name":"state"}]}]}},{"type":"EndDevice","friendly_name":"odd","model_id":"x1"}]"#,
                    &[
                        "lamp status None None hearsay firmware=1.3.009 hardware=LED1545G12",
                        "odd status None None hearsay hardware=x1",
                    ],
                ),
                ("zigbee2mqtt/lamp/set", r#"{"state":"ON"}"#, &[]),
                ("zigbee2mqtt/lamp/get/state", "", &[]),
                ("zigbee2mqtt/bridge/logging", r#"{"level":"info"}"#, &[]),
                ("zigbee2mqtt/lamp", "", &[]),
                ("zigbee2mqtt/lamp/brightness", "120", &["bad_shape lamp/brightness"]),
                ("zigbee2mqtt/lamp", "{", &["bad_json lamp"]),
                ("zigbee2mqtt/lamp/availability", "fine", &["bad_status lamp"]),
            ],
        );
    }
}
