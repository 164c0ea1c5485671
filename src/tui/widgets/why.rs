//! Why: what the incident, or the alert, rests on.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::domain::alert::Alert;
use crate::tui::action::Action;
use crate::tui::format;
use crate::tui::scene::{Scene, lines, wrap};
use crate::tui::theme::Role;

pub fn draw(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let inner = scene.pane("why", None, area, buffer);
    let width = usize::from(inner.width).saturating_sub(2);
    lines(&content(scene, width), inner, buffer);
}

fn content<'a>(scene: &Scene<'a>, width: usize) -> Vec<Line<'a>> {
    let snapshot = scene.snapshot;
    let say = |text: String, role: Role| Line::from(scene.span(format!(" {text}"), role));
    let wrapped =
        |text: &str, role: Role| wrap(text, width).into_iter().map(|text| say(text, role)).collect::<Vec<_>>();
    if let Some(incident) = scene.ui.incident(snapshot) {
        let alert = snapshot.alerts.iter().find(|alert| incident.alerts.contains(&alert.id));
        let about = format!("{} · {} · {}", incident.kind, incident.cohort.sentence(), incident.stage().name());
        let mut content = wrapped(&about, Role::Title);
        match alert {
            Some(alert) => content.extend(evidence(scene, alert, width)),
            None => content.extend(wrapped(&format!("declared by hand, by {}", incident.declared_by), Role::Muted)),
        }
        if let Some(note) = incident.notes.last() {
            content.extend(wrapped(&format!("{} noted: {}", note.by, note.text.replace('\n', " ⏎ ")), Role::Muted));
        }
        return content;
    }
    let mut loose = snapshot.loose_alerts();
    if let Some(alert) = loose.next() {
        let more = loose.count();
        let proposal = snapshot.proposals.get(&alert.id);
        let kind = proposal.map(|p| format!("looks like {}, {} · ", p.kind, p.severity)).unwrap_or_default();
        let mut content = wrapped(&format!("{kind}{}", alert.finding.cohort.sentence()), Role::Alarm);
        content.extend(evidence(scene, alert, width));
        let taken = alert.acknowledged.as_ref().map_or_else(
            || {
                format!(
                    "{} takes it · {} declares an incident",
                    scene.key(Action::Acknowledge),
                    scene.key(Action::Declare)
                )
            },
            |(at, by)| {
                format!("{by} took it at {} · {} declares an incident", format::clock(*at), scene.key(Action::Declare))
            },
        );
        let more = if more > 0 { format!(" · {more} more alerts") } else { String::new() };
        content.push(say(taken + &more, Role::Key));
        return content;
    }
    let mut content = vec![say("nothing is wrong that the room can see".into(), Role::Muted)];
    if !snapshot.codes.is_empty() {
        let codes: Vec<_> =
            snapshot.codes.iter().take(3).map(|(code, n)| format!("{code} ×{}", format::count(*n))).collect();
        content.push(say(format!("error codes so far: {}", codes.join(", ")), Role::Muted));
    }
    content.push(say(format!("{} declares by hand", scene.key(Action::DeclareByHand)), Role::Muted));
    content
}

fn evidence<'a>(scene: &Scene<'a>, alert: &Alert, width: usize) -> Vec<Line<'a>> {
    let since = format!(
        "since {}Z · alert {} at {}Z{}",
        format::clock(alert.finding.onset),
        alert.id,
        format::clock(alert.at),
        alert.cleared.map(|at| format!(" · cleared {}Z", format::clock(at))).unwrap_or_default(),
    );
    let mut told: Vec<_> = wrap(&alert.finding.evidence, width)
        .into_iter()
        .map(|text| Line::from(scene.span(format!(" {text}"), Role::Text)))
        .collect();
    told.push(Line::from(scene.span(format!(" {since}"), Role::Muted)));
    told
}
