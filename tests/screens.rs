//! Screens as drawn, at four sizes: with data, empty, disconnected, and with hostile data.
//!
//! The pictures lie in `tests/snapshots`; `cargo insta review` shows what has changed in them.

#![allow(clippy::unwrap_used)]

mod support;

use ratatui::style::Modifier;
use support::Rehearsal;
use warroom::domain::event::Event;
use warroom::domain::input::{Input, LinkChange, LogHealth};
use warroom::domain::verdict::Extent;
use warroom::tui::theme::{Role, Theme};

const SIZES: [(u16, u16); 4] = [(40, 12), (80, 24), (120, 40), (200, 60)];

fn pictures(name: &str, rehearsal: &mut Rehearsal) {
    for (width, height) in SIZES {
        insta::assert_snapshot!(format!("{name}-{width}x{height}"), rehearsal.screen(width, height));
    }
}

/// The shipped game day, declared and halted, with a step ticked and a note written.
fn incident() -> Rehearsal {
    let mut rehearsal = Rehearsal::drill(10_000);
    rehearsal.wait_until("the alert", |r| r.state.room.open_alerts().count() > 0);
    rehearsal.wait(8);
    rehearsal.press(&["a", "d", "enter", "tab", "space"]);
    rehearsal.press(&["F5"]);
    rehearsal.wait(1);
    rehearsal.press(&["H"]);
    rehearsal.wait(20);
    rehearsal
}

#[test]
fn an_empty_room() {
    pictures("empty", &mut Rehearsal::empty());
}

#[test]
fn a_quiet_fleet() {
    let mut rehearsal = Rehearsal::drill(10_000);
    rehearsal.wait(90);
    pictures("quiet", &mut rehearsal);
}

#[test]
fn an_incident_under_way() {
    let mut rehearsal = incident();
    pictures("incident", &mut rehearsal);
    rehearsal.press(&["2"]);
    pictures("fleet", &mut rehearsal);
    rehearsal.press(&["tab", "enter"]);
    insta::assert_snapshot!("device-120x40", rehearsal.screen(120, 40));
    rehearsal.press(&["3"]);
    insta::assert_snapshot!("runbook-120x40", rehearsal.screen(120, 40));
    rehearsal.press(&["4"]);
    insta::assert_snapshot!("timeline-120x40", rehearsal.screen(120, 40));
    rehearsal.press(&["6"]);
    insta::assert_snapshot!("switches-120x40", rehearsal.screen(120, 40));
}

#[test]
fn what_opens_above_a_screen() {
    let mut rehearsal = Rehearsal::drill(10_000);
    rehearsal.wait_until("the alert", |r| r.state.room.open_alerts().count() > 0);
    for (name, keys) in [
        ("help", &["?"][..]),
        ("palette", &[":"]),
        ("declare", &["d"]),
        ("filter", &["/"]),
        ("group", &["g"]),
        ("note", &["n"]),
        ("bad-input", &["x"]),
        ("confirm", &["F5"]),
    ] {
        rehearsal.press(keys);
        for (width, height) in [(80, 24), (120, 40)] {
            insta::assert_snapshot!(format!("{name}-{width}x{height}"), rehearsal.screen(width, height));
        }
        rehearsal.press(&["esc"]);
    }
}

#[test]
fn where_there_are_few_lines_they_tell_what_matters_most() {
    let mut rehearsal = Rehearsal::drill(10_000);
    rehearsal.wait_until("the alert", |r| r.state.room.open_alerts().count() > 0);
    assert!(rehearsal.screen(80, 24).contains(": online 70 %, expected 99"), "the evidence goes before the keys");
    let crossed = |r: &Rehearsal| r.records.iter().any(|r| matches!(r.event, Event::StopRuleCrossed { .. }));
    rehearsal.wait_until("a crossed rule", crossed);
    let screen = rehearsal.screen(80, 24);
    assert!(screen.contains("✗ stop rule wave"), "{screen}");
}

#[test]
fn a_screen_of_rollouts_that_is_longer_than_the_terminal_is_gone_over() {
    let mut rehearsal = Rehearsal::drill(10_000);
    let crossed = |r: &Rehearsal| r.records.iter().any(|r| matches!(r.event, Event::StopRuleCrossed { .. }));
    rehearsal.wait_until("a crossed rule", crossed);
    let mut shown = |keys: &[&str]| {
        rehearsal.press(keys);
        rehearsal.screen(80, 24)
    };
    let (begins, ends) = ("running · wave 2", "no switch has been pulled");
    let top = shown(&["6"]);
    assert!(top.contains(begins) && top.contains("more · pagedown") && !top.contains(ends), "{top}");
    let bottom = shown(&["pagedown"]);
    assert!(!bottom.contains(begins) && !bottom.contains("more · pagedown") && bottom.contains(ends), "{bottom}");
    assert_eq!(shown(&["pageup"]), top, "no page is lost beyond the end");
    assert!(!shown(&["down"]).contains(begins), "line by line, where nothing was pulled");
    assert_eq!(shown(&["home"]), top);
    shown(&["F5"]);
    rehearsal.wait(1);
    rehearsal.press(&["H"]);
    let pulled = rehearsal.screen(80, 24);
    assert!(pulled.contains("▸ OTA halt") && pulled.contains(begins), "{pulled}");
    assert!(pulled.contains("mosquitto_pub") && pulled.contains("more · pagedown"), "{pulled}");
}

#[test]
fn a_verdict_is_explained_and_overruled() {
    let mut rehearsal = incident();
    rehearsal.wait(30);
    rehearsal.press(&["v"]);
    for (width, height) in [(80, 24), (120, 40)] {
        insta::assert_snapshot!(format!("verdict-{width}x{height}"), rehearsal.screen(width, height));
    }
    rehearsal.press(&["-"]);
    rehearsal.wait(10);
    rehearsal.press(&["P"]);
    rehearsal.press(&["p", "down", "o", "enter"]);
    rehearsal.wait(30);
    let incident = rehearsal.state.room.incidents.values().next().unwrap();
    assert_eq!(incident.origin.name(), "platform", "a person's word stays");
    assert_eq!(incident.extent, Some(Extent::Single));
    assert_eq!(incident.verdict.as_ref().map(|verdict| verdict.extent), Some(Extent::Broad));
    assert_eq!(incident.rejected.len(), 1);
    rehearsal.press(&["v"]);
    insta::assert_snapshot!("verdict-overruled-120x40", rehearsal.screen(120, 40));
}

#[test]
fn a_room_that_is_cut_off_keeps_its_data_and_says_how_old_it_is() {
    let mut rehearsal = incident();
    let reason = "the broker went silent".to_owned();
    rehearsal.input(Input::Link(LinkChange::Down { reason, retry_ms: 4000 }));
    rehearsal.input(Input::Log(LogHealth::Unsafe { reason: "the disk is full".into() }));
    for _ in 0..34 {
        rehearsal.now = rehearsal.now.plus_s(1);
        rehearsal.input(Input::Tick);
    }
    rehearsal.wait(0);
    pictures("disconnected", &mut rehearsal);
    let buffer = rehearsal.buffer(120, 40);
    let stale = Theme::find("dark", false).unwrap().style(Role::Stale);
    let row = (0..40).find(|y| (0..70).any(|x| buffer[(x, *y)].symbol() == "✗" && x == 2)).unwrap();
    assert_eq!(Some(buffer[(4, row)].fg), stale.fg, "data is greyed");
}

#[test]
fn hostile_data_is_shown_and_stays_in_its_place() {
    let mut rehearsal = Rehearsal::empty();
    let names = [
        "\u{1b}[2J\u{1b}[H",
        "3.2.5\u{202e}cba",
        "Z\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}",
        "│ OTA HALT ✔ │",
        "漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字",
        "",
        "   ",
        "<U+202E>",
        "=cmd|' /C calc'!A0",
        "<script>alert(1)</script>",
    ];
    for (n, name) in names.iter().enumerate() {
        let status = serde_json::json!({ "online": true, "firmware": name, "hardware": name, "boots": 1 });
        rehearsal.message(&format!("fleet/s\u{200b}{n}/d{n}/status"), status.to_string().as_bytes());
    }
    for payload in [&b"\x1b[2J"[..], b"\xff\xfe\x00", b"{\"ts\":", b"[[[[", b"null"] {
        rehearsal.message("fleet/a/\u{202e}evil/telemetry", payload);
    }
    rehearsal.wait(3);
    pictures("hostile", &mut rehearsal);
    rehearsal.press(&["x"]);
    insta::assert_snapshot!("hostile-bad-input-120x40", rehearsal.screen(120, 40));
    rehearsal.press(&["esc", "2", "tab", "enter"]);
    insta::assert_snapshot!("hostile-device-120x40", rehearsal.screen(120, 40));
    for (width, height) in SIZES {
        let shown = rehearsal.screen(width, height);
        assert!(!shown.chars().any(|c| c.is_control() && c != '\n'));
        assert!(!shown.contains(['\u{202e}', '\u{200b}']));
    }
}

#[test]
fn no_size_makes_the_drawing_fail() {
    let mut rehearsal = incident();
    for keys in [
        &["1"][..],
        &["2"],
        &["tab", "enter"],
        &["3"],
        &["4"],
        &["6"],
        &["?"],
        &["esc", ":"],
        &["esc", "d"],
        &["esc", "n"],
        &["esc", "x"],
        &["esc", "v"],
        &["esc", "7"],
        &["esc", "1", "K"],
        &["esc", "E"],
        &["esc", "["],
    ] {
        rehearsal.press(keys);
        for width in [0, 1, 2, 3, 5, 8, 20, 59, 60, 61, 79, 99, 100, 101, 169, 170, 300] {
            for height in [0, 1, 2, 3, 5, 8, 17, 18, 19, 29, 30, 47, 48, 100] {
                rehearsal.buffer(width, height);
            }
        }
    }
}

#[test]
fn a_drill_and_production_never_look_alike() {
    let mut drill = Rehearsal::drill(100);
    drill.wait(2);
    let mut prod =
        Rehearsal::open(None, warroom::engine::Settings { environment: "prod".into(), ..support::settings() });
    for view in ["1", "2", "3", "4", "6", "7"] {
        drill.press(&[view]);
        prod.press(&[view]);
        for (width, height) in SIZES.into_iter().skip(1) {
            assert!(drill.screen(width, height).lines().next().unwrap().contains(" DRILL "));
            assert!(prod.screen(width, height).lines().next().unwrap().contains(" PROD "));
        }
    }
    let looks = |rehearsal: &mut Rehearsal| {
        let cell = rehearsal.buffer(120, 40)[(1, 0)].clone();
        (cell.fg, cell.bg)
    };
    assert_ne!(looks(&mut drill), looks(&mut prod));
}

#[test]
fn alarm_and_armed_are_more_than_a_colour() {
    for theme in Theme::shipped() {
        let mut rehearsal = Rehearsal::drill(10_000);
        rehearsal.app.theme = Theme::find(theme, false).unwrap();
        rehearsal.wait_until("the alert", |r| r.state.room.open_alerts().count() > 0);
        assert!(rehearsal.shows("✗▸3.2.5 · rev-B"));
        rehearsal.press(&["F5"]);
        let buffer = rehearsal.buffer(120, 40);
        let armed = rehearsal.app.theme.style(Role::Armed);
        let found = buffer.content().iter().filter(|cell| cell.symbol() == "H").any(|cell| {
            Some(cell.fg) == armed.fg.or(Some(cell.fg)) && cell.modifier.contains(armed.add_modifier & Modifier::BOLD)
        });
        assert!(found, "{theme}: the key that fires stands out");
    }
}

#[test]
fn the_readme_shows_the_room_as_it_is() {
    let picture = incident().screen(104, 32);
    let readme = include_str!("../README.md");
    assert!(readme.contains(&picture), "the README's picture is an old one; this is the room:\n{picture}");
}
