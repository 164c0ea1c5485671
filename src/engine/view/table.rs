//! The cohort table: cohorts side by side, what needs a look first, and what the room is about before that.

use hashbrown::HashMap;

use super::rate;
use crate::domain::cohort::CohortKey;
use crate::domain::signal::Signal;
use crate::engine::State;
use crate::engine::snapshot::{CohortRow, CohortTable};
use crate::fleet::Fleet;
use crate::fleet::attributes::ValueIx;
use crate::fleet::cohorts::{Cohort, Grouping, Key};
use crate::fleet::devices::Flag;
use crate::fleet::filter::Sieve;
use crate::limits;

/// Seconds over which rates are averaged: long enough not to jump, short enough to be now.
const RATE_S: usize = 10;
/// Seconds that the change and the trend in the table reach back.
const TABLE_S: usize = 600;
/// Below this share online a cohort stands among those that need a look.
const LOW: f64 = 0.95;
/// Points of a trend.
const TREND: usize = 40;

/// The table that the lens asks for. Where cohorts have a history it is shown; behind a filter that cuts through
/// them there is only the present.
pub(super) fn table(state: &State) -> CohortTable {
    let fleet = &state.fleet;
    let attributes: Vec<_> = state.lens.group_by.iter().filter_map(|name| fleet.schema().find(name)).collect();
    let Some(grouping) = Grouping::by(&attributes) else { return CohortTable::default() };
    let sieve = Sieve::new(&state.lens.filter, fleet);
    let mut rows: Vec<CohortRow> = if state.lens.filter.is_empty() {
        let followed = fleet.cohorts().iter().filter(|cohort| cohort.key.grouping == grouping);
        followed.filter(|cohort| cohort.level(Signal::Devices) > 0).map(|cohort| row(state, cohort)).collect()
    } else {
        filtered(fleet, grouping, &sieve)
            .into_iter()
            .map(|(values, (devices, online))| bare_row(fleet.cohort_key(&Key { grouping, values }), devices, online))
            .collect()
    };
    for row in &mut rows {
        row.alert = state.room.open_alerts().find(|alert| alert.finding.cohort == row.key).map(|alert| alert.id);
    }
    let pinned = pinned(state, &mut rows);
    let total = rows.len() + usize::from(pinned.is_some());
    let order = |row: &CohortRow| {
        let low = row.share() < LOW;
        let offline = row.devices - row.online.min(row.devices);
        // What is well stands in the order of its name; what is not, by magnitude rather than by number, so that rows do
        // not jump about.
        (row.alert.is_none(), !low, std::cmp::Reverse(if low { offline.checked_ilog2().unwrap_or(0) } else { 0 }))
    };
    rows.sort_by(|a, b| order(a).cmp(&order(b)).then_with(|| a.key.pairs().cmp(&b.key.pairs())));
    rows.splice(0..0, pinned);
    rows.truncate(limits::TABLE_ROWS);
    CohortTable { rows, total }
}

/// The row of the cohort that the room is about, taken out of the others where it is among them: it stands first, whatever
/// the table is grouped by. None where the filter leaves nothing of it.
fn pinned(state: &State, rows: &mut Vec<CohortRow>) -> Option<CohortRow> {
    let key = state.lens.pinned.as_ref()?;
    let known = rows.iter().position(|row| row.key == *key).map(|at| rows.remove(at));
    let row = match (known, state.fleet.cohort(key)) {
        (Some(row), _) => row,
        (None, Some(cohort)) if state.lens.filter.is_empty() => row(state, cohort),
        (None, _) => counted(state, key),
    };
    let alert = state.room.open_alerts().find(|alert| alert.finding.cohort == *key).map(|alert| alert.id);
    (row.devices > 0).then_some(CohortRow { pinned: true, alert, ..row })
}

/// A cohort that nobody follows, or of which only a part passes the filter: what can be counted now.
fn counted(state: &State, key: &CohortKey) -> CohortRow {
    let fleet = &state.fleet;
    let (sieve, within) = (Sieve::new(&state.lens.filter, fleet), super::narrowed(fleet, key));
    let passing = fleet
        .devices()
        .iter()
        .filter(|(ix, device)| within.passes(fleet, *ix, device) && sieve.passes(fleet, *ix, device));
    let (devices, online) =
        passing.fold((0, 0), |(all, online), (_, device)| (all + 1, online + u32::from(device.has(Flag::Online))));
    bare_row(key.clone(), devices, online)
}

/// Devices and those online, by cohort, of what passes the filter.
fn filtered(fleet: &Fleet, grouping: Grouping, sieve: &Sieve) -> HashMap<[ValueIx; 2], (u32, u32)> {
    let mut sums: HashMap<[ValueIx; 2], (u32, u32)> = HashMap::new();
    if sieve.is_by_group() {
        for (_, group) in fleet.groups().iter().filter(|(_, group)| sieve.passes_group(&group.vector)) {
            let sum = sums.entry(grouping.values(&group.vector)).or_default();
            sum.0 += group.now[Signal::Devices as usize];
            sum.1 += group.now[Signal::Online as usize];
        }
    } else {
        for (_, device) in fleet.devices().iter().filter(|(ix, device)| sieve.passes(fleet, *ix, device)) {
            let sum = sums.entry(grouping.values(fleet.vector(device.group))).or_default();
            sum.0 += 1;
            sum.1 += u32::from(device.has(Flag::Online));
        }
    }
    sums
}

fn bare_row(key: CohortKey, devices: u32, online: u32) -> CohortRow {
    let trend = Vec::new();
    CohortRow {
        key,
        devices,
        online,
        change: None,
        errors: None,
        messages: None,
        reboots: None,
        trend,
        alert: None,
        pinned: false,
    }
}

fn row(state: &State, cohort: &Cohort) -> CohortRow {
    let (devices, online) = (cohort.level(Signal::Devices), cohort.level(Signal::Online));
    let history = cohort.series(Signal::Online).seconds();
    let now = cohort.online_share();
    let then = history.checked_sub(1).and_then(|oldest| cohort.online_share_back(TABLE_S.min(oldest)));
    let trend = (0..TREND).rev().map(|n| cohort.online_share_back(n * TABLE_S / TREND).map(|share| share as f32));
    CohortRow {
        change: now.zip(then).map(|(now, then)| (now - then) * 100.0),
        errors: rate(cohort, Signal::Errors, RATE_S),
        messages: rate(cohort, Signal::Messages, RATE_S),
        reboots: Some(cohort.series(Signal::Reboots).sum(TABLE_S).round() as u64),
        trend: trend.collect(),
        ..bare_row(state.fleet.cohort_key(&cohort.key), devices, online)
    }
}
