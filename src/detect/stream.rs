//! One stream of evidence: the devices of a cohort that show a symptom, against what is usual.
//!
//! A bank of one-sided Poisson CUSUMs, one for each of several rises that are looked for. The evidence of a CUSUM is a log
//! likelihood ratio, so that a threshold in nats is a budget of false alarms: in-control, one of them exceeds `h` not
//! more often than once in `e^h` looks. Devices do not fail one by one: the variance that was seen beyond that of
//! independent devices divides the evidence.

/// The rises that are looked for: devices showing the symptom, as a multiple of what is usual.
const RISES: [f32; 3] = [2.5, 6.0, 30.0];
/// Seconds of one look.
pub(super) const LOOK_S: i64 = 5;
/// Looks after which the usual rate is half forgotten: an hour.
const FORGET: f32 = 0.999_04;
/// Looks over which the present is averaged: a minute.
const RECENT: f32 = 11.0 / 12.0;
/// Device-minutes that the fleet's rate counts for in a cohort's, and that half a device counts for in the fleet's.
const PRIOR: f32 = 300.0;
const FLEET_PRIOR: f32 = 60.0;
/// Evidence from which nothing is learnt any more: what begins must not become usual. What was learnt before that is let
/// stand: learning only while there is no evidence at all leaves out the bad moments, makes the usual too low, and chance an
/// alarm.
const FREEZE: f32 = 8.0;
/// Minutes over which the spread of the counts is learnt, and what it is taken to be before.
const SPREAD_MIN: f32 = 60.0;
const SPREAD: f32 = 2.0;
/// Evidence from which not even the spread is learnt, and the most that one look counts for, in spreads: what grows slowly
/// would otherwise widen the spread as fast as it grows, and never be seen.
const FREEZE_SPREAD: f32 = 20.0;
const MOST_SPREADS: f32 = 4.0;

/// Whether a look may be learnt from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Learning {
    /// In the beginning: all that is seen is usual.
    All,
    /// What is not suspicious.
    Usual,
    /// An alert is open.
    Nothing,
}

impl Learning {
    fn allows(self, evidence: f32, most: f32) -> bool {
        self == Self::All || (self == Self::Usual && evidence < most)
    }
}

/// One symptom of one cohort.
#[derive(Clone, Debug)]
pub(super) struct Stream {
    /// The cohort's counter at the last look.
    last: u32,
    /// What was seen, and in how many device-minutes; old ones count less.
    seen: f32,
    exposure: f32,
    /// What was seen, and what was expected, in the last minute or so.
    pub(super) recent: f32,
    pub(super) expected: f32,
    evidence: [f32; RISES.len()],
    /// When each began to gather evidence, in looks.
    since: [u32; RISES.len()],
    /// The running minute, for the spread.
    minute: (f32, f32),
    minutes: u16,
    spread: f32,
}

impl Stream {
    pub(super) const fn new(last: u32) -> Self {
        Self {
            last,
            seen: 0.0,
            exposure: 0.0,
            recent: 0.0,
            expected: 0.0,
            evidence: [0.0; RISES.len()],
            since: [0; RISES.len()],
            minute: (0.0, 0.0),
            minutes: 0,
            spread: SPREAD,
        }
    }

    /// The usual devices a minute and device, for a whole fleet.
    pub(super) fn fleet_rate(&self) -> f32 {
        (self.seen + 0.5) / (self.exposure + FLEET_PRIOR)
    }

    /// The usual devices a minute and device, leaning on the fleet's where little is known.
    pub(super) fn rate(&self, fleet: f32) -> f32 {
        (self.seen + PRIOR * fleet) / (self.exposure + PRIOR)
    }

    /// Takes the counter at a look. Returns what is new.
    pub(super) fn read(&mut self, counter: u32) -> f32 {
        let new = counter.wrapping_sub(self.last) as f32;
        self.last = counter;
        new
    }

    /// Weighs `new` devices out of `devices`.
    pub(super) fn weigh(&mut self, look: u32, new: f32, devices: u32, rate: f32, rise: f32, learning: Learning) {
        let minutes = devices as f32 * LOOK_S as f32 / 60.0;
        let expected = (rate * rise * minutes).max(1e-6);
        self.recent = self.recent * RECENT + new;
        self.expected = self.expected * RECENT + expected;
        for (n, by) in RISES.iter().enumerate() {
            if self.evidence[n] == 0.0 {
                self.since[n] = look;
            }
            let gain = (new * by.ln() - expected * (by - 1.0)) / self.spread;
            // Bounded, so that it can fall again when all is well.
            self.evidence[n] = (self.evidence[n] + gain).clamp(0.0, 200.0);
        }
        let evidence = self.evidence();
        if learning.allows(evidence, FREEZE) {
            self.seen = self.seen * FORGET + new;
            self.exposure = self.exposure * FORGET + minutes;
        }
        self.minute = (self.minute.0 + new, self.minute.1 + expected);
        if look.is_multiple_of((60 / LOOK_S) as u32) {
            let (seen, expected) = std::mem::take(&mut self.minute);
            if learning.allows(evidence, FREEZE_SPREAD) {
                let squared = ((seen - expected).powi(2) / expected.max(0.5)).min(MOST_SPREADS * self.spread);
                self.minutes = self.minutes.saturating_add(1);
                let weight = 1.0 / SPREAD_MIN.min(f32::from(self.minutes) + 3.0);
                self.spread = (self.spread + weight * (squared - self.spread)).clamp(1.0, 50.0);
            }
        }
    }

    /// Forgets all but the counter: what was not seen so far could not be seen.
    pub(super) fn begin(&mut self) {
        *self = Self::new(self.last);
    }

    /// Begins anew, with what is known to be usual.
    pub(super) fn forget(&mut self) {
        self.evidence = [0.0; RISES.len()];
    }

    /// The strongest evidence of a rise, in nats.
    pub(super) fn evidence(&self) -> f32 {
        self.evidence.iter().copied().fold(0.0, f32::max)
    }

    /// The look at which the strongest evidence began.
    pub(super) fn since(&self) -> u32 {
        let strongest = (0..RISES.len()).max_by(|a, b| self.evidence[*a].total_cmp(&self.evidence[*b]));
        self.since[strongest.unwrap_or(0)]
    }
}

/// The share of a cohort that is away, against what is usual: a level, that needs no adding up.
#[derive(Clone, Debug)]
pub(super) struct Presence {
    /// Devices away, and devices, over the past; old looks count less.
    away: f32,
    devices: f32,
    spread: f32,
    evidence: f32,
    since: u32,
}

impl Default for Presence {
    fn default() -> Self {
        Self { away: 0.0, devices: 0.0, spread: SPREAD, evidence: 0.0, since: 0 }
    }
}

/// Looks at the fleet's share that count for in a cohort's, and devices that "half a device" counts for in the fleet's.
const PRIOR_LOOKS: f32 = 60.0;
const FLEET_DEVICES: f32 = 500.0;

impl Presence {
    pub(super) fn fleet_share(&self) -> f32 {
        (self.away + 0.5) / (self.devices + FLEET_DEVICES)
    }

    /// The share that is usually away, leaning on the fleet's where little is known.
    pub(super) fn share(&self, devices: u32, fleet: f32) -> f32 {
        let prior = PRIOR_LOOKS * devices as f32;
        (self.away + prior * fleet) / (self.devices + prior)
    }

    /// Weighs `away` of `devices` against the share that is to be expected now.
    pub(super) fn weigh(&mut self, look: u32, away: u32, devices: u32, share: f32, learning: Learning) {
        let (away, devices) = (away as f32, devices as f32);
        let seen = away / devices;
        let more = seen > share;
        let evidence = if more { devices * divergence(seen, share) / self.spread } else { 0.0 };
        // One look alone is no evidence of a level.
        self.evidence = if more { evidence.min(4.0 * self.evidence + 1.5 * FREEZE) } else { 0.0 };
        if self.evidence < FREEZE / 4.0 {
            self.since = look;
        }
        if learning.allows(self.evidence, FREEZE) {
            self.away = self.away * FORGET + away;
            self.devices = self.devices * FORGET + devices;
        }
        if learning.allows(self.evidence, FREEZE_SPREAD) {
            let variance = (devices * share * (1.0 - share)).max(0.5);
            let squared = ((away - devices * share).powi(2) / variance).min(MOST_SPREADS * self.spread);
            let weight = LOOK_S as f32 / 60.0 / SPREAD_MIN;
            self.spread = (self.spread + weight * (squared - self.spread)).clamp(1.0, 50.0);
        }
    }

    pub(super) const fn forget(&mut self) {
        self.evidence = 0.0;
    }

    pub(super) const fn evidence(&self) -> f32 {
        self.evidence
    }

    pub(super) const fn since(&self) -> u32 {
        self.since
    }
}

/// How far a share seen is from the one expected, in nats a device (Kullback-Leibler): by Chernoff's bound, `n` devices
/// stray this far with a probability of at most `e^(-n d)`.
fn divergence(seen: f32, expected: f32) -> f32 {
    let p = f64::from(expected.clamp(1e-6, 1.0 - 1e-6));
    let q = f64::from(seen);
    let part = |q: f64, p: f64| if q > 0.0 { q * (q / p).ln() } else { 0.0 };
    (part(q, p) + part(1.0 - q, 1.0 - p)) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks until the evidence exceeds 20 nats, of a thousand devices that usually show it once in a hundred minutes.
    fn looks_until_alarm(rise: f32, spread: bool) -> Option<usize> {
        let mut stream = Stream::new(0);
        let mut state = 7u64;
        let mut chance = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 40) as f32 / (1 << 24) as f32).max(1e-9)
        };
        let mut poisson = |mean: f32| {
            let (mut n, mut left) = (0, mean);
            while left > 0.0 {
                left += chance().ln();
                n += u32::from(left > 0.0);
            }
            n as f32
        };
        let usual = 1000.0 * LOOK_S as f32 / 60.0 / 100.0;
        let mut take = |look: u32, mean: f32, poisson: &mut dyn FnMut(f32) -> f32| {
            let burst = if spread { 4.0 } else { 1.0 };
            let new = poisson(mean / burst) * burst;
            let rate = stream.rate(0.01);
            stream.weigh(look, new, 1000, rate, 1.0, Learning::Usual);
            stream.evidence()
        };
        for look in 0..1500 {
            assert!(take(look, usual, &mut poisson) < 20.0, "a false alarm at look {look}");
        }
        (0..400).find(|look| take(1500 + *look as u32, usual * rise, &mut poisson) > 20.0)
    }

    #[test]
    fn the_stronger_the_rise_the_sooner_the_alarm() {
        assert_eq!(looks_until_alarm(1.0, false), None);
        assert!(looks_until_alarm(3.0, false).unwrap() < 40);
        assert!(looks_until_alarm(30.0, false).unwrap() < 4);
    }

    #[test]
    fn devices_that_fail_in_bursts_need_more_evidence() {
        assert_eq!(looks_until_alarm(1.0, true), None);
        assert!(looks_until_alarm(30.0, true).unwrap() < 12);
    }

    #[test]
    fn a_share_is_weighed_by_its_devices() {
        let evidence = |devices: u32, away: u32| {
            let mut presence = Presence::default();
            (0..4).for_each(|look| presence.weigh(look, away, devices, 0.01, Learning::Nothing));
            presence.evidence()
        };
        assert!(evidence(10_000, 300) > 50.0);
        assert!(evidence(100, 3) < 2.0);
        assert_eq!(evidence(10_000, 90), 0.0);
    }
}
