//! Attributes and their values, interned: a value is two bytes in a device's attribute vector.

use hashbrown::HashMap;

use crate::domain::cohort;
use crate::domain::observation::AttributeIx;
use crate::limits;

/// The attributes of this fleet, the most actionable first, and the values its devices measure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schema {
    names: Vec<String>,
    /// Paths in the payload of the values that are followed; where there are none, the first that come under `values`.
    measured: Vec<String>,
}

impl Default for Schema {
    fn default() -> Self {
        Self { names: cohort::ATTRIBUTES.map(str::to_owned).into(), measured: Vec::new() }
    }
}

impl Schema {
    /// The usual attributes and `extra` ones; more than [`limits::ATTRIBUTES`] in all are left out.
    pub fn with(extra: &[String]) -> Self {
        let mut schema = Self::default();
        for name in extra {
            if !schema.names.contains(name) && schema.names.len() < limits::ATTRIBUTES {
                schema.names.push(name.clone());
            }
        }
        schema
    }

    /// The same attributes, and these measured values, by their paths in the payload: `values.temp_c`, `gps.ttf_s`.
    #[must_use]
    pub fn measuring<'a>(mut self, paths: impl IntoIterator<Item = &'a str>) -> Self {
        self.measured = paths.into_iter().map(|path| measured_name(path).to_owned()).take(limits::KPIS).collect();
        self
    }

    /// Whether a field at the top of a payload is, or holds, a measured value.
    pub fn measures_in(&self, field: &str) -> bool {
        self.measured.iter().any(|path| path.split('.').next() == Some(field))
    }

    /// Whether the value at this path (without a leading `values.`) is followed.
    pub fn measures(&self, path: &str) -> bool {
        self.measured.is_empty() || self.measured.iter().any(|known| known == path)
    }

    pub fn names(&self) -> &[String] {
        &self.names
    }

    pub fn name(&self, attribute: AttributeIx) -> &str {
        &self.names[usize::from(attribute.0)]
    }

    pub fn find(&self, name: &str) -> Option<AttributeIx> {
        self.names.iter().position(|known| known == name).map(|ix| AttributeIx(ix as u8))
    }

    pub fn all(&self) -> impl Iterator<Item = AttributeIx> + use<> {
        (0..self.names.len() as u8).map(AttributeIx)
    }
}

/// What a measured value is called: its path, without the `values.` that most of them begin with.
pub fn measured_name(path: &str) -> &str {
    path.strip_prefix("values.").unwrap_or(path)
}

/// An interned value of one attribute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValueIx(pub u16);

impl ValueIx {
    /// Not told.
    pub const UNKNOWN: Self = Self(0);
    /// One of the values that found the dictionary full.
    pub const OTHER: Self = Self(1);
}

/// The values of one attribute.
#[derive(Debug)]
pub struct Dictionary {
    names: Vec<Box<str>>,
    index: HashMap<Box<str>, ValueIx>,
    /// Attribute vectors that hold each value. What nothing holds can make room for something new.
    uses: Vec<u32>,
    free: Vec<ValueIx>,
}

impl Default for Dictionary {
    fn default() -> Self {
        let mut dictionary = Self { names: Vec::new(), index: HashMap::new(), uses: Vec::new(), free: Vec::new() };
        for reserved in ["unknown", "(other)"] {
            dictionary.add(reserved);
        }
        dictionary
    }
}

impl Dictionary {
    pub fn name(&self, value: ValueIx) -> &str {
        &self.names[usize::from(value.0)]
    }

    pub fn find(&self, name: &str) -> Option<ValueIx> {
        self.index.get(name).copied()
    }

    /// The values that devices have.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().zip(&self.uses).skip(2).filter(|(_, uses)| **uses > 0).map(|(name, _)| name.as_ref())
    }

    /// The value called `name`, new if need be; none when the dictionary is full.
    pub fn intern(&mut self, name: &str) -> Option<ValueIx> {
        if let Some(known) = self.find(name) {
            return Some(known);
        }
        let full = self.names.len() >= limits::VALUES_PER_ATTRIBUTE && self.free.is_empty();
        (!full).then(|| self.add(name))
    }

    fn add(&mut self, name: &str) -> ValueIx {
        let value = self.free.pop().unwrap_or(ValueIx(self.names.len() as u16));
        let slot = usize::from(value.0);
        if slot == self.names.len() {
            self.names.push(name.into());
            self.uses.push(0);
        } else {
            self.names[slot] = name.into();
        }
        self.index.insert(name.into(), value);
        value
    }

    pub fn hold(&mut self, value: ValueIx) {
        self.uses[usize::from(value.0)] += 1;
    }

    pub fn release(&mut self, value: ValueIx) {
        self.uses[usize::from(value.0)] -= 1;
    }

    /// Forgets the values that no attribute vector holds, and says which they were.
    pub fn sweep(&mut self) -> Vec<ValueIx> {
        let mut swept = Vec::new();
        for slot in 2..self.names.len() {
            let value = ValueIx(slot as u16);
            if self.uses[slot] == 0 && self.index.get(&self.names[slot]) == Some(&value) {
                self.index.remove(&self.names[slot]);
                self.free.push(value);
                swept.push(value);
            }
        }
        swept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_bounded_and_unused_ones_make_room() {
        let mut dictionary = Dictionary::default();
        let held = dictionary.intern("3.2.4").unwrap();
        dictionary.hold(held);
        while dictionary.intern(&format!("junk-{}", dictionary.names.len())).is_some() {}
        assert_eq!(dictionary.names.len(), limits::VALUES_PER_ATTRIBUTE);
        assert_eq!(dictionary.intern("3.2.5"), None);
        assert_eq!(dictionary.sweep().len(), limits::VALUES_PER_ATTRIBUTE - 3);
        let new = dictionary.intern("3.2.5").unwrap();
        assert_eq!(dictionary.name(new), "3.2.5");
        assert_eq!(dictionary.find("3.2.4"), Some(held));
    }
}
