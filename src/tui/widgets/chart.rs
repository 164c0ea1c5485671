//! A signal of a cohort over time, with marks for what happened.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;
use ratatui::widgets::canvas::{Canvas, Line as Stroke};

use crate::domain::signal::Signal;
use crate::engine::snapshot::Chart;
use crate::tui::format;
use crate::tui::scene::Scene;
use crate::tui::theme::Role;

/// Columns for the labels of the vertical axis.
const LABELS: u16 = 6;

pub fn draw(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let chart = &scene.snapshot.chart;
    let signal = chart.signal.unwrap_or(Signal::Online);
    let unit = match signal {
        Signal::Online => "% online".into(),
        Signal::Devices => "devices".into(),
        Signal::Updating => "devices whose absence is expected".into(),
        counted if counted.has_series() => format!("{counted} a second"),
        shown => format!("{shown}, devices a minute"),
    };
    let span_s = i64::from(chart.step_s) * chart.points.len() as i64;
    let title = format!("{unit} · {} · last {}{}", chart.cohort, format::ago(span_s), scene.age());
    let inner = scene.pane(&title, None, area, buffer);
    if inner.height < 3 || inner.width < LABELS + 10 {
        return;
    }
    let known: Vec<f64> = chart.points.iter().flatten().map(|value| f64::from(*value)).collect();
    if known.is_empty() {
        let line = Line::from(scene.span("  no history yet", Role::Muted));
        buffer.set_line(inner.x, inner.y, &line, inner.width);
        return;
    }
    let (low, high) = bounds(signal, &known);
    let plot = Rect { x: inner.x + LABELS, width: inner.width - LABELS, y: inner.y + 1, height: inner.height - 1 };
    plot_line(scene, chart, low, high, plot, buffer);
    draw_labels(scene, low, high, plot, buffer);
    draw_marks(scene, chart, inner.y, plot, buffer);
}

/// What the vertical axis spans. An online share is drawn from a round number below its lowest, so that a small fall
/// is seen; and at least ten points of it, so that a healthy fleet is a calm line.
fn bounds(signal: Signal, known: &[f64]) -> (f64, f64) {
    let lowest = known.iter().copied().fold(f64::INFINITY, f64::min);
    let highest = known.iter().copied().fold(0.0, f64::max);
    match signal {
        Signal::Online => (((lowest - 1.0) / 10.0).floor().clamp(0.0, 9.0) * 10.0, 100.0),
        Signal::Devices | Signal::Updating => (0.0, round_up(highest.max(1.0))),
        _ => (0.0, round_up(highest.max(0.1))),
    }
}

/// The next of 1, 2, 5, 10, 20, 50 …
fn round_up(n: f64) -> f64 {
    let power = 10f64.powf(n.log10().floor());
    [1.0, 2.0, 5.0, 10.0].map(|step| step * power).into_iter().find(|round| *round >= n).unwrap_or(n)
}

fn plot_line(scene: &Scene<'_>, chart: &Chart, low: f64, high: f64, plot: Rect, buffer: &mut Buffer) {
    let colour = scene.data(Role::Chart).fg.unwrap_or_default();
    let last = (chart.points.len() - 1).max(1) as f64;
    Canvas::default()
        .marker(Marker::Braille)
        .x_bounds([0.0, last])
        .y_bounds([low, high])
        .paint(|context| {
            for (n, pair) in chart.points.windows(2).enumerate() {
                if let [Some(a), Some(b)] = *pair {
                    let (x, a, b) = (n as f64, f64::from(a).clamp(low, high), f64::from(b).clamp(low, high));
                    context.draw(&Stroke::new(x, a, x + 1.0, b, colour));
                }
            }
        })
        .render(plot, buffer);
}

fn draw_labels(scene: &Scene<'_>, low: f64, high: f64, plot: Rect, buffer: &mut Buffer) {
    let rows = plot.height.saturating_sub(1);
    for row in [0, rows / 2, rows] {
        // What stands on this very row: half of the rows is not always a whole one.
        let value = high - (high - low) * f64::from(row) / f64::from(rows.max(1));
        let text = format::right(&label(value, high - low), usize::from(LABELS) - 2);
        let label = Line::from(scene.span(format!("{text} ┤"), Role::Muted));
        buffer.set_line(plot.x - LABELS, plot.y + row, &label, LABELS);
    }
}

/// A value beside an axis that spans so much: as exact as it takes to tell two of them apart.
fn label(value: f64, span: f64) -> String {
    let value = if span >= 10.0 { value.round() } else { value };
    match value {
        value if value <= 0.0 => "0".into(),
        value if span < 1.0 => format!("{value:.2}"),
        value if value >= 100.0 || value.fract() == 0.0 => format::rate(value).replace(".0", ""),
        value => format::rate(value),
    }
}

/// A dotted line down the plot for each mark, its name above. Where names would overlap, what people did goes before
/// what happened.
fn draw_marks(scene: &Scene<'_>, chart: &Chart, name_y: u16, plot: Rect, buffer: &mut Buffer) {
    let span_s = f64::from(chart.step_s) * chart.points.len() as f64;
    let mut marks: Vec<_> = chart.marks.iter().collect();
    marks.sort_by_key(|(back, name)| (rank(name), std::cmp::Reverse(*back)));
    let mut taken: Vec<(u16, u16)> = Vec::new();
    for (back_s, name) in marks {
        let share = 1.0 - f64::from(*back_s) / span_s;
        let x = plot.x + (share * f64::from(plot.width - 1)).round() as u16;
        for y in plot.y..plot.bottom() {
            if matches!(buffer[(x, y)].symbol(), " " | "\u{2800}") {
                buffer.set_string(x, y, "┊", scene.style(Role::Mark));
            }
        }
        let width = name.chars().count() as u16 + 1;
        // Near the right edge the name stands before its line.
        let from = if x + width <= plot.right() { x } else { (x + 1).saturating_sub(width) };
        if taken.iter().any(|(a, b)| from < *b && *a < from + width + 1) {
            continue;
        }
        taken.push((from, from + width + 1));
        let text = if from == x { format!("┊{name}") } else { format!("{name}┊") };
        buffer.set_line(from, name_y, &Line::from(Span::styled(text, scene.style(Role::Mark))), width);
    }
}

/// What people did goes before what happened.
pub(super) fn rank(name: &str) -> u8 {
    match name {
        name if name.starts_with("alert") => 2,
        name if name.starts_with("wave") => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axis_is_round_and_holds_everything() {
        assert_eq!(bounds(Signal::Online, &[99.5, 98.9]), (90.0, 100.0));
        assert_eq!(bounds(Signal::Online, &[100.0, 41.0]), (40.0, 100.0));
        assert_eq!(bounds(Signal::Online, &[0.0]), (0.0, 100.0));
        assert_eq!(bounds(Signal::Errors, &[0.0, 38.1]), (0.0, 50.0));
        assert_eq!(bounds(Signal::Errors, &[0.0]), (0.0, 0.1));
    }

    #[test]
    fn labels_of_one_axis_differ() {
        let of = |span: f64| [span, span / 2.0, 0.0].map(|value| label(value, span));
        let cases = [(0.1, ["0.10", "0.05", "0"]), (1.0, ["1", "0.5", "0"]), (5.0, ["5", "2.5", "0"])];
        for (span, expected) in cases {
            assert_eq!(of(span), expected);
        }
        assert_eq!(of(20_000.0), ["20k", "10k", "0"]);
    }
}
