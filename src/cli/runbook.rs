//! `warroom runbook`: what is in the library, and whether it is right.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Common, Failure};
use crate::config::runbooks;
use crate::domain::runbook::markdown;

#[derive(Args)]
pub(super) struct RunbookArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Runbooks that incidents can take up.
    List,
    /// One of them, as the room has it.
    Show { id: String },
    /// Check files, or the whole library.
    Lint { files: Vec<PathBuf> },
}

pub(super) fn run(common: &Common, args: &RunbookArgs) -> Result<(), Failure> {
    let config = common.config()?.unwrap_or_default();
    let library = runbooks::library(config.runbooks.directory.as_deref());
    match &args.what {
        What::List => {
            for runbook in &library.runbooks {
                let steps = runbook.steps().count();
                say!("{:18} {} · {steps} steps · reviewed {}", runbook.id, runbook.title, runbook.reviewed);
            }
            problems(library.problems)
        }
        What::Show { id } => {
            let runbook = library.runbooks.iter().find(|runbook| runbook.id == *id);
            let runbook =
                runbook.ok_or_else(|| Failure::Usage(format!("no runbook `{id}`; see `warroom runbook list`")))?;
            say!("{}", runbook.title);
            for section in &runbook.sections {
                say!("\n{}", section.title.to_uppercase());
                for step in &section.steps {
                    let switch = step.switch.as_ref().map(|switch| format!("  [{switch}]")).unwrap_or_default();
                    say!("  [ ] {}{switch}", step.text);
                }
            }
            Ok(())
        }
        What::Lint { files } if files.is_empty() => problems(library.problems),
        What::Lint { files } => problems(
            files
                .iter()
                .filter_map(|path| {
                    let read = std::fs::read_to_string(path).map_err(|error| error.to_string());
                    let checked =
                        read.and_then(|source| markdown::read(&source).map_err(|mistake| mistake.to_string()));
                    checked.err().map(|problem| format!("{}: {problem}", path.display()))
                })
                .collect(),
        ),
    }
}

fn problems(problems: Vec<String>) -> Result<(), Failure> {
    if problems.is_empty() { Ok(()) } else { Err(Failure::Run(problems.join("\n"))) }
}
