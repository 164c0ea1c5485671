//! `warroom analyze`: what the room would have said of a capture.

mod json;
mod report;

use std::fs::File;
use std::io::{IsTerminal, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;

use super::{Common, Failure, room};
use crate::domain::update::Cadences;
use crate::ingest::Ingest;
use crate::ingest::capture::file::Capture;
use crate::ingest::capture::order::Order;
use crate::runtime::playback::Playback;

#[derive(Args)]
pub(super) struct AnalyzeArgs {
    /// Captures, one JSON message a line, in the order of time; `-` for standard input. What is packed
    /// by gzip or zstd is unpacked, whatever it is called.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// For programs.
    #[arg(long)]
    json: bool,
}

/// Lines between two looks at the progress.
const PROGRESS: u64 = 50_000;

pub(super) fn run(common: &Common, args: &AnalyzeArgs) -> Result<(), Failure> {
    let began = Instant::now();
    let config = common.config()?.unwrap_or_default();
    let router = config.fleet.router().map_err(Failure::Usage)?;
    let mut settings = room::settings(common, &config, "a capture".into(), "capture".into());
    // Nobody is there to work on a runbook or to tell anybody, and nothing of it is overdue.
    settings.runbooks.clear();
    settings.cadences = Cadences::NONE;
    let ingest = Ingest::new(router, settings.fleet.schema.clone());
    let mut playback = Playback::new(settings, ingest);
    let (mut unread, mut order) = (0, Order::default());
    for path in &args.files {
        unread += play(path, &mut order, &mut playback)?;
    }
    order.end().iter().for_each(|entry| playback.take(entry));
    let played = playback.end();
    if played.messages == 0 {
        return Err(Failure::Usage(format!(
            "no message was found; expected lines like {{\"t\":1774022400.25,\"topic\":\"fleet/ams1/d-1/telemetry\",\"payload\":{{…}}}} ({unread} lines could not be read)"
        )));
    }
    if args.json {
        let analysis = json::Analysis::of(&played, unread, &order, began.elapsed().as_millis() as u64);
        let json = serde_json::to_string(&analysis).map_err(|error| Failure::Run(error.to_string()))?;
        say!("{json}");
    } else {
        report::tell(&played, unread);
    }
    if let Some(objection) = order.objection() {
        let _ = writeln!(std::io::stderr(), "warroom: {objection}");
    }
    Ok(())
}

/// Plays one file; returns how many of its lines are no messages.
fn play(path: &Path, order: &mut Order, playback: &mut Playback) -> Result<u64, Failure> {
    let wrong = |error: std::io::Error| Failure::Usage(format!("{}: {error}", path.display()));
    let (input, progress) = open(path)?;
    let mut capture = Capture::open(input).map_err(wrong)?;
    while let Some(entry) = capture.entry().map_err(wrong)? {
        order.take(entry).for_each(|entry| playback.take(&entry));
        if capture.lines.is_multiple_of(PROGRESS) {
            progress.show(playback.messages);
        }
    }
    if capture.lines >= PROGRESS {
        progress.clear();
    }
    if let Some(cut) = capture.cut() {
        let mut stderr = std::io::stderr();
        // The report says that something is missing, too.
        let _ = writeln!(stderr, "warroom: {}: {cut}; what could be read of it is analysed", path.display());
    }
    Ok(capture.unread)
}

/// How far the reading of a file is, on a terminal.
struct Progress {
    /// The same open file, which knows how far it has been read, and its size.
    file: Option<(File, u64)>,
    shown: bool,
}

fn open(path: &Path) -> Result<(Box<dyn Read + Send>, Progress), Failure> {
    let shown = std::io::stderr().is_terminal();
    if path == Path::new("-") {
        return Ok((Box::new(std::io::stdin()), Progress { file: None, shown }));
    }
    let file = File::open(path).map_err(|error| Failure::Usage(format!("{}: {error}", path.display())))?;
    let same = file.try_clone().and_then(|same| Ok((same, file.metadata()?.len())));
    Ok((Box::new(file), Progress { file: same.ok(), shown }))
}

impl Progress {
    fn show(&self, messages: u64) {
        if self.shown {
            let share = self.file.as_ref().and_then(|(file, size)| {
                let at = (&mut &*file).stream_position().ok()?;
                Some(format!(", {} %", at * 100 / (*size).max(1)))
            });
            // Only a courtesy: nobody minds if it cannot be shown.
            let _ = write!(std::io::stderr(), "\r{messages} messages{}   ", share.unwrap_or_default());
        }
    }

    fn clear(&self) {
        if self.shown {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}
