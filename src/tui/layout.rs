//! Where things stand: a pure function of the size. Three shapes: wide, usual, and folded for small terminals.

use ratatui::layout::{Constraint, Layout, Rect};

/// Below this there is no room.
pub const SMALLEST: (u16, u16) = (60, 18);

/// How much there is to show, by the size of the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// It says what it needs, and the little that fits.
    TooSmall,
    /// One column, no borders: 80×24.
    Folded,
    /// 120×40 and more.
    Usual,
    /// 170×50 and more: trends in the table, more of everything.
    Wide,
}

/// The shape for a size.
pub const fn shape(area: Rect) -> Shape {
    match (area.width, area.height) {
        (w, h) if w < SMALLEST.0 || h < SMALLEST.1 => Shape::TooSmall,
        (w, h) if w >= 170 && h >= 48 => Shape::Wide,
        (w, h) if w >= 100 && h >= 30 => Shape::Usual,
        _ => Shape::Folded,
    }
}

/// What every screen has: header, banners, clocks, body, footer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    pub header: Rect,
    pub banner: Rect,
    pub clocks: Rect,
    pub due: Rect,
    pub body: Rect,
    pub footer: Rect,
}

/// Splits the screen; `banners` is the number of lines that have something urgent to say, and what is `due` has one.
pub fn frame(area: Rect, banners: u16, due: bool) -> Frame {
    let clocks = if shape(area) == Shape::Folded { 1 } else { 3 };
    let [header, banner, clocks, due, body, footer] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(banners),
        Constraint::Length(clocks),
        Constraint::Length(due.into()),
        Constraint::Fill(1),
        Constraint::Length(1),
    ])
    .areas(area);
    Frame { header, banner, clocks, due, body, footer }
}

/// The panes of the room. Those without space are empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    pub cohorts: Rect,
    pub chart: Rect,
    pub runbook: Rect,
    pub why: Rect,
    pub rollout: Rect,
    pub timeline: Rect,
}

/// What there is to be seen in the room: without it its rows go to those who have something to say.
#[derive(Clone, Copy, Debug)]
pub struct Shown {
    pub rollout: bool,
    pub runbook: bool,
    /// An alert that nobody has declared yet.
    pub alert: bool,
}

/// Splits the body of the room.
pub fn room(body: Rect, shape: Shape, shown: Shown) -> Room {
    if shape == Shape::Folded {
        // Every pane has its title line. The chart comes in only when the cohorts have room enough.
        let chart = if body.height >= 28 { 8 } else { 0 };
        let [why, rollout, cohorts, chart, runbook, timeline] = Layout::vertical([
            Constraint::Length(if shown.alert && !shown.runbook { 5 } else { 3 }),
            Constraint::Length(if shown.rollout { 3 } else { 0 }),
            Constraint::Fill(1),
            Constraint::Length(chart),
            Constraint::Length(if shown.runbook { 2 } else { 0 }),
            Constraint::Length(if body.height >= 20 { 5 } else { 3 }),
        ])
        .areas(body);
        return Room { cohorts, chart, runbook, why, rollout, timeline };
    }
    let timeline_rows = (body.height / 4).clamp(6, 14);
    let [upper, timeline] = Layout::vertical([Constraint::Fill(1), Constraint::Length(timeline_rows)]).areas(body);
    let [left, right] = Layout::horizontal([Constraint::Percentage(60), Constraint::Percentage(40)]).areas(upper);
    let [cohorts, chart] = Layout::vertical([Constraint::Percentage(58), Constraint::Fill(1)]).areas(left);
    let rollout_rows = match (shown.rollout, shape) {
        (false, _) => 3,
        (true, Shape::Wide) => 12,
        // The rows that a runbook leaves are shared with why.
        (true, _) if !shown.runbook && upper.height >= 24 => 11,
        (true, _) => 8,
    };
    let why_rows = if shape == Shape::Wide { 9 } else { 8 };
    let (runbook_rows, why_rows) = match shown.runbook {
        true => (Constraint::Fill(1), Constraint::Length(why_rows)),
        false => (Constraint::Length(3), Constraint::Fill(1)),
    };
    let [runbook, why, rollout] =
        Layout::vertical([runbook_rows, why_rows, Constraint::Length(rollout_rows)]).areas(right);
    Room { cohorts, chart, runbook, why, rollout, timeline }
}

/// The panes of the fleet screen: cohorts above, their chart and devices below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fleet {
    pub cohorts: Rect,
    pub chart: Rect,
    pub devices: Rect,
}

pub fn fleet(body: Rect, shape: Shape) -> Fleet {
    if shape == Shape::Folded {
        let [cohorts, devices] = Layout::vertical([Constraint::Percentage(45), Constraint::Fill(1)]).areas(body);
        return Fleet { cohorts, chart: Rect::default(), devices };
    }
    let [upper, devices] = Layout::vertical([Constraint::Percentage(45), Constraint::Fill(1)]).areas(body);
    let [cohorts, chart] = Layout::horizontal([Constraint::Percentage(60), Constraint::Fill(1)]).areas(upper);
    Fleet { cohorts, chart, devices }
}

/// A box of this size in the middle, as far as it fits.
pub fn centred(area: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    Rect::new(area.x + (area.width - width) / 2, area.y + (area.height - height) / 2, width, height)
}

/// Which of several parts stay where there is not room for all: the first ones, and always the last.
pub fn kept(widths: &[usize], room: usize) -> Vec<usize> {
    let Some(last) = widths.len().checked_sub(1) else { return Vec::new() };
    let mut left = room.saturating_sub(widths[last]);
    let fits = |n: &usize| {
        let fits = widths[*n] <= left;
        left = left.saturating_sub(widths[*n]);
        fits
    };
    let mut kept: Vec<usize> = (0..last).take_while(fits).collect();
    kept.push(last);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_has_a_shape_and_nothing_leaves_the_screen() {
        for (w, h, expected) in [
            (0, 0, Shape::TooSmall),
            (40, 12, Shape::TooSmall),
            (80, 24, Shape::Folded),
            (120, 40, Shape::Usual),
            (200, 60, Shape::Wide),
            (500, 20, Shape::Folded),
        ] {
            let area = Rect::new(0, 0, w, h);
            assert_eq!(shape(area), expected, "{w}×{h}");
            let frame = frame(area, 2, true);
            let room = room(frame.body, shape(area), Shown { rollout: true, runbook: true, alert: true });
            let fleet = fleet(frame.body, shape(area));
            let panes = [
                room.cohorts,
                room.chart,
                room.runbook,
                room.why,
                room.rollout,
                room.timeline,
                fleet.cohorts,
                fleet.chart,
                fleet.devices,
            ];
            for pane in panes {
                assert!(pane.is_empty() || area.intersection(pane) == pane, "{w}×{h}: {pane:?}");
            }
        }
    }

    #[test]
    fn what_is_dropped_is_dropped_from_the_middle() {
        let cases = [
            (&[5, 5, 5][..], 15, &[0, 1, 2][..]),
            (&[5, 5, 5], 14, &[0, 2]),
            (&[5, 5, 5], 4, &[2]),
            (&[5, 20, 1, 5], 15, &[0, 3]),
            (&[], 10, &[]),
        ];
        for (widths, room, expected) in cases {
            assert_eq!(kept(widths, room), expected, "{widths:?} in {room}");
        }
    }
}
