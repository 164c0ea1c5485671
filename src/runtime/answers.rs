//! What systems answer to the publishes of switches, recognised by topic and by the id that they answer.

use std::sync::Arc;

use serde_json::Value;

use crate::domain::ids::ActuationId;
use crate::domain::input::{AnswerTo, Input, Outcome};
use crate::domain::switch::Switch;
use crate::domain::switch::call::Expect;
use crate::domain::text::visible_name;
use crate::limits;

/// How an answer is recognised.
#[derive(Debug)]
struct Rule {
    /// The levels of the topic; `None` where the device stands.
    levels: Vec<Option<String>>,
    /// Where the id stands in the payload.
    id: String,
    expect: Expect,
}

/// The answers that are waited for.
#[derive(Debug, Default)]
pub(super) struct Answers(Vec<Rule>);

/// The level of a topic that names the device.
const DEVICE: &str = "{device}";

impl Answers {
    pub(super) fn new(switches: &[Arc<Switch>]) -> Self {
        let replies = switches.iter().flat_map(|switch| &switch.steps).filter_map(|step| step.reply.as_ref());
        let rule = |reply: &crate::domain::switch::plan::Reply| Rule {
            levels: reply.rule.topic.split('/').map(|level| (level != DEVICE).then(|| level.to_owned())).collect(),
            id: reply.rule.id.clone(),
            expect: reply.expect.clone(),
        };
        Self(replies.map(rule).collect())
    }

    /// Adds what has to be subscribed to, where nothing else covers it: what is asked for twice may come twice.
    pub(super) fn subscribe(&self, subscriptions: &mut Vec<String>) {
        for rule in &self.0 {
            let levels: Vec<&str> = rule.levels.iter().map(|level| level.as_deref().unwrap_or("+")).collect();
            let filter = levels.join("/");
            if !subscriptions.iter().any(|known| covers(known, &filter)) {
                subscriptions.push(filter);
            }
        }
    }

    /// What a message answers, if it is an answer.
    pub(super) fn read(&self, topic: &[u8], payload: &[u8]) -> Option<Input> {
        if self.0.is_empty() {
            return None;
        }
        let topic = std::str::from_utf8(topic).ok()?;
        let fitting: Vec<(&Rule, Option<&str>)> =
            self.0.iter().filter_map(|rule| Some((rule, rule.fits(topic)?))).collect();
        let payload = (!fitting.is_empty() && payload.len() <= limits::PAYLOAD).then_some(payload)?;
        let json: Value = serde_json::from_slice(payload).ok()?;
        // Switches that share a topic share its rule: the first is as good as any.
        let (rule, device) = fitting.into_iter().next()?;
        let id = json.pointer(&rule.id)?.as_str()?;
        let (actuation, named) = id.split_once(':').map_or((id, device), |(actuation, named)| (actuation, Some(named)));
        let target =
            named.map_or(AnswerTo::All, |name| AnswerTo::Device(visible_name(name, limits::DEVICE_ID).into_owned()));
        let outcome = match rule.expect.judge_json(&json) {
            Ok(()) => Outcome::Accepted,
            Err(reason) => Outcome::Refused { reason },
        };
        let actuation = ActuationId(visible_name(actuation, limits::VALUE).into_owned());
        Some(Input::Answered { actuation, target, outcome })
    }
}

impl Rule {
    /// Whether a topic is one of this rule's, and the device it names.
    fn fits<'a>(&self, topic: &'a str) -> Option<Option<&'a str>> {
        let mut device = None;
        let mut levels = topic.split('/');
        for wanted in &self.levels {
            let level = levels.next()?;
            match wanted {
                Some(wanted) if wanted != level => return None,
                Some(_) => {}
                None => device = Some(level),
            }
        }
        levels.next().is_none().then_some(device)
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
        Answers::new(&switches)
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
