//! `warroom regulation`: which laws may ask for notices, what was answered, and until when they are due.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{Common, Failure, Which, write};
use crate::config::regulation;
use crate::domain::command::{Command, RegulationCommand};
use crate::domain::ids::IncidentId;
use crate::domain::regulation::Standing;
use crate::domain::time::At;
use crate::engine::room::Room;
use crate::runtime::clock;
use crate::store::read;

#[derive(Args)]
pub(super) struct RegulationArgs {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    which: Which,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum YesNo {
    Yes,
    No,
}

#[derive(Subcommand)]
enum What {
    /// Every regime with its criteria and clocks.
    List,
    /// Check files of regimes.
    Lint { files: Vec<PathBuf> },
    /// What was answered in an incident, and what is due when.
    Show {
        /// The incident: 7, or INC-7.
        #[arg(value_parser = super::export::incident)]
        incident: IncidentId,
    },
    /// Answer a criterion: `warroom regulation answer 7 gdpr-33 breach no --reason "no personal data on it"`.
    Answer {
        #[arg(value_parser = super::export::incident)]
        incident: IncidentId,
        regime: String,
        criterion: String,
        answer: YesNo,
        #[arg(long)]
        reason: String,
    },
    /// Set, or correct, the moment that clocks count from: `… set 7 gdpr-33 aware 2026-11-20T17:40:00Z --evidence "ticket 4711"`.
    Set {
        #[arg(value_parser = super::export::incident)]
        incident: IncidentId,
        regime: String,
        moment: String,
        at: At,
        #[arg(long)]
        evidence: String,
    },
    /// Say that a notice was filed.
    File {
        #[arg(value_parser = super::export::incident)]
        incident: IncidentId,
        regime: String,
        clock: String,
        /// When it was filed, as 2026-11-20T17:40:00Z.
        #[arg(long)]
        at: At,
        /// The number it got, or who was told.
        #[arg(long)]
        reference: String,
    },
}

pub(super) fn run(common: &Common, args: &RegulationArgs) -> Result<(), Failure> {
    let command = match &args.what {
        What::List => return list(common),
        What::Lint { files } => return lint(files),
        What::Show { incident } => return show(common, args, *incident),
        What::Answer { incident, regime, criterion, answer, reason } => RegulationCommand::Answer {
            incident: *incident,
            regime: regime.clone(),
            criterion: criterion.clone(),
            yes: *answer == YesNo::Yes,
            reason: reason.clone(),
        },
        What::Set { incident, regime, moment, at, evidence } => RegulationCommand::SetMoment {
            incident: *incident,
            regime: regime.clone(),
            moment: moment.clone(),
            to: *at,
            evidence: evidence.clone(),
        },
        What::File { incident, regime, clock, at, reference } => RegulationCommand::File {
            incident: *incident,
            regime: regime.clone(),
            term: clock.clone(),
            filed: *at,
            reference: reference.clone(),
        },
    };
    write::one(common, &args.which, Command::Regulation(command))
}

fn list(common: &Common) -> Result<(), Failure> {
    let law = common.config()?.unwrap_or_default().regulation.law();
    for regime in &law.regimes {
        let on = if regime.on { "on" } else { "off" };
        say!("{:22} {on:3}  {} · verified: {}, {}", regime.id, regime.name, regime.verified, regime.version);
        say!("{:27} {}", "", regime.source);
        for criterion in &regime.criteria {
            say!("{:27} ? {}: {}", "", criterion.id, criterion.question);
        }
        for term in &regime.terms {
            say!("{:27} · {}: {}, to {}: {}", "", term.id, term.what, term.to, term.rule());
        }
    }
    if law.problems.is_empty() { Ok(()) } else { Err(Failure::Run(law.problems.join("\n"))) }
}

fn lint(files: &[PathBuf]) -> Result<(), Failure> {
    let check = |path: &PathBuf| {
        let source = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()));
        source.and_then(|source| {
            regulation::read(&source, &path.display().to_string()).map_err(|mistake| mistake.to_string())
        })
    };
    let problems: Vec<String> = files.iter().filter_map(|path| check(path).err()).collect();
    if problems.is_empty() { Ok(()) } else { Err(Failure::Run(problems.join("\n"))) }
}

fn show(common: &Common, args: &RegulationArgs, id: IncidentId) -> Result<(), Failure> {
    let path = args.which.path(common)?;
    let records = read::open(&path)?.records;
    let mut room = Room::default();
    records.iter().for_each(|record| room.apply(record));
    let incident = room.incidents.get(&id);
    let incident = incident.ok_or_else(|| Failure::Usage(format!("there is no {id} in {}", path.display())))?;
    let now = args.which.now(&records);
    if incident.regulation.matters.is_empty() {
        say!("no criterion has been answered for {id}");
    }
    for matter in incident.regulation.matters.values() {
        let standing = match matter.standing() {
            Standing::Undecided => "not decided yet",
            Standing::Applies => "APPLIES",
            Standing::DoesNotApply => "does not apply",
        };
        say!("{} · {}: {standing}", matter.regime.id, matter.regime.name);
        for criterion in &matter.regime.criteria {
            let answer = matter.answers.get(&criterion.id);
            let told = answer.map_or_else(
                || "not answered".into(),
                |answer| format!("{} · {} · {}", if answer.yes { "YES" } else { "no" }, answer.reason, answer.by),
            );
            say!("  ? {} {told}", criterion.question);
        }
        for (moment, set) in &matter.moments {
            say!("  {moment}: {} ({}) · {} · {}", set.to, clock::local(set.to), set.evidence, set.by);
        }
        for reading in matter.readings(now) {
            let due = reading.due.map(|due| format!(" · due {due} ({})", clock::local(due))).unwrap_or_default();
            let waits = reading.waits_for.map(|what| format!(" for {what}")).unwrap_or_default();
            let filed = reading.filed.map(|at| format!(" · filed {at} {}", reading.reference)).unwrap_or_default();
            say!("  · {}, to {}: {}{waits}{due}{filed}", reading.what, reading.to, reading.state.word());
            if let Some(doubt) = reading.doubt {
                say!("    ! {doubt}");
            }
        }
    }
    Ok(())
}
