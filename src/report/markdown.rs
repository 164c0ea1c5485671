//! The page as Markdown: to be read, put beside the code, and edited further.

use std::fmt::Write;

use super::document::Plot;
use super::page::{Block, Page};

/// Writes the page. The same page gives the same bytes.
pub fn write(page: &Page) -> String {
    let mut out = Out(String::new());
    out.line(format!("# {}", inert(&page.title)));
    if let Some(warning) = &page.warning {
        out.line(format!("\n**{}**", inert(warning)));
    }
    for section in &page.sections {
        out.line(format!("\n## {}", section.title));
        section.blocks.iter().for_each(|block| out.block(block));
    }
    out.line("\n---\n");
    out.line(inert(&page.footer));
    out.0
}

/// Markdown under way. Writing to a string cannot fail.
struct Out(String);

impl Out {
    fn line(&mut self, line: impl AsRef<str>) {
        let _ = writeln!(self.0, "{}", line.as_ref());
    }

    fn block(&mut self, block: &Block) {
        self.line("");
        match block {
            Block::Heading(text) => self.line(format!("### {}", inert(text))),
            Block::Text(text) => self.text(text),
            Block::Question(text) => self.line(format!("_{}_", inert(text))),
            Block::Remark(text) => self.line(inert(text)),
            Block::Table { heads, rows } => self.table(heads, rows),
            Block::List(items) => items.iter().for_each(|item| self.line(format!("* {}", inert(item)))),
            Block::Steps(steps) => {
                for (ticked, text) in steps {
                    self.line(format!("- [{}] {}", if *ticked { 'x' } else { ' ' }, inert(text)));
                }
            }
            Block::Plot(plot) => self.plot(plot),
        }
    }

    /// Lines that somebody wrote stay lines; a blank one ends the paragraph.
    fn text(&mut self, text: &str) {
        let mut lines = text.lines().peekable();
        while let Some(line) = lines.next() {
            let ends = lines.peek().is_none_or(|next| next.trim().is_empty()) || line.trim().is_empty();
            self.line(format!("{}{}", inert(line.trim()), if ends { "" } else { "  " }));
        }
    }

    fn table(&mut self, heads: &[&str], rows: &[Vec<String>]) {
        self.line(format!("| {} |", heads.join(" | ")));
        self.line(format!("|{}", " --- |".repeat(heads.len())));
        for row in rows {
            let cells: Vec<_> = row.iter().map(|cell| inert(cell)).collect();
            self.line(format!("| {} |", cells.join(" | ")));
        }
    }

    /// A picture has no place here: a line of blocks shows the shape, and the numbers say how far it went.
    fn plot(&mut self, plot: &Plot) {
        let known = plot.points.iter().filter_map(|point| point.value);
        let (low, high) = known.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), n| (low.min(n), high.max(n)));
        let (from, to) = (plot.from.utc().format("%H:%M"), plot.to.utc().format("%H:%M UTC"));
        self.line(format!("{} ({}), {from} to {to}: {low:.1} to {high:.1}\n", inert(&plot.title), plot.unit));
        self.line(format!("`{}`", sparks(plot)));
    }
}

/// Sixty blocks at most, each the mean of its points.
fn sparks(plot: &Plot) -> String {
    const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let each = plot.points.len().div_ceil(60).max(1);
    let span = (plot.high - plot.low).max(f64::EPSILON);
    let block = |points: &[super::document::PlotPoint]| {
        let known: Vec<f64> = points.iter().filter_map(|point| point.value).collect();
        if known.is_empty() {
            return ' ';
        }
        let mean = known.iter().sum::<f64>() / known.len() as f64;
        BLOCKS[(((mean - plot.low) / span).clamp(0.0, 1.0) * 7.0).round() as usize]
    };
    plot.points.chunks(each).map(block).collect()
}

/// Text of devices and people as Markdown that is nothing but text: no markup, no link, no image, no mention, no table
/// cell of its own.
pub fn inert(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + 8);
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '\n' | '\r' => safe.push(' '),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            // Links and mentions are made from these even without brackets; a colon before a blank or a digit is only a
            // colon.
            ':' if characters.peek().is_some_and(|next| !next.is_ascii_digit() && *next != ' ') => {
                safe.push_str("&#58;");
            }
            '@' => safe.push_str("&#64;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '|' | '~' | '!' | '$' | '^' => {
                safe.push('\\');
                safe.push(c);
            }
            c if c.is_control() => {}
            c => safe.push(c),
        }
    }
    let safe = safe.replace("www.", "www&#46;");
    // At the start of a line these would begin a list, or underline a heading.
    if safe.starts_with(['-', '+', '=']) { format!("\\{safe}") } else { safe }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_others_is_nothing_but_text() {
        let cases = [
            ("a | b |\n| --- |", "a \\| b \\| \\| --- \\|"),
            ("# heading", "\\# heading"),
            ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
            ("![x](http://127.0.0.1/b.png)", "\\!\\[x\\](http&#58;//127.0.0.1/b.png)"),
            ("- item", "\\- item"),
            ("@everyone `code` **b**", "&#64;everyone \\`code\\` \\*\\*b\\*\\*"),
            ("www.evil.example", "www&#46;evil.example"),
            ("=1+1", "\\=1+1"),
            ("at 12:30, fleet: 14", "at 12:30, fleet: 14"),
            ("^[0m", "\\^\\[0m"),
        ];
        for (text, safe) in cases {
            assert_eq!(inert(text), safe);
        }
    }

    proptest::proptest! {
        /// Read by a Markdown parser, inert text is one paragraph of text, and the text is the same.
        #[test]
        fn a_parser_finds_only_text(text in "[ -~é漢]{1,60}") {
            use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
            let markdown = format!("x {}", inert(&text));
            let mut read = String::new();
            for event in Parser::new_ext(&markdown, Options::all()) {
                match event {
                    Event::Text(text) => read.push_str(&text),
                    Event::Start(Tag::Paragraph) | Event::End(TagEnd::Paragraph) => {}
                    other => proptest::prop_assert!(false, "{:?} from {:?}", other, markdown),
                }
            }
            let squeeze = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            let plain = |text: &str| squeeze(&text.replace(['\u{2019}', '\u{2018}'], "'").replace(['\u{201c}', '\u{201d}'], "\"").replace('\u{2026}', "...").replace('\u{2014}', "---").replace('\u{2013}', "--"));
            proptest::prop_assert_eq!(plain(&read), plain(&format!("x {text}")));
        }
    }
}
