//! The head of a log: the number and hash of its last event, kept outside the file.
//!
//! A chain alone does not see a cut tail. The head lies beside the log, goes into every export, and can be given to
//! `log verify` from anywhere else: `41:9f86d0…`.

use std::fmt;
use std::fs;
use std::path::Path;
use std::str::FromStr;

use super::files;
use crate::domain::ids::Seq;

/// The last event of a log, as `seq:hash`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub seq: Seq,
    pub hash: String,
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.seq.0, self.hash)
    }
}

impl FromStr for Head {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a head; it looks like `41:9f86d0…`, a number and 64 hex digits");
        let (seq, hash) = text.trim().split_once(':').ok_or_else(wrong)?;
        let is_hash = hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit());
        let seq = seq.parse().map_err(|_| wrong())?;
        if is_hash { Ok(Self { seq: Seq(seq), hash: hash.to_ascii_lowercase() }) } else { Err(wrong()) }
    }
}

/// The head beside a log; none where there is none, or where a crash has left an empty one.
pub(super) fn read(log: &Path) -> Option<Head> {
    fs::read_to_string(files::beside(log, "head")).ok()?.parse().ok()
}

/// Writes the head beside a log. It may lag behind the log after a crash, never run ahead of it.
pub(super) fn write(log: &Path, head: &Head) {
    // A head that could not be written is an older head, which is still true.
    let _ = files::replace(&files::beside(log, "head"), &format!("{head}\n"));
}
