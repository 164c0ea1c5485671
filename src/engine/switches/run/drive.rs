//! Drives the runs: by the clock, and by what comes back from actuators and systems.

use super::Stage;
use crate::domain::event::Event;
use crate::domain::ids::ActuationId;
use crate::domain::input::{AnswerTo, Effect, Outcome};
use crate::domain::switch::ActuationState;
use crate::domain::time::At;
use crate::engine::State;

/// Takes what came of calls.
pub(in crate::engine) fn outcome(
    state: &mut State,
    id: &ActuationId,
    step: u8,
    answers: Vec<(u32, Outcome)>,
    at: At,
) -> (Vec<Event>, Vec<Effect>) {
    if let Some(run) = state.switches.runs.get_mut(id).filter(|run| run.step == usize::from(step)) {
        answers.into_iter().for_each(|(place, outcome)| run.take(place, outcome));
    }
    settle(state, id, at)
}

/// Takes the answer of a system to one call, or to all.
pub(in crate::engine) fn answer(
    state: &mut State,
    id: &ActuationId,
    to: &AnswerTo,
    outcome: &Outcome,
    at: At,
) -> (Vec<Event>, Vec<Effect>) {
    if let Some(run) = state.switches.runs.get_mut(id) {
        let places: Vec<u32> = match to {
            AnswerTo::Place(place) => vec![*place],
            AnswerTo::All => (0..run.targets.len() as u32).collect(),
            AnswerTo::Device(name) => {
                let device = state.fleet.devices().find(name);
                let found = run.targets.iter().position(|target| target.device.is_some() && target.device == device);
                let found = found.or_else(|| run.aim.targets.iter().position(|target| target == name));
                found.map(|place| place as u32).into_iter().collect()
            }
        };
        places.into_iter().for_each(|place| run.take(place, outcome.clone()));
    }
    settle(state, id, at)
}

/// Once a second: the next calls, and what has become known.
pub(in crate::engine) fn tick(state: &mut State, at: At) -> (Vec<Event>, Vec<Effect>) {
    let ids: Vec<ActuationId> = state.switches.runs.keys().cloned().collect();
    let (mut events, mut effects) = (Vec::new(), Vec::new());
    for id in ids {
        let Some(mut run) = state.switches.runs.remove(&id) else { continue };
        // A run that people or the gate have ended is over.
        if state.room.actuations.get(&id).is_none_or(|actuation| actuation.state.is_final()) {
            continue;
        }
        if run.is_reported() {
            run.take_reports(&state.fleet);
        }
        run.chase(&state.fleet, at);
        events.extend(run.tick_waves(state, at));
        if state.link.is_up() {
            effects.extend(run.pump(state, at).map(Effect::Send));
        }
        state.switches.runs.insert(id.clone(), run);
        let (more, calls) = settle(state, &id, at);
        events.extend(more);
        effects.extend(calls);
    }
    (events, effects)
}

/// What has become known of an actuation by now.
fn settle(state: &mut State, id: &ActuationId, at: At) -> (Vec<Event>, Vec<Effect>) {
    let Some(mut run) = state.switches.runs.remove(id) else { return (Vec::new(), Vec::new()) };
    let (mut events, mut effects) = (Vec::new(), Vec::new());
    let known = state.room.actuations.get(id).map(|actuation| actuation.state.clone());
    if !run.told_sent && run.is_handed_over() {
        run.told_sent = true;
        if known == Some(ActuationState::Requested) {
            events.push(Event::ActuationSent { actuation: id.clone() });
        }
    }
    let answered = run.is_answered();
    let mut accepted = state.room.actuations.get(id).is_some_and(|actuation| actuation.accepted.is_some());
    while let Some(told) = run.advance_or_end(at) {
        events.extend(told);
        // Before it is probed, the other side has said yes, whatever the probe finds.
        if run.through.is_none() && run.is_probing() && !accepted {
            accepted = true;
            events.push(Event::ActuationAccepted { actuation: id.clone() });
        }
        if run.through.is_some() {
            let said_yes = run.targets.iter().any(|target| target.stage == Stage::Yes) && run.lost.is_none();
            if said_yes && !accepted && (answered || run.is_answered()) {
                events.push(Event::ActuationAccepted { actuation: id.clone() });
            }
            break;
        }
        effects.extend(run.pump(state, at).map(Effect::Send));
    }
    match run.outcome(state, at) {
        Some(ended) => events.push(ended),
        None if run.is_over() => {}
        None => drop(state.switches.runs.insert(id.clone(), run)),
    }
    (events, effects)
}
