//! Presets: the routes of well-known kinds of fleets, by name.

use super::decode;
use super::route::{Format, Router};

/// The routes of one kind of fleet.
struct Preset {
    name: &'static str,
    /// Where its topics begin, or their template; none where that is fixed.
    topic: Option<&'static str>,
    routes: fn(&str) -> Result<Router, String>,
}

const PRESETS: &[Preset] = &[
    Preset { name: "standard", topic: Some("fleet"), routes: Router::standard },
    Preset { name: "sparkplug", topic: Some("spBv1.0"), routes: |base| below(base, &Format::Sparkplug) },
    Preset { name: "aws-iot", topic: None, routes: |_| decode::aws::routes() },
    Preset { name: "emqx", topic: None, routes: |_| below("$SYS/brokers", &Format::Emqx) },
    Preset { name: "mosquitto", topic: None, routes: |_| below("$SYS/broker", &Format::Mosquitto) },
    Preset { name: "tasmota", topic: Some(decode::tasmota::TEMPLATE), routes: decode::tasmota::routes },
    Preset { name: "zigbee2mqtt", topic: Some("zigbee2mqtt"), routes: |base| below(base, &Format::Zigbee2mqtt) },
    Preset { name: "esphome", topic: Some(decode::esphome::TEMPLATE), routes: decode::esphome::routes },
    Preset { name: "homeassistant", topic: Some("homeassistant"), routes: |base| below(base, &Format::HomeAssistant) },
    Preset { name: "shelly", topic: Some(decode::shelly::TEMPLATE), routes: decode::shelly::routes },
    Preset { name: "homie", topic: Some("homie"), routes: |base| below(base, &Format::Homie) },
    Preset { name: "thingsboard", topic: Some("v1/gateway"), routes: |base| below(base, &Format::Thingsboard) },
];

/// Everything below a base topic, for a decoder that reads the rest of the topic by itself.
fn below(base: &str, format: &Format) -> Result<Router, String> {
    Router::preset(&[format!("{base}/{{rest}}")], format)
}

/// The names of all presets.
pub fn names() -> impl Iterator<Item = &'static str> {
    PRESETS.iter().map(|preset| preset.name)
}

/// The routes and subscriptions of a preset, whose topics begin elsewhere where `topic` is given.
///
/// # Errors
/// A sentence about the name or the topic.
pub fn router(name: &str, topic: Option<&str>) -> Result<Router, String> {
    let preset = PRESETS.iter().find(|preset| preset.name == name).ok_or_else(|| {
        let known: Vec<_> = names().collect();
        format!("unknown preset `{name}`; expected one of {}", known.join(", "))
    })?;
    match (topic, preset.topic) {
        (Some(_), None) => Err(format!("the topics of `{name}` are fixed; leave `topic` out")),
        (topic, usual) => (preset.routes)(topic.or(usual).unwrap_or("")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_subscribes_to_what_it_reads() {
        let cases: [(&str, Option<&str>, &[&str]); 13] = [
            ("standard", Some("plant"), &["plant/#"]),
            ("sparkplug", None, &["spBv1.0/#"]),
            ("aws-iot", None, &["$aws/events/job/#", "$aws/events/jobExecution/#", "$aws/events/presence/#"]),
            ("emqx", None, &["$SYS/brokers/#"]),
            ("mosquitto", None, &["$SYS/broker/#"]),
            ("tasmota", None, &["stat/+/+", "tasmota/discovery/+/+", "tele/+/+"]),
            ("zigbee2mqtt", Some("home/z2m"), &["home/z2m/#"]),
            ("esphome", None, &["+/+/+/state", "+/status", "homeassistant/#"]),
            ("homeassistant", None, &["homeassistant/#"]),
            ("shelly", None, &["+/events/rpc", "+/online", "+/status/+", "shellies/#"]),
            ("homie", None, &["homie/#"]),
            ("thingsboard", None, &["v1/gateway/#"]),
            ("thingsboard", Some("v2/gw"), &["v2/gw/#"]),
        ];
        for (name, topic, expected) in cases {
            assert_eq!(router(name, topic).unwrap().subscriptions(), expected, "{name}");
        }
        assert!(names().all(|name| cases.iter().any(|case| case.0 == name)));
    }

    #[test]
    fn a_mistake_is_explained() {
        let cases = [
            ("tasmoto", None, "unknown preset `tasmoto`; expected one of standard, sparkplug, aws-iot,"),
            ("mosquitto", Some("x"), "the topics of `mosquitto` are fixed"),
            ("zigbee2mqtt", Some("a//b"), "a level of the topic is empty"),
            ("homie", Some("+"), "unknown level `+`"),
            ("tasmota", Some("tele/x"), "needs levels {prefix} and {device}"),
            ("shelly", Some("x"), "needs a level {device}"),
        ];
        for (name, topic, expected) in cases {
            let told = router(name, topic).unwrap_err();
            assert!(told.contains(expected), "{name}: {told}");
        }
    }
}
