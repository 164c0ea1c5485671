//! A command without a room: the log is opened, the engine decides, the events are written, the log is closed.

use std::path::Path;

use super::OpenError;
use super::clock::Clock;
use super::random;
use crate::domain::command::Command;
use crate::domain::ids::{Actor, Seq};
use crate::domain::input::{Effect, Input, Ticket};
use crate::engine::{self, Settings, State};
use crate::store::{Log, StoreError};

/// A log that is open for commands, with no broker and no screen.
pub struct Offline {
    log: Log,
    state: State,
    clock: Clock,
    actor: Actor,
}

/// Why a command was not recorded.
#[derive(Debug, thiserror::Error)]
pub enum OfflineError {
    #[error("{0}")]
    Refused(String),
    #[error(transparent)]
    Log(#[from] StoreError),
}

impl Offline {
    /// Opens a log in the name of the operator in `settings`.
    ///
    /// # Errors
    /// When the log is not fit to be used, or a room has it open.
    pub fn open(path: &Path, settings: Settings) -> Result<Self, OpenError> {
        let (log, history) = Log::open(path, &random::log_id())?;
        let clock = Clock::live();
        let actor = Actor::Person(settings.operator.clone());
        let state = State::replay(Settings { log_id: log.id().to_owned(), ..settings }, &history, clock.now());
        Ok(Self { log, state, clock, actor })
    }

    /// Carries a command out. When this returns, it is on disk.
    ///
    /// # Errors
    /// When the engine refuses it, or the disk does.
    pub fn record(&mut self, command: Command) -> Result<Seq, OfflineError> {
        let input = Input::Command { ticket: Ticket(0), by: self.actor.clone(), command };
        let step = engine::step(&mut self.state, self.clock.now(), input);
        for effect in &step.effects {
            if let Effect::Reply { result: Err(refusal), .. } = effect {
                return Err(OfflineError::Refused(refusal.to_string()));
            }
        }
        Ok(self.log.append(&step.records)?)
    }

    /// Closes the log, so that one file is the whole record.
    pub fn close(self) {
        self.log.close();
    }
}
