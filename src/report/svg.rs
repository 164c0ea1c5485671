//! A plot as inline SVG: axes, a curve that breaks where nobody listened, and a dotted line for what happened.

use std::fmt::Write;

use super::document::Plot;
use super::html::inert;
use crate::domain::time::At;

/// The drawing, in its own units; the page scales it.
const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 240.0;
/// Room for the labels of the axes, and above for two rows of names.
const LEFT: f64 = 48.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 22.0;
/// How wide a letter is, about.
const LETTER: f64 = 6.2;

/// Draws a plot; `n` makes its ids its own on the page.
pub(super) fn draw(plot: &Plot, n: usize) -> String {
    let frame = Frame { plot };
    let caption = format!("{} ({})", plot.title, plot.unit);
    let mut svg = format!(
        "<figure>\n<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-labelledby=\"plot-{n}\">\n\
         <title id=\"plot-{n}\">{}: {}</title>\n",
        inert(&caption),
        inert(&frame.in_words())
    );
    frame.axes(&mut svg);
    frame.marks(&mut svg);
    frame.curve(&mut svg);
    let _ = write!(svg, "</svg>\n<figcaption>{}</figcaption>\n</figure>\n", inert(&caption));
    svg
}

struct Frame<'a> {
    plot: &'a Plot,
}

impl Frame<'_> {
    fn x(&self, at: At) -> f64 {
        let span = self.plot.to.since_ms(self.plot.from).max(1) as f64;
        let share = at.since_ms(self.plot.from) as f64 / span;
        LEFT + share.clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, value: f64) -> f64 {
        let span = (self.plot.high - self.plot.low).max(f64::EPSILON);
        let share = (value - self.plot.low) / span;
        HEIGHT - BOTTOM - share.clamp(0.0, 1.0) * (HEIGHT - TOP - BOTTOM)
    }

    /// The same for those who cannot see it.
    fn in_words(&self) -> String {
        let known = || self.plot.points.iter().filter_map(|point| Some((point.at, point.value?)));
        let at = |at: At| at.utc().format("%H:%M:%S UTC").to_string();
        let lowest = known().min_by(|a, b| a.1.total_cmp(&b.1));
        let highest = known().max_by(|a, b| a.1.total_cmp(&b.1));
        let ends = lowest.zip(highest).map_or_else(
            || "no values".into(),
            |(low, high)| format!("lowest {:.1} at {}, highest {:.1} at {}", low.1, at(low.0), high.1, at(high.0)),
        );
        let marks: Vec<_> = self.plot.marks.iter().map(|mark| format!("{} at {}", mark.text, at(mark.at))).collect();
        if marks.is_empty() { ends } else { format!("{ends}; {}", marks.join(", ")) }
    }

    fn axes(&self, svg: &mut String) {
        let (bottom, right) = (HEIGHT - BOTTOM, WIDTH - RIGHT);
        let _ = writeln!(svg, "<path class=\"axis\" d=\"M{LEFT} {TOP}V{bottom}H{right}\"/>");
        for step in 0..=2 {
            let value = self.plot.low + (self.plot.high - self.plot.low) * f64::from(step) / 2.0;
            let y = self.y(value);
            let label = if value.fract() == 0.0 { format!("{value:.0}") } else { format!("{value:.1}") };
            let _ = writeln!(svg, "<path class=\"axis\" d=\"M{} {y:.1}H{LEFT}\"/>", LEFT - 4.0);
            let _ = writeln!(svg, "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>", LEFT - 7.0, y + 4.0);
        }
        let span_ms = self.plot.to.since_ms(self.plot.from);
        let format = if span_ms > 86_400_000 { "%m-%d %H:%M" } else { "%H:%M" };
        for step in 0..=4_i64 {
            let at = self.plot.from.plus_ms(span_ms * step / 4);
            let anchor = ["start", "middle", "middle", "middle", "end"][step as usize];
            let label = at.utc().format(format);
            let y = HEIGHT - 6.0;
            let _ = writeln!(svg, "<text x=\"{:.1}\" y=\"{y}\" text-anchor=\"{anchor}\">{label}</text>", self.x(at));
        }
    }

    /// One path; it is lifted where there is no value.
    fn curve(&self, svg: &mut String) {
        let mut path = String::new();
        let mut lifted = true;
        for point in &self.plot.points {
            let Some(value) = point.value else {
                lifted = true;
                continue;
            };
            let _ = write!(path, "{}{:.1} {:.1}", if lifted { 'M' } else { 'L' }, self.x(point.at), self.y(value));
            lifted = false;
        }
        let _ = writeln!(svg, "<path class=\"curve\" d=\"{path}\"/>");
    }

    /// Names stand in two rows; one that has no room in either is left to the timeline, its line stays.
    fn marks(&self, svg: &mut String) {
        let mut ends = [0.0_f64; 2];
        for mark in &self.plot.marks {
            let x = self.x(mark.at);
            let _ = writeln!(svg, "<path class=\"mark\" d=\"M{x:.1} {TOP}V{}\"/>", HEIGHT - BOTTOM);
            let width = mark.text.chars().count() as f64 * LETTER + 8.0;
            let from = (x - 2.0).min(WIDTH - RIGHT - width);
            let Some(row) = ends.iter().position(|end| *end <= from) else { continue };
            ends[row] = from + width;
            let y = TOP - 20.0 + 14.0 * row as f64;
            let _ = writeln!(svg, "<text class=\"name\" x=\"{from:.1}\" y=\"{y}\">{}</text>", inert(&mark.text));
        }
    }
}
