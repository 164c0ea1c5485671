//! What laws ask for, what is learnt, what it cost, and the numbers of the quarter: by the keys of the room.

#![allow(clippy::unwrap_used)]

mod support;

use support::Rehearsal;
use warroom::config::cost::CostSection;
use warroom::config::regulation::RegulationSection;
use warroom::domain::command::Command;
use warroom::domain::command::recovery::RecoveryCommand;
use warroom::domain::due::Due;
use warroom::domain::event::{Event, RegulationEvent};
use warroom::domain::ids::{Actor, IncidentId};
use warroom::domain::input::{Input, Ticket};
use warroom::domain::learning::{Ending, Section};
use warroom::domain::recovery::Check;
use warroom::engine::Settings;
use warroom::engine::metrics::Report;
use warroom::engine::snapshot::Snapshot;
use warroom::report::metrics;

const INCIDENT: IncidentId = IncidentId(1);

fn declared() -> Rehearsal {
    let settings = Settings {
        regimes: RegulationSection::default().law().regimes.into(),
        rates: CostSection::default().rates().0.into(),
        ..support::settings()
    };
    let mut room = Rehearsal::open(None, settings);
    room.press(&["D"]);
    room.type_text("credentials of a gateway leaked");
    room.press(&["tab", "2", "tab", "3", "enter"]);
    room.wait(2);
    room
}

/// Time passes at once, with a look at the end of it.
fn leap(room: &mut Rehearsal, seconds: i64) {
    room.now = room.now.plus_s(seconds);
    room.input(Input::Tick);
    room.wait(1);
}

fn told(room: &Rehearsal, what: impl Fn(&RegulationEvent) -> bool) -> usize {
    room.records.iter().filter(|record| matches!(&record.event, Event::Regulation(event) if what(event))).count()
}

/// What is due under this name.
fn due(room: &Rehearsal, label: &str) -> Option<Due> {
    Snapshot::of(&room.state, room.now).due.into_iter().find(|due| due.label.contains(label))
}

/// The picture without its last line, whose keys are another test's.
fn body(room: &mut Rehearsal, width: u16, height: u16) -> String {
    let screen = room.screen(width, height);
    screen.rsplit_once('\n').map_or(screen.clone(), |(body, _)| body.to_owned())
}

#[test]
fn a_law_that_applies_has_its_clock_on_every_screen_until_the_notice_is_filed() {
    let mut room = declared();
    room.press(&["K"]);
    assert!(room.shows("GDPR art. 33 · not decided"));
    // A reason is asked for, and nothing is said without it.
    room.press(&["y", "enter"]);
    assert!(room.shows("this needs a reason"));
    // What is typed next is the reason.
    room.type_text("the gateway keeps names of tenants");
    room.press(&["enter", "down", "y", "tab"]);
    room.type_text("the log shows a download");
    room.press(&["enter"]);
    let matter = room.state.room.incidents[&INCIDENT].regulation.matters["gdpr-33"].clone();
    assert_eq!(matter.moments["aware"].to, room.now, "who says that it applies is aware of it");
    insta::assert_snapshot!("regulation-120x40", body(&mut room, 120, 40));
    insta::assert_snapshot!("regulation-80x24", body(&mut room, 80, 24));
    room.press(&["esc"]);
    for view in ["1", "2", "4", "6", "7"] {
        room.press(&[view]);
        assert!(room.shows(" due "), "{view}");
        let left = due(&room, "GDPR art. 33 authority").unwrap().left_s(room.now);
        assert!((259_000..=259_200).contains(&left), "{view}: {left}");
    }
    // It was an hour earlier: the clock follows, the old value is kept.
    leap(&mut room, 3600);
    room.press(&["1", "K", "down", "down", "enter"]);
    for _ in 0..20 {
        room.press(&["backspace"]);
    }
    room.type_text("2026-11-20T16:30:00Z");
    room.press(&["tab"]);
    room.type_text("ticket 4711");
    room.press(&["enter", "esc"]);
    let moved = |event: &RegulationEvent| {
        matches!(event, RegulationEvent::RegulatoryMomentSet { from: Some(from), evidence, .. }
            if *from == matter.moments["aware"].to && evidence == "ticket 4711")
    };
    assert_eq!(told(&room, moved), 1);
    // Three quarters on it is near, after 72 hours it is missed; each is told once.
    let near = |event: &RegulationEvent| matches!(event, RegulationEvent::DeadlineNear { .. });
    let missed = |event: &RegulationEvent| matches!(event, RegulationEvent::DeadlineMissed { .. });
    leap(&mut room, 54 * 3600);
    leap(&mut room, 3600);
    assert_eq!((told(&room, near), told(&room, missed)), (1, 0));
    leap(&mut room, 20 * 3600);
    leap(&mut room, 3600);
    assert_eq!((told(&room, near), told(&room, missed)), (1, 1));
    assert!(due(&room, "GDPR art. 33 authority").unwrap().is_overdue(room.now));
    room.press(&["K", "down", "down", "down", "enter", "tab"]);
    room.type_text("authority, case 12");
    room.press(&["enter"]);
    assert!(room.shows("filed late · authority, case 12"));
    assert_eq!(due(&room, "GDPR art. 33 authority"), None);
}

#[test]
fn a_law_that_does_not_apply_says_why() {
    let mut room = declared();
    room.press(&["K", "n", "tab"]);
    room.type_text("no personal data on it");
    room.press(&["enter"]);
    assert!(room.shows("GDPR art. 33 · does not apply"));
    assert!(room.shows("personal data on it"));
    assert_eq!(due(&room, "GDPR"), None);
}

#[test]
fn the_postmortem_is_written_in_the_room() {
    let mut room = declared();
    room.press(&["m"]);
    room.press(&["E", "enter"]);
    room.type_text("a key was in the image");
    room.press(&["ctrl-s"]);
    assert_eq!(
        room.state.room.incidents[&INCIDENT].learning.sections[&Section::Summary].text,
        "a key was in the image"
    );
    // An action item without owner and date is taken, and keeps the postmortem from being done.
    room.press(&["a"]);
    room.type_text("one key for each gateway");
    room.press(&["enter"]);
    room.press(&["p"]);
    assert!(room.shows("the postmortem is not done: INC-1 has no root cause"));
    for down in [6, 7] {
        room.press(&["home"]);
        (0..down).for_each(|_| room.press(&["down"]));
        room.press(&["enter"]);
        room.type_text("keys are made at the factory");
        room.press(&["ctrl-s"]);
    }
    room.press(&["end", "enter", "tab"]);
    room.type_text("kim");
    room.press(&["tab"]);
    room.type_text("soon");
    room.press(&["enter"]);
    assert!(room.shows("`soon` is not a day; write it as 2026-11-24"));
    (0..4).for_each(|_| room.press(&["backspace"]));
    room.type_text("2026-12-01");
    room.press(&["enter", "c", "down", "down"]);
    room.press(&["esc", "c", "2", "tab"]);
    room.type_text("12");
    room.press(&["enter"]);
    insta::assert_snapshot!("postmortem-120x40", body(&mut room, 120, 40));
    insta::assert_snapshot!("postmortem-80x24", body(&mut room, 80, 24));
    room.press(&["p"]);
    assert!(room.state.room.incidents[&INCIDENT].learning.published.is_some());
    room.press(&["end", "d", "enter", "esc"]);
    let learning = &room.state.room.incidents[&INCIDENT].learning;
    assert_eq!(learning.actions[0].ended.as_ref().map(|(.., ending)| ending), Some(&Ending::Done));
    assert_eq!(learning.costs[0].cost.amount, 180_000);
    assert!(room.shows("cost USD ~1 800"), "{}", room.screen(120, 40));
}

#[test]
fn a_postmortem_that_is_owed_is_said_before_it_is_late() {
    let mut room = declared();
    room.press(&["m"]);
    leap(&mut room, 4 * 86_400);
    let left = |room: &Rehearsal| due(room, "postmortem").map_or(i64::MAX, |due| due.left_s(room.now));
    assert!(left(&room) > 2 * 86_400);
    leap(&mut room, 86_400 + 7200);
    assert!((86_400..2 * 86_400).contains(&left(&room)));
    leap(&mut room, 2 * 86_400);
    assert!(due(&room, "postmortem").unwrap().is_overdue(room.now));
}

#[test]
fn the_quarter_in_numbers() {
    let mut room = declared();
    room.wait(60);
    room.press(&["a", "m"]);
    for check in Check::ALL {
        // Nobody's devices were hit: there is nothing to look at, and somebody says so.
        let reason = "no device was hit".to_owned();
        let command = Command::Recovery(RecoveryCommand::Waive { incident: INCIDENT, check, reason });
        room.input(Input::Command { ticket: Ticket(0), by: Actor::Person("mira".into()), command });
    }
    room.press(&["r"]);
    // Another in the next quarter, slower.
    leap(&mut room, 50 * 86_400);
    room.press(&["D"]);
    room.type_text("again");
    room.press(&["enter"]);
    room.wait(200);
    room.press(&["a", "m", "7"]);
    insta::assert_snapshot!("metrics-120x40", body(&mut room, 120, 40));
    insta::assert_snapshot!("metrics-80x24", body(&mut room, 80, 24));
    assert!(room.shows("2027Q1 · 1 incident") && room.shows("worse, was 1:0"));
    let quarter = "2027Q1".parse().unwrap();
    let report = Report::of(room.state.room.incidents.values(), quarter, &room.state.settings.targets, room.now);
    let csv = metrics::table(&report);
    for row in [
        "quarter,group,clock,incidents,stopped,open,median_s,p90_s,worst_s,worst,in_time\n",
        "\n2026Q4,all,TTR,1,1,0,62,62,62,INC-1,1\n",
        "\n2027Q1,all,TTA,1,1,0,200,200,200,INC-2,1\n",
        "\n2027Q1,mass-disconnect,TTR,1,0,1,,,,,\n",
    ] {
        assert!(csv.contains(row), "{row}\n{csv}");
    }
    let json: serde_json::Value = serde_json::from_str(&metrics::json(&report).unwrap()).unwrap();
    assert_eq!((&json["schema"], &json["quarter"]), (&1.into(), &"2027Q1".into()));
    assert_eq!(json["groups"][0]["clocks"][1]["spread"]["median_s"], 200);
    assert_eq!(json["before"][3]["quarter"], "2026Q4");
    let text = metrics::open_metrics(&report);
    // Every sample belongs to the family above it, and the end is said.
    let mut family = "";
    for line in text.lines() {
        match line.strip_prefix("# TYPE ") {
            Some(begins) => family = begins.split(' ').next().unwrap(),
            None => assert!(line.starts_with('#') || line.starts_with(&format!("{family}{{")), "{line}"),
        }
    }
    assert!(text.ends_with("\n# EOF\n"));
    let median =
        "warroom_incident_clock_seconds{quarter=\"2027Q1\",group=\"all\",clock=\"TTA\",statistic=\"median\"} 200\n";
    assert!(text.contains(median), "{text}");
    room.press(&["up"]);
    assert!(room.shows("2026Q4 · 1 incident") && room.shows("nothing to compare"));
    room.press(&["down", "esc"]);
    assert!(!room.shows("2027Q1"));
}
