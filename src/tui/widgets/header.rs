//! The first line: what this is (a drill, a replay, or production), the incident, who commands it, the link, the time.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

use crate::domain::incident::{Severity, Stage};
use crate::domain::input::LinkChange;
use crate::domain::replay::Course;
use crate::engine::snapshot::Snapshot;
use crate::tui::format;
use crate::tui::layout::Shape;
use crate::tui::scene::Scene;
use crate::tui::theme::Role;

pub fn draw(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let right = right(scene);
    let width = right.width().min(area.width.into()) as u16;
    let left = left(scene, usize::from(area.width.saturating_sub(width + 1)));
    buffer.set_line(area.x, area.y, &left, area.width);
    buffer.set_line(area.right() - width, area.y, &right, width);
}

/// The mark of a drill, of a replay with its speed, or of the environment. What is live and what is not never look alike.
fn mark<'a>(scene: &Scene<'a>) -> Span<'a> {
    match (&scene.snapshot.drill, &scene.snapshot.replay) {
        (Some(_), _) => scene.span(" DRILL ", Role::Drill),
        (None, Some(replay)) => scene.span(format!(" REPLAY {}× ", replay.speed), Role::Drill),
        (None, None) => scene.span(format!(" {} ", scene.snapshot.environment.to_uppercase()), Role::Prod),
    }
}

fn left<'a>(scene: &Scene<'a>, width: usize) -> Line<'a> {
    let snapshot = scene.snapshot;
    let mut spans = vec![mark(scene), Span::raw(" ")];
    if snapshot.past.is_some() {
        spans.extend([scene.span(" PAST ", Role::Armed), Span::raw(" ")]);
    } else if scene.ui.frozen.is_some() {
        spans.extend([scene.span(" FROZEN ", Role::Armed), Span::raw(" ")]);
    }
    if snapshot.read_only {
        spans.extend([scene.span("read-only", Role::Muted), Span::raw(" ")]);
    }
    let used: usize = spans.iter().map(Span::width).sum();
    let left = width.saturating_sub(used);
    if snapshot.joined {
        let told = format!("joined as {}", snapshot.operator);
        spans.push(scene.span(format::fit(&told, left), Role::Title));
        return Line::from(spans);
    }
    match scene.ui.incident(snapshot) {
        Some(incident) => {
            let role = match (incident.stage(), incident.severity) {
                (Stage::Resolved, _) => Role::Good,
                (_, Severity::Sev1 | Severity::Sev2) => Role::Alarm,
                _ => Role::Warn,
            };
            let severity = format!("{} ", incident.severity);
            let commander = format!("  IC {}", incident.commander_name());
            let others = snapshot.open_incidents().filter(|other| other.id != incident.id).count();
            let mut more = if others > 0 { format!("  +{others} open") } else { String::new() };
            // What has not been looked at yet must not hide behind what has.
            match snapshot.loose_alerts().count() {
                0 => {}
                1 => more += "  +1 alert",
                n => more += &format!("  +{n} alerts"),
            }
            let stage = match incident.response.merged_into {
                Some(into) => format!(" · part of {into}"),
                None if incident.stage() == Stage::Resolved => " · resolved".into(),
                None => format!(" · {}", incident.phase()),
            };
            let title = format!("{} {}", incident.id, incident.title);
            let room = left.saturating_sub(severity.len() + stage.width() + commander.width() + more.width());
            spans.push(scene.span(severity, role));
            // Of a long title its beginning is enough; where people stand in it is not to be guessed.
            spans.push(scene.span(format::fit(&title, room) + &stage, Role::Title));
            spans.push(scene.span(commander, if incident.has_commander() { Role::Text } else { Role::Alarm }));
            spans.push(scene.span(more, Role::Warn));
        }
        None => {
            let alerts = snapshot.loose_alerts().count();
            let (text, role) = match alerts {
                0 => (format!("no incident{}", game_days(snapshot)), Role::Muted),
                1 => ("1 alert, not declared".to_owned(), Role::Alarm),
                n => (format!("{n} alerts, not declared"), Role::Alarm),
            };
            spans.push(scene.span(format::fit(&text, left), role));
        }
    }
    Line::from(spans)
}

/// How long ago the last game day was, and what it has left to do: practice is a part of a quiet room.
fn game_days(snapshot: &Snapshot) -> String {
    let days = &snapshot.game_days;
    let Some(last) = days.last.filter(|_| snapshot.replay.is_none()) else { return String::new() };
    let gaps = if days.open_gaps == 1 { "gap" } else { "gaps" };
    format!(" · last game day {} d ago, {} {gaps} open", snapshot.at.since_s(last) / 86_400, days.open_gaps)
}

/// Where the messages come from, and how many.
fn source(snapshot: &Snapshot) -> (&'static str, String, Role) {
    let rate = format::rate(snapshot.totals.rate);
    let down_for = || format::ago(snapshot.at.since_s(snapshot.link.since));
    match (snapshot.replay.as_ref().map(|replay| replay.course), &snapshot.link.state) {
        (Some(Course::Ended), _) => ("●", "end of capture".into(), Role::Warn),
        (Some(Course::Paused), _) => ("○", "paused".into(), Role::Warn),
        (Some(Course::Running), LinkChange::Up) => ("▸", format!("file {rate:>5}/s"), Role::Good),
        (Some(Course::Running), _) => ("✗", format!("a gap, {}", down_for()), Role::Alarm),
        (None, LinkChange::Up) => ("●", format!("mqtt {rate:>5}/s"), Role::Good),
        (None, LinkChange::Connecting { .. }) => ("○", "connecting".into(), Role::Warn),
        (None, _) if snapshot.joined => ("✗", "the room does not answer".into(), Role::Alarm),
        (None, _) => ("✗", format!("down {}", down_for()), Role::Alarm),
    }
}

fn right<'a>(scene: &Scene<'a>) -> Line<'a> {
    let snapshot = scene.snapshot;
    let (mark, text, role) = source(snapshot);
    let mut spans = vec![
        scene.span(mark, role),
        scene.span(format!(" {text}"), if role == Role::Good { Role::Text } else { role }),
    ];
    if snapshot.totals.faults > 0 {
        // Coming in now, or a thing of the past.
        let fresh = snapshot.samples.first().is_some_and(|sample| snapshot.at.since_s(sample.at) < 60);
        let text = format!("  {} bad", format::short(snapshot.totals.faults));
        spans.push(scene.span(text, if fresh { Role::Warn } else { Role::Muted }));
    }
    let late = snapshot.log.late;
    if late > 0 {
        let text = match scene.shape {
            Shape::Folded => format!("  {late} not on disk"),
            _ => format!("  {} not on disk yet", format::counted(late, "event")),
        };
        spans.push(scene.span(text, Role::Warn));
    }
    let time = if scene.shape == Shape::Folded { "%H:%M:%SZ" } else { "%a %H:%M:%SZ" };
    spans.push(scene.span(format!("  {} ", snapshot.at.utc().format(time)), Role::Title));
    Line::from(spans)
}
