//! The clock: the wall's time at the start, and the steady clock from then on.
//!
//! The wall may jump (a time server, a person, a summer); the room's time does not, so that no duration is ever
//! negative. A jump is noticed and recorded. The steady clock also counts while the machine sleeps: an incident goes on
//! while a laptop's lid is closed.

use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{Local, TimeZone};
use rustix::time::{ClockId, clock_gettime};

use crate::domain::time::At;

/// Milliseconds that wall and steady clock may drift apart between two looks before it counts as a jump.
const JUMP_MS: i64 = 2_000;

/// A source of time.
#[derive(Debug)]
pub struct Clock {
    start: At,
    steady_ms: i64,
    /// Drill time runs this much faster than real time.
    speed: f64,
}

impl Clock {
    /// A clock that shows the wall's time now.
    pub fn live() -> Self {
        Self::at_speed(1.0)
    }

    /// A clock that begins now and runs at another speed, for a drill.
    pub fn at_speed(speed: f64) -> Self {
        Self { start: At::from_ms(wall_ms()), steady_ms: steady_ms(), speed }
    }

    pub fn now(&self) -> At {
        self.start.plus_ms(self.scale(steady_ms() - self.steady_ms))
    }

    fn scale(&self, ms: i64) -> i64 {
        // Most clocks run at the speed of time; those stay whole numbers.
        if (self.speed - 1.0).abs() < f64::EPSILON { ms } else { (ms as f64 * self.speed) as i64 }
    }

    /// Real milliseconds until the clock shows `at`.
    pub fn real_ms_until(&self, at: At) -> u64 {
        (at.since_ms(self.now()).max(0) as f64 / self.speed).ceil() as u64
    }
}

/// A moment in this machine's zone, summer time and all.
pub fn local(at: At) -> String {
    Local.from_utc_datetime(&at.utc().naive_utc()).format("%Y-%m-%d %H:%M:%S").to_string()
}

/// The zone of this machine at a moment: `UTC+01:00`.
pub fn zone(at: At) -> String {
    Local.from_utc_datetime(&at.utc().naive_utc()).format("UTC%:z").to_string()
}

/// Watches for jumps of the wall clock.
#[derive(Debug)]
pub struct JumpWatch {
    offset_ms: i64,
}

impl Default for JumpWatch {
    fn default() -> Self {
        Self { offset_ms: wall_ms() - steady_ms() }
    }
}

impl JumpWatch {
    /// How far the wall clock has jumped since the last look, if it has.
    pub fn look(&mut self) -> Option<i64> {
        let offset_ms = wall_ms() - steady_ms();
        let by_ms = offset_ms - self.offset_ms;
        (by_ms.abs() >= JUMP_MS).then(|| {
            self.offset_ms = offset_ms;
            by_ms
        })
    }
}

fn wall_ms() -> i64 {
    // A wall clock before 1970 is a wall clock that was never set.
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}

fn steady_ms() -> i64 {
    let now = clock_gettime(ClockId::Boottime);
    now.tv_sec * 1000 + now.tv_nsec / 1_000_000
}
