//! What the actions about how an incident is worked do: they open a form, or the list of incidents.

use crate::domain::acceptance::Lasting;
use crate::domain::command::Command;
use crate::domain::command::response::ResponseCommand;
use crate::domain::ids::IncidentId;
use crate::domain::incident::Incident;
use crate::domain::query::Query;
use crate::domain::recovery::{Check, DataChoice};
use crate::domain::response::{Phase, Role};
use crate::domain::runbook::Step;
use crate::engine::snapshot::Snapshot;
use crate::tui::action::respond::Respond;
use crate::tui::app::{App, Asked, Request};
use crate::tui::key::{Code, Key};
use crate::tui::overlays::form::{Field, Form, Purpose};
use crate::tui::overlays::{Overlay, incidents};
use crate::tui::submit::respond::Asks;
use crate::tui::ui::View;
use crate::tui::widgets::{runbook, why};

use super::updates;

pub(super) fn perform(app: &mut App, action: Respond) {
    let snapshot = app.snapshot.clone();
    match action {
        Respond::Incidents => return app.ui.overlays.push(Overlay::Incidents { selected: 0 }),
        Respond::Triage => return app.ui.overlays.push(Overlay::Triage { scroll: 0 }),
        Respond::Verify => return app.ui.overlays.push(Overlay::Verify { selected: 0 }),
        Respond::Change => return open_change(app),
        Respond::Accept => return accept(app),
        Respond::WatchAgain => return watch_again(app),
        Respond::Updates => return app.ui.go(View::Updates),
        Respond::Compose => return updates::choose(app),
        Respond::Cadence => return updates::cadence(app),
        _ => {}
    }
    let Some(incident) = app.ui.incident(&snapshot).cloned() else { return };
    let asks = |asks, title: &str, verb, fields| Form::new(Purpose::Respond(asks), title, verb, fields);
    let form = match action {
        Respond::Incidents
        | Respond::Triage
        | Respond::Verify
        | Respond::Change
        | Respond::Accept
        | Respond::WatchAgain
        | Respond::Updates
        | Respond::Compose
        | Respond::Cadence => return,
        Respond::Decide => decide_form(&snapshot, &incident),
        Respond::NotApplicable | Respond::StepNote => {
            let Some(step) = incident.runbook.as_ref().and_then(|run| runbook::cursor(&app.ui, run)) else { return };
            let (id, step_id) = (incident.id, step.id.clone());
            let form = if action == Respond::StepNote {
                asks(Asks::StepNote(id, step_id), "note beside a step", "records it", vec![Field::text("note", "")])
            } else {
                let fields = vec![Field::text("reason", "")];
                asks(Asks::NotApplicable(id, step_id), "not applicable here", "says so", fields)
            };
            form.hint(step.text.clone())
        }
        Respond::OtherRunbook => {
            let now = incident.runbook.as_ref().map(|run| run.runbook.id.clone());
            let at = snapshot.library.iter().position(|book| Some(&book.id) == now.as_ref()).unwrap_or(0);
            let options = snapshot.library.iter().map(|book| book.title.clone()).collect();
            let ids = snapshot.library.iter().map(|book| book.id.clone()).collect();
            let fields = vec![Field::choice("runbook", options, at)];
            asks(Asks::Runbook(incident.id, ids), "work by", "takes it", fields)
        }
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
            let options = snapshot.loose_alerts().map(|alert| why::in_a_line(&snapshot, alert)).collect();
            let alerts: Vec<_> = snapshot.loose_alerts().map(|alert| alert.id).collect();
            let front = app.ui.alert(&snapshot).and_then(|front| alerts.iter().position(|alert| *alert == front.id));
            let fields = vec![Field::choice("alert", options, front.unwrap_or(0))];
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

/// What becomes of bad data, filled in with what is known.
fn decide_form(snapshot: &Snapshot, incident: &Incident) -> Form {
    let answer = |query| {
        let known = snapshot.known.get(&incident.id)?;
        known.answers.iter().find(|answer| answer.query == query && answer.known).map(|answer| answer.text.clone())
    };
    let first_bad = incident.moments.onset.map(|at| at.to_string()).unwrap_or_default();
    let fields = vec![
        Field::choice("what", DataChoice::ALL.map(|choice| choice.name().to_owned()).into(), 0),
        Field::text("first bad", &first_bad),
        Field::text("customers", &answer(Query::Customers).unwrap_or_default()),
    ];
    Form::new(Purpose::Respond(Asks::Decide(incident.id)), "what becomes of the bad data", "decides it", fields)
        .hint("The time stamp of the first bad value, as 17:38:52 (UTC) or 2026-11-20T17:38:52Z; and whose data it is.")
}

/// An alert is how its devices are.
fn accept(app: &mut App) {
    let snapshot = app.snapshot.clone();
    let front = app.ui.alert(&snapshot).map(|alert| alert.id);
    let in_front = snapshot.loose_alerts().position(|alert| Some(alert.id) == front).unwrap_or(0);
    let fields = vec![
        Field::choice(
            "what",
            snapshot.loose_alerts().map(|alert| why::in_a_line(&snapshot, alert)).collect(),
            in_front,
        ),
        Field::choice("for", Lasting::ALL.map(|lasting| lasting.name().into()).into(), 0),
        Field::text("reason", ""),
    ];
    let alerts = snapshot.loose_alerts().map(|alert| (alert.id, snapshot.about(alert).clone())).collect();
    let form = Form::new(Purpose::Respond(Asks::Accept(alerts)), "so it is with these devices", "accepts it", fields);
    let hint = "Then the alert is over. There is another one when more of them show it than now, or something else.";
    app.ui.overlays.push(Overlay::Form(form.hint(hint)));
}

/// What was taken for usual is an alert again.
fn watch_again(app: &mut App) {
    let accepted = &app.snapshot.accepted;
    let options = accepted.iter().map(|known| known.usual.to_string()).collect();
    let cohorts = accepted.iter().map(|known| known.usual.cohort.clone()).collect();
    let fields = vec![Field::choice("whose", options, 0)];
    let form =
        Form::new(Purpose::Respond(Asks::WatchAgain(cohorts)), "what is usual no longer", "takes it back", fields);
    app.ui
        .overlays
        .push(Overlay::Form(form.hint("What these devices show is an alert again, whatever was accepted of them.")));
}

fn open_change(app: &mut App) {
    let incident = app.ui.incident(&app.snapshot).map(|incident| incident.id);
    let fields = vec![Field::text("what", ""), Field::text("when", "")];
    let form = Form::new(Purpose::Respond(Asks::Change(incident)), "what was changed", "notes it", fields)
        .hint("A deploy, a certificate, a network. The time as 17:38:52 (UTC); nothing stands for now.");
    app.ui.overlays.push(Overlay::Form(form));
}

/// Opens the form that waives a check.
pub fn waive(app: &mut App, check: Check) {
    let Some(incident) = app.ui.incident(&app.snapshot).map(|incident| incident.id) else { return };
    let form = Form::new(
        Purpose::Respond(Asks::Waive(incident, check)),
        format!("waive: {check}"),
        "waives it in your name",
        vec![Field::text("reason", "")],
    );
    app.ui.overlays.push(Overlay::Form(form.hint("Why this incident may be over although this is not green.")));
}

/// A key among the checks of recovery: Enter waives the one under the cursor.
pub fn press_in_checks(app: &mut App, selected: usize, key: Key) -> Option<Overlay> {
    if key.code == Code::Enter {
        app.ui.overlays.push(Overlay::Verify { selected });
        if app.snapshot.read_only {
            let now = app.snapshot.at;
            app.ui.say("this room is read-only", true, now);
        } else {
            waive(app, Check::ALL[selected.min(Check::ALL.len() - 1)]);
        }
        return None;
    }
    let kept =
        crate::tui::update::scrolled(key, selected, Check::ALL.len()).map(|selected| Overlay::Verify { selected });
    if kept.is_none() && key.code != Code::Esc {
        app.press(key);
    }
    kept
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

/// The step under the cursor of the runbook.
fn step_here(app: &App) -> Option<Step> {
    let incident = app.ui.incident(&app.snapshot)?;
    runbook::cursor(&app.ui, incident.runbook.as_ref()?).cloned()
}

/// Does what the step under the cursor is bound to: its switch is armed, its request copied.
pub(super) fn do_step(app: &mut App) {
    let Some(step) = step_here(app) else { return };
    let now = app.snapshot.at;
    if let Some(switch) = step.switch {
        super::pull::pull(app, &switch);
    } else if let Some(template) = step.update {
        updates::compose(app, &template);
    } else if let Some(request) = diagnostic(app) {
        app.ui.say(format!("copied: {request}"), false, now);
        app.requests.push(Request::Copy(request));
    } else {
        app.ui.say("this step is done by people; space ticks it", false, now);
    }
}

/// The request of the diagnostic that the step under the cursor asks for, for a shell; about the device that is looked
/// at, or with a place for its name.
pub(super) fn diagnostic(app: &App) -> Option<String> {
    let diagnostic = step_here(app)?.diagnostic?;
    let snapshot = &app.snapshot;
    let site = snapshot.attributes.iter().position(|name| name == "site");
    let device = snapshot.device.as_ref().map(|view| &view.row);
    let site = device.zip(site).and_then(|(row, at)| row.values.get(at)).map_or("SITE", String::as_str);
    let name = device.map_or("DEVICE", |row| row.id.as_str());
    Some(crate::engine::runbooks::request_by_hand(diagnostic, site, name, snapshot))
}
