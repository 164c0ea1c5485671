//! What commands that write have in common: the log opened without a room, one command recorded, and said so.

use std::io::Write;

use super::{Common, Failure, Which, session};
use crate::domain::command::Command;
use crate::engine::Settings;
use crate::runtime::offline::{Offline, OfflineError};

/// Opens the log for writing, with everything that commands are decided by.
pub(super) fn open(common: &Common, which: &Which) -> Result<Offline, Failure> {
    if common.read_only {
        return Err(Failure::Usage("--read-only writes nothing".into()));
    }
    let config = common.config()?.unwrap_or_default();
    let ((rates, mispriced), law) = (config.cost.rates(), config.regulation.law());
    for problem in mispriced.iter().chain(&law.problems) {
        // The shipped file is used; but nobody should wonder.
        let _ = writeln!(std::io::stderr(), "warroom: {problem}");
    }
    let settings = Settings {
        operator: session::operator(&config),
        rates: rates.into(),
        regimes: law.regimes.into(),
        ..Settings::default()
    };
    Offline::open(&which.path(common)?, settings).map_err(|error| Failure::Usage(error.to_string()))
}

/// Records one command, and says its number once it is on disk.
pub(super) fn record(log: &mut Offline, command: Command) -> Result<(), Failure> {
    match log.record(command) {
        Ok(seq) => {
            say!("recorded {}", seq.0);
            Ok(())
        }
        Err(OfflineError::Refused(reason)) => Err(Failure::Usage(reason)),
        Err(OfflineError::Log(error)) => Err(Failure::Run(error.to_string())),
    }
}

/// Opens the log, records one command, and closes it.
pub(super) fn one(common: &Common, which: &Which, command: Command) -> Result<(), Failure> {
    let mut log = open(common, which)?;
    let recorded = record(&mut log, command);
    log.close();
    recorded
}
