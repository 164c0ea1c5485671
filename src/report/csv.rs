//! Tables of the document as CSV, for spreadsheets: no cell of it is ever taken for a formula.

use super::document::{Document, Plot};
use crate::domain::cost::money;

/// One of the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    Timeline,
    Actions,
    Clocks,
    Regulatory,
    Communication,
    Recovery,
    Devices,
    Cost,
    Signals,
}

impl Table {
    pub const ALL: [Self; 9] = [
        Self::Timeline,
        Self::Actions,
        Self::Clocks,
        Self::Regulatory,
        Self::Communication,
        Self::Recovery,
        Self::Devices,
        Self::Cost,
        Self::Signals,
    ];

    pub const fn id(self) -> &'static str {
        match self {
            Self::Timeline => "timeline",
            Self::Actions => "actions",
            Self::Clocks => "clocks",
            Self::Regulatory => "regulatory",
            Self::Communication => "communication",
            Self::Recovery => "recovery",
            Self::Devices => "devices",
            Self::Cost => "cost",
            Self::Signals => "signals",
        }
    }
}

/// Writes a table, with its heads.
pub fn write(document: &Document, table: Table) -> String {
    let (heads, rows): (&[&str], Vec<Vec<String>>) = match table {
        Table::Timeline => (&["seq", "utc", "local", "actor", "incident", "weight", "text"], timeline(document)),
        Table::Actions => (&["id", "text", "owner", "due", "state", "reason"], actions(document)),
        Table::Clocks => (&["clock", "state", "elapsed_s", "target_s", "standing"], clocks(document)),
        Table::Regulatory => (
            &["regime", "standing", "notice", "to", "rule", "state", "due_utc", "filed_utc", "reference"],
            terms(document),
        ),
        Table::Communication => (&["utc", "audience", "channel", "by", "outcome", "text"], communication(document)),
        Table::Recovery => {
            (&["check", "standing", "evidence", "waived_by", "waived_utc", "reason"], recovery(document))
        }
        Table::Devices => {
            let named = document.response.recovery.affected.devices.iter();
            (&["device"], named.map(|device| vec![device.clone()]).collect())
        }
        Table::Cost => (&["rate", "what", "quantity", "unit", "amount", "currency", "estimated"], cost(document)),
        Table::Signals => (&["utc", "signal", "unit", "value"], document.plots.iter().flat_map(signal).collect()),
    };
    rows_of(heads, &rows)
}

/// Heads and rows as CSV, every cell made harmless.
pub fn rows_of(heads: &[&str], rows: &[Vec<String>]) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Writing to memory cannot fail, and every row has as many cells as there are heads.
    let _ = writer.write_record(heads);
    for row in rows {
        let _ = writer.write_record(row.iter().map(|cell| inert(cell)));
    }
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}

/// A cell that a spreadsheet takes for text: what would begin a formula gets an apostrophe, which spreadsheets hide.
/// A number stays a number.
pub fn inert(cell: &str) -> String {
    let clean: String = cell.chars().filter(|c| !c.is_control() || *c == '\n').collect();
    let is_number = clean.parse::<f64>().is_ok_and(f64::is_finite);
    let begins = clean.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠', '|', '%']);
    // A cell of which a line begins so is cut at that line by some readers.
    let later = clean.lines().skip(1).any(|line| line.trim_start().starts_with(['=', '+', '-', '@']));
    if (begins || later) && !is_number { format!("'{clean}") } else { clean }
}

fn or_empty<T: ToString>(value: Option<&T>) -> String {
    value.map(ToString::to_string).unwrap_or_default()
}

fn timeline(document: &Document) -> Vec<Vec<String>> {
    let row = |line: &super::document::Line| {
        let weight = format!("{:?}", line.weight).to_lowercase();
        let incident = or_empty(line.incident.as_ref());
        let at = line.at.utc.to_string();
        vec![line.seq.to_string(), at, line.at.local.clone(), line.actor.clone(), incident, weight, line.text.clone()]
    };
    document.timeline.iter().map(row).collect()
}

fn actions(document: &Document) -> Vec<Vec<String>> {
    let row = |line: &super::document::ActionLine| {
        let (owner, due) = (or_empty(line.owner.as_ref()), or_empty(line.due.as_ref()));
        vec![line.id.clone(), line.text.clone(), owner, due, line.state.clone(), or_empty(line.reason.as_ref())]
    };
    document.actions.iter().map(row).collect()
}

fn clocks(document: &Document) -> Vec<Vec<String>> {
    let row = |line: &super::document::ClockLine| {
        let (elapsed, target) = (line.elapsed_s.to_string(), line.target_s.to_string());
        vec![line.clock.clone(), line.state.clone(), elapsed, target, line.standing.clone()]
    };
    document.clocks.iter().map(row).collect()
}

fn terms(document: &Document) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for regime in &document.regulatory {
        for term in &regime.terms {
            rows.push(vec![
                regime.name.clone(),
                regime.standing.clone(),
                term.what.clone(),
                term.to.clone(),
                term.rule.clone(),
                term.state.clone(),
                or_empty(term.due.as_ref().map(|at| &at.utc)),
                or_empty(term.filed.as_ref().map(|at| &at.utc)),
                or_empty(term.reference.as_ref()),
            ]);
        }
        if regime.terms.is_empty() {
            let mut row = vec![regime.name.clone(), regime.standing.clone()];
            row.resize(9, String::new());
            rows.push(row);
        }
    }
    rows
}

fn communication(document: &Document) -> Vec<Vec<String>> {
    let row = |line: &super::document::UpdateLine| {
        let at = line.at.utc.to_string();
        vec![at, line.audience.clone(), line.channel.clone(), line.by.clone(), line.outcome.clone(), line.text.clone()]
    };
    document.communication.iter().map(row).collect()
}

/// The checks, and the decision about the data as one more of them.
fn recovery(document: &Document) -> Vec<Vec<String>> {
    let recovery = &document.response.recovery;
    let row = |line: &super::document::CheckLine| {
        let waived = or_empty(line.waived_at.as_ref().map(|at| &at.utc));
        let (by, reason) = (or_empty(line.waived_by.as_ref()), or_empty(line.reason.as_ref()));
        vec![line.check.clone(), line.standing.clone(), or_empty(line.evidence.as_ref()), by, waived, reason]
    };
    let data = recovery.data.as_ref().map(|data| {
        let evidence = format!("first bad value {}; customers: {}", data.first_bad.utc, data.customers);
        let decided = format!("decided by {} at {}", data.by, data.at.utc);
        vec!["data".into(), data.choice.clone(), evidence, String::new(), String::new(), decided]
    });
    recovery.checks.iter().map(row).chain(data).collect()
}

fn cost(document: &Document) -> Vec<Vec<String>> {
    let bill = &document.cost.bill;
    // A number of a spreadsheet has no spaces in it.
    let amount = |hundredths: i64| money(hundredths).replace(' ', "");
    let mut rows: Vec<Vec<String>> = bill
        .lines
        .iter()
        .map(|line| {
            let (quantity, currency) = (or_empty(line.quantity.as_ref()), bill.currency.clone());
            let amount = amount(line.amount);
            vec![
                line.rate.clone(),
                line.name.clone(),
                quantity,
                line.unit.clone(),
                amount,
                currency,
                line.estimated.to_string(),
            ]
        })
        .collect();
    let total = amount(document.cost.total);
    rows.push(vec![
        "total".into(),
        "total".into(),
        String::new(),
        String::new(),
        total,
        bill.currency.clone(),
        String::new(),
    ]);
    rows
}

fn signal(plot: &Plot) -> Vec<Vec<String>> {
    let row = |point: &super::document::PlotPoint| {
        let value = point.value.map(|value| format!("{value:.3}")).unwrap_or_default();
        vec![point.at.to_string(), plot.title.clone(), plot.unit.clone(), value]
    };
    plot.points.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        for (cell, safe) in [
            ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
            ("+1", "+1"),
            ("-12.5", "-12.5"),
            ("-12.5=x", "'-12.5=x"),
            ("@SUM(A1)", "'@SUM(A1)"),
            (" =1+1", "' =1+1"),
            ("\t=1+1", "'=1+1"),
            ("＝1+1", "'＝1+1"),
            ("a\n=1+1", "'a\n=1+1"),
            ("a\u{1b}[2J", "a[2J"),
            ("plain - text", "plain - text"),
            ("−5", "−5"),
        ] {
            assert_eq!(inert(cell), safe, "{cell:?}");
        }
        let written = rows_of(&["a", "b"], &[vec!["x,\"y\"".into(), "=1".into()]]);
        assert_eq!(written, "a,b\n\"x,\"\"y\"\"\",'=1\n");
    }
}
