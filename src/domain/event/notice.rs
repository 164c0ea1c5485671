//! What the room itself told the team.

use serde::{Deserialize, Serialize};

use crate::domain::ids::IncidentId;
use crate::domain::notice::NoticeKind;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum NoticeEvent {
    /// The intent, with the whole text. It is in the log before anything leaves this machine.
    NoticeIntended {
        notice: u64,
        incident: Option<IncidentId>,
        kind: NoticeKind,
        channel: String,
        text: String,
    },
    NoticeSent {
        notice: u64,
        incident: Option<IncidentId>,
        answer: String,
        took_ms: i64,
    },
    NoticeNotSent {
        notice: u64,
        incident: Option<IncidentId>,
        reason: String,
        took_ms: i64,
    },
    NoticeUnknown {
        notice: u64,
        incident: Option<IncidentId>,
        reason: String,
        took_ms: i64,
    },
}

impl NoticeEvent {
    pub const fn incident(&self) -> Option<IncidentId> {
        match self {
            Self::NoticeIntended { incident, .. }
            | Self::NoticeSent { incident, .. }
            | Self::NoticeNotSent { incident, .. }
            | Self::NoticeUnknown { incident, .. } => *incident,
        }
    }
}
