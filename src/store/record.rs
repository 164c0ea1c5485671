//! A record as a row, and its place in the chain.

use rusqlite::Row;
use sha2::{Digest, Sha256};

use crate::domain::event::{Event, Record};
use crate::domain::ids::{Actor, Seq};
use crate::domain::time::At;

/// A row of `events`.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub seq: i64,
    pub at_ms: i64,
    pub actor: String,
    pub body: String,
    pub hash: String,
}

impl Line {
    /// The row of a record that follows the row with hash `before`.
    pub(super) fn new(record: &Record, before: &str) -> Self {
        let mut line = Self {
            seq: record.seq.0 as i64,
            at_ms: record.at.ms(),
            actor: json(&record.actor),
            body: json(&record.event),
            hash: String::new(),
        };
        line.hash = line.hash_after(before);
        line
    }

    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self { seq: row.get(0)?, at_ms: row.get(1)?, actor: row.get(2)?, body: row.get(3)?, hash: row.get(4)? })
    }

    /// What the hash must be: SHA-256, in hex, over the five lines `before`, seq, at, actor, body, each ended by a
    /// newline. (JSON holds no newlines, so the lines cannot be shifted; `sha256sum` can check it.)
    pub(super) fn hash_after(&self, before: &str) -> String {
        let mut hasher = Sha256::new();
        hasher.update(format!("{before}\n{}\n{}\n{}\n{}\n", self.seq, self.at_ms, self.actor, self.body));
        hex(&hasher.finalize())
    }

    /// The record.
    pub(super) fn record(&self) -> Result<Record, String> {
        let unreadable =
            |what: &str, error: serde_json::Error| format!("the {what} of event {} cannot be read: {error}", self.seq);
        let actor: Actor = serde_json::from_str(&self.actor).map_err(|error| unreadable("actor", error))?;
        let event: Event = serde_json::from_str(&self.body).map_err(|error| unreadable("body", error))?;
        Ok(Record { seq: Seq(self.seq as u64), at: At::from_ms(self.at_ms), actor, event })
    }
}

/// The hash that the first event of a log follows.
pub(super) fn genesis(log_id: &str) -> String {
    hex(&Sha256::digest(log_id))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Our own types always make JSON; a value that did not would stand in the log as the text of the error.
fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|error| serde_json::Value::from(error.to_string()).to_string())
}
