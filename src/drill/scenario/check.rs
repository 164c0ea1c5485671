//! What is wrong with a scenario that can be read: values that make no sense, and names that the fleet does not have.

use std::ops::Range;

use toml::Spanned;

use super::script::SWITCHES;
use super::{Effect, Scenario, Where};
use crate::domain::cohort::ATTRIBUTES;

/// A mistake with its place.
type Found = (Range<usize>, String);

pub(super) fn check(scenario: &Scenario) -> Vec<Found> {
    let mut found = Vec::new();
    fleet(scenario, &mut found);
    shares(scenario, &mut found);
    filters(scenario, &mut found);
    times(scenario, &mut found);
    answers(scenario, &mut found);
    words(scenario, &mut found);
    found
}

fn fleet(scenario: &Scenario, found: &mut Vec<Found>) {
    let fleet = &scenario.fleet;
    let given = fleet.given.iter().flat_map(|given| &given.attributes);
    for (name, values) in fleet.attributes.iter().chain(given) {
        let known = name.get_ref().as_str();
        if !ATTRIBUTES.contains(&known) || ["site", "wave"].contains(&known) {
            let allowed: Vec<_> = ATTRIBUTES.into_iter().filter(|known| !["site", "wave"].contains(known)).collect();
            found.push((name.span(), format!("no attribute `{known}`; expected one of {}", allowed.join(", "))));
        }
        let sum: f64 = values.values().sum();
        if values.values().any(|weight| !weight.is_finite() || *weight < 0.0) || sum <= 0.0 {
            let message = format!("`{known}`: expected values with weights, such as `{{ rev-A = 5, rev-B = 3 }}`");
            found.push((name.span(), message));
        }
    }
    for required in ["firmware", "region"] {
        if !fleet.attributes.keys().any(|name| name.get_ref() == required) {
            found.push((0..0, format!("expected `{required}` under [fleet.attributes]")));
        }
    }
    for given in &fleet.given {
        if let Some((name, _)) = given.attributes.iter().find(|(name, _)| name.get_ref() == "region") {
            found.push((name.span(), "a device's region is that of its site, and depends on nothing else".into()));
        }
    }
    for (name, number, most) in [
        ("devices", &fleet.devices, 100_000),
        ("sites", &fleet.sites, 10_000),
        ("telemetry_s", &fleet.telemetry_s, 86_400),
    ] {
        if !(1..=most).contains(number.get_ref()) {
            found.push((
                number.span(),
                format!("`{name}` lies between 1 and {most}, and {} does not", number.get_ref()),
            ));
        }
    }
    if fleet.root.is_empty() || fleet.root.contains(['+', '#', '/', ' ']) {
        found.push((0..0, format!("fleet.root: `{}` cannot be the first level of a topic", fleet.root)));
    }
    if fleet.prefix.is_empty() || fleet.prefix.contains(['+', '#', '/', ' ']) {
        found.push((0..0, format!("fleet.prefix: `{}` cannot be part of a topic", fleet.prefix)));
    }
    for (name, value) in [("churn_per_hour", fleet.churn_per_hour), ("errors_per_hour", fleet.errors_per_hour)] {
        if !(0.0..=3_600.0).contains(&value) {
            found.push((0..0, format!("fleet.{name}: expected 0 to 3600, not {value}")));
        }
    }
    if !(0.0..=1.0).contains(&fleet.daily_rhythm) {
        found.push((0..0, format!("fleet.daily_rhythm lies between 0 and 1, and {} does not", fleet.daily_rhythm)));
    }
}

fn shares(scenario: &Scenario, found: &mut Vec<Found>) {
    let waves = scenario.campaigns.iter().flat_map(|campaign| &campaign.waves).map(|wave| &wave.share);
    for share in waves.chain(scenario.faults.iter().map(|fault| &fault.share)) {
        if !(0.0..=1.0).contains(share.get_ref()) {
            found.push((share.span(), format!("a share lies between 0 and 1, and {} does not", share.get_ref())));
        }
    }
}

fn filters(scenario: &Scenario, found: &mut Vec<Found>) {
    let attributes: Vec<&str> = scenario.fleet.attributes.keys().map(|name| name.get_ref().as_str()).collect();
    let waves = scenario.campaigns.iter().flat_map(|campaign| &campaign.waves).map(|wave| &wave.only);
    let faults = scenario.faults.iter().map(|fault| &fault.only);
    let given = scenario.fleet.given.iter().map(|given| &given.only);
    let suspects = scenario.expect.iter().filter_map(|expect| expect.suspect.as_ref());
    let all: Vec<&Where> = waves.chain(faults).chain(given).chain(suspects).collect();
    for (name, value) in all.into_iter().flatten() {
        let known = name.get_ref().as_str();
        // Sites are made with the fleet, and what will be pushed nobody knows.
        if known == "site" || (known == "config" && attributes.contains(&known)) {
            continue;
        }
        if !attributes.contains(&known) {
            let message = format!("the fleet has no attribute `{known}`; it has {}", attributes.join(", "));
            found.push((name.span(), message));
        } else if !values(scenario, known).contains(&value.as_str()) {
            let has = values(scenario, known).join(", ");
            found.push((name.span(), format!("no device has {known} `{value}`; there are {has}")));
        }
    }
}

/// The values that devices may have of an attribute in the course of the drill.
fn values<'s>(scenario: &'s Scenario, attribute: &str) -> Vec<&'s str> {
    let given = scenario.fleet.given.iter().flat_map(|given| &given.attributes);
    let lists = scenario.fleet.attributes.iter().chain(given).filter(|(name, _)| name.get_ref() == attribute);
    let mut values: Vec<&str> = lists.flat_map(|(_, values)| values.keys().map(String::as_str)).collect();
    if attribute == "firmware" {
        values.extend(scenario.campaigns.iter().map(|campaign| campaign.target.as_str()));
    }
    values
}

fn times(scenario: &Scenario, found: &mut Vec<Found>) {
    for fault in &scenario.faults {
        for (name, (from, to)) in [("up_s", fault.up_s), ("down_s", fault.down_s)] {
            if !(from >= 0.0 && from <= to && to.is_finite()) {
                let effect = fault.effect.name();
                found.push((
                    fault.share.span(),
                    format!("{effect}: {name} is `[from, to]` in seconds, from the smaller"),
                ));
            }
        }
    }
    for fault in &scenario.faults {
        if fault.most_c.is_some_and(|most| !(most > 0.0 && most.is_finite())) {
            found.push((fault.share.span(), format!("{}: most_c is degrees above 0", fault.effect.name())));
        }
    }
    if let Some(length) = &scenario.length_s
        && !(60..=86_400).contains(length.get_ref())
    {
        found.push((length.span(), format!("a game day lasts 60 s to a day, and {} s is not that", length.get_ref())));
    }
    for campaign in &scenario.campaigns {
        if campaign.waves.is_empty() {
            found.push((0..0, format!("campaign {} has no wave; expected [[campaign.wave]]", campaign.id)));
        }
    }
}

fn answers(scenario: &Scenario, found: &mut Vec<Found>) {
    for (order, answer) in scenario.response.answers() {
        let shares = [answer.refused, answer.mute, answer.escaped];
        if shares.iter().any(|share| !(0.0..=1.0).contains(share)) || shares.iter().sum::<f64>() > 1.0 {
            let message = format!("response.{order}: refused, mute and escaped are shares, together at most 1");
            found.push((0..0, message));
        }
        if answer.after_s.is_some_and(|(from, to)| !(from >= 0.0 && from <= to && to <= 86_400.0)) {
            found.push((0..0, format!("response.{order}: after_s is `[from, to]` in seconds, from the smaller")));
        }
    }
}

fn words(scenario: &Scenario, found: &mut Vec<Found>) {
    for cure in scenario.faults.iter().filter_map(|fault| fault.cured_by.as_ref()) {
        known(cure, &["restart", "restore"], found);
    }
    for state in scenario.faults.iter().filter_map(|fault| fault.after_update.as_ref()) {
        known(state, &["failed", "succeeded", "rolled-back"], found);
    }
    for switch in scenario.expect.iter().filter_map(|expect| expect.switch.as_ref()) {
        known(switch, &SWITCHES, found);
    }
    for fault in scenario.faults.iter().filter(|fault| fault.effect == Effect::ConfigDrift) {
        if fault.to.is_empty() {
            found.push((
                fault.share.span(),
                "config-drift: expected `to`, the configuration that devices drift to".into(),
            ));
        }
    }
    if let Some(begins) = &scenario.begins
        && begins.get_ref().parse::<crate::domain::time::At>().is_err()
    {
        let message = format!("`{}` is no time; write 2026-11-20T16:40:00Z", begins.get_ref());
        found.push((begins.span(), message));
    }
    if let Some((span, message)) = scenario.rollout.as_ref().and_then(|rollout| rollout.check()) {
        found.push((span, message));
    }
}

fn known(word: &Spanned<String>, allowed: &[&str], found: &mut Vec<Found>) {
    if !allowed.contains(&word.get_ref().as_str()) {
        found
            .push((word.span(), format!("unknown value `{}`; expected one of {}", word.get_ref(), allowed.join(", "))));
    }
}
