//! The detector on fleets made up for it: what it raises, and when it keeps quiet.

use super::census::Gone;
use super::verdict::{Facts, OwnLink};
use super::*;
use crate::domain::acceptance::{Acceptance, Usual};
use crate::domain::alert::BEGAN_BEFORE;
use crate::domain::campaign::{CampaignState, OtaState};
use crate::domain::ids::Actor;
use crate::domain::incident::IncidentType;
use crate::domain::observation::{Batch, Body, Envelope, EventKind, Telemetry, Text};
use crate::domain::verdict::Origin;
use crate::fleet::FleetSettings;
use crate::fleet::kpis::KpiPlan;

/// Two thousand devices: two firmwares, two revisions, two regions, evenly mixed.
struct Fake {
    fleet: Fleet,
    detector: Detector,
    now: At,
    boots: Vec<u32>,
    accepted: Vec<Acceptance>,
    /// So many devices, the first ones, say at their next boot that they run 3.2.6.
    updated: usize,
}

fn attributes(n: usize) -> [(&'static str, &'static str); 3] {
    [
        ("firmware", if n.is_multiple_of(2) { "3.2.4" } else { "3.2.5" }),
        ("hardware", if (n / 2).is_multiple_of(2) { "rev-A" } else { "rev-B" }),
        ("region", if (n / 4).is_multiple_of(2) { "eu" } else { "us" }),
    ]
}

impl Fake {
    fn new(devices: usize) -> Self {
        Self::with(FleetSettings::default(), devices)
    }

    fn with(settings: FleetSettings, devices: usize) -> Self {
        let now = At::from_ms(1_774_022_400_000);
        let mut fake = Self {
            fleet: Fleet::new(settings, now),
            detector: Detector::default(),
            now,
            boots: vec![1; devices],
            accepted: Vec::new(),
            updated: 0,
        };
        fake.detector.link(true, now);
        for n in 0..devices {
            fake.status(n, true, true);
        }
        fake
    }

    fn status(&mut self, n: usize, online: bool, retained: bool) {
        let mut batch = Batch::default();
        let mark = batch.mark();
        for (name, value) in attributes(n) {
            let is_new = name == "firmware" && n < self.updated;
            batch.attribute(self.fleet.schema().find(name).unwrap(), if is_new { "3.2.6" } else { value });
        }
        let device = batch.keep(&format!("d{n}"));
        let body =
            Body::Status { online: Some(online), stamp: None, boots: Some(self.boots[n]), boot_reason: Text::EMPTY };
        batch.push(mark, Envelope { at: self.now, device, retained, ..Envelope::default() }, body);
        let observation = batch.iter().next().unwrap().clone();
        self.fleet.observe(&batch, &observation);
    }

    fn run(&mut self, seconds: i64) -> Vec<Change> {
        let mut changes = Vec::new();
        for _ in 0..seconds {
            self.now = self.now.plus_s(1);
            self.fleet.advance(self.now);
            self.leave_out();
            changes.extend(self.detector.examine(&self.fleet, self.now));
        }
        changes
    }

    /// What people have accepted is kept up with the fleet.
    fn leave_out(&mut self) {
        let left_out = accepted::left_out(&self.fleet, self.accepted.iter());
        self.fleet.accept(|vector| accepted::of(&left_out, vector));
    }

    /// A device measures something; its number says how noisily, always the same way.
    fn measure(&mut self, n: usize, firmware: &str, value: f64) {
        self.report(n, firmware, value, Telemetry::default());
    }

    fn report(&mut self, n: usize, firmware: &str, value: f64, told: Telemetry) {
        let mut batch = Batch::default();
        let mark = batch.mark();
        // Of a name that was made up nothing is known.
        for (name, known) in attributes(n).into_iter().filter(|_| n < self.boots.len()) {
            batch.attribute(self.fleet.schema().find(name).unwrap(), if name == "firmware" { firmware } else { known });
        }
        let device = batch.keep(&format!("d{n}"));
        batch.value("fix_s", value);
        batch.push(mark, Envelope { at: self.now, device, ..Envelope::default() }, Body::Telemetry(told));
        let observation = batch.iter().next().unwrap().clone();
        self.fleet.observe(&batch, &observation);
    }

    /// A device reports an error.
    fn complain(&mut self, n: usize) {
        let mut batch = Batch::default();
        let mark = batch.mark();
        let device = batch.keep(&format!("d{n}"));
        let code = batch.keep("0x11");
        let body = Body::Event { kind: EventKind::Error, stamp: None, code, message: Text::EMPTY };
        batch.push(mark, Envelope { at: self.now, device, ..Envelope::default() }, body);
        let observation = batch.iter().next().unwrap().clone();
        self.fleet.observe(&batch, &observation);
    }

    /// Minutes in each of which these devices report an error, a twelfth of them every five seconds.
    fn complaining(&mut self, minutes: usize, which: impl Fn(usize) -> bool) -> Vec<Change> {
        let mut changes = Vec::new();
        for look in 0..12 * minutes {
            (0..self.boots.len()).filter(|n| n % 12 == look % 12 && which(*n)).for_each(|n| self.complain(n));
            changes.extend(self.run(5));
        }
        changes
    }

    /// The controller of a rollout says which wave runs.
    fn wave(&mut self, number: u16) {
        let mut batch = Batch::default();
        let mark = batch.mark();
        let (campaign, target) = (batch.keep("fw-3.2.5"), batch.keep("3.2.5"));
        let (state, request_id) = (CampaignState::Running, Text::EMPTY);
        let body = Body::Campaign { campaign, state, wave: Some(number), target, request_id, waves: (0, 0) };
        batch.push(mark, Envelope { at: self.now, ..Envelope::default() }, body);
        let observation = batch.iter().next().unwrap().clone();
        self.fleet.observe(&batch, &observation);
    }

    /// A device says where it stands in its update.
    fn updating(&mut self, n: usize, wave: u16, state: OtaState) {
        self.stands(n, wave, state, false);
    }

    fn stands(&mut self, n: usize, wave: u16, state: OtaState, retained: bool) {
        let mut batch = Batch::default();
        let mark = batch.mark();
        let device = batch.keep(&format!("d{n}"));
        let (campaign, target) = (batch.keep("fw-3.2.6"), batch.keep("3.2.6"));
        let body = Body::Ota { campaign, wave: Some(wave), state, target };
        batch.push(mark, Envelope { at: self.now, device, retained, ..Envelope::default() }, body);
        let observation = batch.iter().next().unwrap().clone();
        self.fleet.observe(&batch, &observation);
    }

    /// Whom an alert that was raised suspects: the cohort, its devices, and how many of them are affected.
    fn suspected(&self, change: &Change) -> Vec<(String, u32, u32)> {
        let Change::Raised(Finding { signal, cohort, .. }) = change else { panic!("{change:?}") };
        let (suspects, _) = self.detector.suspects(&self.fleet, *signal, cohort, None).unwrap();
        suspects.into_iter().map(|s| (s.cohort.to_string(), s.devices, s.affected)).collect()
    }

    fn take_down(&mut self, which: impl Fn(usize) -> bool) {
        (0..self.boots.len()).filter(|n| which(*n)).for_each(|n| self.status(n, false, false));
    }
}

/// What a verdict rests on, where our own link is up and people have said nothing.
fn facts<'a>(
    fleet: &'a Fleet,
    findings: Vec<&'a Finding>,
    suspects: &'a [Suspect],
    breadth: Option<&'a Breadth>,
) -> Facts<'a> {
    let own_link = OwnLink { is_up: true, since: At::from_ms(0), was_down: false };
    Facts { fleet, findings, suspects, about: None, rejected: &[], breadth, own_link, reach: None }
}

fn raised(changes: &[Change]) -> Vec<String> {
    changes
        .iter()
        .filter_map(|change| match change {
            Change::Raised(finding) => Some(format!("{} {}", finding.signal, finding.cohort)),
            Change::Grew { .. } | Change::Cleared { .. } => None,
        })
        .collect()
}

#[test]
fn a_room_that_opens_in_an_outage_says_so_before_it_has_learnt_anything() {
    // (who is away already, what is raised in the first minute, and in three more)
    type Case = (&'static str, fn(usize) -> bool, &'static [&'static str], &'static [&'static str]);
    let cases: [Case; 6] = [
        ("a revision in a region", |n| n % 8 >= 6 && n % 5 > 0, &["online rev-B · us"], &[]),
        ("a third of a firmware", |n| n % 6 == 1, &["online 3.2.5"], &[]),
        ("a few of everybody", |n| n % 40 == 3 || n % 37 == 0, &[], &[]),
        ("many of everybody", |n| n % 3 == 0, &[], &[]),
        ("most of everybody", |n| n % 9 != 8, &[], &[]),
        ("everybody", |_| true, &[], &["online fleet"]),
    ];
    for (told, is_away, at_once, later) in cases {
        let mut fake = Fake::new(2000);
        // As the broker has kept it.
        (0..2000).filter(|n| is_away(*n)).for_each(|n| fake.status(n, false, true));
        let changes = fake.run(SETTLE_S + 25);
        assert_eq!(raised(&changes), at_once, "{told}");
        for change in changes {
            let Change::Raised(Finding { evidence, cohort, began_before, .. }) = change else {
                panic!("{told}: {change:?}")
            };
            assert!(began_before && evidence.ends_with(BEGAN_BEFORE), "{told}: {evidence}");
            assert_eq!(census::gone(&fake.fleet, &cohort), None, "{told}: nobody knows when they went");
        }
        assert_eq!(raised(&fake.run(180)), later, "{told}");
    }
}

#[test]
fn what_began_in_a_gap_of_our_own_or_before_we_connected_is_known_to() {
    let is_away = |n: usize| n % 8 >= 6 && !n.is_multiple_of(5);
    // (seconds of a good link before the gap)
    for watched_s in [0, 400] {
        let mut fake = Fake::new(2000);
        fake.run(watched_s);
        fake.detector.link(false, fake.now);
        fake.run(600);
        fake.detector.link(true, fake.now);
        let up_since = fake.now;
        (0..2000).for_each(|n| fake.status(n, !is_away(n), true));
        let changes = fake.run(SETTLE_S + 25);
        let [Change::Raised(finding)] = &changes[..] else { panic!("{watched_s} s: {changes:?}") };
        assert!(finding.began_before, "{watched_s} s: {}", finding.evidence);
        assert!((0..SETTLE_S).contains(&finding.onset.since_s(up_since)), "{watched_s} s: {}", finding.onset);
    }
}

#[test]
fn who_has_been_found_narrowly_stays_so_when_nobody_is_left_to_tell() {
    let mut fake = Fake::new(400);
    let is_b = |n: usize| n % 8 >= 6;
    fake.updated = 200;
    (0..200).for_each(|n| fake.status(n, true, false));
    fake.run(120);
    fake.take_down(|n| n < 200 && is_b(n));
    assert_eq!(raised(&fake.run(60)), ["online 3.2.6 · rev-B · us"]);
    // All the others get it too, and those of that revision go.
    fake.updated = 400;
    (200..400).for_each(|n| fake.status(n, true, false));
    fake.take_down(is_b);
    fake.run(30);
    let found = CohortKey::of("firmware", "3.2.6").and("hardware", "rev-B").and("region", "us");
    let suspected = |known: Option<&CohortKey>| {
        let (suspects, _) = fake.detector.suspects(&fake.fleet, Signal::Online, &found, known).unwrap();
        suspects.iter().map(|s| (s.cohort.to_string(), s.devices, s.affected)).collect::<Vec<_>>()
    };
    assert_eq!(suspected(None), [("rev-B · us".to_owned(), 100, 100)]);
    assert_eq!(suspected(Some(&found)), [("3.2.6 · rev-B · us".to_owned(), 100, 100)]);
}

#[test]
fn who_fails_an_update_and_goes_is_not_ill_of_the_firmware_that_it_keeps() {
    let mut fake = Fake::new(2000);
    fake.run(300);
    // The wave is of one firmware. Of one revision nobody takes the new one, and after that nobody is there.
    let is_b = |n: usize| attributes(n)[1].1 == "rev-B";
    let wave: Vec<usize> = (0..800).step_by(2).collect();
    wave.iter().for_each(|n| fake.updating(*n, 1, OtaState::Rebooting));
    fake.run(30);
    for n in &wave {
        fake.updating(*n, 1, if is_b(*n) { OtaState::RolledBack } else { OtaState::Succeeded });
    }
    fake.take_down(|n| wave.contains(&n) && is_b(n));
    fake.updated = 800;
    wave.iter().filter(|n| !is_b(**n)).for_each(|n| fake.status(*n, true, false));
    let changes = fake.run(60);
    let suspected = fake.suspected(&changes[0]);
    assert_eq!(suspected, [("rev-B · fw-3.2.6 w1".to_owned(), 200, 200)], "{:?}", raised(&changes));
}

#[test]
fn while_half_of_the_fleet_is_away_the_next_that_goes_is_told() {
    let mut fake = Fake::new(2000);
    fake.run(300);
    fake.take_down(|n| attributes(n)[0].1 == "3.2.5");
    assert_eq!(raised(&fake.run(120)), ["online 3.2.5"]);
    fake.take_down(|n| attributes(n)[1].1 == "rev-B");
    let changes = fake.run(300);
    assert_eq!(raised(&changes), ["online rev-B"]);
    assert_eq!(fake.suspected(&changes[0])[0].0, "rev-B");
}

#[test]
fn what_follows_from_a_cut_in_one_place_is_no_matter_of_firmware() {
    use IncidentType::{BadFirmware, MassDisconnect};
    let mut fake = Fake::new(800);
    fake.run(60);
    // (what else its devices do, how many of the two hundred that went, where, what kind of incident it is)
    let (place, firmware) = (CohortKey::of("region", "us"), CohortKey::of("firmware", "3.2.5"));
    for (signal, affected, cohort, kind) in [
        (Signal::Reboots, 190, &place, MassDisconnect),
        (Signal::Reboots, 190, &firmware, BadFirmware),
        (Signal::UpdateFailures, 20, &place, MassDisconnect),
        (Signal::UpdateFailures, 150, &place, BadFirmware),
        (Signal::UpdateFailures, 20, &firmware, BadFirmware),
    ] {
        let finding = |signal, affected| Finding {
            onset: fake.now,
            onset_within_s: 5,
            began_before: false,
            signal,
            cohort: cohort.clone(),
            observed: 0.0,
            expected: 0.0,
            sample: 200,
            affected,
            evidence: String::new(),
        };
        let (gone, beside) = (finding(Signal::Online, 200), finding(signal, affected));
        let verdict = verdict::judge(&facts(&fake.fleet, vec![&gone, &beside], &[], None));
        assert_eq!(verdict.kind, kind, "{signal} of {affected} in {cohort}: {verdict:?}");
    }
}

#[test]
fn who_comes_and_goes_has_not_gone_at_one_moment() {
    let place = CohortKey::of("region", "us");
    let is_there = |n: &usize| attributes(*n)[2].1 == "us";
    let own: Vec<usize> = (0..800).filter(is_there).collect();
    // (how often it goes, where the fault is then)
    for (times, expected, origin) in [
        (1, Gone::Within(0), Origin::Platform),
        (2, Gone::Within(0), Origin::Platform),
        (3, Gone::Again, Origin::Undecided),
    ] {
        let mut fake = Fake::new(800);
        fake.run(300);
        let mut told = None;
        for time in 1..=times {
            own.iter().for_each(|n| fake.status(*n, false, false));
            for change in fake.run(15) {
                let Change::Raised(finding) = change else { continue };
                told.get_or_insert(finding);
            }
            if time < times {
                own.iter().for_each(|n| fake.status(*n, true, false));
                fake.run(5);
            }
        }
        let finding = told.unwrap();
        assert_eq!((&finding.cohort, census::gone(&fake.fleet, &place)), (&place, Some(expected)), "{times} times");
        let (suspects, breadth) = fake.detector.suspects(&fake.fleet, finding.signal, &place, None).unwrap();
        let verdict = verdict::judge(&facts(&fake.fleet, vec![&finding], &suspects, Some(&breadth)));
        assert_eq!(verdict.origin, origin, "{times} times: {verdict:?}");
    }
}

#[test]
fn values_that_half_of_a_cohort_should_not_measure_are_no_habit_of_it() {
    // (the second at which they begin, how many names are heard but once, and the seconds within which it is told)
    for (begins_s, made_up, within_s) in [(0, 0, 60), (100, 0, 20), (100, 3_000, 20), (600, 3_000, 20)] {
        let max = KpiPlan { name: "fix_s".into(), max: Some(50.0), ..KpiPlan::default() };
        let mut fake = Fake::with(FleetSettings { kpis: vec![max], ..FleetSettings::default() }, 200);
        let mut told = None;
        for step in 0..80 {
            let second = 10 * step;
            for n in 0..200 {
                let (_, hardware) = attributes(n)[1];
                let value = if second >= begins_s && hardware == "rev-B" { 80.0 } else { 20.0 + (n % 7) as f64 };
                fake.measure(n, attributes(n)[0].1, value + (step % 3) as f64);
            }
            let name = 200 + made_up / 80 * step as usize;
            (name..name + made_up / 80).for_each(|n| fake.measure(n, "", 20.0));
            let changes = fake.run(10);
            if let Some(Change::Raised(finding)) = changes.first() {
                told = Some((second - begins_s, finding.clone()));
                break;
            }
        }
        let Some((after_s, finding)) = told else { panic!("{begins_s} s, {made_up} names: not told") };
        assert!(after_s <= within_s, "{begins_s} s, {made_up} names: after {after_s} s");
        let words = "100 of 100 devices send implausible values; usually ";
        assert!(finding.evidence.starts_with(words), "{begins_s} s, {made_up} names: {}", finding.evidence);
        assert!(finding.evidence.ends_with(", at most 50"), "{}", finding.evidence);
        assert!(finding.expected < 0.05, "{begins_s} s, {made_up} names: {}", finding.evidence);
        let verdict = verdict::judge(&facts(&fake.fleet, vec![&finding], &[], None));
        assert!(verdict.evidence.iter().any(|why| why.starts_with("SEV1 by number")), "{verdict:?}");
        // More than are known may be affected, and are no more than all.
        let flood = Finding { affected: 9_000, ..finding };
        let verdict = verdict::judge(&facts(&fake.fleet, vec![&flood], &[], None));
        assert!(
            verdict.evidence.iter().any(|why| why.starts_with("SEV1 by number: 100 % of all devices")),
            "{verdict:?}"
        );
    }
}

#[test]
fn ten_canaries_of_a_small_fleet_are_enough() {
    let mut fake = Fake::new(300);
    fake.run(300);
    fake.updated = 20;
    (0..20).for_each(|n| fake.status(n, true, false));
    fake.run(60);
    fake.take_down(|n| n < 20 && attributes(n)[1].1 == "rev-B");
    let changes = fake.run(60);
    assert_eq!(raised(&changes), ["online 3.2.6 · rev-B"]);
    assert_eq!(fake.suspected(&changes[0]), [("3.2.6 · rev-B".to_owned(), 10, 10)]);
}

#[test]
fn half_of_a_fleet_is_as_easily_told() {
    let mut fake = Fake::new(400);
    fake.run(300);
    fake.take_down(|n| attributes(n)[1].1 == "rev-B");
    let changes = fake.run(60);
    assert_eq!(raised(&changes), ["online rev-B"]);
    assert_eq!(fake.suspected(&changes[0]), [("rev-B".to_owned(), 200, 200)]);
}

#[test]
fn devices_that_join_are_not_silent_before_their_second_report() {
    let mut fake = Fake::new(400);
    let mut changes = Vec::new();
    for minute in 0..20 {
        if minute == 10 {
            fake.boots.extend([1; 200]);
            (400..600).for_each(|n| fake.status(n, true, false));
            changes.extend(fake.run(1));
        }
        let devices = fake.boots.len();
        (0..devices).for_each(|n| fake.report(n, attributes(n)[0].1, 0.0, Telemetry::default()));
        changes.extend(fake.run(60));
    }
    assert_eq!(raised(&changes), [""; 0]);
    // Everybody's period is known by then.
    for _ in 0..5 {
        (0..400).for_each(|n| fake.report(n, attributes(n)[0].1, 0.0, Telemetry::default()));
        changes.extend(fake.run(60));
    }
    assert_eq!(raised(&changes).len(), 1, "{changes:?}");
}

#[test]
fn a_power_cut_is_no_crash_loop() {
    let raised_by = |boots_each_s: &[i64]| {
        let mut fake = Fake::new(400);
        fake.run(300);
        let mut changes = Vec::new();
        for away_s in boots_each_s {
            fake.take_down(|n| n % 4 == 3);
            changes.extend(fake.run(*away_s));
            (0..400).filter(|n| n % 4 == 3).for_each(|n| {
                fake.boots[n] += 1;
                fake.status(n, true, false);
            });
            changes.extend(fake.run(40));
        }
        changes.iter().any(|change| match change {
            Change::Raised(finding) | Change::Grew { also: finding, .. } => finding.signal == Signal::Reboots,
            Change::Cleared { .. } => false,
        })
    };
    assert!(!raised_by(&[300]), "away for five minutes, and one boot");
    assert!(raised_by(&[90, 90, 90]), "again and again");
    assert!(raised_by(&[20, 20, 20]));
}

#[test]
fn the_smallest_cohort_that_explains_it_is_named_once() {
    // (which devices go down, the cohort named)
    type Case = (fn(usize) -> bool, &'static str);
    let cases: [Case; 4] = [
        (|n| n % 4 == 3, "online 3.2.5 · rev-B"),
        (|n| n % 2 == 1, "online 3.2.5"),
        (|n| n / 4 % 2 == 0 && n % 10 != 0, "online eu"),
        (|_| true, "online fleet"),
    ];
    for (which, expected) in cases {
        let mut fake = Fake::new(2000);
        assert_eq!(raised(&fake.run(200)), [""; 0]);
        fake.take_down(which);
        assert_eq!(raised(&fake.run(60)), [expected]);
    }
}

#[test]
fn the_onset_is_found_back() {
    let mut fake = Fake::new(2000);
    fake.run(200);
    let onset = fake.now;
    let mut changes = Vec::new();
    for n in (3..2000).step_by(4) {
        fake.status(n, false, false);
        if n % 100 == 3 {
            changes.extend(fake.run(1));
        }
    }
    changes.extend(fake.run(30));
    let Some(Change::Raised(finding)) = changes.first() else { panic!("nothing raised: {changes:?}") };
    assert!(finding.onset.since_s(onset) <= 10, "{} after {onset}", finding.onset);
    assert!(finding.evidence.contains("expected 99.9 %"), "{}", finding.evidence);
}

#[test]
fn an_alert_clears_when_the_devices_are_back_for_a_minute() {
    let mut fake = Fake::new(2000);
    fake.run(200);
    fake.take_down(|n| n % 4 == 3);
    fake.run(30);
    for n in (3..2000).step_by(4) {
        fake.status(n, true, false);
    }
    assert_eq!(fake.run(50), []);
    let cohort = CohortKey::of("firmware", "3.2.5").and("hardware", "rev-B");
    assert_eq!(fake.run(20), [Change::Cleared { signal: Signal::Online, cohort }]);
}

#[test]
fn a_crash_loop_is_seen_even_while_devices_are_online() {
    let mut fake = Fake::new(2000);
    fake.run(200);
    let mut changes = Vec::new();
    for round in 0..40 {
        for n in (3..2000).step_by(4).filter(|n| n % 40 == round) {
            fake.boots[n] += 1;
            fake.status(n, true, false);
        }
        changes.extend(fake.run(1));
    }
    assert_eq!(raised(&changes), ["reboots 3.2.5 · rev-B"]);
}

#[test]
fn what_is_usual_is_not_affected() {
    let mut fake = Fake::new(2000);
    let mut changes = Vec::new();
    // One device in fifty reboots in every minute; then all of one firmware do.
    for second in 0..900usize {
        let reboots =
            |n: usize| if second < 600 { n % 3000 == second % 60 * 50 } else { n % 2 == 1 && n % 60 == second % 60 };
        for n in (0..2000).filter(|n| reboots(*n)) {
            fake.boots[n] += 1;
            fake.status(n, true, false);
        }
        changes.extend(fake.run(1));
    }
    let Some(Change::Raised(finding)) = changes.first() else { panic!("nothing raised") };
    let usual = finding.expected * f64::from(finding.sample);
    let shown = finding.observed * f64::from(finding.sample);
    assert!(usual > 1.0, "{finding:?}");
    assert!((f64::from(finding.affected) - (shown - usual)).abs() <= 1.0, "{finding:?}");
}

#[test]
fn churn_one_mad_device_and_a_gap_of_our_own_are_not_incidents() {
    let mut fake = Fake::new(2000);
    let mut changes = Vec::new();
    for second in 0..3600usize {
        // One device in a hundred goes and comes, never the same ones; one device reboots all the time.
        let n = second * 7919 % 2000;
        fake.status(n, false, false);
        fake.status((second * 7919 + 2000 * 7919 - 20 * 7919) % 2000, true, false);
        fake.boots[17] += 1;
        fake.status(17, true, false);
        changes.extend(fake.run(1));
    }
    fake.detector.link(false, fake.now);
    fake.take_down(|n| n % 2 == 0);
    changes.extend(fake.run(120));
    for n in 0..2000 {
        fake.status(n, true, true);
    }
    fake.detector.link(true, fake.now);
    changes.extend(fake.run(120));
    assert_eq!(raised(&changes), [""; 0]);
}

/// Every device measures something every five minutes for so many hours: what, by device, hour and its hardware and region.
/// After `update_h` hours every fourth has new firmware.
fn measured(hours: f64, update_h: f64, value: impl Fn(usize, f64) -> f64) -> Vec<String> {
    let mut fake = Fake::new(240);
    let mut changes = Vec::new();
    for round in 0..(hours * 12.0) as usize {
        let hour = round as f64 / 12.0;
        for n in 0..240 {
            let firmware = if hour >= update_h && n % 4 == 1 { "3.3.0" } else { attributes(n)[0].1 };
            let noise = ((n * 7919 + round * 104_729) % 1009) as f64 / 1009.0 - 0.5;
            fake.measure(n, firmware, 30.0 + 10.0 * noise + value(n, hour));
        }
        for _ in 0..60 {
            fake.now = fake.now.plus_s(5);
            fake.fleet.advance(fake.now);
            changes.extend(fake.detector.examine(&fake.fleet, fake.now));
        }
    }
    let evidence = |change: &Change| match change {
        Change::Raised(finding) => Some(format!("{} {} · {}", finding.signal, finding.cohort, finding.evidence)),
        _ => None,
    };
    changes.iter().filter_map(evidence).collect()
}

#[test]
fn a_cohort_that_drifts_is_told_and_the_rhythm_of_a_day_is_not() {
    const NEVER: f64 = 1e9;
    let day = |hour: f64| (hour / 24.0 * std::f64::consts::TAU).sin();
    let is_b = |n: usize| n % 4 == 3;
    let is_eu = |n: usize| attributes(n)[2].1 == "eu";
    let quiet = measured(72.0, NEVER, |_, hour| 15.0 * day(hour));
    assert_eq!(quiet, [""; 0], "all have the same rhythm");
    let quiet = measured(72.0, NEVER, |n, hour| 15.0 * day(if is_eu(n) { hour } else { hour + 8.0 }));
    assert_eq!(quiet, [""; 0], "each region has its own");
    let quiet = measured(40.0, NEVER, |n, hour| 5.0 * (hour * (0.8 + (n % 13) as f64 / 5.0) + n as f64).sin());
    assert_eq!(quiet, [""; 0], "each device wanders by itself");
    let slow = measured(72.0, NEVER, |n, hour| if is_b(n) { (hour - 30.0).max(0.0) } else { 0.0 });
    assert!(
        matches!(&slow[..], [one] if one.starts_with("drift 3.2.5 · rev-B · ") && one.contains("fix_s ")),
        "{slow:?}"
    );
    let sudden = measured(32.0, NEVER, |n, hour| if is_b(n) && hour >= 30.0 { 8.0 } else { 0.0 });
    assert!(matches!(&sudden[..], [one] if one.starts_with("drift 3.2.5 · rev-B · ")), "{sudden:?}");
    let weather = measured(32.0, NEVER, |_, hour| if hour >= 30.0 { 8.0 } else { 0.0 });
    assert_eq!(weather, [""; 0], "all have jumped");
    let renewed = measured(12.0, 8.0, |n, hour| if hour >= 8.0 && n % 4 == 1 { 15.0 } else { 0.0 });
    assert!(matches!(&renewed[..], [one] if one.starts_with("drift 3.3.0 · ")), "{renewed:?}");
    let fine = measured(12.0, 8.0, |_, hour| hour);
    assert_eq!(fine, [""; 0], "new firmware in a fleet that warms up");
}

/// Lets devices sleep from ten to six, each a little later than the one before. Returns what was told meanwhile.
fn night(fake: &mut Fake, sleeps: impl Fn(usize) -> bool, wakes: impl Fn(usize) -> bool) -> Vec<Change> {
    let mut changes = Vec::new();
    let sleepers: Vec<usize> = (0..fake.boots.len()).filter(|n| sleeps(*n)).collect();
    for (hour, online) in [(22, false), (6, true)] {
        let into_s = fake.now.second().rem_euclid(86_400);
        changes.extend(fake.run((hour * 3_600 - into_s).rem_euclid(86_400)));
        for some in sleepers.chunks(sleepers.len() / 10) {
            some.iter().filter(|n| !online || wakes(**n)).for_each(|n| fake.status(*n, online, false));
            changes.extend(fake.run(70));
        }
    }
    changes
}

#[test]
fn devices_that_sleep_every_night_are_missed_only_until_that_is_known() {
    let mut fake = Fake::new(600);
    let sleeps = |n: usize| n / 4 % 2 == 1;
    let nights: Vec<usize> = (0..9).map(|_| raised(&night(&mut fake, sleeps, |_| true)).len()).collect();
    assert!(nights[..3].iter().all(|alerts| *alerts <= 1), "{nights:?}");
    assert_eq!(nights[3..], [0; 6], "it is a habit after three nights, weekends and workdays alike");

    // Others that fail while these are asleep are found, and named for what they share.
    let mut changes = fake.run((23 * 3_600 - fake.now.second().rem_euclid(86_400)).rem_euclid(86_400) - 3_600);
    (0..600).filter(|n| sleeps(*n)).for_each(|n| fake.status(n, false, false));
    changes.extend(fake.run(3_600));
    assert_eq!(raised(&changes), [""; 0]);
    fake.take_down(|n| !sleeps(n) && n % 4 == 3);
    assert_eq!(raised(&fake.run(60)), ["online 3.2.5 · rev-B · eu"]);
}

#[test]
fn batteries_that_sink_every_evening_are_news_on_two_of_them() {
    let mut fake = Fake::new(200);
    let mut evenings = Vec::new();
    for ten_min in 0..4 * 144i64 {
        // The sun goes down at six, and by then they are full again.
        let dark = ten_min % 144 - 18 * 6;
        for n in 0..200 {
            let (firmware, hardware) = (attributes(n)[0].1, attributes(n)[1].1);
            let battery = if hardware == "rev-B" { 95 - dark.max(0) } else { 95 };
            let told = Telemetry { battery: Some(battery as u8), ..Telemetry::default() };
            fake.report(n, firmware, 0.0, told);
            // Not all at once.
            if n % 10 == 0 {
                let news = raised(&fake.run(30));
                evenings.extend(news.into_iter().map(|news| (ten_min / 144, news)));
            }
        }
    }
    let days: Vec<i64> = evenings.iter().map(|(day, _)| *day).collect();
    assert!(days.contains(&0) && days.iter().all(|day| *day < 2), "{evenings:?}");
    assert!(evenings.iter().all(|(_, news)| news == "battery rev-B"), "{evenings:?}");
}

#[test]
fn devices_that_always_complain_are_not_taken_for_others_every_minute() {
    let always = |n: usize| n.is_multiple_of(17);
    let mut fake = Fake::new(2000);
    assert_eq!(raised(&fake.complaining(60, always)), [""; 0]);
    let changes = fake.complaining(5, |n| always(n) || (n % 4 == 3 && n.is_multiple_of(5)));
    let evidence = changes.iter().find_map(|change| match change {
        Change::Raised(finding) => Some((finding.cohort.to_string(), finding.evidence.clone())),
        _ => None,
    });
    let (cohort, evidence) = evidence.expect("every fifth device of a cohort errs now");
    let usually: u32 = evidence.rsplit("usually ").next().unwrap().parse().unwrap();
    // A seventeenth of five hundred.
    assert!(cohort == "3.2.5 · rev-B" && (20..=40).contains(&usually), "{cohort}: {evidence}");
}

#[test]
fn what_goes_slowly_is_missed_as_well() {
    for minutes in [2, 10, 30, 90] {
        let mut fake = Fake::new(2000);
        let mut changes = Vec::new();
        let (mut gone, looks) = (0, 12 * minutes);
        for look in 0..720 + looks {
            // Sites of five devices come and go all the time.
            let (leaves, returns) = (look % 80, (look + 72) % 80);
            (0..5).for_each(|n| fake.status(5 * returns + n, true, false));
            (0..5).for_each(|n| fake.status(5 * leaves + n, false, false));
            // After an hour four hundred of the five hundred devices of a cohort go, one after the other.
            let go = (look + 1).saturating_sub(720) * 400 / looks;
            (gone..go).for_each(|n| fake.status(4 * (100 + n) + 3, false, false));
            gone = go;
            changes.extend(fake.run(5));
        }
        let raised = raised(&changes);
        assert_eq!(raised, ["online 3.2.5 · rev-B"], "over {minutes} min");
    }
}

#[test]
fn names_that_are_heard_but_once_are_nobody_who_is_missed() {
    let mut fake = Fake::new(1000);
    let mut changes = fake.run(120);
    for n in 0..1200 {
        fake.measure(1000 + n, "3.2.4", 1.0);
        changes.extend(fake.run(1));
    }
    assert_eq!(raised(&changes), [""; 0]);
    fake.take_down(|n| n % 4 == 3);
    assert_eq!(raised(&fake.run(60)), ["online 3.2.5 · rev-B"]);
}

#[test]
fn a_wave_that_began_later_has_brought_nothing() {
    let mut fake = Fake::new(100);
    let mut began = Vec::new();
    for number in [1, 2] {
        fake.wave(number);
        began.push(fake.now);
        fake.run(600);
    }
    // (seconds after the first wave, what is said of that moment)
    let cases = [
        (-300, None),
        (-30, Some("moments after wave 1 of fw-3.2.5")),
        (150, Some("2 min after wave 1 of fw-3.2.5")),
        (420, Some("7 min after wave 1 of fw-3.2.5")),
        (580, Some("moments after wave 2 of fw-3.2.5")),
        (900, Some("5 min after wave 2 of fw-3.2.5")),
    ];
    for (after_s, expected) in cases {
        let told = evidence::after_wave(&fake.fleet, &CohortKey::default(), began[0].plus_s(after_s));
        assert_eq!(told.as_deref(), expected, "{after_s}");
    }
}

#[test]
fn a_machine_that_looks_seldom_takes_no_minute_for_five_seconds() {
    let mut fake = Fake::new(2000);
    let errs = |minute: usize| move |n: usize| n % 50 == minute % 50;
    for minute in 0..60 {
        assert_eq!(raised(&fake.complaining(1, errs(minute))), [""; 0], "usual");
    }
    let mut changes = Vec::new();
    for minute in 60..90 {
        (0..2000).filter(|n| errs(minute)(*n)).for_each(|n| fake.complain(n));
        fake.now = fake.now.plus_s(30);
        fake.fleet.advance(fake.now);
        changes.extend(fake.detector.examine(&fake.fleet, fake.now));
        fake.now = fake.now.plus_s(30);
        fake.fleet.advance(fake.now);
        changes.extend(fake.detector.examine(&fake.fleet, fake.now));
    }
    assert_eq!(raised(&changes), [""; 0], "it looks twice a minute");
}

#[test]
fn a_cohort_that_sends_several_times_as_much_is_seen_and_one_that_empties_its_backlog_is_not() {
    // (reports in each of five minutes after half an hour with two a minute, what is raised)
    let cases: [([usize; 5], &[&str]); 4] = [
        ([2, 2, 2, 2, 2], &[]),
        ([0, 0, 9, 2, 2], &[]),
        ([6, 6, 6, 6, 6], &["messages 3.2.5 · rev-B"]),
        ([90, 90, 90, 90, 90], &["messages 3.2.5 · rev-B"]),
    ];
    for (reports, expected) in cases {
        let mut fake = Fake::new(800);
        let mut changes = Vec::new();
        for own in [2; 30].into_iter().chain(reports) {
            for sixth in 0..6 {
                for n in 0..800 {
                    let count = if n % 4 == 3 { own } else { 2 };
                    (0..count).filter(|k| (k + n) % 6 == sixth).for_each(|_| fake.measure(n, attributes(n)[0].1, 20.0));
                }
                changes.extend(fake.run(10));
            }
        }
        assert_eq!(raised(&changes), expected, "{reports:?}");
    }
}

#[test]
fn a_field_that_was_always_optional_is_missed_by_nobody_and_one_that_was_always_there_is() {
    // (one report in so many of everybody lacks its field from the beginning, and of a cohort from the first hour on;
    // reports of the cohort in a minute from then on; what is raised, and whether it is over within ten minutes)
    type Case = (usize, usize, usize, &'static [&'static str]);
    let cases: [Case; 4] = [
        (10, 10, 1, &[]),
        (10, 10, 4, &[]),
        (usize::MAX, 2, 1, &["format 3.2.5 · rev-B"]),
        (10, 1, 1, &["format 3.2.5 · rev-B"]),
    ];
    for (always, later, own, expected) in cases {
        let mut fake = Fake::new(800);
        let mut changes = Vec::new();
        let mut chance = 1_u64;
        for minute in 0..100 {
            for n in 0..800 {
                let is_own = n % 4 == 3 && minute >= 90;
                let (every, reports) = if is_own { (later, own) } else { (always, 1) };
                for _ in 0..reports {
                    chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    let lacks = ((chance >> 33) as usize).is_multiple_of(every);
                    let told = Telemetry { queue: (!lacks).then_some(0), ..Telemetry::default() };
                    fake.report(n, attributes(n)[0].1, 20.0, told);
                }
                if n % 160 == 159 {
                    changes.extend(fake.run(12));
                }
            }
        }
        assert_eq!(raised(&changes), expected, "one in {always}, then one in {later}, {own} a minute");
        assert!(!changes.iter().any(|change| matches!(change, Change::Cleared { .. })), "{changes:?}");
    }
}

#[test]
fn two_things_at_once_are_two_alerts_and_each_suspects_its_own() {
    let mut fake = Fake::new(2000);
    fake.run(200);
    fake.take_down(|n| n % 8 == 3 || (n % 8 == 4 && n % 20 != 0));
    let changes = fake.run(60);
    assert_eq!(raised(&changes), ["online 3.2.5 · rev-B · eu", "online 3.2.4 · rev-A · us"]);
    assert_eq!(fake.suspected(&changes[0]), [("3.2.5 · rev-B · eu".to_owned(), 250, 250)]);
    assert_eq!(fake.suspected(&changes[1]), [("3.2.4 · rev-A · us".to_owned(), 250, 200)]);
}

#[test]
fn who_does_not_return_from_an_update_fails_it_in_its_wave() {
    let mut fake = Fake::new(2000);
    fake.run(200);
    let mut changes = Vec::new();
    for (number, which) in [(1_u16, 0..100), (2, 100..400)] {
        for n in which.clone() {
            fake.updating(n, number, OtaState::Rebooting);
            fake.status(n, false, false);
        }
        changes.extend(fake.run(120));
        // Every third never comes back.
        for n in which.filter(|n| !n.is_multiple_of(3)) {
            fake.updating(n, number, OtaState::Succeeded);
            fake.status(n, true, false);
        }
        changes.extend(fake.run(600));
    }
    assert_eq!(raised(&changes), ["update failures fw-3.2.6 w1"]);
    assert!(!changes.iter().any(|change| matches!(change, Change::Cleared { .. })), "they are still away");
    assert_eq!(
        fake.suspected(&changes[0]),
        [("fw-3.2.6 w2".to_owned(), 300, 100), ("fw-3.2.6 w1".to_owned(), 100, 34)]
    );
}

#[test]
fn the_revision_that_fails_is_named_in_the_first_wave_and_its_usual_is_its_own() {
    let mut fake = Fake::new(8000);
    fake.run(300);
    let mut changes = Vec::new();
    // The first that fail are a large share of a wave of which nothing is known yet.
    (0..80).for_each(|n| fake.updating(n, 1, OtaState::Downloading));
    for n in 0..80 {
        fake.updating(n, 1, if n / 2 % 2 == 1 { OtaState::Failed } else { OtaState::Succeeded });
        changes.extend(fake.run(1 + i64::from(n % 2 == 0)));
    }
    assert_eq!(raised(&changes), ["update failures rev-B"]);
    let Change::Raised(finding) = &changes[0] else { panic!("{changes:?}") };
    let told = "13 of 4000 devices fail their update, 40 were started; usually 3; moments after wave 1 of fw-3.2.6";
    assert_eq!(finding.evidence, told);
}

#[test]
fn a_wave_that_fails_is_named_while_it_is_the_only_one_and_when_there_are_two() {
    let mut fake = Fake::new(2000);
    fake.run(200);
    let mut changes = Vec::new();
    for (number, which) in [(1_u16, 0..100), (2, 100..400)] {
        for n in which {
            fake.updating(n, number, OtaState::Downloading);
            fake.updating(n, number, if n.is_multiple_of(3) { OtaState::Failed } else { OtaState::Succeeded });
            if n % 10 == 9 {
                changes.extend(fake.run(2));
            }
        }
        // Nothing fails any more, and it is over.
        changes.extend(fake.run(900));
    }
    assert_eq!(raised(&changes), ["update failures fw-3.2.6 w1", "update failures fw-3.2.6 w2"]);
}

#[test]
fn a_fleet_of_which_nobody_is_heard_is_one_alert_within_a_minute() {
    let mut fake = Fake::new(1200);
    let mut changes = Vec::new();
    let mut seq = vec![0; 1200];
    // Everybody reports once a minute; for five minutes nothing comes through, and what was sent is lost.
    for second in 0..1500 {
        for n in (0..1200).filter(|n| n % 60 == second % 60) {
            seq[n] += 1;
            if !(900..1200).contains(&second) {
                let told = Telemetry { seq: Some(seq[n]), ..Telemetry::default() };
                fake.report(n, attributes(n)[0].1, 20.0, told);
            }
        }
        let new = fake.run(1);
        assert!(new.is_empty() || (930..960).contains(&second), "{second}: {new:?}");
        changes.extend(new);
    }
    assert_eq!(raised(&changes), ["silence fleet"]);
    let Some(Change::Raised(finding)) = changes.first() else { panic!("{changes:?}") };
    assert!(finding.evidence.starts_with("nobody of 1200 devices heard for "), "{}", finding.evidence);
    assert_eq!(fake.now.since_s(finding.onset) - 600, 1, "since the last one was heard");
}

#[test]
fn a_new_firmware_on_which_devices_never_get_through_their_update_is_found() {
    // Every boot says that it is because of the update, and none says that it has succeeded.
    for (boots, expected) in [(2, None), (9, Some("3.2.6"))] {
        let mut fake = Fake::new(2000);
        fake.run(200);
        for n in 0..200 {
            fake.updating(n, 1, OtaState::Rebooting);
        }
        fake.updated = 200;
        let mut changes = Vec::new();
        for _ in 0..boots {
            (0..200).for_each(|n| fake.status(n, false, false));
            changes.extend(fake.run(45));
            for n in 0..200 {
                fake.boots[n] += 1;
                fake.status(n, true, false);
            }
            changes.extend(fake.run(45));
        }
        let found = changes.iter().find_map(|change| match change {
            Change::Raised(finding) => Some(finding.cohort.to_string()),
            _ => None,
        });
        assert_eq!(found.as_deref(), expected, "{boots} boots: {:?}", raised(&changes));
    }
}

#[test]
fn an_update_that_only_the_brokers_store_speaks_of_is_no_news() {
    let mut fake = Fake::new(2000);
    for n in 0..100 {
        fake.stands(n, 1, OtaState::Rebooting, true);
        fake.status(n, false, true);
    }
    let raised = raised(&fake.run(900));
    assert!(!raised.iter().any(|alert| alert.starts_with("update failures")), "{raised:?}");
}

/// A fleet that is given 3.2.6 by somebody who tells nobody: a device every second goes away for 40 s.
struct Untold {
    fake: Fake,
    changes: Vec<Change>,
}

impl Untold {
    const AWAY_S: usize = 40;

    fn new() -> Self {
        let mut fake = Fake::new(2000);
        fake.run(JUDGES_AFTER_S + 60);
        Self { fake, changes: Vec::new() }
    }

    /// Seconds of it, in which these devices never come back.
    fn run(&mut self, seconds: std::ops::Range<usize>, lost: impl Fn(usize) -> bool) {
        for second in seconds {
            self.fake.status(second, false, false);
            if let Some(back) = second.checked_sub(Self::AWAY_S).filter(|back| !lost(*back)) {
                self.fake.updated = self.fake.updated.max(back + 1);
                self.fake.boots[back] += 1;
                self.fake.status(back, true, false);
            }
            self.changes.extend(self.fake.run(1));
        }
    }
}

#[test]
fn who_comes_back_with_another_firmware_was_not_missed() {
    let mut rollout = Untold::new();
    rollout.run(0..900, |_| false);
    assert_eq!(raised(&rollout.changes), Vec::<String>::new());
}

#[test]
fn who_does_not_come_back_with_the_new_firmware_is_found_by_what_he_shares() {
    let mut rollout = Untold::new();
    rollout.run(0..900, |n| attributes(n)[1].1 == "rev-B" && n % 5 != 0);
    assert_eq!(raised(&rollout.changes), ["online rev-B"]);
}

#[test]
fn an_outage_while_devices_are_given_a_new_firmware_is_no_part_of_it() {
    let mut rollout = Untold::new();
    rollout.run(0..600, |_| false);
    rollout.fake.take_down(|n| n >= 640 && attributes(n)[2].1 == "eu");
    rollout.run(600..640, |_| false);
    assert_eq!(raised(&rollout.changes), ["online eu"]);
}

#[test]
fn what_hardly_any_of_so_many_do_beside_is_not_what_is_wrong() {
    let fake = Fake::new(3000);
    let finding = |signal, affected| Finding {
        signal,
        cohort: CohortKey::default(),
        onset: fake.now,
        onset_within_s: 5,
        began_before: false,
        observed: 0.0,
        expected: 0.0,
        sample: 3000,
        affected,
        evidence: String::new(),
    };
    let silent = finding(Signal::Silence, 2997);
    for (drained, kind) in [(15, IncidentType::MassDisconnect), (1500, IncidentType::BadFirmware)] {
        let drained = finding(Signal::Battery, drained);
        assert_eq!(verdict::judge(&facts(&fake.fleet, vec![&silent, &drained], &[], None)).kind, kind);
    }
}

#[test]
fn batteries_that_sink_in_one_place_are_no_matter_of_firmware() {
    for (attribute, value, kind) in [
        ("region", "eu", IncidentType::MassDisconnect),
        ("hardware", "rev-B", IncidentType::BadFirmware),
        ("firmware", "3.2.5", IncidentType::BadFirmware),
    ] {
        let mut fake = Fake::new(400);
        let mut changes = Vec::new();
        for minute in 0..30u8 {
            for n in 0..400 {
                let sinks = attributes(n).contains(&(attribute, value));
                let battery = Some(90 - if sinks { minute.saturating_sub(20) } else { 0 });
                fake.report(n, attributes(n)[0].1, 0.0, Telemetry { battery, ..Telemetry::default() });
            }
            changes.extend(fake.run(60));
        }
        let [Change::Raised(finding)] = &changes[..] else { panic!("{changes:?}") };
        let (suspects, breadth) = fake.detector.suspects(&fake.fleet, finding.signal, &finding.cohort, None).unwrap();
        let facts = facts(&fake.fleet, vec![finding], &suspects, Some(&breadth));
        assert_eq!((finding.cohort.get(attribute), verdict::judge(&facts).kind), (Some(value), kind));
        let words = |facts: &Facts<'_>| verdict::judge(facts).evidence.join("; ");
        let ruled_out = Facts { rejected: &[CohortKey::of(attribute, value)], suspects: &[], ..facts };
        assert!(!words(&ruled_out).contains(value), "{}", words(&ruled_out));
        let customer = CohortKey::of("customer", "acme");
        let said = words(&Facts { about: Some(&customer), ..ruled_out });
        assert!(said.contains("customer acme"), "{said}");
    }
}

#[test]
fn an_outage_does_not_end_because_others_are_given_a_new_firmware() {
    let mut rollout = Untold::new();
    rollout.fake.take_down(|n| n >= 1000 && n % 10 == 4);
    let before = rollout.fake.run(60);
    assert_eq!(raised(&before).len(), 1, "{before:?}");
    rollout.run(0..600, |_| false);
    let cleared = rollout.changes.iter().any(|change| matches!(change, Change::Cleared { .. }));
    assert!(!cleared, "{:?}", rollout.changes);
}

/// What a person accepts who says that so it is with these devices.
fn accepting(fake: &Fake, cohort: &CohortKey, signal: Signal) -> Acceptance {
    let ceilings = accepted::ceilings(&fake.fleet, cohort, std::iter::once(signal), 600);
    let usual = Usual { cohort: cohort.clone(), ceilings };
    Acceptance { usual, until: None, reason: "a bench".into(), at: fake.now, by: Actor::Engine }
}

#[test]
fn what_was_accepted_is_no_alert_until_it_gets_worse_or_is_taken_back() {
    let bench = CohortKey::of("hardware", "rev-B").and("region", "us");
    let is_odd = |n: usize| n % 24 >= 22;
    let mut fake = Fake::new(960);
    fake.complaining(5, |n| n == 0);
    assert_eq!(raised(&fake.complaining(10, is_odd)), ["errors rev-B · us"]);
    let usual = accepting(&fake, &bench, Signal::Errors);
    assert_eq!(usual.usual.to_string(), "hardware rev-B ∧ region us: up to 42 % report errors");
    fake.accepted = vec![usual.clone()];
    fake.leave_out();
    fake.detector.drop(&fake.fleet, Signal::Errors, &bench);
    assert_eq!(raised(&fake.complaining(60, is_odd)), [""; 0]);
    // Others that do the same are another matter.
    let is_other = |n: usize| n % 8 < 2;
    let changes = fake.complaining(10, |n| is_odd(n) || is_other(n));
    assert_eq!(raised(&changes), ["errors rev-A · eu"]);
    assert_eq!(fake.suspected(&changes[0]), [("rev-A · eu".to_owned(), 240, 240)]);
    // It was not learnt meanwhile.
    fake.complaining(10, is_odd);
    fake.accepted.clear();
    assert_eq!(raised(&fake.complaining(10, is_odd)), ["errors rev-B · us"]);

    // Nor is there an alert where all begins anew, as after a restart: until it gets worse.
    for knows in [false, true] {
        let mut fake = Fake::new(960);
        if knows {
            fake.accepted = vec![usual.clone()];
        }
        let changes = raised(&fake.complaining(30, is_odd));
        assert_eq!(changes.is_empty(), knows, "{changes:?}");
        if knows {
            assert_eq!(raised(&fake.complaining(10, |n| n % 8 >= 6)), ["errors rev-B · us"]);
        }
    }
}

#[test]
fn who_is_accepted_to_be_away_is_missed_when_more_are() {
    let bench = CohortKey::of("hardware", "rev-B").and("region", "us");
    let mut fake = Fake::new(960);
    fake.run(300);
    fake.take_down(|n| n % 24 >= 22);
    assert_eq!(raised(&fake.run(60)), ["online rev-B · us"]);
    fake.accepted = vec![accepting(&fake, &bench, Signal::Online)];
    fake.leave_out();
    fake.detector.drop(&fake.fleet, Signal::Online, &bench);
    assert_eq!(raised(&fake.run(600)), [""; 0]);
    // Of the others fewer are enough than were accepted of these.
    fake.take_down(|n| n % 24 == 0);
    assert_eq!(raised(&fake.run(60)), ["online 3.2.4 · rev-A · eu"]);
    fake.take_down(|n| n % 8 >= 6);
    assert_eq!(raised(&fake.run(60)), ["online rev-B · us"]);
}

#[test]
fn there_is_room_for_chance_and_for_those_who_had_no_time_to_show_it() {
    let mut fake = Fake::new(960);
    fake.complaining(5, |n| n == 0);
    fake.complaining(1, |n| n % 48 == 0);
    let whole = CohortKey::default();
    let most = |signal, since_s| {
        let ceilings = accepted::ceilings(&fake.fleet, &whole, std::iter::once(signal), since_s);
        ceilings.first().map(|most| (most.share * 960.0).round())
    };
    assert_eq!(most(Signal::Errors, 600), Some(33.0), "20, and three standard deviations");
    assert_eq!(most(Signal::Errors, 60), Some(117.0), "90 in a whole census");
    assert_eq!(most(Signal::Online, 60), None);
}
