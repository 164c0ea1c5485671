//! The files around a log: their names, their modes, the lock, and the reserve for a full disk.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::error::StoreError;
use super::schema;

/// Bytes kept aside to be given back when the disk is full: room for a few thousand events.
const RESERVE: usize = 8 * 1024 * 1024;

/// `log.db` → `log.head`, `log.lock`, `log.reserve`.
pub(super) fn beside(log: &Path, extension: &str) -> PathBuf {
    log.with_extension(extension)
}

fn unusable(path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Unusable { path: path.to_owned(), reason: error.to_string() }
}

/// Makes the directory of a log, open to its owner alone.
pub(super) fn make_directory(log: &Path) -> Result<(), StoreError> {
    let Some(directory) = log.parent().filter(|d| !d.as_os_str().is_empty()) else { return Ok(()) };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(|error| unusable(directory, &error))
}

/// Takes the lock of a log; it is held while the file lives, and given back by the system if we are killed.
pub(super) fn lock(log: &Path) -> Result<File, StoreError> {
    let path = beside(log, "lock");
    let open = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path);
    let file = open.map_err(|error| unusable(&path, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse { path: log.to_owned() }),
        Err(TryLockError::Error(error)) => Err(unusable(&path, &error)),
    }
}

/// What lies at the path of a log.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    Nothing,
    Log,
}

/// Looks at the file without opening it as a database, so that what is not ours, or too new, is not touched.
pub(super) fn inspect(log: &Path) -> Result<Found, StoreError> {
    let path = log.to_owned();
    let meta = match fs::symlink_metadata(log) {
        Ok(meta) => meta,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => return Err(unusable(log, &error)),
    };
    if meta.is_symlink() {
        return Err(StoreError::Unusable { path, reason: "it is a symbolic link; give the real place".into() });
    }
    if !meta.is_file() {
        return Err(StoreError::Unusable { path, reason: "it is not a file".into() });
    }
    let mut header = [0; 100];
    let mut file = File::open(log).map_err(|error| unusable(log, &error))?;
    match file.read(&mut header) {
        Ok(0) => return Ok(Found::Nothing),
        Ok(100) if header.starts_with(b"SQLite format 3\0") => {}
        Ok(_) => return Err(StoreError::Foreign { path, found: "not a database".into() }),
        Err(error) => return Err(unusable(log, &error)),
    }
    let number = |at: usize| u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    let (version, application) = (number(60), number(68));
    if (application, version) == (0, 0) && is_unborn(log) {
        // The first start ended between the making of the file and the first event.
        return Ok(Found::Nothing);
    }
    if application != schema::APPLICATION {
        return Err(StoreError::Foreign { path, found: format!("a database of another program, {application:#x}") });
    }
    if version > schema::VERSION {
        return Err(StoreError::Newer { path, found: version, known: schema::VERSION });
    }
    Ok(Found::Log)
}

/// Whether a database without a name has no table either: what SQLite leaves when it is stopped right after it was
/// asked to make one.
fn is_unborn(log: &Path) -> bool {
    rusqlite::Connection::open_with_flags(log, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY)
        .and_then(|db| db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0)))
        .is_ok_and(|tables| tables == 0)
}

/// Makes the file before SQLite does, so that it is never readable by others, not even for a moment.
pub(super) fn create_private(log: &Path) -> Result<(), StoreError> {
    let open = OpenOptions::new().create(true).append(true).mode(0o600).open(log);
    open.map(drop).map_err(|error| unusable(log, &error))
}

/// Takes from others the right to read a log that had it.
pub(super) fn make_private(log: &Path) {
    if let Ok(meta) = fs::metadata(log)
        && meta.permissions().mode() & 0o077 != 0
    {
        // A log on a file system without modes is still a log.
        let _ = fs::set_permissions(log, fs::Permissions::from_mode(0o600));
    }
}

/// Writes a small file whole: beside, then renamed into place.
pub(super) fn replace(path: &Path, content: &str) -> std::io::Result<()> {
    let new = path.with_extension("new");
    let mut file = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(content.as_bytes())?;
    drop(file);
    fs::rename(&new, path)
}

/// Sets aside the reserve, if it is not there. Returns whether it is.
pub(super) fn set_reserve_aside(log: &Path) -> bool {
    let path = beside(log, "reserve");
    if fs::metadata(&path).is_ok_and(|meta| meta.len() >= RESERVE as u64) {
        return true;
    }
    let written = OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(true)
        .mode(0o600)
        .open(&path)
        .and_then(|mut file| file.write_all(&vec![0x5a; RESERVE]));
    if written.is_err() {
        // Half a reserve would only take what is left.
        let _ = fs::remove_file(&path);
    }
    written.is_ok()
}

/// Gives the reserve back. Returns whether there was one.
pub(super) fn release_reserve(log: &Path) -> bool {
    fs::remove_file(beside(log, "reserve")).is_ok()
}
