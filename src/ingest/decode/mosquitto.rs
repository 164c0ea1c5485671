//! mosquitto's counters of itself, below `$SYS/broker`: bare numbers, retained. It tells of no single client.

use super::Message;
use super::fields::Fields;
use super::tell::{push, unreadable};
use crate::domain::fault::Fault;
use crate::domain::observation::{Batch, Body, BrokerMetric};
use crate::fleet::attributes::Schema;

pub fn decode(message: &Message<'_>, schema: &Schema, batch: &mut Batch) {
    let metric = match message.rest {
        "clients/connected" => BrokerMetric::Connected,
        // Retained messages are counted along; they hardly change, so that what grows is what waits.
        "store/messages/count" => BrokerMetric::Queued,
        "publish/messages/dropped" => BrokerMetric::Dropped,
        "publish/messages/received" => BrokerMetric::Received,
        "uptime" => BrokerMetric::Uptime,
        _ => return,
    };
    match number(message.arrival.payload) {
        Some(value) => push(message, &Fields::default(), schema, batch, batch.mark(), Body::Broker(metric, value)),
        None => unreadable(message, Fault::BadNumber, batch),
    }
}

/// `12`, `25.50`, and `4711 seconds`. Nothing a broker counts is negative.
pub(super) fn number(payload: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(payload).ok()?.trim();
    let number = text.strip_suffix("seconds").unwrap_or(text).trim();
    number.parse().ok().filter(|n: &f64| n.is_finite() && *n >= 0.0)
}

#[cfg(test)]
mod tests {
    use crate::ingest::tests::table;

    #[test]
    fn the_documented_counters_are_read() {
        table(
            "mosquitto",
            &[
                ("$SYS/broker/clients/connected", "2", &["broker Connected 2"]),
                ("$SYS/broker/store/messages/count", "64", &["broker Queued 64"]),
                ("$SYS/broker/publish/messages/dropped", "7", &["broker Dropped 7"]),
                ("$SYS/broker/publish/messages/received", "12345", &["broker Received 12345"]),
                ("$SYS/broker/uptime", "4711 seconds", &["broker Uptime 4711"]),
                ("$SYS/broker/load/messages/received/1min", "25.50", &[]),
                ("$SYS/broker/retained messages/count", "62", &[]),
                ("$SYS/broker/version", "mosquitto version 2.0.11", &[]),
                ("$SYS/broker/clients/connected", "many", &["bad_number"]),
                ("$SYS/broker/clients/connected", "-1", &["bad_number"]),
                ("$SYS/broker/clients/connected", "1e999", &["bad_number"]),
            ],
        );
    }
}
