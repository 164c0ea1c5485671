//! Suspects: the attribution of what is wrong with the fleet just now.
//!
//! A device is affected when it is away without an excuse, or has crashed in the last minutes. What is usual is read off
//! the attribute values that are least affected, so that no history is needed and a fleet-wide outage names nobody.

use super::attribution::{self, Cause, Leaf, Order, expected};
use crate::domain::cohort::CohortKey;
use crate::fleet::Fleet;
use crate::fleet::attributes::ValueIx;
use crate::fleet::devices::{Device, Flag};
use crate::limits;

/// Minutes for which a crash counts as being affected: a crash loop shows itself again within them.
const CRASHED_MIN: u16 = 5;
/// A suspect's devices must be affected this many times as often as the others.
const LEAST_LIFT: f64 = 3.0;
/// And so many of them must be.
const LEAST_AFFECTED: f64 = 8.0;

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
}

/// Who explains what is wrong just now, the best first; nobody when known attributes do not explain it.
pub fn find(fleet: &Fleet) -> Vec<Suspect> {
    let mut leaves = leaves(fleet);
    expected::from_peers(&mut leaves);
    let found = attribution::attribute(&leaves, Order::EarlierFirst);
    if !found.is_explained() {
        return Vec::new();
    }
    let stands_out = |cause: &&Cause| cause.lift >= LEAST_LIFT && cause.sums.affected >= LEAST_AFFECTED;
    found.causes.iter().filter(stands_out).map(|cause| suspect(fleet, cause)).collect()
}

/// Whether something is wrong with a device.
fn is_affected(device: &Device, minute: u16) -> bool {
    let away = !device.has(Flag::Online) && !device.has(Flag::Excused);
    let crashed = device.rebooted > 0 && minute.wrapping_sub(device.rebooted) < CRASHED_MIN;
    away || crashed
}

fn leaves(fleet: &Fleet) -> Vec<Leaf> {
    let minute = fleet.minute();
    let mut counts: Vec<(u32, u32)> = Vec::new();
    for (_, device) in fleet.devices().iter() {
        let group = device.group.0 as usize;
        if counts.len() <= group {
            counts.resize(group + 1, (0, 0));
        }
        counts[group].0 += 1;
        counts[group].1 += u32::from(is_affected(device, minute));
    }
    let attributes = fleet.schema().names().len().min(limits::ATTRIBUTES);
    let value = |value: &ValueIx| match *value {
        // What is not known is nothing that devices share.
        ValueIx::UNKNOWN | ValueIx::OTHER => Leaf::NOTHING,
        ValueIx(known) => known.into(),
    };
    let groups = fleet.groups().iter();
    groups
        .filter_map(|(ix, group)| {
            let (devices, affected) = *counts.get(ix.0 as usize).filter(|(devices, _)| *devices > 0)?;
            let values = group.vector[..attributes].iter().map(value).collect();
            Some(Leaf { values, devices: devices.into(), affected: affected.into(), expected: 0.0 })
        })
        .collect()
}

fn suspect(fleet: &Fleet, cause: &Cause) -> Suspect {
    let cohort = |conditions: &[attribution::Condition]| {
        conditions.iter().fold(CohortKey::default(), |key, (attribute, value)| {
            let attribute = crate::domain::observation::AttributeIx(*attribute as u8);
            key.and(fleet.schema().name(attribute), fleet.dictionary(attribute).name(ValueIx(*value as u16)))
        })
    };
    Suspect {
        cohort: cohort(&cause.conditions),
        devices: cause.sums.devices as u32,
        affected: cause.sums.affected as u32,
        share_of_affected: cause.share_of_affected,
        lift: cause.lift,
        equivalents: cause.equivalents.iter().map(|conditions| cohort(conditions)).collect(),
    }
}
