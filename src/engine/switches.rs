//! Switches: arming, firing, and watching until the effect is proven.
//!
//! Nothing is sent from here. Firing makes the intent an event and a proposal an effect; the gate before the actuators
//! looks at everything again. Who and what is aimed at is in [`aim`], the way from the key to the intent in [`fire`], a
//! second person's yes in [`approval`], the calls that follow in [`run`], and what came of them in [`proof`].

pub mod aim;
mod approval;
mod fire;
pub mod known;
pub mod proof;
pub mod run;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use aim::{Aim, fits};
pub use approval::Request;
pub(super) use approval::end_all;
pub(super) use fire::fire_by_rule;

use super::State;
use crate::domain::command::{Refusal, SwitchCommand};
use crate::domain::event::Event;
use crate::domain::event::switch::SwitchEvent;
use crate::domain::ids::{Actor, ActuationId};
use crate::domain::input::Effect;
use crate::domain::switch::plan::{GateKind, Switch, Takes};
use crate::domain::switch::template::Values;
use crate::domain::switch::waves::Reason;
use crate::domain::switch::{ActuationState, Preview, Scope, SwitchId};
use crate::domain::time::At;
use crate::limits;
use proof::Watches;
use run::Run;

/// Why no switch is pulled in a replay.
pub const REPLAY: &str = "this is a replay: there is nobody to halt, and nothing is ever sent";

/// What has to be given beside the confirming key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Nothing: what makes the fleet safer must be quick.
    OneKey,
    /// This text, typed.
    Typed(String),
    /// This text, typed, and then a second person.
    TwoPeople(String),
}

/// A switch that is armed: looked at, and not pulled yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Arming {
    pub id: u64,
    pub switch: Arc<Switch>,
    pub by: Actor,
    pub at: At,
    pub expires: At,
    pub preview: Preview,
    pub gate: Gate,
    pub aim: Aim,
    /// The actuation that is asked again, under its own id.
    pub again: Option<ActuationId>,
}

/// What is armed, what waits for a second person, and what is under way. Not on the record: after a restart nothing is
/// armed, and nothing can be proven of what an earlier process fired until somebody has it looked at again.
#[derive(Debug, Default)]
pub struct Switches {
    pub arming: Option<Arming>,
    pub requests: BTreeMap<u64, Request>,
    armings: u64,
    pub(super) watches: Watches,
    pub(super) runs: BTreeMap<ActuationId, Run>,
}

/// What a command becomes: events, and what is done once they are on disk.
pub(in crate::engine) type Decided = Result<(Vec<Event>, Vec<Effect>), Refusal>;

/// Decides a command about a switch.
pub(super) fn decide(state: &mut State, at: At, by: &Actor, command: SwitchCommand) -> Decided {
    let alone = |events| (events, Vec::new());
    match command {
        SwitchCommand::Arm { switch, scope, parameters } => arm(state, at, by, &switch, scope, parameters).map(alone),
        SwitchCommand::ArmAgain(actuation) => arm_again(state, at, by, &actuation).map(alone),
        SwitchCommand::Disarm { reason } => Ok(alone(disarm(state, &reason))),
        SwitchCommand::Fire(confirmation) => fire::fire(state, at, by, &confirmation),
        SwitchCommand::Approve(approval) => approval::approve(state, at, by, &approval),
        SwitchCommand::BreakGlass { approval, reason } => approval::break_glass(state, at, by, approval, &reason),
        SwitchCommand::Withdraw { approval, reason } => approval::withdraw(state, approval, &reason).map(alone),
        SwitchCommand::Stop(actuation) => stop(state, &actuation).map(alone),
        SwitchCommand::GoOn(actuation) => fire::go_on(state, at, &actuation),
        SwitchCommand::Recheck(actuation) => recheck(state, at, &actuation).map(alone),
        SwitchCommand::Tested { switch, environment, ok, took_ms, detail } => {
            let detail = crate::domain::text::visible(&detail).into_owned();
            let tested = SwitchEvent::SwitchTested { switch, environment, ok, took_ms, detail };
            Ok(alone(vec![Event::Switch(tested)]))
        }
        SwitchCommand::Close { actuation, reason } => close(state, &actuation, &reason).map(alone),
    }
}

/// The configured switch of that id.
pub(super) fn find(state: &State, id: &SwitchId) -> Result<Arc<Switch>, Refusal> {
    let switch = state.settings.switches.iter().find(|switch| switch.id == *id);
    let switch = switch.ok_or_else(|| {
        let known: Vec<&str> = state.settings.switches.iter().map(|switch| switch.id.0.as_str()).collect();
        Refusal::new(format!("no switch {id} is configured; there are {}", known.join(", ")))
    })?;
    let environment = &state.settings.environment;
    if !switch.works_in(environment) {
        let allowed = switch.environments.join(", ");
        return Err(Refusal::new(format!("{} is for {allowed}, and this is {environment}", switch.label)));
    }
    Ok(switch.clone())
}

/// Looks at what a switch would do, and arms it.
fn arm(
    state: &mut State,
    at: At,
    by: &Actor,
    switch: &SwitchId,
    scope: Scope,
    parameters: Values,
) -> Result<Vec<Event>, Refusal> {
    let switch = find(state, switch)?;
    let missing: Vec<&str> = switch
        .parameters
        .iter()
        .filter(|name| parameters.get(*name).is_none_or(|value| value.trim().is_empty()))
        .map(String::as_str)
        .collect();
    if !missing.is_empty() {
        return Err(Refusal::new(format!("{} needs {}", switch.label, missing.join(" and "))));
    }
    switch.schema.check(&parameters).map_err(Refusal::new)?;
    let aim = aim::aim(state, &switch, scope, parameters)?;
    let aim = if switch.waves.is_some() { aim::spread(state, aim) } else { aim };
    let preview = aim::preview(state, &switch, &aim)?;
    Ok(armed(state, at, by, switch, preview, aim, None))
}

/// Arms an actuation of unknown outcome once more, at the same targets.
fn arm_again(state: &mut State, at: At, by: &Actor, id: &ActuationId) -> Result<Vec<Event>, Refusal> {
    let actuation = state.room.actuations.get(id).cloned();
    let actuation = actuation.ok_or_else(|| Refusal::new(format!("there is no actuation {id}")))?;
    if !matches!(actuation.state, ActuationState::Unknown { .. }) {
        return Err(Refusal::new(format!("{id} needs no second try: {}", actuation.words())));
    }
    let switch = find(state, &actuation.switch)?;
    let scope = match switch.takes {
        Takes::Campaign => Scope::Campaign(Some(actuation.preview.campaign.clone())),
        Takes::Devices => Scope::Devices(actuation.targets.to_vec()),
    };
    let aim = aim::aim(state, &switch, scope, actuation.parameters.clone())?;
    let mut preview = aim::preview(state, &switch, &aim)?;
    // Its waves are those that it began with, whatever is configured now.
    if let (Some(devices), Some(before)) = (&mut preview.devices, &actuation.preview.devices) {
        devices.waves.clone_from(&before.waves);
    }
    Ok(armed(state, at, by, switch, preview, aim, Some(id.clone())))
}

fn armed(
    state: &mut State,
    at: At,
    by: &Actor,
    switch: Arc<Switch>,
    preview: Preview,
    aim: Aim,
    again: Option<ActuationId>,
) -> Vec<Event> {
    let gate = match switch.gate {
        GateKind::OneKey => Gate::OneKey,
        GateKind::Typed => Gate::Typed(preview.word()),
        GateKind::TwoPeople => Gate::TwoPeople(preview.word()),
    };
    let mut events = disarm(state, "another switch was armed");
    state.switches.armings += 1;
    events.push(Event::SwitchArmed { switch: switch.id.clone(), campaign: preview.about() });
    let expires = at.plus_ms(limits::ARMED_MS * state.settings.pace);
    let (id, by) = (state.switches.armings, by.clone());
    state.switches.arming = Some(Arming { id, switch, by, at, expires, preview, gate, aim, again });
    events
}

/// Takes back an arming, if there is one.
pub(super) fn disarm(state: &mut State, reason: &str) -> Vec<Event> {
    let Some(arming) = state.switches.arming.take() else { return Vec::new() };
    let reason = reason.to_owned();
    vec![Event::SwitchDisarmed { switch: arming.switch.id.clone(), campaign: arming.preview.about(), reason }]
}

/// Takes back what was not confirmed, or not approved, in time.
pub(super) fn expire(state: &mut State, at: At) -> Vec<Event> {
    let expired = state.switches.arming.as_ref().is_some_and(|arming| arming.expires <= at);
    let mut events = if expired { disarm(state, "not confirmed in time") } else { Vec::new() };
    events.extend(approval::expire(state, at));
    events
}

/// Asks no further target of an actuation.
fn stop(state: &mut State, id: &ActuationId) -> Result<Vec<Event>, Refusal> {
    let Some(run) = state.switches.runs.remove(id) else {
        return Err(Refusal::new(format!("{id} has nothing left to send")));
    };
    let tally = run.tally(&state.fleet);
    let left = tally.unasked;
    Ok(vec![Event::Switch(SwitchEvent::ActuationStopped { actuation: id.clone(), asked: tally.total - left, left })])
}

/// Looks again at what has become of an actuation, from what is seen now.
fn recheck(state: &mut State, at: At, id: &ActuationId) -> Result<Vec<Event>, Refusal> {
    let actuation = state.room.actuations.get(id).cloned();
    let actuation = actuation.ok_or_else(|| Refusal::new(format!("there is no actuation {id}")))?;
    if !matches!(actuation.state, ActuationState::Unknown { .. }) {
        return Err(Refusal::new(format!("{id} needs no second look: {}", actuation.words())));
    }
    let switch = find(state, &actuation.switch)?;
    let mut events = vec![Event::Switch(SwitchEvent::ActuationRechecked { actuation: id.clone() })];
    match switch.takes {
        Takes::Campaign => state.switches.watches.begin(id.clone()),
        Takes::Devices => {
            let mut run = Run::sent_already(state, switch, &actuation, at);
            // Waves that were not begun go on when a person has looked at those that were.
            events.extend(run.pause(Reason::Restarted));
            state.switches.runs.insert(id.clone(), run);
        }
    }
    Ok(events)
}

/// Ends an actuation whose outcome will never be known.
fn close(state: &mut State, id: &ActuationId, reason: &str) -> Result<Vec<Event>, Refusal> {
    let Some(actuation) = state.room.actuations.get(id) else {
        return Err(Refusal::new(format!("there is no actuation {id}")));
    };
    if actuation.state.is_final() {
        return Err(Refusal::new(format!("{id} has ended: {}", actuation.words())));
    }
    if reason.trim().is_empty() {
        return Err(Refusal::new("closing an actuation needs a reason"));
    }
    state.switches.runs.remove(id);
    let reason = format!("closed by hand: {}", crate::domain::text::visible(reason.trim()));
    Ok(vec![Event::ActuationFailed { actuation: id.clone(), reason }])
}
