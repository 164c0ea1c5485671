//! What was told to whom, in sentences.

use super::Weight;
use crate::domain::event::update::UpdateEvent;
use crate::domain::update::CLIPBOARD;

/// How long somebody waited for it, where anybody did.
fn after(took_ms: i64) -> String {
    if took_ms > 0 { format!(" after {:.1} s", took_ms as f64 / 1000.0) } else { String::new() }
}

pub(super) fn sentence(event: &UpdateEvent) -> (Weight, String) {
    use Weight::{Action, Alarm, Normal};
    match event {
        UpdateEvent::UpdateIntended { number, audience, kind, channel, text, .. } => {
            let begins = text.lines().next().unwrap_or_default();
            let way = if channel == CLIPBOARD { "copied for" } else { "to" };
            (Action, format!("update {number} ({}) {way} {audience}, by {channel}: {begins}", kind.id()))
        }
        UpdateEvent::UpdateSent { number, answer, took_ms: 0, .. } => {
            (Action, format!("update {number} told: {answer}"))
        }
        UpdateEvent::UpdateSent { number, answer, took_ms, .. } => {
            (Action, format!("update {number} sent in {:.1} s: {answer}", *took_ms as f64 / 1000.0))
        }
        UpdateEvent::UpdateNotSent { number, reason, took_ms, .. } => {
            (Alarm, format!("update {number} NOT SENT{}: {reason}", after(*took_ms)))
        }
        UpdateEvent::UpdateUnknown { number, reason, took_ms, .. } => {
            (Alarm, format!("update {number} may not have arrived{}: {reason}", after(*took_ms)))
        }
        UpdateEvent::UpdateRetried { number, .. } => (Action, format!("update {number} is tried again")),
        UpdateEvent::UpdateOverdue { audience, due, .. } => {
            (Alarm, format!("update OVERDUE: {audience} waits for word since {}", due.utc().format("%H:%M:%SZ")))
        }
        UpdateEvent::CadenceSet { audience, from, to, .. } => {
            let every = |s: Option<i64>| s.map_or_else(|| "never".into(), |s| format!("every {} min", s / 60));
            (Normal, format!("{audience} is told {} (was {})", every(to.every_s), every(from.every_s)))
        }
    }
}
