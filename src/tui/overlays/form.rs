//! A form: a few fields, a purpose. Declaring, correcting a time, choosing a severity, filtering: all are forms.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;
use ratatui::widgets::Widget;
use tui_textarea::TextArea;

use crate::domain::cohort::CohortKey;
use crate::domain::ids::{ActuationId, AlertId, IncidentId};
use crate::domain::switch::SwitchId;
use crate::tui::format;
use crate::tui::key::{Code, Key};
use crate::tui::layout::centred;
use crate::tui::scene::{Scene, lines, wrap};
use crate::tui::submit::direct;
use crate::tui::submit::record;
use crate::tui::submit::respond::Asks;
use crate::tui::theme::Role;

/// What a form is for, with what it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    Declare { alert: Option<AlertId>, cohort: CohortKey },
    Severity(IncidentId),
    Type(IncidentId),
    Origin(IncidentId),
    About(IncidentId),
    Commander(IncidentId),
    Rename(IncidentId),
    Correct(IncidentId),
    Reopen(IncidentId),
    Skip { incident: IncidentId, step: String },
    Close(ActuationId),
    Parameters(SwitchId),
    BreakGlass(u64),
    Devices,
    Filter,
    GroupBy,
    Respond(Asks),
    Direct(direct::Asks),
    Record(record::Asks),
}

/// One field of a form.
#[derive(Debug)]
pub struct Field {
    label: Cow<'static, str>,
    value: Value,
}

#[derive(Debug)]
enum Value {
    Text(Box<TextArea<'static>>),
    Choice { options: Vec<String>, selected: usize },
}

impl Field {
    pub fn text(label: impl Into<Cow<'static, str>>, value: &str) -> Self {
        let mut area = TextArea::new(vec![value.to_owned()]);
        area.move_cursor(tui_textarea::CursorMove::End);
        area.set_cursor_line_style(ratatui::style::Style::default());
        Self { label: label.into(), value: Value::Text(Box::new(area)) }
    }

    pub fn choice(label: &'static str, options: Vec<String>, selected: usize) -> Self {
        Self { label: label.into(), value: Value::Choice { options, selected } }
    }

    /// What was typed; empty for a choice.
    pub fn typed(&self) -> String {
        match &self.value {
            Value::Text(area) => area.lines().join(" "),
            Value::Choice { .. } => String::new(),
        }
    }

    /// Which option is chosen.
    pub const fn chosen(&self) -> usize {
        match &self.value {
            Value::Choice { selected, .. } => *selected,
            Value::Text(_) => 0,
        }
    }
}

/// A form on the screen.
#[derive(Debug)]
pub struct Form {
    pub purpose: Purpose,
    pub fields: Vec<Field>,
    title: String,
    /// What Enter does, in a word.
    verb: &'static str,
    hint: String,
    at: usize,
    /// What each option of the first field, but for its first one, fills the others with.
    fills: Vec<Vec<String>>,
    /// Why it could not be sent.
    problem: Option<String>,
}

/// What a key did in a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Stay,
    Close,
    Send,
}

impl Form {
    pub fn new(purpose: Purpose, title: impl Into<String>, verb: &'static str, fields: Vec<Field>) -> Self {
        Self {
            purpose,
            fields,
            title: title.into(),
            verb,
            hint: String::new(),
            at: 0,
            fills: Vec::new(),
            problem: None,
        }
    }

    /// Says why it could not be sent, at the field that is still empty: what is typed next belongs there.
    pub fn refuse(&mut self, problem: String) {
        let is_empty = |field: &Field| matches!(field.value, Value::Text(_)) && field.typed().trim().is_empty();
        if !matches!(self.fields[self.at].value, Value::Text(_)) {
            self.at = self.fields.iter().position(is_empty).unwrap_or(self.at);
        }
        self.problem = Some(problem);
    }

    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: hint.into(), ..self }
    }

    /// A form whose first field is a choice of texts for the others; they can still be changed.
    #[must_use]
    pub fn filled_by(self, fills: Vec<Vec<String>>) -> Self {
        Self { fills, ..self }
    }

    fn fill(&mut self) {
        let chosen = self.fields.first().map_or(0, Field::chosen);
        let Some(texts) = chosen.checked_sub(1).and_then(|chosen| self.fills.get(chosen)) else { return };
        for (field, text) in self.fields.iter_mut().skip(1).zip(texts) {
            *field = Field::text(field.label.clone(), text);
        }
    }

    pub fn press(&mut self, key: Key) -> Outcome {
        let fields = self.fields.len();
        match key.code {
            Code::Esc => return Outcome::Close,
            Code::Enter => return Outcome::Send,
            Code::Tab if key.shift => self.at = (self.at + fields - 1) % fields,
            Code::Tab => self.at = (self.at + 1) % fields,
            Code::Up | Code::Down => self.up_or_down(key),
            _ => self.edit(key),
        }
        Outcome::Stay
    }

    /// Between fields; in a form that is one choice, between its options.
    fn up_or_down(&mut self, key: Key) {
        let fields = self.fields.len();
        let (at, last) = match &mut self.fields[..] {
            [Field { value: Value::Choice { options, selected }, .. }] => (selected, options.len().saturating_sub(1)),
            _ => (&mut self.at, fields - 1),
        };
        *at = if key.code == Code::Up { at.saturating_sub(1) } else { (*at + 1).min(last) };
    }

    fn edit(&mut self, key: Key) {
        self.problem = None;
        match &mut self.fields[self.at].value {
            Value::Text(area) => drop(area.input(textarea_input(key))),
            Value::Choice { options, selected } => match key.code {
                Code::Left => *selected = selected.saturating_sub(1),
                Code::Right | Code::Char(' ') => *selected = (*selected + 1) % options.len().max(1),
                Code::Char(c) => {
                    // A digit or a letter goes to the option that has it.
                    let digit =
                        c.to_digit(10).map(|n| n as usize).filter(|n| (1..=options.len()).contains(n)).map(|n| n - 1);
                    let letter =
                        || options.iter().position(|option| option.to_lowercase().starts_with(c.to_ascii_lowercase()));
                    *selected = digit.or_else(letter).unwrap_or(*selected);
                }
                _ => {}
            },
        }
        if self.at == 0 {
            self.fill();
        }
    }

    pub fn paste(&mut self, text: &str) {
        if let Value::Text(area) = &mut self.fields[self.at].value {
            area.insert_str(text.replace('\n', " "));
        }
    }

    pub fn draw(&self, scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
        let width = 72u16.min(area.width);
        let inner_width = usize::from(width.saturating_sub(4));
        let single_choice = matches!(&self.fields[..], [Field { value: Value::Choice { .. }, .. }]);
        let rows: u16 = if single_choice { self.options().len() as u16 } else { self.fields.len() as u16 };
        let hint = if self.hint.is_empty() { Vec::new() } else { wrap(&self.hint, inner_width) };
        let problem = self.problem.as_ref().map(|problem| wrap(problem, inner_width)).unwrap_or_default();
        let height = rows + 4 + hint.len() as u16 + problem.len() as u16;
        let inner = scene.window(&self.title, Role::Focus, centred(area, width, height), buffer);
        let [above, middle, below, keys] = Layout::vertical([
            Constraint::Length(hint.len() as u16),
            Constraint::Length(rows),
            Constraint::Fill(1),
            Constraint::Length(1),
        ])
        .areas(inner);
        let told = |texts: Vec<String>, role| {
            texts.into_iter().map(|text| Line::from(scene.span(text, role))).collect::<Vec<_>>()
        };
        lines(&told(hint, Role::Muted), above, buffer);
        if single_choice {
            let option = |(n, option): (usize, &String)| {
                let role = if n == self.fields[0].chosen() { Role::Selected } else { Role::Text };
                Line::from(scene.span(format::left(&format!(" {} {option}", n + 1), middle.width.into()), role))
            };
            lines(&self.options().iter().enumerate().map(option).collect::<Vec<_>>(), middle, buffer);
        } else {
            for (n, row) in middle.rows().enumerate() {
                self.draw_field(n, scene, row, buffer);
            }
        }
        lines(&told(problem, Role::Alarm), below, buffer);
        let hints = Line::from(vec![
            scene.span("Enter", Role::Key),
            scene.span(format!(" {}   ", self.verb), Role::Muted),
            scene.span("Esc", Role::Key),
            scene.span(if self.fields.len() > 1 { " leaves it   " } else { " leaves it" }, Role::Muted),
            scene.span(if self.fields.len() > 1 { "Tab" } else { "" }, Role::Key),
            scene.span(if self.fields.len() > 1 { " next field" } else { "" }, Role::Muted),
        ]);
        lines(&[hints], keys, buffer);
    }

    fn options(&self) -> &[String] {
        match &self.fields[0].value {
            Value::Choice { options, .. } => options,
            Value::Text(_) => &[],
        }
    }

    fn draw_field(&self, n: usize, scene: &Scene<'_>, row: Rect, buffer: &mut Buffer) {
        let field = &self.fields[n];
        let active = n == self.at;
        let label_width = self.fields.iter().map(|field| field.label.len()).max().unwrap_or(0) + 2;
        let label = format::left(&field.label, label_width);
        let role = if active { Role::Key } else { Role::Muted };
        buffer.set_line(row.x, row.y, &Line::from(scene.span(label, role)), row.width);
        let value = Rect { x: row.x + label_width as u16, width: row.width.saturating_sub(label_width as u16), ..row };
        match &field.value {
            Value::Text(area) if active => (&**area).render(value, buffer),
            Value::Text(_) => {
                buffer.set_line(value.x, value.y, &Line::from(scene.span(field.typed(), Role::Text)), value.width);
            }
            Value::Choice { options, selected } => {
                let option = options.get(*selected).map_or("", String::as_str);
                let role = if active { Role::Selected } else { Role::Text };
                let line = Line::from(vec![
                    scene.span("‹ ", Role::Muted),
                    scene.span(option.to_owned(), role),
                    scene.span(" ›", Role::Muted),
                ]);
                buffer.set_line(value.x, value.y, &line, value.width);
            }
        }
    }
}

/// A key as the text area knows it.
pub(super) fn textarea_input(key: Key) -> tui_textarea::Input {
    use tui_textarea::Key as Area;
    let code = match key.code {
        Code::Char(c) => Area::Char(c),
        Code::F(n) => Area::F(n),
        Code::Enter => Area::Enter,
        Code::Esc => Area::Esc,
        Code::Tab => Area::Tab,
        Code::Backspace => Area::Backspace,
        Code::Delete => Area::Delete,
        Code::Up => Area::Up,
        Code::Down => Area::Down,
        Code::Left => Area::Left,
        Code::Right => Area::Right,
        Code::Home => Area::Home,
        Code::End => Area::End,
        Code::PageUp => Area::PageUp,
        Code::PageDown => Area::PageDown,
    };
    tui_textarea::Input { key: code, ctrl: key.ctrl, alt: key.alt, shift: key.shift }
}
