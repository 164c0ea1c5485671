//! What a room says before a person does harm, and what it must not say: asked twice, counted now, never cut into another
//! number.

#![allow(clippy::unwrap_used)]

mod support;

use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use support::{Rehearsal, settings, start};
use warroom::domain::cohort::CohortKey;
use warroom::domain::due::DueKind;
use warroom::domain::ids::{Actor, Seq};
use warroom::domain::input::{Effect, Input, LinkChange, Ticket};
use warroom::domain::recovery::{Check, Standing};
use warroom::drill::scenario::Scenario;
use warroom::drill::world::World;
use warroom::engine::{self, snapshot::Snapshot};
use warroom::tui::app::Request;
use warroom::tui::key::Key;
use warroom::tui::theme::{Role, Theme};

/// The shipped game day, declared as the room proposes it.
fn declared() -> Rehearsal {
    declared_with(10_000)
}

fn declared_with(devices: u32) -> Rehearsal {
    let mut room = Rehearsal::drill(devices);
    room.wait_until("the alert", |r| r.state.room.open_alerts().count() > 0);
    room.press(&["a", "d", "enter"]);
    room
}

/// The rollout is halted, by somebody who has looked at the preview.
fn halt(room: &mut Rehearsal) {
    room.press(&["F5"]);
    room.wait(1);
    room.press(&["H"]);
}

/// The devices of the incident that are away, as the check of connectivity has them.
fn connectivity(room: &Rehearsal) -> Standing {
    let incident = room.state.room.open_incidents().next().unwrap().id;
    let checks = room.state.facts().of(incident).map(|known| known.checks.clone()).unwrap_or_default();
    checks.iter().find(|checked| checked.check == Check::Connectivity).map_or(Standing::Unknown, |c| c.standing)
}

#[test]
fn what_waits_for_a_second_person_is_announced_so_although_the_picture_was_quicker_than_the_answer() {
    let mut room = declared();
    room.press(&["!", "4"]);
    room.wait(1);
    room.type_text("fw-3.2.5");
    room.app.press("!".parse::<Key>().unwrap());
    let fire = room.app.requests().into_iter().find_map(|request| match request {
        Request::Command(ticket, command) => Some((ticket, command)),
        _ => None,
    });
    let (ticket, command) = fire.expect("the last key fires");
    let by = Actor::Person("mira".into());
    let step = engine::step(&mut room.state, room.now, Input::Command { ticket, by, command });
    // The picture that comes first has no arming any more.
    let snapshot = Snapshot::of(&room.state, room.now);
    assert!(snapshot.arming.is_none() && snapshot.requests.len() == 1);
    room.app.receive(Arc::new(snapshot));
    for effect in step.effects {
        if let Effect::Reply { ticket, result } = effect {
            room.app.reply(ticket, &result);
        }
    }
    assert!(room.shows("it waits for a second person") && room.shows("breaks the glass"));
    // What the second person must know stands there: how much, and whether it was ever tried; and it can be copied whole.
    let screen = room.screen(120, 40);
    for told in ["still queued", "tested never", "warroom approve "] {
        assert!(screen.contains(told), "{told}\n{screen}");
    }
    room.press(&["y"]);
    assert!(room.copied[0].ends_with("--reason 'what you have looked at'") && room.copied.len() == 1);
}

#[test]
fn a_late_answer_to_what_went_well_does_not_cover_what_is_asked() {
    let mut room = declared();
    room.wait_until("devices are counted", |r| connectivity(r) == Standing::Red);
    room.press(&["m"]);
    room.app.reply(Ticket(0), &Ok(Seq(22)));
    assert!(room.shows("m again says that it is mitigated anyway"), "{}", room.screen(120, 40));
    room.press(&["c"]);
    room.app.reply(Ticket(0), &Ok(Seq(22)));
    assert!(room.shows("recorded #22"));
}

#[test]
fn service_is_said_to_be_restored_twice_where_devices_are_away() {
    let mut room = declared();
    room.wait_until("devices are counted", |r| connectivity(r) == Standing::Red);
    let mitigated = |room: &Rehearsal| room.state.room.open_incidents().next().unwrap().moments.mitigated;
    room.press(&["m"]);
    assert!(mitigated(&room).is_none() && room.shows("are away still; m again says that it is mitigated anyway"));
    // Another key between, or too long a time, and it is asked anew.
    room.press(&["c", "m"]);
    assert!(mitigated(&room).is_none());
    room.wait(9);
    room.press(&["m"]);
    assert!(mitigated(&room).is_none());
    room.wait(7);
    room.press(&["m"]);
    let at = mitigated(&room).expect("the second key in time says so");
    room.press(&["m"]);
    assert!(room.shows(&format!("was mitigated at {}Z; e corrects that time", at.utc().format("%H:%M:%S"))));
}

#[test]
fn a_room_is_left_twice_while_something_is_open_and_at_once_by_ctrl_c() {
    let mut quiet = Rehearsal::empty();
    quiet.press(&["q"]);
    assert!(quiet.quit, "nothing is open");
    let mut room = declared();
    room.press(&["q"]);
    assert!(!room.quit && room.shows("INC-1 is open; q again leaves, the log keeps it"));
    room.wait(9);
    room.press(&["q"]);
    assert!(!room.quit, "the first one was too long ago");
    room.press(&["q"]);
    assert!(room.quit);
    let mut room = declared();
    room.press(&["ctrl-c"]);
    assert!(room.quit);
}

#[test]
fn a_number_that_is_cut_would_be_another_number() {
    let mut room = declared();
    room.wait_until("devices are counted", |r| connectivity(r) == Standing::Red);
    room.press(&["V"]);
    let incident = room.state.room.open_incidents().next().unwrap().id;
    let left = room.state.facts().of(incident).unwrap().remaining;
    for (width, height) in [(80, 24), (72, 24), (120, 40)] {
        let screen = room.screen(width, height);
        for part in [format!(" {} away", left.away), format!(" {} went back", left.rolled_back)] {
            assert!(screen.contains(&part), "{part} at {width}:\n{screen}");
        }
    }
}

#[test]
fn the_cohort_on_fire_stands_first_whatever_the_table_is_grouped_by() {
    let mut room = declared();
    room.app.ui.group_by = vec!["region".into()];
    room.wait(20);
    let screen = room.screen(120, 40);
    let rows: Vec<&str> = screen.lines().skip_while(|line| !line.contains("cohorts by region")).skip(2).collect();
    assert!(rows[0].contains("▸") && rows[0].contains("✗") && rows[0].contains("3.2.5 · rev-B"), "{screen}");
    assert!(!rows[1..6].iter().any(|row| row.contains("3.2.5 · rev-B")), "once is enough\n{screen}");
    // Its devices alone where a filter is set, and nothing where the filter leaves none of them.
    room.press(&["/"]);
    room.type_text("fw=3.2.4");
    room.press(&["enter"]);
    assert!(!room.screen(120, 40).lines().any(|line| line.contains("▸ 3.2.5 · rev-B")));
}

#[test]
fn the_worst_part_of_what_the_room_is_about_is_red() {
    let mut room = Rehearsal::drill(10_000);
    room.wait_until("many are away", |r| {
        Snapshot::of(&r.state, r.now).table.rows.iter().any(|row| row.alert.is_some() && row.share() < 0.6)
    });
    // The mark of the worst row, when the open alert is about all devices of a version and no alert is about it alone.
    let mut mark = |version: &str| {
        let mut snapshot = Snapshot::of(&room.state, room.now);
        snapshot.alerts.iter_mut().for_each(|alert| alert.finding.cohort = CohortKey::of("firmware", version));
        snapshot.table.rows.iter_mut().for_each(|row| row.alert = None);
        room.app.receive(Arc::new(snapshot));
        let area = Rect::new(0, 0, 120, 40);
        let mut buffer = Buffer::empty(area);
        room.app.draw(area, &mut buffer);
        let text = |y: u16| (1..40).map(|x| buffer[(x, y)].symbol()).collect::<String>();
        let row = (6..20).find(|y| text(*y).contains("3.2.5 · rev-B")).unwrap();
        let cell = &buffer[(2, row)];
        (cell.symbol().to_owned(), cell.fg)
    };
    let theme = Theme::find("dark", false).unwrap();
    let colour = |role| theme.style(role).fg.unwrap();
    assert_eq!(mark("3.2.5"), ("✗".into(), colour(Role::Alarm)));
    assert_eq!(mark("3.2.3"), ("!".into(), colour(Role::Warn)), "what the alert is not about only needs a look");
}

#[test]
fn why_tells_now_and_then_apart() {
    let mut room = declared();
    room.wait(40);
    let snapshot = Snapshot::of(&room.state, room.now);
    let (id, now) = snapshot.alerts_now.iter().next().unwrap();
    let now = format!("now {} of {} away", now.devices - now.online, now.devices);
    let screen = room.screen(200, 60);
    assert!(screen.contains(&now) && screen.contains(&format!("at {id} ")), "{now}\n{screen}");
}

#[test]
fn a_step_notices_that_its_switch_was_pulled_and_leaves_the_tick_to_people() {
    let mut room = declared();
    halt(&mut room);
    room.wait_until("the halt is effective", |r| r.state.room.actuations.values().all(|a| a.is_effective()));
    let told = "done by OTA halt 17:3";
    room.press(&["3"]);
    assert!(room.shows(told) && room.shows("? space marks it"));
    let run = room.state.room.open_incidents().next().unwrap().runbook.clone().unwrap();
    assert_eq!(run.progress().0, 0, "nobody has ticked it");
    let step = run.runbook.steps().find(|step| step.switch.is_some()).unwrap().id.clone();
    room.app.ui.step = Some(step);
    room.press(&["space"]);
    assert!(!room.shows(told), "it is ticked");
}

#[test]
fn before_it_is_declared_the_verdict_is_the_one_of_the_newest_alert() {
    let mut room = Rehearsal::drill(10_000);
    room.press(&["v"]);
    assert!(room.shows("there is nothing to judge"));
    room.press(&["esc"]);
    room.wait_until("the alert", |r| r.state.room.open_alerts().count() > 0);
    room.press(&["v"]);
    let screen = room.screen(120, 40);
    for told in ["not declared", "looks like bad firmware", "would be SEV2", "d declares it"] {
        assert!(screen.contains(told), "{told}\n{screen}");
    }
}

#[test]
fn what_is_overdue_is_counted_first_and_what_customers_wait_for_goes_before_the_house() {
    let mut room = declared_with(4_000);
    room.wait(1_900);
    let screen = room.screen(120, 40);
    let due = screen.lines().find(|line| line.starts_with(" due ")).unwrap();
    let overdue = Snapshot::of(&room.state, room.now).due.iter().filter(|due| due.is_overdue(room.now)).count();
    assert!(due.starts_with(&format!(" due {overdue} overdue: ")), "{due}");
    let at = |what: &str| due.find(what).unwrap_or(usize::MAX);
    assert!(at("status page") < at("wake") && at("status page") < at("internal"), "{due}");
}

#[test]
fn a_watch_that_is_over_says_what_it_waits_for() {
    let mut room = declared_with(4_000);
    room.wait_until("devices are counted", |r| connectivity(r) == Standing::Red);
    // What is halted goes no further: those that are away stay away, and no others join them.
    halt(&mut room);
    room.wait(120);
    room.press(&["m", "m"]);
    let watch_s = room.state.settings.watch_s;
    room.wait(watch_s + 2);
    let due = Snapshot::of(&room.state, room.now).due;
    let watch = due.iter().find(|due| due.kind == DueKind::Watch).unwrap_or_else(|| panic!("{due:?}"));
    assert!(watch.label.starts_with("watched; it waits for: "), "{watch:?}");
}

/// The room's picture of another state of things than the engine's.
fn picture(room: &mut Rehearsal, snapshot: Snapshot, width: u16, height: u16) -> Vec<String> {
    room.app.receive(Arc::new(snapshot));
    let area = Rect::new(0, 0, width, height);
    let mut buffer = Buffer::empty(area);
    room.app.draw(area, &mut buffer);
    let row = |y: u16| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    (0..height).map(row).collect()
}

#[test]
fn the_first_line_keeps_the_phase_and_tells_of_an_alert_beside_the_incident() {
    let mut room = declared();
    let mut snapshot = Snapshot::of(&room.state, room.now);
    let incident = snapshot.incidents.values_mut().next().unwrap();
    Arc::make_mut(incident).title =
        "a title that is much too long for a line of eighty columns, whatever one does".into();
    let phase = format!("… · {}", incident.phase());
    let alone = picture(&mut room, snapshot.clone(), 80, 24)[0].clone();
    assert!(alone.contains(&phase) && !alone.contains("alert"), "{alone}");
    let mut other = snapshot.alerts[0].clone();
    other.id.0 += 7;
    snapshot.alerts.push(other);
    let beside = picture(&mut room, snapshot, 80, 24)[0].clone();
    assert!(beside.contains(&phase) && beside.contains("+1 alert"), "{beside}");
}

#[test]
fn a_confirmation_names_the_keys_that_aim_and_that_begin_anew() {
    let mut room = declared();
    let push = |room: &mut Rehearsal| {
        room.press(&["F6"]);
        room.type_text("c-42");
        room.press(&["tab"]);
        room.type_text("{}");
        room.press(&["enter"]);
    };
    push(&mut room);
    assert!(room.shows("to aim elsewhere: !m or /"), "{}", room.screen(120, 40));
    room.press(&["esc", "2", "down", "down"]);
    push(&mut room);
    assert!(room.shows("Tab aims elsewhere (1 of 2)"), "{}", room.screen(120, 40));
    room.press(&["esc"]);
    for (keys, told) in [(&["F5"][..], "F5 arms it again"), (&["!", "4"], "Esc closes this; then !4 arms it again")] {
        room.press(keys);
        room.wait(30);
        let screen = room.screen(80, 24);
        assert!(screen.contains("NOTHING WAS FIRED") && screen.contains(told), "{told}\n{screen}");
        room.press(&["esc"]);
    }
}

#[test]
fn without_a_link_no_switch_is_offered_that_needs_it() {
    let mut room = declared();
    room.press(&["c"]);
    assert!(room.screen(120, 40).lines().last().unwrap().contains("F6 push"));
    room.input(Input::Link(LinkChange::Down { reason: "the broker went silent".into(), retry_ms: 7000 }));
    room.wait(1);
    let screen = room.screen(80, 24);
    assert!(!screen.lines().last().unwrap().contains("F6") && screen.contains("next try within 7 s"), "{screen}");
    for keys in [&["F5"][..], &["F7"], &["!", "4"]] {
        room.press(keys);
        assert!(room.shows("there is no link to the broker"), "{keys:?}");
    }
}

#[test]
fn the_way_out_is_never_cut_and_a_page_of_the_help_is_a_page() {
    let mut room = declared();
    room.press(&["!"]);
    for width in [80, 70, 60] {
        let screen = room.screen(width, 24);
        assert!(screen.lines().last().unwrap().ends_with("Esc"), "{screen}");
    }
    room.press(&["esc", "?"]);
    let lines = |room: &mut Rehearsal| {
        let screen = room.screen(80, 24);
        screen.lines().skip(2).take(20).map(str::to_owned).collect::<Vec<_>>()
    };
    let first = lines(&mut room);
    room.press(&["pagedown"]);
    assert!(!first.contains(&lines(&mut room)[0]), "a page further nothing of the page before is seen");
    room.press(&["end", "pagedown", "down"]);
    let last = lines(&mut room);
    room.press(&["up"]);
    assert_ne!(last, lines(&mut room), "the end is the end: the first key up moves");
}

#[test]
fn a_rollback_says_where_its_devices_came_from_and_is_held_against_who_is_still_there() {
    let mut room = declared();
    halt(&mut room);
    room.wait(20);
    room.press(&["!", "4"]);
    let screen = room.screen(120, 40);
    let (_, told) = screen.split_once("back to       3.2.4: ").unwrap_or_else(|| panic!("{screen}"));
    let (came, _) = told.split_once(" came from it").unwrap_or_else(|| panic!("{screen}"));
    let started = room.state.fleet.campaigns().iter().map(|campaign| campaign.progress.started()).sum::<u32>();
    let came: u32 = came.replace(' ', "").parse().unwrap();
    assert!(
        came > started / 2 && came <= started,
        "{came} of {started} that have started: who is queued has not\n{screen}"
    );
    room.wait(1);
    room.type_text("fw-3.2.5!");
    room.press(&["b"]);
    room.type_text("jo is on a plane");
    room.press(&["enter"]);
    let incident = room.state.room.open_incidents().next().unwrap().id;
    let firmware = move |room: &Rehearsal| {
        let checks = &room.state.facts().of(incident).unwrap().checks;
        checks.iter().find(|checked| checked.check == Check::Firmware).cloned().unwrap()
    };
    let red = |room: &Rehearsal| {
        firmware(room).standing == Standing::Red && firmware(room).evidence.contains(" still on 3.2.5")
    };
    room.wait_until("those still on it are counted", red);
}

#[test]
fn an_alert_is_about_those_whom_the_evidence_suspects_by_now() {
    // The canary is of the one revision that cannot take it; only the second wave shows that the others can.
    let day = include_str!("../scenarios/bad-firmware.toml")
        .replace("where = { hardware = \"rev-A\" }", "where = { hardware = \"rev-B\" }")
        .replace("at_s = 15\n", "at_s = 150\n")
        .replace("at_s = 100\n", "at_s = 300\n");
    let world = World::new(Scenario::read(&day, "day").unwrap(), 1, Some(3_000), start());
    let mut room = Rehearsal::open(Some(world), settings());
    let suspect = CohortKey::of("firmware", "3.2.5").and("hardware", "rev-B");
    room.wait_until("an alert about a whole version", |r| {
        r.state.room.open_alerts().any(|alert| alert.finding.cohort == CohortKey::of("firmware", "3.2.5"))
    });
    room.wait_until("the suspect is known", |r| {
        r.app.snapshot.loose_alerts().any(|alert| *r.app.snapshot.about(alert) == suspect)
    });
    let shown = room.screen(120, 40);
    for told in ["firmware     │", "3.2.5 ∧ hardware rev-B", "▸3.2.5 · rev-B", "now in 3.2.5: "] {
        assert!(shown.contains(told), "{told}\n{shown}");
    }
}

#[test]
fn a_rollout_that_was_halted_is_not_in_flight_and_not_forgotten_either() {
    let mut room = declared();
    halt(&mut room);
    room.wait(180);
    room.press(&["t"]);
    let screen = room.screen(120, 40);
    assert!(screen.contains("none is in flight: fw-3.2.5 → 3.2.5 is halted, "), "{screen}");
}

#[test]
fn of_several_alerts_the_one_under_the_cursor_is_spoken_of_and_acted_on() {
    let outage = "\n[[fault]]\neffect = \"offline\"\nwhere = { carrier = \"telenor\" }\nshare = 0.9\nat_s = 30\n";
    let day = include_str!("../scenarios/bad-firmware.toml").to_owned() + outage;
    let world = World::new(Scenario::read(&day, "day").unwrap(), 1, Some(10_000), start());
    let mut room = Rehearsal::open(Some(world), settings());
    room.wait_until("both are seen", |r| r.app.snapshot.loose_alerts().count() == 2);
    let carrier = CohortKey::of("carrier", "telenor");
    let firmware = CohortKey::of("firmware", "3.2.5").and("hardware", "rev-B");
    let shown = room.screen(120, 40);
    // The first is in front; what else is wrong stands below it.
    for told in ["looks like mass disconnect", "% online · telenor", "A2 firmware 3.2.5 ∧ hardware rev-B"] {
        assert!(shown.contains(told), "{told}\n{shown}");
    }
    room.app.ui.cohort = Some(firmware.clone());
    let shown = room.screen(120, 40);
    for told in ["looks like bad firmware", "A1 carrier telenor"] {
        assert!(shown.contains(told), "{told}\n{shown}");
    }
    room.press(&["a", "d", "enter"]);
    let incident = room.state.room.open_incidents().next().unwrap();
    assert_eq!(incident.cohort, firmware);
    let waiting = |room: &Rehearsal| room.state.room.open_alerts().filter(|alert| alert.acknowledged.is_none()).count();
    assert_eq!(waiting(&room), 1);
    // The incident has the room; a cursor on what is something else shows that, and `a` takes it.
    assert!(room.screen(120, 40).contains("bad firmware · device"));
    room.app.ui.cohort = Some(carrier);
    assert!(room.screen(120, 40).contains("looks like mass disconnect"));
    room.press(&["a"]);
    assert_eq!(waiting(&room), 0);
}
