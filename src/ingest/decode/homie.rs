//! Homie, versions 3 to 5: `{base}/{device}/$state`, `$stats`, `$fw`, and properties; in version 5 below `{base}/5`, with
//! children that hang on a root device, alerts and log lines.
//!
//! Deliberately absent: an empty `$state`, by which a device is taken away on purpose. `sleeping` is no outage.

use std::collections::BTreeMap;

use hashbrown::HashMap;

use super::fields::{Fields, Str};
use super::tell::{cleared, counted, tell, unreadable};
use super::walk::walk;
use super::{Message, name};
use crate::domain::fault::Fault;
use crate::domain::observation::Batch;
use crate::fleet::attributes::Schema;
use crate::ingest::route::MessageKind;
use crate::limits;

/// Devices that hang on another one: when their root is lost, so are they, and nobody says so.
#[derive(Debug, Default)]
pub struct Families {
    /// The root of each child.
    roots: HashMap<Box<str>, Box<str>>,
    /// The children of each root, and whether each is present by its own word.
    children: HashMap<Box<str>, BTreeMap<Box<str>, bool>>,
}

impl Families {
    fn adopt(&mut self, root: &str, child: &str) {
        if root == child || self.roots.get(child).is_some_and(|known| **known == *root) {
            return;
        }
        self.forget(child);
        if self.roots.len() < limits::HOMIE_CHILDREN {
            self.roots.insert(child.into(), root.into());
            self.children.entry(root.into()).or_default().insert(child.into(), true);
        }
    }

    fn forget(&mut self, child: &str) {
        let Some(root) = self.roots.remove(child) else { return };
        if let Some(children) = self.children.get_mut(&root) {
            children.remove(child);
            if children.is_empty() {
                self.children.remove(&root);
            }
        }
    }

    /// Notes what a device says of itself, where it is somebody's child.
    fn note(&mut self, child: &str, online: bool) {
        let Some(root) = self.roots.get(child) else { return };
        if let Some(known) = self.children.get_mut(root).and_then(|children| children.get_mut(child)) {
            *known = online;
        }
    }

    /// The children of a root that are present by their own word, at most as many as a message may tell of.
    fn of(&self, root: &str) -> impl Iterator<Item = &str> {
        let children = self.children.get(root).into_iter().flatten();
        children.filter(|(_, online)| **online).map(|(child, _)| &**child).take(limits::DEVICES_PER_MESSAGE)
    }
}

pub fn decode(message: &Message<'_>, schema: &Schema, families: &mut Families, batch: &mut Batch) {
    let topic = message.rest.strip_prefix("5/").unwrap_or(message.rest);
    let Some((device, topic)) = topic.split_once('/') else { return };
    // Homie's own: `$broadcast`, and in old versions the convention's version.
    if device.starts_with('$') || topic.ends_with("/set") || topic.ends_with("/$target") {
        return;
    }
    let device = match name(device) {
        Ok(device) => device,
        Err(fault) => return unreadable(message, fault, batch),
    };
    let message = message.about(&device);
    let read = match topic {
        "$state" => state(&message, schema, families, batch),
        "$description" => description(&message, families),
        topic => tell_of(&message, topic, schema, batch),
    };
    counted(&message, read, batch);
}

fn text<'a>(message: &Message<'a>) -> Result<&'a str, Fault> {
    std::str::from_utf8(message.arrival.payload).map(str::trim).map_err(|_| Fault::BadUtf8)
}

fn state(message: &Message<'_>, schema: &Schema, families: &mut Families, batch: &mut Batch) -> Result<(), Fault> {
    let state = text(message)?;
    let online = match state {
        "" => {
            families.forget(message.device);
            cleared(message, batch);
            return Ok(());
        }
        "init" | "ready" | "sleeping" | "alert" => true,
        "disconnected" | "lost" => false,
        _ => return Err(Fault::BadStatus),
    };
    let status = message.of(MessageKind::Status);
    if state == "alert" {
        tell(&message.of(MessageKind::Event).part(), &Fields::event("error", "alert"), schema, batch);
    }
    tell(&status, &Fields::presence(online), schema, batch);
    families.note(message.device, online);
    for child in families.of(message.device) {
        tell(&status.about(child).part().hearsay(), &Fields::presence(online), schema, batch);
    }
    Ok(())
}

/// Version 5: what a device is made of, and whose child it is.
fn description(message: &Message<'_>, families: &mut Families) -> Result<(), Fault> {
    if message.arrival.payload.is_empty() {
        return Ok(());
    }
    let mut root: Option<Str<'_>> = None;
    walk(message.arrival.payload, &mut |path, value| {
        if path.as_str() == "root" {
            root = value.text();
        }
    })?;
    if let Some(root) = root {
        families.adopt(&name(&root.0)?, message.device);
    }
    Ok(())
}

/// Everything else. What is retained is no sign of life, and is marked so by the broker.
fn tell_of(message: &Message<'_>, topic: &str, schema: &Schema, batch: &mut Batch) -> Result<(), Fault> {
    let text = text(message)?;
    if text.is_empty() {
        return Ok(());
    }
    let number = text.parse().ok().filter(|n: &f64| n.is_finite());
    let mut fields = Fields::default();
    match topic {
        "$fw/version" => fields.attribute("firmware", Some(Str(text.into())), schema),
        "$implementation" => fields.attribute("hardware", Some(Str(text.into())), schema),
        "$stats/uptime" => fields.uptime_s = number,
        "$stats/battery" => fields.battery = number,
        topic if topic.starts_with("$alert/") || matches!(topic, "$log/error" | "$log/fatal") => {
            let code = topic.strip_prefix("$alert/").unwrap_or("log");
            let event = Fields { message: Some(Str(text.into())), ..Fields::event("error", code) };
            tell(&message.of(MessageKind::Event), &event, schema, batch);
            return Ok(());
        }
        topic => match topic.strip_prefix("$stats/") {
            Some(stat) => fields.measure_if_named(stat, number, schema),
            None if topic.contains('$') => {}
            None => fields.measure(&topic.replace('/', "."), number, schema),
        },
    }
    tell(&message.of(MessageKind::Telemetry), &fields, schema, batch);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::ingest::tests::{sequence, table};

    #[test]
    fn the_documented_payloads_are_read() {
        table(
            "homie",
            &[
                ("homie/5/pump/$state", "ready", &["pump status Some(true) None"]),
                ("homie/5/pump/$state", "init", &["pump status Some(true) None"]),
                ("homie/5/pump/$state", "sleeping", &["pump status Some(true) None"]),
                ("homie/5/pump/$state", "disconnected", &["pump status Some(false) None"]),
                ("homie/pump/$state", "lost", &["pump status Some(false) None"]),
                ("homie/pump/$state", "alert", &["pump event Error alert", "pump status Some(true) None"]),
                ("homie/pump/$state", "", &["pump cleared"]),
                ("homie/pump/$state", "fine", &["bad_status pump"]),
                ("homie/pump/$fw/version", "1.2.3", &["pump telemetry None None None None firmware=1.2.3"]),
                ("homie/pump/$implementation", "esp8266", &["pump telemetry None None None None hardware=esp8266"]),
                ("homie/pump/$stats/battery", "81", &["pump telemetry None Some(81) None None"]),
                ("homie/pump/$stats/signal", "24", &["pump telemetry None None None None"]),
                ("homie/pump/$nodes", "engine,tank", &["pump telemetry None None None None"]),
                ("homie/5/pump/tank/level", "0.7", &["pump telemetry None None None None tank.level:0.7"]),
                ("homie/pump/engine/speed/set", "3", &[]),
                ("homie/5/pump/$alert/seal", "leaks", &["pump event Error seal leaks"]),
                ("homie/5/pump/$alert/seal", "", &[]),
                ("homie/5/pump/$log/error", "stack", &["pump event Error log stack"]),
                ("homie/5/pump/$description", r#"{"homie":"5.0","version":7,"nodes":{}}"#, &[]),
                ("homie/5/pump/$description", "{", &["bad_json pump"]),
                ("homie/5/$broadcast/alert", "x", &[]),
            ],
        );
    }

    #[test]
    fn a_child_of_a_lost_root_is_lost() {
        sequence(
            "homie",
            &[
                ("homie/5/a/$description", br#"{"root":"bridge","parent":"bridge"}"#, &[]),
                ("homie/5/b/$description", br#"{"root":"bridge"}"#, &[]),
                ("homie/5/b/$state", b"disconnected", &["b status Some(false) None"]),
                (
                    "homie/5/bridge/$state",
                    b"lost",
                    &["bridge status Some(false) None", "a status Some(false) None hearsay"],
                ),
                ("homie/5/c/$description", br#"{"root":"bridge"}"#, &[]),
                ("homie/5/c/$state", b"", &["c cleared"]),
                (
                    "homie/5/bridge/$state",
                    b"ready",
                    &["bridge status Some(true) None", "a status Some(true) None hearsay"],
                ),
            ],
        );
    }

    #[test]
    fn children_are_bounded_and_may_move() {
        use super::*;
        let mut families = Families::default();
        families.adopt("a", "child");
        families.adopt("b", "child");
        families.adopt("child", "child");
        assert_eq!((families.of("a").count(), families.of("b").count(), families.of("child").count()), (0, 1, 0));
        for n in 0..limits::HOMIE_CHILDREN + 10 {
            families.adopt("root", &n.to_string());
        }
        assert_eq!(families.roots.len(), limits::HOMIE_CHILDREN);
        assert_eq!(families.of("root").count(), limits::DEVICES_PER_MESSAGE);
    }
}
