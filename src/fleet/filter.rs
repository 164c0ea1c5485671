//! A filter made ready: names looked up once, then a bit for every group and a glance at every device.

use super::Fleet;
use super::attributes::ValueIx;
use super::devices::{Device, DeviceIx, Flag};
use super::groups::Vector;
use crate::domain::lens::{Condition, Filter};
use crate::domain::observation::AttributeIx;
use crate::domain::symptom::Symptom;

/// A filter against one fleet.
#[derive(Debug)]
pub struct Sieve {
    attributes: Vec<(AttributeIx, Option<ValueIx>, bool)>,
    online: Option<bool>,
    /// Symptoms, a bit each: a device must show one of every entry.
    unhealthy: Vec<u32>,
    names: Vec<String>,
}

impl Sieve {
    /// A value nobody has passes nothing (or, negated, everything).
    pub fn new(filter: &Filter, fleet: &Fleet) -> Self {
        let mut sieve = Self { attributes: Vec::new(), online: None, unhealthy: Vec::new(), names: Vec::new() };
        for condition in &filter.conditions {
            match condition {
                Condition::Attribute { attribute, value, negated } => {
                    if let Some(ix) = fleet.schema().find(attribute) {
                        sieve.attributes.push((ix, fleet.dictionary(ix).find(value), *negated));
                    }
                }
                Condition::Online(online) => sieve.online = Some(*online),
                Condition::Unhealthy(what) => sieve.unhealthy.push(what.map_or(u32::MAX, Symptom::bit)),
                Condition::Name(part) => sieve.names.push(part.clone()),
            }
        }
        sieve
    }

    /// Whether groups alone decide, so that no device need be looked at.
    pub fn is_by_group(&self) -> bool {
        self.online.is_none() && self.unhealthy.is_empty() && self.names.is_empty()
    }

    pub fn passes_group(&self, vector: &Vector) -> bool {
        self.attributes.iter().all(|(attribute, value, negated)| {
            let equal = value.is_some_and(|value| vector[usize::from(attribute.0)] == value);
            equal != *negated
        })
    }

    pub fn passes(&self, fleet: &Fleet, ix: DeviceIx, device: &Device) -> bool {
        self.online.is_none_or(|online| device.has(Flag::Online) == online)
            && self.passes_group(fleet.vector(device.group))
            && self.unhealthy.iter().all(|asked| fleet.symptoms(device) & asked != 0)
            && self.names.iter().all(|part| fleet.devices().id(ix).contains(part.as_str()))
    }
}
