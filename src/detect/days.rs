//! The hours of a cohort's days: what it does at the same hour of two days running is a habit of it, and no news on the
//! third. Batteries that sink from dusk on are one, and devices that restart at two every night.
//!
//! Unlike the fleet's [`super::rhythm`] it is learnt while alerts are open too: what begins each evening raises one each
//! evening, and nothing could ever be learnt of it otherwise.

use crate::domain::symptom::Symptom;
use crate::domain::time::At;

const HOUR_S: i64 = 3_600;
const HOURS: usize = 24;
/// The share of an hour that must have been watched for it to count.
const WATCHED: f32 = 0.5;

/// How often each symptom was shown at an hour of the last two days on which it was watched, in devices a minute and
/// device, the later one first.
type Hours = [[f32; 2]; HOURS];

/// What is known of one cohort.
#[derive(Debug, Default)]
pub(super) struct Days {
    /// Of the symptoms that were seen at all.
    hours: [Option<Box<Hours>>; Symptom::COUNT],
    /// The days on which each hour was watched: no more than two matter.
    watched: [u8; HOURS],
    /// The hour that runs, and what was seen in it in how many device-minutes, and minutes.
    running: Option<i64>,
    seen: [f32; Symptom::COUNT],
    exposure: f32,
    minutes: f32,
}

impl Days {
    /// The rate at this hour on both of two days; none where there were no two yet.
    pub(super) fn usual(&self, symptom: Symptom, now: At) -> Option<f32> {
        let hour = hour_of_day(now.second().div_euclid(HOUR_S));
        if self.watched[hour] < 2 {
            return None;
        }
        let Some(hours) = &self.hours[symptom as usize] else { return Some(0.0) };
        // An hour does not begin on its stroke everywhere.
        let near = [hour, (hour + 1) % HOURS, (hour + HOURS - 1) % HOURS];
        Some(near.into_iter().map(|hour| hours[hour][0].min(hours[hour][1])).fold(0.0, f32::max))
    }

    /// Takes what was seen of all symptoms in some minutes of so many devices.
    pub(super) fn learn(&mut self, now: At, seen: &[f32; Symptom::COUNT], minutes: f32, devices: u32) {
        let hour = now.second().div_euclid(HOUR_S);
        if self.running != Some(hour) {
            self.end_hour();
            self.running = Some(hour);
        }
        self.seen.iter_mut().zip(seen).for_each(|(sum, seen)| *sum += seen);
        self.minutes += minutes;
        self.exposure += minutes * devices as f32;
    }

    fn end_hour(&mut self) {
        let (seen, exposure) = (std::mem::take(&mut self.seen), std::mem::take(&mut self.exposure));
        let minutes = std::mem::take(&mut self.minutes);
        let Some(hour) = self.running.filter(|_| minutes >= WATCHED * 60.0 && exposure > 0.0) else { return };
        let hour = hour_of_day(hour);
        for (hours, seen) in self.hours.iter_mut().zip(seen) {
            if seen > 0.0 || hours.is_some() {
                let known = &mut hours.get_or_insert_default()[hour];
                *known = [seen / exposure, known[0]];
            }
        }
        self.watched[hour] = self.watched[hour].saturating_add(1);
    }
}

fn hour_of_day(hour: i64) -> usize {
    hour.rem_euclid(HOURS as i64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: i64, minute: i64) -> At {
        At::from_ms((1_774_000_800 + hour * HOUR_S + minute * 60) * 1000)
    }

    /// A hundred devices, ten of which drain each minute of these hours.
    fn watched(hours: impl Iterator<Item = i64>, drains: impl Fn(i64) -> bool) -> Days {
        let mut days = Days::default();
        for (hour, minute) in hours.flat_map(|hour| (0..60).map(move |minute| (hour, minute))) {
            let mut seen = [0.0; Symptom::COUNT];
            seen[Symptom::Draining as usize] = if drains(hour) { 10.0 } else { 0.0 };
            days.learn(at(hour, minute), &seen, 1.0, 100);
        }
        days
    }

    #[test]
    fn two_evenings_make_a_habit_and_one_does_not() {
        let usual = |days: &Days, hour| days.usual(Symptom::Draining, at(hour, 30));
        let days = watched(0..50, |hour| hour % 24 >= 18);
        for (hour, expected) in [(66, 0.1), (71, 0.1), (65, 0.1), (72, 0.1), (64, 0.0), (60, 0.0)] {
            assert_eq!(usual(&days, hour), Some(expected), "hour {hour}");
        }
        assert_eq!(days.usual(Symptom::Erring, at(66, 0)), Some(0.0));
        let days = watched(0..50, |hour| (18..24).contains(&hour));
        assert_eq!(usual(&days, 66), Some(0.0), "the second evening was quiet");
        let days = watched(0..30, |hour| hour % 24 >= 18);
        assert_eq!(usual(&days, 42), None, "there was but one evening");
    }

    #[test]
    fn an_hour_that_was_hardly_watched_does_not_count() {
        let mut days = watched(0..25, |_| true);
        days.learn(at(42, 50), &[5.0; Symptom::COUNT], 1.0, 100);
        days.learn(at(43, 0), &[0.0; Symptom::COUNT], 1.0, 100);
        assert_eq!(days.usual(Symptom::Draining, at(42, 0)), None);
    }
}
