//! Rollouts under watch: stop rules that are crossed, and waves that begin when they should not.

mod stopped;

use std::collections::{BTreeMap, BTreeSet};

use stopped::StoppedCampaigns;

use super::{State, switches};
use crate::detect::rules::{self, Memory, Survey};
use crate::domain::count::counted;
use crate::domain::event::Event;
use crate::domain::input::Effect;
use crate::domain::rollout::{Comparison, Level, Standing};
use crate::domain::switch::{Actuation, SwitchId};
use crate::domain::time::At;
use crate::fleet::campaigns::CampaignIx;

/// Seconds between two looks: each goes over all devices.
const EVERY_S: i64 = 5;
/// Untested combinations that are named; the rest are counted.
const NAMED: usize = 3;

/// How the rules stand, and what could not be done.
#[derive(Debug, Default)]
pub struct Rollouts {
    pub standings: BTreeMap<String, Vec<Standing>>,
    /// What devices measure, wave by wave.
    pub comparisons: BTreeMap<String, Vec<Comparison>>,
    pub stopped: StoppedCampaigns,
    looked: Option<At>,
    memory: Memory,
    /// Campaigns that an armed rule could not halt, with the reasons that have been said.
    refused: BTreeSet<(String, String)>,
}

/// Looks again where it is time to. Events, and the halts that crossed rules pull where they are armed to.
pub(super) fn tick(state: &mut State, at: At) -> (Vec<Event>, Vec<Effect>) {
    let looked = state.rollouts.looked;
    if !state.link.is_up() || looked.is_some_and(|looked| at.since_s(looked) < EVERY_S) {
        return (Vec::new(), Vec::new());
    }
    state.rollouts.looked = Some(at);
    let mut pulled = Vec::new();
    let mut events = state.rollouts.stopped.follow(state.fleet.campaigns());
    let level = state.settings.rollout.level;
    for id in look(state) {
        let crossed = crossed(state, &id);
        if level == Level::Manual || crossed.is_empty() {
            continue;
        }
        events.extend(news(state, &id, &crossed, level));
        if level == Level::Armed && asks_for_halt(state, &id, &crossed, at) {
            match switches::fire_by_rule(state, at, &id, events.len()) {
                Ok((requested, effects)) => {
                    events.extend(requested);
                    pulled.extend(effects);
                }
                Err(refusal) => events.extend(refused(state, &id, &refusal.0)),
            }
        }
    }
    (events, pulled)
}

/// Counts the devices of all campaigns anew. Returns the campaigns that are active.
fn look(state: &mut State) -> Vec<String> {
    let campaigns = state.fleet.campaigns().iter().enumerate();
    let begun = campaigns.filter(|(_, campaign)| campaign.counted().started() > 0);
    let begun: Vec<_> =
        begun.map(|(n, campaign)| (CampaignIx(n as u8), campaign.id.clone(), campaign.is_active())).collect();
    let is_known = |id: &String| begun.iter().any(|(_, known, _)| known == id);
    let Rollouts { standings, comparisons, memory, refused, .. } = &mut state.rollouts;
    // What comes after its end under the same name is another rollout.
    let goes_on = |id: &String| begun.iter().any(|(_, known, active)| known == id && *active);
    refused.retain(|(id, _)| goes_on(id));
    standings.retain(|id, _| is_known(id));
    comparisons.retain(|id, _| is_known(id));
    memory.retain(is_known);
    // How a rollout stood when it ended stays on the screen; looking on would compare what has been sent back.
    let looked_at: Vec<_> =
        begun.into_iter().filter(|(_, id, is_active)| *is_active || !standings.contains_key(id)).collect();
    if !looked_at.is_empty() {
        let survey = Survey::take(&state.fleet, &state.settings.rollout, memory);
        for (campaign, id, _) in &looked_at {
            let policy = &state.settings.rollout;
            let mut heard = survey.standings((*campaign, id), policy, memory);
            let told = rules::by_the_controller(state.fleet.campaigns().get(*campaign), policy);
            told.for_each(|told| take_told(&mut heard, told));
            standings.insert(id.clone(), heard);
            comparisons.insert(id.clone(), survey.comparisons(&state.fleet, *campaign));
        }
    }
    looked_at.into_iter().filter(|(.., is_active)| *is_active).map(|(_, id, _)| id).collect()
}

/// Takes how a rule stands by the controller's count, where devices have not shown that it is crossed.
fn take_told(heard: &mut Vec<Standing>, told: Standing) {
    match heard.iter_mut().find(|heard| (heard.wave, &heard.rule) == (told.wave, &told.rule)) {
        None => heard.push(told),
        Some(heard) if told.crossed && !heard.crossed => *heard = Standing { others: heard.others, ..told },
        Some(_) => {}
    }
}

fn crossed(state: &State, campaign: &str) -> Vec<Standing> {
    let standings = state.rollouts.standings.get(campaign).into_iter().flatten();
    standings.filter(|standing| standing.crossed).cloned().collect()
}

/// What is crossed and was not told before.
fn news(state: &State, campaign: &str, crossed: &[Standing], level: Level) -> Vec<Event> {
    let mut news: Vec<&Standing> = Vec::new();
    for standing in crossed.iter().filter(|standing| state.room.crossings.since(campaign, standing).is_none()) {
        // Two rules of one name are one piece of news.
        if !news.iter().any(|told| (told.wave, &told.rule) == (standing.wave, &standing.rule)) {
            news.push(standing);
        }
    }
    let told = |standing: &Standing| Event::StopRuleCrossed {
        campaign: campaign.to_owned(),
        standing: standing.clone(),
        level,
    };
    news.into_iter().map(told).collect()
}

/// Whether a rule was crossed after the last halt of this campaign: each crossing pulls it once. What became of it is for
/// people to see; a halt that is on its way is not sent again.
fn asks_for_halt(state: &State, campaign: &str, crossed: &[Standing], at: At) -> bool {
    let halt = SwitchId::ota_halt();
    let is_halt = |pulled: &&Actuation| pulled.switch == halt && pulled.preview.campaign == campaign;
    let mut halts = state.room.actuations.values().filter(is_halt);
    halts.all(|pulled| {
        let is_older = |standing| state.room.crossings.since(campaign, standing).unwrap_or(at) > pulled.requested;
        pulled.state.is_final() && crossed.iter().any(is_older)
    })
}

/// That an armed rule could not pull its switch is said once for each reason.
fn refused(state: &mut State, campaign: &str, reason: &str) -> Option<Event> {
    // What follows the reason is the call by hand, and that is another one each time.
    let cause = reason.split(';').next().unwrap_or(reason);
    let news = state.rollouts.refused.insert((campaign.to_owned(), cause.to_owned()));
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
                untested.iter().take(NAMED).map(|(what, n)| format!("{what} ({})", counted(*n, "device"))).collect();
            let more = untested.len().saturating_sub(NAMED);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            reasons.push(format!("{target} was never tested with {}{more}", named.join("; ")));
        }
    }
    let warned = |reason| Event::RolloutWarned { campaign: campaign.to_owned(), wave, reason };
    reasons.into_iter().map(warned).collect()
}
