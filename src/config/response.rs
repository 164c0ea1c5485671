//! `[contacts]`, `[triage]`, `[recovery]` and `[updates]`: how a team works its incidents.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use crate::document::{self, Mistake};
use crate::domain::text::visible;
use crate::domain::update::{Audience, Cadence, Cadences};

/// What triage knows beside telemetry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TriageSection {
    /// The code book: what error codes mean.
    pub codes: Option<PathBuf>,
}

/// When an incident is over.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RecoverySection {
    /// Minutes for which a recovered cohort is watched.
    pub watch_min: Spanned<u32>,
}

impl Default for RecoverySection {
    fn default() -> Self {
        Self { watch_min: Spanned::new(0..0, 15) }
    }
}

/// What audiences are told, and how often.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UpdateSection {
    /// Templates here go before shipped ones of the same id.
    pub directory: Option<PathBuf>,
    /// Channels through which the room itself tells the team what it has to hear at once.
    pub notify: Vec<Spanned<String>>,
    pub internal: CadenceSection,
    pub customers: CadenceSection,
    pub public: CadenceSection,
}

/// How often one audience is told, in minutes; 0 stands for never.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CadenceSection {
    pub first_min: Option<u32>,
    pub every_min: Option<u32>,
    pub resolved_min: Option<u32>,
}

impl CadenceSection {
    fn cadence(&self, audience: Audience) -> Cadence {
        let usual = Cadence::usual(audience);
        let seconds = |minutes: Option<u32>, usual: Option<i64>| match minutes {
            Some(0) => None,
            Some(minutes) => Some(i64::from(minutes) * 60),
            None => usual,
        };
        Cadence {
            first_s: seconds(self.first_min, usual.first_s),
            every_s: seconds(self.every_min, usual.every_s),
            resolved_s: seconds(self.resolved_min, usual.resolved_s),
        }
    }
}

impl UpdateSection {
    pub fn cadences(&self) -> Cadences {
        Cadences {
            internal: self.internal.cadence(Audience::Internal),
            customers: self.customers.cadence(Audience::Customers),
            public: self.public.cadence(Audience::Public),
        }
    }
}

impl RecoverySection {
    pub(super) fn check(&self) -> Option<(Range<usize>, String)> {
        let minutes = *self.watch_min.get_ref();
        let wrong = || (self.watch_min.span(), format!("expected 1 to 10080 minutes (a week), and {minutes} is not"));
        (!(1..=10_080).contains(&minutes)).then(wrong)
    }

    pub fn watch_s(&self) -> i64 {
        i64::from(*self.watch_min.get_ref()) * 60
    }
}

/// A code book as its file has it: `"0x45" = "flash write failed"` under `[codes]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct CodeBook {
    codes: BTreeMap<String, String>,
}

/// Reads a code book.
///
/// # Errors
/// The file cannot be read, or has a mistake in it; without it every code is an unknown one.
pub fn codes(path: Option<&Path>) -> Result<BTreeMap<String, String>, String> {
    let Some(path) = path else { return Ok(BTreeMap::new()) };
    let unknown = "every code is shown as unknown meanwhile";
    let source = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}; {unknown}", path.display()))?;
    let book: Result<CodeBook, Mistake> = document::read(&source, &path.display().to_string());
    let book = book.map_err(|mistake| format!("{mistake}; {unknown}"))?;
    let safe = |(code, meaning): (String, String)| (visible(&code).into_owned(), visible(&meaning).into_owned());
    Ok(book.codes.into_iter().map(safe).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_book_is_read_and_its_mistakes_are_told() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("codes.toml");
        for (source, expected) in [
            ("[codes]\n\"0x45\" = \"flash write failed\"\n", Ok("flash write failed")),
            ("[codes]\n\"0x45\" = 7\n", Err("codes.toml:2:10: this is ")),
            ("[code]\n", Err("codes.toml:1:2: unknown key `code`; did you mean `codes`?")),
        ] {
            std::fs::write(&path, source).unwrap();
            let read = codes(Some(&path));
            match expected {
                Ok(meaning) => assert_eq!(read.unwrap()["0x45"], meaning),
                Err(told) => assert!(read.as_ref().unwrap_err().contains(told), "{read:?}"),
            }
        }
        assert!(codes(Some(Path::new("/no/such/book"))).unwrap_err().contains("shown as unknown meanwhile"));
    }

    #[test]
    fn a_cadence_is_the_usual_one_but_for_what_is_said() {
        let section = CadenceSection { every_min: Some(20), resolved_min: Some(0), ..CadenceSection::default() };
        let cadence = section.cadence(Audience::Customers);
        assert_eq!(cadence, Cadence { first_s: Some(1800), every_s: Some(1200), resolved_s: None });
    }
}
