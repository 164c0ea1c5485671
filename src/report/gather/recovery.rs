//! What was looked at before an incident was called over, and what was decided about its data.

use super::Sources;
use crate::domain::event::Event;
use crate::domain::event::recovery::RecoveryEvent;
use crate::domain::incident::Incident;
use crate::domain::recovery::{Affected, Check, DataDecision, Standing};
use crate::report::document::{AffectedLines, CheckLine, DataLine, RecoveryLines};

/// How the checks stood when it was resolved; before that, what somebody has answered for so far.
pub(super) fn recovery(sources: &Sources<'_>, incident: &Incident) -> RecoveryLines {
    RecoveryLines {
        checks: Check::ALL.into_iter().map(|check| line(sources, incident, check)).collect(),
        remaining: incident.recovery.remaining,
        affected: affected(sources, incident),
        data: incident.recovery.decision.as_ref().map(|decision| data(sources, decision)),
    }
}

/// How many were ever affected, as far as the record has them.
pub(super) fn ever_affected(sources: &Sources<'_>, incident: &Incident) -> u32 {
    let known = on_record(sources, incident);
    known.named() as u32 + known.unnamed
}

fn affected(sources: &Sources<'_>, incident: &Incident) -> AffectedLines {
    let known = on_record(sources, incident);
    AffectedLines { devices: known.names().map(str::to_owned).collect(), unnamed: known.unnamed }
}

/// From the record: a room that has gone on to another incident has let the names go.
fn on_record(sources: &Sources<'_>, incident: &Incident) -> Affected {
    let mut known = Affected::default();
    for record in sources.records {
        if let Event::Recovery(RecoveryEvent::DevicesAffected { incident: about, cohort, devices, unnamed }) =
            &record.event
            && *about == incident.id
        {
            known.add(cohort, devices, *unnamed);
        }
    }
    known
}

fn line(sources: &Sources<'_>, incident: &Incident, check: Check) -> CheckLine {
    let seen = incident.recovery.verified.iter().find(|seen| seen.check == check);
    let waiver = incident.recovery.waiver(check);
    let standing = match seen.map(|seen| seen.standing) {
        Some(Standing::Green) => "green",
        Some(Standing::Waiting) => "waiting",
        Some(Standing::Red) => "red",
        Some(Standing::Unknown) => "unknown",
        None => "open",
    };
    CheckLine {
        check: check.name().into(),
        standing: standing.into(),
        evidence: seen.map(|seen| seen.evidence.clone()),
        waived_by: waiver.map(|waiver| waiver.by.name().to_owned()),
        waived_at: waiver.map(|waiver| sources.time(waiver.at)),
        reason: waiver.map(|waiver| waiver.reason.clone()),
    }
}

fn data(sources: &Sources<'_>, decision: &DataDecision) -> DataLine {
    DataLine {
        choice: decision.choice.id().into(),
        first_bad: sources.time(decision.first_bad),
        customers: decision.customers.clone(),
        by: decision.by.name().to_owned(),
        at: sources.time(decision.at),
    }
}
