//! What the room makes of a fleet: for every type of incident, and for much that is none. Each case is a simulated fleet
//! with a fault, and what is to be said of it.

#![allow(clippy::unwrap_used)]

mod support;

use support::Rehearsal;
use warroom::domain::cohort::CohortKey;
use warroom::domain::critical::Critical;
use warroom::domain::event::Event;
use warroom::domain::incident::Severity;
use warroom::domain::rollout::{Level, RolloutPolicy};
use warroom::domain::signal::Signal;
use warroom::domain::time::At;
use warroom::drill::scenario::Scenario;
use warroom::drill::world::World;
use warroom::engine::Settings;
use warroom::engine::snapshot::Snapshot;
use warroom::fleet::FleetSettings;
use warroom::ingest::Ingest;
use warroom::ingest::capture::{Entry, Recorded};
use warroom::ingest::route::Router;
use warroom::runtime::playback::{Playback, Played};

const FLEET: &str = r#"
id = "t"
title = "t"
story = "t"
[fleet]
prefix = "d"
devices = 2000
sites = 20
telemetry_s = 20
churn_per_hour = 0.03
errors_per_hour = 0.05
[fleet.attributes]
firmware = { "3.2.4" = 8, "3.2.3" = 2 }
hardware = { rev-A = 5, rev-B = 3 }
region = { eu = 4, us = 3 }
carrier = { telenor = 3, wifi = 6 }
customer = { acme = 5, corvus = 2 }
"#;

const ROLLOUT: &str = r#"
[[campaign]]
id = "fw-3.2.5"
target = "3.2.5"
[[campaign.wave]]
at_s = 400
share = 0.4
spread_s = 120
"#;

fn scenario(more: &str) -> Scenario {
    let source = format!("{FLEET}{more}");
    Scenario::read(&source, "case").unwrap_or_else(|mistake| panic!("{mistake}\n{source}"))
}

fn start() -> At {
    "2026-11-17T09:00:00Z".parse().unwrap()
}

/// Plays a world for some seconds. `heard` says in which of them our link is up.
fn play(more: &str, seconds: i64, heard: impl Fn(i64) -> bool) -> Played {
    play_to(FleetSettings::default(), more, seconds, heard)
}

fn play_to(fleet: FleetSettings, more: &str, seconds: i64, heard: impl Fn(i64) -> bool) -> Played {
    let mut world = World::new(scenario(more), 11, None, start());
    let ingest = Ingest::new(Router::standard("fleet").unwrap(), fleet.schema.clone());
    let mut playback = Playback::new(Settings { fleet, ..Settings::default() }, ingest);
    let mut was_heard = true;
    let take = |playback: &mut Playback, messages: Vec<warroom::drill::world::Published>, retained| {
        for published in messages {
            let (at, message) = (published.at, published.message);
            let recorded = Recorded { at, topic: message.topic, payload: message.payload, retained, full_length: None };
            playback.take(&Entry::Message(recorded));
        }
    };
    take(&mut playback, world.retained(start()), true);
    for second in 1..=seconds {
        let at = start().plus_s(second);
        let messages = world.advance(at);
        if heard(second) != was_heard {
            was_heard = heard(second);
            playback.take(&Entry::Link { at, up: was_heard, reason: "a gap".into() });
            if was_heard {
                take(&mut playback, world.retained(at), true);
            }
        }
        if was_heard {
            take(&mut playback, messages, false);
        }
    }
    playback.end()
}

/// Each incident as `type · suspect · whose fault`.
fn told(played: &Played) -> Vec<String> {
    let incidents = played.incidents.iter();
    incidents
        .map(|(incident, suspects)| {
            let suspect = suspects.first().map_or("nobody".into(), |suspect| suspect.cohort.to_string());
            format!("{} · {suspect} · {}", incident.kind.id(), incident.origin)
        })
        .collect()
}

#[test]
fn every_type_of_incident_is_recognised() {
    let fault = |effect: &str, only: &str, share: f64| {
        format!("[[fault]]\neffect = \"{effect}\"\nwhere = {{ {only} }}\nshare = {share}\nat_s = 420\nramp_s = 20\n")
    };
    let rollout = |effect: &str, only: &str| format!("{ROLLOUT}{}", fault(effect, only, 1.0).replace("420", "0"));
    // (what happens, what is said of it)
    let cases = [
        (rollout("boot-loop", r#"firmware = "3.2.5", hardware = "rev-B""#), "bad-firmware · 3.2.5 · rev-B · device"),
        (rollout("battery-drain", r#"firmware = "3.2.5""#), "bad-firmware · 3.2.5 · device"),
        (rollout("slow-fix", r#"firmware = "3.2.5""#), "bad-firmware · 3.2.5 · device"),
        (rollout("silent", r#"firmware = "3.2.5""#), "bad-firmware · 3.2.5 · device"),
        (rollout("signature-failure", r#"hardware = "rev-B""#), "bad-firmware · rev-B · device"),
        (rollout("self-rollback", r#"hardware = "rev-B""#), "bad-firmware · rev-B · device"),
        (rollout("update-failure", ""), "bad-firmware · fw-3.2.5 w1 · device"),
        (fault("offline", r#"region = "us""#, 0.9), "mass-disconnect · us · platform"),
        (
            fault("offline", r#"carrier = "telenor", hardware = "rev-B""#, 0.9),
            "mass-disconnect · rev-B · telenor · device",
        ),
        (fault("reconnect-storm", r#"carrier = "telenor""#, 0.9), "mass-disconnect · telenor · undecided"),
        (fault("offline", "", 0.8), "mass-disconnect · nobody · platform"),
        (fault("auth-failure", r#"customer = "corvus""#, 0.8), "security · corvus · device"),
        (fault("spoofed-identity", r#"customer = "corvus""#, 0.8), "security · corvus · device"),
        (fault("unit-error", r#"hardware = "rev-B""#, 0.8), "data-quality · rev-B · device"),
        (fault("stuck-values", r#"hardware = "rev-B""#, 0.8), "data-quality · rev-B · device"),
        (fault("wrong-format", r#"hardware = "rev-B""#, 0.8), "data-quality · rev-B · device"),
        (fault("missing-field", r#"hardware = "rev-B""#, 0.8), "data-quality · rev-B · device"),
        (fault("out-of-order", r#"hardware = "rev-B""#, 0.8), "data-quality · rev-B · device"),
        (fault("flood", r#"customer = "corvus""#, 0.8), "capacity-cost · corvus · device"),
        (fault("backlog", r#"customer = "corvus""#, 0.8), "capacity-cost · corvus · device"),
        (fault("throttled", "", 0.8), "capacity-cost · nobody · platform"),
    ];
    for (what, expected) in cases {
        let played = play(&what, 900, |_| true);
        let alerts: Vec<_> = played.alerts.iter().map(|alert| alert.finding.evidence.clone()).collect();
        assert_eq!(told(&played), [expected], "{what}\n{alerts:#?}");
    }
}

#[test]
fn what_concerns_the_whole_fleet_is_counted_as_it_grows() {
    let slow = "[[fault]]\neffect = \"offline\"\nwhere = {}\nshare = 0.8\nat_s = 420\nramp_s = 300\n";
    let played = play(slow, 900, |_| true);
    let (incident, _) = &played.incidents[0];
    let at_first = played.alerts.iter().map(|alert| alert.finding.affected).max().unwrap();
    let (most, devices) = (played.most[&incident.id], played.devices as u32);
    assert!(at_first < devices / 3 && (devices / 10 * 7..=devices / 10 * 9).contains(&most), "{at_first} {most}");
}

#[test]
fn devices_that_went_back_by_themselves_are_counted_apart() {
    let fault = "[[fault]]\neffect = \"self-rollback\"\nwhere = { hardware = \"rev-B\" }\n";
    let played = play(&format!("{ROLLOUT}{fault}"), 700, |_| true);
    let (incident, _) = &played.incidents[0];
    let told = incident.verdict.as_ref().unwrap().evidence.join("; ");
    assert!(told.contains("of fw-3.2.5 went back to the old firmware by themselves"), "{told}");
}

#[test]
fn devices_that_matter_more_make_an_incident_worse() {
    let few = "[[fault]]\neffect = \"offline\"\nwhere = { customer = \"corvus\", hardware = \"rev-B\" }\nshare = 0.12\nat_s = 420\n";
    // (whose devices matter, the severity, what is said of it)
    let cases = [
        (None, Severity::Sev3, "SEV3 by number: "),
        (Some("acme"), Severity::Sev3, "SEV3 by number: "),
        (Some("corvus"), Severity::Sev1, "affected devices are of customer corvus (ventilators)"),
    ];
    for (customer, severity, said) in cases {
        let critical = |customer| Critical {
            cohort: CohortKey::of("customer", customer),
            at_least: Severity::Sev1,
            minimum: 3,
            why: Some("ventilators".into()),
        };
        let fleet =
            FleetSettings { critical: customer.map(critical).into_iter().collect(), ..FleetSettings::default() };
        let played = play_to(fleet, few, 700, |_| true);
        let verdict = played.incidents[0].0.verdict.as_ref().unwrap();
        assert_eq!(verdict.severity, severity, "{customer:?}: {:?}", verdict.evidence);
        assert!(verdict.evidence.iter().any(|why| why.contains(said)), "{customer:?}: {:?}", verdict.evidence);
    }
}

#[test]
fn two_causes_at_once_are_two_incidents() {
    let played = play(
        "[[fault]]\neffect = \"boot-loop\"\nwhere = { hardware = \"rev-B\" }\nshare = 0.8\nat_s = 420\n\
         [[fault]]\neffect = \"unit-error\"\nwhere = { region = \"us\" }\nshare = 0.8\nat_s = 450\n",
        900,
        |_| true,
    );
    assert_eq!(told(&played), ["bad-firmware · rev-B · device", "data-quality · us · undecided"]);
}

#[test]
fn what_is_nobodys_fault_raises_nothing() {
    let one = "[[fault]]\neffect = \"boot-loop\"\nwhere = { hardware = \"rev-A\" }\nshare = 0.002\nat_s = 420\n";
    // (what happens, whether our link is up in a second)
    type Heard = fn(i64) -> bool;
    let cases: [(&str, &str, Heard); 4] = [
        ("a quiet fleet", "", |_| true),
        ("a rollout that goes well", ROLLOUT, |_| true),
        ("a mad device or two", one, |_| true),
        ("gaps in our own link", "", |second| !(400..460).contains(&second) && !(600..900).contains(&second)),
    ];
    for (name, what, heard) in cases {
        let played = play(what, 1500, heard);
        let alerts: Vec<_> =
            played.alerts.iter().map(|a| format!("{} {}", a.finding.cohort, a.finding.evidence)).collect();
        assert_eq!(alerts, [""; 0], "{name}");
    }
}

#[test]
fn what_is_over_clears_and_is_one_alert() {
    let played = play(
        "[[fault]]\neffect = \"offline\"\nwhere = { region = \"us\" }\nshare = 0.9\nat_s = 420\nfor_s = 180\n",
        900,
        |_| true,
    );
    assert_eq!(played.alerts.len(), 1, "{:?}", played.alerts);
    let (alert, begins) = (&played.alerts[0], start().plus_s(420));
    let finding = &alert.finding;
    assert!(alert.cleared.is_some());
    assert!(finding.onset.since_s(begins).abs() <= 10, "{} for {begins}", finding.onset);
    assert!((0..40).contains(&alert.at.since_s(begins)), "{} for {begins}", alert.at);
}

fn rehearse(level: Level, more: &str) -> Rehearsal {
    let rollout = RolloutPolicy { level, ..RolloutPolicy::default() };
    let world = World::new(scenario(more), 11, None, support::start());
    let mut room = Rehearsal::open(Some(world), Settings { rollout, ..support::settings() });
    room.wait(900);
    room
}

#[test]
fn a_crossed_stop_rule_is_told_and_pulls_the_halt_only_where_it_is_armed() {
    let bad = format!("{ROLLOUT}[[fault]]\neffect = \"boot-loop\"\nwhere = {{ firmware = \"3.2.5\" }}\n");
    // (level, the rollout, rules told, halts pulled)
    let cases = [
        (Level::Manual, bad.as_str(), false, 0),
        (Level::Advise, bad.as_str(), true, 0),
        (Level::Armed, bad.as_str(), true, 1),
        (Level::Armed, ROLLOUT, false, 0),
    ];
    for (level, more, told, halts) in cases {
        let room = rehearse(level, more);
        let crossed: Vec<_> = room
            .records
            .iter()
            .filter_map(|record| match &record.event {
                Event::StopRuleCrossed { standing, .. } => Some(standing.rule.clone()),
                _ => None,
            })
            .collect();
        assert_eq!(!crossed.is_empty(), told, "{level:?} {crossed:?}");
        assert_eq!(room.published.len(), halts, "{level:?} {:?}", room.published);
        let shown = room.state.fleet.campaigns().iter().next().unwrap().state.name();
        assert_eq!(shown, if halts > 0 { "halted" } else { "running" }, "{level:?}");
    }
}

#[test]
fn an_alert_on_what_has_no_series_is_drawn_by_the_minute() {
    let stuck = "[[fault]]\neffect = \"stuck-values\"\nwhere = { hardware = \"rev-B\" }\nat_s = 420\n";
    let mut room = rehearse(Level::Advise, stuck);
    let screen = room.screen(120, 40);
    assert!(screen.contains("stuck values, devices a minute · rev-B"), "{screen}");
    let chart = Snapshot::of(&room.state, room.now).chart;
    let (before, since) = chart.points.split_at(chart.points.len() - 6);
    assert!(before.iter().rev().take(2).flatten().all(|n| *n < 5.0), "{:?}", chart.points);
    assert!(since.iter().flatten().any(|n| *n > 500.0), "{:?}", chart.points);
}

#[test]
fn devices_with_new_firmware_and_a_short_past_are_not_said_to_drift() {
    let mut room = support::halted(5_000, support::settings());
    room.wait(2_400);
    let drift =
        room.state.room.alerts.values().flat_map(|alert| alert.signals()).filter(|s| *s == Signal::Drift).count();
    assert_eq!((drift, room.state.room.alerts.len()), (0, 1), "nothing is wrong but what crash-loops");
}
