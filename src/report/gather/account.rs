//! Action items, the regulatory record, what was told to whom, and the bill.

use super::Sources;
use crate::domain::cost::money;
use crate::domain::day::Day;
use crate::domain::ids::Actor;
use crate::domain::incident::Incident;
use crate::domain::learning::Ending;
use crate::domain::notice::{Notice, Notices};
use crate::domain::regulation::{Matter, Standing};
use crate::report::document::{
    ActionLine, AnswerLine, CostLines, RegimeLine, RegulatoryMomentLine, TermLine, UpdateLine,
};

pub(super) fn actions(sources: &Sources<'_>, incident: &Incident) -> Vec<ActionLine> {
    let today = Day::of(sources.now, 0);
    let line = |item: &crate::domain::learning::ActionItem| {
        let (state, reason) = match &item.ended {
            Some((_, _, Ending::Dropped(reason))) => ("dropped", Some(reason.clone())),
            Some(_) => ("done", None),
            None if item.is_overdue(today) => ("overdue", None),
            None => ("open", None),
        };
        ActionLine {
            id: format!("{}.{}", incident.id.0, item.number),
            text: item.plan.text.clone(),
            owner: item.plan.owner.clone(),
            due: item.plan.due.map(|due| due.to_string()),
            state: state.into(),
            ended: item.ended.as_ref().map(|(at, ..)| sources.time(*at)),
            reason,
        }
    };
    incident.learning.actions.iter().map(line).collect()
}

pub(super) fn regulatory(sources: &Sources<'_>, incident: &Incident) -> Vec<RegimeLine> {
    incident.regulation.matters.values().map(|matter| regime(sources, matter)).collect()
}

fn regime(sources: &Sources<'_>, matter: &Matter) -> RegimeLine {
    let regime = &matter.regime;
    let standing = match matter.standing() {
        Standing::Undecided => "undecided",
        Standing::Applies => "applies",
        Standing::DoesNotApply => "does-not-apply",
    };
    let answers = regime.criteria.iter().map(|criterion| {
        let answer = matter.answers.get(&criterion.id);
        AnswerLine {
            question: criterion.question.clone(),
            yes: answer.map(|answer| answer.yes),
            reason: answer.map(|answer| answer.reason.clone()),
            by: answer.map(|answer| answer.by.name().to_owned()),
            at: answer.map(|answer| sources.time(answer.at)),
        }
    });
    let moments = matter.moments.iter().map(|(moment, set)| RegulatoryMomentLine {
        moment: moment.clone(),
        at: sources.time(set.to),
        evidence: set.evidence.clone(),
        by: set.by.name().to_owned(),
    });
    let terms = matter.readings(sources.now).into_iter().map(|reading| TermLine {
        rule: regime.term(&reading.term).map(|term| term.rule()).unwrap_or_default(),
        what: reading.what,
        to: reading.to,
        state: reading.state.word().into(),
        waits_for: reading.waits_for,
        due: reading.due.map(|at| sources.time(at)),
        filed: reading.filed.map(|at| sources.time(at)),
        reference: Some(reading.reference).filter(|reference| !reference.is_empty()),
        doubt: reading.doubt,
    });
    RegimeLine {
        id: regime.id.clone(),
        name: regime.name.clone(),
        source: regime.source.clone(),
        version: regime.version.clone(),
        standing: standing.into(),
        answers: answers.collect(),
        moments: moments.collect(),
        terms: terms.collect(),
    }
}

/// What was told to whom: the updates of people, and what the room itself told the team.
pub(super) fn communication(sources: &Sources<'_>, incident: &Incident, notices: &Notices) -> Vec<UpdateLine> {
    let update = |update: &crate::domain::update::Update| UpdateLine {
        at: sources.time(update.at),
        audience: update.audience.name().to_owned(),
        channel: update.channel.clone(),
        by: update.by.name().to_owned(),
        outcome: update.delivery.words(),
        text: update.text.clone(),
    };
    let notice = |notice: &Notice| UpdateLine {
        at: sources.time(notice.at),
        audience: format!("team ({})", notice.kind.name()),
        channel: notice.channel.clone(),
        by: Actor::Engine.name().to_owned(),
        outcome: notice.delivery.words(),
        text: notice.text.clone(),
    };
    let own = notices.iter().filter(|notice| notice.incident == Some(incident.id));
    let mut lines: Vec<_> = incident.updates.sent.iter().map(update).chain(own.map(notice)).collect();
    lines.sort_by_key(|line| line.at.utc);
    lines
}

pub(super) fn cost(sources: &Sources<'_>, incident: &Incident) -> CostLines {
    let bill = incident.bill(sources.rates, sources.now);
    let withdrawn = incident.learning.costs.iter().filter_map(|entry| {
        let (by, reason) = entry.withdrawn.as_ref()?;
        let cost = &entry.cost;
        Some(format!("Withdrawn: {} {} {}, by {by}: {reason}", cost.name, cost.currency, money(cost.amount)))
    });
    CostLines { total: bill.total(), withdrawn: withdrawn.collect(), bill }
}
