//! Incident command by its keys: phases, roles, several incidents at once.

#![allow(clippy::unwrap_used)]

mod support;

use support::Rehearsal;
use warroom::domain::event::{Event, Record};
use warroom::domain::ids::IncidentId;
use warroom::domain::response::{Phase, Role};

const FIRST: IncidentId = IncidentId(1);
const SECOND: IncidentId = IncidentId(2);

/// A room with an incident declared by hand, whose title is `title`.
fn declare(room: &mut Rehearsal, title: &str) {
    room.press(&["D"]);
    room.type_text(title);
    room.press(&["enter"]);
}

fn phase(room: &Rehearsal, id: IncidentId) -> Phase {
    room.state.room.incidents[&id].phase()
}

#[test]
fn an_incident_without_a_commander_does_not_leave_its_first_phase() {
    let mut room = Rehearsal::empty();
    room.press(&["D"]);
    room.type_text("bills are up");
    // The fourth field is the commander, filled in with whoever is at the keys; nobody wants it.
    room.press(&["tab", "tab", "tab"]);
    (0..4).for_each(|_| room.press(&["backspace"]));
    room.press(&["enter"]);
    assert!(room.shows("IC nobody"));
    for key in ["a", "m", "r"] {
        room.press(&[key]);
        assert!(room.shows("INC-1 has no commander; name one first"), "{key}");
    }
    room.press(&["L", "enter"]);
    assert!(room.shows("INC-1 has no commander"));
    assert_eq!(phase(&room, FIRST), Phase::Detect);

    room.press(&["C"]);
    room.type_text("ada");
    room.press(&["enter", "a"]);
    assert!(room.shows("IC ada"));
    assert_eq!(phase(&room, FIRST), Phase::Triage);
    // On every screen.
    for screen in ["1", "2", "3", "4", "6"] {
        room.press(&[screen]);
        assert!(room.shows("IC ada") && room.shows("INC-1 bills are up"), "{screen}");
    }
}

#[test]
fn phases_go_on_and_go_back_with_a_reason_only() {
    let mut room = Rehearsal::empty();
    declare(&mut room, "bills are up");
    room.press(&["a", "L", "enter"]);
    assert_eq!(phase(&room, FIRST), Phase::Contain);
    room.press(&["L", "v", "enter"]);
    assert!(room.shows("nothing to verify before service is restored"));
    room.press(&["m"]);
    assert_eq!(phase(&room, FIRST), Phase::Verify);
    room.press(&["L", "t", "enter"]);
    assert!(room.shows("going back to triage needs a reason"));
    room.press(&["L", "t", "tab"]);
    room.type_text("it was another queue");
    room.press(&["enter", "4"]);
    assert!(room.shows("back to triage (was in verify): it was another queue"));
    let entered: Vec<_> = room.state.room.incidents[&FIRST]
        .response
        .phases
        .iter()
        .map(|entry| (entry.phase, entry.by.name().to_owned(), entry.reason.is_some()))
        .collect();
    let by_mira = |phase, reason| (phase, "mira".to_owned(), reason);
    let expected = [(Phase::Triage, false), (Phase::Contain, false), (Phase::Verify, false), (Phase::Triage, true)];
    assert_eq!(entered, expected.map(|(phase, reason)| by_mira(phase, reason)));
}

#[test]
fn roles_change_hands_on_the_record() {
    let mut room = Rehearsal::empty();
    declare(&mut room, "bills are up");
    for (role, name) in [("c", "jo"), ("o", "lin"), ("s", "ben"), ("s", "kai")] {
        room.press(&["R", role, "tab"]);
        room.type_text(name);
        room.press(&["enter"]);
    }
    let incident = &room.state.room.incidents[&FIRST];
    assert_eq!(incident.commander, "jo");
    let roles: Vec<_> = incident.response.roles.iter().map(|(role, name)| (*role, name.as_str())).collect();
    assert_eq!(roles, [(Role::Operations, "lin"), (Role::Scribe, "kai")]);
    room.press(&["4"]);
    assert!(room.shows("handover: commander jo (was mira)"));
    assert!(room.shows("operations lin") && room.shows("handover: scribe kai (was ben)"));
}

#[test]
fn incidents_are_switched_between_and_merged_with_both_histories_kept() {
    let mut room = Rehearsal::drill(10_000);
    room.wait_until("the alert", |r| r.state.room.open_alerts().count() > 0);
    declare(&mut room, "customers call");
    room.press(&["n"]);
    room.type_text("they see no values");
    room.press(&["ctrl-s"]);
    room.wait(30);
    room.press(&["d", "enter"]);
    assert!(room.shows("+1 open"));
    let onset = room.state.room.incidents[&SECOND].moments.onset;

    // The list, and back to the first.
    room.press(&["I"]);
    assert!(room.shows("incidents · 2 open of 2"));
    room.press(&["down", "enter"]);
    assert!(room.shows("INC-1 customers call"));

    // What an alert saw is a part of what customers saw first.
    room.press(&["i", "M", "enter"]);
    assert!(room.shows("INC-2") && room.shows("part of INC-1"));
    let incidents = &room.state.room.incidents;
    assert_eq!(incidents[&SECOND].response.merged_into, Some(FIRST));
    assert_eq!(incidents[&FIRST].response.absorbed, [SECOND]);
    assert_eq!(incidents[&FIRST].alerts, incidents[&SECOND].alerts);
    assert_eq!(incidents[&FIRST].moments.onset, onset, "one incident began when the first of its parts did");
    assert_eq!(room.state.room.open_incidents().count(), 1);
    assert_eq!(incidents[&FIRST].notes.len(), 1);
    let own = |id| room.records.iter().filter(|record| record.event.incident() == Some(id)).count();
    assert!(own(FIRST) > 3 && own(SECOND) > 3);

    // What is merged is worked on in the other one, until it is split off again.
    room.press(&["m"]);
    assert!(room.shows("there is no open incident"));
    room.press(&["O"]);
    room.type_text("two causes after all");
    room.press(&["enter"]);
    assert_eq!(room.state.room.open_incidents().count(), 2);
}

#[test]
fn an_alert_joins_the_open_incident_about_the_same_devices() {
    let mut room = Rehearsal::drill(10_000);
    room.wait_until("the alert", |r| r.state.room.open_alerts().count() > 0);
    declare(&mut room, "customers call");
    // An incident about nobody in particular takes nothing by itself; a person may say so.
    room.wait(5);
    assert!(room.state.room.incidents[&FIRST].alerts.is_empty());
    room.press(&["A"]);
    room.type_text("firmware=3.2.9");
    room.press(&["enter"]);
    assert!(room.shows("no device has firmware `3.2.9`; there are 3.2.3, 3.2.4, 3.2.5"));
    room.press(&["esc", "A"]);
    room.type_text("firmware=3.2.5 hardware=rev-B");
    room.press(&["enter"]);
    room.wait(2);
    assert_eq!(room.state.room.incidents[&FIRST].alerts.len(), 1, "now it is about the same devices");
    room.press(&["J"]);
    assert!(room.shows("no alert waits to join an open incident"));
}

#[test]
fn every_event_is_read_back_as_it_was_written() {
    let mut room = Rehearsal::empty();
    declare(&mut room, "one");
    declare(&mut room, "two");
    room.press(&["R", "o", "tab"]);
    room.type_text("lin");
    room.press(&["enter", "L", "enter", "M", "enter"]);
    assert!(room.records.iter().filter(|record| matches!(record.event, Event::Response(_))).count() >= 3);
    for record in &room.records {
        let written = serde_json::to_string(record).unwrap();
        assert!(written.contains("\"event\":\""), "flat: {written}");
        assert_eq!(serde_json::from_str::<Record>(&written).unwrap(), *record);
    }
}

#[test]
fn audiences_are_told_from_templates_and_waited_for() {
    let mut room = Rehearsal::drill(2_000);
    room.wait_until("the alert", |r| r.state.room.open_alerts().count() > 0);
    room.press(&["a", "d", "enter"]);
    room.wait(6);
    assert!(room.shows("internal 29:"), "the countdown stands on every screen");
    // The step of the runbook opens the composer; the words are read once more before they go out.
    room.press(&["u", "i", "enter"]);
    assert!(room.shows("first word to internal"));
    room.press(&["ctrl-s"]);
    assert!(room.shows("sends it"));
    room.press(&["S"]);
    let incident = &room.state.room.incidents[&FIRST];
    assert_eq!(incident.updates.sent.len(), 1);
    assert!(incident.updates.sent[0].text.contains("INC-1"));
    assert!(!incident.updates.sent[0].text.contains("{{"));
    assert_eq!(room.copied.len(), 1, "without a channel it is on the clipboard");
    // What was copied is told once somebody says that it is posted.
    room.press(&["5", "enter"]);
    assert!(room.state.room.incidents[&FIRST].updates.sent[0].delivery.is_told());
    assert!(room.shows("WHO KNOWS WHAT"));
    // Half an hour later somebody waits: customers for the first word, the team for the next.
    for _ in 0..31 * 60 {
        room.now = room.now.plus_s(1);
        room.input(warroom::domain::input::Input::Tick);
    }
    room.wait(1);
    assert!(room.shows("OVERDUE"));
    room.press(&["4"]);
    assert!(room.shows("update OVERDUE: customers waits for word"));
}
