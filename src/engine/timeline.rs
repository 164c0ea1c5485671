//! The timeline: every event as one sentence, in the order of the log.

mod learning;
mod notice;
mod regulation;
mod switch;
mod update;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::drill::words as drill;
use crate::domain::campaign::CampaignState;
use crate::domain::count::counted;
use crate::domain::event::recovery::RecoveryEvent;
use crate::domain::event::response::ResponseEvent;
use crate::domain::event::runbook::RunbookEvent;
use crate::domain::event::{Event, Record};
use crate::domain::ids::{Actor, ActuationId, IncidentId, Seq};
use crate::domain::recovery::Standing;
use crate::domain::rollout::{Level, of_wave};
use crate::domain::runbook::StepMark;
use crate::domain::switch::Actuation;
use crate::domain::time::At;
use crate::limits;

/// How much an entry matters to the person who reads the timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weight {
    /// Housekeeping: kept, shown last.
    Quiet,
    /// Something happened.
    Normal,
    /// Something was decided or done about the incident.
    Action,
    /// Something is wrong.
    Alarm,
}

/// One line of the timeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub seq: Seq,
    pub at: At,
    pub actor: Actor,
    pub incident: Option<IncidentId>,
    pub weight: Weight,
    pub text: String,
    /// A few letters for a mark in a chart, where the event deserves one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<String>,
}

/// The newest entries; older ones are in the log.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timeline {
    entries: VecDeque<Arc<Entry>>,
}

impl Timeline {
    /// Adds a record; `actuations` gives those it may speak of their names.
    pub fn add(&mut self, record: &Record, actuations: &BTreeMap<ActuationId, Actuation>) {
        if drill::is_hidden(&record.event) {
            return;
        }
        if self.entries.len() == limits::TIMELINE {
            self.entries.pop_front();
        }
        self.entries.push_back(Arc::new(entry(record, actuations)));
    }

    /// Oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Arc<Entry>> + ExactSizeIterator {
        self.entries.iter()
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entries to show, oldest first, shared rather than copied.
    pub fn shared(&self) -> Arc<[Arc<Entry>]> {
        self.entries.iter().cloned().collect()
    }
}

/// The sentence of an event.
pub fn entry(record: &Record, actuations: &BTreeMap<ActuationId, Actuation>) -> Entry {
    let name = |id: &ActuationId| match actuations.get(id) {
        Some(actuation) => format!("{} {}", actuation.label, actuation.preview.about()),
        None => id.to_string(),
    };
    let (weight, text) = sentence(&record.event, &name);
    Entry {
        seq: record.seq,
        at: record.at,
        actor: record.actor.clone(),
        incident: record.event.incident(),
        weight,
        text,
        mark: mark(&record.event),
    }
}

fn end_of_capture(messages: u64, unread: u64, cut: Option<&str>) -> String {
    let mut text = format!("end of capture · {messages} messages");
    if unread > 0 {
        text += &format!(" · {unread} lines that are no messages");
    }
    if let Some(cut) = cut {
        text += &format!(" · {cut}");
    }
    text
}

fn sentence(event: &Event, name: &dyn Fn(&ActuationId) -> String) -> (Weight, String) {
    use Weight::{Action, Alarm, Normal, Quiet};
    match event {
        Event::RoomOpened { version, fleet } => (Quiet, format!("room opened on {fleet} · warroom {version}")),
        Event::RoomClosed { reason } => (Quiet, format!("room closed: {reason}")),
        Event::DrillStarted { scenario, seed, devices } => {
            (Normal, format!("DRILL {scenario} begins · {devices} simulated devices · seed {seed}"))
        }
        Event::ReplayStarted { capture, speed } => {
            (Normal, format!("REPLAY of {capture} begins · {speed} times as fast · nothing is sent"))
        }
        Event::ReplayEnded { messages, unread, cut } => (Normal, end_of_capture(*messages, *unread, cut.as_deref())),
        Event::ClockJumped { by_ms } => (Normal, format!("this machine's clock jumped by {} ms", by_ms)),
        Event::LinkUp { broker, down_s: None } => (Quiet, format!("connected to {broker}")),
        Event::LinkUp { broker, down_s: Some(down_s) } => {
            (Normal, format!("our link is back: {broker} · nothing was heard for {down_s} s"))
        }
        Event::LinkDown { reason } => (Normal, format!("our link is down: {reason}")),
        Event::AlertRaised { alert, finding } => {
            (Alarm, format!("alert {alert} {} · {}", finding.cohort, finding.evidence))
        }
        Event::AlertGrew { alert, also } => (Normal, format!("alert {alert} also: {}", also.evidence)),
        Event::AlertAcknowledged { alert } => (Action, format!("acknowledged alert {alert}")),
        Event::AlertAccepted { alert, usual, until, reason } => {
            let until =
                until.map(|until| format!(" until {}", until.utc().format("%Y-%m-%d %H:%MZ"))).unwrap_or_default();
            (Action, format!("accepted alert {alert} as usual{until}: {reason} · {usual}"))
        }
        Event::WatchedAgain { cohort } => (Action, format!("{}: watched again", cohort.sentence())),
        Event::AlertCleared { alert } => (Normal, format!("alert {alert} has cleared")),
        Event::IncidentDeclared { incident, declaration, .. } => (
            Action,
            format!(
                "declared {incident} {} {} · {} · commander {}",
                declaration.severity,
                declaration.kind,
                declaration.title,
                if declaration.commander.is_empty() { "nobody yet" } else { &declaration.commander }
            ),
        ),
        Event::AlertJoined { incident, alert } => (Normal, format!("alert {alert} joined {incident}")),
        Event::ActuationJoined { incident, actuation } => (Normal, format!("{} joined {incident}", name(actuation))),
        Event::Acknowledged { incident } => (Action, format!("acknowledged {incident}")),
        Event::Retitled { from, to, .. } => (Action, format!("renamed: {to} (was: {from})")),
        Event::SeveritySet { from, to, .. } => (Action, format!("severity {to} (was {from})")),
        Event::TypeSet { from, to, .. } => (Action, format!("type {to} (was {from})")),
        Event::VerdictReached { verdict, .. } => {
            let because = verdict.evidence.first().map(|why| format!(": {why}")).unwrap_or_default();
            (Normal, format!("looks like {}, {}, {}{because}", verdict.kind, verdict.origin, verdict.severity))
        }
        Event::OriginSet { from, to, .. } => (Action, format!("fault of: {to} (was {from})")),
        Event::ExtentSet { to, .. } => (Action, format!("it is about {}", to.sentence())),
        Event::CohortSet { from, to, .. } => {
            (Action, format!("it is about {} (was {})", to.sentence(), from.sentence()))
        }
        Event::SuspectRejected { cohort, .. } => (Action, format!("ruled out: {}", cohort.sentence())),
        Event::SuspectNamed { from, cohort, affected, devices, .. } => (
            Action,
            format!("suspect is {}: {affected} of {devices} affected (was {})", cohort.sentence(), from.sentence()),
        ),
        Event::CommanderSet { from, to, .. } if from.is_empty() => (Action, format!("commander {to}")),
        Event::CommanderSet { from, to, .. } => (Action, format!("handover: commander {to} (was {from})")),
        Event::Response(event) => response(event),
        Event::Runbook(event) => runbook(event),
        Event::Recovery(event) => recovery(event),
        Event::Update(event) => update::sentence(event),
        Event::Drill(event) => drill::sentence(event),
        Event::Notice(event) => notice::sentence(event),
        Event::NoteAdded { text, .. } => (Normal, text.replace('\n', " ⏎ ")),
        Event::Mitigated { .. } => (Action, "service restored: mitigated".into()),
        Event::Resolved { .. } => (Action, "root cause fixed: resolved".into()),
        Event::Reopened { reason, .. } => (Alarm, format!("reopened: {reason}")),
        Event::MomentCorrected { moment, from, to, reason, .. } => {
            let was = from.map_or_else(|| "not set".into(), |at| at.to_string());
            (Action, format!("{} corrected to {to} (was {was}): {reason}", moment.name()))
        }
        Event::RunbookTaken { runbook, .. } => (Quiet, format!("runbook: {}", runbook.title)),
        Event::StepMarked { text, mark, .. } => match mark {
            StepMark::Done => (Action, format!("✓ {text}")),
            StepMark::Skipped(reason) => (Action, format!("skipped: {text} ({reason})")),
            StepMark::NotApplicable(reason) if reason.is_empty() => (Action, format!("not applicable: {text}")),
            StepMark::NotApplicable(reason) => (Action, format!("not applicable: {text} ({reason})")),
            StepMark::Open => (Action, format!("opened again: {text}")),
        },
        Event::CampaignChanged { campaign, state: CampaignState::Unknown, .. } => {
            (Normal, format!("nothing says any more how campaign {campaign} stands: its state was taken back"))
        }
        Event::CampaignChanged { campaign, state, target } => {
            (campaign_weight(*state), format!("campaign {campaign} → {target} is {state}"))
        }
        Event::WaveStarted { campaign, wave, target } => {
            (Normal, format!("wave {wave} of {campaign} → {target} has started"))
        }
        Event::StopRuleCrossed { campaign, standing, level } => {
            let (of, armed) = (of_wave(standing.wave), if *level == Level::Armed { " · it is armed" } else { "" });
            (Alarm, format!("stop rule crossed · {campaign}{of}: {standing}{armed}"))
        }
        Event::RolloutWarned { campaign, wave, reason } => {
            let of = of_wave(*wave);
            (Alarm, format!("{campaign}{of}: {reason}"))
        }
        Event::ForeignCommand { campaign, action, request_id } => {
            (Alarm, format!("{} of {campaign} by someone else, not this room (request {request_id})", action.name()))
        }
        Event::Learning(event) => learning::sentence(event),
        Event::Regulation(event) => regulation::sentence(event),
        event => switch::sentence(event, name),
    }
}

fn recovery(event: &RecoveryEvent) -> (Weight, String) {
    let text = match event {
        RecoveryEvent::DevicesAffected { devices, unnamed, .. } => return (Weight::Quiet, affected(devices, *unnamed)),
        RecoveryEvent::CheckWaived { check, reason, .. } => format!("waived: {check} ({reason})"),
        RecoveryEvent::DataDecided { choice, first_bad, customers, .. } => {
            format!("decided: {} · first bad value {first_bad} · customers: {customers}", choice.name())
        }
        RecoveryEvent::RecoveryVerified { checks, remaining, .. } => {
            let green = checks.iter().filter(|checked| checked.standing == Standing::Green).count();
            format!(
                "recovery verified: {green} of {} checks green · {} of {} devices healthy, {} still affected",
                checks.len(),
                remaining.healthy,
                remaining.ever,
                remaining.affected()
            )
        }
    };
    (Weight::Action, text)
}

/// The first few by name; all of them are in the log and in exports.
fn affected(devices: &[String], unnamed: u32) -> String {
    const SHOWN: usize = 3;
    if devices.is_empty() {
        return format!("+{unnamed} devices affected, more than an incident names");
    }
    let more = if devices.len() > SHOWN { " …" } else { "" };
    let n = devices.len();
    format!("+{} affected: {}{more}", counted(n as u64, "device"), devices[..n.min(SHOWN)].join(", "))
}

fn runbook(event: &RunbookEvent) -> (Weight, String) {
    match event {
        RunbookEvent::StepNoted { text, note, .. } => (Weight::Normal, format!("{note} (on: {text})")),
        RunbookEvent::StepOverdue { text, contact: Some(contact), .. } => {
            (Weight::Alarm, format!("OVERDUE: {text} · wake {contact}"))
        }
        RunbookEvent::StepOverdue { text, contact: None, .. } => (Weight::Alarm, format!("OVERDUE: {text}")),
    }
}

fn response(event: &ResponseEvent) -> (Weight, String) {
    let because = |reason: &Option<String>| reason.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
    let text = match event {
        ResponseEvent::PhaseEntered { from, to, reason, .. } if to < from => {
            format!("back to {to} (was in {from}){}", because(reason))
        }
        ResponseEvent::PhaseEntered { to, reason, .. } => format!("{to} begins{}", because(reason)),
        ResponseEvent::RoleTaken { role, from: None, to: Some(to), .. } => format!("{role} {to}"),
        ResponseEvent::RoleTaken { role, from: Some(from), to: Some(to), .. } => {
            format!("handover: {role} {to} (was {from})")
        }
        ResponseEvent::RoleTaken { role, from, .. } => {
            format!("{role} is nobody (was {})", from.as_deref().unwrap_or("nobody"))
        }
        ResponseEvent::IncidentMerged { incident, into } => {
            format!("{incident} is a part of {into}, and goes on there")
        }
        ResponseEvent::IncidentAbsorbed { incident, other } => format!("{other} is a part of {incident}"),
        ResponseEvent::IncidentSplit { incident, from, reason } => {
            format!("{incident} is one of its own again, no part of {from}: {reason}")
        }
        ResponseEvent::ChangeNoted { when, what, .. } => format!("changed at {when}: {what}"),
        ResponseEvent::IncidentReleased { incident, other } => format!("{other} is no part of {incident}"),
    };
    (Weight::Action, text)
}

const fn campaign_weight(state: CampaignState) -> Weight {
    match state {
        CampaignState::Halted | CampaignState::Paused | CampaignState::RollingBack => Weight::Action,
        _ => Weight::Normal,
    }
}

fn mark(event: &Event) -> Option<String> {
    Some(match event {
        Event::WaveStarted { wave, .. } => format!("wave {wave}"),
        Event::ActuationRequested { switch, .. } if switch.0 == "ota-halt" => "halt".into(),
        Event::ActuationRequested { switch, .. } => switch.0.clone(),
        Event::AlertRaised { alert, .. } => format!("alert {alert}"),
        Event::Mitigated { .. } => "mitigated".into(),
        Event::Resolved { .. } => "resolved".into(),
        _ => return None,
    })
}
