//! What detection says, made into alerts, and alerts into parts of the incidents that they belong to.

use super::{Turn, accepted, recovery, response};
use crate::detect::{Change, UNHEARD_S};
use crate::domain::alert::Alert;
use crate::domain::event::Event;
use crate::domain::ids::{Actor, AlertId};
use crate::domain::time::At;

/// Seconds between two attempts to take up an alert.
const AGAIN_S: i64 = 60;

/// Alerts of an earlier process that could not be taken up yet.
#[derive(Debug)]
pub(super) struct TakingUp {
    since: At,
    again: At,
    left: Vec<AlertId>,
}

impl Turn<'_> {
    /// After the room was opened and the fleet has been filled: alerts that were open when it was last closed are watched
    /// again, so that they can clear. One of whose devices nobody has been heard goes on; after a day they are gone.
    pub(super) fn take_up_alerts(&mut self) {
        if !self.state.detector.is_settled(self.at) {
            return;
        }
        let at = self.at;
        let open = || self.state.room.open_alerts().map(|alert| alert.id).collect();
        let taking = self.state.taking_up.get_or_insert_with(|| TakingUp { since: at, again: at, left: open() });
        if taking.left.is_empty() || at < taking.again {
            return;
        }
        taking.again = at.plus_s(AGAIN_S);
        let may_come = at.since_s(taking.since) < UNHEARD_S;
        let left = std::mem::take(&mut taking.left);
        let alerts: Vec<_> = self.state.room.open_alerts().filter(|alert| left.contains(&alert.id)).cloned().collect();
        for alert in alerts {
            if self.state.detector.resume(&self.state.fleet, &alert) {
                continue;
            }
            match &mut self.state.taking_up {
                Some(taking) if may_come => taking.left.push(alert.id),
                _ => _ = self.record(Actor::Engine, Event::AlertCleared { alert: alert.id }),
            }
        }
    }

    /// What was accepted as usual is nothing that the detector follows any more, and what was taken back is.
    pub(super) fn drop_accepted(&mut self, events: &[Event]) {
        if !events.iter().any(|event| matches!(event, Event::AlertAccepted { .. } | Event::WatchedAgain { .. })) {
            return;
        }
        let over = accepted::tick(self.state, self.at, true);
        self.record_all(&Actor::Engine, over);
        for event in events {
            let Event::AlertAccepted { alert, .. } = event else { continue };
            if let Some(alert) = self.state.room.alerts.get(alert) {
                self.state.detector.drop(&self.state.fleet, alert.finding.signal, &alert.finding.cohort);
            }
        }
    }

    pub(super) fn take_change(&mut self, change: Change) {
        match change {
            Change::Raised(finding) => {
                let known = self
                    .state
                    .room
                    .open_alerts()
                    .any(|alert| alert.finding.signal == finding.signal && alert.finding.cohort == finding.cohort);
                if known {
                    return;
                }
                let alert = AlertId(self.state.room.alerts_raised + 1);
                let came_back = recovery::regressed(self.state, &finding.cohort, self.at);
                let joins = came_back.or_else(|| response::concerned(self.state, &finding.cohort, self.at));
                self.record(Actor::Engine, Event::AlertRaised { alert, finding });
                if let Some(incident) = came_back {
                    let reason = format!("regression: alert {alert} is about the same devices");
                    self.record(Actor::Engine, Event::Reopened { incident, reason });
                }
                if let Some(incident) = joins {
                    self.record(Actor::Engine, Event::AlertJoined { incident, alert });
                }
            }
            Change::Grew { signal, cohort, also } => {
                let is_it = |alert: &&Alert| alert.finding.signal == signal && alert.finding.cohort == cohort;
                let grown = self.state.room.open_alerts().find(is_it).map(|alert| alert.id);
                if let Some(alert) = grown {
                    self.record(Actor::Engine, Event::AlertGrew { alert, also });
                }
            }
            Change::Cleared { signal, cohort } => {
                let open = self.state.room.open_alerts();
                let cleared = open.filter(|alert| alert.finding.signal == signal && alert.finding.cohort == cohort);
                let cleared: Vec<_> = cleared.map(|alert| Event::AlertCleared { alert: alert.id }).collect();
                self.record_all(&Actor::Engine, cleared);
            }
        }
    }
}
