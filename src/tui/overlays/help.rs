//! Help: every key, from the one table of actions.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::engine::snapshot::Snapshot;
use crate::tui::action::{ACTIONS, Group, Spec};
use crate::tui::format;
use crate::tui::key::{Code, Key};
use crate::tui::layout::centred;
use crate::tui::scene::{Scene, lines, wrap};
use crate::tui::theme::Role;
use crate::tui::update;

/// Columns that the window takes where there are so many, and those of the keys.
const WIDTH: u16 = 94;
const KEYS: usize = 19;

pub fn draw(scroll: usize, scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let width = WIDTH.min(area.width);
    let all = content(scene, columns(area));
    let height = (all.len() as u16 + 2).min(area.height.saturating_sub(2));
    let more = if usize::from(height) < all.len() + 2 { " · ↑ ↓ PgDn for the rest" } else { "" };
    let inner = scene.window(&format!("keys{more} · Esc closes"), Role::Focus, centred(area, width, height), buffer);
    let last = all.len().saturating_sub(usize::from(inner.height));
    lines(&all[scroll.min(last)..], inner, buffer);
}

fn content<'a>(scene: &Scene<'a>, columns: usize) -> Vec<Line<'a>> {
    let mut all = Vec::new();
    for group in Group::ALL {
        if !all.is_empty() {
            all.push(Line::default());
        }
        all.push(Line::from(scene.span(group.title().to_uppercase(), Role::Muted)));
        for spec in ACTIONS.iter().filter(|spec| spec.group == group && spec.exists_in(scene.snapshot)) {
            let keys: Vec<String> = scene.keymap.keys(spec.action).map(ToString::to_string).collect();
            let keys = match (keys.is_empty(), scene.snapshot.read_only && spec.writes) {
                (_, true) => "read-only".into(),
                (true, _) => format!("{} {}", scene.key(crate::tui::action::Action::Palette), spec.id),
                _ => keys.join(" or "),
            };
            all.extend(meaning(spec, columns).into_iter().enumerate().map(|(n, text)| {
                let keys = if n == 0 { keys.as_str() } else { "" };
                Line::from(vec![scene.span(format::left(keys, KEYS), Role::Key), scene.span(text, Role::Text)])
            }));
        }
    }
    all
}

/// What an action does, in as many lines as it takes.
fn meaning(spec: &Spec, columns: usize) -> Vec<String> {
    wrap(spec.help, columns.saturating_sub(KEYS))
}

/// Columns inside the window.
fn columns(area: Rect) -> usize {
    usize::from(WIDTH.min(area.width).saturating_sub(4))
}

/// Lines of the help, for scrolling.
fn length(snapshot: &Snapshot, columns: usize) -> usize {
    let actions = ACTIONS.iter().filter(|spec| spec.exists_in(snapshot));
    actions.map(|spec| meaning(spec, columns).len()).sum::<usize>() + Group::ALL.len() * 2 - 1
}

/// Where a key scrolls to on a screen of this size: a page is what stands in the window. None where it closes the help.
pub fn scrolled(key: Key, at: usize, area: Rect, snapshot: &Snapshot) -> Option<usize> {
    let page = usize::from(area.height.saturating_sub(4)).max(1);
    let last = length(snapshot, columns(area)).saturating_sub(page);
    match key.code {
        Code::PageUp => Some(at.saturating_sub(page)),
        Code::PageDown => Some((at + page).min(last)),
        _ => update::scrolled(key, at, last + 1),
    }
}
