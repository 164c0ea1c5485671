//! Each of the five types of incident, from the alert to the postmortem, by the keys of the room; and what is exported.

#![allow(clippy::unwrap_used)]

mod support;

use support::Rehearsal;
use warroom::config::cost::CostSection;
use warroom::config::regulation::RegulationSection;
use warroom::domain::ids::IncidentId;
use warroom::domain::incident::{Incident, IncidentType, Stage};
use warroom::domain::learning::Section;
use warroom::domain::recovery::{Check, DataChoice, Standing};
use warroom::domain::switch::ActuationState;
use warroom::domain::update::way::Way;
use warroom::domain::update::{Audience, ChannelInfo};
use warroom::engine::Settings;
use warroom::report::csv::{self, Table};
use warroom::report::document::Document;
use warroom::report::page::lay_out;
use warroom::report::{html, json, markdown};

const INCIDENT: IncidentId = IncidentId(1);
/// What is answered for where the game day ends before the data shows it to be well.
const WAIVED: &str = "the game day ends here";

/// A room in which a game day goes on: laws, prices, a channel for internal word, and a short watch.
fn open(scenario: &str) -> Rehearsal {
    let channel = ChannelInfo {
        name: "ops-chat".into(),
        audience: Audience::Internal,
        kind: "webhook".into(),
        way: Way::Webhook { url: "https://chat.example/hook".into() },
        timeout_s: 20,
    };
    let settings = Settings {
        regimes: RegulationSection::default().law().regimes.into(),
        rates: CostSection::default().rates().0.into(),
        channels: vec![channel],
        watch_s: 120,
        ..support::settings()
    };
    Rehearsal::open(Some(support::world(scenario, 3000)), settings)
}

fn incident(room: &Rehearsal) -> &Incident {
    &room.state.room.incidents[&INCIDENT]
}

/// From the alert to an incident with its type said, an acknowledgement, a first look and a first word.
fn declared(scenario: &str, kind: IncidentType) -> Rehearsal {
    let mut room = open(scenario);
    room.wait(400);
    room.wait_until("an alert", |r| r.state.room.open_alerts().count() > 0);
    room.wait(5);
    room.press(&["a", "d"]);
    // Whatever the room proposes, the person at the keys says how bad it is, and what.
    let digit = (IncidentType::ALL.iter().position(|known| *known == kind).unwrap() + 1).to_string();
    room.press(&["tab", "2", "tab", &digit, "enter"]);
    assert_eq!((incident(&room).kind, incident(&room).stage()), (kind, Stage::Acknowledged));
    let book = incident(&room).runbook.clone().unwrap().runbook;
    assert!(book.types.contains(&kind), "{} is for {:?}", book.id, book.types);
    room.wait(60);
    room.press(&["t"]);
    assert!(room.shows("triage"), "{}", room.screen(120, 40));
    room.press(&["esc", "n"]);
    room.type_text("customers are calling");
    room.press(&["ctrl-s", "R", "3", "tab"]);
    room.type_text("jo");
    room.press(&["enter"]);
    // Two steps of the runbook are done, one is skipped.
    room.press(&["tab", "space", "space", "-"]);
    room.type_text("known already");
    room.press(&["enter"]);
    tell(&mut room, "internal-first", "We are on it, all of us.");
    room.press(&["L", "3", "enter"]);
    // A law that may apply is answered.
    room.press(&["K", "n", "tab"]);
    room.type_text("no persons concerned");
    room.press(&["enter", "esc"]);
    room
}

/// An update from a template, looked at again, and sent; what the room does not know is written by the person.
fn tell(room: &mut Rehearsal, template: &str, words: &str) {
    let before = incident(room).updates.sent.len();
    let at = room.state.settings.templates.iter().position(|known| known.id == template).unwrap();
    room.press(&["u", &(at + 1).to_string(), "enter", "ctrl-s"]);
    if room.shows("not known yet") {
        (0..600).for_each(|_| room.press(&["delete"]));
        room.type_text(words);
        room.press(&["ctrl-s"]);
    }
    room.press(&["S"]);
    assert_eq!(incident(room).updates.sent.len(), before + 1, "{template}\n{}", room.screen(120, 40));
}

/// Service is back, says a person; and the words to the customers that go with it.
fn mitigated(room: &mut Rehearsal) {
    tell(room, "customers-first", "Thermostats drop their connection. We are on it.");
    room.press(&["5", "enter", "1", "m"]);
    if incident(room).stage() != Stage::Mitigated {
        // While devices are away it is asked once more.
        room.press(&["m"]);
    }
    assert_eq!(incident(room).stage(), Stage::Mitigated);
    room.press(&["r"]);
    let missing = match incident(room).kind {
        IncidentType::DataQuality => "decide first what becomes of the bad data",
        _ => "not verified",
    };
    assert!(room.shows(missing), "{}", room.screen(120, 40));
}

fn standings(room: &Rehearsal) -> Vec<(Check, Standing)> {
    let known = room.state.facts().of(INCIDENT).unwrap();
    known.checks.iter().map(|checked| (checked.check, checked.standing)).collect()
}

/// Waits until every check is green from what the fleet sends; nobody answers for anything.
fn verified(room: &mut Rehearsal) {
    for _ in 0..3 {
        if standings(room).iter().any(|(_, standing)| *standing != Standing::Green) {
            room.wait(400);
        }
    }
    let all: Vec<_> = Check::ALL.into_iter().map(|check| (check, Standing::Green)).collect();
    assert_eq!(standings(room), all, "{:#?}", room.state.facts().of(INCIDENT).unwrap().checks);
    room.press(&["r"]);
    assert!(incident(room).recovery.waivers.is_empty());
}

/// What is not green is answered for by name, one check after the other.
fn waived(room: &mut Rehearsal) {
    room.wait(130);
    for (n, check) in Check::ALL.into_iter().enumerate() {
        if standings(room)[n] == (check, Standing::Green) {
            continue;
        }
        room.press(&["V"]);
        (0..n).for_each(|_| room.press(&["down"]));
        room.press(&["enter"]);
        room.type_text(WAIVED);
        room.press(&["enter", "esc"]);
        assert!(incident(room).recovery.waiver(check).is_some(), "{check}");
    }
    room.press(&["r"]);
    assert!(!incident(room).recovery.waivers.is_empty());
}

/// What is learnt: the sections that a postmortem cannot do without, an action item, a cost.
fn learnt(room: &mut Rehearsal) {
    assert_eq!(incident(room).stage(), Stage::Resolved, "{}", room.screen(120, 40));
    // Whatever else is up by now, this is the incident that is written about.
    room.press(&["I", "enter"]);
    tell(room, "customers-resolved", "It is over.");
    room.press(&["E", "p"]);
    assert!(incident(room).learning.published.is_none(), "a postmortem without a word is none");
    for (section, text) in [
        (Section::Summary, "It was found and ended."),
        (Section::RootCause, "Nobody had tried it before."),
        (Section::Lessons, "Try it before."),
    ] {
        room.press(&["home"]);
        let down = Section::ALL.iter().position(|known| *known == section).unwrap();
        (0..down).for_each(|_| room.press(&["down"]));
        room.press(&["enter"]);
        room.type_text(text);
        room.press(&["ctrl-s"]);
    }
    room.press(&["a"]);
    room.type_text("try it on a game day");
    room.press(&["tab"]);
    room.type_text("kim");
    room.press(&["tab"]);
    room.type_text("2026-12-04");
    room.press(&["enter", "c", "6", "tab", "tab"]);
    room.type_text("1200");
    room.press(&["enter", "p"]);
    assert!(incident(room).learning.published.is_some(), "{}", room.screen(120, 40));
    room.press(&["esc"]);
}

/// What every export of an incident that was lived through has to say.
fn exported(room: &Rehearsal, kind: IncidentType) -> Document {
    let document = support::document(room, "UTC", &|at| at.to_string());
    assert_eq!((document.incident.kind.as_str(), document.incident.stage.as_str()), (kind.id(), "resolved"));
    assert_eq!(document.postmortem.lacks, [""; 0]);
    assert!(document.postmortem.published.is_some() && !document.postmortem.overdue);
    assert!(!document.plots.is_empty() && document.plots.iter().all(|plot| plot.points.len() > 10));
    let measured = document.impact.measured.as_ref().unwrap();
    assert!(measured.devices > 0 && measured.measured_s > 30, "{measured:?}");
    assert!(document.cost.bill.lines.iter().any(|line| line.amount == 120_000 && !line.estimated));
    assert_eq!(document.communication.len(), 3);
    assert_eq!(document.regulatory.iter().filter(|law| law.standing == "does-not-apply").count(), 1);
    let recovery = &document.response.recovery;
    assert!(recovery.checks.iter().all(|check| check.standing == "green" || check.waived_by.is_some()), "{recovery:?}");
    assert!(recovery.remaining.is_some_and(|left| left.ever > 0));

    let (markdown, html) = (markdown::write(&lay_out(&document)), html::write(&lay_out(&document)));
    for text in [
        "It was found and ended.",
        "Nobody had tried it before.",
        "try it on a game day",
        "no persons concerned",
        "customers are calling",
        "known already",
        "Devices ever affected",
    ] {
        assert!(markdown.contains(text) && html.contains(text), "{text}");
    }
    assert_eq!(html.matches("<path class=\"curve\" d=\"M").count(), document.plots.len());
    let value = serde_json::from_str(&json::write(&document).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&serde_json::from_str(json::SCHEMA).unwrap()).unwrap();
    let errors: Vec<_> = validator.iter_errors(&value).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    for table in Table::ALL {
        let mut reader = ::csv::Reader::from_reader(csv::write(&document, table).into_bytes().leak() as &[u8]);
        assert!(reader.records().all(|record| record.is_ok()) && reader.position().line() > 2, "{}", table.id());
    }
    document
}

/// Nobody but the room and the person at the keys has written anything.
fn attributed(room: &Rehearsal) {
    for pair in room.records.windows(2) {
        assert!(pair[0].seq < pair[1].seq && pair[0].at <= pair[1].at, "{pair:?}");
    }
    assert!(room.records.iter().all(|record| ["mira", "engine"].contains(&record.actor.name())));
}

#[test]
fn bad_firmware_is_halted_rolled_back_and_over_when_the_fleet_says_so() {
    let mut room = declared("bad-firmware", IncidentType::BadFirmware);
    room.press(&["1", "F5"]);
    room.wait(1);
    room.press(&["H"]);
    room.wait_until("the halt is effective", |r| {
        r.state.room.actuations.values().any(|a| a.state == ActuationState::Effective)
    });
    // Whoever breaks the glass does not review it: that falls to who commands.
    room.press(&["C"]);
    room.type_text("jo");
    room.press(&["enter", "!", "4"]);
    room.wait(1);
    room.type_text("fw-3.2.5!");
    assert!(room.shows("it takes a second person"), "{}", room.screen(120, 40));
    room.press(&["b"]);
    room.type_text("jo is on a plane");
    room.press(&["enter"]);
    room.wait_until("the alerts clear", |r| r.state.room.open_alerts().count() == 0);
    mitigated(&mut room);
    verified(&mut room);
    learnt(&mut room);
    let document = exported(&room, IncidentType::BadFirmware);
    let outcomes: Vec<_> = document.response.switches.iter().map(|line| line.switch.as_str()).collect();
    assert_eq!(outcomes, ["ota-halt", "rollback"]);
    let left = document.response.recovery.remaining.unwrap();
    assert!(left.rolled_back > 0 && left.healthy > left.ever * 9 / 10, "{left:?}");
    attributed(&room);
}

#[test]
fn a_mass_disconnect_is_over_when_the_region_is_back() {
    let mut room = declared("regional-outage", IncidentType::MassDisconnect);
    room.wait(500);
    room.wait_until("the region is back", |r| r.state.room.open_alerts().count() == 0);
    mitigated(&mut room);
    verified(&mut room);
    learnt(&mut room);
    let document = exported(&room, IncidentType::MassDisconnect);
    assert!(document.impact.measured.unwrap().most_away > 100);
    attributed(&room);
}

#[test]
fn a_security_incident_cuts_the_devices_off_and_is_answered_for() {
    let mut room = declared("credential-leak", IncidentType::Security);
    mitigated(&mut room);
    waived(&mut room);
    learnt(&mut room);
    let document = exported(&room, IncidentType::Security);
    let markdown = markdown::write(&lay_out(&document));
    assert!(markdown.contains(&format!("by mira, {} UTC", &room.now.to_string()[..4])) || markdown.contains(WAIVED));
    attributed(&room);
}

#[test]
fn a_data_quality_incident_decides_about_its_data() {
    let mut room = declared("data-corruption", IncidentType::DataQuality);
    mitigated(&mut room);
    waived(&mut room);
    assert_eq!(incident(&room).stage(), Stage::Mitigated);
    // Since when, the form proposes; whose it is, the room has found out.
    room.press(&["B", "2", "enter", "r"]);
    let decided = incident(&room).recovery.decision.clone().unwrap();
    assert_eq!(decided.choice, DataChoice::ForwardOnly);
    learnt(&mut room);
    let document = exported(&room, IncidentType::DataQuality);
    let data = document.response.recovery.data.as_ref().unwrap();
    assert_eq!(
        (data.choice.as_str(), data.first_bad.utc, data.by.as_str()),
        ("forward-only", decided.first_bad, "mira")
    );
    for text in [markdown::write(&lay_out(&document)), html::write(&lay_out(&document))] {
        assert!(text.contains("right from the fix on (forward-only)"));
    }
    assert!(csv::write(&document, Table::Recovery).contains("\ndata,forward-only,"));
    attributed(&room);
}

#[test]
fn a_capacity_and_cost_incident_says_what_it_cost() {
    let mut room = declared("cost-spike", IncidentType::CapacityCost);
    mitigated(&mut room);
    waived(&mut room);
    learnt(&mut room);
    let document = exported(&room, IncidentType::CapacityCost);
    assert!(document.cost.total >= 120_000);
    attributed(&room);
}
