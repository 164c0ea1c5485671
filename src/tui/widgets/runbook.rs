//! The runbook of the incident: sections, steps, who ticked what and when.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

use crate::domain::runbook::{RunbookRun, Step, StepMark};
use crate::domain::switch::SwitchId;
use crate::domain::time::At;
use crate::tui::action::Action;
use crate::tui::format;
use crate::tui::layout::Shape;
use crate::tui::scene::{Scene, lines, wrap};
use crate::tui::theme::Role;
use crate::tui::ui::{Pane, Ui, View};

/// The step under the cursor: the one chosen, else the next that is open.
pub fn cursor<'a>(ui: &Ui, run: &'a RunbookRun) -> Option<&'a Step> {
    let chosen = ui.step.as_ref().and_then(|id| run.runbook.step(id));
    chosen.or_else(|| run.next()).or_else(|| run.runbook.steps().last())
}

pub fn draw(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let incident = scene.ui.incident(scene.snapshot);
    let Some(run) = incident.and_then(|incident| incident.runbook.as_ref()) else {
        let inner = scene.pane("runbook", Some(Pane::Runbook), area, buffer);
        let text = match incident {
            Some(incident) => format!("no runbook for {} in the library", incident.kind),
            None => "a runbook opens with an incident".into(),
        };
        let text = wrap(&text, usize::from(inner.width).saturating_sub(2));
        let told: Vec<_> =
            text.into_iter().map(|text| Line::from(scene.span(format!(" {text}"), Role::Muted))).collect();
        return lines(&told, inner, buffer);
    };
    let (done, all) = run.progress();
    let stale = match run.runbook.review_age_days(scene.snapshot.at) {
        Some(days) if run.runbook.is_stale(scene.snapshot.at) => format!(" · reviewed {days} days ago"),
        _ => String::new(),
    };
    let title = format!("runbook · {} · {done}/{all}{stale}", run.runbook.title);
    let inner = scene.pane(&title, Some(Pane::Runbook), area, buffer);
    let at = cursor(scene.ui, run).map(|step| step.id.as_str());
    let full = scene.ui.view == View::Runbook;
    if !stale.is_empty() {
        paint(scene, &stale, area, buffer);
    }
    let (rows, cursor_row) = rows(scene, run, at, inner.width.into(), full);
    let height = usize::from(inner.height);
    // In a folded room there is space for the next step and what is around it.
    let above = if scene.shape == Shape::Folded && !full { 0 } else { height / 3 };
    let first = cursor_row.saturating_sub(above).min(rows.len().saturating_sub(height));
    lines(&rows[first..], inner, buffer);
}

/// Colours the words about an old review in the title, where they stand in it.
fn paint(scene: &Scene<'_>, words: &str, area: Rect, buffer: &mut Buffer) {
    let symbols: String = (area.x..area.right()).map(|x| buffer[(x, area.y)].symbol()).collect();
    let Some(at) = symbols.find(words.trim_start_matches(" · ")) else { return };
    let x = area.x + symbols[..at].chars().count() as u16;
    let width = (words.chars().count() as u16).saturating_sub(3).min(area.right().saturating_sub(x));
    buffer.set_style(Rect { x, width, height: 1, ..area }, scene.style(Role::Warn));
}

/// Every line of the runbook, and which of them the cursor is on.
fn rows<'a>(scene: &Scene<'a>, run: &RunbookRun, at: Option<&str>, width: usize, full: bool) -> (Vec<Line<'a>>, usize) {
    let mut rows = Vec::new();
    let mut cursor_row = 0;
    for section in &run.runbook.sections {
        if section.steps.is_empty() && !full {
            continue;
        }
        if full && !rows.is_empty() {
            rows.push(Line::default());
        }
        rows.push(Line::from(scene.span(format!(" {}", section.title.to_uppercase()), Role::Muted)));
        if full && !section.text.is_empty() {
            let text = wrap(&section.text, width.saturating_sub(4));
            rows.extend(text.into_iter().map(|text| Line::from(scene.span(format!("   {text}"), Role::Muted))));
        }
        for step in &section.steps {
            let here = at == Some(step.id.as_str());
            if here {
                cursor_row = rows.len();
            }
            rows.extend(step_rows(scene, run, step, here, width));
        }
    }
    (rows, cursor_row)
}

fn step_rows<'a>(scene: &Scene<'a>, run: &RunbookRun, step: &Step, here: bool, width: usize) -> Vec<Line<'a>> {
    let entry = run.mark(&step.id);
    let (mark, role) = match entry.map(|entry| &entry.mark) {
        Some(StepMark::Done) => ("✓", Role::Good),
        Some(StepMark::Skipped(_)) => ("–", Role::Muted),
        Some(StepMark::NotApplicable(_)) => ("=", Role::Muted),
        _ if here => ("▸", Role::Key),
        _ => ("·", Role::Muted),
    };
    let note = match entry {
        Some(entry) => format!("{} {}", entry.by, format::clock(entry.at).rsplit_once(':').map_or("", |(hm, _)| hm)),
        // In a replay no switch has a key that does anything.
        None if scene.snapshot.replay.is_some() => String::new(),
        None if pulled(scene, step).is_some() => {
            // Where there is one line to the step, its switch is told in it.
            let short = scene.shape == Shape::Folded && scene.ui.view != View::Runbook;
            if short { format!("[done? {}]", scene.key(Action::MarkStep)) } else { String::new() }
        }
        None if step.switch == Some(SwitchId::ota_halt()) => format!("[{}]", scene.key(Action::HaltOta)),
        None if step.switch == Some(SwitchId::rollback()) => format!("[{}]", scene.key(Action::RollBack)),
        None if step.update.is_some() => format!("[{}]", scene.key(Action::Enter)),
        None => String::new(),
    };
    let (note, urgent) = timed(scene, step, entry.is_some(), note);
    let text = match entry.map(|entry| &entry.mark) {
        Some(StepMark::Skipped(reason)) => format!("{} (skipped: {reason})", step.text),
        Some(StepMark::NotApplicable(reason)) if reason.is_empty() => format!("{} (not applicable)", step.text),
        Some(StepMark::NotApplicable(reason)) => format!("{} (not applicable: {reason})", step.text),
        _ => step.text.clone(),
    };
    let room = width.saturating_sub(4 + note.width() + 1);
    let looks = match (entry.is_some(), here) {
        (_, true) => Role::Title,
        (true, false) => Role::Muted,
        (false, false) => Role::Text,
    };
    let mut texts = wrap(&text, room.max(8)).into_iter();
    let first = texts.next().unwrap_or_default();
    let mut rows = vec![Line::from(vec![
        Span::styled(format!(" {mark} "), scene.style(role)),
        scene.span(format::left(&first, room), looks),
        scene.span(format!(" {note}"), if entry.is_some() { Role::Muted } else { urgent }),
    ])];
    rows.extend(texts.map(|text| Line::from(scene.span(format!("   {text}"), looks))));
    rows.extend(beside(scene, run, step, here, width));
    rows
}

/// The switch that a step is bound to, where it has had its effect in this incident, and when: whether that is all the
/// step asks is for a person to say.
fn pulled<'a>(scene: &Scene<'a>, step: &Step) -> Option<(&'a str, At)> {
    let (switch, incident) = (step.switch.as_ref()?, scene.ui.incident(scene.snapshot)?.id);
    let actuations = scene.snapshot.actuations.values().map(|view| &view.actuation);
    let own = actuations.filter(|actuation| actuation.switch == *switch && actuation.incident == Some(incident));
    let effective = own.filter(|actuation| actuation.is_effective()).filter_map(|a| Some((a.label.as_str(), a.ended?)));
    effective.max_by_key(|(_, at)| *at)
}

/// How long a step has left, before its other hint; and how urgent that is.
fn timed(scene: &Scene<'_>, step: &Step, dealt_with: bool, note: String) -> (String, Role) {
    let declared = scene.ui.incident(scene.snapshot).map(|incident| incident.declared);
    let (Some(timer), Some(declared), false) = (&step.timer, declared, dealt_with) else { return (note, Role::Key) };
    let left = declared.plus_s(timer.within_s).since_ms(scene.snapshot.at).div_euclid(1000);
    let (text, role) = match left {
        ..0 => (format!("OVERDUE {}", format::duration(-left)), Role::Alarm),
        0..300 => (format::duration(left), Role::Warn),
        _ => (format::duration(left), Role::Muted),
    };
    (if note.is_empty() { text } else { format!("{text} {note}") }, role)
}

/// What stands below a step: the live answer to its question, what it asks of a device, whom it names, what people wrote.
fn beside<'a>(scene: &Scene<'a>, run: &RunbookRun, step: &Step, here: bool, width: usize) -> Vec<Line<'a>> {
    let full = scene.ui.view == View::Runbook;
    let mut told: Vec<(String, Role)> = Vec::new();
    if let Some((label, at)) = pulled(scene, step).filter(|_| run.mark(&step.id).is_none()) {
        let at = format::clock(at);
        let at = at.rsplit_once(':').map_or("", |(hm, _)| hm);
        told.push((format!("done by {label} {at}? {} marks it", scene.key(Action::MarkStep)), Role::Good));
    }
    if let Some(query) = step.query.filter(|_| here || full) {
        let known = scene.ui.incident(scene.snapshot).and_then(|incident| scene.snapshot.known.get(&incident.id));
        let answer = known.and_then(|known| known.answers.iter().find(|answer| answer.query == query));
        told.push(match answer {
            Some(answer) if answer.known => (format!("{} · {}", answer.text, answer.evidence), Role::Good),
            Some(answer) => (format!("unknown: {}", answer.evidence), Role::Warn),
            None => ("nothing is counted just now".into(), Role::Muted),
        });
    }
    if let Some(diagnostic) = step.diagnostic.filter(|_| here || full) {
        let key = scene.key(Action::Copy);
        told.push((format!("{} of a device; {key} copies the request", diagnostic.id()), Role::Muted));
    }
    if let Some(contact) = step.timer.as_ref().and_then(|timer| timer.contact.as_ref()).filter(|_| here || full) {
        told.push(match scene.snapshot.contacts.get(contact) {
            Some(reach) => (format!("{contact}: {reach}"), Role::Text),
            None => (format!("{contact}: not configured; set it under [contacts]"), Role::Warn),
        });
    }
    if full || here {
        let notes = run
            .notes_on(&step.id)
            .map(|note| (format!("{} {}: {}", format::clock(note.at), note.by, note.text), Role::Text));
        told.extend(notes);
    }
    let room = width.saturating_sub(6).max(8);
    told.into_iter()
        .flat_map(|(text, role)| wrap(&text, room).into_iter().map(move |text| (text, role)).collect::<Vec<_>>())
        .map(|(text, role)| Line::from(scene.span(format!("     {text}"), role)))
        .collect()
}
