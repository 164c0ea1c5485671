//! Rollouts under watch: how rules stand, and what a crossed one does.

use super::*;
use crate::domain::rollout::Level;

/// A room in which rules are armed; 30 devices of wave 1 have failed their update.
fn armed(history: &[Record]) -> Bench {
    let mut bench = Bench::opened(history);
    bench.state.settings.rollout.level = Level::Armed;
    bench.controller_says(CampaignState::Running, "");
    bench.fail_wave(1);
    bench
}

impl Bench {
    fn fail_wave(&mut self, wave: u16) {
        (0..30).for_each(|n| self.ota(&format!("w{wave}-{n}"), wave, OtaState::Failed));
    }

    fn recorded(&self, is_it: impl Fn(&Event) -> bool) -> usize {
        self.records.iter().filter(|record| is_it(&record.event)).count()
    }

    /// Rules told to be crossed, and halts requested.
    fn told_and_pulled(&self) -> (usize, usize) {
        let told = self.recorded(|event| matches!(event, Event::StopRuleCrossed { .. }));
        (told, self.recorded(|event| matches!(event, Event::ActuationRequested { .. })))
    }
}

#[test]
fn a_crossing_is_told_once_and_pulls_the_halt_once_whatever_becomes_of_it() {
    let mut bench = armed(&[]);
    bench.wait(6);
    assert_eq!(bench.told_and_pulled(), (1, 1));
    let outcome = Outcome::NotSent { reason: "the outbox is full".into() };
    bench.input(Input::Outcome { actuation: bench.actuation(), step: 0, answers: vec![(0, outcome)] });
    assert!(matches!(bench.actuation_state(), ActuationState::Failed { .. }));
    bench.wait(120);
    assert_eq!(bench.told_and_pulled(), (1, 1), "a halt that failed is for people to look at");
    let mut again = armed(&bench.records);
    again.wait(120);
    assert_eq!(again.told_and_pulled(), (1, 1), "after a restart it is known");
    again.fail_wave(2);
    again.wait(6);
    assert_eq!(again.told_and_pulled(), (2, 2), "another wave is another crossing");
}

#[test]
fn a_halt_that_works_and_is_taken_back_is_not_pulled_again_for_the_same_crossing() {
    let mut bench = armed(&[]);
    bench.wait(6);
    let halt = bench.actuation();
    bench.input(Input::Outcome { actuation: halt.clone(), step: 0, answers: vec![(0, Outcome::Sent)] });
    bench.controller_says(CampaignState::Halted, &halt.0);
    bench.wait(6);
    assert_eq!(bench.actuation_state(), ActuationState::Effective);
    bench.controller_says(CampaignState::Running, "");
    bench.wait(60);
    assert_eq!(bench.told_and_pulled(), (1, 1));
    // When the rollout is over, another one of the same name begins anew.
    bench.controller_says(CampaignState::Finished, "");
    bench.controller_says(CampaignState::Running, "");
    bench.wait(6);
    assert_eq!(bench.told_and_pulled(), (2, 2));
}

#[test]
fn a_halt_that_is_refused_is_tried_again_and_each_reason_is_said_once() {
    let mut bench = Bench::new();
    bench.input(Input::Log(LogHealth::Unsafe { reason: "disk full".into() }));
    bench.state.settings.rollout.level = Level::Armed;
    bench.controller_says(CampaignState::Running, "");
    bench.fail_wave(1);
    for _ in 0..10 {
        bench.wait(6);
        bench.ask(Command::Note { incident: None, text: "the log grows meanwhile".into() }).unwrap();
    }
    let refused = bench.recorded(|event| matches!(event, Event::RolloutWarned { .. }));
    assert_eq!((refused, bench.told_and_pulled()), (1, (1, 0)));
    bench.input(Input::Log(LogHealth::Safe));
    bench.wait(6);
    assert_eq!(bench.told_and_pulled(), (1, 1));
}

#[test]
fn a_wave_is_held_against_the_devices_that_its_campaign_has_not_started() {
    let mut bench = Bench::new();
    bench.controller_says(CampaignState::Running, "");
    for n in 0..40 {
        bench.ota(&format!("own{n}"), 1 + n % 2, if n < 10 { OtaState::Failed } else { OtaState::Succeeded });
        let campaign = "fw-2";
        let state = if n < 4 { OtaState::Failed } else { OtaState::Succeeded };
        bench.observe(&format!("theirs{n}"), |batch| Body::Ota {
            campaign: batch.keep(campaign),
            wave: Some(1),
            state,
            target: batch.keep("4.0.0"),
        });
        bench.ota(&format!("waiting{n}"), 1, OtaState::Queued);
    }
    bench.wait(6);
    let snapshot = Snapshot::of(&bench.state, bench.now);
    let failed = |id: &str| {
        let campaign = snapshot.campaigns.iter().find(|campaign| campaign.id == id).unwrap();
        let rules = campaign.standings.iter().filter(|standing| standing.rule == "failed");
        rules.map(|rule| (rule.wave, rule.sample, rule.value, rule.others, rule.crossed)).collect::<Vec<_>>()
    };
    assert_eq!(failed("fw-1"), [(1, 20, 0.25, 0.05, true), (2, 20, 0.25, 0.05, true)]);
    assert_eq!(failed("fw-2"), [(1, 40, 0.1, 0.125, true)]);
}

#[test]
fn an_alert_without_an_opinion_is_judged_once_and_not_for_every_picture() {
    let mut bench = Bench::new();
    raise(&mut bench, Signal::Online, CohortKey::of("firmware", "3.2.5"));
    bench.wait(1);
    let alert = *bench.state.room.alerts.keys().next().unwrap();
    assert!(bench.state.suspects.loose.contains_key(&alert));
    bench.ask(Command::Declare(Declare { alert: Some(alert), ..Declare::default() })).unwrap();
    bench.wait(1);
    assert!(bench.state.suspects.loose.is_empty(), "its incident has the verdict now");
}
