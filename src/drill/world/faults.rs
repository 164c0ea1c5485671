//! Faults in the simulated world: whom they hit and when, and what they do by themselves.
//!
//! Whether a fault hits a device is a matter of the device's attributes, the fault's share and the time, and nothing is
//! remembered: a device that is updated into the bad firmware is hit as soon as it has it.

use super::{Back, Plan, World};
use crate::domain::time::At;
use crate::drill::scenario::{Effect, FaultPlan};

/// Seconds until a device that a fault keeps away tries again to come back.
const RETRY_S: (f64, f64) = (5.0, 15.0);
/// Seconds between two blows of a fault that does something again and again.
const STORM_UP_S: (f64, f64) = (6.0, 14.0);
const STORM_DOWN_S: (f64, f64) = (1.0, 4.0);
const FLAP_UP_S: (f64, f64) = (30.0, 90.0);
const FLAP_DOWN_S: (f64, f64) = (4.0, 12.0);
/// Seconds until a device that drifts does so.
const DRIFT_S: (f64, f64) = (0.0, 5.0);
const EVENT_S: (f64, f64) = (10.0, 30.0);

impl World {
    pub(super) fn plan_faults(&mut self) {
        for (n, fault) in self.scenario.faults.clone().iter().enumerate() {
            self.plan(self.start.plus_s(fault.at_s.into()), Plan::Befall(n as u16));
        }
    }

    /// A fault begins: each device that it may hit gets its first blow at its time within the ramp.
    pub(super) fn befall(&mut self, fault: u16, _at: At) {
        for device in 0..self.devices() {
            if let Some(hit) = self.hit_at(device, fault) {
                let boots = self.devices[device as usize].boots;
                self.plan(hit, Plan::Blow(device, fault, boots));
            }
        }
    }

    /// When a fault reaches a device as it is now; never, where it does not.
    fn hit_at(&self, device: u32, fault: u16) -> Option<At> {
        let plan = &self.scenario.faults[usize::from(fault)];
        if !self.fits(device, &plan.only) || self.lot(device, fault, 0) >= *plan.share.get_ref() {
            return None;
        }
        let delay_ms = f64::from(plan.ramp_s) * 1000.0 * self.lot(device, fault, 1);
        Some(self.start.plus_s(plan.at_s.into()).plus_ms(delay_ms as i64))
    }

    /// A number of 0..1 that is always the same for a device and a fault.
    pub(super) fn lot(&self, device: u32, fault: u16, n: u64) -> f64 {
        let seed = self.seed ^ (u64::from(device) << 20) ^ (u64::from(fault) << 2) ^ n;
        fastrand::Rng::with_seed(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)).f64()
    }

    /// Whether a fault is at work on a device.
    fn suffers(&self, device: u32, fault: u16, at: At) -> bool {
        if self.cured.contains(&(device, fault)) {
            return false;
        }
        let plan = &self.scenario.faults[usize::from(fault)];
        let update = self.devices[device as usize].update.state;
        if plan.after_update.as_ref().is_some_and(|state| state.get_ref() != update.name()) {
            return false;
        }
        let ends = plan.for_s.map(|s| self.start.plus_s((plan.at_s + s).into()));
        ends.is_none_or(|ends| at < ends) && self.hit_at(device, fault).is_some_and(|hit| hit <= at)
    }

    /// The first fault with this effect at work on a device.
    pub(super) fn suffering(&self, device: u32, effect: Effect, at: At) -> Option<&FaultPlan> {
        let faults = self.scenario.faults.iter().enumerate().filter(|(_, fault)| fault.effect == effect);
        faults.filter(|(n, _)| self.suffers(device, *n as u16, at)).map(|(_, fault)| fault).next()
    }

    /// After a boot or a return: faults that do something by themselves will do it again.
    pub(super) fn plan_blows(&mut self, device: u32, at: At) {
        self.blows(device, at).into_iter().for_each(|fault| self.plan_blow(device, fault, at));
    }

    /// The faults at work on a device that do something by themselves.
    pub(super) fn blows(&self, device: u32, at: At) -> Vec<u16> {
        let faults = 0..self.scenario.faults.len() as u16;
        faults.filter(|fault| self.blow_s(*fault).is_some() && self.suffers(device, *fault, at)).collect()
    }

    /// Faults that wait for an update to come so far.
    pub(super) fn blows_after_update(&mut self, device: u32, at: At) {
        let waits = |fault: &u16| self.scenario.faults[usize::from(*fault)].after_update.is_some();
        let faults: Vec<u16> = self.blows(device, at).into_iter().filter(waits).collect();
        faults.into_iter().for_each(|fault| self.plan_blow(device, fault, at));
    }

    pub(super) fn plan_blow(&mut self, device: u32, fault: u16, at: At) {
        let boots = self.devices[device as usize].boots;
        if let Some(after_s) = self.blow_s(fault) {
            self.after(at, after_s, Plan::Blow(device, fault, boots));
        }
    }

    /// Seconds from a boot to the first blow of a fault that does something by itself.
    fn blow_s(&self, fault: u16) -> Option<(f64, f64)> {
        let plan = &self.scenario.faults[usize::from(fault)];
        Some(match plan.effect {
            Effect::BootLoop => plan.up_s,
            Effect::ReconnectStorm => STORM_UP_S,
            Effect::LinkFlap => FLAP_UP_S,
            Effect::ConfigDrift => DRIFT_S,
            Effect::BrokerDown => (0.0, 0.0),
            Effect::Offline | Effect::CertificateExpiry => (0.5, 2.0),
            Effect::AuthFailure | Effect::Throttled | Effect::ErrorBurst => EVENT_S,
            _ => return None,
        })
    }

    /// Ends the faults that this mends in a device.
    pub(super) fn cure(&mut self, device: u32, by: &str, at: At) {
        for fault in 0..self.scenario.faults.len() as u16 {
            if self.scenario.faults[usize::from(fault)].cured_by.as_ref().is_some_and(|cure| cure.get_ref() == by)
                && self.suffers(device, fault, at)
            {
                self.cured.insert((device, fault));
            }
        }
    }

    /// A fault does something to a device.
    pub(super) fn blow(&mut self, device: u32, fault: u16, boots: u32, at: At) {
        let state = &self.devices[device as usize];
        if !state.online || state.boots != boots || !self.suffers(device, fault, at) {
            return;
        }
        let FaultPlan { effect, code, message, down_s, .. } = self.scenario.faults[usize::from(fault)].clone();
        let event = |world: &mut Self, kind: &str| {
            world.report_event(device, at, kind, &code, &message);
            world.after(at, EVENT_S, Plan::Blow(device, fault, boots));
        };
        match effect {
            Effect::BootLoop => {
                if !code.is_empty() {
                    self.report_event(device, at, "error", &code, &message);
                }
                self.go_offline(device, at);
                self.after(at, down_s, Plan::Return(device, Back::Crashed));
            }
            Effect::Offline | Effect::CertificateExpiry => {
                self.go_offline(device, at);
                self.after(at, RETRY_S, Plan::Return(device, Back::Reconnected));
            }
            Effect::BrokerDown => {
                // What is said on the way down is heard only where some of the broker is left.
                self.go_offline(device, at);
                self.after(at, RETRY_S, Plan::Return(device, Back::Reconnected));
            }
            Effect::LinkFlap => {
                self.go_offline(device, at);
                self.after(at, FLAP_DOWN_S, Plan::Return(device, Back::Reconnected));
            }
            Effect::ConfigDrift => {
                let to = self.scenario.faults[usize::from(fault)].to.clone();
                self.set_config(device, &to, at);
                self.say(device, at, |address, _| address.config_reported(&to, "", None));
            }
            Effect::ReconnectStorm => {
                self.go_offline(device, at);
                self.after(at, STORM_DOWN_S, Plan::Return(device, Back::Reconnected));
            }
            Effect::AuthFailure => event(self, "auth-failure"),
            Effect::Throttled => event(self, "throttled"),
            Effect::ErrorBurst => event(self, "error"),
            _ => {}
        }
    }

    pub(super) fn come_back(&mut self, device: u32, back: Back, at: At) {
        if self.devices[device as usize].online {
            return;
        }
        let gone = [Effect::Offline, Effect::BrokerDown];
        if gone.into_iter().any(|effect| self.suffering(device, effect, at).is_some()) {
            return self.after(at, RETRY_S, Plan::Return(device, back));
        }
        if let Some(reason) = self.barred(device, at) {
            return self.refuse(device, reason, back, at);
        }
        self.admit(device);
        let state = &mut self.devices[device as usize];
        state.online = true;
        if back != Back::Reconnected {
            state.boots += 1;
            state.booted = at;
            state.seq = 0;
        }
        let reason = match back {
            Back::Reconnected => "reconnect",
            Back::Crashed => "panic",
            Back::Restarted => "commanded",
        };
        self.tell_online(device, at, reason);
        self.plan_blows(device, at);
        self.plan_config(device, at);
        self.plan_firmware(device, at);
    }
}
