//! A verdict: what kind of incident it looks like and where it comes from, with the evidence. People may overrule it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::incident::{IncidentType, Severity};
use super::probe::Probe;

/// Whose fault it is: of the devices, or of what they are connected to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    Device,
    Platform,
    #[default]
    Undecided,
}

impl Origin {
    pub const ALL: [Self; 3] = [Self::Device, Self::Platform, Self::Undecided];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Device => "device",
            Self::Platform => "platform",
            Self::Undecided => "undecided",
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One device, or many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Extent {
    Single,
    Broad,
}

impl Extent {
    pub const ALL: [Self; 2] = [Self::Single, Self::Broad];

    /// What a person says.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Single => "one device",
            Self::Broad => "many devices",
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::Broad => "broad",
        }
    }
}

/// What the room thinks of an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    #[serde(rename = "type")]
    pub kind: IncidentType,
    pub origin: Origin,
    #[serde(rename = "scope")]
    pub extent: Extent,
    pub severity: Severity,
    /// Why, a sentence each, the strongest first.
    pub evidence: Vec<String>,
    /// What was asked to tell platform from device, with the answers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub probes: Vec<Probe>,
}

impl Verdict {
    /// Whether another verdict says the same, whatever its evidence.
    pub fn agrees(&self, other: &Self) -> bool {
        (self.kind, self.origin, self.extent) == (other.kind, other.origin, other.extent)
    }
}
