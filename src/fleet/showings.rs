//! How many devices of a cohort have shown each symptom, minute by minute: what charts of alerts are drawn from.

use std::collections::VecDeque;

use crate::domain::symptom::Symptom;
use crate::limits;

/// The minutes of one cohort.
#[derive(Clone, Debug, Default)]
pub(super) struct Showings {
    /// Oldest first.
    minutes: VecDeque<[u16; Symptom::COUNT]>,
    /// The cohort's counters when the running minute began.
    told: [u32; Symptom::COUNT],
}

impl Showings {
    /// Ends the running minute, in which the counters have come this far.
    pub(super) fn end_minute(&mut self, shown: &[u32; Symptom::COUNT]) {
        if self.minutes.len() == limits::HISTORY_MINUTES {
            self.minutes.pop_front();
        }
        self.minutes
            .push_back(std::array::from_fn(|n| shown[n].wrapping_sub(self.told[n]).min(u16::MAX.into()) as u16));
        self.told = *shown;
    }

    /// Devices that showed a symptom in the last minute that has ended, or in one `back` minutes before it.
    pub(super) fn back(&self, symptom: Symptom, back: usize) -> Option<u32> {
        self.minutes.iter().rev().nth(back).map(|minute| minute[symptom as usize].into())
    }
}
