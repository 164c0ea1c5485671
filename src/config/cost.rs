//! `[cost]`: prices from a file, the shipped one or a team's own.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use crate::document::{self, Mistake};
use crate::domain::cost::{Measure, Rate, Rates};

/// The shipped file.
const SHIPPED: (&str, &str) = ("rates/usual.toml", include_str!("../../rates/usual.toml"));

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CostSection {
    /// Prices of your own, instead of the shipped ones.
    pub file: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    currency: Spanned<String>,
    people: Spanned<f64>,
    #[serde(default, rename = "rate")]
    rates: Vec<RateEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RateEntry {
    id: Spanned<String>,
    name: String,
    unit: String,
    price: Spanned<f64>,
    per: Option<Spanned<f64>>,
    measured: Option<Measure>,
}

/// Reads a file of prices.
///
/// # Errors
/// The first mistake in it, with its line and column.
pub fn read(source: &str, file: &str) -> Result<Rates, Mistake> {
    let entries: File = document::read(source, file)?;
    let wrong = |span: std::ops::Range<usize>, message: String| document::mistake(source, file, &span, message);
    let currency = entries.currency.get_ref();
    if currency.len() != 3 || !currency.bytes().all(|b| b.is_ascii_uppercase()) {
        return Err(wrong(entries.currency.span(), format!("`{currency}` is not a currency; write USD, EUR, NOK")));
    }
    if !(0.0..=1000.0).contains(entries.people.get_ref()) {
        return Err(wrong(entries.people.span(), "expected a number of people, 0 to 1000".into()));
    }
    let mut rates: Vec<Rate> = Vec::new();
    for entry in &entries.rates {
        let id = entry.id.get_ref();
        if rates.iter().any(|rate| rate.id == *id) {
            return Err(wrong(entry.id.span(), format!("there is a rate `{id}` above already")));
        }
        if !(0.0..=1e9).contains(entry.price.get_ref()) {
            return Err(wrong(entry.price.span(), "expected a price, 0 or more".into()));
        }
        let per = entry.per.as_ref().map_or(1.0, |per| *per.get_ref());
        if let Some(entry) = entry.per.as_ref().filter(|_| per.is_nan() || per <= 0.0) {
            return Err(wrong(entry.span(), "expected the number of units that the price is for, more than 0".into()));
        }
        rates.push(Rate {
            id: id.clone(),
            name: entry.name.clone(),
            unit: entry.unit.clone(),
            price: (entry.price.get_ref() * 100.0).round() as i64,
            per,
            measured: entry.measured,
        });
    }
    Ok(Rates { currency: currency.clone(), people: *entries.people.get_ref(), rates })
}

impl CostSection {
    /// The prices. A file with a mistake does not close the room: the shipped one is used, and the mistake is told.
    pub fn rates(&self) -> (Rates, Vec<String>) {
        let own = |path: &Path| {
            let source = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
            read(&source, &path.display().to_string()).map_err(|mistake| mistake.to_string())
        };
        let mut problems = Vec::new();
        match self.file.as_deref().map(own) {
            Some(Ok(rates)) => return (rates, problems),
            Some(Err(problem)) => problems.push(format!("{problem}; the shipped prices are used")),
            None => {}
        }
        match read(SHIPPED.1, SHIPPED.0) {
            Ok(rates) => (rates, problems),
            Err(mistake) => {
                problems.push(mistake.to_string());
                (Rates::default(), problems)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shipped_is_right_and_a_mistake_is_told_with_its_place() {
        let (rates, problems) = CostSection::default().rates();
        assert_eq!(problems, [""; 0]);
        assert_eq!(rates.find("truck-roll").unwrap().amount(1564.0), 23_460_000);
        let cases = [
            ("currency = 'dollar'\npeople = 1\n", "r.toml:1:12: `dollar` is not a currency"),
            ("currency = 'USD'\npeople = -1\n", "r.toml:2:10: expected a number of people"),
            (
                "currency = 'USD'\npeople = 1\n[[rate]]\nid = 'x'\nname = 'x'\nunit = 'x'\n",
                "r.toml:3:1: missing field `price`",
            ),
            (
                "currency = 'USD'\npeople = 1\n[[rate]]\nid = 'x'\nname = 'x'\nunit = 'x'\nprice = -1\n",
                "r.toml:7:9: expected a price",
            ),
            (
                "currency = 'USD'\npeople = 1\n[[rate]]\nid = 'x'\nname = 'x'\nunit = 'x'\nprice = 1\nper = 0\n",
                "r.toml:8:7: expected the number of units",
            ),
            (
                "currency = 'USD'\npeople = 1\n[[rate]]\nid = 'x'\nname = 'x'\nunit = 'x'\nprice = 1\nmeasured = 'guess'\n",
                "r.toml:8:12: unknown value `guess`",
            ),
        ];
        for (source, expected) in cases {
            let told = read(source, "r.toml").unwrap_err().to_string();
            assert!(told.starts_with(expected), "{source}\n{told}");
        }
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("rates.toml");
        std::fs::write(&path, "currency = 1\n").unwrap();
        let (rates, problems) = CostSection { file: Some(path) }.rates();
        assert!(problems[0].contains("rates.toml:1:12: ") && problems[0].ends_with("the shipped prices are used"));
        assert_eq!(rates.currency, "USD");
    }
}
