//! What the actions about how an incident is worked do: they open a form, or the list of incidents.

use crate::domain::command::Command;
use crate::domain::command::response::ResponseCommand;
use crate::domain::ids::IncidentId;
use crate::domain::response::{Phase, Role};
use crate::engine::snapshot::Snapshot;
use crate::tui::action::respond::Respond;
use crate::tui::app::{App, Asked};
use crate::tui::key::{Code, Key};
use crate::tui::overlays::form::{Field, Form, Purpose};
use crate::tui::overlays::{Overlay, incidents};
use crate::tui::submit::respond::Asks;

pub(super) fn perform(app: &mut App, action: Respond) {
    let snapshot = app.snapshot.clone();
    if action == Respond::Incidents {
        app.ui.overlays.push(Overlay::Incidents { selected: 0 });
        return;
    }
    let Some(incident) = app.ui.incident(&snapshot).cloned() else { return };
    let asks = |asks, title: &str, verb, fields| Form::new(Purpose::Respond(asks), title, verb, fields);
    let form = match action {
        Respond::Incidents => return,
        Respond::Phase => {
            let now = Phase::ALL.iter().position(|phase| *phase == incident.phase()).unwrap_or(0);
            let options = Phase::ALL.map(|phase| format!("{phase}: {}", phase.question())).into();
            let fields = vec![Field::choice("phase", options, (now + 1).min(4)), Field::text("reason", "")];
            asks(Asks::Phase(incident.id), "what people are at", "enters it", fields)
                .hint(format!("Now it is {}. A step back needs a reason.", incident.phase()))
        }
        Respond::Roles => {
            let held = |role: Role| match role {
                Role::Commander => incident.commander_name().to_owned(),
                role => incident.response.roles.get(&role).cloned().unwrap_or_else(|| "nobody".into()),
            };
            let options = Role::ALL.map(|role| format!("{role}: {}", held(role))).into();
            let open = Role::ALL.iter().position(|role| held(*role) == "nobody").unwrap_or(0);
            let fields = vec![Field::choice("role", options, open), Field::text("name", "")];
            let duties = Role::ALL.map(|role| format!("{role} {}", role.duty())).join("; ");
            asks(Asks::Role(incident.id), "roles", "hands it over", fields).hint(format!("{duties}."))
        }
        Respond::Join => {
            let loose: Vec<_> = snapshot.loose_alerts().collect();
            let options =
                loose.iter().map(|alert| format!("{} {}", alert.id, alert.finding.cohort)).collect::<Vec<_>>();
            let alerts = loose.iter().map(|alert| alert.id).collect();
            let fields = vec![Field::choice("alert", options, 0)];
            asks(
                Asks::Join(incident.id, alerts),
                &format!("which alert belongs to {}", incident.id),
                "joins it",
                fields,
            )
        }
        Respond::Merge => {
            let others = others(&snapshot, incident.id);
            let options =
                others.iter().filter_map(|id| snapshot.incidents.get(id)).map(|i| format!("{} {}", i.id, i.title));
            let fields = vec![Field::choice("incident", options.collect(), 0)];
            let title = format!("{} is a part of", incident.id);
            asks(Asks::Merge(incident.id, others), &title, "merges it", fields)
                .hint("Its alerts and switches go on there; what was written under it stays under it.")
        }
    };
    app.ui.overlays.push(Overlay::Form(form));
}

/// Open incidents beside this one, the newest first.
pub(super) fn others(snapshot: &Snapshot, id: IncidentId) -> Vec<IncidentId> {
    snapshot.open_incidents().map(|incident| incident.id).filter(|other| *other != id).collect()
}

/// A key in the list of incidents: Enter looks at one, M merges the one on the screen into it.
pub fn press_in_incidents(app: &mut App, selected: usize, key: Key) -> Option<Overlay> {
    let snapshot = app.snapshot.clone();
    let chosen = incidents::chosen(selected, &snapshot);
    match key.code {
        Code::Enter => {
            if chosen.is_some() {
                app.ui.incident = chosen;
                app.ui.step = None;
            }
            None
        }
        Code::Char('M') => {
            let here = app.ui.incident(&snapshot).map(|incident| incident.id);
            if let (Some(incident), Some(into)) = (here, chosen) {
                app.command(Command::Response(ResponseCommand::Merge { incident, into }), Asked::Plainly);
                app.ui.incident = Some(into);
            }
            None
        }
        _ => {
            let length = incidents::all(&snapshot).len();
            crate::tui::update::scrolled(key, selected, length).map(|selected| Overlay::Incidents { selected })
        }
    }
}
