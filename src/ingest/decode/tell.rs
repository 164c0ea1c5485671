//! From the fields of a message to its observation: what every format has in common.

use std::borrow::Cow;

use super::fields::{Fields, RawStamp, Str};
use super::{Message, presence};
use crate::domain::campaign::{CampaignAction, CampaignState, OtaState};
use crate::domain::fault::Fault;
use crate::domain::observation::{Batch, Body, Envelope, EventKind, Mark, Telemetry, Text};
use crate::domain::text::{visible_bytes, visible_name};
use crate::domain::time::At;
use crate::fleet::attributes::Schema;
use crate::ingest;
use crate::ingest::route::MessageKind;
use crate::limits;

/// A device's clock may run ahead by this much before it is said to.
const AHEAD_S: i64 = 300;
/// And lag behind by this much.
const BEHIND_S: i64 = 86_400;
/// Time stamps before this are clocks that were never set: September 2001, a billion seconds.
const UNSET_S: i64 = 1_000_000_000;

/// Pushes what the fields say, as the kind of the message has it, and a fault for each thing that is wrong with them.
pub(super) fn tell(message: &Message<'_>, fields: &Fields<'_>, schema: &Schema, batch: &mut Batch) {
    let mark = batch.mark();
    match body(message, fields, batch) {
        Ok(body) => {
            push(message, fields, schema, batch, mark, body);
            if let Some(suppressed) = fields.lifecycle.as_ref().and_then(|word| is_suppressed(&word.0)) {
                let device = batch.keep(message.device);
                let (at, retained) = (message.arrival.at, message.arrival.retained);
                let envelope = Envelope { at, device, retained, ..Envelope::default() };
                batch.push(batch.mark(), envelope, Body::Suppressed(suppressed));
            }
        }
        Err(fault) => {
            batch.rewind(mark);
            unreadable(message, fault, batch);
        }
    }
}

/// Tells that the broker was told to forget a device's retained presence, or a campaign's state. Nothing is wrong.
pub(super) fn cleared(message: &Message<'_>, batch: &mut Batch) {
    if message.kind == MessageKind::CampaignState {
        let Some(name) = message.campaign else { return };
        let campaign = batch.keep(&visible_name(name, limits::VALUE));
        let envelope = Envelope { at: message.arrival.at, ..Envelope::default() };
        return batch.push(batch.mark(), envelope, Body::CampaignCleared { campaign });
    }
    if !message.device.is_empty() {
        let device = batch.keep(message.device);
        let envelope = Envelope { at: message.arrival.at, device, ..Envelope::default() };
        batch.push(batch.mark(), envelope, Body::Cleared);
    }
}

/// Counts a message, or a part of it, that could not be read.
pub(super) fn unreadable(message: &Message<'_>, fault: Fault, batch: &mut Batch) {
    ingest::fault(message.arrival, message.device, fault, batch);
}

fn body(message: &Message<'_>, fields: &Fields<'_>, batch: &mut Batch) -> Result<Body, Fault> {
    let (stamp, stamp_fault) = stamp(fields.ts.as_ref(), message);
    if let Some(fault) = stamp_fault {
        ingest::fault(message.arrival, message.device, fault, batch);
    }
    Ok(match message.kind {
        MessageKind::Status => Body::Status {
            online: presence(fields)?,
            stamp,
            boots: Fields::exact(fields.boots)?.map(clamp_u32),
            boot_reason: keep(fields.boot_reason.as_ref(), batch),
        },
        MessageKind::Telemetry => Body::Telemetry(telemetry(message, fields, stamp, batch)?),
        MessageKind::Event => Body::Event {
            stamp,
            kind: fields.kind.as_ref().map_or(EventKind::Other, |kind| event_kind(&kind.0)),
            code: keep(fields.code.as_ref(), batch),
            message: keep_sentence(fields.message.as_ref(), batch),
        },
        MessageKind::Ota => Body::Ota {
            campaign: campaign(message, fields, batch)?,
            wave: fields.wave,
            state: state_word(fields, OtaState::parse)?,
            target: keep(fields.to.as_ref(), batch),
        },
        MessageKind::ConfigReported => Body::ConfigReported { request_id: keep(fields.request_id.as_ref(), batch) },
        MessageKind::Answer => Body::Answer { request_id: keep(fields.request_id.as_ref(), batch) },
        MessageKind::CampaignState => {
            fields.waves.iter().for_each(|wave| batch.wave(*wave));
            Body::Campaign {
                campaign: campaign(message, fields, batch)?,
                state: state_word(fields, CampaignState::parse)?,
                wave: fields.wave,
                target: keep(fields.to.as_ref(), batch),
                request_id: keep(fields.request_id.as_ref(), batch),
                waves: (0, 0),
            }
        }
        MessageKind::CampaignControl | MessageKind::ToDevice => Body::Control {
            campaign: campaign(message, fields, batch)?,
            action: fields.action.as_ref().map(|a| a.0.as_ref()).or(message.action).and_then(CampaignAction::parse),
            request_id: keep(fields.request_id.as_ref(), batch),
        },
    })
}

/// Whether nobody misses a device in this state of its life; none for a state we do not know.
fn is_suppressed(lifecycle: &str) -> Option<bool> {
    match lifecycle {
        "maintenance" | "suspended" | "decommissioned" => Some(true),
        "provisioned" | "active" => Some(false),
        _ => None,
    }
}

/// A status says `online`, or `state` in a word; one that says neither is about something else.
fn presence(fields: &Fields<'_>) -> Result<Option<bool>, Fault> {
    match (fields.online, &fields.state) {
        (Some(online), _) => Ok(Some(online)),
        (None, Some(word)) => presence::word(word.0.as_bytes()).map(Some).ok_or(Fault::BadStatus),
        (None, None) => Ok(None),
    }
}

fn state_word<T>(fields: &Fields<'_>, parse: impl Fn(&str) -> Option<T>) -> Result<T, Fault> {
    fields.state.as_ref().and_then(|word| parse(&word.0)).ok_or(Fault::BadStatus)
}

/// The campaign in the payload, or else in the topic.
fn campaign(message: &Message<'_>, fields: &Fields<'_>, batch: &mut Batch) -> Result<Text, Fault> {
    let name = fields.campaign.as_ref().map(|name| name.0.as_ref()).or(message.campaign).unwrap_or("");
    if name.is_empty() { Err(Fault::BadShape) } else { Ok(batch.keep(&visible_name(name, limits::VALUE))) }
}

fn keep(text: Option<&Str<'_>>, batch: &mut Batch) -> Text {
    text.map_or(Text::EMPTY, |text| batch.keep(&visible_name(&text.0, limits::VALUE)))
}

fn keep_sentence(text: Option<&Str<'_>>, batch: &mut Batch) -> Text {
    text.map_or(Text::EMPTY, |text| batch.keep(&visible_name(&text.0, limits::SENTENCE)))
}

fn event_kind(word: &str) -> EventKind {
    match word {
        "error" => EventKind::Error,
        "reboot" => EventKind::Reboot,
        "auth-failure" => EventKind::AuthFailure,
        "throttled" => EventKind::Throttled,
        "signature-failure" => EventKind::SignatureFailure,
        "rejected" => EventKind::Rejected,
        _ => EventKind::Other,
    }
}

fn clamp_u32(n: u64) -> u32 {
    n.min(u32::MAX.into()) as u32
}

fn telemetry(
    message: &Message<'_>,
    fields: &Fields<'_>,
    stamp: Option<At>,
    batch: &mut Batch,
) -> Result<Telemetry, Fault> {
    let mut out_of_range = false;
    // A number outside its range is left out: no field silently becomes its limit.
    let mut within = |n: Option<f64>, low: f64, high: f64| {
        let ok = n.filter(|n| (low..=high).contains(n));
        out_of_range |= n.is_some() && ok.is_none();
        ok
    };
    // A share of one, or a percentage.
    let percent = |n: f64| if n <= 1.0 { n * 100.0 } else { n };
    let telemetry = Telemetry {
        stamp,
        // Counters beyond 32 bits are someone's idea of a time stamp; they order nothing here.
        seq: Fields::exact(fields.seq)?.and_then(|seq| u32::try_from(seq).ok()),
        battery: within(fields.battery, 0.0, 100.0).map(|n| percent(n).round() as u8),
        rssi: within(fields.rssi, -127.0, 0.0).map(|n| n.round() as i8),
        errors: within(fields.errors, 0.0, f64::from(u32::MAX)).map(|n| n as u32),
        queue: within(fields.queue, 0.0, f64::from(u32::MAX)).map(|n| n as u32),
        uptime_s: within(fields.uptime_s, 0.0, f64::from(u32::MAX)).map(|n| n as u32),
    };
    if out_of_range {
        ingest::fault(message.arrival, message.device, Fault::OutOfRange, batch);
    }
    Ok(telemetry)
}

/// A device's own time, and what is wrong with it. The message counts all the same, by its arrival.
fn stamp(raw: Option<&RawStamp<'_>>, message: &Message<'_>) -> (Option<At>, Option<Fault>) {
    let read = match raw {
        None => return (None, None),
        Some(RawStamp::Number(n)) => At::from_epoch(*n),
        Some(RawStamp::Text(text)) => rfc3339(&text.0),
    };
    let Some(stamp) = read.filter(|at| at.second() >= UNSET_S) else { return (None, Some(Fault::BadTimestamp)) };
    let ahead_s = stamp.since_ms(message.arrival.at) / 1000;
    let fault = match ahead_s {
        ahead if ahead > AHEAD_S => Some(Fault::FutureTimestamp),
        // What the broker had in store may be as old as it likes.
        ahead if ahead < -BEHIND_S && !message.arrival.retained => Some(Fault::OldTimestamp),
        _ => None,
    };
    (Some(stamp), fault)
}

/// RFC 3339. Nearly all come as `2026-11-20T12:00:00Z` with or without a fraction, and those are read by hand: the
/// general reader costs as much as the rest of the message.
fn rfc3339(text: &str) -> Option<At> {
    let b = text.as_bytes();
    let digits = |from: usize, to: usize| {
        b[from..to].iter().try_fold(0i64, |n, d| d.is_ascii_digit().then(|| n * 10 + i64::from(d - b'0')))
    };
    let plain = (20..=30).contains(&b.len())
        && b[b.len() - 1] == b'Z'
        && (b[4], b[7], b[10], b[13], b[16]) == (b'-', b'-', b'T', b':', b':')
        && (b.len() == 20 || (b[19] == b'.' && b.len() > 21));
    if !plain {
        return text.parse().ok();
    }
    let (year, month, day) = (digits(0, 4)?, digits(5, 7)?, digits(8, 10)?);
    let (hour, minute, second) = (digits(11, 13)?, digits(14, 16)?, digits(17, 19)?);
    if hour > 23 || minute > 59 || second > 60 || year == 0 {
        return None;
    }
    let date = chrono::NaiveDate::from_ymd_opt(year as i32, month as u32, day as u32)?;
    let days = i64::from(chrono::Datelike::num_days_from_ce(&date)) - 719_163;
    let fraction = b.get(20..b.len() - 1).unwrap_or(&[]);
    if !fraction.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let ms = (0..3).fold(0, |ms, i| ms * 10 + fraction.get(i).map_or(0, |d| i64::from(d - b'0')));
    Some(At::from_ms((((days * 24 + hour) * 60 + minute) * 60 + second.min(59)) * 1000 + ms))
}

/// Counts what could not be read, in the name of the device that the message is about.
pub(super) fn counted(message: &Message<'_>, read: Result<(), Fault>, batch: &mut Batch) {
    if let Err(fault) = read {
        unreadable(message, fault, batch);
    }
}

/// Pushes an observation, with the attributes and values that topic and payload give. `mark` is from before the body.
pub(super) fn push(
    message: &Message<'_>,
    fields: &Fields<'_>,
    schema: &Schema,
    batch: &mut Batch,
    mark: Mark,
    body: Body,
) {
    if !message.device.is_empty() {
        describe(message, fields, schema, batch);
    }
    let watched = message.watched.is_some_and(|id| id == message.device);
    let worth_keeping = message.kind != MessageKind::Telemetry || watched;
    let (topic, raw) = if worth_keeping && !message.part {
        let topic: Cow<'_, str> = visible_name(message.topic, limits::SENTENCE);
        (batch.keep(&topic), batch.keep(&visible_bytes(message.arrival.payload, limits::PREVIEW)))
    } else {
        (Text::EMPTY, Text::EMPTY)
    };
    let device = batch.keep(message.device);
    let envelope = Envelope {
        at: message.arrival.at,
        device,
        retained: message.arrival.retained,
        hearsay: message.hearsay,
        bytes: message.arrival.payload.len() as u32,
        topic,
        raw,
    };
    batch.push(mark, envelope, body);
}

fn describe(message: &Message<'_>, fields: &Fields<'_>, schema: &Schema, batch: &mut Batch) {
    if let (Some(site), Some(attribute)) = (message.site, schema.find("site")) {
        batch.attribute(attribute, &visible_name(site, limits::VALUE));
    }
    if matches!(message.kind, MessageKind::Status | MessageKind::Telemetry) {
        for (attribute, value) in &fields.attributes {
            batch.attribute(*attribute, &visible_name(&value.0, limits::VALUE));
        }
    }
    for (name, value) in &fields.values {
        batch.value(&visible_name(&name.0, limits::VALUE), *value);
    }
    if let (MessageKind::ConfigReported, Some(version), Some(attribute)) =
        (message.kind, &fields.version, schema.find("config"))
    {
        batch.attribute(attribute, &visible_name(&version.0, limits::VALUE));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_stamps_are_read_as_they_come() {
        let cases = [
            ("2026-11-20T12:00:00Z", Some(1_795_176_000_000)),
            ("2026-11-20T12:00:00.250Z", Some(1_795_176_000_250)),
            ("2026-11-20T12:00:00.123456789Z", Some(1_795_176_000_123)),
            ("2026-11-20T13:00:00+01:00", Some(1_795_176_000_000)),
            ("2026-02-30T12:00:00Z", None),
            ("2026-11-20T25:00:00Z", None),
            ("2026-11-20T12:00:00.Z", None),
            ("2026-11-20T12:00:00+99:99", None),
            ("yesterday", None),
            ("", None),
        ];
        for (text, ms) in cases {
            assert_eq!(rfc3339(text).map(At::ms), ms, "{text}");
        }
        assert_eq!(At::from_epoch(1_774_022_400.25).map(At::ms), Some(1_774_022_400_250));
        assert_eq!(At::from_epoch(1_774_022_400_250.0).map(At::ms), Some(1_774_022_400_250));
        assert_eq!(At::from_epoch(1e308), None);
    }

    proptest::proptest! {
        #[test]
        fn the_fast_way_reads_what_the_general_one_reads(ms in 1_000_000_000_000i64..4_000_000_000_000) {
            let at = At::from_ms(ms);
            proptest::prop_assert_eq!(rfc3339(&at.to_string()), Some(at));
        }
    }
}
