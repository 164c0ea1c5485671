//! What is due, on one line: how long there is left for each, and what is overdue in red. It stands on every screen
//! while anything is due.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::domain::due::{Due, DueKind};
use crate::engine::snapshot::Snapshot;
use crate::tui::format;
use crate::tui::scene::Scene;
use crate::tui::theme::Role;

/// Whether there is anything to say.
pub fn is_empty(snapshot: &Snapshot) -> bool {
    snapshot.due.is_empty()
}

/// How long is left, or how long it is overdue; and how urgent that is.
pub fn words(due: &Due, snapshot: &Snapshot) -> (String, Role) {
    let left = due.left_s(snapshot.at);
    if due.is_overdue(snapshot.at) {
        (format!("OVERDUE {}", format::duration(-left)), Role::Alarm)
    } else if due.kind == DueKind::Watch {
        (format::duration(left.max(0)), Role::Good)
    } else {
        (format::duration(left), if due.is_close(snapshot.at) { Role::Warn } else { Role::Text })
    }
}

pub fn draw(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    let here = scene.ui.incident(scene.snapshot).map(|incident| incident.id);
    let mut spans = vec![scene.span(" due ", Role::Muted)];
    let all = scene.snapshot.due.len();
    for (n, due) in scene.snapshot.due.iter().enumerate() {
        let (left, role) = words(due, scene.snapshot);
        let other = due.incident.filter(|id| Some(*id) != here).map(|id| format!("{id} ")).unwrap_or_default();
        let label = format!("{}{other}{} ", if n > 0 { " · " } else { "" }, due.label);
        let more = format!(" · {} more", all - n);
        let used: usize = spans.iter().map(Span::width).sum();
        let last = n + 1 == all;
        let needed = used + label.chars().count() + left.len() + if last { 0 } else { more.len() };
        if n > 0 && needed > usize::from(area.width) {
            spans.push(scene.span(more, Role::Warn));
            break;
        }
        spans.push(scene.span(label, Role::Muted));
        spans.push(scene.span(left, role));
    }
    buffer.set_line(area.x, area.y, &Line::from(spans), area.width);
}
