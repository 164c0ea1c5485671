//! The last line: the keys that matter now, from the table of actions; or a word to the person.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::tui::action::{ACTIONS, Action, Group, Spec};
use crate::tui::format;
use crate::tui::scene::Scene;
use crate::tui::theme::Role;
use crate::tui::update;

pub fn draw(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    if let Some(toast) = &scene.ui.toast
        && toast.until > scene.snapshot.at
    {
        let (mark, role) = if toast.bad { ("✗", Role::Alarm) } else { ("✓", Role::Good) };
        let text = format::fit(&format!(" {mark} {}", toast.text), area.width.into());
        buffer.set_line(area.x, area.y, &Line::from(scene.span(text, role)), area.width);
        return;
    }
    if !scene.ui.chord.is_empty() {
        let begun: String = scene.ui.chord.iter().map(ToString::to_string).collect();
        let line = Line::from(scene.span(format!(" {begun} …  1 OTA halt   4 roll back   Esc"), Role::Key));
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
        let width = gap.chars().count() + key.len() + 1 + spec.label.len();
        if used + width > room {
            break;
        }
        last_group = Some(spec.group);
        used += width;
        let key_role = if spec.group == Group::Switch { Role::Warn } else { Role::Key };
        spans.push(Span::styled(gap, scene.style(Role::Border)));
        spans.push(scene.span(key, key_role));
        spans.push(scene.span(format!(" {}", spec.label), Role::Text));
    }
    buffer.set_line(area.x, area.y, &Line::from(spans), area.width);
    // The way to everything else always stands at the end.
    let help = Line::from(vec![scene.span(scene.key(Action::Help), Role::Key), scene.span(" help ", Role::Text)]);
    let width = help.width() as u16;
    buffer.set_line(area.right().saturating_sub(width), area.y, &help, width);
}
