//! Why a log cannot be opened or written, in words that say what to do. The file is never harmed by a refusal.

use std::path::PathBuf;

/// A log that was refused, or a write that failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("{path} belongs to another room that is open now; close that one, or give this one its own --data-dir")]
    InUse { path: PathBuf },
    #[error(
        "{path} was written by a newer warroom (format {found}, this one knows {known}); it was left as it is. Use that version"
    )]
    Newer { path: PathBuf, found: u32, known: u32 },
    #[error("{path} is not a warroom log ({found}); it was left as it is. Move it away, or give another --data-dir")]
    Foreign { path: PathBuf, found: String },
    #[error("{path} cannot be used: {reason}. Check the owner, the mode and the disk, or give another --data-dir")]
    Unusable { path: PathBuf, reason: String },
    #[error(
        "{path} is damaged: {reason}. It was left as it is. Keep a copy, run `warroom log verify`, and begin a new log by moving {path} and its head file away"
    )]
    Damaged { path: PathBuf, reason: String },
    #[error(
        "{path} has lost its end: it holds {found} events, but {expected} were recorded. Look for its -wal file; to begin a new log, move {path} and its head file away together"
    )]
    TailCut { path: PathBuf, found: u64, expected: u64 },
    #[error("nothing is recorded yet: there is no log at {path}; --drill reads the newest drill")]
    Missing { path: PathBuf },
    #[error("the disk is full")]
    DiskFull,
    #[error("the log could not be written: {0}")]
    Write(String),
}

impl StoreError {
    /// From an SQLite error while opening or reading.
    pub(super) fn reading(path: &std::path::Path, error: &rusqlite::Error) -> Self {
        let path = path.to_owned();
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DatabaseCorrupt) => Self::Damaged { path, reason: error.to_string() },
            Some(rusqlite::ErrorCode::NotADatabase) => Self::Foreign { path, found: error.to_string() },
            Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => Self::InUse { path },
            _ => Self::Unusable { path, reason: error.to_string() },
        }
    }

    /// From an SQLite error while writing.
    pub(super) fn writing(error: &rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::DiskFull,
            _ => Self::Write(error.to_string()),
        }
    }
}
