//! The fleet as its readers see it, from messages in to numbers out.

use proptest::prelude::*;

use super::filter::Sieve;
use super::*;
use crate::domain::campaign::{CampaignState, OtaState};
use crate::domain::fault::Fault;
use crate::domain::incident::Severity;
use crate::domain::lens::Filter;
use crate::domain::observation::{Batch, Body, Envelope, EventKind, Telemetry, Text, WavePlan};
use crate::domain::signal::Signal;
use crate::domain::symptom::Symptom;
use crate::fleet::kpis::Should;

/// A fleet with a voice: messages go in as a decoder would push them.
struct Bench {
    fleet: Fleet,
    now: At,
}

impl Bench {
    fn new() -> Self {
        Self::begun(At::from_ms(1_774_022_400_000))
    }

    fn begun(now: At) -> Self {
        Self::with(FleetSettings::default(), now)
    }

    fn with(settings: FleetSettings, now: At) -> Self {
        Self { fleet: Fleet::new(settings, now), now }
    }

    fn say(&mut self, device: &str, retained: bool, attributes: &[(&str, &str)], body: Body) -> Option<Notice> {
        let mut batch = Batch::default();
        let mark = batch.mark();
        for (name, value) in attributes {
            batch.attribute(self.fleet.schema().find(name).unwrap(), value);
        }
        let device = batch.keep(device);
        batch.push(mark, Envelope { at: self.now, device, retained, ..Envelope::default() }, body);
        let observation = batch.iter().next().unwrap().clone();
        self.fleet.observe(&batch, &observation)
    }

    /// What a broker or a bridge says about a device.
    fn hear_of(&mut self, device: &str, body: Body) {
        let mut batch = Batch::default();
        let mark = batch.mark();
        let device = batch.keep(device);
        batch.push(mark, Envelope { at: self.now, device, hearsay: true, ..Envelope::default() }, body);
        let observation = batch.iter().next().unwrap().clone();
        self.fleet.observe(&batch, &observation);
    }

    fn status(&mut self, device: &str, online: bool, boots: u32, attributes: &[(&str, &str)]) {
        let body = Body::Status { online: Some(online), stamp: None, boots: Some(boots), boot_reason: Text::EMPTY };
        self.say(device, false, attributes, body);
    }

    fn seq(&mut self, device: &str, seq: u32, battery: u8) {
        let telemetry = Telemetry { seq: Some(seq), battery: Some(battery), ..Telemetry::default() };
        self.say(device, false, &[], Body::Telemetry(telemetry));
    }

    fn measure(&mut self, device: &str, values: &[(&str, f64)]) {
        let mut batch = Batch::default();
        let mark = batch.mark();
        values.iter().for_each(|(name, value)| batch.value(name, *value));
        let device = batch.keep(device);
        batch.push(
            mark,
            Envelope { at: self.now, device, ..Envelope::default() },
            Body::Telemetry(Telemetry::default()),
        );
        let observation = batch.iter().next().unwrap().clone();
        self.fleet.observe(&batch, &observation);
    }

    fn ota(&mut self, device: &str, wave: u16, state: OtaState) -> Option<Notice> {
        self.ota_in("fw-3.2.5", device, wave, state)
    }

    fn ota_in(&mut self, campaign: &str, device: &str, wave: u16, state: OtaState) -> Option<Notice> {
        let mut batch = Batch::default();
        let mark = batch.mark();
        let (campaign, target) = (batch.keep(campaign), batch.keep("3.2.5"));
        let device = batch.keep(device);
        let body = Body::Ota { campaign, wave: Some(wave), state, target };
        batch.push(mark, Envelope { at: self.now, device, ..Envelope::default() }, body);
        let observation = batch.iter().next().unwrap().clone();
        self.fleet.observe(&batch, &observation)
    }

    fn error(&mut self, device: &str) {
        let body = Body::Event { stamp: None, kind: EventKind::Error, code: Text::EMPTY, message: Text::EMPTY };
        self.say(device, false, &[], body);
    }

    fn fault(&mut self, device: &str, fault: Fault) {
        self.say(device, false, &[], Body::Fault(fault));
    }

    fn seconds(&mut self, n: i64) {
        for _ in 0..n {
            self.now = self.now.plus_s(1);
            self.fleet.advance(self.now);
        }
    }

    fn controller(&mut self, campaign: &str, state: CampaignState) {
        let mut batch = Batch::default();
        let mark = batch.mark();
        let campaign = batch.keep(campaign);
        let waves: &[u16] = if state == CampaignState::Running { &[1, 2] } else { &[] };
        waves.iter().for_each(|wave| batch.wave(WavePlan { wave: *wave, planned: 10, done: 0, failed: 0 }));
        let (target, request_id) = (Text::EMPTY, Text::EMPTY);
        let body = Body::Campaign { campaign, state, wave: None, target, request_id, waves: (0, 0) };
        batch.push(mark, Envelope { at: self.now, ..Envelope::default() }, body);
        let observation = batch.iter().next().unwrap().clone();
        self.fleet.observe(&batch, &observation);
    }

    fn level(&self, cohort: CohortKey, signal: Signal) -> u32 {
        self.fleet.cohort(&cohort).map_or(0, |cohort| cohort.level(signal))
    }
}

#[test]
fn a_device_that_complains_all_the_time_counts_once_in_a_minute_of_a_chart() {
    for begun_s in [0, 1, 17, 59] {
        let mut bench = Bench::begun(At::from_ms(1_774_022_400_000 + begun_s * 1000));
        bench.seconds(53);
        for _ in 0..600 {
            let body = Body::Event { kind: EventKind::Error, stamp: None, code: Text::EMPTY, message: Text::EMPTY };
            bench.say("d1", false, &[], body);
            bench.seconds(1);
        }
        let counted = (0..10).map(|back| bench.fleet.cohorts().fleet().shown_back(Symptom::Erring, back).unwrap());
        assert_eq!(counted.collect::<Vec<_>>(), [1; 10], "begun at second {begun_s}");
    }
}

#[test]
fn who_falls_back_to_its_old_firmware_boots_by_itself() {
    let mut bench = Bench::new();
    bench.status("d1", true, 1, &[("firmware", "3.2.4")]);
    for (boots, firmware) in [(2, "3.2.5"), (3, "3.2.4")] {
        bench.status("d1", false, boots - 1, &[]);
        bench.seconds(20);
        bench.status("d1", true, boots, &[("firmware", firmware)]);
        bench.seconds(1);
    }
    assert_eq!(bench.fleet.cohorts().fleet().series(Signal::Reboots).sum(60), 1.0);
}

#[test]
fn a_device_moves_between_cohorts_when_its_firmware_changes() {
    let mut bench = Bench::new();
    bench.status("d1", true, 1, &[("firmware", "3.2.4"), ("hardware", "rev-B")]);
    bench.status("d2", true, 1, &[("firmware", "3.2.4"), ("hardware", "rev-A")]);
    bench.seconds(1);
    bench.status("d1", false, 1, &[]);
    bench.status("d1", true, 2, &[("firmware", "3.2.5")]);
    bench.seconds(1);
    let pair = CohortKey::of("firmware", "3.2.5").and("hardware", "rev-B");
    assert_eq!(bench.level(CohortKey::of("firmware", "3.2.4"), Signal::Online), 1);
    assert_eq!(bench.level(pair.clone(), Signal::Online), 1);
    let cohort = bench.fleet.cohort(&pair).unwrap();
    // Who changes its firmware boots once for it.
    assert_eq!((cohort.series(Signal::Reboots).sum(10), cohort.series(Signal::Reconnects).sum(10)), (0.0, 1.0));
    assert_eq!(bench.fleet.cohorts().fleet().level(Signal::Devices), 2);
}

#[test]
fn what_the_broker_had_in_store_is_state_and_not_news() {
    let mut bench = Bench::new();
    let body = |boots| Body::Status { online: Some(true), stamp: None, boots: Some(boots), boot_reason: Text::EMPTY };
    bench.say("d1", true, &[], body(7));
    bench.say("d1", true, &[], body(9));
    bench.seconds(1);
    let fleet = bench.fleet.cohorts().fleet();
    assert_eq!(fleet.level(Signal::Online), 1);
    for signal in [Signal::Messages, Signal::Reconnects, Signal::Reboots] {
        assert_eq!(fleet.series(signal).sum(10), 0.0, "{signal}");
    }
}

#[test]
fn what_others_say_of_a_device_shows_no_life_of_its_own() {
    let mut bench = Bench::new();
    let status = |online| Body::Status { online, stamp: None, boots: None, boot_reason: Text::EMPTY };
    let refused = Body::Event { stamp: None, kind: EventKind::AuthFailure, code: Text::EMPTY, message: Text::EMPTY };
    bench.hear_of("d1", status(None));
    bench.hear_of("d1", refused);
    bench.seconds(1);
    let fleet = bench.fleet.cohorts().fleet();
    assert_eq!((fleet.level(Signal::Online), fleet.series(Signal::Messages).sum(10)), (0, 0.0));
    bench.hear_of("d1", status(Some(true)));
    bench.seconds(1);
    assert_eq!(bench.fleet.cohorts().fleet().level(Signal::Online), 1);
}

#[test]
fn a_device_without_presence_goes_offline_by_silence_only() {
    let mut bench = Bench::new();
    bench.seq("quiet", 1, 80);
    bench.status("told", true, 1, &[]);
    bench.seconds(299);
    assert_eq!(bench.level(CohortKey::default(), Signal::Online), 2);
    bench.seconds(20);
    assert_eq!(bench.level(CohortKey::default(), Signal::Online), 1);
    bench.seq("quiet", 2, 80);
    bench.seconds(1);
    assert_eq!(bench.level(CohortKey::default(), Signal::Online), 2);
}

#[test]
fn late_and_double_messages_are_counted_and_leave_the_state_alone() {
    let mut bench = Bench::new();
    // (sequence number, battery told, battery believed)
    for (seq, told, believed) in [(5, 50, 50), (5, 51, 50), (3, 52, 50), (u32::MAX, 53, 53), (0, 54, 54), (1, 55, 55)] {
        bench.seq("d", seq, told);
        let device = bench.fleet.devices().find("d").unwrap();
        assert_eq!(bench.fleet.devices().get(device).battery, believed, "after {seq}");
    }
    assert_eq!(bench.fleet.faults().counts(), [(Fault::Duplicate, 1), (Fault::OutOfOrder, 1)]);
}

#[test]
fn errors_are_counted_once_whether_told_as_events_or_as_a_counter() {
    let mut bench = Bench::new();
    let counter = |errors| Body::Telemetry(Telemetry { errors: Some(errors), ..Telemetry::default() });
    bench.say("counts", false, &[], counter(10));
    bench.say("counts", false, &[], counter(12));
    let error = || Body::Event { stamp: None, kind: EventKind::Error, code: Text::EMPTY, message: Text::EMPTY };
    bench.say("tells", false, &[], error());
    bench.say("tells", false, &[], counter(1));
    bench.say("tells", false, &[], counter(2));
    bench.seconds(1);
    assert_eq!(bench.fleet.cohorts().fleet().series(Signal::Errors).sum(5), 3.0);
}

#[test]
fn what_changed_while_nobody_listened_is_not_news() {
    let mut bench = Bench::new();
    bench.fleet.listen(true, bench.now);
    let report = |bench: &mut Bench, retained: bool, errors: u32, queue: u32, battery: u8| {
        let (errors, queue, battery) = (Some(errors), Some(queue), Some(battery));
        let telemetry = Telemetry { errors, queue, battery, ..Telemetry::default() };
        bench.say("a", retained, &[], Body::Telemetry(telemetry));
        let ix = bench.fleet.devices().find("a").unwrap();
        bench.fleet.devices().get(ix).shown.recent(bench.fleet.minute())
    };
    let wrong = Symptom::Erring.bit() | Symptom::Queueing.bit() | Symptom::Draining.bit();
    assert_eq!(report(&mut bench, false, 5, 0, 90) & wrong, 0, "the first report");
    bench.seconds(60);
    assert_eq!(report(&mut bench, true, 7, 30, 80) & wrong, 0, "from the broker's store");
    bench.fleet.listen(false, bench.now);
    bench.seconds(3_600);
    bench.fleet.listen(true, bench.now);
    bench.seconds(20);
    assert_eq!(report(&mut bench, false, 50, 60, 50) & wrong, 0, "the first report after a gap");
    bench.seconds(60);
    assert_eq!(report(&mut bench, false, 51, 61, 49) & wrong, wrong, "and the one after it");
}

#[test]
fn nobody_is_silent_while_nobody_listens() {
    let mut bench = Bench::new();
    bench.seq("quiet", 1, 80);
    bench.fleet.listen(false, bench.now);
    bench.seconds(900);
    bench.fleet.listen(true, bench.now);
    bench.seconds(200);
    // This machine sleeps for an hour.
    bench.now = bench.now.plus_s(3600);
    bench.fleet.advance(bench.now);
    bench.seconds(200);
    assert_eq!(bench.level(CohortKey::default(), Signal::Online), 1);
    bench.seconds(200);
    assert_eq!(bench.level(CohortKey::default(), Signal::Online), 0);
}

#[test]
fn what_was_missed_in_a_hush_is_no_devices_fault() {
    // Everybody is heard every five seconds, until nobody is for a minute and more.
    let mut bench = Bench::new();
    for _ in 0..100 {
        (0..10).for_each(|n| bench.error(&format!("node-{n}")));
        bench.seconds(5);
    }
    let disordered = |bench: &Bench| {
        let all = bench.fleet.devices().iter();
        all.filter(|(_, d)| d.shown.recent(bench.fleet.minute()) & Symptom::Disordered.bit() != 0).count()
    };
    bench.seconds(70);
    assert!(bench.fleet.hushed().is_some());
    (0..10).for_each(|n| bench.fault(&format!("node-{n}"), Fault::SequenceGap));
    bench.seconds(1);
    assert!(bench.fleet.hushed().is_none(), "whoever is heard ends it");
    assert_eq!(disordered(&bench), 0);
    bench.fault("node-3", Fault::SequenceGap);
    bench.seconds(1);
    assert_eq!(disordered(&bench), 1);
    assert_eq!(bench.fleet.faults().counts(), [(Fault::SequenceGap, 11)], "all are counted");
}

#[test]
fn the_boot_that_an_absence_or_an_update_ends_with_is_part_of_it_where_boots_are_told_as_events() {
    let mut bench = Bench::new();
    bench.fleet.listen(true, bench.now);
    let presence = |bench: &mut Bench, online: bool| {
        let body = Body::Status { online: Some(online), stamp: None, boots: None, boot_reason: Text::EMPTY };
        bench.say("a", false, &[], body);
    };
    let says = |bench: &mut Bench, firmware: &str| {
        bench.say("a", false, &[("firmware", firmware)], Body::Telemetry(Telemetry::default()));
    };
    let boots = |bench: &mut Bench| {
        let body = Body::Event { kind: EventKind::Reboot, stamp: None, code: Text::EMPTY, message: Text::EMPTY };
        bench.say("a", false, &[], body);
        let device = bench.fleet.devices().get(bench.fleet.devices().find("a").unwrap());
        device.shown.recent(bench.fleet.minute()) & Symptom::Rebooting.bit() != 0
    };
    presence(&mut bench, true);
    says(&mut bench, "1");
    for (away_s, firmware, later_s, is_crash) in
        [(90, "1", 2, false), (20, "2", 2, false), (20, "2", 2, true), (90, "2", 180, true)]
    {
        bench.seconds(600);
        presence(&mut bench, false);
        bench.seconds(away_s);
        presence(&mut bench, true);
        says(&mut bench, firmware);
        bench.seconds(later_s);
        assert_eq!(boots(&mut bench), is_crash, "away for {away_s} s, back with {firmware}, boots {later_s} s later");
    }
    bench.seconds(600);
    presence(&mut bench, false);
    bench.seconds(90);
    presence(&mut bench, true);
    assert!(!boots(&mut bench));
    assert!(boots(&mut bench), "a second one soon after is another matter");
    bench.seconds(600);
    says(&mut bench, "3");
    assert!(!boots(&mut bench), "back before anybody has missed it");
}

#[test]
fn what_is_implausible_is_named_with_what_it_usually_is() {
    let mut bench = Bench::new();
    for n in 0..30 {
        let temperature = 20.0 + f64::from(n % 3);
        (0..9).for_each(|d| bench.measure(&format!("d{d}"), &[("humidity", 40.0), ("temperature", temperature)]));
        bench.seconds(30);
    }
    assert_eq!(bench.fleet.odd(|_| true), None);
    (0..5).for_each(|d| bench.measure(&format!("d{d}"), &[("humidity", 40.0), ("temperature", 79.0)]));
    let odd = bench.fleet.odd(|_| true).unwrap();
    assert_eq!((odd.name, odd.now), ("temperature", 79.0));
    assert!(matches!(odd.should, Some(Should::Usual(usual)) if (20.0..22.0).contains(&usual)), "{odd:?}");
    let passing = |filter: &str| -> String {
        let sieve = Sieve::new(&Filter::parse(filter, &[]).unwrap(), &bench.fleet);
        let passing = bench.fleet.devices().iter().filter(|(ix, device)| sieve.passes(&bench.fleet, *ix, device));
        passing.map(|(ix, _)| bench.fleet.devices().id(ix)).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(passing("unhealthy"), "d0 d1 d2 d3 d4");
    assert_eq!(passing("unhealthy=values d3"), "d3");
    assert_eq!(passing("unhealthy=drift"), "");
    let told = |device: &str| -> Vec<String> {
        let ix = bench.fleet.devices().find(device).unwrap();
        bench.fleet.measured(ix).map(|measured| measured.to_string()).collect()
    };
    assert_eq!(told("d8"), ["humidity 40.0", "temperature 22.0"]);
    assert_eq!(told("d4")[0], "humidity 40.0");
    assert!(told("d4")[1].starts_with("temperature 79.0, usually 2"), "{:?}", told("d4"));
}

#[test]
fn two_devices_of_one_name_are_said_to_be() {
    let mut bench = Bench::new();
    let says = |bench: &mut Bench, name: &str, value: &str| {
        bench.say("room0", false, &[(name, value)], Body::Telemetry(Telemetry::default()));
        bench.fleet.faults().counts().iter().map(|(_, n)| n).sum::<u64>()
    };
    assert_eq!(says(&mut bench, "region", "oslo"), 0);
    assert_eq!(says(&mut bench, "region", "turku"), 0, "it has moved");
    assert_eq!(says(&mut bench, "firmware", "1"), 0);
    assert_eq!(says(&mut bench, "firmware", "2"), 0);
    assert_eq!(says(&mut bench, "firmware", "1"), 0, "a version is no place");
    bench.seconds(200);
    assert_eq!(says(&mut bench, "region", "oslo"), 0, "and back, later");
    assert_eq!(says(&mut bench, "region", "turku"), 1);
    assert_eq!(bench.fleet.faults().counts()[0].0, Fault::SharedName);
}

#[test]
fn a_campaign_that_is_over_makes_room_and_its_devices_stand_nowhere() {
    let mut bench = Bench::new();
    for n in 0..limits::CAMPAIGNS {
        bench.controller(&format!("fw-{n}"), CampaignState::Finished);
        bench.ota_in(&format!("fw-{n}"), &format!("d{n}"), 1, OtaState::Succeeded);
        bench.seconds(1);
    }
    bench.controller("fw-new", CampaignState::Running);
    let campaign = |bench: &Bench, id: &str| bench.fleet.campaigns().iter().find(|c| c.id == id).cloned();
    assert!(campaign(&bench, "fw-new").is_none(), "what has just ended stays for a while");
    bench.seconds(600);
    bench.controller("fw-new", CampaignState::Running);
    bench.ota_in("fw-new", "d1", 1, OtaState::Installing);
    assert!(campaign(&bench, "fw-0").is_none(), "the one that was heard of first");
    let progress = campaign(&bench, "fw-new").unwrap().progress;
    assert_eq!((progress.succeeded, progress.in_flight()), (0, 1), "d0 stands in none");
    let first = bench.fleet.devices().find("d0").unwrap();
    assert_eq!(bench.fleet.devices().get(first).ota, OtaState::None);
    // One that hangs makes room once nobody has spoken of it for a day.
    bench.seconds(600);
    (0..limits::CAMPAIGNS).for_each(|n| bench.controller(&format!("again-{n}"), CampaignState::Running));
    bench.controller("too-many", CampaignState::Running);
    assert!(campaign(&bench, "too-many").is_none());
    bench.now = bench.now.plus_s(90_000);
    bench.controller("too-many", CampaignState::Running);
    assert!(campaign(&bench, "too-many").is_some());
}

#[test]
fn another_rollout_under_the_same_name_begins_from_nothing() {
    let mut bench = Bench::new();
    bench.controller("nightly", CampaignState::Running);
    bench.ota_in("nightly", "a", 2, OtaState::Succeeded);
    bench.controller("nightly", CampaignState::Finished);
    bench.controller("nightly", CampaignState::Running);
    let campaign = bench.fleet.campaigns().iter().next().unwrap();
    assert_eq!((campaign.progress.total(), campaign.wave), (0, None));
    assert!(bench.ota_in("nightly", "a", 1, OtaState::Installing).is_some(), "its first wave begins");
}

#[test]
fn a_device_that_died_in_an_update_is_not_excused_again_by_the_brokers_store() {
    let mut bench = Bench::new();
    bench.status("a", true, 1, &[]);
    bench.ota("a", 1, OtaState::Rebooting);
    bench.status("a", false, 1, &[]);
    bench.seconds(1);
    assert_eq!(bench.level(CohortKey::default(), Signal::Updating), 1);
    bench.seconds(320);
    assert_eq!(bench.level(CohortKey::default(), Signal::Updating), 0, "missed after five minutes");
    let body = Body::Status { online: Some(false), stamp: None, boots: Some(1), boot_reason: Text::EMPTY };
    bench.say("a", true, &[], body);
    bench.seconds(1);
    assert_eq!(bench.level(CohortKey::default(), Signal::Updating), 0, "and still missed");
}

#[test]
fn made_up_campaigns_leave_room_for_real_ones() {
    let mut bench = Bench::new();
    // Each device stands in a campaign that nobody has announced.
    for n in 0..200 {
        bench.ota_in(&format!("made-up-{n}"), &format!("d{n}"), 1, OtaState::Downloading);
    }
    for n in 0..limits::CAMPAIGNS {
        bench.controller(&format!("old-{n}"), CampaignState::Finished);
    }
    bench.controller("real", CampaignState::Running);
    let campaigns = bench.fleet.campaigns();
    assert!(campaigns.find("real").is_some_and(|ix| campaigns.get(ix).is_active()));
    assert!(campaigns.iter().count() <= limits::CAMPAIGNS);
    assert_eq!(bench.fleet.devices().len(), 200, "a campaign's message is about no device");
}

#[test]
fn a_device_cannot_move_a_campaign_to_a_wave_of_its_own() {
    let mut bench = Bench::new();
    bench.controller("fw-3.2.5", CampaignState::Running);
    bench.ota("a", 1, OtaState::Downloading);
    bench.ota("liar", 255, OtaState::Downloading);
    assert_eq!(bench.fleet.campaigns().iter().next().unwrap().wave, Some(1));
    assert!(matches!(bench.ota("b", 2, OtaState::Downloading), Some(Notice::WaveStarted { wave: 2, .. })));
}

#[test]
fn a_campaign_counts_its_devices_by_wave_and_state() {
    let mut bench = Bench::new();
    assert_eq!(bench.ota("a", 1, OtaState::Queued), None);
    let begun = Notice::WaveStarted { campaign: "fw-3.2.5".into(), wave: 1, target: "3.2.5".into() };
    assert_eq!(bench.ota("a", 1, OtaState::Downloading), Some(begun));
    // Seen well under way by a room that has just been opened: nobody can say when it started.
    assert_eq!(bench.ota("b", 1, OtaState::Installing), None);
    bench.ota("a", 1, OtaState::Installing);
    bench.ota("a", 1, OtaState::Succeeded);
    assert!(matches!(bench.ota("c", 2, OtaState::Downloading), Some(Notice::WaveStarted { wave: 2, .. })));
    let ix = bench.fleet.campaigns().find("fw-3.2.5").unwrap();
    let campaign = bench.fleet.campaigns().get(ix);
    assert_eq!((campaign.progress.succeeded, campaign.progress.in_flight(), campaign.progress.queued), (1, 2, 0));
    assert_eq!(campaign.waves.iter().map(|w| w.progress.total()).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(bench.fleet.in_flight(ix, 60), (2, 0));
    assert_eq!(bench.fleet.take_started().len(), 2);
    bench.seconds(100);
    assert_eq!(bench.fleet.in_flight(ix, 60), (0, 2));
    assert_eq!(bench.level(CohortKey::of("wave", "fw-3.2.5 w1"), Signal::Devices), 2);
}

#[test]
fn a_pair_that_somebody_asks_for_has_its_levels_at_once() {
    let mut bench = Bench::new();
    bench.status("d1", true, 1, &[("region", "eu"), ("carrier", "x")]);
    bench.status("d2", false, 1, &[("region", "eu"), ("carrier", "x")]);
    let (region, carrier) =
        (bench.fleet.schema().find("region").unwrap(), bench.fleet.schema().find("carrier").unwrap());
    bench.fleet.follow(Grouping::by(&[region, carrier]).unwrap());
    let key = CohortKey::of("region", "eu").and("carrier", "x");
    assert_eq!((bench.level(key.clone(), Signal::Devices), bench.level(key.clone(), Signal::Online)), (2, 1));
    bench.status("d2", true, 1, &[]);
    bench.seconds(1);
    assert_eq!(bench.level(key, Signal::Online), 2);
}

#[test]
fn a_flood_of_values_stays_bounded_and_leaves_the_known_ones() {
    let mut bench = Bench::new();
    bench.status("good", true, 1, &[("firmware", "3.2.4")]);
    for n in 0..(limits::VALUES_PER_ATTRIBUTE as u32 * 2) {
        bench.status("mad", true, 1, &[("firmware", &format!("9.{n}"))]);
    }
    bench.seconds(61);
    bench.status("new", true, 1, &[("firmware", "3.2.5")]);
    bench.seconds(1);
    assert!(bench.fleet.overflowed() > 0);
    assert!(bench.fleet.cohorts().iter().count() < limits::COHORTS_PER_GROUPING + 1000);
    assert_eq!(bench.level(CohortKey::of("firmware", "3.2.4"), Signal::Devices), 1);
    assert_eq!(bench.level(CohortKey::of("firmware", "3.2.5"), Signal::Devices), 1);
    assert_eq!(bench.level(CohortKey::default(), Signal::Devices), 3);
}

#[test]
fn a_device_in_maintenance_is_heard_and_neither_counted_nor_missed() {
    let mut bench = Bench::new();
    for n in 0..3 {
        bench.status(&format!("d{n}"), true, 1, &[("firmware", "3.2.4")]);
    }
    let levels = |bench: &mut Bench| {
        bench.seconds(1);
        let fleet = bench.fleet.cohorts().fleet();
        (fleet.level(Signal::Devices), fleet.level(Signal::Online), fleet.away(), bench.fleet.suppressed())
    };
    bench.say("d1", true, &[], Body::Suppressed(true));
    assert_eq!(levels(&mut bench), (2, 2, 0, 1));
    // Going away, being told so twice, and moving to another cohort change nothing.
    bench.status("d1", false, 1, &[("firmware", "3.2.5")]);
    bench.say("d1", true, &[], Body::Suppressed(true));
    bench.error("d1");
    assert_eq!(levels(&mut bench), (2, 2, 0, 1));
    let shown = |bench: &Bench| bench.fleet.cohorts().fleet().shown().iter().sum::<u32>();
    assert_eq!(shown(&bench), 0);
    // The error has shown that it lives.
    bench.say("d1", false, &[], Body::Suppressed(false));
    assert_eq!(levels(&mut bench), (3, 3, 0, 0));
    bench.status("d1", false, 1, &[]);
    assert_eq!(levels(&mut bench), (3, 2, 1, 0));
}

#[test]
fn a_campaign_whose_state_is_taken_back_is_known_by_its_devices_alone() {
    let mut bench = Bench::new();
    let cleared = |bench: &mut Bench, id: &str| {
        let mut batch = Batch::default();
        let mark = batch.mark();
        let campaign = batch.keep(id);
        batch.push(mark, Envelope { at: bench.now, ..Envelope::default() }, Body::CampaignCleared { campaign });
        let observation = batch.iter().next().unwrap().clone();
        bench.fleet.observe(&batch, &observation).is_some()
    };
    assert!(!cleared(&mut bench, "fw-1") && bench.fleet.campaigns().iter().next().is_none(), "never heard of");
    for (has_devices, goes_on) in [(false, false), (true, true)] {
        bench.controller("fw-1", CampaignState::Running);
        if has_devices {
            bench.ota_in("fw-1", "d1", 1, OtaState::Downloading);
        }
        assert!(cleared(&mut bench, "fw-1"));
        let campaign = bench.fleet.campaigns().iter().next().unwrap();
        assert_eq!((campaign.state, campaign.is_active()), (CampaignState::Unknown, goes_on));
        assert_eq!(campaign.counted().queued, 0, "nobody plans any more");
    }
}

#[test]
fn a_setting_that_fits_no_device_is_told() {
    let critical = |cohort: CohortKey| Critical { cohort, at_least: Severity::Sev1, minimum: 3, why: None };
    let work = |site: &str| Maintenance {
        cohort: CohortKey::of("site", site),
        weekdays: vec![0],
        from_s: 0,
        to_s: 1,
        utc_offset_s: 0,
    };
    let settings = FleetSettings {
        critical: vec![
            critical(CohortKey::of("site", "fra")),
            critical(CohortKey::of("site", "fra").and("firmware", "3.2.s")),
        ],
        maintenance: vec![work("fra"), work("farm")],
        kpis: vec![KpiPlan { name: "temp_c".into(), ..KpiPlan::default() }],
        ..FleetSettings::default()
    };
    let mut bench = Bench::with(settings, "2026-11-16T01:59:00Z".parse().unwrap());
    // Of nobody nothing is known.
    bench.seconds(700);
    assert_eq!(bench.fleet.unfit(), [""; 0]);
    bench.status("d1", true, 1, &[("site", "fra"), ("firmware", "3.2.5")]);
    let nowhere = [
        "[[fleet.critical]] fits no device so far: firmware 3.2.s ∧ site fra",
        "[[fleet.maintenance]] fits no device so far: site farm",
        "[[fleet.kpi]] fits no device so far: temp_c",
    ];
    assert_eq!(bench.fleet.unfit(), nowhere);
    bench.status("d1", true, 1, &[("firmware", "3.2.s")]);
    bench.status("d2", true, 1, &[("site", "farm")]);
    bench.measure("d2", &[("temp_c", 21.0)]);
    assert_eq!(bench.fleet.unfit(), [""; 0]);
}

#[test]
fn who_is_worked_on_at_this_hour_is_not_missed_and_is_when_it_is_over() {
    let night = Maintenance {
        cohort: CohortKey::of("site", "fra"),
        weekdays: vec![0],
        from_s: 2 * 3_600,
        to_s: 3 * 3_600,
        utc_offset_s: 0,
    };
    let settings = FleetSettings { maintenance: vec![night], ..FleetSettings::default() };
    let mut bench = Bench::with(settings, "2026-11-16T01:59:00Z".parse().unwrap());
    for (n, site) in ["fra", "fra", "fra", "ams"].into_iter().enumerate() {
        bench.status(&format!("d{n}"), true, 1, &[("site", site)]);
    }
    let counts = |bench: &mut Bench, seconds| {
        bench.seconds(seconds);
        let fleet = bench.fleet.cohorts().fleet();
        (fleet.level(Signal::Devices), fleet.away(), bench.fleet.suppressed())
    };
    assert_eq!(counts(&mut bench, 1), (4, 0, 0));
    assert_eq!(counts(&mut bench, 80), (1, 0, 3));
    // What they do and say meanwhile counts nowhere; who says by itself that it is in maintenance stays so.
    bench.status("d0", false, 1, &[("site", "fra")]);
    bench.say("d1", false, &[], Body::Suppressed(false));
    bench.say("d2", false, &[], Body::Suppressed(true));
    bench.status("d3", false, 1, &[]);
    assert_eq!(counts(&mut bench, 60), (1, 1, 3));
    assert_eq!(counts(&mut bench, 3_600), (3, 2, 1));
}

#[test]
fn who_was_away_before_the_work_began_is_still_missed() {
    let (weekdays, from_s, to_s, utc_offset_s) = ((0..7).collect(), 2 * 3_600, 3 * 3_600, 0);
    let night = Maintenance { cohort: CohortKey::of("site", "fra"), weekdays, from_s, to_s, utc_offset_s };
    let settings = FleetSettings { maintenance: vec![night], ..FleetSettings::default() };
    let mut bench = Bench::with(settings, "2026-11-16T01:59:00Z".parse().unwrap());
    bench.seconds(5);
    (0..2).for_each(|n| bench.status(&format!("d{n}"), true, 1, &[("site", "fra")]));
    bench.status("d0", false, 1, &[]);
    bench.seconds(90);
    let counts = |bench: &Bench| (bench.fleet.cohorts().fleet().away(), bench.fleet.suppressed());
    assert_eq!(counts(&bench), (1, 1));
    // Back again, it is worked on as well.
    bench.status("d0", true, 1, &[]);
    bench.seconds(20);
    assert_eq!(counts(&bench), (0, 2));
}

#[test]
fn what_the_store_says_of_a_cleared_device_does_not_bring_it_back() {
    let mut bench = Bench::new();
    bench.status("d0", false, 1, &[]);
    bench.say("d0", false, &[], Body::Cleared);
    bench.say("d0", true, &[], Body::Suppressed(false));
    bench.seconds(1);
    assert_eq!((bench.fleet.suppressed(), bench.fleet.cohorts().fleet().away()), (1, 0));
    // In maintenance it stays so, however much it says.
    bench.say("d0", true, &[], Body::Suppressed(true));
    bench.error("d0");
    assert_eq!(bench.fleet.suppressed(), 1);
}

#[test]
fn a_device_that_the_broker_was_told_to_forget_is_missed_no_more_until_it_is_heard() {
    let mut bench = Bench::new();
    let counts = |bench: &mut Bench| {
        bench.seconds(1);
        let fleet = bench.fleet.cohorts().fleet();
        (fleet.level(Signal::Devices), fleet.away(), bench.fleet.suppressed())
    };
    for n in 0..3 {
        bench.status(&format!("d{n}"), n != 1, 1, &[]);
    }
    bench.say("nobody", false, &[], Body::Cleared);
    bench.say("d1", false, &[], Body::Cleared);
    bench.say("d1", false, &[], Body::Cleared);
    bench.say("d2", false, &[], Body::Cleared);
    assert_eq!(counts(&mut bench), (1, 0, 2));
    // What the broker still has of it is no sign of life.
    bench.say("d1", true, &[], Body::ConfigReported { request_id: Text::EMPTY });
    assert_eq!(counts(&mut bench), (1, 0, 2));
    // One that is still there is soon heard, whatever it says.
    bench.error("d2");
    assert_eq!(counts(&mut bench), (2, 0, 1));
    bench.status("d1", true, 2, &[]);
    assert_eq!(counts(&mut bench), (3, 0, 0));
    // In maintenance it stays, whatever the broker forgets.
    bench.status("d1", false, 2, &[]);
    bench.say("d1", true, &[], Body::Suppressed(true));
    bench.say("d1", false, &[], Body::Cleared);
    bench.status("d1", true, 3, &[]);
    assert_eq!(counts(&mut bench), (2, 0, 1));
}

#[test]
fn names_that_were_heard_once_and_never_again_are_not_counted() {
    let mut bench = Bench::new();
    let counts = |bench: &Bench| {
        let fleet = bench.fleet.cohorts().fleet();
        (fleet.level(Signal::Devices), fleet.level(Signal::Online), fleet.away(), bench.fleet.strangers())
    };
    (0..5).for_each(|n| bench.status(&format!("d{n}"), true, 1, &[]));
    (0..100).for_each(|n| bench.measure(&format!("made-up-{n}"), &[("temp_c", 20.0)]));
    // What speaks of its update alone is no stranger.
    bench.ota("updater", 1, OtaState::Queued);
    bench.seconds(1);
    assert_eq!(counts(&bench), (106, 106, 0, 0));
    bench.seconds(320);
    assert_eq!(counts(&bench), (6, 5, 0, 100));
    bench.measure("made-up-7", &[("temp_c", 20.0)]);
    bench.seconds(1);
    assert_eq!(counts(&bench), (7, 6, 0, 99), "from the second time on it is one of them");
    bench.seconds(320);
    assert_eq!(counts(&bench), (7, 5, 1, 99));
    bench.say("made-up-8", true, &[], Body::Suppressed(true));
    assert_eq!((counts(&bench).3, bench.fleet.suppressed()), (98, 1));
}

proptest! {
    /// Whatever devices do, the cohorts of any attribute add up to the fleet.
    #[test]
    fn cohorts_of_an_attribute_add_up_to_the_fleet(
        moves in proptest::collection::vec((0u8..20, 0u8..4, 0u8..3, any::<bool>(), 0i64..3, 0u8..8), 1..200)
    ) {
        let mut bench = Bench::new();
        for (device, firmware, region, online, wait, more) in moves {
            let firmware = format!("fw-{firmware}");
            let region = format!("r-{region}");
            bench.status(&format!("d{device}"), online, 1, &[("firmware", &firmware), ("region", &region)]);
            let device = format!("d{device}");
            match more {
                0 => bench.error(&device),
                1 | 2 => drop(bench.say(&device, false, &[], Body::Suppressed(more == 1))),
                3 => drop(bench.ota(&device, 1, OtaState::Rebooting)),
                4 => drop(bench.say(&device, false, &[], Body::Cleared)),
                _ => {}
            }
            bench.seconds(wait);
        }
        bench.seconds(1);
        let fleet = bench.fleet.cohorts().fleet();
        for grouping in [Grouping::One(AttributeIx(0)), Grouping::One(AttributeIx(4)), FleetSettings::default().pairs[1]] {
            let cohorts: Vec<_> = bench.fleet.cohorts().iter().filter(|c| c.key.grouping == grouping).collect();
            for symptom in crate::domain::symptom::Symptom::ALL {
                let sum: u32 = cohorts.iter().map(|c| c.shown()[symptom as usize]).sum();
                prop_assert_eq!(sum, fleet.shown()[symptom as usize], "{:?}", symptom);
            }
            for signal in Signal::ALL {
                let sum: u64 = cohorts.iter().map(|c| u64::from(c.level(signal))).sum();
                prop_assert_eq!(sum, u64::from(fleet.level(signal)), "{}", signal);
                let history: f64 = cohorts.iter().map(|c| c.series(signal).sum(30)).sum();
                if signal.kind() == crate::domain::signal::SignalKind::Count {
                    prop_assert_eq!(history, fleet.series(signal).sum(30), "{}", signal);
                }
            }
        }
    }
}
