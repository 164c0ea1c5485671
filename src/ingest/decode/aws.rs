//! AWS IoT Core's own events, below `$aws/events`: presence of clients, jobs, and their executions.
//!
//! Presence comes out of order and twice. It is ordered by its version number; connection and disconnection of one
//! session share one, and it starts over after about an hour offline. Time stamps are exact to two minutes only.

use hashbrown::HashMap;

use super::fields::{Fields, Str};
use super::tell::{counted, push, tell};
use super::walk::{Path, walk};
use super::{Message, name};
use crate::domain::campaign::OtaState;
use crate::domain::fault::Fault;
use crate::domain::observation::{Batch, Body, Text, WavePlan};
use crate::domain::text::visible_name;
use crate::domain::time::At;
use crate::fleet::attributes::Schema;
use crate::ingest::route::{Format, MessageKind, Router};
use crate::limits;

const EVENTS: &str = "$aws/events/";

/// An event this much younger than the last one is believed whatever its version: the count has begun anew. An hour
/// offline is needed for that; half of it allows for both clocks.
const ANEW_S: i64 = 1_800;

/// # Errors
/// None; the topics are fixed.
pub fn routes() -> Result<Router, String> {
    let patterns = ["presence", "job", "jobExecution"].map(|kind| format!("{EVENTS}{kind}/{{rest}}"));
    Router::preset(&patterns, &Format::Aws)
}

/// The last presence event of a client.
#[derive(Clone, Copy, Debug)]
struct Last {
    version: u64,
    online: bool,
    at: At,
}

/// The last presence events, in two generations: when the young one is full, the old one is forgotten.
#[derive(Debug, Default)]
pub struct Clients {
    young: HashMap<Box<str>, Last>,
    old: HashMap<Box<str>, Last>,
}

impl Clients {
    /// Whether an event is news.
    fn judge(&mut self, client: &str, new: Last) -> Result<(), Fault> {
        if let Some(last) = self.young.get(client).or_else(|| self.old.get(client)) {
            let anew = new.at.since_s(last.at) >= ANEW_S;
            // A session's end follows its beginning.
            match (new.version, !new.online).cmp(&(last.version, !last.online)) {
                std::cmp::Ordering::Less if !anew => return Err(Fault::OutOfOrder),
                std::cmp::Ordering::Equal if !anew => return Err(Fault::Duplicate),
                _ => {}
            }
        }
        if self.young.len() >= limits::ORDERED_CLIENTS && !self.young.contains_key(client) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(client.into(), new);
        Ok(())
    }
}

pub fn decode(message: &Message<'_>, schema: &Schema, clients: &mut Clients, batch: &mut Batch) {
    let kind = message.topic.strip_prefix(EVENTS).and_then(|rest| rest.split('/').next());
    let (first, last) = message.rest.split_once('/').unwrap_or((message.rest, ""));
    let read = match kind {
        Some("presence") => presence(message, first, last, schema, clients, batch),
        Some("job") => job(message, first, last, schema, batch),
        _ => execution(message, first, last, schema, batch),
    };
    counted(message, read, batch);
}

fn presence(
    message: &Message<'_>,
    event: &str,
    client: &str,
    schema: &Schema,
    clients: &mut Clients,
    batch: &mut Batch,
) -> Result<(), Fault> {
    if !matches!(event, "connected" | "disconnected" | "connect_failed") {
        return Ok(());
    }
    let device = name(client)?;
    let message = message.about(&device).hearsay();
    let read = of_client(&message, event, schema, clients, batch);
    counted(&message, read, batch);
    Ok(())
}

fn of_client(
    message: &Message<'_>,
    event: &str,
    schema: &Schema,
    clients: &mut Clients,
    batch: &mut Batch,
) -> Result<(), Fault> {
    let (mut version, mut reason, mut stamp) = (None, None, None);
    walk(message.arrival.payload, &mut |path, value| match path.as_str() {
        "versionNumber" => version = value.number(),
        "disconnectReason" | "connectFailedReason" | "reason" => reason = value.text(),
        "timestamp" => stamp = value.number(),
        _ => {}
    })?;
    let reason = reason.unwrap_or_default();
    if event == "connect_failed" {
        let code = if reason.0.is_empty() { event } else { &reason.0 };
        tell(&message.of(MessageKind::Event), &Fields::event("auth-failure", code), schema, batch);
        return Ok(());
    }
    let online = event == "connected";
    if let Some(version) = version.filter(|n| *n >= 0.0) {
        let at = stamp.and_then(At::from_epoch).unwrap_or(message.arrival.at);
        clients.judge(message.device, Last { version: version as u64, online, at })?;
    }
    if let Some(kind) = refusal(&reason) {
        tell(&message.of(MessageKind::Event).part(), &Fields::event(kind, &reason.0), schema, batch);
    }
    tell(&message.of(MessageKind::Status), &Fields::presence(online), schema, batch);
    Ok(())
}

/// Disconnections that tell of credentials or quotas rather than of the line.
fn refusal(reason: &Str<'_>) -> Option<&'static str> {
    match &*reason.0 {
        "AUTH_ERROR" | "FORBIDDEN_ACCESS" => Some("auth-failure"),
        "THROTTLED" => Some("throttled"),
        _ => None,
    }
}

/// A job is a campaign of a single wave. What it counts, it tells when it is over.
fn job(message: &Message<'_>, job: &str, event: &str, schema: &Schema, batch: &mut Batch) -> Result<(), Fault> {
    let state = match event {
        "completed" | "deleted" => "finished",
        "canceled" | "cancellation_in_progress" | "deletion_in_progress" => "halted",
        _ => return Ok(()),
    };
    let mut plan = WavePlan::default();
    walk(message.arrival.payload, &mut |path, value| count(path, value.number(), &mut plan))?;
    let mut fields = Fields { state: Some(Str(state.into())), campaign: Some(Str(job.into())), ..Fields::default() };
    if plan.planned > 0 {
        fields.waves.push(plan);
    }
    tell(&message.of(MessageKind::CampaignState), &fields, schema, batch);
    Ok(())
}

/// `numberOfSucceededThings` and its like. Things that were canceled or removed are neither done nor failed.
fn count(path: &Path, number: Option<f64>, plan: &mut WavePlan) {
    let ("jobProcessDetails", key) = path.split() else { return };
    let n = number.unwrap_or(0.0) as u32;
    match key {
        "numberOfSucceededThings" => plan.done = n,
        "numberOfFailedThings" | "numberOfRejectedThings" | "numberOfTimedOutThings" => {
            plan.failed = plan.failed.saturating_add(n);
        }
        "numberOfCanceledThings" | "numberOfRemovedThings" => {}
        _ => return,
    }
    plan.planned = plan.planned.saturating_add(n);
}

fn execution(message: &Message<'_>, job: &str, event: &str, schema: &Schema, batch: &mut Batch) -> Result<(), Fault> {
    let state = match event {
        "succeeded" => OtaState::Succeeded,
        "failed" | "rejected" | "timed_out" => OtaState::Failed,
        // It is no part of the campaign any more.
        "canceled" | "removed" | "deleted" => OtaState::None,
        _ => return Ok(()),
    };
    let mut arn = None;
    walk(message.arrival.payload, &mut |path, value| {
        if path.as_str() == "thingArn" {
            arn = value.text();
        }
    })?;
    let arn = arn.ok_or(Fault::BadShape)?;
    // arn:aws:iot:eu-west-1:123456789012:thing/d-0001
    let (_, thing) = arn.0.split_once(":thing/").ok_or(Fault::BadShape)?;
    let device = name(thing)?;
    let message = message.about(&device).of(MessageKind::Ota).hearsay();
    let mark = batch.mark();
    let campaign = batch.keep(&visible_name(job, limits::VALUE));
    let body = Body::Ota { campaign, wave: None, state, target: Text::EMPTY };
    push(&message, &Fields::default(), schema, batch, mark, body);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::ingest::tests::{sequence, table};

    const CONNECTED: &str = "$aws/events/presence/connected/186b5";
    const DISCONNECTED: &str = "$aws/events/presence/disconnected/186b5";

    #[test]
    fn the_documented_payloads_are_read() {
        table(
            "aws-iot",
            &[
                (
                    CONNECTED,
                    r#"{"clientId":"186b5","timestamp":1573002230757,"eventType":"connected","sessionIdentifier":"a467","principalIdentifier":"1234","ipAddress":"192.0.2.0","versionNumber":0}"#,
                    &["186b5 status Some(true) None hearsay"],
                ),
                (
                    DISCONNECTED,
                    r#"{"clientId":"186b5","timestamp":1573002340451,"eventType":"disconnected","clientInitiatedDisconnect":true,"disconnectReason":"CLIENT_INITIATED_DISCONNECT","versionNumber":0}"#,
                    &["186b5 status Some(false) None hearsay"],
                ),
                (
                    DISCONNECTED,
                    r#"{"disconnectReason":"AUTH_ERROR","versionNumber":7}"#,
                    &["186b5 event AuthFailure AUTH_ERROR hearsay", "186b5 status Some(false) None hearsay"],
                ),
                (
                    DISCONNECTED,
                    r#"{"disconnectReason":"THROTTLED"}"#,
                    &["186b5 event Throttled THROTTLED hearsay", "186b5 status Some(false) None hearsay"],
                ),
                (
                    "$aws/events/presence/connect_failed/186b5",
                    r#"{"clientId":"186b5","eventType":"connect_failed"}"#,
                    &["186b5 event AuthFailure connect_failed hearsay"],
                ),
                ("$aws/events/presence/connected/a/b", "{}", &["a/b status Some(true) None hearsay"]),
                (
                    "$aws/events/job/fw-3.2.5/completed",
                    r#"{"eventType":"JOB","eventId":"7364","timestamp":1234567890,"operation":"completed","jobId":"fw-3.2.5","status":"COMPLETED","targetSelection":"SNAPSHOT","targets":["arn:aws:iot:us-east-1:1:thing/a"],"createdAt":1234567890123,"jobProcessDetails":{"numberOfCanceledThings":0,"numberOfRejectedThings":0,"numberOfFailedThings":1,"numberOfRemovedThings":0,"numberOfSucceededThings":3}}"#,
                    &["campaign fw-3.2.5 finished 1"],
                ),
                (
                    "$aws/events/job/fw-3.2.5/cancellation_in_progress",
                    r#"{"eventType":"JOB"}"#,
                    &["campaign fw-3.2.5 halted 0"],
                ),
                (
                    "$aws/events/jobExecution/fw-3.2.5/succeeded",
                    r#"{"eventType":"JOB_EXECUTION","eventId":"cca8","timestamp":1234567890,"operation":"succeeded","jobId":"fw-3.2.5","thingArn":"arn:aws:iot:us-east-1:123456789012:thing/d-0001","status":"SUCCEEDED","statusDetails":{"key":"value"}}"#,
                    &["d-0001 ota fw-3.2.5 None Succeeded hearsay"],
                ),
                (
                    "$aws/events/jobExecution/fw-3.2.5/timed_out",
                    r#"{"thingArn":"arn:aws:iot:us-east-1:1:thing/d-0001"}"#,
                    &["d-0001 ota fw-3.2.5 None Failed hearsay"],
                ),
                (
                    "$aws/events/jobExecution/fw-3.2.5/canceled",
                    r#"{"thingArn":"arn:aws:iot:us-east-1:1:thing/d-0001"}"#,
                    &["d-0001 ota fw-3.2.5 None None hearsay"],
                ),
                ("$aws/events/jobExecution/fw-3.2.5/failed", r#"{"thingArn":"d-0001"}"#, &["bad_shape"]),
                ("$aws/events/jobExecution/fw-3.2.5/dancing", "{}", &[]),
                ("$aws/events/presence/connected/186b5", "{", &["bad_json 186b5"]),
            ],
        );
    }

    #[test]
    fn presence_is_ordered_by_its_version() {
        let at = |version: u64, minutes: i64| {
            format!(r#"{{"versionNumber":{version},"timestamp":{}}}"#, 1_795_176_000_000 + minutes * 60_000)
        };
        let (first, second, anew) = (at(4, 0), at(5, 1), at(0, 90));
        let (online, offline): (&[&str], &[&str]) =
            (&["186b5 status Some(true) None hearsay"], &["186b5 status Some(false) None hearsay"]);
        sequence(
            "aws-iot",
            &[
                (CONNECTED, first.as_bytes(), online),
                (CONNECTED, first.as_bytes(), &["duplicate 186b5"]),
                // A client that takes over its own session: the old one's end comes last.
                (CONNECTED, second.as_bytes(), online),
                (DISCONNECTED, first.as_bytes(), &["out_of_order 186b5"]),
                (DISCONNECTED, second.as_bytes(), offline),
                (CONNECTED, second.as_bytes(), &["out_of_order 186b5"]),
                // After an hour offline the count begins anew.
                (CONNECTED, anew.as_bytes(), online),
            ],
        );
    }

    #[test]
    fn clients_are_forgotten_in_generations() {
        use super::*;
        let mut clients = Clients::default();
        let last = Last { version: 1, online: true, at: At::default() };
        for n in 0..limits::ORDERED_CLIENTS * 3 {
            clients.judge(&n.to_string(), last).unwrap();
        }
        assert_eq!((clients.young.len(), clients.old.len()), (limits::ORDERED_CLIENTS, limits::ORDERED_CLIENTS));
        assert_eq!(clients.judge(&(limits::ORDERED_CLIENTS * 3 - 1).to_string(), last), Err(Fault::Duplicate));
        assert_eq!(clients.judge("0", last), Ok(()));
    }
}
