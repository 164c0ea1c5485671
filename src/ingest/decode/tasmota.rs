//! Tasmota: `tele/{device}/LWT`, `STATE`, `SENSOR`, `INFO1` to `INFO3`, answers below `stat/`, and its own discovery,
//! which is the one retained message that names the firmware.
//!
//! Deliberately absent: its `Time`, where it comes without a zone (the default), and `Wifi.RSSI`, which is a percentage.

use super::fields::{Fields, Str};
use super::tell::{counted, tell};
use super::walk::{Leaf, Path, walk};
use super::{Message, name, presence};
use crate::domain::fault::Fault;
use crate::domain::observation::Batch;
use crate::fleet::attributes::Schema;
use crate::ingest::route::{Format, MessageKind, Router};

/// The topics where they are as they come.
pub const TEMPLATE: &str = "{prefix}/{device}";

/// The routes of a fleet whose full topic is `template`: `{prefix}/{device}`, or `tasmota/{device}/{prefix}`.
///
/// # Errors
/// A sentence about what is wrong with the template.
pub fn routes(template: &str) -> Result<Router, String> {
    if !template.contains("{prefix}") || !template.contains("{device}") {
        return Err("the topic of `tasmota` needs levels {prefix} and {device}".into());
    }
    let below = |prefix: &str| format!("{}/{{action}}", template.replace("{prefix}", prefix));
    let patterns = [below("tele"), below("stat"), "tasmota/discovery/{any}/{action}".into()];
    Router::preset(&patterns, &Format::Tasmota)
}

pub fn decode(message: &Message<'_>, schema: &Schema, batch: &mut Batch) {
    let leaf = message.action.unwrap_or("");
    let read = match (message.device.is_empty(), leaf) {
        (true, "config") => discovery(message, schema, batch),
        (true, _) => Ok(()),
        (false, "LWT") => last_will(message, schema, batch),
        (false, _) => report(message, leaf, schema, batch),
    };
    counted(message, read, batch);
}

fn last_will(message: &Message<'_>, schema: &Schema, batch: &mut Batch) -> Result<(), Fault> {
    presence::told(message, Fields::default(), schema, batch)
}

/// What a device tells of itself, unasked or asked.
fn report(message: &Message<'_>, leaf: &str, schema: &Schema, batch: &mut Batch) -> Result<(), Fault> {
    let mut fields = Fields::default();
    let mut restarted = None;
    // `stat/{device}/POWER` is a bare `ON`: it shows life and no more.
    if message.arrival.payload.first() == Some(&b'{') {
        let measures = leaf == "SENSOR" || leaf == "STATUS10" || leaf == "STATUS8";
        walk(message.arrival.payload, &mut |path, value| {
            if path.as_str().ends_with("RestartReason") && leaf.starts_with("INFO") {
                restarted = value.text();
            } else {
                take(path, value, measures, &mut fields, schema);
            }
        })?;
    }
    tell(&message.of(MessageKind::Telemetry), &fields, schema, batch);
    if let Some(Str(reason)) = restarted {
        tell(&message.of(MessageKind::Event), &Fields::event(kind_of_restart(&reason), &reason), schema, batch);
    }
    Ok(())
}

/// Newer builds wrap what older ones tell plainly: `Version` is `Info1.Version`, and `StatusFWR.Version` when asked for.
fn take<'a>(path: &Path, value: Leaf<'a>, measures: bool, fields: &mut Fields<'a>, schema: &Schema) {
    let (head, below) = path.split();
    let wrapped = head.starts_with("Info") || head.starts_with("Status");
    let path = if wrapped && !below.is_empty() { below } else { path.as_str() };
    match path {
        "Version" => fields.version(value.text(), schema),
        // A number here is the module's, and says nothing to anybody.
        "Module" if matches!(value, Leaf::Text(_)) => fields.attribute("hardware", value.text(), schema),
        "UptimeSec" => fields.uptime_s = value.number(),
        "Wifi.Signal" => fields.rssi = value.number(),
        "Time" => {
            if let Leaf::Text(text) = &value
                && (text.ends_with('Z') || text.get(19..).is_some_and(|zone| zone.contains(['+', '-'])))
            {
                fields.stamp(value);
            }
        }
        path if measures => fields.measure(path, plain_number(&value), schema),
        path => fields.measure_if_named(path, plain_number(&value), schema),
    }
}

const fn plain_number(value: &Leaf<'_>) -> Option<f64> {
    match value {
        Leaf::Number(n) => Some(*n),
        _ => None,
    }
}

/// A restart that somebody asked for is no news: the command, a new setting, an upgrade.
fn kind_of_restart(reason: &str) -> &'static str {
    if reason.starts_with("Software/System restart") { "other" } else { "reboot" }
}

/// `tasmota/discovery/{mac}/config`: model and version of the device whose topic is in it.
fn discovery(message: &Message<'_>, schema: &Schema, batch: &mut Batch) -> Result<(), Fault> {
    if message.arrival.payload.is_empty() {
        return Ok(());
    }
    let (mut device, mut fields) = (None, Fields::default());
    walk(message.arrival.payload, &mut |path, value| match path.as_str() {
        "t" => device = value.text(),
        "md" => fields.attribute("hardware", value.text(), schema),
        "sw" => fields.version(value.text(), schema),
        _ => {}
    })?;
    let device = device.ok_or(Fault::BadShape)?;
    let device = name(&device.0)?;
    tell(&message.about(&device).of(MessageKind::Status).hearsay(), &fields, schema, batch);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::ingest::tests::table;

    #[test]
    fn the_documented_payloads_are_read() {
        table(
            "tasmota",
            &[
                ("tele/plug1/LWT", "Online", &["plug1 status Some(true) None"]),
                ("tele/plug1/LWT", "Offline", &["plug1 status Some(false) None"]),
                ("tele/plug1/LWT", r#"{"state":"offline"}"#, &["plug1 status Some(false) None"]),
                ("tele/plug1/LWT", "", &["plug1 cleared"]),
                (
                    "tele/plug1/STATE",
                    r#"{"Time":"2019-10-31T11:14:59","Uptime":"0T18:36:12","UptimeSec":66972,"Heap":28,"Sleep":50,"LoadAvg":19,"MqttCount":6,"POWER":"OFF","Wifi":{"AP":1,"SSId":"Tasmota","RSSI":100,"Signal":-47}}"#,
                    &["plug1 telemetry None None Some(-47) None"],
                ),
                (
                    "tele/plug1/SENSOR",
                    r#"{"Time":"2017-02-16T10:13:52","DS18B20":{"Temperature":20.6}}"#,
                    &["plug1 telemetry None None None None DS18B20.Temperature:20.6"],
                ),
                (
                    "tele/plug1/INFO1",
                    r#"{"Module":"Generic","Version":"7.0.0.3(tasmota)","FallbackTopic":"cmnd/x_fb/","GroupTopic":"cmnd/tasmotas/"}"#,
                    &["plug1 telemetry None None None None hardware=Generic firmware=7.0.0.3"],
                ),
                (
                    "tele/plug1/INFO1",
                    r#"{"Info1":{"Module":"Sonoff Basic","Version":"12.2.0(tasmota)"}}"#,
                    &["plug1 telemetry None None None None hardware=Sonoff Basic firmware=12.2.0"],
                ),
                (
                    "tele/plug1/INFO3",
                    r#"{"Info3":{"RestartReason":"Exception","BootCount":27}}"#,
                    &["plug1 telemetry None None None None", "plug1 event Reboot Exception"],
                ),
                (
                    "tele/plug1/INFO3",
                    r#"{"RestartReason":"Software/System restart"}"#,
                    &["plug1 telemetry None None None None", "plug1 event Other Software/System restart"],
                ),
                (
                    "stat/plug1/STATUS2",
                    r#"{"StatusFWR":{"Version":"6.5.0(basic)","Boot":31,"Hardware":"ESP8266EX"}}"#,
                    &["plug1 telemetry None None None None firmware=6.5.0"],
                ),
                ("stat/plug1/POWER", "ON", &["plug1 telemetry None None None None"]),
                (
                    "tasmota/discovery/49A3BC/config",
                    r#"{"ip":"192.168.15.10","t":"plug1","md":"Sonoff Dual","sw":"9.3.1.2","ft":"%prefix%/%topic%/"}"#,
                    &["plug1 status None None hearsay hardware=Sonoff Dual firmware=9.3.1.2"],
                ),
                ("tasmota/discovery/49A3BC/sensors", r#"{"sn":{}}"#, &[]),
                ("tele/plug1/STATE", "{", &["bad_json plug1"]),
                ("tele/plug1/LWT", "fine", &["bad_status plug1"]),
            ],
        );
    }

    #[test]
    fn the_full_topic_is_a_template() {
        let routes = super::routes("tasmota/{site}/{device}/{prefix}").unwrap();
        assert_eq!(
            routes.subscriptions(),
            ["tasmota/+/+/stat/+", "tasmota/+/+/tele/+", "tasmota/discovery/+/+"].map(str::to_owned)
        );
        assert!(super::routes("{device}/x").unwrap_err().contains("{prefix}"));
    }
}
