//! From the confirming key to the intent: what is checked last, and what follows once the intent is on disk.

use std::sync::Arc;

use super::run::Run;
use super::{Aim, Arming, Decided, Gate, REPLAY, aim, approval, find};
use crate::domain::command::{Confirmation, Refusal};
use crate::domain::event::Event;
use crate::domain::event::switch::SwitchEvent;
use crate::domain::ids::{Actor, ActuationId, Seq};
use crate::domain::input::{Effect, LogHealth, People, Proposal};
use crate::domain::switch::plan::{GateKind, Switch, Takes};
use crate::domain::switch::template::Values;
use crate::domain::switch::{Scope, SwitchId};
use crate::domain::time::At;
use crate::engine::State;
use crate::limits;

/// Pulls the armed switch, or asks for the second person that it needs.
pub(super) fn fire(state: &mut State, at: At, by: &Actor, confirmation: &Confirmation) -> Decided {
    let arming = state.switches.arming.clone().filter(|arming| arming.id == confirmation.arming && arming.expires > at);
    let arming = arming.ok_or_else(|| Refusal::new("nothing is armed any more; arm the switch again"))?;
    if arming.by != *by {
        return Err(Refusal::new(format!("{} armed this switch; arm it yourself", arming.by)));
    }
    if at.since_ms(arming.at) < limits::ARMING_GUARD_MS * state.settings.pace {
        return Err(Refusal::new("that was too quick to be a decision; look, then confirm"));
    }
    if let Gate::Typed(asked) | Gate::TwoPeople(asked) = &arming.gate
        && confirmation.typed != *asked
    {
        return Err(Refusal::new(format!("type `{asked}` to confirm")));
    }
    state.switches.arming = None;
    let decided = if matches!(arming.gate, Gate::TwoPeople(_)) {
        approval::ask(state, at, &arming, &confirmation.typed)
    } else {
        let pull = Pull::of(&arming, confirmation.typed.clone(), People::One);
        self::pull(state, at, pull, 0)
    };
    decided.inspect_err(|_| {
        // What was refused may be confirmed again.
        state.switches.arming = Some(arming);
    })
}

/// Pulls the halt of a campaign because a rule that people armed in advance was crossed. `after` events of the same moment
/// go before it.
pub(in crate::engine) fn fire_by_rule(state: &mut State, at: At, campaign: &str, after: usize) -> Decided {
    if state.replay.is_some() {
        return Err(Refusal::new(REPLAY));
    }
    if state.settings.read_only {
        return Err(Refusal::new("this room is read-only"));
    }
    let switch = find(state, &SwitchId::ota_halt())?;
    let aim = aim::aim(state, &switch, Scope::Campaign(Some(campaign.to_owned())), Values::new())?;
    // Whoever armed the rule had all the time to look.
    let armed = at.plus_ms(-limits::ARMING_GUARD_MS * state.settings.pace);
    let pull = Pull {
        switch,
        aim,
        again: None,
        armed,
        within_ms: limits::ARMED_MS,
        asked: None,
        typed: String::new(),
        people: People::One,
        approval: None,
    };
    self::pull(state, at, pull, after)
}

/// Lets the waves of a paused actuation go on. What an earlier room has begun needs this room's gate opened: by those who
/// agreed to it then, as the record has them.
pub(super) fn go_on(state: &mut State, at: At, id: &ActuationId) -> Decided {
    if let LogHealth::Unsafe { reason } = &state.log {
        return Err(Refusal::new(format!("the log cannot be written ({reason}), and no switch fires unlogged")));
    }
    let actuation = state.room.actuations.get(id).cloned();
    let (Some(run), Some(actuation)) = (state.switches.runs.get_mut(id), actuation) else {
        return Err(Refusal::new(format!("{id} is not under way")));
    };
    let is_taken_up = run.is_taken_up();
    let (gate, event) = (run.gate(), run.go_on()?);
    let people = match (gate, actuation.users, &actuation.broke_glass) {
        (_, Some((first, second)), _) => People::Two(first, second),
        (_, None, Some(reason)) => People::BrokeGlass(reason.clone()),
        (GateKind::TwoPeople, None, None) => {
            return Err(Refusal::new(format!("the record does not say who agreed to {id}: try it again instead")));
        }
        (GateKind::OneKey | GateKind::Typed, None, None) => People::One,
    };
    let proposal = Proposal {
        actuation: id.clone(),
        switch: actuation.switch,
        // Whoever goes on has had all the time to look.
        armed: at.plus_ms(-limits::ARMING_GUARD_MS * state.settings.pace),
        confirmed: at,
        within_ms: limits::ARMED_MS,
        asked: None,
        typed: String::new(),
        people,
        intent: Seq(state.room.last.0 + 1),
        pace: state.settings.pace,
    };
    let effects = if is_taken_up { vec![Effect::Actuate(proposal)] } else { Vec::new() };
    Ok((vec![event], effects))
}

/// Everything that has been looked at, typed and agreed.
pub(super) struct Pull {
    pub switch: Arc<Switch>,
    pub aim: Aim,
    pub again: Option<ActuationId>,
    pub armed: At,
    pub within_ms: i64,
    pub asked: Option<String>,
    pub typed: String,
    pub people: People,
    pub approval: Option<u64>,
}

impl Pull {
    pub(super) fn of(arming: &Arming, typed: String, people: People) -> Self {
        Self {
            switch: arming.switch.clone(),
            aim: arming.aim.clone(),
            again: arming.again.clone(),
            armed: arming.at,
            within_ms: limits::ARMED_MS,
            asked: match &arming.gate {
                Gate::OneKey => None,
                Gate::Typed(asked) | Gate::TwoPeople(asked) => Some(asked.clone()),
            },
            typed,
            people,
            approval: None,
        }
    }
}

/// The intent as an event, and what follows it: the proposal that opens the gate, and the first calls.
pub(super) fn pull(state: &mut State, at: At, pull: Pull, after: usize) -> Decided {
    let switch = &pull.switch;
    // Devices come and go; what is sent is what is there now, and it must be what was looked at.
    let aim = aim::still_fits(state, switch, &pull.aim)?;
    let preview = aim::preview(state, switch, &aim)?;
    let again = pull.again.as_ref().and_then(|again| state.room.actuations.get(again));
    let waves =
        again.map_or(&preview, |again| &again.preview).devices.as_ref().and_then(|devices| devices.waves.clone());
    let intent = Seq(state.room.last.0 + 1 + after as u64);
    let id = pull.again.clone().unwrap_or_else(|| ActuationId(format!("{}-{}", state.settings.log_id, intent.0)));
    let first = &switch.steps.first().ok_or_else(|| Refusal::new(format!("{} has no steps", switch.label)))?;
    let device = aim.targets.first().filter(|_| first.each).map(String::as_str);
    let call = aim::call(state, &first.template, &aim, device, &id).map_err(Refusal)?;
    let by_hand = || call.by_hand(&state.settings.shell_options);
    if let LogHealth::Unsafe { reason } = &state.log {
        return Err(Refusal::new(format!(
            "the log cannot be written ({reason}), and no switch fires unlogged; by hand: {}",
            by_hand()
        )));
    }
    let needs_link = call.needs_link() || switch.takes == Takes::Devices;
    if needs_link && !state.link.is_up() {
        return Err(Refusal::new(format!(
            "not connected to the broker, so nothing would be sent or seen; by hand: {}",
            by_hand()
        )));
    }
    state.switches.watches.begin(id.clone());
    let event = if pull.again.is_some() {
        Event::Switch(SwitchEvent::ActuationRetried { actuation: id.clone() })
    } else {
        Event::ActuationRequested {
            actuation: id.clone(),
            switch: switch.id.clone(),
            incident: state.room.open_incidents().next_back().map(|incident| incident.id),
            preview: Box::new(preview),
            call: Box::new(call),
            label: Some(switch.label.clone()),
            kind: Some(switch.kind),
            targets: aim.targets.clone(),
            parameters: aim.parameters.clone(),
            approval: pull.approval,
        }
    };
    let proposal = Proposal {
        actuation: id.clone(),
        switch: switch.id.clone(),
        armed: pull.armed,
        confirmed: at,
        within_ms: pull.within_ms,
        asked: pull.asked,
        typed: pull.typed,
        people: pull.people,
        intent,
        pace: state.settings.pace,
    };
    let course = state.room.actuations.get(&id).map(|again| again.course.clone()).unwrap_or_default();
    let mut run = Run::new(state, pull.switch, aim, &id, at).in_waves(waves.as_ref(), &course);
    let mut events = vec![event];
    // Asked again, it goes on where it was; a wave that was begun is not begun twice.
    if course.begun == 0 {
        events.extend(run.begin_wave());
    }
    let mut effects = vec![Effect::Actuate(proposal)];
    effects.extend(run.pump(state, at).map(Effect::Send));
    state.switches.runs.insert(id, run);
    Ok((events, effects))
}
