//! What people ask about how an incident is worked.

use crate::domain::ids::{AlertId, IncidentId};
use crate::domain::response::{Phase, Role};
use crate::domain::time::At;

#[derive(Clone, Debug, PartialEq)]
pub enum ResponseCommand {
    /// Go on to a phase, or back to one with a reason.
    Enter { incident: IncidentId, phase: Phase, reason: String },
    /// Give a role to somebody; an empty name leaves it open.
    Take { incident: IncidentId, role: Role, name: String },
    /// Say that an alert belongs to an open incident.
    Join { incident: IncidentId, alert: AlertId },
    /// Say that an incident is a part of another one.
    Merge { incident: IncidentId, into: IncidentId },
    /// Note a change that the room cannot see.
    Change { incident: Option<IncidentId>, when: At, what: String },
}
