//! What each action does to a screen, and what it asks of the engine.

mod direct;
pub(super) mod forms;
pub(super) mod pull;
pub(super) mod record;
pub(super) mod respond;
pub(super) mod time;
mod twice;
pub(super) mod updates;

use super::action::{Action, Group, Needs, Spec, spec};
use super::app::{App, Asked, Request};
use super::key::{Code, Key};
use super::overlays::Overlay;
use super::overlays::note::NoteEditor;
use super::overlays::palette::Palette;
use super::theme::Theme;
use super::ui::{Pane, Ui, View};
use super::widgets::{drill, metrics, rollout, runbook, switches};
use crate::domain::command::{Command, SwitchCommand};
use crate::domain::ids::IncidentId;
use crate::domain::lens::Filter;
use crate::domain::replay::{Course, Pacing};
use crate::domain::runbook::StepMark;
use crate::domain::switch::ActuationState;
use crate::engine::snapshot::Snapshot;

/// Lines that a page key moves.
const PAGE: isize = 10;
/// Quarters that the numbers can be looked back to: ten years.
const QUARTERS: usize = 40;
/// How far back a chart may reach, in seconds.
const SPANS: [u32; 3] = [600, 1800, 7200];

/// Why an action makes no sense now; none where it does.
pub fn blocked(spec: &Spec, ui: &Ui, snapshot: &Snapshot) -> Option<&'static str> {
    if snapshot.joined && !spec.exists_in(snapshot) {
        return Some("that is for the room; this is the facilitator's terminal");
    }
    if spec.writes && ui.past.is_some() {
        return Some("this is the past; go back to live first");
    }
    if spec.writes && snapshot.read_only {
        return Some("this room is read-only");
    }
    if spec.group == Group::Switch && snapshot.replay.is_some() {
        return Some(crate::engine::switches::REPLAY);
    }
    if let Some(switch) = pull::arms(spec.action).filter(|_| !snapshot.link.is_up())
        && pull::needs_link(&switch, snapshot)
    {
        return Some("there is no link to the broker: nothing would be sent or seen");
    }
    let incident = ui.incident(snapshot);
    let open = incident.is_some_and(|incident| incident.is_open());
    let (fine, why_not) = match spec.needs {
        Needs::Nothing => (true, ""),
        Needs::Unacknowledged => {
            let incident =
                incident.is_some_and(|incident| incident.is_open() && incident.moments.acknowledged.is_none());
            let alert = snapshot.loose_alerts().any(|alert| alert.acknowledged.is_none());
            (incident || alert, "there is nothing to acknowledge")
        }
        Needs::OpenIncident => (open, "there is no open incident"),
        Needs::Incident => (incident.is_some(), "there is no incident"),
        Needs::Joinable => {
            (open && snapshot.loose_alerts().next().is_some(), "no alert waits to join an open incident")
        }
        Needs::LooseAlert => (snapshot.loose_alerts().next().is_some(), "there is no alert outside of an incident"),
        Needs::Accepted => (!snapshot.accepted.is_empty(), "nothing was accepted as usual"),
        Needs::OtherIncident => (open && snapshot.open_incidents().count() > 1, "there is no other open incident"),
        Needs::Steps => (incident.is_some_and(|incident| incident.runbook.is_some()), "there is no runbook open"),
        Needs::Campaign => (!snapshot.campaigns.is_empty(), "no campaign has been seen on this broker"),
        Needs::UnknownActuation => (
            snapshot.actuations.values().any(|v| matches!(v.actuation.state, ActuationState::Unknown { .. })),
            "no switch has an unknown outcome",
        ),
        Needs::PausedActuation => (snapshot.actuations.values().any(pull::is_paused), "no switch has paused its waves"),
        Needs::Actuation => (!snapshot.actuations.is_empty(), "no switch has been pulled"),
        Needs::Request => (!snapshot.requests.is_empty(), "nothing waits for a second person"),
        Needs::OpenActuation => (
            snapshot.actuations.values().any(|view| !view.actuation.state.is_final()),
            "no switch is waiting for its outcome",
        ),
        Needs::GameDay => (snapshot.game_day.is_some(), "this is no game day"),
        Needs::Facilitator => {
            (drill::is_facilitator(snapshot), "that is for the facilitator; the drill screen says how to be one")
        }
        Needs::Replay => match &snapshot.replay {
            None => (false, "this is no replay"),
            Some(replay) => (replay.course != Course::Ended, "the capture has ended, and time stands still"),
        },
    };
    (!fine).then_some(why_not)
}

/// Moves a position with the keys of a list; none when a key closes it.
pub fn scrolled(key: Key, at: usize, length: usize) -> Option<usize> {
    let last = length.saturating_sub(1);
    Some(match key.code {
        Code::Up | Code::Char('k') => at.saturating_sub(1),
        Code::Down | Code::Char('j') => (at + 1).min(last),
        Code::PageUp => at.saturating_sub(PAGE as usize),
        Code::PageDown => (at + PAGE as usize).min(last),
        Code::Home => 0,
        Code::End => last,
        _ => return None,
    })
}

/// Does what an action says.
pub(super) fn perform(app: &mut App, action: Action) {
    if let Some(reason) = blocked(spec(action), &app.ui, &app.snapshot) {
        let now = app.snapshot.at;
        app.ui.say(reason, true, now);
        return;
    }
    // What was asked once and not again is forgotten.
    app.ui.doubted = app.ui.doubted.filter(|(doubted, _)| *doubted == action);
    match action {
        Action::Up => step(app, -1),
        Action::Down => step(app, 1),
        Action::PageUp => step(app, -PAGE),
        Action::PageDown => step(app, PAGE),
        Action::Top => step(app, isize::MIN / 2),
        Action::Bottom => step(app, isize::MAX / 2),
        Action::Enter => enter(app),
        Action::Back => back(app),
        Action::NextPane => turn(app, 1),
        Action::PreviousPane => turn(app, -1),
        Action::Room => app.ui.go(View::Room),
        Action::Fleet => app.ui.go(View::Fleet),
        Action::Runbook => app.ui.go(View::Runbook),
        Action::Timeline => app.ui.go(View::Timeline),
        Action::Switches => app.ui.go(View::Switches),
        Action::Help => app.ui.overlays.push(Overlay::Help { scroll: 0 }),
        Action::Palette => app.ui.overlays.push(Overlay::Palette(Palette::new(&app.snapshot))),
        Action::BadInput => app.open_bad_input(),
        Action::Verdict => app.ui.overlays.push(Overlay::Verdict { selected: 0 }),
        Action::Signal => app.ui.next_signal(&app.snapshot),
        Action::Span => {
            let at = SPANS.iter().position(|span| *span == app.ui.span_s).unwrap_or(0);
            app.ui.span_s = SPANS[(at + 1) % SPANS.len()];
        }
        Action::Freeze if app.ui.past.is_some() => time::live(app),
        Action::Freeze => app.ui.frozen = if app.ui.frozen.is_some() { None } else { Some(app.snapshot.clone()) },
        Action::Pause => app.requests.push(Request::Pace(Pacing::Pause)),
        Action::Faster => app.requests.push(Request::Pace(Pacing::Faster)),
        Action::Slower => app.requests.push(Request::Pace(Pacing::Slower)),
        Action::NextIncident => next_incident(app),
        Action::Copy => copy(app),
        Action::NextTheme => next_theme(app),
        Action::Redraw => app.requests.push(Request::Redraw),
        Action::Quit => twice::quit(app),
        Action::Filter
        | Action::GroupBy
        | Action::Declare
        | Action::DeclareByHand
        | Action::Severity
        | Action::Type
        | Action::Origin
        | Action::About
        | Action::Commander
        | Action::Rename
        | Action::Correct
        | Action::Reopen
        | Action::SkipStep
        | Action::ListDevices
        | Action::CloseActuation => forms::open_form(app, action),
        Action::Note => {
            let incident = app.ui.incident(&app.snapshot).map(|incident| incident.id);
            let draft = std::mem::take(&mut app.ui.draft);
            app.ui.overlays.push(Overlay::Note(NoteEditor::new(incident, draft)));
        }
        Action::Acknowledge => acknowledge(app),
        Action::Mitigate => twice::mitigate(app),
        Action::Resolve => on_incident(app, Command::Resolve),
        Action::MarkStep => mark_step(app),
        Action::HaltOta | Action::PushConfig | Action::Revoke | Action::RollBack => {
            pull::arms(action).into_iter().for_each(|id| pull::pull(app, &id));
        }
        Action::PullSwitch => app.ui.overlays.push(Overlay::Switches { selected: 0 }),
        Action::Approval => app.ui.overlays.push(Overlay::Approval { seen: true }),
        Action::UndoSwitch => pull::undo(app),
        Action::StopActuation => pull::on_open(app, SwitchCommand::Stop),
        Action::GoOn => pull::go_on(app),
        Action::Recheck => pull::on_unknown(app, SwitchCommand::Recheck),
        Action::TryAgain => pull::again(app),
        Action::MarkDevice => pull::mark(app),
        Action::Respond(action) => respond::perform(app, action),
        Action::Direct(action) => direct::perform(app, action),
        Action::Keeping(action) => record::perform(app, action),
    }
}

/// Moves the cursor of the pane that has the keys.
fn step(app: &mut App, by: isize) {
    let moved = |at: usize, length: usize| at.saturating_add_signed(by).min(length.saturating_sub(1));
    let snapshot = app.ui.frozen.clone().unwrap_or_else(|| app.snapshot.clone());
    match app.focus() {
        Pane::Cohorts => {
            let rows = &snapshot.table.rows;
            // The first key shows the cursor; the next ones move it.
            let at =
                app.ui.cohort_row(&snapshot).map_or(if by < 0 { rows.len() } else { 0 }, |at| moved(at, rows.len()));
            if let Some(row) = rows.get(at.min(rows.len().saturating_sub(1))) {
                app.ui.cohort = Some(row.key.clone());
                app.ui.device = 0;
            }
        }
        Pane::Devices => {
            let total = snapshot.devices.as_ref().map_or(0, |page| page.total);
            app.ui.device = moved(app.ui.device, total);
        }
        Pane::Runbook => {
            let Some(run) = app.ui.incident(&snapshot).and_then(|incident| incident.runbook.as_ref()) else { return };
            let steps: Vec<_> = run.runbook.steps().map(|step| step.id.clone()).collect();
            let here = runbook::cursor(&app.ui, run).map(|step| step.id.clone());
            let at = steps.iter().position(|step| Some(step) == here.as_ref()).unwrap_or(0);
            app.ui.step = steps.get(moved(at, steps.len())).cloned();
        }
        Pane::Updates => {
            let length = app.ui.incident(&snapshot).map_or(0, |incident| incident.updates.sent.len());
            app.ui.update = moved(app.ui.update, length);
        }
        Pane::Timeline => app.ui.timeline_back = moved(app.ui.timeline_back, snapshot.timeline.len()),
        Pane::Drill => {
            let lines = snapshot.game_day.as_ref().map_or(0, |view| view.day.script.len());
            app.ui.inject = moved(app.ui.inject, lines);
        }
        Pane::Switches => {
            (app.ui.switch, app.ui.top) = switches::moved(&app.scene(), app.body(), by);
        }
        // A page is of lines. Up is back.
        Pane::Metrics if by.abs() > 1 => app.ui.top = Some(metrics::moved(&app.scene(), app.body(), by)),
        Pane::Metrics => {
            app.ui.top = None;
            app.ui.quarters_back = app.ui.quarters_back.saturating_add_signed(-by).min(QUARTERS);
        }
    }
}

fn enter(app: &mut App) {
    match (app.ui.view, app.focus()) {
        (View::Room, Pane::Cohorts) => {
            if app.ui.cohort.is_none() {
                step(app, 0);
            }
            app.ui.go(View::Fleet);
        }
        (View::Room, Pane::Runbook) => app.ui.go(View::Runbook),
        (View::Runbook, _) => respond::do_step(app),
        (View::Updates, _) => updates::enter(app),
        (View::Room, Pane::Timeline) => app.ui.go(View::Timeline),
        (View::Fleet, Pane::Cohorts) => app.ui.pane = Pane::Devices,
        (View::Fleet, Pane::Devices) => {
            let row =
                app.snapshot.devices.as_ref().and_then(|page| page.rows.get(app.ui.device.checked_sub(page.first)?));
            app.ui.opened = row.map(|row| row.id.clone());
        }
        _ => {}
    }
}

/// One step back: out of the device, out of the screen, out of the selection, out of the filter.
fn back(app: &mut App) {
    if app.ui.past.is_some() && app.ui.opened.is_none() && app.ui.view == View::Room {
        return time::live(app);
    }
    let ui = &mut app.ui;
    if ui.opened.take().is_some() {
    } else if ui.view == View::Fleet && ui.pane == Pane::Devices {
        ui.pane = Pane::Cohorts;
    } else if ui.view != View::Room {
        ui.go(View::Room);
    } else if ui.frozen.take().is_none() && ui.cohort.take().is_none() && ui.step.take().is_none() {
        ui.filter = Filter::default();
    }
}

/// Gives the keys to the pane that is so many places further.
fn turn(app: &mut App, by: isize) {
    let panes = app.ui.panes(app.shown());
    let at = panes.iter().position(|pane| *pane == app.focus()).unwrap_or(0);
    app.ui.pane = panes[at.wrapping_add_signed(by + panes.len() as isize) % panes.len()];
}

/// The next incident: open ones first, then those that were resolved.
fn next_incident(app: &mut App) {
    let open = app.snapshot.open_incidents().map(|incident| incident.id);
    let resolved =
        app.snapshot.incidents.values().rev().filter(|incident| !incident.is_open()).map(|incident| incident.id);
    let all: Vec<IncidentId> = open.chain(resolved).collect();
    let now = app.ui.incident(&app.snapshot).map(|incident| incident.id);
    let next = match all.iter().position(|id| Some(*id) == now) {
        Some(at) => all.get((at + 1) % all.len()),
        None => all.first(),
    };
    app.ui.incident = next.copied();
    app.ui.step = None;
}

fn next_theme(app: &mut App) {
    let names = Theme::shipped();
    let at = names.iter().position(|name| *name == app.theme.name).map_or(0, |at| (at + 1) % names.len());
    if let Ok(theme) = Theme::find(names[at], false) {
        app.theme = theme;
        let now = app.snapshot.at;
        app.ui.say(format!("theme {}", names[at]), false, now);
    }
}

fn copy(app: &mut App) {
    let snapshot = &app.snapshot;
    let text = match (app.ui.view, &app.ui.opened, app.focus()) {
        (_, Some(device), _) => device.clone(),
        (View::Runbook, ..) if respond::diagnostic(app).is_some() => respond::diagnostic(app).unwrap_or_default(),
        (View::Switches, ..) => match rollout::newest_actuations(snapshot).get(app.ui.switch) {
            Some(view) => view.actuation.call.by_hand(&snapshot.shell_options),
            None => String::new(),
        },
        (View::Updates, ..) => {
            let update =
                app.ui.incident(snapshot).and_then(|incident| crate::tui::widgets::updates::chosen(&app.ui, incident));
            update.map(|update| update.text.clone()).unwrap_or_default()
        }
        (_, _, Pane::Timeline) => {
            let entry = snapshot.timeline.iter().rev().nth(app.ui.timeline_back);
            entry.map(|entry| format!("{} {} {}", entry.at, entry.actor, entry.text)).unwrap_or_default()
        }
        (View::Fleet, None, Pane::Devices) => {
            let row = snapshot.devices.as_ref().and_then(|page| page.rows.get(app.ui.device.checked_sub(page.first)?));
            row.map(|row| row.id.clone()).unwrap_or_default()
        }
        _ => match (app.ui.incident(snapshot), &app.ui.cohort) {
            (_, Some(cohort)) => cohort.sentence(),
            (Some(incident), None) => {
                format!("{} {} {} · commander {}", incident.id, incident.severity, incident.title, incident.commander)
            }
            (None, None) => String::new(),
        },
    };
    let now = app.snapshot.at;
    if text.is_empty() {
        app.ui.say("there is nothing here to copy", true, now);
    } else {
        app.ui.say(format!("copied: {text}"), false, now);
        app.requests.push(Request::Copy(text));
    }
}

fn on_incident(app: &mut App, command: impl FnOnce(IncidentId) -> Command) {
    if let Some(id) = app.ui.incident(&app.snapshot).map(|incident| incident.id) {
        app.command(command(id), Asked::Plainly);
    }
}

/// What waits for it: the alert under the cursor, else the incident, else the next alert.
fn acknowledge(app: &mut App) {
    let chosen = app.ui.chosen_alert(&app.snapshot).filter(|alert| alert.acknowledged.is_none()).map(|alert| alert.id);
    if let Some(alert) = chosen {
        return app.command(Command::AcknowledgeAlert(alert), Asked::Plainly);
    }
    let waiting = app.ui.incident(&app.snapshot).filter(|incident| incident.moments.acknowledged.is_none());
    if let Some(id) = waiting.map(|incident| incident.id) {
        return app.command(Command::Acknowledge(id), Asked::Plainly);
    }
    let alert = app.snapshot.loose_alerts().find(|alert| alert.acknowledged.is_none()).map(|alert| alert.id);
    if let Some(alert) = alert {
        app.command(Command::AcknowledgeAlert(alert), Asked::Plainly);
    }
}

fn mark_step(app: &mut App) {
    let Some(incident) = app.ui.incident(&app.snapshot).cloned() else { return };
    let Some(run) = &incident.runbook else { return };
    let Some(step) = runbook::cursor(&app.ui, run).map(|step| step.id.clone()) else { return };
    let mark = if run.mark(&step).is_some() { StepMark::Open } else { StepMark::Done };
    // The cursor goes on with the work: a tick moves it to the next open step.
    app.ui.step = None;
    app.command(Command::MarkStep { incident: incident.id, step, mark }, Asked::Plainly);
}
