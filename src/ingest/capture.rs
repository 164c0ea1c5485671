//! Captures: recorded messages, one JSON object a line.
//!
//! `{"t": 1774022400.25, "topic": "…", "payload": "…"}`, `t` as epoch seconds or RFC 3339, `payload` as text or as JSON. What
//! `mosquitto_sub -F %j` and `%J` print (`tst`, `topic`, `payload`, `retain`) is accepted as it is.
//!
//! What our own recorder adds: `payload_b64` for a payload that is no text, `length` where a message was cut on its way
//! in, `{"t": …, "link": "down"}` and `"up"` around the time in which nobody listened, and `{"t": …, "dropped": 3}`
//! where so many messages found no room. [`write`] makes these lines, [`file`] reads a file of them, [`packing`] packs.

pub mod file;
pub mod order;
pub mod packing;
pub mod write;

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Arrival, Ingest, take_quarantined};
use crate::domain::observation::Batch;
use crate::domain::time::At;

/// What a line tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    Message(Recorded),
    /// The recorder lost its link, or has it: between the two nobody listened. A recording begins with it up.
    Link {
        at: At,
        up: bool,
        reason: String,
    },
    /// The recorder listened until now, and nothing came.
    Quiet {
        at: At,
    },
    /// Messages that the recorder had no room for.
    Dropped {
        at: At,
        messages: u64,
    },
}

impl Entry {
    /// The same, as of another moment.
    #[must_use]
    pub fn as_of(self, at: At) -> Self {
        match self {
            Self::Message(recorded) => Self::Message(Recorded { at, ..recorded }),
            Self::Link { up, reason, .. } => Self::Link { at, up, reason },
            Self::Quiet { .. } => Self::Quiet { at },
            Self::Dropped { messages, .. } => Self::Dropped { at, messages },
        }
    }

    pub const fn at(&self) -> At {
        match self {
            Self::Message(recorded) => recorded.at,
            Self::Link { at, .. } | Self::Quiet { at } | Self::Dropped { at, .. } => *at,
        }
    }
}

/// One recorded message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    pub at: At,
    pub topic: String,
    pub payload: Vec<u8>,
    pub retained: bool,
    /// Bytes it really had, where it was set aside on its way in and the payload is only a sample.
    pub full_length: Option<u64>,
}

impl Recorded {
    /// Reads the message into a batch, as one that comes at a moment: that is not always its own.
    pub fn take(&self, at: At, ingest: &mut Ingest, watched: Option<&str>, batch: &mut Batch) {
        let Self { topic, payload, retained, full_length, .. } = self;
        let arrival = Arrival { at, topic: topic.as_bytes(), payload, retained: *retained, full_length: *full_length };
        match full_length {
            None => ingest.take(arrival, watched, batch),
            Some(_) => take_quarantined(arrival, batch),
        }
    }
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(alias = "tst")]
    t: Value,
    #[serde(borrow, default)]
    topic: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    payload: Option<&'a RawValue>,
    #[serde(default)]
    payload_b64: Value,
    #[serde(default)]
    length: Value,
    #[serde(default)]
    retain: Value,
    #[serde(default)]
    link: Value,
    #[serde(default)]
    reason: Value,
    #[serde(default)]
    dropped: Value,
}

/// Reads a line; none when it is not one: cut in the middle, or something else altogether.
pub fn read(line: &[u8]) -> Option<Entry> {
    let line: Line<'_> = serde_json::from_slice(line).ok()?;
    let at = match &line.t {
        Value::Number(seconds) => At::from_epoch(seconds.as_f64().filter(|n| *n >= 0.0)?)?,
        // Nobody recorded MQTT before 1970, however it is written.
        Value::String(text) => time(text).filter(|at| *at >= At::default())?,
        _ => return None,
    };
    let Some(topic) = &line.topic else { return recorders_word(&line, at) };
    Some(Entry::Message(Recorded {
        at,
        topic: topic.clone().into_owned(),
        payload: payload(&line)?,
        retained: line.retain == Value::Bool(true) || line.retain.as_u64() == Some(1),
        full_length: line.length.as_u64(),
    }))
}

/// A line about the recorder itself.
fn recorders_word(line: &Line<'_>, at: At) -> Option<Entry> {
    if let Some(messages) = line.dropped.as_u64() {
        return Some(Entry::Dropped { at, messages });
    }
    let up = match line.link.as_str()? {
        "up" => true,
        "down" => false,
        "quiet" => return Some(Entry::Quiet { at }),
        _ => return None,
    };
    Some(Entry::Link { at, up, reason: line.reason.as_str().unwrap_or("the recorder's link was down").to_owned() })
}

/// The payload's bytes: text as the text that it is, any other JSON letter for letter.
fn payload(line: &Line<'_>) -> Option<Vec<u8>> {
    if let Some(encoded) = line.payload_b64.as_str() {
        return BASE64.decode(encoded).ok();
    }
    match line.payload.map(RawValue::get) {
        None => Some(Vec::new()),
        Some(text) if text.starts_with('"') => serde_json::from_str::<String>(text).ok().map(String::into_bytes),
        Some(json) => Some(json.as_bytes().to_vec()),
    }
}

/// RFC 3339, and what mosquitto makes of it: an offset without its colon, or behind a `Z`.
fn time(text: &str) -> Option<At> {
    let plain = text.split_once('Z').map_or_else(|| text.to_owned(), |(before, _)| format!("{before}Z"));
    let offset = || chrono::DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z").ok();
    plain.parse().ok().or_else(|| offset().map(|at| At::from_ms(at.timestamp_millis())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_recorders_write_them() {
        let ms = 1_795_176_000_250;
        let cases = [
            (r#"{"t":1795176000.25,"topic":"a/b","payload":"x"}"#, "x", false),
            (r#"{"t":"2026-11-20T12:00:00.250Z","topic":"a/b","payload":{"n": 1.0}}"#, r#"{"n": 1.0}"#, false),
            (
                r#"{"tst":"2026-11-20T13:00:00.250000+0100","topic":"a/b","qos":0,"retain":1,"payloadlen":1,"payload":"x"}"#,
                "x",
                true,
            ),
            (r#"{"tst":"2026-11-20T12:00:00.250000Z+0000","topic":"a/b","retain":0,"payload":"x"}"#, "x", false),
            (r#"{"t":1795176000250,"topic":"a\/b"}"#, "", false),
            (r#"{"t":1795176000.25,"topic":"a/b","payload":null}"#, "", false),
            (r#"{"t":1795176000.25,"topic":"a/b","payload_b64":"eA=="}"#, "x", false),
        ];
        for (line, payload, retained) in cases {
            let (at, topic, payload) = (At::from_ms(ms), "a/b".into(), payload.into());
            let expected = Recorded { at, topic, payload, retained, full_length: None };
            assert_eq!(read(line.as_bytes()), Some(Entry::Message(expected)), "{line}");
        }
        for line in [
            "",
            "{",
            r#"{"t":1,"topic":"a"#,
            r#"{"t":true,"topic":"a"}"#,
            r#"{"t":-5,"topic":"a"}"#,
            r#"{"t":"0948-11-20T12:00:00.250Z","topic":"a"}"#,
            "[]",
            r#"{"t":1}"#,
            r#"{"t":1,"link":"sideways"}"#,
            r#"{"t":1,"topic":"a","payload_b64":"?"}"#,
        ] {
            assert_eq!(read(line.as_bytes()), None, "{line}");
        }
    }
}
