//! A rollback in waves: planned, begun one after the other, paused by a stop rule, let go on or stopped by people, and
//! taken up after a crash.

use super::*;
use crate::domain::event::waves::WavesEvent;
use crate::domain::observation::Envelope;
use crate::domain::switch::waves::Reason;
use crate::engine::snapshot::WavesView;

/// Seconds that a wave soaks in the switch of a drill.
const SOAK_S: i64 = 120;

/// `bad` devices on 3.2.5, the first `away` of them away, and 40 on 3.2.4, all well.
fn fleet(bad: u32, away: u32) -> Bench {
    let mut bench = Bench::new();
    for n in 0..bad {
        bench.runs(&format!("b{n}"), "3.2.5", n >= away, 1);
    }
    for n in 0..40 {
        bench.runs(&format!("g{n}"), "3.2.4", true, 1);
    }
    bench.wait(2);
    bench
}

impl Bench {
    fn runs(&mut self, device: &str, firmware: &str, online: bool, boots: u32) {
        let mut batch = Batch::default();
        let mark = batch.mark();
        let schema = self.state.fleet.schema();
        batch.attribute(schema.find("site").unwrap(), "ams1");
        batch.attribute(schema.find("firmware").unwrap(), firmware);
        let device = batch.keep(device);
        let boot_reason = batch.keep("rollback");
        let body = Body::Status { online: Some(online), stamp: None, boots: Some(boots), boot_reason };
        batch.push(mark, Envelope { at: self.now, device, ..Envelope::default() }, body);
        self.input(Input::Observed { batch, dropped: 0 });
    }

    fn arm_back(&mut self, version: &str) -> Result<Seq, String> {
        let bad = Scope::Cohort(CohortKey::of("firmware", "3.2.5"));
        self.arm_with("rollback-waves", bad, &[("version", version)])
    }

    /// Pulled and approved.
    fn send_back(&mut self) {
        self.arm_back("3.2.4").unwrap();
        self.wait(1);
        let word = self.state.switches.arming.as_ref().unwrap().preview.word();
        self.fire_typed(&word).unwrap();
        self.approve(1001).unwrap();
    }

    /// Lets time pass. Whoever is told goes back, but for those that `stays` names. Returns who was told.
    fn obey(&mut self, seconds: i64, stays: &dyn Fn(&str) -> bool) -> Vec<String> {
        let mut told = Vec::new();
        for _ in 0..=seconds {
            for effect in std::mem::take(&mut self.effects) {
                let Effect::Send(sending) = effect else { continue };
                let (actuation, step) = (sending.actuation.clone(), sending.step);
                let answers = sending.calls.iter().map(|(place, _)| (*place, Outcome::Sent)).collect();
                self.input(Input::Outcome { actuation, step, answers });
                for (_, call) in sending.calls {
                    let Call::Publish(publish) = call else { panic!("{call:?}") };
                    let device = publish.topic.split('/').nth(2).unwrap().to_owned();
                    if !stays(&device) {
                        self.runs(&device, "3.2.4", true, 2);
                    }
                    told.push(device);
                }
            }
            self.wait(1);
        }
        told
    }

    fn waves(&self) -> WavesView {
        Snapshot::of(&self.state, self.now).actuations[&self.actuation()].waves.clone().expect("it goes out in waves")
    }

    fn paused(&self) -> Option<Reason> {
        self.waves().course.paused.map(|pause| pause.reason)
    }

    /// The numbers of the waves that were begun, in their order.
    fn begun(&self) -> Vec<(u16, u32)> {
        let begun = |record: &Record| match &record.event {
            Event::Waves(WavesEvent::SwitchWaveBegun { wave, devices, .. }) => Some((*wave, *devices)),
            _ => None,
        };
        self.records.iter().filter_map(begun).collect()
    }
}

fn nobody(_: &str) -> bool {
    false
}

#[test]
fn a_rollback_goes_out_in_waves_each_after_the_soak_of_the_one_before() {
    let mut bench = fleet(300, 0);
    bench.arm_back("3.2.4").unwrap();
    let preview = bench.state.switches.arming.as_ref().unwrap().preview.clone();
    let devices = preview.devices.unwrap();
    assert_eq!(devices.waves.unwrap().sizes().collect::<Vec<_>>(), [3, 27, 270]);
    assert!(devices.takes_s >= 2 * SOAK_S as u64, "it soaks twice: {} s", devices.takes_s);
    let back_to = preview.back_to.unwrap();
    assert_eq!((back_to.version.as_str(), back_to.devices, back_to.online), ("3.2.4", 40, 40));

    bench.send_back();
    let intent = bench.records.iter().position(|r| matches!(r.event, Event::ActuationRequested { .. })).unwrap();
    let begun = &bench.records[intent + 1].event;
    assert!(matches!(begun, Event::Waves(WavesEvent::SwitchWaveBegun { wave: 1, of: 3, devices: 3, .. })), "{begun:?}");
    let first = bench.obey(SOAK_S - 10, &nobody);
    assert_eq!(first.len(), 3, "no other device is asked while the first ones soak");
    assert!(bench.waves().course.soaks.is_some());
    let second = bench.obey(SOAK_S, &nobody);
    assert_eq!(second.len(), 27);
    assert_eq!(bench.actuation_state(), ActuationState::Sent);
    let third = bench.obey(SOAK_S + 30, &nobody);
    assert_eq!(third.len(), 270);
    assert_eq!(bench.begun(), [(1, 3), (2, 27), (3, 270)]);
    assert_eq!(bench.actuation_state(), ActuationState::Effective);
    let mut all = [first, second, third].concat();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 300, "each device is told once");
}

#[test]
fn a_crossed_rule_pauses_the_plan_and_people_go_on_or_stop() {
    for goes_on in [true, false] {
        let mut bench = fleet(300, 0);
        bench.state.settings.notify = vec!["team".into()];
        bench.send_back();
        bench.obey(SOAK_S + 5, &nobody);
        assert_eq!(bench.begun().len(), 2);
        // Five of the thirty crash on the version that they went back to.
        let told = bench.state.room.actuations[&bench.actuation()].targets[..5].to_vec();
        told.iter().for_each(|device| bench.runs(device, "3.2.4", true, 5));
        let more = bench.obey(SOAK_S + 60, &nobody);
        assert!(more.is_empty(), "{more:?} were asked in spite of it");
        let Some(Reason::Crossed(standing)) = bench.paused() else { panic!("not paused: {:?}", bench.waves()) };
        assert_eq!((standing.rule.as_str(), standing.sample, standing.wave), ("rebooting", 30, 2));
        assert!((standing.value - 5.0 / 30.0).abs() < 1e-9, "{standing:?}");
        let notice = bench.state.room.notices.iter().last().expect("the team is told").text.clone();
        assert!(
            notice.contains("has stopped by itself in wave 2 of 3: rebooting 16.7 % of 30, above 2.0 % (others 0 %)"),
            "{notice}"
        );
        let id = bench.actuation();
        if goes_on {
            bench.ask(Command::Switch(SwitchCommand::GoOn(id.clone()))).unwrap();
            assert!(bench.ask(Command::Switch(SwitchCommand::GoOn(id))).unwrap_err().contains("is not paused"));
            assert_eq!(bench.obey(SOAK_S + 30, &nobody).len(), 270);
            assert_eq!(bench.actuation_state(), ActuationState::Effective);
        } else {
            bench.ask(Command::Switch(SwitchCommand::Stop(id))).unwrap();
            assert_eq!(bench.actuation_state(), ActuationState::Stopped { asked: 30, left: 270 });
            assert!(bench.obey(SOAK_S, &nobody).is_empty());
        }
    }
}

#[test]
fn what_was_wrong_before_does_not_count_and_what_does_not_come_back_does() {
    // All of them crash until they are sent back: that is why they are.
    let mut bench = fleet(100, 0);
    for n in 0..100 {
        bench.runs(&format!("b{n}"), "3.2.5", true, 4);
    }
    bench.send_back();
    bench.obey(3 * SOAK_S, &nobody);
    assert_eq!(bench.actuation_state(), ActuationState::Effective, "{:?}", bench.waves());

    // Two go away with the new version, or before they have it, and are not seen again.
    for (has_it, rule) in [(true, "offline"), (false, "not-back")] {
        let mut bench = fleet(300, 0);
        bench.send_back();
        let lost = bench.state.room.actuations[&bench.actuation()].targets[28..30].to_vec();
        bench.obey(SOAK_S + 3, &|device| !has_it && lost.iter().any(|lost| lost == device));
        assert_eq!(bench.begun().len(), 2);
        lost.iter().for_each(|device| bench.runs(device, if has_it { "3.2.4" } else { "3.2.5" }, false, 2));
        bench.obey(320, &nobody);
        let reason = bench.paused().expect("it is paused");
        assert!(matches!(&reason, Reason::Crossed(standing) if standing.rule == rule), "{reason:?}");
        assert_eq!(bench.begun().len(), 2);
    }
}

#[test]
fn a_wave_that_nobody_comes_back_from_says_nothing() {
    let mut bench = fleet(30, 30);
    bench.send_back();
    bench.obey(SOAK_S + 10, &|_| true);
    assert_eq!(bench.paused(), Some(Reason::NobodyBack));
    assert_eq!(bench.begun().len(), 1);
    bench.ask(Command::Switch(SwitchCommand::GoOn(bench.actuation()))).unwrap();
    bench.wait(5);
    assert_eq!(bench.begun().len(), 2, "a person knows better");
}

#[test]
fn those_that_can_be_heard_are_asked_first_and_those_away_hold_no_wave() {
    let mut bench = fleet(100, 60);
    bench.send_back();
    let away = |device: &str| device[1..].parse::<u32>().unwrap() < 60 && device.starts_with('b');
    let told = bench.obey(SOAK_S + 10, &away);
    assert_eq!(told.len(), 10);
    assert!(!told.iter().any(|device| away(device)), "{told:?}");
    bench.obey(SOAK_S + 10, &away);
    assert_eq!(bench.begun().len(), 3);
    let id = bench.actuation();
    let tally = Snapshot::of(&bench.state, bench.now).actuations[&id].tally.unwrap();
    assert_eq!((tally.done, tally.offline, tally.escaped), (40, 60, 0));
    // They come back, and take what waits for them.
    for n in 0..60 {
        bench.runs(&format!("b{n}"), "3.2.4", true, 2);
    }
    bench.wait(3);
    assert_eq!(bench.actuation_state(), ActuationState::Effective);
}

#[test]
fn a_version_that_no_cohort_ran_well_is_refused() {
    let mut bench = fleet(100, 0);
    for n in 0..20 {
        bench.runs(&format!("sick{n}"), "3.2.3", n < 10, 1);
    }
    bench.wait(1);
    let cases = [
        ("3.2.3", "10 of 20 devices on it online"),
        ("3.1.0", "3.1.0 is not known to run well (nobody runs it)"),
        ("", "needs version"),
    ];
    for (version, expected) in cases {
        let refusal = bench.arm_back(version).unwrap_err();
        assert!(refusal.contains(expected), "{refusal}");
    }
    assert!(bench.arm_back("3.2.3").unwrap_err().contains("these are: 3.2.5, 3.2.4"));
    // Once everybody is updated nobody runs the version before; that it ran well is on the record.
    bench.controller_says(CampaignState::Running, "");
    for n in 0..40 {
        bench.runs(&format!("g{n}"), "3.2.5", true, 2);
    }
    bench.wait(1);
    let mut again = Bench::opened(&bench.records);
    for n in 0..100 {
        again.runs(&format!("b{n}"), "3.2.5", true, 1);
    }
    again.wait(1);
    again.arm_back("3.2.4").unwrap();
    let back_to = again.state.switches.arming.as_ref().unwrap().preview.back_to.clone().unwrap();
    assert!(back_to.seen.is_some() && back_to.devices == 40, "{back_to:?}");
}

#[test]
fn killed_in_the_second_wave_it_is_looked_at_and_no_wave_is_begun_twice() {
    let mut bench = fleet(300, 0);
    bench.send_back();
    bench.obey(SOAK_S + 3, &nobody);
    assert_eq!(bench.begun().len(), 2);
    let records = bench.records.clone();
    let targets = bench.state.room.actuations[&bench.actuation()].targets.clone();
    let reopened = || {
        let mut again = Bench::opened(&records);
        for (n, device) in targets.iter().enumerate() {
            again.runs(device, if n < 20 { "3.2.4" } else { "3.2.5" }, true, 2);
        }
        for n in 0..40 {
            again.runs(&format!("g{n}"), "3.2.4", true, 1);
        }
        again.wait(2);
        assert!(matches!(again.actuation_state(), ActuationState::Unknown { .. }));
        assert_eq!(again.waves().course.begun, 2);
        assert!(again.obey(SOAK_S, &nobody).is_empty(), "nothing goes on by itself");
        again
    };
    // Looked at again: what was begun is looked at, and what was not waits for a person.
    let mut again = reopened();
    let id = again.actuation();
    again.ask(Command::Switch(SwitchCommand::Recheck(id.clone()))).unwrap();
    assert_eq!(again.paused(), Some(Reason::Restarted));
    assert!(again.obey(2 * SOAK_S, &nobody).is_empty());
    for device in &targets[20..30] {
        again.runs(device, "3.2.4", true, 2);
    }
    again.ask(Command::Switch(SwitchCommand::GoOn(id.clone()))).unwrap();
    let admitted = again.effects.iter().find_map(|effect| match effect {
        Effect::Actuate(proposal) => Some(proposal.clone()),
        _ => None,
    });
    let admitted = admitted.expect("the gate of this room is asked");
    assert_eq!((admitted.actuation, &admitted.people), (id, &crate::domain::input::People::Two(1000, 1001)));
    assert_eq!((admitted.intent, admitted.confirmed), (again.state.room.last, again.now));
    let rest = again.obey(SOAK_S + 30, &nobody);
    assert_eq!(rest.len(), 270);
    assert!(rest.iter().all(|device| targets[30..].contains(device)), "only those that no wave had begun");
    assert_eq!(again.begun(), [(1, 3), (2, 27), (3, 270)]);
    assert_eq!(again.actuation_state(), ActuationState::Effective);

    // Asked again under the same id: those of the begun waves that are not back, and then the rest.
    let mut again = reopened();
    let id = again.actuation();
    again.ask(Command::Switch(SwitchCommand::ArmAgain(id))).unwrap();
    again.wait(1);
    again.fire_typed("300").unwrap();
    again.approve(1001).unwrap();
    let told = again.obey(20, &nobody);
    assert_eq!(told, targets[20..30].to_vec());
    assert_eq!(again.obey(SOAK_S + 30, &nobody).len(), 270);
    assert_eq!(again.begun(), [(1, 3), (2, 27), (3, 270)]);
    assert_eq!(again.actuation_state(), ActuationState::Effective);
}
