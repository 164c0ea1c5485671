//! Forms about how an incident is worked.

use super::{required, time};
use crate::domain::acceptance::Lasting;
use crate::domain::cohort::CohortKey;
use crate::domain::command::Command;
use crate::domain::command::recovery::RecoveryCommand;
use crate::domain::command::response::ResponseCommand;
use crate::domain::command::runbook::RunbookCommand;
use crate::domain::command::update::UpdateCommand;
use crate::domain::ids::{AlertId, IncidentId};
use crate::domain::recovery::{Check, DataChoice};
use crate::domain::response::{Phase, Role};
use crate::domain::runbook::StepMark;
use crate::domain::time::At;
use crate::domain::update::{Audience, Cadence};
use crate::tui::overlays::form::Form;

/// What such a form asks, with what it offers in the order of its options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asks {
    Phase(IncidentId),
    Role(IncidentId),
    Join(IncidentId, Vec<AlertId>),
    /// The alerts that may be accepted as usual, with whose they are.
    Accept(Vec<(AlertId, CohortKey)>),
    /// Of whom something is accepted.
    WatchAgain(Vec<CohortKey>),
    Merge(IncidentId, Vec<IncidentId>),
    Decide(IncidentId),
    Change(Option<IncidentId>),
    Waive(IncidentId, Check),
    NotApplicable(IncidentId, String),
    StepNote(IncidentId, String),
    Runbook(IncidentId, Vec<String>),
    Compose(IncidentId, Vec<String>),
    Cadence(IncidentId),
}

pub(super) fn command(
    form: &Form,
    asks: Asks,
    now: At,
    cadence: impl Fn(Audience) -> Cadence,
) -> Result<Command, String> {
    let typed = |n: usize| form.fields[n].typed();
    let chosen = |n: usize| form.fields[n].chosen();
    let gone = || "what was chosen is no longer there".to_owned();
    let command = match asks {
        Asks::Decide(incident) => {
            let (choice, first_bad) = (DataChoice::ALL[chosen(0)], time(&typed(1), now)?);
            return Ok(Command::Recovery(RecoveryCommand::Decide { incident, choice, first_bad, customers: typed(2) }));
        }
        Asks::Waive(incident, check) => {
            let reason = required(&typed(0), "a reason")?;
            return Ok(Command::Recovery(RecoveryCommand::Waive { incident, check, reason }));
        }
        Asks::Change(incident) => {
            let when = if typed(1).trim().is_empty() { now } else { time(&typed(1), now)? };
            ResponseCommand::Change { incident, when, what: required(&typed(0), "what was changed")? }
        }
        Asks::NotApplicable(incident, step) => {
            return Ok(Command::MarkStep { incident, step, mark: StepMark::NotApplicable(typed(0)) });
        }
        Asks::StepNote(incident, step) => {
            let text = required(&typed(0), "a note")?;
            return Ok(Command::Runbook(RunbookCommand::Note { incident, step, text }));
        }
        Asks::Runbook(incident, ids) => {
            let runbook = ids.get(chosen(0)).ok_or_else(gone)?.clone();
            return Ok(Command::Runbook(RunbookCommand::Take { incident, runbook }));
        }
        Asks::Accept(alerts) => {
            let (alert, cohort) = alerts.get(chosen(0)).ok_or_else(gone)?.clone();
            let (for_s, reason) = (Lasting::ALL[chosen(1)].seconds(), required(&typed(2), "a reason")?);
            return Ok(Command::AcceptAlert { alert, cohort, for_s, reason });
        }
        Asks::WatchAgain(cohorts) => return Ok(Command::WatchAgain(cohorts.get(chosen(0)).ok_or_else(gone)?.clone())),
        Asks::Compose(..) => return Err("this opens the composer".into()),
        Asks::Cadence(incident) => {
            let audience = Audience::ALL[chosen(0)];
            let minutes: i64 =
                typed(1).trim().parse().map_err(|_| format!("`{}` is no number of minutes", typed(1)))?;
            let every_s = (minutes > 0).then(|| minutes.saturating_mul(60));
            let cadence = Cadence { every_s, ..cadence(audience) };
            return Ok(Command::Update(UpdateCommand::Cadence { incident, audience, cadence }));
        }
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
