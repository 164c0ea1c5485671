//! Documents that people write, in TOML: configuration, scenarios, themes. A mistake is told with its line, its column,
//! and the mend.

mod all;
mod words;

use std::fmt;
use std::ops::Range;

pub use all::read_all;
use serde::de::DeserializeOwned;
use words::explain;

/// A mistake in a document: `room.toml:3:1: unknown key `brocker`; did you mean `broker`?`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    pub file: String,
    pub line: usize,
    pub column: usize,
    pub message: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)
    }
}

impl std::error::Error for Mistake {}

/// Every mistake in a document, in the order of its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistakes(pub Vec<Mistake>);

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for Mistakes {}

impl Mistakes {
    /// The first of them, if there are any.
    pub fn first(&self) -> Option<&Mistake> {
        self.0.first()
    }
}

/// Reads a document.
///
/// # Errors
/// The first mistake in it.
pub fn read<T: DeserializeOwned>(source: &str, file: &str) -> Result<T, Mistake> {
    toml::from_str(source).map_err(|error| {
        let span = error.span().unwrap_or(0..0);
        mistake(source, file, &span, explain(error.message()))
    })
}

/// A mistake that lies at a place in the source.
pub fn mistake(source: &str, file: &str, span: &Range<usize>, message: impl Into<String>) -> Mistake {
    let before = &source[..span.start.min(source.len())];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    Mistake { file: file.to_owned(), line, column, message: message.into() }
}

/// Mistakes found in what could be read of a document, without those in what stands in for something wrong.
pub fn mistakes(source: &str, file: &str, found: &[(Range<usize>, String)]) -> Vec<Mistake> {
    let real = found.iter().filter(|(span, _)| !all::stands_in(span, source));
    real.map(|(span, message)| mistake(source, file, span, message.clone())).collect()
}

/// The known name that was probably meant.
pub fn nearest<'a>(unknown: &str, known: &[&'a str]) -> Option<&'a str> {
    let best =
        known.iter().map(|name| (strsim::jaro_winkler(unknown, name), *name)).max_by(|a, b| a.0.total_cmp(&b.0))?;
    (best.0 > 0.8).then_some(best.1)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Room {
        broker: String,
        keep_alive_s: Option<u16>,
        theme: Option<Theme>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Theme {
        Dark,
        Light,
    }

    #[test]
    fn a_mistake_is_told_with_its_place_and_its_mend() {
        let cases = [
            ("brocker = 'x'\n", "room.toml:1:1: unknown key `brocker`; did you mean `broker`?"),
            (
                "broker = 'x'\nzzz = 1\n",
                "room.toml:2:1: unknown key `zzz`; expected one of broker, keep_alive_s, theme",
            ),
            ("broker = 'x'\ntheme = 'drak'\n", "room.toml:2:9: unknown value `drak`; did you mean `dark`?"),
            ("broker = 'x'\nkeep_alive_s = 'five'\n", "room.toml:2:16: this is the text \"five\", and must be a whole"),
            ("keep_alive_s = 5\n", "room.toml:1:1: missing field `broker`"),
            ("broker = \n", "room.toml:1:10: "),
        ];
        for (source, expected) in cases {
            let told = read::<Room>(source, "room.toml").unwrap_err().to_string();
            assert!(told.starts_with(expected), "{source:?}: {told}");
        }
    }
}
