//! Recovery is verified, not assumed: six checks from live data, each green or answered for by a person, before an
//! incident is resolved; and an incident that comes back is opened again.

use super::State;
use super::decide::{Decision, refuse, sentence};
use super::facts::{Count, Crowd, kind};
use super::response::open;
use crate::domain::cohort::CohortKey;
use crate::domain::command::recovery::RecoveryCommand;
use crate::domain::due::{Due, DueKind};
use crate::domain::event::Event;
use crate::domain::event::recovery::RecoveryEvent;
use crate::domain::ids::IncidentId;
use crate::domain::incident::{Incident, IncidentType};
use crate::domain::recovery::{Check, Checked, Standing};
use crate::domain::share::percent;
use crate::domain::signal::Signal;
use crate::domain::switch::Actuation;
use crate::domain::switch::plan::Kind;
use crate::domain::time::At;

/// A recovered cohort is as well as the others, up to this share of its devices.
const TOLERANCE: f64 = 0.02;
/// Below this number of others they are too few to say what is usual.
const OTHERS: u32 = 50;
/// Devices, and the share of those ever affected, that fall ill again before it is called a regression.
const REGRESSED: u32 = 8;
const REGRESSED_SHARE: f64 = 0.05;

/// Decides a command about the end of an incident.
pub(super) fn decide(state: &State, at: At, command: RecoveryCommand) -> Decision {
    match command {
        RecoveryCommand::Waive { incident, check, reason } => {
            let known = open(state, incident)?;
            if known.recovery.waiver(check).is_some() {
                return refuse(format!("{check} is waived already"));
            }
            let reason = sentence(&reason, "a reason")?;
            Ok(vec![RecoveryEvent::CheckWaived { incident, check, reason }.into()])
        }
        RecoveryCommand::Decide { incident, choice, first_bad, customers } => {
            open(state, incident)?;
            if first_bad > at {
                return refuse(format!("{first_bad} lies in the future; the first bad value can only lie in the past"));
            }
            let customers = sentence(&customers, "the affected customers (or the word none)")?;
            Ok(vec![RecoveryEvent::DataDecided { incident, choice, first_bad, customers }.into()])
        }
    }
}

/// Resolves an incident, if everything is green or answered for.
pub(super) fn resolve(state: &State, incident: &Incident, at: At) -> Decision {
    let id = incident.id;
    if incident.kind == IncidentType::DataQuality && incident.recovery.decision.is_none() {
        return refuse("decide first what becomes of the bad data: backfill, or forward-only");
    }
    let known = state.facts.of(id);
    let unseen =
        |check| Checked { check, standing: Standing::Unknown, evidence: "nothing has been measured yet".into() };
    let mut checks = known.map_or_else(|| Check::ALL.map(unseen).into(), |known| known.checks.clone());
    // The watch goes on with the clock, whatever was measured when.
    for checked in checks.iter_mut().filter(|checked| checked.check == Check::Regression) {
        *checked = regression(state, incident, at);
    }
    let failing: Vec<&Checked> = checks
        .iter()
        .filter(|checked| checked.standing != Standing::Green && incident.recovery.waiver(checked.check).is_none())
        .collect();
    if let Some(first) = failing.first() {
        let more = if failing.len() > 1 { format!(" (and {} more)", failing.len() - 1) } else { String::new() };
        let (check, standing) = (first.check, first.standing.name());
        return refuse(format!("wait, or waive what is not verified: {check} is {standing}{more}: {}", first.evidence));
    }
    let remaining = known.map(|known| known.remaining).unwrap_or_default();
    let mut events = state.facts.unrecorded(&state.fleet, incident);
    events.push(RecoveryEvent::RecoveryVerified { incident: id, checks, remaining }.into());
    events.push(Event::Resolved { incident: id });
    Ok(events)
}

/// How every check of an incident stands.
pub(super) fn checks(state: &State, incident: &Incident, counted: &Count, at: At) -> Vec<Checked> {
    let Count { ever, never, unheard, remaining, .. } = counted;
    if state.fleet.devices().is_empty() {
        let blind = |check| Checked { check, standing: Standing::Unknown, evidence: "no device has been heard".into() };
        let own = |check| if check == Check::Regression { regression(state, incident, at) } else { blind(check) };
        return Check::ALL.map(own).into();
    }
    let as_others = |check, group, what: &str, ready: &str| compared(check, ever, never, group, what, ready);
    let mut firmware = as_others(
        Check::Firmware,
        kind::UPDATE,
        "fail their update or its signature",
        "show no failed update or signature",
    );
    let usual = usual(never, |crowd| f64::from(crowd.in_flight) / f64::from(crowd.devices.max(1)));
    if firmware.standing == Standing::Green && f64::from(ever.in_flight) > (usual + TOLERANCE) * f64::from(ever.devices)
    {
        firmware.standing = Standing::Waiting;
        firmware.evidence = format!("{} are in the middle of an update", ever.in_flight);
    }
    if let Some(evidence) = still_on(state, incident) {
        firmware.standing = Standing::Red;
        firmware.evidence = evidence;
    }
    if remaining.rolled_back > 0 {
        firmware.evidence += &format!("; {} went back to their old firmware", remaining.rolled_back);
    }
    let mut backlog = as_others(Check::Backlog, kind::BACKLOG, "have a growing backlog", "have none that grows");
    if ever.with_queue == 0 {
        // Where devices do not tell it, what they send when it drains does.
        backlog = as_others(Check::Backlog, kind::FLOODING, "sending far more than usual", "send no more than usual");
        backlog.evidence += "; none tells its queue";
    }
    vec![
        compared(Check::Connectivity, &ever.with_away(*unheard), never, kind::AWAY, "are away", "connected"),
        as_others(Check::Quality, kind::QUALITY, "silent or sending wrong data", "send what is right"),
        firmware,
        backlog,
        as_others(Check::Errors, kind::ERRORS, "reporting errors, rebooting, or coming and going", "without errors"),
        regression(state, incident, at),
    ]
}

/// Devices of the incident that still run the version that was rolled back, where they are more than a few.
fn still_on(state: &State, incident: &Incident) -> Option<String> {
    if incident.kind != IncidentType::BadFirmware {
        return None;
    }
    let mut pulled = incident.actuations.iter().filter_map(|id| state.room.actuations.get(id));
    let is_back = |actuation: &&Actuation| actuation.kind == Kind::Rollback && actuation.accepted.is_some();
    let back = pulled.rfind(is_back)?;
    let version = back.preview.target.as_str();
    let narrowed = state.fleet.cohort(&incident.cohort.clone().and("firmware", version));
    let cohort = narrowed.or_else(|| state.fleet.cohort(&CohortKey::of("firmware", version)))?;
    let left = cohort.level(Signal::Devices);
    let few = f64::from(back.preview.progress.succeeded) * TOLERANCE;
    (f64::from(left) > few).then(|| format!("{left} still on {version}, which was rolled back"))
}

/// What is usual among devices that never were affected.
fn usual(never: &Crowd, of: impl Fn(&Crowd) -> f64) -> f64 {
    // Where nearly everybody was affected, nobody is left to say what is usual.
    if never.devices >= OTHERS { of(never) } else { 0.0 }
}

/// The affected devices beside those that never were.
fn compared(check: Check, ever: &Crowd, never: &Crowd, group: u32, what: &str, ready: &str) -> Checked {
    if ever.devices == 0 {
        let evidence = "no device has been affected while this room listened".to_owned();
        return Checked { check, standing: Standing::Green, evidence };
    }
    let n = ever.showing(group);
    // Who is away says nothing about itself, good or bad.
    let all = if group == kind::AWAY { ever.devices } else { ever.here().max(n) };
    if all == 0 {
        let evidence = format!("none of {} is connected, so none can tell", ever.devices);
        return Checked { check, standing: Standing::Unknown, evidence };
    }
    let (share, usual) = (f64::from(n) / f64::from(all), usual(never, |crowd| crowd.share(group)));
    // One device more than others would have is no sign either, in a small cohort.
    let well = share <= usual + TOLERANCE || f64::from(n) <= usual * f64::from(all) + 1.0;
    let others = if never.devices >= OTHERS { format!(", others {}", percent(usual)) } else { String::new() };
    let connected = if all < ever.devices { " that are connected" } else { "" };
    let evidence = match (well, n) {
        (true, 0) => format!("all {all}{connected} {ready}"),
        _ => format!("{n} of {all}{connected} {what} ({}{others})", percent(share)),
    };
    Checked { check, standing: if well { Standing::Green } else { Standing::Red }, evidence }
}

/// Whether the same cohort has stayed well since service was restored, for as long as it is watched.
fn regression(state: &State, incident: &Incident, at: At) -> Checked {
    let checked = |standing, evidence| Checked { check: Check::Regression, standing, evidence };
    let Some(mitigated) = incident.moments.mitigated else {
        return checked(Standing::Red, "service has not been said to be restored".into());
    };
    let open = incident.alerts.iter().filter_map(|id| state.room.alerts.get(id)).find(|alert| alert.is_open());
    if let Some(alert) = open {
        return checked(Standing::Red, format!("alert {} goes on", alert.id));
    }
    let (watched, window) = (at.since_s(mitigated), state.settings.watch_s);
    let minutes = |s: i64| format!("{}:{:02}", s / 60, s % 60);
    if watched < window {
        return checked(Standing::Waiting, format!("{} of {} watched", minutes(watched), minutes(window)));
    }
    checked(Standing::Green, format!("nothing came back in {}", minutes(watched)))
}

/// Why an incident has come back, where devices that were well again since service was restored fall ill once more.
/// `ill` of the `devices` that were ever affected show it just now.
pub(super) fn came_back(incident: &Incident, least: &mut Option<u32>, ill: u32, devices: u32) -> Option<String> {
    if incident.moments.mitigated.is_none() || devices == 0 {
        *least = None;
        return None;
    }
    let before = *least.get_or_insert(ill);
    *least = Some(before.min(ill));
    let margin = REGRESSED.max((f64::from(devices) * REGRESSED_SHARE) as u32);
    (ill >= before.saturating_add(margin))
        .then(|| format!("regression: {ill} devices of the same cohort are ill again, {before} were"))
}

/// The incident that an alert about these devices is a regression of: service was restored, or it was resolved, no longer
/// ago than it is watched.
pub(super) fn regressed(state: &State, cohort: &CohortKey, at: At) -> Option<IncidentId> {
    let within = |moment: Option<At>| moment.is_some_and(|moment| at.since_s(moment) <= state.settings.watch_s);
    let mut known = state.room.incidents.values().rev();
    let came_back = known.find(|incident| {
        let ended = incident.moments.resolved.or(incident.moments.mitigated);
        incident.response.merged_into.is_none() && within(ended) && incident.concerns(cohort)
    });
    came_back.map(|incident| incident.id)
}

/// Until when recovered incidents are watched; and once that is over, what they still wait for.
pub(super) fn due(state: &State, now: At) -> Vec<Due> {
    let watch = |incident: &Incident| {
        let at = incident.moments.mitigated?.plus_s(state.settings.watch_s);
        let label = if at > now { "watched until it holds".to_owned() } else { after_watch(state, incident, now) };
        Some(Due { incident: Some(incident.id), kind: DueKind::Watch, label, at, warn_s: 0 })
    };
    state.room.open_incidents().filter_map(watch).collect()
}

/// What an incident waits for that has been watched for long enough.
fn after_watch(state: &State, incident: &Incident, at: At) -> String {
    let known = state.facts.of(incident.id).map_or(&[][..], |known| &known.checks);
    let seen = known.iter().filter(|checked| checked.check != Check::Regression).cloned();
    let failing =
        |checked: &Checked| checked.standing != Standing::Green && incident.recovery.waiver(checked.check).is_none();
    let mut failing = seen.chain(std::iter::once(regression(state, incident, at))).filter(failing);
    match failing.next() {
        Some(first) => format!("watched; it waits for: {} {}", first.check, first.standing.name()),
        None => "it has held, and can be resolved".to_owned(),
    }
}
