//! `warroom --replay`: the room on a capture.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::session::{self, Look};
use super::{Common, Failure, room};
use crate::config::paths;
use crate::domain::replay::{Course, Replay};
use crate::engine::Settings;
use crate::ingest::Ingest;
use crate::ingest::capture::file::Capture;
use crate::runtime::clock::Clock;
use crate::runtime::player::Reel;
use crate::runtime::{Source, StationOptions};
use crate::store::read;

/// Characters of a capture's name in that of its log.
const NAME: usize = 40;

pub(super) fn run(common: &Common, files: &[PathBuf], speed: f64) -> Result<(), Failure> {
    let config = common.config()?.unwrap_or_default();
    let router = config.fleet.router().map_err(Failure::Usage)?;
    let look = Look::new(common, &config)?;
    let reel = open(files)?;
    let name = name(files);
    let clock = Arc::new(Clock::replay(reel.begins(), speed));
    let settings = Settings {
        replay: Some(Replay { capture: name.clone(), speed, course: Course::Running }),
        ..room::settings(common, &config, format!("the capture {name}"), "replay".into())
    };
    let log = paths::new_replay_log(&common.data_directory(), &plain(&name), Clock::live().now().utc());
    let options = StationOptions {
        source: Source::Capture(reel),
        ingest: Ingest::new(router, settings.fleet.schema.clone()),
        settings,
        log: log.clone(),
        drill: None,
        clock,
        secrets: config.secrets(),
        socket: None,
        stage: None,
    };
    session::runtime()?.block_on(session::run(options, look))?;
    say!("the replay of {name} is on record: {}", log.display());
    // What was set aside for a full disk is needed while a room is open.
    let _ = std::fs::remove_file(log.with_extension("reserve"));
    if let Some(last) = read::open(&log)?.records.iter().filter_map(|record| record.event.incident()).max() {
        say!("Write it down:  warroom export {} --log {}", last.0, log.display());
    }
    Ok(())
}

/// Opens everything before the room is, so that what is wrong is said on a terminal that is still one.
fn open(files: &[PathBuf]) -> Result<Reel, Failure> {
    let mut captures = Vec::new();
    for path in files {
        if path == Path::new("-") {
            return Err(Failure::Usage(
                "a replay has its keys from standard input; write the capture to a file first".into(),
            ));
        }
        let wrong = |error: std::io::Error| Failure::Usage(format!("{}: {error}", path.display()));
        let file = File::open(path).map_err(wrong)?;
        captures.push(Capture::open(Box::new(file)).map_err(wrong)?);
    }
    let reel = Reel::new(captures).map_err(|error| Failure::Usage(error.to_string()))?;
    reel.ok_or_else(|| Failure::Usage(format!("no message was found in {}; see `warroom record`", name(files))))
}

/// The captures as people call them: the first by its name, the others by their number.
fn name(files: &[PathBuf]) -> String {
    let first = files.first().and_then(|path| path.file_name()).unwrap_or_default().to_string_lossy();
    let first = crate::domain::text::visible_name(&first, NAME).into_owned();
    if files.len() > 1 { format!("{first} and {} more", files.len() - 1) } else { first }
}

/// A name for a file: nothing in it that a shell or a file system takes for something else.
fn plain(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect()
}
