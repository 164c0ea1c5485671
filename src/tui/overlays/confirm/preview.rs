//! What a switch would do, row by row.

use ratatui::text::Line;

use crate::domain::switch::Switch;
use crate::domain::switch::actuation::DevicesPreview;
use crate::domain::switch::plan::{GateKind, Kind};
use crate::engine::snapshot::Snapshot;
use crate::engine::switches::Arming;
use crate::tui::format;
use crate::tui::scene::{Scene, cut, wrap};
use crate::tui::theme::Role;
use crate::tui::widgets::waves;

/// Lines of the exact call that are shown; it can be long, and what is asked for must stay on the screen.
const CALL: usize = 4;
/// Lines of one thing to look at; names of devices can be long too.
const ROW: usize = 4;
/// Columns of what it is called.
const LABEL: usize = 14;

/// Live and drill must not be confirmed with the same words.
pub(super) fn title(snapshot: &Snapshot, arming: &Arming) -> String {
    let switch = &arming.switch;
    let version = arming.preview.back_to.as_ref().filter(|_| arming.preview.devices.is_some());
    let back = version.map(|known| format!("send devices back to {}", known.version));
    let what = back.unwrap_or_else(|| own_title(snapshot, switch));
    if snapshot.drill.is_some() { what } else { format!("{what} · {}", snapshot.environment) }
}

fn own_title(snapshot: &Snapshot, switch: &Switch) -> String {
    match (switch.kind, snapshot.drill.is_some()) {
        (Kind::OtaHalt, false) => "stop the rollout".into(),
        (Kind::OtaHalt, true) => "halt the simulated rollout".into(),
        (Kind::Rollback, false) => "send devices back to the version before".into(),
        (Kind::Rollback, true) => "roll the simulated devices back".into(),
        (_, false) => switch.label.clone(),
        (_, true) => format!("{}, simulated", switch.label),
    }
}

/// Everything there is to look at before it is pulled.
pub(super) fn rows<'a>(scene: &Scene<'a>, arming: &Arming, width: usize) -> Vec<Line<'a>> {
    let row = |label: &str, value: String, role: Role| -> Vec<Line<'a>> {
        let labels = std::iter::once(label).chain(std::iter::repeat(""));
        let lines = labels.zip(wrap(&value, width.saturating_sub(LABEL))).map(|(label, text)| {
            Line::from(vec![scene.span(format::left(label, LABEL), Role::Muted), scene.span(text, role)])
        });
        cut(lines.collect(), ROW, width)
    };
    let mut shown = Vec::new();
    match &arming.preview.devices {
        Some(devices) => of_devices(devices, &mut |label, value| shown.extend(row(label, value, Role::Text))),
        None => of_campaign(arming, &mut |label, value| shown.extend(row(label, value, Role::Text))),
    }
    if arming.switch.kind == Kind::Rollback {
        let (text, role) = back_to(arming);
        shown.extend(row("back to", text, role));
    }
    if arming.again.is_some() {
        shown.extend(row("again", "the same call under the same id: it acts once at most".into(), Role::Warn));
    }
    shown.extend(row("what it does", arming.switch.effect.clone(), Role::Title));
    shown.extend(row("who", people(arming.switch.gate).into(), Role::Text));
    if let Some(closed) = scene.snapshot.socket_closed.as_ref().filter(|_| arming.switch.gate == GateKind::TwoPeople) {
        shown.extend(row("", closed.clone(), Role::Warn));
    }
    let (tested, role) = tested(scene.snapshot, &arming.switch);
    shown.extend(row("tested", tested, role));
    shown.push(Line::default());
    let call = wrap(&arming.preview.call, width).into_iter().map(|text| Line::from(scene.span(text, Role::Muted)));
    shown.extend(cut(call.collect(), CALL, width));
    shown
}

fn of_campaign(arming: &Arming, row: &mut dyn FnMut(&str, String)) {
    let preview = &arming.preview;
    let progress = &preview.progress;
    let halting = arming.switch.kind == Kind::OtaHalt;
    let devices = |n: u32, more: &str| format!("{}{more}", format::counted(n.into(), "device"));
    let wave = preview.wave.map_or_else(|| "no wave seen".into(), |wave| format!("wave {wave}"));
    row("campaign", format!("{} → {} · {wave}", preview.campaign, preview.target));
    row("done", devices(progress.done(), ""));
    let (flying, queued) = (progress.in_flight(), progress.queued);
    let halts = |told| if halting { told } else { "" };
    row("in flight", devices(flying, halts(if flying > 0 { ": they finish, and can still turn bad" } else { "" })));
    let saved = if queued > 0 { ": these are saved" } else { ": there is nobody left to save" };
    row("still queued", devices(queued, halts(saved)));
    if preview.unheard > 0 {
        let unheard = format::count(preview.unheard.into());
        row(
            "",
            format!("{unheard} were counted by the controller alone: some of the queued may be in flight, unheard"),
        );
    }
    if arming.switch.kind == Kind::Rollback {
        row("will restart", devices(progress.succeeded, ""));
        row("waves", "none of ours: one call, and the controller decides whom it takes when".into());
    }
}

/// What the devices would go back to, and whether that is known to be well.
fn back_to(arming: &Arming) -> (String, Role) {
    let Some(known) = &arming.preview.back_to else {
        return ("the version before: nobody here is known to run it".into(), Role::Warn);
    };
    let (devices, online) = (format::count(known.devices.into()), format::count(known.online.into()));
    if arming.preview.devices.is_some() {
        let text = format!("firmware {}: {online} of {devices} devices online", known.version);
        let when = known.seen.map(|seen| format!(", when a wave began {}Z", format::clock(seen)));
        return (text + &when.unwrap_or_default(), Role::Text);
    }
    if known.came_from > 0 {
        let from = format!("{}: {} came from it", known.version, format::count(known.came_from.into()));
        return match (known.devices, known.is_healthy()) {
            (0, _) => (format!("{from} · nobody runs it just now"), Role::Warn),
            (_, true) => (format!("{from} · {devices} run it, {online} online"), Role::Text),
            (_, false) => (format!("{from} · {devices} run it, {online} online: NOT healthy"), Role::Warn),
        };
    }
    let text = format!("most run {}: {devices} devices, {online} of them online", known.version);
    if known.is_healthy() { (text, Role::Text) } else { (format!("{text}: NOT healthy"), Role::Warn) }
}

fn of_devices(devices: &DevicesPreview, row: &mut dyn FnMut(&str, String)) {
    let n = |n: u32| format::count(n.into());
    let more = if devices.count as usize > devices.sample.len() { ", …" } else { "" };
    row("targets", format!("{} · {}", format::counted(devices.count.into(), "device"), devices.chosen));
    row("", format!("{}{more}", devices.sample.join(", ")));
    let away = devices.count.saturating_sub(devices.online);
    let updating = if devices.in_flight > 0 { format!(" · {} updating", n(devices.in_flight)) } else { String::new() };
    row("now", format!("{} online · {} away{updating}", n(devices.online), n(away)));
    let pace = if devices.per_second < 1.0 {
        format!("one every {:.0} s", 1.0 / devices.per_second)
    } else {
        format!("{:.0} a second", devices.per_second)
    };
    let cost = devices.cost.map(|cost| format!(" · costs {cost:.2}")).unwrap_or_default();
    row(
        "takes",
        format!(
            "{} calls, {pace}: {} · {} over the air{cost}",
            format::count(devices.calls),
            format::duration(devices.takes_s as i64),
            format::bytes(devices.bytes)
        ),
    );
    if let Some(plan) = &devices.waves {
        row("waves", waves::sizes(plan));
        row("", "a crossed stop rule pauses it; going on is for people".into());
    }
}

const fn people(gate: GateKind) -> &'static str {
    match gate {
        GateKind::OneKey => "you alone, with one more key",
        GateKind::Typed => "you alone, typed",
        GateKind::TwoPeople => "you, and a second person from a login of their own",
    }
}

/// When it was last tested, and how that went.
pub fn tested(snapshot: &Snapshot, switch: &Switch) -> (String, Role) {
    let Some(tested) = snapshot.tests.get(&switch.id) else {
        return (format!("never: warroom switch test {}", switch.id), Role::Warn);
    };
    let words = tested.words(snapshot.at);
    match tested.ok {
        false => (words, Role::Alarm),
        true if tested.days(snapshot.at) >= STALE_DAYS => (format!("{words}: too long ago"), Role::Warn),
        true => (words, Role::Text),
    }
}

/// Days after which a test says nothing any more.
pub const STALE_DAYS: i64 = 90;
