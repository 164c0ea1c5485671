//! What people have accepted as usual: how much of it may be, and whether it is still no more.
//!
//! As long as it is no more, what the devices show is left out of account: it is no evidence, nobody is suspected of it,
//! and it is not learnt, so that it is news again once it has got worse, or is accepted no longer.

use super::census::{conditions, counted, holds, key_conditions};
use super::evidence::CENSUS_MIN;
use crate::domain::acceptance::{Acceptance, Ceiling};
use crate::domain::cohort::CohortKey;
use crate::domain::signal::Signal;
use crate::domain::symptom::Symptom;
use crate::fleet::Fleet;
use crate::fleet::cohorts::Key;
use crate::fleet::groups::{Group, Vector};

/// Standard deviations of chance above what was shown when it was accepted.
const CHANCE: f64 = 3.0;

/// What is left out of account of one cohort.
#[derive(Clone, Debug, PartialEq)]
pub struct LeftOut {
    pub cohort: CohortKey,
    conditions: Vec<(usize, u32)>,
    /// The symptoms of which it is no more than was accepted, a bit each.
    symptoms: u32,
    /// Whether anything of what was accepted is shown at all.
    pub is_shown: bool,
}

/// The most that devices may show of these signals where what they show just now, `since_s` seconds after it began, is
/// accepted: with room for chance, and for those who had no time to show it yet.
pub fn ceilings(
    fleet: &Fleet,
    cohort: &CohortKey,
    signals: impl Iterator<Item = Signal>,
    since_s: i64,
) -> Vec<Ceiling> {
    let Some(conditions) = conditions(fleet, cohort) else { return Vec::new() };
    let own = counted(fleet).filter(|device| holds(&conditions, fleet.vector(device.group)));
    let own: Vec<u32> = own.map(|device| device.showing(fleet.minute())).collect();
    let ceiling = |signal| {
        let symptom = Symptom::of(signal)?;
        let shown = own.iter().filter(|shown| *shown & symptom.bit() != 0).count() as f64;
        let whole_s = f64::from(CENSUS_MIN) * 60.0;
        let grows = if symptom == Symptom::Offline { 1.0 } else { whole_s / (since_s.max(1) as f64).min(whole_s) };
        let devices = own.len() as f64;
        let shown = (shown * grows).min(devices);
        let share = (shown + CHANCE * (shown * (1.0 - shown / devices)).sqrt()) / devices;
        (shown > 0.0).then(|| Ceiling { signal, share: share.min(1.0) })
    };
    signals.filter_map(ceiling).collect()
}

/// What is left out of account just now.
pub fn left_out<'a>(fleet: &Fleet, accepted: impl Iterator<Item = &'a Acceptance>) -> Vec<LeftOut> {
    let known = accepted.filter_map(|acceptance| Some((acceptance, conditions(fleet, &acceptance.usual.cohort)?)));
    let known: Vec<_> = known.collect();
    if known.is_empty() {
        return Vec::new();
    }
    let mut sums = vec![(0u32, [0u32; Symptom::COUNT]); known.len()];
    for device in counted(fleet) {
        let shown = device.showing(fleet.minute());
        let own = known.iter().zip(&mut sums).filter(|((_, all), _)| holds(all, fleet.vector(device.group)));
        for (_, (devices, sums)) in own {
            *devices += 1;
            Symptom::of_bits(shown).for_each(|symptom| sums[symptom as usize] += 1);
        }
    }
    let of_one = |((acceptance, conditions), (devices, shown)): ((&Acceptance, _), (u32, [u32; Symptom::COUNT]))| {
        let ceilings =
            || acceptance.usual.ceilings.iter().filter_map(|most| Some((Symptom::of(most.signal)?, most.share)));
        let shown = |symptom: Symptom| f64::from(shown[symptom as usize]);
        let no_more = ceilings().filter(|(symptom, share)| shown(*symptom) <= share * f64::from(devices));
        LeftOut {
            cohort: acceptance.usual.cohort.clone(),
            conditions,
            symptoms: no_more.fold(0, |bits, (symptom, _)| bits | symptom.bit()),
            is_shown: ceilings().any(|(symptom, _)| shown(symptom) > 0.0),
        }
    };
    known.into_iter().zip(sums).map(of_one).collect()
}

/// The symptoms, a bit each, that are left out of account of devices with these attribute values.
pub fn of(left_out: &[LeftOut], vector: &Vector) -> u32 {
    left_out.iter().filter(|out| holds(&out.conditions, vector)).fold(0, |bits, out| bits | out.symptoms)
}

/// Devices that are away, which is accepted, with their attribute values.
pub(super) struct Away<'f>(Vec<&'f Group>);

impl<'f> Away<'f> {
    pub(super) fn of(fleet: &'f Fleet) -> Self {
        let groups = fleet.groups().iter().map(|(_, group)| group);
        Self(groups.filter(|group| group.accepts(Symptom::Offline)).collect())
    }

    /// How many of them are in a cohort under watch.
    pub(super) fn within(&self, key: &Key) -> u32 {
        if self.0.is_empty() {
            return 0;
        }
        let conditions = key_conditions(key);
        self.0.iter().filter(|group| holds(&conditions, &group.vector)).map(|group| group.away()).sum()
    }
}
