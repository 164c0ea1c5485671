//! The last line: the keys that matter now, from the table of actions; or a word to the person.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::domain::switch::SwitchId;
use crate::tui::action::{ACTIONS, Action, Group, Spec};
use crate::tui::format;
use crate::tui::overlays::confirm;
use crate::tui::scene::Scene;
use crate::tui::theme::Role;
use crate::tui::update;

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
        let line = Line::from(scene.span(format!(" {begun} …  {}   Esc", continuations(scene)), Role::Key));
        buffer.set_line(area.x, area.y, &line, area.width);
        return;
    }
    let mut hints: Vec<&Spec> = ACTIONS.iter().filter(|spec| spec.footer.is_some()).collect();
    hints.sort_by_key(|spec| spec.footer);
    let help = format!("{} help ", scene.key(Action::Help));
    let room = usize::from(area.width).saturating_sub(help.len() + 2);
    let mut spans = Vec::new();
    let mut used = 0;
    let mut last_group = None;
    for spec in hints {
        let key = scene.key(spec.action);
        if key.is_empty() || update::blocked(spec, scene.ui, scene.snapshot).is_some() {
            continue;
        }
        let gap = match last_group {
            None => " ",
            Some(Group::Switch) if spec.group != Group::Switch => " │ ",
            Some(_) => "  ",
        };
        let tested = tested(scene, spec.action);
        let tested_width = tested.as_ref().map_or(0, |(text, _)| text.chars().count());
        let width = gap.chars().count() + key.len() + 1 + spec.label.len() + tested_width;
        if used + width > room {
            break;
        }
        last_group = Some(spec.group);
        used += width;
        let key_role = if spec.group == Group::Switch { Role::Warn } else { Role::Key };
        spans.push(Span::styled(gap, scene.style(Role::Border)));
        spans.push(scene.span(key, key_role));
        spans.push(scene.span(format!(" {}", spec.label), Role::Text));
        spans.extend(tested.map(|(text, role)| scene.span(text, role)));
    }
    buffer.set_line(area.x, area.y, &Line::from(spans), area.width);
    // The way to everything else always stands at the end.
    let help = Line::from(vec![scene.span(scene.key(Action::Help), Role::Key), scene.span(" help ", Role::Text)]);
    let width = help.width() as u16;
    buffer.set_line(area.right().saturating_sub(width), area.y, &help, width);
}

/// What the keys of a chord that has begun may go on with.
fn continuations(scene: &Scene<'_>) -> String {
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
    told.collect::<Vec<_>>().join("  ")
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
