//! The tables of a log, and how an older log becomes a newer one.

use rusqlite::{Connection, TransactionBehavior};

/// Marks the file as ours: "WRlg".
pub(super) const APPLICATION: u32 = 0x5752_6c67;

/// The format this program writes. Migrations go forward only.
pub(super) const VERSION: u32 = MIGRATIONS.len() as u32;

/// One step each; step n makes format n + 1.
const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE events (
        seq    INTEGER PRIMARY KEY CHECK (seq > 0),
        at_ms  INTEGER NOT NULL,
        actor  TEXT NOT NULL,
        body   TEXT NOT NULL,
        hash   TEXT NOT NULL,
        kind   TEXT GENERATED ALWAYS AS (json_extract(body, '$.event')) VIRTUAL
    ) STRICT;
    CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events
        BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
    CREATE TRIGGER events_are_never_deleted BEFORE DELETE ON events
        BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
",
    "
    CREATE TABLE rollup_names (id INTEGER PRIMARY KEY, cohort TEXT NOT NULL UNIQUE) STRICT;
    CREATE TABLE rollups (
        end_s     INTEGER PRIMARY KEY,
        step_s    INTEGER NOT NULL,
        listening INTEGER NOT NULL,
        body      BLOB NOT NULL
    ) STRICT;
",
];

/// Sets a connection up for writing: what it promises survives a power cut.
pub(super) fn prepare(db: &Connection) -> rusqlite::Result<()> {
    db.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get::<_, String>(0))?;
    db.pragma_update(None, "synchronous", "full")?;
    db.pragma_update(None, "foreign_keys", true)?;
    db.pragma_update(None, "trusted_schema", false)?;
    db.pragma_update_and_check(None, "journal_size_limit", 4 * 1024 * 1024, |row| row.get::<_, i64>(0))?;
    db.busy_timeout(std::time::Duration::from_secs(2))
}

/// Brings a log up to [`VERSION`], step by step. A new log gets `id`, which begins the ids of its actuations.
pub(super) fn migrate(db: &mut Connection, id: &str) -> rusqlite::Result<()> {
    let found: u32 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
    for (step, sql) in MIGRATIONS.iter().enumerate().skip(found as usize) {
        let transaction = db.transaction_with_behavior(TransactionBehavior::Exclusive)?;
        transaction.execute_batch(sql)?;
        if step == 0 {
            transaction.execute("INSERT INTO meta (key, value) VALUES ('id', ?1)", [id])?;
        }
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.pragma_update(None, "user_version", step as u32 + 1)?;
        transaction.commit()?;
    }
    if (found as usize) < MIGRATIONS.len() {
        // The header of the file itself must say what this is, for whoever looks before opening it.
        db.pragma_update_and_check(None, "wal_checkpoint", "truncate", |_| Ok(()))?;
    }
    Ok(())
}
