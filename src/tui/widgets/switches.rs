//! The screen of rollouts and switches: what was pulled and what has become of it, then every rollout in full.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::domain::switch::ActuationState;
use crate::tui::scene::{Scene, shell};
use crate::tui::theme::Role;
use crate::tui::ui::Pane;
use crate::tui::widgets::{actuation, campaign, rollout};

/// Lines of a switch that has done what it should, where the cursor is elsewhere.
const FOLDED: usize = 2;

pub fn draw(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let inner = scene.pane("rollouts and switches", Some(Pane::Switches), area, buffer);
    let (content, cursor) = content(scene, inner);
    let top = top(scene, content.len(), cursor, inner.height.into());
    scene.page(content, top, inner, buffer);
}

/// Where a movement of the cursor leads: the switch under it, and the first line shown where that is not its own.
///
/// Line by line it goes from switch to switch, and over the lines where none was pulled; a page is always of lines.
pub fn moved(scene: &Scene<'_>, area: Rect, by: isize) -> (usize, Option<usize>) {
    let pulled = scene.snapshot.actuations.len();
    if by.abs() == 1 && pulled > 0 {
        return (scene.ui.switch.saturating_add_signed(by).min(pulled - 1), None);
    }
    let inner = scene.inside(area);
    let (content, cursor) = content(scene, inner);
    let height = usize::from(inner.height);
    let at = top(scene, content.len(), cursor, height);
    (scene.ui.switch, Some(at.saturating_add_signed(by).min(content.len().saturating_sub(height))))
}

/// The first line shown: where somebody went, else as far down as the cursor needs.
fn top(scene: &Scene<'_>, length: usize, cursor: usize, height: usize) -> usize {
    let wanted = scene.ui.top.unwrap_or(cursor.saturating_sub(height));
    wanted.min(length.saturating_sub(height))
}

/// All lines, and the first one after the switch under the cursor, as far as that fits.
fn content<'a>(scene: &Scene<'a>, inner: Rect) -> (Vec<Line<'a>>, usize) {
    let width = usize::from(inner.width).saturating_sub(2);
    let mut content = Vec::new();
    let mut cursor = 0;
    let pulled = rollout::newest_actuations(scene.snapshot);
    let none_pulled = pulled.is_empty();
    let headline = Line::from(scene.span(" PULLED, NEWEST FIRST", Role::Muted));
    if !none_pulled {
        content.push(headline.clone());
    }
    for (n, view) in pulled.into_iter().enumerate() {
        let begins = content.len();
        let is_here = n == scene.ui.switch;
        let mut told = actuation::lines(scene, view, width);
        if let Some(first) = told.first_mut() {
            first.spans.insert(0, scene.span(if is_here { "▸" } else { " " }, Role::Key));
        }
        if is_here {
            let by_hand = view.actuation.call.by_hand(&scene.snapshot.shell_options);
            let broken = shell(&by_hand, width.saturating_sub(2));
            told.extend(broken.into_iter().map(|line| Line::from(scene.span(format!("   {line}"), Role::Muted))));
        } else if view.actuation.state == ActuationState::Effective {
            told.truncate(FOLDED);
        }
        content.append(&mut told);
        if is_here {
            // From its own beginning, where it is longer than the screen.
            cursor = content.len().min(begins + usize::from(inner.height));
        }
    }
    if !none_pulled {
        content.push(Line::default());
    }
    let rollouts = rollout::by_importance(scene.snapshot);
    if rollouts.is_empty() {
        content.push(Line::from(scene.span(rollout::none(scene.snapshot), Role::Muted)));
        content.push(Line::default());
    }
    for view in rollouts {
        content.extend(rollout::campaign(scene, view, width));
        content.extend(campaign::lines(scene, view, width));
        content.push(Line::default());
    }
    if none_pulled {
        content.push(headline);
        content.push(Line::from(scene.span(" no switch has been pulled", Role::Muted)));
    } else {
        content.pop();
    }
    (content, cursor)
}
