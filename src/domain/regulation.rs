//! Regulatory deadlines: which regime may apply, what decides it, and when each notice is due. Data, not code.
//!
//! A regime is read from a file; when an incident takes one up it is copied into the log, so that the record says which
//! rules people had before them even after the file has changed. This is no legal advice: people answer the criteria,
//! set the moments, and say what was filed; the room counts.

pub mod term;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::due::{Due, DueKind};
use super::event::RegulationEvent;
use super::ids::{Actor, IncidentId};
use super::time::At;
pub use term::{Calendar, Counting, Start, Term, Unit, Within};

/// A law, or a part of one, that may ask for notices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Regime {
    pub id: String,
    pub name: String,
    /// Where it stands written.
    pub source: String,
    /// When this was last held against its source: `2026-11-01`.
    pub version: String,
    /// How: `text`, `secondary`, or `no`.
    pub verified: String,
    pub on: bool,
    /// It applies when all of them are answered with yes.
    pub criteria: Vec<Criterion>,
    /// The moment that is set when they are: `aware`.
    pub triggers: String,
    pub terms: Vec<Term>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Criterion {
    pub id: String,
    pub question: String,
}

impl Regime {
    pub fn criterion(&self, id: &str) -> Option<&Criterion> {
        self.criteria.iter().find(|criterion| criterion.id == id)
    }

    pub fn term(&self, id: &str) -> Option<&Term> {
        self.terms.iter().find(|term| term.id == id)
    }

    /// The moments that its terms are counted from, other than what was filed; the trigger's first.
    pub fn moments(&self) -> Vec<&str> {
        let mut moments = vec![self.triggers.as_str()];
        for term in &self.terms {
            if let Start::Moment(name) = &term.from
                && !moments.contains(&name.as_str())
            {
                moments.push(name);
            }
        }
        moments
    }
}

/// What somebody said, when, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub yes: bool,
    pub reason: String,
    pub by: Actor,
    pub at: At,
}

/// A moment that a term counts from, with its evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MomentSet {
    pub to: At,
    pub evidence: String,
    pub by: Actor,
    pub at: At,
}

/// A notice that was filed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filing {
    /// When, as the person said.
    pub filed: At,
    pub reference: String,
    pub by: Actor,
    pub at: At,
}

/// A regime in an incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matter {
    pub regime: Regime,
    pub answers: BTreeMap<String, Answer>,
    pub moments: BTreeMap<String, MomentSet>,
    pub filed: BTreeMap<String, Filing>,
    /// Terms that were warned of and that were missed, with the deadline that was meant: it may be moved.
    pub warned: BTreeMap<String, At>,
    pub missed: BTreeMap<String, At>,
}

/// Whether a regime applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Something has not been answered yet.
    Undecided,
    Applies,
    DoesNotApply,
}

/// How a term stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TermState {
    /// What it counts from has not come yet.
    Waiting,
    Running,
    /// The last quarter of it has begun.
    Near,
    Missed,
    /// Filed in time.
    Met,
    FiledLate,
}

impl TermState {
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Waiting => "waits",
            Self::Running => "running",
            Self::Near => "due soon",
            Self::Missed => "MISSED",
            Self::Met => "filed in time",
            Self::FiledLate => "filed late",
        }
    }

    /// Whether somebody still has to do something about it.
    pub const fn is_open(&self) -> bool {
        !matches!(self, Self::Met | Self::FiledLate)
    }
}

/// A term at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    pub regime: String,
    pub term: String,
    pub what: String,
    pub to: String,
    pub state: TermState,
    /// What it waits for, in words.
    pub waits_for: Option<String>,
    pub started: Option<At>,
    /// None while it waits, and where the law names no length.
    pub due: Option<At>,
    pub filed: Option<At>,
    pub reference: String,
    /// What is doubtful about the deadline: a calendar that does not know the year.
    pub doubt: Option<String>,
}

impl Matter {
    pub const fn new(regime: Regime) -> Self {
        Self {
            regime,
            answers: BTreeMap::new(),
            moments: BTreeMap::new(),
            filed: BTreeMap::new(),
            warned: BTreeMap::new(),
            missed: BTreeMap::new(),
        }
    }

    pub fn standing(&self) -> Standing {
        let mut answers = self.regime.criteria.iter().map(|criterion| self.answers.get(&criterion.id));
        if answers.clone().flatten().any(|answer| !answer.yes) {
            Standing::DoesNotApply
        } else if answers.all(|answer| answer.is_some()) {
            Standing::Applies
        } else {
            Standing::Undecided
        }
    }

    /// Its terms at `now`; none where it does not apply.
    pub fn readings(&self, now: At) -> Vec<Reading> {
        if self.standing() != Standing::Applies {
            return Vec::new();
        }
        self.regime.terms.iter().map(|term| self.read(term, now)).collect()
    }

    fn read(&self, term: &Term, now: At) -> Reading {
        let started = match &term.from {
            Start::Moment(name) => self.moments.get(name).map(|set| set.to),
            Start::Filed(other) => self.filed.get(other).map(|filing| filing.filed),
        };
        let filing = self.filed.get(&term.id);
        let deadline = started.and_then(|started| term.deadline(started));
        let due = deadline.as_ref().map(|deadline| deadline.at);
        let near = started.zip(due).is_some_and(|(started, due)| now >= term::near(started, due));
        let state = match (filing, due) {
            (Some(filing), Some(due)) if filing.filed > due => TermState::FiledLate,
            (Some(_), _) => TermState::Met,
            (None, Some(due)) if now > due => TermState::Missed,
            (None, _) if started.is_none() => TermState::Waiting,
            (None, Some(_)) if near => TermState::Near,
            (None, _) => TermState::Running,
        };
        let waits_for = started.is_none().then(|| match &term.from {
            Start::Moment(name) => name.clone(),
            Start::Filed(other) => {
                let what = self.regime.term(other).map_or(other.as_str(), |term| &term.what);
                format!("the filing of: {what}")
            }
        });
        Reading {
            regime: self.regime.id.clone(),
            term: term.id.clone(),
            what: term.what.clone(),
            to: term.to.clone(),
            state,
            waits_for,
            started,
            due,
            filed: filing.map(|filing| filing.filed),
            reference: filing.map(|filing| filing.reference.clone()).unwrap_or_default(),
            doubt: deadline.and_then(|deadline| deadline.doubt),
        }
    }
}

/// The regulatory side of an incident.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Regulation {
    pub matters: BTreeMap<String, Matter>,
}

impl Regulation {
    /// Changes it by one event.
    pub fn apply(&mut self, at: At, by: &Actor, event: &RegulationEvent) {
        if let RegulationEvent::RegimeTaken { regime, .. } = event {
            self.matters.entry(regime.id.clone()).or_insert_with(|| Matter::new(regime.clone()));
            return;
        }
        let Some(matter) = self.matters.get_mut(event.regime()) else { return };
        match event {
            RegulationEvent::CriterionAnswered { criterion, yes, reason, .. } => {
                let answer = Answer { yes: *yes, reason: reason.clone(), by: by.clone(), at };
                matter.answers.insert(criterion.clone(), answer);
            }
            RegulationEvent::RegulatoryMomentSet { moment, to, evidence, .. } => {
                let set = MomentSet { to: *to, evidence: evidence.clone(), by: by.clone(), at };
                matter.moments.insert(moment.clone(), set);
            }
            RegulationEvent::NoticeFiled { term, filed, reference, .. } => {
                let filing = Filing { filed: *filed, reference: reference.clone(), by: by.clone(), at };
                matter.filed.insert(term.clone(), filing);
            }
            RegulationEvent::DeadlineNear { term, due, .. } => drop(matter.warned.insert(term.clone(), *due)),
            RegulationEvent::DeadlineMissed { term, due, .. } => drop(matter.missed.insert(term.clone(), *due)),
            RegulationEvent::RegimeTaken { .. } => {}
        }
    }

    /// Notices that are still to be filed, of an incident.
    pub fn due(&self, incident: IncidentId, now: At) -> Vec<Due> {
        let open = self.readings(now).into_iter().filter(|reading| reading.state.is_open());
        let due = open.filter_map(|reading| {
            let (at, started) = (reading.due?, reading.started?);
            let name = self.matters.get(&reading.regime).map_or("", |matter| &matter.regime.name);
            let label = format!("{name} {}", reading.term);
            let warn_s = at.since_s(term::near(started, at));
            Some(Due { incident: Some(incident), kind: DueKind::Regulatory, label, at, warn_s })
        });
        due.collect()
    }

    /// Every term of every regime that applies, what is due next first.
    pub fn readings(&self, now: At) -> Vec<Reading> {
        let mut readings: Vec<_> = self.matters.values().flat_map(|matter| matter.readings(now)).collect();
        readings.sort_by_key(|reading| (!reading.state.is_open(), reading.due.unwrap_or(At::from_ms(i64::MAX))));
        readings
    }
}

#[cfg(test)]
mod tests;
