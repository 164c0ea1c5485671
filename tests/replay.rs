//! Captures replayed in the real room, in a real pseudo-terminal.

#![allow(clippy::unwrap_used)]

mod support;

use std::path::{Path, PathBuf};

use support::recording::{capture, packed};
use support::terminal::{Terminal, audit};
use warroom::domain::event::{Event, Record};
use warroom::ingest::capture::packing::Packing;

const F5: &str = "\x1b[15~";

/// A file in a directory, replayed there.
fn replay(directory: &Path, file: &str, content: &[u8], more: &[&str], size: (u16, u16)) -> Terminal {
    let path = directory.join(file);
    std::fs::write(&path, content).unwrap();
    let data = directory.join("data").display().to_string();
    let arguments = [&["--data-dir", &data, "--replay", path.to_str().unwrap()], more].concat();
    Terminal::warroom(&arguments, size)
}

/// The one log of a replay, and what is in it.
fn log(directory: &Path) -> (PathBuf, Vec<Record>) {
    let logs = std::fs::read_dir(directory.join("data/replays")).unwrap().map(|entry| entry.unwrap().path());
    let logs: Vec<_> = logs.filter(|path| path.extension().is_some_and(|extension| extension == "db")).collect();
    assert_eq!(logs.len(), 1);
    assert!(!directory.join("data/log.db").exists(), "the live log is not touched");
    let records = warroom::store::read::open(&logs[0]).unwrap().records;
    (logs[0].clone(), records)
}

#[test]
fn the_game_day_is_lived_through_again_without_any_power_over_it() {
    let directory = tempfile::tempdir().unwrap();
    let content = packed(Packing::Zstd, &capture(4000, 330));
    let mut terminal = replay(directory.path(), "game-day.zst", &content, &["--speed", "60"], (120, 40));
    terminal.shows("REPLAY 60×");
    terminal.shows("4 000/4 000 on");
    terminal.shows("1 alert, not declared");
    terminal.press("a");
    terminal.shows("took it at");
    terminal.press("d");
    terminal.shows("REPLAY · declare an incident");
    terminal.press("\r");
    terminal.shows("INC-1 3.2.5 · rev-B");
    terminal.press(F5);
    terminal.shows("this is a replay: there is nobody to halt, and nothing is ever sent");
    terminal.press("n");
    terminal.shows("REPLAY · ");
    terminal.press("seen again");
    terminal.shows("seen again");
    terminal.press("\x13");
    terminal.until("the note is sent", |screen| !screen.contains("keeps it as a draft"));
    terminal.shows("end of capture");
    assert!(!terminal.text().contains("F5"), "no key is offered that does nothing");
    terminal.press("m");
    terminal.shows("m again says that it is mitigated anyway");
    terminal.press("m");
    terminal.shows("TTM mitigate ✓");
    terminal.press("p");
    terminal.shows("the capture has ended, and time stands still");
    terminal.press("q");
    assert_eq!(terminal.ends(), 0);
    terminal.shows("the replay of game-day.zst is on record");
    terminal.shows("warroom export 1 --log ");
    audit(&terminal.raw()).unwrap();

    let (path, records) = log(directory.path());
    assert!(records.iter().all(|record| !matches!(record.event, Event::SwitchArmed { .. })));
    let begins = support::start();
    assert!(records.iter().all(|record| (0..=345).contains(&record.at.since_s(begins)) && record.at >= begins));
    let ended = records.iter().find_map(|record| match &record.event {
        Event::ReplayEnded { messages, unread, cut } => Some((*messages, *unread, cut.clone())),
        _ => None,
    });
    let messages = capture(4000, 330).lines().count() as u64;
    assert_eq!(ended, Some((messages, 0, None)));
    let export = std::process::Command::new(env!("CARGO_BIN_EXE_warroom"))
        .args(["export", "1", "--log", path.to_str().unwrap()])
        .output()
        .unwrap();
    let markdown = String::from_utf8(export.stdout).unwrap();
    assert!(markdown.contains("**This was a REPLAY of recorded messages (capture game-day.zst). Nothing was sent.**"));
}

/// A message a second from each of three devices.
fn quiet(from: i64, seconds: i64) -> String {
    let line = |s: i64, n: i64| {
        format!("{{\"t\":{},\"topic\":\"fleet/s/d-{n}/status\",\"payload\":\"online\",\"retain\":0}}\n", from + s)
    };
    (0..seconds).flat_map(|s| (0..3).map(move |n| line(s, n))).collect()
}

#[test]
fn hours_without_a_message_are_leapt_over_and_a_file_that_was_cut_says_so_at_the_end() {
    let directory = tempfile::tempdir().unwrap();
    let from = support::start().second();
    let text = quiet(from, 3) + "no message\n" + &quiet(from + 86_400, 3);
    let whole = packed(Packing::Gzip, &text);
    let mut terminal =
        replay(directory.path(), "c", &whole[..whole.len() - 6], &["--speed", "20", "--read-only"], (80, 24));
    terminal.shows("REPLAY 20×");
    terminal.shows("end of capture");
    terminal.press("4");
    terminal.shows("our link is down: a gap in the capture");
    terminal.shows("end of capture · 18 messages · 2 lines that are no messages");
    terminal.press("q");
    assert_eq!(terminal.ends(), 0);
    let (_, records) = log(directory.path());
    let at = |wanted: fn(&Event) -> bool| {
        let found = records.iter().filter(|record| wanted(&record.event));
        found.map(|record| record.at.second() - from).collect::<Vec<_>>()
    };
    assert_eq!(at(|event| matches!(event, Event::LinkDown { .. })), [2]);
    assert_eq!(at(|event| matches!(event, Event::LinkUp { .. })), [0, 86_400]);
    assert_eq!(at(|event| matches!(event, Event::ReplayEnded { .. })), [86_417]);
}

#[test]
fn a_replay_is_paused_and_changes_its_speed_and_ends_in_the_middle() {
    let directory = tempfile::tempdir().unwrap();
    let text = quiet(support::start().second(), 3_000);
    let mut terminal = replay(directory.path(), "c.jsonl", text.as_bytes(), &[], (120, 40));
    terminal.shows("REPLAY 1×");
    terminal.shows("3/3 on");
    terminal.press("p");
    terminal.shows("○ paused");
    terminal.shows("p go on");
    terminal.press(">>>");
    terminal.shows("REPLAY 10×");
    terminal.press("<");
    terminal.shows("REPLAY 5×");
    terminal.press(":");
    terminal.press("pause\r");
    terminal.until("it goes on", |screen| !screen.contains("paused"));
    terminal.shows("17:30:20Z");
    terminal.press("q");
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn what_cannot_be_replayed_is_one_clear_line() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.display().to_string()
    };
    let table = file("table.csv", "timestamp,value\n1,2\n");
    let missing = directory.path().join("missing").display().to_string();
    let here = directory.path().display().to_string();
    let cases: [(&[&str], &str); 6] = [
        (&["--replay", &table], "no message was found in table.csv"),
        (&["--replay", &missing], "missing: No such file"),
        (&["--replay", &here], "Is a directory"),
        (&["--replay", "-"], "write the capture to a file first"),
        (&["--replay", &table, "--speed", "0"], "expected 0.5 to 60 times the speed of life"),
        (&["--speed", "2"], "--replay"),
    ];
    for (arguments, expected) in cases {
        let mut terminal = Terminal::warroom(arguments, (200, 24));
        assert_eq!(terminal.ends(), 2, "{arguments:?}: {}", terminal.text());
        terminal.shows(expected);
    }
}
