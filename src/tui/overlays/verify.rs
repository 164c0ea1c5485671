//! Recovery: six checks from live data, and what has become of every device that was ever affected.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use unicode_width::UnicodeWidthStr;

use crate::domain::incident::IncidentType;
use crate::domain::recovery::{Check, Checked, Remaining, Standing};
use crate::tui::action::Action;
use crate::tui::action::respond::Respond;
use crate::tui::format;
use crate::tui::layout::centred;
use crate::tui::overlays::foot::foot;
use crate::tui::scene::{Scene, lines, wrap};
use crate::tui::theme::Role;

/// Columns that the window takes where there are so many, and those of a check's name.
const WIDTH: u16 = 104;
const NAME: usize = 21;

pub fn draw(selected: usize, scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let width = WIDTH.min(area.width);
    let columns = usize::from(width.saturating_sub(4));
    let content = content(scene, selected, columns);
    let height = (content.len() as u16 + 3).clamp(5, area.height.max(5));
    let title = match scene.ui.incident(scene.snapshot) {
        Some(incident) => format!("recovery · {}", incident.id),
        None => "recovery".into(),
    };
    let inner = scene.window(&title, Role::Focus, centred(area, width, height), buffer);
    lines(&content, inner, buffer);
    let below = (content.len() + 1).saturating_sub(inner.height.into());
    let resolve = scene.key(Action::Resolve);
    let keys =
        [("Enter", "waives the check, by name and with a reason"), (resolve.as_str(), "resolves"), ("Esc", "back")];
    foot(scene, &keys, below, inner, buffer);
}

fn content<'a>(scene: &Scene<'a>, selected: usize, columns: usize) -> Vec<Line<'a>> {
    let muted = |text: String| Line::from(scene.span(text, Role::Muted));
    let Some(incident) = scene.ui.incident(scene.snapshot) else {
        return vec![muted("there is no incident to recover from".into())];
    };
    let known = scene.snapshot.known.get(&incident.id);
    let checks = known.map_or(&incident.recovery.verified, |known| &known.checks);
    let remaining = known.map(|known| known.remaining).or(incident.recovery.remaining).unwrap_or_default();
    let mut told = devices(scene, &remaining, columns);
    let unnamed = incident.recovery.affected.unnamed;
    if unnamed > 0 {
        let text = format!("{} of them are counted, but not named on the record", format::count(unnamed.into()));
        told.push(Line::from(scene.span(text, Role::Warn)));
    }
    told.push(Line::default());
    if checks.is_empty() {
        told.push(muted("nothing has been measured yet".into()));
    }
    for (n, check) in Check::ALL.iter().enumerate() {
        let Some(checked) = checks.iter().find(|checked| checked.check == *check) else { continue };
        told.extend(check_rows(scene, checked, incident.recovery.waiver(*check), n == selected, columns));
    }
    if incident.kind == IncidentType::DataQuality {
        told.push(Line::default());
        told.push(match &incident.recovery.decision {
            Some(decision) => Line::from(scene.span(
                format!(
                    "✓ decided: {} · first bad {} · customers: {} · {}",
                    decision.choice.name(),
                    decision.first_bad,
                    decision.customers,
                    decision.by
                ),
                Role::Good,
            )),
            None => Line::from(scene.span(
                format!(
                    "✗ backfill or forward-only is not decided yet: {}",
                    scene.key(Action::Respond(Respond::Decide))
                ),
                Role::Alarm,
            )),
        });
    }
    told
}

/// What has become of them, in as many lines as whole parts need: a number that is cut is another number.
fn devices<'a>(scene: &Scene<'a>, remaining: &Remaining, columns: usize) -> Vec<Line<'a>> {
    let count = |n: u32| format::count(n.into());
    let warn = |n: u32| if n > 0 { Role::Warn } else { Role::Muted };
    let affected = if remaining.ever == 1 { "device was affected:" } else { "devices were affected:" };
    let parts = [
        (format!("{} {affected} ", count(remaining.ever)), Role::Text),
        (format!("{} healthy", count(remaining.healthy)), Role::Good),
        (format!(" · {} connected, not healthy", count(remaining.unhealthy)), warn(remaining.unhealthy)),
        (format!(" · {} away", count(remaining.away)), warn(remaining.away)),
        (format!(" · {} not heard since", count(remaining.unheard)), warn(remaining.unheard)),
        (format!(" · {} went back", count(remaining.rolled_back)), Role::Muted),
    ];
    let mut told = vec![Line::default()];
    for (text, role) in parts {
        let begins = told.last().is_some_and(|line| line.width() + text.width() > columns);
        if begins {
            told.push(Line::from(scene.span("  ", role)));
        }
        if let Some(line) = told.last_mut() {
            let text = if begins { text.trim_start_matches(" · ").to_owned() } else { text };
            line.push_span(scene.span(text, role));
        }
    }
    told
}

fn check_rows<'a>(
    scene: &Scene<'a>,
    checked: &Checked,
    waiver: Option<&crate::domain::recovery::Waiver>,
    here: bool,
    columns: usize,
) -> Vec<Line<'a>> {
    let (mark, role) = match (checked.standing, waiver) {
        (Standing::Green, _) => ("✓", Role::Good),
        (_, Some(_)) => ("–", Role::Muted),
        (Standing::Waiting, None) => ("…", Role::Warn),
        (Standing::Unknown, None) => ("?", Role::Warn),
        (Standing::Red, None) => ("✗", Role::Alarm),
    };
    let waived = waiver.map(|waiver| format!(" · waived by {}: {}", waiver.by, waiver.reason)).unwrap_or_default();
    let text = format!("{}, {}{waived}", checked.standing.name(), checked.evidence);
    let mut texts = wrap(&text, columns.saturating_sub(NAME + 5).max(10)).into_iter();
    let name = if here { Role::Selected } else { Role::Text };
    let mut rows = vec![Line::from(vec![
        scene.span(format!("{mark} "), role),
        scene.span(format::left(checked.check.name(), NAME), name),
        scene.span(format!(" {}", texts.next().unwrap_or_default()), role),
    ])];
    let pad = " ".repeat(NAME + 3);
    rows.extend(texts.map(|text| Line::from(scene.span(format!("{pad}{text}"), role))));
    rows
}
