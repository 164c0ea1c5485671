//! Measures what incidents do to the devices they are about, second by second, and writes it down now and then.

use std::collections::BTreeMap;

use super::State;
use crate::domain::cohort::CohortKey;
use crate::domain::event::{Event, LearningEvent};
use crate::domain::ids::IncidentId;
use crate::domain::impact::Impact;
use crate::domain::incident::{Incident, Stage};
use crate::domain::signal::Signal;
use crate::domain::time::At;
use crate::fleet::cohorts::Cohort;

/// Seconds between two measurements on the record, while an incident is young; an old one is written down less often.
const EVERY_S: i64 = 900;

/// The measurements under way. What is on the record is where they begin after a restart.
#[derive(Debug, Default)]
pub struct Impacts(BTreeMap<IncidentId, Measuring>);

#[derive(Debug)]
struct Measuring {
    cohort: CohortKey,
    impact: Impact,
    /// Parts of events that are not whole yet: a coarse history spreads those of a minute over its seconds.
    parts: [f64; 4],
    /// When it was last written down, and the stage then.
    told: At,
    stage: Stage,
}

impl Impacts {
    /// What is measured of an incident just now.
    pub fn of(&self, incident: &Incident) -> Option<Impact> {
        self.0.get(&incident.id).map(|measuring| measuring.impact).or(incident.learning.impact)
    }
}

/// Measures the seconds that have passed. Returns what is to be written down.
pub(super) fn tick(state: &mut State, at: At) -> Vec<Event> {
    let mut impacts = std::mem::take(&mut state.impacts);
    let mut events = Vec::new();
    for incident in state.room.incidents.values() {
        if !incident.is_open() && !impacts.0.contains_key(&incident.id) {
            continue;
        }
        let fresh = impacts.0.get(&incident.id).is_none_or(|measuring| measuring.cohort != incident.cohort);
        if fresh {
            let resumes = !impacts.0.contains_key(&incident.id);
            impacts.0.insert(incident.id, begin(incident, resumes, at));
        }
        let Some(measuring) = impacts.0.get_mut(&incident.id) else { continue };
        measuring.measure(state, at);
        let impact = &mut measuring.impact;
        // Who is sent back leaves the cohort, or is excused, before it is well.
        let missed = state.facts.of(incident.id).map_or(0, |known| known.remaining.away);
        impact.away = impact.away.max(missed);
        let every = (at.since_s(incident.declared) / 24).max(EVERY_S);
        if measuring.stage != incident.stage() || at.since_s(measuring.told) >= every {
            (measuring.told, measuring.stage) = (at, incident.stage());
            let impact = measuring.impact;
            if impact.measured_s > 0 {
                events.push(Event::Learning(LearningEvent::ImpactMeasured { incident: incident.id, impact }));
            }
        }
    }
    impacts.0.retain(|id, _| state.room.incidents.get(id).is_some_and(Incident::is_open));
    state.impacts = impacts;
    events
}

/// Begins with what is on the record where it `resumes` that, and with the onset where it is about other devices now.
fn begin(incident: &Incident, resumes: bool, at: At) -> Measuring {
    let impact = incident.learning.impact.filter(|_| resumes).unwrap_or_else(|| {
        let onset = incident.moments.onset.unwrap_or(incident.declared);
        Impact { until: onset, most_away_at: onset, ..Impact::default() }
    });
    Measuring { cohort: incident.cohort.clone(), impact, parts: [0.0; 4], told: at, stage: incident.stage() }
}

/// Seconds since the last look for which what is so now stands, where there is no history.
const STANDS_S: u64 = 10;

impl Measuring {
    /// Adds the seconds since it was last measured, as far as the fleet still knows them. Of a combination that has no
    /// history, it is only known who is there now.
    fn measure(&mut self, state: &State, at: At) {
        match state.fleet.cohort(&self.cohort) {
            Some(cohort) => self.measure_history(state, cohort, at),
            None => self.measure_now(state, at),
        }
        self.impact.until = At::from_ms(at.second() * 1000);
    }

    fn measure_history(&mut self, state: &State, cohort: &Cohort, at: At) {
        let impact = &mut self.impact;
        // Seconds that have ended: moments between them must not be lost one by one.
        let passed = (at.second() - impact.until.second()).max(0) as usize;
        let known = passed.min(cohort.series(Signal::Devices).seconds());
        for back in (0..known).rev() {
            let second = at.plus_s(-(back as i64));
            if state.link.was_down(second) {
                continue;
            }
            let away = away(cohort, back);
            impact.measured_s += 1;
            impact.away_device_s += u64::from(away);
            if away > impact.most_away {
                (impact.most_away, impact.most_away_at) = (away, second);
            }
        }
        let counts = [
            (Signal::Reconnects, &mut impact.reconnects),
            (Signal::Errors, &mut impact.errors),
            (Signal::Reboots, &mut impact.reboots),
            (Signal::Messages, &mut impact.messages),
        ];
        for ((signal, count), part) in counts.into_iter().zip(&mut self.parts) {
            let sum = *part + cohort.series(signal).sum(known);
            *count += sum as u64;
            *part = sum.fract();
        }
        if known > 0 {
            // A rollback leaves nobody in a cohort of its firmware: how many it was is the most there were.
            (impact.devices, impact.away) = (impact.devices.max(cohort.devices()), away(cohort, 0));
        }
    }

    fn measure_now(&mut self, state: &State, at: At) {
        let impact = &mut self.impact;
        let passed = (at.second() - impact.until.second()).max(0) as u64;
        let Some((devices, away)) = state.fleet.levels(&self.cohort).filter(|_| passed > 0) else { return };
        if state.link.was_down(at) {
            return;
        }
        impact.measured_s += passed.min(STANDS_S);
        impact.away_device_s += passed.min(STANDS_S) * u64::from(away);
        if away > impact.most_away {
            (impact.most_away, impact.most_away_at) = (away, at);
        }
        (impact.devices, impact.away) = (impact.devices.max(devices), away);
    }
}

/// Devices that were neither connected nor excused.
fn away(cohort: &Cohort, back: usize) -> u32 {
    let level = |signal: Signal| cohort.series(signal).back(back).unwrap_or(0);
    level(Signal::Devices).saturating_sub(level(Signal::Online) + level(Signal::Updating))
}
