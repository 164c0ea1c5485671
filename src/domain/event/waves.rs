//! Events of a switch that goes out in waves.

use serde::{Deserialize, Serialize};

use crate::domain::ids::ActuationId;
use crate::domain::switch::waves::Reason;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum WavesEvent {
    /// The devices of a wave are asked from now on. It is in the log before the first of them is.
    SwitchWaveBegun { actuation: ActuationId, wave: u16, of: u16, devices: u32 },
    /// Every device of a wave that can be reached has answered, and its soak begins.
    SwitchWaveSoaks { actuation: ActuationId, wave: u16, done: u32, escaped: u32, away: u32, soak_s: u32 },
    /// No further device is asked until a person says so.
    SwitchWavesPaused { actuation: ActuationId, wave: u16, reason: Reason },
    /// A person says so.
    SwitchWavesWentOn { actuation: ActuationId, wave: u16 },
    /// Versions that devices run well as a wave of a rollout begins, and that may be gone back to later.
    VersionsKnown { versions: Vec<Ran> },
}

/// A version that devices ran well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ran {
    pub version: String,
    pub devices: u32,
    pub online: u32,
}

impl WavesEvent {
    pub const fn actuation(&self) -> Option<&ActuationId> {
        match self {
            Self::SwitchWaveBegun { actuation, .. }
            | Self::SwitchWaveSoaks { actuation, .. }
            | Self::SwitchWavesPaused { actuation, .. }
            | Self::SwitchWavesWentOn { actuation, .. } => Some(actuation),
            Self::VersionsKnown { .. } => None,
        }
    }
}
