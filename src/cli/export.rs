//! `warroom export`: an incident written down.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::{Common, Failure, Which};
use crate::domain::ids::IncidentId;
use crate::report::csv::Table;
use crate::report::document::{Document, Provenance};
use crate::report::gather::{Sources, gather, span};
use crate::report::page::lay_out;
use crate::report::{csv, html, json, markdown, roles};
use crate::runtime::clock;
use crate::store::{history, read};

#[derive(Args)]
pub(super) struct ExportArgs {
    /// The incident: 1, or INC-1.
    #[arg(value_parser = incident, required_unless_present = "schema")]
    incident: Option<IncidentId>,
    #[command(flatten)]
    which: Which,
    #[arg(long, value_enum, default_value_t = Format::Md)]
    format: Format,
    /// Which table of it, as CSV.
    #[arg(long, value_enum, default_value_t = TableWord::Timeline)]
    table: TableWord,
    /// Names of persons replaced by their roles: blameless.
    #[arg(long)]
    roles: bool,
    /// Write nothing; say what the postmortem lacks, and fail if it lacks something.
    #[arg(long)]
    check: bool,
    /// The JSON schema instead of an incident.
    #[arg(long)]
    schema: bool,
    /// Where to write; the terminal if not given.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Md,
    Html,
    Json,
    Csv,
}

#[derive(Clone, Copy, ValueEnum)]
enum TableWord {
    Timeline,
    Actions,
    Clocks,
    Regulatory,
    Communication,
    Recovery,
    Devices,
    Cost,
    Signals,
}

impl TableWord {
    const fn table(self) -> Table {
        match self {
            Self::Timeline => Table::Timeline,
            Self::Actions => Table::Actions,
            Self::Clocks => Table::Clocks,
            Self::Regulatory => Table::Regulatory,
            Self::Communication => Table::Communication,
            Self::Recovery => Table::Recovery,
            Self::Devices => Table::Devices,
            Self::Cost => Table::Cost,
            Self::Signals => Table::Signals,
        }
    }
}

pub(super) fn incident(text: &str) -> Result<IncidentId, String> {
    let number = text.trim_start_matches(|c: char| c.is_ascii_alphabetic() || c == '-');
    number.parse().map(IncidentId).map_err(|_| format!("`{text}` is not an incident; write 1, or INC-1"))
}

pub(super) fn run(common: &Common, args: &ExportArgs) -> Result<(), Failure> {
    let Some(id) = args.incident.filter(|_| !args.schema) else {
        return put(args.output.as_deref(), json::SCHEMA);
    };
    let document = document(common, &args.which, id, args.roles)?;
    if args.check {
        return check(&document);
    }
    let text = match args.format {
        Format::Md => markdown::write(&lay_out(&document)),
        Format::Html => html::write(&lay_out(&document)),
        Format::Json => json::write(&document).map_err(|error| Failure::Run(error.to_string()))?,
        Format::Csv => csv::write(&document, args.table.table()),
    };
    put(args.output.as_deref(), &text)
}

/// An incident as it is, printed for people.
pub(super) fn print(common: &Common, id: IncidentId, which: &Which) -> Result<(), Failure> {
    put(None, &markdown::write(&lay_out(&document(common, which, id, false)?)))
}

fn document(common: &Common, which: &Which, id: IncidentId, blameless: bool) -> Result<Document, Failure> {
    let path = which.path(common)?;
    let config = common.config()?.unwrap_or_default();
    let chain = read::open(&path)?;
    let now = which.now(&chain.records);
    let missing = || Failure::Usage(format!("there is no {id} in {}; see `warroom incidents`", path.display()));
    let (from, to) = span(&chain.records, id, now).ok_or_else(missing)?;
    let rollups = history::between(&path, from, to)?;
    let (rates, problems) = config.cost.rates();
    for problem in problems {
        // What is written is still right, with the shipped prices; but nobody should wonder.
        let _ = writeln!(std::io::stderr(), "warroom: {problem}");
    }
    let sources = Sources {
        records: &chain.records,
        rollups: &rollups,
        targets: &config.targets,
        rates: &rates,
        now,
        local: &clock::local,
    };
    let provenance = Provenance {
        id: chain.id,
        events: chain.head.seq.0,
        head: chain.head.to_string(),
        zone: clock::zone(chain.records.last().map(|record| record.at).unwrap_or_default()),
        blameless: false,
    };
    let mut document = gather(&sources, id, provenance).ok_or_else(missing)?;
    if blameless {
        roles::apply(&mut document, &roles::Roles::of(&chain.records, id));
    }
    Ok(document)
}

fn check(document: &Document) -> Result<(), Failure> {
    let postmortem = &document.postmortem;
    let mut lacks = postmortem.lacks.clone();
    if let Some(due) = postmortem.due.as_ref().filter(|_| postmortem.overdue) {
        lacks.push(format!("the postmortem of {} is overdue since {}", document.incident.id, due.local));
    }
    if lacks.is_empty() {
        say!("the postmortem of {} is complete", document.incident.id);
        return Ok(());
    }
    Err(Failure::Run(lacks.join("\n")))
}

/// Writes to a file, or to the terminal.
pub(super) fn put(output: Option<&Path>, text: &str) -> Result<(), Failure> {
    match output {
        None => {
            // A reader that has had enough is no error.
            let _ = std::io::stdout().write_all(text.as_bytes());
            Ok(())
        }
        Some(output) => write(output, text)
            .map_err(|error| Failure::Usage(format!("{} cannot be written: {error}", output.display()))),
    }
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
