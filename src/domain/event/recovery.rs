//! What people decided about the end of an incident, and how its devices were then.

use serde::{Deserialize, Serialize};

use crate::domain::cohort::CohortKey;
use crate::domain::ids::IncidentId;
use crate::domain::recovery::{Check, Checked, DataChoice, Remaining};
use crate::domain::time::At;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum RecoveryEvent {
    /// A person answers for a check that is not green.
    CheckWaived { incident: IncidentId, check: Check, reason: String },
    /// What becomes of data that was wrong.
    DataDecided { incident: IncidentId, choice: DataChoice, first_bad: At, customers: String },
    /// Devices that are affected now, or were since this was last written down. `unnamed` more are not named.
    DevicesAffected {
        incident: IncidentId,
        /// What the incident is about, for as long as these are counted.
        cohort: CohortKey,
        devices: Vec<String>,
        #[serde(default)]
        unnamed: u32,
    },
    /// How every check stood when the incident was resolved.
    RecoveryVerified { incident: IncidentId, checks: Vec<Checked>, remaining: Remaining },
}

impl RecoveryEvent {
    pub const fn incident(&self) -> IncidentId {
        match self {
            Self::CheckWaived { incident, .. }
            | Self::DataDecided { incident, .. }
            | Self::DevicesAffected { incident, .. }
            | Self::RecoveryVerified { incident, .. } => *incident,
        }
    }
}
