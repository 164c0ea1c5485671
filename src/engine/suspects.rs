//! Who is suspected, looked at every few seconds while an alert is open; an incident follows once the answer is steady.

use super::State;
use crate::detect::suspects::{self, Suspect};
use crate::detect::verdict;
use crate::domain::cohort::CohortKey;
use crate::domain::event::Event;
use crate::domain::switch::SwitchId;
use crate::domain::time::At;

/// Seconds between two looks: each goes over all devices.
const EVERY_S: i64 = 5;
/// Looks in a row with the same answer before an incident is told.
const STEADY: u32 = 3;

/// The last answer, and for how long it has been the same.
#[derive(Debug, Default)]
pub struct Suspects {
    pub now: Vec<Suspect>,
    looked: Option<At>,
    steady: u32,
    /// The most devices that a suspect has had affected: what an incident is about is learnt while it grows, not while
    /// devices are sent back and recover.
    peak: u32,
}

impl Suspects {
    /// The first suspect, where it is about the same devices as `cohort`.
    pub fn about(&self, cohort: &CohortKey) -> Option<&Suspect> {
        self.now.first().filter(|suspect| suspect.cohort.is_related(cohort))
    }
}

/// Looks again where it is time to, and says which incident has a new suspect.
pub(super) fn tick(state: &mut State, at: At) -> Vec<Event> {
    if state.room.open_alerts().next().is_none() {
        state.suspects = Suspects::default();
        return Vec::new();
    }
    if !state.link.is_up() || state.suspects.looked.is_some_and(|looked| at.since_s(looked) < EVERY_S) {
        return Vec::new();
    }
    let found = suspects::find(&state.fleet, state.detector.symptoms());
    let first = |suspects: &[Suspect]| suspects.first().map(|suspect| suspect.cohort.clone());
    let same = first(&found) == first(&state.suspects.now);
    let steady = if same { state.suspects.steady + 1 } else { 1 };
    let affected = found.first().map_or(0, |suspect| suspect.affected);
    let peak = state.suspects.peak.max(affected);
    state.suspects = Suspects { now: found, looked: Some(at), steady, peak };
    if steady < STEADY || affected < peak {
        return Vec::new();
    }
    let told = |incident: &crate::domain::incident::Incident| {
        // One that nobody's alert began is about what its commander says it is about; and once devices are sent back,
        // they no longer are what they were when they fell ill.
        let is_open = !incident.alerts.is_empty() && incident.moments.mitigated.is_none();
        let goes_back = |id| state.room.actuations.get(id).is_some_and(|pulled| pulled.switch == SwitchId::rollback());
        if !is_open || incident.actuations.iter().any(goes_back) {
            return None;
        }
        let suspect = state.suspects.about(&incident.cohort)?;
        (suspect.cohort != incident.cohort).then(|| Event::SuspectNamed {
            incident: incident.id,
            from: incident.cohort.clone(),
            cohort: suspect.cohort.clone(),
            // A title that a person gave stays.
            title: renamed(state, incident, &suspect.cohort),
            affected: suspect.affected,
            devices: suspect.devices,
        })
    };
    state.room.open_incidents().filter_map(told).collect()
}

/// The title that the room would give now, where the present one is the room's own.
fn renamed(state: &State, incident: &crate::domain::incident::Incident, cohort: &CohortKey) -> Option<String> {
    let alert = incident.alerts.first().and_then(|alert| state.room.alerts.get(alert))?;
    let title = |cohort: &CohortKey| verdict::propose_title(alert.finding.signal, cohort);
    (title(&incident.cohort) == incident.title).then(|| title(cohort))
}
