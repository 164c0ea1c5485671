//! Who is suspected and what it looks like, looked at every few seconds while an alert is open; an incident follows once
//! the answer is steady, unless a person has said otherwise.

use std::collections::BTreeMap;

use super::State;
use super::runbooks;
use crate::detect::suspects::{Breadth, Suspect};
use crate::detect::verdict::{self, Facts, Origin, OwnLink, Verdict};
use crate::domain::alert::{Alert, Finding};
use crate::domain::cohort::CohortKey;
use crate::domain::event::Event;
use crate::domain::ids::{AlertId, IncidentId};
use crate::domain::incident::Incident;
use crate::domain::time::At;

/// Seconds between two looks: each goes over all devices.
const EVERY_S: i64 = 5;
/// Looks in a row with the same answer before an incident is told.
const STEADY: u32 = 3;
/// Below this share of the most devices that were affected at once, they recover.
const RECOVERING: f64 = 0.8;
/// Our own link is to blame for what begins within this many seconds of its being down.
const OWN_LINK_S: i64 = 120;

/// What is thought of one open alert.
#[derive(Debug)]
struct Opinion {
    suspects: Vec<Suspect>,
    breadth: Breadth,
    /// Looks for which the first suspect has been the same.
    steady: u32,
    /// The most devices that the first suspect has had affected: what an incident is about is learnt while it grows, not
    /// while devices are sent back and recover.
    peak: u32,
    /// The most devices that were affected at once, whoever is suspected.
    most: u32,
}

impl Opinion {
    /// Whether most of the devices that were affected are so no more.
    fn is_recovery(&self) -> bool {
        2 * self.breadth.affected < self.most
    }
}

/// The last answers, by alert.
#[derive(Debug, Default)]
pub struct Suspects {
    opinions: BTreeMap<AlertId, Opinion>,
    looked: Option<At>,
    /// What is thought of each alert that belongs to no incident. A verdict goes over all devices, and every snapshot asks.
    pub(super) loose: BTreeMap<AlertId, Verdict>,
    /// What is thought of each open incident just now, whatever it has been told.
    verdicts: BTreeMap<IncidentId, Verdict>,
    /// A verdict on an incident that is not the incident's yet, and for how many looks.
    wavering: BTreeMap<IncidentId, (Verdict, u32)>,
}

impl Suspects {
    /// The opinion on the largest of an incident's alerts.
    fn of(&self, incident: &Incident) -> Option<&Opinion> {
        let own = incident.alerts.iter().filter_map(|alert| self.opinions.get(alert));
        own.max_by_key(|opinion| opinion.suspects.first().map_or(0, |suspect| suspect.affected))
    }

    /// Who is suspected in an incident, the best first; nobody whom people have ruled out.
    pub fn in_incident(&self, incident: &Incident) -> Vec<Suspect> {
        let all = self.of(incident).map_or(&[][..], |opinion| &opinion.suspects);
        all.iter().filter(|suspect| !incident.rejected.contains(&suspect.cohort)).cloned().collect()
    }

    /// The most devices of the whole fleet that were affected at once.
    pub fn most_affected(&self, incident: &Incident) -> u32 {
        let own = incident.alerts.iter().filter_map(|alert| self.opinions.get(alert));
        own.map(|opinion| opinion.most).max().unwrap_or(0)
    }

    /// Devices that show what an alert is about, as of the last look: the first suspect's, or the whole fleet's.
    pub fn affected(&self, alert: AlertId) -> Option<u32> {
        let opinion = self.opinions.get(&alert)?;
        Some(opinion.suspects.first().map_or(opinion.breadth.affected, |suspect| suspect.affected))
    }

    /// What an incident looks like just now.
    pub fn verdict_on(&self, incident: IncidentId) -> Option<&Verdict> {
        self.verdicts.get(&incident)
    }

    /// Who is suspected of an alert, the best first.
    pub fn of_alert(&self, alert: AlertId) -> &[Suspect] {
        self.opinions.get(&alert).map_or(&[], |opinion| &opinion.suspects)
    }
}

/// What an alert looks like by itself.
pub(super) fn verdict_on(state: &State, alert: &Alert) -> Verdict {
    state.suspects.loose.get(&alert.id).cloned().unwrap_or_else(|| judge_alert(state, alert))
}

/// Looks again where it is time to, and says which incidents have a new suspect or verdict.
pub(super) fn tick(state: &mut State, at: At) -> Vec<Event> {
    if state.room.open_alerts().next().is_none() {
        state.suspects = Suspects::default();
        return Vec::new();
    }
    if !state.link.is_up() || state.suspects.looked.is_some_and(|looked| at.since_s(looked) < EVERY_S) {
        judge_loose(state, false);
        return Vec::new();
    }
    look(state, at);
    judge_loose(state, true);
    let mut events = follow(state);
    events.extend(judge_incidents(state));
    events
}

fn look(state: &mut State, at: At) {
    let mut before = std::mem::take(&mut state.suspects.opinions);
    for alert in state.room.open_alerts() {
        let last = before.remove(&alert.id);
        let known = last.as_ref().and_then(|last| last.suspects.first()).map(|suspect| &suspect.cohort);
        let found = state.detector.suspects(&state.fleet, alert.finding.signal, &alert.finding.cohort, known);
        let Some((suspects, breadth)) = found else { continue };
        let first = |suspects: &[Suspect]| suspects.first().map(|suspect| suspect.cohort.clone());
        let same = last.as_ref().is_some_and(|last| first(&last.suspects) == first(&suspects));
        let affected = suspects.first().map_or(0, |suspect| suspect.affected);
        let peak = last.as_ref().filter(|_| same).map_or(0, |last| last.peak).max(affected);
        let most = last.as_ref().map_or(0, |last| last.most).max(breadth.affected);
        // Recovering devices say nothing about what made them ill. A narrower suspect has fewer from the beginning.
        let is_recovering = affected < peak || f64::from(breadth.affected) < RECOVERING * f64::from(most);
        let steady = match last {
            _ if is_recovering => 0,
            Some(last) if same => last.steady + 1,
            _ => 1,
        };
        let opinion = Opinion { suspects, breadth, steady, peak, most };
        state.suspects.opinions.insert(alert.id, opinion);
    }
    state.suspects.looked = Some(at);
}

/// Judges the alerts that belong to no incident: each of them `again`, or only those that have no verdict yet.
fn judge_loose(state: &mut State, again: bool) {
    let mut known = std::mem::take(&mut state.suspects.loose);
    let loose = state.room.open_alerts().filter(|alert| state.room.incident_of(alert.id).is_none());
    let judged = loose.map(|alert| {
        let kept = known.remove(&alert.id).filter(|_| !again);
        (alert.id, kept.unwrap_or_else(|| judge_alert(state, alert)))
    });
    let judged = judged.collect();
    state.suspects.loose = judged;
}

/// Incidents that are about other devices than the first suspect's.
fn follow(state: &State) -> Vec<Event> {
    let told = |incident: &Incident| {
        if incident.overruled.cohort || !is_followed(state, incident) {
            return None;
        }
        let opinion = state.suspects.of(incident).filter(|opinion| opinion.steady >= STEADY)?;
        let may_be = |suspect: &&Suspect| {
            suspect.cohort.is_related(&incident.cohort) && !incident.rejected.contains(&suspect.cohort)
        };
        let suspect = opinion.suspects.iter().find(may_be)?;
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
/// is; and once a switch has changed devices (sent back, cut off, slowed down), they show what was done to them, not what
/// they fell ill with.
fn is_followed(state: &State, incident: &Incident) -> bool {
    let is_open = !incident.alerts.is_empty() && incident.moments.mitigated.is_none();
    let changes = |id| state.room.actuations.get(id).is_some_and(|pulled| pulled.kind.changes_devices());
    is_open && !incident.actuations.iter().any(changes)
}

/// Incidents on which there is a new verdict that has been the same for some looks; the first one is taken at once.
fn judge_incidents(state: &mut State) -> Vec<Event> {
    let mut wavering = std::mem::take(&mut state.suspects.wavering);
    let mut events = Vec::new();
    let mut alive = Vec::new();
    let mut verdicts = BTreeMap::new();
    for incident in state.room.open_incidents().filter(|incident| is_followed(state, incident)) {
        let alerts = incident.alerts.iter().filter_map(|id| state.room.alerts.get(id));
        let opinion = state.suspects.of(incident);
        // Nor do recovering devices say whose fault it was.
        let goes_on = incident.alerts.iter().filter_map(|id| state.room.alerts.get(id)).any(Alert::is_open);
        let is_recovery = opinion.map_or(!goes_on, Opinion::is_recovery);
        if incident.verdict.is_some() && is_recovery {
            verdicts.extend(incident.verdict.clone().map(|verdict| (incident.id, verdict)));
            continue;
        }
        let mut verdict = judge(state, opinion, alerts, Some(incident));
        // While devices come back, fewer of everybody are affected: it was everybody all the same.
        let wanes =
            opinion.is_some_and(|opinion| opinion.suspects.is_empty() && opinion.breadth.affected < opinion.most);
        let is_ours = own_link(state, incident.moments.onset).was_down;
        let was_platform = incident.verdict.as_ref().is_some_and(|known| known.origin == Origin::Platform);
        if wanes && was_platform && !is_ours && verdict.origin == Origin::Undecided {
            verdict.origin = Origin::Platform;
        }
        verdicts.insert(incident.id, verdict.clone());
        // An incident that has outgrown its severity is news; one that wanes has been that bad all the same.
        let says_it = |known: &Verdict| known.agrees(&verdict) && known.severity <= verdict.severity;
        if incident.verdict.as_ref().is_some_and(says_it) {
            continue;
        }
        alive.push(incident.id);
        let (waiting, looks) = wavering.entry(incident.id).or_insert_with(|| (verdict.clone(), 0));
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
            if is_new_kind && incident.runbook.as_ref().is_none_or(|run| !run.is_used()) {
                events.extend(runbooks::take(state, incident.id, kind));
            }
        }
    }
    wavering.retain(|incident, _| alive.contains(incident));
    state.suspects.wavering = wavering;
    state.suspects.verdicts = verdicts;
    events
}

fn judge_alert(state: &State, alert: &Alert) -> Verdict {
    judge(state, state.suspects.opinions.get(&alert.id), std::iter::once(alert), None)
}

fn judge<'a>(
    state: &'a State,
    opinion: Option<&'a Opinion>,
    alerts: impl Iterator<Item = &'a Alert>,
    incident: Option<&'a Incident>,
) -> Verdict {
    let findings: Vec<&Finding> = alerts.flat_map(|alert| std::iter::once(&alert.finding).chain(&alert.also)).collect();
    let onset = findings.iter().map(|finding| finding.onset).min();
    let own_link = own_link(state, onset);
    verdict::judge(&Facts {
        fleet: &state.fleet,
        findings,
        suspects: opinion.map_or(&[][..], |opinion| &opinion.suspects),
        about: incident.filter(|incident| incident.overruled.cohort).map(|incident| &incident.cohort),
        rejected: incident.map_or(&[][..], |incident| &incident.rejected),
        breadth: opinion.map(|opinion| &opinion.breadth),
        own_link,
        reach: onset.and_then(|onset| state.reaches.near(onset)),
    })
}

/// How our own link is, and whether it was down about when something began.
pub(super) fn own_link(state: &State, onset: Option<At>) -> OwnLink {
    let is_near = |onset: At, (from, to): &(At, Option<At>)| {
        *from <= onset.plus_s(OWN_LINK_S) && to.is_none_or(|to| to >= onset.plus_s(-OWN_LINK_S))
    };
    let was_down = onset.is_some_and(|onset| state.link.gaps.iter().any(|gap| is_near(onset, gap)));
    OwnLink { is_up: state.link.is_up(), since: state.link.since, was_down }
}

/// The title that the room would give now, where the present one is the room's own.
fn renamed(state: &State, incident: &Incident, cohort: &CohortKey) -> Option<String> {
    let alert = incident.alerts.first().and_then(|alert| state.room.alerts.get(alert))?;
    let title = |cohort: &CohortKey| verdict::propose_title(alert.finding.signal, cohort);
    (title(&incident.cohort) == incident.title).then(|| title(cohort))
}
