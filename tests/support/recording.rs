//! Captures of simulated fleets.

#![allow(dead_code, clippy::unwrap_used)]

use std::io::Write;

use warroom::drill::scenario::Scenario;
use warroom::drill::world::{Published, World};
use warroom::ingest::capture::packing::{Packer, Packing};

/// The shipped game day as a capture: retained status first, then so many seconds of it.
pub fn capture(devices: u32, seconds: i64) -> String {
    let scenario = Scenario::find("bad-firmware").unwrap().unwrap();
    let start = super::start();
    let mut world = World::new(scenario, 1, Some(devices), start);
    let mut text = String::new();
    let mut write = |published: Published, retained: bool| {
        let message = &published.message;
        let payload = String::from_utf8_lossy(&message.payload);
        let t = published.at.ms() as f64 / 1000.0;
        let line = serde_json::json!({ "t": t, "topic": message.topic, "payload": payload, "retain": retained });
        text += &format!("{line}\n");
    };
    world.retained(start).into_iter().for_each(|published| write(published, true));
    for second in 1..=seconds {
        world.advance(start.plus_s(second)).into_iter().for_each(|published| write(published, false));
    }
    text
}

pub fn packed(packing: Packing, text: &str) -> Vec<u8> {
    let mut packer = Packer::new(packing, Vec::new()).unwrap();
    packer.write_all(text.as_bytes()).unwrap();
    packer.finish().unwrap()
}
