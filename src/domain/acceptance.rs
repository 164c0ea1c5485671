//! What people have accepted as usual: of these devices so many may show this, and no alert is raised about it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::cohort::CohortKey;
use super::ids::Actor;
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
        write!(f, "up to {:.0} % {words}", 100.0 * self.share)
    }
}

/// For how long something is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lasting {
    ForGood,
    AnHour,
    EightHours,
    AWeek,
}

impl Lasting {
    pub const ALL: [Self; 4] = [Self::ForGood, Self::AnHour, Self::EightHours, Self::AWeek];

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
    pub cohort: CohortKey,
    pub ceilings: Vec<Ceiling>,
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

    /// What may be, in words: `up to 90 % rebooted, up to 12 % went away`.
    pub fn words(ceilings: &[Ceiling]) -> String {
        ceilings.iter().map(Ceiling::to_string).collect::<Vec<_>>().join(", ")
    }
}
