//! Commands about alerts, incidents and runbooks: refused with a reason, or turned into events.

mod learning;
pub(super) mod regulation;

use super::{State, recovery, response, runbooks, suspects, updates};
use crate::detect::{accepted, census, verdict};
use crate::domain::acceptance::Usual;
use crate::domain::alert::Alert;
use crate::domain::clock::Moment;
use crate::domain::cohort::CohortKey;
use crate::domain::command::{Command, Declare, Refusal};
use crate::domain::event::Event;
use crate::domain::ids::{Actor, AlertId, IncidentId};
use crate::domain::incident::{Declaration, Incident, IncidentType, Severity};
use crate::domain::text::{visible, visible_lines};
use crate::domain::time::At;
use crate::fleet::Fleet;
use crate::limits;

/// Corrections further off than this are a typing mistake.
const CORRECTION_S: i64 = 366 * 86_400;

/// Known values that are named where another one was typed.
const NAMED: usize = 8;

pub(super) type Decision = Result<Vec<Event>, Refusal>;

pub(super) fn refuse(reason: impl Into<String>) -> Decision {
    Err(Refusal::new(reason))
}

/// Decides a command of a person about the record. Switches are decided in `switches`.
pub(super) fn decide(state: &State, at: At, by: &Actor, command: Command) -> Decision {
    match command {
        Command::Declare(declare) => declare_incident(state, at, by, declare),
        Command::AcknowledgeAlert(alert) => acknowledge_alert(state, alert),
        Command::AcceptAlert { alert, cohort, for_s, reason } => accept_alert(state, at, alert, cohort, for_s, &reason),
        Command::WatchAgain(cohort) => {
            if state.room.accepted_at(at).all(|known| known.usual.cohort != cohort) {
                return refuse(format!("nothing is accepted of {}", cohort.sentence()));
            }
            Ok(vec![Event::WatchedAgain { cohort }])
        }
        Command::Acknowledge(id) => on_open(state, id, |incident| match incident.moments.acknowledged {
            Some(_) => refuse(format!("{id} is acknowledged already")),
            None => response::commanded(incident).map(|()| vec![Event::Acknowledged { incident: id }]),
        }),
        Command::Retitle { incident: id, title } => on(state, id, |incident| {
            let to = sentence(&title, "a title")?;
            changed(&incident.title, &to, "title")?;
            Ok(vec![Event::Retitled { incident: id, from: incident.title.clone(), to }])
        }),
        Command::SetSeverity { incident: id, severity: to } => on_open(state, id, |incident| {
            changed(&incident.severity, &to, "severity")?;
            Ok(vec![Event::SeveritySet { incident: id, from: incident.severity, to }])
        }),
        Command::SetType { incident: id, kind } => on_open(state, id, |incident| {
            changed(&incident.kind, &kind, "type")?;
            let mut events = vec![Event::TypeSet { incident: id, from: incident.kind, to: kind }];
            // A runbook that somebody has worked with stays.
            if incident.runbook.as_ref().is_none_or(|run| !run.is_used()) {
                events.extend(runbooks::take(state, id, kind));
            }
            Ok(events)
        }),
        Command::Overrule { incident: id, origin, extent } => on_open(state, id, |incident| {
            // Saying what the room thinks already is a decision too: it stays.
            let is_new = |overruled, same| !(overruled && same);
            let origin = origin.filter(|to| is_new(incident.overruled.origin, incident.origin == *to));
            let extent = extent.filter(|to| is_new(incident.overruled.extent, incident.extent == Some(*to)));
            let fault = origin.map(|to| Event::OriginSet { incident: id, from: incident.origin, to });
            let reach = extent.map(|to| Event::ExtentSet { incident: id, from: incident.extent, to });
            let events: Vec<Event> = fault.into_iter().chain(reach).collect();
            if events.is_empty() { refuse("people have said so already") } else { Ok(events) }
        }),
        Command::SetCohort { incident: id, cohort: to } => on_open(state, id, |incident| {
            if incident.overruled.cohort && incident.cohort == to {
                return refuse(format!("{id} is about {} already", to.sentence()));
            }
            somebody(&state.fleet, &to)?;
            Ok(vec![Event::CohortSet { incident: id, from: incident.cohort.clone(), to }])
        }),
        Command::RejectSuspect { incident: id, cohort } => on_open(state, id, |incident| {
            if incident.rejected.contains(&cohort) {
                return refuse(format!("{} is ruled out already", cohort.sentence()));
            }
            Ok(vec![Event::SuspectRejected { incident: id, cohort }])
        }),
        Command::SetCommander { incident: id, name } => on_open(state, id, |incident| {
            let to = sentence(&name, "a name")?;
            changed(&incident.commander, &to, "commander")?;
            Ok(vec![Event::CommanderSet { incident: id, from: incident.commander.clone(), to }])
        }),
        Command::Note { incident, text } => {
            if let Some(id) = incident {
                find(state, id)?;
            }
            let text: String = visible_lines(text.trim()).chars().take(limits::SENTENCE * 16).collect();
            if text.is_empty() {
                return refuse("a note needs some text");
            }
            Ok(vec![Event::NoteAdded { incident, text }])
        }
        Command::Mitigate(id) => on_open(state, id, |incident| match incident.moments.mitigated {
            Some(_) => refuse(format!("{id} is mitigated already; correct the time with the palette")),
            None => response::commanded(incident).map(|()| vec![Event::Mitigated { incident: id }]),
        }),
        Command::Resolve(id) => on_open(state, id, |incident| {
            response::commanded(incident).and_then(|()| recovery::resolve(state, incident, at))
        }),
        Command::Reopen { incident: id, reason } => on(state, id, |incident| {
            if let Some(from) = incident.response.merged_into {
                return response::split(incident, from, &reason);
            }
            if incident.moments.mitigated.is_none() && incident.moments.resolved.is_none() {
                return refuse(format!("{id} is not mitigated or resolved, so there is nothing to reopen"));
            }
            Ok(vec![Event::Reopened { incident: id, reason: sentence(&reason, "a reason")? }])
        }),
        Command::Correct { incident: id, moment, to, reason } => {
            on(state, id, |incident| correct(incident, moment, to, &reason, at))
        }
        Command::MarkStep { incident: id, step, mark } => {
            on(state, id, |incident| runbooks::mark(incident, &step, mark))
        }
        Command::Runbook(command) => runbooks::decide(state, command),
        Command::Update(command) => updates::decide(state, by, command),
        Command::Recovery(command) => recovery::decide(state, at, command),
        Command::Response(command) => response::decide(state, at, command),
        Command::Learning(command) => learning::decide(state, command),
        Command::Regulation(command) => regulation::decide(state, at, command),
        Command::Switch(_) | Command::Drill(_) => refuse("switches and game days decide for themselves"),
    }
}

pub(super) fn find(state: &State, id: IncidentId) -> Result<&Incident, Refusal> {
    state.room.incidents.get(&id).ok_or_else(|| Refusal::new(format!("there is no {id}")))
}

fn on(state: &State, id: IncidentId, decide: impl FnOnce(&Incident) -> Decision) -> Decision {
    decide(find(state, id)?)
}

fn on_open(state: &State, id: IncidentId, decide: impl FnOnce(&Incident) -> Decision) -> Decision {
    decide(response::open(state, id)?)
}

/// Refuses a cohort that no device belongs to: it was mistyped. Before anything was heard nobody can know.
fn somebody(fleet: &Fleet, cohort: &CohortKey) -> Result<(), Refusal> {
    if fleet.devices().is_empty() {
        return Ok(());
    }
    for (attribute, value) in cohort.pairs() {
        let Some(ix) = fleet.schema().find(attribute) else {
            return Err(Refusal::new(format!("devices have no `{attribute}`")));
        };
        let known = || fleet.dictionary(ix).names();
        if known().all(|name| name != value) {
            let names = known().take(NAMED).collect::<Vec<_>>().join(", ");
            let more = if known().nth(NAMED).is_some() { ", …" } else { "" };
            return Err(Refusal::new(format!("no device has {attribute} `{value}`; there are {names}{more}")));
        }
    }
    let conditions = census::conditions(fleet, cohort).unwrap_or_default();
    if census::count(fleet, &conditions, 0).0 == 0 {
        return Err(Refusal::new(format!("no device is of {}", cohort.sentence())));
    }
    Ok(())
}

/// A line of text that a person gave, safe to show and not too long.
pub(super) fn sentence(text: &str, what: &str) -> Result<String, Refusal> {
    let text: String = visible(text.trim()).chars().take(limits::SENTENCE).collect();
    if text.is_empty() { Err(Refusal::new(format!("{what} cannot be empty"))) } else { Ok(text) }
}

fn changed<T: PartialEq + std::fmt::Display>(from: &T, to: &T, what: &str) -> Result<(), Refusal> {
    if from == to { Err(Refusal::new(format!("the {what} is {to} already"))) } else { Ok(()) }
}

fn acknowledge_alert(state: &State, id: AlertId) -> Decision {
    let Some(alert) = state.room.alerts.get(&id) else { return refuse(format!("there is no alert {id}")) };
    match &alert.acknowledged {
        Some((_, by)) => refuse(format!("alert {id} is acknowledged already, by {by}")),
        None => Ok(vec![Event::AlertAcknowledged { alert: id }]),
    }
}

/// What the devices show now is the most that they may show.
fn accept_alert(state: &State, at: At, id: AlertId, cohort: CohortKey, for_s: Option<i64>, reason: &str) -> Decision {
    let Some(alert) = state.room.alerts.get(&id) else { return refuse(format!("there is no alert {id}")) };
    if !alert.is_open() {
        return refuse(format!("alert {id} is over"));
    }
    if let Some(incident) = state.room.incident_of(id) {
        return refuse(format!("alert {id} belongs to {}: what is an incident is not usual", incident.id));
    }
    if state.room.accepted.len() >= limits::ACCEPTANCES {
        return refuse(format!("{} things are accepted already: take one of them back", limits::ACCEPTANCES));
    }
    if for_s.is_none() && cohort.is_fleet() {
        return refuse("it is about the whole fleet, and no such thing is usual for good: say for how long");
    }
    let reason = sentence(reason, "a reason")?;
    let since_s = at.since_s(alert.finding.onset);
    let ceilings = accepted::ceilings(&state.fleet, &cohort, alert.signals(), since_s);
    if ceilings.is_empty() {
        return refuse(format!("nothing is wrong with {} any more: it will clear", cohort.sentence()));
    }
    let (usual, until) = (Usual { cohort, ceilings }, for_s.map(|seconds| at.plus_s(seconds)));
    Ok(vec![Event::AlertAccepted { alert: id, usual, until, reason }])
}

fn declare_incident(state: &State, at: At, by: &Actor, declare: Declare) -> Decision {
    let alert = match declare.alert {
        None => None,
        Some(id) => {
            let alert = state.room.alerts.get(&id);
            let alert = alert.ok_or_else(|| Refusal::new(format!("there is no alert {id}")))?;
            if let Some(incident) = state.room.incident_of(id) {
                return refuse(format!("alert {id} belongs to {} already", incident.id));
            }
            Some(alert)
        }
    };
    let proposal = alert.map(|alert| propose(state, alert));
    let title = match (declare.title.filter(|title| !title.trim().is_empty()), &proposal) {
        // Made of names that are safe to show already.
        (None, Some(proposal)) => proposal.title.chars().take(limits::SENTENCE).collect(),
        (typed, _) => sentence(&typed.unwrap_or_default(), "a title")?,
    };
    let declaration = Declaration {
        title,
        severity: declare.severity.or(proposal.as_ref().map(|p| p.severity)).unwrap_or(Severity::Sev3),
        kind: declare.kind.or(proposal.as_ref().map(|p| p.kind)).unwrap_or(IncidentType::MassDisconnect),
        // Nobody may be named yet; the incident waits in its first phase for a commander then.
        commander: sentence(declare.commander.as_deref().unwrap_or(by.name()), "a commander").unwrap_or_default(),
        alert: alert.map(|alert| alert.id),
        cohort: proposal.map_or(declare.cohort, |proposal| proposal.cohort),
    };
    let incident = IncidentId(state.room.incidents.keys().last().map_or(1, |last| last.0 + 1));
    let kind = declaration.kind;
    let onset = alert.map_or(at, |alert| alert.finding.onset);
    // Who declares it and takes command has taken it on.
    let takes_it = alert.is_some() && matches!(by, Actor::Person(_)) && declaration.commander == by.name();
    let taken = takes_it.then(|| (at, by.clone()));
    let joining = joining(state, incident, &declaration, onset);
    let mut events = vec![Event::IncidentDeclared {
        incident,
        onset: Some(onset),
        detected: alert.map_or(at, |alert| alert.at),
        acknowledged: alert.and_then(|alert| alert.acknowledged.clone()).or(taken),
        declaration,
    }];
    events.extend(joining);
    events.extend(alert.map(|alert| Event::VerdictReached { incident, verdict: suspects::verdict_on(state, alert) }));
    events.extend(runbooks::take(state, incident, kind));
    Ok(events)
}

/// What has happened before anybody declared, and is part of it: other alerts about the same devices, and switches
/// pulled since the onset.
fn joining(state: &State, incident: IncidentId, declaration: &Declaration, onset: At) -> Vec<Event> {
    let room = &state.room;
    let about_nobody = declaration.alert.is_none() && declaration.cohort.is_fleet();
    let related = |alert: &&Alert| {
        !about_nobody
            && Some(alert.id) != declaration.alert
            && room.incident_of(alert.id).is_none()
            && alert.finding.cohort.is_related(&declaration.cohort)
    };
    let alerts = room.open_alerts().filter(related).map(|alert| Event::AlertJoined { incident, alert: alert.id });
    let loose = room.actuations.values().filter(|pulled| pulled.incident.is_none() && pulled.requested >= onset);
    let loose = loose.map(|pulled| Event::ActuationJoined { incident, actuation: pulled.id.clone() });
    alerts.chain(loose).collect()
}

/// What the room would declare of an alert. People may overrule all of it.
pub(super) fn propose(state: &State, alert: &Alert) -> Declaration {
    let suspect = state.suspects.of_alert(alert.id).first();
    let cohort = suspect.map_or_else(|| alert.finding.cohort.clone(), |suspect| suspect.cohort.clone());
    let verdict = suspects::verdict_on(state, alert);
    Declaration {
        title: verdict::propose_title(alert.finding.signal, &cohort),
        severity: verdict.severity,
        kind: verdict.kind,
        commander: state.settings.operator.clone(),
        alert: Some(alert.id),
        cohort,
    }
}

fn correct(incident: &Incident, moment: Moment, to: At, reason: &str, now: At) -> Decision {
    let reason = sentence(reason, "a reason for the correction")?;
    if to > now {
        return refuse(format!("{to} lies in the future; {} can only be in the past", moment.name()));
    }
    if now.since_s(to) > CORRECTION_S {
        return refuse(format!("{to} is more than a year ago; check the date"));
    }
    if !matches!(moment, Moment::Onset | Moment::Detected) {
        response::commanded(incident)?;
    }
    let from = incident.moments.get(moment);
    if from.is_none() && matches!(moment, Moment::Mitigated | Moment::Resolved) {
        return refuse(format!(
            "{} has not been {} yet; say so first, then correct the time",
            incident.id,
            moment.name()
        ));
    }
    if from == Some(to) {
        return refuse(format!("{} is {to} already", moment.name()));
    }
    Ok(vec![Event::MomentCorrected { incident: incident.id, moment, from, to, reason }])
}
