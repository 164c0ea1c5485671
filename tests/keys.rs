//! The room by its keys: everything a person does, through the real application and the real engine.

#![allow(clippy::unwrap_used)]

mod support;

use support::Rehearsal;
use warroom::domain::event::Event;
use warroom::domain::event::recovery::RecoveryEvent;
use warroom::domain::incident::{IncidentType, Severity, Stage};
use warroom::domain::input::{Input, LinkChange};
use warroom::domain::recovery::Standing;
use warroom::domain::switch::ActuationState;

fn at_the_alert() -> Rehearsal {
    let mut rehearsal = Rehearsal::drill(10_000);
    rehearsal.wait_until("the alert", |r| r.state.room.open_alerts().count() > 0);
    rehearsal
}

#[test]
fn one_incident_from_the_alert_to_the_end() {
    let mut room = at_the_alert();
    let alert = room.state.room.open_alerts().next().unwrap().clone();
    assert_eq!(alert.finding.cohort.to_string(), "3.2.5 · rev-B");
    assert!(room.shows("looks like bad firmware"));

    room.wait(5);
    room.press(&["a"]);
    assert!(room.shows("recorded #"));
    room.press(&["d", "enter"]);
    let incident = room.state.room.open_incidents().next().unwrap().clone();
    assert_eq!((incident.kind, incident.severity), (IncidentType::BadFirmware, Severity::Sev2));
    assert_eq!(incident.moments.acknowledged, Some(room.now), "the acknowledged alert is the acknowledged incident");
    assert!(incident.runbook.is_some());

    // Severity by digit, commander by name, a note in two lines.
    room.press(&["S", "1", "enter"]);
    room.press(&["C"]);
    room.type_text("jo");
    room.press(&["enter", "n"]);
    room.type_text("customers are calling");
    room.press(&["enter"]);
    room.type_text("mostly acme");
    room.press(&["ctrl-s"]);
    let incident = room.state.room.open_incidents().next().unwrap().clone();
    assert_eq!((incident.severity, incident.commander.as_str()), (Severity::Sev1, "jo"));
    assert_eq!(incident.notes[0].text, "customers are calling\nmostly acme");

    // The runbook: two steps done, one skipped, one taken back.
    room.press(&["tab", "space", "space", "-"]);
    room.type_text("known already");
    room.press(&["enter"]);
    room.press(&["up", "up", "space"]);
    assert_eq!(room.state.room.incidents[&incident.id].runbook.as_ref().unwrap().progress().0, 2);

    // The halt: looked at, confirmed, proven.
    room.press(&["F5"]);
    assert!(room.shows("H halts it, in this drill only"));
    room.wait(1);
    room.press(&["H"]);
    assert!(room.shows("OTA halt fw-3.2.5"));
    room.wait_until("the halt is effective", |r| {
        r.state.room.actuations.values().all(|a| a.state == ActuationState::Effective)
    });
    assert!(room.shows("EFFECTIVE after"));

    // Rolled back by typing the campaign's name, and the cohort recovers.
    room.press(&["!", "4"]);
    assert!(room.shows("type the campaign's name, then !"));
    room.wait(1);
    room.type_text("fw-3.2.5!");
    assert!(room.shows("it takes a second person") && room.published.len() == 1);
    room.press(&["b"]);
    room.type_text("jo is on a plane");
    room.press(&["enter"]);
    assert_eq!(room.published.len(), 2);
    room.wait_until("the alert clears", |r| r.state.room.open_alerts().count() == 0);

    room.press(&["m"]);
    assert!(room.shows("TTM mitigate ✓"));
    room.wait(60);
    // Recovery is verified, not assumed: until the cohort has been watched, somebody answers for it.
    room.press(&["r"]);
    assert!(room.shows("not verified"));
    let green = |r: &Rehearsal| {
        let known = r.state.facts().of(incident.id).unwrap();
        known.checks.iter().filter(|checked| checked.standing == Standing::Green).count()
    };
    room.wait_until("five checks are green", |r| green(r) >= 5);
    room.press(&["V", "end", "enter"]);
    room.type_text("the bench is free until noon only");
    room.press(&["enter", "esc", "r"]);
    let incident = &room.state.room.incidents[&incident.id];
    assert_eq!(incident.stage(), Stage::Resolved);
    assert_eq!(incident.recovery.verified.len(), 6);
    // Every change of the incident has a person's name on it; opinions are the room's.
    for record in &room.records {
        let engine_may = matches!(
            record.event,
            Event::AlertJoined { .. }
                | Event::SuspectNamed { .. }
                | Event::VerdictReached { .. }
                | Event::Learning(_)
                | Event::Runbook(_)
                | Event::Recovery(RecoveryEvent::DevicesAffected { .. })
        );
        if record.event.incident().is_some() && !engine_may {
            assert_eq!(record.actor.name(), "mira", "{record:?}");
        }
    }
}

#[test]
fn a_time_is_corrected_by_a_form_that_explains_its_mistakes() {
    let mut room = at_the_alert();
    room.press(&["d", "enter", "e", "tab"]);
    room.type_text("soon");
    room.press(&["enter"]);
    assert!(room.shows("`soon` is not a time"));
    for _ in 0..4 {
        room.press(&["backspace"]);
    }
    room.type_text("17:31:40");
    room.press(&["enter"]);
    assert!(room.shows("this needs a reason"));
    room.press(&["tab"]);
    room.type_text("the wave began then");
    room.press(&["enter"]);
    let incident = room.state.room.open_incidents().next().unwrap();
    assert_eq!(incident.moments.onset, Some("2026-11-20T17:31:40Z".parse().unwrap()));
    assert_eq!(incident.corrections[0].reason, "the wave began then");
}

#[test]
fn nothing_is_pulled_by_accident() {
    // (keys after the alert, what must have happened)
    let cases: [(&str, &[&str]); 7] = [
        ("held arming key", &["F5", "F5", "F5", "F5"]),
        ("Enter and Space", &["F5", "enter", "space"]),
        ("y", &["F5", "y"]),
        ("another letter, then the right one", &["F5", "x", "H"]),
        ("the right key without arming", &["H", "H"]),
        ("while somebody types", &["n", "!", "1", "H", "F5", "H", "esc"]),
        ("in the palette", &[":", "!", "1", "H", "esc"]),
    ];
    for (name, keys) in cases {
        let mut room = at_the_alert();
        for key in keys {
            room.press(&[key]);
        }
        room.wait(1);
        assert!(room.published.is_empty(), "{name}: {:?}", room.published);
        assert!(room.state.room.actuations.is_empty(), "{name}");
    }
    // At once after arming: a burst of keys is no decision, and it takes the arming back.
    let mut room = at_the_alert();
    room.press(&["F5", "H"]);
    assert!(room.published.is_empty() && room.state.switches.arming.is_none());
    // A paste is not keys.
    let mut room = at_the_alert();
    room.app.paste("!1H");
    room.press(&["F5"]);
    room.wait(1);
    room.app.paste("H");
    room.wait(1);
    assert!(room.published.is_empty() && room.state.switches.arming.is_none());
    // The window changed its size, or the link went down: what was looked at is not what is there now.
    let mut room = at_the_alert();
    room.press(&["F5"]);
    room.wait(1);
    room.app.resized();
    room.press(&["H"]);
    assert!(room.published.is_empty());
    let mut room = at_the_alert();
    room.press(&["F5"]);
    room.input(Input::Link(LinkChange::Down { reason: "gone".into(), retry_ms: 1000 }));
    room.wait(1);
    room.press(&["H"]);
    assert!(room.published.is_empty());
    // Nobody confirms.
    let mut room = at_the_alert();
    room.press(&["F5"]);
    room.wait(25);
    assert!(!room.shows("halts it, in this drill only") && room.state.switches.arming.is_none());
}

#[test]
fn a_read_only_room_has_no_dangerous_keys() {
    let mut room = Rehearsal::open(None, warroom::engine::Settings { read_only: true, ..support::settings() });
    room.message("fleet/ota/fw-1/state", br#"{"state":"running","wave":1,"target":"2"}"#);
    for key in ["F5", "a", "d", "D", "n", "m", "r", "S"] {
        room.press(&[key]);
        room.wait(1);
    }
    room.press(&["!", "1"]);
    room.wait(1);
    room.press(&["H"]);
    let writes = room.records.iter().filter(|record| record.actor.name() == "mira").count();
    assert_eq!((writes, room.published.len()), (0, 0));
    assert!(room.shows("read-only"));
    assert!(!room.screen(120, 40).lines().last().unwrap().contains("declare"));
}

#[test]
fn the_keys_go_to_a_pane_that_is_on_the_screen() {
    // (an incident is open, keys, what Enter opens then): without an incident the room has no runbook.
    let cases = [
        (false, &["tab"][..], "timeline · "),
        (false, &["shift-tab"], "timeline · "),
        (false, &["tab", "tab", "down"], "devices · "),
        (true, &["tab"], "runbook · "),
        (true, &["shift-tab"], "timeline · "),
        (true, &["tab", "tab", "tab", "down"], "devices · "),
    ];
    for (is_open, keys, opened) in cases {
        let mut room = at_the_alert();
        if is_open {
            room.press(&["d", "enter"]);
            room.wait(1);
        }
        room.press(keys);
        room.press(&["enter"]);
        assert!(room.shows(opened), "{is_open} {keys:?}:\n{}", room.screen(120, 40));
    }
}

#[test]
fn an_incident_that_outgrows_its_severity_says_so_until_somebody_sets_it() {
    let mut room = at_the_alert();
    room.press(&["d", "enter"]);
    let outgrown = "INC-1 is SEV1 by now, and was declared SEV2 · S sets it";
    room.wait_until("SEV1", |room| room.state.room.incidents.values().any(|incident| incident.outgrown().is_some()));
    assert!(room.shows(outgrown) && room.shows("looks like bad firmware, device, SEV1"));
    room.press(&["S"]);
    assert!(room.shows("SEV1"));
    room.press(&["esc"]);
    assert!(room.shows(outgrown));
}

#[test]
fn looking_around() {
    let mut room = at_the_alert();
    // Into the cohort, into a device, and back out.
    room.press(&["down", "enter"]);
    assert!(room.shows("devices · 3.2.5 · rev-B"));
    room.press(&["tab", "down", "enter"]);
    assert!(room.shows("MESSAGES, NEWEST FIRST"));
    room.press(&["esc", "esc", "esc"]);
    assert!(room.shows("rollout"));
    // Filter and grouping.
    room.press(&["/"]);
    room.type_text("hw=rev-B region!=eu-west");
    room.press(&["enter"]);
    assert!(room.shows("only hardware=rev-B region!=eu-west"));
    assert!(!room.shows("rev-A"));
    room.press(&["/"]);
    room.type_text(" colour=red");
    room.press(&["enter"]);
    assert!(room.shows("no attribute `colour`"));
    room.press(&["esc", "esc", "esc", "g", "r", "tab", "n", "enter"]);
    assert!(room.shows("cohorts by region") && room.shows("eu-north"));
    // Signals, span, freezing, copying.
    room.press(&["c"]);
    assert!(room.shows("devices whose absence is expected"));
    room.press(&["w"]);
    assert!(room.shows("last 30 min"));
    room.press(&["z"]);
    let frozen = room.screen(120, 40);
    room.wait(30);
    assert_eq!(frozen, room.screen(120, 40));
    assert!(frozen.contains("FROZEN"));
    // What the room is about stands first, above the regions.
    room.press(&["z", "down", "down", "y"]);
    assert_eq!(room.copied, ["region ap-south"]);
    // Everything by name.
    room.press(&[":"]);
    room.type_text("theme");
    room.press(&["enter"]);
    assert_eq!(room.app.theme.name, "light");
    room.press(&["q"]);
    assert!(room.quit);
}

#[test]
fn a_note_that_is_left_is_kept_as_a_draft() {
    let mut room = Rehearsal::empty();
    room.press(&["n"]);
    room.type_text("half a thought");
    room.press(&["esc", "n"]);
    assert!(room.shows("half a thought"));
    room.type_text(", whole now");
    room.press(&["alt-enter"]);
    let noted = room
        .records
        .iter()
        .any(|record| matches!(&record.event, Event::NoteAdded { text, .. } if text == "half a thought, whole now"));
    assert!(noted);
}

#[test]
fn two_incidents_are_told_apart() {
    let mut room = at_the_alert();
    room.press(&["d", "enter", "D"]);
    room.type_text("billing is up");
    room.press(&["tab", "4", "tab", "5", "enter"]);
    assert!(room.shows("INC-2 billing is up") && room.shows("+1 open"));
    room.press(&["i"]);
    assert!(room.shows("INC-1 3.2.5 · rev-B"));
    room.press(&["m"]);
    let stages: Vec<_> = room.state.room.incidents.values().map(|incident| incident.stage()).collect();
    assert_eq!(stages, [Stage::Mitigated, Stage::Declared]);
}

#[test]
fn ten_thousand_keys_of_chance_pull_nothing_and_break_nothing() {
    let mut room = Rehearsal::drill(200);
    room.wait(120);
    let mut random = fastrand::Rng::with_seed(7);
    let named = [
        "F5",
        "esc",
        "enter",
        "tab",
        "up",
        "down",
        "left",
        "right",
        "pageup",
        "home",
        "backspace",
        "space",
        "ctrl-s",
        "ctrl-l",
    ];
    for n in 0..10_000 {
        let key = if random.bool() {
            char::from(random.u8(b'!'..=b'~')).to_string()
        } else {
            random.choice(named).unwrap().to_owned()
        };
        room.press(&[&key]);
        // Keys come faster than people think: a hundred a second.
        if n % 100 == 99 {
            room.wait(1);
        }
        if n % 50 == 0 {
            room.buffer(120, 40);
        }
    }
    assert!(room.published.is_empty(), "{:?}", room.published);
}

#[test]
fn a_small_fleet_names_the_right_suspect_in_the_end() {
    // (devices, seed): fleets in which the first alert saw too few devices to name the revision.
    for (devices, seed) in [(2000, 1), (500, 7), (2000, 3), (10_000, 1)] {
        let mut room = Rehearsal::drill_with_seed(devices, seed);
        room.wait_until("the alert", |r| r.state.room.open_alerts().count() > 0);
        room.press(&["d", "enter"]);
        let cohort = |r: &Rehearsal| r.state.room.incidents.values().next().unwrap().cohort.to_string();
        room.wait_until("the suspect", |r| cohort(r) == "3.2.5 · rev-B");
        room.wait(60);
        assert_eq!(cohort(&room), "3.2.5 · rev-B", "{devices} devices, seed {seed}");
        assert!(room.shows("INC-1 3.2.5 · rev-B"));
        // Sent back, they are on another firmware; the incident is still about the one they fell ill on.
        room.press(&["F5"]);
        room.wait(1);
        room.press(&["H"]);
        room.wait(60);
        room.press(&["!", "4"]);
        room.wait(1);
        room.type_text("fw-3.2.5!");
        room.wait(240);
        assert_eq!(cohort(&room), "3.2.5 · rev-B", "{devices} devices, seed {seed}");
    }
}
