//! The document as Markdown: a postmortem with its facts filled in and its five sections ready to be written.

use std::fmt::Write;

use super::document::{Document, Line, Local};
use crate::domain::clock::{ClockState, Moment};
use crate::domain::runbook::{RunbookRun, StepMark};
use crate::domain::switch::Actuation;
use crate::domain::time::At;
use crate::engine::timeline::Weight;

/// Writes the document. The same document gives the same bytes.
pub fn write(document: &Document, local: Local<'_>) -> String {
    let mut out = Out(String::new());
    header(&mut out, document, local);
    clocks(&mut out, document, local);
    suspect(&mut out, document);
    switches(&mut out, document);
    timeline(&mut out, document);
    notes(&mut out, document);
    if let Some(run) = &document.runbook {
        runbook(&mut out, run);
    }
    sections(&mut out, document);
    provenance(&mut out, document);
    out.0
}

/// Markdown under way. Writing to a string cannot fail.
struct Out(String);

impl Out {
    fn line(&mut self, line: impl AsRef<str>) {
        let _ = writeln!(self.0, "{}", line.as_ref());
    }

    fn heading(&mut self, title: &str) {
        let _ = writeln!(self.0, "\n## {title}\n");
    }

    fn table(&mut self, heads: &[&str]) {
        self.line(format!("| {} |", heads.join(" | ")));
        self.line(format!("|{}", " --- |".repeat(heads.len())));
    }

    /// A row of cells that are safe already.
    fn row(&mut self, cells: &[String]) {
        self.line(format!("| {} |", cells.join(" | ")));
    }
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

fn times(at: At, local: Local<'_>) -> String {
    format!("{} ({})", at.utc().format("%Y-%m-%d %H:%M:%S UTC"), local(at))
}

fn header(out: &mut Out, document: &Document, local: Local<'_>) {
    let incident = &document.incident;
    out.line(format!("# {} · {} · {}", incident.id, incident.severity, inert(&incident.title)));
    out.line("");
    if let Some(scenario) = &incident.drill {
        out.line(format!("**This was a DRILL** (scenario {}). No real device was concerned.\n", inert(scenario)));
    }
    if let Some(capture) = &incident.replay {
        out.line(format!(
            "**This was a REPLAY** of recorded messages (capture {}). Nothing was sent.\n",
            inert(capture)
        ));
    }
    out.table(&["", ""]);
    let acknowledged = incident.acknowledged_by.as_ref().map_or_else(|| "nobody yet".into(), |by| inert(by.name()));
    let rows = [
        ("Type", incident.kind.name().to_owned()),
        ("Stage", incident.stage.name().to_owned()),
        ("Commander", inert(&incident.commander)),
        ("Declared", format!("{}, by {}", times(incident.declared, local), inert(incident.declared_by.name()))),
        ("Acknowledged by", acknowledged),
        ("Cohort", inert(&document.suspect.cohort.sentence())),
    ];
    for (name, value) in rows {
        out.row(&[name.to_owned(), value]);
    }
}

fn clocks(out: &mut Out, document: &Document, local: Local<'_>) {
    out.heading("Clocks");
    out.table(&["clock", "time", "target", ""]);
    for line in &document.clocks {
        let reading = &line.reading;
        let elapsed = match reading.state {
            ClockState::Waiting => "–".to_owned(),
            ClockState::Running => format!("{} and running", duration(reading.elapsed_s)),
            ClockState::Stopped => duration(reading.elapsed_s),
        };
        let name = format!("{} to {}", reading.clock, reading.clock.name());
        out.row(&[name, elapsed, duration(reading.target_s), line.standing.to_owned()]);
    }
    out.line("");
    out.table(&["moment", "when"]);
    for moment in Moment::ALL {
        let when = document.moments.get(moment).map_or_else(|| "not yet".into(), |at| times(at, local));
        out.row(&[moment.name().to_owned(), when]);
    }
    for correction in &document.corrections {
        let was = correction.from.map_or_else(|| "not set".into(), |at| times(at, local));
        out.line(format!(
            "\nCorrected: {} from {was} to {}, by {} at {}: {}",
            correction.moment.name(),
            times(correction.to, local),
            inert(correction.by.name()),
            times(correction.at, local),
            inert(&correction.reason)
        ));
    }
}

/// `2:14`, `1:02:14`.
fn duration(s: i64) -> String {
    let (h, m, s) = (s / 3600, s / 60 % 60, s % 60);
    if h > 0 { format!("{h}:{m:02}:{s:02}") } else { format!("{m}:{s:02}") }
}

fn suspect(out: &mut Out, document: &Document) {
    out.heading("Suspect");
    out.line(format!("**{}**\n", inert(&document.suspect.cohort.sentence())));
    for alert in &document.alerts {
        let finding = &alert.finding;
        out.line(format!("* {} on {}: {}", alert.id, finding.signal, inert(&finding.evidence)));
    }
    if document.alerts.is_empty() {
        out.line("Declared by hand; no alert is part of this incident.");
    }
}

fn switches(out: &mut Out, document: &Document) {
    out.heading("Switches");
    if document.switches.is_empty() {
        out.line("No switch was pulled.");
        return;
    }
    out.table(&["switch", "campaign", "by", "requested", "sent", "accepted", "ended", "outcome"]);
    for actuation in &document.switches {
        out.row(&switch_row(actuation));
    }
    for actuation in document.switches.iter().filter(|actuation| !actuation.escaped.is_empty()) {
        let names: Vec<_> = actuation.escaped.iter().map(|device| inert(device)).collect();
        out.line(format!("\nEscaped {}: {}", inert(&actuation.id.0), names.join(", ")));
    }
}

fn switch_row(actuation: &Actuation) -> [String; 8] {
    let after = |at| actuation.after_ms(at).map_or_else(|| "–".into(), |ms| format!("{:.1} s", ms as f64 / 1000.0));
    [
        inert(&actuation.switch.0),
        inert(&format!("{} → {}", actuation.preview.campaign, actuation.preview.target)),
        inert(actuation.by.name()),
        actuation.requested.utc().format("%H:%M:%S UTC").to_string(),
        after(actuation.sent),
        after(actuation.accepted),
        after(actuation.ended),
        inert(&actuation.state.words()),
    ]
}

fn timeline(out: &mut Out, document: &Document) {
    out.heading("Timeline");
    out.table(&["UTC", "local", "who", "what"]);
    let told = |line: &&Line| line.entry.weight != Weight::Quiet;
    for line in document.timeline.iter().filter(told) {
        let entry = &line.entry;
        out.row(&[
            entry.at.utc().format("%Y-%m-%d %H:%M:%S").to_string(),
            line.local.clone(),
            inert(entry.actor.name()),
            inert(&entry.text),
        ]);
    }
}

fn notes(out: &mut Out, document: &Document) {
    if document.notes.is_empty() {
        return;
    }
    out.heading("Notes");
    for note in &document.notes {
        out.line(format!("* {} {}&#58;", note.at.utc().format("%H:%M:%S UTC"), inert(note.by.name())));
        for line in note.text.lines() {
            out.line(format!("  {}  ", inert(line)));
        }
    }
}

fn runbook(out: &mut Out, run: &RunbookRun) {
    let (done, all) = run.progress();
    out.heading("Runbook");
    out.line(format!("{} · {done} of {all} steps", inert(&run.runbook.title)));
    for section in &run.runbook.sections {
        if section.steps.is_empty() {
            continue;
        }
        out.line(format!("\n### {}\n", inert(&section.title)));
        for step in &section.steps {
            let entry = run.mark(&step.id);
            let ticked = if entry.is_some_and(|entry| entry.mark == StepMark::Done) { 'x' } else { ' ' };
            let told = entry.map(|entry| {
                let how = match &entry.mark {
                    StepMark::Skipped(reason) => format!("skipped, {}: ", inert(reason)),
                    _ => String::new(),
                };
                format!(" — {how}{}, {}", inert(entry.by.name()), entry.at.utc().format("%H:%M:%S UTC"))
            });
            out.line(format!("- [{ticked}] {}{}", inert(&step.text), told.unwrap_or_default()));
        }
    }
}

/// The five sections of a postmortem. The facts above are for them; the words are for people.
fn sections(out: &mut Out, document: &Document) {
    let detect = document.clocks.first().map(|line| duration(line.reading.elapsed_s)).unwrap_or_default();
    out.heading("Postmortem");
    out.line("Blameless: systems and decisions, not persons. Due within a week for SEV1 and SEV2.");
    let parts = [
        ("1. Timeline", "Above. What is missing in it, and how do we know?".to_owned()),
        (
            "2. Detection",
            format!(
                "It took {detect} from onset to the first alert. How was it found? How could it have been found sooner?"
            ),
        ),
        ("3. Response", "What worked? What did not? What was missing?".into()),
        ("4. Root cause", "Beyond the trigger: what allowed this to happen?".into()),
    ];
    for (title, question) in parts {
        out.line(format!("\n### {title}\n\n_{question}_\n"));
    }
    out.line("\n### 5. Action items\n");
    out.table(&["what", "owner", "due"]);
    out.row(&[String::new(), String::new(), String::new()]);
}

fn provenance(out: &mut Out, document: &Document) {
    let log = &document.log;
    out.line("\n---\n");
    out.line(format!(
        "From the log {} of {} events, head `{}`. `warroom log verify --head …` holds a log against it. Local times: {}.",
        inert(&log.id),
        log.events,
        log.head,
        inert(&log.zone)
    ));
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
