//! One series of values, watched in one pass: is this value unlike anything before, has the level shifted, or does it break
//! the rhythm of the day?
//!
//! Small memory, no tuning, no look ahead. Three things count as evidence: a value beyond the range ever seen, a departure
//! from the slow mean that lasts, and a departure from what this time of day usually brings, where a daily rhythm
//! explains most of the series at all. After an alarm the detector keeps quiet for a while: one cause is one alarm.

use crate::domain::time::At;

/// Weight of a new value in the slow mean: the memory is some five hundred values.
const SLOW: f64 = 0.002;
/// Values before anything is said; and a whole day, where that is not many values more.
const WARM_UP: u32 = 100;
const WARM_UP_DAY: u32 = 500;
const DAY_S: i64 = 86_400;
/// A spread below this share of the range is held to be this: a flat series must not make noise of every digit.
const LEAST_SPREAD: f64 = 0.03;
/// Evidence for a value that lies beyond the range ever seen by the whole of that range.
const NOVELTY: f64 = 12.0;
/// Weight of a new value in the departure from the mean: a shift must last some twenty values.
const LASTING: f64 = 0.05;
/// Departures that last count beyond this many standard deviations, by this much each.
const SHIFT_FROM: f64 = 1.0;
const SHIFT: f64 = 0.7;
/// Parts of a day that have a usual value of their own, and how often each must have been seen.
const SLOTS: usize = 96;
const SLOT_SEEN: u32 = 3;
/// Weight of a new value in a slot's usual value, and in the spread around it.
const SLOT_MEAN: f64 = 0.2;
const SLOT_SPREAD: f64 = 0.005;
/// The day explains a series when what is left has less than this share of the variance.
const RHYTHMIC: f64 = 0.5;
/// Departures from the day's rhythm count beyond this many standard deviations, by this much each.
const RHYTHM_FROM: f64 = 5.0;
const RHYTHM: f64 = 0.3;
/// The score from which it is an alarm.
const ALARM: f64 = 0.3;
/// Values after an alarm in which no other is raised, and what their score is multiplied with.
const QUIET: u32 = 120;
const HUSHED: f64 = 0.25;

/// What one value means.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Reading {
    /// 0 is as ever, towards 1 is unheard of.
    pub score: f64,
    pub alarm: bool,
}

/// The detector of one series.
#[derive(Clone, Debug)]
pub struct Level {
    seen: u32,
    began: Option<At>,
    low: f64,
    high: f64,
    mean: f64,
    variance: f64,
    /// The departure from the mean in standard deviations, over the last values.
    shift: f64,
    slots: Vec<(u32, f64)>,
    /// The variance around what the time of day brings.
    slot_variance: f64,
    quiet: u32,
}

impl Default for Level {
    fn default() -> Self {
        Self {
            seen: 0,
            began: None,
            low: 0.0,
            high: 0.0,
            mean: 0.0,
            variance: 0.0,
            shift: 0.0,
            slots: vec![(0, 0.0); SLOTS],
            slot_variance: 0.0,
            quiet: 0,
        }
    }
}

impl Level {
    /// Takes the next value. What is not a number says nothing; without a time there is no rhythm.
    pub fn observe(&mut self, at: Option<At>, value: f64) -> Reading {
        if !Self::takes(value) {
            return Reading::default();
        }
        if self.seen == 0 {
            (self.low, self.high, self.mean) = (value, value, value);
            self.began = at;
        }
        let slot = at.map(|at| at.second().rem_euclid(DAY_S) as usize * SLOTS / DAY_S as usize);
        let evidence = self.evidence(slot, value);
        self.learn(slot, value);
        let score = if self.is_warm(at) { 1.0 - (-evidence).exp() } else { 0.0 };
        if self.quiet > 0 {
            self.quiet -= 1;
            return Reading { score: score * HUSHED, alarm: false };
        }
        let alarm = score >= ALARM;
        if alarm {
            self.quiet = QUIET;
        }
        Reading { score, alarm }
    }

    /// Whether something can be said of a value, and learnt of it: squares of larger ones are no numbers any more.
    pub fn takes(value: f64) -> bool {
        value.abs() <= 1e150
    }

    /// Whether enough was seen: half a day has seen half of what is usual.
    fn is_warm(&self, at: Option<At>) -> bool {
        let days = self.began.zip(at).map(|(began, at)| at.since_s(began) >= DAY_S);
        self.seen > WARM_UP && (days != Some(false) || self.seen > WARM_UP_DAY)
    }

    fn evidence(&mut self, slot: Option<usize>, value: f64) -> f64 {
        let range = self.high - self.low;
        let least = (LEAST_SPREAD * range).max(1e-9 * self.mean.abs()).max(1e-12);
        let beyond = (value - self.high).max(self.low - value).max(0.0);
        let novelty = match range {
            r if r > 0.0 => beyond / r.max(10.0 * least),
            // A series that has always been one value says something with every other.
            _ if beyond > 0.0 => 1.0,
            _ => 0.0,
        };
        let departure = (value - self.mean) / self.variance.sqrt().max(least);
        // One value, however wild, is not a shift.
        self.shift += LASTING * (departure.clamp(-1e3, 1e3) - self.shift);
        NOVELTY * novelty
            + SHIFT * (self.shift.abs() - SHIFT_FROM).max(0.0)
            + RHYTHM * (self.out_of_rhythm(slot, value, least) - RHYTHM_FROM).max(0.0)
    }

    /// How far a value is from what its time of day brings, in standard deviations; 0 where the day explains nothing.
    fn out_of_rhythm(&self, slot: Option<usize>, value: f64, least: f64) -> f64 {
        let usual = slot.map(|slot| self.slots[slot]).filter(|(seen, _)| *seen >= SLOT_SEEN);
        match usual {
            Some((_, usual)) if self.slot_variance < RHYTHMIC * self.variance => {
                (value - usual).abs() / self.slot_variance.sqrt().max(least)
            }
            _ => 0.0,
        }
    }

    fn learn(&mut self, slot: Option<usize>, value: f64) {
        self.seen = self.seen.saturating_add(1);
        let young = 1.0 / f64::from(self.seen);
        let weight = SLOW.max(young);
        let departure = value - self.mean;
        self.mean += weight * departure;
        self.variance = (1.0 - weight) * (self.variance + weight * departure * departure);
        (self.low, self.high) = (self.low.min(value), self.high.max(value));
        if let Some((seen, usual)) = slot.map(|slot| &mut self.slots[slot]) {
            if *seen == 0 {
                *usual = value;
            } else {
                let departure = value - *usual;
                self.slot_variance += SLOT_SPREAD.max(young) * (departure * departure - self.slot_variance);
                *usual += SLOT_MEAN.max(1.0 / (f64::from(*seen) + 1.0)) * departure;
            }
            *seen = seen.saturating_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Alarms of a series of one value every five minutes.
    fn alarms(values: impl Iterator<Item = f64>) -> Vec<usize> {
        let mut level = Level::default();
        let at = |n: usize| At::from_ms(1_774_022_400_000 + n as i64 * 300_000);
        let raised = values.enumerate().filter(|(n, value)| level.observe(Some(at(*n)), *value).alarm);
        raised.map(|(n, _)| n).collect()
    }

    /// A day's rhythm with a little noise that is the same every time.
    fn rhythm(n: usize) -> f64 {
        let noise = (n * 7919 % 101) as f64 / 101.0;
        50.0 + 30.0 * (n as f64 / 288.0 * std::f64::consts::TAU).sin() + noise
    }

    #[test]
    fn what_never_was_before_raises_one_alarm_and_what_always_was_none() {
        type Series = Box<dyn Fn(usize) -> f64>;
        let cases: Vec<(&str, Series, Option<std::ops::Range<usize>>)> = vec![
            ("flat", Box::new(|_| 42.0), None),
            ("flat, then another value", Box::new(|n| if n < 3000 { 42.0 } else { 43.0 }), Some(3000..3001)),
            ("a daily rhythm", Box::new(rhythm), None),
            ("a spike", Box::new(|n| if n == 3000 { 300.0 } else { rhythm(n) }), Some(3000..3001)),
            ("a level that shifts", Box::new(|n| rhythm(n) + if n < 3000 { 0.0 } else { 60.0 }), Some(3000..3120)),
            (
                "a day without its rhythm",
                Box::new(|n| if (3024..3312).contains(&n) { 50.0 } else { rhythm(n) }),
                Some(3024..3312),
            ),
        ];
        for (name, series, expected) in cases {
            let raised = alarms((0..4000).map(series));
            match expected {
                None => assert_eq!(raised, [0usize; 0], "{name}"),
                Some(range) => assert!(raised.first().is_some_and(|n| range.contains(n)), "{name}: {raised:?}"),
            }
            assert!(raised.len() <= 4, "{name}: {raised:?}");
        }
    }

    #[test]
    fn what_is_not_a_number_says_nothing_and_spoils_nothing() {
        let mut level = Level::default();
        for n in 0..500 {
            let value = match n % 5 {
                0 => f64::NAN,
                1 => f64::INFINITY,
                2 => -1e308,
                _ => 1.0,
            };
            assert_eq!(level.observe(None, value), Reading::default(), "{n}");
        }
        assert!(level.observe(None, 5.0).alarm);
    }

    proptest::proptest! {
        #[test]
        fn scores_lie_between_0_and_1(values in proptest::collection::vec(proptest::num::f64::ANY, 0..400)) {
            let mut level = Level::default();
            for (n, value) in values.iter().enumerate() {
                let reading = level.observe(Some(At::from_ms(n as i64 * 60_000)), *value);
                proptest::prop_assert!((0.0..=1.0).contains(&reading.score), "{reading:?}");
            }
        }
    }
}
