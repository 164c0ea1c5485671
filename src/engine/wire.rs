//! What the fleet's messages make the engine record, within a budget: a device must not be able to fill the log.

use super::{Desk, switches};
use crate::domain::event::Event;
use crate::domain::fault::Fault;
use crate::domain::ids::{Actor, ActuationId};
use crate::domain::observation::{Batch, Observation};
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
    fn spend(&mut self, at: At) -> bool {
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
pub(super) fn take(desk: &mut Desk<'_>, batch: &Batch, observation: &Observation, notice: Notice) {
    match notice {
        Notice::Campaign { campaign, state, changed, begun, target, answers } => {
            if changed && desk.state.room.campaigns.get(&campaign) != Some(&state) && desk.state.wire.spend(desk.at) {
                let event = Event::CampaignChanged { campaign: campaign.clone(), state, target: target.clone() };
                desk.record(Actor::Engine, event);
            }
            if let Some(wave) = begun {
                wave_started(desk, campaign.clone(), wave, target);
            }
            let accepted = switches::heard(&desk.state.room, &campaign, state, &answers);
            desk.record_all(&Actor::Engine, accepted);
        }
        Notice::WaveStarted { campaign, wave, target } => wave_started(desk, campaign, wave, target),
        Notice::Control { campaign, action, request_id, retained } => {
            let ours = desk.state.room.actuations.contains_key(&ActuationId(request_id.clone()));
            if ours {
                return;
            }
            desk.state.fleet.fault(batch, observation, Fault::ForeignCommand);
            if let Some(action) = action
                && !retained
                && desk.state.wire.spend(desk.at)
            {
                desk.record(Actor::Foreign, Event::ForeignCommand { campaign, action, request_id });
            }
        }
        Notice::Answer { request_id } => {
            if !desk.state.room.actuations.contains_key(&ActuationId(request_id)) {
                desk.state.fleet.fault(batch, observation, Fault::UnknownRequest);
            }
        }
    }
}

fn wave_started(desk: &mut Desk<'_>, campaign: String, wave: u16, target: String) {
    if desk.state.wire.spend(desk.at) {
        desk.record(Actor::Engine, Event::WaveStarted { campaign, wave, target });
    }
}
