//! Names of things, as types, so that one cannot stand for another.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! numbered {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u32);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&format!(concat!($prefix, "{}"), self.0))
            }
        }
    };
}

numbered!(
    /// An incident, counted from 1 in its log: `INC-7`.
    IncidentId, "INC-"
);
numbered!(
    /// An alert, counted from 1 in its log: `A12`.
    AlertId, "A"
);

/// The place of an event in its log, counted from 1. A write is acknowledged with it: `recorded #41`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seq(pub u64);

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("#{}", self.0))
    }
}

/// One firing of a switch. It travels to the other system as `request_id`, so that its audit trail points back here.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ActuationId(pub String);

impl fmt::Display for ActuationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who did it. A person's name is what they log in as; the engine acts for itself; foreign is somebody on the wire.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Actor {
    /// A person at this room's keys or at its command line.
    Person(String),
    /// The room itself: detection, clocks, switches reporting back.
    Engine,
    /// Someone else who was seen acting on the fleet.
    Foreign,
}

impl Actor {
    /// The name to show.
    pub fn name(&self) -> &str {
        match self {
            Self::Person(name) => name,
            Self::Engine => "engine",
            Self::Foreign => "foreign",
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
