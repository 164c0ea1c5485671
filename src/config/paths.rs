//! Where things lie on this machine.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use directories::ProjectDirs;

/// The directory of logs, sockets and drills: the one given, or the user's.
pub fn data_directory(given: Option<PathBuf>) -> PathBuf {
    let usual = || ProjectDirs::from("", "", "warroom").map(|dirs| dirs.data_dir().to_owned());
    given.or_else(usual).unwrap_or_else(|| PathBuf::from(".warroom"))
}

/// The configuration file: where it is looked for when none is given.
pub fn config_file() -> PathBuf {
    let usual = ProjectDirs::from("", "", "warroom").map(|dirs| dirs.config_dir().join("warroom.toml"));
    usual.unwrap_or_else(|| PathBuf::from("warroom.toml"))
}

/// The file name of the live room's log.
pub const LIVE_LOG: &str = "log.db";

/// The log of the live room.
pub fn live_log(data: &Path) -> PathBuf {
    data.join(LIVE_LOG)
}

/// The log of a drill, so that a live log is never mixed with a game day.
pub fn new_drill_log(data: &Path, scenario: &str, began: DateTime<Utc>) -> PathBuf {
    new_log(&data.join("drills"), scenario, began)
}

/// The log of a replay, so that what happened then is never mixed with what happens now.
pub fn new_replay_log(data: &Path, capture: &str, began: DateTime<Utc>) -> PathBuf {
    new_log(&data.join("replays"), capture, began)
}

/// The log of a test of a switch: neither a drill nor the live record, where only its outcome stands.
pub fn new_test_log(data: &Path, switch: &str, began: DateTime<Utc>) -> PathBuf {
    new_log(&data.join("tests"), switch, began)
}

fn new_log(directory: &Path, what: &str, began: DateTime<Utc>) -> PathBuf {
    let stamp = began.format("%Y%m%dT%H%M%SZ");
    let name = |n: u32| if n == 1 { format!("{stamp}-{what}.db") } else { format!("{stamp}-{what}-{n}.db") };
    let path = |n| directory.join(name(n));
    // Two may begin in the same second.
    (1..100).map(path).find(|path| !path.exists()).unwrap_or_else(|| path(1))
}

/// The log of the newest drill, if there was one.
pub fn newest_drill(data: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(data.join("drills")).ok()?;
    let logs = entries.flatten().map(|entry| entry.path());
    // The names begin with the time.
    logs.filter(|path| path.extension().is_some_and(|extension| extension == "db")).max()
}
