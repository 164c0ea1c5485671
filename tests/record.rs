//! Recordings made by the real program from a real mosquitto: what was sent is what is read back, whatever ends it.

#![allow(clippy::unwrap_used)]

mod support;

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use support::live::{Other, link};
use support::mosquitto::Mosquitto;
use support::terminal::Terminal;
use warroom::ingest::capture::Entry;
use warroom::ingest::capture::file::Capture;
use warroom::mqtt::Protocol;

const PATIENCE: Duration = Duration::from_secs(20);

fn warroom(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_warroom"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for name in ["WARROOM_CONFIG", "WARROOM_DATA_DIR", "WARROOM_BROKER"] {
        command.env_remove(name);
    }
    command
}

fn record(file: &Path, broker: &Mosquitto, more: &[&str]) -> Child {
    let url = format!("mqtt://127.0.0.1:{}", broker.port);
    warroom(&[&["record", file.to_str().unwrap(), "--broker", &url], more].concat()).spawn().unwrap()
}

/// Everything in a capture, as far as it can be read.
fn entries(path: &Path) -> Vec<Entry> {
    let Ok(file) = File::open(path) else { return Vec::new() };
    let mut capture = Capture::open(Box::new(file)).unwrap();
    std::iter::from_fn(|| capture.entry().unwrap()).collect()
}

fn messages(entries: &[Entry]) -> Vec<(String, Vec<u8>, bool)> {
    let message = |entry: &Entry| match entry {
        Entry::Message(m) => Some((m.topic.clone(), m.payload.clone(), m.retained)),
        _ => None,
    };
    entries.iter().filter_map(message).collect()
}

/// Waits until a capture that is being written holds what is wanted.
fn until(path: &Path, what: &str, wanted: impl Fn(&[Entry]) -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !wanted(&entries(path)) {
        assert!(Instant::now() < deadline, "never came: {what}\n{:?}", entries(path));
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([format!("-{name}"), child.id().to_string()]).status().unwrap().success());
}

/// The exit code, and what was said.
fn end(child: Child) -> (Option<i32>, String) {
    let output = child.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_is_what_is_recorded_also_by_a_recorder_that_is_killed() {
    let directory = tempfile::tempdir().unwrap();
    let broker = Mosquitto::open(directory.path());
    let devices = Other::connect(link(broker.port, Protocol::V5)).await;
    let status = br#"{"online":true,"firmware":"3.2.4","hardware":"rev-B"}"#;
    devices.say("fleet/s/d-0/status", *status, true).await;
    let payloads: [&[u8]; 6] =
        [br#"{"battery": 0.50,"seq":1}"#, b"\xff\xfe\x00", b"", b"42", "grün \u{1b}[2J\n".as_bytes(), b"{\"seq\":"];
    for (name, signal_name) in [("a.jsonl", "INT"), ("b.gz", "KILL"), ("c.jsonl.zst", "KILL"), ("d.zst", "TERM")] {
        let path = directory.path().join(name);
        let child = record(&path, &broker, &[]);
        until(&path, "the retained status", |entries| !messages(entries).is_empty());
        let mut expected = vec![("fleet/s/d-0/status".to_owned(), status.to_vec(), true)];
        for (n, payload) in payloads.iter().enumerate() {
            let topic = format!("fleet/s/d-{n}/telemetry");
            devices.say(&topic, *payload, false).await;
            expected.push((topic, payload.to_vec(), false));
        }
        until(&path, "all messages", |entries| messages(entries).len() == expected.len());
        signal(&child, signal_name);
        let (code, said) = end(child);
        assert_eq!(messages(&entries(&path)), expected, "{name}");
        assert!(matches!(entries(&path)[0], Entry::Link { up: true, .. }), "{name}");
        if signal_name != "KILL" {
            assert!(code == Some(0) && said.contains("recorded 7 messages, "), "{said}");
        }
        let output = warroom(&["analyze", "--json", path.to_str().unwrap()]).output().unwrap();
        let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let numbers = ["messages", "devices", "invalid"].map(|name| json[name].as_u64().unwrap());
        // A packed file without its end is one that was cut, and says so.
        let cut = u64::from(signal_name == "KILL");
        assert_eq!(numbers, [7, 1, 5 + cut], "{name}: {json:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_link_is_in_the_capture() {
    let directory = tempfile::tempdir().unwrap();
    let mut broker = Mosquitto::open(directory.path());
    let path = directory.path().join("capture.jsonl");
    let child = record(&path, &broker, &[]);
    until(&path, "the link", |entries| matches!(entries, [Entry::Link { up: true, .. }]));
    broker.kill();
    until(&path, "its loss", |entries| matches!(entries, [_, Entry::Link { up: false, .. }]));
    broker.restart();
    until(&path, "the link again", |entries| matches!(entries, [_, _, Entry::Link { up: true, .. }]));
    signal(&child, "INT");
    let (code, said) = end(child);
    assert_eq!(code, Some(0));
    for part in ["connected", "not connected: ", "the link was lost once"] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_ends_by_itself_when_its_file_is_full_or_nobody_reads_it() {
    let directory = tempfile::tempdir().unwrap();
    let broker = Mosquitto::open(directory.path());
    let path = directory.path().join("capture.zst");
    let mut full = record(&path, &broker, &["--max-bytes", "4k"]);
    let mut piped = record(Path::new("-"), &broker, &[]);
    let mut lines = BufReader::new(piped.stdout.take().unwrap());
    let mut first = String::new();
    lines.read_line(&mut first).unwrap();
    assert!(first.ends_with("\"link\":\"up\"}\n"), "{first}");
    drop(lines);
    let devices = Other::connect(link(broker.port, Protocol::V5)).await;
    let deadline = Instant::now() + PATIENCE;
    let mut n = 0;
    while full.try_wait().unwrap().is_none() || piped.try_wait().unwrap().is_none() {
        assert!(Instant::now() < deadline, "they do not end");
        for _ in 0..100 {
            n += 1;
            devices.push(&format!("fleet/s/d-{n}/telemetry"), format!("{{\"seq\":{}}}", n * 7919), false).await;
        }
        devices.say("fleet/s/d-0/status", "online", false).await;
    }
    let (code, said) = end(full);
    assert_eq!(code, Some(0), "{said}");
    let size = std::fs::metadata(&path).unwrap().len();
    assert!((3_000..=4_000).contains(&size), "{size}");
    assert!(!messages(&entries(&path)).is_empty());
    let (code, said) = end(piped);
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn what_cannot_be_recorded_is_said_and_nothing_is_overwritten() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("capture.jsonl");
    std::fs::write(&path, "precious").unwrap();
    let file = path.to_str().unwrap();
    let nobody = ["--broker", "mqtt://127.0.0.1:1"];
    let said = |arguments: &[&str]| end(warroom(arguments).env("HOME", directory.path()).spawn().unwrap());
    let cases: [(&[&str], i32, &str); 5] = [
        (&["record", file, nobody[0], nobody[1]], 2, "is there already; give another name, or --force"),
        (&["record", file], 2, "no broker is configured"),
        (&["record", file, "--for", "soon"], 2, "write 90s, 15m, 2h or 1d"),
        (&["record", "/no/such/place/c.gz", nobody[0], nobody[1]], 2, "/no/such/place/c.gz cannot be written"),
        (&["record"], 2, "<FILE>"),
    ];
    for (arguments, code, expected) in cases {
        let (found, text) = said(arguments);
        assert!(found == Some(code) && text.contains(expected), "{arguments:?}: {found:?} {text}");
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
    // Nobody answers: that is a failure, and leaves no empty file in the way of the next attempt.
    let other = directory.path().join("other.zst");
    let (code, text) = said(&["record", other.to_str().unwrap(), "--for", "1", nobody[0], nobody[1]]);
    assert!(code == Some(1) && text.contains("there never was a connection to mqtt://127.0.0.1:1"), "{text}");
    assert!(text.contains("not connected: ") && !other.exists(), "{text}");
}

/// A recording over an old file, on a terminal, that has one message.
async fn recording(directory: &Path) -> (Mosquitto, PathBuf, Terminal) {
    let broker = Mosquitto::open(directory);
    let devices = Other::connect(link(broker.port, Protocol::V5)).await;
    devices.say("fleet/s/d-0/status", "online", true).await;
    let path = directory.join("capture.jsonl");
    std::fs::write(&path, "old").unwrap();
    let url = format!("mqtt://127.0.0.1:{}", broker.port);
    let arguments = ["record", path.to_str().unwrap(), "--broker", &url, "--force"];
    let terminal = Terminal::warroom(&arguments, (120, 10));
    terminal.shows("1 message  ");
    (broker, path, terminal)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_shows_how_far_it_is_and_ctrl_c_ends_it() {
    let directory = tempfile::tempdir().unwrap();
    let (_broker, path, mut terminal) = recording(directory.path()).await;
    terminal.shows("Ctrl-C ends it");
    terminal.press("\x03");
    assert_eq!(terminal.ends(), 0);
    let mut text = String::new();
    File::open(&path).unwrap().read_to_string(&mut text).unwrap();
    // Where the key took a second to come, a line says that it was listened to the end.
    let message = text.lines().rfind(|line| !line.contains("\"link\":\"quiet\"")).unwrap();
    assert!(text.ends_with('\n'), "{text}");
    assert!(message.ends_with("\"topic\":\"fleet/s/d-0/status\",\"payload\":\"online\",\"retain\":1}"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn its_last_words_take_the_place_of_how_far_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let (_broker, _, mut terminal) = recording(directory.path()).await;
    // What Ctrl-C sends, without the key: after the key a terminal drops what it has not passed on yet, and the last words
    // of a program that ends at once may be among it.
    terminal.signal("INT");
    assert_eq!(terminal.ends(), 0);
    terminal.shows("recorded 1 message, ");
    assert!(!terminal.text().contains("Ctrl-C"), "{}", terminal.text());
}
