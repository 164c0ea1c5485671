//! `[screen]`: how the room looks and which keys it answers to.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScreenSection {
    /// `dark`, `light`, `mono`, `colour-blind`, or a file.
    pub theme: String,
    /// What the cohort table is grouped by at first: one attribute, or two.
    pub group_by: Spanned<Vec<String>>,
    /// Whether the terminal's bell rings for what somebody has to look at.
    pub bell: bool,
    /// Keys by action, instead of the usual ones.
    pub keys: BTreeMap<String, Vec<String>>,
}

impl Default for ScreenSection {
    fn default() -> Self {
        Self {
            theme: "dark".into(),
            group_by: Spanned::new(0..0, vec!["firmware".into(), "hardware".into()]),
            bell: true,
            keys: BTreeMap::new(),
        }
    }
}

impl ScreenSection {
    /// The first mistake, where there are these attributes.
    pub(super) fn check(&self, attributes: &[String]) -> Option<(Range<usize>, String)> {
        let names = self.group_by.get_ref();
        let message = if names.is_empty() || names.len() > 2 || names.first() == names.get(1) {
            "expected one attribute, or two different ones".to_owned()
        } else {
            let unknown = names.iter().find(|name| !attributes.contains(name))?;
            format!("no attribute `{unknown}`; there are {}", attributes.join(", "))
        };
        Some((self.group_by.span(), message))
    }
}
