//! The forms of actions: what they ask, filled in with what is known.

use crate::domain::clock::Moment;
use crate::domain::cohort::CohortKey;
use crate::domain::incident::{IncidentType, Severity};
use crate::domain::verdict::{Extent, Origin};
use crate::engine::snapshot::Snapshot;
use crate::tui::action::Action;
use crate::tui::app::App;
use crate::tui::overlays::Overlay;
use crate::tui::overlays::form::{Field, Form, Purpose};
use crate::tui::widgets::{rollout, runbook};

/// Opens the form of an action.
pub(super) fn open_form(app: &mut App, action: Action) {
    let snapshot = app.snapshot.clone();
    let incident = app.ui.incident(&snapshot).cloned();
    let form = match (action, &incident) {
        (Action::Declare | Action::DeclareByHand, _) => declare_form(app, &snapshot, action == Action::Declare),
        (Action::Filter, _) => {
            Form::new(Purpose::Filter, "show only", "filters", vec![Field::text("filter", &app.ui.filter.to_string())])
                .hint(format!(
                    "fw=3.2.5 region!=eu-west offline unhealthy=values th-00 · attributes: {}",
                    snapshot.attributes.join(", ")
                ))
        }
        (Action::GroupBy, _) => group_form(app, &snapshot),
        (Action::ListDevices, _) => {
            let fields = vec![Field::text("devices", "")];
            Form::new(Purpose::Devices, "mark devices", "marks them", fields)
                .hint("Names, with spaces or commas between them, or @FILE with one on each line. Nothing unmarks all.")
        }
        (Action::CloseActuation, _) => {
            let view = rollout::newest_actuations(&snapshot).into_iter().find(|view| !view.actuation.state.is_final());
            let Some(view) = view else { return };
            let title = format!("close {} {}", view.actuation.switch, view.actuation.id);
            Form::new(Purpose::Close(view.actuation.id.clone()), title, "closes it", vec![Field::text("reason", "")])
                .hint("Say how you know what became of it. The record keeps that it was never proven.")
        }
        (_, None) => return,
        (Action::Severity, Some(incident)) => {
            let options = Severity::ALL.map(|s| format!("{s}  {}", s.meaning())).into();
            let at = Severity::ALL.iter().position(|s| *s == incident.severity).unwrap_or(0);
            Form::new(
                Purpose::Severity(incident.id),
                "severity",
                "sets it",
                vec![Field::choice("severity", options, at)],
            )
        }
        (Action::Type, Some(incident)) => {
            let options = IncidentType::ALL.map(|kind| kind.name().to_owned()).into();
            let at = IncidentType::ALL.iter().position(|kind| *kind == incident.kind).unwrap_or(0);
            Form::new(
                Purpose::Type(incident.id),
                "type of incident",
                "sets it",
                vec![Field::choice("type", options, at)],
            )
        }
        (Action::Origin, Some(incident)) => {
            let options = Origin::ALL.map(|origin| origin.name().to_owned()).into();
            let at = Origin::ALL.iter().position(|origin| *origin == incident.origin).unwrap_or(0);
            let reach = std::iter::once("as it looks").chain(Extent::ALL.map(Extent::sentence));
            let said = incident.extent.filter(|_| incident.overruled.extent);
            let now = said.and_then(|said| Extent::ALL.iter().position(|known| *known == said)).map_or(0, |n| n + 1);
            let reach = Field::choice("about", reach.map(str::to_owned).collect(), now);
            let fields = vec![Field::choice("fault of", options, at), reach];
            Form::new(Purpose::Origin(incident.id), "whose fault it is, and how far it reaches", "sets it", fields)
        }
        (Action::About, Some(incident)) => {
            let pairs: Vec<String> = incident.cohort.pairs().iter().map(|(a, v)| format!("{a}={v}")).collect();
            let fields = vec![Field::text("devices", &pairs.join(" "))];
            Form::new(Purpose::About(incident.id), "which devices it is about", "sets it", fields)
                .hint(format!("firmware=3.2.5 hardware=rev-B · attributes: {}", snapshot.attributes.join(", ")))
        }
        (Action::Commander, Some(incident)) => Form::new(
            Purpose::Commander(incident.id),
            "who commands",
            "hands it over",
            vec![Field::text("commander", "")],
        )
        .hint(format!("Now it is {}. The commander coordinates, and does not fix.", incident.commander)),
        (Action::Rename, Some(incident)) => {
            Form::new(Purpose::Rename(incident.id), "title", "renames it", vec![Field::text("title", &incident.title)])
        }
        (Action::Reopen, Some(incident)) => {
            Form::new(Purpose::Reopen(incident.id), "reopen", "reopens it", vec![Field::text("reason", "")])
        }
        (Action::Correct, Some(incident)) => {
            let options = Moment::ALL.map(|moment| {
                let at = incident.moments.get(moment);
                format!(
                    "{}: {}",
                    moment.name(),
                    at.map_or_else(|| "not yet".into(), |at| format!("{}Z", crate::tui::format::clock(at)))
                )
            });
            let fields =
                vec![Field::choice("moment", options.into(), 0), Field::text("time", ""), Field::text("reason", "")];
            Form::new(Purpose::Correct(incident.id), "correct a time", "corrects it", fields)
                .hint("A time as 17:38:52 (today, UTC) or 2026-11-20T17:38:52Z. The old value is kept.")
        }
        (Action::SkipStep, Some(incident)) => {
            let Some(step) = incident.runbook.as_ref().and_then(|run| runbook::cursor(&app.ui, run)) else { return };
            let purpose = Purpose::Skip { incident: incident.id, step: step.id.clone() };
            Form::new(purpose, "skip a step", "skips it", vec![Field::text("reason", "")]).hint(step.text.clone())
        }
        _ => return,
    };
    app.ui.overlays.push(Overlay::Form(form));
}

/// The form to declare with: filled in from the alert, where there is one.
fn declare_form(app: &App, snapshot: &Snapshot, from_alert: bool) -> Form {
    let proposal = app.ui.alert(snapshot).and_then(|alert| snapshot.proposals.get(&alert.id)).filter(|_| from_alert);
    let severity = proposal.map_or(Severity::Sev3, |p| p.severity);
    let kind = proposal.map_or(IncidentType::MassDisconnect, |p| p.kind);
    let at = |found: Option<usize>| found.unwrap_or(0);
    let fields = vec![
        Field::text("title", proposal.map_or("", |p| &p.title)),
        Field::choice(
            "severity",
            Severity::ALL.map(|s| format!("{s}  {}", s.meaning())).into(),
            at(Severity::ALL.iter().position(|s| *s == severity)),
        ),
        Field::choice(
            "type",
            IncidentType::ALL.map(|kind| kind.name().to_owned()).into(),
            at(IncidentType::ALL.iter().position(|k| *k == kind)),
        ),
        Field::text("commander", &snapshot.operator),
    ];
    let cohort = proposal.map(|p| p.cohort.clone()).or_else(|| app.ui.cohort.clone());
    let purpose =
        Purpose::Declare { alert: proposal.and_then(|p| p.alert), cohort: cohort.clone().unwrap_or_default() };
    let about =
        cohort.filter(|cohort: &CohortKey| !cohort.is_fleet()).map(|cohort| format!(" · {}", cohort.sentence()));
    let title = format!("declare an incident{}", about.unwrap_or_default());
    Form::new(purpose, title, "declares it", fields)
}

fn group_form(app: &App, snapshot: &Snapshot) -> Form {
    let find = |name: Option<&String>| name.and_then(|name| snapshot.attributes.iter().position(|known| known == name));
    let first = find(app.ui.group_by.first()).unwrap_or(0);
    let second = find(app.ui.group_by.get(1)).map_or(0, |at| at + 1);
    let mut seconds = vec!["nothing else".to_owned()];
    seconds.extend(snapshot.attributes.iter().cloned());
    let fields = vec![Field::choice("by", snapshot.attributes.clone(), first), Field::choice("and", seconds, second)];
    Form::new(Purpose::GroupBy, "group cohorts", "groups them", fields)
        .hint("A letter goes to the attribute that begins with it.")
}
