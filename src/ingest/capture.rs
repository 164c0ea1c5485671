//! Captures: recorded messages, one JSON object a line.
//!
//! `{"t": 1774022400.25, "topic": "…", "payload": "…"}`, `t` as epoch seconds or RFC 3339, `payload` as text or as JSON. What
//! `mosquitto_sub -F %j` and `%J` print (`tst`, `topic`, `payload`, `retain`) is accepted as it is.

use serde::Deserialize;
use serde_json::Value;

use crate::domain::time::At;

/// One recorded message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    pub at: At,
    pub topic: String,
    pub payload: Vec<u8>,
    pub retained: bool,
}

#[derive(Deserialize)]
struct Line {
    #[serde(alias = "tst")]
    t: Value,
    topic: String,
    #[serde(default)]
    payload: Value,
    #[serde(default)]
    retain: Value,
}

/// Reads a line; none when it is not one: cut in the middle, or something else altogether.
pub fn read(line: &[u8]) -> Option<Recorded> {
    let line: Line = serde_json::from_slice(line).ok()?;
    let at = match &line.t {
        Value::Number(seconds) => At::from_epoch(seconds.as_f64().filter(|n| *n >= 0.0)?)?,
        Value::String(text) => time(text)?,
        _ => return None,
    };
    let payload = match line.payload {
        Value::String(text) => text.into_bytes(),
        Value::Null => Vec::new(),
        json => serde_json::to_vec(&json).ok()?,
    };
    let retained = line.retain == Value::Bool(true) || line.retain.as_u64() == Some(1);
    Some(Recorded { at, topic: line.topic, payload, retained })
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
            (r#"{"t":"2026-11-20T12:00:00.250Z","topic":"a/b","payload":{"n":1}}"#, r#"{"n":1}"#, false),
            (
                r#"{"tst":"2026-11-20T13:00:00.250000+0100","topic":"a/b","qos":0,"retain":1,"payloadlen":1,"payload":"x"}"#,
                "x",
                true,
            ),
            (r#"{"tst":"2026-11-20T12:00:00.250000Z+0000","topic":"a/b","retain":0,"payload":"x"}"#, "x", false),
            (r#"{"t":1795176000250,"topic":"a/b"}"#, "", false),
        ];
        for (line, payload, retained) in cases {
            let expected = Recorded { at: At::from_ms(ms), topic: "a/b".into(), payload: payload.into(), retained };
            assert_eq!(read(line.as_bytes()), Some(expected), "{line}");
        }
        for line in ["", "{", r#"{"t":1,"topic":"a"#, r#"{"t":true,"topic":"a"}"#, r#"{"t":-5,"topic":"a"}"#, "[]"] {
            assert_eq!(read(line.as_bytes()), None, "{line}");
        }
    }
}
