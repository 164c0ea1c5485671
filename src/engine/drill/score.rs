//! The score of a game day: what was planted, held against what the room and the people made of it.

use crate::domain::alert::Alert;
use crate::domain::cohort::CohortKey;
use crate::domain::drill::{Expectation, Measure, PlantedScore, Scorecard, SwitchScore};
use crate::domain::incident::Incident;
use crate::domain::switch::Actuation;
use crate::domain::switch::plan::Kind;
use crate::domain::time::At;
use crate::domain::update::Audience;
use crate::engine::drill::GameDay;
use crate::engine::room::Room;

/// Seconds by which something may be noticed before the scenario says that it can be.
const EARLY_S: i64 = 60;

/// What the measures are called.
pub const DETECT: &str = "detect";
pub const ACKNOWLEDGE: &str = "acknowledge";
pub const CONTAIN: &str = "contain";
pub const UPDATE: &str = "first update";
pub const MITIGATE: &str = "mitigate";
pub const TYPE: &str = "type";
pub const SUSPECT: &str = "suspect";
pub const ORIGIN: &str = "fault of";

/// The score as it stands at a moment.
pub fn score(room: &Room, day: &GameDay, at: At) -> Scorecard {
    let planted: Vec<PlantedScore> = day.plan.expect.iter().map(|expected| of(room, day, expected, at)).collect();
    let false_alarms: Vec<String> = room
        .alerts
        .values()
        .filter(|alert| !is_improvised(day, alert) && !day.plan.expect.iter().any(|e| is_about(room, day, e, alert)))
        .map(|alert| format!("{} {} · {}", alert.id, alert.finding.cohort, alert.finding.evidence))
        .collect();
    let count = |which: fn(&Measure) -> bool| {
        planted.iter().flat_map(|planted| &planted.measures).filter(|measure| which(measure)).count() as u32
    };
    // That nothing else was called an alarm is measured too.
    let met = count(|measure| measure.met) + u32::from(false_alarms.is_empty());
    let (measures, pending) = (count(|measure| !measure.pending) + 1, count(|measure| measure.pending));
    let missed_updates = missed_updates(room);
    let switches = room.actuations.values().filter(|pulled| pulled.requested <= at).map(switch).collect();
    Scorecard { planted, false_alarms, missed_updates, switches, met, measures, pending }
}

fn onset(day: &GameDay, expected: &Expectation) -> At {
    day.began.plus_s(expected.onset_s.into())
}

/// Whether an alert may be about what was planted.
fn is_about(room: &Room, day: &GameDay, expected: &Expectation, alert: &Alert) -> bool {
    let cohort = bare(&alert.finding.cohort);
    let related = |suspect: &CohortKey| {
        // Devices that were sent back show what is left of it under the firmware that they went back to.
        let mut sent_back = room.actuations.values().filter(|pulled| pulled.kind == Kind::Rollback);
        let back = sent_back.any(|pulled| pulled.requested <= alert.at).then(|| {
            let (mut suspect, mut cohort) = (suspect.clone(), cohort.clone());
            suspect.0.remove("firmware");
            cohort.0.remove("firmware");
            !suspect.is_fleet() && cohort.is_related(&suspect)
        });
        cohort.is_related(suspect) || back == Some(true)
    };
    expected.suspect.as_ref().is_none_or(related) && alert.at >= onset(day, expected).plus_s(-EARLY_S)
}

/// Whether an alert may be about what the facilitator has thought of.
fn is_improvised(day: &GameDay, alert: &Alert) -> bool {
    day.planted.iter().any(|(at, fault)| alert.at >= *at && bare(&alert.finding.cohort).is_related(&fault.cohort))
}

/// A cohort without its wave: the devices of a wave are named by their firmware.
fn bare(cohort: &CohortKey) -> CohortKey {
    let mut cohort = cohort.clone();
    cohort.0.remove("wave");
    cohort
}

/// The incident that was made of what was planted: the one of the right type first, then the one with the right devices.
fn incident<'r>(room: &'r Room, day: &GameDay, expected: &Expectation, alerts: &[&Alert]) -> Option<&'r Incident> {
    let by_hand = |incident: &&Incident| {
        let related = expected.suspect.as_ref().is_none_or(|suspect| bare(&incident.cohort).is_related(suspect));
        incident.alerts.is_empty() && related && incident.declared >= onset(day, expected).plus_s(-EARLY_S)
    };
    let own =
        |incident: &&Incident| alerts.iter().any(|alert| incident.alerts.contains(&alert.id)) || by_hand(incident);
    room.incidents.values().filter(own).max_by_key(|incident| {
        let kind = expected.kind.is_none_or(|kind| kind == incident.kind);
        let cohort = expected.suspect.as_ref().is_none_or(|suspect| *suspect == bare(&incident.cohort));
        (kind, cohort, std::cmp::Reverse(incident.id))
    })
}

fn of(room: &Room, day: &GameDay, expected: &Expectation, at: At) -> PlantedScore {
    let onset = onset(day, expected);
    let alerts: Vec<&Alert> = room.alerts.values().filter(|alert| is_about(room, day, expected, alert)).collect();
    let first = alerts.iter().min_by_key(|alert| alert.at);
    let incident = incident(room, day, expected, &alerts);
    let noticed = first.map(|alert| alert.at).or_else(|| incident.map(|incident| incident.declared));
    let to_notice = noticed.unwrap_or_else(|| onset.plus_s(expected.detect_s.unwrap_or_default().into()));
    let to_declare = to_notice.plus_s(expected.acknowledge_s.unwrap_or_default().into());
    let is_pending = |until: At| at < until;
    let mut measures = Vec::new();
    let mut time = |what: &str, within: Option<u32>, from: At, to: Option<At>| {
        let Some(within_s) = within else { return };
        let seconds = to.map(|to| to.since_ms(from).max(0) / 1000);
        let pending = seconds.is_none() && is_pending(from.plus_s(within_s.into()));
        let none = if pending { Measure::NOT_YET } else { Measure::NEVER };
        measures.push(Measure {
            what: what.to_owned(),
            expected: format!("within {within_s} s"),
            was: seconds.map_or_else(|| none.to_owned(), |s| format!("{s} s")),
            seconds,
            met: seconds.is_some_and(|s| s <= i64::from(within_s)),
            pending,
        });
    };
    let taken = alerts.iter().filter_map(|alert| alert.acknowledged.as_ref().map(|(at, _)| *at));
    let taken = taken.chain(incident.and_then(|incident| incident.moments.acknowledged)).min();
    time(DETECT, expected.detect_s, onset, noticed);
    time(ACKNOWLEDGE, expected.acknowledge_s, to_notice, taken);
    time(CONTAIN, expected.contain_s, onset, contained(room, expected, incident, onset));
    time(UPDATE, expected.update_s, to_notice, incident.and_then(first_update));
    time(MITIGATE, expected.mitigate_s, onset, incident.and_then(|incident| incident.moments.mitigated));
    let mut said = |what: &str, expected: Option<String>, was: Option<String>| {
        let Some(expected) = expected else { return };
        let met = was.as_ref() == Some(&expected);
        let pending = was.is_none() && is_pending(to_declare);
        let none = if pending { Measure::NOT_YET } else { Measure::NOBODY };
        let was = was.unwrap_or_else(|| none.to_owned());
        measures.push(Measure { what: what.to_owned(), expected, was, seconds: None, met, pending });
    };
    said(TYPE, expected.kind.map(|kind| kind.to_string()), incident.map(|incident| incident.kind.to_string()));
    let suspect = expected.suspect.as_ref().map(CohortKey::sentence);
    said(SUSPECT, suspect, incident.map(|incident| bare(&incident.cohort).sentence()));
    said(ORIGIN, expected.origin.map(|o| o.to_string()), incident.map(|incident| incident.origin.to_string()));
    let runbook = incident.and_then(|incident| incident.runbook.as_ref()).map(|run| {
        let (done, all) = run.progress();
        (run.runbook.id.clone(), done as u32, all as u32)
    });
    PlantedScore { expected: expected.clone(), incident: incident.map(|i| i.id.to_string()), measures, runbook }
}

/// When the first switch that contains it was seen to work.
fn contained(room: &Room, expected: &Expectation, incident: Option<&Incident>, onset: At) -> Option<At> {
    let own = |pulled: &&Actuation| {
        let named = expected.switch.as_ref().is_none_or(|switch| *switch == pulled.switch.0);
        let meant =
            incident.is_some_and(|incident| incident.actuations.contains(&pulled.id)) || pulled.requested >= onset;
        named && meant && pulled.is_effective()
    };
    room.actuations.values().filter(own).filter_map(|pulled| pulled.ended).min()
}

/// When somebody outside of the room was first told.
fn first_update(incident: &Incident) -> Option<At> {
    Audience::ALL.into_iter().flat_map(|audience| incident.updates.told(audience)).map(|(_, at)| at).min()
}

/// Updates that were overdue, incident by incident.
fn missed_updates(room: &Room) -> Vec<String> {
    let told = |incident: &Incident| {
        let missed = incident.updates.missed.clone();
        let id = incident.id;
        missed.into_iter().map(move |(audience, n)| format!("{id} · {audience}: overdue {n}×"))
    };
    room.incidents.values().flat_map(told).collect()
}

fn switch(pulled: &Actuation) -> SwitchScore {
    SwitchScore {
        switch: pulled.switch.label().to_owned(),
        target: pulled.preview.campaign.clone(),
        state: pulled.state.words(),
        accepted_ms: pulled.after_ms(pulled.accepted),
        ended_ms: pulled.after_ms(pulled.ended),
        effective: pulled.is_effective(),
    }
}
