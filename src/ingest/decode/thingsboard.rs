//! ThingsBoard's gateway API: `connect`, `disconnect`, `attributes` and `telemetry`, with many devices in one message, and
//! its firmware updates, which devices tell as telemetry (`fw_state`).

use std::borrow::Cow;

use super::fields::{Fields, Str};
use super::tell::{counted, push, tell, unreadable};
use super::walk::{Leaf, walk};
use super::{Message, name};
use crate::domain::campaign::OtaState;
use crate::domain::fault::Fault;
use crate::domain::observation::{Batch, Body, Text};
use crate::domain::text::visible_name;
use crate::fleet::attributes::Schema;
use crate::ingest::route::MessageKind;
use crate::limits;

pub fn decode(message: &Message<'_>, schema: &Schema, batch: &mut Batch) {
    let read = match message.rest {
        "connect" => presence(message, true, schema, batch),
        "disconnect" => presence(message, false, schema, batch),
        "telemetry" | "attributes" => devices(message, schema, batch),
        _ => Ok(()),
    };
    counted(message, read, batch);
}

/// `{"device":"Device A"}`.
fn presence(message: &Message<'_>, online: bool, schema: &Schema, batch: &mut Batch) -> Result<(), Fault> {
    let (mut device, mut fields) = (None, Fields::presence(online));
    walk(message.arrival.payload, &mut |path, value| match path.as_str() {
        "device" => device = value.text(),
        "type" => fields.attribute("hardware", value.text(), schema),
        _ => {}
    })?;
    let device = device.ok_or(Fault::BadShape)?;
    let device = name(&device.0)?;
    tell(&message.about(&device).of(MessageKind::Status), &fields, schema, batch);
    Ok(())
}

/// What one message says of one device. Of several readings the last one counts.
struct Device<'a> {
    name: String,
    fields: Fields<'a>,
    update: Update<'a>,
}

/// An update of a device's firmware.
#[derive(Default)]
struct Update<'a> {
    state: Option<OtaState>,
    title: Option<Str<'a>>,
    version: Option<Str<'a>>,
    /// What it runs: after an update, the version that it was given.
    current: Option<Str<'a>>,
}

fn devices(message: &Message<'_>, schema: &Schema, batch: &mut Batch) -> Result<(), Fault> {
    let mut devices: Vec<Device<'_>> = Vec::new();
    let (mut wrong, mut is_from_server) = (None, false);
    walk(message.arrival.payload, &mut |path, value| {
        let (id, below) = path.split();
        // `{"device":"A","data":{…}}` is what the server says to a gateway, on the same topic.
        is_from_server |= id == "device" && below.is_empty();
        if devices.last().is_none_or(|device| device.name != id) {
            if devices.len() == limits::DEVICES_PER_MESSAGE {
                wrong = Some(Fault::TooLarge);
                return;
            }
            devices.push(Device { name: id.to_owned(), fields: Fields::default(), update: Update::default() });
        }
        if let Some(device) = devices.last_mut() {
            take(device, key(below), value, schema);
        }
    })?;
    if is_from_server {
        return Ok(());
    }
    if devices.iter().any(|device| device.name.is_empty()) {
        return Err(Fault::BadShape);
    }
    if let Some(fault) = wrong {
        unreadable(message, fault, batch);
    }
    let message = if devices.len() > 1 { message.part() } else { *message };
    for Device { name: id, fields, update } in &devices {
        match name(id) {
            Ok(device) => told(&message.about(&device), fields, update, schema, batch),
            Err(fault) => unreadable(&message, fault, batch),
        }
    }
    Ok(())
}

/// `0.values.temperature` is `temperature`, and so is `0.temperature`.
fn key(below: &str) -> &str {
    let key = match below.split_once('.') {
        Some((place, key)) if place.bytes().all(|byte| byte.is_ascii_digit()) => key,
        _ => below,
    };
    key.strip_prefix("values.").unwrap_or(key)
}

fn take<'a>(device: &mut Device<'a>, key: &str, value: Leaf<'a>, schema: &Schema) {
    let Device { fields, update, .. } = device;
    match key {
        "ts" => fields.stamp(value),
        "battery" | "batteryLevel" => fields.battery = value.number(),
        "rssi" => fields.rssi = value.number(),
        "current_fw_version" => {
            update.current = value.clone().text();
            fields.attribute("firmware", value.text(), schema);
        }
        "fw_state" => update.state = state(&value),
        "target_fw_title" => update.title = value.text(),
        "current_fw_title" => update.title = update.title.take().or(value.text()),
        "target_fw_version" => update.version = value.text(),
        key => match (schema.find(key).is_some(), &value) {
            (true, _) => fields.attribute(key, value.text(), schema),
            (false, Leaf::Number(n)) => fields.measure(key, Some(*n), schema),
            _ => {}
        },
    }
}

fn state(value: &Leaf<'_>) -> Option<OtaState> {
    let Leaf::Text(word) = value else { return None };
    Some(match &**word {
        "QUEUED" | "INITIATED" => OtaState::Queued,
        "DOWNLOADING" | "DOWNLOADED" => OtaState::Downloading,
        "VERIFIED" | "UPDATING" => OtaState::Installing,
        "UPDATED" => OtaState::Succeeded,
        "FAILED" => OtaState::Failed,
        _ => return None,
    })
}

fn told(message: &Message<'_>, fields: &Fields<'_>, update: &Update<'_>, schema: &Schema, batch: &mut Batch) {
    // What measures nothing, such as the steps of an update, is no report that lacks what others have.
    let measures = !fields.values.is_empty() || fields.battery.is_some() || fields.rssi.is_some();
    let kind = if measures { MessageKind::Telemetry } else { MessageKind::Status };
    tell(&message.of(kind), fields, schema, batch);
    let (Some(state), Some(title)) = (update.state, &update.title) else { return };
    let mark = batch.mark();
    // A package keeps its title from version to version: only both together are one rollout.
    let given = update.version.as_ref().or(update.current.as_ref().filter(|_| state == OtaState::Succeeded));
    let name = given.map_or_else(|| title.0.to_string(), |version| format!("{} {}", title.0, version.0));
    let campaign = batch.keep(&visible_name(&name, limits::VALUE));
    let version = update.version.as_ref().map(|version| visible_name(&version.0, limits::VALUE));
    let target = version.map_or(Text::EMPTY, |version: Cow<'_, str>| batch.keep(&version));
    let body = Body::Ota { campaign, wave: None, state, target };
    push(&message.of(MessageKind::Ota), &Fields::default(), schema, batch, mark, body);
}

#[cfg(test)]
mod tests {
    use crate::ingest::tests::table;

    #[test]
    fn the_documented_payloads_are_read() {
        table(
            "thingsboard",
            &[
                ("v1/gateway/connect", r#"{"device":"Device A"}"#, &["Device A status Some(true) None"]),
                (
                    "v1/gateway/connect",
                    r#"{"device":"Device A","type":"thermostat"}"#,
                    &["Device A status Some(true) None hardware=thermostat"],
                ),
                ("v1/gateway/disconnect", r#"{"device":"Device A"}"#, &["Device A status Some(false) None"]),
                (
                    "v1/gateway/attributes",
                    r#"{"Device A":{"attribute1":"value1","region":"eu-west"},"Device B":{"firmware":3.2}}"#,
                    &["Device A status None None region=eu-west", "Device B status None None firmware=3.2"],
                ),
                (
                    "v1/gateway/telemetry",
                    r#"{"Device A":[{"ts":1795176000000,"values":{"temperature":42,"humidity":80}},{"ts":1795176000001,"values":{"temperature":43}}],"Dev.B":[{"temperature":41,"battery":80}]}"#,
                    &[
                        "Device A telemetry None None None None temperature:43 humidity:80",
                        "Dev.B telemetry None Some(80) None None temperature:41",
                    ],
                ),
                (
                    "v1/gateway/telemetry",
                    r#"{"Device A":[{"current_fw_title":"myFirmware","current_fw_version":"1.2.3","fw_state":"UPDATED"}]}"#,
                    &["Device A status None None firmware=1.2.3", "Device A ota myFirmware 1.2.3 None Succeeded"],
                ),
                (
                    "v1/gateway/telemetry",
                    r#"{"Device A":{"target_fw_title":"myFirmware","target_fw_version":"1.3","fw_state":"FAILED","fw_error":"x"}}"#,
                    &["Device A status None None", "Device A ota myFirmware 1.3 None Failed 1.3"],
                ),
                ("v1/gateway/attributes", r#"{"device":"Device A","data":{"attribute1":"value1"}}"#, &[]),
                ("v1/gateway/rpc", r#"{"device":"Device A","data":{"id":1}}"#, &[]),
                ("v1/gateway/connect", "{}", &["bad_shape"]),
                ("v1/gateway/telemetry", r#"{"":[{"a":1}]}"#, &["bad_shape"]),
                ("v1/gateway/telemetry", "42", &["bad_shape"]),
                ("v1/gateway/telemetry", "{", &["bad_json"]),
            ],
        );
    }

    #[test]
    fn more_devices_than_a_message_may_name_are_said_to_be_too_many() {
        let rows: Vec<String> = (0..5000).map(|n| format!(r#""d{n}":{{"a":1}}"#)).collect();
        let payload = format!("{{{}}}", rows.join(","));
        let router = crate::ingest::preset::router("thingsboard", None).unwrap();
        crate::ingest::tests::read_all(&router, &["v1/gateway/telemetry"], payload.as_bytes());
    }
}
