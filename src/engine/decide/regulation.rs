//! Commands about regulatory deadlines: refused with a reason, or turned into events.

use super::{Decision, find, sentence};
use crate::domain::command::{Refusal, RegulationCommand};
use crate::domain::event::{Event, RegulationEvent};
use crate::domain::incident::Incident;
use crate::domain::regulation::{Answer, Matter, Standing};
use crate::domain::time::At;
use crate::engine::State;

pub(super) fn decide(state: &State, at: At, command: RegulationCommand) -> Decision {
    let incident = find(state, command.incident())?;
    let events = match command {
        RegulationCommand::Answer { regime, criterion, yes, reason, .. } => {
            answer(state, incident, at, &regime, &criterion, yes, &reason)
        }
        RegulationCommand::SetMoment { regime, moment, to, evidence, .. } => {
            set_moment(incident, at, &regime, moment, to, &evidence)
        }
        RegulationCommand::File { regime, term, filed, reference, .. } => {
            file(incident, at, &regime, term, filed, &reference)
        }
    };
    events.map(|events| events.into_iter().map(Event::Regulation).collect())
}

type Events = Result<Vec<RegulationEvent>, Refusal>;

/// An answer takes the regime up with its first one, and sets the moment that starts its clocks with the last yes: who
/// says that it applies is aware of it.
fn answer(
    state: &State,
    incident: &Incident,
    at: At,
    regime: &str,
    criterion: &str,
    yes: bool,
    reason: &str,
) -> Events {
    let id = incident.id;
    let taken = incident.regulation.matters.get(regime);
    let mut events = Vec::new();
    let mut matter = match taken {
        Some(matter) => matter.clone(),
        None => {
            let known = state.settings.regimes.iter().find(|known| known.on && known.id == regime);
            let known = known.ok_or_else(|| Refusal::new(format!("no regime `{regime}` is switched on")))?;
            events.push(RegulationEvent::RegimeTaken { incident: id, regime: known.clone() });
            Matter::new(known.clone())
        }
    };
    let found = matter.regime.criterion(criterion).cloned();
    let found = found.ok_or_else(|| Refusal::new(format!("`{regime}` does not ask `{criterion}`")))?;
    let reason = sentence(reason, "a reason")?;
    let before = matter.answers.get(criterion);
    if before.is_some_and(|before| before.yes == yes && before.reason == reason) {
        return Err(Refusal::new("it is answered so already"));
    }
    events.push(RegulationEvent::CriterionAnswered {
        incident: id,
        regime: regime.to_owned(),
        criterion: criterion.to_owned(),
        question: found.question,
        from: before.map(|before| before.yes),
        yes,
        reason: reason.clone(),
    });
    let said = Answer { yes, reason: reason.clone(), by: crate::domain::ids::Actor::Engine, at };
    matter.answers.insert(criterion.to_owned(), said);
    if matter.standing() == Standing::Applies && !matter.moments.contains_key(&matter.regime.triggers) {
        events.push(RegulationEvent::RegulatoryMomentSet {
            incident: id,
            regime: regime.to_owned(),
            moment: matter.regime.triggers.clone(),
            from: None,
            to: at,
            evidence: reason,
        });
    }
    Ok(events)
}

fn applying<'a>(incident: &'a Incident, regime: &str) -> Result<&'a Matter, Refusal> {
    let matter = incident.regulation.matters.get(regime);
    matter.filter(|matter| matter.standing() == Standing::Applies).ok_or_else(|| {
        Refusal::new(format!("`{regime}` does not apply to {} so far; answer its criteria", incident.id))
    })
}

fn past(to: At, now: At, what: &str) -> Result<(), Refusal> {
    if to > now {
        Err(Refusal::new(format!("{to} lies in the future; {what} can only be in the past")))
    } else {
        Ok(())
    }
}

fn set_moment(incident: &Incident, now: At, regime: &str, moment: String, to: At, evidence: &str) -> Events {
    let matter = applying(incident, regime)?;
    if !matter.regime.moments().contains(&moment.as_str()) {
        let known = matter.regime.moments().join(", ");
        return Err(Refusal::new(format!("`{regime}` counts from {known}, not from `{moment}`")));
    }
    past(to, now, &moment)?;
    let from = matter.moments.get(&moment).map(|set| set.to);
    if from == Some(to) {
        return Err(Refusal::new(format!("{moment} is {to} already")));
    }
    let evidence = sentence(evidence, "what shows it")?;
    let (incident, regime) = (incident.id, regime.to_owned());
    Ok(vec![RegulationEvent::RegulatoryMomentSet { incident, regime, moment, from, to, evidence }])
}

fn file(incident: &Incident, now: At, regime: &str, term: String, filed: At, reference: &str) -> Events {
    let matter = applying(incident, regime)?;
    let Some(found) = matter.regime.term(&term) else {
        let known: Vec<_> = matter.regime.terms.iter().map(|term| term.id.as_str()).collect();
        return Err(Refusal::new(format!("`{regime}` has no notice `{term}`; it has {}", known.join(", "))));
    };
    past(filed, now, "a filing")?;
    let from = matter.filed.get(&term).map(|filing| filing.filed);
    let reference = sentence(reference, "a reference (a number, or who was told)")?;
    let (incident, regime, what) = (incident.id, regime.to_owned(), found.what.clone());
    Ok(vec![RegulationEvent::NoticeFiled { incident, regime, term, what, from, filed, reference }])
}

/// Deadlines that have come near or have passed since the last look; each is told once.
pub(in crate::engine) fn tick(state: &State, at: At) -> Vec<Event> {
    use crate::domain::regulation::TermState;
    let mut events = Vec::new();
    for incident in state.room.incidents.values() {
        for matter in incident.regulation.matters.values() {
            for reading in matter.readings(at) {
                let (told, is_missed) = match reading.state {
                    TermState::Near => (&matter.warned, false),
                    TermState::Missed => (&matter.missed, true),
                    _ => continue,
                };
                let Some(due) = reading.due.filter(|due| told.get(&reading.term) != Some(due)) else { continue };
                let (incident, regime, term, what) = (incident.id, reading.regime, reading.term, reading.what);
                events.push(Event::Regulation(if is_missed {
                    RegulationEvent::DeadlineMissed { incident, regime, term, what, due }
                } else {
                    RegulationEvent::DeadlineNear { incident, regime, term, what, due }
                }));
            }
        }
    }
    events
}
