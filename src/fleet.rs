//! The fleet as telemetry shows it: devices, cohorts, campaigns, and what was wrong with messages.
//!
//! This is the hot path. A message costs one lookup and a few stores, whatever the number of cohorts; once a second
//! [`Fleet::advance`] adds up. Nothing here is in the log: after a restart the fleet is filled again by the broker,
//! retained status first. Nothing here decides: see `detect`.

pub mod attributes;
mod broker;
pub mod campaigns;
mod codes;
pub mod cohorts;
pub mod devices;
mod drift;
mod faults;
pub mod filter;
pub mod groups;
mod habits;
mod hush;
pub mod kpis;
mod leave;
mod messages;
mod moves;
mod observe;
mod place;
mod reports;
mod rollup;
pub mod series;
mod showings;
mod symptoms;
mod unfit;
mod updates;

pub use broker::BrokerWitness;
pub use drift::Drift;
pub use faults::Sample;
pub use kpis::Measured;
pub use messages::Message;
pub use observe::Notice;

use hashbrown::HashMap;

use attributes::{Dictionary, Schema, ValueIx};
use campaigns::Campaigns;
use codes::Codes;
use cohorts::{Cohort, Cohorts, Grouping, Key};
use devices::{Device, DeviceIx, DeviceTable, Flag};
use faults::Faults;
use groups::{GroupIx, Groups, Vector};
use habits::Habits;
use kpis::{KpiPlan, Kpis};
use messages::Messages;
use moves::Moves;
use reports::Reports;

use crate::domain::campaign::OtaState;
use crate::domain::cohort::CohortKey;
use crate::domain::critical::Critical;
use crate::domain::maintenance::Maintenance;
use crate::domain::observation::AttributeIx;
use crate::domain::signal::Signal;
use crate::domain::time::At;
use crate::limits;

/// Seconds that a device may be away in the middle of an update: after them it is not merely rebooting.
pub const RECONNECT_S: u32 = 300;
/// A second that takes this long to come was slept through by the whole machine.
const ASLEEP_S: i64 = 30;

/// How a fleet is read.
#[derive(Clone, Debug)]
pub struct FleetSettings {
    pub schema: Schema,
    /// Pairs of attributes followed from the start.
    pub pairs: Vec<Grouping>,
    /// A device that never told its presence is offline after this long without a message, in seconds.
    pub silent_after_s: u32,
    /// What measured values may be.
    pub kpis: Vec<KpiPlan>,
    /// Whose devices matter more.
    pub critical: Vec<Critical>,
    /// When devices are worked on, and not missed.
    pub maintenance: Vec<Maintenance>,
}

impl Default for FleetSettings {
    fn default() -> Self {
        let schema = Schema::default();
        let pair = |a, b| Grouping::by(&[schema.find(a)?, schema.find(b)?]);
        let pairs = [pair("firmware", "hardware"), pair("firmware", "region"), pair("firmware", "carrier")];
        let pairs = pairs.into_iter().flatten().collect();
        let (kpis, critical, maintenance) = (Vec::new(), Vec::new(), Vec::new());
        Self { schema, pairs, silent_after_s: 300, kpis, critical, maintenance }
    }
}

/// All that telemetry has told.
#[derive(Debug)]
pub struct Fleet {
    settings: FleetSettings,
    dictionaries: Vec<Dictionary>,
    devices: DeviceTable,
    groups: Groups,
    cohorts: Cohorts,
    campaigns: Campaigns,
    codes: Codes,
    kpis: Kpis,
    broker: BrokerWitness,
    habits: Habits,
    moves: Moves,
    /// Devices that have changed to each firmware.
    adopted: HashMap<ValueIx, u32>,
    faults: Faults,
    messages: Messages,
    /// Whether the broker keeps what devices tell of their presence.
    keeps_presence: bool,
    /// Devices seen entering an installing state, with their campaign; the engine takes them out.
    started: Vec<(campaigns::CampaignIx, DeviceIx)>,
    /// The second that `seen` counts from.
    epoch: i64,
    /// The second that runs; everything before it has been added up.
    second: i64,
    received: u64,
    reports: Reports,
    /// Whether some device counts its errors rather than tells each.
    counts_errors: bool,
    /// Attribute values that found no room and count as `(other)`.
    overflowed: u64,
    /// Devices left out of account.
    suppressed: u32,
    /// Of those: who was heard once and never again.
    strangers: u32,
    /// Since when our link has been up, in seconds since the epoch; none while it is down.
    listening: Option<u32>,
    hush: hush::Hush,
    /// When unused values and groups were last swept, so that an attack cannot make us sweep all day.
    swept: i64,
}

impl Fleet {
    /// An empty fleet at `now`.
    pub fn new(settings: FleetSettings, now: At) -> Self {
        let attributes = settings.schema.names().len();
        Self {
            dictionaries: (0..attributes).map(|_| Dictionary::default()).collect(),
            devices: DeviceTable::default(),
            groups: Groups::default(),
            cohorts: Cohorts::new(settings.schema.all(), &settings.pairs),
            campaigns: Campaigns::default(),
            codes: Codes::default(),
            kpis: Kpis::new(&settings.kpis),
            broker: BrokerWitness::default(),
            habits: Habits::default(),
            moves: Moves::default(),
            adopted: HashMap::new(),
            faults: Faults::default(),
            messages: Messages::default(),
            keeps_presence: false,
            started: Vec::new(),
            epoch: now.second() - 1,
            second: now.second(),
            received: 0,
            reports: Reports::default(),
            counts_errors: false,
            overflowed: 0,
            suppressed: 0,
            strangers: 0,
            listening: Some(0),
            hush: hush::Hush::default(),
            swept: 0,
            settings,
        }
    }

    pub const fn schema(&self) -> &Schema {
        &self.settings.schema
    }

    /// Whose devices matter more.
    pub fn critical(&self) -> &[Critical] {
        &self.settings.critical
    }

    pub fn dictionary(&self, attribute: AttributeIx) -> &Dictionary {
        &self.dictionaries[usize::from(attribute.0)]
    }

    pub const fn devices(&self) -> &DeviceTable {
        &self.devices
    }

    pub const fn groups(&self) -> &Groups {
        &self.groups
    }

    pub const fn cohorts(&self) -> &Cohorts {
        &self.cohorts
    }

    pub const fn campaigns(&self) -> &Campaigns {
        &self.campaigns
    }

    pub const fn codes(&self) -> &Codes {
        &self.codes
    }

    pub const fn faults(&self) -> &Faults {
        &self.faults
    }

    pub const fn messages(&self) -> &Messages {
        &self.messages
    }

    /// Messages received since the start.
    pub const fn received(&self) -> u64 {
        self.received
    }

    /// Telemetry messages that a typical device has sent.
    pub fn typical_reports(&self) -> f64 {
        self.reports.typical(self.cohorts.fleet().devices())
    }

    /// Whether some device counts its errors rather than tells each: that a count rises is seen at its second report.
    pub const fn counts_errors(&self) -> bool {
        self.counts_errors
    }

    /// Whether the broker keeps what devices tell of their presence: then it is known of all of them at once.
    pub const fn keeps_presence(&self) -> bool {
        self.keeps_presence
    }

    /// Attribute values, cohorts and campaigns that found no room; such values are counted as `(other)`.
    pub const fn overflowed(&self) -> u64 {
        self.overflowed + self.cohorts.refused + self.campaigns.refused
    }

    /// Devices in maintenance, suspended, decommissioned, cleared or worked on at this hour: heard, but neither counted nor
    /// missed.
    pub const fn suppressed(&self) -> u32 {
        self.suppressed - self.strangers
    }

    /// Names that were heard once and never again: they are not counted.
    pub const fn strangers(&self) -> u32 {
        self.strangers
    }

    /// The attribute values of a cohort, in the order of the schema; none where no device has one of them.
    pub fn values_of(&self, cohort: &CohortKey) -> Option<Vec<(usize, ValueIx)>> {
        let value = |(attribute, value): (&String, &String)| {
            let attribute = self.schema().find(attribute)?;
            Some((usize::from(attribute.0), self.dictionary(attribute).find(value)?))
        };
        let mut values: Vec<_> = cohort.0.iter().map(value).collect::<Option<_>>()?;
        // By name they come in another order.
        values.sort_unstable();
        Some(values)
    }

    /// The symptoms of a group, a bit each, that people have accepted as usual.
    pub fn accepted(&self, group: GroupIx) -> u32 {
        self.groups.get(group).accepted()
    }

    /// Says anew what is accepted as usual, a symptom a bit, of devices with these attribute values: from now on it is
    /// not counted.
    pub fn accept(&mut self, accepted: impl Fn(&Vector) -> u32) {
        self.groups.accept(accepted);
    }

    /// What is wrong with a device just now, a bit each, and is nothing that people have accepted as usual; nothing where
    /// it is left out of account.
    pub fn symptoms(&self, device: &Device) -> u32 {
        if device.has(Flag::Suppressed) { 0 } else { device.showing(self.minute()) & !self.accepted(device.group) }
    }

    pub fn vector(&self, group: GroupIx) -> &Vector {
        &self.groups.get(group).vector
    }

    /// Whether a device is more than a name that was heard once, and of which nothing is known.
    pub fn is_known(&self, device: &Device) -> bool {
        !device.was_heard_once() || self.vector(device.group).iter().any(|value| *value != ValueIx::UNKNOWN)
    }

    /// The name of a group's value of an attribute.
    pub fn value(&self, group: GroupIx, attribute: AttributeIx) -> &str {
        self.dictionary(attribute).name(self.vector(group)[usize::from(attribute.0)])
    }

    /// When a device was last heard; never, where only the broker's store has spoken of it.
    pub fn seen(&self, device: DeviceIx) -> Option<At> {
        let seen = self.devices.get(device).seen;
        (seen > 0).then(|| At::from_ms((self.epoch + i64::from(seen)) * 1000))
    }

    /// Tells whether our own link is up. Devices are silent only while somebody listens.
    pub fn listen(&mut self, up: bool, at: At) {
        let since = self.counted(at.second());
        if self.listening.is_some() != up {
            self.hush.begin();
        }
        self.listening = up.then(|| self.listening.unwrap_or(since));
    }

    /// A second as the table counts them.
    fn counted(&self, second: i64) -> u32 {
        (second - self.epoch).clamp(0, u32::MAX.into()) as u32
    }

    /// How long nobody at all has been heard though our own link is up, and the longest pause before, in seconds; none
    /// where somebody is heard as usual.
    pub fn hushed(&self) -> Option<(u32, u32)> {
        self.hush.lasts(self.now_s())
    }

    /// The running minute, as the devices' last crash is counted.
    pub fn minute(&self) -> u16 {
        // Zero is "never"; a wrap after six weeks could hide one crash of one device.
        let begun = self.second.div_euclid(60) - self.epoch.div_euclid(60);
        (begun % i64::from(u16::MAX)) as u16 + 1
    }

    /// Seconds since the fleet was first looked at, and one: what `seen` counts in.
    fn now_s(&self) -> u32 {
        (self.second - self.epoch) as u32
    }

    /// Seconds that a device has been silent while we listened.
    pub fn silent_s(&self, device: &Device) -> u32 {
        let now = self.now_s();
        self.listening.map_or(0, |since| now.saturating_sub(device.seen.max(since)))
    }

    /// Looks closer at one device, or at none.
    pub fn watch(&mut self, device: Option<&str>) {
        self.messages.watch(device.and_then(|id| self.devices.find(id)));
    }

    /// The name of a cohort.
    pub fn cohort_key(&self, key: &Key) -> CohortKey {
        let mut name = CohortKey::default();
        for (attribute, value) in key.grouping.attributes().zip(key.values) {
            name = name.and(self.schema().name(attribute), self.dictionary(attribute).name(value));
        }
        name
    }

    /// The followed cohort of that name, if there is one.
    pub fn cohort(&self, name: &CohortKey) -> Option<&Cohort> {
        let mut attributes = Vec::new();
        for attribute in name.0.keys() {
            attributes.push(self.schema().find(attribute)?);
        }
        let grouping = Grouping::by(&attributes)?;
        let mut values = [ValueIx::UNKNOWN; 2];
        for (slot, attribute) in grouping.attributes().enumerate() {
            values[slot] = self.dictionary(attribute).find(name.get(self.schema().name(attribute))?)?;
        }
        self.cohorts.find(&Key { grouping, values })
    }

    /// How many devices have these attribute values, and how many of them are neither connected nor excused, now; none
    /// where the fleet does not know one of the values. It goes over all groups.
    pub fn levels(&self, cohort: &CohortKey) -> Option<(u32, u32)> {
        let values = self.values_of(cohort)?;
        let own = self.groups.iter().filter(|(_, group)| values.iter().all(|(a, v)| group.vector[*a] == *v));
        Some(own.fold((0, 0), |(devices, away), (_, group)| {
            (devices + group.now[Signal::Devices as usize], away + group.away())
        }))
    }

    /// Starts a history for a pair of attributes that had none.
    pub fn follow(&mut self, grouping: Grouping) {
        if !matches!(grouping, Grouping::Pair(..)) || self.cohorts.follows(grouping) {
            return;
        }
        self.settle();
        if !self.cohorts.follow(grouping) {
            return;
        }
        let Self { groups, cohorts, .. } = self;
        groups.assign(|vector| cohorts.of(vector));
        for (_, group) in groups.iter() {
            for cohort in &group.cohorts {
                if cohorts.get(*cohort).key.grouping == grouping {
                    for signal in [Signal::Devices, Signal::Online, Signal::Updating] {
                        cohorts.add(*cohort, signal, group.now[signal as usize].into());
                    }
                }
            }
        }
    }

    fn settle(&mut self) {
        let Self { groups, cohorts, .. } = self;
        groups.settle(cohorts);
    }

    /// Lets time pass up to `now`: ends every second before it. Returns whether a second has ended.
    ///
    /// A gap of more than the history (a suspended laptop) starts the second count anew rather than fill it.
    pub fn advance(&mut self, now: At) -> bool {
        let target = now.second();
        if target <= self.second {
            return false;
        }
        if target - self.second > ASLEEP_S {
            // This machine was asleep, and nobody listened.
            self.listening = self.listening.map(|_| self.counted(target));
            self.hush.begin();
        }
        if target - self.second > limits::HISTORY_MINUTES as i64 * 60 {
            self.second = target - 1;
        }
        while self.second < target {
            let ends_minute = self.second.rem_euclid(60) == 59;
            if self.second.rem_euclid(10) == 9 {
                self.look_at_maintenance();
                self.look_around(ends_minute);
            }
            self.settle();
            self.cohorts.end_second(ends_minute);
            self.second += 1;
            if self.second.rem_euclid(habits::LOOK_S) == 0 {
                self.look_at_habits();
            }
        }
        true
    }

    /// Whether a device in the middle of an update has not come back for longer than `window_s`. One that is connected is
    /// there, however seldom it speaks; where devices do not tell that, it is one that speaks as often as it is known to.
    pub fn is_overdue(&self, device: &Device, window_s: u32) -> bool {
        let silent_s = self.silent_s(device);
        let is_usual = device.period_s > 0.0 && !symptoms::is_silent(device, silent_s as f32);
        let speaks = device.has(Flag::HasStatus) || is_usual;
        device.ota.in_flight() && !(device.has(Flag::Online) && speaks) && silent_s > window_s
    }

    /// Devices in flight in a campaign: those that are there, and those that have not come back within `window_s`.
    pub fn in_flight(&self, campaign: campaigns::CampaignIx, window_s: u32) -> (u32, u32) {
        let flying = self.flying().filter(|(_, device)| device.campaign == campaign.0);
        flying.fold((0, 0), |(there, overdue), (_, device)| match self.is_overdue(device, window_s) {
            false => (there + 1, overdue),
            true => (there, overdue + 1),
        })
    }

    /// Devices in flight in a campaign that are there, or may still come back within `window_s`.
    pub fn there_in_flight(&self, campaign: campaigns::CampaignIx, window_s: u32) -> impl Iterator<Item = DeviceIx> {
        let flying = self.flying().filter(move |(_, device)| device.campaign == campaign.0);
        flying.filter(move |(_, device)| !self.is_overdue(device, window_s)).map(|(ix, _)| ix)
    }

    /// Devices in flight of every campaign, by its place, that were heard once and have not come back within `window_s`.
    pub fn lost_in_flight(&self, window_s: u32) -> [u32; limits::CAMPAIGNS] {
        let mut lost = [0; limits::CAMPAIGNS];
        for (_, device) in self.flying().filter(|(_, device)| device.seen > 0) {
            if let Some(lost) = lost.get_mut(usize::from(device.campaign)) {
                *lost += u32::from(self.is_overdue(device, window_s));
            }
        }
        lost
    }

    fn flying(&self) -> impl Iterator<Item = (DeviceIx, &Device)> {
        self.devices.iter().filter(|(_, device)| device.ota.in_flight())
    }

    /// Devices on what a campaign brought, or on their way to it.
    pub fn devices_on(&self, campaign: campaigns::CampaignIx) -> impl Iterator<Item = DeviceIx> {
        let on = move |device: &Device| {
            device.campaign == campaign.0 && (device.ota.in_flight() || device.ota == OtaState::Succeeded)
        };
        self.devices.iter().filter(move |(_, device)| on(device)).map(|(ix, _)| ix)
    }

    /// Devices that have been given this firmware since the room opened.
    pub fn adopted(&self, firmware: &str) -> u32 {
        let value = self.schema().find("firmware").and_then(|attribute| self.dictionary(attribute).find(firmware));
        value.and_then(|value| self.adopted.get(&value)).copied().unwrap_or(0)
    }

    /// Devices that have started installing since the last call.
    pub fn take_started(&mut self) -> Vec<(campaigns::CampaignIx, DeviceIx)> {
        std::mem::take(&mut self.started)
    }
}

#[cfg(test)]
mod tests;
