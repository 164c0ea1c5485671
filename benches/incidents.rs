//! How well the detector finds what was planted: generated incidents of every type, and weeks in which nothing happens.
//!
//! Each incident is a fleet of its own (attributes, weights, noise and fault all from the seed), simulated, encoded,
//! decoded and judged by the program's own core in virtual time.
//!
//!     cargo bench --bench incidents                 # 240 incidents, and three quiet weeks of 10,000 devices
//!     cargo bench --bench incidents -- 1000..1060   # incidents of other seeds
//!     cargo bench --bench incidents -- mild 12000..12060   # regressions that are no outage
//!     cargo bench --bench incidents -- shift 13000..13012  # measured values that move a few sigma, for good
//!     cargo bench --bench incidents -- unsaid 14000..14060 # rollouts that nobody announces, a broker that hangs
//!     cargo bench --bench incidents -- quiet 7      # one quiet week

#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "incidents/cases.rs"]
mod cases;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Mutex;

use cases::{Case, Truth};
use warroom::detect::verdict::Origin;
use warroom::domain::cohort::CohortKey;
use warroom::domain::time::At;
use warroom::drill::scenario::Scenario;
use warroom::drill::world::{Published, World};
use warroom::engine::Settings;
use warroom::fleet::FleetSettings;
use warroom::ingest::Ingest;
use warroom::ingest::capture::{Entry, Recorded};
use warroom::ingest::route::Router;
use warroom::runtime::playback::{Playback, Played};

/// Seeds that nobody looked at while the detector was made.
const SEEDS: Range<u64> = 7_000..7_240;
const MILD_SEEDS: Range<u64> = 17_000..17_060;
const UNSAID_SEEDS: Range<u64> = 19_000..19_060;
const SHIFT_SEEDS: Range<u64> = 18_000..18_024;
const QUIET_DAYS: i64 = 21;
const WEEK_S: i64 = 7 * 86_400;
/// Devices that a fault must have reached before it can be seen at all.
const VISIBLE: usize = 8;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["quiet", days] => quiet(days.parse().unwrap()),
        ["mild", seeds] => incidents(range(seeds), cases::mild),
        ["shift", seeds] => incidents(range(seeds), cases::shift),
        ["unsaid", seeds] => incidents(range(seeds), cases::unsaid),
        [seeds] => incidents(range(seeds), cases::case),
        _ => {
            incidents(SEEDS, cases::case);
            incidents(MILD_SEEDS, cases::mild);
            incidents(SHIFT_SEEDS, cases::shift);
            incidents(UNSAID_SEEDS, cases::unsaid);
            quiet(QUIET_DAYS);
        }
    }
}

/// What came of one incident.
#[derive(Debug, Default)]
struct Outcome {
    family: &'static str,
    seed: u64,
    delay_s: Option<i64>,
    type_right: bool,
    suspect_right: bool,
    verdict_right: bool,
    platform_read_as_device: bool,
    /// Alerts before anything was wrong, or beside what was.
    false_alarms: usize,
    told: String,
}

/// Seconds until an incident should be found, nine times out of ten.
const ASKED_S: i64 = 150;

impl Outcome {
    fn is_as_asked(&self) -> bool {
        let is_right = self.type_right && self.suspect_right && self.verdict_right;
        is_right && self.false_alarms == 0 && self.delay_s.is_none_or(|delay_s| delay_s <= ASKED_S)
    }
}

fn range(seeds: &str) -> Range<u64> {
    let (from, to) = seeds.split_once("..").unwrap();
    from.parse().unwrap()..to.parse().unwrap()
}

fn incidents(seeds: Range<u64>, case: fn(u64) -> Case) {
    let waiting = Mutex::new(seeds);
    let done = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(seed) = { waiting.lock().unwrap().next() } {
                    let outcome = judge(&case(seed));
                    done.lock().unwrap().push(outcome);
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap();
    done.sort_by_key(|outcome| (outcome.family, outcome.seed));
    if std::env::var_os("WARROOM_BENCH_VERBOSE").is_some() {
        for o in done.iter().filter(|o| !o.is_as_asked()) {
            println!("{} {}: {}", o.family, o.seed, o.told);
        }
    }
    let mut families: BTreeMap<&str, Vec<&Outcome>> = BTreeMap::new();
    done.iter().for_each(|outcome| families.entry(outcome.family).or_default().push(outcome));
    println!(
        "{:<28} {:>4} {:>6} {:>6} {:>8} {:>8} {:>7} {:>7} {:>7}",
        "", "n", "found", "type", "suspect", "verdict", "p50 s", "p90 s", "false"
    );
    for (family, outcomes) in &families {
        row(family, outcomes);
    }
    row("all", &done.iter().collect::<Vec<_>>());
    let misread = done.iter().filter(|outcome| outcome.platform_read_as_device).count();
    println!("\nplatform read as device: {misread}");
}

fn row(name: &str, outcomes: &[&Outcome]) {
    let n = outcomes.len();
    let share = |right: &dyn Fn(&Outcome) -> bool| {
        format!("{:.0} %", outcomes.iter().filter(|o| right(o)).count() as f64 * 100.0 / n as f64)
    };
    let mut delays: Vec<i64> = outcomes.iter().filter_map(|o| o.delay_s).collect();
    delays.sort_unstable();
    let at = |q: f64| delays.get((delays.len() as f64 * q) as usize).map_or("–".into(), ToString::to_string);
    let (found, kind) = (share(&|o| o.delay_s.is_some()), share(&|o| o.type_right));
    let (suspect, verdict) = (share(&|o| o.suspect_right), share(&|o| o.verdict_right));
    let false_alarms: usize = outcomes.iter().map(|o| o.false_alarms).sum();
    println!(
        "{name:<28} {n:>4} {found:>6} {kind:>6} {suspect:>8} {verdict:>8} {:>7} {:>7} {false_alarms:>7}",
        at(0.5),
        at(0.9)
    );
}

fn playback() -> Playback {
    let fleet = FleetSettings::default();
    let ingest = Ingest::new(Router::standard("fleet").unwrap(), fleet.schema.clone());
    Playback::new(Settings { fleet, ..Settings::default() }, ingest)
}

fn recorded(published: Published, retained: bool) -> Entry {
    let Published { at, message, .. } = published;
    Entry::Message(Recorded { at, topic: message.topic, payload: message.payload, retained, full_length: None })
}

/// Plays a world for some seconds; `arrives` is shown every message, with its second.
fn play(scenario: Scenario, seed: u64, seconds: i64, mut arrives: impl FnMut(&Published, i64) -> bool) -> Played {
    let start: At = "2026-11-17T09:00:00Z".parse().unwrap();
    let mut world = World::new(scenario, seed, None, start);
    let mut playback = playback();
    for message in world.retained(start) {
        playback.take(&recorded(message, true));
    }
    for second in 1..=seconds {
        for message in world.advance(start.plus_s(second)) {
            if arrives(&message, second) {
                playback.take(&recorded(message, false));
            }
        }
    }
    playback.end()
}

fn judge(case: &Case) -> Outcome {
    let start: At = "2026-11-17T09:00:00Z".parse().unwrap();
    let scenario = Scenario::read(&case.scenario, "generated").unwrap_or_else(|m| panic!("{m}\n{}", case.scenario));
    let mut hit = Vec::new();
    let played = play(scenario, case.seed, case.seconds, |message, second| {
        if hit.len() < VISIBLE && case.shows(message) {
            hit.push(message.at);
        }
        !case.is_unsaid(message, second)
    });
    let onset = match hit.get(VISIBLE - 1) {
        Some(at) if case.spreads => *at,
        _ => start.plus_s(case.at_s),
    };
    let Some(Truth { kind, suspects, origin }) = &case.truth else { return harmless(case, &played) };
    let relevant =
        |cohort: &CohortKey| suspects.is_empty() || suspects.iter().any(|suspect| cohort.is_related(suspect));
    let own: Vec<_> =
        played.alerts.iter().filter(|a| a.at >= onset.plus_s(-60) && relevant(&a.finding.cohort)).collect();
    // Of several causes the first is asked after; each must be found.
    let asked = suspects.first();
    let about = |cohort: &CohortKey| case.spreads || asked.is_none_or(|asked| cohort.is_related(asked));
    let incident = played
        .incidents
        .iter()
        .filter(|(i, _)| own.iter().any(|a| i.alerts.contains(&a.id) && about(&a.finding.cohort)))
        .max_by_key(|(i, s)| (s.first().map_or(0, |s| s.affected), i.alerts.len()));
    let matches = |found: &warroom::detect::suspects::Suspect, truth: &CohortKey| {
        let mut bare = found.cohort.clone();
        if truth.get("wave").is_none() {
            bare.0.remove("wave");
        }
        bare == *truth || found.equivalents.iter().any(|e| e == truth)
    };
    let suspect_right = match incident {
        None => false,
        Some((_, found)) if suspects.is_empty() => found.is_empty(),
        Some(_) if suspects.len() == 1 => {
            incident.is_some_and(|(_, found)| found.first().is_some_and(|f| matches(f, &suspects[0])))
        }
        // Of several causes at once each must be found, in whatever incident.
        Some(_) => suspects
            .iter()
            .all(|truth| played.incidents.iter().flat_map(|(_, found)| found).any(|found| matches(found, truth))),
    };
    let got = incident.map(|(i, _)| i.kind);
    let verdict = incident.map(|(i, _)| i.origin);
    let told = format!(
        "{}s truth {kind:?} {:?} {origin:?}; got {got:?} {verdict:?} {:?}; alerts {:?}",
        onset.since_s(start),
        suspects.iter().map(ToString::to_string).collect::<Vec<_>>(),
        incident
            .map(|(_, s)| s.iter().map(|s| format!("{} {}/{}", s.cohort, s.affected, s.devices)).collect::<Vec<_>>()),
        played
            .alerts
            .iter()
            .map(|a| format!(
                "{}s {} {} {}",
                a.at.since_s(start),
                a.finding.signal,
                a.finding.cohort,
                a.finding.evidence
            ))
            .collect::<Vec<_>>()
    );
    Outcome {
        family: case.family,
        seed: case.seed,
        delay_s: own.iter().map(|a| a.at.since_s(onset)).min(),
        type_right: got == Some(*kind),
        suspect_right,
        verdict_right: verdict == Some(*origin),
        platform_read_as_device: *origin == Origin::Platform && verdict == Some(Origin::Device),
        false_alarms: played.alerts.len() - own.len(),
        told,
    }
}

/// Nothing is the matter, and nothing is to be said.
fn harmless(case: &Case, played: &Played) -> Outcome {
    let is_quiet = played.alerts.is_empty();
    Outcome {
        family: case.family,
        seed: case.seed,
        type_right: is_quiet,
        suspect_right: is_quiet,
        verdict_right: is_quiet,
        false_alarms: played.alerts.len(),
        told: format!(
            "{:?}",
            played.alerts.iter().map(|a| format!("{} {}", a.at, a.finding.evidence)).collect::<Vec<_>>()
        ),
        ..Outcome::default()
    }
}

fn quiet(days: i64) {
    let mut alarms = 0;
    let mut messages = 0;
    let mut left_s = days * 86_400;
    let mut week = 0;
    while left_s > 0 {
        let scenario = Scenario::read(&cases::quiet(week), "quiet").unwrap();
        let played = play(scenario, 900 + week, left_s.min(WEEK_S), |_, _| true);
        for alert in &played.alerts {
            println!("false alarm: {} {} {}", alert.at, alert.finding.cohort, alert.finding.evidence);
        }
        alarms += played.alerts.len();
        messages += played.messages;
        (left_s, week) = (left_s - WEEK_S, week + 1);
    }
    println!("\nquiet: {days} days of 10,000 devices, {messages} messages, {alarms} false alarms");
}
