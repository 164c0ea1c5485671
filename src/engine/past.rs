//! The room as it was: a snapshot of a moment that has passed, made from the record and the history.
//!
//! Everything on the record is exactly as it was then. Of the fleet there is what the history kept: cohorts, not single
//! devices, and not by every filter.

use std::sync::Arc;

use super::snapshot::{AlertNow, Chart, CohortRow, CohortTable, Past, Snapshot};
use super::{Settings, State};
use crate::domain::cohort::CohortKey;
use crate::domain::event::Record;
use crate::domain::ids::IncidentId;
use crate::domain::input::LinkChange;
use crate::domain::lens::Lens;
use crate::domain::rollup::{Rollup, RollupRow};
use crate::domain::signal::{Signal, SignalKind};
use crate::domain::time::At;

/// Seconds before the onset and after the end of an incident that can be looked at with it.
const AROUND_S: i64 = 900;
/// What is older than this is not what was on the screen then.
const STALE_S: i64 = 150;
/// Points of a chart and of a trend, and what they reach back to in the table; as in the live room.
const CHART: u32 = 300;
const TREND: i64 = 40;
const TABLE_S: i64 = 600;

/// The times that can be looked at with an incident: from shortly before its onset to shortly after its end, or now.
/// Without an incident, the last day.
pub fn window(records: &[Record], incident: Option<IncidentId>, now: At) -> (At, At) {
    let mut room = super::room::Room::default();
    records.iter().for_each(|record| room.apply(record));
    let Some(incident) = incident.and_then(|id| room.incidents.get(&id)) else {
        return (now.plus_s(-86_400), now);
    };
    let onset = incident.moments.onset.unwrap_or(incident.declared).min(incident.declared);
    let end = incident.moments.resolved.filter(|_| !incident.is_open());
    (onset.plus_s(-AROUND_S), end.map_or(now, |end| end.plus_s(AROUND_S).min(now)))
}

/// How far back rollups are needed for a picture of a moment.
pub fn reach(lens: &Lens) -> i64 {
    i64::from(lens.span_s).max(TABLE_S) + STALE_S
}

/// The room at `at`, by the records and rollups up to then; later ones are passed over. `window` is what can be reached
/// from here.
pub fn snapshot(
    settings: Settings,
    records: &[Record],
    rollups: &[Rollup],
    lens: &Lens,
    at: At,
    window: (At, At),
) -> Snapshot {
    let mut state = State::replay(settings, records.iter().filter(|record| record.at <= at), at);
    state.lens = lens.clone();
    let known: Vec<&Rollup> = rollups.iter().filter(|rollup| rollup.at <= at).collect();
    let last = known.last().copied().filter(|rollup| at.since_s(rollup.at) <= STALE_S);
    let heard = last.is_some_and(|rollup| rollup.listening);
    state.link.state = if heard {
        LinkChange::Up
    } else {
        LinkChange::Down { reason: "of this time nothing was kept, or nobody listened".into(), retry_ms: 0 }
    };
    state.link.last_message = known.last().map(|rollup| rollup.at);
    let mut snapshot = Snapshot::of(&state, at);
    if let Some(fleet) = last.and_then(|rollup| Some((rollup, rollup.row(&CohortKey::default())?))) {
        let (rollup, row) = fleet;
        snapshot.totals.devices = row.get(Signal::Devices);
        snapshot.totals.online = row.get(Signal::Online);
        snapshot.totals.rate = f64::from(row.get(Signal::Messages)) / f64::from(rollup.step_s.max(1));
    }
    snapshot.table = table(&known, last, lens, &snapshot);
    snapshot.chart = chart(&known, lens, at, &snapshot);
    for alert in snapshot.alerts.iter().filter(|alert| alert.is_open()) {
        if let Some(row) = last.and_then(|rollup| rollup.row(&alert.finding.cohort)) {
            let (online, devices) = (row.get(Signal::Online), row.get(Signal::Devices));
            snapshot.alerts_now.insert(alert.id, AlertNow { online, devices, affected: None });
        }
    }
    let verdicts = snapshot.incidents.values().filter(|incident| incident.is_open());
    snapshot.verdicts = verdicts.filter_map(|incident| Some((incident.id, incident.verdict.clone()?))).collect();
    // What was proven then and what was not stands in the timeline; nothing is asked of anybody here.
    snapshot.actuations.values_mut().for_each(|view| view.provable = true);
    let (from, to) = window;
    let mut room = super::room::Room::default();
    records.iter().filter(|record| record.at <= to).for_each(|record| room.apply(record));
    let marks = room.timeline.iter().filter(|entry| entry.at >= from && entry.at <= to);
    let marks = marks.filter_map(|entry| Some((entry.at, entry.mark.clone()?))).collect();
    snapshot.past = Some(Arc::new(Past { from, to, marks }));
    snapshot
}

/// The rollup that covers a moment.
fn covering<'a>(rollups: &[&'a Rollup], at: At) -> Option<&'a Rollup> {
    let n = rollups.partition_point(|rollup| rollup.at < at);
    rollups.get(n).copied().filter(|rollup| rollup.from() < at).or_else(|| {
        let before = rollups.get(n.checked_sub(1)?).copied()?;
        // The running step has not ended: the last one stands for it.
        (at.since_s(before.at) <= i64::from(before.step_s)).then_some(before)
    })
}

fn share(rollups: &[&Rollup], key: &CohortKey, at: At) -> Option<f64> {
    covering(rollups, at).filter(|rollup| rollup.listening)?.row(key)?.online_share()
}

fn table(rollups: &[&Rollup], last: Option<&Rollup>, lens: &Lens, snapshot: &Snapshot) -> CohortTable {
    let Some(last) = last else { return CohortTable::default() };
    let grouped = |row: &&RollupRow| {
        row.get(Signal::Devices) > 0
            && row.cohort.0.len() == lens.group_by.len()
            && lens.group_by.iter().all(|name| row.cohort.get(name).is_some())
    };
    let recent: Vec<&Rollup> =
        rollups.iter().filter(|rollup| last.at.since_s(rollup.from()) <= TABLE_S).copied().collect();
    let row = |row: &RollupRow| {
        let now = row.online_share();
        let then = recent.first().and_then(|rollup| share(rollups, &row.cohort, rollup.at));
        let seconds = f64::from(last.step_s.max(1));
        let reboots = recent.iter().filter_map(|rollup| rollup.row(&row.cohort));
        let trend = (0..TREND)
            .rev()
            .map(|n| share(rollups, &row.cohort, last.at.plus_s(-n * TABLE_S / TREND)).map(|share| share as f32));
        CohortRow {
            devices: row.get(Signal::Devices),
            online: row.get(Signal::Online),
            change: now.zip(then).map(|(now, then)| (now - then) * 100.0),
            errors: Some(f64::from(row.get(Signal::Errors)) / seconds),
            messages: Some(f64::from(row.get(Signal::Messages)) / seconds),
            reboots: Some(reboots.map(|row| u64::from(row.get(Signal::Reboots))).sum()),
            trend: trend.collect(),
            alert: snapshot
                .alerts
                .iter()
                .find(|alert| alert.is_open() && alert.finding.cohort == row.cohort)
                .map(|alert| alert.id),
            pinned: lens.pinned.as_ref() == Some(&row.cohort),
            key: row.cohort.clone(),
        }
    };
    let shown =
        |row: &&RollupRow| grouped(row) || (row.get(Signal::Devices) > 0 && lens.pinned.as_ref() == Some(&row.cohort));
    let mut rows: Vec<CohortRow> = last.rows.iter().filter(shown).map(row).collect();
    // As in the live room: what is in trouble first, what is well by its name.
    rows.sort_by(|a, b| {
        let trouble = |row: &CohortRow| (!row.pinned, row.alert.is_none(), row.share() >= 0.95);
        trouble(a).cmp(&trouble(b)).then_with(|| a.key.pairs().cmp(&b.key.pairs()))
    });
    let total = rows.len();
    CohortTable { rows, total }
}

fn chart(rollups: &[&Rollup], lens: &Lens, at: At, snapshot: &Snapshot) -> Chart {
    let cohort = lens.cohort.clone().unwrap_or_default();
    let step_s = (lens.span_s / CHART).max(1);
    let end = At::from_ms(at.second() * 1000);
    let value = |back_s: i64| -> Option<f32> {
        let rollup = covering(rollups, end.plus_s(-back_s)).filter(|rollup| rollup.listening)?;
        let row = rollup.row(&cohort)?;
        Some(match (lens.signal, lens.signal.kind()) {
            (Signal::Online, _) => (row.online_share()? * 100.0) as f32,
            (signal, _) if !Signal::ALL.contains(&signal) => return None,
            (signal, SignalKind::Level) => row.get(signal) as f32,
            (signal, SignalKind::Count) => row.get(signal) as f32 / rollup.step_s.max(1) as f32,
        })
    };
    let points = (0..lens.span_s / step_s).rev().map(|n| value(i64::from(n * step_s))).collect();
    let marks = snapshot.timeline.iter().rev().filter_map(|entry| {
        let back = at.since_s(entry.at);
        (back < i64::from(lens.span_s)).then(|| entry.mark.clone().map(|mark| (back as u32, mark)))
    });
    let marks = marks.flatten().take(64).collect();
    Chart { cohort, signal: Some(lens.signal), end, step_s, points, marks }
}
