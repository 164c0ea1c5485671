//! A log that is open for writing. There is one room per log; the lock sees to it.

use std::fs::File;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, TransactionBehavior};

use super::error::StoreError;
use super::files::{self, Found};
use super::head::{self, Head};
use super::history::Keeping;
use super::read::{self, Chain};
use super::record::Line;
use super::schema;
use crate::domain::event::Record;
use crate::domain::ids::Seq;
use crate::domain::rollup::Rollup;

/// The first SQLite that does not have the WAL-reset bug.
const OLDEST_SQLITE: i32 = 3_051_003;

/// An open log.
#[derive(Debug)]
pub struct Log {
    path: PathBuf,
    id: String,
    db: Connection,
    head: Head,
    has_reserve: bool,
    keeping: Option<Keeping>,
    _lock: File,
}

impl Log {
    /// Opens the log at `path`, or begins one with the id `fresh_id`. Everything recorded is read back and checked.
    ///
    /// # Errors
    /// Whatever makes the log unfit to be written to; see [`StoreError`]. The file is left as it was.
    pub fn open(path: &Path, fresh_id: &str) -> Result<(Self, Vec<Record>), StoreError> {
        debug_assert!(rusqlite::version_number() >= OLDEST_SQLITE);
        // Looked at before anything is touched, and again once nobody else can touch it.
        files::inspect(path)?;
        files::make_directory(path)?;
        let lock = files::lock(path)?;
        let found = files::inspect(path)?;
        let outside = head::read(path);
        if found == Found::Nothing {
            if let Some(outside) = outside.filter(|outside| outside.seq.0 > 0) {
                return Err(StoreError::TailCut { path: path.to_owned(), found: 0, expected: outside.seq.0 });
            }
            files::create_private(path)?;
        } else {
            files::make_private(path);
        }
        let db = connect(path, fresh_id)?;
        let Chain { id, records, head } = read::chain(&db, path)?;
        let outside = head::read(path);
        read::compare(&db, path, &head, outside.as_ref())?;
        head::write(path, &head);
        let has_reserve = files::set_reserve_aside(path);
        Ok((Self { path: path.to_owned(), id, db, head, has_reserve, keeping: None, _lock: lock }, records))
    }

    /// The id of this log: a few letters that begin the ids of its actuations.
    pub fn id(&self) -> &str {
        &self.id
    }

    pub const fn head(&self) -> &Head {
        &self.head
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether there is something to give back when the disk is full.
    pub const fn has_reserve(&self) -> bool {
        self.has_reserve
    }

    /// Writes records that follow the last one; when this returns, they are on the platter, all of them or none.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`] after the reserve, if there was one, has been given back and used up too.
    pub fn append(&mut self, records: &[Record]) -> Result<Seq, StoreError> {
        match self.try_append(records) {
            Err(StoreError::DiskFull) if self.has_reserve => {
                self.has_reserve = false;
                files::release_reserve(&self.path);
                self.try_append(records)
            }
            result => result,
        }
    }

    fn try_append(&mut self, records: &[Record]) -> Result<Seq, StoreError> {
        let Some(last) = records.last() else { return Ok(self.head.seq) };
        let wrote = (|| {
            let transaction = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let mut hash = self.head.hash.clone();
            {
                let sql = "INSERT INTO events (seq, at_ms, actor, body, hash) VALUES (?1, ?2, ?3, ?4, ?5)";
                let mut insert = transaction.prepare_cached(sql)?;
                for record in records {
                    let line = Line::new(record, &hash);
                    insert.execute((line.seq, line.at_ms, &line.actor, &line.body, &line.hash))?;
                    hash = line.hash;
                }
            }
            transaction.commit()?;
            Ok(hash)
        })();
        let hash = wrote.map_err(|error: rusqlite::Error| StoreError::writing(&error))?;
        self.head = Head { seq: last.seq, hash };
        head::write(&self.path, &self.head);
        Ok(last.seq)
    }

    /// Keeps rollups as history, for `retention_s` seconds. The reserve is not for them.
    ///
    /// # Errors
    /// When they could not be written; nothing that was acknowledged is touched.
    pub fn keep(&mut self, rollups: &[Rollup], retention_s: i64) -> Result<(), StoreError> {
        self.keeping.get_or_insert_with(|| Keeping::new(retention_s)).write(&mut self.db, rollups)
    }

    /// Opens the file anew after an error, and checks that everything acknowledged is still there. A failed sync may
    /// have lost what an earlier one seemed to have kept; a connection that saw one is not to be trusted.
    ///
    /// # Errors
    /// Whatever is wrong with the file now.
    pub fn reopen(&mut self) -> Result<(), StoreError> {
        let db = connect(&self.path, &self.id)?;
        let chain = read::chain(&db, &self.path)?;
        read::compare(&db, &self.path, &chain.head, Some(&self.head))?;
        self.db = db;
        self.head = chain.head;
        self.keeping = None;
        Ok(())
    }

    /// Sets the reserve aside again, once there is room.
    pub fn restore_reserve(&mut self) -> bool {
        self.has_reserve = self.has_reserve || files::set_reserve_aside(&self.path);
        self.has_reserve
    }

    /// Puts everything into the main file and ends the write-ahead log, so that one file is the whole record.
    pub fn close(self) {
        // Leaving the write-ahead log behind loses nothing; the next start takes it in.
        let _ = self.db.pragma_update_and_check(None, "wal_checkpoint", "truncate", |_| Ok(()));
        head::write(&self.path, &self.head);
    }
}

#[cfg(test)]
impl Log {
    /// Makes SQLite refuse to grow the file, as a full disk would.
    pub(super) fn limit_pages(&self, pages: i64) {
        self.db.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).unwrap();
    }
}

fn connect(path: &Path, fresh_id: &str) -> Result<Connection, StoreError> {
    let reading = |error: rusqlite::Error| StoreError::reading(path, &error);
    let mut db = Connection::open(path).map_err(reading)?;
    schema::prepare(&db).map_err(reading)?;
    schema::migrate(&mut db, fresh_id).map_err(reading)?;
    Ok(db)
}
