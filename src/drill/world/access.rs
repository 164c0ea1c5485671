//! Who may connect to the simulated broker, and say what.
//!
//! A revoked device loses its connection and is refused when it tries again; the broker tells of every refusal on
//! `{root}/access/{device}/refused`. A quarantined one stays connected, and what it measures is not delivered. A
//! throttled one gets a tenth of its messages through. A device that the scenario lets escape gets a yes and goes on.

use super::{Back, Plan, World};
use crate::domain::time::At;
use crate::drill::scenario::{Effect, Fate};
use crate::ingest::encode;

/// Seconds until a refused device tries again the first time; each time it waits twice as long, up to 32 times.
const RETRY_S: (f64, f64) = (5.0, 15.0);
const LONGEST_WAIT: u8 = 5;
/// Seconds that a device needs to restart.
const RESTART_S: (f64, f64) = (6.0, 14.0);
/// Of so many messages of a throttled device one gets through.
const THROTTLED_TO: u32 = 10;

/// What the access control knows of a device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Access {
    pub revoked: bool,
    pub quarantined: bool,
    pub throttled: bool,
    /// Refused in a row.
    refusals: u8,
    /// Messages that were held back since the last that got through.
    held: u32,
}

/// What can be asked of the access control.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Demand {
    Revoke,
    Restore,
    Quarantine,
    Release,
    Throttle,
    Unthrottle,
    Restart,
}

/// By name, in the order in which `ResponsePlan::answers` has them.
const DEMANDS: [(&str, Demand); 7] = [
    ("revoke", Demand::Revoke),
    ("restore", Demand::Restore),
    ("quarantine", Demand::Quarantine),
    ("release", Demand::Release),
    ("throttle", Demand::Throttle),
    ("unthrottle", Demand::Unthrottle),
    ("restart", Demand::Restart),
];
/// Where they begin in it.
const FIRST: usize = 4;

/// A demand on its way.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    id: String,
    device: Option<u32>,
    action: String,
    request_id: String,
}

impl World {
    pub(super) fn hear_access(&mut self, id: &str, action: &str, request_id: &str, at: At) {
        let device = self.find(id);
        let kind = DEMANDS.iter().position(|(name, _)| *name == action);
        if let (Some(device), Some(kind)) = (device, kind)
            && self.fate(device, FIRST + kind) == Fate::Mute
        {
            return;
        }
        let answer = kind.map(|kind| self.scenario.response.answers()[FIRST + kind].1.clone()).unwrap_or_default();
        let answered = self.answered_at(&answer, at);
        self.asked_so_far += 1;
        let asked = Asked { id: id.to_owned(), device, action: action.to_owned(), request_id: request_id.to_owned() };
        self.asked.insert(self.asked_so_far, asked);
        self.plan(answered, Plan::Grant(self.asked_so_far));
    }

    /// Does what was asked, or not, and says so.
    pub(super) fn grant(&mut self, number: u32, at: At) {
        let Some(Asked { id, device, action, request_id }) = self.asked.remove(&number) else { return };
        let result = match (device, DEMANDS.iter().position(|(name, _)| *name == action)) {
            (None, _) => Err(format!("no client {id}")),
            (_, None) => Err(format!("no action {action}")),
            (Some(device), Some(kind)) => match self.fate(device, FIRST + kind) {
                Fate::Refused(error) => Err(error),
                Fate::Escaped | Fate::Mute => Ok(()),
                Fate::Obeyed => self.carry_out(device, DEMANDS[kind].1, at),
            },
        };
        let root = &self.scenario.fleet.root;
        let message = encode::access_response(root, &id, &action, &request_id, result.err().as_deref());
        self.publish(at, device, message);
    }

    fn carry_out(&mut self, device: u32, demand: Demand, at: At) -> Result<(), String> {
        let state = &mut self.devices[device as usize];
        match demand {
            Demand::Revoke => {
                state.access.revoked = true;
                if state.online {
                    self.go_offline(device, at);
                    self.after(at, RETRY_S, Plan::Return(device, Back::Reconnected));
                }
            }
            // It comes back at its next try.
            Demand::Restore => {
                state.access.revoked = false;
                self.cure(device, "restore", at);
            }
            Demand::Quarantine => state.access.quarantined = true,
            Demand::Release => state.access.quarantined = false,
            Demand::Throttle => state.access.throttled = true,
            Demand::Unthrottle => state.access.throttled = false,
            Demand::Restart if !state.online => return Err("not connected".into()),
            Demand::Restart => {
                self.cure(device, "restart", at);
                self.go_offline(device, at);
                self.after(at, RESTART_S, Plan::Return(device, Back::Restarted));
            }
        }
        Ok(())
    }

    /// Why a device is not let in, if it is not.
    pub(super) fn barred(&self, device: u32, at: At) -> Option<&'static str> {
        if self.devices[device as usize].access.revoked {
            Some("credential revoked")
        } else {
            self.suffering(device, Effect::CertificateExpiry, at).map(|_| "certificate expired")
        }
    }

    /// A device that is not let in tries again later, and later each time.
    pub(super) fn refuse(&mut self, device: u32, reason: &str, back: Back, at: At) {
        let message = encode::access_refused(&self.scenario.fleet.root, &self.id(device), at, reason);
        self.publish(at, Some(device), message);
        let access = &mut self.devices[device as usize].access;
        let times = f64::from(1u8 << access.refusals);
        access.refusals = (access.refusals + 1).min(LONGEST_WAIT);
        self.after(at, (RETRY_S.0 * times, RETRY_S.1 * times), Plan::Return(device, back));
    }

    /// A device has been let in.
    pub(super) fn admit(&mut self, device: u32) {
        self.devices[device as usize].access.refusals = 0;
    }

    /// How many of so many measurements get through.
    pub(super) fn let_through(&mut self, device: u32, copies: u32) -> u32 {
        let access = &mut self.devices[device as usize].access;
        if access.quarantined {
            0
        } else if access.throttled {
            let held = access.held + copies;
            access.held = held % THROTTLED_TO;
            held / THROTTLED_TO
        } else {
            copies
        }
    }
}
