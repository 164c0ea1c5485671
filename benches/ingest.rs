//! The price of a message: from topic and payload to a fleet that knows it. Read the rows as ratios to `bare_parse`.
//!
//!     cargo bench --bench ingest

#![allow(clippy::unwrap_used)]

mod support;

use divan::Bencher;
use support::{Bare, Message, Traffic};
use warroom::domain::observation::Batch;
use warroom::domain::time::At;
use warroom::fleet::{Fleet, FleetSettings};
use warroom::ingest::route::Router;
use warroom::ingest::{Arrival, Ingest};

const FLEETS: [usize; 2] = [10_000, 100_000];

/// Messages in a batch: what a room takes at a time when it is busy. A sample is a whole number of batches.
const BATCH: usize = 512;
const SAMPLE: u32 = 100 * BATCH as u32;

fn main() {
    divan::main();
}

fn start() -> At {
    "2026-11-20T17:30:00Z".parse().unwrap()
}

/// serde_json into a struct of the same eight fields, and nothing else.
#[divan::bench(args = FLEETS, sample_count = 40, sample_size = SAMPLE)]
fn bare_parse(bencher: Bencher, devices: usize) {
    let mut traffic = Endless::of(devices);
    bencher.bench_local(|| {
        let told: Bare = serde_json::from_slice(&traffic.next().payload).unwrap();
        divan::black_box(told);
    });
}

/// Routing and decoding, with every field checked and every name made safe to show.
#[divan::bench(args = FLEETS, sample_count = 40, sample_size = SAMPLE)]
fn decode(bencher: Bencher, devices: usize) {
    let mut traffic = Endless::of(devices);
    let mut room = Room::with(&traffic.of);
    bencher.bench_local(|| {
        room.decode(traffic.next(), false);
        if room.batch.len() == BATCH {
            room.batch.clear();
        }
    });
}

/// Routing, decoding, and the fleet's update: the whole way of a message.
#[divan::bench(args = FLEETS, sample_count = 40, sample_size = SAMPLE)]
fn decode_and_update(bencher: Bencher, devices: usize) {
    let mut traffic = Endless::of(devices);
    let mut room = Room::with(&traffic.of);
    bencher.bench_local(|| {
        room.decode(traffic.next(), false);
        if room.batch.len() == BATCH {
            room.update();
        }
    });
}

/// The fleet's telemetry, round after round.
struct Endless {
    of: Traffic,
    next: usize,
}

impl Endless {
    fn of(devices: usize) -> Self {
        Self { of: Traffic::of(devices, start()), next: 0 }
    }

    fn next(&mut self) -> &Message {
        let messages = &mut self.of.telemetry;
        let at = self.next;
        self.next = (at + 1) % messages.len();
        messages[at].count_up();
        &messages[at]
    }
}

struct Room {
    ingest: Ingest,
    fleet: Fleet,
    batch: Batch,
    now: At,
}

impl Room {
    /// A room that knows every device of the traffic by its retained status.
    fn with(traffic: &Traffic) -> Self {
        let settings = FleetSettings::default();
        let ingest = Ingest::new(Router::standard("fleet").unwrap(), settings.schema.clone());
        let mut room = Self { ingest, fleet: Fleet::new(settings, start()), batch: Batch::default(), now: start() };
        for message in &traffic.status {
            room.decode(message, true);
        }
        room.update();
        room
    }

    fn decode(&mut self, message: &Message, retained: bool) {
        let Message { topic, payload, .. } = message;
        let (topic, payload) = (topic.as_bytes(), payload.as_slice());
        let arrival = Arrival { at: self.now, topic, payload, retained, full_length: None };
        self.ingest.take(arrival, None, &mut self.batch);
    }

    fn update(&mut self) {
        for observation in self.batch.iter() {
            divan::black_box(self.fleet.observe(&self.batch, observation));
        }
        self.batch.clear();
        // At 100,000 messages a second, 200 batches are a second.
        self.now = At::from_ms(self.now.ms() + 5);
        self.fleet.advance(self.now);
    }
}
