//! Whatever people, devices and the machine do, in whatever order: what must always be so.

#![allow(clippy::unwrap_used)]

mod support;

use proptest::prelude::*;
use support::Rehearsal;
use warroom::domain::clock::{Clock, Moment};
use warroom::domain::command::recovery::RecoveryCommand;
use warroom::domain::command::response::ResponseCommand;
use warroom::domain::command::update::{Message, UpdateCommand};
use warroom::domain::command::{Command, Confirmation, Declare, SwitchCommand};
use warroom::domain::event::Event;
use warroom::domain::event::recovery::RecoveryEvent;
use warroom::domain::event::response::ResponseEvent;
use warroom::domain::ids::{Actor, IncidentId};
use warroom::domain::incident::{IncidentType, Severity, Stage};
use warroom::domain::input::{Input, LinkChange, LogHealth, Ticket};
use warroom::domain::recovery::{Check, DataChoice, Standing};
use warroom::domain::response::{Phase, Role};
use warroom::domain::switch::{Scope, SwitchId};
use warroom::domain::update::{Audience, CLIPBOARD, UpdateKind};
use warroom::engine::room::Room;
use warroom::engine::snapshot::Snapshot;
use warroom::engine::{Settings, State};

/// Something that may happen next: what, two picks, and the seconds that pass after it.
type Step = (u8, u8, u8, i64);

fn any_step() -> impl Strategy<Value = Step> {
    (0u8..26, 0u8..6, 0u8..6, 0i64..40)
}

fn settings() -> Settings {
    Settings { watch_s: 30, ..support::settings() }
}

/// A fleet with a rollout that goes wrong, some seconds before it does.
fn begin() -> Rehearsal {
    let mut room = Rehearsal::open(Some(support::world("bad-firmware", 400)), settings());
    room.wait(110);
    room
}

fn play(room: &mut Rehearsal, (what, a, b, wait): Step) {
    let id = IncidentId(u32::from(a % 3) + 1);
    let (n, reason) = (usize::from(b), "because it is so".to_owned());
    let name = ["mira", "jo", "kim", "", "lee", "mira"][n].to_owned();
    let alert = room.state.room.alerts.keys().nth(n).copied();
    let command = match what {
        0 | 1 => Command::Declare(Declare {
            title: Some("something".into()),
            kind: Some(IncidentType::ALL[n % 5]),
            commander: Some(name),
            alert,
            ..Declare::default()
        }),
        2 => Command::Acknowledge(id),
        3 => Command::Mitigate(id),
        4 | 5 => Command::Resolve(id),
        6 => Command::Reopen { incident: id, reason },
        7 | 8 => Command::Recovery(RecoveryCommand::Waive { incident: id, check: Check::ALL[n], reason }),
        9 => {
            let (choice, first_bad) = (DataChoice::ALL[n % 2], room.now.plus_s(i64::from(a) * 100 - 300));
            Command::Recovery(RecoveryCommand::Decide { incident: id, choice, first_bad, customers: name })
        }
        10 | 11 => Command::SetCommander { incident: id, name },
        12 => Command::SetSeverity { incident: id, severity: Severity::ALL[n % 4] },
        13 => Command::SetType { incident: id, kind: IncidentType::ALL[n % 5] },
        14 | 15 => {
            let to = room.now.plus_s(i64::from(a) * 60 - 240);
            Command::Correct { incident: id, moment: Moment::ALL[n % 5], to, reason }
        }
        16 => Command::Response(ResponseCommand::Merge { incident: id, into: IncidentId(u32::from(b % 3) + 1) }),
        17 => Command::Response(ResponseCommand::Enter { incident: id, phase: Phase::ALL[n], reason }),
        18 => Command::Response(ResponseCommand::Take { incident: id, role: Role::ALL[n % Role::ALL.len()], name }),
        19 => Command::Update(UpdateCommand::Send(Message {
            incident: id,
            audience: Audience::ALL[n % 3],
            kind: UpdateKind::ALL[usize::from(a % 3)],
            template: None,
            tells: Vec::new(),
            text: reason,
            channels: vec![CLIPBOARD.into()],
        })),
        20 => {
            let switch = SwitchId(["ota-halt", "rollback"][n % 2].into());
            let scope = Scope::Campaign(Some("fw-3.2.5".into()));
            Command::Switch(SwitchCommand::Arm { switch, scope, parameters: Default::default() })
        }
        21 => match &room.state.switches.arming {
            Some(arming) => {
                let (arming, typed) = (arming.id, "fw-3.2.5".to_owned());
                Command::Switch(SwitchCommand::Fire(Confirmation { arming, typed }))
            }
            None => Command::Switch(SwitchCommand::Disarm { reason }),
        },
        22 => {
            let approval = room.state.switches.requests.keys().next().copied().unwrap_or_default();
            Command::Switch(SwitchCommand::BreakGlass { approval, reason })
        }
        23 => {
            let change = match n {
                0..3 => LinkChange::Up,
                _ => LinkChange::Down { reason, retry_ms: 5 },
            };
            return room.input(Input::Link(change));
        }
        24 => {
            let health = if n < 4 { LogHealth::Safe } else { LogHealth::Unsafe { reason } };
            return room.input(Input::Log(health));
        }
        _ => return room.wait(wait * 4),
    };
    room.input(Input::Command { ticket: Ticket(0), by: Actor::Person("mira".into()), command });
    room.wait(wait);
}

/// What must be so of every incident, as it is now.
fn incidents_are_sound(room: &Rehearsal) -> Result<(), TestCaseError> {
    for incident in room.state.room.incidents.values() {
        prop_assert!(
            !incident.response.roles.contains_key(&Role::Commander),
            "a commander beside the commander: {:?}",
            incident.response.roles
        );
        if incident.stage() != Stage::Declared {
            prop_assert!(
                incident.has_commander(),
                "{} is {} without a commander",
                incident.id,
                incident.stage().name()
            );
        }
        for clock in Clock::ALL {
            let reading = clock.read(&incident.moments, &room.state.settings.targets, room.now);
            prop_assert!(reading.elapsed_s >= 0, "{} {clock} shows {} s", incident.id, reading.elapsed_s);
        }
        if incident.stage() == Stage::Resolved && incident.response.merged_into.is_none() {
            let recovery = &incident.recovery;
            prop_assert_eq!(recovery.verified.len(), Check::ALL.len(), "{} was resolved unseen", incident.id);
            for seen in &recovery.verified {
                let waiver = recovery.waiver(seen.check);
                let answered = waiver.is_some_and(|waiver| !waiver.by.name().is_empty() && !waiver.reason.is_empty());
                prop_assert!(seen.standing == Standing::Green || answered, "{}: {:?}", incident.id, seen);
            }
        }
    }
    Ok(())
}

/// What must be so of the log: it counts without a gap, its time does not run backwards, a handover names who had it, and
/// nothing is called over without having been looked at.
fn log_is_sound(room: &Rehearsal) -> Result<(), TestCaseError> {
    let mut replayed = Room::default();
    let mut before: Option<&warroom::domain::event::Record> = None;
    for record in &room.records {
        prop_assert_eq!(record.seq.0, before.map_or(0, |before| before.seq.0) + 1);
        prop_assert!(before.is_none_or(|before| before.at <= record.at));
        let known = |id: &IncidentId| replayed.incidents.get(id);
        match &record.event {
            Event::CommanderSet { incident, from, .. } => {
                prop_assert_eq!(Some(from), known(incident).map(|incident| &incident.commander));
            }
            Event::Response(ResponseEvent::RoleTaken { incident, role, from, .. }) => {
                prop_assert_eq!(from.as_ref(), known(incident).and_then(|incident| incident.response.roles.get(role)));
            }
            Event::Resolved { incident } => {
                let verified = |record: &warroom::domain::event::Record| matches!(&record.event, Event::Recovery(RecoveryEvent::RecoveryVerified { incident: of, .. }) if of == incident);
                prop_assert!(before.is_some_and(verified), "{:?} follows {:?}", record, before);
            }
            _ => {}
        }
        replayed.apply(record);
        before = Some(record);
    }
    prop_assert_eq!(&replayed, &room.state.room);
    let again = State::replay(settings(), &room.records, room.now);
    prop_assert_eq!(&again.room, &room.state.room);
    Snapshot::of(&room.state, room.now);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, rng_seed: proptest::test_runner::RngSeed::Fixed(5), ..ProptestConfig::default() })]

    #[test]
    fn in_any_order_what_must_be_so_is_so(steps in proptest::collection::vec(any_step(), 1..50)) {
        let mut room = begin();
        for step in steps {
            play(&mut room, step);
            incidents_are_sound(&room)?;
        }
        log_is_sound(&room)?;
    }
}

/// The same, on the way that an incident takes most often: random steps alone rarely come to an end.
#[test]
fn the_usual_way_reaches_every_stage() {
    let mut room = begin();
    for step in [(0, 0, 0, 5), (2, 0, 0, 5), (20, 0, 0, 1), (21, 0, 0, 30), (3, 0, 0, 40)] {
        play(&mut room, step);
    }
    for n in 0..6 {
        play(&mut room, (7, 0, n, 1));
    }
    play(&mut room, (4, 0, 0, 1));
    let incident = &room.state.room.incidents[&IncidentId(1)];
    assert_eq!((incident.stage(), incident.actuations.len()), (Stage::Resolved, 1));
    incidents_are_sound(&room).unwrap();
    log_is_sound(&room).unwrap();
}
