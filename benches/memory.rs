//! Bytes of memory for each device of a fleet, as the operating system counts them, beside the plainest way to hold
//! the same: the last payload of each device by its name. Each is measured in a process of its own.
//!
//!     cargo bench --bench memory

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod support;

use std::collections::HashMap;
use std::process::Command;

use support::Traffic;
use warroom::domain::observation::Batch;
use warroom::domain::time::At;
use warroom::fleet::{Fleet, FleetSettings};
use warroom::ingest::route::Router;
use warroom::ingest::{Arrival, Ingest};

const FLEETS: [usize; 2] = [100_000, 1_000_000];
/// Messages are made and forgotten in parts of this many devices, so that they are not measured too.
const PART: usize = 1_000;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, way, devices] = &arguments[..] {
        let devices = devices.parse().unwrap();
        let before = resident_bytes();
        let held = if way == "fleet" { hold_fleet(devices) } else { hold_payloads(devices) };
        println!("{}", (resident_bytes() - before) / devices as u64);
        drop(held);
        return;
    }
    println!("{:>10} {:>16} {:>22}", "devices", "fleet, B/device", "payloads, B/device");
    for devices in FLEETS {
        println!("{devices:>10} {:>16} {:>22}", measure("fleet", devices), measure("payloads", devices));
    }
}

fn measure(way: &str, devices: usize) -> String {
    let output = Command::new(std::env::current_exe().unwrap()).args([way, &devices.to_string()]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

/// The moment at which everything is sent.
fn now() -> At {
    "2026-11-20T17:30:00Z".parse().unwrap()
}

/// The fleet, with every device known by status and telemetry, and two hours of history of all cohorts.
fn hold_fleet(devices: usize) -> Box<dyn std::any::Any> {
    let settings = FleetSettings::default();
    let mut ingest = Ingest::new(Router::standard("fleet").unwrap(), settings.schema.clone());
    let start = now();
    let mut fleet = Fleet::new(settings, start);
    let mut batch = Batch::default();
    for first in (0..devices).step_by(PART) {
        let traffic = Traffic::part(first..(first + PART).min(devices), now());
        for message in traffic.status.iter().chain(&traffic.telemetry) {
            let (topic, payload) = (message.topic.as_bytes(), message.payload.as_slice());
            let arrival = Arrival { at: start, topic, payload, retained: false, full_length: None };
            ingest.take(arrival, None, &mut batch);
        }
        for observation in batch.iter() {
            fleet.observe(&batch, observation);
        }
        batch.clear();
    }
    fleet.advance(start.plus_s(2 * 3600));
    assert_eq!(fleet.devices().len(), devices);
    Box::new(fleet)
}

fn hold_payloads(devices: usize) -> Box<dyn std::any::Any> {
    let mut last = HashMap::new();
    for first in (0..devices).step_by(PART) {
        let traffic = Traffic::part(first..(first + PART).min(devices), now());
        for message in traffic.status.into_iter().chain(traffic.telemetry) {
            last.insert(message.topic, message.payload);
        }
    }
    assert_eq!(last.len(), 2 * devices);
    Box::new(last)
}
