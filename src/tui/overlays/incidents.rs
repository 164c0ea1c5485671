//! The incidents: all of them, open ones first; one key goes to another, one merges.

use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::domain::ids::IncidentId;
use crate::domain::incident::{Incident, Severity};
use crate::engine::snapshot::Snapshot;
use crate::tui::action::Action;
use crate::tui::action::respond::Respond;
use crate::tui::format;
use crate::tui::layout::centred;
use crate::tui::overlays::foot::foot;
use crate::tui::scene::{Scene, lines};
use crate::tui::theme::Role;

/// Columns that the window takes where there are so many.
const WIDTH: u16 = 104;

/// Every incident: open ones first, the newest first among each.
pub fn all(snapshot: &Snapshot) -> Vec<&Arc<Incident>> {
    let closed = snapshot.incidents.values().rev().filter(|incident| !incident.is_open());
    snapshot.open_incidents().chain(closed).collect()
}

pub fn draw(selected: usize, scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let incidents = all(scene.snapshot);
    let width = WIDTH.min(area.width);
    let height = (incidents.len() as u16 + 4).clamp(6, area.height.max(6));
    let open = scene.snapshot.open_incidents().count();
    let title = format!("incidents · {open} open of {}", incidents.len());
    let inner = scene.window(&title, Role::Focus, centred(area, width, height), buffer);
    let columns = usize::from(inner.width);
    let rows = usize::from(inner.height).saturating_sub(2).max(1);
    let first = (selected + 1).saturating_sub(rows);
    let here = scene.ui.incident(scene.snapshot).map(|incident| incident.id);
    let mut told: Vec<Line<'_>> = incidents
        .iter()
        .enumerate()
        .skip(first)
        .take(rows)
        .map(|(n, incident)| row(scene, incident, n == selected, here == Some(incident.id), columns))
        .collect();
    if incidents.is_empty() {
        told.push(Line::from(scene.span("nothing has been declared yet", Role::Muted)));
    }
    lines(&told, inner, buffer);
    let merge = scene.key(Action::Respond(Respond::Merge));
    let keys = [("Enter", "looks at it"), (merge.as_str(), "the one on the screen is a part of it"), ("Esc", "back")];
    foot(scene, &keys, incidents.len().saturating_sub(first + rows), inner, buffer);
}

fn row<'a>(scene: &Scene<'a>, incident: &Incident, selected: bool, here: bool, columns: usize) -> Line<'a> {
    let state = match incident.response.merged_into {
        Some(into) => format!("part of {into}"),
        None if !incident.is_open() => "resolved".into(),
        None => incident.phase().name().to_owned(),
    };
    let began = incident.moments.onset.unwrap_or(incident.declared);
    let until = incident.moments.resolved.unwrap_or(scene.snapshot.at);
    let told = format!(
        "{} {} {:6} {:12} {:>9}  IC {}  ",
        if here { "▸" } else { " " },
        incident.severity,
        incident.id.to_string(),
        state,
        format::duration(until.since_s(began)),
        format::left(incident.commander_name(), 8),
    );
    let title = format::left(&incident.title, columns.saturating_sub(told.chars().count()));
    let role = match (selected, incident.is_open(), incident.severity) {
        (true, ..) => Role::Selected,
        (_, false, _) => Role::Muted,
        (_, _, Severity::Sev1 | Severity::Sev2) => Role::Alarm,
        _ => Role::Warn,
    };
    Line::from(scene.span(format!("{told}{title}"), role))
}

/// The incident under the cursor.
pub fn chosen(selected: usize, snapshot: &Snapshot) -> Option<IncidentId> {
    all(snapshot).get(selected).map(|incident| incident.id)
}
