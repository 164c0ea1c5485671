//! What the room itself told the team, in sentences.

use super::Weight;
use crate::domain::event::notice::NoticeEvent;

pub(super) fn sentence(event: &NoticeEvent) -> (Weight, String) {
    use Weight::{Alarm, Normal};
    let seconds = |took_ms: &i64| *took_ms as f64 / 1000.0;
    match event {
        NoticeEvent::NoticeIntended { notice, kind, channel, text, .. } => {
            let begins = text.lines().next().unwrap_or_default();
            (Normal, format!("notice {notice} ({}) to the team, by {channel}: {begins}", kind.name()))
        }
        NoticeEvent::NoticeSent { notice, answer, took_ms: 0, .. } => {
            (Normal, format!("notice {notice} told: {answer}"))
        }
        NoticeEvent::NoticeSent { notice, answer, took_ms, .. } => {
            (Normal, format!("notice {notice} sent in {:.1} s: {answer}", seconds(took_ms)))
        }
        NoticeEvent::NoticeNotSent { notice, reason, .. } => {
            (Alarm, format!("notice {notice} NOT SENT, tell the team yourself: {reason}"))
        }
        NoticeEvent::NoticeUnknown { notice, reason, .. } => {
            (Alarm, format!("notice {notice} may not have arrived: {reason}"))
        }
    }
}
