//! The room as its events have left it: alerts, incidents, actuations, the timeline.
//!
//! [`Room::apply`] is the only way it changes, and it cannot fail: an event about something unknown (a log that was
//! cut, an id from the future) changes nothing. Replaying a log gives the room that wrote it.

mod actuations;
mod agreements;

use std::collections::{BTreeMap, VecDeque};

pub use agreements::{Agreement, Tested};

use super::crossings::Crossings;
use super::drill::{self, GameDay};
use super::timeline::Timeline;
use crate::domain::acceptance::Acceptance;
use crate::domain::alert::Alert;
use crate::domain::campaign::CampaignState;
use crate::domain::clock::{Correction, Moment, Moments};
use crate::domain::event::response::ResponseEvent;
use crate::domain::event::runbook::RunbookEvent;
use crate::domain::event::waves::WavesEvent;
use crate::domain::event::{Event, Record};
use crate::domain::ids::{ActuationId, AlertId, IncidentId, Seq};
use crate::domain::incident::{Incident, Note, Overruled};
use crate::domain::learning::Learning;
use crate::domain::notice::Notices;
use crate::domain::recovery::Recovery;
use crate::domain::regulation::Regulation;
use crate::domain::response::{Phase, Response};
use crate::domain::runbook::{RunbookRun, StepEntry, StepNote};
use crate::domain::switch::actuation::Known;
use crate::domain::switch::{Actuation, SwitchId};
use crate::domain::time::At;
use crate::domain::update::Updates;
use crate::domain::verdict::{Origin, Verdict};
use crate::limits;

/// Something that was changed, and may be what it began with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub at: At,
    pub what: String,
}

/// Everything that is on the record.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Room {
    /// The last event applied.
    pub last: Seq,
    pub alerts: BTreeMap<AlertId, Alert>,
    /// What people have accepted as usual, some of which may be over.
    pub accepted: Vec<Acceptance>,
    pub incidents: BTreeMap<IncidentId, Incident>,
    pub actuations: BTreeMap<ActuationId, Actuation>,
    /// The state of each campaign on the record, so that it is recorded once; and when it was told of last.
    pub campaigns: BTreeMap<String, (CampaignState, At)>,
    pub crossings: Crossings,
    pub timeline: Timeline,
    /// How requests for a second person were answered, by their number.
    pub agreements: BTreeMap<u64, Agreement>,
    /// The last test of each switch.
    pub tests: BTreeMap<SwitchId, Tested>,
    /// What was changed, as far as the room has seen it or was told: by time.
    pub changes: VecDeque<Change>,
    /// Versions that were seen to run well, each as it was seen last.
    pub versions: BTreeMap<String, Known>,
    /// What the room itself told the team.
    pub notices: Notices,
    /// The game day, where it is one.
    pub drill: Option<GameDay>,
    /// Alerts raised in all; closed ones are dropped from `alerts` in the end.
    pub alerts_raised: u32,
}

impl Room {
    /// Changes the room by one event.
    pub fn apply(&mut self, record: &Record) {
        self.last = self.last.max(record.seq);
        self.apply_to_alerts(record);
        self.apply_to_incidents(record);
        self.apply_to_actuations(record);
        self.crossings.apply(record);
        drill::apply(&mut self.drill, record);
        self.timeline.add(record, &self.actuations);
        self.note_change(record);
        match &record.event {
            Event::CampaignChanged { campaign, state, .. } => self.note_campaign(campaign, *state, record.at),
            Event::WaveStarted { campaign, .. } => {
                let state = self.campaigns.get(campaign).map_or_else(CampaignState::default, |(state, _)| *state);
                self.note_campaign(campaign, state, record.at);
            }
            Event::Switch(event) => self.apply_to_switches(event, record),
            Event::Waves(WavesEvent::VersionsKnown { versions }) => {
                versions.iter().for_each(|ran| self.note_version(ran, record.at));
            }
            Event::Notice(event) => self.notices.apply(event, record.at, limits::NOTICES),
            _ => {}
        }
    }

    /// Notes the state of a campaign, in the place of the one that was told of longest ago: no more can be followed.
    fn note_campaign(&mut self, campaign: &str, state: CampaignState, at: At) {
        if self.campaigns.len() >= limits::CAMPAIGNS && !self.campaigns.contains_key(campaign) {
            let oldest = self.campaigns.iter().min_by_key(|(_, (_, at))| *at).map(|(known, _)| known.clone());
            oldest.map(|known| self.campaigns.remove(&known));
        }
        self.campaigns.insert(campaign.to_owned(), (state, at));
    }

    /// Notes what was changed: what is seen on the wire, what was done from here, and what people say.
    fn note_change(&mut self, record: &Record) {
        let (at, what) = match &record.event {
            Event::WaveStarted { campaign, wave, target } => {
                (record.at, format!("wave {wave} of {campaign} → {target}"))
            }
            Event::CampaignChanged { campaign, state, .. } => (record.at, format!("{campaign} is {state}")),
            Event::ActuationEffective { actuation, .. } => match self.actuations.get(actuation) {
                Some(pulled) => (record.at, format!("{} {}", pulled.switch.label(), pulled.preview.campaign)),
                None => return,
            },
            Event::Response(ResponseEvent::ChangeNoted { when, what, .. }) => (*when, what.clone()),
            _ => return,
        };
        if self.changes.len() == limits::CHANGES {
            self.changes.pop_front();
        }
        let place = self.changes.partition_point(|change| change.at <= at);
        self.changes.insert(place, Change { at, what });
    }

    /// Alerts that still go on.
    pub fn open_alerts(&self) -> impl DoubleEndedIterator<Item = &Alert> + Clone {
        self.alerts.values().filter(|alert| alert.is_open())
    }

    /// Incidents that are not resolved.
    pub fn open_incidents(&self) -> impl DoubleEndedIterator<Item = &Incident> {
        self.incidents.values().filter(|incident| incident.is_open())
    }

    /// The incident that an alert belongs to; where two were merged, the one that goes on.
    pub fn incident_of(&self, alert: AlertId) -> Option<&Incident> {
        let holders = self.incidents.values().filter(|incident| incident.alerts.contains(&alert));
        holders.min_by_key(|incident| incident.response.merged_into.is_some())
    }

    fn apply_to_alerts(&mut self, record: &Record) {
        match &record.event {
            Event::AlertRaised { alert, finding } => {
                let finding = finding.clone();
                self.alerts_raised = self.alerts_raised.max(alert.0);
                self.alerts.insert(*alert, Alert::new(*alert, record.at, finding));
                self.forget_old_alerts();
            }
            Event::AlertGrew { alert, also } => {
                if let Some(alert) = self.alerts.get_mut(alert)
                    && !alert.signals().any(|signal| signal == also.signal)
                {
                    alert.also.push(also.clone());
                }
            }
            Event::AlertAcknowledged { alert } => {
                if let Some(alert) = self.alerts.get_mut(alert) {
                    alert.acknowledged.get_or_insert((record.at, record.actor.clone()));
                }
            }
            Event::AlertCleared { alert } => {
                if let Some(alert) = self.alerts.get_mut(alert) {
                    alert.cleared = Some(record.at);
                }
            }
            Event::AlertAccepted { alert, usual, until, reason } => {
                if let Some(alert) = self.alerts.get_mut(alert) {
                    alert.acknowledged.get_or_insert((record.at, record.actor.clone()));
                    alert.cleared = Some(record.at);
                }
                let (usual, reason, by) = (usual.clone(), reason.clone(), record.actor.clone());
                self.accept(Acceptance { usual, until: *until, reason, at: record.at, by });
            }
            Event::WatchedAgain { cohort } => self.accepted.retain(|known| known.usual.cohort != *cohort),
            _ => {}
        }
    }

    /// What counts as usual just now because somebody has said so.
    pub fn accepted_at(&self, at: At) -> impl Iterator<Item = &Acceptance> {
        self.accepted.iter().filter(move |acceptance| acceptance.holds_at(at))
    }

    /// What was accepted of the same devices before stays, for as long as what is accepted now.
    fn accept(&mut self, acceptance: Acceptance) {
        let mut acceptance = acceptance;
        let known = self.accepted.iter().position(|known| known.usual.cohort == acceptance.usual.cohort);
        if let Some(known) =
            known.map(|place| self.accepted.remove(place)).filter(|known| known.holds_at(acceptance.at))
        {
            acceptance.usual.also(&known.usual);
        }
        if self.accepted.len() < limits::ACCEPTANCES {
            self.accepted.push(acceptance);
        }
    }

    fn forget_old_alerts(&mut self) {
        while self.alerts.len() > limits::ALERTS {
            let closed = self.alerts.values().find(|alert| !alert.is_open()).map(|alert| alert.id);
            let Some(oldest) = closed.or_else(|| self.alerts.keys().next().copied()) else { return };
            self.alerts.remove(&oldest);
        }
    }

    fn apply_to_incidents(&mut self, record: &Record) {
        if let Event::IncidentDeclared { incident, declaration, onset, detected, acknowledged } = &record.event {
            // Who was affected by those that are over is on the record; nobody counts them any more.
            let over = self.incidents.values_mut().filter(|incident| !incident.is_open());
            over.for_each(|incident| incident.recovery.affected.forget());
            let declaration = declaration.clone();
            let moments = Moments {
                onset: *onset,
                detected: Some(*detected),
                acknowledged: acknowledged.as_ref().map(|(at, _)| *at),
                ..Moments::default()
            };
            self.incidents.insert(
                *incident,
                Incident {
                    id: *incident,
                    title: declaration.title,
                    severity: declaration.severity,
                    kind: declaration.kind,
                    commander: declaration.commander,
                    cohort: declaration.cohort,
                    origin: Origin::Undecided,
                    extent: None,
                    verdict: None,
                    overruled: Overruled::default(),
                    rejected: Vec::new(),
                    declared: record.at,
                    declared_by: record.actor.clone(),
                    acknowledged_by: acknowledged.as_ref().map(|(_, by)| by.clone()),
                    alerts: declaration.alert.into_iter().collect(),
                    moments,
                    corrections: Vec::new(),
                    notes: Vec::new(),
                    runbook: None,
                    earlier_runbooks: Vec::new(),
                    actuations: Vec::new(),
                    response: Response::default(),
                    learning: Learning::default(),
                    regulation: Regulation::default(),
                    recovery: Recovery::default(),
                    updates: Updates::default(),
                },
            );
            if let Some(incident) = self.incidents.get_mut(incident) {
                begin_triage(incident, record);
            }
            return;
        }
        let Some(incident) = record.event.incident().and_then(|id| self.incidents.get_mut(&id)) else { return };
        change(incident, record);
    }
}

/// The room's opinion stands where no person has said otherwise, at the declaration or later.
fn take_verdict(incident: &mut Incident, verdict: &Verdict) {
    if incident.verdict.is_none() && incident.kind != verdict.kind {
        incident.overruled.kind = true;
    }
    if !incident.overruled.kind {
        incident.kind = verdict.kind;
    }
    if !incident.overruled.origin {
        incident.origin = verdict.origin;
    }
    if !incident.overruled.extent {
        incident.extent = Some(verdict.extent);
    }
    incident.verdict = Some(verdict.clone());
}

/// Changes an incident by an event about it.
fn change(incident: &mut Incident, record: &Record) {
    let at = record.at;
    match &record.event {
        Event::AlertJoined { alert, .. } => incident.alerts.push(*alert),
        Event::Acknowledged { .. } => take_on(incident, record),
        Event::Retitled { to, .. } => incident.title.clone_from(to),
        Event::SeveritySet { to, .. } => {
            incident.severity = *to;
            incident.overruled.severity = true;
        }
        Event::TypeSet { to, .. } => {
            incident.kind = *to;
            incident.overruled.kind = true;
        }
        Event::OriginSet { to, .. } => {
            incident.origin = *to;
            incident.overruled.origin = true;
        }
        Event::ExtentSet { to, .. } => {
            incident.extent = Some(*to);
            incident.overruled.extent = true;
        }
        Event::CohortSet { to, .. } => {
            incident.cohort.clone_from(to);
            incident.overruled.cohort = true;
        }
        Event::SuspectRejected { cohort, .. } => incident.rejected.push(cohort.clone()),
        Event::VerdictReached { verdict, .. } => take_verdict(incident, verdict),
        Event::SuspectNamed { cohort, title, .. } => {
            incident.cohort.clone_from(cohort);
            if let Some(title) = title {
                incident.title.clone_from(title);
            }
        }
        Event::CommanderSet { to, .. } => {
            incident.commander.clone_from(to);
            begin_triage(incident, record);
        }
        Event::Response(event) => incident.response.apply(event, at, &record.actor),
        Event::NoteAdded { text, .. } => {
            incident.notes.push(Note { at, by: record.actor.clone(), text: text.clone() });
        }
        Event::Mitigated { .. } => {
            take_on(incident, record);
            incident.moments.mitigated = Some(at);
            incident.response.advance(Phase::Verify, at, &record.actor);
        }
        Event::Resolved { .. } => {
            take_on(incident, record);
            incident.moments.mitigated.get_or_insert(at);
            incident.moments.resolved = Some(at);
            incident.response.advance(Phase::Learn, at, &record.actor);
        }
        Event::Reopened { reason, .. } => {
            incident.moments.mitigated = None;
            incident.moments.resolved = None;
            incident.recovery.reopen();
            incident.response.enter(Phase::Contain, at, &record.actor, Some(reason.clone()));
        }
        Event::MomentCorrected { moment, from, to, reason, .. } => {
            *incident.moments.slot(*moment) = Some(*to);
            incident.corrections.push(Correction {
                moment: *moment,
                from: *from,
                to: *to,
                by: record.actor.clone(),
                at,
                reason: reason.clone(),
            });
            if *moment == Moment::Acknowledged {
                incident.acknowledged_by.get_or_insert(record.actor.clone());
            }
        }
        Event::RunbookTaken { runbook, .. } => {
            let before = incident.runbook.replace(RunbookRun::new(runbook.clone()));
            incident.earlier_runbooks.extend(before.filter(RunbookRun::is_used));
        }
        Event::Update(event) => incident.updates.apply(event, at, &record.actor),
        Event::Recovery(event) => incident.recovery.apply(event, at, &record.actor),
        Event::Runbook(event) => change_run(incident, event, record),
        Event::StepMarked { step, mark, .. } => {
            if let Some(run) = &mut incident.runbook {
                run.entries.push(StepEntry { step: step.clone(), mark: mark.clone(), by: record.actor.clone(), at });
            }
        }
        Event::ActuationRequested { actuation, .. } | Event::ActuationJoined { actuation, .. } => {
            incident.actuations.push(actuation.clone());
            if incident.has_commander() {
                incident.response.advance(Phase::Contain, at, &record.actor);
            }
        }
        Event::Learning(event) => incident.learning.apply(at, &record.actor, event),
        Event::Regulation(event) => incident.regulation.apply(at, &record.actor, event),
        _ => {}
    }
}

/// Changes the runbook in use.
fn change_run(incident: &mut Incident, event: &RunbookEvent, record: &Record) {
    let Some(run) = &mut incident.runbook else { return };
    match event {
        RunbookEvent::StepNoted { step, note, .. } => {
            let (step, text, by) = (step.clone(), note.clone(), record.actor.clone());
            run.notes.push(StepNote { step, text, by, at: record.at });
        }
        RunbookEvent::StepOverdue { step, .. } => run.escalated.push(step.clone()),
    }
}

/// Somebody has taken the incident on: by saying so, or by ending it.
fn take_on(incident: &mut Incident, record: &Record) {
    incident.moments.acknowledged.get_or_insert(record.at);
    incident.acknowledged_by.get_or_insert(record.actor.clone());
    begin_triage(incident, record);
}

/// Triage begins once somebody has taken the incident on and somebody commands it.
fn begin_triage(incident: &mut Incident, record: &Record) {
    if incident.moments.acknowledged.is_some() && incident.has_commander() {
        incident.response.advance(Phase::Triage, record.at, &record.actor);
    }
}
