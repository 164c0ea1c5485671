//! What is remembered of switches beside their actuations: who asked and who agreed, and when each was tested.

use super::Room;
use crate::domain::event::Record;
use crate::domain::event::switch::SwitchEvent;
use crate::domain::ids::Actor;
use crate::domain::time::At;

/// How a request for a second person was answered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Agreement {
    pub asked: Option<Actor>,
    pub approved: Option<Actor>,
    /// The users that the two are, as the system says.
    pub asked_uid: Option<u32>,
    pub approved_uid: Option<u32>,
    /// Why one person did it alone.
    pub broke_glass: Option<String>,
}

/// The last test of a switch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tested {
    pub at: At,
    pub environment: String,
    pub ok: bool,
    pub took_ms: u64,
}

impl Tested {
    /// Days since it was tested.
    pub fn days(&self, now: At) -> i64 {
        now.since_s(self.at) / 86_400
    }

    /// When and where it was tested, how long that took, and whether it failed.
    pub fn words(&self, now: At) -> String {
        let failed = if self.ok { "" } else { "FAILED " };
        let took_s = self.took_ms as f64 / 1000.0;
        format!("{failed}{} d ago in {}, {took_s:.1} s", self.days(now), self.environment)
    }
}

impl Room {
    pub(super) fn apply_to_switches(&mut self, event: &SwitchEvent, record: &Record) {
        match event {
            SwitchEvent::ApprovalAsked { approval, uid, .. } => {
                let agreement = self.agreements.entry(*approval).or_default();
                (agreement.asked, agreement.asked_uid) = (Some(record.actor.clone()), Some(*uid));
            }
            SwitchEvent::Approved { approval, uid, .. } => {
                let agreement = self.agreements.entry(*approval).or_default();
                (agreement.approved, agreement.approved_uid) = (Some(record.actor.clone()), Some(*uid));
            }
            SwitchEvent::GlassBroken { approval, reason, .. } => {
                self.agreements.entry(*approval).or_default().broke_glass = Some(reason.clone());
            }
            SwitchEvent::SwitchTested { switch, environment, ok, took_ms, .. } => {
                let (environment, ok, took_ms) = (environment.clone(), *ok, *took_ms);
                self.tests.insert(switch.clone(), Tested { at: record.at, environment, ok, took_ms });
            }
            _ => {}
        }
    }
}
