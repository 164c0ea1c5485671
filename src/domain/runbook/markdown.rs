//! Reads a runbook from Markdown: front matter between `---` lines, sections as second-level headings, steps as
//! task-list items. A step may end in `{switch: ota-halt}` to bind a switch.

use pulldown_cmark::{Event as Md, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::{Runbook, Section, Step};
use crate::domain::incident::IncidentType;
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
    let (front, body_start) = front_matter(source)?;
    let sections = sections(source, body_start)?;
    let has = |name: &str| sections.iter().any(|s| s.title.eq_ignore_ascii_case(name));
    if let Some(missing) = REQUIRED_SECTIONS.iter().find(|name| !has(name)) {
        let last = source.lines().count().max(1);
        let all = REQUIRED_SECTIONS.join(", ");
        return Err(mistake(last, format!("expected a section `## {missing}`; every runbook has {all}")));
    }
    Ok(Runbook {
        id: front.required("id")?,
        title: front.required("title")?,
        types: front.types()?,
        owner: front.required("owner")?,
        reviewed: front.required("reviewed")?,
        sections,
    })
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

fn sections(source: &str, body_start: usize) -> Result<Vec<Section>, RunbookError> {
    let mut sections: Vec<Section> = Vec::new();
    let mut open = Open::default();
    let body = &source[body_start..];
    for (md, range) in Parser::new_ext(body, Options::ENABLE_TASKLISTS).into_offset_iter() {
        let line = source[..body_start + range.start].matches('\n').count() + 1;
        match md {
            Md::Start(Tag::Heading { level: HeadingLevel::H2, .. }) => open.heading = Some(String::new()),
            Md::End(TagEnd::Heading(HeadingLevel::H2)) => {
                let title = open.heading.take().unwrap_or_default();
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
                    section.steps.push(step(section, &text, line)?);
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
    Ok(sections)
}

fn step(section: &Section, text: &str, line: usize) -> Result<Step, RunbookError> {
    let id = format!("{}.{}", section.title.to_lowercase(), section.steps.len() + 1);
    let text = visible(text.trim()).into_owned();
    let Some((words, binding)) = text.strip_suffix('}').and_then(|text| text.rsplit_once('{')) else {
        return Ok(Step { id, text, switch: None });
    };
    let Some(("switch", switch)) = binding.split_once(':').map(|(k, v)| (k.trim(), v.trim())) else {
        return Err(mistake(line, format!("unknown binding `{{{binding}}}`; expected `{{switch: ota-halt}}`")));
    };
    Ok(Step { id, text: words.trim().to_owned(), switch: Some(SwitchId(switch.to_owned())) })
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
    fn a_mistake_is_named_with_its_line() {
        let cases = [
            ("no front".to_owned(), 1, "expected `---`, the start"),
            (GOOD.replace("owner: fleet\n", ""), 6, "expected `owner: …`"),
            (GOOD.replace("owner: fleet", "owner"), 5, "expected `key: value`"),
            (GOOD.replace("owner: fleet", "boss: fleet"), 5, "unknown key `boss`"),
            (GOOD.replace("bad-firmware", "bad-luck"), 4, "unknown type `bad-luck`"),
            (GOOD.replace("## Debug", "## Bugs"), 27, "expected a section `## Debug`"),
            (GOOD.replace("{switch: ota-halt}", "{lever: x}"), 20, "unknown binding `{lever: x}`"),
            (GOOD.replace("## Confirm\n", ""), 14, "a step stands before the first section"),
        ];
        for (source, line, message) in cases {
            let error = read(&source).unwrap_err();
            assert!(error.message.contains(message), "{error} / {message}");
            assert_eq!(error.line, line, "{error}");
        }
    }
}
