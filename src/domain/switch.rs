//! Kill switches: what can be pulled, what pulling it would do, and what became of it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::campaign::Progress;
use super::ids::{Actor, ActuationId, IncidentId};
use super::time::At;

/// A configured switch, by its id: `ota-halt`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SwitchId(pub String);

impl SwitchId {
    pub fn ota_halt() -> Self {
        Self("ota-halt".into())
    }

    pub fn rollback() -> Self {
        Self("rollback".into())
    }

    /// What people call it.
    pub fn label(&self) -> &str {
        match self.0.as_str() {
            "ota-halt" => "OTA halt",
            other => other,
        }
    }
}

impl fmt::Display for SwitchId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What pulling a switch would do, shown before anything is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    pub campaign: String,
    pub target: String,
    pub wave: Option<u16>,
    pub progress: Progress,
    /// The exact call, as text.
    pub call: String,
}

/// A publish that a switch makes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    pub topic: String,
    pub payload: String,
    pub retain: bool,
}

/// How far an actuation has come. Only `effective` and `escaped` are proof; the others say what is known so far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ActuationState {
    /// The intent is in the log; the call goes out now.
    Requested,
    /// Handed to the broker, which has confirmed it.
    Sent,
    /// The system behind the switch said yes.
    Accepted,
    /// Telemetry shows it.
    Effective,
    /// It took effect, but not on these devices.
    Escaped { devices: u32 },
    /// It did not happen, and this is known.
    Failed { reason: String },
    /// It was sent, or may have been; what came of it is not known.
    Unknown { reason: String },
}

impl Actuation {
    /// Whether its effect was seen, with or without devices that escaped it.
    pub const fn is_effective(&self) -> bool {
        matches!(self.state, ActuationState::Effective | ActuationState::Escaped { .. })
    }
}

impl ActuationState {
    /// Nothing more is expected.
    pub const fn is_final(&self) -> bool {
        matches!(self, Self::Effective | Self::Escaped { .. } | Self::Failed { .. })
    }

    pub fn words(&self) -> String {
        match self {
            Self::Requested => "requested".into(),
            Self::Sent => "sent".into(),
            Self::Accepted => "accepted".into(),
            Self::Effective => "effective".into(),
            Self::Escaped { devices } => format!("effective, {devices} escaped"),
            Self::Failed { reason } => format!("FAILED: {reason}"),
            Self::Unknown { reason } => format!("sent, outcome unknown: {reason}"),
        }
    }
}

/// One firing of a switch, from its intent on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actuation {
    pub id: ActuationId,
    pub switch: SwitchId,
    pub incident: Option<IncidentId>,
    pub by: Actor,
    pub requested: At,
    pub preview: Preview,
    pub call: Call,
    pub state: ActuationState,
    /// When each further state was reached.
    pub sent: Option<At>,
    pub accepted: Option<At>,
    pub ended: Option<At>,
    /// Devices that started after the system had said yes.
    pub escaped: Vec<String>,
}

impl Actuation {
    /// Milliseconds from the request to a later moment.
    pub fn after_ms(&self, at: Option<At>) -> Option<i64> {
        at.map(|at| at.since_ms(self.requested).max(0))
    }
}
