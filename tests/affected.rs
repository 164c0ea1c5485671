//! Which devices were ever affected: on the record by name, so that a room that begins again knows them.

#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeSet;

use support::Rehearsal;
use warroom::domain::event::Event;
use warroom::domain::event::recovery::RecoveryEvent;
use warroom::domain::ids::IncidentId;
use warroom::domain::incident::{Incident, Stage};
use warroom::domain::recovery::{Check, Remaining, Standing};

const INCIDENT: IncidentId = IncidentId(1);

fn incident(room: &Rehearsal) -> &Incident {
    &room.state.room.incidents[&INCIDENT]
}

fn remaining(room: &Rehearsal) -> Remaining {
    room.state.facts().of(INCIDENT).unwrap().remaining
}

fn names(room: &Rehearsal) -> BTreeSet<String> {
    incident(room).recovery.affected.names().map(str::to_owned).collect()
}

/// Everybody who is affected is known.
fn halted() -> Rehearsal {
    let mut room = support::halted(2000, support::settings());
    room.wait(60);
    room
}

#[test]
fn every_device_that_was_affected_is_on_the_record_once() {
    let room = halted();
    let ever = remaining(&room).ever;
    assert!(ever > 20, "{ever}");
    assert_eq!(names(&room).len() as u32, ever);
    assert_eq!(incident(&room).recovery.affected.named() as u32, ever, "none twice");
    let document = support::document(&room, "UTC", &|at| at.to_string());
    let exported: BTreeSet<String> = document.response.recovery.affected.devices.into_iter().collect();
    assert_eq!(exported, names(&room));
}

#[test]
fn a_room_that_begins_again_knows_whom_it_was_about() {
    let mut room = halted();
    let (before, known) = (remaining(&room), names(&room));
    room.restart();
    room.wait(10);
    let after = remaining(&room);
    assert!(after.ever >= before.ever, "{before:?} {after:?}");
    room.wait(120);
    assert!(names(&room).is_superset(&known));
    assert_eq!(remaining(&room).ever as usize, names(&room).len());
}

#[test]
fn whom_a_new_room_has_not_heard_is_away_as_far_as_anybody_knows() {
    let mut room = halted();
    let known = names(&room).len() as u32;
    // The fleet is gone for good.
    room.leave();
    room.restart();
    room.wait(10);
    let left = remaining(&room);
    assert_eq!((left.ever, left.unheard), (known, known));
    room.message("fleet/depot/x-1/status", br#"{"online":true}"#);
    room.wait(10);
    let checks = &room.state.facts().of(INCIDENT).unwrap().checks;
    let connectivity = checks.iter().find(|checked| checked.check == Check::Connectivity).unwrap();
    assert_eq!(connectivity.standing, Standing::Red, "{connectivity:?}");
    assert!(connectivity.evidence.starts_with(&format!("{known} of {known} are away")), "{connectivity:?}");
}

#[test]
fn what_a_new_room_hears_of_old_trouble_is_no_regression() {
    let mut room = halted();
    room.press(&["m"]);
    if incident(&room).stage() != Stage::Mitigated {
        room.press(&["m"]);
    }
    room.wait(10);
    assert_eq!(incident(&room).stage(), Stage::Mitigated);
    let reopened = |r: &Rehearsal| r.records.iter().filter(|r| matches!(r.event, Event::Reopened { .. })).count();
    let before = reopened(&room);
    room.restart();
    room.wait(240);
    assert_eq!(reopened(&room), before, "the devices were ill before it began again");
}

#[test]
fn names_are_written_in_batches_and_now_and_then() {
    let room = halted();
    let batches: Vec<_> = room
        .records
        .iter()
        .filter_map(|record| match &record.event {
            Event::Recovery(RecoveryEvent::DevicesAffected { devices, unnamed, .. }) => {
                Some((record.at, devices.len(), *unnamed))
            }
            _ => None,
        })
        .collect();
    assert!(!batches.is_empty() && batches.len() <= 6, "{batches:?}");
    assert!(batches.iter().all(|(_, devices, unnamed)| (1..=1000).contains(devices) && *unnamed == 0), "{batches:?}");
}
