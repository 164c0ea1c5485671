//! The sections that keep account: action items, what the law asked for, who was told, what it cost.

use super::{Block, Section, both, or_dash, utc};
use crate::domain::cost::{about, money};
use crate::report::document::{Document, RegimeLine, TermLine};

pub(super) fn actions(document: &Document) -> Section {
    let mut blocks = Vec::new();
    if document.actions.is_empty() {
        blocks.push(Block::Question(
            "What will be done, by whom, until when, so that this does not happen again, or is found sooner?".into(),
        ));
    } else {
        let rows = document.actions.iter().map(|line| {
            let state = match (&line.reason, &line.ended) {
                (Some(reason), _) => format!("{}: {reason}", line.state),
                (None, Some(at)) => format!("{} {}", line.state, utc(at)),
                (None, None) => line.state.clone(),
            };
            let nobody = || "NOBODY".to_owned();
            let owner = line.owner.clone().unwrap_or_else(nobody);
            let due = line.due.clone().unwrap_or_else(|| "NO DATE".into());
            vec![line.id.clone(), line.text.clone(), owner, due, state]
        });
        blocks.push(Block::Table { heads: vec!["", "what", "owner", "due", "state"], rows: rows.collect() });
    }
    Section::new("actions", "Action items", blocks)
}

pub(super) fn regulatory(document: &Document) -> Section {
    let mut blocks = Vec::new();
    if document.regulatory.is_empty() {
        blocks.push(Block::Remark("No criterion of any regime has been answered.".into()));
    }
    for regime in &document.regulatory {
        blocks.push(Block::Heading(format!("{} · {}", regime.name, regime.standing.replace('-', " "))));
        blocks.push(Block::Remark(format!("{}; as of {}", regime.source, regime.version)));
        blocks.push(answers(regime));
        if !regime.moments.is_empty() {
            let rows = regime
                .moments
                .iter()
                .map(|line| vec![line.moment.clone(), both(&line.at), line.by.clone(), line.evidence.clone()]);
            blocks.push(Block::Table { heads: vec!["moment", "when", "said by", "evidence"], rows: rows.collect() });
        }
        if !regime.terms.is_empty() {
            let heads = vec!["notice", "to", "counted", "due", "state"];
            blocks.push(Block::Table { heads, rows: regime.terms.iter().map(term).collect() });
        }
    }
    Section::new("regulatory", "Regulatory record", blocks)
}

fn answers(regime: &RegimeLine) -> Block {
    let rows = regime.answers.iter().map(|line| {
        let word = match line.yes {
            Some(true) => "yes",
            Some(false) => "no",
            None => "not answered",
        };
        let said = line.by.as_ref().zip(line.at.as_ref()).map(|(by, at)| format!("{by}, {}", utc(at)));
        vec![line.question.clone(), word.into(), line.reason.clone().unwrap_or_default(), or_dash(said)]
    });
    Block::Table { heads: vec!["criterion", "answer", "reason", "by"], rows: rows.collect() }
}

fn term(line: &TermLine) -> Vec<String> {
    let waits = line.waits_for.as_ref().map(|what| format!(" for {what}")).unwrap_or_default();
    let filed = line
        .filed
        .as_ref()
        .map(|at| format!(", {} UTC, {}", utc(at), line.reference.as_deref().unwrap_or("no reference")));
    let doubt = line.doubt.as_ref().map(|doubt| format!(" ({doubt})")).unwrap_or_default();
    let due = or_dash(line.due.as_ref().map(both));
    vec![
        line.what.clone(),
        line.to.clone(),
        line.rule.clone(),
        format!("{due}{doubt}"),
        format!("{}{waits}{}", line.state, filed.unwrap_or_default()),
    ]
}

pub(super) fn communication(document: &Document) -> Section {
    let mut blocks = Vec::new();
    if document.communication.is_empty() {
        blocks.push(Block::Remark("No update is on record.".into()));
    }
    for line in &document.communication {
        blocks.push(Block::Heading(format!("{} UTC · {} · {}", utc(&line.at), line.audience, line.channel)));
        blocks.push(Block::Remark(format!("{}, by {}", line.outcome, line.by)));
        blocks.push(Block::Text(line.text.clone()));
    }
    Section::new("communication", "Communication record", blocks)
}

pub(super) fn cost(document: &Document) -> Section {
    let bill = &document.cost.bill;
    if bill.lines.is_empty() && bill.foreign.is_empty() {
        return Section::new("cost", "Cost", vec![Block::Remark("Nothing has been noted or measured.".into())]);
    }
    let mut rows: Vec<Vec<String>> = bill
        .lines
        .iter()
        .map(|line| {
            let quantity = line.quantity.map(|n| format!("{n} {}", line.unit)).unwrap_or_default();
            let how = if line.estimated { "estimated" } else { "noted" };
            vec![line.name.clone(), quantity, about(line.amount, line.estimated), how.into()]
        })
        .collect();
    let total = bill.sum();
    rows.push(vec!["Total".into(), String::new(), total, String::new()]);
    let mut blocks = vec![Block::Table { heads: vec!["what", "quantity", "amount", ""], rows }];
    let foreign = bill.foreign.iter();
    let mut beside: Vec<String> =
        foreign.map(|cost| format!("Not in the sum: {} {} {}", cost.name, cost.currency, money(cost.amount))).collect();
    beside.extend(document.cost.withdrawn.iter().cloned());
    if !beside.is_empty() {
        blocks.push(Block::List(beside));
    }
    Section::new("cost", "Cost", blocks)
}
