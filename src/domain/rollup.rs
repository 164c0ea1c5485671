//! A rollup: what cohorts were like in a few seconds of the past, kept so that the room can be shown as it was.

use serde::{Deserialize, Serialize};

use super::cohort::CohortKey;
use super::signal::Signal;
use super::time::At;

/// The cohorts that mattered, over one step of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rollup {
    /// The end of the step, a whole second.
    pub at: At,
    /// How long it is, in seconds.
    pub step_s: u32,
    /// Whether our own link was up at its end; otherwise the numbers are the last known ones.
    pub listening: bool,
    /// The whole fleet first.
    pub rows: Vec<RollupRow>,
}

/// One cohort: levels as they stood at the end, counts summed over the step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollupRow {
    pub cohort: CohortKey,
    pub values: [u32; Signal::COUNT],
}

impl RollupRow {
    pub const fn get(&self, signal: Signal) -> u32 {
        self.values[signal as usize]
    }

    /// The share of its devices that are online.
    pub fn online_share(&self) -> Option<f64> {
        let devices = self.get(Signal::Devices);
        (devices > 0).then(|| f64::from(self.get(Signal::Online).min(devices)) / f64::from(devices))
    }
}

impl Rollup {
    pub fn row(&self, cohort: &CohortKey) -> Option<&RollupRow> {
        self.rows.iter().find(|row| row.cohort == *cohort)
    }

    /// The beginning of its step.
    pub fn from(&self) -> At {
        self.at.plus_s(-i64::from(self.step_s))
    }
}
