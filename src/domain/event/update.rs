//! What was told to whom.

use serde::{Deserialize, Serialize};

use crate::domain::ids::IncidentId;
use crate::domain::time::At;
use crate::domain::update::{Audience, Cadence, UpdateKind};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum UpdateEvent {
    /// The intent, with the whole text. It is in the log before anything leaves this machine.
    UpdateIntended {
        incident: IncidentId,
        number: u32,
        audience: Audience,
        kind: UpdateKind,
        channel: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        template: Option<String>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        tells: Vec<String>,
        text: String,
    },
    /// It has arrived, or a person says that they have posted it.
    UpdateSent {
        incident: IncidentId,
        number: u32,
        answer: String,
        took_ms: i64,
        /// What the system behind the channel calls our incident, where it gave it a name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reference: Option<String>,
    },
    UpdateNotSent {
        incident: IncidentId,
        number: u32,
        reason: String,
        #[serde(default)]
        took_ms: i64,
    },
    UpdateUnknown {
        incident: IncidentId,
        number: u32,
        reason: String,
        #[serde(default)]
        took_ms: i64,
    },
    /// A person tries what was not sent once more.
    UpdateRetried {
        incident: IncidentId,
        number: u32,
    },
    /// An audience was not told in time.
    UpdateOverdue {
        incident: IncidentId,
        audience: Audience,
        due: At,
    },
    CadenceSet {
        incident: IncidentId,
        audience: Audience,
        from: Cadence,
        to: Cadence,
    },
}

impl UpdateEvent {
    pub const fn incident(&self) -> IncidentId {
        match self {
            Self::UpdateIntended { incident, .. }
            | Self::UpdateSent { incident, .. }
            | Self::UpdateNotSent { incident, .. }
            | Self::UpdateUnknown { incident, .. }
            | Self::UpdateRetried { incident, .. }
            | Self::UpdateOverdue { incident, .. }
            | Self::CadenceSet { incident, .. } => *incident,
        }
    }
}
