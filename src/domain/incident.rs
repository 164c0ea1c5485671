//! An incident, from its declaration to its end. It changes by events only; see `engine::room`.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::clock::{Correction, Moments};
use super::cohort::CohortKey;
use super::cost::{Bill, Rates};
use super::ids::{Actor, ActuationId, AlertId, IncidentId};
use super::learning::Learning;
use super::recovery::Recovery;
use super::regulation::Regulation;
use super::response::{Phase, Response};
use super::runbook::RunbookRun;
use super::time::At;
use super::update::Updates;
use super::verdict::{Extent, Origin, Verdict};

/// How bad it is; sev1 is the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    Sev1,
    Sev2,
    Sev3,
    Sev4,
}

impl Severity {
    pub const ALL: [Self; 4] = [Self::Sev1, Self::Sev2, Self::Sev3, Self::Sev4];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Sev1 => "SEV1",
            Self::Sev2 => "SEV2",
            Self::Sev3 => "SEV3",
            Self::Sev4 => "SEV4",
        }
    }

    /// What it stands for, for the person who has to choose at 3 a.m.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Sev1 => "service down for many, or getting worse by itself",
            Self::Sev2 => "a whole cohort is hit, contained or slow",
            Self::Sev3 => "few devices, or a way around exists",
            Self::Sev4 => "worth a record, nobody is hurt",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The five types of fleet incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IncidentType {
    BadFirmware,
    MassDisconnect,
    Security,
    DataQuality,
    CapacityCost,
}

impl IncidentType {
    pub const ALL: [Self; 5] =
        [Self::BadFirmware, Self::MassDisconnect, Self::Security, Self::DataQuality, Self::CapacityCost];

    /// The word in files and exports.
    pub const fn id(self) -> &'static str {
        match self {
            Self::BadFirmware => "bad-firmware",
            Self::MassDisconnect => "mass-disconnect",
            Self::Security => "security",
            Self::DataQuality => "data-quality",
            Self::CapacityCost => "capacity-cost",
        }
    }

    /// The words on the screen.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BadFirmware => "bad firmware",
            Self::MassDisconnect => "mass disconnect",
            Self::Security => "security",
            Self::DataQuality => "data quality",
            Self::CapacityCost => "capacity and cost",
        }
    }
}

impl fmt::Display for IncidentType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How far an incident has come, derived from its moments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    Declared,
    Acknowledged,
    Mitigated,
    Resolved,
}

impl Stage {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Declared => "declared",
            Self::Acknowledged => "acknowledged",
            Self::Mitigated => "mitigated",
            Self::Resolved => "resolved",
        }
    }
}

/// What a person says when declaring.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declaration {
    pub title: String,
    pub severity: Severity,
    #[serde(rename = "type")]
    pub kind: IncidentType,
    pub commander: String,
    /// The alert it comes from; none when declared by hand.
    pub alert: Option<AlertId>,
    /// The devices concerned, as far as known.
    pub cohort: CohortKey,
}

/// Something written down by a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    pub at: At,
    pub by: Actor,
    pub text: String,
}

/// What people have decided themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Overruled {
    pub kind: bool,
    pub origin: bool,
    pub extent: bool,
    pub cohort: bool,
    pub severity: bool,
}

/// An incident as its events have left it.
#[derive(Clone, Debug, PartialEq)]
pub struct Incident {
    pub id: IncidentId,
    pub title: String,
    pub severity: Severity,
    pub kind: IncidentType,
    pub commander: String,
    pub cohort: CohortKey,
    /// Whose fault it is.
    pub origin: Origin,
    /// How far it reaches, as far as anybody has said.
    pub extent: Option<Extent>,
    /// What the room thought last.
    pub verdict: Option<Verdict>,
    /// What people have said otherwise, and what therefore stays.
    pub overruled: Overruled,
    /// Suspects that people have ruled out.
    pub rejected: Vec<CohortKey>,
    pub declared: At,
    pub declared_by: Actor,
    pub acknowledged_by: Option<Actor>,
    pub alerts: Vec<AlertId>,
    pub moments: Moments,
    pub corrections: Vec<Correction>,
    pub notes: Vec<Note>,
    pub runbook: Option<RunbookRun>,
    /// Runbooks that people worked by before, with what they did.
    pub earlier_runbooks: Vec<RunbookRun>,
    pub actuations: Vec<ActuationId>,
    pub response: Response,
    /// The postmortem's words, action items, costs, the measured impact.
    pub learning: Learning,
    /// Which laws ask for notices, and until when.
    pub regulation: Regulation,
    pub recovery: Recovery,
    /// What every audience has been told.
    pub updates: Updates,
}

impl Incident {
    /// What it was declared as, or worse where the verdict says so by now.
    pub fn worst_severity(&self) -> Severity {
        self.verdict.as_ref().map_or(self.severity, |verdict| verdict.severity.min(self.severity))
    }

    /// The severity that it has by now, where that is worse than what it was declared as and no person has set it.
    pub fn outgrown(&self) -> Option<Severity> {
        let worst = self.worst_severity();
        (worst < self.severity && !self.overruled.severity).then_some(worst)
    }

    pub const fn stage(&self) -> Stage {
        if self.moments.resolved.is_some() {
            Stage::Resolved
        } else if self.moments.mitigated.is_some() {
            Stage::Mitigated
        } else if self.moments.acknowledged.is_some() {
            Stage::Acknowledged
        } else {
            Stage::Declared
        }
    }

    /// Whether it is about these devices too. One declared by hand without a cohort is about nobody in particular.
    pub fn concerns(&self, cohort: &CohortKey) -> bool {
        let nobody = self.cohort.is_fleet() && self.alerts.is_empty();
        !nobody && self.cohort.is_related(cohort)
    }

    /// What it has cost so far: what was noted, and estimates of the rest.
    pub fn bill(&self, rates: &Rates, now: At) -> Bill {
        let worked = (self.declared, self.moments.resolved);
        Bill::of(rates, &self.learning.costs, self.learning.impact.as_ref(), worked, now)
    }

    /// Open means neither resolved nor part of another one: an acknowledged incident is not forgotten.
    pub const fn is_open(&self) -> bool {
        self.moments.resolved.is_none() && self.response.merged_into.is_none()
    }

    /// Whether somebody commands it. Without a commander it does not leave the first phase.
    pub fn has_commander(&self) -> bool {
        !self.commander.is_empty()
    }

    /// The commander, or the word for nobody.
    pub fn commander_name(&self) -> &str {
        if self.has_commander() { &self.commander } else { "nobody" }
    }

    /// What people are at.
    pub fn phase(&self) -> Phase {
        self.response.phase()
    }
}
