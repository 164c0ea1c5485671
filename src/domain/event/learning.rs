//! Events of what is learnt: the postmortem, action items, costs, and what the room measured.

use serde::{Deserialize, Serialize};

use crate::domain::cost::Cost;
use crate::domain::ids::IncidentId;
use crate::domain::impact::Impact;
use crate::domain::learning::{Ending, Plan, Section};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum LearningEvent {
    /// A section of the postmortem, whole; the one before is in the log.
    SectionWritten {
        incident: IncidentId,
        section: Section,
        text: String,
    },
    ActionAdded {
        incident: IncidentId,
        action: u32,
        plan: Plan,
    },
    ActionChanged {
        incident: IncidentId,
        action: u32,
        from: Plan,
        to: Plan,
    },
    ActionEnded {
        incident: IncidentId,
        action: u32,
        text: String,
        ending: Ending,
    },
    CostNoted {
        incident: IncidentId,
        number: u32,
        cost: Cost,
    },
    CostWithdrawn {
        incident: IncidentId,
        number: u32,
        name: String,
        reason: String,
    },
    ImpactMeasured {
        incident: IncidentId,
        impact: Impact,
    },
    /// Somebody calls the postmortem done. What it lacked then is kept with it.
    PostmortemPublished {
        incident: IncidentId,
        lacking: Vec<String>,
    },
}

impl LearningEvent {
    pub const fn incident(&self) -> IncidentId {
        match self {
            Self::SectionWritten { incident, .. }
            | Self::ActionAdded { incident, .. }
            | Self::ActionChanged { incident, .. }
            | Self::ActionEnded { incident, .. }
            | Self::CostNoted { incident, .. }
            | Self::CostWithdrawn { incident, .. }
            | Self::ImpactMeasured { incident, .. }
            | Self::PostmortemPublished { incident, .. } => *incident,
        }
    }
}
