//! Cohorts side by side: how many, how many online, what has changed, what they report.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::domain::cohort::CohortKey;
use crate::engine::snapshot::{CohortRow, Snapshot};
use crate::tui::format;
use crate::tui::layout::Shape;
use crate::tui::scene::{Scene, lines, wrap};
use crate::tui::theme::Role;
use crate::tui::ui::Pane;

/// Width of the online bar.
const BAR: usize = 8;
/// Below this share a cohort is marked even without an alert.
const LOW: f64 = 0.95;
/// Below this share a cohort inside one that the room is about is as bad as that one: it is where the fire is.
const BAD: f64 = 0.80;

pub fn draw(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let snapshot = scene.snapshot;
    let mut title = format!("cohorts by {}", snapshot.lens.group_by.join(" × "));
    // Of the past cohorts are kept, not devices: there is nothing to filter.
    if !snapshot.lens.filter.is_empty() && snapshot.past.is_none() {
        title += &format!(" · only {}", snapshot.lens.filter);
    }
    if snapshot.totals.left_out > 0 {
        title += &format!(" · {} in maintenance left out", format::count(snapshot.totals.left_out.into()));
    }
    if snapshot.totals.strangers > 0 {
        title += &format!(" · {} heard once left out", format::count(snapshot.totals.strangers.into()));
    }
    title += &scene.age();
    let inner = scene.pane(&title, Some(Pane::Cohorts), area, buffer);
    if inner.is_empty() {
        return;
    }
    let table = &snapshot.table;
    let columns = Columns::new(inner.width.into(), scene.shape);
    buffer.set_line(inner.x, inner.y, &columns.heading(scene), inner.width);
    let rows = usize::from(inner.height - 1);
    if table.rows.is_empty() {
        let below = Rect { y: inner.y + 1, height: inner.height - 1, ..inner };
        return lines(&nothing(scene, inner.width.into()), below, buffer);
    }
    let cursor = scene.ui.cohort_row(snapshot);
    let first = cursor.map_or(0, |cursor| (cursor + 1).saturating_sub(rows));
    let cut = table.total.saturating_sub(first + rows) > 0 || table.total > table.rows.len();
    let shown = if cut { rows.saturating_sub(1) } else { rows };
    for (n, row) in table.rows.iter().enumerate().skip(first).take(shown) {
        let y = inner.y + 1 + (n - first) as u16;
        let mut line = columns.row(scene, row);
        if cursor == Some(n) {
            let plain: String = line.spans.iter().map(|span| span.content.as_ref()).collect();
            line = Line::from(scene.span(format::left(&plain, inner.width.into()), Role::Selected));
        }
        buffer.set_line(inner.x, y, &line, inner.width);
    }
    if cut {
        let more = format!(
            "  … {} more; / filters them",
            format::count((table.total - first - shown.min(table.total - first)) as u64)
        );
        buffer.set_line(inner.x, inner.bottom() - 1, &Line::from(scene.span(more, Role::Muted)), inner.width);
    }
}

/// Why there is no row.
fn nothing<'a>(scene: &Scene<'a>, width: usize) -> Vec<Line<'a>> {
    let snapshot = scene.snapshot;
    let waits = snapshot.totals.devices == 0 && snapshot.link.is_up();
    let text = match (snapshot.totals.devices, snapshot.lens.filter.is_empty()) {
        (0, _) if waits => "connected, and waiting for the first device",
        (0, _) => "no device heard yet",
        (_, false) => "no device passes the filter; / changes it",
        _ => "no cohort",
    };
    let mut told = vec![text.to_owned()];
    if waits && !snapshot.subscriptions.is_empty() {
        told.extend(wrap(&format!("subscribed to {}", snapshot.subscriptions.join(", ")), width.saturating_sub(3)));
    }
    told.into_iter().map(|text| Line::from(scene.span(format!("  {text}"), Role::Muted))).collect()
}

/// Whether a cohort lies inside one that an open incident or an open alert is about, or is that one.
fn is_inside_trouble(snapshot: &Snapshot, key: &CohortKey) -> bool {
    let holds = |trouble: &CohortKey| !trouble.is_fleet() && trouble.0.iter().all(|(a, v)| key.get(a) == Some(v));
    let mut alerts = snapshot.alerts.iter().filter(|alert| alert.is_open());
    snapshot.open_incidents().any(|incident| holds(&incident.cohort)) || alerts.any(|a| holds(&a.finding.cohort))
}

/// Which columns there is room for.
struct Columns {
    name: usize,
    trend: bool,
    messages: bool,
    errors: bool,
}

impl Columns {
    fn new(width: usize, shape: Shape) -> Self {
        let fixed = 3 + 9 + 1 + BAR + 1 + 5 + 6;
        let errors = width >= fixed + 16 + 15;
        let trend = shape == Shape::Wide && width >= fixed + 20 + 15 + 22;
        let messages = trend && width >= fixed + 20 + 15 + 22 + 8;
        let optional = if errors { 15 } else { 0 } + if trend { 22 } else { 0 } + if messages { 8 } else { 0 };
        Self { name: width.saturating_sub(fixed + optional).max(6), trend, messages, errors }
    }

    fn heading<'a>(&self, scene: &Scene<'a>) -> Line<'a> {
        let mut text = format!(
            "   {}{} {}{}",
            format::left("cohort", self.name),
            format::right("devices", 9),
            format::left("online", BAR + 6),
            format::right("Δ10m", 6)
        );
        if self.errors {
            text += &format!("{}{}", format::right("err/s", 7), format::right("boots", 8));
        }
        if self.messages {
            text += &format::right("msg/s", 8);
        }
        if self.trend {
            text += "  last ten minutes";
        }
        Line::from(scene.span(text, Role::Muted))
    }

    fn row<'a>(&self, scene: &Scene<'a>, row: &CohortRow) -> Line<'a> {
        let share = row.share();
        let burns = row.alert.is_some() || (share < BAD && is_inside_trouble(scene.snapshot, &row.key));
        let (mark, health) = match burns {
            true => ("✗", Role::Alarm),
            false if share < LOW => ("!", Role::Warn),
            false => ("●", Role::Good),
        };
        let pin = if row.pinned { "▸" } else { " " };
        let data = scene.data(Role::Text);
        let health: Style = scene.data(health);
        let or_dot = |value: Option<String>| value.unwrap_or_else(|| "·".into());
        let change = row.change.map(format::change);
        let fell = row.change.is_some_and(|change| change <= -5.0);
        let (filled, empty) = format::bar(share, BAR);
        let mut spans = vec![
            Span::styled(format!(" {mark}"), health),
            scene.span(pin, Role::Key),
            Span::styled(format::left(&row.key.to_string(), self.name), if burns { health } else { data }),
            Span::styled(format::right(&format::count(row.devices.into()), 9), data),
            Span::raw(" "),
            Span::styled(filled, health),
            scene.span(empty, Role::Border),
            Span::styled(format!(" {}", format::percent(share)), if share < LOW { health } else { data }),
            Span::styled(format::right(&or_dot(change), 6), if fell { health } else { data }),
        ];
        if self.errors {
            spans.push(Span::styled(format::right(&or_dot(row.errors.map(format::rate)), 7), data));
            spans.push(Span::styled(format::right(&or_dot(row.reboots.map(format::count)), 8), data));
        }
        if self.messages {
            spans.push(Span::styled(format::right(&or_dot(row.messages.map(format::rate)), 8), data));
        }
        if self.trend {
            spans.push(Span::raw("  "));
            spans.push(Span::styled(format::trend(&row.trend), scene.data(Role::Chart)));
        }
        Line::from(spans)
    }
}
