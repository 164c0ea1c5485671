//! Triage: the questions that people ask first, each with its answer and what it rests on; what is unknown says what was
//! tried.

use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::domain::query::{Answer, Query};
use crate::engine::snapshot::{Known, Snapshot};
use crate::tui::action::Action;
use crate::tui::action::respond::Respond;
use crate::tui::format;
use crate::tui::layout::centred;
use crate::tui::overlays::foot::foot;
use crate::tui::scene::{Scene, lines, wrap};
use crate::tui::theme::Role;
use crate::tui::ui::Ui;

/// Columns that the window takes where there are so many, and those of a question.
const WIDTH: u16 = 116;
const QUESTION: usize = 32;

/// What is known of the incident on the screen, or of the alert that waits to be declared.
pub fn known<'a>(ui: &Ui, snapshot: &'a Snapshot) -> Option<&'a Arc<Known>> {
    match ui.incident(snapshot) {
        Some(incident) => snapshot.known.get(&incident.id),
        None => snapshot.known_of_alert.as_ref().map(|(_, known)| known),
    }
}

/// Lines that keys can scroll through: more than there are is no harm.
pub const fn length(_snapshot: &Snapshot) -> usize {
    Query::TRIAGE.len() * 3
}

pub fn draw(scroll: usize, scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let width = WIDTH.min(area.width);
    let columns = usize::from(width.saturating_sub(4));
    let known = known(scene.ui, scene.snapshot);
    let content = match known {
        Some(known) => known
            .answers
            .iter()
            .filter(|answer| Query::TRIAGE.contains(&answer.query))
            .flat_map(|answer| rows(scene, answer, columns))
            .collect(),
        None => nothing(scene, columns),
    };
    let height = (content.len() as u16 + 3).clamp(5, area.height.max(5));
    let about = match (scene.ui.incident(scene.snapshot), &scene.snapshot.known_of_alert) {
        (Some(incident), _) => incident.id.to_string(),
        (None, Some((alert, _))) => format!("alert {alert}"),
        (None, None) => "nothing".into(),
    };
    let age = known.map(|known| scene.snapshot.at.since_s(known.at)).filter(|age| *age > 10);
    let age = age.map(|age| format!(" · {} old", format::ago(age))).unwrap_or_default();
    let inner = scene.window(&format!("triage · {about}{age}"), Role::Focus, centred(area, width, height), buffer);
    let rows = usize::from(inner.height).saturating_sub(1);
    let first = scroll.min(content.len().saturating_sub(rows));
    lines(&content[first..(first + rows).min(content.len())], inner, buffer);
    let below = content.len().saturating_sub(first + rows);
    let otherwise = [Action::Type, Action::Origin, Action::About].map(|action| scene.key(action)).join(" ");
    let change = scene.key(Action::Respond(Respond::Change));
    let keys = [(otherwise.as_str(), "say otherwise"), (change.as_str(), "note a change"), ("Esc", "back")];
    foot(scene, &keys, below, inner, buffer);
}

fn nothing<'a>(scene: &Scene<'a>, columns: usize) -> Vec<Line<'a>> {
    let why = "no open incident, and no alert that waits to be declared: nothing is counted. Every question here is \
               answered from live data a few seconds after there is one.";
    wrap(why, columns).into_iter().map(|text| Line::from(scene.span(text, Role::Muted))).collect()
}

fn rows<'a>(scene: &Scene<'a>, answer: &Answer, columns: usize) -> Vec<Line<'a>> {
    let narrow = columns < QUESTION * 2;
    let indent = if narrow { 2 } else { QUESTION };
    let room = columns.saturating_sub(indent).max(10);
    let role = if answer.known { Role::Title } else { Role::Warn };
    let question = format::left(answer.query.question(), QUESTION);
    let mut told = Vec::new();
    let mut texts = wrap(&answer.text, room).into_iter();
    if narrow {
        told.push(Line::from(scene.span(answer.query.question(), Role::Muted)));
    } else {
        let first = texts.next().unwrap_or_default();
        told.push(Line::from(vec![scene.span(question, Role::Muted), scene.span(first, role)]));
    }
    let pad = " ".repeat(indent);
    told.extend(texts.map(|text| Line::from(scene.span(format!("{pad}{text}"), role))));
    let tried = if answer.known { "" } else { "tried: " };
    let evidence = wrap(&format!("{tried}{}", answer.evidence), room);
    told.extend(evidence.into_iter().map(|text| Line::from(scene.span(format!("{pad}{text}"), Role::Muted))));
    told
}
