//! The timeline: what is on the record, newest at the top in the room, in order on its own screen.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use unicode_width::UnicodeWidthStr;

use crate::domain::ids::{Actor, IncidentId, Seq};
use crate::engine::timeline::{Entry, Weight};
use crate::tui::format;
use crate::tui::scene::{Scene, wrap};
use crate::tui::theme::Role;
use crate::tui::ui::{Pane, View};

/// Columns for the name of who did it.
const NAME: usize = 8;

pub fn draw(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let full = scene.ui.view == View::Timeline;
    let entries = &scene.snapshot.timeline;
    let back = scene.ui.timeline_back.min(entries.len().saturating_sub(1));
    let title =
        if full { format!("timeline · {} entries", format::count(entries.len() as u64)) } else { "timeline".into() };
    let inner = scene.pane(&title, Some(Pane::Timeline), area, buffer);
    let focused = full || scene.ui.focus(scene.snapshot) == Pane::Timeline;
    let mut y = inner.y;
    // While people work on something, the few lines of the room are for what happens, not for housekeeping.
    let busy = !full && scene.snapshot.open_incidents().next().is_some();
    let shown = entries.iter().rev().filter(|entry| !busy || entry.weight > Weight::Quiet);
    for (n, entry) in shown.enumerate().skip(if focused { back } else { 0 }) {
        let here = focused && full && n == back;
        for line in entry_lines(scene, entry, inner.width.into(), full, here) {
            if y >= inner.bottom() {
                return;
            }
            buffer.set_line(inner.x, y, &line, inner.width);
            y += 1;
        }
    }
}

fn entry_lines<'a>(scene: &Scene<'a>, entry: &Entry, width: usize, full: bool, here: bool) -> Vec<Line<'a>> {
    let role = match entry.weight {
        Weight::Quiet => Role::Muted,
        Weight::Normal => Role::Text,
        Weight::Action => Role::Title,
        Weight::Alarm => Role::Alarm,
    };
    let who = if entry.actor == Actor::Engine { Role::Muted } else { Role::Key };
    let seq = if full { format::right(&entry.seq.to_string(), 6) } else { String::new() };
    // What is not on disk yet is not on the record yet.
    let mark = if entry.seq > scene.snapshot.log.durable && entry.seq > Seq(0) { "…" } else { " " };
    let head = format!("{seq}{mark}{} ", format::clock(entry.at));
    let named = |id: &IncidentId| full && !entry.text.contains(&id.to_string());
    let incident = entry.incident.filter(named).map(|id| format!("{id} ")).unwrap_or_default();
    let indent = head.width() + NAME + 1;
    let room = width.saturating_sub(indent);
    let text = format!("{incident}{}", entry.text);
    let texts = if full { wrap(&text, room.max(10)) } else { vec![format::fit(&text, room)] };
    let mut shown = Vec::new();
    for (n, text) in texts.into_iter().enumerate() {
        let line = if n == 0 {
            vec![
                scene.span(head.clone(), Role::Muted),
                scene.span(format!("{} ", format::left(entry.actor.name(), NAME)), who),
                scene.span(text, if here { Role::Selected } else { role }),
            ]
        } else {
            vec![scene.span(format!("{}{text}", " ".repeat(indent)), role)]
        };
        shown.push(Line::from(line));
    }
    shown
}
