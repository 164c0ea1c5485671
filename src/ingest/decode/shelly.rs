//! Shelly, both generations: `shellies/{id}/…` with bare values, and `{id}/online`, `{id}/events/rpc`, `{id}/status/…` with
//! JSON. The version is in `shellies/announce` (and in `…/info` or `…/announce` of a device), which devices send at start
//! and when they are asked to; this room does not ask.

use super::fields::{Fields, Str};
use super::tell::{counted, tell};
use super::walk::{Leaf, Path, walk};
use super::{Message, name, presence};
use crate::domain::fault::Fault;
use crate::domain::observation::Batch;
use crate::fleet::attributes::Schema;
use crate::ingest::route::{Format, MessageKind, Router};

/// The prefix of the second generation as it comes.
pub const TEMPLATE: &str = "{device}";

/// The routes of both generations, the second below `template`: `{device}`, or `shelly/{device}`.
///
/// # Errors
/// A sentence about what is wrong with the template.
pub fn routes(template: &str) -> Result<Router, String> {
    if !template.contains("{device}") {
        return Err("the topic of `shelly` needs a level {device}".into());
    }
    let below = |rest: &str| format!("{template}/{rest}");
    let patterns = ["shellies/{rest}".into(), below("online"), below("events/rpc"), below("status/{action}")];
    Router::preset(&patterns, &Format::Shelly)
}

pub fn decode(message: &Message<'_>, schema: &Schema, batch: &mut Batch) {
    let read = if message.device.is_empty() {
        first_generation(message, schema, batch)
    } else if message.topic.ends_with("/online") {
        online(message, schema, batch)
    } else {
        report(message, message.action.unwrap_or(""), schema, batch)
    };
    counted(message, read, batch);
}

fn online(message: &Message<'_>, schema: &Schema, batch: &mut Batch) -> Result<(), Fault> {
    let mut fields = Fields::default();
    fields.attribute("hardware", model(message), schema);
    presence::told(message, fields, schema, batch)
}

/// Devices of the second generation tell their model in their id alone: `shellypro4pm-f008d1d8b8b8`.
fn model<'a>(message: &Message<'a>) -> Option<Str<'a>> {
    let is_second = !message.topic.starts_with("shellies/");
    let (model, serial) = message.device_as_sent.rsplit_once('-').filter(|_| is_second)?;
    let is_serial = serial.len() >= 6 && serial.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_serial && model.starts_with("shelly")).then(|| Str(model.into()))
}

/// Below `shellies`: `{id}/online`, `{id}/sensor/temperature` and many others with bare values, `announce`.
fn first_generation(message: &Message<'_>, schema: &Schema, batch: &mut Batch) -> Result<(), Fault> {
    let Some((id, topic)) = message.rest.split_once('/') else {
        return if message.rest == "announce" { announced(message, schema, batch) } else { Ok(()) };
    };
    let device = name(id)?;
    let message = message.about(&device);
    let read = match topic {
        "online" => online(&message, schema, batch),
        "announce" | "info" => report(&message, "", schema, batch),
        topic if topic == "command" || topic.ends_with("/command") || topic.ends_with("/set") => Ok(()),
        topic => {
            bare(&message, topic, schema, batch);
            Ok(())
        }
    };
    counted(&message, read, batch);
    Ok(())
}

/// A value that stands alone: `21.38`, or a word like `on`, which shows life and no more.
fn bare(message: &Message<'_>, topic: &str, schema: &Schema, batch: &mut Batch) {
    let mut fields = Fields::default();
    let number = std::str::from_utf8(message.arrival.payload).ok().and_then(|text| text.trim().parse::<f64>().ok());
    match topic {
        "sensor/battery" => fields.battery = number,
        topic => fields.measure(&topic.replace('/', "."), number, schema),
    }
    tell(&message.of(MessageKind::Telemetry), &fields, schema, batch);
}

/// `shellies/announce`: a device says what it is.
fn announced(message: &Message<'_>, schema: &Schema, batch: &mut Batch) -> Result<(), Fault> {
    let (mut id, mut fields) = (None, Fields::default());
    walk(message.arrival.payload, &mut |path, value| match path.as_str() {
        "id" => id = value.text(),
        _ => identify(path, value, &mut fields, schema),
    })?;
    let id = id.ok_or(Fault::BadShape)?;
    let device = name(&id.0)?;
    tell(&message.about(&device).of(MessageKind::Telemetry), &fields, schema, batch);
    Ok(())
}

fn identify<'a>(path: &Path, value: Leaf<'a>, fields: &mut Fields<'a>, schema: &Schema) {
    match path.as_str() {
        "fw_ver" | "ver" | "update.old_version" => fields.attribute("firmware", value.text(), schema),
        "model" => fields.attribute("hardware", value.text(), schema),
        _ => {}
    }
}

/// JSON in which components tell of themselves: a notification, one `component`'s status, or everything there is.
fn report(message: &Message<'_>, component: &str, schema: &Schema, batch: &mut Batch) -> Result<(), Fault> {
    if message.arrival.payload.is_empty() {
        return Ok(());
    }
    let (mut fields, mut event, mut failed) = (Fields::default(), None::<Str<'_>>, false);
    walk(message.arrival.payload, &mut |path, value| {
        let path_text = path.as_str();
        let below = path_text.strip_prefix("params.").unwrap_or(path_text);
        if let Some(("events", of_event)) = below.split_once('.') {
            if of_event.ends_with(".event") {
                failed |= value == Leaf::Text("ota_error".into());
                event = event.take().or(value.text());
            }
            return;
        }
        match (component, below) {
            ("", "ts") => fields.stamp(value),
            ("wifi", "rssi") | ("", "wifi.rssi" | "wifi_sta.rssi") => fields.rssi = value.number(),
            ("sys", "uptime") | ("", "sys.uptime" | "uptime") => fields.uptime_s = value.number(),
            (part, "battery.percent") if part.starts_with("devicepower") => fields.battery = value.number(),
            ("", below) if below.starts_with("devicepower") && below.ends_with(".battery.percent") => {
                fields.battery = value.number();
            }
            ("", "bat.value") => fields.battery = value.number(),
            ("", "fw_ver" | "ver" | "update.old_version" | "model") => identify(path, value, &mut fields, schema),
            (part, below) => measure(part, below, &value, &mut fields, schema),
        }
    })?;
    fields.attribute("hardware", model(message), schema);
    tell(&message.of(MessageKind::Telemetry), &fields, schema, batch);
    if failed {
        tell(&message.of(MessageKind::Event), &Fields::event("error", "ota_error"), schema, batch);
    } else if let Some(Str(event)) = event {
        tell(&message.of(MessageKind::Event), &Fields::event("other", &event), schema, batch);
    }
    Ok(())
}

/// What is measured is not told from what is counted or set; power, voltage and temperature are worth following, and
/// whatever the configuration names.
fn measure(component: &str, below: &str, value: &Leaf<'_>, fields: &mut Fields<'_>, schema: &Schema) {
    let Leaf::Number(number) = *value else { return };
    let path = if component.is_empty() { below.to_owned() } else { format!("{component}.{below}") };
    let last = below.rsplit('.').next().unwrap_or(below);
    if matches!(last, "apower" | "voltage" | "tC" | "rh") {
        fields.measure(&path, Some(number), schema);
    } else {
        fields.measure_if_named(&path, Some(number), schema);
    }
}

#[cfg(test)]
mod tests {
    use crate::ingest::tests::table;

    #[test]
    fn the_documented_payloads_are_read() {
        table(
            "shelly",
            &[
                ("shellies/shelly1-B929CC/online", "true", &["shelly1-B929CC status Some(true) None"]),
                ("shellies/shelly1-B929CC/online", "false", &["shelly1-B929CC status Some(false) None"]),
                (
                    "shellies/announce",
                    r#"{"id":"shelly1-B929CC","model":"SHSW-21","mac":"2CF432B929CC","ip":"192.168.1.1","new_fw":false,"fw_ver":"20161223-111304/master@2bc16496"}"#,
                    &[
                        "shelly1-B929CC telemetry None None None None hardware=SHSW-21 firmware=20161223-111304/master@2bc16496",
                    ],
                ),
                (
                    "shellies/trv/info",
                    r#"{"wifi_sta":{"connected":true,"rssi":-59},"bat":{"value":83,"voltage":3.9},"uptime":500,"update":{"old_version":"20220811","new_version":"20230101"}}"#,
                    &["trv telemetry None Some(83) Some(-59) None firmware=20220811 bat.voltage:3.9"],
                ),
                ("shellies/ht-1/sensor/battery", "87", &["ht-1 telemetry None Some(87) None None"]),
                (
                    "shellies/ht-1/sensor/temperature",
                    "21.38",
                    &["ht-1 telemetry None None None None sensor.temperature:21.38"],
                ),
                ("shellies/shelly1-B929CC/relay/0", "on", &["shelly1-B929CC telemetry None None None None"]),
                ("shellies/shelly1-B929CC/relay/0/command", "on", &[]),
                ("shellies/command", "announce", &[]),
                (
                    "shellypro4pm-f008d1d8b8b8/online",
                    "true",
                    &["shellypro4pm-f008d1d8b8b8 status Some(true) None hardware=shellypro4pm"],
                ),
                (
                    "shellypro4pm-f008d1d8b8b8/events/rpc",
                    r#"{"src":"shellypro4pm-f008d1d8b8b8","dst":"x/events","method":"NotifyStatus","params":{"ts":1795176000.44,"switch:0":{"id":0,"apower":8.9,"temperature":{"tC":41.5,"tF":106.7}},"wifi":{"rssi":-61}}}"#,
                    &[
                        "shellypro4pm-f008d1d8b8b8 telemetry None None Some(-61) None hardware=shellypro4pm switch:0.apower:8.9 switch:0.temperature.tC:41.5",
                    ],
                ),
                (
                    "ht-2/events/rpc",
                    r#"{"src":"ht-2","method":"NotifyFullStatus","params":{"ts":1795176000,"devicepower:0":{"battery":{"V":5.2,"percent":74}},"sys":{"uptime":9}}}"#,
                    &["ht-2 telemetry None Some(74) None None"],
                ),
                (
                    "ht-2/events/rpc",
                    r#"{"method":"NotifyEvent","params":{"ts":1795176000,"events":[{"component":"sys","event":"ota_error","msg":"x"}]}}"#,
                    &["ht-2 telemetry None None None None", "ht-2 event Error ota_error"],
                ),
                (
                    "ht-2/events/rpc",
                    r#"{"method":"NotifyEvent","params":{"events":[{"component":"input:0","event":"single_push"}]}}"#,
                    &["ht-2 telemetry None None None None", "ht-2 event Other single_push"],
                ),
                (
                    "ht-2/status/switch:0",
                    r#"{"id":0,"output":true,"apower":1.5,"voltage":230.1}"#,
                    &["ht-2 telemetry None None None None switch:0.apower:1.5 switch:0.voltage:230.1"],
                ),
                ("ht-2/status/wifi", r#"{"rssi":-50}"#, &["ht-2 telemetry None None Some(-50) None"]),
                ("ht-2/events/rpc", "{", &["bad_json ht-2"]),
                ("ht-2/online", "maybe", &["bad_status ht-2"]),
                ("shellies/announce", "{}", &["bad_shape"]),
            ],
        );
    }
}
