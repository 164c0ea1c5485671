//! Pulling a switch: what it is aimed at, arming it, and what the keys of its confirmation ask for.

use crate::domain::command::{Command, Confirmation, SwitchCommand};
use crate::domain::ids::ActuationId;
use crate::domain::switch::parameter::{Choice, VALUES};
use crate::domain::switch::plan::{Kind, Switch, Takes, Template};
use crate::domain::switch::template::Values;
use crate::domain::switch::{ActuationState, Scope, SwitchId};
use crate::engine::snapshot::{ActuationView, Snapshot};
use crate::engine::switches::Gate;
use crate::engine::switches::known::VERSION;
use crate::tui::action::Action;
use crate::tui::app::{App, Asked, Request};
use crate::tui::format;
use crate::tui::key::{Code, Key};
use crate::tui::overlays::confirm::{self, Confirm, Outcome};
use crate::tui::overlays::form::{Field, Form, Purpose};
use crate::tui::overlays::{Overlay, approval};
use crate::tui::ui::{Pane, View};
use crate::tui::update::twice;
use crate::tui::widgets::rollout;

/// The switch that an action arms.
pub(in crate::tui) fn arms(action: Action) -> Option<SwitchId> {
    Some(match action {
        Action::HaltOta => SwitchId::ota_halt(),
        Action::PushConfig => SwitchId::new("config-push"),
        Action::Revoke => SwitchId::new("credential-revoke"),
        Action::RollBack => SwitchId::rollback(),
        _ => return None,
    })
}

/// Whether a switch can do nothing without our link: what it sends goes over it, or what comes of it is seen there.
pub(in crate::tui) fn needs_link(id: &SwitchId, snapshot: &Snapshot) -> bool {
    let Some(switch) = snapshot.switches.iter().find(|switch| switch.id == *id) else { return true };
    switch.takes == Takes::Devices || switch.steps.iter().any(|step| matches!(step.template, Template::Publish { .. }))
}

/// Begins to pull a switch: asks for what has to be given with it, or arms it at once.
pub(in crate::tui) fn pull(app: &mut App, id: &SwitchId) {
    let Some(switch) = app.snapshot.switches.iter().find(|switch| switch.id == *id).cloned() else {
        let now = app.snapshot.at;
        let mend = "see `warroom switch presets`, and [[switch]] in the configuration";
        app.ui.say(format!("no switch {id} is configured: {mend}"), true, now);
        return;
    };
    let scopes = match switch.takes {
        Takes::Campaign => vec![Scope::Campaign(None)],
        Takes::Devices => scopes(app),
    };
    if scopes.is_empty() {
        let now = app.snapshot.at;
        let how = "point at a cohort, set a filter (/), or mark devices (!m, !l)";
        app.ui.say(format!("{} acts on devices: {how}", switch.label), true, now);
        return;
    }
    if switch.parameters.is_empty() {
        return arm(app, id.clone(), scopes, 0, Values::new());
    }
    app.ui.overlays.push(Overlay::Form(given(&switch, &app.snapshot)));
}

/// Asks for what has to be given with a switch: to be picked, where somebody has thought of it before, or typed.
fn given(switch: &Switch, snapshot: &Snapshot) -> Form {
    let mut choices = switch.choices.clone();
    if switch.kind == Kind::Rollback {
        choices.extend(snapshot.good_versions.iter().map(|known| Choice {
            label: format!("{}: {} of {} devices on it online", known.version, known.online, known.devices),
            parameters: Values::from([(VERSION.to_owned(), known.version.clone())]),
        }));
    }
    let typed = switch.parameters.iter().map(|name| Field::text(name.clone(), ""));
    let labels: Vec<String> = choices.iter().map(|choice| choice.label.clone()).collect();
    let pick = (!labels.is_empty()).then(|| Field::choice("pick", [vec![BY_HAND.to_owned()], labels].concat(), 0));
    let text = |choice: &Choice, name: &String| choice.parameters.get(name).cloned().unwrap_or_default();
    let fills = choices.iter().map(|choice| switch.parameters.iter().map(|name| text(choice, name)).collect());
    let mut hint = format!("{}.", switch.effect);
    if switch.parameters.iter().any(|name| name == VALUES) {
        hint += &match switch.schema.words() {
            words if words.is_empty() => " `values` is JSON: {\"interval_s\":60}".to_owned(),
            words => format!(" `values` is JSON with {words}"),
        };
    }
    let fields = pick.into_iter().chain(typed).collect();
    let purpose = Purpose::Parameters(switch.id.clone());
    let form = Form::new(purpose, switch.label.clone(), "looks at what it would do", fields);
    form.filled_by(fills.collect()).hint(hint)
}

/// The option of a form that leaves everything to be typed.
const BY_HAND: &str = "typed below";

/// What a switch for devices could be aimed at, the most deliberate choice first.
pub(in crate::tui) fn scopes(app: &App) -> Vec<Scope> {
    let ui = &app.ui;
    let snapshot = &app.snapshot;
    let mut scopes = Vec::new();
    if !ui.marked.is_empty() {
        scopes.push(Scope::Devices(ui.marked.iter().cloned().collect()));
    }
    scopes.extend(ui.opened.clone().map(|device| Scope::Devices(vec![device])));
    if ui.view == View::Fleet && ui.pane == Pane::Devices {
        scopes.extend(device_under_cursor(app).map(|device| Scope::Devices(vec![device])));
    }
    scopes.extend(ui.cohort.clone().map(Scope::Cohort));
    if !ui.filter.is_empty() {
        scopes.push(Scope::Filter(ui.filter.clone()));
    }
    if let Some(incident) = ui.incident(snapshot).filter(|incident| !incident.cohort.is_fleet()) {
        scopes.push(Scope::Cohort(incident.cohort.clone()));
    }
    let suspects = ui.incident(snapshot).and_then(|incident| snapshot.suspects.get(&incident.id));
    scopes.extend(suspects.into_iter().flatten().map(|suspect| Scope::Cohort(suspect.cohort.clone())));
    let alerted = snapshot.loose_alerts().flat_map(|alert| [snapshot.about(alert), &alert.finding.cohort]);
    scopes.extend(alerted.map(|cohort| Scope::Cohort(cohort.clone())));
    let mut known = Vec::new();
    for scope in scopes {
        if !known.contains(&scope) {
            known.push(scope);
        }
    }
    known
}

fn device_under_cursor(app: &App) -> Option<String> {
    let page = app.snapshot.devices.as_ref()?;
    Some(page.rows.get(app.ui.device.checked_sub(page.first)?)?.id.clone())
}

/// Marks the device under the cursor, or unmarks it.
pub(super) fn mark(app: &mut App) {
    let now = app.snapshot.at;
    let Some(device) = app.ui.opened.clone().or_else(|| device_under_cursor(app)) else {
        return app.ui.say("devices are marked in the fleet (2), one by one, or by a list (!l)", true, now);
    };
    if !app.ui.marked.remove(&device) {
        app.ui.marked.insert(device);
    }
    app.ui.say(
        format!("{} marked for the next switch", format::counted(app.ui.marked.len() as u64, "device")),
        false,
        now,
    );
}

/// Looks at what a switch would do, and arms it.
pub(in crate::tui) fn arm(app: &mut App, switch: SwitchId, scopes: Vec<Scope>, at: usize, parameters: Values) {
    let Some(scope) = scopes.get(at).cloned() else { return };
    // What is confirmed must be what is on the screen, and that must be now.
    app.ui.frozen = None;
    app.open_confirm(Confirm::aimed(scopes, at, parameters.clone()));
    app.command(Command::Switch(SwitchCommand::Arm { switch, scope, parameters }), Asked::Arm);
}

/// The actuation under the cursor on the switches' screen, or the newest that fits.
fn chosen(app: &App, fits: impl Fn(&&&ActuationView) -> bool) -> Option<&ActuationView> {
    let views = rollout::newest_actuations(&app.snapshot);
    let under = views.get(app.ui.switch).filter(|_| app.ui.view == View::Switches).filter(&fits).copied();
    under.or_else(|| views.iter().find(|view| fits(view)).copied())
}

/// Does something about the open actuation that is meant.
pub(super) fn on_open(app: &mut App, command: impl Fn(ActuationId) -> SwitchCommand) {
    let id = chosen(app, |view| !view.actuation.state.is_final()).map(|view| view.actuation.id.clone());
    if let Some(id) = id {
        app.command(Command::Switch(command(id)), Asked::Plainly);
    }
}

/// Whether its waves wait for a person.
pub(super) fn is_paused(view: &ActuationView) -> bool {
    let paused = view.waves.as_ref().is_some_and(|waves| waves.course.paused.is_some());
    paused
        && matches!(view.actuation.state, ActuationState::Requested | ActuationState::Sent | ActuationState::Accepted)
}

/// Lets paused waves go on: asked twice, because somebody decided in advance that this is where to stop.
pub(super) fn go_on(app: &mut App) {
    let Some(view) = chosen(app, |view| is_paused(view)).cloned() else { return };
    let Some((wave, pause)) = view.waves.and_then(|waves| Some((waves.course.begun, waves.course.paused?))) else {
        return;
    };
    let key = app.keymap.key(Action::GoOn).map(ToString::to_string).unwrap_or_default();
    let why = format!("wave {wave} stopped: {}; {key} again goes on all the same", pause.reason);
    if twice::sure(app, Action::GoOn, &why) {
        app.command(Command::Switch(SwitchCommand::GoOn(view.actuation.id.clone())), Asked::Plainly);
    }
}

fn unknown(app: &App) -> Option<ActuationId> {
    let is_unknown = |view: &&&ActuationView| matches!(view.actuation.state, ActuationState::Unknown { .. });
    chosen(app, is_unknown).map(|view| view.actuation.id.clone())
}

/// Does something about an actuation of unknown outcome.
pub(super) fn on_unknown(app: &mut App, command: impl Fn(ActuationId) -> SwitchCommand) {
    if let Some(id) = unknown(app) {
        app.command(Command::Switch(command(id)), Asked::Plainly);
    }
}

/// Arms an actuation of unknown outcome once more.
pub(super) fn again(app: &mut App) {
    if let Some(id) = unknown(app) {
        app.ui.frozen = None;
        app.open_confirm(Confirm::default());
        app.command(Command::Switch(SwitchCommand::ArmAgain(id)), Asked::Arm);
    }
}

/// Arms the switch that takes an actuation back, aimed at the same.
pub(super) fn undo(app: &mut App) {
    let now = app.snapshot.at;
    let Some(actuation) = chosen(app, |_| true).map(|view| view.actuation.clone()) else { return };
    let switch = app.snapshot.switches.iter().find(|switch| switch.id == actuation.switch);
    let Some(undo) = switch.and_then(|switch| switch.undo.clone()) else {
        return app.ui.say(format!("nothing takes {} back", actuation.label), true, now);
    };
    let scope = match actuation.preview.devices {
        Some(_) => Scope::Devices(actuation.targets.to_vec()),
        None => Scope::Campaign(Some(actuation.preview.campaign.clone())),
    };
    arm(app, undo, vec![scope], 0, Values::new());
}

/// Does what a key in the confirmation asked for. Returns the overlay if it stays.
pub(in crate::tui) fn confirmed(app: &mut App, confirm: Confirm, outcome: Outcome) -> Option<Overlay> {
    match outcome {
        Outcome::Stay => Some(Overlay::Confirm(confirm)),
        Outcome::Disarm(reason) => {
            let mut confirm = confirm;
            confirm.end(&reason);
            app.disarm(&reason);
            Some(Overlay::Confirm(confirm))
        }
        Outcome::Leave => {
            app.disarm("Esc");
            None
        }
        Outcome::Close => None,
        Outcome::Again(key) => {
            app.press(key);
            None
        }
        Outcome::Choose { forward } => choose(app, confirm, forward),
        Outcome::Fire { typed } => {
            let mut confirm = confirm;
            confirm.fired = Some(app.snapshot.at);
            let (arming, gate) = app.snapshot.arming.as_ref().map(|arming| (arming.id, &arming.gate))?;
            let waits = matches!(gate, Gate::TwoPeople(_));
            app.command(Command::Switch(SwitchCommand::Fire(Confirmation { arming, typed })), Asked::Fire { waits });
            Some(Overlay::Confirm(confirm))
        }
    }
}

/// Aims at the next campaign, or at the next devices.
fn choose(app: &mut App, confirm: Confirm, forward: bool) -> Option<Overlay> {
    let arming = app.snapshot.arming.clone()?;
    let next = |at: usize, length: usize| if forward { (at + 1) % length } else { (at + length - 1) % length };
    if arming.switch.takes == Takes::Devices {
        if confirm.scopes.len() < 2 {
            return Some(Overlay::Confirm(confirm));
        }
        let at = next(confirm.at, confirm.scopes.len());
        arm(app, arming.switch.id.clone(), confirm.scopes, at, confirm.parameters);
        return None;
    }
    let campaigns = confirm::choices(&app.snapshot, arming.switch.kind);
    let here = campaigns.iter().position(|id| *id == arming.preview.campaign).unwrap_or(0);
    match campaigns.get(next(here, campaigns.len().max(1))).filter(|id| **id != arming.preview.campaign) {
        Some(id) => {
            let scopes = vec![Scope::Campaign(Some(id.clone()))];
            arm(app, arming.switch.id.clone(), scopes, 0, Values::new());
            None
        }
        None => Some(Overlay::Confirm(confirm)),
    }
}

/// A key above what waits for a second person.
pub(in crate::tui) fn press_in_approval(app: &mut App, key: Key, seen: bool) -> Option<Overlay> {
    let waiting = approval::newest(&app.snapshot).map(|request| request.approval);
    match (key.code, waiting) {
        (Code::Char(approval::WITHDRAW), Some(approval)) => {
            let reason = "withdrawn".to_owned();
            app.command(Command::Switch(SwitchCommand::Withdraw { approval, reason }), Asked::Plainly);
            None
        }
        (Code::Char(approval::COPY), Some(_)) => {
            if let Some(request) = approval::newest(&app.snapshot) {
                let command = approval::command(request, &app.snapshot);
                let now = app.snapshot.at;
                app.ui.say(format!("copied: {command}"), false, now);
                app.requests.push(Request::Copy(command));
            }
            Some(Overlay::Approval { seen })
        }
        (Code::Char(approval::BREAK), Some(approval)) => {
            let fields = vec![Field::text("why nobody else can approve", "")];
            let form = Form::new(Purpose::BreakGlass(approval), "BREAK GLASS", "pulls it alone", fields);
            app.ui.overlays.push(Overlay::Form(form.hint("It is marked for good, and somebody has to review it.")));
            None
        }
        (Code::Esc | Code::Enter, _) | (_, None) => None,
        _ => Some(Overlay::Approval { seen }),
    }
}
