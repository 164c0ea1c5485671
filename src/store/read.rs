//! Reading a log: by the room that opens it, by a command beside a room that is open, and by the verifier.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, OptionalExtension};

use super::error::StoreError;
use super::files::{self, Found};
use super::head::{self, Head};
use super::record::{Line, genesis};
use crate::domain::event::Record;
use crate::domain::ids::Seq;

/// A log that has been read whole, every link checked.
#[derive(Debug)]
pub struct Chain {
    pub id: String,
    pub records: Vec<Record>,
    pub head: Head,
}

/// Reads a log without writing to it; a room may have it open.
///
/// # Errors
/// No log there, not a log, or a damaged one.
pub fn open(path: &Path) -> Result<Chain, StoreError> {
    let db = connect(path)?;
    // Read before the events: a room beside us may write more of them meanwhile, and its head with them.
    let outside = head::read(path);
    let chain = chain(&db, path)?;
    compare(&db, path, &chain.head, outside.as_ref())?;
    Ok(chain)
}

pub(super) fn connect(path: &Path) -> Result<Connection, StoreError> {
    if files::inspect(path)? == Found::Nothing {
        return Err(match head::read(path) {
            Some(head) if head.seq.0 > 0 => {
                StoreError::TailCut { path: path.to_owned(), found: 0, expected: head.seq.0 }
            }
            _ => StoreError::Missing { path: path.to_owned() },
        });
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags).map_err(|error| StoreError::reading(path, &error))?;
    db.busy_timeout(std::time::Duration::from_secs(2)).map_err(|error| StoreError::reading(path, &error))?;
    Ok(db)
}

/// Reads every event, checking that each follows the one before.
pub(super) fn chain(db: &Connection, path: &Path) -> Result<Chain, StoreError> {
    let mut records = Vec::new();
    let damaged = |reason: String| StoreError::Damaged { path: path.to_owned(), reason };
    let (id, head) = walk(db, |line| records.push(line.record())).map_err(|error| match error {
        Broken::Sql(error) => StoreError::reading(path, &error),
        Broken::Chain { reason, .. } => damaged(reason),
    })?;
    let records = records.into_iter().collect::<Result<_, _>>().map_err(damaged)?;
    Ok(Chain { id, records, head })
}

/// Where a walk along the chain ended too early.
#[derive(Debug)]
enum Broken {
    Sql(rusqlite::Error),
    Chain { seq: u64, reason: String },
}

impl From<rusqlite::Error> for Broken {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

/// Walks the chain from the first event to the last. Returns the log's id and head.
fn walk(db: &Connection, mut visit: impl FnMut(&Line)) -> Result<(String, Head), Broken> {
    let id: String = db.query_row("SELECT value FROM meta WHERE key = 'id'", [], |row| row.get(0))?;
    let mut head = Head { seq: Seq(0), hash: genesis(&id) };
    let mut select = db.prepare("SELECT seq, at_ms, actor, body, hash FROM events ORDER BY seq")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let line = Line::read(row)?;
        let expected = head.seq.0 + 1;
        if line.seq as u64 != expected {
            return Err(Broken::Chain { seq: expected, reason: format!("event {expected} is missing") });
        }
        if line.hash_after(&head.hash) != line.hash {
            let reason = format!("event {expected} does not follow the one before it: it was changed");
            return Err(Broken::Chain { seq: expected, reason });
        }
        visit(&line);
        head = Head { seq: Seq(expected), hash: line.hash };
    }
    Ok((id, head))
}

/// Holds a chain against a head from outside: the log must reach that far, and must be the same up to there.
pub(super) fn compare(db: &Connection, path: &Path, head: &Head, outside: Option<&Head>) -> Result<(), StoreError> {
    let Some(outside) = outside.filter(|outside| outside.seq.0 > 0) else { return Ok(()) };
    if outside.seq > head.seq {
        return Err(StoreError::TailCut { path: path.to_owned(), found: head.seq.0, expected: outside.seq.0 });
    }
    let there: Option<String> = db
        .query_row("SELECT hash FROM events WHERE seq = ?1", [outside.seq.0 as i64], |row| row.get(0))
        .optional()
        .map_err(|error| StoreError::reading(path, &error))?;
    if there.as_deref() == Some(outside.hash.as_str()) {
        return Ok(());
    }
    let reason = format!("event {} is not the one that its head names; the log was rewritten", outside.seq.0);
    Err(StoreError::Damaged { path: path.to_owned(), reason })
}

/// What `log verify` found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every link holds, and the log reaches the head that was given from outside.
    Complete { events: u64, head: Head },
    /// Every link holds. Without a head from outside, a cut tail would not be seen.
    Consistent { events: u64, head: Head },
    /// The first event that is wrong, or missing.
    Broken { seq: u64, reason: String },
}

/// Checks a log against a head: the one given, or the one beside the file.
///
/// # Errors
/// When the file cannot be read as a log at all.
pub fn verify(path: &Path, given: Option<&Head>) -> Result<Verdict, StoreError> {
    let db = connect(path)?;
    let beside = head::read(path);
    let (_, head) = match walk(&db, |_| ()) {
        Ok(found) => found,
        Err(Broken::Sql(error)) => return Err(StoreError::reading(path, &error)),
        Err(Broken::Chain { seq, reason }) => return Ok(Verdict::Broken { seq, reason }),
    };
    let events = head.seq.0;
    for outside in [given, beside.as_ref()].into_iter().flatten() {
        match compare(&db, path, &head, Some(outside)) {
            Ok(()) => {}
            Err(StoreError::TailCut { found, expected, .. }) => {
                let reason =
                    format!("the log ends at event {found}, but event {expected} was recorded: its end was cut off");
                return Ok(Verdict::Broken { seq: found + 1, reason });
            }
            Err(StoreError::Damaged { reason, .. }) => return Ok(Verdict::Broken { seq: outside.seq.0, reason }),
            Err(other) => return Err(other),
        }
    }
    // The head beside the log can be removed together with its tail; only one from elsewhere proves the end.
    Ok(if given.is_some() { Verdict::Complete { events, head } } else { Verdict::Consistent { events, head } })
}
