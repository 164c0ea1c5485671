//! EMQX below `$SYS/brokers/{node}`: clients that connect and disconnect, and counters of each node, which are summed.
//!
//! Deliberately absent: a disconnection by take-over, because the client is connected, elsewhere and anew.

use std::collections::BTreeMap;

use super::fields::{Fields, Str};
use super::tell::{counted, push, tell};
use super::walk::walk;
use super::{Message, mosquitto, name};
use crate::domain::fault::Fault;
use crate::domain::observation::{Batch, Body, BrokerMetric};
use crate::domain::time::At;
use crate::fleet::attributes::Schema;
use crate::ingest::route::MessageKind;
use crate::limits;

/// A node that says nothing for this long has left the cluster. They speak every minute, unless told otherwise.
const GONE_S: i64 = 300;

/// The counters of each node, and when they came.
#[derive(Debug, Default)]
pub struct Cluster {
    counters: BTreeMap<(BrokerMetric, Box<str>), (f64, At)>,
}

impl Cluster {
    /// Takes a node's counter and says what the whole cluster counts. None when there are too many nodes.
    fn sum(&mut self, metric: BrokerMetric, node: &str, value: f64, at: At) -> Option<f64> {
        self.counters.retain(|_, (_, told)| at.since_s(*told) < GONE_S);
        let key = (metric, Box::from(node));
        let known = self.counters.keys().filter(|(of, _)| *of == metric).count();
        if known >= limits::BROKER_NODES && !self.counters.contains_key(&key) {
            return None;
        }
        self.counters.insert(key, (value, at));
        let values = self.counters.iter().filter(|((of, _), _)| *of == metric).map(|(_, (value, _))| *value);
        // The cluster is as old as the node that started last.
        Some(if metric == BrokerMetric::Uptime { values.fold(value, f64::min) } else { values.sum() })
    }
}

pub fn decode(message: &Message<'_>, schema: &Schema, cluster: &mut Cluster, batch: &mut Batch) {
    let Some((node, below)) = message.rest.split_once('/') else { return };
    let read = match below.split_once('/') {
        Some(("clients", client)) => client_event(message, client, schema, batch),
        _ => counter(message, node, below, schema, cluster, batch),
    };
    counted(message, read, batch);
}

fn counter(
    message: &Message<'_>,
    node: &str,
    topic: &str,
    schema: &Schema,
    cluster: &mut Cluster,
    batch: &mut Batch,
) -> Result<(), Fault> {
    let metric = match topic {
        "stats/connections/count" => BrokerMetric::Connected,
        "metrics/messages/dropped" => BrokerMetric::Dropped,
        "metrics/messages/received" => BrokerMetric::Received,
        "uptime" => BrokerMetric::Uptime,
        _ => return Ok(()),
    };
    let payload = message.arrival.payload;
    let value = match metric {
        // Builds differ in the unit of a bare number, so that only words are believed.
        BrokerMetric::Uptime => match uptime_s(payload) {
            Some(uptime) => uptime,
            None => return Ok(()),
        },
        _ => mosquitto::number(payload).ok_or(Fault::BadNumber)?,
    };
    let node = name(node)?;
    let sum = cluster.sum(metric, &node, value, message.arrival.at).ok_or(Fault::TableFull)?;
    push(message, &Fields::default(), schema, batch, batch.mark(), Body::Broker(metric, sum));
    Ok(())
}

/// `3 days, 5 hours, 47 minutes, 4 seconds`.
fn uptime_s(payload: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(payload).ok()?;
    let part = |part: &str| {
        let (number, unit) = part.trim().split_once(' ')?;
        let unit_s = match unit.trim().trim_end_matches('s') {
            "day" => 86_400.0,
            "hour" => 3_600.0,
            "minute" => 60.0,
            "second" => 1.0,
            _ => return None,
        };
        Some(f64::from(number.parse::<u32>().ok()?) * unit_s)
    };
    text.split(',').map(part).sum()
}

/// `{clientid}/connected` and `{clientid}/disconnected`. Client ids may contain slashes.
fn client_event(message: &Message<'_>, topic: &str, schema: &Schema, batch: &mut Batch) -> Result<(), Fault> {
    let Some((client, event)) = topic.rsplit_once('/') else { return Ok(()) };
    let online = match event {
        "connected" => true,
        "disconnected" => false,
        _ => return Ok(()),
    };
    let device = name(client)?;
    let message = message.about(&device).hearsay();
    let read = came_or_went(&message, online, schema, batch);
    counted(&message, read, batch);
    Ok(())
}

fn came_or_went(message: &Message<'_>, online: bool, schema: &Schema, batch: &mut Batch) -> Result<(), Fault> {
    let (mut fields, mut reason) = (Fields::presence(online), None);
    walk(message.arrival.payload, &mut |path, value| match path.as_str() {
        "ts" => fields.stamp(value),
        "reason" => reason = value.text(),
        _ => {}
    })?;
    let reason = reason.unwrap_or_default();
    if !online && matches!(&*reason.0, "takenover" | "takeovered" | "discarded") {
        return Ok(());
    }
    if let Some(kind) = refusal(&reason) {
        tell(&message.of(MessageKind::Event).part(), &Fields::event(kind, &reason.0), schema, batch);
    }
    tell(&message.of(MessageKind::Status), &fields, schema, batch);
    Ok(())
}

/// Disconnections that tell of credentials rather than of the line.
fn refusal(reason: &Str<'_>) -> Option<&'static str> {
    match &*reason.0 {
        "not_authorized" | "banned" | "bad_username_or_password" => Some("auth-failure"),
        "quota_exceeded" | "connection_rate_exceeded" => Some("throttled"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::ingest::tests::{sequence, table};

    #[test]
    fn the_documented_payloads_are_read() {
        table(
            "emqx",
            &[
                (
                    "$SYS/brokers/emqx@127.0.0.1/clients/emqtt-8348/connected",
                    r#"{"username":"foo","ts":1795176000000,"sockport":1883,"proto_ver":4,"proto_name":"MQTT","keepalive":60,"ipaddress":"127.0.0.1","expiry_interval":0,"connected_at":1795176000000,"connack":0,"clientid":"emqtt-8348","clean_start":true}"#,
                    &["emqtt-8348 status Some(true) None hearsay"],
                ),
                (
                    "$SYS/brokers/emqx@127.0.0.1/clients/a/b/disconnected",
                    r#"{"username":"foo","ts":1795176000000,"reason":"tcp_closed","disconnected_at":1795176000000,"clientid":"a/b"}"#,
                    &["a/b status Some(false) None hearsay"],
                ),
                ("$SYS/brokers/n/clients/d1/disconnected", r#"{"reason":"takenover"}"#, &[]),
                (
                    "$SYS/brokers/n/clients/d1/disconnected",
                    r#"{"reason":"not_authorized"}"#,
                    &["d1 event AuthFailure not_authorized hearsay", "d1 status Some(false) None hearsay"],
                ),
                ("$SYS/brokers/n/uptime", "1 days, 2 hours, 3 minutes, 4 seconds", &["broker Uptime 93784"]),
                ("$SYS/brokers/n/uptime", "93784000", &[]),
                ("$SYS/brokers/n/metrics/messages/dropped", "12", &["broker Dropped 12"]),
                ("$SYS/brokers/n/metrics/bytes/received", "12", &[]),
                ("$SYS/brokers", "n,m", &["bad_topic"]),
                ("$SYS/brokers/n/stats/connections/count", "many", &["bad_number"]),
                ("$SYS/brokers/n/clients/d1/connected", "yes", &["bad_json d1"]),
            ],
        );
    }

    #[test]
    fn the_nodes_of_a_cluster_are_summed() {
        sequence(
            "emqx",
            &[
                ("$SYS/brokers/a/stats/connections/count", b"100", &["broker Connected 100"]),
                ("$SYS/brokers/b/stats/connections/count", b"50", &["broker Connected 150"]),
                ("$SYS/brokers/a/stats/connections/count", b"90", &["broker Connected 140"]),
                ("$SYS/brokers/b/metrics/messages/received", b"7", &["broker Received 7"]),
            ],
        );
    }
}
