//! The fields of a standard payload, read in one pass and without copies.
//!
//! One visitor for every kind of message: it knows all the names, ignores what it does not know, and notices a name
//! that comes twice (a parser that keeps the last one would let a second `device_id` slip past the check of the first).

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

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
    let mut json = serde_json::Deserializer::from_str(text);
    let read = json.deserialize_any(FieldsVisitor { schema });
    let fields = read.and_then(|fields| json.end().map(|()| fields)).map_err(|error| blame(&error, text))?;
    match fields.fault {
        Some(fault) => Err(fault),
        None => Ok(fields),
    }
}

/// Which fault an error of the JSON reader stands for. The reader tells some of them apart in words only.
fn blame(error: &serde_json::Error, text: &str) -> Fault {
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

struct FieldsVisitor<'s> {
    schema: &'s Schema,
}

impl<'de> Visitor<'de> for FieldsVisitor<'_> {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with fields")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
        let mut fields = Fields::default();
        while let Some(key) = map.next_key::<Str<'de>>()? {
            fields.take(&key.0, &mut map, self.schema)?;
        }
        Ok(fields)
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
            "waves" => map.next_value::<Waves>().map(|waves| self.waves = waves.0),
            _ => {
                let name = match key {
                    "fw" => "firmware",
                    "hw" => "hardware",
                    name => name,
                };
                match schema.find(name) {
                    Some(attribute) => self.take_attribute(attribute, map),
                    None => map.next_value::<Ignored>().map(drop),
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

/// A value that nobody asked for. Unlike serde's own, it is read within the reader's limit on depth.
struct Ignored;

impl<'de> Deserialize<'de> for Ignored {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Ignored {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self, A::Error> {
        while seq.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self, A::Error> {
        while map.next_entry::<Self, Self>()?.is_some() {}
        Ok(self)
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
