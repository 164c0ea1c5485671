//! Versions that are known to run well: a rollback goes to one of these, or not at all.
//!
//! A version is known by the cohort that runs it now, or by the one that ran it when a wave of a rollout began: once
//! everybody is updated, nobody runs the version before any more, and that is when it is asked for.

use crate::domain::cohort::CohortKey;
use crate::domain::command::Refusal;
use crate::domain::event::Event;
use crate::domain::event::waves::{Ran, WavesEvent};
use crate::domain::signal::Signal;
use crate::domain::switch::actuation::Known;
use crate::domain::switch::plan::{Kind, Switch, Takes};
use crate::domain::switch::template::Values;
use crate::domain::time::At;
use crate::engine::State;
use crate::fleet::Fleet;
use crate::fleet::attributes::ValueIx;
use crate::fleet::campaigns::Campaign;

/// The parameter that says to which version a rollback of devices goes.
pub const VERSION: &str = "version";
/// Versions that are noted when a wave begins: those that most devices run.
const NOTED: usize = 3;
/// Seconds after which a version is noted anew.
const NOTED_S: i64 = 86_400;

/// Devices on each version, by its value, and those of them that are online.
fn versions(fleet: &Fleet) -> Vec<(u32, u32)> {
    let mut versions = Vec::new();
    let Some(firmware) = fleet.schema().find("firmware") else { return versions };
    for (_, group) in fleet.groups().iter() {
        let value = usize::from(group.vector[usize::from(firmware.0)].0);
        if versions.len() <= value {
            versions.resize(value + 1, (0, 0));
        }
        versions[value].0 += group.now[Signal::Devices as usize];
        versions[value].1 += group.now[Signal::Online as usize];
    }
    versions
}

/// The versions that devices run now, by name; those that run most first.
fn running(fleet: &Fleet) -> Vec<Known> {
    let Some(firmware) = fleet.schema().find("firmware") else { return Vec::new() };
    let values = versions(fleet).into_iter().zip(0..).map(|(sums, value)| (ValueIx(value), sums));
    let named = values.filter(|(value, _)| *value != ValueIx::UNKNOWN && *value != ValueIx::OTHER);
    let mut running: Vec<Known> = named
        .map(|(value, (devices, online))| {
            let version = fleet.dictionary(firmware).name(value).to_owned();
            Known { version, devices, online, ..Known::default() }
        })
        .collect();
    running.retain(|known| known.devices > 0);
    running.sort_by_key(|known| std::cmp::Reverse(known.devices));
    running
}

/// An alert about the very cohort of a version says that it is not well, however many of its devices are connected.
fn is_under_alert(state: &State, version: &str) -> bool {
    let cohort = CohortKey::of("firmware", version);
    state.room.open_alerts().any(|alert| alert.finding.cohort == cohort)
}

/// Whether a switch brings devices back to a version that is named.
fn brings_back(switch: &Switch) -> bool {
    switch.kind == Kind::Rollback && switch.takes == Takes::Devices
}

/// The versions to choose from; none where no switch asks for one, as counting them goes over the fleet.
pub fn offered(state: &State) -> Vec<Known> {
    let is_asked = state.settings.switches.iter().any(|switch| brings_back(switch));
    if is_asked { good(state) } else { Vec::new() }
}

/// The versions that may be gone back to: those that run well now, then those that did.
fn good(state: &State) -> Vec<Known> {
    let mut good: Vec<Known> = running(&state.fleet);
    good.retain(|known| known.is_healthy() && !is_under_alert(state, &known.version));
    for (version, known) in &state.room.versions {
        if !good.iter().any(|now| now.version == *version) && !is_under_alert(state, version) {
            good.push(known.clone());
        }
    }
    good
}

/// What a rollback of devices goes back to; none where a switch is no such thing.
///
/// # Errors
/// That the version is not known to run well, and which ones are.
pub(super) fn goes_back_to(state: &State, switch: &Switch, parameters: &Values) -> Result<Option<Known>, Refusal> {
    if !brings_back(switch) {
        return Ok(None);
    }
    let version = parameters.get(VERSION).map_or("", |version| version.trim());
    let good = good(state);
    if let Some(known) = good.iter().find(|known| known.version == version) {
        return Ok(Some(known.clone()));
    }
    let now = running(&state.fleet).into_iter().find(|known| known.version == version).unwrap_or_default();
    let why = match (now.devices, is_under_alert(state, version)) {
        (_, true) => "there is an alert about it".to_owned(),
        (0, _) => "nobody runs it".into(),
        (devices, _) if devices < Known::DEVICES => format!("{devices} devices on it say too little"),
        (devices, _) => format!("{} of {devices} devices on it online", now.online),
    };
    let names: Vec<&str> = good.iter().map(|known| known.version.as_str()).collect();
    let known = if names.is_empty() { "none".into() } else { names.join(", ") };
    Err(Refusal::new(format!("{version} is not known to run well ({why}); these are: {known}")))
}

/// The versions that run well as a wave begins, beside the one that it brings, where they were not noted lately.
pub(in crate::engine) fn noted(state: &State, target: &str, at: At) -> Option<Event> {
    let is_news = |known: &Known| {
        let before = state.room.versions.get(&known.version).and_then(|known| known.seen);
        before.is_none_or(|before| at.since_s(before) >= NOTED_S)
    };
    let mut running = running(&state.fleet);
    running.retain(|known| known.version != target && known.is_healthy() && !is_under_alert(state, &known.version));
    let noted = running.into_iter().take(NOTED).filter(is_news);
    let versions: Vec<Ran> =
        noted.map(|Known { version, devices, online, .. }| Ran { version, devices, online }).collect();
    (!versions.is_empty()).then(|| WavesEvent::VersionsKnown { versions }.into())
}

/// The version that most devices of a campaign came from; where none was seen before, what most run beside the version
/// that it brings.
pub(super) fn before(fleet: &Fleet, campaign: &Campaign) -> Option<Known> {
    let firmware = fleet.schema().find("firmware")?;
    let came = campaign.came_from.iter().max_by_key(|(_, devices)| *devices);
    if let Some((version, came_from)) = came {
        let value = fleet.dictionary(firmware).find(version);
        let of = |value: ValueIx| versions(fleet).get(usize::from(value.0)).copied();
        let (devices, online) = value.and_then(of).unwrap_or_default();
        return Some(Known { version: version.clone(), devices, online, came_from: *came_from, seen: None });
    }
    running(fleet).into_iter().find(|known| known.version != campaign.target)
}
