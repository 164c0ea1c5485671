//! The last line of a window: its keys, and how much there is below what is shown.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use unicode_width::UnicodeWidthStr;

use crate::tui::layout::kept;
use crate::tui::scene::Scene;
use crate::tui::theme::Role;

/// Columns between two keys.
const GAP: usize = 3;

/// Draws keys with what they do. Where they do not all fit, those before the last are left out: the last is how to leave.
/// `below` lines are not shown.
pub fn foot(scene: &Scene<'_>, keys: &[(&str, &str)], below: usize, inner: Rect, buffer: &mut Buffer) {
    let more = if below > 0 { format!(" ↓ {below} more") } else { String::new() };
    let room = usize::from(inner.width).saturating_sub(more.width());
    let widths: Vec<usize> = keys.iter().map(|(key, what)| key.width() + 1 + what.width() + GAP).collect();
    let mut line = Line::default();
    for n in kept(&widths, room + GAP) {
        let (key, what) = keys[n];
        line.push_span(scene.span(key, Role::Key));
        line.push_span(scene.span(format!(" {what}{}", " ".repeat(GAP)), Role::Muted));
    }
    let y = inner.bottom().saturating_sub(1);
    buffer.set_line(inner.x, y, &line, room as u16);
    buffer.set_line(inner.x + room as u16, y, &Line::from(scene.span(more, Role::Warn)), inner.width - room as u16);
}
