//! Going back in time, and forth, and home.

use crate::domain::time::At;
use crate::engine::snapshot::Past;
use crate::tui::app::{App, Request};

/// Seconds of one step.
const STEP_S: i64 = 60;

/// The moment that is looked at: the one asked for last, so that quick keys add up.
fn here(app: &App) -> At {
    app.ui.past.unwrap_or(app.snapshot.at)
}

/// A step back or forth; past the present is the present.
pub(in crate::tui) fn step(app: &mut App, forward: bool) {
    let here = here(app);
    if forward && app.ui.past.is_none() {
        let now = app.snapshot.at;
        return app.ui.say("this is live; the past lies the other way", true, now);
    }
    // Whole minutes: the same moments again on the way back.
    let second = if forward {
        (here.second().div_euclid(STEP_S) + 1) * STEP_S
    } else {
        (here.second() - 1).div_euclid(STEP_S) * STEP_S
    };
    go(app, At::from_ms(second * 1000));
}

/// To the next thing that happened, or the one before.
pub(in crate::tui) fn mark(app: &mut App, forward: bool) {
    let here = here(app);
    let past = app.shown().past.clone();
    let marks: Vec<At> = match past.as_deref() {
        Some(Past { marks, .. }) => marks.iter().map(|(at, _)| *at).collect(),
        None => app.snapshot.timeline.iter().filter(|entry| entry.mark.is_some()).map(|entry| entry.at).collect(),
    };
    let found = if forward {
        marks.into_iter().filter(|at| *at > here).min()
    } else {
        marks.into_iter().filter(|at| *at < here).max()
    };
    match found {
        Some(at) => go(app, at),
        None => {
            let now = app.snapshot.at;
            app.ui.say(if forward { "nothing happened after this" } else { "nothing happened before this" }, true, now);
        }
    }
}

/// Asks for the room as it was.
pub(in crate::tui) fn go(app: &mut App, at: At) {
    let window = app.shown().past.as_deref().map(|past| (past.from, past.to));
    if at >= app.snapshot.at || window.is_some_and(|(_, to)| at > to && to >= app.snapshot.at.plus_s(-STEP_S)) {
        return live(app);
    }
    let at = window.map_or(at, |(from, to)| at.clamp(from, to));
    let incident = app.ui.incident(&app.snapshot).map(|incident| incident.id);
    // The incident stays the one it was, also where it was not declared yet.
    app.ui.incident = app.ui.incident.or(incident);
    app.ui.past = Some(at);
    let lens = app.wanted_lens();
    app.requests.push(Request::Past { at, lens, incident });
}

/// Back to the present.
pub(in crate::tui) fn live(app: &mut App) {
    if app.ui.past.take().is_some() {
        app.ui.frozen = None;
    }
}
