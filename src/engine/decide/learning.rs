//! Commands about the postmortem, action items and costs: refused with a reason, or turned into events.

use super::{Decision, find, refuse, sentence};
use crate::domain::command::{LearningCommand, Refusal};
use crate::domain::cost::{Cost, Rates};
use crate::domain::event::{Event, LearningEvent};
use crate::domain::incident::Incident;
use crate::domain::learning::{ActionItem, Ending, Plan};
use crate::domain::text::visible_lines;
use crate::engine::State;
use crate::limits;

pub(super) fn decide(state: &State, command: LearningCommand) -> Decision {
    let incident = find(state, command.incident())?;
    let id = incident.id;
    let event = match command {
        LearningCommand::Write { section, text, .. } => {
            let text: String = visible_lines(text.trim()).chars().take(limits::SECTION).collect();
            if text.is_empty() {
                return refuse(format!("the section {section} needs some text"));
            }
            if incident.learning.sections.get(&section).is_some_and(|written| written.text == text) {
                return refuse(format!("the section {section} says so already"));
            }
            LearningEvent::SectionWritten { incident: id, section, text }
        }
        LearningCommand::AddAction { text, owner, due, .. } => {
            if incident.learning.actions.len() >= limits::ACTION_ITEMS {
                return refuse(format!("{id} has {} action items; nobody does more", limits::ACTION_ITEMS));
            }
            let action = incident.learning.actions.len() as u32 + 1;
            let owner = owner.map(|owner| sentence(&owner, "an owner")).transpose()?;
            let plan = Plan { text: sentence(&text, "an action item")?, owner, due };
            LearningEvent::ActionAdded { incident: id, action, plan }
        }
        LearningCommand::ChangeAction { action, text, owner, due, .. } => {
            let item = item(incident, action)?;
            let to = Plan {
                text: text.map_or(Ok(item.plan.text.clone()), |text| sentence(&text, "an action item"))?,
                owner: owner.map(|owner| sentence(&owner, "an owner")).transpose()?.or(item.plan.owner.clone()),
                due: due.or(item.plan.due),
            };
            if to == item.plan {
                return refuse(format!("action {}.{action} is so already", id.0));
            }
            LearningEvent::ActionChanged { incident: id, action, from: item.plan.clone(), to }
        }
        LearningCommand::EndAction { action, ending, .. } => end(incident, action, ending)?,
        LearningCommand::NoteCost { rate, quantity, amount, note, .. } => {
            let number = incident.learning.costs.len() as u32 + 1;
            let cost = cost(&state.settings.rates, &rate, quantity, amount, &note)?;
            LearningEvent::CostNoted { incident: id, number, cost }
        }
        LearningCommand::WithdrawCost { number, reason, .. } => {
            let entry = incident.learning.costs.iter().find(|entry| entry.number == number);
            let entry = entry.ok_or_else(|| Refusal::new(format!("{id} has no cost {number}")))?;
            if entry.withdrawn.is_some() {
                return refuse(format!("cost {number} of {id} is withdrawn already"));
            }
            let reason = sentence(&reason, "a reason")?;
            LearningEvent::CostWithdrawn { incident: id, number, name: entry.cost.name.clone(), reason }
        }
        LearningCommand::Publish { .. } => {
            if incident.moments.mitigated.is_none() {
                return refuse(format!("{id} goes on; its postmortem comes when service is restored"));
            }
            let lacking = incident.learning.shortcomings(id);
            if !lacking.is_empty() {
                return refuse(format!("the postmortem is not done: {}", lacking.join("; ")));
            }
            LearningEvent::PostmortemPublished { incident: id, lacking }
        }
    };
    Ok(vec![Event::Learning(event)])
}

fn item(incident: &Incident, action: u32) -> Result<&ActionItem, Refusal> {
    let found = incident.learning.actions.iter().find(|item| item.number == action);
    found.ok_or_else(|| Refusal::new(format!("{} has no action {action}; see `warroom actions`", incident.id)))
}

fn end(incident: &Incident, action: u32, ending: Ending) -> Result<LearningEvent, Refusal> {
    let item = item(incident, action)?;
    let ending = match ending {
        Ending::Dropped(reason) => Ending::Dropped(sentence(&reason, "a reason")?),
        other => other,
    };
    match (&ending, item.is_open()) {
        (Ending::Open, true) => return Err(Refusal::new(format!("action {}.{action} is open", incident.id.0))),
        (Ending::Done | Ending::Dropped(_), false) => {
            return Err(Refusal::new(format!("action {}.{action} has ended already", incident.id.0)));
        }
        _ => {}
    }
    Ok(LearningEvent::ActionEnded { incident: incident.id, action, text: item.plan.text.clone(), ending })
}

fn cost(rates: &Rates, id: &str, quantity: Option<f64>, amount: Option<i64>, note: &str) -> Result<Cost, Refusal> {
    let known: Vec<&str> = rates.rates.iter().map(|rate| rate.id.as_str()).collect();
    let unknown = || Refusal::new(format!("there is no rate `{id}`; there are {}", known.join(", ")));
    let rate = rates.find(id).ok_or_else(unknown)?;
    let amount = match (quantity, amount) {
        (_, Some(amount)) => amount,
        (Some(quantity), None) if quantity.is_finite() && (0.0..1e12).contains(&quantity) => rate.amount(quantity),
        (Some(_), None) => return Err(Refusal::new("a quantity is a number from 0 up")),
        (None, None) => return Err(Refusal::new("a cost needs a quantity, or a sum")),
    };
    let note = if note.trim().is_empty() { String::new() } else { sentence(note, "a note")? };
    Ok(Cost {
        rate: rate.id.clone(),
        name: rate.name.clone(),
        quantity,
        unit: rate.unit.clone(),
        amount,
        currency: rates.currency.clone(),
        note,
    })
}
