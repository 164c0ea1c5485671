//! Recovery: what must be so before an incident is over, and what people decide where it is not.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::cohort::CohortKey;
use super::event::recovery::RecoveryEvent;
use super::ids::Actor;
use super::time::At;

/// Something that must be so before an incident is resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Check {
    Connectivity,
    Quality,
    Firmware,
    Backlog,
    Errors,
    Regression,
}

impl Check {
    pub const ALL: [Self; 6] =
        [Self::Connectivity, Self::Quality, Self::Firmware, Self::Backlog, Self::Errors, Self::Regression];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Connectivity => "connectivity",
            Self::Quality => "telemetry quality",
            Self::Firmware => "firmware integrity",
            Self::Backlog => "backlog drained",
            Self::Errors => "error rate normal",
            Self::Regression => "no regression",
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How a check stands. Only `green` lets an incident be resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    Green,
    /// Nothing speaks against it, but the time to see it is not over.
    Waiting,
    Red,
    /// The data does not say.
    Unknown,
}

impl Standing {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Green => "green",
            Self::Waiting => "waiting",
            Self::Red => "RED",
            Self::Unknown => "unknown",
        }
    }
}

/// A check with what it rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    pub check: Check,
    pub standing: Standing,
    pub evidence: String,
}

/// The devices of an incident, as they are now. Each that was ever affected is counted once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remaining {
    /// Devices that were affected at any time.
    pub ever: u32,
    pub healthy: u32,
    /// Connected, and still showing something that is wrong: they count as affected.
    pub unhealthy: u32,
    /// Away, but heard since they were affected.
    pub away: u32,
    /// Away, and not heard again since: another path than the network may be needed.
    pub unheard: u32,
    /// Of all of them, those that went back to their old firmware.
    pub rolled_back: u32,
}

impl Remaining {
    /// Devices that are still affected: healthy, not merely online, is what counts.
    pub const fn affected(&self) -> u32 {
        self.unhealthy + self.away + self.unheard
    }
}

/// Devices that were affected at any time, by name, as far as they are on the record.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Affected {
    /// What the incident was about when they were.
    pub cohort: CohortKey,
    batches: Vec<Arc<[String]>>,
    /// Names written down in all, of this cohort and of those that it was taken for before.
    pub written: u32,
    /// Affected devices beyond [`crate::limits::AFFECTED_NAMED`]: they are counted only.
    pub unnamed: u32,
}

impl Affected {
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.batches.iter().flat_map(|batch| batch.iter()).map(String::as_str)
    }

    /// How many are named.
    pub fn named(&self) -> usize {
        self.batches.iter().map(|batch| batch.len()).sum()
    }

    /// Adds what an event names.
    pub fn add(&mut self, cohort: &CohortKey, devices: &[String], unnamed: u32) {
        if self.cohort != *cohort {
            *self = Self { cohort: cohort.clone(), written: self.written, ..Self::default() };
        }
        if !devices.is_empty() {
            self.batches.push(devices.into());
        }
        self.written += devices.len() as u32;
        self.unnamed += unnamed;
    }

    /// Lets the names go, where nobody will ask for them again.
    pub fn forget(&mut self) {
        self.batches = Vec::new();
    }
}

/// A check that a person has waived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiver {
    pub check: Check,
    pub by: Actor,
    pub at: At,
    pub reason: String,
}

/// What becomes of data that was wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DataChoice {
    /// It is corrected, back to the first bad value.
    Backfill,
    /// It stays as it is; from the fix on it is right.
    ForwardOnly,
}

impl DataChoice {
    pub const ALL: [Self; 2] = [Self::Backfill, Self::ForwardOnly];

    /// The word in exports.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Backfill => "backfill",
            Self::ForwardOnly => "forward-only",
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Backfill => "backfill",
            Self::ForwardOnly => "forward-only fix",
        }
    }
}

/// What was decided about data that was wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataDecision {
    pub choice: DataChoice,
    /// The time stamp of the first bad value.
    pub first_bad: At,
    /// Customers whose data it is, in words.
    pub customers: String,
    pub by: Actor,
    pub at: At,
}

/// How far an incident's recovery is on the record.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recovery {
    pub waivers: Vec<Waiver>,
    pub decision: Option<DataDecision>,
    /// How the checks stood when it was resolved last.
    pub verified: Vec<Checked>,
    pub remaining: Option<Remaining>,
    pub affected: Affected,
}

impl Recovery {
    /// The waiver of a check.
    pub fn waiver(&self, check: Check) -> Option<&Waiver> {
        self.waivers.iter().rev().find(|waiver| waiver.check == check)
    }

    /// Changes by an event.
    pub fn apply(&mut self, event: &RecoveryEvent, at: At, by: &Actor) {
        match event {
            RecoveryEvent::CheckWaived { check, reason, .. } => {
                self.waivers.push(Waiver { check: *check, by: by.clone(), at, reason: reason.clone() });
            }
            RecoveryEvent::DataDecided { choice, first_bad, customers, .. } => {
                let (choice, first_bad, customers) = (*choice, *first_bad, customers.clone());
                self.decision = Some(DataDecision { choice, first_bad, customers, by: by.clone(), at });
            }
            RecoveryEvent::DevicesAffected { cohort, devices, unnamed, .. } => {
                self.affected.add(cohort, devices, *unnamed);
            }
            RecoveryEvent::RecoveryVerified { checks, remaining, .. } => {
                self.verified.clone_from(checks);
                self.remaining = Some(*remaining);
            }
        }
    }

    /// It was not over: what was waived for that end holds for it alone.
    pub fn reopen(&mut self) {
        self.waivers.clear();
        self.verified.clear();
        self.remaining = None;
    }
}
