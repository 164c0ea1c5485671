//! Orders to the simulated world: what is published to it, and to whom it goes.
//!
//! | topic | who answers |
//! |---|---|
//! | `{root}/ota/{campaign}/control` | the controller of the campaign, by its state ([`super::rollout`]) |
//! | `{root}/{site}/{device}/config/desired` | the device, with what it has then ([`super::config`]) |
//! | `{root}/{site}/{device}/firmware/desired` | the device, with what it runs then ([`super::firmware`]) |
//! | `{root}/access/{device}/control` | the access control of the broker ([`super::access`]) |

use serde_json::Value;

use super::World;
use crate::domain::time::At;
use crate::drill::scenario::{Answer, Fate};

/// Filters of the topics that the world listens to.
pub fn filters(root: &str) -> Vec<String> {
    vec![
        format!("{root}/ota/+/control"),
        format!("{root}/access/+/control"),
        format!("{root}/+/+/config/desired"),
        format!("{root}/+/+/firmware/desired"),
    ]
}

/// Seconds until an answer where the scenario does not say.
const ANSWER_S: (f64, f64) = (0.3, 2.0);

impl World {
    /// Takes a message that was published to the world.
    pub fn hear(&mut self, topic: &str, payload: &[u8], at: At) {
        let Some(rest) = topic.strip_prefix(&self.scenario.fleet.root).and_then(|rest| rest.strip_prefix('/')) else {
            return;
        };
        let levels: Vec<&str> = rest.split('/').collect();
        if let [_, device, "config", "desired"] = levels[..] {
            let device = device.to_owned();
            return self.hear_config(&device, payload, at);
        }
        if let [_, device, "firmware", "desired"] = levels[..] {
            let device = device.to_owned();
            return self.hear_firmware(&device, payload, at);
        }
        let Ok(order) = serde_json::from_slice::<Value>(payload) else { return };
        let Some(action) = order["action"].as_str() else { return };
        let request_id = order["request_id"].as_str().unwrap_or("");
        match levels[..] {
            ["ota", campaign, "control"] => self.hear_control(campaign, action, request_id, at),
            ["access", device, "control"] => self.hear_access(device, action, request_id, at),
            _ => {}
        }
    }

    /// The device of this name.
    pub(super) fn find(&self, id: &str) -> Option<u32> {
        let number = id.strip_prefix(&self.scenario.fleet.prefix)?.strip_prefix('-')?.parse().ok()?;
        (number < self.devices() && self.id(number) == id).then_some(number)
    }

    /// What becomes of an order of this kind to a device, always the same for the same device.
    pub(super) fn fate(&self, device: u32, kind: usize) -> Fate {
        self.scenario.response.answers()[kind].1.fate(self.lot(device, ORDERS + kind as u16, 0))
    }

    /// When an order is answered.
    pub(super) fn answered_at(&mut self, answer: &Answer, at: At) -> At {
        let (from, to) = answer.after_s.unwrap_or(ANSWER_S);
        at.plus_ms(((from + (to - from) * self.random.f64()) * 1000.0) as i64)
    }
}

/// Lots are drawn for faults by their number; those for orders begin here.
const ORDERS: u16 = 60_000;
