//! The traffic that everything is measured with: telemetry as a fleet sends it.

#![allow(dead_code, clippy::unwrap_used)]

use std::ops::Range;

use warroom::domain::time::At;

/// A message as it stands on the wire.
pub struct Message {
    pub topic: String,
    pub payload: Vec<u8>,
    /// Where the last digit of its sequence number stands, if it has one.
    seq_ends: usize,
}

impl Message {
    /// Counts its sequence number up, as a device does that sends again.
    pub fn count_up(&mut self) {
        for digit in self.payload[..=self.seq_ends].iter_mut().rev() {
            if *digit < b'9' {
                *digit += 1;
                break;
            }
            *digit = b'0';
        }
    }
}

/// Where every device begins to count: there is room for millions of rounds before the number has a digit more.
const FIRST_SEQ: u32 = 1_000_000;

/// The status of each of `devices` devices, and then their telemetry: 8 fields in about 170 bytes, on topics of 40.
pub struct Traffic {
    pub status: Vec<Message>,
    pub telemetry: Vec<Message>,
}

impl Traffic {
    /// What is sent about `at`: a time stamp that is days off is a fault, which costs more than a good message.
    pub fn of(devices: usize, at: At) -> Self {
        Self::part(0..devices, at)
    }

    /// The traffic of some of the devices.
    pub fn part(devices: Range<usize>, at: At) -> Self {
        let status = devices.clone().map(|n| status(n, at)).collect();
        Self { status, telemetry: devices.map(|n| telemetry(n, at)).collect() }
    }
}

fn topic(n: usize, kind: &str) -> String {
    format!("fleet/site-{:03}/device-{n:07}/{kind}", n % 200)
}

fn status(n: usize, at: At) -> Message {
    let second = at.second();
    let (firmware, hardware) = (n % 4, if n.is_multiple_of(3) { "B" } else { "A" });
    let (region, carrier) = (n % 5, n % 3);
    let payload = format!(
        r#"{{"online":true,"ts":{second},"firmware":"3.2.{firmware}","hardware":"rev-{hardware}","region":"region-{region}","carrier":"carrier-{carrier}","boots":17}}"#
    );
    Message { topic: topic(n, "status"), payload: payload.into(), seq_ends: 0 }
}

fn telemetry(n: usize, at: At) -> Message {
    let ts = at.plus_ms(n as i64 % 60_000);
    let (battery, rssi) = (n % 1000, 50 + n % 50);
    let (queue, uptime, temp, part) = (n % 7, 86_400 + n, n % 30, n % 100);
    let mut payload = format!(r#"{{"ts":"{ts}","seq":{FIRST_SEQ}"#);
    let seq_ends = payload.len() - 1;
    payload += &format!(
        r#","battery":0.{battery:03},"rssi":-{rssi},"errors":0,"queue":{queue},"uptime_s":{uptime},"values":{{"temp_c":{temp}.{part:02},"humidity":0.{part:02},"door":"closed"}}}}"#
    );
    Message { topic: topic(n, "telemetry"), payload: payload.into(), seq_ends }
}

/// The fewest lines that get the same eight fields out of a payload: what a program without an interest in anything
/// else would do.
#[derive(serde::Deserialize)]
pub struct Bare<'a> {
    pub ts: &'a str,
    pub seq: u64,
    pub battery: f64,
    pub rssi: i32,
    pub errors: u64,
    pub queue: u64,
    pub uptime_s: u64,
    pub values: BareValues,
}

#[derive(serde::Deserialize)]
pub struct BareValues {
    pub temp_c: f64,
}
