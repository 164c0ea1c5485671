//! What systems answer to the publishes of switches, recognised by topic and by the id that they answer.

use std::sync::Arc;

use serde_json::Value;

use crate::domain::ids::ActuationId;
use crate::domain::input::{AnswerTo, Input, Outcome};
use crate::domain::site;
use crate::domain::switch::Switch;
use crate::domain::switch::call::Expect;
use crate::domain::text::visible_name;
use crate::limits;

/// How an answer is recognised.
#[derive(Debug)]
struct Rule {
    levels: Vec<Level>,
    /// Where the id stands in the payload.
    id: String,
    expect: Expect,
}

/// A level of a topic.
#[derive(Debug)]
enum Level {
    Word(String),
    Site,
    Device,
}

/// The answers that are waited for.
#[derive(Debug, Default)]
pub(super) struct Answers {
    rules: Vec<Rule>,
    /// Names of devices differ within a site only.
    names_per_site: bool,
}

impl Answers {
    pub(super) fn new(switches: &[Arc<Switch>], names_per_site: bool) -> Self {
        let replies = switches.iter().flat_map(|switch| &switch.steps).filter_map(|step| step.reply.as_ref());
        let rule = |reply: &crate::domain::switch::plan::Reply| Rule {
            levels: reply.rule.topic.split('/').map(Level::read).collect(),
            id: reply.rule.id.clone(),
            expect: reply.expect.clone(),
        };
        Self { rules: replies.map(rule).collect(), names_per_site }
    }

    /// Adds what has to be subscribed to, where nothing else covers it: what is asked for twice may come twice.
    pub(super) fn subscribe(&self, subscriptions: &mut Vec<String>) {
        for rule in &self.rules {
            let levels: Vec<&str> = rule.levels.iter().map(Level::filter).collect();
            let filter = levels.join("/");
            if !subscriptions.iter().any(|known| covers(known, &filter)) {
                subscriptions.push(filter);
            }
        }
    }

    /// What a message answers, if it is an answer.
    pub(super) fn read(&self, topic: &[u8], payload: &[u8]) -> Option<Input> {
        if self.rules.is_empty() {
            return None;
        }
        let topic = std::str::from_utf8(topic).ok()?;
        let fitting: Vec<(&Rule, Named<'_>)> =
            self.rules.iter().filter_map(|rule| Some((rule, rule.fits(topic)?))).collect();
        let payload = (!fitting.is_empty() && payload.len() <= limits::PAYLOAD).then_some(payload)?;
        let json: Value = serde_json::from_slice(payload).ok()?;
        // Switches that share a topic share its rule: the first is as good as any.
        let (rule, named) = fitting.into_iter().next()?;
        let id = json.pointer(&rule.id)?.as_str()?;
        let by_topic = named.device.map(|device| self.called(named.site, device));
        let (actuation, device) = match id.split_once(':') {
            Some((actuation, device)) => (actuation, Some(visible_name(device, limits::DEVICE_ID).into_owned())),
            None => (id, by_topic),
        };
        let target = device.map_or(AnswerTo::All, AnswerTo::Device);
        let outcome = match rule.expect.judge_json(&json) {
            Ok(()) => Outcome::Accepted,
            Err(reason) => Outcome::Refused { reason },
        };
        let actuation = ActuationId(visible_name(actuation, limits::VALUE).into_owned());
        Some(Input::Answered { actuation, target, outcome })
    }

    /// What the room calls the device that a topic names.
    fn called(&self, site: Option<&str>, device: &str) -> String {
        site::called(device, site.filter(|_| self.names_per_site), limits::DEVICE_ID).into_owned()
    }
}

impl Level {
    fn read(level: &str) -> Self {
        match level {
            "{device}" => Self::Device,
            "{site}" => Self::Site,
            word => Self::Word(word.to_owned()),
        }
    }

    fn filter(&self) -> &str {
        match self {
            Self::Word(word) => word,
            Self::Site | Self::Device => "+",
        }
    }
}

/// Whom a topic names.
#[derive(Clone, Copy, Debug, Default)]
struct Named<'a> {
    site: Option<&'a str>,
    device: Option<&'a str>,
}

impl Rule {
    /// Whom a topic names, if it is one of this rule's.
    fn fits<'a>(&self, topic: &'a str) -> Option<Named<'a>> {
        let mut named = Named::default();
        let mut levels = topic.split('/');
        for wanted in &self.levels {
            let level = levels.next()?;
            match wanted {
                Level::Word(wanted) if wanted != level => return None,
                Level::Word(_) => {}
                Level::Site => named.site = Some(level),
                Level::Device => named.device = Some(level),
            }
        }
        levels.next().is_none().then_some(named)
    }
}

/// Whether everything that `narrow` matches is matched by `wide` too.
fn covers(wide: &str, narrow: &str) -> bool {
    // Wildcards at the beginning do not match what begins with `$`.
    if narrow.starts_with('$') && wide.starts_with(['+', '#']) {
        return false;
    }
    let (mut wide, mut narrow) = (wide.split('/'), narrow.split('/'));
    loop {
        match (wide.next(), narrow.next()) {
            (Some("#"), _) => return true,
            (Some("+"), Some(level)) if level != "#" => {}
            (Some(a), Some(b)) if a == b => {}
            (None, None) => return true,
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::switch::standard::access;

    fn answers() -> Answers {
        let mut switches: Vec<Arc<Switch>> = access("fleet").into_iter().map(Arc::new).collect();
        let mut dynsec = (*switches[0]).clone();
        let reply = dynsec.steps[0].reply.as_mut().unwrap();
        reply.rule.topic = "$CONTROL/dynamic-security/v1/response".into();
        reply.rule.id = "/responses/0/correlationData".into();
        reply.expect.absent = Some("/responses/0/error".into());
        switches.push(Arc::new(dynsec));
        Answers::new(&switches, false)
    }

    #[test]
    fn an_answer_is_recognised_by_topic_and_id() {
        let of = |id: &str, to, outcome| Some((ActuationId(id.into()), to, outcome));
        let refused = |reason: &str| Outcome::Refused { reason: reason.into() };
        let device = |name: &str| AnswerTo::Device(name.into());
        let cases = [
            ("fleet/access/th-7/response", r#"{"request_id":"wr-4"}"#, of("wr-4", device("th-7"), Outcome::Accepted)),
            (
                "fleet/access/th-7/response",
                r#"{"request_id":"wr-4","error":"no such device"}"#,
                of("wr-4", device("th-7"), refused("no such device")),
            ),
            (
                "$CONTROL/dynamic-security/v1/response",
                r#"{"responses":[{"command":"disableClient","correlationData":"wr-4:th-7"}]}"#,
                of("wr-4", device("th-7"), Outcome::Accepted),
            ),
            ("fleet/access/th-7/control", r#"{"request_id":"wr-4"}"#, None),
            ("fleet/access/th-7/response", "{", None),
            ("fleet/access/th-7/response/x", r#"{"request_id":"wr-4"}"#, None),
        ];
        for (topic, payload, expected) in cases {
            let read = answers().read(topic.as_bytes(), payload.as_bytes()).map(|input| match input {
                Input::Answered { actuation, target, outcome } => (actuation, target, outcome),
                other => panic!("{other:?}"),
            });
            assert_eq!(read, expected, "{topic} {payload}");
        }
    }

    #[test]
    fn where_names_differ_within_a_site_only_an_answer_is_of_one_of_them() {
        let mut switch = access("fleet").swap_remove(0);
        switch.steps[0].reply.as_mut().unwrap().rule.topic = "gate/{site}/{device}/done".into();
        let switches = [Arc::new(switch)];
        for (names_per_site, called) in [(true, "fra/gw-1"), (false, "gw-1")] {
            let answers = Answers::new(&switches, names_per_site);
            let read = answers.read(b"gate/fra/gw-1/done", br#"{"request_id":"wr-4"}"#).unwrap();
            let Input::Answered { target, .. } = read else { panic!("{read:?}") };
            assert_eq!(target, AnswerTo::Device(called.into()));
            let mut subscriptions = Vec::new();
            answers.subscribe(&mut subscriptions);
            assert_eq!(subscriptions, ["gate/+/+/done"]);
        }
    }

    #[test]
    fn only_what_nothing_covers_is_subscribed_to() {
        let mut subscriptions = vec!["fleet/#".to_owned(), "#".to_owned()];
        answers().subscribe(&mut subscriptions);
        assert_eq!(subscriptions, ["fleet/#", "#", "$CONTROL/dynamic-security/v1/response"]);
        let cases = [("a/+", "a/b", true), ("a/b", "a/+", false), ("a/#", "a", true), ("a", "a/b", false)];
        for (wide, narrow, expected) in cases {
            assert_eq!(covers(wide, narrow), expected, "{wide} {narrow}");
        }
    }
}
