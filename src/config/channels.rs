//! `[[channel]]`: the ways to each audience.

use std::ops::Range;
use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

use crate::domain::text::visible;
use crate::domain::update::way::Way;
use crate::domain::update::{Audience, CLIPBOARD, ChannelInfo};

/// Seconds that a channel may take to answer: usually, and at most.
const USUAL_S: u32 = 20;
const LONGEST_S: u32 = 120;

/// A channel as its file has it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChannelSection {
    pub name: Spanned<String>,
    pub audience: Spanned<String>,
    pub kind: Spanned<Kind>,
    #[serde(default)]
    pub url: Option<String>,
    #[serde(default)]
    pub page: Option<String>,
    #[serde(default)]
    pub key: Option<String>,
    #[serde(default)]
    pub directory: Option<PathBuf>,
    #[serde(default)]
    pub affected: Vec<String>,
    #[serde(default)]
    pub argv: Vec<String>,
    /// Seconds that it may take to answer.
    #[serde(default)]
    pub timeout_s: Option<Spanned<u32>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Slack,
    Teams,
    PagerDuty,
    Statuspage,
    Instatus,
    Webhook,
    CState,
    Program,
}

impl Kind {
    const fn word(self) -> &'static str {
        match self {
            Self::Slack => "slack",
            Self::Teams => "teams",
            Self::PagerDuty => "pagerduty",
            Self::Statuspage => "statuspage",
            Self::Instatus => "instatus",
            Self::Webhook => "webhook",
            Self::CState => "cstate",
            Self::Program => "program",
        }
    }

    /// What it cannot do without.
    const fn needs(self) -> &'static [&'static str] {
        match self {
            Self::Slack | Self::Teams | Self::Webhook => &["url"],
            Self::PagerDuty => &["key"],
            Self::Statuspage | Self::Instatus => &["page", "key"],
            Self::CState => &["directory"],
            Self::Program => &["argv"],
        }
    }
}

impl ChannelSection {
    fn has(&self, what: &str) -> bool {
        match what {
            "url" => self.url.is_some(),
            "page" => self.page.is_some(),
            "key" => self.key.is_some(),
            "directory" => self.directory.is_some(),
            _ => !self.argv.is_empty(),
        }
    }

    fn check(&self, before: &[Self]) -> Option<(Range<usize>, String)> {
        let name = self.name.get_ref();
        if name.trim().is_empty() || name == CLIPBOARD || before.iter().any(|other| other.name.get_ref() == name) {
            return Some((self.name.span(), format!("`{name}` is no name of its own for a channel")));
        }
        let audience = self.audience.get_ref();
        if Audience::parse(audience).is_none() {
            let known = Audience::ALL.map(Audience::id).join(", ");
            return Some((self.audience.span(), format!("unknown audience `{audience}`; expected one of {known}")));
        }
        if let Some(timeout) = self.timeout_s.as_ref().filter(|timeout| !(1..=LONGEST_S).contains(timeout.get_ref())) {
            return Some((timeout.span(), format!("expected 1 to {LONGEST_S} seconds")));
        }
        let kind = *self.kind.get_ref();
        let lacking = kind.needs().iter().find(|what| !self.has(what))?;
        Some((self.kind.span(), format!("a channel by {} needs `{lacking}`", kind.word())))
    }

    /// How it is reached.
    fn way(&self) -> Way {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let at = |usual: &str| self.url.clone().unwrap_or_else(|| usual.to_owned()).trim_end_matches('/').to_owned();
        match self.kind.get_ref() {
            Kind::Slack => Way::Slack { url: text(&self.url) },
            Kind::Teams => Way::Teams { url: text(&self.url) },
            Kind::Webhook => Way::Webhook { url: text(&self.url) },
            Kind::PagerDuty => {
                Way::PagerDuty { url: at("https://events.pagerduty.com/v2/enqueue"), key: text(&self.key) }
            }
            Kind::Statuspage => {
                let (page, key) = (text(&self.page), text(&self.key));
                Way::Statuspage { url: at("https://api.statuspage.io"), page, key }
            }
            Kind::Instatus => {
                let (page, key) = (text(&self.page), text(&self.key));
                Way::Instatus { url: at("https://api.instatus.com"), page, key }
            }
            Kind::CState => {
                Way::CState { directory: self.directory.clone().unwrap_or_default(), affected: self.affected.clone() }
            }
            Kind::Program => Way::Program { argv: self.argv.clone() },
        }
    }

    /// The channel as the room knows it.
    pub fn info(&self) -> ChannelInfo {
        ChannelInfo {
            name: visible(self.name.get_ref()).into_owned(),
            audience: Audience::parse(self.audience.get_ref()).unwrap_or(Audience::Internal),
            kind: self.kind.get_ref().word().to_owned(),
            way: self.way(),
            timeout_s: self.timeout_s.as_ref().map_or(USUAL_S, |timeout| *timeout.get_ref()),
        }
    }
}

/// Checks all channels, and those through which the room itself tells the team something.
pub(super) fn check(channels: &[ChannelSection], notify: &[Spanned<String>]) -> Option<(Range<usize>, String)> {
    let wrong = channels.iter().enumerate().find_map(|(n, channel)| channel.check(&channels[..n]));
    wrong.or_else(|| notify.iter().find_map(|name| check_notify(channels, name)))
}

fn check_notify(channels: &[ChannelSection], name: &Spanned<String>) -> Option<(Range<usize>, String)> {
    let text = name.get_ref();
    let Some(channel) = channels.iter().find(|channel| channel.name.get_ref() == text) else {
        return Some((name.span(), format!("there is no [[channel]] called `{text}`")));
    };
    let status_page = matches!(channel.kind.get_ref(), Kind::Statuspage | Kind::Instatus | Kind::CState);
    let internal = channel.audience.get_ref() == Audience::Internal.id() && !status_page;
    let wrong = || format!("`{text}` is not for the team: what the room says by itself goes to internal channels only");
    (!internal).then(|| (name.span(), wrong()))
}
