//! What people ask about the end of an incident, beside resolving it.

use crate::domain::ids::IncidentId;
use crate::domain::recovery::{Check, DataChoice};
use crate::domain::time::At;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecoveryCommand {
    /// Answer for a check that is not green.
    Waive { incident: IncidentId, check: Check, reason: String },
    /// Decide what becomes of data that was wrong.
    Decide { incident: IncidentId, choice: DataChoice, first_bad: At, customers: String },
}
