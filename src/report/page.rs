//! The document as a page: headings, paragraphs, tables, lists and plots, in one order for every format that people read.
//!
//! All text in it is plain; each format makes it harmless in its own way.

mod record;
mod recovery;
mod story;

use super::document::{Document, Plot, SectionText, Time};
use crate::domain::learning::Section as Written;

/// A page under its title.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    pub title: String,
    /// A word that no reader must miss: that this was a drill.
    pub warning: Option<String>,
    pub sections: Vec<Section>,
    /// Where it comes from.
    pub footer: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    /// A word for links: `root-cause`.
    pub id: &'static str,
    pub title: &'static str,
    pub blocks: Vec<Block>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    Heading(String),
    /// What somebody wrote, in as many lines as it has.
    Text(String),
    /// What somebody should write.
    Question(String),
    /// A sentence of ours.
    Remark(String),
    Table {
        heads: Vec<&'static str>,
        rows: Vec<Vec<String>>,
    },
    List(Vec<String>),
    /// Ticked or not.
    Steps(Vec<(bool, String)>),
    Plot(Plot),
}

impl Section {
    const fn new(id: &'static str, title: &'static str, blocks: Vec<Block>) -> Self {
        Self { id, title, blocks }
    }
}

/// Lays a document out.
pub fn lay_out(document: &Document) -> Page {
    let incident = &document.incident;
    let drill = incident
        .drill
        .as_ref()
        .map(|scenario| format!("This was a DRILL (scenario {scenario}). No real device was concerned."));
    let replay = incident
        .replay
        .as_ref()
        .map(|capture| format!("This was a REPLAY of recorded messages (capture {capture}). Nothing was sent."));
    let log = &document.log;
    let names = if log.blameless { " Names are replaced by roles." } else { "" };
    Page {
        title: format!("{} · {} · {}", incident.id, incident.severity, incident.title),
        warning: drill.or(replay),
        sections: vec![
            story::summary(document),
            story::impact(document),
            story::timeline(document),
            story::detection(document),
            story::response(document),
            written(document, "root-cause", "Root cause", Written::RootCause),
            written(document, "lessons", "Lessons", Written::Lessons),
            record::actions(document),
            record::regulatory(document),
            record::communication(document),
            record::cost(document),
        ],
        footer: format!(
            "From the log {} of {} events, head {}. `warroom log verify --head …` holds a log against it. Local times: \
             {}.{names}",
            log.id, log.events, log.head, log.zone
        ),
    }
}

fn text_of(document: &Document, section: Written) -> Option<&SectionText> {
    document.sections.iter().find(|text| text.section == section.id())
}

/// What people wrote, or what they should.
fn prose(document: &Document, section: Written) -> Vec<Block> {
    match text_of(document, section).and_then(|section| section.text.clone()) {
        Some(text) => vec![Block::Text(text)],
        None => vec![Block::Question(section.question().into())],
    }
}

fn written(document: &Document, id: &'static str, title: &'static str, section: Written) -> Section {
    Section::new(id, title, prose(document, section))
}

/// `2026-11-20 17:30:00 UTC (2026-11-20 18:30:00)`.
fn both(time: &Time) -> String {
    format!("{} UTC ({})", utc(time), time.local)
}

fn utc(time: &Time) -> String {
    time.utc.utc().format("%Y-%m-%d %H:%M:%S").to_string()
}

fn clock(time: &Time) -> String {
    time.utc.utc().format("%H:%M:%S UTC").to_string()
}

/// `2:14`, `1:02:14`.
fn duration(s: i64) -> String {
    let (h, m, s) = (s / 3600, s / 60 % 60, s % 60);
    if h > 0 { format!("{h}:{m:02}:{s:02}") } else { format!("{m}:{s:02}") }
}

fn or_dash(text: Option<String>) -> String {
    text.unwrap_or_else(|| "–".into())
}
