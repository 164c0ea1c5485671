//! What the world makes of orders about access and configuration.

use super::*;

const FLEET: &str = r#"
id = "t"
title = "t"
story = "t"
[fleet]
prefix = "d"
devices = 200
sites = 4
telemetry_s = 10
[fleet.attributes]
firmware = { "3.2.4" = 1 }
config = { c-41 = 1 }
region = { eu = 1 }
"#;

fn start() -> At {
    At::from_ms(1_774_022_400_000)
}

/// A world that has run for a minute.
fn world(more: &str) -> World {
    let scenario = Scenario::read(&format!("{FLEET}{more}"), "t").unwrap();
    let mut world = World::new(scenario, 1, None, start());
    world.retained(start());
    world.advance(start().plus_s(60));
    world
}

fn at(second: i64) -> At {
    start().plus_s(second)
}

fn ask(world: &mut World, device: &str, action: &str, second: i64) {
    let payload = format!(r#"{{"action":"{action}","request_id":"{action}-{device}"}}"#);
    world.hear(&format!("fleet/access/{device}/control"), payload.as_bytes(), at(second));
}

fn desire(world: &mut World, device: u32, version: &str, second: i64) {
    let site = world.value(device, "site").unwrap().to_owned();
    let payload = format!(r#"{{"version":"{version}","values":{{}},"request_id":"r-{version}-{device}"}}"#);
    let topic = format!("fleet/{site}/{}/config/desired", world.id(device));
    world.hear(&topic, payload.as_bytes(), at(second));
}

/// Messages of a leaf about a device.
fn said(messages: &[Published], device: &str, leaf: &str) -> Vec<serde_json::Value> {
    let about = |m: &&Published| m.message.topic.contains(&format!("/{device}/")) && m.message.topic.ends_with(leaf);
    messages.iter().filter(about).map(|m| serde_json::from_slice(&m.message.payload).unwrap()).collect()
}

#[test]
fn a_revoked_device_is_dropped_and_refused_until_it_is_restored() {
    let mut world = world("");
    ask(&mut world, "d-00007", "revoke", 60);
    let messages = world.advance(at(360));
    let answers = said(&messages, "d-00007", "/response");
    assert_eq!(answers, [serde_json::json!({ "action": "revoke", "request_id": "revoke-d-00007" })]);
    assert_eq!(said(&messages, "d-00007", "/status"), [serde_json::json!({ "online": false })]);
    let refused = said(&messages, "d-00007", "/refused");
    // It waits longer each time.
    assert!((3..=7).contains(&refused.len()), "{refused:?}");
    assert_eq!(refused[0]["reason"], "credential revoked");
    assert!(said(&messages, "d-00007", "/telemetry").len() <= 1);
    assert_eq!(said(&messages, "d-00008", "/refused").len(), 0);

    ask(&mut world, "d-00007", "restore", 360);
    let back = world.advance(at(1000));
    assert_eq!(said(&back, "d-00007", "/status")[0]["boot_reason"], "reconnect");
    assert!(!said(&back, "d-00007", "/telemetry").is_empty());
}

#[test]
fn quarantine_holds_back_what_is_measured_and_throttling_nine_in_ten() {
    let mut world = world("");
    for (device, action) in [("d-00001", "quarantine"), ("d-00002", "throttle")] {
        ask(&mut world, device, action, 60);
    }
    world.advance(at(70));
    let messages = world.advance(at(470));
    let counted = ["d-00000", "d-00001", "d-00002"].map(|device| said(&messages, device, "/telemetry").len());
    assert_eq!(counted, [40, 0, 4]);
    assert!((1..3).all(|device| world.devices[device].online));
    for (device, action) in [("d-00001", "release"), ("d-00002", "unthrottle")] {
        ask(&mut world, device, action, 470);
    }
    world.advance(at(480));
    let messages = world.advance(at(580));
    assert_eq!(["d-00001", "d-00002"].map(|device| said(&messages, device, "/telemetry").len()), [10, 10]);
}

#[test]
fn a_restart_is_commanded_and_may_mend() {
    let fault = "[[fault]]\neffect = \"stuck-values\"\nwhere = {}\ncured_by = \"restart\"\n";
    let mut world = world(fault);
    ask(&mut world, "d-00003", "restart", 60);
    let messages = world.advance(at(400));
    let states: Vec<_> =
        said(&messages, "d-00003", "/status").iter().map(|s| (s["online"].clone(), s["boot_reason"].clone())).collect();
    assert_eq!(states, [(false.into(), serde_json::Value::Null), (true.into(), "commanded".into())]);
    let values = |device: &str| {
        let mut temperatures: Vec<_> =
            said(&messages, device, "/telemetry").iter().map(|t| t["values"]["temp_c"].to_string()).collect();
        temperatures.dedup();
        temperatures.len()
    };
    assert!(values("d-00003") > 20);
    assert_eq!(values("d-00004"), 1);
    // One that is not there cannot be told.
    ask(&mut world, "d-00005", "revoke", 400);
    world.advance(at(410));
    ask(&mut world, "d-00005", "restart", 410);
    assert_eq!(said(&world.advance(at(420)), "d-00005", "/response")[0]["error"], "not connected");
}

#[test]
fn some_refuse_some_never_answer_and_some_escape() {
    let response =
        "[response.revoke]\nafter_s = [2, 4]\nrefused = 0.2\nerror = \"policy locked\"\nmute = 0.2\nescaped = 0.3\n";
    let mut world = world(response);
    let ids: Vec<String> = (0..200).map(|device| world.id(device)).collect();
    ids.iter().for_each(|id| ask(&mut world, id, "revoke", 60));
    let early = world.advance(At::from_ms(at(62).ms() - 1));
    assert!(early.iter().all(|m| !m.message.topic.ends_with("/response")));
    let messages = world.advance(at(120));
    let answers: Vec<_> = ids.iter().map(|id| said(&messages, id, "/response")).collect();
    let near = |n: usize, share: f64| (n as f64 - 200.0 * share).abs() < 25.0;
    let refused = answers.iter().filter(|a| a.first().is_some_and(|a| a["error"] == "policy locked")).count();
    let mute = answers.iter().filter(|a| a.is_empty()).count();
    let gone = world.devices.iter().filter(|device| !device.online).count();
    assert!(near(refused, 0.2) && near(mute, 0.2) && near(gone, 0.3), "{refused} {mute} {gone}");
    let escaped = 200 - refused - mute - gone;
    assert!(near(escaped, 0.3), "{escaped}");
    for (device, action, error) in [("d-99999", "revoke", "no client d-99999"), ("d-00000", "dance", "no action dance")]
    {
        ask(&mut world, device, action, 120);
        assert_eq!(said(&world.advance(at(130)), device, "/response")[0]["error"], error);
    }
}

#[test]
fn a_desired_configuration_is_taken_when_the_device_can_be_reached() {
    let mut world =
        world("[[fault]]\neffect = \"offline\"\nwhere = { config = \"c-41\" }\nshare = 0.5\nat_s = 70\nfor_s = 130\n");
    world.advance(at(100));
    let away: Vec<u32> = (0..200).filter(|d| !world.devices[*d as usize].online).collect();
    assert!((70..130).contains(&away.len()), "{}", away.len());
    (0..200).for_each(|device| desire(&mut world, device, "c-42", 100));
    let now = world.advance(at(110));
    // A broker says again what it has in store; that is no new order.
    desire(&mut world, 3, "c-42", 110);
    let later = world.advance(at(400));
    for device in 0..200 {
        let id = world.id(device);
        let (first, second) = (said(&now, &id, "/reported"), said(&later, &id, "/reported"));
        let answer = serde_json::json!({ "version": "c-42", "request_id": format!("r-c-42-{device}") });
        let expected = if away.contains(&device) { (vec![], vec![answer]) } else { (vec![answer], vec![]) };
        assert_eq!((first, second), expected, "{id}");
    }
    assert!((0..200).all(|device| world.value(device, "config") == Some("c-42")));
    // What is desired no longer is nothing to be done.
    desire(&mut world, 9, "c-43", 400);
    let topic = format!("fleet/{}/d-00009/config/desired", world.value(9, "site").unwrap());
    world.hear(&topic, b"", at(400));
    assert_eq!(said(&world.advance(at(420)), "d-00009", "/reported").len(), 0);
}

#[test]
fn a_push_can_end_a_fault_and_can_bring_one() {
    let fault = |config: &str| {
        format!("[[fault]]\neffect = \"error-burst\"\ncode = \"0x1\"\nwhere = {{ config = \"{config}\" }}\n")
    };
    let errors = |messages: &[Published]| messages.iter().filter(|m| m.message.topic.ends_with("/event")).count();
    // (the configuration that errs, errors before and after a push of c-42)
    for (config, before, after) in [("c-41", true, false), ("c-42", false, true)] {
        let mut world = world(&fault(config));
        assert_eq!(errors(&world.advance(at(120))) > 0, before, "{config}");
        (0..200).for_each(|device| desire(&mut world, device, "c-42", 120));
        world.advance(at(180));
        assert_eq!(errors(&world.advance(at(300))) > 0, after, "{config}");
    }
}

#[test]
fn an_expired_certificate_keeps_a_device_out_until_it_has_a_new_one() {
    let fault =
        "[[fault]]\neffect = \"certificate-expiry\"\nwhere = {}\nat_s = 70\nramp_s = 60\ncured_by = \"restore\"\n";
    let mut world = world(fault);
    let messages = world.advance(at(400));
    assert!(world.devices.iter().all(|device| !device.online));
    assert_eq!(said(&messages, "d-00000", "/refused")[0]["reason"], "certificate expired");
    ask(&mut world, "d-00000", "restore", 400);
    world.advance(at(1000));
    assert_eq!(world.devices.iter().filter(|device| device.online).count(), 1);
}
