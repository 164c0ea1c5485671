//! Gathers the document of an incident from the records of a log, and from the history beside them.

mod account;
mod plots;
mod recovery;

use super::document::{
    AlertLine, ClockLine, CorrectionLine, Detection, Document, Headline, ImpactLines, Line, MomentLine, NoteLine,
    PhaseLine, Postmortem, Provenance, Response, RoleLine, RunbookLines, SCHEMA, SectionText, StepLine, SwitchLine,
    Time, VerdictLine,
};
use crate::domain::alert::Alert;
use crate::domain::clock::{Clock, ClockState, Moment, Targets};
use crate::domain::cost::Rates;
use crate::domain::event::{Event, Record};
use crate::domain::ids::{Actor, IncidentId, Seq};
use crate::domain::incident::Incident;
use crate::domain::learning::{Section, postmortem_due};
use crate::domain::rollup::Rollup;
use crate::domain::runbook::{RunbookRun, StepMark};
use crate::domain::switch::Actuation;
use crate::domain::time::At;
use crate::engine::room::Room;
use crate::engine::timeline::entry;

/// Seconds before the onset that belong to the story: what led up to it.
const BEFORE_S: i64 = 600;
/// Seconds after its end that plots go on: whether it stayed well.
const AFTER_S: i64 = 900;

/// How a moment is told in the zone of the people.
pub type Local<'a> = &'a dyn Fn(At) -> String;

/// What an incident is gathered from.
pub struct Sources<'a> {
    pub records: &'a [Record],
    /// Of the time that [`span`] gives, as far as it was kept.
    pub rollups: &'a [Rollup],
    pub targets: &'a Targets,
    pub rates: &'a Rates,
    /// The moment at which clocks that run are read.
    pub now: At,
    pub local: Local<'a>,
}

impl Sources<'_> {
    fn time(&self, at: At) -> Time {
        Time { utc: at, local: (self.local)(at) }
    }
}

/// The time that the plots of an incident span; none if there is no such incident.
pub fn span(records: &[Record], id: IncidentId, now: At) -> Option<(At, At)> {
    let mut room = Room::default();
    records.iter().for_each(|record| room.apply(record));
    let incident = room.incidents.get(&id)?;
    Some(span_of(incident, now))
}

fn span_of(incident: &Incident, now: At) -> (At, At) {
    let from = incident.moments.onset.unwrap_or(incident.declared).min(incident.declared).plus_s(-BEFORE_S);
    let end = incident.moments.resolved.filter(|_| !incident.is_open());
    (from, end.map_or(now, |end| end.plus_s(AFTER_S).min(now.max(end))))
}

/// Gathers an incident; none if there is no such incident.
pub fn gather(sources: &Sources<'_>, id: IncidentId, log: Provenance) -> Option<Document> {
    let mut room = Room::default();
    sources.records.iter().for_each(|record| room.apply(record));
    let incident = room.incidents.get(&id)?;
    let alerts: Vec<&Alert> = incident.alerts.iter().filter_map(|id| room.alerts.get(id)).collect();
    let story: Vec<_> = story(sources.records, incident).collect();
    let entries: Vec<_> = story.iter().map(|record| entry(record, &room.actuations)).collect();
    Some(Document {
        schema: SCHEMA,
        incident: headline(sources, incident),
        sections: sections(sources, incident),
        impact: impact(sources, incident, &alerts),
        clocks: clocks(sources, incident),
        moments: Moment::ALL.map(|moment| moment_line(sources, incident, moment)).into(),
        corrections: corrections(sources, incident),
        detection: Detection {
            alerts: alerts.iter().map(|alert| alert_line(sources, alert)).collect(),
            verdict: incident.verdict.as_ref().map(|verdict| VerdictLine {
                kind: verdict.kind.id().into(),
                fault_of: verdict.origin.name().into(),
                scope: verdict.extent.name().into(),
                evidence: verdict.evidence.clone(),
            }),
        },
        response: response(sources, incident, &room),
        actions: account::actions(sources, incident),
        regulatory: account::regulatory(sources, incident),
        communication: account::communication(sources, incident, &room.notices),
        cost: account::cost(sources, incident),
        plots: plots::plots(sources, incident, &alerts, &entries),
        timeline: entries
            .into_iter()
            .map(|entry| Line {
                seq: entry.seq.0,
                at: sources.time(entry.at),
                actor: entry.actor.name().to_owned(),
                incident: entry.incident.map(|id| id.to_string()),
                weight: entry.weight,
                text: entry.text,
            })
            .collect(),
        postmortem: postmortem(sources, incident),
        log,
    })
}

fn headline(sources: &Sources<'_>, incident: &Incident) -> Headline {
    let drill = sources.records.iter().find_map(|record| match &record.event {
        Event::DrillStarted { scenario, .. } => Some(scenario.clone()),
        _ => None,
    });
    let replay = sources.records.iter().find_map(|record| match &record.event {
        Event::ReplayStarted { capture, .. } => Some(capture.clone()),
        _ => None,
    });
    let roles = incident.response.roles.iter();
    Headline {
        id: incident.id.to_string(),
        title: incident.title.clone(),
        severity: incident.severity.to_string(),
        kind: incident.kind.id().into(),
        stage: incident.stage().name().into(),
        fault_of: incident.origin.name().into(),
        scope: incident.extent.map(|extent| extent.name().into()),
        cohort: incident.cohort.clone(),
        about: incident.cohort.sentence(),
        commander: incident.commander_name().to_owned(),
        roles: roles.map(|(role, name)| RoleLine { role: role.name().into(), name: name.clone() }).collect(),
        declared: sources.time(incident.declared),
        declared_by: incident.declared_by.name().to_owned(),
        acknowledged_by: incident.acknowledged_by.as_ref().map(|by| by.name().to_owned()),
        absorbed: incident.response.absorbed.iter().map(ToString::to_string).collect(),
        merged_into: incident.response.merged_into.map(|id| id.to_string()),
        drill,
        replay,
    }
}

fn sections(sources: &Sources<'_>, incident: &Incident) -> Vec<SectionText> {
    let line = |section: Section| {
        let written = incident.learning.sections.get(&section);
        SectionText {
            section: section.id().into(),
            title: section.name().into(),
            question: section.question().into(),
            text: written.map(|written| written.text.clone()),
            by: written.map(|written| written.by.name().to_owned()),
            at: written.map(|written| sources.time(written.at)),
        }
    };
    Section::ALL.map(line).into()
}

fn impact(sources: &Sources<'_>, incident: &Incident, alerts: &[&Alert]) -> ImpactLines {
    let affected = alerts.iter().flat_map(|alert| std::iter::once(&alert.finding).chain(&alert.also));
    let end = incident.moments.mitigated;
    let alerted = affected.map(|finding| finding.affected).max().unwrap_or(0);
    ImpactLines {
        measured: incident.learning.impact,
        affected: recovery::ever_affected(sources, incident).max(alerted),
        duration_s: incident.moments.onset.map(|onset| end.unwrap_or(sources.now).since_s(onset)),
        goes_on: end.is_none(),
    }
}

fn clocks(sources: &Sources<'_>, incident: &Incident) -> Vec<ClockLine> {
    let line = |clock: Clock| {
        let reading = clock.read(&incident.moments, sources.targets, sources.now);
        let state = match reading.state {
            ClockState::Waiting => "waiting",
            ClockState::Running => "running",
            ClockState::Stopped => "stopped",
        };
        ClockLine {
            clock: clock.short().into(),
            name: clock.name().into(),
            state: state.into(),
            elapsed_s: reading.elapsed_s,
            target_s: reading.target_s,
            standing: reading.word().into(),
        }
    };
    Clock::ALL.map(line).into()
}

fn moment_line(sources: &Sources<'_>, incident: &Incident, moment: Moment) -> MomentLine {
    MomentLine { moment: moment.name().into(), at: incident.moments.get(moment).map(|at| sources.time(at)) }
}

fn corrections(sources: &Sources<'_>, incident: &Incident) -> Vec<CorrectionLine> {
    let line = |correction: &crate::domain::clock::Correction| CorrectionLine {
        moment: correction.moment.name().into(),
        from: correction.from.map(|at| sources.time(at)),
        to: sources.time(correction.to),
        by: correction.by.name().to_owned(),
        at: sources.time(correction.at),
        reason: correction.reason.clone(),
    };
    incident.corrections.iter().map(line).collect()
}

fn alert_line(sources: &Sources<'_>, alert: &Alert) -> AlertLine {
    let finding = &alert.finding;
    AlertLine {
        id: alert.id.to_string(),
        at: sources.time(alert.at),
        signal: finding.signal.name().into(),
        about: finding.cohort.sentence(),
        onset: sources.time(finding.onset),
        affected: finding.affected,
        sample: finding.sample,
        evidence: finding.evidence.clone(),
        also: alert.also.iter().map(|also| also.evidence.clone()).collect(),
        acknowledged_by: alert.acknowledged.as_ref().map(|(_, by)| by.name().to_owned()),
        cleared: alert.cleared.map(|at| sources.time(at)),
    }
}

fn response(sources: &Sources<'_>, incident: &Incident, room: &Room) -> Response {
    let pulled = incident.actuations.iter().filter_map(|id| room.actuations.get(id));
    Response {
        phases: incident
            .response
            .phases
            .iter()
            .map(|entry| PhaseLine {
                phase: entry.phase.name().into(),
                at: sources.time(entry.at),
                by: entry.by.name().to_owned(),
                reason: entry.reason.clone(),
            })
            .collect(),
        switches: pulled.map(|actuation| switch_line(sources, actuation)).collect(),
        runbook: incident.runbook.as_ref().map(|run| runbook(sources, run)),
        recovery: recovery::recovery(sources, incident),
        notes: incident
            .notes
            .iter()
            .map(|note| NoteLine { at: sources.time(note.at), by: note.by.name().to_owned(), text: note.text.clone() })
            .collect(),
    }
}

/// The waves of a switch in words: how many of how many were begun, of which sizes, and what paused them last.
fn waves(actuation: &Actuation) -> Option<String> {
    let plan = actuation.preview.devices.as_ref()?.waves.as_ref()?;
    let sizes: Vec<String> = plan.sizes().map(|n| n.to_string()).collect();
    let course = &actuation.course;
    let paused = course.paused.as_ref().map(|pause| format!("; paused: {}", pause.reason)).unwrap_or_default();
    let (begun, of, soak_s) = (course.begun, plan.waves(), plan.soak_s);
    Some(format!("{begun} of {of} waves begun ({} devices, {soak_s} s soak){paused}", sizes.join(", ")))
}

fn switch_line(sources: &Sources<'_>, actuation: &Actuation) -> SwitchLine {
    SwitchLine {
        id: actuation.id.to_string(),
        switch: actuation.switch.to_string(),
        on: match &actuation.preview.devices {
            Some(_) => actuation.preview.about(),
            None => format!("{} → {}", actuation.preview.campaign, actuation.preview.target),
        },
        by: actuation.by.name().to_owned(),
        requested: sources.time(actuation.requested),
        sent_ms: actuation.after_ms(actuation.sent),
        accepted_ms: actuation.after_ms(actuation.accepted),
        ended_ms: actuation.after_ms(actuation.ended),
        outcome: actuation.words(),
        escaped: actuation.escaped.clone(),
        waited_for: actuation.waited_for.0.clone(),
        waves: waves(actuation),
    }
}

fn runbook(sources: &Sources<'_>, run: &RunbookRun) -> RunbookLines {
    let (done, of) = run.progress();
    let mut steps = Vec::new();
    for section in &run.runbook.sections {
        for step in &section.steps {
            let entry = run.mark(&step.id);
            let (state, reason) = match entry.map(|entry| &entry.mark) {
                None | Some(StepMark::Open) => ("open", None),
                Some(StepMark::Done) => ("done", None),
                Some(StepMark::NotApplicable(reason)) => {
                    ("not applicable", Some(reason.clone()).filter(|reason| !reason.is_empty()))
                }
                Some(StepMark::Skipped(reason)) => ("skipped", Some(reason.clone())),
            };
            steps.push(StepLine {
                section: section.title.clone(),
                text: step.text.clone(),
                state: state.into(),
                reason,
                by: entry.map(|entry| entry.by.name().to_owned()),
                at: entry.map(|entry| sources.time(entry.at)),
            });
        }
    }
    RunbookLines { id: run.runbook.id.clone(), title: run.runbook.title.clone(), done, of, steps }
}

fn postmortem(sources: &Sources<'_>, incident: &Incident) -> Postmortem {
    let due = postmortem_due(incident.severity, incident.moments.mitigated);
    let published = incident.learning.published.as_ref();
    Postmortem {
        due: due.map(|due| sources.time(due)),
        overdue: published.is_none() && due.is_some_and(|due| sources.now > due),
        published: published.map(|(at, _)| sources.time(*at)),
        published_by: published.map(|(_, by)| by.name().to_owned()),
        lacks: incident.learning.shortcomings(incident.id),
    }
}

/// What belongs to the story: from shortly before the onset to the last word on the incident, without what other
/// incidents are about; and what became of those that are part of this one.
fn story<'a>(records: &'a [Record], incident: &'a Incident) -> impl Iterator<Item = &'a Record> {
    let own = move |id: IncidentId| id == incident.id || incident.response.absorbed.contains(&id);
    let last = records.iter().rev().find(|record| record.event.incident().is_some_and(own));
    let last = last.map_or(Seq(0), |record| record.seq);
    // What is learnt comes days later; what happens on the fleet meanwhile is another story.
    let over =
        |record: &&Record| matches!(record.event, Event::Resolved { .. }) && record.event.incident().is_some_and(own);
    let end = match records.iter().rev().find(over) {
        Some(record) if !incident.is_open() => record.at.plus_s(AFTER_S),
        _ => At::from_ms(i64::MAX),
    };
    let last = if incident.is_open() { Seq(u64::MAX) } else { last };
    let begin = incident.moments.onset.unwrap_or(incident.declared).min(incident.declared).plus_s(-BEFORE_S);
    records.iter().filter(move |record| match record.event.incident() {
        Some(other) => own(other),
        None => record.at >= begin && record.at <= end && (record.seq <= last || record.actor != Actor::Engine),
    })
}
