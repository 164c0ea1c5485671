//! What each audience has been told, when and through what; when it waits for the next word; and which facts it has not
//! been told.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::domain::due::DueKind;
use crate::domain::incident::Incident;
use crate::domain::update::template::VARIABLES;
use crate::domain::update::{Audience, Delivery, Update, UpdateKind};
use crate::tui::action::Action;
use crate::tui::action::respond::Respond;
use crate::tui::format;
use crate::tui::scene::{Scene, lines, wrap};
use crate::tui::theme::Role;
use crate::tui::ui::{Pane, Ui};
use crate::tui::widgets::due;

/// Updates in the order of the screen: by audience, the newest first.
pub fn in_order(incident: &Incident) -> Vec<&Update> {
    let of = |audience| incident.updates.sent.iter().rev().filter(move |update| update.audience == audience);
    Audience::ALL.into_iter().flat_map(of).collect()
}

/// The update under the cursor.
pub fn chosen<'a>(ui: &Ui, incident: &'a Incident) -> Option<&'a Update> {
    in_order(incident).get(ui.update).copied()
}

pub fn draw(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let incident = scene.ui.incident(scene.snapshot);
    let title = match incident {
        Some(incident) => format!("updates · {}", incident.id),
        None => "updates".into(),
    };
    let inner = scene.pane(&title, Some(Pane::Updates), area, buffer);
    let Some(incident) = incident else {
        let text = "nobody waits for word: there is no incident";
        return lines(&[Line::from(scene.span(format!(" {text}"), Role::Muted))], inner, buffer);
    };
    let width = usize::from(inner.width);
    let mut told = Vec::new();
    let mut cursor = 0;
    let mut number = 0;
    for audience in Audience::ALL {
        told.extend(headline(scene, incident, audience, width));
        let mut none = true;
        for update in in_order(incident).into_iter().filter(|update| update.audience == audience) {
            none = false;
            let here = number == scene.ui.update;
            if here {
                cursor = told.len();
            }
            told.extend(rows(scene, update, here, width));
            number += 1;
        }
        if none {
            told.push(Line::from(scene.span("   told nothing yet", Role::Muted)));
        }
        told.push(Line::default());
    }
    told.extend(matrix(scene, incident));
    let height = usize::from(inner.height);
    let first = cursor.saturating_sub(height / 2).min(told.len().saturating_sub(height));
    lines(&told[first..], inner, buffer);
}

/// An audience, when it waits for word, how often, and the ways to it.
fn headline<'a>(scene: &Scene<'a>, incident: &Incident, audience: Audience, width: usize) -> Vec<Line<'a>> {
    let snapshot = scene.snapshot;
    let cadence = incident.updates.cadence(audience, &snapshot.cadences);
    let minutes = |s: i64| if s % 3600 == 0 { format!("{} h", s / 3600) } else { format!("{} min", s / 60) };
    let parts: Vec<String> =
        [("first within", cadence.first_s), ("then every", cadence.every_s), ("end within", cadence.resolved_s)]
            .into_iter()
            .filter_map(|(word, s)| Some(format!("{word} {}", minutes(s?))))
            .collect();
    let rhythm = if parts.is_empty() { "no rhythm".into() } else { parts.join(", ") };
    let ways: Vec<&str> =
        snapshot.channels.iter().filter(|way| way.audience == audience).map(|way| way.name.as_str()).collect();
    let ways = if ways.is_empty() { "clipboard".into() } else { ways.join(", ") };
    let label = match audience {
        Audience::Internal => "internal",
        Audience::Customers => "status page",
        Audience::Public => "public",
    };
    let waits = snapshot
        .due
        .iter()
        .find(|due| due.kind == DueKind::Update && due.incident == Some(incident.id) && due.label.starts_with(label));
    let mut spans = vec![scene.span(format!(" {} ", audience.name().to_uppercase()), Role::Title)];
    if let Some(waits) = waits {
        let (left, role) = due::words(waits, snapshot);
        spans.push(scene.span(format!("next {left}  "), role));
    }
    let mut head = Line::from(spans);
    let rhythm = scene.span(format!("{rhythm} · by {ways}"), Role::Muted);
    if head.width() + rhythm.width() > width {
        return vec![head, Line::from(vec![scene.span("   ", Role::Muted), rhythm])];
    }
    head.push_span(rhythm);
    vec![head]
}

fn rows<'a>(scene: &Scene<'a>, update: &Update, here: bool, width: usize) -> Vec<Line<'a>> {
    let kind = match update.kind {
        UpdateKind::First => "first",
        UpdateKind::Update => "update",
        UpdateKind::Resolved => "the end",
    };
    let enter = scene.key(Action::Enter);
    let (state, role) = match &update.delivery {
        Delivery::Intended => ("on its way".to_owned(), Role::Warn),
        Delivery::Sent { answer, took_ms, .. } if *took_ms > 0 => {
            (format!("sent in {:.1} s: {answer}", *took_ms as f64 / 1000.0), Role::Good)
        }
        Delivery::Sent { answer, .. } => (format!("told: {answer}"), Role::Good),
        Delivery::Copied => (format!("copied; {enter} says that it is posted"), Role::Warn),
        Delivery::NotSent { reason } => (format!("NOT SENT: {reason}; {enter} tries again"), Role::Alarm),
        Delivery::Unknown { reason } => (format!("may not have arrived: {reason}; {enter} tries again"), Role::Alarm),
    };
    let mark = if here { "▸" } else { " " };
    let head = format!(" {mark} {} {} {kind} by {} · ", format::clock(update.at), update.by, update.channel);
    let room = width.saturating_sub(head.chars().count());
    let mut rows = vec![Line::from(vec![
        scene.span(head, if here { Role::Title } else { Role::Text }),
        scene.span(format::fit(&state, room), role),
    ])];
    // All of it under the cursor, else how it begins.
    let text = if here {
        wrap(&update.text, width.saturating_sub(6))
    } else {
        vec![update.text.lines().next().unwrap_or_default().to_owned()]
    };
    rows.extend(text.into_iter().map(|line| {
        Line::from(scene.span(format!("     {}", format::fit(&line, width.saturating_sub(6))), Role::Muted))
    }));
    rows
}

/// Facts that anybody was told, and who was not.
fn matrix<'a>(scene: &Scene<'a>, incident: &Incident) -> Vec<Line<'a>> {
    let told = |audience: Audience, fact: &str| {
        incident.updates.told(audience).any(|(update, _)| update.tells.iter().any(|told| told == fact))
    };
    let facts: Vec<_> =
        VARIABLES.iter().filter(|(fact, _)| Audience::ALL.iter().any(|audience| told(*audience, fact))).collect();
    if facts.is_empty() {
        let key = scene.key(Action::Respond(Respond::Compose));
        return vec![Line::from(scene.span(format!(" {key} writes an update from a template"), Role::Muted))];
    }
    let head = format!(" {:34}{:>10}{:>12}{:>8}", "WHO KNOWS WHAT", "internal", "customers", "public");
    let mut rows = vec![Line::from(scene.span(head, Role::Muted))];
    for (fact, what) in facts {
        let mut spans = vec![scene.span(format!(" {}", format::left(what, 34)), Role::Text)];
        for (audience, column) in Audience::ALL.into_iter().zip([10, 12, 8]) {
            let (mark, role) = if told(audience, fact) { ("✓", Role::Good) } else { ("–", Role::Muted) };
            spans.push(scene.span(format::right(mark, column), role));
        }
        rows.push(Line::from(spans));
    }
    rows
}
