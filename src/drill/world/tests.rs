//! The world without a broker: what its devices say, and what they do when told.

use super::*;
use crate::domain::campaign::CampaignState;

fn start() -> At {
    At::from_ms(1_774_022_400_000)
}

fn world(devices: u32, seed: u64) -> World {
    World::new(Scenario::find("bad-firmware").unwrap().unwrap(), seed, Some(devices), start())
}

fn json(published: &Published) -> serde_json::Value {
    serde_json::from_slice(&published.message.payload).unwrap()
}

fn count(messages: &[Published], leaf: &str, wanted: impl Fn(&serde_json::Value) -> bool) -> usize {
    messages.iter().filter(|m| m.message.topic.ends_with(leaf) && wanted(&json(m))).count()
}

#[test]
fn the_same_seed_gives_the_same_world() {
    let run = |seed| {
        let mut world = world(300, seed);
        let mut all = world.retained(start());
        all.extend(world.advance(start().plus_s(300)));
        all
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn every_device_is_introduced_and_reports_in_its_period() {
    let mut world = world(500, 1);
    let retained = world.retained(start());
    assert_eq!(count(&retained, "/status", |s| s["online"] == true && s["hardware"].is_string()), 500);
    assert_eq!(count(&retained, "/state", |s| s["state"] == "running"), 1);
    let first = world.advance(start().plus_s(10));
    let said = count(&first, "/telemetry", |_| true);
    assert!((495..=505).contains(&said), "{said}");
    assert!(first.windows(2).all(|pair| pair[0].at <= pair[1].at));
}

#[test]
fn the_new_firmware_crash_loops_one_revision_only() {
    let mut world = world(2000, 1);
    world.retained(start());
    let messages = world.advance(start().plus_s(500));
    let panics =
        |hardware: &str| count(&messages, "/status", |s| s["boot_reason"] == "panic" && s["hardware"] == hardware);
    assert!(panics("rev-B") > 500, "{}", panics("rev-B"));
    assert_eq!(panics("rev-A") + panics("rev-C"), 0);
    assert!(count(&messages, "/event", |e| e["code"] == "0x45") > 500);
}

#[test]
fn a_halt_stops_starts_and_lets_what_is_in_flight_finish() {
    let mut world = world(2000, 1);
    world.retained(start());
    world.advance(start().plus_s(180));
    let told = start().plus_s(180);
    world.hear("fleet/ota/fw-3.2.5/control", br#"{"action":"halt","request_id":"r1"}"#, told);
    let messages = world.advance(told.plus_s(120));
    let answer = messages.iter().find(|m| m.message.topic.ends_with("/state") && json(m)["state"] == "halted").unwrap();
    assert_eq!(json(answer)["request_id"], "r1");
    let late: Vec<_> = messages.iter().filter(|m| m.at > answer.at).cloned().collect();
    assert_eq!(count(&late, "/ota", |o| o["state"] == "downloading"), 0);
    assert!(count(&late, "/ota", |o| o["state"] == "succeeded") > 0);
    let next_wave = world.advance(start().plus_s(1000));
    assert_eq!(count(&next_wave, "/ota", |o| o["state"] == "queued"), 0);
}

#[test]
fn a_rollback_brings_every_device_back() {
    let mut world = world(1000, 1);
    world.retained(start());
    world.advance(start().plus_s(400));
    let told = start().plus_s(400);
    world.hear("fleet/ota/fw-3.2.5/control", br#"{"action":"halt","request_id":"r1"}"#, told);
    world.advance(told.plus_s(60));
    world.hear("fleet/ota/fw-3.2.5/control", br#"{"action":"rollback","request_id":"r2"}"#, told.plus_s(60));
    world.advance(told.plus_s(300));
    assert_eq!((0..1000).filter(|d| world.value(*d, "firmware") == Some("3.2.5")).count(), 0);
    assert_eq!(world.rollouts[0].report_state(), CampaignState::Finished);
    let quiet = world.advance(told.plus_s(500));
    assert_eq!(count(&quiet, "/status", |s| s["boot_reason"] == "panic"), 0);
}

#[test]
fn orders_that_make_no_sense_are_ignored() {
    let mut world = world(10, 1);
    for (topic, payload) in [
        ("fleet/ota/other/control", &br#"{"action":"halt"}"#[..]),
        ("fleet/ota/fw-3.2.5/control", b"not json"),
        ("fleet/ota/fw-3.2.5/control", br#"{"action":"dance"}"#),
        ("elsewhere", b""),
    ] {
        world.hear(topic, payload, start());
    }
    assert!(world.rollouts.iter().all(|rollout| rollout.report_state() == CampaignState::Running));
}
