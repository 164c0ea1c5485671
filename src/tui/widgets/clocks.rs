//! The four clocks of the incident, and the fleet beside them.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Widget};

use crate::domain::clock::{Clock, ClockState, Moments, Reading, Standing};
use crate::tui::format;
use crate::tui::layout::Shape;
use crate::tui::scene::Scene;
use crate::tui::theme::Role;

/// The clocks to show: the incident's, or those of an alert that nobody has declared yet.
fn readings(scene: &Scene<'_>) -> [Reading; 4] {
    let snapshot = scene.snapshot;
    let moments = match scene.ui.incident(snapshot) {
        Some(incident) => incident.moments,
        None => scene.ui.alert(snapshot).map_or_else(Moments::default, |alert| Moments {
            onset: Some(alert.finding.onset),
            detected: Some(alert.at),
            acknowledged: alert.acknowledged.as_ref().map(|(at, _)| *at),
            ..Moments::default()
        }),
    };
    Clock::ALL.map(|clock| clock.read(&moments, &snapshot.targets, snapshot.at))
}

const fn role(reading: &Reading) -> Role {
    match (reading.state, reading.standing()) {
        (ClockState::Waiting, _) => Role::Muted,
        (_, Standing::Good) => Role::Good,
        (_, Standing::Close) => Role::Warn,
        (_, Standing::Late) => Role::Alarm,
    }
}

const fn mark(reading: &Reading) -> &'static str {
    match (reading.state, reading.standing()) {
        (ClockState::Waiting, _) => "·",
        (ClockState::Running, Standing::Late) => "!",
        (ClockState::Running, _) => "▸",
        (ClockState::Stopped, Standing::Late) => "✗",
        (ClockState::Stopped, _) => "✓",
    }
}

fn elapsed(reading: &Reading) -> String {
    if reading.state == ClockState::Waiting { "–".into() } else { format::duration(reading.elapsed_s) }
}

/// The time, in a column as wide as the longest word leaves: it must not move when the word changes.
fn elapsed_column(reading: &Reading, width: u16) -> String {
    const TARGET_AND_WORD: u16 = 4 + 9;
    let column = width.saturating_sub(TARGET_AND_WORD).clamp(5, 8);
    let elapsed = elapsed(reading);
    if elapsed.chars().count() > column.into() { elapsed } else { format::right(&elapsed, column.into()) }
}

/// The mark beside the clock's name says the same in one letter.
fn without_word(mut line: Line<'_>) -> Line<'_> {
    line.spans.pop();
    line
}

pub fn draw(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    if scene.shape == Shape::Folded {
        return draw_line(scene, area, buffer);
    }
    let [clocks, fleet] = Layout::horizontal([Constraint::Percentage(77), Constraint::Fill(1)]).areas(area);
    let boxes: [Rect; 4] = Layout::horizontal([Constraint::Fill(1); 4]).areas(clocks);
    for (reading, area) in readings(scene).iter().zip(boxes) {
        let role = role(reading);
        let title = format!(" {} {} {} ", reading.clock.short(), reading.clock.name(), mark(reading));
        let block = Block::bordered().border_style(scene.style(Role::Border)).title(scene.span(title, role));
        let inner = block.inner(area);
        block.render(area, buffer);
        let line = Line::from(vec![
            scene.span(elapsed_column(reading, inner.width), if role == Role::Good { Role::Title } else { role }),
            scene.span(format::left(&format!("/{}", format::target(reading.target_s)), 4), Role::Muted),
            scene.span(format!(" {}", reading.word()), role),
        ]);
        let line = if line.width() > usize::from(inner.width) { without_word(line) } else { line };
        buffer.set_line(inner.x, inner.y, &line, inner.width);
    }
    draw_fleet(scene, fleet, buffer);
}

fn draw_fleet(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let totals = &scene.snapshot.totals;
    let inner = scene.pane(&format!("fleet{}", scene.age()), None, area, buffer);
    let share = f64::from(totals.online) / f64::from(totals.devices.max(1));
    let line = if totals.devices == 0 {
        Line::from(scene.span(" no device heard yet", Role::Muted))
    } else {
        Line::from(vec![
            Span::styled(format!(" {}", format::percent(share).trim_start()), scene.data(Role::Title)),
            scene.span(
                format!(" {}/{} on", format::count(totals.online.into()), format::count(totals.devices.into())),
                Role::Muted,
            ),
        ])
    };
    buffer.set_line(inner.x, inner.y, &line, inner.width);
}

/// All four on one line.
fn draw_line(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let mut spans = Vec::new();
    for reading in readings(scene) {
        let role = role(&reading);
        spans.push(scene.span(format!(" {} ", reading.clock.short()), Role::Muted));
        spans.push(scene.span(format!("{}{}", mark(&reading), elapsed(&reading)), role));
        spans.push(scene.span(format!("/{} ", format::target(reading.target_s)), Role::Muted));
    }
    let totals = &scene.snapshot.totals;
    let fleet =
        format!("{}/{} on{}", format::count(totals.online.into()), format::count(totals.devices.into()), scene.age());
    let used: usize = spans.iter().map(Span::width).sum();
    let line = Line::from(spans);
    buffer.set_line(area.x, area.y, &line, area.width);
    let left = usize::from(area.width).saturating_sub(used + 1);
    let text = format::right(&fleet, left);
    buffer.set_line(area.x + used as u16, area.y, &Line::from(Span::styled(text, scene.data(Role::Text))), left as u16);
}
