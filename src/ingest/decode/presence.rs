//! Presence in a word, as many a firmware sends it: bare, or as JSON.

use super::Message;
use super::fields::Fields;
use super::tell::{self, tell};
use super::walk::{Leaf, walk};
use crate::domain::fault::Fault;
use crate::domain::observation::Batch;
use crate::fleet::attributes::Schema;
use crate::ingest::route::MessageKind;

/// `online`, `Offline`, `1`, `false`.
pub(super) fn word(payload: &[u8]) -> Option<bool> {
    let word = std::str::from_utf8(payload).ok()?.trim();
    let is = |known: &[&str]| known.iter().any(|k| word.eq_ignore_ascii_case(k));
    if is(&["online", "connected", "true", "1"]) {
        Some(true)
    } else if is(&["offline", "disconnected", "lost", "false", "0"]) {
        Some(false)
    } else {
        None
    }
}

/// Tells the presence that is all of a message, with what else is known of the device.
///
/// # Errors
/// What is no presence.
pub(super) fn told(message: &Message<'_>, fields: Fields<'_>, schema: &Schema, batch: &mut Batch) -> Result<(), Fault> {
    match read(message.arrival.payload)? {
        Some(online) => {
            let fields = Fields { online: Some(online), ..fields };
            tell(&message.of(MessageKind::Status), &fields, schema, batch);
        }
        None => tell::cleared(message, batch),
    }
    Ok(())
}

/// A word, or JSON that holds one: `{"state":"online"}`, `{"online":true}`, `"offline"`. None where the message was
/// cleared at the broker.
///
/// # Errors
/// What is neither.
fn read(payload: &[u8]) -> Result<Option<bool>, Fault> {
    if payload.is_empty() {
        return Ok(None);
    }
    if let Some(online) = word(payload) {
        return Ok(Some(online));
    }
    if !matches!(payload.trim_ascii_start().first(), Some(b'{' | b'"')) {
        return Err(Fault::BadStatus);
    }
    let mut online = None;
    walk(payload, &mut |path, leaf| {
        if matches!(path.as_str(), "" | "online" | "state" | "status") {
            online = match leaf {
                Leaf::Bool(told) => Some(told),
                Leaf::Number(n) => Some(n != 0.0),
                Leaf::Text(text) => word(text.as_bytes()),
                Leaf::Null => None,
            };
        }
    })?;
    online.map(Some).ok_or(Fault::BadStatus)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presence_is_read_bare_and_as_json() {
        let cases: [(&str, Result<Option<bool>, Fault>); 10] = [
            ("online", Ok(Some(true))),
            (" Offline\n", Ok(Some(false))),
            (r#"{"state":"online"}"#, Ok(Some(true))),
            (r#"{"online":false,"timestamp":1668114759262}"#, Ok(Some(false))),
            (r#""offline""#, Ok(Some(false))),
            ("", Ok(None)),
            ("fine", Err(Fault::BadStatus)),
            (r#"{"state":"fine"}"#, Err(Fault::BadStatus)),
            ("{}", Err(Fault::BadStatus)),
            (r#"{"state":"#, Err(Fault::BadJson)),
        ];
        for (payload, expected) in cases {
            assert_eq!(read(payload.as_bytes()), expected, "{payload}");
        }
    }
}
