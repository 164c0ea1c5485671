//! Forms about laws, action items and costs.

use super::{required, time};
use crate::domain::command::{Command, LearningCommand, RegulationCommand};
use crate::domain::cost::parse_money;
use crate::domain::day::Day;
use crate::domain::ids::IncidentId;
use crate::domain::time::At;
use crate::tui::overlays::form::Form;
use crate::tui::update::record::ending;

/// What such a form asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asks {
    Answer {
        incident: IncidentId,
        regime: String,
        criterion: String,
    },
    Moment {
        incident: IncidentId,
        regime: String,
        moment: String,
    },
    File {
        incident: IncidentId,
        regime: String,
        term: String,
    },
    AddAction(IncidentId),
    ChangeAction {
        incident: IncidentId,
        action: u32,
    },
    EndAction {
        incident: IncidentId,
        action: u32,
    },
    /// With the rates in the order of its options.
    Cost {
        incident: IncidentId,
        rates: Vec<String>,
    },
}

pub(super) fn command(form: &Form, asks: Asks, now: At) -> Result<Command, String> {
    let typed = |n: usize| form.fields[n].typed();
    let chosen = |n: usize| form.fields[n].chosen();
    let filled = |n: usize| Some(typed(n).trim().to_owned()).filter(|text| !text.is_empty());
    let day = |n: usize| filled(n).map(|text| text.parse::<Day>()).transpose();
    Ok(match asks {
        Asks::Answer { incident, regime, criterion } => {
            let reason = required(&typed(1), "a reason")?;
            Command::Regulation(RegulationCommand::Answer { incident, regime, criterion, yes: chosen(0) == 0, reason })
        }
        Asks::Moment { incident, regime, moment } => {
            let (to, evidence) = (time(&typed(0), now)?, required(&typed(1), "what shows it")?);
            Command::Regulation(RegulationCommand::SetMoment { incident, regime, moment, to, evidence })
        }
        Asks::File { incident, regime, term } => {
            let (filed, reference) = (time(&typed(0), now)?, required(&typed(1), "a reference")?);
            Command::Regulation(RegulationCommand::File { incident, regime, term, filed, reference })
        }
        Asks::AddAction(incident) => {
            let text = required(&typed(0), "what is to be done")?;
            Command::Learning(LearningCommand::AddAction { incident, text, owner: filled(1), due: day(2)? })
        }
        Asks::ChangeAction { incident, action } => {
            let text = Some(required(&typed(0), "what is to be done")?);
            Command::Learning(LearningCommand::ChangeAction { incident, action, text, owner: filled(1), due: day(2)? })
        }
        Asks::EndAction { incident, action } => {
            let ending = ending(chosen(0), typed(1));
            Command::Learning(LearningCommand::EndAction { incident, action, ending })
        }
        Asks::Cost { incident, rates } => {
            let rate = rates.get(chosen(0)).cloned().unwrap_or_default();
            let number = |text: String| text.replace(',', ".").parse().map_err(|_| format!("`{text}` is not a number"));
            let quantity: Option<f64> = filled(1).map(number).transpose()?;
            let amount = filled(2).map(|text| parse_money(&text)).transpose()?;
            if quantity.is_none() && amount.is_none() {
                return Err("a cost needs a quantity, or a sum".into());
            }
            Command::Learning(LearningCommand::NoteCost { incident, rate, quantity, amount, note: typed(3) })
        }
    })
}
