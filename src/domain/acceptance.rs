//! What people have accepted as usual: of these devices so many may show this, and no alert is raised about it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::cohort::CohortKey;
use super::ids::Actor;
use super::share::percent;
use super::signal::Signal;
use super::symptom::Symptom;
use super::time::At;

/// How many devices may show what a signal is about.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ceiling {
    pub signal: Signal,
    /// The share of the devices, 0..=1: that are away, or that show it within some minutes.
    pub share: f64,
}

impl fmt::Display for Ceiling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = Symptom::of(self.signal).map_or("", Symptom::words);
        write!(f, "up to {} {words}", percent(self.share))
    }
}

/// What is accepted of the devices of a cohort.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Usual {
    pub cohort: CohortKey,
    pub ceilings: Vec<Ceiling>,
}

impl Usual {
    /// Adds what was accepted before, of signals that are not accepted anew.
    pub fn also(&mut self, before: &Self) {
        let is_new = |ceiling: &&Ceiling| self.ceilings.iter().all(|known| known.signal != ceiling.signal);
        let more: Vec<Ceiling> = before.ceilings.iter().filter(is_new).copied().collect();
        self.ceilings.extend(more);
    }
}

impl fmt::Display for Usual {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ceilings: Vec<String> = self.ceilings.iter().map(Ceiling::to_string).collect();
        write!(f, "{}: {}", self.cohort.sentence(), ceilings.join(", "))
    }
}

/// For how long something is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lasting {
    AnHour,
    EightHours,
    AWeek,
    ForGood,
}

impl Lasting {
    pub const ALL: [Self; 4] = [Self::AnHour, Self::EightHours, Self::AWeek, Self::ForGood];

    pub const fn name(self) -> &'static str {
        match self {
            Self::ForGood => "good",
            Self::AnHour => "an hour",
            Self::EightHours => "eight hours",
            Self::AWeek => "a week",
        }
    }

    pub const fn seconds(self) -> Option<i64> {
        match self {
            Self::ForGood => None,
            Self::AnHour => Some(3_600),
            Self::EightHours => Some(8 * 3_600),
            Self::AWeek => Some(7 * 86_400),
        }
    }
}

/// Who has accepted what.
#[derive(Clone, Debug, PartialEq)]
pub struct Acceptance {
    pub usual: Usual,
    /// From when on it is an alert again.
    pub until: Option<At>,
    pub reason: String,
    pub at: At,
    pub by: Actor,
}

impl Acceptance {
    pub fn holds_at(&self, at: At) -> bool {
        self.until.is_none_or(|until| at < until)
    }
}
