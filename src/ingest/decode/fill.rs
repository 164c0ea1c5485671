//! How the decoders of other people's formats fill in the fields.

use std::borrow::Cow;

use super::fields::{Fields, RawStamp, Str};
use super::walk::Leaf;
use crate::fleet::attributes::{Schema, measured_name};
use crate::limits;

impl<'a> Fields<'a> {
    /// An attribute, where the fleet has it and this message has not told it yet.
    pub fn attribute(&mut self, name: &str, value: Option<Str<'a>>, schema: &Schema) {
        let (Some(attribute), Some(value)) = (schema.find(name), value) else { return };
        if !value.0.is_empty() && self.attributes.iter().all(|(known, _)| *known != attribute) {
            self.attributes.push((attribute, value));
        }
    }

    /// The firmware's version, without what stands in parentheses behind it: the variant, the date or the hash of a build
    /// differs between devices of one version, and is in some messages of a device and not in others.
    pub fn version(&mut self, value: Option<Str<'a>>, schema: &Schema) {
        let plain = |Str(value): Str<'a>| {
            let length = value.find('(').map_or(value.len(), |at| value[..at].trim_end().len());
            match value {
                _ if length == 0 => Str(value),
                Cow::Borrowed(value) => Str(Cow::Borrowed(&value[..length])),
                Cow::Owned(value) => Str(Cow::Owned(value[..length].to_owned())),
            }
        };
        self.attribute("firmware", value.map(plain), schema);
    }

    /// A measured value, where it is followed.
    pub fn measure(&mut self, path: &str, value: Option<f64>, schema: &Schema) {
        let path = measured_name(path);
        let Some(value) = value.filter(|n| n.is_finite() && schema.measures(path)) else { return };
        if let Some((_, known)) = self.values.iter_mut().find(|(known, _)| known.0 == path) {
            *known = value;
        } else if self.values.len() < limits::KPIS {
            self.values.push((Str(Cow::Owned(path.to_owned())), value));
        }
    }

    /// A number that is rarely of interest: followed only where the configuration names it.
    pub fn measure_if_named(&mut self, path: &str, value: Option<f64>, schema: &Schema) {
        let name = measured_name(path);
        if schema.measures_in(name.split('.').next().unwrap_or(name)) {
            self.measure(path, value, schema);
        }
    }

    /// The device's own time.
    pub fn stamp(&mut self, leaf: Leaf<'a>) {
        self.ts = match leaf {
            Leaf::Number(n) => Some(RawStamp::Number(n)),
            Leaf::Text(text) => Some(RawStamp::Text(Str(text))),
            Leaf::Bool(_) | Leaf::Null => None,
        };
    }

    /// Something that happened: a kind as the standard format has it, and what it was in the device's own words.
    pub fn event(kind: &'static str, code: &'a str) -> Self {
        Self { kind: Some(Str(Cow::Borrowed(kind))), code: Some(Str(Cow::Borrowed(code))), ..Self::default() }
    }

    pub fn presence(online: bool) -> Self {
        Self { online: Some(online), ..Self::default() }
    }
}
