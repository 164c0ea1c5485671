//! Configuration in the simulated world: a device takes what is desired of it when it can be reached, and says so.

use super::{Plan, World};
use crate::domain::time::At;
use crate::drill::scenario::Fate;

/// Where the answer to a push is in `ResponsePlan::answers`.
const CONFIG: usize = 3;

/// What is desired of a device. The broker keeps it; the device takes it up once.
#[derive(Clone, Debug)]
pub(super) struct Desired {
    version: String,
    request_id: String,
    answered: bool,
}

impl World {
    pub(super) fn hear_config(&mut self, id: &str, payload: &[u8], at: At) {
        let Some(device) = self.find(id) else { return };
        let Ok(desired) = serde_json::from_slice::<serde_json::Value>(payload) else {
            // Taken back, or nothing that a device could read.
            self.desired.remove(&device);
            return;
        };
        let Some(version) = desired["version"].as_str() else { return };
        let request_id = desired["request_id"].as_str().unwrap_or("").to_owned();
        // A broker that is connected anew says again what it has in store.
        if self.desired.get(&device).is_some_and(|known| known.request_id == request_id && known.version == version) {
            return;
        }
        self.desired.insert(device, Desired { version: version.to_owned(), request_id, answered: false });
        self.plan_config(device, at);
    }

    /// A device that is connected and has not done what is desired of it will.
    pub(super) fn plan_config(&mut self, device: u32, at: At) {
        let waiting = self.desired.get(&device).is_some_and(|desired| !desired.answered);
        if waiting && self.devices[device as usize].online {
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
        let Some(desired) = self.desired.get_mut(&device).filter(|desired| !desired.answered) else { return };
        desired.answered = true;
        let Desired { version, request_id, .. } = desired.clone();
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
