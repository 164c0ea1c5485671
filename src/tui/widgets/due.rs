//! What is due, on one line: how long there is left for each, and what is overdue in red. It stands on every screen
//! while anything is due.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

use crate::domain::due::{Due, DueKind};
use crate::engine::snapshot::Snapshot;
use crate::tui::format;
use crate::tui::scene::Scene;
use crate::tui::theme::Role;

/// What is due in the incident that is looked at, what is overdue and what customers and authorities wait for first; and
/// how much is overdue elsewhere.
fn wanted<'a>(scene: &Scene<'a>) -> (Vec<&'a Due>, usize) {
    let snapshot = scene.snapshot;
    let here = scene.ui.incident(snapshot).map(|incident| incident.id);
    let (mut own, others): (Vec<&Due>, Vec<&Due>) =
        snapshot.due.iter().partition(|due| here.is_none() || due.incident.is_none_or(|id| Some(id) == here));
    own.sort_by_key(|due| (!due.is_overdue(snapshot.at), due.is_overdue(snapshot.at) && due.is_inside(), due.at));
    (own, others.iter().filter(|due| due.is_overdue(snapshot.at)).count())
}

/// Whether there is anything to say.
pub fn is_empty(scene: &Scene<'_>) -> bool {
    let (own, elsewhere) = wanted(scene);
    own.is_empty() && elsewhere == 0
}

/// How long is left, or how long it is overdue; and how urgent that is.
pub fn words(due: &Due, snapshot: &Snapshot) -> (String, Role) {
    let left = due.left_s(snapshot.at);
    if due.is_overdue(snapshot.at) {
        (format!("OVERDUE {}", format::duration(-left)), Role::Alarm)
    } else if due.kind == DueKind::Watch {
        // When the time is over, its label says what it still waits for.
        (if left > 0 { format::duration(left) } else { String::new() }, Role::Good)
    } else {
        (format::duration(left), if due.is_close(snapshot.at) { Role::Warn } else { Role::Text })
    }
}

pub fn draw(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    let (own, elsewhere) = wanted(scene);
    let overdue = own.iter().filter(|due| due.is_overdue(scene.snapshot.at)).count();
    let mut spans = vec![scene.span(" due ", Role::Muted)];
    if overdue > 1 {
        spans.push(scene.span(format!("{overdue} overdue: "), Role::Alarm));
    }
    let tail = if elsewhere > 0 { format!(" · {elsewhere} overdue in other incidents") } else { String::new() };
    let all = own.len();
    for (n, due) in own.into_iter().enumerate() {
        let (left, role) = words(due, scene.snapshot);
        let label = format!("{}{} ", if n > 0 { " · " } else { "" }, due.label);
        let more = format!(" · {} more", all - n);
        let used: usize = spans.iter().map(Span::width).sum();
        let last = n + 1 == all;
        let needed = used + label.width() + left.width() + tail.width() + if last { 0 } else { more.width() };
        if n > 0 && needed > usize::from(area.width) {
            spans.push(scene.span(more, Role::Warn));
            break;
        }
        spans.push(scene.span(label, Role::Muted));
        spans.push(scene.span(left, role));
    }
    let tail = if all == 0 { tail.trim_start_matches(" · ").to_owned() } else { tail };
    spans.push(scene.span(tail, Role::Warn));
    buffer.set_line(area.x, area.y, &Line::from(spans), area.width);
}
