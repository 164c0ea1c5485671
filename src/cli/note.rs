//! `warroom note`: something written down from a script or a second window.

use std::io::BufRead;

use clap::Args;

use super::{Common, Failure, Which, session};
use crate::domain::command::Command;
use crate::domain::ids::IncidentId;
use crate::engine::Settings;
use crate::runtime::offline::{Offline, OfflineError};

#[derive(Args)]
pub(super) struct NoteArgs {
    /// What to write down.
    #[arg(required_unless_present = "stdin")]
    text: Vec<String>,
    /// The incident it is about: 1, or INC-1.
    #[arg(short, long, value_parser = super::export::incident)]
    incident: Option<IncidentId>,
    /// Write down every line that comes in, and say so for each once it is on disk.
    #[arg(long, conflicts_with = "text")]
    stdin: bool,
    #[command(flatten)]
    which: Which,
}

pub(super) fn run(common: &Common, args: &NoteArgs) -> Result<(), Failure> {
    if common.read_only {
        return Err(Failure::Usage("--read-only writes nothing".into()));
    }
    let config = common.config()?.unwrap_or_default();
    let settings = Settings { operator: session::operator(&config), ..Settings::default() };
    let opened = Offline::open(&args.which.path(common)?, settings);
    let mut log = opened.map_err(|error| Failure::Usage(error.to_string()))?;
    if args.stdin {
        for line in std::io::stdin().lock().lines() {
            let line = line.map_err(|error| Failure::Run(format!("input cannot be read: {error}")))?;
            note(&mut log, args.incident, line)?;
        }
    } else {
        note(&mut log, args.incident, args.text.join(" "))?;
    }
    log.close();
    Ok(())
}

fn note(log: &mut Offline, incident: Option<IncidentId>, text: String) -> Result<(), Failure> {
    match log.record(Command::Note { incident, text }) {
        Ok(seq) => {
            say!("recorded {}", seq.0);
            Ok(())
        }
        Err(OfflineError::Refused(reason)) => Err(Failure::Usage(reason)),
        Err(OfflineError::Log(error)) => Err(Failure::Run(error.to_string())),
    }
}
