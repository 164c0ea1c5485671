//! Events about switches that need two people, take their time, or are tested.

use serde::{Deserialize, Serialize};

use crate::domain::ids::ActuationId;
use crate::domain::switch::{Preview, SwitchId};
use crate::domain::time::At;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum SwitchEvent {
    /// One person wants to pull a switch that needs two.
    ApprovalAsked {
        approval: u64,
        switch: SwitchId,
        label: String,
        preview: Box<Preview>,
        expires: At,
        uid: u32,
    },
    /// A yes that did not count.
    ApprovalRefused {
        approval: u64,
        uid: u32,
        reason: String,
    },
    ApprovalEnded {
        approval: u64,
        reason: String,
    },
    Approved {
        approval: u64,
        uid: u32,
        reason: String,
    },
    /// One person pulled what needs two. Somebody has to look at that afterwards.
    GlassBroken {
        approval: u64,
        reason: String,
        review_due: At,
    },
    /// A step of an actuation is through: how many said yes, how many no, and the first no.
    StepTaken {
        actuation: ActuationId,
        step: String,
        yes: u32,
        no: u32,
        reason: Option<String>,
    },
    /// A halt that was said yes to waits: devices that are alive do not get on with their update.
    ActuationWaits {
        actuation: ActuationId,
        /// The first few by name, and how many there are.
        devices: Vec<String>,
        count: u32,
    },
    /// People ask no further target.
    ActuationStopped {
        actuation: ActuationId,
        asked: u32,
        left: u32,
    },
    /// The same call again, under the same id.
    ActuationRetried {
        actuation: ActuationId,
    },
    /// Nothing is sent; what has become of it is looked at again.
    ActuationRechecked {
        actuation: ActuationId,
    },
    /// The whole way of a switch was taken on one device.
    SwitchTested {
        switch: SwitchId,
        environment: String,
        ok: bool,
        took_ms: u64,
        detail: String,
    },
}

impl SwitchEvent {
    pub const fn actuation(&self) -> Option<&ActuationId> {
        match self {
            Self::StepTaken { actuation, .. }
            | Self::ActuationStopped { actuation, .. }
            | Self::ActuationWaits { actuation, .. }
            | Self::ActuationRetried { actuation }
            | Self::ActuationRechecked { actuation } => Some(actuation),
            _ => None,
        }
    }
}
