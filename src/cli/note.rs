//! `warroom note`: something written down from a script or a second window.

use std::io::BufRead;

use clap::Args;

use super::{Common, Failure, Which, write};
use crate::domain::command::Command;
use crate::domain::ids::IncidentId;

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
    if !args.stdin {
        let command = Command::Note { incident: args.incident, text: args.text.join(" ") };
        return write::one(common, &args.which, command);
    }
    let mut log = write::open(common, &args.which)?;
    let mut note = |text| write::record(&mut log, Command::Note { incident: args.incident, text });
    for line in std::io::stdin().lock().lines() {
        note(line.map_err(|error| Failure::Run(format!("input cannot be read: {error}")))?)?;
    }
    log.close();
    Ok(())
}
