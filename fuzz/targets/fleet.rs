#![no_main]

//! A fleet that does anything, in any order and at any pace, through the whole core: decoder, counters, detection,
//! attribution, incidents. An input is a list of deeds of five bytes: what, from which device, how many devices, with
//! which value, and how long it takes.

use warroom::detect::JUDGES_AFTER_S;
use warroom::domain::time::At;
use warroom::engine::Settings;
use warroom::ingest::Ingest;
use warroom::ingest::capture::{Entry, Recorded};
use warroom::ingest::route::Router;
use warroom::runtime::playback::{Playback, Played};

const DEVICES: u16 = 120;
/// Messages and seconds that an input may take.
const MESSAGES: u64 = 12_000;
const SECONDS: i64 = 20_000;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let mut life = Life::begin();
    for deed in data.chunks_exact(5) {
        if life.playback.messages > MESSAGES || life.lasted_ms > SECONDS * 1000 {
            break;
        }
        life.does([deed[0], deed[1], deed[2], deed[3], deed[4]]);
    }
    check(&life.playback.end());
});

struct Life {
    playback: Playback,
    lasted_ms: i64,
    seq: u32,
}

impl Life {
    fn begin() -> Self {
        let settings = Settings::default();
        let ingest = Ingest::new(Router::standard("fleet").expect("it is a topic"), settings.fleet.schema.clone());
        let mut life = Self { playback: Playback::new(settings, ingest), lasted_ms: 0, seq: 0 };
        (0..DEVICES).for_each(|n| life.says(n, "status", status(n, n % 3, 1), false));
        // What is usual must be known before anything is not.
        life.goes_on(0..DEVICES, 15, JUDGES_AFTER_S + 15);
        life
    }

    fn at(&self) -> At {
        At::from_ms(1_795_176_000_000 + self.lasted_ms)
    }

    /// Some devices send telemetry every so many seconds, for so many seconds.
    fn goes_on(&mut self, devices: std::ops::Range<u16>, every_s: i64, seconds: i64) {
        for _ in 0..seconds / every_s {
            self.seq += 1;
            for n in devices.clone() {
                let seq = self.seq;
                self.says(n, "telemetry", format!(r#"{{"seq":{seq},"battery":0.8,"errors":0}}"#), false);
            }
            self.lasted_ms += every_s * 1000;
        }
    }

    fn does(&mut self, [what, first, count, value, pause]: [u8; 5]) {
        let first = u16::from(first) % DEVICES;
        let devices = first..(first + 1 + u16::from(count) % DEVICES).min(DEVICES);
        let retained = what & 0x80 != 0;
        let wide = u16::from(value);
        match what & 0x0f {
            0 => self.all_say(devices, "status", retained, |n| status(n, n % 3, value)),
            1 => self.all_say(devices, "status", retained, |_| r#"{"online":false}"#.into()),
            2 => self.all_say(devices, "status", retained, |n| status(n, wide % 7, (n as u8).wrapping_add(value))),
            3 => self.all_say(devices, "event", retained, |_| format!(r#"{{"kind":"error","code":"E{value}"}}"#)),
            4 => {
                let kinds = ["auth_failure", "throttled", "rejected", "signature_failure", "reboot"];
                let kind = kinds[usize::from(value) % kinds.len()];
                self.all_say(devices, "event", retained, |_| format!(r#"{{"kind":"{kind}"}}"#));
            }
            5 => {
                let states = [
                    "queued",
                    "downloading",
                    "installing",
                    "rebooting",
                    "verifying",
                    "succeeded",
                    "failed",
                    "rolled_back",
                ];
                let (state, wave) = (states[usize::from(value) % states.len()], value / 8);
                let ota = |_| format!(r#"{{"campaign":"c","wave":{wave},"state":"{state}","to":"{}"}}"#, wide % 7);
                self.all_say(devices, "ota", retained, ota);
            }
            6 => {
                let states = ["running", "paused", "aborted", "finished", "rolling_back"];
                let state = states[usize::from(value) % states.len()];
                let payload = format!(r#"{{"campaign":"c","state":"{state}","to":"{}"}}"#, wide % 7);
                self.take("fleet/ota/c/state".into(), payload, retained);
            }
            7 => {
                let (at, up) = (self.at(), value % 2 == 0);
                self.playback.take(&Entry::Link { at, up, reason: String::new() });
            }
            8 => self.playback.take(&Entry::Dropped { at: self.at(), messages: value.into() }),
            // Out of order, twice, and far too many.
            9 => self.all_say(devices, "telemetry", retained, |n| format!(r#"{{"seq":{}}}"#, wide.wrapping_mul(n))),
            10 => self.all_say(devices, "telemetry", retained, |_| format!(r#"{{"battery":{wide},"errors":{wide}}}"#)),
            11 => {
                let words = ["maintenance", "active", "suspended"];
                let word = words[usize::from(value) % words.len()];
                self.all_say(devices, "status", retained, |_| format!(r#"{{"lifecycle":"{word}"}}"#));
            }
            12 => self.all_say(devices, "telemetry", retained, |_| "not JSON".into()),
            13 => self.lasted_ms += i64::from(value) * 100_000,
            _ => self.goes_on(devices, 1 + i64::from(value) % 60, 1 + i64::from(value) * 4),
        }
        self.lasted_ms += i64::from(pause) * 250;
    }

    fn all_say(&mut self, devices: std::ops::Range<u16>, kind: &str, retained: bool, payload: impl Fn(u16) -> String) {
        devices.for_each(|n| self.says(n, kind, payload(n), retained));
    }

    fn says(&mut self, n: u16, kind: &str, payload: String, retained: bool) {
        self.take(format!("fleet/s{}/d{n}/{kind}", n % 4), payload, retained);
    }

    fn take(&mut self, topic: String, payload: String, retained: bool) {
        let payload = payload.into_bytes();
        self.playback.take(&Entry::Message(Recorded { at: self.at(), topic, payload, retained, full_length: None }));
    }
}

fn status(n: u16, firmware: u16, boots: u8) -> String {
    let (hardware, region) = (n % 2, n % 5);
    format!(r#"{{"online":true,"firmware":"{firmware}","hardware":"{hardware}","region":"{region}","boots":{boots}}}"#)
}

/// No share is more than all, and nobody is affected who is not there.
fn check(played: &Played) {
    let devices = played.devices as u32;
    assert!(devices <= DEVICES.into());
    for alert in &played.alerts {
        let finding = &alert.finding;
        assert!(finding.observed.is_finite() && finding.expected.is_finite(), "{finding:?}");
        assert!(finding.affected <= devices && finding.onset <= alert.at, "{finding:?}");
        assert!(!finding.evidence.is_empty());
    }
    for (incident, suspects) in &played.incidents {
        assert!(played.most.get(&incident.id).is_none_or(|most| *most <= devices));
        for suspect in suspects {
            assert!(suspect.affected <= suspect.devices && suspect.devices <= devices, "{suspect:?}");
            assert!((0.0..=1.000_001).contains(&suspect.share_of_affected) && suspect.lift.is_finite(), "{suspect:?}");
        }
    }
}
