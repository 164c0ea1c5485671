//! Switches: arming, firing, and watching until the effect is proven.
//!
//! Nothing is sent from here. Firing makes the intent an event and a [`Proposal`] an effect; the gate before the
//! actuators looks at everything again. What comes of it is for [`proof`] to say.

pub mod proof;

use proof::Watches;

use super::State;
use crate::domain::campaign::{CampaignState, Progress};
use crate::domain::command::{Confirmation, Refusal, SwitchCommand};
use crate::domain::event::Event;
use crate::domain::ids::{Actor, ActuationId, Seq};
use crate::domain::input::{LogHealth, Proposal};
use crate::domain::switch::{Call, Preview, SwitchId};
use crate::domain::time::At;
use crate::fleet::campaigns::Campaign;
use crate::limits;

/// Why no switch is pulled in a replay.
pub const REPLAY: &str = "this is a replay: there is nobody to halt, and nothing is ever sent";

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

/// What is armed and what is watched. Not on the record: after a restart nothing is armed, and nothing can be proven of
/// what an earlier process fired.
#[derive(Debug, Default)]
pub struct Switches {
    pub arming: Option<Arming>,
    armings: u64,
    pub(super) watches: Watches,
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
    let meaning = meaning(&switch).ok_or_else(|| Refusal::new(format!("there is no switch {switch}")))?;
    let campaign = choose(state, &switch, campaign)?;
    let preview = preview(state, &meaning, campaign)?;
    let gate = if meaning.one_key { Gate::OneKey } else { Gate::Typed(preview.campaign.clone()) };
    let mut events = disarm(state, "another switch was armed");
    state.switches.armings += 1;
    events.push(Event::SwitchArmed { switch: switch.clone(), campaign: preview.campaign.clone() });
    let expires = at.plus_ms(limits::ARMED_MS * state.settings.pace);
    state.switches.arming =
        Some(Arming { id: state.switches.armings, switch, by: by.clone(), at, expires, preview, gate });
    Ok(events)
}

/// Whether a switch makes sense for a campaign.
pub fn fits(switch: &SwitchId, state: CampaignState, progress: &Progress, active: bool) -> bool {
    if *switch == SwitchId::ota_halt() {
        // A pause ends by itself; only a halt stays.
        active || state == CampaignState::Paused || progress.in_flight() > 0
    } else {
        progress.succeeded + progress.failed + progress.in_flight() > 0
    }
}

/// The campaign asked for, or the one that is meant: to halt, the one that runs and has most devices that can still turn
/// bad; to roll back, the one that was halted last.
fn choose<'a>(state: &'a State, switch: &SwitchId, id: Option<String>) -> Result<&'a Campaign, Refusal> {
    let campaigns = state.fleet.campaigns();
    if let Some(id) = id {
        let campaign = campaigns.iter().find(|campaign| campaign.id == id);
        let campaign =
            campaign.ok_or_else(|| Refusal::new(format!("no campaign {id} has been seen on this broker")))?;
        return if fits(switch, campaign.state, &campaign.progress, campaign.is_active()) {
            Ok(campaign)
        } else {
            Err(Refusal::new(format!("{id} is {}, and nothing is in flight", campaign.state)))
        };
    }
    let halting = *switch == SwitchId::ota_halt();
    let pulled = |campaign: &Campaign| {
        let pulled = state.room.actuations.values().filter(|pulled| pulled.preview.campaign == campaign.id);
        pulled.map(|pulled| pulled.requested).max().filter(|_| !halting)
    };
    campaigns
        .iter()
        .filter(|c| fits(switch, c.state, &c.progress, c.is_active()))
        .max_by_key(|c| (pulled(c), c.is_active(), c.progress.in_flight(), c.queued(), c.heard))
        .ok_or_else(|| {
            Refusal::new(if campaigns.iter().next().is_none() {
                "no campaign has been seen on this broker, so there is nothing to act on"
            } else if halting {
                "no campaign is running and nothing is in flight, so there is nothing to halt"
            } else {
                "no campaign has updated a device, so there is nothing to roll back"
            })
        })
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
    // A name that was cut or made visible on its way in carries one of our own marks.
    let is_marked = campaign.contains(['<', '^', '…']) || campaign.starts_with("(blank") || campaign == "(empty)";
    if campaign.is_empty() || is_marked || campaign.contains(['+', '#', '/']) {
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

/// Takes back what was not confirmed in time.
pub(super) fn expire(state: &mut State, at: At) -> Vec<Event> {
    let expired = state.switches.arming.as_ref().is_some_and(|arming| arming.expires <= at);
    if expired { disarm(state, "not confirmed in time") } else { Vec::new() }
}

/// Pulls the armed switch: the intent as an event, and the proposal that follows it once it is on disk.
fn fire(state: &mut State, at: At, by: &Actor, confirmation: &Confirmation) -> Result<(Vec<Event>, Proposal), Refusal> {
    let arming = state.switches.arming.clone().filter(|arming| arming.id == confirmation.arming && arming.expires > at);
    let arming = arming.ok_or_else(|| Refusal::new("nothing is armed any more; arm the switch again"))?;
    if arming.by != *by {
        return Err(Refusal::new(format!("{} armed this switch; arm it yourself", arming.by)));
    }
    if at.since_ms(arming.at) < limits::ARMING_GUARD_MS * state.settings.pace {
        return Err(Refusal::new("that was too quick to be a decision; look, then confirm"));
    }
    if let Gate::Typed(asked) = &arming.gate
        && confirmation.typed != *asked
    {
        return Err(Refusal::new(format!("type `{asked}` to confirm")));
    }
    state.switches.arming = None;
    pull(state, at, arming.clone(), confirmation.typed.clone(), 0).inspect_err(|_| {
        // What was refused may be confirmed again.
        state.switches.arming = Some(arming);
    })
}

/// Pulls the halt of a campaign because a rule that people armed in advance was crossed. `after` events of the same moment
/// go before it.
pub(super) fn fire_by_rule(
    state: &mut State,
    at: At,
    campaign: &str,
    after: usize,
) -> Result<(Vec<Event>, Proposal), Refusal> {
    if state.replay.is_some() {
        return Err(Refusal::new(REPLAY));
    }
    if state.settings.read_only {
        return Err(Refusal::new("this room is read-only"));
    }
    let switch = SwitchId::ota_halt();
    let meaning = meaning(&switch).ok_or_else(|| Refusal::new("the switch is gone"))?;
    let preview = preview(state, &meaning, choose(state, &switch, Some(campaign.to_owned()))?)?;
    state.switches.armings += 1;
    let (id, by) = (state.switches.armings, Actor::Engine);
    // Whoever armed the rule had all the time to look.
    let armed = at.plus_ms(-limits::ARMING_GUARD_MS * state.settings.pace);
    let arming = Arming { id, switch, by, at: armed, expires: at.plus_s(1), preview, gate: Gate::OneKey };
    pull(state, at, arming, String::new(), after)
}

/// The intent of an arming as an event, and the proposal that follows it.
fn pull(
    state: &mut State,
    at: At,
    arming: Arming,
    typed: String,
    after: usize,
) -> Result<(Vec<Event>, Proposal), Refusal> {
    let meaning = meaning(&arming.switch).ok_or_else(|| Refusal::new("the switch is gone"))?;
    let intent = Seq(state.room.last.0 + 1 + after as u64);
    let id = ActuationId(format!("{}-{}", state.settings.log_id, intent.0));
    let call = call(state, &meaning, &arming.preview.campaign, &id)?;
    if let LogHealth::Unsafe { reason } = &state.log {
        return Err(Refusal::new(format!(
            "the log cannot be written ({reason}), and no switch fires unlogged; by hand: {}",
            by_hand(&call, &state.settings.shell_options)
        )));
    }
    if !state.link.is_up() {
        return Err(Refusal::new(format!(
            "not connected to the broker, so nothing would be sent; by hand: {}",
            by_hand(&call, &state.settings.shell_options)
        )));
    }
    state.switches.watches.begin(id.clone());
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
        typed,
        intent,
        pace: state.settings.pace,
    };
    Ok((vec![requested], proposal))
}

/// The same call for a shell, for when this tool is what is broken; `options` say how the broker is reached.
pub fn by_hand(call: &Call, options: &str) -> String {
    let retain = if call.retain { " -r" } else { "" };
    format!("mosquitto_pub{options} -q 1{retain} -t {} -m {}", quoted(&call.topic), quoted(&call.payload))
}

/// A word that a shell takes as it stands: names come from devices, and are pasted by people in a hurry.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
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
