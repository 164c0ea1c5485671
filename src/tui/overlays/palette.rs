//! The palette: every action by name, for the one whose key is forgotten.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::engine::snapshot::Snapshot;
use crate::tui::action::{ACTIONS, Spec};
use crate::tui::format;
use crate::tui::key::{Code, Key};
use crate::tui::layout::centred;
use crate::tui::scene::{Scene, lines};
use crate::tui::theme::Role;

/// What has been typed, and which action is chosen.
#[derive(Clone, Debug)]
pub struct Palette {
    actions: Vec<&'static Spec>,
    query: String,
    selected: usize,
}

/// What a key did in the palette.
pub enum Outcome {
    Stay,
    Close,
    Run(&'static Spec),
}

impl Palette {
    /// Everything that a room has.
    pub fn new(snapshot: &Snapshot) -> Self {
        let actions = ACTIONS.iter().filter(|spec| spec.exists_in(snapshot)).collect();
        Self { actions, query: String::new(), selected: 0 }
    }

    /// What has all the words: first what is called so, then what only speaks of it.
    fn matches(&self) -> Vec<&'static Spec> {
        let query = self.query.to_lowercase();
        let wanted: Vec<&str> = query.split_whitespace().collect();
        let fits = |spec: &&&'static Spec| {
            let text = format!("{} {} {}", spec.id, spec.label, spec.help).to_lowercase();
            wanted.iter().all(|word| text.contains(word))
        };
        let mut matches: Vec<_> = self.actions.iter().filter(fits).copied().collect();
        matches.sort_by_key(|spec| ![spec.id, spec.label].iter().any(|name| name.to_lowercase().starts_with(&query)));
        matches
    }

    pub fn press(&mut self, key: Key) -> Outcome {
        let matches = self.matches();
        match key.code {
            Code::Esc => return Outcome::Close,
            Code::Enter => return matches.get(self.selected).map_or(Outcome::Stay, |spec| Outcome::Run(spec)),
            Code::Up => self.selected = self.selected.saturating_sub(1),
            Code::Down => self.selected = (self.selected + 1).min(matches.len().saturating_sub(1)),
            Code::Backspace => {
                self.query.pop();
                self.selected = 0;
            }
            _ => {
                if let Some(c) = key.types().filter(|_| self.query.len() < 64) {
                    self.query.push(c);
                    self.selected = 0;
                }
            }
        }
        Outcome::Stay
    }

    pub fn draw(&self, scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
        let matches = self.matches();
        let window = centred(area, 84, 16);
        let inner = scene.window("what do you want to do? · Enter does it", Role::Focus, window, buffer);
        let mut shown = vec![
            Line::from(vec![
                scene.span(": ", Role::Key),
                scene.span(self.query.clone(), Role::Text),
                scene.span("▏", Role::Key),
            ]),
            Line::default(),
        ];
        let rows = usize::from(inner.height).saturating_sub(shown.len());
        let first = self.selected.saturating_sub(rows.saturating_sub(1));
        for (n, spec) in matches.iter().enumerate().skip(first).take(rows) {
            let key = format::right(&scene.key(spec.action), 6);
            let text = format!("{} {}  {}", key, format::left(spec.id, 17), spec.help);
            let role = if n == self.selected { Role::Selected } else { Role::Text };
            shown.push(Line::from(scene.span(format::left(&text, inner.width.into()), role)));
        }
        if matches.is_empty() {
            shown.push(Line::from(scene.span("no action is called that", Role::Muted)));
        }
        lines(&shown, inner, buffer);
    }
}
