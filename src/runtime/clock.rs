//! The clock: the wall's time at the start, and the steady clock from then on.
//!
//! The wall may jump (a time server, a person, a summer); the room's time does not, so that no duration is ever
//! negative. A jump is noticed and recorded. The steady clock also counts while the machine sleeps: an incident goes on
//! while a laptop's lid is closed.
//!
//! A drill's time runs faster. A replay's begins with its capture, never runs ahead of the messages, and can be paused.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use chrono::{Local, TimeZone};
use rustix::time::{ClockId, clock_gettime};

use crate::domain::replay::Pacing;
use crate::domain::time::At;

/// Milliseconds that wall and steady clock may drift apart between two looks before it counts as a jump.
const JUMP_MS: i64 = 2_000;
/// Real milliseconds that a clock which was held back may make up for; beyond it, it goes on from where it was held.
const SLACK_MS: f64 = 20.0;
/// Real milliseconds after which to look again at a clock that is held back, and at one that stands still.
const HELD_MS: u64 = 20;
const STILL_MS: u64 = 500;
/// Speeds that a replay changes between.
const SPEEDS: [f64; 8] = [0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0];

/// A source of time.
#[derive(Debug)]
pub struct Clock {
    course: Mutex<Course>,
    changed: Condvar,
}

/// How time goes: from a moment on, at a speed.
#[derive(Debug)]
struct Course {
    from: At,
    steady_ms: i64,
    /// This much faster than real time.
    speed: f64,
    paused: bool,
    /// Not beyond this, until more is allowed.
    until: Option<At>,
}

impl Course {
    fn new(from: At, speed: f64, until: Option<At>) -> Self {
        Self { from, steady_ms: steady_ms(), speed, paused: false, until }
    }

    /// Where it would be if nothing held it back.
    fn unheld(&self) -> At {
        let ms = if self.paused { 0 } else { steady_ms() - self.steady_ms };
        // Most clocks run at the speed of time; those stay whole numbers.
        let ms = if (self.speed - 1.0).abs() < f64::EPSILON { ms } else { (ms as f64 * self.speed) as i64 };
        self.from.plus_ms(ms)
    }

    fn now(&self) -> At {
        let unheld = self.unheld();
        self.until.map_or(unheld, |until| unheld.min(until))
    }

    /// Begins anew from where it is.
    fn begin_here(&mut self) {
        (self.from, self.steady_ms) = (self.now(), steady_ms());
    }

    fn real_ms_until(&self, at: At) -> u64 {
        match self.until {
            _ if self.paused => STILL_MS,
            Some(until) if until < at => HELD_MS,
            _ => (at.since_ms(self.now()).max(0) as f64 / self.speed).ceil() as u64,
        }
    }
}

impl Clock {
    /// A clock that shows the wall's time now.
    pub fn live() -> Self {
        Self::at_speed(1.0)
    }

    /// A clock that begins now and runs at another speed, for a drill.
    pub fn at_speed(speed: f64) -> Self {
        Self::of(Course::new(At::from_ms(wall_ms()), speed, None))
    }

    /// A clock that begins with a capture, and stands there until it is allowed to go on.
    pub fn replay(start: At, speed: f64) -> Self {
        Self::of(Course::new(start, speed, Some(start)))
    }

    fn of(course: Course) -> Self {
        Self { course: Mutex::new(course), changed: Condvar::new() }
    }

    fn course(&self) -> MutexGuard<'_, Course> {
        self.course.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn now(&self) -> At {
        self.course().now()
    }

    /// Real milliseconds until the clock shows `at`, or until to look again whether it does.
    pub fn real_ms_until(&self, at: At) -> u64 {
        self.course().real_ms_until(at)
    }

    /// Lets the clock of a replay run up to a moment.
    pub(super) fn allow(&self, until: At) {
        let mut course = self.course();
        let lag_ms = course.until.map_or(0, |held| course.unheld().since_ms(held));
        if lag_ms as f64 > SLACK_MS * course.speed {
            course.begin_here();
        }
        course.until = course.until.max(Some(until));
    }

    /// Moves the clock of a replay to a moment without the time between.
    pub(super) fn leap(&self, to: At) {
        let mut course = self.course();
        (course.from, course.steady_ms, course.until) = (to, steady_ms(), Some(to));
    }

    /// Stops the clock of a replay for good.
    pub(super) fn stop(&self) {
        let mut course = self.course();
        course.begin_here();
        (course.paused, course.until) = (true, Some(course.from));
    }

    /// Lets the time of a game day stand still.
    pub(super) fn hold(&self) {
        let mut course = self.course();
        course.begin_here();
        (course.paused, course.until) = (true, None);
    }

    /// Lets it go on.
    pub(super) fn go_on(&self) {
        let mut course = self.course();
        course.begin_here();
        (course.paused, course.until) = (false, None);
    }

    /// Lets it go on for so long.
    pub(super) fn go_on_for(&self, seconds: u32) {
        let mut course = self.course();
        course.begin_here();
        (course.paused, course.until) = (false, Some(course.from.plus_s(seconds.into())));
    }

    /// Makes it run at another speed.
    pub fn set_speed(&self, speed: f64) {
        let mut course = self.course();
        course.begin_here();
        course.speed = speed;
    }

    /// Changes the pace of a replay; returns its speed, and whether it stands still.
    pub(super) fn pace(&self, pacing: Pacing) -> (f64, bool) {
        let mut course = self.course();
        course.begin_here();
        let speed = course.speed;
        match pacing {
            Pacing::Pause => course.paused = !course.paused,
            Pacing::Faster => course.speed = SPEEDS.into_iter().find(|other| *other > speed).unwrap_or(speed),
            Pacing::Slower => course.speed = SPEEDS.into_iter().rfind(|other| *other < speed).unwrap_or(speed),
        }
        self.changed.notify_all();
        (course.speed, course.paused)
    }

    /// Waits until the clock shows `at`, for so long at most; whether it does.
    pub(super) fn wait_until(&self, at: At, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        let mut course = self.course();
        while course.now() < at {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let wait = left.min(Duration::from_millis(course.real_ms_until(at).max(1)));
            course = self.changed.wait_timeout(course, wait).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_of_a_replay_goes_no_further_than_it_may_and_changes_its_pace() {
        let at = |ms: i64| At::from_ms(1_000_000 + ms);
        let clock = Clock::replay(at(0), 60.0);
        assert!(!clock.wait_until(at(1), Duration::from_millis(5)), "it is held");
        clock.allow(at(500));
        assert!(clock.wait_until(at(500), Duration::from_secs(5)));
        assert_eq!(clock.now(), at(500));
        clock.leap(at(90_000_000));
        assert_eq!(clock.now(), at(90_000_000));
        assert_eq!(clock.pace(Pacing::Pause), (60.0, true));
        clock.allow(at(100_000_000));
        assert!(!clock.wait_until(at(90_000_001), Duration::from_millis(5)), "it is paused");
        assert_eq!(clock.pace(Pacing::Faster), (60.0, true));
        assert_eq!(clock.pace(Pacing::Slower), (30.0, true));
        assert_eq!(clock.pace(Pacing::Pause), (30.0, false));
        assert!(clock.wait_until(at(90_000_060), Duration::from_secs(5)));
        clock.stop();
        let stopped = clock.now();
        assert!(!clock.wait_until(stopped.plus_ms(1), Duration::from_millis(5)), "it has stopped");
    }
}
