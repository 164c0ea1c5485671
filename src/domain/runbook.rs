//! Runbooks: what to do, in sections of steps, and how far an incident has got with one.
//!
//! A runbook is a Markdown file; [`markdown`] reads it. When an incident takes one up, the text is copied into the
//! log, so that the record says what people had before them even after the file has changed.

pub mod markdown;

use serde::{Deserialize, Serialize};

use super::ids::Actor;
use super::incident::IncidentType;
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
}

impl Runbook {
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

/// A runbook in use in an incident: its text as it was then, and every mark in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunbookRun {
    pub runbook: Runbook,
    pub entries: Vec<StepEntry>,
}

impl RunbookRun {
    pub const fn new(runbook: Runbook) -> Self {
        Self { runbook, entries: Vec::new() }
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
