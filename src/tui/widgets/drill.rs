//! The game day: for responders the story and what they were told; for the facilitator the truth, the script with its
//! countdown, and how the responders get on.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use crate::domain::drill::{Measure, Scorecard};
use crate::domain::time::At;
use crate::engine::drill::view::DrillView;
use crate::engine::drill::{GameDay, LineState};
use crate::engine::snapshot::Snapshot;
use crate::tui::action::Action;
use crate::tui::action::direct::Direct;
use crate::tui::format;
use crate::tui::layout::Shape;
use crate::tui::scene::{Scene, lines, wrap};
use crate::tui::theme::Role;
use crate::tui::ui::Pane;

/// Whether the person at the keys has taken the facilitator's seat.
pub fn is_facilitator(snapshot: &Snapshot) -> bool {
    snapshot.game_day.as_ref().is_some_and(|view| view.day.facilitators.contains(&snapshot.operator))
}

pub fn draw(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let Some(view) = &scene.snapshot.game_day else {
        let inner = scene.pane("game day", Some(Pane::Drill), area, buffer);
        return lines(&none(scene), inner, buffer);
    };
    if !is_facilitator(scene.snapshot) {
        let inner = scene.pane("game day", Some(Pane::Drill), area, buffer);
        return lines(&told(scene, view, inner.width.into()), inner, buffer);
    }
    let (left, right) = match scene.shape {
        Shape::Folded => {
            let [left, right] = Layout::vertical([Constraint::Fill(1), Constraint::Fill(1)]).areas(area);
            (left, right)
        }
        _ => {
            let [left, right] = Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]).areas(area);
            (left, right)
        }
    };
    let title = match (&view.day.ended, view.day.paused) {
        (Some(_), _) => "facilitator · the game day is over",
        (None, true) => "facilitator · time stands still",
        (None, false) => "facilitator",
    };
    let inner = scene.pane(title, Some(Pane::Drill), left, buffer);
    lines(&script(scene, view, inner.width.into()), inner, buffer);
    let inner = scene.pane("responders", None, right, buffer);
    lines(&progress(scene, view, inner.width.into(), inner.height.into()), inner, buffer);
}

fn none<'a>(scene: &Scene<'a>) -> Vec<Line<'a>> {
    let days = &scene.snapshot.game_days;
    let last = match days.last {
        Some(last) => {
            format!(" last game day {} ago, {} gaps open", format::ago(scene.snapshot.at.since_s(last)), days.open_gaps)
        }
        None => " no game day is on record on this machine".into(),
    };
    vec![
        Line::from(scene.span(" this is no game day", Role::Muted)),
        Line::from(scene.span(last, Role::Text)),
        Line::from(scene.span(" warroom drill --list tells what there is to play", Role::Muted)),
    ]
}

/// What responders may know.
fn told<'a>(scene: &Scene<'a>, view: &DrillView, width: usize) -> Vec<Line<'a>> {
    let day = &view.day;
    let mut out = vec![Line::from(scene.span(format!(" {}", elapsed(day, view.at)), Role::Title)), Line::default()];
    out.extend(paragraph(scene, &day.plan.story, width, Role::Text));
    out.push(Line::default());
    out.push(Line::from(scene.span(" WHAT YOU WERE TOLD, NEWEST FIRST", Role::Muted)));
    for (at, inject) in day.told.iter().rev() {
        let head = format!(" {} {} · {}", format::clock(*at), inject.channel.name(), inject.from);
        out.push(Line::from(scene.span(head, Role::Warn)));
        out.extend(paragraph(scene, &inject.text, width, Role::Text));
    }
    if let Some(ending) = &day.ended {
        out.push(Line::default());
        out.extend(score(scene, &ending.score, width));
        out.extend(ending.gaps.iter().map(|gap| Line::from(scene.span(format!(" – {}", gap.text), Role::Warn))));
    }
    out.push(Line::default());
    let hint = format!(" {} takes the facilitator's seat and shows all of it", scene.key(Action::Direct(Direct::Sit)));
    out.push(Line::from(scene.span(hint, Role::Muted)));
    out
}

fn elapsed(day: &GameDay, at: At) -> String {
    let (elapsed_s, length_s) = (day.elapsed_s(at), i64::from(day.plan.length_s));
    let (now, planned) = (format::duration(elapsed_s), format::duration(length_s));
    match elapsed_s > length_s {
        false => format!("{} · {now} of {planned}", day.plan.title),
        true => format!("{} · {now}: the planned {planned} are over", day.plan.title),
    }
}

fn paragraph<'a>(scene: &Scene<'a>, text: &str, width: usize, role: Role) -> Vec<Line<'a>> {
    let flowing = text.split_whitespace().collect::<Vec<_>>().join(" ");
    wrap(&flowing, width.saturating_sub(4))
        .into_iter()
        .map(|line| Line::from(scene.span(format!("   {line}"), role)))
        .collect()
}

/// The truth, and the script with its countdown.
fn script<'a>(scene: &Scene<'a>, view: &DrillView, width: usize) -> Vec<Line<'a>> {
    let day = &view.day;
    let mut out = vec![Line::from(scene.span(format!(" {}", elapsed(day, view.at)), Role::Title))];
    if let Some((asked, real)) = day.slowed {
        let text = format!(" too slow for {asked}×: it runs at {real:.1}×");
        out.push(Line::from(scene.span(text, Role::Warn)));
    }
    out.push(Line::from(scene.span(" THE TRUTH", Role::Muted)));
    for fault in &day.plan.faults {
        let begins = day.began.plus_s(fault.at_s.into());
        let (mark, when) = countdown(view.at, begins);
        let text = format!(" {mark} {when:>7}  {fault}");
        out.push(Line::from(scene.span(format::left(&text, width), Role::Text)));
    }
    for (at, fault) in &day.planted {
        let text = format!(" ✓ {}  improvised: {fault}", format::clock(*at));
        out.push(Line::from(scene.span(format::left(&text, width), Role::Warn)));
    }
    if day.plan.faults.is_empty() && day.planted.is_empty() {
        out.push(Line::from(scene.span("   nothing is wrong", Role::Text)));
    }
    out.push(Line::from(scene.span(" THE SCRIPT", Role::Muted)));
    for (n, line) in day.script.iter().enumerate() {
        let cursor = if n == scene.ui.inject { "▸" } else { " " };
        let (mark, when) = match line.state {
            LineState::Due => countdown(view.at, line.due),
            LineState::Told(at) => ("✓", format::clock(at)),
            LineState::Skipped => ("–", "skipped".into()),
        };
        let inject = &line.inject;
        let text = format!("{cursor}{mark} {when:>8}  {} · {}: {}", inject.channel.name(), inject.from, inject.text);
        let role = if n == scene.ui.inject { Role::Focus } else { Role::Text };
        out.push(Line::from(scene.span(format::left(&text.replace('\n', " "), width), role)));
    }
    if !day.plan.facilitator.is_empty() {
        out.push(Line::from(scene.span(" FOR YOU ALONE", Role::Muted)));
        out.extend(paragraph(scene, &day.plan.facilitator, width, Role::Text));
    }
    out.extend(notes(scene, day, width));
    out
}

fn countdown(now: At, due: At) -> (&'static str, String) {
    if due <= now { ("✓", "on".into()) } else { ("·", format!("in {}", format::duration(due.since_s(now)))) }
}

fn notes<'a>(scene: &Scene<'a>, day: &GameDay, width: usize) -> Vec<Line<'a>> {
    if day.notes.is_empty() {
        return Vec::new();
    }
    let mut out = vec![Line::from(scene.span(" NOTES", Role::Muted))];
    for (at, by, text) in &day.notes {
        let text = format!(" {} {by}: {}", format::clock(*at), text.replace('\n', " ⏎ "));
        out.push(Line::from(scene.span(format::left(&text, width), Role::Text)));
    }
    out
}

/// How the responders get on, and what they see.
fn progress<'a>(scene: &Scene<'a>, view: &DrillView, width: usize, height: usize) -> Vec<Line<'a>> {
    let mut out = score(scene, &view.score, width);
    let online = format!(
        " {} of {} online · {}/s",
        format::count(view.online.into()),
        format::count(view.devices.into()),
        format::rate(view.rate)
    );
    out.push(Line::from(scene.span(online, Role::Text)));
    for told in view.incidents.iter().chain(&view.alerts) {
        out.push(Line::from(scene.span(format::left(&format!(" {told}"), width), Role::Warn)));
    }
    out.push(Line::from(scene.span(" THEIR TIMELINE", Role::Muted)));
    let left = height.saturating_sub(out.len());
    let newest = view.timeline.iter().rev().take(left).rev();
    out.extend(newest.map(|(at, by, text)| {
        let text = format!(" {} {by:<8} {text}", format::clock(*at));
        Line::from(scene.span(format::left(&text, width), Role::Text))
    }));
    out
}

/// One thing that was expected, in a cell of this width.
fn measure<'a>(scene: &Scene<'a>, measure: &Measure, width: usize) -> Span<'a> {
    let role = match (measure.met, measure.pending) {
        (true, _) => Role::Good,
        (false, true) => Role::Text,
        (false, false) => Role::Alarm,
    };
    let expected = measure.expected.replace("within ", "in ");
    let text = format!("  {} {:12} {} · {expected}", measure.mark(), measure.what, measure.was);
    scene.span(format::left(&text, width), role)
}

fn score<'a>(scene: &Scene<'a>, score: &Scorecard, width: usize) -> Vec<Line<'a>> {
    let mut out = vec![Line::from(scene.span(format!(" {}", score.sentence().to_uppercase()), Role::Muted))];
    for planted in &score.planted {
        let what = planted.expected.kind.map_or("something".into(), |kind| kind.to_string());
        let made = planted.incident.as_deref().unwrap_or("no incident yet");
        out.push(Line::from(scene.span(format!(" {what} → {made}"), Role::Title)));
        let (times, said): (Vec<&Measure>, Vec<&Measure>) =
            planted.measures.iter().partition(|measure| measure.expected.starts_with("within"));
        // Times are short, and two of them fit into a line that is long enough.
        let columns = if width < 72 { 1 } else { 2 };
        for row in times.chunks(columns) {
            let cells = row.iter().map(|measure| self::measure(scene, measure, width / columns));
            out.push(Line::from(cells.collect::<Vec<_>>()));
        }
        out.extend(said.into_iter().map(|measure| Line::from(self::measure(scene, measure, width))));
    }
    for alarm in &score.false_alarms {
        out.push(Line::from(scene.span(format!(" ✗ false alarm {alarm}"), Role::Alarm)));
    }
    for missed in &score.missed_updates {
        out.push(Line::from(scene.span(format!(" ✗ missed update {missed}"), Role::Warn)));
    }
    out
}
