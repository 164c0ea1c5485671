//! What is known of an incident, gathered from the log, in the order in which people tell it.

use serde::Serialize;

use crate::domain::alert::Alert;
use crate::domain::clock::{Clock, Correction, Moments, Reading, Targets};
use crate::domain::cohort::CohortKey;
use crate::domain::event::{Event, Record};
use crate::domain::ids::{Actor, IncidentId, Seq};
use crate::domain::incident::{Incident, IncidentType, Note, Severity, Stage};
use crate::domain::runbook::RunbookRun;
use crate::domain::switch::Actuation;
use crate::domain::time::At;
use crate::engine::room::Room;
use crate::engine::timeline::{Entry, entry};

/// Seconds before the onset that belong to the story: what led up to it.
const BEFORE_S: i64 = 600;

/// How a moment is told in the zone of the people.
pub type Local<'a> = &'a dyn Fn(At) -> String;

/// An incident written down. The JSON of it is `schema` 1.
#[derive(Clone, Debug, Serialize)]
pub struct Document {
    pub schema: u32,
    pub incident: Headline,
    pub clocks: Vec<ClockLine>,
    pub moments: Moments,
    pub corrections: Vec<Correction>,
    pub suspect: Suspect,
    pub alerts: Vec<Alert>,
    pub switches: Vec<Actuation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runbook: Option<RunbookRun>,
    pub notes: Vec<Note>,
    pub timeline: Vec<Line>,
    pub log: Provenance,
}

#[derive(Clone, Debug, Serialize)]
pub struct Headline {
    pub id: IncidentId,
    pub title: String,
    pub severity: Severity,
    #[serde(rename = "type")]
    pub kind: IncidentType,
    pub stage: Stage,
    pub commander: String,
    pub declared: At,
    pub declared_by: Actor,
    pub acknowledged_by: Option<Actor>,
    /// The scenario, where this was a game day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drill: Option<String>,
    /// The capture, where this was a replay.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replay: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct ClockLine {
    #[serde(flatten)]
    pub reading: Reading,
    pub standing: &'static str,
}

/// The devices concerned, and what shows it.
#[derive(Clone, Debug, Serialize)]
pub struct Suspect {
    pub cohort: CohortKey,
    pub evidence: Vec<String>,
}

/// A line of the timeline, in both times.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    pub local: String,
    #[serde(flatten)]
    pub entry: Entry,
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
}

/// Gathers an incident from the records of a log, its clocks as they stand `now`; none if there is no such incident.
pub fn gather(
    records: &[Record],
    id: IncidentId,
    targets: &Targets,
    now: At,
    local: Local<'_>,
    log: Provenance,
) -> Option<Document> {
    let mut room = Room::default();
    records.iter().for_each(|record| room.apply(record));
    let incident = room.incidents.get(&id)?;
    let clocks = Clock::ALL.map(|clock| {
        let reading = clock.read(&incident.moments, targets, now);
        ClockLine { standing: reading.word(), reading }
    });
    let alerts: Vec<Alert> = incident.alerts.iter().filter_map(|id| room.alerts.get(id)).cloned().collect();
    let evidence = alerts.iter().map(|alert| alert.finding.evidence.clone()).collect();
    Some(Document {
        schema: 1,
        incident: headline(incident, records),
        clocks: clocks.into(),
        moments: incident.moments,
        corrections: incident.corrections.clone(),
        suspect: Suspect { cohort: incident.cohort.clone(), evidence },
        alerts,
        switches: incident.actuations.iter().filter_map(|id| room.actuations.get(id)).cloned().collect(),
        runbook: incident.runbook.clone(),
        notes: incident.notes.clone(),
        timeline: story(records, &room, incident, local),
        log,
    })
}

fn headline(incident: &Incident, records: &[Record]) -> Headline {
    let drill = records.iter().find_map(|record| match &record.event {
        Event::DrillStarted { scenario, .. } => Some(scenario.clone()),
        _ => None,
    });
    let replay = records.iter().find_map(|record| match &record.event {
        Event::ReplayStarted { capture, .. } => Some(capture.clone()),
        _ => None,
    });
    Headline {
        id: incident.id,
        title: incident.title.clone(),
        severity: incident.severity,
        kind: incident.kind,
        stage: incident.stage(),
        commander: incident.commander.clone(),
        declared: incident.declared,
        declared_by: incident.declared_by.clone(),
        acknowledged_by: incident.acknowledged_by.clone(),
        drill,
        replay,
    }
}

/// What belongs to the story: from shortly before the onset to the last word on the incident, without what other
/// incidents are about.
fn story(records: &[Record], room: &Room, incident: &Incident, local: Local<'_>) -> Vec<Line> {
    let own = |record: &&Record| record.event.incident() == Some(incident.id);
    let last = records.iter().rev().find(own).map_or(Seq(0), |record| record.seq);
    let end = if incident.is_open() { Seq(u64::MAX) } else { last };
    let begin = incident.moments.onset.unwrap_or(incident.declared).min(incident.declared).plus_s(-BEFORE_S);
    let belongs = |record: &&Record| match record.event.incident() {
        Some(other) => other == incident.id,
        None => record.at >= begin && record.seq <= end,
    };
    let line = |record: &Record| Line { local: local(record.at), entry: entry(record, &room.actuations) };
    records.iter().filter(belongs).map(line).collect()
}
