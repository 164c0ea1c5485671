//! The last line: the keys that matter now, from the table of actions; or a word to the person.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

use crate::domain::replay::Course;
use crate::domain::switch::SwitchId;
use crate::tui::action::{ACTIONS, Action, Group, Spec};
use crate::tui::format;
use crate::tui::layout::kept;
use crate::tui::overlays::confirm;
use crate::tui::scene::Scene;
use crate::tui::theme::Role;
use crate::tui::ui::View;
use crate::tui::update;
use crate::tui::widgets::drill;

pub fn draw(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    if let Some(toast) = &scene.ui.toast
        && toast.is_fresh(scene.snapshot)
    {
        let (mark, role) = if toast.bad { ("✗", Role::Alarm) } else { ("✓", Role::Good) };
        let text = format::fit(&format!(" {mark} {}", toast.text), area.width.into());
        buffer.set_line(area.x, area.y, &Line::from(scene.span(text, role)), area.width);
        return;
    }
    if !scene.ui.chord.is_empty() {
        let begun: String = scene.ui.chord.iter().map(ToString::to_string).collect();
        let head = format!(" {begun} …  ");
        let keys = continuations(scene);
        let room = usize::from(area.width).saturating_sub(head.width());
        // The way out is the last of them.
        let kept = kept(&keys.iter().map(|key| key.width() + GAP).collect::<Vec<_>>(), room + GAP);
        let keys: Vec<&str> = kept.into_iter().map(|n| keys[n].as_str()).collect();
        let line = Line::from(scene.span(head + &keys.join("  "), Role::Key));
        buffer.set_line(area.x, area.y, &line, area.width);
        return;
    }
    let help = Line::from(vec![scene.span(scene.key(Action::Help), Role::Key), scene.span(" help ", Role::Text)]);
    let room = usize::from(area.width).saturating_sub(help.width() + 2);
    let hints = hints(scene);
    let told: Vec<Vec<Span<'_>>> = hints.iter().enumerate().map(|(n, spec)| hint(scene, &hints, n, spec)).collect();
    let widths: Vec<usize> = told.iter().map(|hint| hint.iter().map(Span::width).sum()).collect();
    let shown: Vec<usize> = match directs(scene) {
        // The safety lever stands there whatever else has to go.
        true => kept(&widths, room),
        false => {
            let mut used = 0;
            let fits = |n: &usize| {
                used += widths[*n];
                used <= room
            };
            (0..told.len()).take_while(fits).collect()
        }
    };
    let spans: Vec<Span<'_>> = shown.into_iter().flat_map(|n| told[n].clone()).collect();
    buffer.set_line(area.x, area.y, &Line::from(spans), area.width);
    // The way to everything else always stands at the end.
    let width = help.width() as u16;
    buffer.set_line(area.right().saturating_sub(width), area.y, &help, width);
}

/// Columns between two keys of a chord.
const GAP: usize = 2;

/// Whether this is the facilitator's screen of a game day that goes on.
fn directs(scene: &Scene<'_>) -> bool {
    scene.ui.view == View::Drill && drill::is_facilitator(scene.snapshot)
}

/// The actions worth a place in the footer now: on the facilitator's screen theirs, elsewhere the room's first.
fn hints(scene: &Scene<'_>) -> Vec<&'static Spec> {
    let directs = directs(scene);
    let possible = |spec: &&Spec| {
        !scene.key(spec.action).is_empty()
            && update::blocked(spec, scene.ui, scene.snapshot).is_none()
            && (!directs || spec.group == Group::Drill)
            && !is_spent(scene, spec.action)
    };
    let mut hints: Vec<&Spec> = ACTIONS.iter().filter(|spec| spec.footer.is_some()).filter(possible).collect();
    hints.sort_by_key(|spec| spec.footer);
    hints
}

/// Whether there is nothing left to do for it: its place in the footer is for what comes next.
fn is_spent(scene: &Scene<'_>, action: Action) -> bool {
    let Some(incident) = scene.ui.incident(scene.snapshot).filter(|incident| incident.is_open()) else { return false };
    match action {
        Action::Declare => scene.snapshot.loose_alerts().next().is_none(),
        Action::Mitigate => incident.moments.mitigated.is_some(),
        _ => false,
    }
}

/// One hint: its gap to the one before, its key, a word or two.
fn hint<'a>(scene: &Scene<'a>, hints: &[&Spec], n: usize, spec: &Spec) -> Vec<Span<'a>> {
    let before = n.checked_sub(1).and_then(|n| hints.get(n));
    let gap = match before {
        None => " ",
        Some(before) if before.group == Group::Switch && spec.group != Group::Switch => " │ ",
        Some(_) => "  ",
    };
    let key_role = if spec.group == Group::Switch { Role::Warn } else { Role::Key };
    let mut spans = vec![
        Span::styled(gap, scene.style(Role::Border)),
        scene.span(scene.key(spec.action), key_role),
        scene.span(format!(" {}", label(scene, spec)), Role::Text),
    ];
    spans.extend(tested(scene, spec.action).map(|(text, role)| scene.span(text, role)));
    spans
}

/// A word or two for what a key does now.
fn label(scene: &Scene<'_>, spec: &Spec) -> &'static str {
    let is_held = scene.snapshot.replay.as_ref().is_some_and(|replay| replay.course == Course::Paused);
    if spec.action == Action::Pause && is_held { "go on" } else { spec.label }
}

/// What the keys of a chord that has begun may go on with.
fn continuations(scene: &Scene<'_>) -> Vec<String> {
    let begun = &scene.ui.chord;
    let goes_on = |spec: &&Spec| {
        let mut chords = scene.keymap.keys(spec.action);
        let fits = chords.any(|chord| chord.0.len() > begun.len() && chord.0.starts_with(begun));
        fits && update::blocked(spec, scene.ui, scene.snapshot).is_none()
    };
    let told = ACTIONS.iter().filter(goes_on).filter_map(|spec| {
        let chord = scene.keymap.keys(spec.action).find(|chord| chord.0.starts_with(begun))?;
        Some(format!("{} {}", chord.0.get(begun.len())?, spec.label))
    });
    told.chain(std::iter::once("Esc".to_owned())).collect()
}

/// How old the last test of a kill switch is.
fn tested(scene: &Scene<'_>, action: Action) -> Option<(String, Role)> {
    let id = match action {
        Action::HaltOta => "ota-halt",
        Action::PushConfig => "config-push",
        Action::Revoke => "credential-revoke",
        _ => return None,
    };
    let tested = scene.snapshot.tests.get(&SwitchId::new(id))?;
    let days = scene.snapshot.at.since_s(tested.at) / 86_400;
    Some(match tested.ok {
        false => (" ·test FAILED".into(), Role::Alarm),
        true if days >= confirm::STALE_DAYS => (format!(" ·tested {days}d"), Role::Warn),
        true => (format!(" ·tested {days}d"), Role::Muted),
    })
}
