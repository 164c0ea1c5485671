//! Runbooks in use: which one, what is written beside its steps, and whom to wake when a step takes too long.

use super::State;
use super::decide::{Decision, find, refuse, sentence};
use super::response::open;
use crate::domain::command::runbook::RunbookCommand;
use crate::domain::due::{Due, DueKind};
use crate::domain::event::Event;
use crate::domain::event::runbook::RunbookEvent;
use crate::domain::ids::IncidentId;
use crate::domain::incident::Incident;
use crate::domain::incident::IncidentType;
use crate::domain::runbook::{Diagnostic, Runbook, StepMark, Timer};
use crate::domain::site;
use crate::domain::time::At;
use crate::engine::snapshot::Snapshot;

/// Seconds before a step's time is up at which it is warned of.
const WARN_S: i64 = 300;

/// Decides a command about a runbook.
pub(super) fn decide(state: &State, command: RunbookCommand) -> Decision {
    match command {
        RunbookCommand::Take { incident, runbook } => {
            let taken = open(state, incident)?.runbook.as_ref();
            let known = state.settings.runbooks.iter().find(|known| known.id == runbook);
            let Some(runbook) = known else { return refuse(format!("there is no runbook {runbook} in the library")) };
            if taken.is_some_and(|run| run.runbook.id == runbook.id) {
                return refuse(format!("{incident} is worked by {} already", runbook.title));
            }
            Ok(vec![Event::RunbookTaken { incident, runbook: Runbook::clone(runbook) }])
        }
        RunbookCommand::Note { incident, step, text } => {
            let Some(run) = &find(state, incident)?.runbook else {
                return refuse(format!("{incident} has no runbook"));
            };
            let Some(found) = run.runbook.step(&step) else { return refuse(format!("the runbook has no step {step}")) };
            let note = sentence(&text, "a note")?;
            Ok(vec![RunbookEvent::StepNoted { incident, step, text: found.text.clone(), note }.into()])
        }
    }
}

/// The runbook for a type of incident: the one that is called after it, else the first that is for it.
pub(super) fn take(state: &State, incident: IncidentId, kind: IncidentType) -> Option<Event> {
    let fitting = || state.settings.runbooks.iter().filter(|runbook| runbook.types.contains(&kind));
    let runbook = fitting().find(|runbook| runbook.id == kind.id()).or_else(|| fitting().next())?;
    Some(Event::RunbookTaken { incident, runbook: Runbook::clone(runbook) })
}

/// Marks a step.
pub(super) fn mark(incident: &Incident, step: &str, mark: StepMark) -> Decision {
    let Some(run) = &incident.runbook else { return refuse(format!("{} has no runbook", incident.id)) };
    let Some(found) = run.runbook.step(step) else { return refuse(format!("the runbook has no step {step}")) };
    let mark = match mark {
        StepMark::Skipped(reason) => StepMark::Skipped(sentence(&reason, "a reason to skip")?),
        StepMark::NotApplicable(reason) => StepMark::NotApplicable(sentence(&reason, "a reason").unwrap_or_default()),
        other => other,
    };
    match (run.mark(step), &mark) {
        (None, StepMark::Open) => return refuse("the step is open already"),
        (Some(entry), _) if entry.mark == mark => {
            return refuse(format!("the step was marked by {} already", entry.by));
        }
        _ => {}
    }
    Ok(vec![Event::StepMarked { incident: incident.id, step: step.to_owned(), text: found.text.clone(), mark }])
}

/// Whoever a step names, with how to reach them as the configuration has it.
pub(super) fn contact(state: &State, timer: &Timer) -> Option<String> {
    let name = timer.contact.as_ref()?;
    Some(match state.settings.contacts.get(name) {
        Some(reach) => format!("{name}: {reach}"),
        None => format!("{name} (how to reach them is not configured)"),
    })
}

/// Steps whose time has passed, told once each.
pub(super) fn tick(state: &State, at: At) -> Vec<Event> {
    let mut events = Vec::new();
    for incident in state.room.open_incidents() {
        let Some(run) = &incident.runbook else { continue };
        let late =
            run.timed(incident.declared).filter(|(step, _, due)| *due <= at && !run.escalated.contains(&step.id));
        events.extend(late.map(|(step, timer, _)| {
            let contact = contact(state, timer);
            Event::from(RunbookEvent::StepOverdue {
                incident: incident.id,
                step: step.id.clone(),
                text: step.text.clone(),
                contact,
            })
        }));
    }
    events
}

/// Steps that must be done by some time.
pub(super) fn due(state: &State) -> Vec<Due> {
    let mut due = Vec::new();
    for incident in state.room.open_incidents() {
        let Some(run) = &incident.runbook else { continue };
        due.extend(run.timed(incident.declared).map(|(step, timer, at)| {
            let (kind, label) = match &timer.contact {
                Some(name) => (DueKind::Escalation, format!("wake {name}")),
                None => (DueKind::Step, step.update.clone().unwrap_or_else(|| step.id.clone())),
            };
            Due { incident: Some(incident.id), kind, label, at, warn_s: WARN_S }
        }));
    }
    due
}

/// Seconds for which a device may answer a request.
const EXPIRES_S: i64 = 300;

/// The request of a diagnostic as a shell sends it: names come from devices, and are quoted for it. Where names differ within
/// a site only, they carry it.
pub fn request_by_hand(diagnostic: Diagnostic, site: &str, device: &str, snapshot: &Snapshot) -> String {
    let quoted = |word: &str| format!("'{}'", word.replace('\'', r"'\''"));
    let (site, device) = site::parted(device).filter(|_| snapshot.names_per_site).unwrap_or((site, device));
    let topic = format!("{}/{site}/{device}/diagnostics/{}", snapshot.root, diagnostic.id());
    let request = serde_json::json!({
        "request_id": format!("{}-{}", snapshot.operator, snapshot.at.second()),
        "operation": diagnostic.id(),
        "params": {},
        "requested_by": snapshot.operator,
        "expires_at": snapshot.at.plus_s(EXPIRES_S).to_string(),
    });
    format!("mosquitto_pub{} -q 1 -t {} -m {}", snapshot.shell_options, quoted(&topic), quoted(&request.to_string()))
}
