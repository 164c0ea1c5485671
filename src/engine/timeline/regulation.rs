//! The sentences of regulatory deadlines.

use super::Weight;
use crate::domain::event::RegulationEvent;

pub(super) fn sentence(event: &RegulationEvent) -> (Weight, String) {
    use Weight::{Action, Alarm, Quiet};
    match event {
        RegulationEvent::RegimeTaken { regime, .. } => {
            (Quiet, format!("{}: rules of {}, {}", regime.name, regime.version, regime.source))
        }
        RegulationEvent::CriterionAnswered { regime, question, from, yes, reason, .. } => {
            let word = |yes: bool| if yes { "YES" } else { "no" };
            let was = from.filter(|from| from != yes).map(|from| format!(" (was {})", word(from))).unwrap_or_default();
            (Action, format!("{regime}: {} to: {question}{was} · {reason}", word(*yes)))
        }
        RegulationEvent::RegulatoryMomentSet { regime, moment, from, to, evidence, .. } => {
            let was = from.map(|from| format!(" (was {from})")).unwrap_or_default();
            (Action, format!("{regime}: {moment} since {to}{was} · {evidence}"))
        }
        RegulationEvent::NoticeFiled { regime, what, from, filed, reference, .. } => {
            let was = from.map(|from| format!(" (was {from})")).unwrap_or_default();
            (Action, format!("{regime}: filed at {filed}{was}: {what} · {reference}"))
        }
        RegulationEvent::DeadlineNear { regime, what, due, .. } => (Alarm, format!("{regime}: due at {due}: {what}")),
        RegulationEvent::DeadlineMissed { regime, what, due, .. } => {
            (Alarm, format!("{regime}: MISSED, it was due at {due}: {what}"))
        }
    }
}
