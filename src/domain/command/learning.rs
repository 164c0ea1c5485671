//! Commands about the postmortem, action items and costs.

use serde::{Deserialize, Serialize};

use crate::domain::day::Day;
use crate::domain::ids::IncidentId;
use crate::domain::learning::{Ending, Section};

/// What a person writes down about an incident that is over, or nearly.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LearningCommand {
    /// Write a section of the postmortem, whole.
    Write {
        incident: IncidentId,
        section: Section,
        text: String,
    },
    /// An owner and a due date may follow; the postmortem is not done without them.
    AddAction {
        incident: IncidentId,
        text: String,
        owner: Option<String>,
        due: Option<Day>,
    },
    /// Change what is given, and leave the rest.
    ChangeAction {
        incident: IncidentId,
        action: u32,
        text: Option<String>,
        owner: Option<String>,
        due: Option<Day>,
    },
    EndAction {
        incident: IncidentId,
        action: u32,
        ending: Ending,
    },
    /// A quantity at the rate's price, or a sum as a whole in hundredths of the rates' currency.
    NoteCost {
        incident: IncidentId,
        rate: String,
        quantity: Option<f64>,
        amount: Option<i64>,
        note: String,
    },
    WithdrawCost {
        incident: IncidentId,
        number: u32,
        reason: String,
    },
    /// Call the postmortem done.
    Publish {
        incident: IncidentId,
    },
}

impl LearningCommand {
    pub const fn incident(&self) -> IncidentId {
        match self {
            Self::Write { incident, .. }
            | Self::AddAction { incident, .. }
            | Self::ChangeAction { incident, .. }
            | Self::EndAction { incident, .. }
            | Self::NoteCost { incident, .. }
            | Self::WithdrawCost { incident, .. }
            | Self::Publish { incident } => *incident,
        }
    }
}
