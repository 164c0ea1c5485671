//! The past: a banner that says REPLAY, and a line of time with what happened on it and where we are.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::domain::time::At;
use crate::engine::snapshot::Past;
use crate::tui::action::Action;
use crate::tui::action::record::Keeping;
use crate::tui::format;
use crate::tui::scene::Scene;
use crate::tui::theme::Role;
use crate::tui::widgets::chart;

/// Lines that it takes; none in the present.
pub fn height(scene: &Scene<'_>) -> u16 {
    if scene.snapshot.past.is_some() { 2 } else { 0 }
}

pub fn draw(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let Some(past) = scene.snapshot.past.as_deref() else { return };
    if area.height < 2 || area.width < 20 {
        return;
    }
    let at = scene.snapshot.at;
    let key = |action| scene.key(Action::Keeping(action));
    let text = format!(
        " REPLAY of the past · {}Z on {} · the room as it was",
        format::clock(at),
        at.utc().format("%a %Y-%m-%d")
    );
    let keys = [
        (format!("{} {}", key(Keeping::Earlier), key(Keeping::Later)), "a minute"),
        (format!("{} {}", key(Keeping::PreviousMark), key(Keeping::NextMark)), "what happened"),
        (key(Keeping::Live), "live"),
    ];
    let hints: usize = keys.iter().map(|(key, what)| key.len() + what.len() + 4).sum();
    let room = usize::from(area.width).saturating_sub(hints);
    let mut spans = vec![scene.span(format::left(&text, room), Role::Armed)];
    for (key, what) in keys {
        spans.push(scene.span(format!("  {key}"), Role::Key));
        spans.push(scene.span(format!(" {what} "), Role::Text));
    }
    buffer.set_line(area.x, area.y, &Line::from(spans), area.width);
    buffer.set_line(area.x, area.y + 1, &track(scene, past, at, area.width.into()), area.width);
}

/// `17:10 ──┊alert A1────●──┊halt─────── 18:02`.
fn track<'a>(scene: &Scene<'a>, past: &Past, at: At, width: usize) -> Line<'a> {
    let days = past.to.since_s(past.from) > 86_400;
    let label = |at: At| at.utc().format(if days { "%m-%d %H:%M" } else { "%H:%M" }).to_string();
    let (from, to) = (format!(" {} ", label(past.from)), format!(" {} ", label(past.to)));
    let length = width.saturating_sub(from.len() + to.len()).max(1);
    let place = |moment: At| {
        let span = past.to.since_ms(past.from).max(1) as f64;
        let share = (moment.since_ms(past.from) as f64 / span).clamp(0.0, 1.0);
        (share * (length - 1) as f64).round() as usize
    };
    let mut cells = vec![('─', Role::Border); length];
    for (moment, _) in &past.marks {
        cells[place(*moment)] = ('┊', Role::Mark);
    }
    // A name that would cover another line or name is left out; what people did has the first choice.
    let mut names: Vec<_> = past.marks.iter().collect();
    names.sort_by_key(|(moment, name)| (chart::rank(name), *moment));
    for (moment, name) in names {
        let letters: Vec<char> = name.chars().collect();
        let begin = place(*moment) + 1;
        let end = begin + letters.len();
        if end < length && cells[begin..=end].iter().all(|(c, _)| *c == '─') {
            for (cell, letter) in cells[begin..end].iter_mut().zip(letters) {
                *cell = (letter, Role::Mark);
            }
        }
    }
    cells[place(at)] = ('●', Role::Armed);
    let mut spans: Vec<Span<'a>> = vec![scene.span(from, Role::Muted)];
    for run in cells.chunk_by(|a, b| a.1 == b.1) {
        spans.push(scene.span(run.iter().map(|(c, _)| *c).collect::<String>(), run[0].1));
    }
    spans.push(scene.span(to, Role::Muted));
    Line::from(spans)
}
