//! The room as it was: by its keys, from its log, and beside what it showed then.

#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;

use support::Rehearsal;
use support::terminal::Terminal;
use warroom::domain::cohort::CohortKey;
use warroom::domain::ids::IncidentId;
use warroom::domain::lens::Lens;
use warroom::domain::signal::Signal;
use warroom::domain::time::At;
use warroom::engine::snapshot::Snapshot;
use warroom::runtime::archive::Archive;
use warroom::store::Log;

fn at(text: &str) -> At {
    text.parse().unwrap()
}

/// The room at every whole minute, as it was shown.
fn lived() -> (Rehearsal, Vec<Arc<Snapshot>>) {
    let mut room = Rehearsal::drill(4000);
    let mut shown = Vec::new();
    let mut minute = |room: &mut Rehearsal| {
        if room.now.second() % 60 == 0 {
            shown.push(room.app.snapshot.clone());
        }
    };
    for _ in 0..178 {
        room.wait(1);
        minute(&mut room);
    }
    assert!(room.state.room.open_alerts().count() > 0);
    for (key, seconds) in [("a", 3), ("d", 1), ("enter", 5), ("F5", 1), ("H", 200)] {
        room.press(&[key]);
        for _ in 0..seconds {
            room.wait(1);
            minute(&mut room);
        }
    }
    (room, shown)
}

/// Devices and those online, by cohort.
fn numbers(snapshot: &Snapshot) -> BTreeMap<CohortKey, (u32, u32)> {
    snapshot.table.rows.iter().map(|row| (row.key.clone(), (row.devices, row.online))).collect()
}

/// The picture without its last line, whose keys are another test's.
fn body(room: &mut Rehearsal, width: u16, height: u16) -> String {
    let screen = room.screen(width, height);
    screen.rsplit_once('\n').map_or(screen.clone(), |(body, _)| body.to_owned())
}

#[test]
fn what_was_on_the_screen_is_shown_again() {
    let (mut room, shown) = lived();
    assert!(shown.len() >= 5);
    let live = room.now;
    for then in shown.iter().rev() {
        room.press(&["["]);
        let past = room.app.shown();
        assert_eq!((past.at, past.past.is_some()), (then.at, true));
        assert_eq!(past.timeline, then.timeline);
        assert_eq!(past.alerts, then.alerts);
        assert_eq!(past.incidents.keys().collect::<Vec<_>>(), then.incidents.keys().collect::<Vec<_>>());
        assert_eq!((past.totals.devices, past.totals.online), (then.totals.devices, then.totals.online));
        assert_eq!(numbers(past), numbers(then), "{}", then.at);
    }
    assert!(room.shows("REPLAY of the past") && room.shows(" PAST "));
    room.press(&["0"]);
    assert!(!room.shows("REPLAY") && room.app.shown().at == live);
}

#[test]
fn the_past_is_looked_at_and_not_changed() {
    let (mut room, _) = lived();
    // From one thing that happened to the one before, and on again.
    room.press(&["{"]);
    let last = room.app.shown().at;
    let marks = room.app.shown().past.clone().unwrap().marks.clone();
    assert_eq!(marks.last().map(|(at, _)| *at), Some(last));
    assert!(marks.iter().any(|(_, name)| name == "halt") && marks.iter().any(|(_, name)| name == "wave 2"));
    for _ in 1..marks.len() {
        room.press(&["{"]);
    }
    assert_eq!(room.app.shown().at, marks[0].0);
    room.press(&["}"]);
    assert!(room.app.shown().at > marks[0].0);
    for (width, height) in [(120, 40), (80, 24)] {
        insta::assert_snapshot!(format!("past-{width}x{height}"), body(&mut room, width, height));
    }
    // Nothing is written from here, and no switch is pulled.
    let records = room.records.len();
    for key in ["n", "m", "F5", "a", "S"] {
        room.press(&[key]);
        assert!(room.shows("this is the past; go back to live first"), "{key}");
    }
    assert_eq!((room.records.len(), room.published.len()), (records, 1));
    // Another signal, another window: of the same moment.
    let moment = room.app.shown().at;
    room.press(&["c", "w"]);
    assert_eq!((room.app.shown().at, room.app.shown().chart.signal), (moment, Some(Signal::Updating)));
    // Forth beyond the end is live; Esc is too.
    for _ in 0..20 {
        room.press(&["]"]);
    }
    assert!(!room.shows("REPLAY"));
    room.press(&["[", "esc"]);
    assert!(!room.shows("REPLAY"));
}

/// A log as a room would have written it.
fn logged(room: &Rehearsal) -> (tempfile::TempDir, std::path::PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log.db");
    let (mut log, _) = Log::open(&path, "abc").unwrap();
    log.append(&room.records).unwrap();
    log.keep(&room.rollups, 86_400).unwrap();
    log.close();
    (directory, path)
}

#[test]
fn the_log_alone_shows_the_room_as_it_was() {
    let (room, shown) = lived();
    let (_directory, path) = logged(&room);
    let archive = Archive::new(&path, support::settings());
    let lens = Lens { cohort: Some(CohortKey::of("firmware", "3.2.5").and("hardware", "rev-B")), ..Lens::default() };
    for then in &shown {
        let past = archive.snapshot(then.at, room.now, &lens, Some(IncidentId(1))).unwrap();
        assert_eq!((past.at, numbers(&past)), (then.at, numbers(then)));
    }
    let past = archive.snapshot(room.now, room.now, &lens, Some(IncidentId(1))).unwrap();
    let known: Vec<f32> = past.chart.points.iter().flatten().copied().collect();
    assert!(known.len() > 60 && known.iter().any(|share| *share < 80.0) && known[0] > 95.0, "{known:?}");
    // Of a time before there was anything, nothing is known, and that is said.
    let before = archive.snapshot(at("2026-11-20T17:20:00Z"), room.now, &lens, Some(IncidentId(1))).unwrap();
    assert_eq!((before.totals.devices, before.link.is_up(), before.table.rows.len()), (0, false, 0));
}

#[test]
fn a_command_opens_the_room_as_it_was() {
    let (room, _) = lived();
    let (_directory, path) = logged(&room);
    let log = path.to_str().unwrap();
    let mut terminal = Terminal::warroom(&["show", "1", "--at", "17:33:30", "--log", log], (120, 40));
    terminal.shows("REPLAY of the past");
    terminal.shows("· 17:33:30Z on Fri 2026-11-20");
    terminal.shows("INC-1 3.2.5 · rev-B");
    terminal.press("[");
    terminal.shows("· 17:33:00Z on");
    terminal.press("7");
    // A second before the declaration there was no incident, in the numbers neither.
    terminal.shows("2026Q4 · 0 incidents");
    terminal.press("q");
    assert_eq!(terminal.ends(), 0);
    let said = |arguments: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_warroom")).args(arguments).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    };
    let (code, text) = said(&["show", "1", "--log", log]);
    assert!(code == Some(0) && text.contains("# INC-1 · SEV2 · 3.2.5 · rev-B"), "{text}");
    // What cannot be written leaves nothing behind, and an exit code of its own.
    let place = path.parent().unwrap();
    let (file, inside) = (place.join("inc.html"), place.join("log.db/inc.html"));
    let (file, inside) = (file.to_str().unwrap(), inside.to_str().unwrap());
    let cases: [(&[&str], i32, &str); 8] = [
        (&["show", "2"], 2, "there is no INC-2"),
        (&["export", "2"], 2, "there is no INC-2"),
        (&["export", "x"], 2, "`x` is not an incident; write 1, or INC-1"),
        (&["export", "1", "-o", inside], 2, "log.db/inc.html cannot be written: Not a directory"),
        (&["export", "1", "-o", "/no/such/place/x.md"], 2, "/no/such/place/x.md cannot be written"),
        (&["export", "1", "--check"], 1, "INC-1 has no action item"),
        (&["export", "1", "--format", "html", "-o", file], 0, ""),
        (&["report", "--quarter", "2026Q9"], 2, "`2026Q9` is not a quarter; write 2026Q4"),
    ];
    for (arguments, code, expected) in cases {
        let (found, text) = said(&[arguments, &["--log", log]].concat());
        assert!(found == Some(code) && text.contains(expected), "{arguments:?}: {found:?} {text}");
    }
    let mut left: Vec<_> = std::fs::read_dir(place).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.retain(|name| !name.to_string_lossy().starts_with("log."));
    assert_eq!(left, ["inc.html"]);
    let (_, text) = said(&["actions", "--log", log]);
    assert!(text.contains("nothing is open"), "{text}");
}
