//! Habits of being away: a device that sleeps at the same hours day after day is not missed in them.
//!
//! What is usual for a cohort would not do: a new firmware has no past, and of an outage among sleepers nobody could say
//! who is missing. So it is kept a device at a time, and only of devices that were away for a while: an hour of the day
//! gains when the device was away in it and came back, and loses when it was here. Two nights make a habit. A device
//! that went before its hour is missed until it comes, and one that is not back in time is missed from then on; what
//! never comes back has no habit.

use hashbrown::HashMap;

use super::devices::DeviceIx;
use crate::domain::time::At;

const HOUR_S: i64 = 3_600;
/// A device that was away for less was not asleep; one that was away for longer was dead, and somebody has mended it.
const SHORTEST_S: i64 = 900;
const LONGEST_S: i64 = 72 * HOUR_S;
/// Nights do not begin on the stroke of the hour: so many seconds of the hours beside it go with it.
const BESIDE_S: i64 = 1_200;
/// How often it is looked whether a habit still holds.
pub(super) const LOOK_S: i64 = BESIDE_S;
/// Times that an hour must have been spent away to be one of habit, and the most that are remembered.
const HABIT: u32 = 2;
const MOST: u32 = 3;
/// Hours that are told apart: those of workdays, and those of weekends.
const HOURS: usize = 48;

/// How often a device was away at each hour lately: two bits an hour.
#[derive(Clone, Copy, Debug, Default)]
struct Habit {
    times: [u32; HOURS / 16],
    /// The last hour (of the epoch) in which it was away.
    last: i32,
}

impl Habit {
    const fn get(&self, slot: usize) -> u32 {
        self.times[slot / 16] >> (slot % 16 * 2) & MOST
    }

    fn set(&mut self, slot: usize, times: u32) {
        let shift = slot % 16 * 2;
        self.times[slot / 16] = self.times[slot / 16] & !(MOST << shift) | times.min(MOST) << shift;
    }

    /// What is done on workdays is done at weekends too; the other way round it must have been seen.
    fn holds(&self, hour: i64) -> bool {
        let slot = slot(hour);
        let (workdays, weekends) = (self.get(slot % 24), self.get(slot % 24 + 24));
        let is_both = workdays >= 1 && workdays + weekends >= HABIT;
        workdays >= HABIT || is_both || (slot >= 24 && weekends >= HABIT)
    }
}

/// The habits of all devices that have some.
#[derive(Debug, Default)]
pub(super) struct Habits(HashMap<DeviceIx, Habit>);

impl Habits {
    /// A device has come back.
    pub(super) fn returned(&mut self, device: DeviceIx, left: At, back: At) {
        let away_s = back.since_s(left);
        if !(SHORTEST_S..=LONGEST_S).contains(&away_s) {
            return;
        }
        let habit = self.0.entry(device).or_default();
        let (first, last) = (hour(left), hour(back));
        let mut gained = [false; HOURS];
        for hour in first..=last {
            let slot = slot(hour);
            // An hour that was away in full before and is away again is one spell, not two.
            if !std::mem::replace(&mut gained[slot], true) && i64::from(habit.last) != hour {
                habit.set(slot, habit.get(slot) + 1);
            }
        }
        habit.last = last as i32;
    }

    /// Whether a device usually is away at this time.
    pub(super) fn is_away(&self, device: DeviceIx, now: At) -> bool {
        let Some(habit) = self.0.get(&device) else { return false };
        let (hour, into_s) = (hour(now), now.second().rem_euclid(HOUR_S));
        habit.holds(hour)
            || (into_s < BESIDE_S && habit.holds(hour - 1))
            || (into_s >= HOUR_S - BESIDE_S && habit.holds(hour + 1))
    }

    /// An hour is over in which these devices were here: they have less of a habit then.
    pub(super) fn end_hour(&mut self, ended: At, is_here: impl Fn(DeviceIx) -> bool) {
        let ended = hour(ended);
        self.0.retain(|device, habit| {
            if i64::from(habit.last) != ended && is_here(*device) {
                let slot = slot(ended);
                habit.set(slot, habit.get(slot).saturating_sub(1));
            }
            habit.times != [0; HOURS / 16]
        });
    }
}

fn hour(at: At) -> i64 {
    at.second().div_euclid(HOUR_S)
}

/// The place of an hour: of workdays first, then of weekends.
fn slot(hour: i64) -> usize {
    // The first day of the epoch was a Thursday.
    let weekday = (hour.div_euclid(24) + 3).rem_euclid(7);
    hour.rem_euclid(24) as usize + if weekday >= 5 { 24 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEVICE: DeviceIx = DeviceIx(7);

    fn at(day: &str, clock: &str) -> At {
        format!("2026-11-{day}T{clock}:00Z").parse().unwrap()
    }

    /// A device that was away from 22:50 to 6:05 in these nights.
    fn sleeper(nights: &[(&str, &str)]) -> Habits {
        let mut habits = Habits::default();
        for (evening, morning) in nights {
            habits.returned(DEVICE, at(evening, "22:50"), at(morning, "06:05"));
        }
        habits
    }

    #[test]
    fn two_nights_make_a_habit() {
        // The 17th is a Tuesday.
        let once = sleeper(&[("17", "18")]);
        let twice = sleeper(&[("17", "18"), ("18", "19")]);
        for (clock, usual) in
            [("21:39", false), ("21:40", true), ("23:30", true), ("06:50", true), ("07:19", true), ("07:20", false)]
        {
            assert!(!once.is_away(DEVICE, at("19", clock)), "{clock} after one night");
            assert_eq!(twice.is_away(DEVICE, at("19", clock)), usual, "{clock} after two");
            assert_eq!(twice.is_away(DEVICE, at("21", clock)), usual, "{clock} on a Saturday");
        }
        assert!(!twice.is_away(DeviceIx(8), at("19", "23:30")));
    }

    #[test]
    fn what_is_done_at_weekends_is_not_done_on_workdays() {
        let mut habits = Habits::default();
        for (saturday, monday) in [("07", "09"), ("14", "16")] {
            habits.returned(DEVICE, at(saturday, "00:30"), at(monday, "00:10"));
        }
        assert!(habits.is_away(DEVICE, at("21", "12:00")));
        assert!(!habits.is_away(DEVICE, at("23", "12:00")));
    }

    #[test]
    fn a_habit_is_given_up_and_the_short_and_the_dead_have_none() {
        let mut habits = sleeper(&[("16", "17"), ("17", "18"), ("18", "19")]);
        for day in ["19", "20"] {
            assert!(habits.is_away(DEVICE, at(day, "23:30")), "{day}");
            habits.end_hour(at(day, "23:59"), |_| true);
        }
        assert!(!habits.is_away(DEVICE, at("20", "23:30")), "it was here for two nights");
        let mut habits = Habits::default();
        for day in ["16", "17", "18"] {
            habits.returned(DEVICE, at(day, "12:00"), at(day, "12:05"));
        }
        habits.returned(DEVICE, at("10", "12:00"), at("18", "12:05"));
        assert!(habits.0.is_empty());
    }
}
