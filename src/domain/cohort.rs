//! A cohort: the devices that share one or more attribute values.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// The attributes of every fleet, the most actionable first: where several explain the same devices, the first is named.
pub const ATTRIBUTES: [&str; 8] = ["firmware", "config", "hardware", "carrier", "region", "customer", "site", "wave"];

/// Attribute values that select a cohort, written as in the log: `{"firmware":"3.2.5","hardware":"rev-B"}`.
/// The empty key is the whole fleet.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CohortKey(pub BTreeMap<String, String>);

impl CohortKey {
    /// The key of the devices whose `attribute` is `value`.
    pub fn of(attribute: &str, value: &str) -> Self {
        Self::default().and(attribute, value)
    }

    /// This key narrowed by one more attribute value.
    #[must_use]
    pub fn and(mut self, attribute: &str, value: &str) -> Self {
        self.0.insert(attribute.to_owned(), value.to_owned());
        self
    }

    /// Whether this is the whole fleet.
    pub fn is_fleet(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether two cohorts may well be about the same devices: one holds the other, or they share a value and contradict
    /// each other in none.
    pub fn is_related(&self, other: &Self) -> bool {
        let contradicts = self.0.iter().any(|(a, v)| other.get(a).is_some_and(|theirs| theirs != v));
        let shares = self.0.iter().any(|(a, v)| other.get(a) == Some(v));
        self.is_fleet() || other.is_fleet() || (shares && !contradicts)
    }

    /// The value asked of one attribute.
    pub fn get(&self, attribute: &str) -> Option<&str> {
        self.0.get(attribute).map(String::as_str)
    }

    /// Attributes with their values, the most actionable attribute first.
    pub fn pairs(&self) -> Vec<(&str, &str)> {
        let rank = |name: &str| ATTRIBUTES.iter().position(|a| *a == name).unwrap_or(ATTRIBUTES.len());
        let mut pairs: Vec<_> = self.0.iter().map(|(a, v)| (a.as_str(), v.as_str())).collect();
        pairs.sort_by_key(|(a, _)| rank(a));
        pairs
    }

    /// `firmware 3.2.5 ∧ hardware rev-B`, for sentences.
    pub fn sentence(&self) -> String {
        if self.is_fleet() {
            return "the whole fleet".into();
        }
        self.pairs().iter().map(|(a, v)| format!("{a} {v}")).collect::<Vec<_>>().join(" ∧ ")
    }
}

/// The values alone, `3.2.5 · rev-B`, for tables and headlines.
impl fmt::Display for CohortKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_fleet() {
            return f.write_str("fleet");
        }
        let values: Vec<_> = self.pairs().into_iter().map(|(_, v)| v).collect();
        f.write_str(&values.join(" · "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_actionable_attribute_comes_first() {
        let key = CohortKey::of("hardware", "rev-B").and("firmware", "3.2.5");
        assert_eq!(key.to_string(), "3.2.5 · rev-B");
        assert_eq!(key.sentence(), "firmware 3.2.5 ∧ hardware rev-B");
        assert_eq!(CohortKey::default().to_string(), "fleet");
    }

    #[test]
    fn cohorts_are_related_when_they_may_be_about_the_same_devices() {
        let key = |text: &str| {
            let pairs = text.split_whitespace().filter_map(|pair| pair.split_once('='));
            pairs.fold(CohortKey::default(), |key, (a, v)| key.and(a, v))
        };
        for (a, b, related) in [
            ("fw=5 hw=B", "fw=5", true),
            ("fw=5 hw=B", "fw=5 region=eu", true),
            ("fw=5 hw=B", "", true),
            ("fw=5 hw=B", "fw=5 hw=A", false),
            ("fw=5", "hw=B", false),
        ] {
            assert_eq!((key(a).is_related(&key(b)), key(b).is_related(&key(a))), (related, related), "{a} and {b}");
        }
    }
}
