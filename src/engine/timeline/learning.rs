//! The sentences of what is learnt.

use super::Weight;
use crate::domain::cost::money;
use crate::domain::event::LearningEvent;
use crate::domain::learning::{Ending, Plan};

pub(super) fn sentence(event: &LearningEvent) -> (Weight, String) {
    use Weight::{Action, Normal, Quiet};
    match event {
        LearningEvent::SectionWritten { section, .. } => {
            (Normal, format!("postmortem: {} written", section.name().to_lowercase()))
        }
        LearningEvent::ActionAdded { action, plan, .. } => (Action, format!("action item {action}: {}", told(plan))),
        LearningEvent::ActionChanged { action, from, to, .. } => {
            (Action, format!("action item {action}: {} (was: {})", told(to), told(from)))
        }
        LearningEvent::ActionEnded { action, text, ending, .. } => {
            let how = match ending {
                Ending::Done => "done".to_owned(),
                Ending::Dropped(reason) => format!("dropped ({reason})"),
                Ending::Open => "opened again".to_owned(),
            };
            (Action, format!("action item {action} {how}: {text}"))
        }
        LearningEvent::CostNoted { number, cost, .. } => {
            let quantity = cost.quantity.map(|n| format!("{n} {} · ", cost.unit)).unwrap_or_default();
            let note = if cost.note.is_empty() { String::new() } else { format!(" · {}", cost.note) };
            (Normal, format!("cost {number}: {} · {quantity}{} {}{note}", cost.name, cost.currency, money(cost.amount)))
        }
        LearningEvent::CostWithdrawn { number, name, reason, .. } => {
            (Normal, format!("cost {number} withdrawn: {name} ({reason})"))
        }
        LearningEvent::ImpactMeasured { impact, .. } => (
            Quiet,
            format!(
                "impact so far: {} of {} devices away, at most {}; {} device hours",
                impact.away,
                impact.devices,
                impact.most_away,
                impact.away_device_s / 3600
            ),
        ),
        LearningEvent::PostmortemPublished { .. } => (Action, "the postmortem is done".into()),
    }
}

fn told(plan: &Plan) -> String {
    let owner = plan.owner.as_deref().unwrap_or("nobody yet");
    let due = plan.due.map_or_else(|| "without a date yet".into(), |due| format!("due {due}"));
    format!("{} · {owner} · {due}", plan.text)
}
