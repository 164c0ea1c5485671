//! What the fleet's messages make the engine record, within a budget: a device must not be able to fill the log.

use super::{Turn, rollouts, switches};
use crate::domain::event::Event;
use crate::domain::fault::Fault;
use crate::domain::ids::{Actor, ActuationId};
use crate::domain::observation::{Batch, Observation};
use crate::domain::switch::Call;
use crate::domain::time::At;
use crate::fleet::Notice;

/// Events that messages may cause in a minute. A busy rollout causes a handful.
const EVENTS_A_MINUTE: u32 = 60;

/// How many events the wire has caused in the running minute, and how many it would have beyond the budget.
#[derive(Debug, Default)]
pub(super) struct WireBudget {
    minute: i64,
    used: u32,
    pub(super) suppressed: u64,
}

impl WireBudget {
    pub(super) fn spend(&mut self, at: At) -> bool {
        let minute = at.second().div_euclid(60);
        if minute != self.minute {
            (self.minute, self.used) = (minute, 0);
        }
        self.used += 1;
        if self.used > EVENTS_A_MINUTE {
            self.suppressed += 1;
        }
        self.used <= EVENTS_A_MINUTE
    }
}

/// Takes what a message showed.
pub(super) fn take(turn: &mut Turn<'_>, batch: &Batch, observation: &Observation, notice: Notice) {
    match notice {
        Notice::Campaign { campaign, state, changed, retained, begun, target, answers } => {
            let is_told = turn.state.room.campaigns.get(&campaign).is_some_and(|(told, _)| *told == state);
            if changed && !is_told && turn.state.wire.spend(turn.at) {
                let event = Event::CampaignChanged { campaign: campaign.clone(), state, target: target.clone() };
                turn.record(Actor::Engine, event);
            }
            if let Some(wave) = begun {
                wave_started(turn, campaign.clone(), wave, target);
            }
            let news = changed && !retained;
            let accepted = switches::proof::heard(&turn.state.room, &campaign, state, &answers, news);
            turn.record_all(&Actor::Engine, accepted);
        }
        Notice::WaveStarted { campaign, wave, target } => wave_started(turn, campaign, wave, target),
        Notice::Control { campaign, action, request_id, retained } => {
            let known = turn.state.room.actuations.get(&ActuationId(request_id.clone()));
            // An id can be read off the wire by anyone: only the very call that we made is ours.
            let is_ours = known.is_some_and(|ours| {
                let Call::Publish(publish) = &ours.call else { return false };
                let asks = action.is_some_and(|action| publish.payload.contains(&format!("\"{}\"", action.name())));
                ours.preview.campaign == campaign && asks
            });
            if is_ours {
                return;
            }
            turn.state.fleet.fault(batch, observation, Fault::ForeignCommand);
            if let Some(action) = action
                && !retained
                && turn.state.wire.spend(turn.at)
            {
                turn.record(Actor::Foreign, Event::ForeignCommand { campaign, action, request_id });
            }
        }
        Notice::Answer { request_id } => {
            if !turn.state.room.actuations.contains_key(&ActuationId(request_id)) {
                turn.state.fleet.fault(batch, observation, Fault::UnknownRequest);
            }
        }
    }
}

fn wave_started(turn: &mut Turn<'_>, campaign: String, wave: u16, target: String) {
    if turn.state.wire.spend(turn.at) {
        let warned = rollouts::warnings(turn.state, &campaign, wave, &target, turn.at);
        // What runs well before the wave may be gone back to after it.
        let known = switches::known::noted(turn.state, &target, turn.at);
        turn.record_all(&Actor::Engine, known);
        turn.record(Actor::Engine, Event::WaveStarted { campaign, wave, target });
        turn.record_all(&Actor::Engine, warned);
    }
}
