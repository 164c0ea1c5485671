//! Tables from the shell: one series through the level detector, counts through the attribution, by the real program.

#![allow(clippy::unwrap_used)]

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

/// Runs the program with a table on its standard input: how it ended, what it printed, and what it complained about.
fn warroom(arguments: &[&str], table: &[u8]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_warroom"));
    let pipes = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = pipes.spawn().unwrap();
    let (mut input, table) = (running.stdin.take().unwrap(), table.to_vec());
    // It may stop reading in the middle, and has to be read meanwhile.
    let writer = std::thread::spawn(move || drop(input.write_all(&table)));
    let output = running.wait_with_output().unwrap();
    writer.join().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// Two days of a flat series with a little noise, a value every five minutes, named as the columns say.
fn series(columns: &str, value: impl Fn(usize) -> String) -> String {
    let row = |n: usize| {
        let (day, minute) = (20 + n / 288, n % 288 * 5);
        format!("2026-11-{day:02} {:02}:{:02}:00,{}\n", minute / 60, minute % 60, value(n))
    };
    format!("{columns}\n{}", (0..3 * 288).map(row).collect::<String>())
}

fn noise(n: usize) -> f64 {
    50.0 + (n * 7919 % 101) as f64 / 101.0
}

#[test]
fn every_row_of_a_series_has_its_score_and_knows_only_those_before_it() {
    let table = series("timestamp,value", |n| (noise(n) + if n == 700 { 40.0 } else { 0.0 }).to_string());
    let (code, printed, complaints) = warroom(&["detect", "--csv", "-"], table.as_bytes());
    assert_eq!((code, complaints.as_str()), (0, ""));
    let rows: Vec<&str> = printed.lines().collect();
    assert_eq!((rows.len(), rows[0]), (1 + 3 * 288, "timestamp,value,anomaly_score,alarm"));
    let alarms: Vec<usize> = (1..rows.len()).filter(|n| rows[*n].ends_with(",1")).collect();
    assert_eq!(alarms, [701], "the row after the header is the first");
    for (row, given) in rows.iter().zip(table.lines()).skip(1) {
        assert!(row.starts_with(&format!("{given},")), "{row}");
        let score: f64 = row.split(',').nth(2).unwrap().parse().unwrap();
        assert!((0.0..=1.0).contains(&score), "{row}");
    }
    // What comes later changes nothing before.
    let half: String = table.lines().take(500).map(|line| format!("{line}\n")).collect();
    let (_, first, _) = warroom(&["detect", "--csv", "-"], half.as_bytes());
    assert!(printed.starts_with(&first));
}

#[test]
fn columns_have_any_name_and_what_is_no_number_is_counted() {
    let table = series("at,load", |n| if n % 100 == 0 { "n/a".into() } else { noise(n).to_string() });
    let named = ["detect", "--csv", "-", "--time", "at", "--value", "load"];
    let (code, printed, complaints) = warroom(&named, table.as_bytes());
    assert_eq!((code, printed.lines().count()), (0, 1 + 3 * 288));
    assert!(complaints.contains("9 of 864 values are no numbers"), "{complaints}");
    let (_, _, complaints) = warroom(&["detect", "--csv", "-"], b"timestamp,value\nnoon,1\n1795176000,2\n");
    assert!(complaints.contains("1 of 2 times cannot be read"), "{complaints}");
    let (_, _, complaints) = warroom(&["detect", "--csv", "-"], b"timestamp,value\n1,1e155\n2,3\n");
    assert!(complaints.contains("1 of 2 values are no numbers, or larger than 1e150"), "{complaints}");
    let (_, _, complaints) = warroom(&["detect", "--csv", "-"], b"timestamp,value\n30,1\n10,2\n20,3\n40,4\n");
    assert!(complaints.contains("2 of 4 rows are earlier than one before them"), "{complaints}");
}

#[test]
fn a_table_that_is_none_is_refused_with_what_is_wrong() {
    let cases: [(&[&str], &[u8], &str); 12] = [
        (
            &["detect", "--csv", "-"],
            b"at,load\n1,2\n",
            "there is no column `timestamp`; there are at, load. --time and --value name others",
        ),
        (&["detect", "--csv", "-"], b"timestamp,value\n1,2,3\n", "line: 2"),
        (&["detect", "--csv", "-"], b"timestamp,value\n1,\xff\n", "UTF-8"),
        (&["detect", "--csv", "/no/such/file"], b"", "/no/such/file"),
        (&["attribute", "--leaf", "-"], b"", "there is no column `total`"),
        (&["detect", "--csv", "-"], b"", "there is no column `timestamp`; there are none"),
        (&["attribute", "--leaf", "-"], b"a,a,total,affected\nx,y,2,1\n", "two columns `a`"),
        (&["attribute", "--leaf", "-"], b"a,total,affected,base_total\nx,2,1,2\n", "go together"),
        (&["attribute", "--leaf", "-"], b"site,total\na,1\n", "there is no column `affected`"),
        (&["attribute", "--leaf", "-"], b"total,affected\n2,1\n", "0 attribute columns"),
        (&["attribute", "--leaf", "-"], b"site,total,affected\na,many,1\n", "line 2: `many` in column `total`"),
        (&["attribute", "--leaf", "-"], b"site,total,affected\na,1,2\n", "line 2: more are affected (2) than"),
    ];
    for (arguments, table, expected) in cases {
        let (code, printed, complaint) = warroom(arguments, table);
        assert!(code == 2 && complaint.contains(expected), "{arguments:?}: {code} {complaint}");
        assert!(!printed.contains("causes") && printed.lines().count() <= 1, "{printed}");
    }
}

/// A hundred devices of every combination; `affected` says how many of them are.
fn counts(base: bool, affected: impl Fn(&str, &str, &str) -> u32) -> String {
    let mut table =
        format!("firmware,hardware,carrier,total,affected{}\n", if base { ",base_total,base_affected" } else { "" });
    for firmware in ["3.2.4", "3.2.5"] {
        for hardware in ["rev-A", "rev-B", "rev-C"] {
            for carrier in ["telenor", "wifi"] {
                let before = if base { ",100,2" } else { "" };
                let n = affected(firmware, hardware, carrier);
                table += &format!("{firmware},{hardware},{carrier},100,{n}{before}\n");
            }
        }
    }
    table
}

fn attributed(table: &str) -> Value {
    let (code, printed, complaint) = warroom(&["attribute", "--leaf", "-"], table.as_bytes());
    assert_eq!((code, complaint.as_str()), (0, ""));
    serde_json::from_str(&printed).unwrap()
}

#[test]
fn the_fewest_values_that_explain_the_affected_are_named_best_first() {
    for base in [false, true] {
        let pair =
            counts(base, |firmware, hardware, _| if (firmware, hardware) == ("3.2.5", "rev-B") { 90 } else { 2 });
        let found = attributed(&pair);
        assert_eq!(found["schema"], 1);
        assert_eq!(found["causes"], json!([{"firmware": "3.2.5", "hardware": "rev-B"}]), "{found}");
        let detail = &found["detail"][0];
        assert_eq!((detail["devices"].as_f64(), detail["affected"].as_f64()), (Some(200.0), Some(180.0)));
        assert_eq!((detail["purity"].as_f64(), detail["coverage"].as_f64()), (Some(0.9), Some(0.9)));
        assert_eq!(found["explained"], true);
    }
    let two = attributed(&counts(true, |firmware, hardware, carrier| match (firmware, hardware, carrier) {
        ("3.2.5", ..) => 90,
        (_, "rev-C", "wifi") => 70,
        _ => 2,
    }));
    assert_eq!(two["causes"], json!([{"firmware": "3.2.5"}, {"carrier": "wifi", "hardware": "rev-C"}]), "{two}");
}

#[test]
fn what_everybody_shows_is_explained_by_nobody() {
    let found = attributed(&counts(true, |_, _, _| 60));
    assert_eq!(
        (found["explained"].as_bool(), &found["note"]),
        (Some(false), &json!("not explained by these attributes"))
    );
    let quiet = attributed(&counts(true, |_, _, _| 0));
    assert_eq!((quiet["causes"].as_array().map(Vec::len), quiet["explained"].as_bool()), (Some(0), Some(false)));
    assert_eq!(quiet["note"], "nothing to explain: none are affected");
    assert_eq!(attributed("firmware,total,affected\n")["note"], "nothing to explain: the table has no rows");
}
