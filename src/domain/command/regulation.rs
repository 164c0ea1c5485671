//! Commands about the regulatory side of an incident.

use serde::{Deserialize, Serialize};

use crate::domain::ids::IncidentId;
use crate::domain::time::At;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RegulationCommand {
    /// Answer a criterion of a regime, with the reason.
    Answer { incident: IncidentId, regime: String, criterion: String, yes: bool, reason: String },
    /// Set, or correct, a moment that terms count from.
    SetMoment { incident: IncidentId, regime: String, moment: String, to: At, evidence: String },
    /// Say that a notice was filed, when, and under which reference.
    File { incident: IncidentId, regime: String, term: String, filed: At, reference: String },
}

impl RegulationCommand {
    pub const fn incident(&self) -> IncidentId {
        match self {
            Self::Answer { incident, .. } | Self::SetMoment { incident, .. } | Self::File { incident, .. } => *incident,
        }
    }
}
