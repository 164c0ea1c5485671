//! Bad input: what could not be read, counted by kind, with samples.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;

use crate::tui::format;
use crate::tui::layout::centred;
use crate::tui::scene::{Scene, lines, wrap};
use crate::tui::theme::Role;

pub fn draw(selected: usize, scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let snapshot = scene.snapshot;
    let window = centred(area, 108, area.height.saturating_sub(4).min(34));
    let title = format!("bad input · {} · Esc closes", format::counted(snapshot.totals.faults, "message"));
    let inner = scene.window(&title, Role::Focus, window, buffer);
    let row = |n: u64, label: &str, meaning: &'static str| {
        Line::from(vec![
            scene.span(format::right(&format::count(n), 9), Role::Warn),
            scene.span(format!("  {}", format::left(label, 17)), Role::Text),
            scene.span(meaning, Role::Muted),
        ])
    };
    let mut kinds: Vec<Line<'_>> =
        snapshot.faults.iter().map(|(fault, n)| row(*n, fault.label(), fault.meaning())).collect();
    if kinds.is_empty() {
        kinds.push(Line::from(scene.span("every message so far could be read", Role::Muted)));
    }
    let unfollowed = snapshot.totals.unfollowed;
    if unfollowed > 0 {
        kinds.push(row(
            unfollowed,
            "not followed",
            "measurements beyond four values; [[fleet.kpi]] names those to follow",
        ));
    }
    if snapshot.faults.is_empty() {
        return lines(&kinds, inner, buffer);
    }
    let samples = &snapshot.samples;
    let detail_rows = 8.min(inner.height / 3);
    let [upper, middle, lower] = Layout::vertical([
        Constraint::Max(kinds.len() as u16 + 1),
        Constraint::Fill(1),
        Constraint::Length(detail_rows),
    ])
    .areas(inner);
    lines(&kinds, upper, buffer);

    let selected = selected.min(samples.len().saturating_sub(1));
    let first = selected.saturating_sub(usize::from(middle.height).saturating_sub(2));
    let mut rows = vec![Line::from(scene.span("SAMPLES", Role::Muted))];
    for (n, sample) in samples.iter().enumerate().skip(first).take(usize::from(middle.height)) {
        let text = format!("{} {} {}", format::clock(sample.at), format::left(sample.fault.label(), 17), sample.topic);
        let role = if n == selected { Role::Selected } else { Role::Text };
        rows.push(Line::from(scene.span(format::left(&text, middle.width.into()), role)));
    }
    lines(&rows, middle, buffer);

    if let Some(sample) = samples.get(selected) {
        let mut detail =
            vec![Line::from(scene.span(format!("{} · {} bytes", sample.topic, sample.bytes), Role::Title))];
        let preview = if sample.preview.is_empty() { "(empty)" } else { &sample.preview };
        detail
            .extend(wrap(preview, lower.width.into()).into_iter().map(|text| Line::from(scene.span(text, Role::Text))));
        lines(&detail, lower, buffer);
    }
}
