//! `warroom record`: what the broker sends, as a capture.

use std::fs::OpenOptions;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;

use super::room::{self, RoomArgs};
use super::{Common, Failure, session};
use crate::ingest::capture::packing::Packing;
use crate::runtime::recorder::{Output, Progress, Recorder};
use crate::runtime::signals;
use crate::tui::format;

#[derive(Args)]
pub(super) struct RecordArgs {
    /// Where to write, one JSON message a line; packed if it ends in `.gz` or `.zst`; `-` for standard output.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Broker, as mqtt://host:1883 or mqtts://host:8883, instead of the configured one.
    #[arg(long, value_name = "URL")]
    broker: Option<String>,
    /// End after this time: 90s, 15m, 2h, 1d.
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    duration: Option<Duration>,
    /// End before the file is larger than this: 500k, 200M, 2G.
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    max_bytes: Option<u64>,
    /// Write over a file that is there already.
    #[arg(long)]
    force: bool,
}

fn duration(text: &str) -> Result<Duration, String> {
    let units = [("s", 1), ("m", 60), ("h", 3600), ("d", 86_400), ("", 1)];
    amount(text, &units)
        .map(Duration::from_secs)
        .ok_or_else(|| format!("`{text}` is no time; write 90s, 15m, 2h or 1d"))
}

fn bytes(text: &str) -> Result<u64, String> {
    let units = [("k", 1000), ("M", 1_000_000), ("G", 1_000_000_000), ("", 1)];
    amount(text, &units).ok_or_else(|| format!("`{text}` is no size; write 500k, 200M or 2G"))
}

/// A whole number with a unit, more than nothing of it.
fn amount(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let (number, scale) = units.iter().find_map(|(unit, scale)| Some((text.strip_suffix(unit)?, scale)))?;
    number.parse::<u64>().ok()?.checked_mul(*scale).filter(|n| *n > 0)
}

const NO_BROKER: &str = "\
no broker is configured. Give one, or write it down:

    warroom record FILE --broker mqtt://HOST:1883
    warroom config init                 a configuration file to fill in";

/// Between two looks at how it goes.
const LOOK: Duration = Duration::from_secs(1);

pub(super) fn run(common: &Common, room: &RoomArgs, args: &RecordArgs) -> Result<(), Failure> {
    let config = common.config()?.unwrap_or_default();
    let asked = args.broker.as_ref().or(room.broker.as_ref());
    let address = room::address(asked, &config)?.ok_or_else(|| Failure::Usage(NO_BROKER.into()))?;
    let router = config.fleet.router().map_err(Failure::Usage)?;
    let link = room::link(&config, &address, router.subscriptions().to_vec());
    let output = open(args)?;
    let began = Instant::now();
    let written = session::runtime()?.block_on(async {
        let recorder = Recorder::start(link, output).map_err(|error| Failure::Run(error.to_string()))?;
        let mut word = Word::new(address.to_string());
        attend(&recorder, args.duration, &mut word).await;
        word.tell(&recorder);
        let last = recorder.progress();
        match recorder.close().await {
            Ok(progress) => Ok(progress),
            // A reader that has had enough is no error.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe && args.is_stdout() => Ok(last),
            Err(error) => Err(Failure::Run(format!(
                "{}: {error}; {} recorded before",
                args.file.display(),
                counted(last.messages)
            ))),
        }
    });
    let progress = written?;
    if progress.links == 0 {
        args.leave_nothing();
        return Err(Failure::Run(format!("there never was a connection to {address}; nothing was recorded")));
    }
    say_what_it_was(&progress, began.elapsed(), args);
    Ok(())
}

impl RecordArgs {
    fn is_stdout(&self) -> bool {
        self.file == Path::new("-")
    }

    /// Takes away a file in which there is nothing, so that the next attempt is not refused for it.
    fn leave_nothing(&self) {
        if self.file.is_file() {
            let _ = std::fs::remove_file(&self.file);
        }
    }
}

fn open(args: &RecordArgs) -> Result<Output, Failure> {
    let (packing, most) = (Packing::of_name(&args.file), args.max_bytes);
    if args.is_stdout() {
        return Ok(Output { file: Box::new(BufWriter::new(io::stdout())), packing, most });
    }
    let mut options = OpenOptions::new();
    options.write(true);
    if args.force {
        options.create(true).truncate(true)
    } else {
        options.create_new(true)
    };
    let shown = args.file.display();
    match options.open(&args.file) {
        Ok(file) => Ok(Output { file: Box::new(BufWriter::new(file)), packing, most }),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Err(Failure::Usage(format!("{shown} is there already; give another name, or --force to write over it")))
        }
        Err(error) => Err(Failure::Usage(format!("{shown} cannot be written: {error}"))),
    }
}

/// Waits until the recording is to end, and shows how it goes meanwhile.
async fn attend(recorder: &Recorder, duration: Option<Duration>, word: &mut Word) {
    let time = async {
        match duration {
            Some(duration) => tokio::time::sleep(duration).await,
            None => std::future::pending().await,
        }
    };
    let asked = signals::asked_to_end();
    tokio::pin!(time, asked);
    let mut look = tokio::time::interval(LOOK);
    loop {
        tokio::select! {
            () = &mut time => return,
            _ = &mut asked => return,
            () = recorder.ended() => return,
            _ = look.tick() => word.tell(recorder),
        }
    }
}

/// What is said while it goes on: what the link tells, and on a terminal how far it is.
struct Word {
    broker: String,
    began: Instant,
    on_terminal: bool,
}

impl Word {
    fn new(broker: String) -> Self {
        Self { broker, began: Instant::now(), on_terminal: io::stderr().is_terminal() }
    }

    fn tell(&self, recorder: &Recorder) {
        let mut text = if self.on_terminal { "\r\x1b[K".to_owned() } else { String::new() };
        for news in recorder.news() {
            text += &format!("warroom: {}: {news}\n", self.broker);
        }
        if self.on_terminal {
            let Progress { messages, bytes, dropped, up, .. } = recorder.progress();
            let spent = format::duration(self.began.elapsed().as_secs() as i64);
            text += &format!("{spent}  {}  {} bytes", counted(messages), format::count(bytes));
            if dropped > 0 {
                text += &format!("  {} dropped", format::count(dropped));
            }
            text += if up { "  Ctrl-C ends it" } else { "  not connected" };
        }
        // Only a courtesy: nobody minds if it cannot be shown.
        let _ = io::stderr().write_all(text.as_bytes());
    }
}

fn counted(messages: u64) -> String {
    if messages == 1 { "1 message".into() } else { format!("{} messages", format::count(messages)) }
}

fn say_what_it_was(progress: &Progress, spent: Duration, args: &RecordArgs) {
    let clear = if io::stderr().is_terminal() { "\r\x1b[K" } else { "" };
    let to = if args.is_stdout() { String::new() } else { format!(" in {}", args.file.display()) };
    let mut text = format!(
        "{clear}recorded {}, {} bytes, in {}{to}\n",
        counted(progress.messages),
        format::count(progress.bytes),
        format::duration(spent.as_secs() as i64)
    );
    if progress.dropped > 0 {
        text += &format!("{} dropped: they came faster than they could be written\n", counted(progress.dropped));
    }
    match progress.links {
        0 | 1 => {}
        2 => text += "the link was lost once; the capture says when\n",
        n => text += &format!("the link was lost {} times; the capture says when\n", n - 1),
    }
    let _ = io::stderr().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_sizes_are_read_as_people_write_them() {
        let times = [("90s", 90), ("15m", 900), ("2h", 7200), ("1d", 86_400), ("30", 30)];
        for (text, seconds) in times {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)));
        }
        assert_eq!([bytes("500k"), bytes("2G"), bytes("17")], [Ok(500_000), Ok(2_000_000_000), Ok(17)]);
        for text in ["", "0", "0s", "-1", "1.5h", "1w", "99999999999999999999", "9999999999999999d", "s"] {
            assert!(duration(text).is_err() && bytes(text).is_err(), "{text}");
        }
    }
}
