//! The log on a real disk: what is acknowledged stays, what is wrong is refused and left as it was.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc;

use super::head::Head;
use super::read::{self, Verdict};
use super::writer::{Report, Writer};
use super::{Log, StoreError};
use crate::domain::event::{Event, Record};
use crate::domain::ids::{Actor, Seq};
use crate::domain::input::LogHealth;
use crate::domain::time::At;

fn note(seq: u64, text: &str) -> Record {
    Record {
        seq: Seq(seq),
        at: At::from_ms(1_774_022_400_000 + seq as i64),
        actor: Actor::Person("mira".into()),
        event: Event::NoteAdded { incident: None, text: text.into() },
    }
}

struct Place {
    _directory: tempfile::TempDir,
    log: PathBuf,
}

fn place() -> Place {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("data").join("log.db");
    Place { _directory: directory, log }
}

/// A closed log of `n` events.
fn filled(n: u64) -> Place {
    let place = place();
    let (mut log, _) = Log::open(&place.log, "abc").unwrap();
    for seq in 1..=n {
        log.append(&[note(seq, &format!("note {seq} – \u{202e}\n\"'"))]).unwrap();
    }
    log.close();
    place
}

fn sql(log: &Path, statement: &str) {
    rusqlite::Connection::open(log).unwrap().execute_batch(statement).unwrap();
}

#[test]
fn what_was_written_is_read_back_and_the_id_stays() {
    let place = filled(5);
    let (log, records) = Log::open(&place.log, "other").unwrap();
    assert_eq!(records, (1..=5).map(|n| note(n, &format!("note {n} – \u{202e}\n\"'"))).collect::<Vec<_>>());
    assert_eq!((log.id(), log.head().seq), ("abc", Seq(5)));
}

#[test]
fn the_files_are_for_their_owner_alone() {
    let place = filled(1);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&place.log), 0o600);
    assert_eq!(mode(&place.log.with_extension("head")), 0o600);
    assert_eq!(mode(place.log.parent().unwrap()), 0o700);
    fs::set_permissions(&place.log, fs::Permissions::from_mode(0o644)).unwrap();
    Log::open(&place.log, "x").unwrap();
    assert_eq!(mode(&place.log), 0o600);
}

#[test]
fn a_log_has_one_room() {
    let place = filled(1);
    let (first, _) = Log::open(&place.log, "x").unwrap();
    assert!(matches!(Log::open(&place.log, "x"), Err(StoreError::InUse { .. })));
    // Reading beside it is fine.
    assert_eq!(read::open(&place.log).unwrap().records.len(), 1);
    first.close();
    Log::open(&place.log, "x").unwrap();
}

#[test]
fn what_is_not_a_good_log_is_refused_and_left_as_it_was() {
    type Spoil = fn(&Path);
    let cases: [(&str, Spoil, &str); 9] = [
        ("newer", |log| sql(log, "PRAGMA user_version = 999"), "newer warroom"),
        ("another program's", |log| sql(log, "PRAGMA application_id = 7"), "another program"),
        (
            "garbage",
            |log| fs::write(log, "not a database at all, but long enough to look at").unwrap(),
            "not a warroom log",
        ),
        ("emptied", |log| fs::write(log, "").unwrap(), "lost its end"),
        (
            "changed",
            |log| {
                sql(
                    log,
                    "DROP TRIGGER events_are_never_changed; UPDATE events SET body = replace(body, 'note 2', 'n0te 2')",
                );
            },
            "event 2 does not follow",
        ),
        (
            "with a hole",
            |log| sql(log, "DROP TRIGGER events_are_never_deleted; DELETE FROM events WHERE seq = 3"),
            "event 3 is missing",
        ),
        (
            "cut",
            |log| sql(log, "DROP TRIGGER events_are_never_deleted; DELETE FROM events WHERE seq > 3"),
            "lost its end",
        ),
        (
            "cut in the middle",
            |log| {
                let bytes = fs::read(log).unwrap();
                fs::write(log, &bytes[..bytes.len() / 2]).unwrap();
            },
            "damaged",
        ),
        (
            "a directory",
            |log| {
                fs::remove_file(log).unwrap();
                fs::create_dir(log).unwrap();
            },
            "not a file",
        ),
    ];
    for (name, spoil, message) in cases {
        let place = filled(5);
        spoil(&place.log);
        let before = fs::read(&place.log).ok();
        let error = Log::open(&place.log, "x").expect_err(name).to_string();
        assert!(error.contains(message), "{name}: {error}");
        assert_eq!(fs::read(&place.log).ok(), before, "{name}");
    }
    let place = filled(1);
    let link = place.log.with_file_name("link.db");
    std::os::unix::fs::symlink(&place.log, &link).unwrap();
    assert!(Log::open(&link, "x").unwrap_err().to_string().contains("symbolic link"));
}

#[test]
fn events_cannot_be_changed_or_deleted_by_sql() {
    let place = filled(2);
    let db = rusqlite::Connection::open(&place.log).unwrap();
    for statement in ["UPDATE events SET at_ms = 0", "DELETE FROM events"] {
        assert!(db.execute_batch(statement).unwrap_err().to_string().contains("append-only"));
    }
}

#[test]
fn the_verifier_says_complete_only_against_a_head_from_outside() {
    let place = filled(5);
    let head = match read::verify(&place.log, None).unwrap() {
        Verdict::Consistent { events: 5, head } => head,
        other => panic!("{other:?}"),
    };
    assert_eq!(read::verify(&place.log, Some(&head)).unwrap(), Verdict::Complete { events: 5, head: head.clone() });
    assert_eq!(head.to_string().parse::<Head>().unwrap(), head);
    assert!("5:zz".parse::<Head>().is_err());

    // Cut the tail and the head beside it: only the head from elsewhere sees it.
    sql(&place.log, "DROP TRIGGER events_are_never_deleted; DELETE FROM events WHERE seq > 3");
    fs::remove_file(place.log.with_extension("head")).unwrap();
    assert!(matches!(read::verify(&place.log, None).unwrap(), Verdict::Consistent { events: 3, .. }));
    assert!(matches!(read::verify(&place.log, Some(&head)).unwrap(), Verdict::Broken { seq: 4, .. }));
}

#[test]
fn every_single_change_of_a_row_is_seen() {
    let changes = [
        ("UPDATE events SET at_ms = at_ms + 1 WHERE seq = 4", 4),
        ("UPDATE events SET actor = '\"engine\"' WHERE seq = 1", 1),
        ("UPDATE events SET hash = (SELECT hash FROM events WHERE seq = 1) WHERE seq = 2", 2),
        (
            "UPDATE events SET seq = 99 WHERE seq = 2; UPDATE events SET seq = 2 WHERE seq = 3; UPDATE events SET seq = 3 WHERE seq = 99",
            2,
        ),
        ("INSERT INTO events (seq, at_ms, actor, body, hash) VALUES (6, 0, '\"engine\"', '{}', 'x')", 6),
    ];
    for (change, first) in changes {
        let place = filled(5);
        sql(&place.log, &format!("DROP TRIGGER events_are_never_changed; {change}"));
        match read::verify(&place.log, None).unwrap() {
            Verdict::Broken { seq, .. } => assert_eq!(seq, first, "{change}"),
            other => panic!("{change}: {other:?}"),
        }
    }
}

#[test]
fn the_writer_reports_what_is_on_disk_and_survives_a_full_one() {
    let place = place();
    let (log, _) = Log::open(&place.log, "abc").unwrap();
    let (tell, told) = mpsc::channel();
    let writer = Writer::start(log, 3600, move |report| tell.send(report).unwrap()).unwrap();
    assert!(writer.write(vec![note(1, "a"), note(2, "b")]));
    assert_eq!(told.recv().unwrap(), Report::Durable(Seq(2)));
    writer.close();
    assert_eq!(read::open(&place.log).unwrap().records.len(), 2);
}

#[test]
fn a_full_disk_uses_the_reserve_then_refuses_and_recovers() {
    let place = filled(1);
    let (mut log, _) = Log::open(&place.log, "abc").unwrap();
    assert!(log.has_reserve());
    // SQLite's own limit stands in for the disk's.
    log.limit_pages(1);
    let big = "x".repeat(200_000);
    assert!(matches!(log.append(&[note(2, &big)]), Err(StoreError::DiskFull)));
    assert!(!log.has_reserve(), "the reserve was given back");
    assert!(!place.log.with_extension("reserve").exists());
    log.limit_pages(1_000_000);
    log.append(&[note(2, &big)]).unwrap();
    assert!(log.restore_reserve());

    let (tell, told) = mpsc::channel();
    log.limit_pages(1);
    let writer = Writer::start(log, 3600, move |report| tell.send(report).unwrap()).unwrap();
    writer.write(vec![note(3, &big)]);
    // The connection is opened anew to try again, and with it the limit is gone.
    let reports: Vec<_> = told.iter().take_while(|report| *report != Report::Durable(Seq(3))).collect();
    assert_eq!(reports, [Report::Health(LogHealth::Unsafe { reason: "the disk is full".into() })]);
    writer.close();
    assert_eq!(read::open(&place.log).unwrap().records.len(), 3);
}

#[test]
fn a_first_start_that_was_stopped_before_its_first_event_is_begun_again() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("log.db");
    let db = rusqlite::Connection::open(&path).unwrap();
    db.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get::<_, String>(0)).unwrap();
    drop(db);
    assert!(std::fs::metadata(&path).unwrap().len() > 0);
    let (log, records) = Log::open(&path, "first").unwrap();
    assert_eq!((log.id(), records.len()), ("first", 0));
}
