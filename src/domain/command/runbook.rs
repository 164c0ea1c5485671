//! What people ask about a runbook beside marking its steps.

use crate::domain::ids::IncidentId;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunbookCommand {
    /// Work by another runbook; what was done by the one before is kept.
    Take { incident: IncidentId, runbook: String },
    /// Write something down beside a step.
    Note { incident: IncidentId, step: String, text: String },
}
