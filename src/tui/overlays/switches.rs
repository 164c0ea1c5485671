//! All switches, to choose one from.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::confirm;
use crate::engine::snapshot::Snapshot;
use crate::tui::format;
use crate::tui::layout::centred;
use crate::tui::scene::{Scene, lines};
use crate::tui::theme::Role;

/// How many there are.
pub fn length(snapshot: &Snapshot) -> usize {
    snapshot.switches.len()
}

pub fn draw(selected: usize, scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let width = 100u16.min(area.width);
    let room = usize::from(width.saturating_sub(4));
    let rows = usize::from(area.height.saturating_sub(6)).max(1);
    let first = selected.saturating_sub(rows - 1);
    let mut shown = Vec::new();
    for (n, switch) in scene.snapshot.switches.iter().enumerate().skip(first).take(rows) {
        let (tested, _) = confirm::tested(scene.snapshot, switch);
        let text = format!("{} {}", format::left(&switch.label, 22), switch.effect);
        let text = format::left(&format::fit(&text, room), room);
        let usable = switch.works_in(&scene.snapshot.environment);
        let role = match (n == selected, usable) {
            (true, _) => Role::Selected,
            (false, true) => Role::Text,
            (false, false) => Role::Muted,
        };
        shown.push(Line::from(scene.span(text, role)));
        if n == selected {
            let place = if usable { String::new() } else { format!("only in {} · ", switch.environments.join(", ")) };
            shown.push(Line::from(scene.span(format!("  {place}tested {tested}"), Role::Muted)));
        }
    }
    shown.push(Line::from(scene.span("Enter looks at what it would do · Esc", Role::Muted)));
    let window = centred(area, width, shown.len() as u16 + 2);
    let inner = scene.window("switches", Role::Focus, window, buffer);
    lines(&shown, inner, buffer);
}
