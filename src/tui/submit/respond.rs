//! Forms about how an incident is worked.

use crate::domain::command::Command;
use crate::domain::command::response::ResponseCommand;
use crate::domain::ids::{AlertId, IncidentId};
use crate::domain::response::{Phase, Role};
use crate::tui::overlays::form::Form;

/// What such a form asks, with what it offers in the order of its options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asks {
    Phase(IncidentId),
    Role(IncidentId),
    Join(IncidentId, Vec<AlertId>),
    Merge(IncidentId, Vec<IncidentId>),
}

pub(super) fn command(form: &Form, asks: Asks) -> Result<Command, String> {
    let typed = |n: usize| form.fields[n].typed();
    let chosen = |n: usize| form.fields[n].chosen();
    let gone = || "what was chosen is no longer there".to_owned();
    let command = match asks {
        Asks::Phase(incident) => ResponseCommand::Enter { incident, phase: Phase::ALL[chosen(0)], reason: typed(1) },
        Asks::Role(incident) => ResponseCommand::Take { incident, role: Role::ALL[chosen(0)], name: typed(1) },
        Asks::Join(incident, alerts) => {
            ResponseCommand::Join { incident, alert: *alerts.get(chosen(0)).ok_or_else(gone)? }
        }
        Asks::Merge(incident, others) => {
            ResponseCommand::Merge { incident, into: *others.get(chosen(0)).ok_or_else(gone)? }
        }
    };
    Ok(Command::Response(command))
}
