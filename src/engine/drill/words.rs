//! Events of a game day as sentences, and which of them responders must not see.

use crate::domain::count::counted;
use crate::domain::event::Event;
use crate::domain::event::drill::DrillEvent;
use crate::engine::timeline::Weight;

/// What is on the record and not in the responders' timeline.
pub const fn is_hidden(event: &Event) -> bool {
    matches!(
        event,
        Event::Drill(
            DrillEvent::DrillPlanned { .. }
                | DrillEvent::FacilitatorSat {}
                | DrillEvent::FacilitatorLeft {}
                | DrillEvent::InjectDelayed { .. }
                | DrillEvent::InjectSkipped { .. }
                | DrillEvent::FaultPlanted { .. }
                | DrillEvent::FacilitatorNoted { .. }
        )
    )
}

pub fn sentence(event: &DrillEvent) -> (Weight, String) {
    use Weight::{Action, Alarm, Normal, Quiet};
    match event {
        DrillEvent::DrillPlanned { plan } => (
            Quiet,
            format!(
                "game day planned: {}, {}",
                counted(plan.faults.len(), "fault"),
                counted(plan.injects.len(), "inject")
            ),
        ),
        DrillEvent::FacilitatorSat {} => (Quiet, "took the facilitator's seat".into()),
        DrillEvent::FacilitatorLeft {} => (Quiet, "left the facilitator's terminal".into()),
        DrillEvent::InjectTold { channel, from, text, .. } => {
            (Alarm, format!("{} · {from}: {}", channel.name(), text.trim().replace('\n', " ⏎ ")))
        }
        DrillEvent::InjectDelayed { inject, by_s } => (Quiet, format!("inject {inject} put off by {by_s} s")),
        DrillEvent::InjectSkipped { inject } => (Quiet, format!("inject {inject} skipped")),
        DrillEvent::FaultPlanted { fault } => (Action, format!("improvised: {fault}")),
        DrillEvent::FacilitatorNoted { text } => (Normal, format!("facilitator: {}", text.replace('\n', " ⏎ "))),
        DrillEvent::DrillPaused {} => (Normal, "the game day stands still".into()),
        DrillEvent::DrillResumed {} => (Normal, "the game day goes on".into()),
        DrillEvent::DrillStepped { seconds } => (Quiet, format!("the game day goes on for {seconds} s")),
        DrillEvent::DrillSlowed { asked, real } => {
            (Normal, format!("this machine is too slow for {asked} times the speed of life; it runs at {real:.1}"))
        }
        DrillEvent::DrillEnded { reason, score, gaps, .. } => (
            Action,
            format!("the game day is over: {reason} · {} · {}", score.sentence(), counted(gaps.len() as u64, "gap")),
        ),
        DrillEvent::GapAssigned { gap, owner, due } => (Action, format!("{owner} mends gap {gap} by {due}")),
        DrillEvent::GapClosed { gap, reason } => (Action, format!("gap closed: {gap} ({reason})")),
        DrillEvent::StageLost { reason } => (
            Alarm,
            format!(
                "the staging broker has dropped the simulated fleet ({reason}); what you see now is not the scenario"
            ),
        ),
        DrillEvent::StageBack {} => (Normal, "the simulated fleet is connected again".into()),
        DrillEvent::StagingCleared { topic, messages } => {
            (Normal, format!("staging is clean: {messages} retained messages under {topic} are gone"))
        }
    }
}
