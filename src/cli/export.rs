//! `warroom export`: an incident written down.

use clap::Args;

use super::{Common, Failure, Which};

#[derive(Args)]
pub(super) struct ExportArgs {
    /// The incident: 1, or INC-1.
    incident: String,
    #[command(flatten)]
    which: Which,
}

pub(super) fn run(_common: &Common, _args: &ExportArgs) -> Result<(), Failure> {
    Err(Failure::Run(String::new()))
}
