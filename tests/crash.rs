//! Killed while writing, and killed while a switch is pulled: what was acknowledged is in the log, the chain holds, nothing
//! has left this machine without its intent on record, and nothing twice.

#![allow(clippy::unwrap_used)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use support::live::{Other, link};
use support::mosquitto::Mosquitto;
use support::terminal::Terminal;
use warroom::domain::event::Event;
use warroom::mqtt::{LinkEvent, LinkOptions, Protocol};
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

/// From the confirming key to the kill, in milliseconds: before the intent is on disk, while it is sent, after the yes.
const DELAYS_MS: [u64; 10] = [0, 1, 2, 3, 5, 8, 15, 40, 120, 400];

#[tokio::test(flavor = "multi_thread")]
async fn a_room_killed_at_any_step_of_a_switch_never_acts_unlogged_and_never_twice() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data").display().to_string();
    let broker = Mosquitto::open(directory.path());
    let url = format!("mqtt://localhost:{}", broker.port);
    let mut world = Other::connect(LinkOptions {
        subscriptions: vec!["fleet/ota/+/control".into()],
        client_id: "world".into(),
        ..link(broker.port, Protocol::V3)
    })
    .await;
    let arguments = ["--broker", &url, "--data-dir", &data];
    for (round, delay) in DELAYS_MS.into_iter().enumerate() {
        let campaign = format!("fw-{round}");
        world.say(&format!("fleet/ota/{campaign}/state"), r#"{"state":"running","wave":1,"target":"2"}"#, true).await;
        let mut room = Terminal::warroom(&arguments, (120, 40));
        room.shows(&campaign);
        room.press("!1");
        room.shows("press H to stop the rollout for real");
        room.until("a second to look", |screen| screen.contains("· 18 s left") || screen.contains("· 17 s left"));
        room.press("H");
        tokio::time::sleep(std::time::Duration::from_millis(delay)).await;
        room.signal("KILL");
        room.ends();
        // Halted by somebody, so that the next round finds its own campaign only.
        world.say(&format!("fleet/ota/{campaign}/state"), r#"{"state":"finished","wave":1,"target":"2"}"#, true).await;
    }
    let mut room = Terminal::warroom(&arguments, (120, 40));
    room.shows("outcome unknown");
    room.leave_open();
    room.ends();

    // Everything that the broker was sent has come by when this has.
    world.say("fleet/ota/end/control", "{}", false).await;
    let mut sent: BTreeMap<String, u32> = BTreeMap::new();
    loop {
        let (topic, payload) = world
            .wait(|event| match event {
                LinkEvent::Message { topic, payload, .. } => Some((topic.clone(), payload.clone())),
                _ => None,
            })
            .await;
        if topic == "fleet/ota/end/control" {
            break;
        }
        let order: serde_json::Value = serde_json::from_slice(&payload).unwrap();
        *sent.entry(order["request_id"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    let log = Path::new(&data).join("log.db");
    assert!(matches!(read::verify(&log, None).unwrap(), Verdict::Consistent { .. }));
    let records = read::open(&log).unwrap().records;
    let intents: BTreeSet<String> = records
        .iter()
        .filter_map(|record| match &record.event {
            Event::ActuationRequested { actuation, .. } => Some(actuation.0.clone()),
            _ => None,
        })
        .collect();
    assert!(sent.values().all(|times| *times == 1), "sent twice: {sent:?}");
    let unlogged: Vec<_> = sent.keys().filter(|id| !intents.contains(*id)).collect();
    assert!(unlogged.is_empty(), "sent without an intent on record: {unlogged:?}");
    assert!(!sent.is_empty(), "the slowest kills come after the message");
    println!("{} intents, {} of them sent", intents.len(), sent.len());
}
