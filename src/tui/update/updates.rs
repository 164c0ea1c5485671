//! What the actions about updates do: choose a template, write, send, say that it was posted, try again.

use crate::domain::command::Command;
use crate::domain::command::update::{Message, UpdateCommand};
use crate::domain::update::{Audience, CLIPBOARD, Delivery, UpdateKind};
use crate::engine::snapshot::Snapshot;
use crate::engine::updates::facts;
use crate::tui::app::{App, Asked, Request};
use crate::tui::overlays::Overlay;
use crate::tui::overlays::compose::Composer;
use crate::tui::overlays::form::{Field, Form, Purpose};
use crate::tui::submit::respond::Asks;
use crate::tui::widgets::updates;

/// Asks which template, the one that is due first chosen.
pub(super) fn choose(app: &mut App) {
    let snapshot = app.snapshot.clone();
    let Some(incident) = app.ui.incident(&snapshot).map(|incident| incident.id) else { return };
    let options =
        snapshot.templates.iter().map(|template| format!("{}: {}", template.audience, template.title)).collect();
    let ids = snapshot.templates.iter().map(|template| template.id.clone()).collect();
    let fields = vec![Field::choice("template", options, due_first(app, &snapshot))];
    let form = Form::new(Purpose::Respond(Asks::Compose(incident, ids)), "an update", "writes it", fields);
    app.ui.overlays.push(Overlay::Form(form));
}

/// The template for whoever waits longest for word.
fn due_first(app: &App, snapshot: &Snapshot) -> usize {
    let Some(incident) = app.ui.incident(snapshot) else { return 0 };
    let (ended, open) = (incident.moments.mitigated, incident.is_open());
    let next = |audience| {
        let next = incident.updates.next(audience, &snapshot.cadences, incident.declared, ended, open)?;
        Some((next.1, audience, next.0))
    };
    let Some((_, audience, kind)) = Audience::ALL.into_iter().filter_map(next).min() else { return 0 };
    let fits = |wanted: UpdateKind| {
        snapshot.templates.iter().position(|template| template.audience == audience && template.kind == wanted)
    };
    fits(kind).or_else(|| fits(UpdateKind::Update)).unwrap_or(0)
}

/// Opens the composer with a template, filled with what is known; or with the draft that was left of it.
pub fn compose(app: &mut App, template: &str) {
    let snapshot = app.snapshot.clone();
    let now = snapshot.at;
    let Some(incident) = app.ui.incident(&snapshot).cloned() else { return };
    let Some(template) = snapshot.templates.iter().find(|known| known.id == template) else {
        app.ui.say(
            format!("there is no template `{template}`; `warroom runbook lint` says where it is asked for"),
            true,
            now,
        );
        return;
    };
    let mut filled = template.fill(&facts(&snapshot, &incident, template.audience));
    if let Some((_, text)) = app.ui.update_draft.take_if(|(id, _)| *id == template.id) {
        filled.text = text;
    }
    let composer = Composer::new(incident.id, template, filled, &snapshot.channels);
    app.ui.overlays.push(Overlay::Compose(Box::new(composer)));
}

/// Sends what was written; what goes to the clipboard is put there.
pub fn send(app: &mut App, message: Message) {
    if message.channels.iter().any(|channel| channel == CLIPBOARD) {
        app.requests.push(Request::Copy(message.text.clone()));
    }
    app.command(Command::Update(UpdateCommand::Send(message)), Asked::Plainly);
}

/// On the update under the cursor: what was copied is posted, what was not sent is tried again.
pub(super) fn enter(app: &mut App) {
    let snapshot = app.snapshot.clone();
    let Some(incident) = app.ui.incident(&snapshot) else { return };
    let Some(update) = updates::chosen(&app.ui, incident) else { return };
    let (incident, number) = (incident.id, update.number);
    let command = match update.delivery {
        Delivery::Copied => UpdateCommand::Posted { incident, number },
        Delivery::NotSent { .. } | Delivery::Unknown { .. } => UpdateCommand::Retry { incident, number },
        Delivery::Sent { .. } | Delivery::Intended => return,
    };
    app.command(Command::Update(command), Asked::Plainly);
}

/// Asks how often an audience is told in this incident.
pub(super) fn cadence(app: &mut App) {
    let snapshot = app.snapshot.clone();
    let Some(incident) = app.ui.incident(&snapshot).cloned() else { return };
    let now = |audience: Audience| {
        let every = incident.updates.cadence(audience, &snapshot.cadences).every_s;
        every.map_or_else(|| "never".into(), |s| format!("every {} min", s / 60))
    };
    let options = Audience::ALL.map(|audience| format!("{audience}: {}", now(audience))).into();
    let fields = vec![Field::choice("audience", options, 0), Field::text("every (min)", "")];
    let form = Form::new(Purpose::Respond(Asks::Cadence(incident.id)), "how often", "sets it", fields)
        .hint("Minutes from one update to the next in this incident; 0 stands for never.");
    app.ui.overlays.push(Overlay::Form(form));
}
