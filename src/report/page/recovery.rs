//! The part that tells why it was called over: healthy, or merely online.

use super::{Block, both, or_dash};
use crate::domain::recovery::Remaining;
use crate::report::document::{AffectedLines, CheckLine, DataLine, Document};

pub(super) fn recovery(document: &Document) -> Vec<Block> {
    let recovery = &document.response.recovery;
    let mut blocks = vec![Block::Heading("Recovery".into())];
    let rows = recovery.checks.iter().map(check).collect();
    blocks.push(Block::Table { heads: vec!["check", "stood", "evidence", "waived"], rows });
    blocks.extend(recovery.remaining.as_ref().map(remaining));
    blocks.extend(affected(&recovery.affected));
    match &recovery.data {
        Some(decided) => blocks.push(data(decided)),
        None if document.incident.kind == "data-quality" => {
            blocks.push(Block::Remark("Nothing is decided yet about the data that was wrong.".into()));
        }
        None => {}
    }
    blocks
}

fn check(line: &CheckLine) -> Vec<String> {
    let waived = line.waived_by.as_ref().zip(line.waived_at.as_ref());
    let reason = line.reason.as_deref().unwrap_or_default();
    let waived = waived.map(|(by, at)| format!("by {by}, {}: {reason}", both(at)));
    let evidence = line.evidence.clone().unwrap_or_else(|| "not looked at yet".into());
    vec![line.check.clone(), line.standing.clone(), evidence, or_dash(waived)]
}

fn remaining(left: &Remaining) -> Block {
    Block::Text(format!(
        "Devices ever affected: {}. When it was resolved, healthy: {}; connected, but not well: {}; away: {}; not heard \
         since: {}. Gone back to their old firmware: {}.",
        left.ever, left.healthy, left.unhealthy, left.away, left.unheard, left.rolled_back
    ))
}

/// How many are named on the record: their names are a table of their own.
fn affected(affected: &AffectedLines) -> Option<Block> {
    let AffectedLines { devices, unnamed } = affected;
    if devices.is_empty() {
        return None;
    }
    let more = if *unnamed > 0 { format!("; {unnamed} more are not") } else { String::new() };
    Some(Block::Text(format!("Affected devices on the record by name: {}{more}.", devices.len())))
}

fn data(decided: &DataLine) -> Block {
    let choice = match decided.choice.as_str() {
        "backfill" => "it is corrected back to the first bad value (backfill)",
        _ => "it stays as it is, and is right from the fix on (forward-only)",
    };
    Block::Text(format!(
        "Data: {choice}. First bad value: {}. Customers: {}. Decided by {}, {}.",
        both(&decided.first_bad),
        decided.customers,
        decided.by,
        both(&decided.at)
    ))
}
