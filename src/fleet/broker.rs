//! The broker as it tells of itself: a witness that is neither device nor room.

use std::collections::BTreeMap;

use super::Fleet;
use crate::domain::cohort::CohortKey;
use crate::domain::observation::BrokerMetric;

/// The share of its clients that a broker must say it has lost.
const LOST: f64 = 0.3;
/// Clients below which a broker is too small to speak for a fleet.
const CLIENTS: f64 = 20.0;
/// Weight of a new count of clients in the usual one.
const USUAL: f64 = 0.02;

/// What a broker has told.
#[derive(Debug, Default)]
pub struct BrokerWitness {
    last: BTreeMap<BrokerMetric, f64>,
    /// Clients that it usually has.
    clients: Option<f64>,
}

impl BrokerWitness {
    /// Takes a number. A broker that has started anew (its uptime fell) has lost all that it knew.
    pub(super) fn take(&mut self, metric: BrokerMetric, value: f64) {
        if !value.is_finite() {
            return;
        }
        if metric == BrokerMetric::Connected {
            let usual = self.clients.get_or_insert(value);
            let weight = if value < (1.0 - LOST) * *usual { USUAL / 10.0 } else { USUAL };
            *usual += weight * (value - *usual);
        }
        self.last.insert(metric, value);
    }

    pub fn get(&self, metric: BrokerMetric) -> Option<f64> {
        self.last.get(&metric).copied()
    }

    /// A sentence about the clients that the broker itself has lost, where it has lost many.
    pub fn lost(&self) -> Option<String> {
        let (usual, now) = (self.clients?, self.get(BrokerMetric::Connected)?);
        (usual >= CLIENTS && now < (1.0 - LOST) * usual)
            .then(|| format!("the broker itself counts {now:.0} clients, where it had {usual:.0}"))
    }
}

impl Fleet {
    pub const fn broker(&self) -> &BrokerWitness {
        &self.broker
    }

    /// Seconds within which nine of ten of a cohort's devices that are away were last heard; none where too few are.
    pub fn gone_within(&self, cohort: &CohortKey) -> Option<i64> {
        let wanted: Option<Vec<_>> = cohort
            .0
            .iter()
            .map(|(attribute, value)| {
                let attribute = self.schema().find(attribute)?;
                Some((usize::from(attribute.0), self.dictionary(attribute).find(value)?))
            })
            .collect();
        let wanted = wanted?;
        let holds = |device: &super::devices::Device| {
            let vector = self.vector(device.group);
            wanted.iter().all(|(attribute, value)| vector[*attribute] == *value)
        };
        let away = |device: &super::devices::Device| !device.has(super::devices::Flag::Online) && device.seen > 0;
        let mut gone: Vec<u32> =
            self.devices.iter().filter(|(_, d)| away(d) && holds(d)).map(|(_, device)| device.seen).collect();
        if gone.len() < 8 {
            return None;
        }
        gone.sort_unstable();
        let tenth = gone.len() / 10;
        // The narrowest window that holds nine of ten.
        let within = (0..=tenth).map(|from| gone[from + gone.len() - 1 - tenth] - gone[from]).min()?;
        Some(within.into())
    }

    /// Devices that have been given this firmware since the room opened.
    pub fn adopted(&self, firmware: &str) -> u32 {
        let value = self.schema().find("firmware").and_then(|attribute| self.dictionary(attribute).find(firmware));
        value.and_then(|value| self.adopted.get(&value)).copied().unwrap_or(0)
    }
}
