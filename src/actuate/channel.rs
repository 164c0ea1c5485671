//! Channels: an update made into what each kind of them takes: the request of a chat, of a pager or a status page, a file
//! of cState, the arguments of a program.
//!
//! What people wrote is text everywhere: it becomes no markup, no mention, no shortcode.

mod answer;
mod cstate;
mod page;

use std::path::PathBuf;

use serde_json::{Value, json};

use super::{Ways, exec, http};
use crate::domain::incident::Severity;
use crate::domain::input::{Heard, Outcome, Telling, Word};
use crate::domain::switch::call::{Expect, Request, Run};
use crate::domain::update::way::Way;
use crate::domain::update::{Thread, UpdateKind};

/// What is to be carried out.
#[derive(Clone, Debug, PartialEq)]
pub enum Errand {
    Ask {
        method: &'static str,
        url: String,
        headers: Vec<(String, String)>,
        body: String,
    },
    Run {
        argv: Vec<String>,
    },
    Write {
        path: PathBuf,
    },
    /// This channel cannot carry this update, and why.
    Impossible(String),
}

/// Carries a word out, and says what came of it.
pub async fn carry(telling: Telling, ways: &Ways) -> Heard {
    let telling = harmless(telling);
    match errand(&telling) {
        Errand::Impossible(reason) => heard(Outcome::NotSent { reason }),
        Errand::Run { argv } => {
            let run = Run { argv, env: Vec::new(), expect: Expect::default(), timeout_s: telling.timeout_s };
            heard(exec::run(&run, &*ways.secrets).await)
        }
        Errand::Ask { method, url, headers, body } => {
            let request = Request {
                method: method.into(),
                url,
                headers,
                body: Some(body),
                expect: Expect::default(),
                read_back: None,
                // Told twice is worse than told late: a person decides whether it is tried again.
                idempotent: false,
                timeout_s: telling.timeout_s,
                ca_file: None,
            };
            let secrets = ways.secrets.clone();
            blocking(move || answer::judge(&telling, http::ask(&request, &*secrets))).await
        }
        Errand::Write { path } => {
            blocking(move || {
                let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
                let outcome = cstate::write(&telling, &path);
                let written = outcome == Outcome::Sent;
                let answer = name.clone().filter(|_| written).map(|name| format!("written to {name}"));
                Heard { answer, reference: name.filter(|_| written), ..heard(outcome) }
            })
            .await
        }
    }
}

/// What came of it, where nothing was answered beside it.
fn heard(outcome: Outcome) -> Heard {
    Heard { outcome, answer: None, reference: None, took_ms: 0 }
}

async fn blocking(work: impl FnOnce() -> Heard + Send + 'static) -> Heard {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| heard(Outcome::Unknown { reason: error.to_string() }))
}

/// The words without what would be taken for a secret's place: what people write never fetches one.
fn harmless(telling: Telling) -> Telling {
    let spoilt = |text: &str| text.replace("{secret:", "{ secret:");
    Telling { title: spoilt(&telling.title), text: spoilt(&telling.text), ..telling }
}

/// What a channel makes of a word.
pub fn errand(telling: &Telling) -> Errand {
    let headline = match telling.incident {
        Some(incident) => format!("{} {incident} {}", telling.severity, telling.title),
        None => telling.title.clone(),
    };
    match &telling.way {
        Way::Slack { url } => {
            let text = format!("*{}*\n{}", slack(&headline), slack(&telling.text));
            post(url.clone(), None, &json!({ "text": text }))
        }
        Way::Teams { url } => post(url.clone(), None, &card(&headline, &telling.text)),
        Way::PagerDuty { url, key } => post(url.clone(), None, &pager(key, &headline, telling)),
        Way::Webhook { url } => post(
            url.clone(),
            None,
            &json!({
                "schema": 1,
                "incident": telling.incident.map(|incident| incident.to_string()),
                "title": telling.title,
                "severity": telling.severity,
                "kind": telling.kind,
                "text": telling.text,
                "at": telling.at.to_string(),
            }),
        ),
        Way::Statuspage { .. } | Way::Instatus { .. } => page::errand(telling),
        Way::CState { directory, .. } => Errand::Write { path: cstate::file(directory, telling) },
        Way::Program { argv } => Errand::Run { argv: argv.iter().map(|word| filled(word, telling)).collect() },
    }
}

fn post(url: String, authorization: Option<String>, body: &Value) -> Errand {
    ask("POST", url, authorization, body)
}

fn ask(method: &'static str, url: String, authorization: Option<String>, body: &Value) -> Errand {
    let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    headers.extend(authorization.map(|value| ("authorization".to_owned(), value)));
    Errand::Ask { method, url, headers, body: body.to_string() }
}

/// The argument with what it asks for; each place is filled once, and what fills it is not looked into again.
fn filled(word: &str, telling: &Telling) -> String {
    let mut text = String::new();
    let mut rest = word;
    while let Some(at) = rest.find('{') {
        let (before, after) = rest.split_at(at);
        text += before;
        let Some(end) = after.find('}') else {
            rest = after;
            break;
        };
        let value = match &after[1..end] {
            "text" => telling.text.clone(),
            "title" => telling.title.clone(),
            "incident" => telling.incident.map(|incident| incident.to_string()).unwrap_or_default(),
            "severity" => telling.severity.to_string(),
            "kind" => telling.kind.id().to_owned(),
            _ => after[..=end].to_owned(),
        };
        text += &value;
        rest = &after[end + 1..];
    }
    text + rest
}

/// Slack reads `<…>` as links and mentions, and `&` as the beginning of what stands for them.
fn slack(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn card(headline: &str, text: &str) -> Value {
    let block = |text: &str, weight: &str| json!({ "type": "TextBlock", "text": text, "weight": weight, "wrap": true });
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "body": [block(headline, "bolder"), block(text, "default")],
            },
        }],
    })
}

/// PagerDuty's Events v2: one incident of theirs for each of ours. A notice is one of its own: it has to wake somebody.
fn pager(key: &str, headline: &str, telling: &Telling) -> Value {
    const SUMMARY: usize = 1024;
    let severity = match telling.severity {
        Severity::Sev1 => "critical",
        Severity::Sev2 => "error",
        Severity::Sev3 => "warning",
        Severity::Sev4 => "info",
    };
    let action = if telling.kind == UpdateKind::Resolved { "resolve" } else { "trigger" };
    json!({
        "routing_key": key,
        "event_action": action,
        "dedup_key": dedup_key(telling),
        "payload": {
            "summary": headline.chars().take(SUMMARY).collect::<String>(),
            "source": "warroom",
            "severity": severity,
            "timestamp": telling.at.to_string(),
            "custom_details": { "text": telling.text },
        },
    })
}

/// What PagerDuty calls it: as it has said itself, or by our room and number.
fn dedup_key(telling: &Telling) -> String {
    match (&telling.thread, telling.word) {
        (Thread::Known(key), _) => key.clone(),
        (_, Word::Notice { number }) => format!("{}-notice-{number}", telling.room),
        (_, Word::Update { incident, .. }) => format!("{}-{incident}", telling.room),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::IncidentId;

    fn telling(way: &Way, kind: UpdateKind, text: &str) -> Telling {
        Telling {
            word: Word::Update { incident: IncidentId(7), number: 1 },
            incident: Some(IncidentId(7)),
            room: "wr".into(),
            channel: "page".into(),
            way: way.clone(),
            timeout_s: 1,
            thread: Thread::New,
            kind,
            phase: crate::domain::response::Phase::Triage,
            title: "\"rev-B\": drops <b>".into(),
            severity: Severity::Sev1,
            began: "2026-11-20T17:32:35Z".parse().unwrap(),
            restored: Some("2026-11-20T18:02:00Z".parse().unwrap()),
            text: text.into(),
            at: "2026-11-20T17:45:00Z".parse().unwrap(),
        }
    }

    fn body(way: &Way, kind: UpdateKind) -> Value {
        match errand(&telling(way, kind, "<!channel> a & b")) {
            Errand::Ask { body, .. } => serde_json::from_str(&body).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_preset_makes_the_request_of_its_system() {
        let url = || "https://x.example".to_owned();
        let slack = body(&Way::Slack { url: url() }, UpdateKind::First);
        assert_eq!(slack["text"], "*SEV1 INC-7 \"rev-B\": drops &lt;b&gt;*\n&lt;!channel&gt; a &amp; b");
        let teams = body(&Way::Teams { url: url() }, UpdateKind::First);
        assert_eq!(teams["attachments"][0]["content"]["body"][1]["text"], "<!channel> a & b");
        let pager = Way::PagerDuty { url: url(), key: "{secret:pager}".into() };
        let page = body(&pager, UpdateKind::First);
        let is = (&page["event_action"], &page["dedup_key"], &page["payload"]["severity"]);
        assert_eq!(is, (&json!("trigger"), &json!("wr-INC-7"), &json!("critical")));
        assert_eq!(body(&pager, UpdateKind::Resolved)["event_action"], "resolve");
        let status = Way::Statuspage { url: url(), page: "p1".into(), key: "k".into() };
        match errand(&harmless(telling(&status, UpdateKind::First, "x"))) {
            Errand::Ask { url, headers, .. } => {
                assert_eq!(url, "https://x.example/v1/pages/p1/incidents");
                assert!(headers.contains(&("authorization".into(), "OAuth k".into())));
            }
            other => panic!("{other:?}"),
        }
        assert!(matches!(errand(&telling(&status, UpdateKind::Resolved, "x")), Errand::Impossible(_)));
        let program = Way::Program { argv: vec!["post".into(), "--to={incident}".into(), "{text}".into()] };
        let run = errand(&harmless(telling(&program, UpdateKind::First, "{title}")));
        assert_eq!(run, Errand::Run { argv: vec!["post".into(), "--to=INC-7".into(), "{title}".into()] });
    }

    #[test]
    fn what_people_write_never_fetches_a_secret() {
        let program = Way::Program { argv: vec!["{text}".into(), "{secret:token}".into()] };
        let run = errand(&harmless(telling(&program, UpdateKind::First, "{secret:token}")));
        assert_eq!(run, Errand::Run { argv: vec!["{ secret:token}".into(), "{secret:token}".into()] });
        let posted = body(&Way::Webhook { url: "u".into() }, UpdateKind::First);
        assert!(!posted.to_string().contains("{secret:"));
    }

    #[test]
    fn a_status_file_grows_by_a_word_at_a_time_and_says_when_it_is_over() {
        let directory = tempfile::tempdir().unwrap();
        let way = Way::CState { directory: directory.path().into(), affected: vec!["Thermostats".into()] };
        let path = directory.path().join("2026-11-20-inc-7.md");
        assert_eq!(errand(&harmless(telling(&way, UpdateKind::First, ""))), Errand::Write { path: path.clone() });
        assert_eq!(
            cstate::write(&telling(&way, UpdateKind::First, "we know {{< x >}} <script>"), &path),
            Outcome::Sent
        );
        let first = std::fs::read_to_string(&path).unwrap();
        assert!(
            first.contains("title: \"\\\"rev-B\\\": drops <b>\"\n") && first.contains("resolved: false\n"),
            "{first}"
        );
        assert!(!first.contains("<script>") && first.matches("{{<").count() == 1, "{first}");
        assert_eq!(cstate::write(&telling(&way, UpdateKind::Resolved, "over\n---\n"), &path), Outcome::Sent);
        let second = std::fs::read_to_string(&path).unwrap();
        assert!(second.contains("resolved: true\nresolvedWhen: \"2026-11-20 18:02:00\"\n"), "{second}");
        assert!(second.find("*Resolved*").unwrap() < second.find("*Investigating*").unwrap());
        assert_eq!(second.matches("section: issue").count(), 1);
        let nowhere = Way::CState { directory: "/no/such/place".into(), affected: Vec::new() };
        assert!(matches!(
            cstate::write(&telling(&nowhere, UpdateKind::First, "x"), std::path::Path::new("/no/such/place/x.md")),
            Outcome::NotSent { .. }
        ));
    }
}
