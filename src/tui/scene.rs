//! What everything that draws is given: the snapshot, what the person is doing, and how things look.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Widget};

use super::action::{Action, Keymap};
use super::format;
use super::layout::Shape;
use super::theme::{Role, Theme};
use super::ui::{Pane, Ui};
use crate::engine::snapshot::Snapshot;

/// The view of one frame.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    pub snapshot: &'a Snapshot,
    pub ui: &'a Ui,
    pub theme: &'a Theme,
    pub keymap: &'a Keymap,
    pub shape: Shape,
}

impl<'a> Scene<'a> {
    pub fn style(&self, role: Role) -> Style {
        self.theme.style(role)
    }

    pub fn span(&self, text: impl Into<String>, role: Role) -> Span<'a> {
        Span::styled(text.into(), self.style(role))
    }

    /// Whether what is shown is old because our link is down.
    pub const fn is_stale(&self) -> bool {
        !self.snapshot.link.is_up() && self.snapshot.totals.devices > 0
    }

    /// How old the data is, where that matters: ` · 34 s old`.
    pub fn age(&self) -> String {
        match self.snapshot.link.last_message {
            Some(last) if self.is_stale() => format!(" · {} old", format::ago(self.snapshot.at.since_s(last))),
            _ => String::new(),
        }
    }

    /// The style of measured data: as asked, or stale.
    pub fn data(&self, role: Role) -> Style {
        self.style(if self.is_stale() { Role::Stale } else { role })
    }

    /// The inside of a pane.
    pub fn inside(&self, area: Rect) -> Rect {
        match self.shape {
            _ if area.is_empty() => area,
            Shape::Folded => Rect { y: area.y + 1, height: area.height - 1, ..area },
            _ => Block::bordered().inner(area),
        }
    }

    /// Draws the frame of a pane and returns its inside. In a folded screen it is a line above, to save the space.
    pub fn pane(&self, title: &str, pane: Option<Pane>, area: Rect, buffer: &mut Buffer) -> Rect {
        if area.is_empty() {
            return area;
        }
        let focused = pane == Some(self.ui.focus(self.snapshot)) && self.ui.panes(self.snapshot).len() > 1;
        let border = self.style(if focused { Role::Focus } else { Role::Border });
        if self.shape == Shape::Folded {
            let title = format::fit(title, usize::from(area.width).saturating_sub(4));
            let marker = if focused { "▸" } else { "─" };
            let line = Line::from(vec![
                Span::styled(format!("─{marker}"), border),
                self.span(format!(" {title} "), Role::Title),
                Span::styled("─".repeat(usize::from(area.width)), border),
            ]);
            buffer.set_line(area.x, area.y, &line, area.width);
            return self.inside(area);
        }
        let title = format::fit(title, usize::from(area.width).saturating_sub(4));
        Block::bordered().border_style(border).title(self.span(format!(" {title} "), Role::Title)).render(area, buffer);
        self.inside(area)
    }

    /// Draws the frame of an overlay, over whatever is there, and returns its inside.
    pub fn window(&self, title: &str, role: Role, area: Rect, buffer: &mut Buffer) -> Rect {
        Clear.render(area, buffer);
        let drill = match (&self.snapshot.drill, &self.snapshot.replay) {
            (Some(_), _) => "DRILL · ",
            (None, Some(_)) => "REPLAY · ",
            (None, None) => "",
        };
        let title = format::fit(&format!("{drill}{title}"), usize::from(area.width).saturating_sub(4));
        let block =
            Block::bordered().border_style(self.style(role)).title(self.span(format!(" {title} "), Role::Title));
        let inner = block.inner(area);
        block.render(area, buffer);
        inner.inner(ratatui::layout::Margin::new(1, 0))
    }

    /// Draws lines from the one at `top`; where there are more than fit the last row says so.
    pub fn page(&self, mut content: Vec<Line<'a>>, top: usize, inner: Rect, buffer: &mut Buffer) {
        let height = usize::from(inner.height);
        let below = content.len().saturating_sub(top + height);
        if below > 0 && height > 1 {
            let more = format::counted(below as u64 + 1, "line");
            let told = format!("   … {more} more · {} shows them", self.key(Action::PageDown));
            content[top + height - 1] = Line::from(self.span(told, Role::Muted));
        }
        lines(&content[top.min(content.len())..], inner, buffer);
    }

    /// The key of an action as it stands in hints, or nothing where it has none.
    pub fn key(&self, action: Action) -> String {
        self.keymap.key(action).map(ToString::to_string).unwrap_or_default()
    }
}

/// Draws lines from the top of an area, as many as fit; `…` ends those that are wider than it.
pub fn lines(lines: &[Line<'_>], area: Rect, buffer: &mut Buffer) {
    for (line, y) in lines.iter().zip(area.y..area.bottom()) {
        let room = if is_cut(line, area.width.into()) { area.width.saturating_sub(1) } else { area.width };
        let (end, _) = buffer.set_line(area.x, y, line, room);
        if room < area.width {
            buffer[(end, y)].set_symbol("…");
        }
    }
}

/// Whether a line has more to say than fits.
fn is_cut(line: &Line<'_>, width: usize) -> bool {
    use unicode_width::UnicodeWidthStr;
    let said = || line.spans.iter().map(|span| span.content.as_ref()).collect::<String>();
    line.width() > width && said().trim_end().width() > width
}

/// So many lines at most; where that is not all the last one says so, in `width` columns where it has room.
pub fn cut(mut content: Vec<Line<'_>>, rows: usize, width: usize) -> Vec<Line<'_>> {
    if content.len() > rows {
        content.truncate(rows);
        if let Some(last) = content.last_mut() {
            last.push_span(if last.width() + 2 <= width { " …" } else { "…" });
        }
    }
    content
}

/// Breaks text into lines of at most `width` columns, at spaces where it can, but never between a number and its `%`.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    use unicode_width::UnicodeWidthStr;
    let mut wrapped = Vec::new();
    for paragraph in text.split('\n') {
        let mut line = String::new();
        for word in paragraph.replace(" %", "\u{a0}%").split(' ') {
            let mut word = word.replace('\u{a0}', " ");
            if !line.is_empty() && line.width() + 1 + word.width() > width {
                wrapped.push(std::mem::take(&mut line));
            }
            while word.width() > width && width > 0 && head(&word, width) < word.len() {
                let rest = word.split_off(head(&word, width));
                wrapped.push(std::mem::replace(&mut word, rest));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(&word);
        }
        wrapped.push(line);
    }
    wrapped
}

/// Breaks a command for a shell into lines that can be copied as they stand: at spaces outside quotes, each line but the
/// last with a backslash at its end. A word that is wider than all is left whole.
pub fn shell(command: &str, width: usize) -> Vec<String> {
    use unicode_width::UnicodeWidthStr;
    let mut quoted = false;
    let words = command.split(|c: char| {
        quoted ^= c == '\'';
        c == ' ' && !quoted
    });
    let mut broken: Vec<String> = Vec::new();
    for word in words {
        match broken.last_mut() {
            Some(line) if line.width() + 1 + word.width() + " \\".len() <= width => *line += &format!(" {word}"),
            Some(line) => {
                line.push_str(" \\");
                broken.push(word.to_owned());
            }
            None => broken.push(word.to_owned()),
        }
    }
    broken
}

/// Bytes of text that fit into `width` columns; one character at least, or nothing would ever end.
fn head(text: &str, width: usize) -> usize {
    use unicode_width::UnicodeWidthChar;
    let mut used = 0;
    let fits = |(_, c): &(usize, char)| {
        used += c.width().unwrap_or(0);
        used <= width
    };
    let end = text.char_indices().take_while(fits).last().or_else(|| text.char_indices().next());
    end.map_or(text.len(), |(at, c)| at + c.len_utf8())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_wrapped_at_spaces_and_never_wider_than_asked() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("abcd ef", 3), ["abc", "d", "ef"], "one column too wide is too wide");
        assert_eq!(wrap("漢字漢字", 5), ["漢字", "漢字"]);
        assert_eq!(wrap("漢字", 1), ["漢", "字"]);
        assert_eq!(wrap("expected 100 %: 17", 12), ["expected", "100 %: 17"]);
        assert_eq!(wrap("a\n\nb", 5), ["a", "", "b"]);
        assert_eq!(wrap("", 5), [""]);
    }

    #[test]
    fn a_command_is_broken_where_a_shell_goes_on() {
        let command = "warroom approve 7 --socket /run/w.sock --reason 'it is right'";
        assert_eq!(shell(command, 100), [command]);
        let broken = shell(command, 30);
        assert_eq!(broken, ["warroom approve 7 --socket \\", "/run/w.sock --reason \\", "'it is right'"]);
        assert_eq!(shell("abcdefgh i", 4), ["abcdefgh \\", "i"]);
    }
}
