//! What `analyze` says to programs: schema 1.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::cli::round;
use crate::detect::suspects::Suspect;
use crate::domain::alert::Alert;
use crate::domain::incident::Incident;
use crate::domain::time::At;
use crate::ingest::capture::order::Order;
use crate::runtime::playback::Played;

#[derive(Serialize)]
pub(super) struct Analysis {
    schema: u32,
    messages: u64,
    devices: usize,
    invalid: u64,
    dropped: u64,
    /// Lines that were not in the order of time.
    late: u64,
    from: Option<At>,
    to: Option<At>,
    wall_ms: u64,
    alerts: Vec<AlertLine>,
    incidents: Vec<IncidentLine>,
}

#[derive(Serialize)]
struct AlertLine {
    at: At,
    onset: At,
    cleared: Option<At>,
    signal: String,
    cohort: BTreeMap<String, String>,
    observed: f64,
    expected: f64,
    sample: u32,
    evidence: String,
}

#[derive(Serialize)]
struct IncidentLine {
    at: At,
    onset: Option<At>,
    #[serde(rename = "type")]
    kind: &'static str,
    verdict: &'static str,
    scope: &'static str,
    severity: String,
    affected: u32,
    suspects: Vec<SuspectLine>,
}

#[derive(Serialize)]
struct SuspectLine {
    attributes: BTreeMap<String, String>,
    devices: u32,
    affected: u32,
    share_of_affected: f64,
    lift: f64,
}

impl Analysis {
    pub(super) fn of(played: &Played, unread: u64, order: &Order, wall_ms: u64) -> Self {
        Self {
            schema: 1,
            messages: played.messages,
            devices: played.devices,
            invalid: played.faults.iter().map(|(_, count)| count).sum::<u64>() + unread,
            dropped: played.dropped,
            late: order.late + order.astray,
            from: played.from,
            to: played.to,
            wall_ms,
            alerts: played.alerts.iter().map(alert_line).collect(),
            incidents: played
                .incidents
                .iter()
                .map(|(i, suspects)| {
                    let most = played.most.get(&i.id).copied().unwrap_or(0);
                    incident_line(i, suspects, &played.alerts, most)
                })
                .collect(),
        }
    }
}

fn alert_line(alert: &Alert) -> AlertLine {
    let finding = &alert.finding;
    AlertLine {
        at: alert.at,
        onset: finding.onset,
        cleared: alert.cleared,
        signal: finding.signal.to_string(),
        cohort: finding.cohort.0.clone(),
        observed: round(finding.observed),
        expected: round(finding.expected),
        sample: finding.sample,
        evidence: finding.evidence.clone(),
    }
}

fn incident_line(incident: &Incident, suspects: &[Suspect], alerts: &[Alert], most: u32) -> IncidentLine {
    let own = alerts.iter().filter(|alert| incident.alerts.contains(&alert.id));
    let seen = own.map(|alert| alert.finding.affected).max().unwrap_or(0);
    let affected = suspects.iter().map(|suspect| suspect.affected).sum::<u32>().max(seen).max(most);
    IncidentLine {
        at: incident.declared,
        onset: incident.moments.onset,
        kind: incident.kind.id(),
        verdict: incident.origin.name(),
        scope: if affected > 1 { "broad" } else { "single" },
        severity: incident.worst_severity().name().to_lowercase(),
        affected,
        suspects: suspects.iter().map(suspect_line).collect(),
    }
}

fn suspect_line(suspect: &Suspect) -> SuspectLine {
    SuspectLine {
        attributes: suspect.cohort.0.clone(),
        devices: suspect.devices,
        affected: suspect.affected,
        share_of_affected: round(suspect.share_of_affected),
        lift: round(suspect.lift),
    }
}
