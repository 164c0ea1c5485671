//! When rollups are made: every minute while nothing is going on, every ten seconds while something is; and for the ten
//! minutes before it, from what the fleet still knows.

use super::State;
use crate::domain::cohort::CohortKey;
use crate::domain::rollup::Rollup;
use crate::domain::time::At;

/// Seconds between rollups while nothing goes on, and while something does.
const QUIET_S: i64 = 60;
const BUSY_S: i64 = 10;
/// How far back it is made up for when something begins.
const BEFORE_S: i64 = 600;
/// So long after its last alert or declaration an incident that is still open no longer counts as going on: one that
/// waits a week for a fix must not fill the history.
const BUSY_FOR_S: i64 = 6 * 3600;

/// What was made so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Keeper {
    /// The end of the last rollup, in seconds.
    last: i64,
    /// Whether it is every ten seconds now.
    busy: bool,
}

/// The rollups that are due.
pub(super) fn tick(state: &mut State, at: At) -> Vec<Rollup> {
    let busy = is_busy(state, at);
    let began = busy && !state.keeper.busy;
    state.keeper.busy = busy;
    let now = at.second();
    let step = if busy { BUSY_S } else { QUIET_S };
    let end = now.div_euclid(step) * step;
    let mut ends: Vec<i64> = Vec::new();
    if began {
        // From the first whole step that the fleet may still know.
        ends.extend((1..=BEFORE_S / BUSY_S).rev().map(|n| end - n * BUSY_S));
    }
    if end > state.keeper.last || began {
        ends.push(end);
        state.keeper.last = end;
    }
    if ends.is_empty() {
        return Vec::new();
    }
    let wanted = wanted(state);
    let listening = |end: i64| !state.link.was_down(At::from_ms(end * 1000 - 1));
    let made =
        ends.into_iter().filter_map(|end| state.fleet.rollup((now - end) as u32, step as u32, &wanted, listening(end)));
    made.collect()
}

fn is_busy(state: &State, at: At) -> bool {
    let room = &state.room;
    room.open_alerts().any(|alert| at.since_s(alert.at) < BUSY_FOR_S)
        || room.open_incidents().any(|incident| at.since_s(incident.declared) < BUSY_FOR_S)
}

/// The cohorts that alerts and incidents are about; those are kept however small they are.
fn wanted(state: &State) -> Vec<CohortKey> {
    let incidents = state.room.open_incidents().map(|incident| incident.cohort.clone());
    let alerts = state.room.open_alerts().map(|alert| alert.finding.cohort.clone());
    incidents.chain(alerts).collect()
}
