//! Configuration in the simulated world: a device takes what is desired of it when it can be reached, and says so.

use super::desired::Wish;
use super::{Plan, World};
use crate::domain::time::At;
use crate::drill::scenario::Fate;

/// Where the answer to a push is in `ResponsePlan::answers`.
const CONFIG: usize = 3;

impl World {
    pub(super) fn hear_config(&mut self, id: &str, payload: &[u8], at: At) {
        let Some(device) = self.find(id) else { return };
        if self.desired_config.hear(device, payload) {
            self.plan_config(device, at);
        }
    }

    /// A device that is connected and has not done what is desired of it will.
    pub(super) fn plan_config(&mut self, device: u32, at: At) {
        if self.desired_config.waits(device) && self.devices[device as usize].online {
            let answer = self.scenario.response.config.clone();
            let answered = self.answered_at(&answer, at);
            self.plan(answered, Plan::Configure(device));
        }
    }

    /// Takes the desired configuration up, and says what it has now.
    pub(super) fn configure(&mut self, device: u32, at: At) {
        // One that is gone again does so when it is back.
        if !self.devices[device as usize].online {
            return;
        }
        let Some(Wish { version, request_id, .. }) = self.desired_config.take(device) else { return };
        let error = match self.fate(device, CONFIG) {
            Fate::Mute => return,
            Fate::Refused(error) => Some(error),
            Fate::Obeyed => {
                self.set_config(device, &version, at);
                None
            }
            Fate::Escaped => None,
        };
        let has = match error {
            // It says that it has what it was asked for, and goes on as before.
            None => version,
            Some(_) => self.value(device, "config").unwrap_or("").to_owned(),
        };
        self.say(device, at, |address, _| address.config_reported(&has, &request_id, error.as_deref()));
    }

    /// Gives a device another configuration; faults that come with it or end with it do so.
    pub(super) fn set_config(&mut self, device: u32, version: &str, at: At) {
        let Some(slot) = self.attributes.iter().position(|attribute| attribute.name == "config") else { return };
        let known = self.attributes[slot].values.iter().position(|value| value == version);
        let value = known.unwrap_or_else(|| {
            self.attributes[slot].values.push(version.to_owned());
            self.attributes[slot].values.len() - 1
        });
        let before = self.blows(device, at);
        self.devices[device as usize].values[slot] = value as u16;
        let state = &self.devices[device as usize];
        if state.online {
            self.tell_online(device, at, "config");
        }
        let new: Vec<u16> = self.blows(device, at).into_iter().filter(|fault| !before.contains(fault)).collect();
        new.into_iter().for_each(|fault| self.plan_blow(device, fault, at));
    }
}
