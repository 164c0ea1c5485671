//! An alert: the room's proposal that something is wrong with a cohort. People decide what it is.

use serde::{Deserialize, Serialize};

use super::cohort::CohortKey;
use super::ids::{Actor, AlertId};
use super::signal::Signal;
use super::time::At;

/// What a detector found, before it has a number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    pub signal: Signal,
    pub cohort: CohortKey,
    /// When it began, found back in the data.
    pub onset: At,
    /// Seconds before and after it within which it really lies.
    #[serde(default)]
    pub onset_within_s: u32,
    /// It was so already when our link came up: the onset is the latest that it can be.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub began_before: bool,
    /// The share of the devices, 0..=1: that are online, or that show what the signal is about.
    pub observed: f64,
    /// What it should have been.
    pub expected: f64,
    /// Devices the observation rests on.
    pub sample: u32,
    /// Devices that show it.
    pub affected: u32,
    /// One line of plain words.
    pub evidence: String,
}

/// How it is said that something began before there was anybody to see it.
pub const BEGAN_BEFORE: &str = "already so when the room connected";

/// A finding that was raised.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    pub id: AlertId,
    pub at: At,
    pub finding: Finding,
    pub acknowledged: Option<(At, Actor)>,
    pub cleared: Option<At>,
    /// What else its devices do.
    #[serde(default)]
    pub also: Vec<Finding>,
}

impl Alert {
    pub const fn new(id: AlertId, at: At, finding: Finding) -> Self {
        Self { id, at, finding, acknowledged: None, cleared: None, also: Vec::new() }
    }

    /// Every signal it is about, the one it was raised for first.
    pub fn signals(&self) -> impl Iterator<Item = Signal> {
        std::iter::once(&self.finding).chain(&self.also).map(|finding| finding.signal)
    }

    /// Still going on.
    pub const fn is_open(&self) -> bool {
        self.cleared.is_none()
    }
}

/// The alert to speak of where there are several: the first that nobody has taken, or the newest.
pub fn in_front<'a>(mut alerts: impl DoubleEndedIterator<Item = &'a Alert> + Clone) -> Option<&'a Alert> {
    alerts.clone().find(|alert| alert.acknowledged.is_none()).or_else(|| alerts.next_back())
}
