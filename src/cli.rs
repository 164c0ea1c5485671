//! The command line: one file a subcommand, each of which parses, calls, and prints.
//!
//! Exit codes: 0 fine, 1 the check or the run failed, 2 wrong usage or configuration.

/// Prints a line. A reader that has had enough (`| head`) is no error.
macro_rules! say {
    ($($line:tt)*) => {{
        use std::io::Write;
        if writeln!(std::io::stdout(), $($line)*).is_err() {
            std::process::exit(0);
        }
    }};
}

mod actions;
mod analyze;
mod approve;
mod attribute;
mod completions;
mod config;
mod cost;
mod detect;
mod drill;
mod export;
mod incidents;
mod log;
mod note;
mod postmortem;
mod record;
mod regulation;
mod replay;
mod report;
mod room;
mod runbook;
mod session;
mod show;
mod switch;
mod write;

use std::fmt;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::config::{Config, paths};
use crate::document::{Mistake, Mistakes};
use crate::domain::event::Record;
use crate::domain::text::visible_lines;
use crate::domain::time::At;
use crate::runtime::clock::Clock;

/// The terminal war room for IoT-fleet incidents.
#[derive(Parser)]
#[command(name = "warroom", version, about, long_about = None, max_term_width = 100)]
#[command(
    after_help = "With no command the room opens on the configured broker. Try `warroom drill` first: it needs nothing."
)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    room: room::RoomArgs,
    #[command(subcommand)]
    command: Option<Command>,
}

/// What every command understands.
#[derive(Args, Clone, Debug)]
struct Common {
    /// Configuration file.
    #[arg(long, global = true, env = "WARROOM_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where the log, and the logs of drills and replays, lie.
    #[arg(long, global = true, env = "WARROOM_DATA_DIR", value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Colours: dark, light, mono, colour-blind, or a file.
    #[arg(long, global = true, env = "WARROOM_THEME")]
    theme: Option<String>,
    /// Look, and change nothing: no key that writes is bound.
    #[arg(long, global = true)]
    read_only: bool,
    /// Never ring the terminal's bell.
    #[arg(long, global = true)]
    quiet: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Game day: a simulated fleet, a broker of its own, the real room.
    Drill(drill::DrillArgs),
    /// Write an incident down: Markdown, HTML, JSON or CSV.
    Export(export::ExportArgs),
    /// List incidents.
    Incidents(incidents::IncidentsArgs),
    /// Write something down, without opening the room.
    Note(note::NoteArgs),
    /// Approve what one person alone may not do, from a login of your own.
    Approve(approve::ApproveArgs),
    /// What was promised after incidents: list, add, change, done.
    Actions(actions::ActionsArgs),
    /// Write the sections of a postmortem, and call it done.
    Postmortem(postmortem::PostmortemArgs),
    /// What an incident has cost so far.
    Cost(cost::CostArgs),
    /// Deadlines of laws: list, answer, set, file.
    Regulation(regulation::RegulationArgs),
    /// An incident as it is; with --at, the room as it was then.
    Show(show::ShowArgs),
    /// The quarter in numbers: TTD, TTA, TTM, TTR.
    Report(report::ReportArgs),
    /// Look after the log: verify, head, tail.
    Log(log::LogArgs),
    /// List, show or check runbooks.
    Runbook(runbook::RunbookArgs),
    /// Make, show or find the configuration.
    Config(config::ConfigArgs),
    /// Write down what the broker sends: a capture, to be analysed or replayed.
    Record(record::RecordArgs),
    /// Say what the room would have said of recorded messages.
    Analyze(analyze::AnalyzeArgs),
    /// Explain a table of affected devices: which attribute values they share.
    Attribute(attribute::AttributeArgs),
    /// Watch one series of values: an anomaly score and a decision for each row of a CSV.
    Detect(detect::DetectArgs),
    /// Kill switches: list, test, and do them by hand.
    Switch(switch::SwitchArgs),
    /// Shell completions.
    Completions(completions::CompletionsArgs),
}

/// Why a command failed: a sentence, and whose mistake it was.
#[derive(Debug)]
enum Failure {
    /// The check or the run failed: exit code 1.
    Run(String),
    /// Wrong usage or configuration: exit code 2.
    Usage(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run(reason) | Self::Usage(reason) => f.write_str(reason),
        }
    }
}

impl From<crate::store::StoreError> for Failure {
    fn from(error: crate::store::StoreError) -> Self {
        Self::Usage(error.to_string())
    }
}

impl From<Mistake> for Failure {
    fn from(mistake: Mistake) -> Self {
        Self::Usage(mistake.to_string())
    }
}

impl From<Mistakes> for Failure {
    fn from(mistakes: Mistakes) -> Self {
        let Mistakes(all) = &mistakes;
        let count = if all.len() > 1 { format!("{} mistakes:\n", all.len()) } else { String::new() };
        Self::Usage(format!("{count}{mistakes}"))
    }
}

impl From<crate::config::ConfigError> for Failure {
    fn from(error: crate::config::ConfigError) -> Self {
        Self::Usage(error.to_string())
    }
}

impl Common {
    /// The configuration: the file given, or the usual one, or none at all.
    fn config(&self) -> Result<Option<Config>, Failure> {
        match &self.config {
            Some(path) => Ok(Some(Config::load(path)?)),
            None => {
                let path = paths::config_file();
                if path.exists() { Ok(Some(Config::load(&path)?)) } else { Ok(None) }
            }
        }
    }

    fn data_directory(&self) -> PathBuf {
        paths::data_directory(self.data_dir.clone())
    }
}

/// Runs the program.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.command {
        None => room::run(&cli.common, &cli.room),
        Some(Command::Drill(args)) => drill::run(&cli.common, &args),
        Some(Command::Export(args)) => export::run(&cli.common, &args),
        Some(Command::Incidents(args)) => incidents::run(&cli.common, &args),
        Some(Command::Note(args)) => note::run(&cli.common, &args),
        Some(Command::Approve(args)) => approve::run(&cli.common, &args),
        Some(Command::Actions(args)) => actions::run(&cli.common, &args),
        Some(Command::Postmortem(args)) => postmortem::run(&cli.common, &args),
        Some(Command::Cost(args)) => cost::run(&cli.common, &args),
        Some(Command::Regulation(args)) => regulation::run(&cli.common, &args),
        Some(Command::Report(args)) => report::run(&cli.common, &args),
        Some(Command::Show(args)) => show::run(&cli.common, &args),
        Some(Command::Log(args)) => log::run(&cli.common, &args),
        Some(Command::Runbook(args)) => runbook::run(&cli.common, &args),
        Some(Command::Config(args)) => config::run(&cli.common, &args),
        Some(Command::Record(args)) => record::run(&cli.common, &cli.room, &args),
        Some(Command::Analyze(args)) => analyze::run(&cli.common, &args),
        Some(Command::Attribute(args)) => attribute::run(&args),
        Some(Command::Detect(args)) => detect::run(&args),
        Some(Command::Switch(args)) => switch::run(&cli.common, &args),
        Some(Command::Completions(args)) => completions::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // After a hang-up there is nobody left to tell.
            let _ = writeln!(std::io::stderr(), "warroom: {}", visible_lines(&failure.to_string()));
            ExitCode::from(match failure {
                Failure::Run(_) => 1,
                Failure::Usage(_) => 2,
            })
        }
    }
}

/// What a command reads: a file, or standard input for `-`.
fn input(path: &Path) -> Result<Box<dyn Read>, Failure> {
    if path == Path::new("-") {
        return Ok(Box::new(std::io::stdin()));
    }
    let file = std::fs::File::open(path);
    file.map(|file| Box::new(file) as Box<dyn Read>)
        .map_err(|error| Failure::Usage(format!("{}: {error}", path.display())))
}

/// The columns of a table, for a person who has named another.
fn columns(header: &csv::StringRecord) -> String {
    let names: Vec<&str> = header.iter().collect();
    if names.is_empty() { "none".into() } else { names.join(", ") }
}

/// A number for programs: three digits behind the point.
fn round(n: f64) -> f64 {
    (n * 1000.0).round() / 1000.0
}

/// Which log a command reads.
#[derive(Args, Clone, Debug)]
struct Which {
    /// The newest drill instead of the live log.
    #[arg(long, global = true)]
    drill: bool,
    /// A log by its path.
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "drill")]
    log: Option<PathBuf>,
}

impl Which {
    /// The moment at which clocks that run are read: now in a live log, the end in one that is closed for good.
    fn now(&self, records: &[Record]) -> At {
        if self.is_live() { Clock::live().now() } else { records.last().map(|record| record.at).unwrap_or_default() }
    }

    /// Whether the log of the live room is meant.
    const fn is_live(&self) -> bool {
        !self.drill && self.log.is_none()
    }

    fn path(&self, common: &Common) -> Result<PathBuf, Failure> {
        let data = common.data_directory();
        match (&self.log, self.drill) {
            (Some(path), _) => Ok(path.clone()),
            (None, false) => Ok(paths::live_log(&data)),
            (None, true) => paths::newest_drill(&data)
                .ok_or_else(|| Failure::Usage(format!("no drill has been run in {}", data.display()))),
        }
    }
}
