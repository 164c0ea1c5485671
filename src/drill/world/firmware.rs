//! Firmware in the simulated world: a device that is told to run another version takes it as soon as it can be reached.

use super::{Plan, World};
use crate::domain::campaign::OtaState;
use crate::domain::time::At;
use crate::drill::scenario::Fate;

/// Where the answer to a rollback is in `ResponsePlan::answers`.
const ROLLBACK: usize = 2;

impl World {
    pub(super) fn hear_firmware(&mut self, id: &str, payload: &[u8], at: At) {
        let Some(device) = self.find(id) else { return };
        if self.desired_firmware.hear(device, payload) {
            self.plan_firmware(device, at);
        }
    }

    /// A device that is connected and does not run what is desired of it will.
    pub(super) fn plan_firmware(&mut self, device: u32, at: At) {
        if self.desired_firmware.waits(device) && self.devices[device as usize].online {
            let answer = self.scenario.response.rollback.clone();
            let answered = self.answered_at(&answer, at);
            self.plan(answered, Plan::Downgrade(device));
        }
    }

    /// Boots into the version that is desired. A version that was never built for it changes nothing.
    pub(super) fn downgrade(&mut self, device: u32, at: At) {
        if !self.devices[device as usize].online {
            return;
        }
        let Some(wish) = self.desired_firmware.take(device) else { return };
        let known = self.attributes[self.firmware].values.iter().position(|value| *value == wish.version);
        let (Some(firmware), Fate::Obeyed) = (known, self.fate(device, ROLLBACK)) else { return };
        self.go_offline(device, at);
        self.boot_into(device, firmware as u16, "rollback", at);
        if self.devices[device as usize].update.state == OtaState::Succeeded {
            self.enter(device, OtaState::RolledBack, at);
        }
    }
}
