//! Blameless: names of persons replaced by what they were there for, wherever they stand.

use std::collections::BTreeMap;

use super::document::{Document, RegimeLine};
use crate::domain::event::response::ResponseEvent;
use crate::domain::event::{Event, LearningEvent, Record};
use crate::domain::ids::{Actor, IncidentId};

/// What each person is called instead.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roles {
    names: BTreeMap<String, String>,
}

impl Roles {
    /// Everybody who is named in the story of an incident: first by role, the rest by number as they come.
    pub fn of(records: &[Record], incident: IncidentId) -> Self {
        let mut roles = Self::default();
        let own = |record: &&Record| record.event.incident() == Some(incident);
        for record in records.iter().filter(own) {
            match &record.event {
                Event::IncidentDeclared { declaration, .. } => roles.give(&declaration.commander, "incident commander"),
                Event::CommanderSet { from, to, .. } => {
                    roles.give(from, "incident commander");
                    roles.give(to, "incident commander");
                }
                Event::Response(ResponseEvent::RoleTaken { role, from, to, .. }) => {
                    from.iter().chain(to).for_each(|name| roles.give(name, role.name()));
                }
                _ => {}
            }
        }
        for record in records {
            let about = record.event.incident();
            if about.is_none_or(|about| about == incident)
                && let Actor::Person(name) = &record.actor
            {
                roles.give(name, "responder");
            }
            if about != Some(incident) {
                continue;
            }
            if let Event::Learning(
                LearningEvent::ActionAdded { plan, .. } | LearningEvent::ActionChanged { to: plan, .. },
            ) = &record.event
                && let Some(owner) = &plan.owner
            {
                roles.give(owner, "owner");
            }
        }
        roles
    }

    fn give(&mut self, name: &str, role: &str) {
        if name.trim().is_empty() || self.names.contains_key(name) {
            return;
        }
        let taken = self.names.values().filter(|other| other.trim_end_matches(char::is_numeric).trim_end() == role);
        let n = taken.count() + 1;
        // There is one commander at a time, and usually one of each role; of the rest there are many.
        let first_is_plain = !matches!(role, "responder" | "owner");
        let called = if n == 1 && first_is_plain { role.to_owned() } else { format!("{role} {n}") };
        self.names.insert(name.to_owned(), called);
    }

    /// A name that stands alone.
    fn name(&self, name: &mut String) {
        match self.names.get(name) {
            Some(role) => name.clone_from(role),
            None => self.text(name),
        }
    }

    /// Names inside text, as whole words, however they are capitalised.
    fn text(&self, text: &mut String) {
        let mut longest: Vec<_> = self.names.iter().collect();
        // `jo ann` before `jo`.
        longest.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        let mut out = String::with_capacity(text.len());
        let mut rest = text.as_str();
        let mut before = None;
        'text: while let Some(c) = rest.chars().next() {
            let starts_word = !before.is_some_and(char::is_alphanumeric);
            for (name, role) in &longest {
                let Some(end) = ends(rest, name).filter(|_| starts_word) else { continue };
                if !rest[end..].chars().next().is_some_and(char::is_alphanumeric) {
                    out.push_str(role);
                    before = rest[..end].chars().next_back();
                    rest = &rest[end..];
                    continue 'text;
                }
            }
            out.push(c);
            before = Some(c);
            rest = &rest[c.len_utf8()..];
        }
        *text = out;
    }
}

/// Where a name ends in the text that begins with it.
fn ends(text: &str, name: &str) -> Option<usize> {
    let mut letters = text.char_indices();
    for expected in name.chars() {
        let (_, found) = letters.next()?;
        if !found.to_lowercase().eq(expected.to_lowercase()) {
            return None;
        }
    }
    Some(letters.next().map_or(text.len(), |(at, _)| at))
}

/// Replaces every name in a document.
pub fn apply(document: &mut Document, roles: &Roles) {
    let name = |name: &mut String| roles.name(name);
    let text = |text: &mut String| roles.text(text);
    let incident = &mut document.incident;
    [&mut incident.title, &mut incident.about].into_iter().for_each(text);
    [&mut incident.commander, &mut incident.declared_by].into_iter().for_each(name);
    incident.acknowledged_by.iter_mut().for_each(name);
    incident.roles.iter_mut().for_each(|role| name(&mut role.name));
    for section in &mut document.sections {
        section.text.iter_mut().for_each(text);
        section.by.iter_mut().for_each(name);
    }
    for correction in &mut document.corrections {
        name(&mut correction.by);
        text(&mut correction.reason);
    }
    for alert in &mut document.detection.alerts {
        alert.acknowledged_by.iter_mut().for_each(name);
    }
    let response = &mut document.response;
    for phase in &mut response.phases {
        name(&mut phase.by);
        phase.reason.iter_mut().for_each(text);
    }
    for switch in &mut response.switches {
        name(&mut switch.by);
        text(&mut switch.outcome);
    }
    for step in response.runbook.iter_mut().flat_map(|runbook| &mut runbook.steps) {
        step.by.iter_mut().for_each(name);
        step.reason.iter_mut().for_each(text);
        text(&mut step.text);
    }
    for check in &mut response.recovery.checks {
        check.waived_by.iter_mut().for_each(name);
        check.reason.iter_mut().for_each(text);
    }
    if let Some(data) = &mut response.recovery.data {
        name(&mut data.by);
        text(&mut data.customers);
    }
    for note in &mut response.notes {
        name(&mut note.by);
        text(&mut note.text);
    }
    for action in &mut document.actions {
        text(&mut action.text);
        action.owner.iter_mut().for_each(name);
        action.reason.iter_mut().for_each(text);
    }
    document.regulatory.iter_mut().for_each(|regime| regulatory(regime, roles));
    for update in &mut document.communication {
        name(&mut update.by);
        text(&mut update.text);
    }
    document.cost.bill.lines.iter_mut().for_each(|line| text(&mut line.name));
    document.cost.bill.foreign.iter_mut().for_each(|cost| text(&mut cost.note));
    document.cost.withdrawn.iter_mut().for_each(text);
    for line in &mut document.timeline {
        name(&mut line.actor);
        text(&mut line.text);
    }
    document.postmortem.published_by.iter_mut().for_each(name);
    document.postmortem.lacks.iter_mut().for_each(text);
    document.log.blameless = true;
}

fn regulatory(regime: &mut RegimeLine, roles: &Roles) {
    for answer in &mut regime.answers {
        answer.by.iter_mut().for_each(|by| roles.name(by));
        answer.reason.iter_mut().for_each(|reason| roles.text(reason));
    }
    for moment in &mut regime.moments {
        roles.name(&mut moment.by);
        roles.text(&mut moment.evidence);
    }
    for term in &mut regime.terms {
        term.reference.iter_mut().for_each(|reference| roles.text(reference));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_replaced_as_whole_words_wherever_they_stand() {
        let mut roles = Roles::default();
        for (name, role) in
            [("mira", "incident commander"), ("jo", "responder"), ("jo ann", "scribe"), ("lee", "incident commander")]
        {
            roles.give(name, role);
        }
        for (text, expected) in [
            ("Mira asked jo, and JO ANN wrote", "incident commander asked responder 1, and scribe wrote"),
            ("commander lee (was mira)", "commander incident commander 2 (was incident commander)"),
            ("miracle, joint, samira, mira-1", "miracle, joint, samira, incident commander-1"),
            ("", ""),
            ("ça va, jo?", "ça va, responder 1?"),
        ] {
            let mut text = text.to_owned();
            roles.text(&mut text);
            assert_eq!(text, expected);
        }
    }
}
