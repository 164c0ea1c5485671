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
    /// The hour that runs, and what was seen in it in how many device-minutes.
    running: Option<i64>,
    seen: [f32; Symptom::COUNT],
    exposure: f32,
}

impl Default for Rhythm {
    fn default() -> Self {
        Self { hours: Vec::new(), running: None, seen: [0.0; Symptom::COUNT], exposure: 0.0 }
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
        // Every symptom is learnt at every look; one of them counts the minutes.
        if symptom == Symptom::Erring {
            self.exposure += minutes;
        }
    }

    fn end_hour(&mut self) {
        if let Some(hour) = self.running
            && self.exposure > 0.0
        {
            if self.hours.is_empty() {
                self.hours = vec![[0.0; HOURS]; Symptom::COUNT];
            }
            for (hours, seen) in self.hours.iter_mut().zip(self.seen) {
                let rate = seen / self.exposure;
                let known = &mut hours[hour_of_week(hour)];
                *known = if *known > 0.0 { *known + NEW_HOUR * (rate - *known) } else { rate };
            }
        }
        (self.seen, self.exposure) = ([0.0; Symptom::COUNT], 0.0);
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
}
