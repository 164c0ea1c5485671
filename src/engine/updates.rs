//! Updates: what is sent is on the record before it leaves, who is not told in time is told to be overdue, and what went
//! wrong stays "not sent" until somebody tries again.

use super::State;
use super::decide::{Decision, find, refuse};
use super::snapshot::Snapshot;
use crate::domain::command::Refusal;
use crate::domain::command::update::{Message, UpdateCommand};
use crate::domain::due::{Due, DueKind};
use crate::domain::event::Event;
use crate::domain::event::update::UpdateEvent;
use crate::domain::ids::{Actor, IncidentId};
use crate::domain::incident::Incident;
use crate::domain::input::{Heard, LogHealth, Outcome, Telling, Word};
use crate::domain::query::Query;
use crate::domain::recovery::DataDecision;
use crate::domain::runbook::StepMark;
use crate::domain::text::visible_lines;
use crate::domain::time::At;
use crate::domain::update::template::{self, Facts};
use crate::domain::update::{Audience, CLIPBOARD, Cadence, Delivery, UpdateKind};
use crate::limits;

/// Seconds before an update is due at which it is warned of.
const WARN_S: i64 = 300;
/// Seconds for which an incident that is over still waits for the notice of its end.
const AFTER_S: i64 = 24 * 3600;

/// Decides a command about updates.
pub(super) fn decide(state: &State, by: &Actor, command: UpdateCommand) -> Decision {
    match command {
        UpdateCommand::Send(message) => send(state, by, message),
        UpdateCommand::Posted { incident, number } => {
            let known = find(state, incident)?;
            match known.updates.find(number).map(|update| &update.delivery) {
                None => refuse(format!("{incident} has no update {number}")),
                Some(Delivery::Sent { .. }) => refuse("this update is told already"),
                Some(_) => {
                    let answer = format!("posted by hand, says {by}");
                    Ok(vec![UpdateEvent::UpdateSent { incident, number, answer, took_ms: 0, reference: None }.into()])
                }
            }
        }
        UpdateCommand::Retry { incident, number } => {
            may_send(state)?;
            let Some(update) = find(state, incident)?.updates.find(number) else {
                return refuse(format!("{incident} has no update {number}"));
            };
            person(by, update.audience)?;
            match update.delivery {
                Delivery::NotSent { .. } | Delivery::Unknown { .. } => {
                    let mut events = vec![UpdateEvent::UpdateRetried { incident, number }.into()];
                    events.extend(rehearsed(state, incident, number, &update.channel));
                    Ok(events)
                }
                _ => refuse("only what was not sent is tried again"),
            }
        }
        UpdateCommand::Cadence { incident, audience, cadence: to } => {
            let from = find(state, incident)?.updates.cadence(audience, &state.settings.cadences);
            let sane = |s: Option<i64>| s.is_none_or(|s| (60..=30 * 86_400).contains(&s));
            if !(sane(to.first_s) && sane(to.every_s) && sane(to.resolved_s)) {
                return refuse("expected one minute to thirty days, or never");
            }
            if from == to {
                return refuse(format!("{audience} is told so often already"));
            }
            Ok(vec![UpdateEvent::CadenceSet { incident, audience, from, to }.into()])
        }
    }
}

/// Nothing leaves unlogged, and a replay reaches nobody.
fn may_send(state: &State) -> Result<(), Refusal> {
    if state.replay.is_some() {
        return Err(Refusal::new("this is a replay: nothing is sent from it"));
    }
    match &state.log {
        LogHealth::Unsafe { reason } => Err(Refusal::new(format!(
            "the log cannot be written ({reason}), and no update leaves unlogged; copy the text"
        ))),
        _ => Ok(()),
    }
}

/// Whoever is outside is told by a person, never by the room itself.
fn person(by: &Actor, audience: Audience) -> Result<(), Refusal> {
    if audience == Audience::Internal || matches!(by, Actor::Person(_)) {
        return Ok(());
    }
    Err(Refusal::new(format!("{audience} is told by a person only")))
}

fn send(state: &State, by: &Actor, message: Message) -> Decision {
    let Message { incident: id, audience, kind, template, tells, text, channels } = message;
    let incident = find(state, id)?;
    if let Some(into) = incident.response.merged_into {
        return refuse(format!("{id} is a part of {into}; tell it there"));
    }
    person(by, audience)?;
    let text: String = visible_lines(text.trim()).chars().take(limits::UPDATE).collect();
    if text.is_empty() {
        return refuse("an update needs some words");
    }
    if let Some(missing) = template::missing(&text).first() {
        return refuse(format!("`{missing}` is not known yet: write it, or take it out"));
    }
    if kind == UpdateKind::First
        && audience != Audience::Internal
        && let Some(promise) = template::promise(&text)
    {
        return refuse(format!("the first word promises no time, and this does: `{promise}`"));
    }
    if channels.is_empty() {
        return refuse("choose a channel, or the clipboard");
    }
    let mut events = Vec::new();
    for channel in channels {
        let number = incident.updates.sent.len() as u32 + 1 + events.len() as u32;
        if channel != CLIPBOARD {
            may_send(state)?;
            match state.settings.channels.iter().find(|known| known.name == channel) {
                None => return refuse(format!("there is no channel {channel}")),
                Some(known) if known.audience != audience => {
                    return refuse(format!("{channel} is for {}, not for {audience}", known.audience));
                }
                Some(_) => {}
            }
        }
        events.push(UpdateEvent::UpdateIntended {
            incident: id,
            number,
            audience,
            kind,
            channel,
            template: template.clone(),
            tells: tells.clone(),
            text: text.clone(),
        });
    }
    let sent: Vec<(u32, String)> = events.iter().filter_map(channel_of).collect();
    let mut events: Vec<Event> = events.into_iter().map(Event::from).collect();
    events.extend(sent.iter().filter_map(|(number, channel)| rehearsed(state, id, *number, channel)));
    events.extend(steps(incident, template.as_deref()));
    Ok(events)
}

fn channel_of(event: &UpdateEvent) -> Option<(u32, String)> {
    match event {
        UpdateEvent::UpdateIntended { number, channel, .. } => Some((*number, channel.clone())),
        _ => None,
    }
}

/// In a drill everything is done but the sending.
fn rehearsed(state: &State, incident: IncidentId, number: u32, channel: &str) -> Option<Event> {
    let drill = state.drill.is_some() && channel != CLIPBOARD;
    let answer = || format!("a drill: nothing left this machine for {channel}");
    drill.then(|| UpdateEvent::UpdateSent { incident, number, answer: answer(), took_ms: 0, reference: None }.into())
}

/// The steps of the runbook that ask for this update are done by it.
fn steps(incident: &Incident, template: Option<&str>) -> Vec<Event> {
    let Some((run, template)) = incident.runbook.as_ref().zip(template) else { return Vec::new() };
    let asked = run.runbook.steps().filter(|step| step.update.as_deref() == Some(template));
    let open = asked.filter(|step| run.mark(&step.id).is_none());
    open.map(|step| {
        let (step, text) = (step.id.clone(), step.text.clone());
        Event::StepMarked { incident: incident.id, step, text, mark: StepMark::Done }
    })
    .collect()
}

/// What has to be carried out for events that were just decided. In a drill nothing is.
pub(super) fn tellings(state: &State, events: &[Event]) -> Vec<Telling> {
    if state.drill.is_some() || state.replay.is_some() {
        return Vec::new();
    }
    let telling = |event: &Event| {
        let (incident, number) = match event {
            Event::Update(UpdateEvent::UpdateIntended { incident, number, .. })
            | Event::Update(UpdateEvent::UpdateRetried { incident, number }) => (*incident, *number),
            _ => return None,
        };
        let known = state.room.incidents.get(&incident)?;
        let update = known.updates.find(number).filter(|update| update.channel != CLIPBOARD)?;
        let channel = state.settings.channels.iter().find(|channel| channel.name == update.channel)?;
        Some(Telling {
            word: Word::Update { incident, number },
            incident: Some(incident),
            room: state.settings.log_id.clone(),
            channel: update.channel.clone(),
            way: channel.way.clone(),
            timeout_s: channel.timeout_s,
            thread: known.updates.thread(update),
            kind: update.kind,
            phase: known.phase(),
            title: known.title.clone(),
            severity: known.severity,
            began: known.moments.onset.unwrap_or(known.declared),
            restored: known.moments.mitigated,
            text: update.text.clone(),
            at: update.at,
        })
    };
    events.iter().filter_map(telling).collect()
}

/// What came of a sending.
pub(super) fn told(state: &State, incident: IncidentId, number: u32, heard: Heard) -> Option<Event> {
    let update = state.room.incidents.get(&incident)?.updates.find(number)?;
    if update.delivery.is_told() {
        return None;
    }
    let (took_ms, reference) = (heard.took_ms, heard.reference.clone());
    Some(match Answered::of(heard) {
        Answered::Yes(answer) => UpdateEvent::UpdateSent { incident, number, answer, took_ms, reference }.into(),
        Answered::No(reason) => UpdateEvent::UpdateNotSent { incident, number, reason, took_ms }.into(),
        Answered::Perhaps(reason) => UpdateEvent::UpdateUnknown { incident, number, reason, took_ms }.into(),
    })
}

/// Updates that an earlier process has begun to send.
pub(super) fn left_open(state: &State) -> Vec<Event> {
    let mut events = Vec::new();
    for incident in state.room.incidents.values() {
        let begun = incident.updates.sent.iter().filter(|update| update.delivery == Delivery::Intended);
        events.extend(begun.map(|update| {
            let reason = "the room ended before there was an answer; look at the channel".to_owned();
            UpdateEvent::UpdateUnknown { incident: incident.id, number: update.number, reason, took_ms: 0 }.into()
        }));
    }
    events
}

/// When each audience of an incident must be told next.
fn next(state: &State, incident: &Incident, at: At) -> Vec<(Audience, UpdateKind, At)> {
    let over = incident.moments.resolved.is_some_and(|resolved| at.since_s(resolved) > AFTER_S);
    if over || incident.response.merged_into.is_some() {
        return Vec::new();
    }
    let (ended, open) = (incident.moments.mitigated, incident.is_open());
    let next = |audience| {
        let (kind, due) = incident.updates.next(audience, &state.settings.cadences, incident.declared, ended, open)?;
        Some((audience, kind, due))
    };
    Audience::ALL.into_iter().filter_map(next).collect()
}

/// Audiences that were not told in time, each told once for each time.
pub(super) fn tick(state: &State, at: At) -> Vec<Event> {
    let mut events = Vec::new();
    for incident in state.room.incidents.values() {
        for (audience, _, due) in next(state, incident, at) {
            if due <= at && incident.updates.overdue.get(&audience) != Some(&due) {
                events.push(UpdateEvent::UpdateOverdue { incident: incident.id, audience, due }.into());
            }
        }
    }
    events
}

/// When audiences must be told.
pub(super) fn due(state: &State, at: At) -> Vec<Due> {
    let mut due = Vec::new();
    for incident in state.room.incidents.values() {
        due.extend(next(state, incident, at).into_iter().map(|(audience, kind, at)| {
            let whom = match audience {
                Audience::Internal => "internal",
                Audience::Customers => "status page",
                Audience::Public => "public",
            };
            let what = if kind == UpdateKind::Resolved { ", the end" } else { "" };
            let label = format!("{whom}{what}");
            Due { incident: Some(incident.id), kind: DueKind::Update, label, at, warn_s: WARN_S }
        }));
    }
    due
}

/// What is known of an incident, for the places of a template that is for `audience`. What is not known is not there.
pub fn facts(snapshot: &Snapshot, incident: &Incident, audience: Audience) -> Facts {
    let clock = |at: At| at.utc().format("%H:%M UTC").to_string();
    let known = snapshot.known.get(&incident.id);
    let answer = |query: Query| {
        let answer = known?.answers.iter().find(|answer| answer.query == query && answer.known)?;
        Some(answer.text.clone())
    };
    let remaining = known.map(|known| known.remaining).or(incident.recovery.remaining);
    let cadence: Cadence = incident.updates.cadence(audience, &snapshot.cadences);
    let contained = incident.actuations.iter().filter_map(|id| snapshot.actuations.get(id));
    let contained: Vec<String> = contained
        .filter(|view| view.actuation.is_effective())
        .map(|view| view.actuation.switch.label().to_string())
        .collect();
    let decision: Option<&DataDecision> = incident.recovery.decision.as_ref();
    let (onset, restored) = (incident.moments.onset, incident.moments.mitigated);
    let duration = onset.zip(restored).map(|(from, to)| format!("{} min", to.since_s(from) / 60));
    let mut facts = Facts::new();
    let mut tell = |name: &'static str, fact: Option<String>| {
        if let Some(fact) = fact.filter(|fact| !fact.trim().is_empty()) {
            facts.insert(name, fact);
        }
    };
    tell("incident", Some(incident.id.to_string()));
    tell("title", Some(incident.title.clone()));
    tell("severity", Some(incident.severity.to_string()));
    tell("type", Some(incident.kind.to_string()));
    tell("phase", Some(incident.phase().to_string()));
    tell("commander", incident.has_commander().then(|| incident.commander.clone()));
    tell("since", onset.map(clock));
    tell("detected", incident.moments.detected.map(clock));
    tell("now", Some(clock(snapshot.at)));
    tell("next_update", cadence.every_s.map(|every_s| clock(snapshot.at.plus_s(every_s))));
    tell("restored", restored.map(clock));
    tell("duration", duration);
    // In words: not everybody who reads it knows the sign.
    tell("cohort", Some(incident.cohort.sentence().replace(" ∧ ", " with ")));
    tell("affected", remaining.filter(|remaining| remaining.ever > 0).map(|remaining| remaining.ever.to_string()));
    tell("customers", answer(Query::Customers));
    tell("region", answer(Query::Region));
    tell("firmware", answer(Query::Firmware));
    tell("origin", answer(Query::Origin));
    tell("rollout", answer(Query::Rollout));
    tell("codes", answer(Query::Codes));
    tell("contained", (!contained.is_empty()).then(|| contained.join(", ")));
    tell("decision", decision.map(|decision| decision.choice.name().to_owned()));
    tell("first_bad", decision.map(|decision| decision.first_bad.to_string()));
    tell("remaining", remaining.map(|remaining| format!("{} of {}", remaining.affected(), remaining.ever)));
    facts
}

/// An answer of a channel, as far as people care.
pub(super) enum Answered {
    Yes(String),
    No(String),
    Perhaps(String),
}

impl Answered {
    pub(super) fn of(heard: Heard) -> Self {
        match heard.outcome {
            Outcome::Sent => Self::Yes(heard.answer.unwrap_or_else(|| "written".into())),
            Outcome::Accepted => Self::Yes(heard.answer.unwrap_or_else(|| "accepted".into())),
            Outcome::Refused { reason } | Outcome::NotSent { reason } => Self::No(reason),
            Outcome::Unknown { reason } => Self::Perhaps(reason),
        }
    }
}
