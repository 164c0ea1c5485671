//! Help: every key, from the one table of actions.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::tui::action::{ACTIONS, Group};
use crate::tui::format;
use crate::tui::layout::centred;
use crate::tui::scene::{Scene, lines};
use crate::tui::theme::Role;

pub fn draw(scroll: usize, scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let all = content(scene);
    let height = (all.len() as u16 + 2).min(area.height.saturating_sub(2));
    let more = if usize::from(height) < all.len() + 2 { " · ↑ ↓ for the rest" } else { "" };
    let inner = scene.window(&format!("keys{more} · Esc closes"), Role::Focus, centred(area, 94, height), buffer);
    let last = all.len().saturating_sub(usize::from(inner.height));
    lines(&all[scroll.min(last)..], inner, buffer);
}

fn content<'a>(scene: &Scene<'a>) -> Vec<Line<'a>> {
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
            all.push(Line::from(vec![
                scene.span(format::left(&keys, 19), Role::Key),
                scene.span(spec.help, Role::Text),
            ]));
        }
    }
    all
}

/// Lines of the help, for scrolling.
pub fn length() -> usize {
    ACTIONS.len() + Group::ALL.len() * 2
}
