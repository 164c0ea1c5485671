//! What a channel answers: a status of 200 is a yes only where nothing beside it says no.

use serde_json::Value;

use super::{heard, page};
use crate::actuate::http::Answer;
use crate::domain::input::{Heard, Outcome, Telling};
use crate::domain::switch::call::excerpt;
use crate::domain::update::way::Way;

/// Judges what was answered to a request.
pub(super) fn judge(telling: &Telling, answer: Answer) -> Heard {
    let Answer { outcome, status, body } = answer;
    let (Outcome::Accepted, Some(status)) = (&outcome, status) else { return heard(outcome) };
    let json: Value = serde_json::from_slice(&body).unwrap_or_default();
    let refused = |why: String| heard(Outcome::Refused { reason: format!("answered {status}, but {why}") });
    if let Some(no) = no(&telling.way, &json, &body) {
        return refused(no);
    }
    let reference = reference(&telling.way, &json);
    let opens = matches!(telling.way, Way::Statuspage { .. } | Way::Instatus { .. });
    if opens && reference.is_none() {
        return refused(format!("names no incident: {}", excerpt(&body)));
    }
    let told = match &reference {
        Some(reference) => format!("answered {status}: {reference}"),
        None if body.is_empty() => format!("answered {status}"),
        None => format!("answered {status}: {}", excerpt(&body)),
    };
    // An answer to a later word may name the word rather than the incident: the first name stays.
    let reference = reference.filter(|_| !matches!(telling.thread, crate::domain::update::Thread::Known(_)));
    Heard { outcome, answer: Some(told), reference, took_ms: 0 }
}

/// What in an answer says no, whatever its status.
fn no(way: &Way, json: &Value, body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    let said = |pointer: &str| json.pointer(pointer).filter(|value| !is_nothing(value)).map(words);
    let denied = ["/ok", "/success"].iter().any(|pointer| json.pointer(pointer) == Some(&Value::Bool(false)));
    if denied {
        return Some(said("/error").or_else(|| said("/message")).unwrap_or_else(|| excerpt(body)));
    }
    if let Some(error) = said("/error").or_else(|| said("/errors")) {
        return Some(error);
    }
    match way {
        // Slack and what speaks like it answer `ok`.
        Way::Slack { .. } if !json.is_object() && !matches!(text, "" | "ok") => Some(excerpt(body)),
        // Teams says no in words, with a status of 200.
        Way::Teams { .. } if text.to_lowercase().contains("failed") => Some(excerpt(body)),
        Way::PagerDuty { .. } if json.pointer("/status").and_then(Value::as_str) != Some("success") => {
            Some(said("/message").unwrap_or_else(|| excerpt(body)))
        }
        _ => None,
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Bool(true) | Value::Number(_) => false,
    }
}

fn words(value: &Value) -> String {
    excerpt(value.as_str().map_or_else(|| value.to_string(), str::to_owned).as_bytes())
}

/// What the system calls our incident.
fn reference(way: &Way, json: &Value) -> Option<String> {
    let pointer = match way {
        Way::Statuspage { .. } | Way::Instatus { .. } => "/id",
        Way::PagerDuty { .. } => "/dedup_key",
        _ => return None,
    };
    json.pointer(pointer).and_then(Value::as_str).filter(|id| page::is_id(id)).map(str::to_owned)
}
