//! What is asked twice, because one slip of a finger would cost more than a second key: to say that service is restored
//! while devices are away, and to leave while something is open.

use crate::domain::command::Command;
use crate::domain::recovery::{Check, Standing};
use crate::engine::snapshot::Snapshot;
use crate::tui::action::Action;
use crate::tui::app::{App, Asked, Request};
use crate::tui::format;

/// How long the second key may take, in seconds: long enough to read why it is asked for, too short to be forgotten.
const PATIENCE_S: i64 = 8;

/// Whether an action was asked for twice in a row. The first time it says why once is not enough.
pub(super) fn sure(app: &mut App, action: Action, why: &str) -> bool {
    let now = app.snapshot.at;
    let asked = app.ui.doubted.take();
    if asked.is_some_and(|(doubted, until)| doubted == action && now <= until) {
        return true;
    }
    app.ui.doubted = Some((action, now.plus_s(PATIENCE_S * app.snapshot.pace)));
    app.ui.say(why, true, now);
    false
}

/// Stops TTM, where nothing speaks against it or a person says it once more.
pub(super) fn mitigate(app: &mut App) {
    let Some(incident) = app.ui.incident(&app.snapshot).cloned() else { return };
    let key = app.keymap.key(Action::Mitigate).map(ToString::to_string).unwrap_or_default();
    if let Some(at) = incident.moments.mitigated {
        let correct = app.keymap.key(Action::Correct).map(ToString::to_string).unwrap_or_default();
        let said = format!("{} was mitigated at {}Z; {correct} corrects that time", incident.id, format::clock(at));
        let now = app.snapshot.at;
        return app.ui.say(said, true, now);
    }
    let connectivity = app
        .snapshot
        .known
        .get(&incident.id)
        .and_then(|known| known.checks.iter().find(|checked| checked.check == Check::Connectivity))
        .filter(|checked| checked.standing == Standing::Red);
    if let Some(red) = connectivity {
        // The evidence goes on with a comparison; the numbers are what a person needs here.
        let numbers = red.evidence.split(" (").next().unwrap_or_default();
        let why = format!("{numbers} still; {key} again says that it is mitigated anyway");
        if !sure(app, Action::Mitigate, &why) {
            return;
        }
    }
    app.command(Command::Mitigate(incident.id), Asked::Plainly);
}

/// Leaves, where nothing is open or a person says it once more. A replay, a room that only reads and the terminal of
/// somebody who has joined one have nothing that goes on without them.
pub(super) fn quit(app: &mut App) {
    let key = app.keymap.key(Action::Quit).map(ToString::to_string).unwrap_or_default();
    if let Some(open) = open(&app.snapshot)
        && !sure(app, Action::Quit, &format!("{open}; {key} again leaves, the log keeps it"))
    {
        return;
    }
    app.requests.push(Request::Quit);
}

/// What is open in this room, in words.
fn open(snapshot: &Snapshot) -> Option<String> {
    if snapshot.replay.is_some() || snapshot.read_only || snapshot.joined {
        return None;
    }
    let mut open: Vec<String> = snapshot.open_incidents().take(2).map(|incident| incident.id.to_string()).collect();
    let more = snapshot.open_incidents().count() - open.len();
    if more > 0 {
        open.push(format!("{more} more"));
    }
    let pulled = snapshot.actuations.values().filter(|view| !view.actuation.state.is_final()).count();
    if pulled > 0 {
        open.push(format::counted(pulled as u64, "switch without an outcome").replace("outcomes", "outcome"));
    }
    if !snapshot.requests.is_empty() {
        open.push(format!("{} for a second person", format::counted(snapshot.requests.len() as u64, "request")));
    }
    let last = open.pop()?;
    Some(match open.is_empty() {
        true => format!("{last} is open"),
        false => format!("{} and {last} are open", open.join(", ")),
    })
}
