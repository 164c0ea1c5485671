//! What commands that write have in common: the log opened without a room, one command recorded, and said so.

use std::io::Write;

use super::{Common, Failure, Which, session};
use crate::domain::command::Command;
use crate::engine::Settings;
use crate::runtime::offline::{Offline, OfflineError};
use crate::runtime::socket::{self, Answer, Request};

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

/// Records one command: through the room, where one is open on the log, else in the log itself.
pub(super) fn one(common: &Common, which: &Which, command: Command) -> Result<(), Failure> {
    if !common.read_only
        && let Some(request) = as_request(&command)
    {
        let config = common.config()?.unwrap_or_default();
        let room = config.socket(&which.path(common)?);
        match socket::ask(&room, &request).map_err(Failure::Run)? {
            Some(Answer { recorded: Some(seq), .. }) => {
                say!("recorded {seq}");
                return Ok(());
            }
            Some(Answer { error, .. }) => return Err(Failure::Usage(error.unwrap_or_default())),
            None => {}
        }
    }
    let mut log = open(common, which)?;
    let recorded = record(&mut log, command);
    log.close();
    recorded
}

/// What an open room can be asked of a command's kind.
fn as_request(command: &Command) -> Option<Request> {
    Some(match command.clone() {
        Command::Note { incident, text } => Request::Note { incident, text },
        Command::Acknowledge(incident) => Request::Acknowledge { incident },
        Command::Learning(command) => Request::Learning { command },
        Command::Regulation(command) => Request::Regulation { command },
        _ => return None,
    })
}
