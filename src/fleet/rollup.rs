//! Rollups of the fleet's own history.

use std::cmp::Reverse;

use super::Fleet;
use super::cohorts::Cohort;
use crate::domain::cohort::CohortKey;
use crate::domain::rollup::{Rollup, RollupRow};
use crate::domain::signal::{Signal, SignalKind};
use crate::domain::time::At;
use crate::limits;

impl Fleet {
    /// The step of `step_s` seconds that ended `back_s` seconds ago (0: with the last second), of the whole fleet, of
    /// the cohorts asked for, and of the largest others as far as there is room. None where that is too long ago.
    pub fn rollup(&self, back_s: u32, step_s: u32, wanted: &[CohortKey], listening: bool) -> Option<Rollup> {
        let whole = self.cohorts().fleet();
        whole.series(Signal::Devices).back((back_s + step_s - 1) as usize)?;
        let mut others: Vec<&Cohort> =
            self.cohorts().iter().filter(|cohort| cohort.devices() > 0 && cohort.key != whole.key).collect();
        others.sort_by_cached_key(|cohort| Reverse(cohort.devices()));
        let asked = wanted.iter().filter_map(|key| self.cohort(key)).filter(|cohort| cohort.key != whole.key);
        let mut chosen: Vec<&Cohort> = vec![whole];
        for cohort in asked.chain(others.iter().copied()) {
            if chosen.len() >= limits::ROLLUP_COHORTS {
                break;
            }
            if !chosen.iter().any(|known| known.key == cohort.key) {
                chosen.push(cohort);
            }
        }
        let rows = chosen.into_iter().map(|cohort| RollupRow {
            cohort: self.cohort_key(&cohort.key),
            values: Signal::ALL.map(|signal| value(cohort, signal, back_s, step_s)),
        });
        let at = At::from_ms((self.second - i64::from(back_s)) * 1000);
        Some(Rollup { at, step_s, listening, rows: rows.collect() })
    }
}

fn value(cohort: &Cohort, signal: Signal, back_s: u32, step_s: u32) -> u32 {
    let series = cohort.series(signal);
    match signal.kind() {
        SignalKind::Level => series.back(back_s as usize).unwrap_or(0),
        SignalKind::Count => {
            let sum = series.sum((back_s + step_s) as usize) - series.sum(back_s as usize);
            sum.round().clamp(0.0, f64::from(u32::MAX)) as u32
        }
    }
}
