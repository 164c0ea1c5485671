//! The aim: which campaign or which devices a switch would act on, and what that would take.

use std::collections::HashSet;
use std::sync::Arc;

use super::known;
use crate::domain::campaign::{CampaignState, Progress};
use crate::domain::command::Refusal;
use crate::domain::ids::ActuationId;
use crate::domain::lens::{Condition, Filter};
use crate::domain::site;
use crate::domain::switch::actuation::DevicesPreview;
use crate::domain::switch::plan::{Kind, Switch, Takes, Template};
use crate::domain::switch::template::Values;
use crate::domain::switch::waves::Plan;
use crate::domain::switch::{Call, Preview, Scope};
use crate::engine::State;
use crate::fleet::attributes::ValueIx;
use crate::fleet::campaigns::Campaign;
use crate::fleet::devices::{DeviceIx, Flag};
use crate::fleet::filter::Sieve;
use crate::limits;

/// Names shown of many.
const SAMPLE: usize = 5;
/// Bytes that a message costs beside topic and payload: headers of MQTT, TCP and IP, and the acknowledgement.
const OVERHEAD: u64 = 120;

/// What a switch is aimed at.
#[derive(Clone, Debug, PartialEq)]
pub struct Aim {
    pub scope: Scope,
    /// The scope in words.
    pub chosen: String,
    /// The devices, by name, in the order in which they are asked. Empty where it is about a campaign.
    pub targets: Arc<[String]>,
    pub parameters: Values,
}

/// Whether a switch makes sense for a campaign.
pub fn fits(kind: Kind, state: CampaignState, progress: &Progress, active: bool) -> bool {
    match kind {
        // A pause ends by itself; only a halt stays.
        Kind::OtaHalt => active || state == CampaignState::Paused || progress.in_flight() > 0,
        Kind::Resume => matches!(state, CampaignState::Halted | CampaignState::Paused),
        _ => progress.succeeded > 0 || progress.failed > 0 || progress.in_flight() > 0,
    }
}

/// Finds what a scope means just now.
pub(super) fn aim(state: &State, switch: &Switch, scope: Scope, parameters: Values) -> Result<Aim, Refusal> {
    match switch.takes {
        Takes::Campaign => {
            let Scope::Campaign(asked) = scope else {
                return Err(Refusal::new(format!("{} acts on a campaign, not on devices", switch.label)));
            };
            let campaign = choose(state, switch.kind, asked)?;
            let chosen = campaign.id.clone();
            Ok(Aim { scope: Scope::Campaign(Some(chosen.clone())), chosen, targets: Arc::default(), parameters })
        }
        Takes::Devices => {
            if matches!(scope, Scope::Campaign(_)) {
                return Err(Refusal::new(format!(
                    "{} acts on devices: point at a cohort, set a filter, or mark some",
                    switch.label
                )));
            }
            let (chosen, targets) = devices(state, &scope)?;
            check(state, &targets)?;
            Ok(Aim { scope, chosen, targets: targets.into(), parameters })
        }
    }
}

/// Whether the same scope means nearly the same devices as when it was looked at.
pub(super) fn still_fits(state: &State, switch: &Switch, aim: &Aim) -> Result<Aim, Refusal> {
    let now = self::aim(state, switch, aim.scope.clone(), aim.parameters.clone())?;
    let before: HashSet<&String> = aim.targets.iter().collect();
    let after: HashSet<&String> = now.targets.iter().collect();
    let changed = before.symmetric_difference(&after).count();
    if changed * 100 > before.len() {
        return Err(Refusal::new(format!(
            "the targets have changed since they were looked at: {} then, {} now, {changed} different; look again",
            before.len(),
            after.len()
        )));
    }
    // They are asked in the order that was looked at; whoever is new comes last.
    let stayed = aim.targets.iter().filter(|target| after.contains(target));
    let new = now.targets.iter().filter(|target| !before.contains(target));
    let targets = stayed.chain(new).cloned().collect();
    Ok(Aim { targets, ..now })
}

/// The same targets in an order in which the first few are like the rest: connected ones first, so that something is
/// heard of them, and by chance, but the same chance each time.
pub(super) fn spread(state: &State, aim: Aim) -> Aim {
    let mut targets = aim.targets.to_vec();
    targets.sort_by_cached_key(|name| {
        let known = state.fleet.devices().find(name).map(|ix| state.fleet.devices().get(ix));
        let is_online = known.is_some_and(|device| device.has(Flag::Online));
        (!is_online, scattered(name))
    });
    Aim { targets: targets.into(), ..aim }
}

/// A number that looks like chance, always the same for a name (FNV-1a, and a last stir).
fn scattered(name: &str) -> u64 {
    let hash = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// The campaign asked for, or the one that is meant: to halt, the one that runs and has most devices that can still turn
/// bad; otherwise the one on which a switch was pulled last.
fn choose(state: &State, kind: Kind, id: Option<String>) -> Result<&Campaign, Refusal> {
    let campaigns = state.fleet.campaigns();
    if let Some(id) = id {
        let campaign = campaigns.iter().find(|campaign| campaign.id == id);
        let campaign =
            campaign.ok_or_else(|| Refusal::new(format!("no campaign {id} has been seen on this broker")))?;
        return if fits(kind, campaign.state, &campaign.progress, campaign.is_active()) {
            Ok(campaign)
        } else if kind == Kind::Resume {
            Err(Refusal::new(format!("{id} is {}, so there is nothing to resume", campaign.state)))
        } else {
            Err(Refusal::new(format!("{id} is {}, and nothing is in flight", campaign.state)))
        };
    }
    let halting = kind == Kind::OtaHalt;
    let pulled = |campaign: &Campaign| {
        let pulled = state.room.actuations.values().filter(|pulled| pulled.preview.campaign == campaign.id);
        pulled.map(|pulled| pulled.requested).max().filter(|_| !halting)
    };
    campaigns
        .iter()
        .filter(|c| fits(kind, c.state, &c.progress, c.is_active()))
        .max_by_key(|c| (pulled(c), c.is_active(), c.progress.in_flight(), c.counted().queued, c.heard))
        .ok_or_else(|| {
            Refusal::new(if campaigns.iter().next().is_none() {
                "no campaign has been seen on this broker, so there is nothing to act on"
            } else if halting {
                "no campaign is running and nothing is in flight, so there is nothing to halt"
            } else if kind == Kind::Resume {
                "no campaign is halted, so there is nothing to resume"
            } else {
                "no campaign has updated a device, so there is nothing to roll back"
            })
        })
}

/// The devices of a scope, in words and by name.
fn devices(state: &State, scope: &Scope) -> Result<(String, Vec<String>), Refusal> {
    let fleet = &state.fleet;
    let by = |filter: &Filter| -> Vec<String> {
        let sieve = Sieve::new(filter, fleet);
        let passing = fleet.devices().iter().filter(|(ix, device)| sieve.passes(fleet, *ix, device));
        passing.map(|(ix, _)| fleet.devices().id(ix).to_owned()).collect()
    };
    match scope {
        Scope::Campaign(_) => Ok((String::new(), Vec::new())),
        Scope::Cohort(cohort) => {
            for (attribute, value) in &cohort.0 {
                let known = fleet.schema().find(attribute).and_then(|ix| fleet.dictionary(ix).find(value));
                known.ok_or_else(|| Refusal::new(format!("no device with {attribute} {value} is known")))?;
            }
            let condition = |(attribute, value): (&String, &String)| Condition::Attribute {
                attribute: attribute.clone(),
                value: value.clone(),
                negated: false,
            };
            let filter = Filter { conditions: cohort.0.iter().map(condition).collect() };
            Ok((cohort.sentence(), by(&filter)))
        }
        Scope::Filter(filter) => Ok((format!("filter {filter}"), by(filter))),
        Scope::Devices(names) => {
            let mut known = HashSet::new();
            let names: Vec<String> = names.iter().filter(|name| known.insert(name.as_str())).cloned().collect();
            Ok((format!("a list of {}", names.len()), names))
        }
    }
}

/// Refuses a list that nobody can have meant.
fn check(state: &State, targets: &[String]) -> Result<(), Refusal> {
    if targets.is_empty() {
        return Err(Refusal::new("that is no device at all, so there is nothing to act on"));
    }
    if targets.len() > limits::TARGETS {
        return Err(Refusal::new(format!(
            "{} devices are more than one actuation takes ({}); point at fewer",
            targets.len(),
            limits::TARGETS
        )));
    }
    let is_own = |target: &&String| {
        let (_, name) = parted(state, target).unwrap_or(("", target));
        state.settings.own_names.iter().any(|own| own == *target || own == name)
    };
    if let Some(own) = targets.iter().find(is_own) {
        return Err(Refusal::new(format!("`{own}` is this room's own client, and it does not act on itself")));
    }
    Ok(())
}

/// The site and the name of a target, where names differ within a site only.
fn parted<'a>(state: &State, target: &'a str) -> Option<(&'a str, &'a str)> {
    site::parted(target).filter(|_| state.settings.names_per_site)
}

/// The call of a step, about one device or about all.
///
/// # Errors
/// What it asks for and nobody knows; that it would not tell one device from another one.
pub(super) fn call(
    state: &State,
    template: &Template,
    aim: &Aim,
    device: Option<&str>,
    id: &ActuationId,
) -> Result<Call, String> {
    if let Some(target) = device.filter(|_| state.settings.names_per_site && template.asks("device")) {
        site::addressed(target, template.asks("site"))?;
    }
    template.call(&values(state, aim, device, id))
}

/// What is known of a target, for the templates.
fn values(state: &State, aim: &Aim, device: Option<&str>, id: &ActuationId) -> Values {
    let mut values = aim.parameters.clone();
    let mut give = |name: &str, value: &str| drop(values.insert(name.to_owned(), value.to_owned()));
    give("request_id", &id.0);
    give("environment", &state.settings.environment);
    give("operator", &state.settings.operator);
    if let Some(incident) = state.room.open_incidents().next_back() {
        give("incident", &incident.id.to_string());
    } else {
        give("incident", "none");
    }
    if let Scope::Campaign(Some(campaign)) = &aim.scope {
        give("campaign", campaign);
        if let Some(known) = state.fleet.campaigns().iter().find(|known| known.id == *campaign) {
            give("target", &known.target);
            give("wave", &known.wave.map_or_else(|| "0".into(), |wave| wave.to_string()));
        }
    }
    let Some(name) = device else {
        let all = serde_json::Value::from(aim.targets.to_vec()).to_string();
        give("devices", &all);
        return values;
    };
    give("device", name);
    if let Some(ix) = state.fleet.devices().find(name) {
        let group = state.fleet.devices().get(ix).group;
        for attribute in state.fleet.schema().all() {
            let value = state.fleet.vector(group)[usize::from(attribute.0)];
            if value != ValueIx::UNKNOWN && value != ValueIx::OTHER {
                give(state.fleet.schema().name(attribute), state.fleet.dictionary(attribute).name(value));
            }
        }
    }
    // The site of its topics, whatever it says of its site.
    if let Some((site, name)) = parted(state, name) {
        give("site", site);
        give("device", name);
    }
    values
}

/// What pulling a switch would do. What cannot be sent to the first target is refused here, with the reason.
pub(super) fn preview(state: &State, switch: &Switch, aim: &Aim) -> Result<Preview, Refusal> {
    let dots = ActuationId("…".into());
    let mut calls = Vec::new();
    for step in &switch.steps {
        let device = aim.targets.first().filter(|_| step.each).map(String::as_str);
        let call = call(state, &step.template, aim, device, &dots).map_err(Refusal)?;
        calls.push(call);
    }
    let call = calls.iter().map(ToString::to_string).collect::<Vec<_>>().join("; then ");
    let Scope::Campaign(Some(id)) = &aim.scope else {
        let back_to = known::goes_back_to(state, switch, &aim.parameters)?;
        let devices = Some(devices_preview(state, switch, aim, &calls));
        return Ok(Preview { call, devices, back_to, ..Preview::default() });
    };
    let campaign = state.fleet.campaigns().iter().find(|campaign| campaign.id == *id);
    let campaign = campaign.ok_or_else(|| Refusal::new(format!("{id} is gone")))?;
    Ok(Preview {
        campaign: campaign.id.clone(),
        target: campaign.target.clone(),
        wave: campaign.wave,
        progress: campaign.counted(),
        unheard: campaign.unheard(),
        call,
        devices: None,
        back_to: (switch.kind == Kind::Rollback).then(|| known::before(&state.fleet, campaign)).flatten(),
    })
}

fn devices_preview(state: &State, switch: &Switch, aim: &Aim, calls: &[crate::domain::switch::Call]) -> DevicesPreview {
    let count = aim.targets.len() as u32;
    let known: Vec<DeviceIx> = aim.targets.iter().filter_map(|name| state.fleet.devices().find(name)).collect();
    let of = |passes: &dyn Fn(DeviceIx) -> bool| known.iter().filter(|ix| passes(**ix)).count() as u32;
    let times = |each: bool| if each { u64::from(count) } else { 1 };
    let bytes = switch.steps.iter().zip(calls).map(|(step, call)| times(step.each) * (call.bytes() + OVERHEAD)).sum();
    let takes = switch.steps.iter().map(|step| (times(step.each) - 1) as f64 / step.per_second.max(f64::MIN_POSITIVE));
    let slowest = switch.steps.iter().filter(|step| step.each).map(|step| step.per_second).fold(f64::MAX, f64::min);
    let waves = switch.waves.as_ref().map(|waves| waves.plan(count));
    let soaks_s = waves.as_ref().map_or(0, Plan::soaks_s);
    DevicesPreview {
        chosen: aim.chosen.clone(),
        count,
        sample: aim.targets.iter().take(SAMPLE).cloned().collect(),
        online: of(&|ix| state.fleet.devices().get(ix).has(Flag::Online)),
        in_flight: of(&|ix| state.fleet.devices().get(ix).ota.in_flight()),
        calls: switch.steps.iter().map(|step| times(step.each)).sum(),
        bytes,
        per_second: if slowest == f64::MAX { 1.0 } else { slowest },
        takes_s: takes.sum::<f64>().ceil() as u64 + soaks_s,
        cost: state.settings.gigabyte_price.map(|price| bytes as f64 / 1e9 * price),
        waves,
    }
}
