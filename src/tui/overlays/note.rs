//! The note: as many lines as it takes. What is not sent is kept for the next time.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;
use ratatui::widgets::Widget;
use tui_textarea::TextArea;

use super::form;
use crate::domain::command::{Command, LearningCommand};
use crate::domain::ids::IncidentId;
use crate::domain::learning::Section;
use crate::tui::key::{Code, Key};
use crate::tui::layout::centred;
use crate::tui::scene::Scene;
use crate::tui::theme::Role;

/// A note being written.
#[derive(Debug)]
pub struct NoteEditor {
    incident: Option<IncidentId>,
    /// The section of the postmortem that it is, where it is one.
    section: Option<Section>,
    area: Box<TextArea<'static>>,
}

/// What a key did in the note.
pub enum Outcome {
    Stay,
    /// Not sent; these lines are the draft.
    Keep(Vec<String>),
    Send(String),
}

impl NoteEditor {
    pub fn new(incident: Option<IncidentId>, draft: Vec<String>) -> Self {
        let mut area = TextArea::new(draft);
        area.move_cursor(tui_textarea::CursorMove::Bottom);
        area.move_cursor(tui_textarea::CursorMove::End);
        area.set_cursor_line_style(ratatui::style::Style::default());
        area.set_wrap_mode(tui_textarea::WrapMode::WordOrGlyph);
        Self { incident, section: None, area: Box::new(area) }
    }

    /// The editor of a section of a postmortem, with what it says so far.
    pub fn section(incident: IncidentId, section: Section, text: Vec<String>) -> Self {
        Self { section: Some(section), ..Self::new(Some(incident), text) }
    }

    /// Whether it is a note, of which a draft is kept.
    pub const fn is_note(&self) -> bool {
        self.section.is_none()
    }

    /// What sending it asks for.
    pub fn command(&self, text: String) -> Command {
        match (self.incident, self.section) {
            (Some(incident), Some(section)) => Command::Learning(LearningCommand::Write { incident, section, text }),
            (incident, _) => Command::Note { incident, text },
        }
    }

    pub fn press(&mut self, key: Key) -> Outcome {
        match key {
            Key { code: Code::Esc, .. } => Outcome::Keep(self.area.lines().to_vec()),
            Key { code: Code::Char('s'), ctrl: true, .. } | Key { code: Code::Enter, alt: true, .. } => {
                Outcome::Send(self.area.lines().join("\n"))
            }
            key => {
                self.area.input(form::textarea_input(key));
                Outcome::Stay
            }
        }
    }

    pub fn paste(&mut self, text: &str) {
        self.area.insert_str(text);
    }

    pub fn draw(&self, scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
        let what = self.section.map_or("note", Section::name);
        let title = self.incident.map_or_else(
            || what.to_owned(),
            |id| if self.is_note() { format!("note on {id}") } else { format!("{} · {id}", what.to_lowercase()) },
        );
        let inner = scene.window(&title, Role::Focus, centred(area, 76, 12), buffer);
        let [text, hint] = Layout::vertical([Constraint::Fill(1), Constraint::Length(1)]).areas(inner);
        (&self.area).render(text, buffer);
        let hint_line = Line::from(vec![
            scene.span("ctrl-s", Role::Key),
            scene.span(" records it   ", Role::Muted),
            scene.span("Esc", Role::Key),
            scene.span(if self.is_note() { " keeps it as a draft" } else { " leaves it as it was" }, Role::Muted),
        ]);
        buffer.set_line(hint.x, hint.y, &hint_line, hint.width);
    }
}
