//! The composer: the words of an update, filled from a template, to be read again before they go out.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;
use ratatui::widgets::Widget;
use tui_textarea::TextArea;

use super::form;
use crate::domain::command::update::Message;
use crate::domain::ids::IncidentId;
use crate::domain::update::template::{self, Filled, Template};
use crate::domain::update::{Audience, CLIPBOARD, ChannelInfo, UpdateKind};
use crate::tui::key::{Code, Key};
use crate::tui::layout::centred;
use crate::tui::scene::{Scene, lines, wrap};
use crate::tui::theme::Role;

/// An update being written.
#[derive(Debug)]
pub struct Composer {
    pub incident: IncidentId,
    pub audience: Audience,
    kind: UpdateKind,
    template: String,
    tells: Vec<String>,
    area: Box<TextArea<'static>>,
    /// Channels for this audience, and whether it goes there.
    channels: Vec<(String, bool)>,
    /// Whether the text is looked at once more before it goes out.
    reviewing: bool,
    problem: Option<String>,
}

/// What a key did in the composer.
pub enum Outcome {
    Stay,
    Close,
    Send(Message),
}

impl Composer {
    /// A composer for a template that was filled.
    pub fn new(incident: IncidentId, template: &Template, filled: Filled, channels: &[ChannelInfo]) -> Self {
        let mut area = TextArea::new(filled.text.lines().map(str::to_owned).collect());
        area.set_cursor_line_style(ratatui::style::Style::default());
        area.set_wrap_mode(tui_textarea::WrapMode::WordOrGlyph);
        let fitting = channels.iter().filter(|channel| channel.audience == template.audience);
        let mut channels: Vec<_> = fitting.map(|channel| (channel.name.clone(), true)).collect();
        // Where there is no other way, it is copied.
        channels.push((CLIPBOARD.to_owned(), channels.is_empty()));
        Self {
            incident,
            audience: template.audience,
            kind: template.kind,
            template: template.id.clone(),
            tells: filled.tells,
            area: Box::new(area),
            channels,
            reviewing: false,
            problem: None,
        }
    }

    fn text(&self) -> String {
        self.area.lines().join("\n")
    }

    pub fn press(&mut self, key: Key) -> Outcome {
        if self.reviewing {
            return self.press_in_review(key);
        }
        self.problem = None;
        match key {
            Key { code: Code::Esc, .. } => return Outcome::Close,
            Key { code: Code::Char('s'), ctrl: true, .. } => {
                let missing = template::missing(&self.text());
                if missing.is_empty() {
                    self.reviewing = true;
                } else {
                    let all = missing.join(", ");
                    self.problem = Some(format!("not known yet: {all}; write it, or take it out, braces and all"));
                }
            }
            key => drop(self.area.input(form::textarea_input(key))),
        }
        Outcome::Stay
    }

    fn press_in_review(&mut self, key: Key) -> Outcome {
        match key.code {
            Code::Esc => self.reviewing = false,
            Code::Char('S') => {
                let chosen = self.channels.iter().filter(|(_, on)| *on).map(|(name, _)| name.clone()).collect();
                return Outcome::Send(Message {
                    incident: self.incident,
                    audience: self.audience,
                    kind: self.kind,
                    template: Some(self.template.clone()),
                    tells: self.tells.clone(),
                    text: self.text(),
                    channels: chosen,
                });
            }
            Code::Char(c) => {
                let at = c.to_digit(10).and_then(|n| (n as usize).checked_sub(1));
                if let Some((_, on)) = at.and_then(|at| self.channels.get_mut(at)) {
                    *on = !*on;
                }
            }
            _ => {}
        }
        Outcome::Stay
    }

    pub fn paste(&mut self, text: &str) {
        if !self.reviewing {
            self.area.insert_str(text);
        }
    }

    pub fn draw(&self, scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
        let kind = match self.kind {
            UpdateKind::First => "first word",
            UpdateKind::Update => "update",
            UpdateKind::Resolved => "the end",
        };
        let title = format!("{} · {} to {}", self.incident, kind, self.audience);
        let inner = scene.window(&title, Role::Focus, centred(area, 92, 22), buffer);
        let problem = self.problem.as_ref().map(|text| wrap(text, inner.width.into())).unwrap_or_default();
        let [text, below, hint] = Layout::vertical([
            Constraint::Fill(1),
            Constraint::Length(if self.reviewing { 2 } else { problem.len() as u16 }),
            Constraint::Length(1),
        ])
        .areas(inner);
        if self.reviewing {
            let shown = wrap(&self.text(), text.width.into());
            let shown: Vec<_> = shown.into_iter().map(|line| Line::from(scene.span(line, Role::Title))).collect();
            lines(&shown, text, buffer);
            let mut spans = vec![scene.span("to ", Role::Muted)];
            for (n, (name, on)) in self.channels.iter().enumerate() {
                spans.push(scene.span(format!("{} ", n + 1), Role::Key));
                let mark = if *on { "[x]" } else { "[ ]" };
                spans.push(scene.span(format!("{mark} {name}   "), if *on { Role::Title } else { Role::Muted }));
            }
            let who = format!("it goes out in the name of {}, and is on the record", scene.snapshot.operator);
            lines(&[Line::from(spans), Line::from(scene.span(who, Role::Muted))], below, buffer);
        } else {
            (&*self.area).render(text, buffer);
            let told: Vec<_> = problem.into_iter().map(|line| Line::from(scene.span(line, Role::Alarm))).collect();
            lines(&told, below, buffer);
        }
        let keys = if self.reviewing {
            [("S", " sends it   "), ("1 2 …", " chooses channels   "), ("Esc", " back to the words")]
        } else {
            [("ctrl-s", " looks at it once more   "), ("Esc", " keeps it as a draft"), ("", "")]
        };
        let keys = keys.into_iter().flat_map(|(key, does)| [scene.span(key, Role::Key), scene.span(does, Role::Muted)]);
        buffer.set_line(hint.x, hint.y, &Line::from(keys.collect::<Vec<_>>()), hint.width);
    }

    /// The template and the words, to go on with later.
    pub fn draft(&self) -> (String, String) {
        (self.template.clone(), self.text())
    }
}
