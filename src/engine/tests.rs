//! The engine driven by inputs alone: what it records, what it asks for, and what cannot happen.

mod switches;

use std::sync::Arc;

use proptest::prelude::*;

use super::snapshot::Snapshot;
use super::*;
use crate::detect::Change;
use crate::domain::alert::Finding;
use crate::domain::campaign::{CampaignAction, CampaignState, OtaState};
use crate::domain::clock::{Clock, Moment, Targets};
use crate::domain::cohort::CohortKey;
use crate::domain::command::recovery::RecoveryCommand;
use crate::domain::command::{Approval, Confirmation, Declare, SwitchCommand};
use crate::domain::ids::{ActuationId, AlertId, IncidentId};
use crate::domain::incident::{IncidentType, Severity};
use crate::domain::input::Outcome;
use crate::domain::observation::{AttributeIx, Body, Envelope, Text, WavePlan};
use crate::domain::query::Query;
use crate::domain::recovery::{Check, Standing};
use crate::domain::runbook::{StepMark, markdown};
use crate::domain::signal::Signal;
use crate::domain::switch::standard::access;
use crate::domain::switch::template::Values;
use crate::domain::switch::{ActuationState, Call, Publish, Qos, Scope, SwitchId};
use crate::limits;

mod halts;
mod probes;
mod rollouts;
mod waves;

const RUNBOOK: &str = "---\nid: bad-firmware\ntitle: Bad firmware\ntype: bad-firmware\nowner: fleet\nreviewed: 2026-10-01\n---\n## Confirm\n- [ ] look\n## Contain\n- [ ] halt {switch: ota-halt}\n## Communicate\n## Escalate\n## Debug\n";

/// An engine and its clock.
struct Bench {
    state: State,
    now: At,
    records: Vec<Record>,
    effects: Vec<Effect>,
}

impl Bench {
    fn new() -> Self {
        Self::opened(&[])
    }

    fn opened(history: &[Record]) -> Self {
        let now = At::from_ms(1_774_022_400_000).plus_s(history.len() as i64 * 1000);
        let mut settings = Settings {
            runbooks: vec![markdown::read(RUNBOOK).unwrap().into()],
            broker: "test".into(),
            operator: "mira".into(),
            log_id: "wr1".into(),
            environment: "drill".into(),
            uid: 1000,
            ..Settings::default()
        };
        settings.switches.extend(access("fleet").into_iter().map(Arc::new));
        let state = State::replay(settings, history, now);
        let mut bench = Self { state, now, records: history.to_vec(), effects: Vec::new() };
        bench.input(Input::Opened { version: "0".into(), drill: None });
        bench.input(Input::Link(LinkChange::Up));
        bench
    }

    fn input(&mut self, input: Input) {
        let step = step(&mut self.state, self.now, input);
        if let Some(last) = step.records.last() {
            self.state.durable = last.seq;
        }
        self.records.extend(step.records);
        self.effects.extend(step.effects);
    }

    fn wait(&mut self, seconds: i64) {
        for _ in 0..seconds {
            self.now = self.now.plus_s(1);
            self.input(Input::Tick);
        }
    }

    fn ask(&mut self, command: Command) -> Result<Seq, String> {
        self.effects.clear();
        self.input(Input::Command { ticket: Ticket(1), by: Actor::Person("mira".into()), command });
        self.answered()
    }

    fn answered(&self) -> Result<Seq, String> {
        self.effects
            .iter()
            .find_map(|effect| match effect {
                Effect::Reply { result, .. } => Some(result.clone().map_err(|refusal| refusal.0)),
                Effect::Actuate(_) | Effect::Send(_) | Effect::Tell(_) | Effect::Stage(_) => None,
            })
            .expect("every command is answered")
    }

    fn observe(&mut self, device: &str, body: impl FnOnce(&mut Batch) -> Body) {
        let mut batch = Batch::default();
        let mark = batch.mark();
        let body = body(&mut batch);
        let device = batch.keep(device);
        batch.push(mark, Envelope { at: self.now, device, ..Envelope::default() }, body);
        self.input(Input::Observed { batch, dropped: 0 });
    }

    fn hear(&mut self, device: &str, online: bool) {
        self.observe(device, |_| presence(online));
    }

    fn ota(&mut self, device: &str, wave: u16, state: OtaState) {
        self.observe(device, |batch| Body::Ota {
            campaign: batch.keep("fw-1"),
            wave: Some(wave),
            state,
            target: batch.keep("3.2.5"),
        });
    }

    fn controller_says(&mut self, state: CampaignState, answers: &str) {
        self.controller_counts(&[], state, answers);
    }

    fn controller_counts(&mut self, waves: &[WavePlan], state: CampaignState, answers: &str) {
        self.observe("", |batch| {
            waves.iter().for_each(|wave| batch.wave(*wave));
            Body::Campaign {
                campaign: batch.keep("fw-1"),
                state,
                wave: Some(1),
                target: batch.keep("3.2.5"),
                request_id: batch.keep(answers),
                waves: (0, 0),
            }
        });
    }

    fn declare(&mut self) -> IncidentId {
        let declare = Declare {
            title: Some("rev-B is down".into()),
            kind: Some(IncidentType::BadFirmware),
            ..Declare::default()
        };
        self.ask(Command::Declare(declare)).unwrap();
        *self.state.room.incidents.keys().last().unwrap()
    }

    /// A campaign with one device in flight, the halt armed and past its guard.
    fn armed() -> Self {
        let mut bench = Self::new();
        bench.controller_says(CampaignState::Running, "");
        bench.ota("a", 1, OtaState::Installing);
        bench.arm().unwrap();
        bench.wait(1);
        bench
    }

    fn arm(&mut self) -> Result<Seq, String> {
        self.ask(Command::Switch(SwitchCommand::Arm {
            switch: SwitchId::ota_halt(),
            scope: Scope::Campaign(None),
            parameters: Values::new(),
        }))
    }

    fn arm_at(&mut self, switch: &str, scope: Scope) -> Result<Seq, String> {
        self.arm_with(switch, scope, &[])
    }

    fn arm_with(&mut self, switch: &str, scope: Scope, parameters: &[(&str, &str)]) -> Result<Seq, String> {
        let parameters = parameters.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        self.ask(Command::Switch(SwitchCommand::Arm { switch: SwitchId::new(switch), scope, parameters }))
    }

    fn fire(&mut self) -> Result<Seq, String> {
        self.fire_typed("")
    }

    fn fire_typed(&mut self, typed: &str) -> Result<Seq, String> {
        let arming = self.state.switches.arming.as_ref().map_or(0, |arming| arming.id);
        self.ask(Command::Switch(SwitchCommand::Fire(Confirmation { arming, typed: typed.into() })))
    }

    /// The newest request is approved by another user.
    fn approve(&mut self, uid: u32) -> Result<Seq, String> {
        let approval = self.state.switches.requests.keys().last().copied().unwrap_or(0);
        self.approve_as("jo", Approval { approval, uid, reason: "looked at the cohort".into() })
    }

    fn approve_as(&mut self, name: &str, approval: Approval) -> Result<Seq, String> {
        self.effects.clear();
        let command = Command::Switch(SwitchCommand::Approve(approval));
        self.input(Input::Command { ticket: Ticket(1), by: Actor::Person(name.into()), command });
        self.answered()
    }

    /// A person answers for every check.
    fn waive_all(&mut self, incident: IncidentId) {
        for check in Check::ALL {
            let waive = RecoveryCommand::Waive { incident, check, reason: "there are no devices in this test".into() };
            self.ask(Command::Recovery(waive)).unwrap();
        }
    }

    fn actuation(&self) -> ActuationId {
        self.state.room.actuations.keys().last().unwrap().clone()
    }

    fn actuation_state(&self) -> ActuationState {
        self.state.room.actuations[&self.actuation()].state.clone()
    }
}

#[test]
fn an_incident_lives_from_declaration_to_resolution() {
    let mut bench = Bench::new();
    let id = bench.declare();
    bench.wait(30);
    bench.ask(Command::Acknowledge(id)).unwrap();
    bench.ask(Command::SetSeverity { incident: id, severity: Severity::Sev1 }).unwrap();
    bench.ask(Command::Note { incident: Some(id), text: "first line\nsecond \x1b[2J".into() }).unwrap();
    bench.ask(Command::MarkStep { incident: id, step: "confirm.1".into(), mark: StepMark::Done }).unwrap();
    bench.wait(60);
    bench.ask(Command::Mitigate(id)).unwrap();
    bench.wait(10);
    assert!(bench.ask(Command::Resolve(id)).unwrap_err().contains("not verified: connectivity is unknown"));
    bench.waive_all(id);
    bench.ask(Command::Resolve(id)).unwrap();
    let incident = &bench.state.room.incidents[&id];
    let seconds = |clock: Clock| clock.read(&incident.moments, &Targets::default(), bench.now).elapsed_s;
    assert_eq!(Clock::ALL.map(seconds), [0, 30, 90, 100]);
    assert_eq!(incident.notes[0].text, "first line\nsecond ^[[2J");
    assert_eq!(incident.commander, "mira");
    assert_eq!(incident.runbook.as_ref().unwrap().progress(), (1, 2));
    assert_eq!(bench.state.room.open_incidents().count(), 0);
}

#[test]
fn what_makes_no_sense_is_refused_with_a_reason() {
    let mut bench = Bench::new();
    let id = bench.declare();
    bench.ask(Command::Acknowledge(id)).unwrap();
    let nobody = IncidentId(99);
    let later = bench.now.plus_s(60);
    let correct =
        |to, reason: &str| Command::Correct { incident: id, moment: Moment::Onset, to, reason: reason.into() };
    let cases = [
        (Command::Acknowledge(nobody), "there is no INC-99"),
        (Command::Acknowledge(id), "INC-1 is acknowledged already"),
        (Command::AcknowledgeAlert(AlertId(4)), "there is no alert A4"),
        (Command::Note { incident: None, text: " \n ".into() }, "a note needs some text"),
        (Command::SetSeverity { incident: id, severity: Severity::Sev3 }, "the severity is SEV3 already"),
        (Command::SetCommander { incident: id, name: "  ".into() }, "a name cannot be empty"),
        (Command::Declare(Declare::default()), "a title cannot be empty"),
        (Command::Reopen { incident: id, reason: "x".into() }, "is not mitigated or resolved"),
        (correct(later, "typo"), "lies in the future"),
        (correct(At::from_ms(0), "typo"), "more than a year ago"),
        (correct(bench.now.plus_s(-60), ""), "a reason for the correction cannot be empty"),
        (Command::MarkStep { incident: id, step: "contain.9".into(), mark: StepMark::Done }, "no step contain.9"),
        (
            Command::MarkStep { incident: id, step: "confirm.1".into(), mark: StepMark::Open },
            "the step is open already",
        ),
    ];
    for (command, reason) in cases {
        let before = bench.state.room.clone();
        let refusal = bench.ask(command.clone()).unwrap_err();
        assert!(refusal.contains(reason), "{command:?}: {refusal}");
        assert_eq!(bench.state.room, before, "{command:?}");
    }
}

#[test]
fn a_correction_keeps_the_old_value_and_who_changed_it() {
    let mut bench = Bench::new();
    let id = bench.declare();
    let (was, to) = (bench.now, bench.now.plus_s(-120));
    bench
        .ask(Command::Correct { incident: id, moment: Moment::Onset, to, reason: "found in the logs".into() })
        .unwrap();
    let incident = &bench.state.room.incidents[&id];
    assert_eq!(incident.moments.onset, Some(to));
    assert_eq!((incident.corrections[0].from, incident.corrections[0].by.name()), (Some(was), "mira"));
}

#[test]
fn a_halt_is_effective_only_when_nothing_is_in_flight() {
    let mut bench = Bench::armed();
    bench.fire().unwrap();
    let Some(Effect::Actuate(proposal)) = bench.effects.iter().find(|e| matches!(e, Effect::Actuate(_))).cloned()
    else {
        panic!("no proposal: {:?}", bench.effects)
    };
    let Some(Effect::Send(sending)) = bench.effects.iter().find(|e| matches!(e, Effect::Send(_))) else {
        panic!("nothing to send: {:?}", bench.effects)
    };
    let (_, Call::Publish(publish)) = &sending.calls[0] else { panic!("{sending:?}") };
    assert_eq!(publish.topic, "fleet/ota/fw-1/control");
    assert_eq!(publish.payload, format!(r#"{{"action":"halt","request_id":"{}"}}"#, proposal.actuation));
    let intent = bench.records.iter().find(|r| r.seq == proposal.intent).unwrap();
    assert!(matches!(intent.event, Event::ActuationRequested { .. }), "the intent is on the record first");

    bench.input(Input::Outcome { actuation: proposal.actuation.clone(), step: 0, answers: vec![(0, Outcome::Sent)] });
    assert_eq!(bench.actuation_state(), ActuationState::Sent);
    bench.controller_says(CampaignState::Halted, &proposal.actuation.0);
    assert_eq!(bench.actuation_state(), ActuationState::Accepted);
    bench.wait(20);
    assert_eq!(bench.actuation_state(), ActuationState::Accepted, "one device is still in flight");
    bench.ota("a", 1, OtaState::Succeeded);
    bench.wait(5);
    assert_eq!(bench.actuation_state(), ActuationState::Effective);
}

#[test]
fn a_device_that_starts_after_the_yes_has_escaped() {
    let mut bench = Bench::armed();
    bench.fire().unwrap();
    let id = bench.actuation();
    bench.controller_says(CampaignState::Halted, &id.0);
    bench.wait(5);
    bench.ota("late", 1, OtaState::Downloading);
    bench.wait(5);
    assert_eq!(Snapshot::of(&bench.state, bench.now).actuations[&id].escaped, 1);
    bench.ota("a", 1, OtaState::Succeeded);
    bench.ota("late", 1, OtaState::Succeeded);
    bench.wait(5);
    assert_eq!(bench.actuation_state(), ActuationState::Escaped { devices: 1 });
    assert_eq!(bench.state.room.actuations[&id].escaped, ["late"]);
}

#[test]
fn nothing_fires_by_accident() {
    // Not armed.
    assert!(Bench::new().fire().unwrap_err().contains("nothing is armed"));
    // Within the guard: a held key.
    let mut bench = Bench::armed();
    bench.ask(Command::Switch(SwitchCommand::Disarm { reason: "Esc".into() })).unwrap();
    bench.arm().unwrap();
    assert!(bench.fire().unwrap_err().contains("too quick"));
    // Expired.
    bench.wait(limits::ARMED_MS / 1000 + 1);
    assert!(bench.fire().unwrap_err().contains("nothing is armed"));
    // An older arming.
    let mut bench = Bench::armed();
    bench.arm().unwrap();
    bench.wait(1);
    let old = Confirmation { arming: 1, typed: String::new() };
    assert!(bench.ask(Command::Switch(SwitchCommand::Fire(old))).unwrap_err().contains("nothing is armed"));
    // The link went down and came back.
    bench.input(Input::Link(LinkChange::Down { reason: "gone".into(), retry_ms: 1 }));
    assert!(bench.fire().unwrap_err().contains("nothing is armed"));
    assert!(bench.state.room.actuations.is_empty());
}

#[test]
fn nothing_fires_unlogged_or_into_the_void() {
    let mut bench = Bench::armed();
    bench.input(Input::Log(LogHealth::Unsafe { reason: "disk full".into() }));
    let refusal = bench.fire().unwrap_err();
    assert!(
        refusal.contains("disk full") && refusal.contains("mosquitto_pub -q 1 -r -t fleet/ota/fw-1/control"),
        "{refusal}"
    );
    bench.input(Input::Log(LogHealth::Safe));
    bench.state.link.state = LinkChange::Down { reason: "gone".into(), retry_ms: 1 };
    assert!(bench.fire().unwrap_err().contains("not connected"));
    bench.state.settings.read_only = true;
    assert!(bench.fire().unwrap_err().contains("read-only"));
    assert!(bench.state.room.actuations.is_empty());
}

#[test]
fn a_rollback_asks_for_the_campaign_by_name() {
    let mut bench = Bench::new();
    bench.controller_says(CampaignState::Running, "");
    bench.ota("a", 1, OtaState::Succeeded);
    bench.arm_at("rollback", Scope::Campaign(None)).unwrap();
    bench.wait(1);
    assert!(bench.fire().unwrap_err().contains("type `fw-1`"));
    bench.fire_typed("fw-1").unwrap();
    bench.approve(1001).unwrap();
    let id = bench.actuation();
    bench.controller_says(CampaignState::RollingBack, &id.0);
    bench.wait(5);
    assert_eq!(bench.actuation_state(), ActuationState::Accepted);
    bench.ota("a", 1, OtaState::RolledBack);
    bench.wait(5);
    assert_eq!(bench.actuation_state(), ActuationState::Effective);
}

#[test]
fn after_a_restart_an_intent_is_unknown_and_what_nobody_saw_is_not_proven() {
    let mut bench = Bench::armed();
    bench.fire().unwrap();
    let mut again = Bench::opened(&bench.records);
    assert!(matches!(again.actuation_state(), ActuationState::Unknown { .. }));
    let id = again.actuation();
    again.controller_says(CampaignState::Halted, &id.0);
    // The device that was in flight has not been heard of in this room.
    again.wait(1000);
    assert_eq!(again.actuation_state(), ActuationState::Accepted);
    assert!(!Snapshot::of(&again.state, again.now).actuations[&id].provable);
    let reason = "seen in the vendor's console".to_owned();
    again.ask(Command::Switch(SwitchCommand::Close { actuation: id, reason })).unwrap();
    // A second restart has nothing to say about it.
    let third = Bench::opened(&again.records);
    assert_eq!(third.actuation_state(), again.actuation_state());
}

#[test]
fn silence_proves_nothing() {
    // Our own link is down: nothing is heard, and nothing follows from it.
    let mut bench = Bench::armed();
    bench.fire().unwrap();
    let id = bench.actuation();
    bench.controller_says(CampaignState::Halted, &id.0);
    bench.input(Input::Link(LinkChange::Down { reason: "gone".into(), retry_ms: 1 }));
    bench.wait(1000);
    assert_eq!(bench.actuation_state(), ActuationState::Accepted);
    bench.input(Input::Link(LinkChange::Up));
    bench.wait(290);
    assert_eq!(bench.actuation_state(), ActuationState::Accepted);
    // A device that stays silent is not waited for, and is named as what it is.
    bench.wait(30);
    assert_eq!(bench.actuation_state(), ActuationState::Effective);
    let told = bench.records.iter().find_map(|record| match record.event {
        Event::ActuationEffective { in_flight_before, silent, .. } => Some((in_flight_before, silent)),
        _ => None,
    });
    assert_eq!(told, Some((1, 1)));
}

/// A campaign that has updated one device, and a rollback of it that was fired.
fn rolling_back(before: CampaignState) -> Bench {
    let mut bench = Bench::new();
    bench.controller_says(CampaignState::Running, "");
    bench.ota("a", 1, OtaState::Succeeded);
    bench.controller_says(before, "");
    bench.arm_at("rollback", Scope::Campaign(None)).unwrap();
    bench.wait(1);
    bench.fire_typed("fw-1").unwrap();
    bench.approve(1001).unwrap();
    let actuation = bench.actuation();
    bench.input(Input::Outcome { actuation, step: 0, answers: vec![(0, Outcome::Sent)] });
    bench
}

fn unanswered() -> ActuationState {
    let reason = "the broker has it, but the campaign's controller has not answered for 60 s".into();
    ActuationState::Unknown { reason }
}

#[test]
fn what_was_so_before_is_no_answer() {
    let halted = CampaignState::Halted;
    // (the words of the controller after the halt was sent, what becomes of it)
    let cases = [
        (vec![(halted, "")], ActuationState::Effective),
        (vec![(CampaignState::Running, ""), (CampaignState::Finished, "")], unanswered()),
        (vec![(CampaignState::Running, "not-ours")], unanswered()),
        // It said yes, and then somebody else let it run again.
        (
            vec![(halted, ""), (CampaignState::Running, "")],
            ActuationState::Failed { reason: "fw-1 is running a minute after the yes".into() },
        ),
    ];
    for (words, outcome) in cases {
        let mut bench = Bench::armed();
        bench.fire().unwrap();
        let actuation = bench.actuation();
        bench.input(Input::Outcome { actuation, step: 0, answers: vec![(0, Outcome::Sent)] });
        words.iter().for_each(|(state, answers)| bench.controller_says(*state, answers));
        bench.ota("a", 1, OtaState::Succeeded);
        bench.wait(100);
        assert_eq!(bench.actuation_state(), outcome, "{words:?}");
    }
    // A rollback of a campaign that stood already: its standing still is not the answer.
    let mut bench = rolling_back(halted);
    bench.controller_says(halted, "");
    bench.wait(2000);
    assert_eq!(bench.actuation_state(), unanswered());
}

#[test]
fn a_rollback_that_moves_nobody_has_failed() {
    let mut bench = rolling_back(CampaignState::Running);
    let id = bench.actuation();
    bench.controller_says(CampaignState::RollingBack, &id.0);
    bench.wait(1000);
    assert!(matches!(bench.actuation_state(), ActuationState::Failed { reason } if reason.contains("no device")));
}

#[test]
fn names_that_were_changed_on_their_way_in_are_not_acted_on() {
    for name in ["", "a/b", "fw-…(80)", "(blank 3)", "<U+202E>x"] {
        let mut bench = Bench::new();
        bench.observe("", |batch| Body::Campaign {
            campaign: batch.keep(name),
            state: CampaignState::Running,
            wave: None,
            target: Text::EMPTY,
            request_id: Text::EMPTY,
            waves: (0, 0),
        });
        assert!(bench.arm().unwrap_err().contains("cannot be part of a topic"), "{name}");
    }
    let call = Publish { topic: "x'; reboot; '".into(), payload: "{}".into(), retain: false, qos: Qos::default() };
    let by_hand = r"mosquitto_pub -h b -q 1 -t 'x'\''; reboot; '\''' -m '{}'";
    assert_eq!(Call::Publish(call).by_hand(" -h b"), by_hand);
}

fn presence(online: bool) -> Body {
    Body::Status { online: Some(online), stamp: None, boots: None, boot_reason: Text::EMPTY }
}

fn finding(bench: &Bench, signal: Signal, cohort: CohortKey) -> Finding {
    Finding {
        signal,
        cohort,
        onset_within_s: 5,
        began_before: false,
        onset: bench.now.plus_s(-5),
        observed: 0.4,
        expected: 1.0,
        sample: 100,
        affected: 60,
        evidence: "made up".into(),
    }
}

fn raise(bench: &mut Bench, signal: Signal, cohort: CohortKey) {
    let finding = finding(bench, signal, cohort);
    find(bench, finding);
}

fn find(bench: &mut Bench, finding: Finding) {
    let mut turn = Turn { state: &mut bench.state, at: bench.now, step: Step::default() };
    turn.take_change(Change::Raised(finding));
    let records = turn.step.records;
    bench.records.extend(records);
}

#[test]
fn an_onset_at_the_beginning_may_be_older() {
    for (began_before, told) in
        [(true, "already so when the room connected; "), (false, "found back in the data, to 5 s; ")]
    {
        let mut bench = Bench::new();
        let found = finding(&bench, Signal::Online, CohortKey::default());
        find(&mut bench, Finding { began_before, ..found });
        bench.ask(Command::Declare(Declare { alert: Some(AlertId(1)), ..Declare::default() })).unwrap();
        bench.wait(10);
        let answers = &bench.state.facts().of(IncidentId(1)).unwrap().answers;
        let onset = answers.iter().find(|answer| answer.query == Query::Onset).unwrap();
        assert!(onset.evidence.starts_with(told), "{}", onset.evidence);
    }
}

#[test]
fn what_happened_before_the_declaration_belongs_to_it() {
    let mut bench = Bench::armed();
    let cohort = CohortKey::of("firmware", "3.2.5").and("hardware", "rev-B");
    raise(&mut bench, Signal::Online, cohort.clone());
    raise(&mut bench, Signal::Reboots, cohort);
    raise(&mut bench, Signal::Online, CohortKey::of("region", "eu-west"));
    bench.fire().unwrap();
    let fired = bench.actuation();
    bench.ask(Command::Declare(Declare { alert: Some(AlertId(1)), ..Declare::default() })).unwrap();
    let incident = &bench.state.room.incidents[&IncidentId(1)];
    assert_eq!(incident.alerts, [AlertId(1), AlertId(2)], "another region is another matter");
    assert_eq!(incident.actuations, [fired]);
    // And what comes after it, about a part of it or all of it.
    raise(&mut bench, Signal::Reboots, CohortKey::default());
    assert_eq!(bench.state.room.incidents[&IncidentId(1)].alerts.len(), 3);
}

#[test]
fn an_incident_that_has_been_over_for_long_takes_no_new_alerts() {
    let fleet_wide = CohortKey::default();
    let clear = |bench: &mut Bench| {
        let mut turn = Turn { state: &mut bench.state, at: bench.now, step: Step::default() };
        turn.take_change(Change::Cleared { signal: Signal::Online, cohort: CohortKey::default() });
    };
    let alerts = |pause_s: i64| {
        let mut bench = Bench::new();
        raise(&mut bench, Signal::Online, fleet_wide.clone());
        bench.ask(Command::Declare(Declare { alert: Some(AlertId(1)), ..Declare::default() })).unwrap();
        clear(&mut bench);
        bench.now = bench.now.plus_s(pause_s);
        raise(&mut bench, Signal::Online, CohortKey::of("region", "eu-west"));
        bench.wait(1);
        bench.state.room.incidents[&IncidentId(1)].alerts.len()
    };
    assert_eq!((alerts(10 * 60), alerts(20 * 60)), (2, 1));
}

#[test]
fn what_is_usual_is_said_by_a_person_kept_and_taken_back() {
    let mut bench = Bench::new();
    let status = |bench: &mut Bench, n: usize, online: bool| bench.hear(&format!("d{n}"), online);
    (0..40).for_each(|n| status(&mut bench, n, true));
    let whole = CohortKey::default();
    let accept = |alert, for_s, reason: &str| Command::AcceptAlert {
        alert: AlertId(alert),
        cohort: CohortKey::default(),
        for_s,
        reason: reason.into(),
    };
    let hour = Some(3_600);
    raise(&mut bench, Signal::Online, whole.clone());
    assert!(
        bench.ask(accept(1, hour, "a bench")).unwrap_err().contains("nothing is wrong with the whole fleet any more")
    );
    (0..10).for_each(|n| status(&mut bench, n, false));
    for (alert, for_s, reason, refusal) in [
        (2, hour, "a bench", "there is no alert A2"),
        (1, hour, " ", "a reason cannot be empty"),
        (1, None, "a bench", "it is about the whole fleet, and no such thing is usual for good: say for how long"),
    ] {
        assert_eq!(bench.ask(accept(alert, for_s, reason)).unwrap_err(), refusal);
    }
    bench.ask(accept(1, hour, "a bench")).unwrap();
    assert_eq!(bench.ask(accept(1, hour, "a bench")).unwrap_err(), "alert A1 is over");
    assert_eq!(bench.state.room.open_alerts().count(), 0);
    let told = &bench.state.room.timeline.iter().last().unwrap().text;
    assert!(told.contains("accepted alert A1 as usual until") && told.contains("up to 46 % went away"), "{told}");
    // It is on the record, and over when it was to be, or when it is taken back.
    let again = Bench::opened(&bench.records);
    assert_eq!(again.state.room.accepted, bench.state.room.accepted);
    let holds = |bench: &Bench, seconds| bench.state.room.accepted_at(bench.now.plus_s(seconds)).count();
    assert_eq!((holds(&bench, 3_500), holds(&bench, 3_700)), (1, 0));
    let mut later = Bench::opened(&bench.records);
    later.wait(3_700);
    assert_eq!((later.state.room.accepted.len(), later.records.last().unwrap().actor.clone()), (0, Actor::Engine));
    bench.ask(Command::WatchAgain(whole.clone())).unwrap();
    assert_eq!(holds(&bench, 0), 0);
    assert!(bench.ask(Command::WatchAgain(whole.clone())).unwrap_err().contains("nothing is accepted"));
    raise(&mut bench, Signal::Online, whole);
    bench.ask(Command::Declare(Declare { alert: Some(AlertId(2)), ..Declare::default() })).unwrap();
    assert!(bench.ask(accept(2, hour, "a bench")).unwrap_err().contains("belongs to INC-1"));
}

#[test]
fn who_is_sent_back_is_not_healthy_before_it_is_back() {
    let mut bench = Bench::new();
    let status = |bench: &mut Bench, n: usize, online: bool| bench.hear(&format!("d{n}"), online);
    let remaining = |bench: &mut Bench| {
        bench.wait(10);
        let known = bench.state.facts().of(IncidentId(1)).unwrap().remaining;
        (known.ever, known.away, known.healthy)
    };
    (0..40).for_each(|n| status(&mut bench, n, true));
    raise(&mut bench, Signal::Online, CohortKey::default());
    bench.ask(Command::Declare(Declare { alert: Some(AlertId(1)), ..Declare::default() })).unwrap();
    (0..10).for_each(|n| status(&mut bench, n, false));
    assert_eq!(remaining(&mut bench), (10, 10, 0));
    for n in 0..10 {
        // To say so is a sign of life; then it goes, and its update excuses it.
        bench.ota(&format!("d{n}"), 1, OtaState::Rebooting);
        status(&mut bench, n, false);
    }
    assert_eq!(remaining(&mut bench), (10, 10, 0), "an update is no excuse for it");
    assert_eq!(bench.state.fleet.cohorts().fleet().away(), 0, "though it is one for the fleet");
    let quality = |bench: &Bench| {
        let known = bench.state.facts().of(IncidentId(1)).unwrap();
        known.checks.iter().find(|checked| checked.check == Check::Quality).unwrap().clone()
    };
    let told = quality(&bench);
    assert_eq!(
        (told.standing, told.evidence.as_str()),
        (Standing::Unknown, "none of 10 is connected, so none can tell")
    );
    (0..4).for_each(|n| status(&mut bench, n, true));
    assert_eq!(remaining(&mut bench), (10, 6, 4));
    assert_eq!(quality(&bench).evidence, "all 4 that are connected send what is right");
}

#[test]
fn who_was_affected_and_goes_while_others_leave_its_firmware_is_away() {
    let mut bench = Bench::new();
    let firmware = bench.state.fleet.schema().find("firmware").unwrap();
    let status = |bench: &mut Bench, n: usize, version: &str, online: bool| {
        bench.observe(&format!("d{n}"), |batch| {
            batch.attribute(firmware, version);
            presence(online)
        });
    };
    let goes = |bench: &mut Bench, n: usize| status(bench, n, "3.2.5", false);
    (0..400).for_each(|n| status(&mut bench, n, "3.2.5", true));
    raise(&mut bench, Signal::Online, CohortKey::default());
    bench.ask(Command::Declare(Declare { alert: Some(AlertId(1)), ..Declare::default() })).unwrap();
    (0..10).for_each(|n| goes(&mut bench, n));
    bench.wait(10);
    (0..10).for_each(|n| status(&mut bench, n, "3.2.5", true));
    // One after the other comes back with the version before, and nobody tells of a rollout.
    for n in 100..130 {
        goes(&mut bench, n);
        bench.wait(20);
        status(&mut bench, n, "3.2.4", true);
    }
    (0..10).for_each(|n| goes(&mut bench, n));
    bench.wait(10);
    assert_eq!(bench.state.fleet.cohorts().fleet().away(), 0, "it is excused");
    let known = bench.state.facts().of(IncidentId(1)).unwrap();
    assert_eq!(known.remaining.away, 10);
    let connectivity = known.checks.iter().find(|checked| checked.check == Check::Connectivity).unwrap();
    assert_eq!(connectivity.standing, Standing::Red, "{}", connectivity.evidence);
}

#[test]
fn what_has_been_well_for_a_day_is_accepted_no_longer() {
    let mut bench = Bench::new();
    bench.hear("d1", true);
    bench.hear("d1", false);
    raise(&mut bench, Signal::Online, CohortKey::default());
    let (cohort, reason) = (CohortKey::default(), "a bench".into());
    bench.ask(Command::AcceptAlert { alert: AlertId(1), cohort, for_s: Some(7 * 86_400), reason }).unwrap();
    let accepted = |bench: &Bench| bench.state.room.accepted_at(bench.now).count();
    bench.wait(90_000);
    assert_eq!(accepted(&bench), 1, "it is still away");
    bench.hear("d1", true);
    bench.wait(80_000);
    assert_eq!(accepted(&bench), 1);
    bench.wait(10_000);
    assert_eq!(accepted(&bench), 0);
    assert_eq!(bench.records.last().unwrap().event, Event::WatchedAgain { cohort: CohortKey::default() });
}

#[test]
fn an_alert_of_an_earlier_process_goes_on_until_its_devices_are_back_or_given_up() {
    let mut bench = Bench::new();
    raise(&mut bench, Signal::Online, CohortKey::of("firmware", "3.2.5"));
    let open = |bench: &Bench| bench.state.room.open_alerts().count();
    let hear = |bench: &mut Bench, devices: std::ops::Range<usize>| {
        let firmware = bench.state.fleet.schema().find("firmware").unwrap();
        for n in devices {
            bench.observe(&format!("d{n}"), |batch| {
                batch.attribute(firmware, "3.2.5");
                presence(true)
            });
        }
    };
    let mut again = Bench::opened(&bench.records);
    assert_eq!(open(&again), 1);
    again.wait(300);
    assert_eq!(open(&again), 1, "that nobody is heard is no sign of health");
    hear(&mut again, 0..30);
    again.wait(300);
    assert_eq!(open(&again), 1, "seventy of a hundred are away still");
    hear(&mut again, 30..100);
    again.wait(130);
    assert_eq!(open(&again), 0);
    // Who was heard, and has left the cohort since, is not away.
    let mut moved = Bench::opened(&bench.records);
    hear(&mut moved, 0..100);
    moved.wait(35);
    (0..90).for_each(|n| {
        moved.observe(&format!("d{n}"), |batch| {
            batch.attribute(AttributeIx(0), "3.2.4");
            presence(true)
        })
    });
    moved.wait(130);
    assert_eq!(open(&moved), 0);
    let mut later = Bench::opened(&bench.records);
    later.wait(86_500);
    assert_eq!(open(&later), 0, "nobody was heard for a day");
}

#[test]
fn where_the_broker_keeps_presence_nobody_is_away_who_is_not_known() {
    let mut bench = Bench::new();
    raise(&mut bench, Signal::Online, CohortKey::default());
    let mut again = Bench::opened(&bench.records);
    for n in 0..30 {
        let mut batch = Batch::default();
        let mark = batch.mark();
        let device = batch.keep(&format!("d{n}"));
        batch.push(mark, Envelope { at: again.now, device, retained: true, ..Envelope::default() }, presence(true));
        again.input(Input::Observed { batch, dropped: 0 });
    }
    again.wait(130);
    assert_eq!(again.state.room.open_alerts().count(), 0, "the other seventy were sent elsewhere");
}

#[test]
fn what_devices_did_before_a_restart_has_time_to_show_again() {
    let mut bench = Bench::new();
    raise(&mut bench, Signal::Reboots, CohortKey::default());
    let mut again = Bench::opened(&bench.records);
    again.hear("d1", true);
    again.wait(400);
    assert_eq!(again.state.room.open_alerts().count(), 1);
    again.wait(400);
    assert_eq!(again.state.room.open_alerts().count(), 0);
}

#[test]
fn whoever_ends_an_incident_has_taken_it_on() {
    let mut bench = Bench::new();
    let id = bench.declare();
    bench.wait(5);
    bench.waive_all(id);
    bench.ask(Command::Resolve(id)).unwrap();
    let moments = bench.state.room.incidents[&id].moments;
    assert_eq!((moments.acknowledged, moments.mitigated), (Some(bench.now), Some(bench.now)));
    let id = bench.declare();
    for moment in [Moment::Mitigated, Moment::Resolved] {
        let correct = Command::Correct { incident: id, moment, to: bench.now, reason: "x".into() };
        assert!(bench.ask(correct).unwrap_err().contains("say so first"));
    }
}

#[test]
fn an_unknown_outcome_can_be_closed_by_hand_and_only_with_a_reason() {
    let mut bench = Bench::armed();
    bench.fire().unwrap();
    let id = bench.actuation();
    bench.input(Input::Outcome {
        actuation: id.clone(),
        step: 0,
        answers: vec![(0, Outcome::Unknown { reason: "no answer".into() })],
    });
    let close = |reason: &str| Command::Switch(SwitchCommand::Close { actuation: id.clone(), reason: reason.into() });
    assert!(bench.ask(close(" ")).is_err());
    bench.ask(close("seen in the vendor's console")).unwrap();
    assert!(matches!(bench.actuation_state(), ActuationState::Failed { .. }));
    assert!(bench.ask(close("again")).unwrap_err().contains("has ended"));
}

#[test]
fn somebody_elses_command_is_recorded_as_foreign_and_never_as_ours() {
    let mut bench = Bench::armed();
    let control = |batch: &mut Batch, id: &str| Body::Control {
        campaign: batch.keep("fw-1"),
        action: Some(CampaignAction::Halt),
        request_id: batch.keep(id),
    };
    bench.observe("", |batch| control(batch, "not-ours"));
    let foreign = bench.records.iter().filter(|r| r.actor == Actor::Foreign).count();
    assert_eq!(foreign, 1);
    bench.fire().unwrap();
    let ours = bench.actuation().0;
    bench.observe("", |batch| control(batch, &ours));
    assert_eq!(bench.records.iter().filter(|r| r.actor == Actor::Foreign).count(), foreign);
}

#[test]
fn the_wire_cannot_fill_the_log() {
    let mut bench = Bench::new();
    for n in 0..1000 {
        bench.observe("", |batch| Body::Control {
            campaign: batch.keep("fw-1"),
            action: Some(CampaignAction::Halt),
            request_id: batch.keep(&format!("x{n}")),
        });
    }
    assert!(bench.records.len() < 100, "{} events", bench.records.len());
    assert!(Snapshot::of(&bench.state, bench.now).totals.suppressed > 900);
}

/// Anything a person, the wire or the machine may do next.
fn any_input() -> impl Strategy<Value = (u8, u8, u8, i64)> {
    (0u8..24, 0u8..4, 0u8..4, 0i64..30)
}

fn play(bench: &mut Bench, (what, a, b, wait): (u8, u8, u8, i64)) {
    let id = IncidentId(u32::from(a));
    let device = format!("d{b}");
    let states = OtaState::ALL;
    match what {
        0 => drop(bench.ask(Command::Declare(Declare { title: Some(device), ..Declare::default() }))),
        1 => drop(bench.ask(Command::Acknowledge(id))),
        2 => drop(bench.ask(Command::Mitigate(id))),
        3 => drop(bench.ask(Command::Resolve(id))),
        4 => drop(bench.ask(Command::Reopen { incident: id, reason: device })),
        5 => drop(bench.ask(Command::Note { incident: Some(id), text: device })),
        6 => {
            drop(
                bench.ask(Command::MarkStep {
                    incident: id,
                    step: "confirm.1".into(),
                    mark: [StepMark::Done, StepMark::Open, StepMark::Skipped("x".into()), StepMark::Done]
                        [usize::from(b)]
                    .clone(),
                }),
            )
        }
        7 => drop(bench.arm()),
        8 => drop(bench.fire()),
        9 => drop(bench.ask(Command::Switch(SwitchCommand::Disarm { reason: device }))),
        10..=13 => bench.ota(&device, u16::from(a), states[usize::from(what - 10) * 2]),
        14 => bench.controller_says(CampaignState::Running, ""),
        15 => bench.controller_says(CampaignState::Halted, ""),
        16 => bench.input(Input::Link(LinkChange::Up)),
        17 => bench.input(Input::Link(LinkChange::Down { reason: device, retry_ms: 5 })),
        18 => bench.input(Input::Outcome {
            actuation: ActuationId(format!("wr1-{a}")),
            step: 0,
            answers: vec![(0, Outcome::Sent)],
        }),
        19 => bench.input(Input::Log(LogHealth::Unsafe { reason: device })),
        20 => bench.input(Input::Log(LogHealth::Safe)),
        21 => drop(bench.ask(Command::Correct {
            incident: id,
            moment: Moment::ALL[usize::from(b)],
            to: bench.now.plus_s(-wait),
            reason: device,
        })),
        22 => bench.observe(&device, |_| Body::Status {
            online: Some(a % 2 == 0),
            stamp: None,
            boots: None,
            boot_reason: Text::EMPTY,
        }),
        _ => drop(bench.ask(Command::SetSeverity { incident: id, severity: Severity::ALL[usize::from(b)] })),
    }
    bench.wait(wait);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Replaying the log gives the room that wrote it, whatever happened; numbers run without a gap.
    #[test]
    fn replay_of_the_log_gives_the_live_state(inputs in proptest::collection::vec(any_input(), 1..80)) {
        let mut bench = Bench::new();
        inputs.into_iter().for_each(|input| play(&mut bench, input));
        let replayed = State::replay(Settings::default(), &bench.records, bench.now);
        prop_assert_eq!(&replayed.room, &bench.state.room);
        for (n, record) in bench.records.iter().enumerate() {
            prop_assert_eq!(record.seq, Seq(n as u64 + 1));
        }
        let (open, all): (Vec<_>, Vec<_>) = (bench.state.room.open_incidents().collect(), bench.state.room.incidents.values().collect());
        prop_assert!(open.len() <= all.len());
        Snapshot::of(&bench.state, bench.now);
    }

    /// The same inputs give the same events, to the byte.
    #[test]
    fn the_same_inputs_give_the_same_events(inputs in proptest::collection::vec(any_input(), 1..40)) {
        let run = || {
            let mut bench = Bench::new();
            inputs.iter().for_each(|input| play(&mut bench, *input));
            serde_json::to_string(&bench.records).unwrap()
        };
        prop_assert_eq!(run(), run());
    }

    /// No order of events makes `apply` fail, not even one that no engine would write.
    #[test]
    fn apply_takes_any_event_in_any_order(
        inputs in proptest::collection::vec(any_input(), 1..40),
        picks in proptest::collection::vec(any::<prop::sample::Index>(), 0..80),
    ) {
        let mut bench = Bench::new();
        inputs.into_iter().for_each(|input| play(&mut bench, input));
        let mut room = Room::default();
        for pick in picks {
            room.apply(&bench.records[pick.index(bench.records.len())]);
        }
    }
}
