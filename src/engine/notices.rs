//! Notices: what happened that the team has to hear at once is told by the room itself, through the channels that the
//! configuration names for it. The intent is on the record before it leaves, and so is what came of it.

use super::State;
use super::updates::Answered;
use crate::domain::event::notice::NoticeEvent;
use crate::domain::event::runbook::RunbookEvent;
use crate::domain::event::switch::SwitchEvent;
use crate::domain::event::waves::WavesEvent;
use crate::domain::event::{Event, Record};
use crate::domain::ids::IncidentId;
use crate::domain::incident::{Incident, Severity};
use crate::domain::input::{Heard, LogHealth, Telling, Word};
use crate::domain::notice::{Notice, NoticeKind};
use crate::domain::response::Phase;
use crate::domain::switch::waves::Plan;
use crate::domain::update::{Audience, Delivery, Thread, UpdateKind};

/// What the team has to hear of what was just recorded. A replay reaches nobody; a drill says what it would have told.
pub(super) fn of(state: &State, records: &[Record]) -> Vec<Event> {
    if state.replay.is_some() {
        return Vec::new();
    }
    let mut events = Vec::new();
    let words = |record| words(records, record).or_else(|| paused(state, record));
    for (incident, kind, text) in records.iter().filter_map(words) {
        for channel in &state.settings.notify {
            let notice = state.room.notices.count + 1 + events.iter().filter(|event| is_intent(event)).count() as u64;
            let (channel, text) = (channel.clone(), text.clone());
            let refused = refused(state, &channel);
            events.push(NoticeEvent::NoticeIntended { notice, incident, kind, channel, text }.into());
            if state.drill.is_some() {
                let answer = "a drill: nothing left this machine".to_owned();
                events.push(NoticeEvent::NoticeSent { notice, incident, answer, took_ms: 0 }.into());
            } else if let Some(reason) = refused {
                events.push(NoticeEvent::NoticeNotSent { notice, incident, reason, took_ms: 0 }.into());
            }
        }
    }
    events
}

const fn is_intent(event: &Event) -> bool {
    matches!(event, Event::Notice(NoticeEvent::NoticeIntended { .. }))
}

/// Why a notice cannot go out at all.
fn refused(state: &State, channel: &str) -> Option<String> {
    let known = state.settings.channels.iter().find(|known| known.name == channel);
    match (&state.log, known) {
        // Nothing leaves unlogged.
        (LogHealth::Unsafe { reason }, _) => Some(format!("the log cannot be written ({reason})")),
        (_, None) => Some(format!("there is no channel {channel}")),
        // Whoever is outside is told by a person only, whatever a configuration says.
        (_, Some(known)) if known.audience != Audience::Internal => {
            Some(format!("{channel} is for {}, not for the team", known.audience))
        }
        _ => None,
    }
}

/// The words about an event, where it deserves some.
fn words(records: &[Record], record: &Record) -> Option<(Option<IncidentId>, NoticeKind, String)> {
    match &record.event {
        Event::Switch(SwitchEvent::GlassBroken { approval, reason, review_due }) => {
            let (incident, what) = pulled(records, *approval)?;
            let (by, day) = (&record.actor, review_due.utc().format("%Y-%m-%d"));
            let text = format!(
                "BREAK-GLASS: {by} pulled `{what}` alone, and it takes two people.\nReason given: {reason}\n\
                 To be reviewed by {day}."
            );
            Some((incident, NoticeKind::BreakGlass, text))
        }
        Event::Runbook(RunbookEvent::StepOverdue { incident, text, contact: Some(contact), .. }) => {
            let text = format!("ESCALATION: a step was not done in its time: {text}\nWake {contact}.");
            Some((Some(*incident), NoticeKind::Escalation, text))
        }
        _ => None,
    }
}

/// The words about waves that have stopped by themselves, to whoever commands.
fn paused(state: &State, record: &Record) -> Option<(Option<IncidentId>, NoticeKind, String)> {
    let Event::Waves(WavesEvent::SwitchWavesPaused { actuation, wave, reason }) = &record.event else { return None };
    let pulled = state.room.actuations.get(actuation)?;
    let commander = pulled.incident.and_then(|id| state.room.incidents.get(&id)).map(|incident| &incident.commander);
    let commander = commander.filter(|name| !name.is_empty()).map(|name| format!("{name}: ")).unwrap_or_default();
    let waves = pulled.preview.devices.as_ref().and_then(|devices| devices.waves.as_ref()).map_or(0, Plan::waves);
    let text = format!(
        "{commander}{} {} has stopped by itself in wave {wave} of {waves}: {reason}.\n\
         Nobody else is asked until it is let go on, or stopped, in the room.",
        pulled.label,
        pulled.preview.about()
    );
    Some((pulled.incident, NoticeKind::Paused, text))
}

/// The incident of the switch that was pulled after a request, and what it is called.
fn pulled(records: &[Record], request: u64) -> Option<(Option<IncidentId>, String)> {
    records.iter().find_map(|record| match &record.event {
        Event::ActuationRequested { approval: Some(approval), incident, label, preview, switch, .. }
            if *approval == request =>
        {
            let label = label.clone().unwrap_or_else(|| switch.to_string());
            Some((*incident, format!("{label} {}", preview.about())))
        }
        _ => None,
    })
}

/// What has to be carried out for notices that were just recorded.
pub(super) fn tellings(state: &State, events: &[Event]) -> Vec<Telling> {
    let intended = events.iter().filter_map(|event| match event {
        Event::Notice(NoticeEvent::NoticeIntended { notice, .. }) => state.room.notices.find(*notice),
        _ => None,
    });
    intended
        .filter(|notice| notice.delivery == Delivery::Intended)
        .filter_map(|notice| telling(state, notice))
        .collect()
}

fn telling(state: &State, notice: &Notice) -> Option<Telling> {
    let channel = state.settings.channels.iter().find(|known| known.name == notice.channel)?;
    let incident: Option<&Incident> = notice.incident.and_then(|id| state.room.incidents.get(&id));
    Some(Telling {
        word: Word::Notice { number: notice.number },
        incident: notice.incident,
        room: state.settings.log_id.clone(),
        channel: notice.channel.clone(),
        way: channel.way.clone(),
        timeout_s: channel.timeout_s,
        thread: Thread::New,
        kind: UpdateKind::Update,
        phase: incident.map_or(Phase::Detect, Incident::phase),
        title: incident.map_or_else(|| notice.kind.name().to_owned(), |incident| incident.title.clone()),
        severity: incident.map_or(Severity::Sev2, |incident| incident.severity),
        began: incident.and_then(|incident| incident.moments.onset).unwrap_or(notice.at),
        restored: incident.and_then(|incident| incident.moments.mitigated),
        text: notice.text.clone(),
        at: notice.at,
    })
}

/// What came of a notice.
pub(super) fn told(state: &State, number: u64, heard: Heard) -> Option<Event> {
    let notice = state.room.notices.find(number).filter(|notice| !notice.delivery.is_told())?;
    let (notice, incident, took_ms) = (notice.number, notice.incident, heard.took_ms);
    Some(match Answered::of(heard) {
        Answered::Yes(answer) => NoticeEvent::NoticeSent { notice, incident, answer, took_ms }.into(),
        Answered::No(reason) => NoticeEvent::NoticeNotSent { notice, incident, reason, took_ms }.into(),
        Answered::Perhaps(reason) => NoticeEvent::NoticeUnknown { notice, incident, reason, took_ms }.into(),
    })
}

/// Notices that an earlier process has begun to send.
pub(super) fn left_open(state: &State) -> Vec<Event> {
    let begun = state.room.notices.iter().filter(|notice| notice.delivery == Delivery::Intended);
    begun
        .map(|notice| {
            let reason = "the room ended before there was an answer".to_owned();
            let (notice, incident) = (notice.number, notice.incident);
            NoticeEvent::NoticeUnknown { notice, incident, reason, took_ms: 0 }.into()
        })
        .collect()
}
