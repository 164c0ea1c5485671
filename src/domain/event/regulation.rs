//! Events of the regulatory side of an incident.

use serde::{Deserialize, Serialize};

use crate::domain::ids::IncidentId;
use crate::domain::regulation::Regime;
use crate::domain::time::At;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum RegulationEvent {
    /// A regime is looked at in an incident: its rules as they stood in the file then.
    RegimeTaken {
        incident: IncidentId,
        regime: Regime,
    },
    CriterionAnswered {
        incident: IncidentId,
        regime: String,
        criterion: String,
        question: String,
        from: Option<bool>,
        yes: bool,
        reason: String,
    },
    /// A moment that terms count from: when somebody became aware, when a fix was there.
    RegulatoryMomentSet {
        incident: IncidentId,
        regime: String,
        moment: String,
        from: Option<At>,
        to: At,
        evidence: String,
    },
    NoticeFiled {
        incident: IncidentId,
        regime: String,
        term: String,
        what: String,
        /// What was said before, where this corrects it.
        #[serde(default)]
        from: Option<At>,
        filed: At,
        reference: String,
    },
    /// The last quarter of a term has begun.
    DeadlineNear {
        incident: IncidentId,
        regime: String,
        term: String,
        what: String,
        due: At,
    },
    DeadlineMissed {
        incident: IncidentId,
        regime: String,
        term: String,
        what: String,
        due: At,
    },
}

impl RegulationEvent {
    pub const fn incident(&self) -> IncidentId {
        match self {
            Self::RegimeTaken { incident, .. }
            | Self::CriterionAnswered { incident, .. }
            | Self::RegulatoryMomentSet { incident, .. }
            | Self::NoticeFiled { incident, .. }
            | Self::DeadlineNear { incident, .. }
            | Self::DeadlineMissed { incident, .. } => *incident,
        }
    }

    /// The regime it is about, by its id.
    pub fn regime(&self) -> &str {
        match self {
            Self::RegimeTaken { regime, .. } => &regime.id,
            Self::CriterionAnswered { regime, .. }
            | Self::RegulatoryMomentSet { regime, .. }
            | Self::NoticeFiled { regime, .. }
            | Self::DeadlineNear { regime, .. }
            | Self::DeadlineMissed { regime, .. } => regime,
        }
    }
}
