//! Decisions about how an incident is worked: phases, roles, alerts that join, incidents that merge.

use super::State;
use super::decide::{Decision, find, refuse, sentence};
use crate::domain::alert::Alert;
use crate::domain::clock::Moment;
use crate::domain::cohort::CohortKey;
use crate::domain::command::Refusal;
use crate::domain::command::response::ResponseCommand;
use crate::domain::event::Event;
use crate::domain::event::response::ResponseEvent;
use crate::domain::ids::{AlertId, IncidentId};
use crate::domain::incident::Incident;
use crate::domain::response::{Phase, Role};
use crate::domain::time::At;

/// Decides a command about how an incident is worked.
pub(super) fn decide(state: &State, at: At, command: ResponseCommand) -> Decision {
    match command {
        ResponseCommand::Enter { incident, phase, reason } => enter(open(state, incident)?, phase, &reason),
        ResponseCommand::Take { incident, role, name } => take(open(state, incident)?, role, &name),
        ResponseCommand::Join { incident, alert } => join(state, open(state, incident)?, alert),
        ResponseCommand::Merge { incident, into } => merge(state, incident, into),
        ResponseCommand::Change { incident, when, what } => {
            if let Some(id) = incident {
                find(state, id)?;
            }
            if when > at {
                return refuse(format!("{when} lies in the future; a change is noted once it is made"));
            }
            let what = sentence(&what, "what was changed")?;
            Ok(vec![ResponseEvent::ChangeNoted { incident, when, what }.into()])
        }
    }
}

/// An incident that people still work on.
///
/// # Errors
/// There is none, it is resolved, or it has become a part of another one.
pub(super) fn open(state: &State, id: IncidentId) -> Result<&Incident, Refusal> {
    let incident = find(state, id)?;
    match incident.response.merged_into {
        Some(into) => Err(Refusal::new(format!("{id} is a part of {into}; work there, or reopen it"))),
        None if !incident.is_open() => Err(Refusal::new(format!("{id} is resolved; reopen it first"))),
        None => Ok(incident),
    }
}

/// An incident leaves its first phase with a named commander only.
///
/// # Errors
/// Nobody commands it.
pub(super) fn commanded(incident: &Incident) -> Result<(), Refusal> {
    if incident.has_commander() {
        return Ok(());
    }
    Err(Refusal::new(format!("{} has no commander; name one first", incident.id)))
}

fn enter(incident: &Incident, to: Phase, reason: &str) -> Decision {
    let (id, from) = (incident.id, incident.phase());
    if from == to {
        return refuse(format!("{id} is in {to} already"));
    }
    commanded(incident)?;
    if to == Phase::Learn {
        return refuse(format!("{id} is learnt from once it is resolved"));
    }
    if to == Phase::Verify && incident.moments.mitigated.is_none() {
        return refuse("there is nothing to verify before service is restored; say so first");
    }
    let back = to < from;
    if back && reason.trim().is_empty() {
        return refuse(format!("going back to {to} needs a reason"));
    }
    let reason = if reason.trim().is_empty() { None } else { Some(sentence(reason, "a reason")?) };
    Ok(vec![ResponseEvent::PhaseEntered { incident: id, from, to, reason }.into()])
}

fn take(incident: &Incident, role: Role, name: &str) -> Decision {
    let (id, name) = (incident.id, name.trim());
    if role == Role::Commander {
        let to = sentence(name, "a commander")?;
        if to == incident.commander {
            return refuse(format!("the commander is {to} already"));
        }
        return Ok(vec![Event::CommanderSet { incident: id, from: incident.commander.clone(), to }]);
    }
    let from = incident.response.roles.get(&role).cloned();
    let to = if name.is_empty() { None } else { Some(sentence(name, "a name")?) };
    if from == to {
        return refuse(match from {
            Some(name) => format!("{role} is {name} already"),
            None => format!("nobody has {role}"),
        });
    }
    Ok(vec![ResponseEvent::RoleTaken { incident: id, role, from, to }.into()])
}

fn join(state: &State, incident: &Incident, alert: AlertId) -> Decision {
    if !state.room.alerts.contains_key(&alert) {
        return refuse(format!("there is no alert {alert}"));
    }
    if let Some(other) = state.room.incident_of(alert) {
        return refuse(format!("alert {alert} belongs to {} already", other.id));
    }
    Ok(vec![Event::AlertJoined { incident: incident.id, alert }])
}

/// Everything of an incident goes on in another one; its own history stays where it is.
fn merge(state: &State, id: IncidentId, into: IncidentId) -> Decision {
    if id == into {
        return refuse(format!("{id} cannot be a part of itself"));
    }
    let (part, whole) = (open(state, id)?, open(state, into)?);
    let mut events: Vec<Event> = vec![
        ResponseEvent::IncidentMerged { incident: id, into }.into(),
        ResponseEvent::IncidentAbsorbed { incident: into, other: id }.into(),
    ];
    let alerts = part.alerts.iter().filter(|alert| !whole.alerts.contains(alert));
    events.extend(alerts.map(|alert| Event::AlertJoined { incident: into, alert: *alert }));
    let pulled = part.actuations.iter().filter(|pulled| !whole.actuations.contains(pulled));
    events.extend(pulled.map(|pulled| Event::ActuationJoined { incident: into, actuation: pulled.clone() }));
    // One incident began when the first of its parts did.
    for moment in [Moment::Onset, Moment::Detected] {
        let (from, earlier) = (whole.moments.get(moment), part.moments.get(moment));
        if let Some(to) = earlier.filter(|to| from.is_none_or(|from| *to < from)) {
            let reason = format!("{id} is a part of it");
            events.push(Event::MomentCorrected { incident: into, moment, from, to, reason });
        }
    }
    Ok(events)
}

/// Makes an incident one of its own again.
pub(super) fn split(incident: &Incident, from: IncidentId, reason: &str) -> Decision {
    let (id, reason) = (incident.id, sentence(reason, "a reason")?);
    Ok(vec![
        ResponseEvent::IncidentSplit { incident: id, from, reason }.into(),
        ResponseEvent::IncidentReleased { incident: from, other: id }.into(),
    ])
}

/// The open incident about the same devices. One whose alerts have all been over for as long as it is watched is about
/// something else, also where nobody has resolved it.
pub(super) fn concerned(state: &State, cohort: &CohortKey, at: At) -> Option<IncidentId> {
    let room = &state.room;
    let is_recent = |alert: &Alert| alert.cleared.is_none_or(|cleared| at.since_s(cleared) <= state.settings.watch_s);
    let goes_on = |incident: &&Incident| {
        let mut own = incident.alerts.iter().filter_map(|id| room.alerts.get(id));
        incident.alerts.is_empty() || own.any(is_recent)
    };
    room.open_incidents().filter(goes_on).find(|incident| incident.concerns(cohort)).map(|incident| incident.id)
}

/// Alerts that belong to nobody, and are about devices that an open incident has come to be about.
pub(super) fn tick(state: &State, at: At) -> Vec<Event> {
    let room = &state.room;
    let loose = room.open_alerts().filter(|alert| room.incident_of(alert.id).is_none());
    loose
        .filter_map(|alert| {
            let incident = concerned(state, &alert.finding.cohort, at)?;
            Some(Event::AlertJoined { incident, alert: alert.id })
        })
        .collect()
}
