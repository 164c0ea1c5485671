//! The evidence against one cohort: what is seen, what was to be expected, and how far apart the two are.

use crate::domain::alert::Finding;
use crate::domain::cohort::CohortKey;
use crate::domain::signal::Signal;
use crate::domain::time::At;
use crate::fleet::Fleet;
use crate::fleet::cohorts::{Cohort, Key};

/// Seconds over which the present is averaged for online share, and counted for reboots.
const NOW_S: usize = 5;
const COUNT_S: usize = 60;
/// The past that the present is held against: up to ten minutes, ending a minute ago.
const PAST_S: usize = 600;
const PAST_ENDS_S: usize = 60;
/// Seconds of own past a cohort needs before it is its own measure; a younger one is held against the fleet.
const OWN_PAST_S: usize = 120;
/// The least drop in online share that matters, and the least share of devices rebooting in a minute.
const LEAST_DROP: f64 = 0.05;
const LEAST_REBOOTING: f64 = 0.02;
/// Standard deviations of chance that a deviation must exceed.
const SIGMAS: f64 = 5.0;

/// What can be wrong with a cohort.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Symptom {
    Offline,
    Rebooting,
}

impl Symptom {
    pub(super) const ALL: [Self; 2] = [Self::Offline, Self::Rebooting];

    pub(super) const fn signal(self) -> Signal {
        match self {
            Self::Offline => Signal::Online,
            Self::Rebooting => Signal::Reboots,
        }
    }
}

/// Seen against expected, both as a share of the cohort's devices.
#[derive(Clone, Copy, Debug)]
pub(super) struct Evidence {
    symptom: Symptom,
    devices: f64,
    observed: f64,
    pub(super) expected: f64,
    /// Devices affected beyond what was to be expected.
    pub(super) affected: f64,
    against_fleet: bool,
}

impl Evidence {
    /// The cohort against its own past, or against the fleet's where it has too little of one.
    pub(super) fn gather(symptom: Symptom, cohort: &Cohort, fleet: &Fleet) -> Option<Self> {
        let own = past(symptom, cohort).filter(|_| has_own_past(cohort));
        let expected = own.or_else(|| past(symptom, fleet.cohorts().fleet()))?;
        Some(Self { against_fleet: own.is_none(), ..Self::against(symptom, cohort, expected)? })
    }

    /// The cohort against a given expectation.
    pub(super) fn against(symptom: Symptom, cohort: &Cohort, expected: f64) -> Option<Self> {
        let devices = f64::from(cohort.level(Signal::Devices));
        let observed = match symptom {
            Symptom::Offline => mean((0..NOW_S).filter_map(|back| cohort.present_share_back(back)))?,
            Symptom::Rebooting if devices > 0.0 => cohort.series(Signal::Rebooters).sum(COUNT_S) / devices,
            Symptom::Rebooting => return None,
        };
        let mut evidence = Self { symptom, devices, observed, expected, affected: 0.0, against_fleet: false };
        evidence.affected = evidence.deviation().max(0.0) * devices;
        Some(evidence)
    }

    /// How far it is on the wrong side.
    pub(super) fn deviation(&self) -> f64 {
        match self.symptom {
            Symptom::Offline => self.expected - self.observed,
            Symptom::Rebooting => self.observed - self.expected,
        }
    }

    /// How far chance may carry it.
    pub(super) fn margin(&self) -> f64 {
        let p = self.expected.clamp(0.0, 1.0);
        let chance = SIGMAS * (p * (1.0 - p) / self.devices.max(1.0)).sqrt();
        match self.symptom {
            Symptom::Offline => chance.max(LEAST_DROP),
            Symptom::Rebooting => chance.max(LEAST_REBOOTING),
        }
    }

    /// Many devices, and a large part of the cohort: what names a cause best.
    pub(super) fn weight(&self) -> f64 {
        self.affected * self.deviation().max(0.0)
    }

    /// The finding to raise.
    pub(super) fn finding(&self, cohort: &Cohort, name: CohortKey, now: At) -> Finding {
        let onset = now.plus_s(-(self.onset_back(cohort) as i64));
        let percent = |share: f64| format!("{:.0} %", share * 100.0);
        let measure = if self.against_fleet { "as the fleet" } else { "as before" };
        let (seen, expected) = (percent(self.observed), percent(self.expected));
        let evidence = match self.symptom {
            Symptom::Offline => format!(
                "online {seen}, expected {expected} {measure}: {:.0} of {:.0} devices missing",
                self.affected, self.devices
            ),
            Symptom::Rebooting => format!(
                "{:.0} of {:.0} devices rebooted in a minute, {seen}; expected {expected} {measure}",
                self.observed * self.devices,
                self.devices
            ),
        };
        Finding {
            signal: self.symptom.signal(),
            cohort: name,
            onset,
            observed: self.observed,
            expected: self.expected,
            sample: self.devices as u32,
            affected: self.affected.round() as u32,
            evidence,
        }
    }

    /// Seconds back to where the deviation began: a quarter of it and no return since.
    fn onset_back(&self, cohort: &Cohort) -> usize {
        let bad = |back: usize| match self.symptom {
            Symptom::Offline => {
                cohort.present_share_back(back).is_some_and(|share| self.expected - share > self.deviation() / 4.0)
            }
            Symptom::Rebooting => {
                let rate = (back..back + 10).filter_map(|b| cohort.series(Signal::Rebooters).back(b)).sum::<u32>();
                f64::from(rate) > self.affected / 4.0 * 10.0 / COUNT_S as f64
            }
        };
        (0..PAST_S).take_while(|back| bad(*back)).last().unwrap_or(0)
    }
}

/// Whether the cohort had at least half of its devices for long enough to be its own measure.
fn has_own_past(cohort: &Cohort) -> bool {
    let then = cohort.series(Signal::Devices).back(PAST_ENDS_S + OWN_PAST_S);
    then.is_some_and(|then| then * 2 >= cohort.level(Signal::Devices))
}

/// The usual value of the past minutes; the upper middle of online shares, so that an incident in it does not become normal.
fn past(symptom: Symptom, cohort: &Cohort) -> Option<f64> {
    let back = PAST_ENDS_S..PAST_ENDS_S + PAST_S;
    match symptom {
        Symptom::Offline => {
            let mut shares: Vec<f64> = back.step_by(5).filter_map(|b| cohort.present_share_back(b)).collect();
            if shares.len() < 6 {
                return None;
            }
            shares.sort_by(f64::total_cmp);
            Some(shares[shares.len() * 3 / 4])
        }
        Symptom::Rebooting => {
            let seconds: Vec<u32> = back.filter_map(|b| cohort.series(Signal::Rebooters).back(b)).collect();
            let devices = f64::from(cohort.series(Signal::Devices).back(PAST_ENDS_S)?);
            if seconds.len() < 30 || devices < 1.0 {
                return None;
            }
            let minutes = seconds.len() as f64 / 60.0;
            Some(seconds.iter().map(|n| f64::from(*n)).sum::<f64>() / minutes / devices)
        }
    }
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, n) = values.fold((0.0, 0u32), |(sum, n), value| (sum + value, n + 1));
    (n > 0).then(|| sum / f64::from(n))
}

/// Whether what is wrong with a cohort lies in cohorts already named: outside them, its devices are well.
pub(super) fn is_explained(symptom: Symptom, key: &Key, named: &[Key], fleet: &Fleet, evidence: &Evidence) -> bool {
    if named.is_empty() {
        return false;
    }
    let (mut outside, mut offline_outside) = (0.0, 0.0);
    for (_, group) in fleet.groups().iter().filter(|(_, g)| key.holds(&g.vector)) {
        if named.iter().any(|other| other.holds(&group.vector)) {
            continue;
        }
        let devices = f64::from(group.now[Signal::Devices as usize]);
        outside += devices;
        offline_outside +=
            devices - f64::from(group.now[Signal::Online as usize] + group.now[Signal::Updating as usize]);
    }
    if outside < 1.0 {
        return true;
    }
    match symptom {
        Symptom::Offline => {
            let affected = offline_outside - outside * (1.0 - evidence.expected);
            affected < super::MINIMUM_AFFECTED || affected / outside < evidence.margin()
        }
        // Reboots are not kept by group; what overlaps for the most part is taken to be explained.
        Symptom::Rebooting => outside < evidence.devices * 0.8 || offline_outside < super::MINIMUM_AFFECTED,
    }
}
