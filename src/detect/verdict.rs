//! What an alert looks like: the type of incident and the severity that the room proposes. People may overrule both.

use crate::domain::alert::Finding;
use crate::domain::cohort::CohortKey;
use crate::domain::incident::{IncidentType, Severity};
use crate::domain::signal::Signal;
use crate::fleet::Fleet;

/// The type of incident that a finding looks like.
pub fn propose_type(finding: &Finding, fleet: &Fleet) -> IncidentType {
    let names_firmware = finding.cohort.get("firmware").is_some() || finding.cohort.get("wave").is_some();
    let rolling_out = fleet.campaigns().iter().any(|campaign| campaign.wave.is_some());
    match finding.signal {
        _ if names_firmware && rolling_out => IncidentType::BadFirmware,
        Signal::Reboots => IncidentType::BadFirmware,
        Signal::Messages => IncidentType::CapacityCost,
        _ => IncidentType::MassDisconnect,
    }
}

/// The severity that the number of affected devices suggests.
pub fn propose_severity(finding: &Finding, fleet: &Fleet) -> Severity {
    let devices = fleet.devices().len().max(1) as f64;
    let missing = fleet
        .cohort(&finding.cohort)
        .map_or(0, |cohort| cohort.level(Signal::Devices).saturating_sub(cohort.level(Signal::Online)));
    let share = f64::from(finding.affected.max(missing)) / devices;
    // A rollout that brought it, or still runs, makes it worse by the minute, however few are hit yet. Halting it
    // makes nobody well.
    let brought = |target: &str| finding.cohort.get("firmware") == Some(target);
    let spreading = fleet.campaigns().iter().any(|campaign| campaign.is_active() || brought(&campaign.target));
    match share {
        s if s >= 0.10 || (spreading && s >= 0.02) => Severity::Sev1,
        s if s >= 0.02 || spreading => Severity::Sev2,
        s if s >= 0.002 => Severity::Sev3,
        _ => Severity::Sev4,
    }
}

/// A headline in the fewest words: `3.2.5 · rev-B: online 41 %`.
pub fn propose_title(signal: Signal, cohort: &CohortKey) -> String {
    match signal {
        Signal::Online => format!("{cohort} drops offline"),
        Signal::Reboots => format!("{cohort} is crash-looping"),
        signal => format!("{cohort}: {signal}"),
    }
}
