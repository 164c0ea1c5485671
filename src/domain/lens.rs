//! A lens: what a reader of the snapshot is looking at, so that the engine prepares that and no more.

use super::cohort::CohortKey;
use super::signal::Signal;
use super::symptom::Symptom;

/// What one screen wants to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lens {
    /// One or two attributes that the cohort table is grouped by.
    pub group_by: Vec<String>,
    /// Only devices that pass.
    pub filter: Filter,
    /// The cohort whose signal is drawn; none for the whole selection.
    pub cohort: Option<CohortKey>,
    /// The cohort that stands first in the table, whatever that is grouped by: the one that is on fire.
    pub pinned: Option<CohortKey>,
    /// The signal that is drawn.
    pub signal: Signal,
    /// How far back the chart reaches.
    pub span_s: u32,
    /// The first device of the device list, and how many.
    pub devices: Option<(usize, usize)>,
    /// The device looked at.
    pub device: Option<String>,
}

impl Default for Lens {
    fn default() -> Self {
        Self {
            group_by: vec!["firmware".into(), "hardware".into()],
            filter: Filter::default(),
            cohort: None,
            pinned: None,
            signal: Signal::Online,
            span_s: 600,
            devices: None,
            device: None,
        }
    }
}

/// Which devices to show: every condition must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    pub conditions: Vec<Condition>,
}

/// One condition of a filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// `firmware=3.2.5`, or `firmware!=3.2.5`.
    Attribute { attribute: String, value: String, negated: bool },
    /// `online`, or `offline`.
    Online(bool),
    /// `unhealthy`: something is wrong with it just now; or `unhealthy=values`: this is.
    Unhealthy(Option<Symptom>),
    /// Anything else: part of the device's id.
    Name(String),
}

const UNHEALTHY: &str = "unhealthy";

impl Filter {
    /// Reads what a person typed. `attributes` are the names that may stand before `=`.
    ///
    /// # Errors
    /// A sentence that names what is unknown, and what there is.
    pub fn parse(text: &str, attributes: &[String]) -> Result<Self, String> {
        let mut conditions = Vec::new();
        for word in words(text) {
            conditions.push(match (word.as_str(), word.split_once("!="), word.split_once('=')) {
                ("online", ..) => Condition::Online(true),
                ("offline", ..) => Condition::Online(false),
                (UNHEALTHY, ..) => Condition::Unhealthy(None),
                (_, None, Some((UNHEALTHY, what))) => Condition::Unhealthy(Some(Symptom::named(what)?)),
                (_, Some((attribute, value)), _) => condition(attribute, value, true, attributes)?,
                (_, None, Some((attribute, value))) => condition(attribute, value, false, attributes)?,
                _ => Condition::Name(word),
            });
        }
        Ok(Self { conditions })
    }

    pub fn is_empty(&self) -> bool {
        self.conditions.is_empty()
    }
}

/// The words of a filter, at spaces outside of double quotes: `hw="Nous A1T" offline`.
fn words(text: &str) -> Vec<String> {
    let mut quoted = false;
    let parts = text.split(|c: char| {
        quoted ^= c == '"';
        c.is_whitespace() && !quoted
    });
    parts.filter(|word| !word.is_empty()).map(|word| word.replace('"', "")).collect()
}

fn condition(attribute: &str, value: &str, negated: bool, attributes: &[String]) -> Result<Condition, String> {
    // `fw=` is what fingers type; the shortest unambiguous beginning of a name will do.
    let mut matching = attributes.iter().filter(|known| {
        known.starts_with(attribute)
            || (attribute == "fw" && *known == "firmware")
            || (attribute == "hw" && *known == "hardware")
    });
    match (matching.next(), matching.next()) {
        (Some(known), None) => Ok(Condition::Attribute { attribute: known.clone(), value: value.to_owned(), negated }),
        (Some(_), Some(_)) if attributes.iter().any(|known| known == attribute) => {
            Ok(Condition::Attribute { attribute: attribute.to_owned(), value: value.to_owned(), negated })
        }
        (Some(one), Some(two)) => Err(format!("`{attribute}` could be {one} or {two}")),
        (None, _) => Err(format!("no attribute `{attribute}`; there are {}", attributes.join(", "))),
    }
}

/// A filter as it would be typed.
impl std::fmt::Display for Filter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (i, condition) in self.conditions.iter().enumerate() {
            if i > 0 {
                f.write_str(" ")?;
            }
            match condition {
                Condition::Attribute { attribute, value, negated } => {
                    let quote = if value.contains(char::is_whitespace) { "\"" } else { "" };
                    write!(f, "{attribute}{}{quote}{value}{quote}", if *negated { "!=" } else { "=" })?;
                }
                Condition::Online(true) => f.write_str("online")?,
                Condition::Online(false) => f.write_str("offline")?,
                Condition::Unhealthy(None) => f.write_str(UNHEALTHY)?,
                Condition::Unhealthy(Some(what)) => write!(f, "{UNHEALTHY}={}", what.name().replace(' ', "-"))?,
                Condition::Name(part) => f.write_str(part)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_read_as_people_type_it() {
        let attributes: Vec<String> =
            ["firmware", "hardware", "region", "carrier", "config", "customer"].map(Into::into).into();
        let cases = [
            ("", Ok("")),
            ("fw=3.2.5 offline", Ok("firmware=3.2.5 offline")),
            ("reg!=eu-west dev-1", Ok("region!=eu-west dev-1")),
            ("hw=\"Nous A1T\" online", Ok("hardware=\"Nous A1T\" online")),
            ("\"hw=Nous A1T\"", Ok("hardware=\"Nous A1T\"")),
            ("fw=3.2.5 unhealthy", Ok("firmware=3.2.5 unhealthy")),
            ("unhealthy=values", Ok("unhealthy=values")),
            ("unhealthy=stuck", Ok("unhealthy=stuck-values")),
            (
                "unhealthy=re",
                Err(
                    "nothing that is wrong is called `re`; there are away, reboots, reconnects, errors, auth-failures, \
                  refusals, bad-signatures, update-failures, silence, messages, queue, battery, format, values, \
                  stuck-values, order, drift",
                ),
            ),
            ("c=x", Err("`c` could be carrier or config")),
            (
                "colour=red",
                Err("no attribute `colour`; there are firmware, hardware, region, carrier, config, customer"),
            ),
        ];
        for (typed, expected) in cases {
            let read = Filter::parse(typed, &attributes).map(|filter| filter.to_string());
            assert_eq!(read, expected.map(str::to_owned).map_err(str::to_owned), "{typed}");
        }
    }
}
