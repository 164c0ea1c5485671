//! Routes: which topic is about what. Patterns are configuration, so that a fleet with its own topics needs no code.

use super::decode::mapped::Mapping;
use crate::domain::fault::Fault;
use crate::limits;

/// Levels of a topic that are looked at; a deeper one fits no route.
const LEVELS: usize = 12;

/// What a message on a route is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MessageKind {
    Status,
    Telemetry,
    Event,
    Ota,
    ConfigReported,
    /// Sent to devices, not by them: known, and not read.
    ToDevice,
    /// An answer to a request.
    Answer,
    CampaignState,
    CampaignControl,
}

impl MessageKind {
    /// The word in the configuration.
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "status" => Self::Status,
            "telemetry" => Self::Telemetry,
            "event" => Self::Event,
            "ota" => Self::Ota,
            "config-reported" => Self::ConfigReported,
            "to-device" => Self::ToDevice,
            "answer" => Self::Answer,
            "campaign-state" => Self::CampaignState,
            "campaign-control" => Self::CampaignControl,
            _ => return None,
        })
    }

    /// Every word that [`MessageKind::parse`] knows.
    pub const WORDS: [&str; 9] = [
        "status",
        "telemetry",
        "event",
        "ota",
        "config-reported",
        "to-device",
        "answer",
        "campaign-state",
        "campaign-control",
    ];
}

/// How payloads on a route are written.
#[derive(Clone, Debug, PartialEq)]
pub enum Format {
    Standard,
    /// JSON with the fleet's own names, and where to find ours in it.
    Json(Box<Mapping>),
    Sparkplug,
    Aws,
    Emqx,
    Mosquitto,
    Tasmota,
    Zigbee2mqtt,
    Esphome,
    HomeAssistant,
    Shelly,
    Homie,
    Thingsboard,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Level {
    Literal(String),
    Device,
    Site,
    Campaign,
    Action,
    Any,
    /// This level and all below it.
    Rest,
}

impl Level {
    fn parse(level: &str) -> Result<Self, String> {
        match level {
            "{device}" => Ok(Self::Device),
            "{site}" => Ok(Self::Site),
            "{campaign}" => Ok(Self::Campaign),
            "{action}" => Ok(Self::Action),
            "{any}" => Ok(Self::Any),
            "" => Err("a level of the topic is empty".to_owned()),
            word if word.contains(['{', '}', '+', '#']) => Err(format!(
                "unknown level `{word}`; expected a word, {{device}}, {{site}}, {{campaign}}, {{action}} or {{any}}"
            )),
            word => Ok(Self::Literal(word.to_owned())),
        }
    }
}

/// A topic pattern with what it is about.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    levels: Vec<Level>,
    open_ended: bool,
    pub kind: MessageKind,
    pub format: Format,
}

impl Route {
    /// Reads `fleet/{site}/{device}/telemetry`. A level is a word, `{device}`, `{site}`, `{campaign}`, `{action}` or `{any}`.
    ///
    /// # Errors
    /// A sentence about what is wrong with the pattern.
    pub fn parse(pattern: &str, kind: MessageKind, format: Format) -> Result<Self, String> {
        let levels: Vec<Level> = pattern.split('/').map(Level::parse).collect::<Result<_, _>>()?;
        let has = |level: &Level| levels.contains(level);
        let about_campaign = matches!(kind, MessageKind::CampaignState | MessageKind::CampaignControl);
        match kind {
            _ if levels.len() > LEVELS => Err(format!("more than {LEVELS} levels")),
            MessageKind::ToDevice => Ok(()),
            _ if about_campaign && (has(&Level::Campaign) || has(&Level::Action)) => Ok(()),
            _ if about_campaign => Err("a campaign's topic needs a level {campaign}".into()),
            _ if has(&Level::Device) => Ok(()),
            _ if matches!(&format, Format::Json(mapping) if mapping.names_device()) => Ok(()),
            _ => Err("a device's topic needs a level {device}".into()),
        }?;
        Ok(Self { levels, open_ended: false, kind, format })
    }

    /// Reads a preset's pattern: like [`Route::parse`], but the device may stand elsewhere, and the last level may be
    /// `{rest}`, which is everything from there on. The decoder knows what kind of message it is.
    fn preset(pattern: &str, format: &Format) -> Result<Self, String> {
        let (pattern, open_ended) = pattern.strip_suffix("/{rest}").map_or((pattern, false), |above| (above, true));
        let mut levels: Vec<Level> = pattern.split('/').map(Level::parse).collect::<Result<_, _>>()?;
        if open_ended {
            levels.push(Level::Rest);
        }
        if levels.len() > LEVELS {
            return Err(format!("more than {LEVELS} levels"));
        }
        Ok(Self { levels, open_ended, kind: MessageKind::Telemetry, format: format.clone() })
    }

    /// The subscription that brings what this route reads.
    pub fn filter(&self) -> String {
        let word = |level: &Level| match level {
            Level::Literal(word) => word.clone(),
            Level::Rest => "#".into(),
            _ => "+".into(),
        };
        self.levels.iter().map(word).collect::<Vec<_>>().join("/")
    }

    fn read<'a>(&'a self, topic: &'a str, levels: &[&'a str]) -> Option<Routed<'a>> {
        let fits = levels.len() == self.levels.len() || (self.open_ended && levels.len() > self.levels.len());
        if !fits {
            return None;
        }
        let mut routed = Routed { route: self, device: None, site: None, campaign: None, action: None, rest: "" };
        for (place, (pattern, level)) in self.levels.iter().zip(levels).enumerate() {
            match pattern {
                Level::Literal(word) if word == level => {}
                Level::Literal(_) => return None,
                Level::Device => routed.device = Some(level),
                Level::Site => routed.site = Some(level),
                Level::Campaign => routed.campaign = Some(level),
                Level::Action => routed.action = Some(level),
                Level::Any => {}
                Level::Rest => {
                    let above: usize = levels[..place].iter().map(|level| level.len() + 1).sum();
                    routed.rest = &topic[above..];
                }
            }
        }
        Some(routed)
    }
}

/// What a topic says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Routed<'a> {
    pub route: &'a Route,
    pub device: Option<&'a str>,
    pub site: Option<&'a str>,
    pub campaign: Option<&'a str>,
    pub action: Option<&'a str>,
    /// What an open-ended route leaves to its decoder.
    pub rest: &'a str,
}

/// All routes of a fleet; the first that fits is taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Router {
    routes: Vec<Route>,
    subscriptions: Vec<String>,
    /// Names of devices differ within a site only.
    names_per_site: bool,
}

impl Router {
    /// These routes, with the subscriptions that bring them unless others are given.
    pub fn new(routes: Vec<Route>, subscriptions: Vec<String>) -> Self {
        let mut subscriptions = subscriptions;
        if subscriptions.is_empty() {
            subscriptions = routes.iter().map(Route::filter).collect();
            subscriptions.sort();
            subscriptions.dedup();
        }
        Self { routes, subscriptions, names_per_site: false }
    }

    /// The routes of a preset, with the subscriptions that bring them.
    pub(super) fn preset(patterns: &[String], format: &Format) -> Result<Self, String> {
        let routes = patterns.iter().map(|pattern| Route::preset(pattern, format)).collect::<Result<_, _>>()?;
        Ok(Self::new(routes, Vec::new()))
    }

    /// The routes of several, in their order.
    #[must_use]
    pub fn joined(parts: Vec<Self>) -> Self {
        let mut joined = Self { routes: Vec::new(), subscriptions: Vec::new(), names_per_site: false };
        for part in parts {
            joined.routes.extend(part.routes);
            joined.subscriptions.extend(part.subscriptions);
        }
        joined.subscriptions.sort();
        joined.subscriptions.dedup();
        joined
    }

    /// The routes of the standard format below `root`, subscribed as a whole so that strays are seen too.
    ///
    /// # Errors
    /// When `root` cannot be the beginning of a topic.
    pub fn standard(root: &str) -> Result<Self, String> {
        use MessageKind::{
            Answer, CampaignControl, CampaignState, ConfigReported, Event, Ota, Status, Telemetry, ToDevice,
        };
        let routes = [
            ("{site}/{device}/telemetry", Telemetry),
            ("{site}/{device}/status", Status),
            ("{site}/{device}/event", Event),
            ("{site}/{device}/ota", Ota),
            ("{site}/{device}/config/reported", ConfigReported),
            ("{site}/{device}/config/desired", ToDevice),
            ("{site}/{device}/firmware/desired", ToDevice),
            ("{site}/{device}/diagnostics/response", Answer),
            ("{site}/{device}/diagnostics/{any}", ToDevice),
            ("{site}/{device}/{any}/ack", Answer),
            ("ota/{campaign}/state", CampaignState),
            ("ota/{campaign}/control", CampaignControl),
            ("cmd/{campaign}/{action}", CampaignControl),
            // A switch's calls and their answers, which the room reads as such, and what a broker says of refused clients.
            ("access/{device}/control", ToDevice),
            ("access/{device}/response", ToDevice),
            ("access/{device}/refused", ToDevice),
        ];
        let routes = routes.map(|(pattern, kind)| Route::parse(&format!("{root}/{pattern}"), kind, Format::Standard));
        let routes = routes.into_iter().collect::<Result<_, _>>()?;
        Ok(Self::new(routes, vec![format!("{root}/#")]))
    }

    /// The same routes, with other subscriptions.
    #[must_use]
    pub fn subscribed(self, subscriptions: Vec<String>) -> Self {
        Self { subscriptions, ..self }
    }

    /// The same routes, where names of devices differ within a site only.
    ///
    /// # Errors
    /// When no topic tells the site of a device, or one that is not a preset's names a device without its site.
    pub fn with_names_per_site(self) -> Result<Self, String> {
        let has = |route: &Route, level: &Level| route.levels.contains(level) && route.kind != MessageKind::ToDevice;
        let is_ours = |route: &&Route| matches!(route.format, Format::Standard | Format::Json(_));
        if !self.routes.iter().any(|route| has(route, &Level::Site)) {
            return Err("`names_per_site` needs a route whose topic has a level {site}".into());
        }
        let mut named = self.routes.iter().filter(is_ours).filter(|route| has(route, &Level::Device));
        match named.find(|route| !has(route, &Level::Site)) {
            Some(siteless) => Err(format!("`names_per_site`: the topic {} says no {{site}}", siteless.filter())),
            None => Ok(Self { names_per_site: true, ..self }),
        }
    }

    pub const fn names_per_site(&self) -> bool {
        self.names_per_site
    }

    pub fn subscriptions(&self) -> &[String] {
        &self.subscriptions
    }

    /// What a topic is about; none for one that is known and not for us.
    pub(super) fn route<'a>(&'a self, topic: &'a str) -> Result<Option<Routed<'a>>, Fault> {
        let mut levels = [""; LEVELS];
        let mut n = 0;
        let mut rest = topic;
        // By bytes: levels are so short that a search for the next slash costs more than it saves.
        while let Some(end) = rest.bytes().position(|byte| byte == b'/') {
            if end == 0 || n == LEVELS - 1 {
                return Err(Fault::BadTopic);
            }
            levels[n] = &rest[..end];
            n += 1;
            rest = &rest[end + 1..];
        }
        if rest.is_empty() {
            return Err(Fault::BadTopic);
        }
        levels[n] = rest;
        n += 1;
        let routed = self.routes.iter().find_map(|route| route.read(topic, &levels[..n])).ok_or(Fault::BadTopic)?;
        if routed.device.is_some_and(|id| id.len() > limits::DEVICE_ID * 4) {
            return Err(Fault::IdTooLong);
        }
        Ok((routed.route.kind != MessageKind::ToDevice).then_some(routed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_read_by_the_first_route_that_fits() {
        let router = Router::standard("fleet").unwrap();
        // (topic, kind, device, site, campaign)
        let cases = [
            ("fleet/ams1/d-1/telemetry", Some((MessageKind::Telemetry, Some("d-1"), Some("ams1"), None))),
            ("fleet/ota/fw-3.2.5/state", Some((MessageKind::CampaignState, None, None, Some("fw-3.2.5")))),
            ("fleet/ota/d-1/status", Some((MessageKind::Status, Some("d-1"), Some("ota"), None))),
            ("fleet/ams1/d-1/config/desired", None),
            ("fleet/ams1/d-1/cred/ack", Some((MessageKind::Answer, Some("d-1"), Some("ams1"), None))),
        ];
        for (topic, expected) in cases {
            let routed = router.route(topic).unwrap();
            assert_eq!(routed.map(|r| (r.route.kind, r.device, r.site, r.campaign)), expected, "{topic}");
        }
        for topic in [
            "fleet//d/telemetry",
            "fleet/a/d/telemetry/extra/deep",
            "other/x",
            "",
            "fleet/a/d/nonsense",
            &"/x".repeat(200),
        ] {
            assert_eq!(router.route(topic), Err(Fault::BadTopic), "{topic}");
        }
        assert_eq!(router.route(&format!("fleet/a/{}/status", "d".repeat(60_000))), Err(Fault::IdTooLong));
    }

    #[test]
    fn a_pattern_with_a_mistake_is_explained() {
        let cases = [
            ("fleet/{device}/x", MessageKind::Telemetry, Ok("fleet/+/x")),
            ("fleet//x", MessageKind::Telemetry, Err("is empty")),
            ("fleet/{divice}", MessageKind::Telemetry, Err("unknown level `{divice}`")),
            ("fleet/+/x", MessageKind::Telemetry, Err("unknown level `+`")),
            ("fleet/x", MessageKind::Telemetry, Err("needs a level {device}")),
            ("fleet/x", MessageKind::CampaignState, Err("needs a level {campaign}")),
        ];
        for (pattern, kind, expected) in cases {
            match (Route::parse(pattern, kind, Format::Standard), expected) {
                (Ok(route), Ok(filter)) => assert_eq!(route.filter(), filter),
                (Err(error), Err(part)) => assert!(error.contains(part), "{pattern}: {error}"),
                other => panic!("{pattern}: {other:?}"),
            }
        }
    }
}
