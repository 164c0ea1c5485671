//! Responders from a file, acting in virtual time: each thing waits for its moment, is asked of the engine, and what the
//! engine says of it is kept.

use serde::Serialize;

use super::Day;
use crate::domain::cohort::CohortKey;
use crate::domain::command::update::{Message, UpdateCommand};
use crate::domain::command::{Approval, Command, Confirmation, Declare, SwitchCommand};
use crate::domain::ids::{Actor, IncidentId};
use crate::domain::runbook::StepMark;
use crate::domain::switch::{Scope, SwitchId};
use crate::domain::time::At;
use crate::domain::update::{Audience, CLIPBOARD, UpdateKind};
use crate::drill::responder::{Act, Responder};
use crate::engine::State;
use crate::engine::drill::LineState;
use crate::engine::switches::Gate;

/// Seconds between looking at a switch and pulling it.
const DECISION_S: i64 = 3;

/// Something that was done, and what the room said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Acted {
    pub at_s: i64,
    pub by: String,
    pub action: String,
    pub refused: Option<String>,
}

/// Responders at work.
pub(super) struct Acting {
    by: String,
    start: At,
    waiting: Vec<Waiting>,
    pub acted: Vec<Acted>,
}

struct Waiting {
    act: Act,
    /// When it is to be done, once that is known.
    due: Option<At>,
    /// A switch that has been looked at, and is pulled at this moment.
    armed: Option<At>,
}

impl Acting {
    pub fn new(responder: Responder, start: At) -> Self {
        let waiting = responder.acts.into_iter().map(|act| Waiting { act, due: None, armed: None });
        let by = if responder.by.is_empty() { "responder".into() } else { responder.by };
        Self { by, start, waiting: waiting.collect(), acted: Vec::new() }
    }

    /// Does what is due.
    pub fn act(&mut self, day: &mut Day) {
        let mut left = Vec::new();
        for mut waiting in std::mem::take(&mut self.waiting) {
            waiting.due = waiting.due.or_else(|| due(&waiting.act, &day.state, self.start, day.now));
            if waiting.due.is_none_or(|due| due > day.now) {
                left.push(waiting);
                continue;
            }
            let by = waiting.act.by.clone().unwrap_or_else(|| self.by.clone());
            let actor = Actor::Person(by.clone());
            let result = match (waiting.act.action.get_ref().as_str(), waiting.armed) {
                ("pull", None) => match arm(day, &actor, &waiting.act) {
                    Ok(()) => {
                        waiting.armed = Some(day.now.plus_s(DECISION_S));
                        left.push(waiting);
                        continue;
                    }
                    refused => refused,
                },
                ("pull", Some(at)) if at > day.now => {
                    left.push(waiting);
                    continue;
                }
                ("pull", Some(_)) => fire(day, &actor),
                _ => perform(day, &actor, &waiting.act),
            };
            let action = waiting.act.action.get_ref().clone();
            let action = waiting.act.switch.as_ref().map_or(action.clone(), |switch| format!("{action} {switch}"));
            self.acted.push(Acted { at_s: day.now.since_s(self.start), by, action, refused: result.err() });
        }
        self.waiting = left;
    }
}

/// When a thing is to be done; none as long as what it waits for has not happened.
fn due(act: &Act, state: &State, start: At, now: At) -> Option<At> {
    if let Some(at_s) = act.at_s {
        return Some(start.plus_s((at_s + act.wait_s).into()));
    }
    let room = &state.room;
    let nth = act.nth.max(1) as usize;
    let happened = match act.after.as_ref()?.get_ref().as_str() {
        "alert" => room.alerts_raised as usize >= nth,
        "incident" => room.incidents.len() >= nth,
        "effective" => room.actuations.values().filter(|pulled| pulled.is_effective()).count() >= nth,
        "paused" => room.actuations.values().filter(|pulled| pulled.course.paused.is_some()).count() >= nth,
        "clear" => room.alerts_raised as usize >= nth && room.open_alerts().next().is_none(),
        "inject" => room
            .drill
            .as_ref()
            .is_some_and(|day| day.script.get(nth - 1).is_some_and(|line| matches!(line.state, LineState::Told(_)))),
        _ => false,
    };
    happened.then(|| now.plus_s(act.wait_s.into()))
}

fn arm(day: &mut Day, by: &Actor, act: &Act) -> Result<(), String> {
    let switch = SwitchId(act.switch.clone().unwrap_or_default());
    let of_campaign = ["ota-halt", "rollback", "resume"].contains(&switch.0.as_str());
    let newest = day.state.room.open_incidents().next_back().map(|incident| incident.cohort.clone());
    let scope = match &act.target {
        target if of_campaign => Scope::Campaign(target.clone()),
        Some(target) => Scope::Cohort(cohort(target)?),
        None => Scope::Cohort(newest.ok_or("there is no incident that says which devices")?),
    };
    let arm = SwitchCommand::Arm { switch, scope, parameters: act.parameters.clone() };
    day.command(by.clone(), Command::Switch(arm))
}

fn fire(day: &mut Day, by: &Actor) -> Result<(), String> {
    let Some(arming) = day.state.switches.arming.clone() else { return Err("nothing is armed any more".into()) };
    let typed = match arming.gate {
        Gate::OneKey => String::new(),
        Gate::Typed(text) | Gate::TwoPeople(text) => text,
    };
    day.command(by.clone(), Command::Switch(SwitchCommand::Fire(Confirmation { arming: arming.id, typed })))
}

fn perform(day: &mut Day, by: &Actor, act: &Act) -> Result<(), String> {
    let newest = || day.state.room.open_incidents().next_back().map(|incident| incident.id);
    let incident = act.incident.map(IncidentId).or_else(newest);
    let about = || incident.ok_or_else(|| "there is no open incident".to_owned());
    let command = match act.action.get_ref().as_str() {
        "acknowledge" => {
            let loose = day
                .state
                .room
                .open_alerts()
                .find(|alert| alert.acknowledged.is_none() && day.state.room.incident_of(alert.id).is_none());
            match loose {
                Some(alert) => Command::AcknowledgeAlert(alert.id),
                None => Command::Acknowledge(about()?),
            }
        }
        "declare" => {
            let mut loose = day.state.room.open_alerts();
            let alert = loose.find(|alert| day.state.room.incident_of(alert.id).is_none()).map(|alert| alert.id);
            let title = Some(act.text.clone()).filter(|text| !text.is_empty());
            Command::Declare(Declare { alert, title, ..Declare::default() })
        }
        "approve" | "break-glass" => {
            let waiting = day.state.switches.requests.keys().next().copied();
            let approval = waiting.ok_or("nothing waits for a second person")?;
            let (reason, uid) = (act.text.clone(), day.state.settings.uid + 1);
            Command::Switch(match act.action.get_ref().as_str() {
                "approve" => SwitchCommand::Approve(Approval { approval, uid, reason }),
                _ => SwitchCommand::BreakGlass { approval, reason },
            })
        }
        "go-on" | "stop" => {
            let mut open = day.state.room.actuations.values().filter(|pulled| !pulled.state.is_final());
            let open = open.rfind(|pulled| pulled.preview.devices.is_some()).map(|pulled| pulled.id.clone());
            let open = open.ok_or("no switch is under way")?;
            Command::Switch(match act.action.get_ref().as_str() {
                "stop" => SwitchCommand::Stop(open),
                _ => SwitchCommand::GoOn(open),
            })
        }
        "note" => Command::Note { incident, text: act.text.clone() },
        "mitigate" => Command::Mitigate(about()?),
        "resolve" => Command::Resolve(about()?),
        "update" => return tell(day, by, about()?, act),
        "steps" => return mark_steps(day, by, about()?),
        other => return Err(format!("{other} cannot be done here")),
    };
    day.command(by.clone(), command)
}

/// `customer=corvus hardware=rev-B`
fn cohort(text: &str) -> Result<CohortKey, String> {
    let pairs = text
        .split_whitespace()
        .map(|pair| pair.split_once('=').ok_or_else(|| format!("`{pair}` is no attribute=value")));
    pairs.into_iter().try_fold(CohortKey::default(), |key, pair| pair.map(|(name, value)| key.and(name, value)))
}

/// Tells an audience something: copied, and posted by hand at once.
fn tell(day: &mut Day, by: &Actor, id: IncidentId, act: &Act) -> Result<(), String> {
    let audience = act.audience.unwrap_or(Audience::Customers);
    let updates = day.state.room.incidents.get(&id).map(|incident| &incident.updates);
    let updates = updates.ok_or_else(|| format!("there is no {id}"))?;
    let number = updates.sent.len() as u32 + 1;
    let kind = if updates.told(audience).next().is_none() { UpdateKind::First } else { UpdateKind::Update };
    let message = Message {
        incident: id,
        audience,
        kind,
        template: None,
        tells: Vec::new(),
        text: act.text.clone(),
        channels: vec![CLIPBOARD.to_owned()],
    };
    day.command(by.clone(), Command::Update(UpdateCommand::Send(message)))?;
    day.command(by.clone(), Command::Update(UpdateCommand::Posted { incident: id, number }))
}

/// Deals with every step of the runbook that is open.
fn mark_steps(day: &mut Day, by: &Actor, incident: IncidentId) -> Result<(), String> {
    let run = day.state.room.incidents.get(&incident).and_then(|incident| incident.runbook.as_ref());
    let run = run.ok_or_else(|| format!("{incident} has no runbook"))?;
    let open: Vec<String> =
        run.runbook.steps().filter(|step| run.mark(&step.id).is_none()).map(|step| step.id.clone()).collect();
    for step in open {
        day.command(by.clone(), Command::MarkStep { incident, step, mark: StepMark::Done })?;
    }
    Ok(())
}
