//! Status pages: the first word opens an incident there, and what follows goes on with that one.

use serde_json::json;

use super::{Errand, ask, post};
use crate::domain::input::Telling;
use crate::domain::response::Phase;
use crate::domain::update::way::Way;
use crate::domain::update::{Thread, UpdateKind};

/// Letters of an id; a longer one is none.
const ID: usize = 64;

/// What a page makes of a word.
pub(super) fn errand(telling: &Telling) -> Errand {
    match &telling.thread {
        Thread::Known(id) if is_id(id) => update(telling, id),
        Thread::New if telling.kind != UpdateKind::Resolved => open(telling),
        Thread::New => Errand::Impossible("no incident was opened there that could end".into()),
        Thread::Known(_) | Thread::Doubtful => Errand::Impossible(
            "an earlier word may have opened an incident there, and which one was never answered; go on with it by \
             hand, from the clipboard"
                .into(),
        ),
    }
}

/// Whether it may stand in an address.
pub(super) fn is_id(id: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    (1..=ID).contains(&id.len()) && id.chars().all(fits)
}

fn open(telling: &Telling) -> Errand {
    let status = status(telling);
    match &telling.way {
        Way::Statuspage { url, page, key } => post(
            format!("{url}/v1/pages/{page}/incidents"),
            Some(format!("OAuth {key}")),
            &json!({ "incident": { "name": telling.title, "status": status, "body": telling.text } }),
        ),
        Way::Instatus { url, page, key } => post(
            format!("{url}/v1/{page}/incidents"),
            Some(format!("Bearer {key}")),
            &json!({
                "name": telling.title,
                "message": telling.text,
                "components": [],
                "statuses": [],
                "status": status.to_uppercase(),
                "started": telling.began.to_string(),
                "notify": true,
                "shouldPublish": true,
            }),
        ),
        _ => Errand::Impossible("this is no status page".into()),
    }
}

fn update(telling: &Telling, id: &str) -> Errand {
    let status = status(telling);
    match &telling.way {
        Way::Statuspage { url, page, key } => ask(
            "PATCH",
            format!("{url}/v1/pages/{page}/incidents/{id}"),
            Some(format!("OAuth {key}")),
            &json!({ "incident": { "status": status, "body": telling.text } }),
        ),
        Way::Instatus { url, page, key } => post(
            format!("{url}/v1/{page}/incidents/{id}/incident-updates"),
            Some(format!("Bearer {key}")),
            &json!({
                "message": telling.text,
                "components": [],
                "statuses": [],
                "status": status.to_uppercase(),
                "started": telling.at.to_string(),
                "notify": true,
            }),
        ),
        _ => Errand::Impossible("this is no status page".into()),
    }
}

/// How far we are, in the words that both pages have for it.
const fn status(telling: &Telling) -> &'static str {
    match (telling.kind, telling.phase) {
        (UpdateKind::Resolved, _) => "resolved",
        (UpdateKind::First, _) | (_, Phase::Detect | Phase::Triage) => "investigating",
        (_, Phase::Contain | Phase::Recover) => "identified",
        (_, Phase::Verify | Phase::Learn) => "monitoring",
    }
}
