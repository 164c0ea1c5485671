//! `warroom export`: an incident written down.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::{Common, Failure, Which};
use crate::domain::ids::IncidentId;
use crate::report::document::{Document, Provenance, gather};
use crate::report::{json, markdown};
use crate::runtime::clock;
use crate::store::read;

#[derive(Args)]
pub(super) struct ExportArgs {
    /// The incident: 1, or INC-1.
    #[arg(value_parser = incident)]
    incident: IncidentId,
    #[command(flatten)]
    which: Which,
    #[arg(long, value_enum, default_value_t = Format::Md)]
    format: Format,
    /// Where to write; the terminal if not given.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Md,
    Json,
}

pub(super) fn incident(text: &str) -> Result<IncidentId, String> {
    let number = text.trim_start_matches(|c: char| c.is_ascii_alphabetic() || c == '-');
    number.parse().map(IncidentId).map_err(|_| format!("`{text}` is not an incident; write 1, or INC-1"))
}

pub(super) fn run(common: &Common, args: &ExportArgs) -> Result<(), Failure> {
    let path = args.which.path(common)?;
    let config = common.config()?.unwrap_or_default();
    let chain = read::open(&path)?;
    let provenance = Provenance {
        id: chain.id,
        events: chain.head.seq.0,
        head: chain.head.to_string(),
        zone: clock::zone(chain.records.last().map(|record| record.at).unwrap_or_default()),
    };
    let document = gather(
        &chain.records,
        args.incident,
        &config.targets,
        args.which.now(&chain.records),
        &clock::local,
        provenance,
    )
    .ok_or_else(|| {
        Failure::Usage(format!("there is no {} in {}; see `warroom incidents`", args.incident, path.display()))
    })?;
    let text = match args.format {
        Format::Md => markdown::write(&document, &clock::local),
        Format::Json => as_json(&document)?,
    };
    match &args.output {
        None => {
            // A reader that has had enough is no error.
            let _ = std::io::stdout().write_all(text.as_bytes());
            Ok(())
        }
        Some(output) => write(output, &text)
            .map_err(|error| Failure::Usage(format!("{} cannot be written: {error}", output.display()))),
    }
}

fn as_json(document: &Document) -> Result<String, Failure> {
    json::write(document).map_err(|error| Failure::Run(error.to_string()))
}

/// Writes beside, then renames: nothing is left half-written.
fn write(output: &Path, text: &str) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut name = output.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let beside = output.with_file_name(name);
    let written = (|| {
        let mut file = std::fs::OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&beside, output)
    })();
    if written.is_err() {
        // It may not even have been made.
        let _ = std::fs::remove_file(&beside);
    }
    written
}
