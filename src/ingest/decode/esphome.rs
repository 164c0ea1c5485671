//! ESPHome over MQTT: `{prefix}/status`, `{prefix}/{component}/{object}/state`, and Home Assistant's discovery, in which
//! it tells its versions. The prefix is the node's name unless it was changed, and so the device.

use super::fields::Fields;
use super::tell::{counted, tell};
use super::{Message, presence};
use crate::domain::observation::Batch;
use crate::fleet::attributes::Schema;
use crate::ingest::route::{Format, MessageKind, Router};

/// The prefix as it comes.
pub const TEMPLATE: &str = "{device}";

/// The routes of nodes whose prefix is `template`: `{device}`, or `esphome/{device}`.
///
/// # Errors
/// A sentence about what is wrong with the template.
pub fn routes(template: &str) -> Result<Router, String> {
    if !template.contains("{device}") {
        return Err("the topic of `esphome` needs a level {device}".into());
    }
    let own = [format!("{template}/status"), format!("{template}/{{any}}/{{any}}/state")];
    let discovery = ["homeassistant/{rest}".to_owned()];
    // Discovery goes first: its own `homeassistant/status` is no node's.
    Ok(Router::joined(vec![
        Router::preset(&discovery, &Format::HomeAssistant)?,
        Router::preset(&own, &Format::Esphome)?,
    ]))
}

pub fn decode(message: &Message<'_>, schema: &Schema, batch: &mut Batch) {
    let payload = message.arrival.payload;
    if message.topic.ends_with("/status") {
        let read = presence::told(message, Fields::default(), schema, batch);
        return counted(message, read, batch);
    }
    let mut fields = Fields::default();
    let mut levels = message.topic.rsplit('/').skip(1);
    let (object, component) = (levels.next().unwrap_or(""), levels.next().unwrap_or(""));
    let number = std::str::from_utf8(payload).ok().and_then(|text| text.trim().parse::<f64>().ok());
    // A sensor without a reading says `nan`.
    if let Some(number) = number.filter(|n| n.is_finite() && component == "sensor") {
        match object {
            "wifi_signal" | "wifi_signal_sensor" => fields.rssi = Some(number),
            "uptime" => fields.uptime_s = Some(number),
            object => fields.measure(object, Some(number), schema),
        }
    }
    tell(&message.of(MessageKind::Telemetry), &fields, schema, batch);
}

#[cfg(test)]
mod tests {
    use crate::ingest::tests::table;

    #[test]
    fn the_documented_payloads_are_read() {
        table(
            "esphome",
            &[
                ("livingroom/status", "online", &["livingroom status Some(true) None"]),
                ("livingroom/status", "offline", &["livingroom status Some(false) None"]),
                ("livingroom/status", "", &["livingroom cleared"]),
                ("livingroom/status", "fine", &["bad_status livingroom"]),
                (
                    "livingroom/sensor/temperature/state",
                    "21.5",
                    &["livingroom telemetry None None None None temperature:21.5"],
                ),
                ("livingroom/sensor/temperature/state", "nan", &["livingroom telemetry None None None None"]),
                ("livingroom/sensor/wifi_signal/state", "-67", &["livingroom telemetry None None Some(-67) None"]),
                ("livingroom/switch/relay/state", "ON", &["livingroom telemetry None None None None"]),
                (
                    "homeassistant/sensor/livingroom/temperature/config",
                    r#"{"name":"Temperature","stat_t":"livingroom/sensor/temperature/state","avty_t":"livingroom/status","dev":{"ids":"a4cf12","name":"livingroom","sw":"esphome v2024.6.0","mdl":"esp32dev","mf":"espressif"}}"#,
                    &["livingroom status None None hearsay firmware=esphome v2024.6.0 hardware=esp32dev"],
                ),
                ("homeassistant/status", "online", &[]),
            ],
        );
    }
}
