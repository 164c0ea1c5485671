//! What was decided about rollouts before they began: when to stop, when to start, and what was tested.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::share::percent;
use super::symptom::Symptom;
use super::time::At;

/// How far the room goes by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Rules are shown with their values, and nobody is told.
    Manual,
    /// A crossed rule is told, and the halt is proposed.
    #[default]
    Advise,
    /// A crossed rule pulls the halt.
    Armed,
}

impl Level {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Advise => "advise",
            Self::Armed => "armed",
        }
    }
}

/// What a rule measures: a share of the devices that a wave has started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// Their update failed.
    Failed,
    /// They went back to their old firmware by themselves.
    RolledBack,
    /// They did not come back from their update in time.
    NotBack,
    /// Their update got through: of those whose update is over, or should be.
    Succeeded,
    /// They are here, or away for a reason that is known.
    Online,
    /// They show a symptom; of being away, now, of others, in the last minutes.
    Shows(Symptom),
}

impl Metric {
    /// The words of the configuration, and what they mean.
    pub const WORDS: [(&'static str, Self); 13] = [
        ("failed", Self::Failed),
        ("rolled-back", Self::RolledBack),
        ("not-back", Self::NotBack),
        ("succeeded", Self::Succeeded),
        ("online", Self::Online),
        ("offline", Self::Shows(Symptom::Offline)),
        ("rebooting", Self::Shows(Symptom::Rebooting)),
        ("errors", Self::Shows(Symptom::Erring)),
        ("battery", Self::Shows(Symptom::Draining)),
        ("values", Self::Shows(Symptom::Implausible)),
        ("drift", Self::Shows(Symptom::Drifting)),
        ("silent", Self::Shows(Symptom::Silent)),
        ("bad-signature", Self::Shows(Symptom::BadSignature)),
    ];

    pub fn parse(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(known, _)| *known == word).map(|(_, metric)| *metric)
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::WORDS.iter().find(|(_, metric)| metric == self).map_or("?", |(word, _)| word))
    }
}

/// The share of a wave's devices at which a rule is crossed. Written as `"above": 0.02` or `"below": 0.95`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Limit {
    /// More than this share must not do what is wrong.
    Above(f64),
    /// Less than this share must not do what is right.
    Below(f64),
}

impl Limit {
    pub const fn share(self) -> f64 {
        match self {
            Self::Above(share) | Self::Below(share) => share,
        }
    }

    /// Whether a share is on the wrong side of it, and stands out so many times from that of the others, where it must:
    /// what must stand out, and has nobody to do so from, does not.
    pub fn is_crossed(self, value: f64, others: Option<f64>, times_others: Option<f64>) -> bool {
        let stands_out = |times: f64| match (self, others) {
            (_, None) => false,
            (Self::Above(_), Some(others)) => value > times * others,
            (Self::Below(_), Some(others)) => value * times < others,
        };
        let is_beyond = match self {
            Self::Above(share) => value > share,
            Self::Below(share) => value < share,
        };
        is_beyond && times_others.is_none_or(stands_out)
    }

    /// `above` or `below`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Above(_) => "above",
            Self::Below(_) => "below",
        }
    }
}

/// When to stop, decided in advance.
#[derive(Clone, Debug, PartialEq)]
pub struct StopRule {
    pub metric: Metric,
    /// The share of the devices started at which it is crossed.
    pub limit: Limit,
    /// And this many times as often, or as rarely, as the devices that are not updated, where that is asked; where hardly
    /// any are left, as they were when there were enough.
    pub times_others: Option<f64>,
    /// Devices that must have been started before anything is said.
    pub minimum: u32,
    /// Seconds looked back on: a device counts that did it within them. Where none are given, one that does it now, or has
    /// done it in the last minutes. For devices that do not come back or do not get through it is the time in which they must.
    pub window_s: Option<u32>,
    /// The wave it is about; every one where none is named.
    pub wave: Option<u16>,
}

impl StopRule {
    /// What it is called: `errors`, or `errors in 30 min`.
    pub fn name(&self) -> String {
        self.window_s.map_or_else(|| self.metric.to_string(), |s| format!("{} in {} min", self.metric, s.div_ceil(60)))
    }

    /// The rules where a team has none of its own: few devices are enough to stop for what cannot be undone.
    pub fn usual() -> Vec<Self> {
        let rule = |metric, above, times_others| Self {
            metric,
            limit: Limit::Above(above),
            times_others,
            minimum: 20,
            window_s: None,
            wave: None,
        };
        vec![
            rule(Metric::Failed, 0.02, None),
            rule(Metric::RolledBack, 0.02, None),
            rule(Metric::NotBack, 0.02, None),
            rule(Metric::Shows(Symptom::Rebooting), 0.02, Some(3.0)),
            rule(Metric::Shows(Symptom::Offline), 0.05, Some(3.0)),
            rule(Metric::Shows(Symptom::Draining), 0.10, Some(3.0)),
        ]
    }
}

/// The hours in which waves may begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Monday is 0.
    pub weekdays: Vec<u8>,
    /// Hours of the day, from and to, where clocks are `utc_offset_s` ahead of UTC.
    pub hours: (u8, u8),
    pub utc_offset_s: i64,
    /// Days on which nothing begins: `2026-12-24`.
    pub holidays: Vec<String>,
}

impl Window {
    /// Why a wave should not begin now.
    pub fn objection(&self, at: At) -> Option<String> {
        let local = at.plus_s(self.utc_offset_s);
        let weekday = local.weekday();
        let hour = (local.second().rem_euclid(86_400) / 3_600) as u8;
        let date = local.to_string().chars().take(10).collect::<String>();
        let names = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
        if self.holidays.contains(&date) {
            return Some(format!("{date} is a holiday"));
        }
        if !self.weekdays.contains(&weekday) {
            return Some(format!("it is {}, outside of the deploy window", names[usize::from(weekday)]));
        }
        let (from, to) = self.hours;
        (hour < from || hour >= to).then(|| format!("{hour}:00 is outside of the deploy window, {from} to {to}"))
    }
}

/// Everything decided in advance.
#[derive(Clone, Debug, PartialEq)]
pub struct RolloutPolicy {
    pub level: Level,
    pub rules: Vec<StopRule>,
    /// Seconds in which an updated device must be back.
    pub reconnect_s: u32,
    /// Seconds that a wave must have run well before the next one begins.
    pub soak_s: Option<u32>,
    pub window: Option<Window>,
    /// Who watches while it soaks; a wave with nobody is warned of, where a window is kept at all.
    pub on_call: Option<String>,
    /// Combinations that were tested, as attribute values: `firmware` of a campaign with others. Where there are some,
    /// what a campaign meets and is not among them is warned of.
    pub tested: Vec<BTreeMap<String, String>>,
}

impl Default for RolloutPolicy {
    fn default() -> Self {
        Self {
            level: Level::default(),
            rules: StopRule::usual(),
            reconnect_s: 300,
            soak_s: None,
            window: None,
            on_call: None,
            tested: Vec::new(),
        }
    }
}

/// A rule with its value now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    pub rule: String,
    pub wave: u16,
    /// The share of the devices started, of how many, and of the others; none where there are too few others to tell.
    pub value: f64,
    #[serde(flatten)]
    pub limit: Limit,
    pub sample: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub others: Option<f64>,
    pub crossed: bool,
}

impl Standing {
    /// What the others do, in words: `others 0.4 %`.
    pub fn beside(&self) -> String {
        self.others.map_or_else(|| "nobody to compare with".into(), |others| format!("others {}", percent(others)))
    }
}

/// `offline 33.3 % of 30, above 5.0 % (others 0.4 %)`: the value is held against its limit, so both have their tenths.
impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (value, share) = (self.value * 100.0, self.limit.share() * 100.0);
        let (word, beside) = (self.limit.word(), self.beside());
        write!(f, "{} {value:.1} % of {}, {word} {share:.1} % ({beside})", self.rule, self.sample)
    }
}

/// ` wave 2`; nothing for a rollout that has none.
pub fn of_wave(wave: u16) -> String {
    if wave == 0 { String::new() } else { format!(" wave {wave}") }
}

/// A measured value of a wave's devices beside that of the devices that no wave has touched: means of the last ones.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    pub name: String,
    pub wave: u16,
    pub value: f64,
    pub others: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_crossed_from_its_wrong_side() {
        let cases = [
            (Limit::Above(0.02), 0.03, Some(0.5), None, true),
            (Limit::Above(0.02), 0.02, Some(0.0), None, false),
            (Limit::Above(0.02), 0.03, Some(0.02), Some(3.0), false),
            (Limit::Above(0.02), 0.03, None, None, true),
            (Limit::Above(0.02), 0.03, None, Some(3.0), false),
            (Limit::Below(0.95), 0.94, Some(0.0), None, true),
            (Limit::Below(0.95), 0.95, Some(1.0), None, false),
            (Limit::Below(0.95), 0.90, Some(0.91), Some(1.05), false),
            (Limit::Below(0.95), 0.90, Some(0.99), Some(1.05), true),
            (Limit::Below(0.95), 0.90, None, Some(1.05), false),
        ];
        for (limit, value, others, times, expected) in cases {
            assert_eq!(
                limit.is_crossed(value, others, times),
                expected,
                "{value} {limit:?} others {others:?} {times:?}"
            );
        }
    }

    #[test]
    fn a_standing_is_written_as_it_always_was() {
        let old = r#"{"rule":"failed","wave":2,"value":0.25,"above":0.02,"sample":20,"others":0.0,"crossed":true}"#;
        let standing: Standing = serde_json::from_str(old).unwrap();
        assert_eq!(standing.limit, Limit::Above(0.02));
        assert_eq!(serde_json::to_string(&standing).unwrap(), old);
    }

    #[test]
    fn a_wave_begins_on_a_quiet_morning_or_not_at_all() {
        let window =
            Window { weekdays: vec![1, 2], hours: (8, 12), utc_offset_s: 3_600, holidays: vec!["2026-11-24".into()] };
        let cases = [
            ("2026-11-18T08:30:00Z", None),
            ("2026-11-18T06:59:00Z", Some("7:00 is outside")),
            ("2026-11-18T07:00:00Z", None),
            ("2026-11-18T11:00:00Z", Some("12:00 is outside")),
            ("2026-11-20T09:00:00Z", Some("it is Friday")),
            ("2026-11-24T09:00:00Z", Some("2026-11-24 is a holiday")),
        ];
        for (at, expected) in cases {
            let told = window.objection(at.parse().unwrap());
            match expected {
                None => assert_eq!(told, None, "{at}"),
                Some(part) => assert!(told.as_ref().is_some_and(|told| told.contains(part)), "{at}: {told:?}"),
            }
        }
    }
}
