//! `warroom postmortem`: its sections written, and the whole called done.

use std::io::Read;

use clap::{Args, Subcommand};

use super::{Common, Failure, Which, write};
use crate::document;
use crate::domain::command::{Command, LearningCommand};
use crate::domain::ids::IncidentId;
use crate::domain::learning::Section;
use crate::limits;

#[derive(Args)]
pub(super) struct PostmortemArgs {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    which: Which,
}

#[derive(Subcommand)]
enum What {
    /// Write a section, whole: summary, impact, detection, worked, did-not-work, missing, root-cause, lessons.
    Write {
        /// The incident: 7, or INC-7.
        #[arg(value_parser = super::export::incident)]
        incident: IncidentId,
        #[arg(value_parser = section)]
        section: Section,
        /// Its text; read from the input where none is given.
        text: Vec<String>,
    },
    /// Call it done: refused while it lacks something.
    Done {
        #[arg(value_parser = super::export::incident)]
        incident: IncidentId,
    },
}

fn section(text: &str) -> Result<Section, String> {
    let known: Vec<&str> = Section::ALL.iter().map(|section| section.id()).collect();
    let mend = document::nearest(text, &known)
        .map_or_else(|| format!("expected one of {}", known.join(", ")), |near| format!("did you mean `{near}`?"));
    Section::parse(text).ok_or_else(|| format!("there is no section `{text}`; {mend}"))
}

pub(super) fn run(common: &Common, args: &PostmortemArgs) -> Result<(), Failure> {
    let command = match &args.what {
        What::Write { incident, section, text } => {
            let text = if text.is_empty() { input()? } else { text.join(" ") };
            LearningCommand::Write { incident: *incident, section: *section, text }
        }
        What::Done { incident } => LearningCommand::Publish { incident: *incident },
    };
    write::one(common, &args.which, Command::Learning(command))
}

fn input() -> Result<String, Failure> {
    let mut bytes = Vec::new();
    // Twice what is kept of it at most: characters may take several bytes.
    let read = std::io::stdin().lock().take(limits::SECTION as u64 * 4).read_to_end(&mut bytes);
    read.map_err(|error| Failure::Run(format!("input cannot be read: {error}")))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
