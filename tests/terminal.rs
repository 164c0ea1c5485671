//! The program in a real pseudo-terminal: it starts, it answers, and it gives the terminal back whatever ends it.

#![allow(clippy::unwrap_used)]

mod support;

use std::sync::Arc;

use support::live::{Other, link};
use support::mosquitto::Mosquitto;
use support::terminal::{Terminal, audit};
use warroom::mqtt::Protocol;

const F5: &str = "\x1b[15~";

fn drill(data: &std::path::Path) -> Terminal {
    let data = data.display().to_string();
    Terminal::warroom(&["drill", "--devices", "300", "--data-dir", &data], (120, 40))
}

fn newest_log(data: &std::path::Path) -> std::path::PathBuf {
    let mut logs: Vec<_> = std::fs::read_dir(data.join("drills")).unwrap().map(|entry| entry.unwrap().path()).collect();
    logs.retain(|path| path.extension().is_some_and(|e| e == "db"));
    logs.sort();
    logs.pop().unwrap()
}

/// Why the room closed: the last word of a log that is whole.
fn last_word(data: &std::path::Path) -> String {
    let records = warroom::store::read::open(&newest_log(data)).unwrap().records;
    let last = serde_json::to_value(&records.last().unwrap().event).unwrap();
    assert_eq!(last["event"], "room-closed");
    last["reason"].as_str().unwrap().to_owned()
}

#[test]
fn the_drill_starts_with_one_command_and_ends_with_one_key() {
    let data = tempfile::tempdir().unwrap();
    let mut terminal = drill(data.path());
    terminal.shows("300/300 on");
    terminal.shows("DRILL");
    terminal.press("?");
    terminal.shows("THE INCIDENT");
    terminal.press("\x1b");
    terminal.until("the help closes", |screen| !screen.contains("THE INCIDENT"));
    terminal.press("q");
    assert_eq!(terminal.ends(), 0);
    terminal.shows("drill bad-firmware ended after");
    assert!(!terminal.is_taken() && terminal.is_cooked());
    assert_eq!(last_word(data.path()), "left");
    audit(&terminal.raw()).unwrap();
}

#[test]
fn every_way_to_end_gives_the_terminal_back_and_leaves_the_log_whole() {
    for (signal, reason) in [("TERM", "SIGTERM"), ("HUP", "the terminal hung up"), ("INT", "SIGINT")] {
        let data = tempfile::tempdir().unwrap();
        let mut terminal = drill(data.path());
        terminal.shows("300/300 on");
        terminal.signal(signal);
        assert_eq!(terminal.ends(), 0, "{signal}");
        assert!(!terminal.is_taken() && terminal.is_cooked(), "{signal}");
        assert_eq!(last_word(data.path()), reason);
    }
}

#[test]
fn a_line_that_drops_ends_the_program_in_order() {
    let data = tempfile::tempdir().unwrap();
    let mut terminal = drill(data.path());
    terminal.shows("300/300 on");
    terminal.hang_up();
    assert_eq!(terminal.ends(), 0);
    // The signal and the end of the input race, and either is the truth.
    assert!(["the terminal hung up", "the terminal is gone"].contains(&last_word(data.path()).as_str()));
}

#[test]
fn a_terminal_too_small_says_what_it_needs_and_draws_again_when_it_grows() {
    let data = tempfile::tempdir().unwrap();
    let mut terminal = drill(data.path());
    terminal.shows("300/300 on");
    terminal.resize(40, 12);
    terminal.shows("warroom needs 60×18, this is 40×12");
    terminal.resize(80, 24);
    terminal.shows("why");
    terminal.resize(1, 1);
    terminal.resize(120, 40);
    terminal.shows("cohorts by firmware × hardware");
    terminal.press("q");
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn a_whole_incident_by_real_keys_on_the_embedded_broker() {
    let data = tempfile::tempdir().unwrap();
    let directory = data.path().display().to_string();
    let arguments = ["drill", "--devices", "4000", "--speed", "20", "--data-dir", &directory];
    let mut terminal = Terminal::warroom(&arguments, (120, 40));
    terminal.shows("1 alert, not declared");
    terminal.press("a");
    terminal.shows("took it at");
    terminal.press("d");
    terminal.shows("declare an incident");
    terminal.press("\r");
    terminal.shows("INC-1 3.2.5 · rev-B");
    terminal.press(F5);
    terminal.shows("H halts it, in this drill only");
    // A key that comes at once is a held key, and is refused.
    terminal.until("a second to look", |screen| screen.contains("· 18 s left") || screen.contains("· 17 s left"));
    terminal.press("H");
    terminal.shows("✓ EFFECTIVE");
    terminal.press("m");
    terminal.shows("m again says that it is mitigated anyway");
    terminal.press("m");
    terminal.shows("TTM mitigate ✓");
    // Its devices still crash: the checks say so, and nobody has answered for them.
    terminal.press("r");
    terminal.press("V");
    terminal.shows("error rate normal     RED");
    terminal.press("\x1b");
    // Escape and a key that comes at once would be one key with Alt.
    terminal.until("the checks to close", |screen| !screen.contains("error rate normal"));
    terminal.leave_open();
    assert_eq!(terminal.ends(), 0);
    audit(&terminal.raw()).unwrap();

    let export = |format: &str| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_warroom"))
            .args(["export", "1", "--drill", "--format", format, "--data-dir", &directory])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let markdown = export("md");
    for part in [
        "This was a DRILL",
        "## Summary",
        "## Impact",
        "Away at once, at most",
        "online · firmware 3.2.5 ∧ hardware rev-B",
        "## Timeline",
        "## Detection",
        "TTD to detect",
        "## Response",
        "### Switches",
        "effective",
        "### Runbook",
        "## Root cause",
        "## Lessons",
        "## Action items",
        "## Regulatory record",
        "## Communication record",
        "## Cost",
    ] {
        assert!(markdown.contains(part), "{part}\n{markdown}");
    }
    let json: serde_json::Value = serde_json::from_str(&export("json")).unwrap();
    assert_eq!(json["schema"], warroom::report::document::SCHEMA);
    assert_eq!(json["incident"]["type"], "bad-firmware");
    assert_eq!(json["response"]["switches"][0]["outcome"], "effective");
    assert_eq!(json["incident"]["cohort"]["hardware"], "rev-B");
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_messages_leave_the_terminal_clean_and_the_next_good_one_counts() {
    let directory = tempfile::tempdir().unwrap();
    let broker = Mosquitto::open(directory.path());
    let data = directory.path().join("data").display().to_string();
    let url = format!("mqtt://127.0.0.1:{}", broker.port);
    let mut terminal = Terminal::warroom(&["--broker", &url, "--data-dir", &data], (120, 40));
    terminal.shows("connected, and waiting for the first device");
    let devices = Other::connect(link(broker.port, Protocol::V5)).await;
    let evil = [
        "\u{1b}[2J\u{1b}[HPWNED",
        "\u{1b}]0;PWNED-TITLE\u{7}",
        "\u{1b}]52;c;?\u{7}",
        "\u{1b}P$q\"id\r\u{1b}\\",
        "A\u{9b}2JB",
        "\u{7}\u{7}\u{7}",
        "FAILED\u{8}\u{8}OK",
        "\u{1b}[38;2;222;173;190m",
        "\u{1b}[999;999H",
        "fw-\u{202e}1.4.2",
        "dev\u{200b}",
        "ok\r\n12:00 KILL-SWITCH",
        "Z\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}",
    ];
    for (n, text) in evil.iter().enumerate() {
        let status = serde_json::json!({ "online": true, "firmware": text, "hardware": text, "region": text });
        devices.say(&format!("fleet/s{n}/evil-{n}/status"), status.to_string(), true).await;
        let event = serde_json::json!({ "kind": "error", "code": text, "message": text });
        devices.say(&format!("fleet/s{n}/evil-{n}/event"), event.to_string(), false).await;
        let state = serde_json::json!({ "state": "running", "wave": 1, "target": text });
        devices.say(&format!("fleet/ota/fw-{n}/state"), state.to_string(), true).await;
    }
    for payload in [&b"\x1b[2J"[..], b"\xff\xfe", b"", b"null", b"{\"a\":"] {
        devices.say("fleet/s/raw/telemetry", payload, false).await;
    }
    devices.say("fleet/s/raw/telemetry", "[".repeat(100_000), false).await;
    devices.say("fleet/s0/sentinel/status", r#"{"online":true,"firmware":"1.0.0"}"#, true).await;
    terminal.until("the sentinel", |screen| screen.contains("/15 on") || screen.contains("1.0.0"));
    // Everywhere that shows something of it.
    for keys in ["x", "\x1b", "2", "\t", "\r", "\x1b", "4", "6", "1"] {
        terminal.press(keys);
        devices.say("fleet/s0/sentinel/telemetry", r#"{"battery":0.5}"#, false).await;
    }
    terminal.shows("rollout");
    terminal.press("q");
    assert_eq!(terminal.ends(), 0);
    audit(&terminal.raw()).unwrap();
}

#[test]
fn what_is_wrong_with_how_it_is_started_is_one_clear_line_and_exit_code_2() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.display().to_string()
    };
    let data = directory.path().join("data").display().to_string();
    let config = file("bad.toml", "[broker]\nurll = 'mqtt://x'\n");
    let scenario = file("bad-scenario.toml", "id = 'x'\ntitel = 'y'\n");
    std::fs::create_dir_all(directory.path().join("data")).unwrap();
    file("data/log.db", "this is not a log, although it is where one should be");
    let cases: [(&[&str], &str); 7] = [
        (&["--config", &config], "bad.toml:2:1: unknown key `urll`; did you mean `url`?"),
        (&["--config", "/no/such/file.toml"], "/no/such/file.toml cannot be read"),
        (&["drill", &scenario], "bad-scenario.toml:2:1: unknown key `titel`; did you mean `title`?"),
        (&["drill", "bad-fimrware"], "did you mean `bad-firmware`?"),
        (&["drill", "--theme", "drak"], "did you mean `dark`?"),
        (&["--broker", "http://x"], "expected `mqtt://host`"),
        (&["--broker", "mqtt://127.0.0.1:1", "--data-dir", &data], "is not a warroom log"),
    ];
    for (arguments, expected) in cases {
        let mut terminal = Terminal::warroom(arguments, (200, 24));
        assert_eq!(terminal.ends(), 2, "{arguments:?}: {}", terminal.text());
        terminal.shows(expected);
        assert!(!terminal.is_taken() && terminal.is_cooked());
    }
    let mut dumb =
        Terminal::start(std::path::Path::new(env!("CARGO_BIN_EXE_warroom")), &["drill"], &[("TERM", "dumb")], (80, 24));
    assert_eq!(dumb.ends(), 2);
    // Without a terminal at all.
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_warroom")).arg("drill").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("needs a terminal"));
}

#[test]
fn a_second_room_on_the_same_log_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().display().to_string();
    let arguments = ["--broker", "mqtt://127.0.0.1:1", "--data-dir", &data];
    let mut first = Terminal::warroom(&arguments, (120, 40));
    first.shows("not connected to mqtt://127.0.0.1:1");
    let mut second = Terminal::warroom(&arguments, (200, 24));
    assert_eq!(second.ends(), 2);
    second.shows("belongs to another room that is open now");
    first.press("q");
    assert_eq!(first.ends(), 0);
}

/// Not a test by itself: the program that panics in the next one.
#[test]
#[ignore = "run by a_panic_gives_the_terminal_back"]
fn a_screen_that_panics() {
    use warroom::engine::snapshot::Snapshot;
    use warroom::tui::{Port, action::Keymap, app::App, theme::Theme};
    let state = warroom::engine::State::replay(support::settings(), &[], support::start());
    let snapshot = Arc::new(Snapshot::of(&state, support::start()));
    let (_newest, snapshots) = tokio::sync::watch::channel(snapshot.clone());
    let (_reply, replies) = tokio::sync::mpsc::channel(1);
    let keymap = Keymap::new(&std::collections::BTreeMap::new(), false).unwrap();
    let app = App::new(snapshot, vec!["firmware".into()], Theme::find("dark", false).unwrap(), keymap);
    let (_past, pasts) = tokio::sync::mpsc::channel(1);
    let port = Port { snapshots, replies, pasts, ask: Box::new(|_| panic!("something is broken")) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    drop(runtime.block_on(warroom::tui::run(app, port, std::future::pending())));
}

#[test]
fn a_panic_gives_the_terminal_back() {
    let this = std::env::current_exe().unwrap();
    let arguments = ["--exact", "a_screen_that_panics", "--ignored", "--nocapture", "--test-threads=1"];
    let mut terminal = Terminal::start(&this, &arguments, &[], (120, 40));
    terminal.shows("timeline");
    assert!(terminal.is_taken());
    // The first key makes the screen ask for another view, and that is what breaks.
    terminal.press("2");
    terminal.shows("something is broken");
    assert_ne!(terminal.ends(), 0);
    assert!(!terminal.is_taken() && terminal.is_cooked());
}
