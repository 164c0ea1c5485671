//! Runbooks: what to do, in sections of steps, and how far an incident has got with one.
//!
//! A runbook is a Markdown file; [`markdown`] reads it. When an incident takes one up, the text is copied into the
//! log, so that the record says what people had before them even after the file has changed.

pub mod lint;
pub mod markdown;

use serde::{Deserialize, Serialize};

use super::ids::Actor;
use super::incident::IncidentType;
use super::query::Query;
use super::switch::SwitchId;
use super::time::At;

/// A runbook as its file has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Runbook {
    pub id: String,
    pub title: String,
    /// The types of incident it is for.
    pub types: Vec<IncidentType>,
    pub owner: String,
    /// When it was last reviewed, `2026-10-01`.
    pub reviewed: String,
    /// Which devices, products or systems it is written for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub applies_to: String,
    pub sections: Vec<Section>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    pub title: String,
    /// Text before the steps, for the person who has time to read.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    pub steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// `contain.1`: section and place, as events name it.
    pub id: String,
    pub text: String,
    /// The switch this step is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub switch: Option<SwitchId>,
    /// A question whose answer stands beside it, live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<Query>,
    /// What a device is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diagnostic: Option<Diagnostic>,
    /// The template of an update that is sent here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update: Option<String>,
    /// When it must be done at the latest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timer: Option<Timer>,
}

/// How long a step may take, counted from the declaration, and who is woken when it takes longer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timer {
    pub within_s: i64,
    /// A name under `[contacts]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
}

/// What a device can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Diagnostic {
    LogRequest,
    Metrics,
    Ping,
}

impl Diagnostic {
    pub const ALL: [Self; 3] = [Self::LogRequest, Self::Metrics, Self::Ping];

    /// The last level of its topic.
    pub const fn id(self) -> &'static str {
        match self {
            Self::LogRequest => "log-request",
            Self::Metrics => "metrics",
            Self::Ping => "ping",
        }
    }
}

/// Days after which a review is an old one: a quarter.
pub const REVIEW_DAYS: i64 = 92;

impl Runbook {
    /// Days since it was reviewed; none where its date is none.
    pub fn review_age_days(&self, now: At) -> Option<i64> {
        let reviewed: chrono::NaiveDate = self.reviewed.parse().ok()?;
        Some((now.utc().date_naive() - reviewed).num_days())
    }

    /// Whether it was reviewed more than a quarter ago.
    pub fn is_stale(&self, now: At) -> bool {
        self.review_age_days(now).is_none_or(|days| days > REVIEW_DAYS)
    }

    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.sections.iter().flat_map(|section| &section.steps)
    }

    pub fn step(&self, id: &str) -> Option<&Step> {
        self.steps().find(|step| step.id == id)
    }
}

/// What became of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepMark {
    Done,
    /// Left out, with the reason.
    Skipped(String),
    /// It has no meaning in this incident; the reason may be empty.
    NotApplicable(String),
    /// Taken back: open again.
    Open,
}

/// A mark with who made it and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepEntry {
    pub step: String,
    pub mark: StepMark,
    pub by: Actor,
    pub at: At,
}

/// Something written down beside a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepNote {
    pub step: String,
    pub text: String,
    pub by: Actor,
    pub at: At,
}

/// A runbook in use in an incident: its text as it was then, and every mark in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunbookRun {
    pub runbook: Runbook,
    pub entries: Vec<StepEntry>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<StepNote>,
    /// Steps whose time has passed, and whose contact was called for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub escalated: Vec<String>,
}

impl RunbookRun {
    pub const fn new(runbook: Runbook) -> Self {
        Self { runbook, entries: Vec::new(), notes: Vec::new(), escalated: Vec::new() }
    }

    /// Whether people have worked with it.
    pub fn is_used(&self) -> bool {
        !self.entries.is_empty() || !self.notes.is_empty()
    }

    /// Steps that must be done by some time and are not, with that time.
    pub fn timed(&self, declared: At) -> impl Iterator<Item = (&Step, &Timer, At)> {
        self.runbook.steps().filter(|step| self.mark(&step.id).is_none()).filter_map(move |step| {
            let timer = step.timer.as_ref()?;
            Some((step, timer, declared.plus_s(timer.within_s)))
        })
    }

    /// What was written down beside a step.
    pub fn notes_on(&self, step: &str) -> impl Iterator<Item = &StepNote> {
        self.notes.iter().filter(move |note| note.step == step)
    }

    /// The last mark of a step; none where it was never marked or was opened again.
    pub fn mark(&self, step: &str) -> Option<&StepEntry> {
        self.entries.iter().rev().find(|entry| entry.step == step).filter(|entry| entry.mark != StepMark::Open)
    }

    /// Steps dealt with, and all steps.
    pub fn progress(&self) -> (usize, usize) {
        let dealt_with = self.runbook.steps().filter(|step| self.mark(&step.id).is_some()).count();
        (dealt_with, self.runbook.steps().count())
    }

    /// The first step nobody has dealt with.
    pub fn next(&self) -> Option<&Step> {
        self.runbook.steps().find(|step| self.mark(&step.id).is_none())
    }
}
