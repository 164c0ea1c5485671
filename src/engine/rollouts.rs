//! Rollouts under watch: stop rules that are crossed, and waves that begin when they should not.

use std::collections::{BTreeMap, BTreeSet};

use super::{State, switches};
use crate::detect::rules;
use crate::domain::event::Event;
use crate::domain::input::Proposal;
use crate::domain::rollout::{Comparison, Level, Standing};
use crate::domain::switch::SwitchId;
use crate::domain::time::At;

/// Seconds between two looks: each goes over all devices.
const EVERY_S: i64 = 5;
/// Untested combinations that are named; the rest are counted.
const NAMED: usize = 3;

/// How the rules stand, and what has been said.
#[derive(Debug, Default)]
pub struct Rollouts {
    pub standings: BTreeMap<String, Vec<Standing>>,
    /// What devices measure, wave by wave.
    pub comparisons: BTreeMap<String, Vec<Comparison>>,
    looked: Option<At>,
    crossed: BTreeSet<(String, u16, String)>,
}

/// Looks again where it is time to. Events, and the halts that crossed rules pull where they are armed to.
pub(super) fn tick(state: &mut State, at: At) -> (Vec<Event>, Vec<Proposal>) {
    let looked = state.rollouts.looked;
    if !state.link.is_up() || looked.is_some_and(|looked| at.since_s(looked) < EVERY_S) {
        return (Vec::new(), Vec::new());
    }
    state.rollouts.looked = Some(at);
    let watched: Vec<(String, bool)> = state
        .fleet
        .campaigns()
        .iter()
        .filter(|campaign| campaign.progress.in_flight() + campaign.progress.done() > 0)
        .map(|campaign| (campaign.id.clone(), campaign.is_active()))
        .collect();
    state.rollouts.standings.retain(|id, _| watched.iter().any(|(known, _)| known == id));
    state.rollouts.comparisons.retain(|id, _| watched.iter().any(|(known, _)| known == id));
    let (mut events, mut proposals) = (Vec::new(), Vec::new());
    for (id, is_active) in watched {
        let Some(campaign) = state.fleet.campaigns().find(&id) else { continue };
        // How a rollout stood when it ended stays on the screen; looking on would compare what has been sent back.
        if !is_active && state.rollouts.standings.contains_key(&id) {
            continue;
        }
        let compared = rules::comparisons(&state.fleet, campaign);
        state.rollouts.comparisons.insert(id.clone(), compared);
        let standings = rules::standings(&state.fleet, campaign, &state.settings.rollout);
        let level = state.settings.rollout.level;
        for standing in standings.iter().filter(|standing| standing.crossed && is_active) {
            let news = state.rollouts.crossed.insert((id.clone(), standing.wave, standing.rule.clone()));
            if news && level != Level::Manual {
                events.push(Event::StopRuleCrossed { campaign: id.clone(), standing: standing.clone(), level });
            }
        }
        let stops = standings.iter().any(|standing| standing.crossed);
        state.rollouts.standings.insert(id.clone(), standings);
        if stops && is_active && level == Level::Armed && !is_halting(state, &id) {
            match switches::fire_by_rule(state, at, &id, events.len()) {
                Ok((requested, proposal)) => {
                    events.extend(requested);
                    proposals.push(proposal);
                }
                Err(refusal) => events.extend(refused(state, &id, &refusal.0)),
            }
        }
    }
    (events, proposals)
}

/// Whether a halt of this campaign was pulled and may still work.
fn is_halting(state: &State, campaign: &str) -> bool {
    let halt = SwitchId::ota_halt();
    let pulled = state.room.actuations.values().filter(|pulled| pulled.preview.campaign == campaign);
    pulled.filter(|pulled| pulled.switch == halt).any(|pulled| !pulled.state.is_final() || pulled.is_effective())
}

/// That an armed rule could not pull its switch is said once.
fn refused(state: &mut State, campaign: &str, reason: &str) -> Option<Event> {
    let news = state.rollouts.crossed.insert((campaign.to_owned(), 0, format!("refused: {reason}")));
    news.then(|| Event::RolloutWarned {
        campaign: campaign.to_owned(),
        wave: 0,
        reason: format!("the armed rule could not halt it: {reason}"),
    })
}

/// What speaks against a wave that has just begun.
pub(super) fn warnings(state: &State, campaign: &str, wave: u16, target: &str, at: At) -> Vec<Event> {
    let policy = &state.settings.rollout;
    let mut reasons = Vec::new();
    if let Some(window) = &policy.window {
        reasons.extend(window.objection(at));
        if policy.on_call.as_ref().is_none_or(|name| name.trim().is_empty()) {
            reasons.push("nobody is named to watch it while it soaks (rollout.on_call)".into());
        }
    }
    if let Some(soak_s) = policy.soak_s
        && let Some(campaign) = state.fleet.campaigns().iter().find(|known| known.id == campaign)
    {
        let before = campaign.waves.iter().filter(|known| known.wave < wave).filter_map(|known| known.started).max();
        let soaked_s = before.map(|before| at.since_s(before));
        if let Some(soaked_s) = soaked_s.filter(|s| *s < i64::from(soak_s)) {
            reasons.push(format!("the wave before it has run for {} min of {}", soaked_s / 60, soak_s / 60));
        }
    }
    if !policy.tested.is_empty() {
        let untested = rules::untested(&state.fleet, target, policy);
        if !untested.is_empty() {
            let named: Vec<String> =
                untested.iter().take(NAMED).map(|(what, n)| format!("{what} ({n} devices)")).collect();
            let more = untested.len().saturating_sub(NAMED);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            reasons.push(format!("{target} was never tested with {}{more}", named.join("; ")));
        }
    }
    let warned = |reason| Event::RolloutWarned { campaign: campaign.to_owned(), wave, reason };
    reasons.into_iter().map(warned).collect()
}
