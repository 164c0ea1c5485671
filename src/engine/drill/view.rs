//! What the facilitator sees, as plain data: the same in the room's own terminal and in one that has joined it.

use serde::{Deserialize, Serialize};

use super::{GameDay, score};
use crate::domain::drill::Scorecard;
use crate::domain::time::At;
use crate::engine::State;
use crate::fleet::cohorts::Cohort;

/// Lines of the responders' timeline that are shown.
const TIMELINE: usize = 40;

/// The game day at a moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DrillView {
    pub at: At,
    pub day: GameDay,
    /// As it stands.
    pub score: Scorecard,
    pub devices: u32,
    pub online: u32,
    /// Messages a second.
    pub rate: f64,
    /// What responders have open, a line each.
    pub alerts: Vec<String>,
    pub incidents: Vec<String>,
    /// The newest last.
    pub timeline: Vec<(At, String, String)>,
    /// Attributes of the fleet, to choose a cohort by.
    pub attributes: Vec<String>,
    pub pace: i64,
}

/// The game day, and who it is shown to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Seat {
    /// What the room calls the person who has joined.
    pub name: String,
    pub view: DrillView,
}

impl DrillView {
    /// The view of a state; none where it is no game day.
    pub fn of(state: &State, at: At, rate: f64) -> Option<Self> {
        use crate::domain::signal::Signal;
        let room = &state.room;
        let day = room.drill.as_ref()?;
        let fleet: &Cohort = state.fleet.cohorts().fleet();
        let score = day.ended.as_ref().map_or_else(|| score::score(room, day, at), |ending| ending.score.clone());
        let alerts = room.open_alerts().map(|alert| {
            let taken = if alert.acknowledged.is_some() { " · taken" } else { "" };
            format!("{} {} · {}{taken}", alert.id, alert.finding.cohort, alert.finding.evidence)
        });
        let incidents = room.incidents.values().rev().map(|incident| {
            let stage = incident.stage().name();
            format!("{} {} {} · {} · {stage}", incident.id, incident.severity, incident.title, incident.commander)
        });
        let newest = room.timeline.iter().rev().take(TIMELINE);
        let mut timeline: Vec<_> =
            newest.map(|entry| (entry.at, entry.actor.name().to_owned(), entry.text.clone())).collect();
        timeline.reverse();
        Some(Self {
            at,
            day: day.clone(),
            score,
            devices: fleet.level(Signal::Devices),
            online: fleet.level(Signal::Online),
            rate,
            alerts: alerts.collect(),
            incidents: incidents.collect(),
            timeline,
            attributes: state.fleet.schema().names().to_vec(),
            pace: state.settings.pace,
        })
    }
}
