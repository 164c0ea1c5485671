//! What came of a switch: sent, accepted, effective, or not, and how that is known.
//!
//! The broker's and the controller's word are steps on the way and never the proof. A halt is effective when the
//! campaign stands and no device is in flight any more; a rollback when no device is left on what it brought. Silence
//! proves nothing: not that of a device, not that of our own link, and not that of the time before this process began.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::campaign::CampaignState;
use crate::domain::event::Event;
use crate::domain::event::switch::SwitchEvent;
use crate::domain::ids::ActuationId;
use crate::domain::switch::plan::Kind;
use crate::domain::switch::{Actuation, ActuationState};
use crate::domain::time::At;
use crate::engine::State;
use crate::engine::room::Room;
use crate::fleet::campaigns::{Campaign, CampaignIx};
use crate::fleet::devices::DeviceIx;
use crate::limits;

/// Seconds the controller has to answer before the outcome counts as unknown. It may still answer later.
const ANSWER_S: i64 = 60;
/// Seconds after the controller's yes in which a device that starts was on its way already.
const GRACE_S: i64 = 2;
/// Seconds without a start that show that none comes any more.
const QUIET_S: i64 = 3;
/// Seconds after which a silent device in flight is not waited for; it is counted as silent.
pub const SILENT_S: u32 = 300;
/// Seconds after the yes in which devices in flight are expected to finish; those that do not are named on the screen,
/// and after the longer time on the record.
const FINISH_S: i64 = 60;
const STUCK_S: i64 = 300;
/// Seconds a rollback may take until what has not rolled back counts as escaped.
const ROLLBACK_S: i64 = 900;

/// Seconds after a yes in which the campaign must be seen to do what was said.
const STANDS_S: i64 = 60;

/// An actuation that this process fired and has watched ever since.
#[derive(Clone, Debug, Default)]
struct Watch {
    last_start: Option<At>,
    escaped: BTreeSet<DeviceIx>,
    /// It was told which devices it waits for.
    told_stuck: bool,
}

/// What is watched. Of an actuation that is not in here nothing can be proven: its devices were not seen.
#[derive(Debug, Default)]
pub struct Watches(BTreeMap<ActuationId, Watch>);

impl Watches {
    pub(super) fn begin(&mut self, actuation: ActuationId) {
        self.0.insert(actuation, Watch::default());
    }

    /// Whether this process has seen all of it.
    pub fn holds(&self, actuation: &ActuationId) -> bool {
        self.0.contains_key(actuation)
    }

    /// Devices that have started in spite of it, so far.
    pub fn escaped(&self, actuation: &ActuationId) -> u32 {
        self.0.get(actuation).map_or(0, |watch| watch.escaped.len() as u32)
    }
}

/// Intents without an outcome when the log was opened: what became of them is not known.
pub fn left_open(room: &Room) -> Vec<Event> {
    let open = room.actuations.values().filter(|actuation| !actuation.state.is_final());
    let reason = "the room ended before the outcome was known";
    open.filter(|actuation| !matches!(actuation.state, ActuationState::Unknown { .. }))
        .map(|actuation| Event::ActuationUnknown { actuation: actuation.id.clone(), reason: reason.into() })
        .collect()
}

/// The controller of a campaign spoke: is it the yes that an actuation waits for? A word that names no request counts
/// only as `news`, a change seen as it happened; what was so before is no answer.
pub fn heard(room: &Room, campaign: &str, state: CampaignState, answers: &str, news: bool) -> Vec<Event> {
    let says_yes = |actuation: &&Actuation| {
        let named = answers == actuation.id.0;
        let wanted = match state {
            CampaignState::RollingBack => actuation.kind == Kind::Rollback,
            CampaignState::Halted | CampaignState::Paused => actuation.kind == Kind::OtaHalt,
            CampaignState::Running => actuation.kind == Kind::Resume,
            CampaignState::Finished => return named,
            CampaignState::Unknown => false,
        };
        wanted && (named || (answers.is_empty() && news))
    };
    let waiting = open(room, campaign).filter(|actuation| actuation.accepted.is_none());
    waiting.filter(says_yes).map(|actuation| Event::ActuationAccepted { actuation: actuation.id.clone() }).collect()
}

fn open<'a>(room: &'a Room, campaign: &'a str) -> impl Iterator<Item = &'a Actuation> {
    room.actuations.values().filter(move |a| a.preview.campaign == campaign && !a.state.is_final())
}

/// A device has started in a campaign.
pub fn started(state: &mut State, campaign: CampaignIx, device: DeviceIx, at: At) {
    let id = state.fleet.campaigns().get(campaign).id.clone();
    // What people ask for after a halt starts devices too, and nothing has escaped then.
    let asked_for = |kind| matches!(kind, Kind::Rollback | Kind::Resume);
    let after = open(&state.room, &id).filter(|a| asked_for(a.kind)).map(|a| a.requested).max();
    for actuation in open(&state.room, &id) {
        let Some(watch) = state.switches.watches.0.get_mut(&actuation.id) else { continue };
        if actuation.kind != Kind::OtaHalt || after.is_some_and(|asked| asked > actuation.requested) {
            continue;
        }
        watch.last_start = Some(at);
        if actuation.accepted.is_some_and(|accepted| at.since_s(accepted) >= GRACE_S) {
            watch.escaped.insert(device);
        }
    }
}

/// Looks, once a second, at everything that is watched.
pub fn tick(state: &mut State, at: At) -> Vec<Event> {
    let of_campaign = |actuation: &&Actuation| !actuation.preview.campaign.is_empty();
    let open = state.room.actuations.values().filter(|actuation| !actuation.state.is_final()).filter(of_campaign);
    let mut events: Vec<Event> = open.clone().filter_map(|actuation| prove(state, actuation, at)).collect();
    let mut told = Vec::new();
    for actuation in open {
        let is_told = state.switches.watches.0.get(&actuation.id).is_none_or(|watch| watch.told_stuck);
        let (devices, count) = if is_told { (Vec::new(), 0) } else { stuck(state, actuation, at, STUCK_S) };
        if count > 0 {
            let actuation = actuation.id.clone();
            told.push(actuation.clone());
            events.push(Event::Switch(SwitchEvent::ActuationWaits { actuation, devices, count }));
        }
    }
    for id in told {
        state.switches.watches.0.entry(id).and_modify(|watch| watch.told_stuck = true);
    }
    events
}

/// Devices that a halt waits for although they have had the time to finish: alive, and in flight. The first few by name,
/// and how many there are.
pub fn waits_for(state: &State, actuation: &Actuation, at: At) -> (Vec<String>, u32) {
    stuck(state, actuation, at, FINISH_S)
}

fn stuck(state: &State, actuation: &Actuation, at: At, after_s: i64) -> (Vec<String>, u32) {
    let waits = actuation.kind == Kind::OtaHalt && !actuation.state.is_final();
    let waits = waits && actuation.accepted.is_some_and(|accepted| at.since_s(accepted) >= after_s);
    let Some(ix) = state.fleet.campaigns().find(&actuation.preview.campaign).filter(|_| waits) else {
        return (Vec::new(), 0);
    };
    let heard: Vec<DeviceIx> = state.fleet.there_in_flight(ix, SILENT_S).collect();
    let names = heard.iter().take(limits::NAMED_DEVICES).map(|device| state.fleet.devices().id(*device).to_owned());
    (names.collect(), heard.len() as u32)
}

/// Whether an actuation has had its effect, has failed to, or has gone unanswered for too long.
fn prove(state: &State, actuation: &Actuation, at: At) -> Option<Event> {
    let Some(accepted) = actuation.accepted else {
        let unanswered = actuation.state == ActuationState::Sent && at.since_s(actuation.requested) >= ANSWER_S;
        let reason = format!("the broker has it, but the campaign's controller has not answered for {ANSWER_S} s");
        return unanswered.then(|| Event::ActuationUnknown { actuation: actuation.id.clone(), reason });
    };
    let watch = state.switches.watches.0.get(&actuation.id)?;
    let listening = state.link.is_up() && at.since_s(state.link.since) >= QUIET_S;
    let quiet = watch.last_start.is_none_or(|start| at.since_s(start) >= QUIET_S) && at.since_s(accepted) >= QUIET_S;
    if !listening || !quiet {
        return None;
    }
    let ix = state.fleet.campaigns().find(&actuation.preview.campaign)?;
    let campaign = state.fleet.campaigns().get(ix);
    let in_flight = state.fleet.in_flight(ix, SILENT_S);
    match actuation.kind {
        Kind::OtaHalt => prove_halt(state, actuation, campaign, watch, in_flight, at.since_s(accepted)),
        Kind::Rollback => prove_rollback(state, actuation, ix, in_flight, at.since_s(accepted)),
        Kind::Resume => prove_resume(actuation, campaign, at.since_s(accepted)),
        _ => None,
    }
}

fn prove_halt(
    state: &State,
    actuation: &Actuation,
    campaign: &Campaign,
    watch: &Watch,
    (heard, silent): (u32, u32),
    since_s: i64,
) -> Option<Event> {
    let stands = campaign.state.starts_nothing() || campaign.state == CampaignState::Unknown;
    if !stands && since_s >= STANDS_S {
        let reason = format!("{} is {} a minute after the yes", campaign.id, campaign.state);
        return Some(Event::ActuationFailed { actuation: actuation.id.clone(), reason });
    }
    if !stands || heard > 0 {
        return None;
    }
    let actuation_id = actuation.id.clone();
    Some(if watch.escaped.is_empty() {
        Event::ActuationEffective {
            actuation: actuation_id,
            in_flight_before: actuation.preview.progress.in_flight(),
            silent,
            rolled_back: 0,
        }
    } else {
        let count = watch.escaped.len() as u32;
        let devices = watch.escaped.iter().take(limits::NAMED_DEVICES);
        let devices = devices.map(|device| state.fleet.devices().id(*device).to_owned()).collect();
        Event::ActuationEscaped { actuation: actuation_id, devices, count }
    })
}

/// A rollout goes on when its controller says so.
fn prove_resume(actuation: &Actuation, campaign: &Campaign, since_s: i64) -> Option<Event> {
    let actuation = actuation.id.clone();
    match campaign.state {
        CampaignState::Running | CampaignState::Finished => {
            Some(Event::ActuationEffective { actuation, in_flight_before: 0, silent: 0, rolled_back: 0 })
        }
        _ if since_s >= STANDS_S => {
            let reason = format!("{} is {} a minute after the yes", campaign.id, campaign.state);
            Some(Event::ActuationFailed { actuation, reason })
        }
        _ => None,
    }
}

fn prove_rollback(
    state: &State,
    actuation: &Actuation,
    ix: CampaignIx,
    (heard, silent): (u32, u32),
    since_s: i64,
) -> Option<Event> {
    let progress = &state.fleet.campaigns().get(ix).progress;
    let rolled_back = progress.rolled_back.saturating_sub(actuation.preview.progress.rolled_back);
    let left = progress.succeeded + heard + silent;
    let actuation_id = actuation.id.clone();
    if left == 0 && rolled_back > 0 {
        return Some(Event::ActuationEffective { actuation: actuation_id, in_flight_before: 0, silent, rolled_back });
    }
    if since_s < ROLLBACK_S {
        return None;
    }
    Some(if rolled_back == 0 {
        let reason = format!("the controller said yes, but in {} min no device has gone back", ROLLBACK_S / 60);
        Event::ActuationFailed { actuation: actuation_id, reason }
    } else {
        let devices = state.fleet.devices_on(ix).take(limits::NAMED_DEVICES);
        let devices = devices.map(|device| state.fleet.devices().id(device).to_owned()).collect();
        Event::ActuationEscaped { actuation: actuation_id, devices, count: left }
    })
}
