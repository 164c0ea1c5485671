//! The broker as it tells of itself: a witness that is neither device nor room.

use std::collections::BTreeMap;

use super::Fleet;
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
}
