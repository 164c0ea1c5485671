//! Templates: the words of an update, with places for the facts of the incident. A fact that is not known stays visible
//! as `{{its name}}`, and such a text is not sent: never blank, never guessed.

use std::collections::BTreeMap;

use super::{Audience, UpdateKind};
use crate::domain::runbook::markdown::RunbookError as Mistake;
use crate::domain::text::{visible, visible_lines};

/// The facts that templates can tell: name, and what it is.
pub const VARIABLES: &[(&str, &str)] = &[
    ("incident", "its number, INC-7"),
    ("title", "its title"),
    ("severity", "its severity"),
    ("type", "its type"),
    ("phase", "what people are at"),
    ("commander", "who commands it"),
    ("since", "when it began"),
    ("detected", "when it was detected"),
    ("now", "the time of writing"),
    ("next_update", "when the next update is due"),
    ("restored", "when service was restored"),
    ("duration", "from its beginning to the restoring of service"),
    ("cohort", "which devices"),
    ("affected", "how many devices are affected"),
    ("customers", "which customers"),
    ("region", "which regions"),
    ("firmware", "which firmware"),
    ("origin", "platform or device"),
    ("rollout", "what is being rolled out"),
    ("codes", "which error codes"),
    ("contained", "which switches took effect"),
    ("decision", "what becomes of bad data"),
    ("first_bad", "the time stamp of the first bad value"),
    ("remaining", "devices still affected"),
];

/// Facts by their names.
pub type Facts = BTreeMap<&'static str, String>;

/// A template as its file has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    pub id: String,
    pub title: String,
    pub audience: Audience,
    pub kind: UpdateKind,
    pub text: String,
}

/// A template filled with facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filled {
    pub text: String,
    /// Facts that it tells.
    pub tells: Vec<String>,
    /// Facts that are not known, and stand in the text as `{{name}}`.
    pub missing: Vec<String>,
}

fn mistake(line: usize, message: impl Into<String>) -> Mistake {
    Mistake { line, message: message.into() }
}

/// Reads a template.
///
/// # Errors
/// The first mistake, with its line and what was expected there.
pub fn read(source: &str) -> Result<Template, Mistake> {
    const KEYS: &str = "id, title, audience, kind";
    let mut lines = (1..).zip(source.lines());
    if lines.next().is_none_or(|(_, line)| line.trim_end() != "---") {
        return Err(mistake(1, "expected `---`, the start of the front matter"));
    }
    let mut front: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
    let end = loop {
        match lines.next() {
            None => return Err(mistake(source.lines().count().max(1), "expected `---`, the end of the front matter")),
            Some((number, line)) if line.trim_end() == "---" => break number,
            Some((_, line)) if line.trim().is_empty() => {}
            Some((number, line)) => {
                let (key, value) = line.split_once(':').ok_or_else(|| mistake(number, "expected `key: value`"))?;
                if !KEYS.split(", ").any(|known| known == key.trim()) {
                    return Err(mistake(number, format!("unknown key `{}`; expected one of {KEYS}", key.trim())));
                }
                front.insert(key.trim(), (number, value.trim()));
            }
        }
    };
    let body: Vec<(usize, &str)> = lines.collect();
    let required = |key: &str| {
        let found = front.get(key).copied();
        found.ok_or_else(|| mistake(end, format!("expected `{key}: …` in the front matter")))
    };
    let (line, word) = required("audience")?;
    let known = Audience::ALL.map(Audience::id).join(", ");
    let audience = Audience::parse(word)
        .ok_or_else(|| mistake(line, format!("unknown audience `{word}`; expected one of {known}")))?;
    let (line, word) = required("kind")?;
    let known = UpdateKind::ALL.map(UpdateKind::id).join(", ");
    let kind = UpdateKind::ALL.into_iter().find(|kind| kind.id() == word);
    let kind = kind.ok_or_else(|| mistake(line, format!("unknown kind `{word}`; expected one of {known}")))?;
    for (line, text) in &body {
        for name in names(text).map_err(|message| mistake(*line, message))? {
            if !VARIABLES.iter().any(|(known, _)| *known == name) {
                let known: Vec<&str> = VARIABLES.iter().map(|(name, _)| *name).collect();
                return Err(mistake(*line, format!("unknown fact `{name}`; expected one of {}", known.join(", "))));
            }
        }
        if kind == UpdateKind::First
            && audience != Audience::Internal
            && let Some(promise) = promise(text)
        {
            return Err(mistake(*line, format!("the first word promises no time, and this does: `{promise}`")));
        }
    }
    let text = body.iter().map(|(_, line)| *line).collect::<Vec<_>>().join("\n");
    let text = visible_lines(text.trim());
    if text.is_empty() {
        return Err(mistake(end, "expected the words of the update after the front matter"));
    }
    Ok(Template {
        id: visible(required("id")?.1).into_owned(),
        title: visible(required("title")?.1).into_owned(),
        audience,
        kind,
        text,
    })
}

/// The names between `{{` and `}}`.
fn names(text: &str) -> Result<Vec<&str>, String> {
    let mut names = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("{{") {
        let (name, after) = after.split_once("}}").ok_or("expected `}}` after `{{`")?;
        names.push(name.trim());
        rest = after;
    }
    Ok(names)
}

/// Facts that a text still lacks: whatever stands in it between `{{` and `}}`.
pub fn missing(text: &str) -> Vec<String> {
    names(text).map_or_else(|_| vec!["{{".into()], |names| names.into_iter().map(str::to_owned).collect())
}

impl Template {
    /// The text with the facts in their places.
    pub fn fill(&self, facts: &Facts) -> Filled {
        let mut filled = Filled { text: String::new(), tells: Vec::new(), missing: Vec::new() };
        let mut rest = self.text.as_str();
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, after) = after.split_once("}}").unwrap_or((after, ""));
            let name = name.trim();
            filled.text += before;
            match facts.get(name) {
                Some(fact) => {
                    filled.text += fact;
                    filled.tells.push(name.to_owned());
                }
                None => {
                    filled.text += &format!("{{{{{name}}}}}");
                    filled.missing.push(name.to_owned());
                }
            }
            rest = after;
        }
        filled.text += rest;
        filled.tells.sort();
        filled.tells.dedup();
        filled
    }
}

/// The sentence of a text that promises when something will be mended, if one does. When the next word comes may be
/// promised; when it works again may not.
pub fn promise(text: &str) -> Option<&str> {
    const MENDED: [&str; 14] = [
        "fix",
        "resolv",
        "restor",
        "repair",
        "mended",
        "back online",
        "back to normal",
        "back up",
        "solution",
        "solved",
        "up and running",
        "working again",
        "work again",
        "recover",
    ];
    const TIMES: [&str; 14] = [
        "minute",
        "hour",
        " min",
        "today",
        "tonight",
        "tomorrow",
        "shortly",
        "soon",
        "eta ",
        "by noon",
        "by midnight",
        "end of day",
        "next_update",
        "this evening",
    ];
    text.split_inclusive(['.', '!', '?', '\n']).map(str::trim).find(|sentence| {
        let words = format!("{} ", sentence.to_lowercase());
        let is_eta = words.split(|c: char| !c.is_alphanumeric()).any(|word| word == "eta");
        let timed = TIMES.iter().any(|time| words.contains(time)) || has_clock(&words);
        let past = words.contains("has been") || words.contains("have been") || words.contains("was ");
        is_eta || (!past && timed && MENDED.iter().any(|word| words.contains(word)))
    })
}

/// Whether a time of day stands in it, as 17:30.
fn has_clock(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_digit() && c != ':').any(|word| {
        word.split_once(':').is_some_and(|(h, m)| (1..=2).contains(&h.len()) && m.len() >= 2 && !h.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "---\nid: a\ntitle: A\naudience: customers\nkind: first\n---\n\nSince {{since}} some devices ({{cohort}}) are away.\nNext update by {{next_update}}.\n";

    #[test]
    fn a_template_is_filled_and_what_is_not_known_stays_visible() {
        let template = read(GOOD).unwrap();
        let facts = Facts::from([("since", "17:31".to_owned()), ("next_update", "18:10".to_owned())]);
        let filled = template.fill(&facts);
        assert_eq!(filled.text, "Since 17:31 some devices ({{cohort}}) are away.\nNext update by 18:10.");
        assert_eq!(
            (filled.tells, filled.missing),
            (vec!["next_update".into(), "since".into()], vec!["cohort".to_owned()])
        );
        assert_eq!(missing(&filled.text), ["cohort"]);
    }

    #[test]
    fn a_mistake_is_told_with_its_line() {
        let cases = [
            ("x".to_owned(), "line 1: expected `---`, the start"),
            (GOOD.replace("audience: customers\n", ""), "line 5: expected `audience: …`"),
            (GOOD.replace("customers\nkind", "custumers\nkind"), "line 4: unknown audience `custumers`"),
            (GOOD.replace("kind: first", "kind: last"), "line 5: unknown kind `last`"),
            (GOOD.replace("{{cohort}}", "{{kohort}}"), "line 8: unknown fact `kohort`"),
            (GOOD.replace("{{cohort}}", "{{cohort"), "line 8: expected `}}`"),
            (GOOD.replace("Next update", "It will be fixed"), "line 9: the first word promises no time"),
            (GOOD.split("\n\n").next().unwrap().to_owned() + "\n", "line 6: expected the words of the update"),
        ];
        for (source, expected) in cases {
            let told = read(&source).unwrap_err().to_string();
            assert!(told.starts_with(expected), "{expected}: {told}");
        }
    }

    #[test]
    fn promises_are_told_from_facts() {
        for (text, promises) in [
            ("We expect service to be restored within two hours.", true),
            ("A fix will be out by 18:30.", true),
            ("ETA: unknown.", true),
            ("Everything will be back to normal shortly.", true),
            ("We are aware of it, and work on it. The next update comes by 18:30.", false),
            ("Service has been restored at 17:55.", false),
            ("Since 17:31 some devices report nothing.", false),
        ] {
            assert_eq!(promise(text).is_some(), promises, "{text}");
        }
    }
}
