//! What people ask about updates.

use crate::domain::ids::IncidentId;
use crate::domain::update::{Audience, Cadence, UpdateKind};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpdateCommand {
    /// Tell an audience something, through these channels.
    Send(Message),
    /// Say that what was copied has been posted.
    Posted { incident: IncidentId, number: u32 },
    /// Try once more what was not sent.
    Retry { incident: IncidentId, number: u32 },
    /// Tell an audience more often, or less.
    Cadence { incident: IncidentId, audience: Audience, cadence: Cadence },
}

/// The words of an update, and where they go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub incident: IncidentId,
    pub audience: Audience,
    pub kind: UpdateKind,
    pub template: Option<String>,
    /// The facts that it tells, by the names of the variables.
    pub tells: Vec<String>,
    pub text: String,
    pub channels: Vec<String>,
}
