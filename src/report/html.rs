//! The page as one HTML file: nothing is loaded from anywhere, by rule (its own policy forbids it) and by content. Plots
//! are drawn inline; it reads in light, in dark, and on paper.

use base64::Engine;
use sha2::{Digest, Sha256};

use super::page::{Block, Page, Section};
use super::svg;

/// How it looks.
const STYLE: &str = include_str!("page.css");

/// What the browser may load: nothing; and of styles it takes this one, by its hash.
fn policy() -> String {
    let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(style()));
    format!("default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'")
}

/// The content of the style element, to the last byte.
fn style() -> String {
    format!("\n{STYLE}")
}

/// Writes the page. The same page gives the same bytes.
pub fn write(page: &Page) -> String {
    let title = inert(&page.title);
    let warning = page.warning.as_ref().map(|text| format!("<p class=\"warning\">{}</p>\n", inert(text)));
    let links: String =
        page.sections.iter().map(|section| format!("<a href=\"#{}\">{}</a>\n", section.id, section.title)).collect();
    let sections: String = page.sections.iter().map(section).collect();
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{title}</title>\n<style>{}</style>\n</head>\n<body>\n<header>\n<h1>{title}</h1>\n{}</header>\n\
         <nav>\n{links}</nav>\n<main>\n{sections}</main>\n<footer><p>{}</p></footer>\n</body>\n</html>\n",
        policy(),
        style(),
        warning.unwrap_or_default(),
        inert(&page.footer),
    )
}

fn section(section: &Section) -> String {
    let mut plots = 0;
    let blocks: String = section
        .blocks
        .iter()
        .map(|content| {
            plots += usize::from(matches!(content, Block::Plot(_)));
            block(content, plots)
        })
        .collect();
    format!("<section id=\"{}\">\n<h2>{}</h2>\n{blocks}</section>\n", section.id, section.title)
}

fn block(block: &Block, plot: usize) -> String {
    match block {
        Block::Heading(text) => format!("<h3>{}</h3>\n", inert(text)),
        Block::Text(text) => text.split("\n\n").map(paragraph).collect(),
        Block::Question(text) => format!("<p class=\"question\">{}</p>\n", inert(text)),
        Block::Remark(text) => format!("<p class=\"remark\">{}</p>\n", inert(text)),
        Block::Table { heads, rows } => table(heads, rows),
        Block::List(items) => {
            let items: String = items.iter().map(|item| format!("<li>{}</li>\n", inert(item))).collect();
            format!("<ul>\n{items}</ul>\n")
        }
        Block::Steps(steps) => {
            let item = |(ticked, text): &(bool, String)| {
                let (mark, word) = if *ticked { ("☑", "done") } else { ("☐", "not done") };
                format!("<li><span role=\"img\" aria-label=\"{word}\">{mark}</span> {}</li>\n", inert(text))
            };
            format!("<ul class=\"steps\">\n{}</ul>\n", steps.iter().map(item).collect::<String>())
        }
        Block::Plot(drawn) => svg::draw(drawn, plot),
    }
}

fn paragraph(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(inert).collect();
    format!("<p>{}</p>\n", lines.join("<br>\n"))
}

fn table(heads: &[&str], rows: &[Vec<String>]) -> String {
    let named = heads.iter().any(|head| !head.is_empty());
    let head = |head: &&str| format!("<th scope=\"col\">{}</th>", inert(head));
    let heads = if named {
        format!("<thead><tr>{}</tr></thead>\n", heads.iter().map(head).collect::<String>())
    } else {
        String::new()
    };
    let row = |row: &Vec<String>| {
        let cell = |(n, cell): (usize, &String)| match (named, n) {
            (false, 0) => format!("<th scope=\"row\">{}</th>", inert(cell)),
            _ => format!("<td>{}</td>", inert(cell)),
        };
        format!("<tr>{}</tr>\n", row.iter().enumerate().map(cell).collect::<String>())
    };
    let rows: String = rows.iter().map(row).collect();
    format!("<div class=\"wide\"><table>\n{heads}<tbody>\n{rows}</tbody>\n</table></div>\n")
}

/// Text of devices and people as HTML that is nothing but text, between tags and in attributes.
pub fn inert(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\n' | '\r' | '\t' => safe.push(' '),
            c if c.is_control() => {}
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        /// Whatever it was, no tag, no attribute and no entity of its own is left of it; and nothing is lost.
        #[test]
        fn text_of_others_is_nothing_but_text(text in "[ -~é漢<>&\"']{0,60}") {
            let safe = inert(&text);
            proptest::prop_assert!(!safe.contains(['<', '>', '"', '\'']));
            let read = safe.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'");
            proptest::prop_assert_eq!(read.replace("&amp;", "&"), text);
        }
    }
}
