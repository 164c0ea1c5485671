//! What the actions about the record do: they open an overlay, or go through time.

use super::time;
use crate::domain::ids::IncidentId;
use crate::domain::learning::Ending;
use crate::domain::time::At;
use crate::engine::snapshot::Snapshot;
use crate::tui::action::record::Keeping;
use crate::tui::app::App;
use crate::tui::key::{Code, Key};
use crate::tui::overlays::form::{Field, Form, Purpose};
use crate::tui::overlays::note::NoteEditor;
use crate::tui::overlays::{Overlay, postmortem, regulation};
use crate::tui::submit::record::Asks;
use crate::tui::ui::View;

pub(super) fn perform(app: &mut App, action: Keeping) {
    match action {
        Keeping::Earlier => time::step(app, false),
        Keeping::Later => time::step(app, true),
        Keeping::PreviousMark => time::mark(app, false),
        Keeping::NextMark => time::mark(app, true),
        Keeping::Live => time::live(app),
        Keeping::Metrics => app.ui.go(View::Metrics),
        Keeping::Regulation => app.ui.overlays.push(Overlay::Regulation { selected: 0 }),
        Keeping::Postmortem => app.ui.overlays.push(Overlay::Postmortem { selected: 0 }),
    }
}

/// A time as the forms show it.
fn shown(at: At) -> String {
    at.utc().format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn open(app: &mut App, asks: Asks, title: String, verb: &'static str, fields: Vec<Field>, hint: String) {
    let form = Form::new(Purpose::Record(asks), title, verb, fields).hint(hint);
    app.ui.overlays.push(Overlay::Form(form));
}

/// A key in the list of laws. Returns the overlay as it stays; a form opens above it.
pub(in crate::tui) fn press_in_regulation(app: &mut App, selected: usize, key: Key) -> Option<Overlay> {
    let snapshot = app.shown().clone();
    let locked = snapshot.read_only || snapshot.past.is_some();
    let items = regulation::items(&app.ui, &snapshot);
    let stay = Some(Overlay::Regulation { selected });
    let incident = app.ui.incident(&snapshot).map(|incident| incident.id);
    let chosen = items.get(selected).cloned().zip(incident);
    match key.code {
        Code::Enter | Code::Char('y' | 'n') if locked => stay,
        Code::Enter | Code::Char('y' | 'n') => {
            app.ui.overlays.extend(stay);
            if let Some((item, incident)) = chosen {
                open_regulation_form(app, &snapshot, incident, item, key.code == Code::Char('n'));
            }
            None
        }
        Code::Esc => None,
        _ => Some(Overlay::Regulation { selected: super::scrolled(key, selected, items.len()).unwrap_or(selected) }),
    }
}

fn open_regulation_form(app: &mut App, snapshot: &Snapshot, incident: IncidentId, item: regulation::Item, no: bool) {
    let now = shown(snapshot.at);
    match item {
        regulation::Item::Criterion { regime, criterion, question, .. } => {
            let options = vec!["yes".to_owned(), "no".to_owned()];
            let fields = vec![Field::choice("answer", options, usize::from(no)), Field::text("reason", "")];
            open(
                app,
                Asks::Answer { incident, regime: regime.clone(), criterion },
                regime,
                "answers it",
                fields,
                question,
            );
        }
        regulation::Item::Moment { regime, moment, set } => {
            let fields = vec![Field::text("time", &set.map_or(now, shown)), Field::text("evidence", "")];
            let hint = format!("When was it: {moment}? The old value is kept.");
            open(app, Asks::Moment { incident, regime: regime.clone(), moment }, regime, "sets it", fields, hint);
        }
        regulation::Item::Term { regime, term, what } => {
            let fields = vec![Field::text("filed at", &now), Field::text("reference", "")];
            let hint = format!("{what}. The reference is its number, or who was told.");
            open(app, Asks::File { incident, regime: regime.clone(), term }, regime, "was filed", fields, hint);
        }
    }
}

/// A key in the postmortem.
pub(in crate::tui) fn press_in_postmortem(app: &mut App, selected: usize, key: Key) -> Option<Overlay> {
    let snapshot = app.shown().clone();
    let locked = snapshot.read_only || snapshot.past.is_some();
    let items = postmortem::items(&app.ui, &snapshot);
    let stay = Overlay::Postmortem { selected };
    let incident = app.ui.incident(&snapshot).cloned()?;
    let id = incident.id;
    let title = |what: &str| format!("{what} · {id}");
    let writes = matches!(key.code, Code::Enter | Code::Char('a' | 'd' | 'c' | 'p'));
    if writes && locked {
        return Some(stay);
    }
    match (key.code, items.get(selected)) {
        (Code::Esc, _) => return None,
        (Code::Enter, Some(postmortem::Item::Section(section))) => {
            let text = incident.learning.sections.get(section).map(|written| written.text.clone()).unwrap_or_default();
            let draft = text.lines().map(str::to_owned).collect();
            app.ui.overlays.push(stay);
            app.ui.overlays.push(Overlay::Note(NoteEditor::section(id, *section, draft)));
            return None;
        }
        (Code::Enter, Some(postmortem::Item::Action(number))) => {
            let plan =
                incident.learning.actions.iter().find(|item| item.number == *number).map(|item| item.plan.clone());
            let plan = plan.unwrap_or_default();
            let due = plan.due.map(|due| due.to_string()).unwrap_or_default();
            let fields = vec![
                Field::text("what", &plan.text),
                Field::text("owner", plan.owner.as_deref().unwrap_or_default()),
                Field::text("due", &due),
            ];
            app.ui.overlays.push(stay);
            let asks = Asks::ChangeAction { incident: id, action: *number };
            open(
                app,
                asks,
                title("action item"),
                "changes it",
                fields,
                "The day by which it is done: 2026-12-01.".into(),
            );
            return None;
        }
        (Code::Char('a'), _) => {
            app.ui.overlays.push(stay);
            let fields = vec![Field::text("what", ""), Field::text("owner", ""), Field::text("due", "")];
            let hint = "Owner and due date (2026-12-01) may follow; without them the postmortem is not done.".into();
            open(app, Asks::AddAction(id), title("a new action item"), "adds it", fields, hint);
            return None;
        }
        (Code::Char('d'), Some(postmortem::Item::Action(number))) => {
            let options = vec!["done".to_owned(), "dropped, for a reason".into(), "open again".into()];
            let fields = vec![Field::choice("it is", options, 0), Field::text("reason", "")];
            app.ui.overlays.push(stay);
            let asks = Asks::EndAction { incident: id, action: *number };
            open(app, asks, title("action item"), "says so", fields, String::new());
            return None;
        }
        (Code::Char('c'), _) => {
            let rates: Vec<_> = snapshot.rates.rates.iter().map(|rate| rate.id.clone()).collect();
            if rates.is_empty() {
                let now = snapshot.at;
                app.ui.say("there are no rates; [cost] in the configuration names a file", true, now);
                return Some(stay);
            }
            let options = snapshot.rates.rates.iter().map(|rate| format!("{} ({})", rate.name, rate.unit)).collect();
            let fields = vec![
                Field::choice("what", options, 0),
                Field::text("quantity", ""),
                Field::text("or a sum", ""),
                Field::text("note", ""),
            ];
            app.ui.overlays.push(stay);
            let hint = format!("A quantity at the price on file, or a sum in {}.", snapshot.rates.currency);
            open(app, Asks::Cost { incident: id, rates }, title("a cost"), "notes it", fields, hint);
            return None;
        }
        (Code::Char('p'), _) => {
            use crate::domain::command::{Command, LearningCommand};
            let publish = LearningCommand::Publish { incident: id };
            app.command(Command::Learning(publish), crate::tui::app::Asked::Plainly);
        }
        _ => {}
    }
    Some(Overlay::Postmortem { selected: super::scrolled(key, selected, items.len()).unwrap_or(selected) })
}

/// What the choice of an ending means.
pub(in crate::tui) fn ending(chosen: usize, reason: String) -> Ending {
    match chosen {
        0 => Ending::Done,
        1 => Ending::Dropped(reason),
        _ => Ending::Open,
    }
}
