//! Rollups beside the events: what cohorts were like, so that the room can be shown as it was.
//!
//! They are no part of the chain: they may be lost, are thinned out by age, and prove nothing. Each row holds one step
//! of time as compressed JSON; the names of cohorts are written once.

use std::collections::HashMap;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use super::error::StoreError;
use super::read;
use crate::domain::cohort::CohortKey;
use crate::domain::rollup::{Rollup, RollupRow};
use crate::domain::signal::Signal;
use crate::domain::time::At;
use crate::limits;

/// Compression that costs a tenth of a millisecond for a full step.
const LEVEL: i32 = 3;
/// Bytes of one step at most, unpacked: twice what the most cohorts take.
const STEP: usize = limits::ROLLUP_COHORTS * 8 * 12 * 2;
/// Rollups written between two looks at what is too old.
const SWEEP: u32 = 360;

/// How a step lies in its row: the place of each cohort among the names, and its values.
type Rows = Vec<(i64, [u32; Signal::COUNT])>;

/// What writes rollups.
#[derive(Debug)]
pub(super) struct Keeping {
    /// Seconds that are kept.
    retention_s: i64,
    names: HashMap<CohortKey, i64>,
    since_sweep: u32,
}

impl Keeping {
    pub(super) fn new(retention_s: i64) -> Self {
        // The first rollup of a session sweeps: a room that is opened for an hour a day is kept clean too.
        Self { retention_s, names: HashMap::new(), since_sweep: SWEEP }
    }

    /// Writes rollups, and takes out what is too old, in one transaction.
    pub(super) fn write(&mut self, db: &mut Connection, rollups: &[Rollup]) -> Result<(), StoreError> {
        let Some(newest) = rollups.iter().map(|rollup| rollup.at).max() else { return Ok(()) };
        let written = (|| {
            let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            for rollup in rollups {
                let mut rows = Rows::with_capacity(rollup.rows.len());
                for row in &rollup.rows {
                    if let Some(name) = self.name(&transaction, &row.cohort)? {
                        rows.push((name, row.values));
                    }
                }
                let json = serde_json::to_vec(&rows).unwrap_or_default();
                let body = zstd::bulk::compress(&json, LEVEL).unwrap_or_default();
                transaction
                    .prepare_cached(
                        "INSERT OR REPLACE INTO rollups (end_s, step_s, listening, body) VALUES (?1, ?2, ?3, ?4)",
                    )?
                    .execute((rollup.at.second(), rollup.step_s, rollup.listening, body))?;
            }
            self.since_sweep += rollups.len() as u32;
            if self.since_sweep >= SWEEP {
                let oldest = newest.second() - self.retention_s;
                transaction.execute("DELETE FROM rollups WHERE end_s < ?1", [oldest])?;
                transaction.execute(
                    "DELETE FROM rollups WHERE end_s <= (SELECT end_s FROM rollups ORDER BY end_s DESC LIMIT 1 OFFSET ?1)",
                    [limits::ROLLUPS as i64],
                )?;
            }
            transaction.commit()
        })();
        if written.is_err() {
            // Names that were given in a transaction that is no more are not given.
            self.names.clear();
        } else if self.since_sweep >= SWEEP {
            self.since_sweep = 0;
        }
        written.map_err(|error| StoreError::writing(&error))
    }

    /// The place of a cohort among the names; none when there are too many.
    fn name(&mut self, db: &Connection, cohort: &CohortKey) -> rusqlite::Result<Option<i64>> {
        if let Some(id) = self.names.get(cohort) {
            return Ok(Some(*id));
        }
        let key = serde_json::to_string(cohort).unwrap_or_default();
        let find = |db: &Connection| {
            let mut select = db.prepare_cached("SELECT id FROM rollup_names WHERE cohort = ?1")?;
            select.query_row([&key], |row| row.get::<_, i64>(0)).optional()
        };
        let id = match find(db)? {
            Some(id) => id,
            None => {
                let names: i64 = db.query_row("SELECT count(*) FROM rollup_names", [], |row| row.get(0))?;
                if names as usize >= limits::ROLLUP_NAMES {
                    return Ok(None);
                }
                db.prepare_cached("INSERT INTO rollup_names (cohort) VALUES (?1)")?.execute([&key])?;
                db.last_insert_rowid()
            }
        };
        self.names.insert(cohort.clone(), id);
        Ok(Some(id))
    }
}

/// The rollups that end between two moments, both included, oldest first; none where the log is of a time before there
/// were any. What cannot be unpacked is left out.
///
/// # Errors
/// When the file cannot be read as a log at all.
pub fn between(path: &Path, from: At, to: At) -> Result<Vec<Rollup>, StoreError> {
    let db = read::connect(path)?;
    let reading = |error: rusqlite::Error| StoreError::reading(path, &error);
    if !has_history(&db).map_err(reading)? {
        return Ok(Vec::new());
    }
    let names = names(&db).map_err(reading)?;
    let select = "SELECT end_s, step_s, listening, body FROM rollups WHERE end_s BETWEEN ?1 AND ?2 ORDER BY end_s";
    let mut select = db.prepare(select).map_err(reading)?;
    let rows = select.query_map([from.second(), to.second()], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, u32>(1)?, row.get::<_, bool>(2)?, row.get::<_, Vec<u8>>(3)?))
    });
    let mut rollups = Vec::new();
    for row in rows.map_err(reading)? {
        let (end_s, step_s, listening, body) = row.map_err(reading)?;
        let Some(rows) = unpack(&body) else { continue };
        let row = |(id, values)| Some(RollupRow { cohort: names.get(&id)?.clone(), values });
        let rows = rows.into_iter().filter_map(row).collect();
        rollups.push(Rollup { at: At::from_ms(end_s.saturating_mul(1000)), step_s, listening, rows });
    }
    Ok(rollups)
}

fn unpack(body: &[u8]) -> Option<Rows> {
    let json = zstd::bulk::decompress(body, STEP).ok()?;
    serde_json::from_slice(&json).ok()
}

fn has_history(db: &Connection) -> rusqlite::Result<bool> {
    let sql = "SELECT count(*) FROM sqlite_schema WHERE name = 'rollups'";
    db.query_row(sql, [], |row| row.get::<_, i64>(0)).map(|tables| tables > 0)
}

fn names(db: &Connection) -> rusqlite::Result<HashMap<i64, CohortKey>> {
    let mut select = db.prepare("SELECT id, cohort FROM rollup_names")?;
    let rows = select.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))?;
    let mut names = HashMap::new();
    for row in rows {
        let (id, key) = row?;
        if let Ok(key) = serde_json::from_str(&key) {
            names.insert(id, key);
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Log;

    fn rollup(second: i64, step_s: u32, online: u32) -> Rollup {
        let row = |cohort: CohortKey, online| RollupRow { cohort, values: [100, online, 0, 7, 0, 1, 0] };
        Rollup {
            at: At::from_ms(second * 1000),
            step_s,
            listening: second % 20 != 0,
            rows: vec![
                row(CohortKey::default(), online),
                row(CohortKey::of("firmware", "3.2.5\" <b>").and("hardware", "rev-B"), online / 2),
            ],
        }
    }

    #[test]
    fn rollups_are_read_back_as_they_were_and_old_ones_go() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log.db");
        let (mut log, _) = Log::open(&path, "abc").unwrap();
        let all: Vec<_> = (0..100).map(|n| rollup(1_000_000 + n * 10, 10, n as u32)).collect();
        log.keep(&all[..50], 3600).unwrap();
        log.keep(&all[50..], 3600).unwrap();
        // The same step again is the newer word on it.
        let again = rollup(1_000_990, 10, 5);
        log.keep(std::slice::from_ref(&again), 3600).unwrap();
        let moment = |second: i64| At::from_ms(second * 1000);
        let read = between(&path, moment(1_000_100), moment(1_000_200)).unwrap();
        assert_eq!(read, all[10..=20]);
        assert_eq!(between(&path, moment(1_000_990), moment(2_000_000)).unwrap(), [again]);
        // A day later what is older than an hour is gone; the chain does not mind.
        log.close();
        let (mut log, _) = Log::open(&path, "abc").unwrap();
        log.keep(&[rollup(1_086_400, 60, 1)], 3600).unwrap();
        assert_eq!(between(&path, moment(0), moment(9_000_000)).unwrap().len(), 1);
        assert!(matches!(read::verify(&path, None).unwrap(), read::Verdict::Consistent { events: 0, .. }));
    }

    #[test]
    fn a_log_from_before_there_was_a_history_has_none_and_a_broken_row_is_left_out() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log.db");
        let (mut log, _) = Log::open(&path, "abc").unwrap();
        log.keep(&[rollup(10, 10, 1), rollup(20, 10, 1)], 3600).unwrap();
        log.close();
        let db = Connection::open(&path).unwrap();
        db.execute("UPDATE rollups SET body = x'0102' WHERE end_s = 10", []).unwrap();
        assert_eq!(between(&path, At::from_ms(0), At::from_ms(100_000)).unwrap().len(), 1);
        db.execute_batch("DROP TABLE rollups; DROP TABLE rollup_names; PRAGMA user_version = 1").unwrap();
        drop(db);
        assert_eq!(between(&path, At::from_ms(0), At::from_ms(100_000)).unwrap(), []);
        // Opened for writing, it gets one.
        let (mut log, _) = Log::open(&path, "abc").unwrap();
        log.keep(&[rollup(30, 10, 1)], 3600).unwrap();
        assert_eq!(between(&path, At::from_ms(0), At::from_ms(100_000)).unwrap().len(), 1);
    }
}
