//! Writes the lines of a capture, so that [`super::read`] gives back what was written, byte for byte.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::value::RawValue;

use crate::domain::time::At;
use crate::ingest::Arrival;

/// Adds the line of a message. A topic that is no text is written with the marks that stand for what it is not.
pub fn message(arrival: &Arrival<'_>, out: &mut Vec<u8>) {
    begin(arrival.at, out);
    put(out, r#","topic":"#);
    text(&String::from_utf8_lossy(arrival.topic), out);
    payload(arrival.payload, out);
    if arrival.retained {
        put(out, r#","retain":1"#);
    }
    if let Some(length) = arrival.full_length {
        put(out, &format!(r#","length":{length}"#));
    }
    put(out, "}\n");
}

/// Adds the line that says that the link is up, or why it is down.
pub fn link(at: At, down: Option<&str>, out: &mut Vec<u8>) {
    begin(at, out);
    match down {
        None => put(out, r#","link":"up""#),
        Some(reason) => {
            put(out, r#","link":"down","reason":"#);
            text(reason, out);
        }
    }
    put(out, "}\n");
}

/// Adds the line that says that the link is up, and nothing came: without it time would end with the last message.
pub fn quiet(at: At, out: &mut Vec<u8>) {
    begin(at, out);
    put(out, ",\"link\":\"quiet\"}\n");
}

/// Adds the line that says how many messages found no room.
pub fn dropped(at: At, messages: u64, out: &mut Vec<u8>) {
    begin(at, out);
    put(out, &format!(",\"dropped\":{messages}}}\n"));
}

/// Whether a line that was written here is that of a message.
pub fn is_message(line: &[u8]) -> bool {
    let time = line.iter().position(|byte| *byte == b',').unwrap_or(line.len());
    line[time..].starts_with(br#","topic":"#)
}

fn begin(at: At, out: &mut Vec<u8>) {
    // A clock before 1970 was never set, and no reader takes such a time.
    let ms = at.ms().max(0);
    put(out, &format!(r#"{{"t":{}.{:03}"#, ms / 1000, ms % 1000));
}

/// JSON as it came, where it comes back as it came; other text as a string; what is no text in base 64.
fn payload(payload: &[u8], out: &mut Vec<u8>) {
    match std::str::from_utf8(payload) {
        Ok("") => {}
        Ok(json) if is_plain_json(json) => {
            put(out, r#","payload":"#);
            put(out, json);
        }
        Ok(plain) => {
            put(out, r#","payload":"#);
            text(plain, out);
        }
        Err(_) => {
            put(out, r#","payload_b64":"#);
            text(&BASE64.encode(payload), out);
        }
    }
}

/// Whether text can stand in a line as the JSON that it is. A string would be read as what it says, `null` as nothing,
/// blanks around it would be lost, and a line break would end the line.
fn is_plain_json(payload: &str) -> bool {
    let begins = payload.starts_with(|c: char| "{[-tf".contains(c) || c.is_ascii_digit());
    begins && !payload.contains(['\n', '\r']) && payload.trim_ascii_end().len() == payload.len() && {
        serde_json::from_str::<&RawValue>(payload).is_ok()
    }
}

fn text(text: &str, out: &mut Vec<u8>) {
    // Text always has a JSON form, and a vector always has room.
    let _ = serde_json::to_writer(out, text);
}

fn put(out: &mut Vec<u8>, text: &str) {
    let _ = out.write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::capture::{Entry, read};

    #[test]
    fn whatever_a_device_sends_comes_back_byte_for_byte() {
        let payloads: [&[u8]; 22] = [
            b"",
            b"online",
            b"null",
            b"true",
            b"-1.50e3",
            b"007",
            b"\"quoted\"",
            b" {\"n\":1}",
            b"{\"n\":1}\n",
            b"{\"n\": 1.0, \"n\": 2, \"a\":[18446744073709551616]}",
            b"{\r\n\"n\":1}",
            b"{\"a\":",
            b"{\"a\":\"\\ud800\"}",
            b"[1,2",
            "größe ∧ \u{1b}[2J".as_bytes(),
            "\u{2028}\u{feff}".as_bytes(),
            b"\xff\xfe",
            b"\x00\x01",
            b"a\nb",
            b"NaN",
            b"1 2",
            b"{}{}",
        ];
        for payload in payloads {
            for (retained, full_length) in [(false, None), (true, Some(9_000_000))] {
                let at = At::from_ms(1_795_176_000_007);
                let mut line = Vec::new();
                message(&Arrival { at, topic: b"a/\"b\"", payload, retained, full_length }, &mut line);
                assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1, "one line");
                let Some(Entry::Message(back)) = read(&line) else {
                    panic!("{}", String::from_utf8_lossy(&line));
                };
                assert_eq!((back.at, back.topic.as_str(), back.payload.as_slice()), (at, "a/\"b\"", payload));
                assert_eq!((back.retained, back.full_length), (retained, full_length));
            }
        }
    }

    #[test]
    fn what_the_recorder_says_of_itself_comes_back_too() {
        let at = At::from_ms(1_795_176_000_000);
        let mut lines = Vec::new();
        link(at, None, &mut lines);
        link(at, Some("the \"broker\" is gone"), &mut lines);
        dropped(at, 3, &mut lines);
        quiet(at, &mut lines);
        let mut entries = lines.split(|byte| *byte == b'\n').filter_map(read);
        assert!(matches!(entries.next(), Some(Entry::Link { up: true, .. })));
        let down = Entry::Link { at, up: false, reason: "the \"broker\" is gone".into() };
        assert_eq!(entries.next(), Some(down));
        assert_eq!(entries.next(), Some(Entry::Dropped { at, messages: 3 }));
        assert_eq!(entries.next(), Some(Entry::Quiet { at }));
    }
}
