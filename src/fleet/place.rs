//! Where a device belongs: its attribute values, and with them its group and cohorts.

use super::attributes::ValueIx;
use super::devices::{DeviceIx, Flag};
use super::groups::{GroupIx, Vector};
use super::{Fleet, limits};
use crate::domain::fault::Fault;
use crate::domain::observation::{AttributeIx, Batch, Observation};
use crate::domain::signal::Signal;

impl Fleet {
    pub(super) fn find_or_add(&mut self, id: &str) -> Option<DeviceIx> {
        if let Some(known) = self.devices.find(id) {
            return Some(known);
        }
        let group = self.group_of([ValueIx::UNKNOWN; limits::ATTRIBUTES]);
        let ix = self.devices.add(id, group, 0)?;
        self.groups.add_to(group, Signal::Devices, 1);
        Some(ix)
    }

    fn group_of(&mut self, vector: Vector) -> GroupIx {
        if let Some(known) = self.groups.find(&vector) {
            return known;
        }
        if self.groups.is_full() {
            // Its values may be so new that nothing holds them yet.
            self.hold(&vector);
            self.sweep();
            self.release(&vector);
        }
        let mut vector = vector;
        if self.groups.is_full() {
            self.overflowed += 1;
            vector = [ValueIx::OTHER; limits::ATTRIBUTES];
            if let Some(known) = self.groups.find(&vector) {
                return known;
            }
        }
        self.hold(&vector);
        let cohorts = self.cohorts.of(&vector);
        self.groups.add(vector, cohorts)
    }

    fn hold(&mut self, vector: &Vector) {
        self.dictionaries.iter_mut().zip(vector).for_each(|(dictionary, value)| dictionary.hold(*value));
    }

    fn release(&mut self, vector: &Vector) {
        self.dictionaries.iter_mut().zip(vector).for_each(|(dictionary, value)| dictionary.release(*value));
    }

    /// Makes room by forgetting groups without devices and the values that only they held, at most once a minute.
    fn sweep(&mut self) {
        if self.second - self.swept < 60 {
            return;
        }
        self.swept = self.second;
        self.settle();
        let left_out = self.devices.iter().filter(|(_, device)| device.has(Flag::Suppressed));
        let kept = left_out.map(|(_, device)| device.group).collect();
        for vector in self.groups.sweep(&kept) {
            for (dictionary, value) in self.dictionaries.iter_mut().zip(vector) {
                dictionary.release(value);
            }
        }
        for attribute in self.settings.schema.all() {
            let values = self.dictionaries[usize::from(attribute.0)].sweep();
            if !values.is_empty() {
                self.adopted.retain(|value, _| !values.contains(value));
                if self.settings.schema.name(attribute) == "firmware" {
                    self.moves.forget(&values);
                }
                self.cohorts.forget(attribute, &values);
            }
        }
    }

    /// Takes what a device says of itself. The firmware that it had, where it has another one now.
    pub(super) fn set_attributes(&mut self, ix: DeviceIx, batch: &Batch, observation: &Observation) -> Option<ValueIx> {
        let group = self.devices.get(ix).group;
        let mut vector = *self.vector(group);
        let (mut changed, mut elsewhere, mut left) = (false, false, None);
        for (attribute, name) in batch.attributes(observation) {
            let slot = usize::from(attribute.0);
            if self.dictionaries[slot].name(vector[slot]) != name {
                self.hold(&vector);
                let value = self.intern(attribute, name);
                self.release(&vector);
                // One of the many that found no place of their own, as before.
                if value == vector[slot] {
                    continue;
                }
                let was_known = vector[slot] != ValueIx::UNKNOWN;
                match self.schema().name(attribute) {
                    "firmware" if was_known => {
                        *self.adopted.entry(value).or_insert(0) += 1;
                        self.renew(ix);
                        left = Some(vector[slot]);
                    }
                    "firmware" | "config" | "wave" => {}
                    _ => elsewhere |= was_known,
                }
                vector[slot] = value;
                changed = true;
            }
        }
        if changed {
            self.move_to(ix, vector);
        }
        if elsewhere && self.devices.get_mut(ix).changes() {
            self.fault(batch, observation, Fault::SharedName);
        }
        left
    }

    pub(super) fn intern(&mut self, attribute: AttributeIx, name: &str) -> ValueIx {
        let slot = usize::from(attribute.0);
        if let Some(value) = self.dictionaries[slot].intern(name) {
            return value;
        }
        self.sweep();
        self.dictionaries[slot].intern(name).unwrap_or_else(|| {
            self.overflowed += 1;
            ValueIx::OTHER
        })
    }

    pub(super) fn move_to(&mut self, ix: DeviceIx, vector: Vector) {
        let to = self.group_of(vector);
        let device = self.devices.get_mut(ix);
        let from = std::mem::replace(&mut device.group, to);
        let (online, excused) = (device.has(Flag::Online), device.has(Flag::Excused));
        if device.has(Flag::Suppressed) {
            return;
        }
        for (group, n) in [(from, -1), (to, 1)] {
            self.groups.add_to(group, Signal::Devices, n);
            self.groups.add_to(group, Signal::Online, if online { n } else { 0 });
            self.groups.add_to(group, Signal::Updating, if excused { n } else { 0 });
        }
    }
}
