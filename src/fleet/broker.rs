//! The broker as it tells of itself: a witness that is neither device nor room.

use std::collections::BTreeMap;

use super::Fleet;
use crate::domain::observation::BrokerMetric;

/// The share of its clients that a broker must say it has lost.
const LOST: f64 = 0.3;
/// Clients below which a broker is too small to speak for a fleet.
const CLIENTS: f64 = 20.0;
/// Seconds for which a broker that has started anew is a reason for what its devices do.
const FRESH_S: f64 = 300.0;
/// Weight of a new count of clients in the usual one.
const USUAL: f64 = 0.02;

/// What a broker has told.
#[derive(Debug, Default)]
pub struct BrokerWitness {
    last: BTreeMap<BrokerMetric, f64>,
    /// Clients that it usually has.
    clients: Option<f64>,
    /// It was seen to start anew, and that is not long ago.
    is_fresh: bool,
}

impl BrokerWitness {
    /// Takes a number. A broker whose uptime falls has started anew.
    pub(super) fn take(&mut self, metric: BrokerMetric, value: f64) {
        if !value.is_finite() {
            return;
        }
        if metric == BrokerMetric::Connected {
            let usual = self.clients.get_or_insert(value);
            let weight = if value < (1.0 - LOST) * *usual { USUAL / 10.0 } else { USUAL };
            *usual += weight * (value - *usual);
        }
        if metric == BrokerMetric::Uptime {
            let fell = self.get(metric).is_some_and(|before| value < before);
            self.is_fresh = (self.is_fresh || fell) && value < FRESH_S;
        }
        self.last.insert(metric, value);
    }

    pub fn get(&self, metric: BrokerMetric) -> Option<f64> {
        self.last.get(&metric).copied()
    }

    /// A sentence about the clients that the broker itself has lost, where it has lost many or has just started anew.
    pub fn lost(&self) -> Option<String> {
        if let Some(uptime) = self.get(BrokerMetric::Uptime).filter(|_| self.is_fresh) {
            return Some(format!("the broker itself has started anew: it has been up for {uptime:.0} s"));
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_speaks_of_its_clients_and_of_its_own_start() {
        use BrokerMetric::{Connected, Uptime};
        let mut witness = BrokerWitness::default();
        let told: [(BrokerMetric, f64, Option<&str>); 7] = [
            (Connected, 1000.0, None),
            (Uptime, 50.0, None),
            (Connected, 600.0, Some("the broker itself counts 600 clients, where it had 999")),
            (Connected, 990.0, None),
            (Uptime, 7.0, Some("the broker itself has started anew: it has been up for 7 s")),
            (Uptime, 299.0, Some("the broker itself has started anew: it has been up for 299 s")),
            (Uptime, 309.0, None),
        ];
        for (metric, value, expected) in told {
            witness.take(metric, value);
            assert_eq!(witness.lost().as_deref(), expected, "{metric:?} {value}");
        }
    }
}
