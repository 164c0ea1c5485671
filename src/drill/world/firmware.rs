//! Firmware in the simulated world: a device that is told to run another version takes it as soon as it can be reached.

use super::{Plan, World};
use crate::domain::campaign::OtaState;
use crate::domain::time::At;
use crate::drill::scenario::Fate;

/// Where the answer to a rollback is in `ResponsePlan::answers`.
const ROLLBACK: usize = 2;

/// The version that a device is told to run. The broker keeps it; the device takes it up once.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    version: String,
    request_id: String,
    done: bool,
}

impl World {
    pub(super) fn hear_firmware(&mut self, id: &str, payload: &[u8], at: At) {
        let Some(device) = self.find(id) else { return };
        let Ok(wanted) = serde_json::from_slice::<serde_json::Value>(payload) else {
            self.wanted.remove(&device);
            return;
        };
        let Some(version) = wanted["version"].as_str() else { return };
        let request_id = wanted["request_id"].as_str().unwrap_or("").to_owned();
        if self.wanted.get(&device).is_some_and(|known| known.request_id == request_id && known.version == version) {
            return;
        }
        self.wanted.insert(device, Wanted { version: version.to_owned(), request_id, done: false });
        self.plan_firmware(device, at);
    }

    /// A device that is connected and does not run what is wanted of it will.
    pub(super) fn plan_firmware(&mut self, device: u32, at: At) {
        let waiting = self.wanted.get(&device).is_some_and(|wanted| !wanted.done);
        if waiting && self.devices[device as usize].online {
            let answer = self.scenario.response.rollback.clone();
            let answered = self.answered_at(&answer, at);
            self.plan(answered, Plan::Downgrade(device));
        }
    }

    /// Boots into the version that is wanted. A version that was never built for it changes nothing.
    pub(super) fn downgrade(&mut self, device: u32, at: At) {
        if !self.devices[device as usize].online {
            return;
        }
        let Some(wanted) = self.wanted.get_mut(&device).filter(|wanted| !wanted.done) else { return };
        wanted.done = true;
        let version = wanted.version.clone();
        let known = self.attributes[self.firmware].values.iter().position(|value| *value == version);
        let (Some(firmware), Fate::Obeyed) = (known, self.fate(device, ROLLBACK)) else { return };
        self.go_offline(device, at);
        self.boot_into(device, firmware as u16, "rollback", at);
        if self.devices[device as usize].update.state == OtaState::Succeeded {
            self.enter(device, OtaState::RolledBack, at);
        }
    }
}
