//! Captures, analysed by the real program: what it says of a fleet that is well, of one that is not, and of broken files.

#![allow(clippy::unwrap_used)]

mod support;

use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use support::recording::{capture, packed};
use warroom::ingest::capture::packing::Packing;

fn analyze(path: &Path) -> (i32, Value, String) {
    analyze_with(path, Stdio::null())
}

fn analyze_with(path: &Path, input: Stdio) -> (i32, Value, String) {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_warroom"))
        .args(["analyze", "--json", path.to_str().unwrap()])
        .env_remove("WARROOM_CONFIG")
        .stdin(input)
        .output()
        .unwrap();
    let json = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    (output.status.code().unwrap(), json, String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn the_game_day_is_found_in_its_capture_and_its_quiet_beginning_is_quiet() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("capture.jsonl");
    std::fs::write(&path, capture(4000, 90)).unwrap();
    let (code, quiet, _) = analyze(&path);
    assert_eq!((code, quiet["devices"].as_u64(), quiet["schema"].as_u64()), (0, Some(4000), Some(1)));
    assert_eq!((quiet["alerts"].as_array().unwrap().len(), quiet["invalid"].as_u64()), (0, Some(0)));
    for (seconds, said) in [(60, "too short to be judged"), (110, "nothing that the room would have raised")] {
        std::fs::write(&path, capture(500, seconds)).unwrap();
        let told =
            std::process::Command::new(env!("CARGO_BIN_EXE_warroom")).arg("analyze").arg(&path).output().unwrap();
        let told = String::from_utf8(told.stdout).unwrap();
        assert!(told.contains(said), "{seconds} s: {told}");
    }

    let zipped = directory.path().join("capture.jsonl.gz");
    let mut writer =
        flate2::write::GzEncoder::new(std::fs::File::create(&zipped).unwrap(), flate2::Compression::fast());
    writer.write_all(capture(4000, 400).as_bytes()).unwrap();
    writer.finish().unwrap();
    let (code, found, _) = analyze(&zipped);
    assert_eq!(code, 0);
    let told = std::process::Command::new(env!("CARGO_BIN_EXE_warroom")).arg("analyze").arg(&zipped).output().unwrap();
    let told = String::from_utf8(told.stdout).unwrap();
    for line in [
        "wave 2 of fw-3.2.5 → 3.2.5 has started",
        "  stop rule crossed · fw-3.2.5 wave 2: ",
        "  alert A1 3.2.5 · rev-B · online",
    ] {
        assert!(told.contains(line), "{line} in {told}");
    }
    assert!(
        told.contains(
            "\n\nINC-1 SEV1 bad firmware · device · 3.2.5 · rev-B drops offline\n    firmware 3.2.5 ∧ hardware rev-B: "
        ),
        "{told}"
    );
    assert!(!told.contains("OVERDUE") && !told.contains("runbook"), "{told}");
    let incidents = found["incidents"].as_array().unwrap();
    assert_eq!(incidents.len(), 1, "{found:#}");
    let incident = &incidents[0];
    assert_eq!((&incident["type"], &incident["verdict"]), (&"bad-firmware".into(), &"device".into()));
    let suspect = serde_json::json!({ "firmware": "3.2.5", "hardware": "rev-B" });
    assert_eq!(incident["suspects"][0]["attributes"], suspect, "{incident:#}");
    assert!(incident["suspects"][0]["lift"].as_f64().unwrap() > 3.0);
    assert!(found["alerts"].as_array().unwrap().iter().all(|alert| alert["evidence"].as_str().is_some()));
    // The same capture gives the same answer.
    let mut again = analyze(&zipped).1;
    again["wall_ms"] = found["wall_ms"].clone();
    assert_eq!(again, found);
}

#[test]
fn broken_captures_are_counted_or_refused_and_never_a_mass_incident() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("broken.jsonl");
    let good = capture(200, 30);
    // Cut in the middle of a line, sorted backwards, with time stamps of all ages, and with a line that never ends.
    let mut lines: Vec<&str> = good.lines().collect();
    lines.reverse();
    let mut text = lines.join("\n");
    text += "\n{\"t\":4102444800,\"topic\":\"fleet/a/b/telemetry\",\"payload\":\"{}\"}\n{\"t\":1,\"topic\":\"fleet/a/b/tele";
    text += &"x".repeat(9_000_000);
    std::fs::write(&path, text).unwrap();
    let (code, found, error) = analyze(&path);
    assert_eq!(code, 0, "{error}");
    assert_eq!(found["alerts"], Value::Array(Vec::new()));
    assert!(found["invalid"].as_u64().unwrap() > 0);

    std::fs::write(&path, "timestamp,value\n1,2\n").unwrap();
    let (code, _, error) = analyze(&path);
    assert!(code == 2 && error.contains("expected lines like"), "{error}");
    let (code, _, error) = analyze(&directory.path().join("missing"));
    assert!(code == 2 && error.contains("missing"), "{error}");
}

#[test]
fn packed_captures_are_known_by_their_first_bytes_and_a_cut_one_is_analysed_as_far_as_it_goes() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("capture.log");
    let text = capture(200, 60);
    std::fs::write(&path, &text).unwrap();
    let plain = analyze(&path).1;
    assert_eq!(plain["invalid"], 0);
    for packing in [Packing::Gzip, Packing::Zstd] {
        let whole = packed(packing, &text);
        std::fs::write(&path, &whole).unwrap();
        let (code, mut found, error) = analyze(&path);
        found["wall_ms"] = plain["wall_ms"].clone();
        assert_eq!((code, &found, error.as_str()), (0, &plain, ""), "{packing:?}");
        let input = std::fs::File::open(&path).unwrap();
        let (code, mut found, _) = analyze_with(Path::new("-"), input.into());
        found["wall_ms"] = plain["wall_ms"].clone();
        assert_eq!((code, &found), (0, &plain), "{packing:?} on standard input");

        std::fs::write(&path, &whole[..whole.len() * 9 / 10]).unwrap();
        let (code, found, error) = analyze(&path);
        assert!(code == 0 && error.contains("cut off in the middle; what could be read of it is analysed"), "{error}");
        let count = |json: &Value| json["messages"].as_u64().unwrap();
        assert!(count(&found) > 0 && count(&found) < count(&plain), "{packing:?}");
        assert_eq!(found["invalid"], 1);
        // So little of it that nothing can be read is a file without messages.
        std::fs::write(&path, &whole[..5]).unwrap();
        let (code, _, error) = analyze(&path);
        assert!(code == 2 && error.contains("cut off") && error.contains("no message was found"), "{error}");
    }
}

#[test]
fn the_time_in_which_nobody_listened_is_no_outage() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("capture.jsonl");
    // Twenty minutes between the the beginning and the rest: to whoever believes that somebody listened, a fleet gone
    // silent.
    let (moment, gap_s) = (support::start().ms() / 1000, 1200.0);
    let text = capture(1000, 145);
    let later = |line: &str| {
        let mut line: Value = serde_json::from_str(line).unwrap();
        let t = line["t"].as_f64().unwrap();
        let late = t > (moment + 130) as f64;
        line["t"] = (if late { t + gap_s } else { t }).into();
        (late, line.to_string())
    };
    let (after, before): (Vec<_>, Vec<_>) = text.lines().map(later).partition(|(late, _)| *late);
    let (down, up) = (moment + 130, moment + 130 + gap_s as i64);
    let gaps = [
        vec![format!(r#"{{"t":{down},"link":"down","reason":"lost"}}"#), format!(r#"{{"t":{up},"link":"up"}}"#)],
        // A second recording behind the first begins with its link.
        vec![format!(r#"{{"t":{up},"link":"up"}}"#)],
    ];
    for gap in gaps {
        let line = |(_, line): &(bool, String)| line.clone();
        let lines: Vec<_> = before.iter().map(line).chain(gap).chain(after.iter().map(line)).collect();
        std::fs::write(&path, lines.join("\n") + "\n{\"t\":0,\"dropped\":7}\n").unwrap();
        let (code, found, error) = analyze(&path);
        assert_eq!((code, error.as_str()), (0, ""));
        assert_eq!(found["alerts"], Value::Array(Vec::new()), "{found:#}");
        assert_eq!((found["invalid"].as_u64(), found["dropped"].as_u64()), (Some(0), Some(7)));
    }
}
