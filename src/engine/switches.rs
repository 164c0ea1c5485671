//! Switches: arming, firing, and watching until the effect is proven.
//!
//! Nothing is sent from here. Firing makes the intent an event and a [`Proposal`] an effect; the gate before the
//! actuators looks at everything again. What the broker or the controller says is never the proof: a halt is
//! effective when no device starts any more and none is in flight.

use std::collections::{BTreeMap, BTreeSet};

use super::State;
use super::room::Room;
use crate::domain::campaign::{CampaignState, Progress};
use crate::domain::command::{Confirmation, Refusal, SwitchCommand};
use crate::domain::event::Event;
use crate::domain::ids::{Actor, ActuationId, Seq};
use crate::domain::input::{LogHealth, Outcome, Proposal};
use crate::domain::switch::{Actuation, ActuationState, Call, Preview, SwitchId};
use crate::domain::time::At;
use crate::fleet::Fleet;
use crate::fleet::campaigns::Campaign;
use crate::limits;

/// Seconds the controller has to answer before the outcome counts as unknown. It may still answer later.
const ANSWER_S: i64 = 60;
/// Seconds after the controller's yes in which a device that starts was on its way already.
const GRACE_S: i64 = 2;
/// Seconds without a start that show that none comes any more.
const QUIET_S: i64 = 3;
/// Seconds after which a silent device in flight is not waited for; it is counted as silent.
pub(super) const SILENT_S: u32 = 300;
/// Seconds a rollback may take until what has not rolled back counts as escaped.
const ROLLBACK_S: i64 = 900;

/// What has to be given beside the confirming key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Nothing: what makes the fleet safer must be quick.
    OneKey,
    /// This text, typed.
    Typed(String),
}

/// A switch that is armed: looked at, and not pulled yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arming {
    pub id: u64,
    pub switch: SwitchId,
    pub by: Actor,
    pub at: At,
    pub expires: At,
    pub preview: Preview,
    pub gate: Gate,
}

/// An actuation that is being watched.
#[derive(Clone, Debug, Default)]
struct Watch {
    last_start: Option<At>,
    escaped: BTreeSet<String>,
    escaped_count: u32,
}

/// What is armed and what is watched. Not on the record: after a restart nothing is armed, and watching begins anew.
#[derive(Debug, Default)]
pub struct Switches {
    pub arming: Option<Arming>,
    armings: u64,
    watches: BTreeMap<ActuationId, Watch>,
}

impl Switches {
    /// Devices of an actuation that have started in spite of it, so far.
    pub fn escaped(&self, actuation: &ActuationId) -> u32 {
        self.watches.get(actuation).map_or(0, |watch| watch.escaped_count)
    }
}

/// What a switch sends, and how it is watched.
struct Meaning {
    action: &'static str,
    one_key: bool,
}

fn meaning(switch: &SwitchId) -> Option<Meaning> {
    Some(match switch.0.as_str() {
        "ota-halt" => Meaning { action: "halt", one_key: true },
        "rollback" => Meaning { action: "rollback", one_key: false },
        _ => return None,
    })
}

/// Decides a command about a switch: events, and what is to be pulled once they are on disk.
pub(super) fn decide(
    state: &mut State,
    at: At,
    by: &Actor,
    command: SwitchCommand,
) -> Result<(Vec<Event>, Option<Proposal>), Refusal> {
    let alone = |events| (events, None);
    match command {
        SwitchCommand::Arm { switch, campaign } => arm(state, at, by, switch, campaign).map(alone),
        SwitchCommand::Disarm { reason } => Ok(alone(disarm(state, &reason))),
        SwitchCommand::Fire(confirmation) => {
            fire(state, at, by, &confirmation).map(|(events, proposal)| (events, Some(proposal)))
        }
        SwitchCommand::Close { actuation, reason } => close(state, &actuation, &reason).map(alone),
    }
}

/// Arms a switch for a campaign, or for the one that needs it most.
fn arm(
    state: &mut State,
    at: At,
    by: &Actor,
    switch: SwitchId,
    campaign: Option<String>,
) -> Result<Vec<Event>, Refusal> {
    if state.settings.read_only {
        return Err(Refusal::new("this room is read-only; switches are not bound here"));
    }
    let meaning = meaning(&switch).ok_or_else(|| Refusal::new(format!("there is no switch {switch}")))?;
    let campaign = choose(&state.fleet, &switch, campaign)?;
    let preview = preview(state, &meaning, campaign)?;
    let gate = if meaning.one_key { Gate::OneKey } else { Gate::Typed(preview.campaign.clone()) };
    let mut events = disarm(state, "another switch was armed");
    state.switches.armings += 1;
    events.push(Event::SwitchArmed { switch: switch.clone(), campaign: preview.campaign.clone() });
    let expires = at.plus_ms(limits::ARMED_MS);
    state.switches.arming =
        Some(Arming { id: state.switches.armings, switch, by: by.clone(), at, expires, preview, gate });
    Ok(events)
}

/// The campaign asked for, or the one with the most devices that can still turn bad.
fn choose<'a>(fleet: &'a Fleet, switch: &SwitchId, id: Option<String>) -> Result<&'a Campaign, Refusal> {
    let halting = *switch == SwitchId::ota_halt();
    let campaign = match id {
        Some(id) => fleet
            .campaigns()
            .iter()
            .find(|c| c.id == id)
            .ok_or_else(|| Refusal::new(format!("no campaign {id} has been seen on this broker")))?,
        None => fleet
            .campaigns()
            .iter()
            .filter(|c| if halting { c.is_active() } else { c.progress.done() > 0 })
            .max_by_key(|c| (c.progress.in_flight(), c.queued(), c.heard))
            .ok_or_else(|| {
                Refusal::new(if fleet.campaigns().iter().next().is_none() {
                    "no campaign has been seen on this broker, so there is nothing to act on"
                } else if halting {
                    "no campaign is running, so there is nothing to halt"
                } else {
                    "no campaign has updated a device, so there is nothing to roll back"
                })
            })?,
    };
    if halting && campaign.state.starts_nothing() && campaign.progress.in_flight() == 0 {
        return Err(Refusal::new(format!("{} is {} already, and nothing is in flight", campaign.id, campaign.state)));
    }
    Ok(campaign)
}

fn preview(state: &State, meaning: &Meaning, campaign: &Campaign) -> Result<Preview, Refusal> {
    let call = call(state, meaning, &campaign.id, &ActuationId("…".into()))?;
    Ok(Preview {
        campaign: campaign.id.clone(),
        target: campaign.target.clone(),
        wave: campaign.wave,
        progress: Progress { queued: campaign.queued(), ..campaign.progress },
        call: format!("publish {} retained {}", call.topic, call.payload),
    })
}

fn call(state: &State, meaning: &Meaning, campaign: &str, id: &ActuationId) -> Result<Call, Refusal> {
    // A name that would reach other topics, or that is not what the controller calls it, is not acted on.
    if campaign.is_empty() || campaign.contains(['+', '#', '/', '<', '^']) {
        return Err(Refusal::new(format!("`{campaign}` cannot be part of a topic, so nothing can be sent to it")));
    }
    let payload = serde_json::json!({ "action": meaning.action, "request_id": id.0 });
    let topic = state.settings.control_topic.replace("{campaign}", campaign);
    Ok(Call { topic, payload: payload.to_string(), retain: true })
}

/// Takes back an arming, if there is one.
pub(super) fn disarm(state: &mut State, reason: &str) -> Vec<Event> {
    let Some(arming) = state.switches.arming.take() else { return Vec::new() };
    let reason = reason.to_owned();
    vec![Event::SwitchDisarmed { switch: arming.switch, campaign: arming.preview.campaign, reason }]
}

/// Pulls the armed switch: the intent as an event, and the proposal that follows it once it is on disk.
fn fire(state: &mut State, at: At, by: &Actor, confirmation: &Confirmation) -> Result<(Vec<Event>, Proposal), Refusal> {
    let arming = state.switches.arming.clone().filter(|arming| arming.id == confirmation.arming && arming.expires > at);
    let arming = arming.ok_or_else(|| Refusal::new("nothing is armed any more; arm the switch again"))?;
    if arming.by != *by {
        return Err(Refusal::new(format!("{} armed this switch; arm it yourself", arming.by)));
    }
    if at.since_ms(arming.at) < limits::ARMING_GUARD_MS {
        return Err(Refusal::new("that was too quick to be a decision; look, then confirm"));
    }
    if let Gate::Typed(asked) = &arming.gate
        && confirmation.typed != *asked
    {
        return Err(Refusal::new(format!("type `{asked}` to confirm")));
    }
    let meaning = meaning(&arming.switch).ok_or_else(|| Refusal::new("the switch is gone"))?;
    let intent = Seq(state.room.last.0 + 1);
    let id = ActuationId(format!("{}-{}", state.settings.log_id, intent.0));
    let call = call(state, &meaning, &arming.preview.campaign, &id)?;
    if let LogHealth::Unsafe { reason } = &state.log {
        return Err(Refusal::new(format!(
            "the log cannot be written ({reason}), and no switch fires unlogged; by hand: {}",
            by_hand(&call)
        )));
    }
    if !state.link.is_up() {
        return Err(Refusal::new(format!(
            "not connected to the broker, so nothing would be sent; by hand: {}",
            by_hand(&call)
        )));
    }
    state.switches.arming = None;
    state.switches.watches.insert(id.clone(), Watch::default());
    let incident = state.room.open_incidents().next_back().map(|incident| incident.id);
    let requested = Event::ActuationRequested {
        actuation: id.clone(),
        switch: arming.switch.clone(),
        incident,
        preview: arming.preview,
        call: call.clone(),
    };
    let asked = match arming.gate {
        Gate::OneKey => None,
        Gate::Typed(asked) => Some(asked),
    };
    let proposal = Proposal {
        actuation: id,
        switch: arming.switch,
        call,
        armed: arming.at,
        confirmed: at,
        asked,
        typed: confirmation.typed.clone(),
        intent,
    };
    Ok((vec![requested], proposal))
}

/// The same call for a shell, for when this tool is what is broken.
pub fn by_hand(call: &Call) -> String {
    let retain = if call.retain { " -r" } else { "" };
    format!("mosquitto_pub -q 1{retain} -t '{}' -m '{}'", call.topic, call.payload)
}

/// Ends an actuation whose outcome will never be known.
fn close(state: &State, id: &ActuationId, reason: &str) -> Result<Vec<Event>, Refusal> {
    let Some(actuation) = state.room.actuations.get(id) else {
        return Err(Refusal::new(format!("there is no actuation {id}")));
    };
    if actuation.state.is_final() {
        return Err(Refusal::new(format!("{id} has ended: {}", actuation.state.words())));
    }
    if reason.trim().is_empty() {
        return Err(Refusal::new("closing an actuation needs a reason"));
    }
    let reason = format!("closed by hand: {}", crate::domain::text::visible(reason.trim()));
    Ok(vec![Event::ActuationFailed { actuation: id.clone(), reason }])
}

/// What an actuator reports.
pub(super) fn outcome(room: &Room, actuation: ActuationId, outcome: Outcome) -> Option<Event> {
    let known = room.actuations.get(&actuation)?;
    if known.state != ActuationState::Requested {
        return None;
    }
    Some(match outcome {
        Outcome::Sent => Event::ActuationSent { actuation },
        Outcome::NotSent { reason } => Event::ActuationFailed { actuation, reason },
        Outcome::Unknown { reason } => Event::ActuationUnknown { actuation, reason },
    })
}

/// Intents without an outcome when the log was opened: what became of them is not known.
pub(super) fn left_open(room: &Room) -> Vec<Event> {
    let open = room.actuations.values().filter(|actuation| !actuation.state.is_final());
    let reason = "the room ended before the outcome was known";
    open.filter(|actuation| !matches!(actuation.state, ActuationState::Unknown { .. }))
        .map(|actuation| Event::ActuationUnknown { actuation: actuation.id.clone(), reason: reason.into() })
        .collect()
}

/// The controller of a campaign spoke: is it the yes that an actuation waits for?
pub(super) fn heard(room: &Room, campaign: &str, state: CampaignState, answers: &str) -> Vec<Event> {
    let waiting = open(room, campaign).filter(|actuation| actuation.accepted.is_none());
    waiting
        .filter(|actuation| answers.is_empty() || answers == actuation.id.0)
        .filter(|actuation| match actuation.switch.0.as_str() {
            "rollback" => matches!(state, CampaignState::RollingBack | CampaignState::Finished),
            _ => state.starts_nothing(),
        })
        .map(|actuation| Event::ActuationAccepted { actuation: actuation.id.clone() })
        .collect()
}

fn open<'a>(room: &'a Room, campaign: &'a str) -> impl Iterator<Item = &'a Actuation> {
    room.actuations.values().filter(move |a| a.preview.campaign == campaign && !a.state.is_final())
}

/// A device has started in a campaign.
pub(super) fn started(state: &mut State, campaign: &str, device: &str, at: At) {
    for actuation in open(&state.room, campaign) {
        let watch = state.switches.watches.entry(actuation.id.clone()).or_default();
        watch.last_start = Some(at);
        let told = actuation.accepted.is_some_and(|accepted| at.since_s(accepted) >= GRACE_S);
        if told && actuation.switch == SwitchId::ota_halt() && !watch.escaped.contains(device) {
            watch.escaped_count += 1;
            if watch.escaped.len() < limits::NAMED_DEVICES {
                watch.escaped.insert(device.to_owned());
            }
        }
    }
}

/// Looks, once a second, at everything that is armed or watched.
pub(super) fn tick(state: &mut State, at: At) -> Vec<Event> {
    let mut events = Vec::new();
    if state.switches.arming.as_ref().is_some_and(|arming| arming.expires <= at) {
        events.extend(disarm(state, "not confirmed in time"));
    }
    let open: Vec<&Actuation> =
        state.room.actuations.values().filter(|actuation| !actuation.state.is_final()).collect();
    for actuation in open {
        events.extend(prove(state, actuation, at));
    }
    events
}

/// Whether an actuation has had its effect, has failed to, or has gone unanswered for too long.
fn prove(state: &State, actuation: &Actuation, at: At) -> Option<Event> {
    let id = actuation.id.clone();
    let campaigns = state.fleet.campaigns();
    let ix = campaigns.find(&actuation.preview.campaign);
    let stopped = ix.is_some_and(|ix| campaigns.get(ix).state.starts_nothing());
    let Some(since) = actuation.accepted.or(stopped.then_some(actuation.requested)) else {
        let unanswered = actuation.state == ActuationState::Sent && at.since_s(actuation.requested) >= ANSWER_S;
        let reason = format!("the broker has it, but the campaign's controller has not answered for {ANSWER_S} s");
        return unanswered.then_some(Event::ActuationUnknown { actuation: id, reason });
    };
    let ix = ix?;
    let watch = state.switches.watches.get(&id).cloned().unwrap_or_default();
    let quiet = watch.last_start.is_none_or(|start| at.since_s(start) >= QUIET_S) && at.since_s(since) >= QUIET_S;
    let (in_flight, _) = state.fleet.in_flight(ix, SILENT_S);
    let progress = campaigns.get(ix).progress;
    let (left, proven) = match actuation.switch.0.as_str() {
        "rollback" => (progress.succeeded, progress.succeeded + in_flight == 0),
        _ => (watch.escaped_count, in_flight == 0),
    };
    let overdue = actuation.switch.0 == "rollback" && at.since_s(since) >= ROLLBACK_S;
    if !quiet || !(proven || overdue) {
        return None;
    }
    Some(if left > 0 {
        Event::ActuationEscaped { actuation: id, devices: watch.escaped.into_iter().collect(), count: left }
    } else {
        Event::ActuationEffective { actuation: id, in_flight_before: actuation.preview.progress.in_flight() }
    })
}
