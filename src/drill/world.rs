//! The simulated fleet: devices that boot, report, crash and are updated, in virtual time.
//!
//! [`World::advance`] lets time pass and returns what devices publish meanwhile, each message with its moment;
//! [`World::hear`] takes what was published to them. The same scenario, seed and messages give the same world.

mod access;
mod config;
mod desired;
mod faults;
mod firmware;
pub mod orders;
mod rollout;
mod telemetry;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use access::{Access, Asked};
use desired::Desired;
use rollout::Rollout;

use super::scenario::{Effect, FaultPlan, Scenario, Where};
use crate::domain::campaign::OtaState;
use crate::domain::time::At;
use crate::ingest::encode::{Address, Outgoing};

/// Seconds from a reboot for an update to being back, from and to.
const REBOOT_S: (f64, f64) = (8.0, 15.0);
/// Seconds that a healthy device is away when it loses its connection.
const CHURN_S: (f64, f64) = (20.0, 150.0);

/// A message with the moment it is published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    pub at: At,
    /// The device it is from, to keep the messages of one device in order; none for the controller of a campaign.
    pub device: Option<u32>,
    pub message: Outgoing,
}

/// A simulated device.
#[derive(Clone, Debug)]
struct Device {
    /// Values of the attributes, as indices into their lists.
    values: Vec<u16>,
    site: u16,
    online: bool,
    boots: u32,
    booted: At,
    seq: u32,
    errors: u32,
    battery: f64,
    queue: u32,
    temp_c: f64,
    /// Degrees by which its sensor has drifted.
    drift_c: f64,
    update: Update,
    access: Access,
}

/// Where a device stands in a rollout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Update {
    rollout: u8,
    wave: u8,
    state: OtaState,
}

/// Something that will happen to a device, or to a rollout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Plan {
    Telemetry(u32),
    /// Loses its connection for a while.
    Drop(u32),
    /// A fault (by its number) begins to hit devices.
    Befall(u16),
    /// A fault does something to a device, if it is still in this boot.
    Blow(u32, u16, u32),
    /// Comes back online.
    Return(u32, Back),
    /// Takes the next step of its update.
    Step(u32),
    /// Tries to take the old firmware back.
    RollBack(u32),
    BeginWave(u8, u8),
    /// The controller of a rollout reports.
    Report(u8),
    /// The controller of a rollout does what it was told.
    Obey(u8),
    /// The access control does what it was asked.
    Grant(u32),
    /// Takes up the configuration that is desired of it.
    Configure(u32),
    /// Takes up the firmware that is desired of it.
    Downgrade(u32),
}

/// How a device comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Back {
    Reconnected,
    Crashed,
    Restarted,
}

/// An attribute of the fleet: its name and values.
#[derive(Clone, Debug)]
struct Attribute {
    name: String,
    values: Vec<String>,
}

/// A running simulation.
#[derive(Debug)]
pub struct World {
    scenario: Scenario,
    attributes: Vec<Attribute>,
    firmware: usize,
    sites: Vec<String>,
    devices: Vec<Device>,
    rollouts: Vec<Rollout>,
    asked: BTreeMap<u32, Asked>,
    asked_so_far: u32,
    desired_config: Desired,
    desired_firmware: Desired,
    /// Devices that a fault has no more hold of.
    cured: BTreeSet<(u32, u16)>,
    plans: BinaryHeap<Reverse<(At, u64, Plan)>>,
    /// Numbers plans, so that those of one moment happen in the order they were made.
    planned: u64,
    random: fastrand::Rng,
    start: At,
    seed: u64,
    out: Vec<Published>,
}

impl World {
    /// The fleet at `start`, with `devices` instead of the scenario's own number where given.
    pub fn new(scenario: Scenario, seed: u64, devices: Option<u32>, start: At) -> Self {
        let mut attributes: Vec<Attribute> = scenario
            .fleet
            .attributes
            .iter()
            .map(|(name, values)| Attribute { name: name.get_ref().clone(), values: values.keys().cloned().collect() })
            .collect();
        let firmware = attributes.iter().position(|a| a.name == "firmware").unwrap_or(0);
        for (name, values) in scenario.fleet.given.iter().flat_map(|given| &given.attributes) {
            if let Some(attribute) = attributes.iter_mut().find(|a| a.name == *name.get_ref()) {
                let new = values.keys().filter(|value| !attribute.values.contains(value));
                let new: Vec<String> = new.cloned().collect();
                attribute.values.extend(new);
            }
        }
        for campaign in &scenario.campaigns {
            if !attributes[firmware].values.contains(&campaign.target) {
                attributes[firmware].values.push(campaign.target.clone());
            }
        }
        let rollouts = scenario.campaigns.iter().map(Rollout::new).collect();
        let mut world = Self {
            attributes,
            firmware,
            sites: Vec::new(),
            devices: Vec::new(),
            rollouts,
            asked: BTreeMap::new(),
            asked_so_far: 0,
            desired_config: Desired::default(),
            desired_firmware: Desired::default(),
            cured: BTreeSet::new(),
            plans: BinaryHeap::new(),
            planned: 0,
            random: fastrand::Rng::with_seed(seed),
            start,
            seed,
            out: Vec::new(),
            scenario,
        };
        world.found_sites();
        world.people(devices.unwrap_or(*world.scenario.fleet.devices.get_ref()), start);
        world.plan_rollouts(start);
        world.plan_faults();
        world
    }

    /// Lets something go wrong from now on that no script has.
    pub fn plant(&mut self, fault: FaultPlan, at: At) {
        let number = self.scenario.faults.len() as u16;
        self.scenario.faults.push(FaultPlan { at_s: at.since_s(self.start) as u32, ..fault });
        self.plan(at, Plan::Befall(number));
    }

    /// Whether the broker is there at all.
    pub fn has_broker(&self, at: At) -> bool {
        let faults = self.scenario.faults.iter().filter(|f| f.effect == Effect::BrokerDown && f.only.is_empty());
        !faults.into_iter().any(|fault| {
            let begins = self.start.plus_s(fault.at_s.into());
            *fault.share.get_ref() >= 1.0 && begins <= at && fault.for_s.is_none_or(|s| at < begins.plus_s(s.into()))
        })
    }

    /// What a broker holds that has come back with an empty store: the devices that are connected again.
    pub fn retained_anew(&mut self, at: At) -> Vec<Published> {
        for device in 0..self.devices() {
            if self.devices[device as usize].online {
                self.tell_online(device, at, "reconnect");
            }
        }
        for rollout in 0..self.rollouts.len() as u8 {
            self.report(rollout, at);
        }
        std::mem::take(&mut self.out)
    }

    /// Number of simulated devices.
    pub fn devices(&self) -> u32 {
        self.devices.len() as u32
    }

    pub const fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// What a broker holds before the drill begins: every device's status, every campaign's state.
    pub fn retained(&mut self, at: At) -> Vec<Published> {
        for device in 0..self.devices.len() as u32 {
            self.tell_online(device, at, "power-on");
        }
        for rollout in 0..self.rollouts.len() as u8 {
            self.report(rollout, at);
        }
        std::mem::take(&mut self.out)
    }

    /// Lets time pass up to `to`; what is published meanwhile is returned, in order.
    pub fn advance(&mut self, to: At) -> Vec<Published> {
        while let Some(Reverse((at, _, plan))) = self.plans.peek().copied() {
            if at > to {
                break;
            }
            self.plans.pop();
            self.happen(at, plan);
        }
        std::mem::take(&mut self.out)
    }

    fn happen(&mut self, at: At, plan: Plan) {
        match plan {
            Plan::Telemetry(device) => self.telemetry(device, at),
            Plan::Drop(device) => self.drop_out(device, at),
            Plan::Befall(fault) => self.befall(fault, at),
            Plan::Blow(device, fault, boots) => self.blow(device, fault, boots, at),
            Plan::Return(device, back) => self.come_back(device, back, at),
            Plan::Step(device) => self.step_update(device, at),
            Plan::RollBack(device) => self.roll_back(device, at),
            Plan::BeginWave(rollout, wave) => self.begin_wave(rollout, wave, at),
            Plan::Report(rollout) => self.report_on_change(rollout, at),
            Plan::Obey(rollout) => self.obey(rollout, at),
            Plan::Grant(number) => self.grant(number, at),
            Plan::Configure(device) => self.configure(device, at),
            Plan::Downgrade(device) => self.downgrade(device, at),
        }
    }

    fn plan(&mut self, at: At, plan: Plan) {
        self.planned += 1;
        self.plans.push(Reverse((at, self.planned, plan)));
    }

    fn after(&mut self, at: At, (from, to): (f64, f64), plan: Plan) {
        let ms = (from + (to - from) * self.random.f64()) * 1000.0;
        self.plan(at.plus_ms(ms as i64), plan);
    }

    /// Sites, shared out to the regions by their weights.
    fn found_sites(&mut self) {
        let regions = self.attributes.iter().position(|a| a.name == "region").unwrap_or(0);
        let weights = self.weights(regions);
        let mut numbers = vec![0; weights.len()];
        for _ in 0..*self.scenario.fleet.sites.get_ref() {
            let region = self.pick(&weights);
            numbers[region] += 1;
            let name = &self.attributes[regions].values[region];
            self.sites.push(format!("{name}-{:02}", numbers[region]));
        }
    }

    fn people(&mut self, n: u32, start: At) {
        let weights: Vec<Vec<f64>> = (0..self.attributes.len()).map(|attribute| self.weights(attribute)).collect();
        let period_ms = i64::from(*self.scenario.fleet.telemetry_s.get_ref()) * 1000;
        let regions: Vec<u16> = self.sites.iter().map(|site| self.region_of(site)).collect();
        for device in 0..n {
            let site = self.random.usize(..self.sites.len());
            let values = (0..self.attributes.len())
                .map(|attribute| match self.attributes[attribute].name.as_str() {
                    "region" => regions[site],
                    _ => self.pick(&weights[attribute]) as u16,
                })
                .collect();
            let booted = start.plus_s(-(self.random.i64(600..900_000)));
            self.devices.push(Device {
                values,
                site: site as u16,
                online: true,
                boots: self.random.u32(1..40),
                booted,
                seq: self.random.u32(100..100_000),
                errors: 0,
                battery: 0.3 + 0.7 * self.random.f64(),
                queue: 0,
                temp_c: 20.0,
                drift_c: 0.0,
                update: Update::default(),
                access: Access::default(),
            });
            self.depend(device);
            let first = self.random.i64(0..period_ms);
            self.plan(start.plus_ms(first), Plan::Telemetry(device));
            self.plan_churn(device, start);
        }
    }

    /// Draws anew what depends on other values of a device.
    fn depend(&mut self, device: u32) {
        for given in self.scenario.fleet.given.clone() {
            if !self.fits(device, &given.only) {
                continue;
            }
            for (name, weights) in given.attributes {
                let Some(slot) = self.attributes.iter().position(|a| a.name == *name.get_ref()) else { continue };
                let values = &self.attributes[slot].values;
                let weights: Vec<f64> = values.iter().map(|v| weights.get(v).copied().unwrap_or(0.0)).collect();
                self.devices[device as usize].values[slot] = self.pick(&weights) as u16;
            }
        }
    }

    fn weights(&self, attribute: usize) -> Vec<f64> {
        let Attribute { name, values } = &self.attributes[attribute];
        let plan = self.scenario.fleet.attributes.iter().find(|(known, _)| known.get_ref() == name);
        values.iter().map(|value| plan.and_then(|(_, weights)| weights.get(value)).copied().unwrap_or(0.0)).collect()
    }

    fn pick(&mut self, weights: &[f64]) -> usize {
        let mut left = self.random.f64() * weights.iter().sum::<f64>();
        let chosen = weights.iter().position(|weight| {
            left -= weight;
            left < 0.0
        });
        chosen.unwrap_or(0)
    }

    fn region_of(&self, site: &str) -> u16 {
        let regions = self.attributes.iter().find(|a| a.name == "region");
        let name = site.rsplit_once('-').map_or(site, |(region, _)| region);
        regions.and_then(|a| a.values.iter().position(|value| value == name)).unwrap_or(0) as u16
    }

    /// The next time a device loses its connection for no reason: rare, and memoryless.
    fn plan_churn(&mut self, device: u32, at: At) {
        let per_hour = self.scenario.fleet.churn_per_hour;
        if per_hour > 0.0 {
            let hours = -(1.0 - self.random.f64()).ln() / (per_hour * self.busyness(at));
            self.plan(at.plus_ms((hours * 3_600_000.0) as i64), Plan::Drop(device));
        }
    }

    /// How busy this hour is: 1 on average.
    fn busyness(&self, at: At) -> f64 {
        let hour = at.second().rem_euclid(86_400) as f64 / 3_600.0;
        // Fourteen o'clock is the busiest.
        let wave = ((hour - 8.0) / 24.0 * std::f64::consts::TAU).sin();
        (1.0 + self.scenario.fleet.daily_rhythm * wave).max(0.01)
    }

    fn fits(&self, device: u32, only: &Where) -> bool {
        only.iter().all(|(name, value)| self.value(device, name.get_ref()) == Some(value))
    }

    fn value(&self, device: u32, attribute: &str) -> Option<&str> {
        let device = &self.devices[device as usize];
        if attribute == "site" {
            return Some(&self.sites[usize::from(device.site)]);
        }
        let ix = self.attributes.iter().position(|a| a.name == attribute)?;
        Some(&self.attributes[ix].values[usize::from(device.values[ix])])
    }

    /// Says something as a device.
    fn say(&mut self, device: u32, at: At, message: impl FnOnce(Address<'_>, &Device) -> Outgoing) {
        let id = self.id(device);
        let state = &self.devices[device as usize];
        let address =
            Address { root: &self.scenario.fleet.root, site: &self.sites[usize::from(state.site)], device: &id };
        let message = message(address, state);
        self.publish(at, Some(device), message);
    }

    /// Publishes a message; where there is no broker, it is lost.
    fn publish(&mut self, at: At, device: Option<u32>, message: Outgoing) {
        if self.has_broker(at) {
            self.out.push(Published { at, device, message });
        }
    }

    /// Reports an event as a device; one in quarantine is not heard.
    fn report_event(&mut self, device: u32, at: At, kind: &str, code: &str, message: &str) {
        if !self.devices[device as usize].access.quarantined {
            self.say(device, at, |address, _| address.event(at, kind, code, message));
        }
    }

    fn id(&self, device: u32) -> String {
        format!("{}-{device:05}", self.scenario.fleet.prefix)
    }

    fn tell_online(&mut self, device: u32, at: At, reason: &str) {
        let values = self.devices[device as usize].values.clone();
        let attributes: Vec<(String, String)> = self
            .attributes
            .iter()
            .zip(values)
            .map(|(attribute, value)| (attribute.name.clone(), attribute.values[usize::from(value)].clone()))
            .collect();
        let borrowed: Vec<(&str, &str)> =
            attributes.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.say(device, at, |address, state| address.online(at, &borrowed, state.boots, reason));
    }

    fn go_offline(&mut self, device: u32, at: At) {
        self.devices[device as usize].online = false;
        self.say(device, at, |address, _| address.offline());
    }

    fn drop_out(&mut self, device: u32, at: At) {
        self.plan_churn(device, at);
        if self.devices[device as usize].online {
            self.go_offline(device, at);
            self.after(at, CHURN_S, Plan::Return(device, Back::Reconnected));
        }
    }

    /// Boots into a firmware.
    fn boot_into(&mut self, device: u32, firmware: u16, reason: &str, at: At) {
        let slot = self.firmware;
        let state = &mut self.devices[device as usize];
        state.values[slot] = firmware;
        state.online = true;
        state.boots += 1;
        state.booted = at;
        state.seq = 0;
        self.tell_online(device, at, reason);
        self.plan_blows(device, at);
        self.plan_config(device, at);
        self.plan_firmware(device, at);
    }
}

#[cfg(test)]
mod order_tests;
#[cfg(test)]
mod tests;
