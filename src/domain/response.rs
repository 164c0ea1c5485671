//! How people work an incident: who does what, how far they are, and which other incidents turned out to be this one.
//!
//! It changes by events only, as everything on the record does.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::event::response::ResponseEvent;
use super::ids::{Actor, IncidentId};
use super::time::At;

/// What people are at. An incident goes through these in order, may leave one out, and goes back with a reason only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Somebody, or the room, has seen that something is wrong.
    #[default]
    Detect,
    /// What is it, with whom, since when?
    Triage,
    /// Stop the bleeding.
    Contain,
    /// Bring the devices back to a state that is known to be good.
    Recover,
    /// Healthy, or merely online?
    Verify,
    /// What is to be better next time.
    Learn,
}

impl Phase {
    pub const ALL: [Self; 6] = [Self::Detect, Self::Triage, Self::Contain, Self::Recover, Self::Verify, Self::Learn];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Detect => "detect",
            Self::Triage => "triage",
            Self::Contain => "contain",
            Self::Recover => "recover",
            Self::Verify => "verify",
            Self::Learn => "learn",
        }
    }

    /// The question that is answered when the phase is over.
    pub const fn question(self) -> &'static str {
        match self {
            Self::Detect => "is something wrong, and who takes it?",
            Self::Triage => "what is it, with whom, since when?",
            Self::Contain => "has it stopped getting worse?",
            Self::Recover => "are the devices back in a state known to be good?",
            Self::Verify => "are they healthy, or merely online?",
            Self::Learn => "what will be better next time?",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a person is there for. The commander coordinates, and does not fix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    Commander,
    Operations,
    Communications,
    Scribe,
}

impl Role {
    pub const ALL: [Self; 4] = [Self::Commander, Self::Operations, Self::Communications, Self::Scribe];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Commander => "commander",
            Self::Operations => "operations",
            Self::Communications => "communications",
            Self::Scribe => "scribe",
        }
    }

    /// What the role does, for whoever is asked to take it.
    pub const fn duty(self) -> &'static str {
        match self {
            Self::Commander => "coordinates and decides, and does not fix",
            Self::Operations => "works on the fleet: switches, diagnostics, recovery",
            Self::Communications => "writes and sends every update",
            Self::Scribe => "notes what is said and decided, with its time",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A phase that was entered: when, by whom, and why, where it was a step back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhaseEntry {
    pub phase: Phase,
    pub at: At,
    pub by: Actor,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// How people work one incident.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Response {
    /// Every phase entered, in order; none yet is [`Phase::Detect`].
    pub phases: Vec<PhaseEntry>,
    /// Who has which role, beside the commander, whom the incident itself names.
    pub roles: BTreeMap<Role, String>,
    /// The incident that this one turned out to be a part of.
    pub merged_into: Option<IncidentId>,
    /// Incidents that turned out to be parts of this one.
    pub absorbed: Vec<IncidentId>,
}

impl Response {
    /// What people are at.
    pub fn phase(&self) -> Phase {
        self.phases.last().map_or(Phase::Detect, |entry| entry.phase)
    }

    /// Enters a phase, where it is not the present one.
    pub fn enter(&mut self, phase: Phase, at: At, by: &Actor, reason: Option<String>) {
        if self.phase() != phase {
            self.phases.push(PhaseEntry { phase, at, by: by.clone(), reason });
        }
    }

    /// Enters a phase, where it is further than the present one.
    pub fn advance(&mut self, phase: Phase, at: At, by: &Actor) {
        if self.phase() < phase {
            self.enter(phase, at, by, None);
        }
    }

    /// Changes by an event.
    pub fn apply(&mut self, event: &ResponseEvent, at: At, by: &Actor) {
        match event {
            ResponseEvent::PhaseEntered { to, reason, .. } => self.enter(*to, at, by, reason.clone()),
            ResponseEvent::RoleTaken { role, to: Some(name), .. } => {
                self.roles.insert(*role, name.clone());
            }
            ResponseEvent::RoleTaken { role, to: None, .. } => {
                self.roles.remove(role);
            }
            ResponseEvent::IncidentMerged { into, .. } => self.merged_into = Some(*into),
            ResponseEvent::IncidentAbsorbed { other, .. } => self.absorbed.push(*other),
            ResponseEvent::IncidentSplit { .. } => self.merged_into = None,
            ResponseEvent::ChangeNoted { .. } => {}
            ResponseEvent::IncidentReleased { other, .. } => self.absorbed.retain(|absorbed| absorbed != other),
        }
    }
}
