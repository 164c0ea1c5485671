//! Suspects: the attribution of what is wrong with the fleet just now.
//!
//! A device is affected when it shows any of the symptoms that open alerts are about. What is usual is read off the
//! attribute values that are least affected, so that no history is needed and a fleet-wide outage names nobody.

use super::MINIMUM_AFFECTED;
use super::attribution::{Alternative, Cause, Condition};
use super::census::{self, Census};
use crate::domain::cohort::CohortKey;
use crate::fleet::Fleet;

/// A cohort that explains affected devices.
#[derive(Clone, Debug, PartialEq)]
pub struct Suspect {
    pub cohort: CohortKey,
    pub devices: u32,
    pub affected: u32,
    /// The share of all affected devices that are in it.
    pub share_of_affected: f64,
    /// How much more often its devices are affected than the others.
    pub lift: f64,
    /// Other cohorts that hold the same devices: the data cannot tell them apart.
    pub equivalents: Vec<CohortKey>,
    /// Cohorts of other devices that explain it nearly as well, told with the first suspect.
    pub instead: Vec<Instead>,
}

/// A cohort that might be meant instead, with its devices and how many of them are affected.
#[derive(Clone, Debug, PartialEq)]
pub struct Instead {
    pub cohort: CohortKey,
    pub devices: u32,
    pub affected: u32,
}

/// How the affected devices are spread over the fleet.
#[derive(Clone, Debug, PartialEq)]
pub struct Breadth {
    pub devices: u32,
    pub affected: u32,
    /// The share affected in the large cohort that is affected least.
    pub least: f64,
}

/// Who explains the devices that show any of these symptoms (a bit each), the best first, and how they are spread; nobody
/// when known attributes do not explain it. `usual` is the share of the fleet that shows them at any time; what the devices
/// with any of the `apart` conditions do is explained already.
pub(super) fn find(fleet: &Fleet, symptoms: u32, usual: f64, apart: &[&[Condition]]) -> (Vec<Suspect>, Breadth) {
    let mut counted = Census::take(fleet, symptoms);
    let breadth = counted.breadth();
    apart.iter().for_each(|conditions| counted.set_aside(conditions));
    (explain(fleet, &counted, usual), breadth)
}

/// What is worth less than this share of the best explanation is none beside it.
const NEARLY: f64 = 0.8;

/// A narrower cohort that holds this share of the affected devices of a wider one is not less than it.
const STILL: f64 = 0.9;

fn explain(fleet: &Fleet, counted: &Census, usual: f64) -> Vec<Suspect> {
    let found = counted.explain_any(usual);
    if !found.is_explained() {
        return Vec::new();
    }
    let stands_out = |cause: &Cause| cause.sums.affected >= f64::from(MINIMUM_AFFECTED) && counted.sets_apart(cause);
    let causes = found.causes.iter().filter(|cause| stands_out(cause));
    let mut suspects: Vec<Suspect> = causes.map(|cause| suspect(fleet, cause)).collect();
    let near = found.alternatives.iter().filter(|other| other.worth >= NEARLY && stands_out(&other.cause));
    if let Some(first) = suspects.first_mut() {
        first.instead = near.map(|other| instead(fleet, other)).collect();
    }
    suspects
}

/// Whom it was found in while the others were there to tell: where a rollout has reached everybody, all devices of a
/// revision are affected, and all of them have the new firmware too. Kept before what is wider and not worse.
pub(super) fn stay_narrow(fleet: &Fleet, symptoms: u32, known: &CohortKey, found: &mut [Suspect]) {
    let Some(first) = found.first() else { return };
    let is_wider = first.cohort != *known && first.cohort.0.iter().all(|(name, value)| known.get(name) == Some(value));
    let Some(conditions) = census::conditions(fleet, known).filter(|_| is_wider) else { return };
    let (devices, affected) = census::count(fleet, &conditions, symptoms);
    if f64::from(affected) < STILL * f64::from(first.affected) || first.affected == 0 {
        return;
    }
    let share = f64::from(affected) / f64::from(first.affected);
    let share_of_affected = first.share_of_affected * share.min(1.0);
    found[0] = Suspect { cohort: known.clone(), devices, affected, share_of_affected, ..first.clone() };
}

fn instead(fleet: &Fleet, other: &Alternative) -> Instead {
    let Cause { conditions, sums, .. } = &other.cause;
    Instead { cohort: census::cohort(fleet, conditions), devices: sums.devices as u32, affected: sums.affected as u32 }
}

fn suspect(fleet: &Fleet, cause: &Cause) -> Suspect {
    Suspect {
        cohort: census::cohort(fleet, &cause.conditions),
        devices: cause.sums.devices as u32,
        affected: cause.sums.affected as u32,
        share_of_affected: cause.share_of_affected,
        lift: cause.lift,
        equivalents: cause.equivalents.iter().map(|conditions| census::cohort(fleet, conditions)).collect(),
        instead: Vec::new(),
    }
}
