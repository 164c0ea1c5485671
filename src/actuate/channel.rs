//! Channels: an update made into what each kind of them takes: the request of a chat, of a pager or a status page, a file
//! of cState, the arguments of a program.
//!
//! What people wrote is text everywhere: it becomes no markup, no mention, no shortcode.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{Ways, tell};
use crate::domain::incident::Severity;
use crate::domain::input::{Outcome, Telling};
use crate::domain::switch::Call;
use crate::domain::switch::call::{Expect, Request, Run};
use crate::domain::update::UpdateKind;
use crate::domain::update::way::Way;

/// Bytes of a status file that is read before it is written anew.
const STATUS_FILE: u64 = 1024 * 1024;

/// What is to be carried out.
#[derive(Clone, Debug, PartialEq)]
pub enum Errand {
    Post {
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

/// Carries an update out, and says what came of it.
pub async fn carry(telling: Telling, ways: &Ways) -> Outcome {
    /// Seconds that a channel may take.
    const PATIENCE_S: u32 = 20;
    match errand(&telling.way, &telling) {
        Errand::Impossible(reason) => Outcome::NotSent { reason },
        Errand::Run { argv } => {
            let run = Run { argv, env: Vec::new(), expect: Expect::default(), timeout_s: PATIENCE_S };
            tell(Call::Run(run), ways).await
        }
        Errand::Post { url, headers, body } => {
            let request = Request {
                method: "POST".into(),
                url,
                headers,
                body: Some(body),
                expect: Expect::default(),
                read_back: None,
                // Told twice is worse than told late: a person decides whether it is tried again.
                idempotent: false,
                timeout_s: PATIENCE_S,
                ca_file: None,
            };
            tell(Call::Request(request), ways).await
        }
        Errand::Write { path } => {
            let written = tokio::task::spawn_blocking(move || write(&telling.way, &telling, &path)).await;
            written.unwrap_or_else(|error| Outcome::Unknown { reason: error.to_string() })
        }
    }
}

/// The words without what would be taken for a secret's place: what people write never fetches one.
fn harmless(telling: &Telling) -> Telling {
    let spoilt = |text: &str| text.replace("{secret:", "{ secret:");
    Telling { title: spoilt(&telling.title), text: spoilt(&telling.text), ..telling.clone() }
}

/// What a channel makes of an update.
pub fn errand(way: &Way, telling: &Telling) -> Errand {
    let telling = &harmless(telling);
    let json_type = || ("content-type".to_owned(), "application/json".to_owned());
    let post = |url: String, headers: Vec<(String, String)>, body: Value| {
        let headers = std::iter::once(json_type()).chain(headers).collect();
        Errand::Post { url, headers, body: body.to_string() }
    };
    let headline = format!("{} {} {}", telling.severity, telling.incident, telling.title);
    match way {
        Way::Slack { url } => {
            let text = format!("*{}*\n{}", slack(&headline), slack(&telling.text));
            post(url.clone(), Vec::new(), json!({ "text": text }))
        }
        Way::Teams { url } => post(url.clone(), Vec::new(), card(&headline, &telling.text)),
        Way::PagerDuty { url, key } => post(url.clone(), Vec::new(), page(key, &headline, telling)),
        Way::Webhook { url } => post(
            url.clone(),
            Vec::new(),
            json!({
                "schema": 1,
                "incident": telling.incident.to_string(),
                "title": telling.title,
                "severity": telling.severity,
                "kind": telling.kind,
                "text": telling.text,
                "at": telling.at.to_string(),
            }),
        ),
        // Both give an incident an id of their own, by which alone it can be gone on with.
        Way::Statuspage { .. } | Way::Instatus { .. } if telling.kind != UpdateKind::First => Errand::Impossible(
            "only the first word opens an incident there; post this one by hand, from the clipboard".into(),
        ),
        Way::Statuspage { url, page, key } => post(
            format!("{url}/v1/pages/{page}/incidents"),
            vec![("authorization".into(), format!("OAuth {key}"))],
            json!({ "incident": { "name": telling.title, "status": "investigating", "body": telling.text } }),
        ),
        Way::Instatus { url, page, key } => post(
            format!("{url}/v1/{page}/incidents"),
            vec![("authorization".into(), format!("Bearer {key}"))],
            json!({
                "name": telling.title,
                "message": telling.text,
                "components": [],
                "statuses": [],
                "status": "INVESTIGATING",
                "started": telling.began.to_string(),
                "notify": true,
                "shouldPublish": true,
            }),
        ),
        Way::CState { directory, .. } => {
            let day = telling.began.utc().format("%Y-%m-%d");
            let name = format!("{day}-{}.md", telling.incident.to_string().to_lowercase());
            Errand::Write { path: directory.join(name) }
        }
        Way::Program { argv } => Errand::Run { argv: argv.iter().map(|word| filled(word, telling)).collect() },
    }
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
            "incident" => telling.incident.to_string(),
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

/// PagerDuty's Events v2: one incident of theirs for each of ours, by its number.
fn page(key: &str, headline: &str, telling: &Telling) -> Value {
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
        "dedup_key": format!("warroom-{}", telling.incident),
        "payload": {
            "summary": headline.chars().take(SUMMARY).collect::<String>(),
            "source": "warroom",
            "severity": severity,
            "timestamp": telling.at.to_string(),
            "custom_details": { "text": telling.text },
        },
    })
}

/// Writes an update into the status file of its incident: the newest word on top, beside the file and then in its place.
pub fn write(way: &Way, telling: &Telling, path: &Path) -> Outcome {
    let Way::CState { directory, affected } = way else {
        return Outcome::NotSent { reason: "this channel writes no file".into() };
    };
    let not_sent = |what: &str, error: std::io::Error| Outcome::NotSent { reason: format!("{what}: {error}") };
    if !directory.is_dir() {
        let reason = format!("{} is no directory; expected the content/issues of a cState site", directory.display());
        return Outcome::NotSent { reason };
    }
    let before = match std::fs::metadata(path) {
        Ok(meta) if meta.len() > STATUS_FILE => {
            return Outcome::NotSent { reason: format!("{} is too large to be one of ours", path.display()) };
        }
        Ok(_) => match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => return not_sent(&path.display().to_string(), error),
        },
        Err(_) => String::new(),
    };
    let words = before.splitn(3, "---\n").nth(2).unwrap_or_default().trim_start();
    let beside = path.with_extension("md.new");
    let text = format!("{}\n{}{words}", front(telling, affected), word(telling));
    if let Err(error) = std::fs::write(&beside, text).and_then(|()| std::fs::rename(&beside, path)) {
        return not_sent(&path.display().to_string(), error);
    }
    Outcome::Sent
}

fn front(telling: &Telling, affected: &[String]) -> String {
    let clock = |at: crate::domain::time::At| at.utc().format("%Y-%m-%d %H:%M:%S").to_string();
    let resolved = telling.kind == UpdateKind::Resolved;
    let when = telling.restored.filter(|_| resolved).map(clock).unwrap_or_default();
    let severity = match telling.severity {
        Severity::Sev1 => "down",
        Severity::Sev2 | Severity::Sev3 => "disrupted",
        Severity::Sev4 => "notice",
    };
    // A JSON string is a YAML string, whatever stands in it.
    let quoted = |text: &str| Value::from(text).to_string();
    let affected: String = affected.iter().map(|system| format!("  - {}\n", quoted(system))).collect();
    format!(
        "---\nsection: issue\ntitle: {}\ndate: {}\nresolved: {resolved}\nresolvedWhen: {}\nseverity: {severity}\n\
         affected:\n{affected}---\n",
        quoted(&telling.title),
        clock(telling.began),
        quoted(&when),
    )
}

/// One word of the page. Hugo's shortcodes and raw HTML are taken apart.
fn word(telling: &Telling) -> String {
    let text = telling.text.replace('<', "&lt;").replace("{{", "{&#8203;{").replace("---", "- - -");
    let name = match telling.kind {
        UpdateKind::First => "Investigating",
        UpdateKind::Update => "Update",
        UpdateKind::Resolved => "Resolved",
    };
    let at = telling.at.utc().format("%Y-%m-%d %H:%M:%S");
    format!("*{name}* - {text} {{{{< track \"{at}\" >}}}}\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::IncidentId;

    fn telling(kind: UpdateKind, text: &str) -> Telling {
        Telling {
            incident: IncidentId(7),
            number: 1,
            channel: "page".into(),
            way: Way::Webhook { url: "https://x.example".into() },
            kind,
            title: "\"rev-B\": drops <b>".into(),
            severity: Severity::Sev1,
            began: "2026-11-20T17:32:35Z".parse().unwrap(),
            restored: Some("2026-11-20T18:02:00Z".parse().unwrap()),
            text: text.into(),
            at: "2026-11-20T17:45:00Z".parse().unwrap(),
        }
    }

    fn body(way: &Way, kind: UpdateKind) -> Value {
        match errand(way, &telling(kind, "<!channel> a & b")) {
            Errand::Post { body, .. } => serde_json::from_str(&body).unwrap(),
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
        assert_eq!(is, (&json!("trigger"), &json!("warroom-INC-7"), &json!("critical")));
        assert_eq!(body(&pager, UpdateKind::Resolved)["event_action"], "resolve");
        let status = Way::Statuspage { url: url(), page: "p1".into(), key: "k".into() };
        match errand(&status, &telling(UpdateKind::First, "x")) {
            Errand::Post { url, headers, .. } => {
                assert_eq!(url, "https://x.example/v1/pages/p1/incidents");
                assert!(headers.contains(&("authorization".into(), "OAuth k".into())));
            }
            other => panic!("{other:?}"),
        }
        assert!(matches!(errand(&status, &telling(UpdateKind::Update, "x")), Errand::Impossible(_)));
        let program = Way::Program { argv: vec!["post".into(), "--to={incident}".into(), "{text}".into()] };
        let run = errand(&program, &telling(UpdateKind::First, "{title}"));
        assert_eq!(run, Errand::Run { argv: vec!["post".into(), "--to=INC-7".into(), "{title}".into()] });
    }

    #[test]
    fn what_people_write_never_fetches_a_secret() {
        let program = Way::Program { argv: vec!["{text}".into(), "{secret:token}".into()] };
        let run = errand(&program, &telling(UpdateKind::First, "{secret:token}"));
        assert_eq!(run, Errand::Run { argv: vec!["{ secret:token}".into(), "{secret:token}".into()] });
        let posted = body(&Way::Webhook { url: "u".into() }, UpdateKind::First);
        assert!(!posted.to_string().contains("{secret:"));
    }

    #[test]
    fn a_status_file_grows_by_a_word_at_a_time_and_says_when_it_is_over() {
        let directory = tempfile::tempdir().unwrap();
        let way = Way::CState { directory: directory.path().into(), affected: vec!["Thermostats".into()] };
        let path = directory.path().join("2026-11-20-inc-7.md");
        assert_eq!(errand(&way, &telling(UpdateKind::First, "")), Errand::Write { path: path.clone() });
        assert_eq!(write(&way, &telling(UpdateKind::First, "we know {{< x >}} <script>"), &path), Outcome::Sent);
        let first = std::fs::read_to_string(&path).unwrap();
        assert!(
            first.contains("title: \"\\\"rev-B\\\": drops <b>\"\n") && first.contains("resolved: false\n"),
            "{first}"
        );
        assert!(!first.contains("<script>") && first.matches("{{<").count() == 1, "{first}");
        assert_eq!(write(&way, &telling(UpdateKind::Resolved, "over\n---\n"), &path), Outcome::Sent);
        let second = std::fs::read_to_string(&path).unwrap();
        assert!(second.contains("resolved: true\nresolvedWhen: \"2026-11-20 18:02:00\"\n"), "{second}");
        assert!(second.find("*Resolved*").unwrap() < second.find("*Investigating*").unwrap());
        assert_eq!(second.matches("section: issue").count(), 1);
        let nowhere = Way::CState { directory: "/no/such/place".into(), affected: Vec::new() };
        assert!(matches!(
            write(&nowhere, &telling(UpdateKind::First, "x"), Path::new("/no/such/place/x.md")),
            Outcome::NotSent { .. }
        ));
    }
}
