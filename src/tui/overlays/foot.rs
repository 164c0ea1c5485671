//! The last line of a window: its keys, and how much there is below what is shown.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::tui::scene::Scene;
use crate::tui::theme::Role;

/// Draws keys with what they do. Where they do not all fit, those before the last are left out: the last is how to leave.
/// `below` lines are not shown.
pub fn foot(scene: &Scene<'_>, keys: &[(&str, &str)], below: usize, inner: Rect, buffer: &mut Buffer) {
    let more = if below > 0 { format!(" ↓ {below} more") } else { String::new() };
    let room = usize::from(inner.width).saturating_sub(Line::from(more.as_str()).width());
    let mut shown = keys.to_vec();
    let mut line = written(scene, &shown);
    while line.width() > room && shown.len() > 1 {
        shown.remove(shown.len() - 2);
        line = written(scene, &shown);
    }
    let y = inner.bottom().saturating_sub(1);
    buffer.set_line(inner.x, y, &line, inner.width);
    buffer.set_line(inner.x + room as u16, y, &Line::from(scene.span(more, Role::Warn)), inner.width - room as u16);
}

fn written<'a>(scene: &Scene<'a>, keys: &[(&str, &str)]) -> Line<'a> {
    let mut line = Line::default();
    for (n, (key, what)) in keys.iter().enumerate() {
        let gap = if n > 0 { "   " } else { "" };
        line.push_span(scene.span(format!("{gap}{key}"), Role::Key));
        line.push_span(scene.span(format!(" {what}"), Role::Muted));
    }
    line
}
