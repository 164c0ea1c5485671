//! The fields of a standard payload, read in one pass and without copies.
//!
//! One visitor for every kind of message: it knows all the names, ignores what it does not know, and notices a name
//! that comes twice (a parser that keeps the last one would let a second `device_id` slip past the check of the first).

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::domain::fault::Fault;
use crate::domain::observation::{AttributeIx, WavePlan};
use crate::fleet::attributes::Schema;
use crate::limits;

/// Integers up to here are exact in every JSON reader.
const EXACT: u64 = 1 << 53;

/// A string that borrows from the payload where it has no escapes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Str<'a>(pub Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Str<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Str<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text")
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Str<'de>, E> {
                Ok(Str(Cow::Borrowed(text)))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Str<'de>, E> {
                Ok(Str(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(V)
    }
}

/// A time stamp as it was written.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum RawStamp<'a> {
    Number(f64),
    Text(Str<'a>),
}

impl<'de: 'a, 'a> Deserialize<'de> for RawStamp<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = RawStamp<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time stamp")
            }

            fn visit_f64<E: de::Error>(self, n: f64) -> Result<RawStamp<'de>, E> {
                Ok(RawStamp::Number(n))
            }

            fn visit_u64<E: de::Error>(self, n: u64) -> Result<RawStamp<'de>, E> {
                Ok(RawStamp::Number(n as f64))
            }

            fn visit_i64<E: de::Error>(self, n: i64) -> Result<RawStamp<'de>, E> {
                Ok(RawStamp::Number(n as f64))
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<RawStamp<'de>, E> {
                Ok(RawStamp::Text(Str(Cow::Borrowed(text))))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<RawStamp<'de>, E> {
                Ok(RawStamp::Text(Str(Cow::Owned(text.to_owned()))))
            }
        }
        deserializer.deserialize_any(V)
    }
}

/// All that a standard payload may say.
#[derive(Debug, Default)]
pub(super) struct Fields<'a> {
    pub device_id: Option<Str<'a>>,
    pub ts: Option<RawStamp<'a>>,
    pub seq: Option<u64>,
    pub battery: Option<f64>,
    pub rssi: Option<f64>,
    pub errors: Option<f64>,
    pub queue: Option<f64>,
    pub uptime_s: Option<f64>,
    pub online: Option<bool>,
    pub boots: Option<u64>,
    pub boot_reason: Option<Str<'a>>,
    pub lifecycle: Option<Str<'a>>,
    pub kind: Option<Str<'a>>,
    pub code: Option<Str<'a>>,
    pub message: Option<Str<'a>>,
    pub campaign: Option<Str<'a>>,
    pub wave: Option<u16>,
    pub state: Option<Str<'a>>,
    pub to: Option<Str<'a>>,
    pub version: Option<Str<'a>>,
    pub action: Option<Str<'a>>,
    pub request_id: Option<Str<'a>>,
    pub waves: Vec<WavePlan>,
    /// Measured numbers, by their path without a leading `values.`.
    pub values: Vec<(Str<'a>, f64)>,
    /// Attribute values, at most one each.
    pub attributes: Vec<(AttributeIx, Str<'a>)>,
    /// What is wrong although the JSON is right.
    pub fault: Option<Fault>,
}

/// Reads the fields of a payload.
///
/// # Errors
/// The kind of fault that makes the payload unreadable.
pub(super) fn read<'a>(payload: &'a [u8], schema: &Schema) -> Result<Fields<'a>, Fault> {
    let text = std::str::from_utf8(payload).map_err(|_| Fault::BadUtf8)?;
    if is_too_deep(payload) {
        return Err(Fault::TooDeep);
    }
    let mut fields = Fields::default();
    let mut json = serde_json::Deserializer::from_str(text);
    let read = json.deserialize_any(FieldsVisitor { fields: &mut fields, schema });
    read.and_then(|()| json.end()).map_err(|error| blame(&error, text))?;
    match fields.fault {
        Some(fault) => Err(fault),
        None => Ok(fields),
    }
}

/// Whether brackets nest deeper than any sensible payload. The JSON reader skips what nobody asked for whatever its
/// depth.
pub(super) fn is_too_deep(payload: &[u8]) -> bool {
    // Nearly every payload is known to be shallow by the number of its brackets alone; sums of one byte let the
    // processor count many at once.
    let is_open = |byte: &u8| u8::from(matches!(byte, b'[' | b'{'));
    let opens: usize = payload.chunks(255).map(|chunk| usize::from(chunk.iter().map(is_open).sum::<u8>())).sum();
    opens > limits::JSON_DEPTH && depth(payload) > limits::JSON_DEPTH
}

/// How deep brackets nest outside of strings.
fn depth(json: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0usize, 0);
    let (mut in_string, mut escaped) = (false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Which fault an error of the JSON reader stands for. The reader tells some of them apart in words only.
pub(super) fn blame(error: &serde_json::Error, text: &str) -> Fault {
    let words = error.to_string();
    if words.starts_with("recursion limit") {
        Fault::TooDeep
    } else if words.starts_with("number out of range") {
        Fault::BadNumber
    } else if !error.is_data() {
        Fault::BadJson
    } else if text.trim_start().starts_with('{') {
        Fault::BadType
    } else {
        Fault::BadShape
    }
}

/// Fills in fields where they stand: they are too large to be handed from hand to hand.
struct FieldsVisitor<'s, 'de> {
    fields: &'s mut Fields<'de>,
    schema: &'s Schema,
}

impl<'de> Visitor<'de> for FieldsVisitor<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with fields")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Str<'de>>()? {
            self.fields.take(&key.0, &mut map, self.schema)?;
        }
        Ok(())
    }
}

impl<'de> Fields<'de> {
    fn take<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A, schema: &Schema) -> Result<(), A::Error> {
        let fault = &mut self.fault;
        match key {
            "device_id" => set(&mut self.device_id, fault, map),
            "ts" => set(&mut self.ts, fault, map),
            "seq" => set(&mut self.seq, fault, map),
            "battery" => set(&mut self.battery, fault, map),
            "rssi" => set(&mut self.rssi, fault, map),
            "errors" => set(&mut self.errors, fault, map),
            "queue" => set(&mut self.queue, fault, map),
            "uptime_s" => set(&mut self.uptime_s, fault, map),
            "online" => set(&mut self.online, fault, map),
            "boots" => set(&mut self.boots, fault, map),
            "boot_reason" => set(&mut self.boot_reason, fault, map),
            "lifecycle" => set(&mut self.lifecycle, fault, map),
            "kind" => set(&mut self.kind, fault, map),
            "code" => set(&mut self.code, fault, map),
            "message" => set(&mut self.message, fault, map),
            "campaign" => set(&mut self.campaign, fault, map),
            // Also a fleet's own attribute, where a device tells it by itself; here it is a campaign's.
            "wave" => set(&mut self.wave, fault, map),
            "state" => set(&mut self.state, fault, map),
            "to" | "target" => set(&mut self.to, fault, map),
            "version" => set(&mut self.version, fault, map),
            "action" => set(&mut self.action, fault, map),
            "request_id" => set(&mut self.request_id, fault, map),
            "values" => map.next_value_seed(Values { below: "", found: &mut self.values, schema }),
            "waves" => map.next_value::<Waves>().map(|waves| self.waves = waves.0),
            _ => {
                let name = match key {
                    "fw" => "firmware",
                    "hw" => "hardware",
                    name => name,
                };
                match schema.find(name) {
                    Some(attribute) => self.take_attribute(attribute, map),
                    None if schema.measures_in(key) => {
                        map.next_value_seed(Values { below: key, found: &mut self.values, schema })
                    }
                    None => map.next_value::<IgnoredAny>().map(drop),
                }
            }
        }
    }

    fn take_attribute<A: MapAccess<'de>>(&mut self, attribute: AttributeIx, map: &mut A) -> Result<(), A::Error> {
        if self.attributes.iter().any(|(known, _)| *known == attribute) {
            self.fault = Some(Fault::DuplicateKey);
        }
        if let Some(value) = map.next_value::<Option<Str<'de>>>()? {
            self.attributes.push((attribute, value));
        }
        Ok(())
    }

    /// A counter that must be exact.
    pub(super) fn exact(n: Option<u64>) -> Result<Option<u64>, Fault> {
        if n.is_some_and(|n| n > EXACT) { Err(Fault::BadNumber) } else { Ok(n) }
    }
}

fn set<'de, A: MapAccess<'de>, T: Deserialize<'de>>(
    field: &mut Option<T>,
    fault: &mut Option<Fault>,
    map: &mut A,
) -> Result<(), A::Error> {
    if field.is_some() {
        *fault = Some(Fault::DuplicateKey);
    }
    *field = map.next_value()?;
    Ok(())
}

/// `{"temp_c":4.1,"door":"open"}`: the numbers of it that are followed. What is no number is not measured.
struct Values<'v, 'de> {
    /// The field it stands in; empty for `values` itself.
    below: &'v str,
    found: &'v mut Vec<(Str<'de>, f64)>,
    schema: &'v Schema,
}

impl<'de> Values<'_, 'de> {
    fn take(&mut self, path: Str<'de>, value: f64) {
        if self.found.len() < limits::KPIS && self.schema.measures(&path.0) {
            self.found.push((path, value));
        }
    }

    /// A number that stands for itself at the top of the payload.
    fn take_bare(mut self, value: f64) {
        if !self.below.is_empty() {
            self.take(Str(Cow::Owned(self.below.to_owned())), value);
        }
    }
}

impl<'de> DeserializeSeed<'de> for Values<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Values<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("numbers")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<Str<'de>>()? {
            if let Number(Some(value)) = map.next_value()? {
                let path =
                    if self.below.is_empty() { name } else { Str(Cow::Owned(format!("{}.{}", self.below, name.0))) };
                self.take(path, value);
            }
        }
        Ok(())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<(), E> {
        self.take_bare(value);
        Ok(())
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<(), E> {
        self.take_bare(value as f64);
        Ok(())
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<(), E> {
        self.take_bare(value as f64);
        Ok(())
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        Ok(())
    }
}

/// A number, or none where there stands something else.
struct Number(Option<f64>);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Number;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_f64<E: de::Error>(self, n: f64) -> Result<Number, E> {
                Ok(Number(Some(n)))
            }

            fn visit_u64<E: de::Error>(self, n: u64) -> Result<Number, E> {
                Ok(Number(Some(n as f64)))
            }

            fn visit_i64<E: de::Error>(self, n: i64) -> Result<Number, E> {
                Ok(Number(Some(n as f64)))
            }

            fn visit_bool<E: de::Error>(self, _: bool) -> Result<Number, E> {
                Ok(Number(None))
            }

            fn visit_str<E: de::Error>(self, _: &str) -> Result<Number, E> {
                Ok(Number(None))
            }

            fn visit_unit<E: de::Error>(self) -> Result<Number, E> {
                Ok(Number(None))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Number, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Number(None))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Number, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Number(None))
            }
        }
        deserializer.deserialize_any(V)
    }
}

/// `[{"wave":1,"planned":100,"done":98,"failed":2}]`, as many as are followed.
struct Waves(Vec<WavePlan>);

impl<'de> Deserialize<'de> for Waves {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        struct Wave {
            wave: u16,
            #[serde(default)]
            planned: u32,
            #[serde(default)]
            done: u32,
            #[serde(default)]
            failed: u32,
        }
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Waves;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of waves")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Waves, A::Error> {
                let mut waves = Vec::new();
                while let Some(Wave { wave, planned, done, failed }) = seq.next_element()? {
                    if waves.len() < limits::WAVES {
                        waves.push(WavePlan { wave, planned, done, failed });
                    }
                }
                Ok(Waves(waves))
            }
        }
        deserializer.deserialize_seq(V)
    }
}
