//! Switches that act on devices: aimed, approved, asked one after the other, and proven.

use super::*;
use crate::domain::event::switch::SwitchEvent;
use crate::domain::input::AnswerTo;
use crate::domain::lens::Filter;
use crate::domain::observation::Envelope;
use crate::domain::switch::Actuation;
use crate::engine::switches::run::Tally;

/// A fleet of `online` connected devices and `offline` ones that are known, on one site.
fn fleet(online: u32, offline: u32) -> Bench {
    let mut bench = Bench::new();
    for n in 0..online + offline {
        bench.status(&format!("d{n}"), n < online);
    }
    bench.wait(1);
    bench
}

impl Bench {
    fn status(&mut self, device: &str, online: bool) {
        self.attributes(device, online, 1, None);
    }

    fn attributes(&mut self, device: &str, online: bool, boots: u32, config: Option<&str>) {
        let mut batch = Batch::default();
        let mark = batch.mark();
        let schema = self.state.fleet.schema();
        batch.attribute(schema.find("site").unwrap(), "ams1");
        if let Some(config) = config {
            batch.attribute(schema.find("config").unwrap(), config);
        }
        let device = batch.keep(device);
        let body = Body::Status { online: Some(online), stamp: None, boots: Some(boots), boot_reason: Text::EMPTY };
        batch.push(mark, Envelope { at: self.now, device, ..Envelope::default() }, body);
        self.input(Input::Observed { batch, dropped: 0 });
    }

    /// Every call that goes out from here on, answered by the broker, and by the system where `answer` says how.
    fn play(&mut self, seconds: i64, answer: &dyn Fn(&str) -> Option<Outcome>) -> Vec<Publish> {
        let mut sent = Vec::new();
        for _ in 0..=seconds {
            for effect in std::mem::take(&mut self.effects) {
                let Effect::Send(sending) = effect else { continue };
                let (actuation, step) = (sending.actuation.clone(), sending.step);
                let places = sending.calls.iter().map(|(place, _)| (*place, Outcome::Sent)).collect();
                self.input(Input::Outcome { actuation: actuation.clone(), step, answers: places });
                for (_, call) in sending.calls {
                    let Call::Publish(publish) = call else { panic!("{call:?}") };
                    let device = publish.topic.split('/').nth(2).unwrap().to_owned();
                    if let Some(outcome) = answer(&device) {
                        let target = AnswerTo::Device(device);
                        self.input(Input::Answered { actuation: actuation.clone(), target, outcome });
                    }
                    sent.push(publish);
                }
            }
            self.wait(1);
        }
        sent
    }

    fn pulled(&self) -> &Actuation {
        self.state.room.actuations.values().last().unwrap()
    }

    fn tally(&self) -> Tally {
        let id = self.pulled().id.clone();
        Snapshot::of(&self.state, self.now).actuations[&id].tally.expect("it is under way")
    }

    fn push(&mut self, scope: Scope) {
        self.arm_with("config-push", scope, &[("version", "c-42"), ("values", r#"{"hz":1}"#)]).unwrap();
        self.wait(1);
        let word = self.state.switches.arming.as_ref().unwrap().preview.word();
        self.fire_typed(&word).unwrap();
        self.approve(1001).unwrap();
    }
}

fn everybody() -> Scope {
    Scope::Cohort(CohortKey::of("site", "ams1"))
}

fn list(names: &[&str]) -> Scope {
    Scope::Devices(names.iter().map(|name| (*name).to_owned()).collect())
}

#[test]
fn a_push_is_counted_until_it_adds_up() {
    let mut bench = fleet(90, 30);
    bench.push(everybody());
    let sent = bench.play(1, &|_| None);
    assert!(sent.iter().all(|publish| publish.retain && publish.topic.ends_with("/config/desired")));
    let payload: serde_json::Value = serde_json::from_str(&sent[0].payload).unwrap();
    let id = bench.pulled().id.0.clone();
    assert_eq!(payload, serde_json::json!({"version": "c-42", "values": {"hz": 1}, "request_id": id}));
    assert!((40..=90).contains(&sent.len()), "{} at once", sent.len());
    let rest = bench.play(3, &|_| None);
    assert_eq!(sent.len() + rest.len(), 120, "each device is sent it once");
    for n in 0..60 {
        bench.attributes(&format!("d{n}"), true, 1, Some("c-42"));
    }
    bench.wait(1);
    let tally = bench.tally();
    assert_eq!((tally.done, tally.pending, tally.offline, tally.escaped), (60, 30, 30, 0));
    // The mute ones are asked three times more, five minutes apart, and then given up; those away are waited for.
    let again = bench.play(2000, &|_| None);
    assert_eq!(again.len(), 90);
    assert!(again.iter().all(|publish| publish.payload == sent[0].payload), "under the same id");
    let tally = bench.tally();
    assert_eq!((tally.done, tally.pending, tally.offline, tally.escaped), (60, 0, 30, 30));
    for n in 90..120 {
        bench.attributes(&format!("d{n}"), true, 1, Some("c-42"));
    }
    bench.wait(2);
    assert_eq!(bench.actuation_state(), ActuationState::Escaped { devices: 30 });
    assert_eq!(bench.pulled().escaped.len(), 30);
}

#[test]
fn where_names_differ_within_a_site_only_no_call_reaches_another_site() {
    let mut bench = Bench::new();
    bench.state.settings.names_per_site = true;
    bench.state.settings.own_names = vec!["warroom".into()];
    for device in ["fra/gw-1", "ams/gw-1", "ams/warroom", "gw-9"] {
        // Whatever it says of its site.
        bench.status(device, true);
    }
    bench.wait(1);
    bench.push(list(&["ams/gw-1"]));
    let topics: Vec<String> = bench.play(1, &|_| None).into_iter().map(|publish| publish.topic).collect();
    assert_eq!(topics, ["fleet/ams/gw-1/config/desired"]);
    bench.attributes("fra/gw-1", true, 1, Some("c-42"));
    bench.wait(1);
    assert_eq!(bench.tally().done, 0, "the other one has answered");
    bench.attributes("ams/gw-1", true, 1, Some("c-42"));
    bench.wait(1);
    assert!(matches!(bench.pulled().state, ActuationState::Effective), "{:?}", bench.pulled().state);

    let cases = [
        ("credential-revoke", "fra/gw-1", "it needs {site} beside {device}"),
        ("config-push", "gw-9", "`gw-9` is known without its site"),
        ("config-push", "ams/warroom", "`ams/warroom` is this room's own client"),
    ];
    for (switch, device, told) in cases {
        let version = [("version", "c-42"), ("values", "{}")];
        let parameters = if switch == "config-push" { &version[..] } else { &[] };
        let refused = bench.arm_with(switch, list(&[device]), parameters).unwrap_err();
        assert!(refused.contains(told), "{switch} {device}: {refused}");
    }
}

#[test]
fn a_push_that_everybody_reports_is_effective() {
    let mut bench = fleet(3, 0);
    bench.push(everybody());
    bench.play(2, &|_| None);
    for n in 0..3 {
        bench.attributes(&format!("d{n}"), true, 1, Some("c-42"));
    }
    bench.wait(1);
    assert_eq!(bench.actuation_state(), ActuationState::Effective);
}

#[test]
fn devices_that_stay_away_have_escaped_after_a_day() {
    let mut bench = fleet(1, 1);
    bench.push(everybody());
    bench.play(2, &|_| None);
    bench.attributes("d0", true, 1, Some("c-42"));
    bench.wait(86_300);
    assert_eq!(bench.tally().offline, 1);
    bench.wait(200);
    assert_eq!(bench.actuation_state(), ActuationState::Escaped { devices: 1 });
}

#[test]
fn values_that_break_the_rules_of_a_push_are_refused_before_anything_is_armed() {
    let mut bench = fleet(3, 0);
    let rule = r#"{"hz":{"type":"integer","max":50}}"#;
    for switch in &mut bench.state.settings.switches {
        Arc::make_mut(switch).schema = serde_json::from_str(rule).unwrap();
    }
    let mut arm = |values: &str| bench.arm_with("config-push", everybody(), &[("version", "c-42"), ("values", values)]);
    assert_eq!(arm(r#"{"hz":51}"#).unwrap_err(), "`hz` is at most 50, and not 51");
    arm(r#"{"hz":50}"#).unwrap();
}

#[test]
fn people_can_stop_a_push_on_its_way() {
    let mut bench = fleet(200, 0);
    bench.push(everybody());
    bench.play(1, &|_| None);
    let id = bench.pulled().id.clone();
    bench.ask(Command::Switch(SwitchCommand::Stop(id.clone()))).unwrap();
    let ActuationState::Stopped { asked, left } = bench.actuation_state() else { panic!("not stopped") };
    assert_eq!(asked + left, 200);
    assert!(left > 0 && bench.play(10, &|_| None).is_empty());
    assert!(bench.ask(Command::Switch(SwitchCommand::Stop(id))).is_err());
}

#[test]
fn a_revocation_is_proven_by_silence_and_a_device_that_comes_back_has_escaped() {
    let yes = |_: &str| Some(Outcome::Accepted);
    for (returns, expected) in [(false, ActuationState::Effective), (true, ActuationState::Escaped { devices: 1 })] {
        let mut bench = fleet(3, 0);
        bench.arm_at("credential-revoke", list(&["d0", "d1"])).unwrap();
        bench.wait(1);
        bench.fire_typed("2").unwrap();
        bench.approve(1001).unwrap();
        let sent = bench.play(2, &yes);
        assert_eq!(sent.len(), 2);
        assert_eq!(bench.actuation_state(), ActuationState::Accepted);
        bench.status("d0", false);
        bench.status("d1", false);
        bench.wait(30);
        if returns {
            // The broker said yes, and the device is back.
            bench.status("d1", true);
        }
        bench.wait(100);
        assert_eq!(bench.actuation_state(), expected);
        let words = bench.pulled().words();
        assert_eq!(words, if returns { "FAILED: escaped 1" } else { "effective" });
        assert_eq!(bench.pulled().escaped, if returns { vec!["d1"] } else { vec![] });
    }
}

#[test]
fn what_a_system_refuses_or_never_answers_has_escaped() {
    let mut bench = fleet(3, 0);
    bench.arm_at("quarantine", everybody()).unwrap();
    bench.wait(1);
    bench.fire_typed("3").unwrap();
    bench.approve(1001).unwrap();
    let answer = |device: &str| match device {
        "d0" => Some(Outcome::Accepted),
        "d1" => Some(Outcome::Refused { reason: "no such device".into() }),
        _ => None,
    };
    let sent = bench.play(100, &answer);
    assert_eq!(sent.iter().filter(|publish| publish.topic.contains("/d2/")).count(), 3, "asked twice more");
    assert_eq!(sent.len(), 5);
    assert_eq!(bench.actuation_state(), ActuationState::Escaped { devices: 2 });
    let told = bench.records.iter().find_map(|record| match &record.event {
        Event::Switch(SwitchEvent::StepTaken { yes, no, reason, .. }) => Some((*yes, *no, reason.clone())),
        _ => None,
    });
    assert_eq!(told, Some((1, 2, Some("no such device".into()))));

    // Nobody took it: it has failed, and that is known.
    let mut bench = fleet(1, 0);
    bench.arm_at("throttle", everybody()).unwrap();
    bench.wait(1);
    bench.fire_typed("1").unwrap();
    bench.play(2, &|_| Some(Outcome::Refused { reason: "broker is read-only".into() }));
    assert_eq!(bench.actuation_state(), ActuationState::Failed { reason: "broker is read-only".into() });
}

#[test]
fn restarts_come_one_after_the_other_and_are_seen() {
    let mut bench = fleet(3, 0);
    bench.arm_at("restart", everybody()).unwrap();
    bench.wait(1);
    bench.fire_typed("3").unwrap();
    bench.approve(1001).unwrap();
    let sent = bench.play(1, &|_| Some(Outcome::Accepted));
    assert!(sent.len() <= 2, "{} in a second", sent.len());
    bench.play(4, &|_| Some(Outcome::Accepted));
    for n in 0..3 {
        bench.attributes(&format!("d{n}"), true, 2, None);
    }
    bench.wait(1);
    assert_eq!(bench.actuation_state(), ActuationState::Effective);
}

#[test]
fn targets_nobody_can_have_meant_are_refused() {
    let mut bench = fleet(3, 0);
    bench.state.settings.own_names = vec!["warroom-1".into()];
    bench.state.settings.environment = "prod".into();
    let filter = |text: &str| Scope::Filter(Filter::parse(text, &["firmware".into()]).unwrap());
    let cases = [
        ("config-push", filter("nobody"), "no device at all"),
        ("config-push", Scope::Cohort(CohortKey::of("site", "atlantis")), "no device with site atlantis is known"),
        ("config-push", list(&["d0", "warroom-1"]), "this room's own client"),
        ("config-push", Scope::Campaign(None), "acts on devices"),
        ("ota-halt", everybody(), "acts on a campaign"),
        ("credential-revoke", everybody(), "is for drill, and this is prod"),
        ("no-such", everybody(), "no switch no-such is configured; there are ota-halt"),
        ("config-push", list(&["unknown/device"]), "`{site}` has no value here"),
    ];
    for (switch, scope, expected) in cases {
        let given = [("version", "c-42"), ("values", "{}")];
        let refusal = bench.arm_with(switch, scope, &given).unwrap_err();
        assert!(refusal.contains(expected), "{switch}: {refusal}");
    }
    assert!(bench.arm_at("config-push", everybody()).unwrap_err().contains("needs version and values"));
    let broken = bench.arm_with("config-push", everybody(), &[("version", "c"), ("values", "{oops")]).unwrap_err();
    assert!(broken.contains("the value of `values` is not JSON"), "{broken}");
}

#[test]
fn targets_that_changed_since_they_were_looked_at_are_refused() {
    for (newcomers, refused) in [(1, false), (2, true)] {
        let mut bench = fleet(100, 0);
        bench.arm_at("throttle", everybody()).unwrap();
        bench.wait(1);
        for n in 0..newcomers {
            bench.status(&format!("new{n}"), true);
        }
        let result = bench.fire_typed("100");
        assert_eq!(result.is_err(), refused, "{result:?}");
        if let Err(reason) = result {
            assert!(reason.contains("the targets have changed") && reason.contains("100 then, 102 now"), "{reason}");
        }
    }
}

/// What becomes of the second person's yes, by who gives it, to what, and when.
#[test]
fn a_second_person_is_somebody_else_in_time_and_once() {
    let asked = || {
        let mut bench = fleet(2, 0);
        bench.arm_at("quarantine", everybody()).unwrap();
        bench.wait(1);
        bench.fire_typed("2").unwrap();
        assert!(bench.state.room.actuations.is_empty(), "nothing is sent before the second yes");
        bench
    };
    let yes = |bench: &Bench, uid: u32| Approval {
        approval: *bench.state.switches.requests.keys().last().unwrap(),
        uid,
        reason: "looked".into(),
    };
    let mut bench = asked();
    let good = yes(&bench, 1001);
    let cases = [
        ("jo", Approval { uid: 1000, ..good.clone() }, "you asked for"),
        ("mira", good.clone(), "it takes somebody else"),
        ("jo", Approval { approval: 4711, ..good.clone() }, "nothing waits for approval 4711"),
        ("jo", Approval { reason: "  ".into(), ..good.clone() }, "needs a reason"),
    ];
    for (name, approval, expected) in cases {
        let refusal = bench.approve_as(name, approval).unwrap_err();
        assert!(refusal.contains(expected), "{refusal}");
    }
    assert!(bench.state.room.actuations.is_empty());
    let refused = |record: &&Record| matches!(record.event, Event::Switch(SwitchEvent::ApprovalRefused { .. }));
    assert_eq!(bench.records.iter().filter(refused).count(), 4, "each no is on the record");
    bench.approve_as("jo", good.clone()).unwrap();
    let proposal = bench.effects.iter().find_map(|effect| match effect {
        Effect::Actuate(proposal) => Some(proposal.people.clone()),
        _ => None,
    });
    assert_eq!(proposal, Some(crate::domain::input::People::Two(1000, 1001)));
    assert_eq!(bench.pulled().approved, Some(Actor::Person("jo".into())));
    assert!(bench.approve_as("jo", good).unwrap_err().contains("nothing waits"), "twice is once");
    assert_eq!(bench.state.room.actuations.len(), 1);

    // Too late.
    let mut bench = asked();
    let late = yes(&bench, 1001);
    bench.wait(limits::APPROVAL_MS / 1000 + 1);
    assert!(bench.approve_as("jo", late).unwrap_err().contains("nothing waits"));
    // Taken back.
    let mut bench = asked();
    let taken_back = yes(&bench, 1001);
    let withdraw = SwitchCommand::Withdraw { approval: taken_back.approval, reason: "not needed".into() };
    bench.ask(Command::Switch(withdraw)).unwrap();
    assert!(bench.approve_as("jo", taken_back).unwrap_err().contains("nothing waits"));
    // The targets have changed in the meantime.
    let mut bench = asked();
    let stale = yes(&bench, 1001);
    bench.status("new", true);
    assert!(bench.approve_as("jo", stale).unwrap_err().contains("the targets have changed"));
}

#[test]
fn breaking_the_glass_takes_a_reason_and_leaves_a_mark() {
    let mut bench = fleet(1, 0);
    bench.arm_at("quarantine", everybody()).unwrap();
    bench.wait(1);
    bench.fire_typed("1").unwrap();
    let approval = *bench.state.switches.requests.keys().last().unwrap();
    let glass = |reason: &str| Command::Switch(SwitchCommand::BreakGlass { approval, reason: reason.into() });
    assert!(bench.ask(glass("  now!    ")).unwrap_err().contains("in 10 letters or more"));
    bench.ask(glass("jo is on a plane, no one else has keys")).unwrap();
    assert_eq!(bench.pulled().broke_glass.as_deref(), Some("jo is on a plane, no one else has keys"));
    let due = bench.records.iter().find_map(|record| match &record.event {
        Event::Switch(SwitchEvent::GlassBroken { review_due, .. }) => Some(review_due.since_s(record.at)),
        _ => None,
    });
    assert_eq!(due, Some(7 * 86_400));

    // In an incident it is an action item, with an owner and a day.
    let mut bench = fleet(1, 0);
    let incident = bench.declare();
    bench.arm_at("quarantine", everybody()).unwrap();
    bench.wait(1);
    bench.fire_typed("1").unwrap();
    let approval = *bench.state.switches.requests.keys().last().unwrap();
    let reason = "jo is on a plane, no one else has keys".into();
    bench.ask(Command::Switch(SwitchCommand::BreakGlass { approval, reason })).unwrap();
    let actions = &bench.state.room.incidents[&incident].learning.actions;
    assert_eq!(actions[0].plan.text, "review break-glass: quarantine d0");
    // Whoever broke it does not review it, although they command the incident.
    assert!(actions[0].plan.owner.is_none() && actions[0].plan.due.is_some());
}

#[test]
fn an_actuation_of_an_earlier_process_is_looked_at_asked_again_or_closed() {
    let mut bench = fleet(2, 0);
    bench.push(everybody());
    let records = bench.records.clone();
    let reopened = || {
        let mut bench = Bench::opened(&records);
        for n in 0..2 {
            bench.status(&format!("d{n}"), true);
        }
        bench.wait(1);
        let id = bench.pulled().id.clone();
        assert!(matches!(bench.actuation_state(), ActuationState::Unknown { .. }));
        (bench, id)
    };
    // Looked at again: what the devices say now decides.
    let (mut bench, id) = reopened();
    bench.ask(Command::Switch(SwitchCommand::Recheck(id))).unwrap();
    bench.attributes("d0", true, 1, Some("c-42"));
    bench.wait(1);
    assert_eq!(bench.actuation_state(), ActuationState::Accepted);
    bench.attributes("d1", true, 1, Some("c-42"));
    bench.wait(1);
    assert_eq!(bench.actuation_state(), ActuationState::Effective);
    // Asked again: the same id, the same two people, the same targets.
    let (mut bench, id) = reopened();
    bench.ask(Command::Switch(SwitchCommand::ArmAgain(id.clone()))).unwrap();
    bench.wait(1);
    bench.fire_typed("2").unwrap();
    bench.approve(1001).unwrap();
    let sent = bench.play(2, &|_| None);
    assert_eq!(sent.len(), 2);
    assert!(sent.iter().all(|publish| publish.payload.contains(&id.0)));
    assert_eq!(bench.state.room.actuations.len(), 1, "it is the same actuation");
}
