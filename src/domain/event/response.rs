//! What people did about how they work: phases, roles, incidents that turned out to be one.

use serde::{Deserialize, Serialize};

use crate::domain::ids::IncidentId;
use crate::domain::response::{Phase, Role};
use crate::domain::time::At;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum ResponseEvent {
    PhaseEntered {
        incident: IncidentId,
        from: Phase,
        to: Phase,
        /// Why people went back, where they did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// A role changed hands; the commander's is `commander-set`.
    RoleTaken { incident: IncidentId, role: Role, from: Option<String>, to: Option<String> },
    /// The incident is a part of another one, and goes on there.
    IncidentMerged { incident: IncidentId, into: IncidentId },
    /// The other side of a merger.
    IncidentAbsorbed { incident: IncidentId, other: IncidentId },
    /// It is an incident of its own after all.
    IncidentSplit { incident: IncidentId, from: IncidentId, reason: String },
    /// The other side of a split.
    IncidentReleased { incident: IncidentId, other: IncidentId },

    /// Something was changed that the room cannot see: a deploy, a certificate, a network.
    ChangeNoted { incident: Option<IncidentId>, when: At, what: String },
}

impl ResponseEvent {
    pub const fn incident(&self) -> Option<IncidentId> {
        match self {
            Self::PhaseEntered { incident, .. }
            | Self::RoleTaken { incident, .. }
            | Self::IncidentMerged { incident, .. }
            | Self::IncidentAbsorbed { incident, .. }
            | Self::IncidentSplit { incident, .. }
            | Self::IncidentReleased { incident, .. } => Some(*incident),
            Self::ChangeNoted { incident, .. } => *incident,
        }
    }
}
