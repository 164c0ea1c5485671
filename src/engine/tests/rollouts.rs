//! Rollouts under watch: how rules stand, and what a crossed one does.

use super::*;
use crate::domain::observation::EventKind;
use crate::domain::rollout::{Level, Limit, Metric, StopRule};
use crate::domain::symptom::Symptom;

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
    assert_eq!(bench.told_and_pulled(), (1, 1), "from nothing");
    bench.fail_wave(1);
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
        rules.map(|rule| (rule.wave, rule.sample, rule.value, rule.others.unwrap(), rule.crossed)).collect::<Vec<_>>()
    };
    assert_eq!(failed("fw-1"), [(1, 20, 0.25, 0.05, true), (2, 20, 0.25, 0.05, true)]);
    assert_eq!(failed("fw-2"), [(1, 40, 0.1, 0.125, true)]);
}

#[test]
fn what_turns_bad_after_a_halt_is_told_first_and_last() {
    let told = |bench: &Bench| -> Vec<String> {
        let reason = |record: &Record| match &record.event {
            Event::RolloutWarned { reason, .. } => Some(reason.clone()),
            _ => None,
        };
        bench.records.iter().filter_map(reason).collect()
    };
    let stopped = |state: CampaignState| {
        let mut bench = Bench::new();
        bench.controller_says(CampaignState::Running, "");
        bench.ota("before", 1, OtaState::Failed);
        (0..10).for_each(|n| bench.ota(&format!("d{n}"), 1, OtaState::Downloading));
        bench.wait(6);
        bench.controller_says(state, "");
        bench.wait(6);
        bench
    };
    let mut bench = stopped(CampaignState::Halted);
    assert_eq!(told(&bench), [""; 0]);
    let first = "2 devices that were in flight when it stopped failed or went back";
    (0..2).for_each(|n| bench.ota(&format!("d{n}"), 1, OtaState::Failed));
    bench.wait(6);
    assert_eq!(told(&bench), [first]);
    (2..7).for_each(|n| bench.ota(&format!("d{n}"), 1, OtaState::RolledBack));
    bench.wait(6);
    assert_eq!(told(&bench), [first], "not again for each of them");
    (7..10).for_each(|n| bench.ota(&format!("d{n}"), 1, OtaState::Succeeded));
    bench.wait(6);
    assert_eq!(told(&bench), [first, "7 devices that were in flight when it stopped failed or went back"]);
    // What goes back later was sent back.
    (7..10).for_each(|n| bench.ota(&format!("d{n}"), 1, OtaState::RolledBack));
    bench.wait(6);
    assert_eq!((told(&bench).len(), Snapshot::of(&bench.state, bench.now).campaigns[0].bad_since), (2, 7));

    let mut bench = stopped(CampaignState::RollingBack);
    (0..10).for_each(|n| bench.ota(&format!("d{n}"), 1, OtaState::RolledBack));
    bench.wait(6);
    assert_eq!(told(&bench), [""; 0]);
}

#[test]
fn a_room_that_is_opened_in_the_middle_of_a_rollout_goes_by_what_the_controller_has_counted() {
    let mut bench = Bench::new();
    bench.state.settings.rollout.level = Level::Armed;
    let counted = [
        WavePlan { wave: 1, planned: 100, done: 60, failed: 25 },
        WavePlan { wave: 2, planned: 900, done: 0, failed: 0 },
    ];
    bench.controller_counts(&counted, CampaignState::Running, "");
    bench.wait(6);
    let campaign = &Snapshot::of(&bench.state, bench.now).campaigns[0];
    let progress = campaign.progress;
    assert_eq!((progress.succeeded, progress.failed, progress.queued, campaign.unheard), (60, 25, 915, 85));
    let told: Vec<String> = campaign.standings.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["failed 29.4 % of 85, above 2.0 % (nobody to compare with)"]);
    assert_eq!(bench.told_and_pulled(), (1, 1));
    assert_eq!(bench.state.room.actuations.values().next().unwrap().preview.unheard, 85);
    // Who reports itself after all is counted once.
    (0..40).for_each(|n| bench.ota(&format!("d{n}"), 1, OtaState::Succeeded));
    bench.wait(6);
    let campaign = &Snapshot::of(&bench.state, bench.now).campaigns[0];
    assert_eq!((campaign.progress.succeeded, campaign.progress.failed, campaign.unheard), (60, 25, 45));
}

#[test]
fn a_controller_may_count_any_number() {
    let mut bench = Bench::new();
    bench.ota("d1", 1, OtaState::Downloading);
    bench.ota("d2", 1, OtaState::RolledBack);
    let counted = [1, 2].map(|wave| WavePlan { wave, planned: u32::MAX, done: u32::MAX, failed: u32::MAX });
    bench.controller_counts(&counted, CampaignState::Running, "");
    bench.wait(6);
    let progress = Snapshot::of(&bench.state, bench.now).campaigns[0].progress;
    assert_eq!((progress.bad(), progress.total(), progress.in_flight()), (u32::MAX, u32::MAX, 1));
    bench.arm().unwrap();
}

#[test]
fn no_more_campaigns_are_remembered_than_can_be_followed() {
    let mut bench = Bench::new();
    let told = |bench: &Bench, id: &str| bench.state.room.campaigns.get(id).map(|(state, _)| *state);
    for n in 0..3 * limits::CAMPAIGNS {
        let id = format!("made-up-{n}");
        bench.observe("", |batch| Body::Campaign {
            campaign: batch.keep(&id),
            state: CampaignState::Finished,
            wave: None,
            target: Text::EMPTY,
            request_id: Text::EMPTY,
            waves: (0, 0),
        });
        assert_eq!(told(&bench, &id), Some(CampaignState::Finished), "{n}");
        // Its place may be given to another one then.
        bench.wait(601);
    }
    assert_eq!(bench.state.room.campaigns.len(), limits::CAMPAIGNS);
    assert_eq!(told(&bench, "made-up-0"), None);
}

#[test]
fn the_last_wave_is_held_against_what_the_others_did_while_there_were_any() {
    let rule = StopRule {
        metric: Metric::Shows(Symptom::Erring),
        limit: Limit::Above(0.02),
        times_others: Some(3.0),
        minimum: 20,
        window_s: None,
        wave: None,
    };
    let standings = |waves: &[(u16, u16)]| {
        let mut bench = Bench::new();
        bench.state.settings.rollout.level = Level::Armed;
        bench.state.settings.rollout.rules = vec![rule.clone()];
        bench.controller_says(CampaignState::Running, "");
        // Half of the fleet reports errors, as always.
        for n in 0..80 {
            bench.ota(&format!("d{n}"), 1, OtaState::Queued);
            if n % 2 == 0 {
                bench.observe(&format!("d{n}"), |_| Body::Event {
                    stamp: None,
                    kind: EventKind::Error,
                    code: Text::EMPTY,
                    message: Text::EMPTY,
                });
            }
        }
        for (wave, (from, to)) in (1..).zip(waves) {
            (*from..*to).for_each(|n| bench.ota(&format!("d{n}"), wave, OtaState::Succeeded));
            bench.wait(6);
        }
        let snapshot = Snapshot::of(&bench.state, bench.now);
        let standings = snapshot.campaigns[0].standings.iter();
        let told = standings.map(|standing| (standing.value, standing.others, standing.crossed)).collect::<Vec<_>>();
        assert_eq!(bench.told_and_pulled(), (0, 0));
        told
    };
    assert_eq!(standings(&[(0, 40)]), [(0.5, Some(0.5), false)]);
    assert_eq!(standings(&[(0, 40), (40, 80)]), [(0.5, Some(0.5), false); 2], "nobody is left, and it was usual");
    assert_eq!(standings(&[(0, 80)]), [(0.5, None, false)], "nobody can say what is usual");
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

#[test]
fn a_rule_with_a_window_counts_what_happened_within_it() {
    let mut bench = Bench::new();
    let rule = |window_s| StopRule {
        metric: Metric::Failed,
        limit: Limit::Above(0.5),
        times_others: None,
        minimum: 10,
        window_s,
        wave: None,
    };
    bench.state.settings.rollout.rules = vec![rule(None), rule(Some(600))];
    bench.controller_says(CampaignState::Running, "");
    bench.fail_wave(1);
    let mut values = |seconds: i64| {
        bench.wait(seconds);
        let snapshot = Snapshot::of(&bench.state, bench.now);
        snapshot.campaigns[0].standings.iter().map(|rule| (rule.rule.clone(), rule.value)).collect::<Vec<_>>()
    };
    let told = |ever: f64, lately: f64| vec![("failed".to_owned(), ever), ("failed in 10 min".to_owned(), lately)];
    assert_eq!(values(30), told(1.0, 1.0));
    assert_eq!(values(480), told(1.0, 1.0));
    assert_eq!(values(240), told(1.0, 0.0), "it is long ago");
}

#[test]
fn a_symptom_is_remembered_for_the_window_of_its_rule() {
    let mut bench = Bench::new();
    let metric = Metric::Shows(Symptom::Erring);
    let limit = Limit::Above(0.5);
    let rule = StopRule { metric, limit, times_others: None, minimum: 10, window_s: Some(1_800), wave: None };
    bench.state.settings.rollout.rules = vec![rule];
    bench.controller_says(CampaignState::Running, "");
    for n in 0..20 {
        bench.ota(&format!("d{n}"), 1, OtaState::Succeeded);
        let kind = crate::domain::observation::EventKind::Error;
        bench.observe(&format!("d{n}"), |_| Body::Event { kind, code: Text::EMPTY, message: Text::EMPTY, stamp: None });
    }
    for (seconds, value) in [(10, 1.0), (1_500, 1.0), (600, 0.0)] {
        bench.wait(seconds);
        let snapshot = Snapshot::of(&bench.state, bench.now);
        let standing = &snapshot.campaigns[0].standings[0];
        assert_eq!((standing.rule.as_str(), standing.value), ("errors in 30 min", value), "{seconds} s later");
    }
}

#[test]
fn a_rule_can_ask_that_a_share_does_not_fall_too_low() {
    let mut bench = Bench::new();
    let rule = |metric, share| StopRule {
        metric,
        limit: Limit::Below(share),
        times_others: None,
        minimum: 10,
        window_s: None,
        wave: None,
    };
    bench.state.settings.rollout.rules = vec![rule(Metric::Succeeded, 0.9), rule(Metric::Online, 0.5)];
    bench.controller_says(CampaignState::Running, "");
    let mut standings = |states: &[(u32, OtaState)], seconds| {
        let of_each = states.iter().flat_map(|(n, state)| std::iter::repeat_n(*state, *n as usize));
        of_each.enumerate().for_each(|(n, state)| bench.ota(&format!("d{n}"), 1, state));
        bench.wait(seconds);
        let snapshot = Snapshot::of(&bench.state, bench.now);
        let told = snapshot.campaigns[0].standings.iter();
        told.map(|rule| (rule.rule.clone(), rule.sample, rule.value, rule.crossed)).collect::<Vec<_>>()
    };
    let here = |sample| ("online".to_owned(), sample, 1.0, false);
    let through = |sample, value, crossed| ("succeeded".to_owned(), sample, value, crossed);
    // What is in flight has not failed to get through.
    assert_eq!(standings(&[(40, OtaState::Installing)], 6), [through(0, 0.0, false), here(40)]);
    let half = [(20, OtaState::Succeeded), (20, OtaState::Installing)];
    assert_eq!(standings(&half, 6), [through(20, 1.0, false), here(40)]);
    // Until it should have been back; and by then nobody has been heard for long.
    let nobody = ("online".to_owned(), 40, 0.0, true);
    assert_eq!(standings(&[], 400), [through(40, 0.5, true), nobody]);
}

#[test]
fn a_wave_soaks_from_its_beginning_and_only_while_it_is_well() {
    let mut bench = Bench::new();
    bench.state.settings.rollout.soak_s = Some(3_600);
    bench.controller_says(CampaignState::Running, "");
    (0..30).for_each(|n| bench.ota(&format!("d{n}"), 1, OtaState::Succeeded));
    let began = bench.now;
    bench.wait(6);
    let soak = |bench: &Bench| Snapshot::of(&bench.state, bench.now).campaigns[0].waves[0].soak.unwrap();
    assert_eq!((soak(&bench).until, soak(&bench).is_well), (began.plus_s(3_600), true));
    bench.fail_wave(1);
    bench.wait(6);
    assert!(!soak(&bench).is_well);
}
