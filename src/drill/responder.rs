//! Responders from a file: what they do and when, for a game day without people.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use crate::document::{self, Mistakes};
use crate::domain::update::Audience;

/// What responders do, each thing at its time or after what it waits for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Responder {
    /// Who does it, where a thing does not say.
    pub by: String,
    #[serde(rename = "do")]
    pub acts: Vec<Act>,
}

/// One thing that is done.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Act {
    pub action: Spanned<String>,
    /// Seconds into the drill; or what it waits for, and how many of that.
    #[serde(default)]
    pub at_s: Option<u32>,
    #[serde(default)]
    pub after: Option<Spanned<String>>,
    #[serde(default = "Act::first")]
    pub nth: u32,
    /// Seconds that people need then.
    #[serde(default)]
    pub wait_s: u32,
    #[serde(default)]
    pub by: Option<String>,
    /// What is written down or told, or the name of what is meant.
    #[serde(default)]
    pub text: String,
    /// Whom an update is for; the customers, where nothing is said.
    #[serde(default)]
    pub audience: Option<Audience>,
    #[serde(default)]
    pub switch: Option<String>,
    /// The campaign or the devices that a switch is for; what needs it most, where nothing is said.
    #[serde(default)]
    pub target: Option<String>,
    /// What a switch is told beside its target: `version = "c-42"`.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    /// The incident it is about, counted from 1; the newest, where nothing is said.
    #[serde(default)]
    pub incident: Option<u32>,
}

impl Act {
    const fn first() -> u32 {
        1
    }
}

/// What can be done, and what can be waited for.
pub const ACTIONS: [&str; 12] = [
    "acknowledge",
    "declare",
    "pull",
    "approve",
    "break-glass",
    "go-on",
    "stop",
    "steps",
    "note",
    "update",
    "mitigate",
    "resolve",
];
pub const AFTER: [&str; 6] = ["alert", "incident", "effective", "paused", "clear", "inject"];

impl Responder {
    /// Reads a file.
    ///
    /// # Errors
    /// Every mistake in it, with its place.
    pub fn read(source: &str, file: &str) -> Result<Self, Mistakes> {
        let (read, mut mistakes) = document::read_all::<Self>(source, file);
        if let Some(responder) = &read {
            let mut found = Vec::new();
            for act in &responder.acts {
                let mut known = |word: &Spanned<String>, allowed: &[&str]| {
                    if !allowed.contains(&word.get_ref().as_str()) {
                        let allowed = allowed.join(", ");
                        found.push((
                            word.span(),
                            format!("unknown value `{}`; expected one of {allowed}", word.get_ref()),
                        ));
                    }
                };
                known(&act.action, &ACTIONS);
                if let Some(after) = &act.after {
                    known(after, &AFTER);
                }
                if act.at_s.is_some() == act.after.is_some() {
                    found.push((act.action.span(), "expected either `at_s` or `after`".into()));
                }
                if act.action.get_ref() == "pull" && act.switch.is_none() {
                    found.push((act.action.span(), "`pull` needs a `switch`, such as \"ota-halt\"".into()));
                }
                if act.action.get_ref() == "update" && act.text.is_empty() {
                    found.push((act.action.span(), "`update` needs a `text`".into()));
                }
            }
            mistakes.extend(document::mistakes(source, file, &found));
        }
        mistakes.sort_by_key(|mistake| (mistake.line, mistake.column));
        match read {
            Some(responder) if mistakes.is_empty() => Ok(responder),
            _ => Err(Mistakes(mistakes)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_responders_cannot_do_is_told_with_its_line() {
        let good = "by = \"mira\"\n[[do]]\naction = \"acknowledge\"\nafter = \"alert\"\nwait_s = 20\n";
        assert_eq!(Responder::read(good, "r.toml").unwrap().acts.len(), 1);
        let cases = [
            (good.replace("acknowledge", "ack"), "r.toml:3:10: unknown value `ack`; expected one of acknowledge"),
            (good.replace("\"alert\"", "\"lunch\""), "r.toml:4:9: unknown value `lunch`; expected one of alert"),
            (format!("{good}at_s = 5\n"), "r.toml:3:10: expected either `at_s` or `after`"),
            (good.replace("acknowledge", "pull"), "r.toml:3:10: `pull` needs a `switch`"),
            (good.replace("acknowledge", "update"), "r.toml:3:10: `update` needs a `text`"),
            (good.replace("wait_s = 20", "wait_s = \"long\""), "r.toml:5:10: do[0].wait_s: this is "),
        ];
        for (source, expected) in cases {
            let told = Responder::read(&source, "r.toml").unwrap_err().to_string();
            assert!(told.starts_with(expected), "{told}");
        }
    }
}
