//! An actuation: what is known of it now, how far its devices have come, and the way there.

use ratatui::text::{Line, Span};

use crate::domain::switch::plan::Kind;
use crate::domain::switch::{ActuationState, Preview};
use crate::engine::snapshot::{ActuationView, Snapshot};
use crate::engine::switches::run::Tally;
use crate::tui::action::Action;
use crate::tui::format;
use crate::tui::scene::{Scene, wrap};
use crate::tui::theme::Role;
use crate::tui::widgets::waves;

/// Devices that are waited for, by name.
const WAITED_FOR: usize = 6;
/// Columns of the bar of a push.
const BAR: usize = 40;

/// How many devices have gone back, of how many that were to; none where going back was not asked.
fn back(snapshot: &Snapshot, view: &ActuationView) -> Option<(u32, u32)> {
    let asked = &view.actuation.preview;
    if view.actuation.kind != Kind::Rollback {
        return None;
    }
    let now = &snapshot.campaigns.iter().find(|campaign| campaign.id == asked.campaign)?.progress;
    Some((now.rolled_back.saturating_sub(asked.progress.rolled_back), asked.progress.succeeded))
}

/// How many escaped, of all that it should have reached.
fn of_all(kind: Kind, preview: &Preview, escaped: u32) -> String {
    let all = match (&preview.devices, kind) {
        (Some(devices), _) => devices.count,
        (None, Kind::Rollback) => preview.progress.succeeded,
        (None, _) => preview.progress.queued,
    };
    let n = |n: u32| format::count(n.into());
    if all >= escaped { format!("{} of {}", n(escaped), n(all)) } else { n(escaped) }
}

/// The names of those that escaped, and how many more there are.
fn named(names: &[String], escaped: u32) -> Option<String> {
    let more = escaped.saturating_sub(names.len() as u32);
    let more = if more > 0 { format!(", and {} more", format::count(more.into())) } else { String::new() };
    Some(names.join(", ") + &more)
}

/// What is known of it now, in a few words.
fn state(view: &ActuationView, ended: &str) -> (String, Role, Option<String>) {
    let actuation = &view.actuation;
    let of_all = |escaped| of_all(actuation.kind, &actuation.preview, escaped);
    let of_credentials = matches!(actuation.kind, Kind::CredentialRevoke | Kind::Quarantine);
    match &actuation.state {
        ActuationState::Effective => (format!("✓ EFFECTIVE{ended}"), Role::Good, None),
        ActuationState::Escaped { devices } if of_credentials => {
            (format!("✗ FAILED{ended}, {} escaped", of_all(*devices)), Role::Alarm, named(&actuation.escaped, *devices))
        }
        ActuationState::Escaped { devices } => {
            (format!("✗ {} ESCAPED{ended}", of_all(*devices)), Role::Alarm, named(&actuation.escaped, *devices))
        }
        ActuationState::Stopped { asked, left } => {
            (format!("■ STOPPED: {asked} asked, {left} never"), Role::Warn, None)
        }
        ActuationState::Failed { reason } => ("✗ FAILED".into(), Role::Alarm, Some(reason.clone())),
        ActuationState::Unknown { reason } => ("? OUTCOME UNKNOWN".into(), Role::Alarm, Some(reason.clone())),
        ActuationState::Accepted => ("▸ accepted".into(), Role::Warn, None),
        ActuationState::Sent => ("▸ sent".into(), Role::Warn, None),
        ActuationState::Requested => ("▸ requested".into(), Role::Warn, None),
    }
}

/// What is still waited for.
fn waiting(scene: &Scene<'_>, view: &ActuationView) -> Option<String> {
    let (ActuationState::Accepted | ActuationState::Sent) = view.actuation.state else { return None };
    if view.actuation.preview.devices.is_some() {
        return None;
    }
    let silent = if view.in_flight.1 > 0 { format!(", {} silent", view.in_flight.1) } else { String::new() };
    Some(match back(scene.snapshot, view) {
        Some((back, all)) => format!("{} of {} back", format::count(back.into()), format::count(all.into())),
        None => format!("in flight {}{silent}", view.in_flight.0),
    })
}

/// An actuation: what is known of it now, then the way there.
pub fn lines<'a>(scene: &Scene<'a>, view: &ActuationView, width: usize) -> Vec<Line<'a>> {
    let actuation = &view.actuation;
    // Tenths say something about a halt that took two seconds, and nothing about a rollback of a quarter of an hour.
    let seconds = |at| {
        actuation.after_ms(at).map(|ms| match ms {
            0..100_000 => format!("{:.1}s", ms as f64 / 1000.0),
            _ => format!("{} s", ms / 1000),
        })
    };
    let ended = seconds(actuation.ended).map(|after| format!(" after {after}")).unwrap_or_default();
    let (now, role, told) = state(view, &ended);
    let agreed = actuation.approved.as_ref().map(|by| format!(", approved by {by}")).unwrap_or_default();
    let mut way = format!("{}{agreed} {}Z", actuation.by, format::clock(actuation.requested));
    for (name, at) in [("sent", actuation.sent), ("accepted", actuation.accepted)] {
        if let Some(after) = seconds(at) {
            way += &format!(" · {name} {after}");
        }
    }
    // What has become of it goes before what it is about.
    let about = width.saturating_sub(actuation.label.chars().count() + now.chars().count() + 3).max(8);
    let mut headline = Line::from(vec![
        scene.span(format!(" {} ", actuation.label), Role::Title),
        scene.span(format!("{}  ", format::fit(&actuation.preview.about(), about)), Role::Text),
        scene.span(now, role),
    ]);
    if let Some(waiting) = waiting(scene, view) {
        if headline.width() + 2 + waiting.chars().count() <= width + 1 {
            headline.push_span(scene.span(format!(", {waiting}"), role));
        } else {
            way = format!("{waiting} · {way}");
        }
    }
    let mut shown = vec![headline];
    let mut say = |text: &str, role| {
        let wrapped = wrap(text, width.saturating_sub(2));
        shown.extend(wrapped.into_iter().map(|text| Line::from(scene.span(format!("   {text}"), role))));
    };
    if let Some(reason) = &actuation.broke_glass {
        say(&format!("BREAK-GLASS: {reason}"), Role::Alarm);
    }
    say(&way, Role::Muted);
    if !view.provable {
        let [again, retry, close] =
            [Action::Recheck, Action::TryAgain, Action::CloseActuation].map(|action| scene.key(action));
        let told = format!(
            "this room came later and has not seen it: {again} looks again, {retry} sends it again under the same id, \
             {close} closes it"
        );
        say(&told, Role::Warn);
    }
    if let Some(told) = told.filter(|told| !told.is_empty()) {
        say(&told, Role::Alarm);
    }
    if view.escaped > 0 && !actuation.state.is_final() {
        say(&format!("started in spite of it: {}", format::counted(view.escaped.into(), "device")), Role::Alarm);
    }
    let (names, count) = &view.waits_for;
    if *count > 0 {
        let first = &names[..names.len().min(WAITED_FOR)];
        let told = named(first, *count).unwrap_or_default();
        say(&format!("alive, and still in flight: {told}"), Role::Warn);
    }
    if let Some(tally) = &view.tally {
        shown.extend(progress(scene, view, tally));
    }
    if let Some(waves) = view.waves.as_ref().filter(|_| !actuation.state.is_final()) {
        let is_unknown = matches!(actuation.state, ActuationState::Unknown { .. });
        let known = view.tally.map_or(0, |tally| tally.done + tally.escaped);
        shown.extend(waves::lines(scene, waves, is_unknown, known, width));
    }
    shown
}

/// How far the devices have come: they always add up.
fn progress<'a>(scene: &Scene<'a>, view: &ActuationView, tally: &Tally) -> Vec<Line<'a>> {
    let n = |n: u32| format::count(n.into());
    let cells = |part: u32| (part as usize * BAR).div_ceil(tally.total.max(1) as usize);
    let done = cells(tally.done).min(BAR);
    let escaped = cells(tally.escaped).min(BAR - done);
    let offline = cells(tally.offline).min(BAR - done - escaped);
    let step = view.step.as_ref().map(|(name, at, of)| format!("  {name}, step {at} of {of}")).unwrap_or_default();
    let eta = match tally.unasked {
        0 => String::new(),
        left => format!(" · {} still to ask, {} to go", n(left), format::duration(tally.eta_s.into())),
    };
    let word = if view.actuation.kind == Kind::ConfigPush { "acked" } else { "done" };
    vec![
        Line::from(vec![
            Span::raw("   "),
            Span::styled("━".repeat(done), scene.data(Role::Good)),
            Span::styled("━".repeat(escaped), scene.data(Role::Alarm)),
            scene.span("╌".repeat(offline), Role::Muted),
            scene.span("─".repeat(BAR - done - escaped - offline), Role::Border),
            scene.span(format!(" {} of {}{step}", n(tally.done), n(tally.total)), Role::Title),
        ]),
        Line::from(scene.span(
            format!(
                "   {word} {} · pending {} · offline-queued {} · escaped {}{eta}",
                n(tally.done),
                n(tally.pending),
                n(tally.offline),
                n(tally.escaped)
            ),
            Role::Text,
        )),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_escaped_is_counted_of_all_and_named_as_far_as_names_are_kept() {
        let mut preview = Preview { campaign: "fw-1".into(), ..Preview::default() };
        (preview.progress.succeeded, preview.progress.queued) = (11_999, 40);
        assert_eq!(of_all(Kind::Rollback, &preview, 233), "233 of 11 999");
        assert_eq!(of_all(Kind::OtaHalt, &preview, 12), "12 of 40");
        assert_eq!(of_all(Kind::OtaHalt, &preview, 41), "41", "never more than all");
        let names = ["d1".to_owned(), "d2".to_owned()];
        assert_eq!(named(&names, 2).unwrap(), "d1, d2");
        assert_eq!(named(&names, 1233).unwrap(), "d1, d2, and 1 231 more");
    }
}
