//! Reads a runbook from Markdown: front matter between `---` lines, sections as second-level headings, steps as
//! task-list items. A step may end in what it is bound to: `{switch: ota-halt}`, `{query: firmware}`,
//! `{diagnostic: log-request}`, `{update: internal-first}`, `{timer: 15 min; contact: firmware-lead}`.

use std::collections::BTreeMap;

use pulldown_cmark::{Event as Md, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::{Diagnostic, Runbook, Section, Step, Timer};
use crate::domain::incident::IncidentType;
use crate::domain::query::Query;
use crate::domain::switch::SwitchId;
use crate::domain::text::visible;

/// What is wrong with a runbook file, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct RunbookError {
    pub line: usize,
    pub message: String,
}

fn mistake(line: usize, message: impl Into<String>) -> RunbookError {
    RunbookError { line, message: message.into() }
}

/// Sections every runbook has; a step's id begins with one of these words.
pub const REQUIRED_SECTIONS: [&str; 5] = ["Confirm", "Contain", "Communicate", "Escalate", "Debug"];

/// Reads a runbook.
///
/// # Errors
/// The first mistake, with its line and what was expected there.
pub fn read(source: &str) -> Result<Runbook, RunbookError> {
    parse(source).map(|source| source.runbook)
}

/// A runbook with the lines of its file, for whoever looks for mistakes in it.
#[derive(Clone, Debug)]
pub struct Source {
    pub runbook: Runbook,
    /// The line of every step, by its id.
    pub lines: BTreeMap<String, usize>,
    pub reviewed_line: usize,
    /// The line of every section.
    pub sections: Vec<usize>,
}

/// Reads a runbook and where its parts stand.
///
/// # Errors
/// The first mistake, with its line and what was expected there.
pub fn parse(source: &str) -> Result<Source, RunbookError> {
    let (front, body_start) = front_matter(source)?;
    let Body { sections, lines, headings } = body(source, body_start)?;
    let has = |name: &str| sections.iter().any(|s| s.title.eq_ignore_ascii_case(name));
    if let Some(missing) = REQUIRED_SECTIONS.iter().find(|name| !has(name)) {
        let last = source.lines().count().max(1);
        let all = REQUIRED_SECTIONS.join(", ");
        return Err(mistake(last, format!("expected a section `## {missing}`; every runbook has {all}")));
    }
    let runbook = Runbook {
        id: front.required("id")?,
        title: front.required("title")?,
        types: front.types()?,
        owner: front.required("owner")?,
        reviewed: front.date("reviewed")?,
        applies_to: front.find("applies-to").map(|(_, value)| visible(value).into_owned()).unwrap_or_default(),
        sections,
    };
    let reviewed_line = front.find("reviewed").map_or(front.end_line, |(line, _)| line);
    Ok(Source { runbook, lines, reviewed_line, sections: headings })
}

/// The lines between the `---` marks: line number, key, value.
struct FrontMatter<'a> {
    entries: Vec<(usize, &'a str, &'a str)>,
    end_line: usize,
}

impl FrontMatter<'_> {
    fn find(&self, key: &str) -> Option<(usize, &str)> {
        self.entries.iter().find(|(_, k, _)| *k == key).map(|(line, _, value)| (*line, *value))
    }

    fn required(&self, key: &str) -> Result<String, RunbookError> {
        let value = self.find(key).map(|(_, value)| visible(value).into_owned());
        value.ok_or_else(|| mistake(self.end_line, format!("expected `{key}: …` in the front matter")))
    }

    fn date(&self, key: &str) -> Result<String, RunbookError> {
        let value = self.required(key)?;
        let line = self.find(key).map_or(self.end_line, |(line, _)| line);
        let is_date = value.parse::<chrono::NaiveDate>().is_ok();
        if is_date { Ok(value) } else { Err(mistake(line, format!("`{value}` is no date; expected `2026-11-01`"))) }
    }

    fn types(&self) -> Result<Vec<IncidentType>, RunbookError> {
        let words = self.required("type")?;
        let line = self.find("type").map_or(self.end_line, |(line, _)| line);
        let known = IncidentType::ALL.map(IncidentType::id).join(", ");
        let parse = |word: &str| IncidentType::ALL.into_iter().find(|kind| kind.id() == word);
        words
            .split(',')
            .map(str::trim)
            .map(|word| parse(word).ok_or_else(|| mistake(line, format!("unknown type `{word}`; expected {known}"))))
            .collect()
    }
}

fn front_matter(source: &str) -> Result<(FrontMatter<'_>, usize), RunbookError> {
    const KEYS: [&str; 6] = ["id", "title", "type", "owner", "reviewed", "applies-to"];
    let mut offset = 0;
    let mut entries = Vec::new();
    for (number, line) in (1..).zip(source.split_inclusive('\n')) {
        offset += line.len();
        match (number, line.trim_end()) {
            (1, "---") | (2.., "") => {}
            (1, _) => return Err(mistake(1, "expected `---`, the start of the front matter")),
            (_, "---") => return Ok((FrontMatter { entries, end_line: number }, offset)),
            (_, line) => {
                let (key, value) = line.split_once(':').ok_or_else(|| mistake(number, "expected `key: value`"))?;
                if !KEYS.contains(&key.trim()) {
                    let known = KEYS.join(", ");
                    return Err(mistake(number, format!("unknown key `{}`; expected one of {known}", key.trim())));
                }
                entries.push((number, key.trim(), value.trim()));
            }
        }
    }
    Err(mistake(source.lines().count().max(1), "expected `---`, the end of the front matter"))
}

/// Text collects in the innermost of these that is open.
#[derive(Default)]
struct Open {
    heading: Option<String>,
    item: Option<String>,
    is_step: bool,
    paragraph: String,
}

impl Open {
    fn text(&mut self, text: &str) {
        self.heading.as_mut().or(self.item.as_mut()).unwrap_or(&mut self.paragraph).push_str(text);
    }
}

/// What stands below the front matter.
#[derive(Default)]
struct Body {
    sections: Vec<Section>,
    lines: BTreeMap<String, usize>,
    headings: Vec<usize>,
}

fn body(source: &str, body_start: usize) -> Result<Body, RunbookError> {
    let Body { mut sections, mut lines, mut headings } = Body::default();
    let mut open = Open::default();
    let body = &source[body_start..];
    for (md, range) in Parser::new_ext(body, Options::ENABLE_TASKLISTS).into_offset_iter() {
        let line = source[..body_start + range.start].matches('\n').count() + 1;
        match md {
            Md::Start(Tag::Heading { level: HeadingLevel::H2, .. }) => open.heading = Some(String::new()),
            Md::End(TagEnd::Heading(HeadingLevel::H2)) => {
                let title = open.heading.take().unwrap_or_default();
                headings.push(line);
                sections.push(Section { title: visible(&title).into_owned(), text: String::new(), steps: Vec::new() });
            }
            Md::End(TagEnd::Heading(_)) => open.paragraph.clear(),
            Md::Start(Tag::Item) => (open.item, open.is_step) = (Some(String::new()), false),
            Md::TaskListMarker(_) => open.is_step = true,
            Md::End(TagEnd::Item) => {
                let text = open.item.take().unwrap_or_default();
                if open.is_step {
                    let here = "a step stands before the first section; expected `## Confirm`";
                    let section = sections.last_mut().ok_or_else(|| mistake(line, here))?;
                    let step = step(section, &text, line)?;
                    lines.insert(step.id.clone(), line);
                    section.steps.push(step);
                }
            }
            Md::Text(text) | Md::Code(text) => open.text(&text),
            Md::SoftBreak | Md::HardBreak => open.text(" "),
            Md::End(TagEnd::Paragraph) if open.item.is_none() => {
                let paragraph = std::mem::take(&mut open.paragraph);
                if let Some(section) = sections.last_mut() {
                    let gap = if section.text.is_empty() { "" } else { "\n" };
                    section.text = format!("{}{gap}{}", section.text, visible(&paragraph));
                }
            }
            _ => {}
        }
    }
    Ok(Body { sections, lines, headings })
}

fn step(section: &Section, text: &str, line: usize) -> Result<Step, RunbookError> {
    let id = format!("{}.{}", section.title.to_lowercase(), section.steps.len() + 1);
    let text = visible(text.trim()).into_owned();
    let mut words = text.as_str();
    let mut step =
        Step { id, text: String::new(), switch: None, query: None, diagnostic: None, update: None, timer: None };
    while let Some((before, binding)) = words.strip_suffix('}').and_then(|text| text.rsplit_once('{')) {
        bind(&mut step, binding, line)?;
        words = before.trim_end();
    }
    step.text = words.to_owned();
    Ok(step)
}

/// Binds a step to what stands between its brackets.
fn bind(step: &mut Step, binding: &str, line: usize) -> Result<(), RunbookError> {
    const FORMS: &str = "`{switch: ota-halt}`, `{query: firmware}`, `{diagnostic: log-request}`, \
                         `{update: internal-first}` or `{timer: 15 min; contact: firmware-lead}`";
    let unknown = || mistake(line, format!("unknown binding `{{{binding}}}`; expected {FORMS}"));
    let (kind, value) = binding.split_once(':').map(|(kind, value)| (kind.trim(), value.trim())).ok_or_else(unknown)?;
    if value.is_empty() {
        return Err(unknown());
    }
    match kind {
        "switch" => step.switch = Some(SwitchId(value.to_owned())),
        "query" => {
            let known = || Query::ALL.iter().map(|query| query.id()).collect::<Vec<_>>().join(", ");
            let wrong = || mistake(line, format!("unknown query `{value}`; expected one of {}", known()));
            step.query = Some(Query::parse(value).ok_or_else(wrong)?);
        }
        "diagnostic" => {
            let known = Diagnostic::ALL.map(Diagnostic::id).join(", ");
            let found = Diagnostic::ALL.into_iter().find(|diagnostic| diagnostic.id() == value);
            let wrong = || mistake(line, format!("unknown diagnostic `{value}`; expected one of {known}"));
            step.diagnostic = Some(found.ok_or_else(wrong)?);
        }
        "update" => step.update = Some(value.to_owned()),
        "timer" => step.timer = Some(timer(value, line)?),
        _ => return Err(unknown()),
    }
    Ok(())
}

/// `15 min; contact: firmware-lead`.
fn timer(value: &str, line: usize) -> Result<Timer, RunbookError> {
    let (time, rest) = value.split_once(';').map_or((value, None), |(time, rest)| (time, Some(rest.trim())));
    let wrong = || mistake(line, format!("`{}` is no time; expected `15 min`, `90 s` or `4 h`", time.trim()));
    let time = time.trim();
    let digits = time.find(|c: char| !c.is_ascii_digit()).unwrap_or(time.len());
    let n: i64 = time[..digits].parse().map_err(|_| wrong())?;
    let unit = match time[digits..].trim() {
        "s" => 1,
        "min" => 60,
        "h" => 3600,
        _ => return Err(wrong()),
    };
    let within_s = n.checked_mul(unit).filter(|s| (1..=30 * 86_400).contains(s)).ok_or_else(wrong)?;
    let contact = match rest.map(|rest| rest.split_once(':').map(|(key, name)| (key.trim(), name.trim()))) {
        None => None,
        Some(Some(("contact", name))) if !name.is_empty() => Some(name.to_owned()),
        Some(_) => return Err(mistake(line, "expected `contact: NAME` after the time, a name under [contacts]")),
    };
    Ok(Timer { within_s, contact })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "---\nid: x\ntitle: A title\ntype: bad-firmware\nowner: fleet\nreviewed: 2026-10-01\n---\n\n# A title\n\n## Confirm\n\nLook first.\n\n- [ ] one\n- [ ] two, over\n  two lines\n\n## Contain\n- [ ] stop it {switch: ota-halt}\n\n## Communicate\n\n## Escalate\n\n## Debug\n- [ ] `mosquitto_sub` the errors\n";

    #[test]
    fn a_runbook_is_read_with_its_steps_and_bindings() {
        let runbook = read(GOOD).unwrap();
        assert_eq!(runbook.title, "A title");
        assert_eq!(runbook.types, [IncidentType::BadFirmware]);
        let steps: Vec<_> = runbook
            .steps()
            .map(|s| (s.id.as_str(), s.text.as_str(), s.switch.as_ref().map(|s| s.0.as_str())))
            .collect();
        assert_eq!(
            steps,
            [
                ("confirm.1", "one", None),
                ("confirm.2", "two, over two lines", None),
                ("contain.1", "stop it", Some("ota-halt")),
                ("debug.1", "mosquitto_sub the errors", None),
            ]
        );
        assert_eq!(runbook.sections[0].text, "Look first.");
    }

    #[test]
    fn a_step_may_be_bound_to_several_things() {
        let bound = "{update: internal-first} {timer: 90 min; contact: lead}";
        let runbook = read(&GOOD.replace("{switch: ota-halt}", bound)).unwrap();
        let step = runbook.step("contain.1").unwrap();
        assert_eq!((step.text.as_str(), step.update.as_deref()), ("stop it", Some("internal-first")));
        assert_eq!(step.timer, Some(Timer { within_s: 5400, contact: Some("lead".into()) }));
        let asks = read(&GOOD.replace("{switch: ota-halt}", "{query: firmware} {diagnostic: ping}")).unwrap();
        let step = asks.step("contain.1").unwrap();
        assert_eq!((step.query, step.diagnostic), (Some(Query::Firmware), Some(Diagnostic::Ping)));
    }

    #[test]
    fn a_mistake_is_named_with_its_line() {
        let cases = [
            ("no front".to_owned(), 1, "expected `---`, the start"),
            (GOOD.replace("owner: fleet\n", ""), 6, "expected `owner: …`"),
            (GOOD.replace("owner: fleet", "owner"), 5, "expected `key: value`"),
            (GOOD.replace("owner: fleet", "boss: fleet"), 5, "unknown key `boss`"),
            (GOOD.replace("bad-firmware", "bad-luck"), 4, "unknown type `bad-luck`"),
            (GOOD.replace("## Debug", "## Bugs"), 27, "expected a section `## Debug`"),
            (GOOD.replace("{switch: ota-halt}", "{lever: x}"), 20, "unknown binding `{lever: x}`"),
            (
                GOOD.replace("{switch: ota-halt}", "{query: moon}"),
                20,
                "unknown query `moon`; expected one of affected,",
            ),
            (GOOD.replace("{switch: ota-halt}", "{diagnostic: x}"), 20, "unknown diagnostic `x`; expected one of log-"),
            (GOOD.replace("{switch: ota-halt}", "{timer: soon}"), 20, "`soon` is no time; expected `15 min`"),
            (GOOD.replace("{switch: ota-halt}", "{timer: 5 min; who: x}"), 20, "expected `contact: NAME`"),
            (GOOD.replace("2026-10-01", "October"), 6, "`October` is no date; expected `2026-11-01`"),
            (GOOD.replace("## Confirm\n", ""), 14, "a step stands before the first section"),
        ];
        for (source, line, message) in cases {
            let error = read(&source).unwrap_err();
            assert!(error.message.contains(message), "{error} / {message}");
            assert_eq!(error.line, line, "{error}");
        }
    }
}
