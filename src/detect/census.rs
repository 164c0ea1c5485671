//! A census: of every group of devices alike in all attributes, how many show each symptom just now.

use std::collections::BTreeMap;

use super::attribution::{self, Attribution, Condition, Leaf, Order, expected};
use super::suspects::Breadth;
use crate::domain::campaign::{CampaignState, OtaState};
use crate::domain::cohort::CohortKey;
use crate::domain::observation::AttributeIx;
use crate::domain::symptom::Symptom;
use crate::fleet::Fleet;
use crate::fleet::attributes::ValueIx;
use crate::fleet::campaigns::{Campaign, CampaignIx};
use crate::fleet::cohorts::Key;
use crate::fleet::devices::{Device, Flag};
use crate::fleet::groups::Vector;
use crate::limits;

/// A device that came back so often within a few minutes, and is away, goes again and again. Once may be a site that a
/// second cut has hit.
const AGAIN: u8 = 2;

/// The devices of one group, those apart that leave their firmware, or have failed to.
#[derive(Clone, Debug, Default)]
struct Row {
    vector: Vector,
    leaves: bool,
    devices: u32,
    /// Those of them that a rollout has started.
    started: u32,
    shown: [u32; Symptom::COUNT],
    /// Devices with any of the symptoms that were asked for.
    any: u32,
    /// Those that do not count as showing it, because people have accepted it as usual.
    accepted: [u32; Symptom::COUNT],
}

/// The whole fleet, counted once.
#[derive(Clone, Debug)]
pub(super) struct Census {
    rows: Vec<Row>,
    attributes: usize,
    /// The attributes that follow from an update rather than lead to it: firmware and wave.
    of_update: [Option<usize>; 2],
    /// The symptoms, a bit each, of which any makes a device affected.
    asked: u32,
}

/// Devices that are not left out of account.
pub(super) fn counted(fleet: &Fleet) -> impl Iterator<Item = &Device> {
    fleet.devices().iter().map(|(_, device)| device).filter(|device| !device.has(Flag::Suppressed))
}

/// How many devices have shown each symptom in the last minutes.
pub(super) fn showing_now(fleet: &Fleet) -> [u32; Symptom::COUNT] {
    let minute = fleet.minute();
    let mut shown = [0; Symptom::COUNT];
    for device in counted(fleet) {
        Symptom::of_bits(device.shown.recent(minute) & !fleet.accepted(device.group))
            .for_each(|symptom| shown[symptom as usize] += 1);
    }
    shown
}

impl Census {
    /// Counts every device; `asked` are the symptoms (a bit each) of which any makes a device affected.
    pub(super) fn take(fleet: &Fleet, asked: u32) -> Self {
        let minute = fleet.minute();
        let mut rows: Vec<Row> = Vec::new();
        for device in counted(fleet) {
            let leaves = leaves_firmware(fleet, device);
            let place = 2 * device.group.0 as usize + usize::from(leaves);
            if rows.len() <= place {
                rows.resize(place + 1, Row::default());
            }
            let row = &mut rows[place];
            row.leaves = leaves;
            row.devices += 1;
            row.started += u32::from(device.ota.has_started());
            let (all, accepted) = (device.showing(minute), fleet.accepted(device.group));
            row.any += u32::from(all & !accepted & asked != 0);
            Symptom::of_bits(all & !accepted).for_each(|symptom| row.shown[symptom as usize] += 1);
            Symptom::of_bits(all & accepted).for_each(|symptom| row.accepted[symptom as usize] += 1);
        }
        for (ix, group) in fleet.groups().iter() {
            rows.iter_mut().skip(2 * ix.0 as usize).take(2).for_each(|row| row.vector = group.vector);
        }
        rows.retain(|row| row.devices > 0);
        let attributes = fleet.schema().names().len().min(limits::ATTRIBUTES);
        let of_update = ["firmware", "wave"].map(|name| fleet.schema().find(name).map(|ix| ix.0.into()));
        Self { rows, attributes, of_update, asked }
    }

    /// Devices with these attribute values that show a symptom, and are left out of account because that is accepted.
    pub(super) fn left_out(&self, conditions: &[Condition], symptom: Symptom) -> u32 {
        let rows = self.rows.iter().filter(|row| holds(conditions, &row.vector));
        rows.map(|row| row.accepted[symptom as usize]).sum()
    }

    /// Forgets the devices with these attribute values.
    pub(super) fn set_aside(&mut self, conditions: &[Condition]) {
        self.rows.retain(|row| !holds(conditions, &row.vector));
    }

    /// All devices.
    pub(super) fn devices(&self) -> u32 {
        self.rows.iter().map(|row| row.devices).sum()
    }

    /// Devices with these attribute values, and how many of them show a symptom.
    pub(super) fn count(&self, conditions: &[Condition], symptom: Symptom) -> (u32, u32) {
        let rows = self.rows.iter().filter(|row| holds(conditions, &row.vector));
        rows.fold((0, 0), |(devices, shown), row| (devices + row.devices, shown + row.shown[symptom as usize]))
    }

    /// Devices with these attribute values that a rollout has started, with those that it must have: they show a symptom.
    pub(super) fn started(&self, conditions: &[Condition], symptom: Symptom) -> u32 {
        let rows = self.rows.iter().filter(|row| holds(conditions, &row.vector));
        rows.map(|row| row.started.max(row.shown[symptom as usize])).sum()
    }

    /// How the affected devices are spread over the values of every attribute.
    pub(super) fn breadth(&self) -> Breadth {
        let devices = self.devices();
        let affected = self.rows.iter().map(|row| row.any).sum();
        // A large cohort is one that speaks for itself: a twentieth of the fleet.
        let large = super::MINIMUM_SAMPLE.max(devices / 20);
        let mut values: BTreeMap<(usize, ValueIx), (u32, u32)> = BTreeMap::new();
        for row in &self.rows {
            for (attribute, value) in row.vector[..self.attributes].iter().enumerate() {
                let sums = values.entry((attribute, *value)).or_default();
                *sums = (sums.0 + row.devices, sums.1 + row.any);
            }
        }
        let shares = values.values().filter(|(devices, _)| *devices >= large);
        let least = shares.map(|(devices, any)| f64::from(*any) / f64::from(*devices)).fold(1.0, f64::min);
        Breadth { devices, affected, least }
    }

    /// Who explains the devices that show a symptom, where this share of the fleet usually does.
    pub(super) fn explain(&self, symptom: Symptom, usual: f64) -> Attribution {
        self.attribute(symptom.bit(), usual, |row| row.shown[symptom as usize])
    }

    /// Who explains the devices that show any of the symptoms asked for.
    pub(super) fn explain_any(&self, usual: f64) -> Attribution {
        self.attribute(self.asked, usual, |row| row.any)
    }

    fn attribute(&self, symptoms: u32, usual: f64, affected: impl Fn(&Row) -> u32) -> Attribution {
        // Only a device that was started can fail its update, and then it keeps its old firmware: that it is in a wave, and
        // on which firmware, follows from the update, and is not what it fails of.
        let follows = symptoms != 0 && symptoms & !Symptom::OF_UPDATES == 0;
        if !follows {
            return self.beside_peers(usual, |_| true, |row| (row.devices, affected(row)));
        }
        let started = |row: &Row| (row.started.max(affected(row)), affected(row));
        let mut leaves = self.leaves(|attribute| !self.of_update.contains(&Some(attribute)), started);
        expected::from_who_passed(&mut leaves, usual);
        let found = attribution::attribute(&leaves, Order::EarlierFirst);
        if found.is_explained() && found.causes.iter().any(|cause| self.sets_apart(cause)) {
            return found;
        }
        // Where it fails whatever the device, it fails in the wave.
        let [_, wave] = self.of_update;
        let by_wave = self.beside_peers(usual, |attribute| wave == Some(attribute), |row| (row.devices, affected(row)));
        if by_wave.is_explained() { by_wave } else { found }
    }

    /// Whether a cause tells its devices from the others: what all share explains nothing.
    pub(super) fn sets_apart(&self, cause: &attribution::Cause) -> bool {
        let others = f64::from(self.devices()) - cause.sums.devices;
        others >= super::MINIMUM_AFFECTED.into() && cause.lift >= super::LEAST_LIFT
    }

    /// Who of the devices that count are the affected ones, by the attributes that may be told.
    fn beside_peers(
        &self,
        usual: f64,
        may_tell: impl Fn(usize) -> bool,
        count: impl Fn(&Row) -> (u32, u32),
    ) -> Attribution {
        let mut leaves = self.leaves(may_tell, count);
        expected::from_peers(&mut leaves, usual);
        attribution::attribute(&leaves, Order::EarlierFirst)
    }

    /// The devices that count, and those of them that are affected, by the attributes that may be told.
    fn leaves(&self, may_tell: impl Fn(usize) -> bool, count: impl Fn(&Row) -> (u32, u32)) -> Vec<Leaf> {
        let [firmware, _] = self.of_update;
        let value = |row: &Row, attribute: usize| match row.vector[attribute] {
            // What is not known is nothing that devices share.
            ValueIx::UNKNOWN | ValueIx::OTHER => Leaf::NOTHING,
            // Who does not return from an update, or fails it, is known by its old firmware, and not ill of it.
            _ if row.leaves && firmware == Some(attribute) => Leaf::NOTHING,
            ValueIx(known) if may_tell(attribute) => known.into(),
            ValueIx(_) => Leaf::NOTHING,
        };
        let leaf = |row: &Row| {
            let (devices, affected) = count(row);
            let values = (0..self.attributes).map(|attribute| value(row, attribute)).collect();
            Leaf { values, devices: devices.into(), affected: affected.into(), expected: 0.0 }
        };
        self.rows.iter().map(leaf).filter(|leaf| leaf.devices > 0.0).collect()
    }
}

/// Whether a device is in an update that brings another firmware, or has failed it, as its rollout says, or as others show
/// that come back.
fn leaves_firmware(fleet: &Fleet, device: &Device) -> bool {
    let is_back = matches!(device.ota, OtaState::Failed | OtaState::RolledBack);
    if !device.ota.in_flight() && !is_back {
        return fleet.went_while_left(device);
    }
    let Campaign { target, state, .. } = fleet.campaigns().get(CampaignIx(device.campaign));
    // When all have been sent back, or it is over, the firmware that they have is theirs again.
    if is_back && matches!(state, CampaignState::RollingBack | CampaignState::Finished) {
        return false;
    }
    let runs = fleet.schema().find("firmware").map(|firmware| {
        let version = fleet.vector(device.group)[usize::from(firmware.0)];
        fleet.dictionary(firmware).name(version)
    });
    !target.is_empty() && runs.is_some_and(|runs| runs != target)
}

/// Devices with these attribute values that are away, and how many of them went as others did that came back with another
/// firmware.
pub(super) fn gone_to_move(fleet: &Fleet, conditions: &[Condition]) -> (u32, u32) {
    let away = |device: &Device| fleet.symptoms(device) & Symptom::Offline.bit() != 0;
    let own = counted(fleet).filter(|device| away(device) && holds(conditions, fleet.vector(device.group)));
    own.fold((0, 0), |(away, moving), device| (away + 1, moving + u32::from(device.has(Flag::Leaving))))
}

/// The rollout that these attribute values are about, by a wave or by the version it brings, and the other values.
pub(super) fn rollout<'f>(fleet: &'f Fleet, conditions: &[Condition]) -> Option<(&'f str, Vec<Condition>)> {
    let of = |condition: &Condition| {
        let attribute = AttributeIx(condition.0 as u8);
        let value = fleet.dictionary(attribute).name(ValueIx(condition.1 as u16));
        let campaigns = fleet.campaigns().iter();
        let is_brought = |campaign: &&Campaign| match fleet.schema().name(attribute) {
            "firmware" => campaign.target == value,
            "wave" => value.rsplit_once(" w").is_some_and(|(id, _)| campaign.id == id),
            _ => false,
        };
        campaigns.filter(is_brought).max_by_key(|campaign| campaign.heard).map(|campaign| campaign.id.as_str())
    };
    let id = conditions.iter().find_map(of)?;
    // In a wave, an old firmware is what its devices came from, or went back to.
    let is_other = |condition: &&Condition| {
        let name = fleet.schema().name(AttributeIx(condition.0 as u8));
        name != "firmware" && of(condition).is_none()
    };
    Some((id, conditions.iter().filter(is_other).copied().collect()))
}

/// Devices that have these attribute values, and those that show any of some symptoms (a bit each) just now.
pub fn count(fleet: &Fleet, conditions: &[Condition], asked: u32) -> (u32, u32) {
    let own = counted(fleet).filter(|device| holds(conditions, fleet.vector(device.group)));
    own.fold((0, 0), |(devices, shown), device| (devices + 1, shown + u32::from(fleet.symptoms(device) & asked != 0)))
}

/// How the devices of a cohort that are missed have gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gone {
    /// Nine of ten were last heard within so many seconds.
    Within(i64),
    /// Most of them had come back and gone again: who is away just now has always gone just now.
    Again,
}

/// How the devices of a cohort that are missed have gone; none where too few are. Who went more than a day before the last
/// of them belongs to something else.
pub(super) fn gone(fleet: &Fleet, cohort: &CohortKey) -> Option<Gone> {
    const DAY_S: u32 = 86_400;
    let conditions = conditions(fleet, cohort)?;
    let is_missed = |device: &&Device| fleet.symptoms(device) & Symptom::Offline.bit() != 0 && device.seen > 0;
    let own = counted(fleet).filter(is_missed).filter(|device| holds(&conditions, fleet.vector(device.group)));
    let own: Vec<&Device> = own.collect();
    let again = own.iter().filter(|device| device.returns >= AGAIN).count();
    let mut gone: Vec<u32> = own.iter().map(|device| device.seen).collect();
    gone.sort_unstable();
    let last = gone.last().copied().unwrap_or(0);
    gone.drain(..gone.partition_point(|seen| seen.saturating_add(DAY_S) < last));
    if gone.len() < super::MINIMUM_AFFECTED as usize {
        return None;
    }
    if 2 * again > own.len() {
        return Some(Gone::Again);
    }
    let tenth = gone.len() / 10;
    // The narrowest window that holds nine of ten.
    let within = (0..=tenth).map(|from| gone[from + gone.len() - 1 - tenth] - gone[from]).min()?;
    Some(Gone::Within(within.into()))
}

pub(super) fn holds(conditions: &[Condition], vector: &Vector) -> bool {
    conditions.iter().all(|(attribute, value)| u32::from(vector[*attribute].0) == *value)
}

/// The attribute values of a cohort under watch.
pub(super) fn key_conditions(key: &Key) -> Vec<Condition> {
    key.grouping.attributes().zip(key.values).map(|(a, v)| (usize::from(a.0), v.0.into())).collect()
}

/// The name of the cohort with these attribute values.
pub(super) fn cohort(fleet: &Fleet, conditions: &[Condition]) -> CohortKey {
    conditions.iter().fold(CohortKey::default(), |key, (attribute, value)| {
        let attribute = AttributeIx(*attribute as u8);
        key.and(fleet.schema().name(attribute), fleet.dictionary(attribute).name(ValueIx(*value as u16)))
    })
}

/// The attribute values of a cohort; none where the fleet does not know one of them.
pub fn conditions(fleet: &Fleet, cohort: &CohortKey) -> Option<Vec<Condition>> {
    let values = fleet.values_of(cohort)?;
    Some(values.into_iter().map(|(attribute, ValueIx(value))| (attribute, value.into())).collect())
}
