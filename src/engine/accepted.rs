//! What people have accepted as usual, kept up with the fleet: what is left out of account for it just now, and what has
//! been well for so long that it is accepted no longer.

use std::collections::BTreeMap;

use super::State;
use crate::detect::accepted;
use crate::domain::cohort::CohortKey;
use crate::domain::event::Event;
use crate::domain::time::At;

/// Seconds between two looks: each goes over all devices.
const EVERY_S: i64 = 5;
/// Seconds for which a cohort must have shown nothing of what was accepted for that to be over.
const WELL_S: i64 = 86_400;

#[derive(Debug, Default)]
pub struct Accepted {
    looked: Option<At>,
    /// Whether anything is left out of account.
    leaves_out: bool,
    /// Since when cohorts show nothing of what was accepted of them.
    well: BTreeMap<CohortKey, At>,
}

/// Looks again, `now` or when it is time to, and says what is accepted no longer: its time is over, or it has been well.
pub(super) fn tick(state: &mut State, at: At, now: bool) -> Vec<Event> {
    let ended = state.room.accepted.iter().filter(|acceptance| !acceptance.holds_at(at));
    let mut over: Vec<CohortKey> = ended.map(|acceptance| acceptance.usual.cohort.clone()).collect();
    let now = now || !over.is_empty();
    let is_early = state.accepted.looked.is_some_and(|looked| at.since_s(looked) < EVERY_S);
    let has_any = state.room.accepted_at(at).next().is_some();
    if (is_early && !now) || !(has_any || state.accepted.leaves_out) {
        return watched_again(over);
    }
    let left_out = accepted::left_out(&state.fleet, state.room.accepted_at(at));
    state.fleet.accept(|vector| accepted::of(&left_out, vector));
    let keeper = &mut state.accepted;
    (keeper.looked, keeper.leaves_out) = (Some(at), has_any);
    if !state.link.is_up() {
        // Of what nobody can see nobody knows how it is.
        keeper.well.clear();
        return watched_again(over);
    }
    let is_shown = |cohort: &CohortKey| left_out.iter().any(|out| out.cohort == *cohort && out.is_shown);
    keeper.well.retain(|cohort, _| !is_shown(cohort) && left_out.iter().any(|out| out.cohort == *cohort));
    for out in left_out.iter().filter(|out| !is_shown(&out.cohort)) {
        keeper.well.entry(out.cohort.clone()).or_insert(at);
    }
    over.extend(
        keeper.well.iter().filter(|(_, since)| at.since_s(**since) >= WELL_S).map(|(cohort, _)| cohort.clone()),
    );
    watched_again(over)
}

fn watched_again(over: Vec<CohortKey>) -> Vec<Event> {
    over.into_iter().map(|cohort| Event::WatchedAgain { cohort }).collect()
}
