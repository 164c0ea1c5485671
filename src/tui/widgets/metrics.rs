//! The quarter in numbers: each clock with its median, ninth decile and worst, by severity and type, beside the quarters
//! before.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::domain::clock::Clock;
use crate::engine::metrics::{Group, Quarter, Report};
use crate::tui::format;
use crate::tui::scene::Scene;
use crate::tui::theme::Role;
use crate::tui::ui::Pane;

/// From so many columns on, there is room for the quarter before.
const WIDE: u16 = 110;

pub fn draw(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let report = report(scene);
    let counted = format::counted(report.groups[0].incidents as u64, "incident");
    let title = format!("{} · {counted} · up and down: another quarter", report.quarter);
    let inner = scene.pane(&title, Some(Pane::Metrics), area, buffer);
    let content = content(scene, &report, inner.width >= WIDE);
    let top = top(scene, content.len(), inner.height.into());
    scene.page(content, top, inner, buffer);
}

/// The first line shown after a movement by so many lines.
pub fn moved(scene: &Scene<'_>, area: Rect, by: isize) -> usize {
    let inner = scene.inside(area);
    let (length, height) = (content(scene, &report(scene), false).len(), usize::from(inner.height));
    top(scene, length, height).saturating_add_signed(by).min(length.saturating_sub(height))
}

fn top(scene: &Scene<'_>, length: usize, height: usize) -> usize {
    scene.ui.top.unwrap_or(0).min(length.saturating_sub(height))
}

fn report(scene: &Scene<'_>) -> Report {
    let snapshot = scene.snapshot;
    // The cursor goes through quarters: up is back.
    let mut quarter = Quarter::of(snapshot.at);
    for _ in 0..scene.ui.quarters_back {
        quarter = quarter.before();
    }
    let incidents = snapshot.incidents.values().map(AsRef::as_ref);
    Report::of(incidents, quarter, &snapshot.targets, snapshot.at)
}

fn content<'a>(scene: &Scene<'a>, report: &Report, is_wide: bool) -> Vec<Line<'a>> {
    let mut content = vec![heads(scene, is_wide)];
    for group in &report.groups {
        content.extend(rows(scene, report, group, is_wide));
    }
    content.push(Line::default());
    content.extend(trend(scene, report));
    content
}

fn heads<'a>(scene: &Scene<'a>, is_wide: bool) -> Line<'a> {
    let text = format!(
        " {:20} {:4} {:>5} {:>9} {:>9} {:>9}  {:7} {:>7}",
        "", "", "count", "median", "p90", "worst", "in", "in time"
    );
    let against = if is_wide { "  against the quarter before" } else { "" };
    Line::from(scene.span(text + against, Role::Muted))
}

fn rows<'a>(scene: &Scene<'a>, report: &Report, group: &Group, is_wide: bool) -> Vec<Line<'a>> {
    let is_all = group.name == "all";
    let line = |(n, clock): (usize, Clock)| {
        let name = if n == 0 { format!("{} ({})", group.name, group.incidents) } else { String::new() };
        let role = if is_all { Role::Title } else { Role::Text };
        let mut spans = vec![
            scene.span(format!(" {}", format::left(&name, 20)), role),
            scene.span(format!(" {:4}", clock.short()), Role::Muted),
        ];
        let open = group.clocks.iter().find(|line| line.clock == clock).map_or(0, |line| line.open);
        match group.spread(clock) {
            None => spans.push(scene.span(format!(" {:>5}", 0), Role::Muted)),
            Some(s) => {
                let time = |s: i64| format::right(&format::duration(s), 9);
                spans.push(scene.span(format!(" {:>5}", s.count), Role::Text));
                spans.push(scene.span(format!(" {}", time(s.median_s)), role));
                spans.push(scene.span(format!(" {} {}", time(s.p90_s), time(s.worst_s)), Role::Text));
                spans.push(scene.span(format!("  {:7}", s.worst.to_string()), Role::Muted));
                let late = if s.in_time < s.count { Role::Warn } else { Role::Good };
                spans.push(scene.span(format!(" {:>7}", format!("{}/{}", s.in_time, s.count)), late));
                if is_all && is_wide {
                    spans.push(against(scene, report, clock, s.median_s));
                }
            }
        }
        if open > 0 {
            spans.push(scene.span(format!("  {open} open"), Role::Muted));
        }
        Line::from(spans)
    };
    Clock::ALL.into_iter().enumerate().map(line).collect()
}

/// Better is shorter; a tenth either way is the same.
fn against<'a>(scene: &Scene<'a>, report: &Report, clock: Clock, median_s: i64) -> Span<'a> {
    let Some((quarter, before_s)) = report.median_before(clock) else {
        return scene.span("  nothing to compare", Role::Muted);
    };
    let was = format!("was {} in {quarter}", format::duration(before_s));
    if median_s * 10 < before_s * 9 {
        scene.span(format!("  better, {was}"), Role::Good)
    } else if median_s * 10 > before_s * 11 {
        scene.span(format!("  worse, {was}"), Role::Warn)
    } else {
        scene.span(format!("  the same, {was}"), Role::Text)
    }
}

fn trend<'a>(scene: &Scene<'a>, report: &Report) -> Vec<Line<'a>> {
    let heads = format!(" {:20} {:>9} {:>10} {:>10} {:>10} {:>10}", "MEDIANS", "incidents", "TTD", "TTA", "TTM", "TTR");
    let mut told = vec![Line::from(scene.span(heads, Role::Muted))];
    let before = report.before.iter().rev().map(|(quarter, group)| (*quarter, group));
    for (quarter, group) in [(report.quarter, &report.groups[0])].into_iter().chain(before) {
        let median = |clock| group.spread(clock).map_or_else(|| "–".into(), |s| format::duration(s.median_s));
        let [a, b, c, d] = Clock::ALL.map(median).map(|text| format::right(&text, 10));
        let role = if quarter == report.quarter { Role::Title } else { Role::Text };
        let text = format!(" {:20} {:>9} {a} {b} {c} {d}", quarter.to_string(), group.incidents);
        told.push(Line::from(scene.span(text, role)));
    }
    told
}
