//! What the room itself tells: the team, of a broken glass and of a step that is overdue; the person at the keys, by a bell.

#![allow(clippy::unwrap_used)]

mod support;

use support::Rehearsal;
use warroom::domain::event::Event;
use warroom::domain::event::notice::NoticeEvent;
use warroom::domain::input::{Heard, Input, LogHealth, Outcome, Word};
use warroom::domain::notice::NoticeKind;
use warroom::domain::update::way::Way;
use warroom::domain::update::{Audience, ChannelInfo, Delivery};
use warroom::engine::Settings;

fn channel(name: &str, audience: Audience) -> ChannelInfo {
    let way = Way::Webhook { url: "https://chat.example/hook".into() };
    ChannelInfo { name: name.into(), audience, kind: "webhook".into(), way, timeout_s: 5 }
}

/// A fleet with a rollout that goes wrong, as if it were a real one, and its incident; `notify` is told what the room says
/// by itself.
fn room(notify: &[&str]) -> Rehearsal {
    let settings = Settings {
        channels: vec![channel("ops", Audience::Internal), channel("status", Audience::Customers)],
        notify: notify.iter().map(|name| (*name).to_owned()).collect(),
        contacts: [("firmware-lead".to_owned(), "Ada, pager 12".to_owned())].into(),
        ..support::settings()
    };
    let mut room = Rehearsal::open(Some(support::world("bad-firmware", 500)), settings);
    room.wait_until("the alert", |r| r.state.room.open_alerts().count() > 0);
    room.press(&["d", "enter"]);
    room
}

/// The same, in no drill.
fn real(notify: &[&str]) -> Rehearsal {
    let mut room = room(notify);
    room.state.drill = None;
    room
}

/// Rolls back alone: armed, confirmed, and the glass broken.
fn break_glass(room: &mut Rehearsal) {
    room.press(&["!", "4"]);
    room.wait(1);
    room.type_text("fw-3.2.5!");
    assert!(room.shows("it takes a second person"), "{}", room.screen(120, 40));
    room.press(&["b"]);
    room.type_text("jo is on a plane");
    room.press(&["enter"]);
}

fn notices(room: &Rehearsal) -> Vec<(NoticeKind, Delivery)> {
    room.state.room.notices.iter().map(|notice| (notice.kind, notice.delivery.clone())).collect()
}

#[test]
fn a_broken_glass_is_told_to_the_team_and_what_came_of_it_is_on_the_record() {
    let mut room = real(&["ops"]);
    break_glass(&mut room);
    assert_eq!(notices(&room), [(NoticeKind::BreakGlass, Delivery::Intended)]);
    let telling = room.told.pop().unwrap();
    assert_eq!((telling.word, telling.channel.as_str()), (Word::Notice { number: 1 }, "ops"));
    assert!(telling.text.starts_with("BREAK-GLASS: mira pulled `rollback fw-3.2.5`"), "{}", telling.text);
    assert!(telling.text.contains("Reason given: jo is on a plane"));
    let heard = |outcome| Heard { outcome, answer: None, reference: None, took_ms: 700 };
    room.input(Input::Told { word: telling.word, heard: heard(Outcome::Refused { reason: "answered 500".into() }) });
    room.wait(1);
    assert!(room.shows("notice 1 NOT SENT, tell the team yourself: answered 500"), "{}", room.screen(120, 40));
    // What comes late still counts; what was told stays told.
    room.input(Input::Told { word: telling.word, heard: heard(Outcome::Accepted) });
    room.input(Input::Told { word: telling.word, heard: heard(Outcome::NotSent { reason: "x".into() }) });
    let all = notices(&room);
    assert!(matches!(&all[..], [(_, Delivery::Sent { took_ms: 700, .. })]), "{all:?}");
}

#[test]
fn a_step_that_names_somebody_wakes_them_once() {
    let mut room = real(&["ops"]);
    room.wait(16 * 60);
    let firmware: Vec<_> = room.told.iter().filter(|telling| telling.text.contains("firmware-lead")).collect();
    assert_eq!(firmware.len(), 1);
    assert!(firmware[0].text.contains("ESCALATION") && firmware[0].text.contains("Wake firmware-lead: Ada, pager 12."));
    room.wait(120);
    assert_eq!(room.told.iter().filter(|telling| telling.text.contains("firmware-lead")).count(), 1);
}

#[test]
fn nobody_outside_is_told_by_the_room_whatever_a_configuration_says() {
    let mut room = real(&["status", "gone"]);
    break_glass(&mut room);
    assert!(room.told.is_empty());
    let reasons: Vec<_> = notices(&room).into_iter().map(|(_, delivery)| delivery.words()).collect();
    assert_eq!(reasons, ["NOT SENT: status is for customers, not for the team", "NOT SENT: there is no channel gone"]);
}

#[test]
fn nothing_leaves_unlogged_and_a_drill_only_says_what_it_would_have_told() {
    let mut room = real(&["ops"]);
    room.input(Input::Log(LogHealth::Unsafe { reason: "disk full".into() }));
    room.wait(16 * 60);
    assert!(room.told.is_empty());
    assert!(notices(&room)[0].1.words().contains("the log cannot be written (disk full)"));

    let mut drill = self::room(&["ops"]);
    break_glass(&mut drill);
    assert!(drill.told.is_empty());
    let sent = |record: &&warroom::domain::event::Record| matches!(&record.event, Event::Notice(NoticeEvent::NoticeSent { answer, .. }) if answer.contains("a drill"));
    assert_eq!(drill.records.iter().filter(sent).count(), 1);
}

#[test]
fn the_bell_rings_once_for_each_thing_that_somebody_must_look_at() {
    let mut room = Rehearsal::drill(2000);
    room.wait(20);
    assert_eq!(room.rung, 0, "a quiet fleet is quiet");
    room.wait_until("the alert", |r| r.state.room.open_alerts().count() > 0);
    assert_eq!(room.rung, 1);
    room.wait(5);
    assert_eq!(room.rung, 1, "the same alert is no news");
    room.press(&["d", "tab", "3", "enter"]);
    assert_eq!(room.rung, 1, "what is not bad does not ring");
    room.press(&["!", "4"]);
    room.wait(1);
    room.type_text("fw-3.2.5!");
    assert_eq!(room.rung, 2, "somebody waits for a second person");
    room.press(&["b"]);
    room.type_text("jo is on a plane");
    room.press(&["enter"]);
    let before = room.rung;
    room.wait(31 * 60);
    assert!(room.rung > before, "a word is overdue");

    let mut quiet = Rehearsal::drill(2000);
    quiet.app.silence();
    quiet.wait_until("the alert", |r| r.state.room.open_alerts().count() > 0);
    assert_eq!(quiet.rung, 0);
}
