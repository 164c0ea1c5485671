//! Devices of a game day are sent back in waves, by the keys of the room: to a version that is well, to one that is bad on
//! one hardware, and past the end of the room that began it.

#![allow(clippy::unwrap_used)]

mod support;

use std::sync::Arc;

use support::{Rehearsal, start};
use warroom::domain::command::{Approval, Command, SwitchCommand};
use warroom::domain::event::Event;
use warroom::domain::event::waves::WavesEvent;
use warroom::domain::ids::Actor;
use warroom::domain::input::{Input, Ticket};
use warroom::domain::switch::standard::access;
use warroom::domain::switch::waves::Reason;
use warroom::domain::switch::{Actuation, ActuationState};
use warroom::drill::scenario::Scenario;
use warroom::drill::world::World;
use warroom::engine::Settings;

/// 3.2.5 went out to two of five and crashes on rev-B; the rest runs 3.2.4.
const DAY: &str = r#"
id = "back"
title = "back"
story = "3.2.5 is bad"
length_s = 3600
[fleet]
prefix = "th"
devices = 1500
sites = 8
telemetry_s = 10
[fleet.attributes]
firmware = { "3.2.4" = 1 }
config = { c-41 = 1 }
hardware = { rev-A = 5, rev-B = 3, rev-C = 2 }
region = { eu = 1 }
[[campaign]]
id = "fw-3.2.5"
target = "3.2.5"
[[campaign.wave]]
at_s = 15
share = 0.4
spread_s = 60
[[fault]]
effect = "boot-loop"
where = { firmware = "3.2.5", hardware = "rev-B" }
code = "0x45"
message = "watchdog"
up_s = [20, 40]
down_s = [10, 25]
"#;

/// And whoever goes back to 3.2.4 on rev-C crashes too: something was written that it cannot read.
const WORSE: &str = r#"
[[fault]]
effect = "boot-loop"
where = { firmware = "3.2.4", hardware = "rev-C" }
after_update = "rolled-back"
code = "0x51"
message = "settings of a later version"
up_s = [10, 20]
down_s = [10, 25]
"#;

fn open(more: &str) -> Rehearsal {
    let scenario = Scenario::read(&format!("{DAY}{more}"), "day").unwrap();
    let mut settings = Settings { environment: "drill".into(), ..support::settings() };
    settings.switches.extend(access("fleet").into_iter().map(Arc::new));
    let mut room = Rehearsal::open(Some(World::new(scenario, 1, None, start())), settings);
    room.wait(300);
    room
}

/// Everything on 3.2.5 is sent back to a version, by keys and a second person.
fn send_back(room: &mut Rehearsal, version: &str) {
    room.press(&["/"]);
    room.type_text("fw=3.2.5");
    room.press(&["enter", "!", "5"]);
    room.wait(1);
    let at = room.app.snapshot.switches.iter().position(|switch| switch.id.0 == "rollback-waves").unwrap();
    room.press(&vec!["down"; at]);
    room.press(&["enter"]);
    // What is known to run well can be picked, and what is picked stands where it could be typed.
    room.press(&["right"]);
    let screen = room.screen(120, 40);
    assert!(screen.contains(&format!("{version}: ")), "{screen}");
    room.press(&["enter"]);
    room.wait(1);
}

fn let_go(room: &mut Rehearsal) {
    let word = room.app.snapshot.arming.as_ref().expect("it is armed").preview.word();
    room.type_text(&format!("{word}!"));
    room.wait(1);
    let approval = room.app.snapshot.requests.last().expect("it waits for somebody").approval;
    let uid = room.state.settings.uid + 1;
    let approve = SwitchCommand::Approve(Approval { approval, uid, reason: "looked at the plan".into() });
    let by = Actor::Person("jo".into());
    room.input(Input::Command { ticket: Ticket(99), by, command: Command::Switch(approve) });
    room.press(&["esc", "6"]);
    room.wait(1);
}

fn pulled(room: &Rehearsal) -> &Actuation {
    room.state.room.actuations.values().last().unwrap()
}

fn begun(room: &Rehearsal) -> Vec<u16> {
    let wave = |event: &Event| match event {
        Event::Waves(WavesEvent::SwitchWaveBegun { wave, .. }) => Some(*wave),
        _ => None,
    };
    room.records.iter().filter_map(|record| wave(&record.event)).collect()
}

/// Devices that were told to go back, each as often as it was.
fn told(room: &Rehearsal) -> Vec<&str> {
    let told = room.published.iter().filter(|(topic, _)| topic.ends_with("/firmware/desired"));
    told.map(|(topic, _)| topic.split('/').nth(2).unwrap()).collect()
}

#[test]
fn devices_go_back_in_waves_to_what_is_well() {
    let mut room = open("");
    send_back(&mut room, "3.2.4");
    let screen = room.screen(120, 40);
    for shown in ["send devices back to 3.2.4", "soak 2:00 between them", "firmware 3.2.4:", "takes "] {
        assert!(screen.contains(shown), "{shown}: {screen}");
    }
    let_go(&mut room);
    room.wait(20);
    let screen = room.screen(120, 40);
    assert!(screen.contains("wave 1 of 3: ") && screen.contains("stop rules: failed 0.0/2 % of "), "{screen}");
    room.wait_until("the waves to be through", |room| pulled(room).state.is_final());
    assert_eq!(pulled(&room).state, ActuationState::Effective);
    assert_eq!(begun(&room), [1, 2, 3]);
    let all = pulled(&room).targets.len();
    assert!(all > 500 && told(&room).len() >= all);
    let bad = |rehearsal: &Rehearsal| rehearsal.app.snapshot.totals.faults;
    assert_eq!(bad(&room), 0, "what the room says itself is no bad input");
}

#[test]
fn what_is_bad_on_one_hardware_stops_the_plan_by_itself() {
    let mut room = open(WORSE);
    send_back(&mut room, "3.2.4");
    let_go(&mut room);
    room.wait_until("the plan to stop", |room| pulled(room).course.paused.is_some());
    let course = pulled(&room).course.clone();
    let Some(Reason::Crossed(standing)) = course.paused.map(|pause| pause.reason) else {
        panic!("{:?}", pulled(&room))
    };
    assert!(course.begun < 3 && standing.crossed, "{standing:?}");
    let asked = told(&room).len();
    room.wait(300);
    assert_eq!(told(&room).len(), asked, "nobody else is asked");
    for (width, height) in [(120, 40), (80, 24)] {
        let screen = room.screen(width, height);
        assert!(screen.contains("PAUSED") && screen.contains("!g goes on all the same"), "{screen}");
    }
    // Going on is asked twice; stopping is done at once.
    room.press(&["!", "g"]);
    assert!(pulled(&room).course.paused.is_some() && room.screen(120, 40).contains("again goes on all the same"));
    room.press(&["!", "s"]);
    room.wait(1);
    let ActuationState::Stopped { asked: n, left } = pulled(&room).state else { panic!("{:?}", pulled(&room).state) };
    assert_eq!(n + left, pulled(&room).targets.len() as u32);
    assert!(n < left, "most were saved: {n} asked, {left} never");
}

#[test]
fn a_room_that_ends_in_the_second_wave_leaves_a_plan_that_waits() {
    let mut room = open("");
    send_back(&mut room, "3.2.4");
    let_go(&mut room);
    room.wait_until("the second wave to soak", |room| begun(room).len() == 2 && pulled(room).course.soaks.is_some());
    let before = told(&room).len();
    room.restart();
    room.wait(200);
    assert!(matches!(pulled(&room).state, ActuationState::Unknown { .. }));
    assert_eq!(told(&room).len(), before, "nothing goes on by itself");
    let screen = room.screen(120, 40);
    assert!(screen.contains("2 of 3 waves were begun"), "{screen}");
    room.press(&["6", "!", "r"]);
    room.wait(5);
    assert_eq!(pulled(&room).course.paused.as_ref().map(|pause| pause.reason.clone()), Some(Reason::Restarted));
    room.press(&["!", "g", "!", "g"]);
    room.wait_until("the end", |room| pulled(room).state.is_final());
    assert_eq!(begun(&room), [1, 2, 3], "no wave is begun twice");
    // The gate of the new room was opened by the two who had agreed in the old one.
    assert_eq!(pulled(&room).users, Some((room.state.settings.uid, room.state.settings.uid + 1)));
    let mut all = told(&room);
    let calls = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), calls, "nobody is told twice");
}
