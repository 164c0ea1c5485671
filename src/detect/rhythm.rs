//! The rhythm of a week: how often the fleet shows each symptom at this hour, learnt where the history is there.
//!
//! The fleet as a whole has nothing to be held against but its past, and what happens every Monday at eight is no
//! incident.

use crate::domain::symptom::Symptom;
use crate::domain::time::At;

const HOUR_S: i64 = 3_600;
const HOURS: usize = 7 * 24;
/// Weight of one more hour in what is usual at that hour.
const NEW_HOUR: f32 = 0.5;

/// What is usual at each hour of the week, in devices a minute and device.
#[derive(Debug)]
pub(super) struct Rhythm {
    hours: Vec<[f32; HOURS]>,
    /// The hour that runs, and what was seen in it of each symptom in how many device-minutes: while an alert is open
    /// about one, it is not learnt.
    running: Option<i64>,
    seen: [f32; Symptom::COUNT],
    exposure: [f32; Symptom::COUNT],
}

impl Default for Rhythm {
    fn default() -> Self {
        Self { hours: Vec::new(), running: None, seen: [0.0; Symptom::COUNT], exposure: [0.0; Symptom::COUNT] }
    }
}

impl Rhythm {
    /// The rate that is usual now: that of the last hour, or of this hour on other days where that is higher.
    pub(super) fn usual(&self, symptom: Symptom, now: At, lately: f32) -> f32 {
        let Some(hours) = self.hours.get(symptom as usize) else { return lately };
        // Where this very hour of the week was seen it speaks for itself; before, the same hour of other days does.
        let usual_at = |hour: usize| match hours[hour] {
            0.0 => (0..7).map(|day| hours[hour % 24 + day * 24]).fold(0.0, f32::max),
            seen => seen,
        };
        let hour = hour_of_week(now.second().div_euclid(HOUR_S));
        // An hour does not begin on its stroke everywhere.
        let near = [hour, (hour + 1) % HOURS, (hour + HOURS - 1) % HOURS];
        near.into_iter().map(usual_at).fold(lately, f32::max)
    }

    /// Takes what was seen of one symptom in some device-minutes.
    pub(super) fn learn(&mut self, symptom: Symptom, now: At, seen: f32, minutes: f32) {
        let hour = now.second().div_euclid(HOUR_S);
        if self.running != Some(hour) {
            self.end_hour();
            self.running = Some(hour);
        }
        self.seen[symptom as usize] += seen;
        self.exposure[symptom as usize] += minutes;
    }

    fn end_hour(&mut self) {
        let Some(hour) = self.running.map(hour_of_week) else { return };
        if self.hours.is_empty() {
            self.hours = vec![[0.0; HOURS]; Symptom::COUNT];
        }
        let learnt = self.seen.iter().zip(self.exposure).enumerate().filter(|(_, (_, minutes))| *minutes > 0.0);
        for (symptom, (seen, minutes)) in learnt {
            let (rate, known) = (seen / minutes, &mut self.hours[symptom][hour]);
            *known = if *known > 0.0 { *known + NEW_HOUR * (rate - *known) } else { rate };
        }
        (self.seen, self.exposure) = ([0.0; Symptom::COUNT], [0.0; Symptom::COUNT]);
    }
}

fn hour_of_week(hour: i64) -> usize {
    hour.rem_euclid(HOURS as i64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happens_every_day_at_eight_is_usual_at_eight() {
        let mut rhythm = Rhythm::default();
        let at = |hour: i64| At::from_ms((1_774_000_800 + hour * HOUR_S) * 1000);
        for hour in 0..30 {
            let seen = if hour % 24 == 8 { 50.0 } else { 1.0 };
            rhythm.learn(Symptom::Erring, at(hour), seen, 1000.0);
        }
        for (hour, usual) in [(32, 0.05), (31, 0.05), (33, 0.05), (36, 0.002)] {
            assert_eq!(rhythm.usual(Symptom::Erring, at(hour), 0.002), usual, "hour {hour}");
        }
        assert_eq!(rhythm.usual(Symptom::Offline, at(32), 0.002), 0.002);
    }

    #[test]
    fn what_is_learnt_in_a_part_of_an_hour_is_the_rate_of_that_part() {
        let mut rhythm = Rhythm::default();
        let at = |minute: i64| At::from_ms((1_774_000_800 + minute * 60) * 1000);
        for minute in 0..120 {
            rhythm.learn(Symptom::Flooding, at(minute), 2.0, 1000.0);
            // An alert is open about errors for most of the hour.
            if minute % 60 < 10 {
                rhythm.learn(Symptom::Erring, at(minute), 1.0, 1000.0);
            }
        }
        let usual = |symptom| rhythm.usual(symptom, at(7 * 24 * 60 + 30), 0.0);
        assert_eq!((usual(Symptom::Flooding), usual(Symptom::Erring)), (0.002, 0.001));
    }
}
