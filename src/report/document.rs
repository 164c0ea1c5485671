//! The document: what is known of an incident, in the order in which people tell it. Every format is a reader of it.
//!
//! Its types are its own rather than the house's, because its JSON is a promise: `schema` counts its versions, and
//! `schema.json` beside this file describes it. [`super::gather`] fills it in.

use serde::Serialize;

use crate::domain::cohort::CohortKey;
use crate::domain::cost::Bill;
use crate::domain::impact::Impact;
use crate::domain::recovery::Remaining;
use crate::domain::time::At;
use crate::engine::timeline::Weight;

/// The version of the JSON.
pub const SCHEMA: u32 = 4;

/// A moment, in both times.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Time {
    pub utc: At,
    /// In the zone of the people: `2026-11-20 18:30:00`.
    pub local: String,
}

/// An incident written down.
#[derive(Clone, Debug, Serialize)]
pub struct Document {
    pub schema: u32,
    pub incident: Headline,
    /// What people have written, and what they have not.
    pub sections: Vec<SectionText>,
    pub impact: ImpactLines,
    pub clocks: Vec<ClockLine>,
    pub moments: Vec<MomentLine>,
    pub corrections: Vec<CorrectionLine>,
    pub detection: Detection,
    pub response: Response,
    pub actions: Vec<ActionLine>,
    pub regulatory: Vec<RegimeLine>,
    pub communication: Vec<UpdateLine>,
    pub cost: CostLines,
    pub plots: Vec<Plot>,
    pub timeline: Vec<Line>,
    pub postmortem: Postmortem,
    pub log: Provenance,
}

#[derive(Clone, Debug, Serialize)]
pub struct Headline {
    pub id: String,
    pub title: String,
    pub severity: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub stage: String,
    /// device, platform or undecided.
    pub fault_of: String,
    /// single or broad, as far as anybody has said.
    pub scope: Option<String>,
    pub cohort: CohortKey,
    /// The same in words.
    pub about: String,
    pub commander: String,
    /// Every role with who had it last.
    pub roles: Vec<RoleLine>,
    pub declared: Time,
    pub declared_by: String,
    pub acknowledged_by: Option<String>,
    /// Incidents that turned out to be part of this one, and the one that this turned out to be a part of.
    pub absorbed: Vec<String>,
    pub merged_into: Option<String>,
    /// The scenario, where this was a game day.
    pub drill: Option<String>,
    /// The capture, where this was a replay.
    pub replay: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct RoleLine {
    pub role: String,
    pub name: String,
}

/// A section that people write.
#[derive(Clone, Debug, Serialize)]
pub struct SectionText {
    pub section: String,
    pub title: String,
    pub question: String,
    pub text: Option<String>,
    pub by: Option<String>,
    pub at: Option<Time>,
}

#[derive(Clone, Debug, Serialize)]
pub struct ImpactLines {
    /// As measured by the room; none where it could not be.
    pub measured: Option<Impact>,
    /// Devices that were ever affected, as the record names them; at least what an alert saw.
    pub affected: u32,
    /// From the onset to service restored, or to now.
    pub duration_s: Option<i64>,
    pub goes_on: bool,
}

#[derive(Clone, Debug, Serialize)]
pub struct ClockLine {
    pub clock: String,
    pub name: String,
    pub state: String,
    pub elapsed_s: i64,
    pub target_s: i64,
    /// in time, late, overdue, running, due soon, waiting.
    pub standing: String,
}

#[derive(Clone, Debug, Serialize)]
pub struct MomentLine {
    pub moment: String,
    pub at: Option<Time>,
}

/// A corrected moment: what it was, what it is now, who said so and when.
#[derive(Clone, Debug, Serialize)]
pub struct CorrectionLine {
    pub moment: String,
    pub from: Option<Time>,
    pub to: Time,
    pub by: String,
    pub at: Time,
    pub reason: String,
}

#[derive(Clone, Debug, Serialize)]
pub struct Detection {
    pub alerts: Vec<AlertLine>,
    /// What the room thought of it last.
    pub verdict: Option<VerdictLine>,
}

#[derive(Clone, Debug, Serialize)]
pub struct AlertLine {
    pub id: String,
    pub at: Time,
    pub signal: String,
    pub about: String,
    pub onset: Time,
    pub affected: u32,
    pub sample: u32,
    pub evidence: String,
    /// What else the same devices did.
    pub also: Vec<String>,
    pub acknowledged_by: Option<String>,
    pub cleared: Option<Time>,
}

#[derive(Clone, Debug, Serialize)]
pub struct VerdictLine {
    #[serde(rename = "type")]
    pub kind: String,
    pub fault_of: String,
    pub scope: String,
    pub evidence: Vec<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Response {
    pub phases: Vec<PhaseLine>,
    pub switches: Vec<SwitchLine>,
    pub runbook: Option<RunbookLines>,
    pub recovery: RecoveryLines,
    pub notes: Vec<NoteLine>,
}

/// What was looked at before it was called over.
#[derive(Clone, Debug, Serialize)]
pub struct RecoveryLines {
    /// Every check, as it stood when the incident was resolved last, or as somebody answered for it.
    pub checks: Vec<CheckLine>,
    pub remaining: Option<Remaining>,
    pub affected: AffectedLines,
    /// What was decided about data that was wrong.
    pub data: Option<DataLine>,
}

/// Devices that were affected at any time, by name.
#[derive(Clone, Debug, Serialize)]
pub struct AffectedLines {
    pub devices: Vec<String>,
    /// More of them, of which there is only the number.
    pub unnamed: u32,
}

#[derive(Clone, Debug, Serialize)]
pub struct CheckLine {
    pub check: String,
    /// green, waiting, red, unknown; open, where it was not looked at for an end.
    pub standing: String,
    pub evidence: Option<String>,
    pub waived_by: Option<String>,
    pub waived_at: Option<Time>,
    pub reason: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct DataLine {
    /// backfill, forward-only.
    pub choice: String,
    /// The first bad value.
    pub first_bad: Time,
    pub customers: String,
    pub by: String,
    pub at: Time,
}

#[derive(Clone, Debug, Serialize)]
pub struct PhaseLine {
    pub phase: String,
    pub at: Time,
    pub by: String,
    pub reason: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct SwitchLine {
    pub id: String,
    pub switch: String,
    /// What it was pulled for: a campaign and its target.
    pub on: String,
    pub by: String,
    pub requested: Time,
    /// Milliseconds after the request.
    pub sent_ms: Option<i64>,
    pub accepted_ms: Option<i64>,
    pub ended_ms: Option<i64>,
    pub outcome: String,
    pub escaped: Vec<String>,
    /// Devices that it waited for longer than anything should take.
    pub waited_for: Vec<String>,
    /// How it went out in waves, and what stopped it, where it did.
    pub waves: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct RunbookLines {
    pub id: String,
    pub title: String,
    pub done: usize,
    pub of: usize,
    pub steps: Vec<StepLine>,
}

#[derive(Clone, Debug, Serialize)]
pub struct StepLine {
    pub section: String,
    pub text: String,
    /// open, done, skipped, and whatever else can become of a step.
    pub state: String,
    pub reason: Option<String>,
    pub by: Option<String>,
    pub at: Option<Time>,
}

#[derive(Clone, Debug, Serialize)]
pub struct NoteLine {
    pub at: Time,
    pub by: String,
    pub text: String,
}

#[derive(Clone, Debug, Serialize)]
pub struct ActionLine {
    /// `7.2`, as commands name it.
    pub id: String,
    pub text: String,
    pub owner: Option<String>,
    pub due: Option<String>,
    /// open, overdue, done, dropped.
    pub state: String,
    pub ended: Option<Time>,
    pub reason: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct RegimeLine {
    pub id: String,
    pub name: String,
    pub source: String,
    pub version: String,
    /// applies, does-not-apply, undecided.
    pub standing: String,
    pub answers: Vec<AnswerLine>,
    pub moments: Vec<RegulatoryMomentLine>,
    pub terms: Vec<TermLine>,
}

#[derive(Clone, Debug, Serialize)]
pub struct AnswerLine {
    pub question: String,
    pub yes: Option<bool>,
    pub reason: Option<String>,
    pub by: Option<String>,
    pub at: Option<Time>,
}

#[derive(Clone, Debug, Serialize)]
pub struct RegulatoryMomentLine {
    pub moment: String,
    pub at: Time,
    pub evidence: String,
    pub by: String,
}

#[derive(Clone, Debug, Serialize)]
pub struct TermLine {
    pub what: String,
    pub to: String,
    pub rule: String,
    pub state: String,
    pub waits_for: Option<String>,
    pub due: Option<Time>,
    pub filed: Option<Time>,
    pub reference: Option<String>,
    pub doubt: Option<String>,
}

/// What somebody was told.
#[derive(Clone, Debug, Serialize)]
pub struct UpdateLine {
    pub at: Time,
    pub audience: String,
    pub channel: String,
    pub by: String,
    pub outcome: String,
    pub text: String,
}

#[derive(Clone, Debug, Serialize)]
pub struct CostLines {
    #[serde(flatten)]
    pub bill: Bill,
    /// In hundredths, as every sum.
    pub total: i64,
    /// Costs that were taken back, in words.
    pub withdrawn: Vec<String>,
}

/// A signal of the cohort over the incident, with what happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Plot {
    pub title: String,
    pub unit: String,
    pub from: At,
    pub to: At,
    pub low: f64,
    pub high: f64,
    /// Oldest first; no value where nobody listened.
    pub points: Vec<PlotPoint>,
    pub marks: Vec<PlotMark>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PlotPoint {
    pub at: At,
    pub value: Option<f64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlotMark {
    pub at: At,
    pub text: String,
}

/// A line of the timeline.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    pub seq: u64,
    pub at: Time,
    pub actor: String,
    pub incident: Option<String>,
    pub weight: Weight,
    pub text: String,
}

/// Whether the postmortem is done.
#[derive(Clone, Debug, Serialize)]
pub struct Postmortem {
    pub due: Option<Time>,
    pub overdue: bool,
    pub published: Option<Time>,
    pub published_by: Option<String>,
    /// What it lacks, in words.
    pub lacks: Vec<String>,
}

/// Where this comes from, so that it can be held against the log later.
#[derive(Clone, Debug, Serialize)]
pub struct Provenance {
    pub id: String,
    /// Events read, and the head they end at.
    pub events: u64,
    pub head: String,
    /// The zone of the local times.
    pub zone: String,
    /// Whether names of persons were replaced by their roles.
    pub blameless: bool,
}
