//! What is due: every moment that somebody must not miss, whatever it is about.

use serde::{Deserialize, Serialize};

use super::ids::IncidentId;
use super::time::At;

/// What kind of thing is due; the order is the order of urgency among things due at the same moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DueKind {
    /// A notice that the law asks for.
    Regulatory,
    /// Somebody is to be woken.
    Escalation,
    /// An audience waits for word.
    Update,
    /// A step of the runbook has a time.
    Step,
    /// The recovered cohort is watched until then; its coming is good news.
    Watch,
    /// A postmortem or an action item.
    Followup,
}

/// Something that is due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    pub incident: Option<IncidentId>,
    pub kind: DueKind,
    /// A few words: `internal`, `status page`, `GDPR 72 h`.
    pub label: String,
    pub at: At,
    /// Seconds before it at which it is warned of.
    pub warn_s: i64,
}

impl Due {
    /// Seconds that are left; negative once it is overdue.
    pub const fn left_s(&self, now: At) -> i64 {
        self.at.since_ms(now).div_euclid(1000)
    }

    /// A watch that ends is no failure of anybody.
    pub fn is_overdue(&self, now: At) -> bool {
        self.at < now && self.kind != DueKind::Watch
    }

    /// It concerns nobody outside the house: customers and authorities go first.
    pub fn is_inside(&self) -> bool {
        let told_inside = self.kind == DueKind::Update && self.label.starts_with("internal");
        told_inside || !matches!(self.kind, DueKind::Regulatory | DueKind::Update)
    }

    pub const fn is_close(&self, now: At) -> bool {
        self.left_s(now) <= self.warn_s
    }
}
