//! The postmortem: its sections, what will be done about it, what it has cost, and what it lacks.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::domain::cost::about;
use crate::domain::day::Day;
use crate::domain::incident::Incident;
use crate::domain::learning::{Ending, Section, postmortem_due};
use crate::engine::snapshot::Snapshot;
use crate::tui::format;
use crate::tui::layout::centred;
use crate::tui::overlays::foot::foot;
use crate::tui::scene::{Scene, lines};
use crate::tui::theme::Role;
use crate::tui::ui::Ui;

/// Columns that the window takes where there are so many.
const WIDTH: u16 = 104;

/// What the cursor can stand on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    Section(Section),
    Action(u32),
}

/// Everything that the cursor can stand on, in the order of the screen.
pub fn items(ui: &Ui, snapshot: &Snapshot) -> Vec<Item> {
    let Some(incident) = ui.incident(snapshot) else { return Vec::new() };
    let actions = incident.learning.actions.iter().map(|item| Item::Action(item.number));
    Section::ALL.into_iter().map(Item::Section).chain(actions).collect()
}

pub fn draw(selected: usize, scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let Some(incident) = scene.ui.incident(scene.snapshot) else { return };
    let width = WIDTH.min(area.width);
    let columns = usize::from(width.saturating_sub(4));
    let (mut content, cursor) = listed(scene, incident, selected, columns);
    content.push(Line::default());
    content.extend(bill(scene, incident, columns));
    let lacks = incident.learning.shortcomings(incident.id);
    if incident.learning.published.is_none() {
        content.extend(
            lacks.iter().map(|lack| Line::from(scene.span(format::fit(&format!("! {lack}"), columns), Role::Warn))),
        );
    }
    let height = (content.len() as u16).saturating_add(4).clamp(6, area.height.max(6));
    let title = format!("postmortem of {}{}", incident.id, standing(scene, incident));
    let inner = scene.window(&title, Role::Focus, centred(area, width, height), buffer);
    let rows = usize::from(inner.height).saturating_sub(2).max(1);
    let first = (cursor + 1).saturating_sub(rows);
    let below = content.len().saturating_sub(first + rows);
    let shown: Vec<_> = content.into_iter().skip(first).take(rows).collect();
    lines(&shown, inner, buffer);
    let keys = [
        ("Enter", "writes it"),
        ("a", "action item"),
        ("d", "item done"),
        ("c", "cost"),
        ("p", "finish"),
        ("Esc", "back"),
    ];
    foot(scene, &keys, below, inner, buffer);
}

/// Until when it is due, or that it is done.
fn standing(scene: &Scene<'_>, incident: &Incident) -> String {
    if let Some((at, by)) = &incident.learning.published {
        return format!(" · done {} by {by}", Day::of(*at, 0));
    }
    match postmortem_due(incident.severity, incident.moments.mitigated) {
        Some(due) if scene.snapshot.at > due => format!(" · OVERDUE since {}", Day::of(due, 0)),
        Some(due) => format!(" · due {}", Day::of(due, 0)),
        None => String::new(),
    }
}

fn listed<'a>(scene: &Scene<'a>, incident: &Incident, selected: usize, columns: usize) -> (Vec<Line<'a>>, usize) {
    let today = Day::of(scene.snapshot.at, 0);
    let mut content = Vec::new();
    let mut cursor = 0;
    for (n, item) in items(scene.ui, scene.snapshot).into_iter().enumerate() {
        let (text, role) = match item {
            Item::Section(section) => match incident.learning.sections.get(&section) {
                Some(written) => {
                    let text = written.text.replace('\n', " ⏎ ");
                    (format!("{:18} {text}", section.name()), Role::Text)
                }
                None => (format!("{:18} {}", section.name(), section.question()), Role::Muted),
            },
            Item::Action(number) => action_row(incident, number, today),
        };
        if matches!(item, Item::Action(1)) {
            content.push(Line::from(scene.span("ACTION ITEMS", Role::Muted)));
        }
        if n == selected {
            cursor = content.len();
        }
        let role = if n == selected { Role::Selected } else { role };
        content.push(Line::from(scene.span(format::left(&text, columns), role)));
    }
    (content, cursor)
}

fn action_row(incident: &Incident, number: u32, today: Day) -> (String, Role) {
    let Some(item) = incident.learning.actions.iter().find(|item| item.number == number) else {
        return (String::new(), Role::Muted);
    };
    let (state, role) = match &item.ended {
        Some((_, _, Ending::Dropped(_))) => ("dropped", Role::Muted),
        Some(_) => ("done", Role::Good),
        None if item.is_overdue(today) => ("OVERDUE", Role::Alarm),
        None if item.lacks().is_some() => ("open", Role::Warn),
        None => ("open", Role::Text),
    };
    let owner = item.plan.owner.as_deref().unwrap_or("nobody");
    let due = item.plan.due.map_or_else(|| "no date".into(), |due| due.to_string());
    (format!("{number:2} {state:8} {due:10} {} {}", format::left(owner, 10), item.plan.text), role)
}

/// What it has cost, on a line; estimates are marked as such.
fn bill<'a>(scene: &Scene<'a>, incident: &Incident, columns: usize) -> Vec<Line<'a>> {
    let Some(bill) = scene.snapshot.bills.get(&incident.id).filter(|bill| !bill.lines.is_empty()) else {
        return Vec::new();
    };
    let line = |line: &crate::domain::cost::BillLine| format!("{} {}", line.name, about(line.amount, line.estimated));
    let total = format!("cost {}", bill.sum());
    let parts: Vec<_> = std::iter::once(total).chain(bill.lines.iter().map(line)).collect();
    vec![Line::from(scene.span(format::fit(&parts.join(" · "), columns), Role::Text))]
}
