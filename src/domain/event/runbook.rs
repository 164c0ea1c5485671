//! What happened with a runbook beside its being taken up and its steps being marked.

use serde::{Deserialize, Serialize};

use crate::domain::ids::IncidentId;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum RunbookEvent {
    /// Something was written down beside a step.
    StepNoted { incident: IncidentId, step: String, text: String, note: String },
    /// A step was not done in its time; whoever it names is to be woken.
    StepOverdue {
        incident: IncidentId,
        step: String,
        text: String,
        /// Who is to be woken and how, where the step names somebody.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        contact: Option<String>,
    },
}

impl RunbookEvent {
    pub const fn incident(&self) -> IncidentId {
        match self {
            Self::StepNoted { incident, .. } | Self::StepOverdue { incident, .. } => *incident,
        }
    }
}
