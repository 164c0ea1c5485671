//! Actuations on the record: from the intent to what became of it.

use super::Room;
use crate::domain::event::switch::SwitchEvent;
use crate::domain::event::waves::{Ran, WavesEvent};
use crate::domain::event::{Event, Record};
use crate::domain::switch::actuation::Known;
use crate::domain::switch::plan::Kind;
use crate::domain::switch::waves::{Course, Pause, Reason};
use crate::domain::switch::{Actuation, ActuationState, SwitchId};
use crate::domain::time::At;
use crate::limits;

impl Room {
    pub(super) fn apply_to_actuations(&mut self, record: &Record) {
        if let Event::ActuationRequested {
            actuation,
            switch,
            incident,
            preview,
            call,
            label,
            kind,
            targets,
            parameters,
            approval,
        } = &record.event
        {
            // Old logs know two switches, and what they were called.
            let old = if *switch == SwitchId::rollback() { Kind::Rollback } else { Kind::OtaHalt };
            let agreed = approval.and_then(|approval| self.agreements.get(&approval)).cloned().unwrap_or_default();
            self.actuations.insert(
                actuation.clone(),
                Actuation {
                    id: actuation.clone(),
                    switch: switch.clone(),
                    kind: kind.unwrap_or(old),
                    label: label.clone().unwrap_or_else(|| switch.0.clone()),
                    targets: targets.clone(),
                    parameters: parameters.clone(),
                    approved: agreed.approved,
                    broke_glass: agreed.broke_glass,
                    users: agreed.asked_uid.zip(agreed.approved_uid),
                    incident: *incident,
                    // The second person lets it go; it is still the first one's.
                    by: agreed.asked.unwrap_or_else(|| record.actor.clone()),
                    requested: record.at,
                    preview: (**preview).clone(),
                    call: (**call).clone(),
                    state: ActuationState::Requested,
                    sent: None,
                    accepted: None,
                    ended: None,
                    escaped: Vec::new(),
                    waited_for: (Vec::new(), 0),
                    course: Course::default(),
                },
            );
            return;
        }
        let Some(actuation) = record.event.actuation().and_then(|id| self.actuations.get_mut(id)) else { return };
        if let Event::ActuationJoined { incident, .. } = record.event {
            actuation.incident = Some(incident);
        }
        advance(actuation, &record.event, record.at);
    }

    /// Notes that a version ran well.
    pub(super) fn note_version(&mut self, ran: &Ran, at: At) {
        let Ran { version, devices, online } = ran.clone();
        if self.versions.len() >= limits::VERSIONS && !self.versions.contains_key(&version) {
            let oldest = self.versions.iter().min_by_key(|(_, known)| known.seen).map(|(version, _)| version.clone());
            oldest.and_then(|oldest| self.versions.remove(&oldest));
        }
        let known = Known { version: version.clone(), devices, online, came_from: 0, seen: Some(at) };
        self.versions.insert(version, known);
    }
}

/// Moves an actuation on. What is final stays final; an unknown outcome may still become known.
fn advance(actuation: &mut Actuation, event: &Event, at: At) {
    if actuation.state.is_final() {
        return;
    }
    if let Event::Waves(event) = event {
        return take_course(&mut actuation.course, event, at);
    }
    let state = match event {
        Event::ActuationSent { .. } => {
            actuation.sent = Some(at);
            ActuationState::Sent
        }
        Event::ActuationAccepted { .. } => {
            actuation.accepted = Some(at);
            ActuationState::Accepted
        }
        Event::ActuationEffective { .. } => ActuationState::Effective,
        Event::ActuationEscaped { devices, count, .. } => {
            actuation.escaped.clone_from(devices);
            ActuationState::Escaped { devices: *count }
        }
        Event::ActuationFailed { reason, .. } => ActuationState::Failed { reason: reason.clone() },
        Event::ActuationUnknown { reason, .. } => ActuationState::Unknown { reason: reason.clone() },
        Event::Switch(SwitchEvent::ActuationStopped { asked, left, .. }) => {
            ActuationState::Stopped { asked: *asked, left: *left }
        }
        Event::Switch(SwitchEvent::ActuationWaits { devices, count, .. }) => {
            actuation.waited_for = (devices.clone(), *count);
            return;
        }
        Event::Switch(SwitchEvent::ActuationRetried { .. }) => {
            (actuation.sent, actuation.accepted) = (None, None);
            (actuation.course.paused, actuation.course.soaks) = (None, None);
            ActuationState::Requested
        }
        // What is looked at again counts as accepted: from here on only what is seen decides.
        Event::Switch(SwitchEvent::ActuationRechecked { .. }) => {
            actuation.accepted.get_or_insert(at);
            ActuationState::Accepted
        }
        _ => return,
    };
    if state.is_final() {
        actuation.ended = Some(at);
    }
    actuation.state = state;
}

/// Moves the waves of an actuation on.
fn take_course(course: &mut Course, event: &WavesEvent, at: At) {
    match event {
        WavesEvent::SwitchWaveBegun { wave, .. } => {
            *course = Course { begun: *wave, soaks: None, paused: None };
        }
        WavesEvent::SwitchWaveSoaks { .. } => course.soaks = Some(at),
        WavesEvent::SwitchWavesPaused { reason, .. } => {
            course.paused = Some(Pause { at, reason: reason.clone() });
            if *reason == Reason::Restarted {
                course.soaks = None;
            }
        }
        WavesEvent::SwitchWavesWentOn { .. } => course.paused = None,
        WavesEvent::VersionsKnown { .. } => {}
    }
}
