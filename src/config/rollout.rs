//! `[rollout]`: what a team has decided about rollouts before they begin.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

use super::offset::Offset;
use crate::domain::day::weekday;
use crate::domain::rollout::{Level, Limit, Metric, RolloutPolicy, StopRule, Window};
use crate::limits;

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RolloutSection {
    pub level: Level,
    pub reconnect_s: u32,
    pub soak_s: Option<u32>,
    pub on_call: Option<String>,
    pub window: Option<WindowSection>,
    /// A file of combinations that were tested, a line each, beside those that stand here.
    pub matrix: Option<PathBuf>,
    /// Combinations of attribute values that were tested.
    pub tested: Vec<BTreeMap<String, String>>,
    /// Instead of the usual rules.
    #[serde(rename = "rule")]
    pub rules: Vec<RuleSection>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowSection {
    pub days: Spanned<Vec<String>>,
    pub hours: Spanned<(u8, u8)>,
    #[serde(default)]
    pub utc_offset_h: Offset,
    #[serde(default)]
    pub holidays: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleSection {
    pub metric: Spanned<String>,
    /// A share of the devices started, 0..=1, that must not be exceeded, or fallen short of: one of the two.
    #[serde(default)]
    pub above: Option<Spanned<f64>>,
    #[serde(default)]
    pub below: Option<Spanned<f64>>,
    #[serde(default)]
    pub times_others: Option<f64>,
    #[serde(default = "RuleSection::minimum")]
    pub minimum: u32,
    /// Seconds looked back on.
    #[serde(default)]
    pub window_s: Option<Spanned<u32>>,
    #[serde(default)]
    pub wave: Option<u16>,
}

/// What a rule can look back on, in seconds: less is one moment, and more is nobody's memory.
const WINDOW_S: std::ops::RangeInclusive<u32> = 60..=86_400;

impl RuleSection {
    const fn minimum() -> u32 {
        20
    }

    /// Where it is crossed, if it says so once.
    fn limit(&self) -> Option<Limit> {
        match (&self.above, &self.below) {
            (Some(above), None) => Some(Limit::Above(*above.get_ref())),
            (None, Some(below)) => Some(Limit::Below(*below.get_ref())),
            _ => None,
        }
    }
}

impl Default for RolloutSection {
    fn default() -> Self {
        let RolloutPolicy { level, reconnect_s, .. } = RolloutPolicy::default();
        Self {
            level,
            reconnect_s,
            soak_s: None,
            on_call: None,
            window: None,
            matrix: None,
            tested: Vec::new(),
            rules: Vec::new(),
        }
    }
}

impl RolloutSection {
    /// The first thing that makes no sense, with its place.
    pub fn check(&self) -> Option<(Range<usize>, String)> {
        if let Some(rule) = self.rules.get(limits::STOP_RULES) {
            return Some((rule.metric.span(), format!("more than {} stop rules are not asked", limits::STOP_RULES)));
        }
        for rule in &self.rules {
            let word = rule.metric.get_ref();
            if Metric::parse(word).is_none() {
                let known = Metric::WORDS.map(|(word, _)| word).join(", ");
                return Some((rule.metric.span(), format!("unknown metric `{word}`; expected one of {known}")));
            }
            if rule.limit().is_none() {
                let asked = "a stop rule needs `above` or `below`, and not both: the share at which it is crossed";
                return Some((rule.metric.span(), asked.into()));
            }
            let shares = rule.above.iter().chain(&rule.below);
            if let Some(share) = shares.into_iter().find(|share| !(0.0..=1.0).contains(share.get_ref())) {
                return Some((share.span(), format!("a share lies between 0 and 1, and {} does not", share.get_ref())));
            }
            if let Some(window) = rule.window_s.as_ref().filter(|window| !WINDOW_S.contains(window.get_ref())) {
                let (from, to) = (WINDOW_S.start(), WINDOW_S.end());
                return Some((window.span(), format!("a window lies between {from} and {to} seconds")));
            }
        }
        let window = self.window.as_ref()?;
        if let Some(unknown) = window.days.get_ref().iter().find_map(|day| weekday(day).err()) {
            return Some((window.days.span(), unknown));
        }
        let (from, to) = *window.hours.get_ref();
        (from >= to || to > 24).then(|| (window.hours.span(), "expected hours such as [8, 12]".into()))
    }

    /// What was decided.
    pub fn policy(&self) -> RolloutPolicy {
        let usual = RolloutPolicy::default();
        let rule = |rule: &RuleSection| {
            Some(StopRule {
                metric: Metric::parse(rule.metric.get_ref())?,
                limit: rule.limit()?,
                times_others: rule.times_others,
                minimum: rule.minimum,
                window_s: rule.window_s.as_ref().map(|window| *window.get_ref()),
                wave: rule.wave,
            })
        };
        let rules: Vec<StopRule> = self.rules.iter().filter_map(rule).collect();
        let window = self.window.as_ref().map(|window| Window {
            weekdays: window.days.get_ref().iter().filter_map(|day| weekday(day).ok()).collect(),
            hours: *window.hours.get_ref(),
            utc_offset_s: window.utc_offset_h.seconds.into(),
            holidays: window.holidays.clone(),
        });
        RolloutPolicy {
            level: self.level,
            rules: if rules.is_empty() { usual.rules } else { rules },
            reconnect_s: self.reconnect_s,
            soak_s: self.soak_s,
            window,
            on_call: self.on_call.clone(),
            tested: self.tested.clone(),
        }
    }
}
