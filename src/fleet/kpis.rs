//! Measured values (KPIs) of devices: each is held against its plan, and against what the same device measured before.

use std::fmt;

use super::devices::{Device, DeviceIx};
use super::drift::Habit;
use super::{Fleet, limits};
use crate::domain::observation::{Batch, Observation};
use crate::domain::symptom::Symptom;

/// What a measured value may be.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KpiPlan {
    /// Its path in the payload, without a leading `values.`.
    pub name: String,
    pub min: Option<f64>,
    pub max: Option<f64>,
    /// The most it may change in a minute.
    pub change_per_minute: Option<f64>,
}

/// Measurements before a device's own past says anything.
const KNOWN: u8 = 8;
/// Weight of a measurement in a device's usual value and spread.
const SLOW: f32 = 1.0 / 128.0;
/// Seconds in which what is unlike everything before is learnt. A new level is a habit after an eighth of that, six hours:
/// sooner, the room would get used to a fault before somebody has mended it.
const UNLIKE_S: f32 = 2.0 * 86_400.0;
/// Spreads that a measurement may lie off, and the least spread as a share of the value.
const SPREADS: f32 = 8.0;
const LEAST_SPREAD: f32 = 0.01;
/// The same measurement this often in a row is a stuck sensor, where it ever moved.
const STUCK: u8 = 8;

/// What a device measured of one value so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Past {
    /// What it measures lately.
    pub(super) usual: f32,
    /// The usual distance from the usual value.
    pub(super) spread: f32,
    pub(super) last: f32,
    pub(super) habit: Habit,
    /// The second of the fleet at which it was measured last.
    at: u32,
    /// Measurements seen, as far as they are counted.
    pub(super) seen: u8,
    /// Measurements in a row that were the same.
    same: u8,
    moved: bool,
    /// How many more measurements were far above the habit lately than were not; negative, where they were below it.
    pub(super) run: i8,
}

/// The followed values: their plans, and of each a past for every device that measures it.
#[derive(Debug, Default)]
pub struct Kpis {
    plans: Vec<KpiPlan>,
    pasts: Vec<Vec<Past>>,
    /// Measurements of values that found every place taken.
    pub refused: u64,
}

impl Kpis {
    pub fn new(plans: &[KpiPlan]) -> Self {
        let plans: Vec<KpiPlan> = plans.iter().take(limits::KPIS).cloned().collect();
        Self { pasts: vec![Vec::new(); plans.len()], plans, refused: 0 }
    }

    /// The names of the followed values.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.plans.iter().map(|plan| plan.name.as_str())
    }

    /// The names of values that are followed, and that nothing has measured.
    pub(super) fn unmeasured(&self) -> impl Iterator<Item = &str> {
        self.names().zip(&self.pasts).filter(|(_, pasts)| pasts.is_empty()).map(|(name, _)| name)
    }

    /// What a device measured last of a value, by its place among the names.
    pub fn last(&self, kpi: usize, device: DeviceIx) -> Option<f64> {
        let past = self.pasts.get(kpi)?.get(device.0 as usize)?;
        (past.seen > 0).then_some(past.last.into())
    }

    pub(super) fn past(&self, kpi: usize, device: DeviceIx) -> Option<&Past> {
        self.pasts.get(kpi)?.get(device.0 as usize)
    }

    pub(super) fn pasts_mut(&mut self) -> impl Iterator<Item = &mut Past> {
        self.pasts.iter_mut().flatten()
    }

    /// What every device measured of one value.
    pub(super) fn pasts(&self, kpi: usize) -> &[Past] {
        self.pasts.get(kpi).map_or(&[], Vec::as_slice)
    }

    /// The pasts of one device.
    pub(super) fn of_mut(&mut self, device: DeviceIx) -> impl Iterator<Item = &mut Past> {
        self.pasts.iter_mut().filter_map(move |pasts| pasts.get_mut(device.0 as usize))
    }

    /// The place of a value, a new one where there is room.
    fn find_or_add(&mut self, name: &str) -> Option<usize> {
        if let Some(at) = self.plans.iter().position(|plan| plan.name == name) {
            return Some(at);
        }
        if self.plans.len() >= limits::KPIS {
            self.refused += 1;
            return None;
        }
        self.plans.push(KpiPlan { name: name.to_owned(), ..KpiPlan::default() });
        self.pasts.push(Vec::new());
        Some(self.plans.len() - 1)
    }

    /// Takes a measurement made at a second of the fleet; says what is wrong with it. How fast it changed is not asked of
    /// one that is `late`: what was kept comes all at once.
    pub(super) fn take(
        &mut self,
        kpi: usize,
        device: DeviceIx,
        second: u32,
        is_late: bool,
        value: f64,
    ) -> Option<Symptom> {
        let plan = &self.plans[kpi];
        let pasts = &mut self.pasts[kpi];
        let at = device.0 as usize;
        if pasts.len() <= at {
            pasts.resize(at + 1, Past::default());
        }
        let past = &mut pasts[at];
        // Of this value, not of its device: others may come in messages of their own.
        let since_s = if past.seen > 0 { second.saturating_sub(past.at) } else { 0 };
        past.at = second;
        let out_of_plan = plan.beyond(value).is_some();
        let per_minute = (value - f64::from(past.last)).abs() * 60.0 / f64::from(since_s.max(1));
        let has_speed = past.seen > 0 && !is_late;
        let too_fast = has_speed && plan.change_per_minute.is_some_and(|most| per_minute > most);
        let unlike = past.take(value as f32, since_s);
        match unlike {
            _ if out_of_plan || too_fast => Some(Symptom::Implausible),
            unlike => unlike,
        }
    }
}

/// What a device measured last of one value, or what many did: then medians.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured<'f> {
    pub name: &'f str,
    pub now: f64,
    /// What should have been measured instead, where it is implausible.
    pub should: Option<Should>,
}

/// What a measured value should be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Should {
    /// The limit that it lies beyond.
    AtLeast(f64),
    AtMost(f64),
    /// What the same devices usually measure.
    Usual(f64),
}

/// `temperature 81.2`, and what it should be: `temperature 81.2, at most 60`, or `temperature 81.2, usually 21.4`.
impl fmt::Display for Measured<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:.1}", self.name, self.now)?;
        match self.should {
            Some(Should::AtLeast(least)) => write!(f, ", at least {least}"),
            Some(Should::AtMost(most)) => write!(f, ", at most {most}"),
            Some(Should::Usual(usual)) => write!(f, ", usually {usual:.1}"),
            None => Ok(()),
        }
    }
}

impl KpiPlan {
    /// The limit that a value lies beyond.
    fn beyond(&self, value: f64) -> Option<Should> {
        let least = self.min.filter(|min| value < *min).map(Should::AtLeast);
        least.or_else(|| self.max.filter(|max| value > *max).map(Should::AtMost))
    }
}

impl Past {
    /// Whether its last measurement lies outside of the plan, or far from what it usually is.
    fn is_odd(&self, plan: &KpiPlan) -> bool {
        let out_of_plan = plan.beyond(self.last.into()).is_some();
        self.seen > 0 && (out_of_plan || self.is_unlike((self.last - self.usual).abs()))
    }

    /// Whether a measurement that is so far `off` the usual one is like none before.
    fn is_unlike(&self, off: f32) -> bool {
        let spread = self.spread.max(LEAST_SPREAD * self.usual.abs()).max(1e-6);
        self.seen >= KNOWN && off > SPREADS * spread
    }

    fn take(&mut self, value: f32, since_s: u32) -> Option<Symptom> {
        // Beyond what the arithmetic holds there is nothing to learn.
        if !value.is_finite() || value.abs() > 1e18 {
            return Some(Symptom::Implausible);
        }
        if self.seen == 0 {
            (self.usual, self.last) = (value, value);
        }
        let off = (value - self.usual).abs();
        let is_known = self.seen >= KNOWN;
        let implausible = self.is_unlike(off);
        self.same = if self.seen > 0 && value == self.last { self.same.saturating_add(1) } else { 0 };
        self.moved |= value != self.last;
        self.last = value;
        let weight = match (is_known, implausible) {
            (false, _) => 1.0 / f32::from(self.seen + 1),
            // The mean of all, until it rests on enough: one that still moves to where it belongs is no drift.
            (true, false) => SLOW.max(1.0 / f32::from(self.seen.saturating_add(1))),
            (true, true) => SLOW.min(since_s as f32 / UNLIKE_S),
        };
        self.usual += weight * (value - self.usual);
        self.spread += weight * (off - self.spread);
        self.count_run();
        self.habit.learn(self.usual, self.seen, since_s);
        self.seen = self.seen.saturating_add(1);
        if implausible {
            Some(Symptom::Implausible)
        } else if self.same >= STUCK && self.moved {
            Some(Symptom::Stuck)
        } else {
            None
        }
    }
}

impl Fleet {
    /// Takes the measured values of a message; only what `is_news` shows anything.
    pub(super) fn measure(&mut self, ix: DeviceIx, is_news: bool, is_late: bool, batch: &Batch, told: &Observation) {
        let second = self.now_s();
        for (name, value) in batch.values(told) {
            let Some(kpi) = self.kpis.find_or_add(name) else { continue };
            if let Some(symptom) = self.kpis.take(kpi, ix, second, is_late, value)
                && is_news
            {
                self.show(ix, symptom);
            }
        }
    }

    /// Of the devices that show implausible values, and of which it is asked, the value that is odd in most of them.
    pub fn odd(&self, is_asked: impl Fn(DeviceIx) -> bool) -> Option<Measured<'_>> {
        let minute = self.minute();
        let shows = |device: &Device| device.shown.recent(minute) & Symptom::Implausible.bit() != 0;
        let own = self.devices.iter().filter(|(ix, device)| shows(device) && is_asked(*ix)).map(|(ix, _)| ix);
        let own: Vec<DeviceIx> = own.collect();
        let of = |(kpi, plan): (usize, &KpiPlan)| -> Vec<(f32, f32)> {
            let pasts = own.iter().filter_map(|ix| self.kpis.past(kpi, *ix));
            pasts.filter(|past| past.is_odd(plan)).map(|past| (past.last, past.usual)).collect()
        };
        let counted = self.kpis.plans.iter().enumerate().map(|(kpi, plan)| (plan, of((kpi, plan))));
        let (plan, odd) = counted.filter(|(_, odd)| !odd.is_empty()).max_by_key(|(_, odd)| odd.len())?;
        let median = |mut values: Vec<f32>| {
            values.sort_unstable_by(f32::total_cmp);
            f64::from(values[values.len() / 2])
        };
        let (now, usual) = odd.into_iter().unzip();
        let now = median(now);
        let should = plan.beyond(now).unwrap_or_else(|| Should::Usual(median(usual)));
        Some(Measured { name: &plan.name, now, should: Some(should) })
    }

    /// What a device measured last, value by value.
    pub fn measured(&self, ix: DeviceIx) -> impl Iterator<Item = Measured<'_>> {
        self.kpis.plans.iter().enumerate().filter_map(move |(kpi, plan)| {
            let past = self.kpis.past(kpi, ix).filter(|past| past.seen > 0)?;
            let usual = past.is_odd(plan).then(|| Should::Usual(past.usual.into()));
            let should = plan.beyond(past.last.into()).or(usual);
            Some(Measured { name: &plan.name, now: past.last.into(), should })
        })
    }

    pub const fn kpis(&self) -> &Kpis {
        &self.kpis
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_held_against_its_own_past() {
        type Series = fn(usize) -> f64;
        let noise: Series = |n| 20.0 + (n * 37 % 17) as f64 / 17.0;
        // (values, the symptom that shows in the last ten)
        let cases: [(&str, Series, Option<Symptom>); 6] = [
            ("noise", noise, None),
            ("another unit", |n| if n < 90 { 20.0 + (n % 3) as f64 } else { 68.0 }, Some(Symptom::Implausible)),
            ("stuck", |n| if n < 60 { 20.0 + (n % 3) as f64 } else { 21.0 }, Some(Symptom::Stuck)),
            ("always the same", |_| 1.0, None),
            ("huge", |n| if n < 95 { 20.0 } else { 1e300 }, Some(Symptom::Implausible)),
            ("a slow day", |n| 20.0 + (n % 5) as f64 + n as f64 / 20.0, None),
        ];
        for (name, series, expected) in cases {
            let mut kpis = Kpis::default();
            let kpi = kpis.find_or_add("temp_c").unwrap();
            let shown: Vec<_> =
                (0..100).map(|n| kpis.take(kpi, DeviceIx(3), 10 * n as u32, false, series(n))).collect();
            assert!(shown[90..].contains(&expected), "{name}: {shown:?}");
            assert_eq!(shown[..60].iter().flatten().count(), 0, "{name}: {shown:?}");
        }
    }

    #[test]
    fn a_new_level_is_no_habit_before_somebody_can_have_mended_it() {
        for every_s in [20, 60, 600] {
            let mut kpis = Kpis::default();
            let kpi = kpis.find_or_add("temp_c").unwrap();
            for n in 0..200 {
                kpis.take(kpi, DeviceIx(0), n * every_s, false, 20.0 + f64::from(n % 3));
            }
            let mut raised = |n: u32| kpis.take(kpi, DeviceIx(0), (200 + n) * every_s, false, 68.0);
            let until = (1_u32..).find(|n| raised(*n) != Some(Symptom::Implausible));
            let hours = f64::from(until.unwrap() * every_s) / 3600.0;
            assert!((4.0..12.0).contains(&hours), "every {every_s} s: {hours} h");
        }
    }

    #[test]
    fn a_plan_says_what_a_value_may_be() {
        let plan = KpiPlan { name: "t".into(), min: Some(-40.0), max: Some(85.0), change_per_minute: Some(6.0) };
        let mut kpis = Kpis::new(&[plan]);
        let mut second = 0;
        for (value, since_s, is_late, bad) in [
            (20.0, 60, false, false),
            (25.0, 60, false, false),
            (29.0, 10, false, true),
            (33.0, 0, true, false),
            (90.0, 6000, false, true),
        ] {
            second += since_s;
            assert_eq!(kpis.take(0, DeviceIx(0), second, is_late, value).is_some(), bad, "{value}");
        }
        assert_eq!((1..10).filter_map(|n| kpis.find_or_add(&format!("k{n}"))).count(), limits::KPIS - 1);
        assert_eq!(kpis.refused, 10 - limits::KPIS as u64);
    }
}
