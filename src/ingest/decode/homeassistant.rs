//! Home Assistant's discovery: `homeassistant/{component}/[{node}/]{object}/config`, retained, with a block about the
//! device in it. The node of the topic is the device's name, as ESPHome has it; without one, its first identifier is.

use super::fields::{Fields, Str};
use super::tell::{counted, tell};
use super::walk::walk;
use super::{Message, name};
use crate::domain::fault::Fault;
use crate::domain::observation::Batch;
use crate::fleet::attributes::Schema;
use crate::ingest::route::MessageKind;

pub fn decode(message: &Message<'_>, schema: &Schema, batch: &mut Batch) {
    let levels: Vec<&str> = message.rest.split('/').collect();
    let node = match levels[..] {
        [_, node, _, "config"] => Some(node),
        // One message for a whole device, by its object.
        ["device", device, "config"] => Some(device),
        [_, _, "config"] => None,
        _ => return,
    };
    // An empty one takes back what was announced.
    if message.arrival.payload.is_empty() {
        return;
    }
    let read = read(message, node, schema, batch);
    counted(message, read, batch);
}

fn read(message: &Message<'_>, node: Option<&str>, schema: &Schema, batch: &mut Batch) -> Result<(), Fault> {
    let mut identifier: Option<Str<'_>> = None;
    let (mut fields, mut hardware, mut has_block) = (Fields::default(), None, false);
    walk(message.arrival.payload, &mut |path, value| {
        let (block, key) = path.split();
        if block != "dev" && block != "device" {
            return;
        }
        has_block = true;
        match key {
            "ids" | "ids.0" | "identifiers" | "identifiers.0" => identifier = identifier.take().or(value.text()),
            "sw" | "sw_version" => fields.version(value.text(), schema),
            "mdl" | "model" => fields.attribute("hardware", value.text(), schema),
            "hw" | "hw_version" => hardware = value.text(),
            _ => {}
        }
    })?;
    fields.attribute("hardware", hardware, schema);
    let device = match (node, &identifier) {
        (Some(node), _) => name(node)?,
        (None, Some(identifier)) => name(&identifier.0)?,
        (None, None) => return Ok(()),
    };
    if has_block {
        tell(&message.about(&device).of(MessageKind::Status).hearsay(), &fields, schema, batch);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::ingest::tests::table;

    #[test]
    fn the_documented_payloads_are_read() {
        table(
            "homeassistant",
            &[
                (
                    "homeassistant/sensor/pump-7/flow/config",
                    r#"{"~":"pump-7","device":{"identifiers":["p7"],"sw_version":"3.2","hw_version":"rev-B","manufacturer":"x"}}"#,
                    &["pump-7 status None None hearsay firmware=3.2 hardware=rev-B"],
                ),
                (
                    "homeassistant/device/pump-8/config",
                    r#"{"dev":{"ids":"p8","mdl":"P","sw":3},"o":{"name":"x"},"cmps":{"a":{"p":"sensor"}}}"#,
                    &["pump-8 status None None hearsay hardware=P firmware=3"],
                ),
                (
                    "homeassistant/sensor/flow/config",
                    r#"{"dev":{"ids":["p9","other"],"sw":"1"}}"#,
                    &["p9 status None None hearsay firmware=1"],
                ),
                ("homeassistant/sensor/flow/config", r#"{"name":"x"}"#, &[]),
                ("homeassistant/sensor/pump-7/flow/config", "", &[]),
                ("homeassistant/sensor/pump-7/flow/config", "{", &["bad_json"]),
                ("homeassistant/sensor/pump-7/flow/state", "12", &[]),
            ],
        );
    }
}
