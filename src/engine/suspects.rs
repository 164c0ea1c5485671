//! Who is suspected and what it looks like, looked at every few seconds while an alert is open; an incident follows once
//! the answer is steady, unless a person has said otherwise.

use std::collections::BTreeMap;

use super::State;
use super::decide::take_runbook;
use crate::detect::suspects::{Breadth, Suspect};
use crate::detect::verdict::{self, Facts, Verdict};
use crate::domain::alert::{Alert, Finding};
use crate::domain::cohort::CohortKey;
use crate::domain::event::Event;
use crate::domain::ids::AlertId;
use crate::domain::incident::Incident;
use crate::domain::switch::SwitchId;
use crate::domain::time::At;

/// Seconds between two looks: each goes over all devices.
const EVERY_S: i64 = 5;
/// Looks in a row with the same answer before an incident is told.
const STEADY: u32 = 3;
/// Our own link is to blame for what begins within this many seconds of its being down.
const OWN_LINK_S: i64 = 120;

/// The last answer, and for how long it has been the same.
#[derive(Debug, Default)]
pub struct Suspects {
    pub now: Vec<Suspect>,
    breadth: Option<Breadth>,
    looked: Option<At>,
    steady: u32,
    /// The most devices that a suspect has had affected: what an incident is about is learnt while it grows, not while
    /// devices are sent back and recover.
    peak: u32,
    /// What each open alert looks like by itself.
    verdicts: BTreeMap<AlertId, Verdict>,
    /// A verdict on the first alert of an incident that is not the incident's yet, and for how many looks.
    wavering: BTreeMap<AlertId, (Verdict, u32)>,
}

impl Suspects {
    /// The first suspect, where it is about the same devices as `cohort`.
    pub fn about(&self, cohort: &CohortKey) -> Option<&Suspect> {
        self.now.iter().find(|suspect| suspect.cohort.is_related(cohort))
    }
}

/// What an alert looks like by itself.
pub(super) fn verdict_on(state: &State, alert: &Alert) -> Verdict {
    let known = state.suspects.verdicts.get(&alert.id);
    known.cloned().unwrap_or_else(|| judge(state, &alert.finding.cohort, [alert].into_iter()))
}

/// Looks again where it is time to, and says which incidents have a new suspect or verdict.
pub(super) fn tick(state: &mut State, at: At) -> Vec<Event> {
    if state.room.open_alerts().next().is_none() {
        state.suspects = Suspects::default();
        return Vec::new();
    }
    if !state.link.is_up() || state.suspects.looked.is_some_and(|looked| at.since_s(looked) < EVERY_S) {
        return Vec::new();
    }
    look(state, at);
    let mut events = if state.suspects.steady >= STEADY { follow(state) } else { Vec::new() };
    events.extend(judge_incidents(state));
    events
}

fn look(state: &mut State, at: At) {
    let (found, breadth) = state.detector.suspects(&state.fleet);
    let first = |suspects: &[Suspect]| suspects.first().map(|suspect| suspect.cohort.clone());
    let same = first(&found) == first(&state.suspects.now);
    let steady = if same { state.suspects.steady + 1 } else { 1 };
    let affected = found.first().map_or(0, |suspect| suspect.affected);
    // Recovering devices say nothing about what made them ill.
    let peak = state.suspects.peak.max(affected);
    let steady = if affected < peak { 0 } else { steady };
    let wavering = std::mem::take(&mut state.suspects.wavering);
    state.suspects = Suspects {
        now: found,
        breadth: Some(breadth),
        looked: Some(at),
        steady,
        peak,
        verdicts: BTreeMap::new(),
        wavering,
    };
    let loose = state.room.open_alerts().filter(|alert| state.room.incident_of(alert.id).is_none());
    let verdicts = loose.map(|alert| (alert.id, judge(state, &alert.finding.cohort, [alert].into_iter())));
    state.suspects.verdicts = verdicts.collect();
}

/// Incidents that are about other devices than the first suspect's.
fn follow(state: &State) -> Vec<Event> {
    let told = |incident: &Incident| {
        if incident.overruled.cohort || !is_followed(state, incident) {
            return None;
        }
        let suspect = state.suspects.about(&incident.cohort)?;
        (suspect.cohort != incident.cohort).then(|| Event::SuspectNamed {
            incident: incident.id,
            from: incident.cohort.clone(),
            cohort: suspect.cohort.clone(),
            // A title that a person gave stays.
            title: renamed(state, incident, &suspect.cohort),
            affected: suspect.affected,
            devices: suspect.devices,
        })
    };
    state.room.open_incidents().filter_map(told).collect()
}

/// Whether the room goes on learning what an incident is. One that nobody's alert began is what its commander says it
/// is; and once devices are sent back, they no longer are what they were when they fell ill.
fn is_followed(state: &State, incident: &Incident) -> bool {
    let is_open = !incident.alerts.is_empty() && incident.moments.mitigated.is_none();
    let goes_back = |id| state.room.actuations.get(id).is_some_and(|pulled| pulled.switch == SwitchId::rollback());
    is_open && !incident.actuations.iter().any(goes_back)
}

/// Incidents on which there is a new verdict that has been the same for some looks; the first one is taken at once.
fn judge_incidents(state: &mut State) -> Vec<Event> {
    let mut wavering = std::mem::take(&mut state.suspects.wavering);
    let mut events = Vec::new();
    let mut alive = Vec::new();
    for incident in state.room.open_incidents().filter(|incident| is_followed(state, incident)) {
        let Some(first) = incident.alerts.first() else { continue };
        let alerts = incident.alerts.iter().filter_map(|id| state.room.alerts.get(id));
        let verdict = judge(state, &incident.cohort, alerts);
        if incident.verdict.as_ref().is_some_and(|known| known.agrees(&verdict)) {
            continue;
        }
        alive.push(*first);
        let (waiting, looks) = wavering.entry(*first).or_insert_with(|| (verdict.clone(), 0));
        if !waiting.agrees(&verdict) {
            (*waiting, *looks) = (verdict.clone(), 0);
        }
        *looks += 1;
        if *looks >= STEADY || incident.verdict.is_none() {
            alive.pop();
            let kind = verdict.kind;
            events.push(Event::VerdictReached { incident: incident.id, verdict });
            // A runbook that somebody has worked with stays.
            let is_new_kind = !incident.overruled.kind && incident.kind != kind && incident.verdict.is_some();
            if is_new_kind && incident.runbook.as_ref().is_none_or(|run| run.entries.is_empty()) {
                events.extend(take_runbook(state, incident.id, kind));
            }
        }
    }
    wavering.retain(|alert, _| alive.contains(alert));
    state.suspects.wavering = wavering;
    events
}

fn judge<'a>(state: &'a State, cohort: &CohortKey, alerts: impl Iterator<Item = &'a Alert>) -> Verdict {
    let findings: Vec<&Finding> = alerts.flat_map(|alert| std::iter::once(&alert.finding).chain(&alert.also)).collect();
    let onset = findings.iter().map(|finding| finding.onset).min();
    let link_was_down =
        onset.is_some_and(|onset| {
            state.link.gaps.iter().any(|(from, to)| {
                *from <= onset.plus_s(OWN_LINK_S) && to.is_none_or(|to| to >= onset.plus_s(-OWN_LINK_S))
            })
        });
    verdict::judge(&Facts {
        fleet: &state.fleet,
        findings,
        suspects: state.suspects.now.iter().filter(|suspect| suspect.cohort.is_related(cohort)).collect(),
        breadth: state.suspects.breadth.as_ref(),
        link_was_down,
    })
}

/// The title that the room would give now, where the present one is the room's own.
fn renamed(state: &State, incident: &Incident, cohort: &CohortKey) -> Option<String> {
    let alert = incident.alerts.first().and_then(|alert| state.room.alerts.get(alert))?;
    let title = |cohort: &CohortKey| verdict::propose_title(alert.finding.signal, cohort);
    (title(&incident.cohort) == incident.title).then(|| title(cohort))
}
