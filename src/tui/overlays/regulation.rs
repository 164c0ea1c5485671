//! Which laws may ask for notices: their criteria with the answers so far, and the clocks of those that apply.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::domain::regulation::{Matter, Regime, Standing, TermState};
use crate::domain::time::At;
use crate::engine::snapshot::Snapshot;
use crate::tui::format;
use crate::tui::layout::centred;
use crate::tui::overlays::foot::foot;
use crate::tui::scene::{Scene, lines, wrap};
use crate::tui::theme::Role;
use crate::tui::ui::Ui;

/// Columns that the window takes where there are so many.
const WIDTH: u16 = 110;

/// What the cursor can stand on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    Criterion { regime: String, criterion: String, question: String, answer: Option<(bool, String)> },
    Moment { regime: String, moment: String, set: Option<At> },
    Term { regime: String, term: String, what: String },
}

impl Item {
    fn regime(&self) -> &str {
        match self {
            Self::Criterion { regime, .. } | Self::Moment { regime, .. } | Self::Term { regime, .. } => regime,
        }
    }
}

/// The regimes of an incident: those that were looked at in it, as they stood then, and those that are switched on.
fn matters(ui: &Ui, snapshot: &Snapshot) -> Vec<Matter> {
    let Some(incident) = ui.incident(snapshot) else { return Vec::new() };
    let taken = &incident.regulation.matters;
    // In the order of the file, whatever is answered: what is under the cursor stays under it.
    let known = snapshot.regimes.iter().filter(|regime: &&Regime| regime.on || taken.contains_key(&regime.id));
    let known = known.map(|regime| taken.get(&regime.id).cloned().unwrap_or_else(|| Matter::new(regime.clone())));
    let gone = taken.values().filter(|matter| !snapshot.regimes.iter().any(|regime| regime.id == matter.regime.id));
    known.chain(gone.cloned()).collect()
}

/// Everything that the cursor can stand on, in the order of the screen.
pub fn items(ui: &Ui, snapshot: &Snapshot) -> Vec<Item> {
    matters(ui, snapshot).iter().flat_map(of).collect()
}

fn of(matter: &Matter) -> Vec<Item> {
    let regime = &matter.regime;
    let criterion = |criterion: &crate::domain::regulation::Criterion| Item::Criterion {
        regime: regime.id.clone(),
        criterion: criterion.id.clone(),
        question: criterion.question.clone(),
        answer: matter.answers.get(&criterion.id).map(|answer| (answer.yes, answer.reason.clone())),
    };
    let mut items: Vec<Item> = regime.criteria.iter().map(criterion).collect();
    if matter.standing() == Standing::Applies {
        items.extend(regime.moments().into_iter().map(|moment| Item::Moment {
            regime: regime.id.clone(),
            moment: moment.to_owned(),
            set: matter.moments.get(moment).map(|set| set.to),
        }));
        items.extend(regime.terms.iter().map(|term| Item::Term {
            regime: regime.id.clone(),
            term: term.id.clone(),
            what: term.what.clone(),
        }));
    }
    items
}

pub fn draw(selected: usize, scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let width = WIDTH.min(area.width);
    let columns = usize::from(width.saturating_sub(4));
    let matters = matters(scene.ui, scene.snapshot);
    let mut content: Vec<Line<'_>> = Vec::new();
    let (mut n, mut cursor) = (0, 0..0);
    for matter in &matters {
        content.extend(heading(scene, matter, columns));
        for item in of(matter) {
            let begin = content.len();
            content.extend(row(scene, matter, &item, n == selected, columns));
            if n == selected {
                cursor = begin..content.len();
            }
            n += 1;
        }
    }
    if content.is_empty() {
        let told = "no regime is switched on; [regulation] in the configuration names them";
        content.push(Line::from(scene.span(told, Role::Muted)));
    }
    let height = (content.len() as u16).saturating_add(4).clamp(6, area.height.max(6));
    let inner = scene.window("what laws ask for", Role::Focus, centred(area, width, height), buffer);
    let rows = usize::from(inner.height).saturating_sub(2).max(1);
    let first = cursor.end.saturating_sub(rows).min(content.len().saturating_sub(rows));
    let below = content.len().saturating_sub(first + rows);
    let shown: Vec<_> = content.into_iter().skip(first).take(rows).collect();
    lines(&shown, inner, buffer);
    let keys = [("Enter", "answers, files"), ("y n", "yes, no"), ("Esc", "back · not legal advice")];
    foot(scene, &keys, below, inner, buffer);
}

fn heading<'a>(scene: &Scene<'a>, matter: &Matter, columns: usize) -> Vec<Line<'a>> {
    let (word, role) = match matter.standing() {
        Standing::Applies => ("APPLIES", Role::Alarm),
        Standing::Undecided => ("not decided", Role::Warn),
        Standing::DoesNotApply => ("does not apply", Role::Muted),
    };
    let verified = if matter.regime.verified == "text" { "" } else { " · from a secondary source" };
    let text = format!("{} · {word}{verified}", matter.regime.name);
    vec![Line::from(scene.span(format::fit(&text, columns), role))]
}

fn row<'a>(scene: &Scene<'a>, matter: &Matter, item: &Item, selected: bool, columns: usize) -> Vec<Line<'a>> {
    debug_assert_eq!(item.regime(), matter.regime.id);
    let (text, role) = match item {
        Item::Criterion { question, answer, .. } => match answer {
            None => (format!("?   {question}"), Role::Text),
            Some((true, reason)) => (format!("yes {question} · {reason}"), Role::Text),
            Some((false, reason)) => (format!("no  {question} · {reason}"), Role::Muted),
        },
        Item::Moment { moment, set, .. } => {
            let when = set.map_or_else(|| "not set".into(), |at| at.utc().format("%Y-%m-%d %H:%M:%SZ").to_string());
            (format!("    {moment}: {when}"), if set.is_some() { Role::Text } else { Role::Warn })
        }
        Item::Term { term, .. } => term_row(scene, matter, term),
    };
    let indent = "  ";
    let wrapped = wrap(&text, columns.saturating_sub(8).max(10));
    let line = |(n, text): (usize, String)| {
        let text = if n == 0 { format!("{indent}{text}") } else { format!("{indent}    {text}") };
        let role = if selected { Role::Selected } else { role };
        Line::from(scene.span(if selected { format::left(&text, columns) } else { text }, role))
    };
    wrapped.into_iter().enumerate().map(line).collect()
}

fn term_row(scene: &Scene<'_>, matter: &Matter, term: &str) -> (String, Role) {
    let now = scene.snapshot.at;
    let readings = matter.readings(now);
    let Some(reading) = readings.iter().find(|reading| reading.term == *term) else {
        return (String::new(), Role::Muted);
    };
    let rule = matter.regime.term(term).map(|term| term.rule()).unwrap_or_default();
    let left = match (&reading.state, reading.due) {
        (TermState::Waiting, _) => format!("waits for {}", reading.waits_for.as_deref().unwrap_or("its moment")),
        (TermState::Missed, Some(due)) => format!("MISSED by {}", format::duration(now.since_s(due))),
        (TermState::Running | TermState::Near, Some(due)) => {
            format!("{} left, until {}", format::duration(due.since_s(now)), due.utc().format("%a %Y-%m-%d %H:%MZ"))
        }
        (TermState::Running | TermState::Near, None) => "without undue delay".into(),
        (state, _) => format!("{} · {}", state.word(), reading.reference),
    };
    let doubt = reading.doubt.as_ref().map(|doubt| format!(" · {doubt}")).unwrap_or_default();
    let role = match reading.state {
        TermState::Missed | TermState::FiledLate => Role::Alarm,
        TermState::Near => Role::Warn,
        TermState::Met => Role::Good,
        _ => Role::Text,
    };
    (format!("  → {}, to {} ({rule}): {left}{doubt}", reading.what, reading.to), role)
}
