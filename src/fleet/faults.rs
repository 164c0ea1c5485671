//! What was wrong with messages: a counter for each kind, and a few samples of each.

use std::collections::{BTreeMap, VecDeque};

use crate::domain::fault::Fault;
use crate::domain::time::At;
use crate::limits;

/// A bad message, safe to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    pub at: At,
    pub fault: Fault,
    pub topic: String,
    pub preview: String,
    pub bytes: u32,
}

/// Counters and samples.
#[derive(Debug, Default)]
pub struct Faults {
    kinds: BTreeMap<Fault, (u64, VecDeque<Sample>)>,
}

impl Faults {
    pub fn add(&mut self, sample: Sample) {
        let (count, samples) = self.kinds.entry(sample.fault).or_default();
        *count += 1;
        if samples.len() == limits::SAMPLES_PER_FAULT {
            samples.pop_front();
        }
        samples.push_back(sample);
    }

    pub fn total(&self) -> u64 {
        self.kinds.values().map(|(count, _)| count).sum()
    }

    /// Kinds that occurred, with their number.
    pub fn counts(&self) -> Vec<(Fault, u64)> {
        self.kinds.iter().map(|(fault, (count, _))| (*fault, *count)).collect()
    }

    /// The samples, the newest first.
    pub fn samples(&self) -> Vec<Sample> {
        let mut samples: Vec<_> = self.kinds.values().flat_map(|(_, samples)| samples.iter().cloned()).collect();
        samples.sort_by_key(|sample| std::cmp::Reverse(sample.at));
        samples
    }
}
