//! A game day as it is lived: in real time, by real keys, responders at one terminal and the facilitator at another; on the
//! embedded broker, and on somebody else's mosquitto, where nothing may be left behind.

#![allow(clippy::unwrap_used)]

mod support;

use std::path::{Path, PathBuf};

use support::live::{Other, link};
use support::mosquitto::Mosquitto;
use support::terminal::{Terminal, audit};
use warroom::mqtt::{LinkEvent, LinkOptions, Protocol};

const F5: &str = "\x1b[15~";
const CTRL_C: &str = "\x03";
const SIZE: (u16, u16) = (120, 40);

const SHIPPED: &str = include_str!("../scenarios/bad-firmware.toml");

/// The shipped scenario, with all the time there is, but for telling people outside, which nobody does: what is met must not
/// depend on how fast the machine is.
fn patient() -> String {
    let patient = SHIPPED.replace("contain_s = 420", "contain_s = 36_000").replace("update_s = 1800", "update_s = 1");
    patient.replace("length_s = 1_200", "length_s = 36_000")
}

/// A data directory, a configuration by which a lost facilitator is missed soon, and a scenario.
struct Place {
    directory: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("config.toml"), "operator = \"mira\"\n[drill]\nlost_s = 2\n").unwrap();
        std::fs::write(directory.path().join("patient.toml"), patient()).unwrap();
        Self { directory }
    }

    fn warroom(&self, arguments: &[&str]) -> Terminal {
        let (config, data) = (self.directory.path().join("config.toml"), self.data());
        let common = ["--config", config.to_str().unwrap(), "--data-dir", data.to_str().unwrap()];
        Terminal::warroom(&[&common[..], arguments].concat(), SIZE)
    }

    /// A responder's terminal, in which a game day has begun.
    fn respond(&self, arguments: &[&str]) -> Terminal {
        let scenario = self.directory.path().join("patient.toml");
        let drill = ["drill", scenario.to_str().unwrap(), "--devices", "2000", "--speed", "20"];
        let terminal = self.warroom(&[&drill[..], arguments].concat());
        terminal.until("the fleet is there", |screen| screen.contains("/2 000 on"));
        terminal
    }

    /// The facilitator's terminal, which shows what responders do not see.
    fn facilitate(&self) -> Terminal {
        let terminal = self.warroom(&["drill", "--join"]);
        terminal.shows("joined as mira (facilitator)");
        terminal.shows("✓      on  boot-loop · firmware 3.2.5 ∧ hardware rev-B");
        terminal
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// The after-action report, which is written at the end.
    fn report(&self) -> String {
        let entries = std::fs::read_dir(self.data().join("drills")).unwrap().map(|entry| entry.unwrap().path());
        let report = entries.filter(|path| path.extension().is_some_and(|e| e == "md")).max();
        std::fs::read_to_string(report.unwrap()).unwrap()
    }
}

/// Takes the alert, declares, and stops the rollout.
fn contain(responder: &mut Terminal) {
    responder.shows("1 alert, not declared");
    responder.press("a");
    responder.shows("took it at");
    responder.press("d");
    responder.shows("declare an incident");
    responder.press("\r");
    responder.shows("INC-1 3.2.5 · rev-B");
    responder.press(F5);
    responder.shows("H halts it, in this drill only");
    responder.until("a second to look", |screen| screen.contains("· 18 s left") || screen.contains("· 17 s left"));
    responder.press("H");
    responder.shows("✓ EFFECTIVE");
}

/// The facilitator lets the responders be told, sees how they get on, and ends the day.
fn direct(facilitator: &mut Terminal, responder: &mut Terminal) {
    facilitator.press(";f");
    responder.shows("ticket · customer acme: Forty of our thermostats");
    contain(responder);
    facilitator.shows("✓ contain");
    facilitator.shows("bad firmware → INC-1");
    facilitator.press(";o");
    facilitator.shows("what you see");
    facilitator.press("they decided in a minute\r");
    facilitator.shows("mira (facilitator): they decided in a minute");
    facilitator.press(";E");
    facilitator.shows("end the game day");
    facilitator.press("it is half past five\r");
    facilitator.shows("the game day is over");
    responder.shows("the game day is over: it is half past five");
    facilitator.press("q");
    assert_eq!(facilitator.ends(), 0);
    facilitator.shows("left the facilitator's seat");
    responder.press(CTRL_C);
    assert_eq!(responder.ends(), 0);
    audit(&responder.raw()).unwrap();
    audit(&facilitator.raw()).unwrap();
}

fn is_told(report: &str) {
    for part in [
        "# Game day",
        "This was a DRILL",
        "it is half past five",
        "| facilitator | mira (facilitator) |",
        "they decided in a minute",
        "### Switches",
        "OTA halt",
        "## Gaps, to be mended before the next game day",
        "people outside were not told in time",
    ] {
        assert!(report.contains(part), "{part}\n{report}");
    }
    let contained = report.lines().find(|line| line.starts_with("| contain ")).unwrap();
    assert!(contained.ends_with("| yes |"), "{contained}");
}

/// What a stranger finds retained on a broker.
async fn retained(port: u16) -> Vec<String> {
    let options = LinkOptions { subscriptions: vec!["#".into()], ..link(port, Protocol::V5) };
    let mut stranger = Other::connect(options).await;
    // What is retained comes with the subscription, so before what is said after it.
    stranger.say("stranger/end", "x", false).await;
    let found = std::cell::RefCell::new(Vec::new());
    let is_all = |event: &LinkEvent| match event {
        LinkEvent::Message { topic, .. } if &topic[..] == b"stranger/end" => Some(()),
        LinkEvent::Message { topic, payload, retained: true } if !payload.is_empty() => {
            found.borrow_mut().push(String::from_utf8_lossy(topic).into_owned());
            None
        }
        _ => None,
    };
    stranger.wait(is_all).await;
    found.into_inner()
}

/// Waits until the broker counts nobody but who asks.
async fn is_alone(port: u16) {
    let topic = "$SYS/broker/clients/connected";
    let options = LinkOptions { subscriptions: vec![topic.into()], ..link(port, Protocol::V5) };
    let mut stranger = Other::connect(options).await;
    stranger
        .wait(|event| match event {
            LinkEvent::Message { payload, .. } if &payload[..] == b"1" => Some(()),
            _ => None,
        })
        .await;
}

/// A broker that drops nothing for a client that is slow to read: what a stranger finds is all that there is.
fn staging(directory: &Path) -> Mosquitto {
    Mosquitto::start(directory, "allow_anonymous true\nsys_interval 1\nmax_queued_messages 0")
}

fn url(broker: &Mosquitto) -> String {
    format!("mqtt://127.0.0.1:{}", broker.port)
}

#[test]
fn a_game_day_with_its_facilitator_on_the_embedded_broker() {
    let place = Place::new();
    let mut responder = place.respond(&[]);
    let mut facilitator = place.facilitate();
    direct(&mut facilitator, &mut responder);
    is_told(&place.report());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_game_day_on_staging_leaves_nothing_behind() {
    let place = Place::new();
    let broker = staging(place.directory.path());
    let url = url(&broker);
    let mut responder = place.respond(&["--broker", &url]);
    assert!(retained(broker.port).await.len() > 10, "the fleet is known by what is retained");
    let mut facilitator = place.facilitate();
    direct(&mut facilitator, &mut responder);
    responder.shows("is clean: nothing is retained under drill-");
    assert_eq!(retained(broker.port).await, [""; 0]);
    is_alone(broker.port).await;
    is_told(&place.report());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_game_day_left_is_removed_at_the_next_start() {
    let place = Place::new();
    let broker = staging(place.directory.path());
    let url = url(&broker);
    let mut killed = place.respond(&["--broker", &url]);
    killed.signal("KILL");
    killed.ends();
    let left = retained(broker.port).await;
    assert!(left.len() > 10, "{left:?}");
    let mut next = place.respond(&["--broker", &url]);
    let old = left[0].split('/').next().unwrap();
    let found = retained(broker.port).await;
    let leftover: Vec<&String> = found.iter().filter(|topic| topic.starts_with(old)).collect();
    assert!(leftover.is_empty() && !found.is_empty(), "{leftover:?}");
    next.press(CTRL_C);
    assert_eq!(next.ends(), 0);
    assert_eq!(retained(broker.port).await, [""; 0]);
    is_alone(broker.port).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_staging_game_day_ends_by_itself_when_its_facilitator_is_lost() {
    let place = Place::new();
    let broker = staging(place.directory.path());
    let url = url(&broker);
    let mut responder = place.respond(&["--broker", &url]);
    let facilitator = place.facilitate();
    facilitator.signal("KILL");
    responder.press("8");
    responder.shows("NOT DUE YET");
    responder.press("4");
    responder.shows("the terminal of mira (facilitator) was lost for 2 s");
    responder.shows("staging is clean");
    assert_eq!(retained(broker.port).await, [""; 0]);
    responder.press(CTRL_C);
    assert_eq!(responder.ends(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_staging_broker_that_drops_the_fleet_is_no_part_of_the_story() {
    let place = Place::new();
    let mut broker = staging(place.directory.path());
    let url = url(&broker);
    let mut responder = place.respond(&["--broker", &url]);
    broker.kill();
    responder.press("4");
    responder.shows("the staging broker has dropped the simulated fleet");
    broker.restart();
    responder.shows("the simulated fleet is connected again");
    // It has forgotten everybody, and they have said again who they are.
    assert!(retained(broker.port).await.len() > 1000);
    responder.press(CTRL_C);
    assert_eq!(responder.ends(), 0);
    assert_eq!(retained(broker.port).await, [""; 0]);
}

#[test]
fn a_gap_is_promised_listed_and_closed() {
    let place = Place::new();
    let over_soon = SHIPPED.replace("length_s = 1_200", "length_s = 60").replace("onset_s = 150", "onset_s = 1");
    let over_soon = over_soon.replace("detect_s = 180", "detect_s = 1");
    std::fs::write(place.directory.path().join("patient.toml"), over_soon).unwrap();
    let mut responder = place.respond(&[]);
    responder.press("8");
    responder.shows("the planned 1:00 are over");
    responder.press(CTRL_C);
    responder.ends();
    let ask = |arguments: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_warroom"))
            .args(["--config", "/dev/null", "--data-dir"])
            .arg(place.data())
            .args(arguments)
            .output()
            .unwrap();
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    };
    let key = "bad-firmware/detect/bad-firmware";
    assert!(ask(&["actions"]).contains("gap    open     no date    nobody"), "{}", ask(&["actions"]));
    assert!(ask(&["drill", "assign", key, "--owner", "kim", "--due", "2020-01-02"]).contains("recorded"));
    assert!(ask(&["actions"]).contains("gap    OVERDUE  2020-01-02 kim"), "{}", ask(&["actions"]));
    assert!(ask(&["drill", "history"]).contains("kim, by 2020-01-02"));
    assert!(ask(&["drill", "close", key, "the alert has a lower threshold"]).contains("recorded"));
    assert!(!ask(&["actions"]).contains("kim"));
    assert!(ask(&["drill", "close", "nonsense", "why not"]).contains("no gap `nonsense` is open"));
}

#[test]
fn there_is_nothing_to_join_where_no_drill_runs() {
    let place = Place::new();
    let mut nobody = place.warroom(&["drill", "--join"]);
    assert_eq!(nobody.ends(), 2);
    nobody.shows("no drill has been run in");
    let mut responder = place.respond(&[]);
    responder.press(CTRL_C);
    responder.ends();
    let mut late = place.warroom(&["drill", "--join"]);
    assert_eq!(late.ends(), 2);
    late.shows("no drill is running here: nobody answers at");
}
