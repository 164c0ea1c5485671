//! Gaps: what a game day has shown that is to be mended before the next one.

use std::collections::BTreeMap;

use super::{GameDay, score};
use crate::domain::drill::{Gap, PlantedScore, Scorecard};
use crate::domain::runbook::Runbook;
use crate::domain::time::At;
use crate::engine::room::Room;

/// Days after which a runbook counts as stale: a quarter.
const STALE_DAYS: i64 = 92;
/// Milliseconds that a switch may take until its effect is seen.
const SLOW_MS: i64 = 120_000;

/// The gaps of a game day. One that an earlier game day had left open is counted on.
pub fn find(room: &Room, day: &GameDay, card: &Scorecard, at: At) -> Vec<Gap> {
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    let mut gap = |kind: String, text: String| {
        found.entry(format!("{}/{kind}", day.plan.scenario)).or_insert(text);
    };
    for planted in &card.planted {
        measures(planted, &mut gap);
        runbook(room, planted, at, &mut gap);
        switch(planted, card, &mut gap);
    }
    if !card.false_alarms.is_empty() {
        let n = card.false_alarms.len();
        gap(
            "noisy-alerts".into(),
            format!("alerting is noisy: {n} alarms about nothing, such as {}", card.false_alarms[0]),
        );
    }
    if let [first, ..] = &card.missed_updates[..] {
        gap("missed-updates".into(), format!("audiences waited for word longer than was promised: {first}"));
    }
    for pulled in &card.switches {
        let name = format!("{} {}", pulled.switch, pulled.target);
        if !pulled.effective {
            gap(format!("switch-failed/{}", pulled.switch), format!("{name} did not work: {}", pulled.state));
        } else if let Some(ms) = pulled.ended_ms.filter(|ms| *ms > SLOW_MS) {
            gap(
                format!("switch-slow/{}", pulled.switch),
                format!("{name} took {} s until its effect was seen", ms / 1000),
            );
        }
    }
    let count_on = |(key, text): (String, String)| {
        let before = day.plan.carried.iter().find(|gap| gap.key == key).cloned().unwrap_or_default();
        Gap { key, text, times: before.times + 1, ..before }
    };
    found.into_iter().map(count_on).collect()
}

fn name(planted: &PlantedScore) -> String {
    planted.expected.kind.map_or_else(|| "the incident".into(), |kind| kind.to_string())
}

fn measures(planted: &PlantedScore, gap: &mut impl FnMut(String, String)) {
    let what = name(planted);
    for measure in planted.measures.iter().filter(|measure| measure.is_missed()) {
        let (was, expected) = (&measure.was, &measure.expected);
        let text = match measure.what.as_str() {
            score::DETECT => format!("alerting is late: {what} was noticed after {was}, expected {expected}"),
            score::ACKNOWLEDGE => format!("nobody took the alert in time: {was}, expected {expected}"),
            score::CONTAIN => format!("{what} was not contained in time: {was}, expected {expected}"),
            score::UPDATE => format!("people outside were not told in time: {was}, expected {expected}"),
            score::MITIGATE => format!("service was not restored in time: {was}, expected {expected}"),
            other => format!("the {other} was wrong: {was}; it was {expected}"),
        };
        gap(format!("{}/{}", measure.what.replace(' ', "-"), what.replace(' ', "-")), text);
    }
}

fn runbook(room: &Room, planted: &PlantedScore, at: At, gap: &mut impl FnMut(String, String)) {
    let Some(incident) = room.incidents.values().find(|incident| Some(incident.id.to_string()) == planted.incident)
    else {
        return;
    };
    let what = name(planted);
    let Some(run) = &incident.runbook else {
        return gap(format!("runbook-missing/{}", what.replace(' ', "-")), format!("there is no runbook for {what}"));
    };
    if is_stale(&run.runbook, at) {
        let Runbook { id, reviewed, .. } = &run.runbook;
        gap(format!("runbook-stale/{id}"), format!("the runbook {id} was reviewed last on {reviewed}"));
    }
    let (done, all) = run.progress();
    if done * 2 < all && !has_time(planted, score::MITIGATE) {
        gap(
            format!("runbook-unused/{}", run.runbook.id),
            format!("of the runbook {} {done} of {all} steps were dealt with", run.runbook.id),
        );
    }
}

/// Whether there was still time for a measure when the day was ended; where it is not expected, for any.
fn has_time(planted: &PlantedScore, what: &str) -> bool {
    let own = planted.measures.iter().find(|measure| measure.what == what);
    own.map_or_else(|| planted.measures.iter().any(|measure| measure.pending), |measure| measure.pending)
}

fn is_stale(runbook: &Runbook, at: At) -> bool {
    let reviewed = format!("{}T00:00:00Z", runbook.reviewed).parse::<At>();
    reviewed.is_ok_and(|reviewed| at.since_s(reviewed) > STALE_DAYS * 86_400)
}

/// The switch that contains it was not even pulled.
fn switch(planted: &PlantedScore, card: &Scorecard, gap: &mut impl FnMut(String, String)) {
    let Some(switch) = &planted.expected.switch else { return };
    let label = crate::domain::switch::SwitchId(switch.clone());
    let is_pulled = card.switches.iter().any(|pulled| pulled.switch == label.label());
    if !is_pulled && !has_time(planted, score::CONTAIN) {
        gap(format!("switch-untested/{switch}"), format!("nobody pulled {}: it is untested", label.label()));
    }
}
