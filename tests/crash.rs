//! Killed while writing, twenty times: what was acknowledged is in the log, and the chain holds.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use warroom::store::read::{self, Verdict};

/// A writer that says `recorded N` for each line once it is on disk.
fn writer(data: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_warroom"))
        .args(["note", "--stdin", "--data-dir"])
        .arg(data)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn what_was_acknowledged_survives_twenty_kills_at_random_moments() {
    let data = tempfile::tempdir().unwrap();
    let log = data.path().join("log.db");
    let mut random = fastrand::Rng::with_seed(20);
    let mut acknowledged = BTreeSet::new();
    let mut unacknowledged = 0;
    for round in 0..20 {
        let mut child = writer(data.path());
        let mut input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        // Lines come as fast as they are taken; the kill falls somewhere into the writing of one.
        let feeder = std::thread::spawn(move || {
            for n in 0.. {
                if writeln!(input, "round {round} line {n} {}", "x".repeat(n % 700)).is_err() {
                    return;
                }
            }
        });
        let die_after = random.usize(1..120);
        let spin = random.u32(0..4000);
        let mut lines = output.lines();
        for line in lines.by_ref().take(die_after) {
            acknowledged.insert(line.unwrap().strip_prefix("recorded ").unwrap().parse::<u64>().unwrap());
        }
        for _ in 0..spin {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        for line in lines.map_while(Result::ok) {
            acknowledged.extend(line.strip_prefix("recorded ").and_then(|n| n.parse::<u64>().ok()));
        }
        feeder.join().unwrap();

        let verdict = read::verify(&log, None).unwrap();
        assert!(matches!(verdict, Verdict::Consistent { .. }), "round {round}: {verdict:?}");
        let there: BTreeSet<u64> = read::open(&log).unwrap().records.iter().map(|record| record.seq.0).collect();
        let lost: Vec<_> = acknowledged.difference(&there).collect();
        assert!(lost.is_empty(), "round {round}: acknowledged and lost: {lost:?}");
        unacknowledged += there.len() - acknowledged.len();
        // What was written but not acknowledged is on the record all the same; it counts from now on.
        acknowledged = there;
    }
    assert!(acknowledged.len() > 200, "the writer wrote: {}", acknowledged.len());
    println!("{} events, {unacknowledged} of them written but not yet acknowledged at a kill", acknowledged.len());
}
