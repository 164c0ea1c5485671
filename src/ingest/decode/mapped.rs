//! JSON with a fleet's own names: the configuration says where each of our fields stands in it.

use super::fields::{Fields, Str};
use super::tell::{cleared, counted, tell};
use super::walk::{Leaf, walk};
use super::{Message, name_within, presence};
use crate::domain::fault::Fault;
use crate::domain::observation::{AttributeIx, Batch};
use crate::fleet::attributes::Schema;
use crate::ingest::route::MessageKind;

/// Where our fields stand in somebody else's JSON.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mapping {
    entries: Vec<Entry>,
    /// Words for presence beyond the usual ones.
    online: Vec<String>,
    offline: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
struct Entry {
    path: String,
    target: Target,
    /// What a number is multiplied by: 0.001 makes volts of millivolts.
    scale: f64,
}

#[derive(Clone, Debug, PartialEq)]
enum Target {
    Field(&'static str),
    Attribute(AttributeIx),
    /// A measured value, under this name.
    Value(String),
}

/// The fields that the room has.
const FIELDS: [&str; 20] = [
    "device_id",
    "ts",
    "seq",
    "battery",
    "rssi",
    "errors",
    "queue",
    "uptime_s",
    "online",
    "boots",
    "boot_reason",
    "kind",
    "code",
    "message",
    "campaign",
    "wave",
    "state",
    "target",
    "version",
    "request_id",
];

impl Mapping {
    /// Adds a field of ours, a fleet's attribute or a measured value (`values.temp_c`), and its path in the payload.
    ///
    /// # Errors
    /// A sentence about the name, when it is none of these.
    pub fn add(&mut self, field: &str, path: &str, scale: f64, schema: &Schema) -> Result<(), String> {
        let target = if let Some(known) = FIELDS.iter().find(|known| **known == field) {
            Target::Field(known)
        } else if let Some(attribute) = schema.find(field) {
            Target::Attribute(attribute)
        } else if let Some(value) = field.strip_prefix("values.") {
            Target::Value(value.to_owned())
        } else {
            return Err(format!(
                "unknown field `{field}`; expected one of {}, an attribute ({}), or `values.` with a name",
                FIELDS.join(", "),
                schema.names().join(", ")
            ));
        };
        self.entries.push(Entry { path: path.to_owned(), target, scale });
        Ok(())
    }

    /// The same fields, with more words for presence.
    #[must_use]
    pub fn with_words(self, online: Vec<String>, offline: Vec<String>) -> Self {
        Self { online, offline, ..self }
    }

    /// Whether the payload says which device it is about.
    pub(in crate::ingest) fn names_device(&self) -> bool {
        self.entries.iter().any(|entry| entry.target == Target::Field("device_id"))
    }

    fn presence(&self, word: &str) -> Option<bool> {
        let is = |known: &[String]| known.iter().any(|known| known.eq_ignore_ascii_case(word.trim()));
        if is(&self.online) {
            Some(true)
        } else if is(&self.offline) {
            Some(false)
        } else {
            presence::word(word.as_bytes())
        }
    }
}

pub fn decode(message: &Message<'_>, mapping: &Mapping, schema: &Schema, batch: &mut Batch) {
    let payload = message.arrival.payload;
    if payload.is_empty() && matches!(message.kind, MessageKind::Status | MessageKind::CampaignState) {
        return cleared(message, batch);
    }
    if payload.is_empty() && message.arrival.retained {
        return;
    }
    // Presence comes bare where everything else is JSON: last wills are often written by hand.
    if message.kind == MessageKind::Status
        && let Some(online) = std::str::from_utf8(payload).ok().and_then(|word| mapping.presence(word))
    {
        return tell(message, &Fields::presence(online), schema, batch);
    }
    let read = read(message, mapping, schema, batch);
    counted(message, read, batch);
}

fn read(message: &Message<'_>, mapping: &Mapping, schema: &Schema, batch: &mut Batch) -> Result<(), Fault> {
    let payload = message.arrival.payload;
    let (mut fields, mut wrong) = (Fields::default(), None);
    walk(payload, &mut |path, leaf| {
        let mut mapped = false;
        for entry in mapping.entries.iter().filter(|entry| entry.path == path.as_str()) {
            mapped = true;
            if leaf != Leaf::Null {
                wrong = wrong.or(take(&mut fields, entry, leaf.clone(), mapping, schema).err());
            }
        }
        if !mapped {
            fields.measure_if_named(path.as_str(), leaf.number(), schema);
        }
    })?;
    wrong.map_or(Ok(()), Err)?;
    let Some(id) = fields.device_id.take() else {
        return if message.device.is_empty() { Err(Fault::BadShape) } else { told(message, &fields, schema, batch) };
    };
    if message.device.is_empty() {
        return told(&message.about(&name_within(&id.0, message.within)?), &fields, schema, batch);
    }
    if id.0 == message.device_as_sent { told(message, &fields, schema, batch) } else { Err(Fault::IdMismatch) }
}

fn told(message: &Message<'_>, fields: &Fields<'_>, schema: &Schema, batch: &mut Batch) -> Result<(), Fault> {
    tell(message, fields, schema, batch);
    Ok(())
}

fn take<'a>(
    fields: &mut Fields<'a>,
    entry: &Entry,
    leaf: Leaf<'a>,
    mapping: &Mapping,
    schema: &Schema,
) -> Result<(), Fault> {
    let number = leaf.number().map(|n| n * entry.scale).filter(|n| n.is_finite());
    match &entry.target {
        Target::Attribute(attribute) => fields.attribute(schema.name(*attribute), leaf.text(), schema),
        Target::Value(name) => fields.measure(name, number, schema),
        Target::Field("online") => fields.online = Some(online(&leaf, mapping)?),
        Target::Field("ts") => fields.stamp(leaf),
        Target::Field(field) => match *field {
            "battery" => fields.battery = Some(number.ok_or(Fault::BadType)?),
            "rssi" => fields.rssi = Some(number.ok_or(Fault::BadType)?),
            "errors" => fields.errors = Some(number.ok_or(Fault::BadType)?),
            "queue" => fields.queue = Some(number.ok_or(Fault::BadType)?),
            "uptime_s" => fields.uptime_s = Some(number.ok_or(Fault::BadType)?),
            "seq" => fields.seq = Some(whole(number)?),
            "boots" => fields.boots = Some(whole(number)?),
            "wave" => fields.wave = Some(u16::try_from(whole(number)?).map_err(|_| Fault::BadNumber)?),
            field => *text_field(fields, field) = Some(leaf.text().ok_or(Fault::BadType)?),
        },
    }
    Ok(())
}

fn text_field<'f, 'a>(fields: &'f mut Fields<'a>, field: &str) -> &'f mut Option<Str<'a>> {
    match field {
        "device_id" => &mut fields.device_id,
        "boot_reason" => &mut fields.boot_reason,
        "kind" => &mut fields.kind,
        "code" => &mut fields.code,
        "message" => &mut fields.message,
        "campaign" => &mut fields.campaign,
        "state" => &mut fields.state,
        "target" => &mut fields.to,
        "version" => &mut fields.version,
        _ => &mut fields.request_id,
    }
}

/// A counter, which must be a whole number that is held exactly.
fn whole(number: Option<f64>) -> Result<u64, Fault> {
    let number = number.ok_or(Fault::BadType)?;
    if number.fract() != 0.0 || number < 0.0 {
        return Err(Fault::BadType);
    }
    if number > (1u64 << 53) as f64 { Err(Fault::BadNumber) } else { Ok(number as u64) }
}

fn online(leaf: &Leaf<'_>, mapping: &Mapping) -> Result<bool, Fault> {
    match leaf {
        Leaf::Bool(told) => Ok(*told),
        Leaf::Number(n) => mapping.presence(&n.to_string()).ok_or(Fault::BadStatus),
        Leaf::Text(word) => mapping.presence(word).ok_or(Fault::BadStatus),
        Leaf::Null => Err(Fault::BadStatus),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::route::{Format, Route, Router};
    use crate::ingest::tests::{read_all, table_of};

    fn mapping() -> Mapping {
        let mut mapping = Mapping::default();
        let fields = [
            ("battery", "bat.mv", 0.001),
            ("rssi", "radio.0.dbm", 1.0),
            ("seq", "n", 1.0),
            ("online", "state", 1.0),
            ("firmware", "sys.fw", 1.0),
            ("ts", "at", 1.0),
            ("values.temp_c", "sensors.t", 0.1),
            ("kind", "what", 1.0),
            ("code", "err", 1.0),
        ];
        for (field, path, scale) in fields {
            mapping.add(field, path, scale, &Schema::default()).unwrap();
        }
        mapping.with_words(vec!["up".into()], vec!["2".into(), "asleep".into()])
    }

    fn router() -> Router {
        let kinds = [("data", MessageKind::Telemetry), ("status", MessageKind::Status), ("event", MessageKind::Event)];
        let route = |(leaf, kind)| {
            Route::parse(&format!("plant/{{site}}/{{device}}/{leaf}"), kind, Format::Json(Box::new(mapping()))).unwrap()
        };
        Router::new(kinds.map(route).into(), Vec::new())
    }

    #[test]
    fn fields_are_found_where_the_configuration_says() {
        table_of(
            &router,
            &[
                (
                    "plant/ams1/d1/data",
                    r#"{"bat":{"mv":3300},"radio":[{"dbm":"-71"}],"n":"412","sys":{"fw":3.2},"sensors":{"t":215},"x":1}"#,
                    &["d1 telemetry Some(412) Some(3) Some(-71) None site=ams1 firmware=3.2 temp_c:21.5"],
                ),
                (
                    "plant/ams1/d1/data",
                    r#"{"bat":{"mv":null},"n":null}"#,
                    &["d1 telemetry None None None None site=ams1"],
                ),
                ("plant/ams1/d1/status", r#"{"state":"UP"}"#, &["d1 status Some(true) None site=ams1"]),
                ("plant/ams1/d1/status", r#"{"state":2}"#, &["d1 status Some(false) None site=ams1"]),
                ("plant/ams1/d1/status", r#"{"state":true}"#, &["d1 status Some(true) None site=ams1"]),
                ("plant/ams1/d1/status", "asleep", &["d1 status Some(false) None site=ams1"]),
                ("plant/ams1/d1/status", "online", &["d1 status Some(true) None site=ams1"]),
                ("plant/ams1/d1/event", r#"{"what":"error","err":69}"#, &["d1 event Error 69 site=ams1"]),
                ("plant/ams1/d1/data", r#"{"n":1.5}"#, &["bad_type d1"]),
                ("plant/ams1/d1/data", r#"{"n":-1}"#, &["bad_type d1"]),
                ("plant/ams1/d1/data", r#"{"n":1e300}"#, &["bad_number d1"]),
                ("plant/ams1/d1/data", r#"{"bat":{"mv":"full"}}"#, &["bad_type d1"]),
                ("plant/ams1/d1/status", r#"{"state":"fine"}"#, &["bad_status d1"]),
                ("plant/ams1/d1/data", "21.5 C", &["bad_json d1"]),
            ],
        );
    }

    #[test]
    fn the_device_may_stand_in_the_payload() {
        let mut mapping = Mapping::default();
        mapping.add("device_id", "meta.sn", 1.0, &Schema::default()).unwrap();
        let format = Format::Json(Box::new(mapping));
        let bare = Route::parse("up/{any}", MessageKind::Telemetry, format.clone()).unwrap();
        let both = Route::parse("both/{device}", MessageKind::Telemetry, format).unwrap();
        let router = || Router::new(vec![bare.clone(), both.clone()], Vec::new());
        table_of(
            &router,
            &[
                ("up/gw", r#"{"meta":{"sn":"d-7"}}"#, &["d-7 telemetry None None None None"]),
                ("up/gw", r#"{"meta":{}}"#, &["bad_shape"]),
                ("both/d-7", r#"{"meta":{"sn":"d-8"}}"#, &["id_mismatch d-7"]),
            ],
        );
    }

    #[test]
    fn names_that_differ_within_a_site_only_carry_it() {
        let mut mapping = Mapping::default();
        mapping.add("device_id", "sn", 1.0, &Schema::default()).unwrap();
        let format = Format::Json(Box::new(mapping));
        let route = |topic: &str| Route::parse(topic, MessageKind::Telemetry, format.clone()).unwrap();
        let (bare, both) = (route("up/{site}"), route("both/{site}/{device}"));
        let router = || Router::new(vec![bare.clone(), both.clone()], Vec::new()).with_names_per_site().unwrap();
        table_of(
            &router,
            &[
                ("up/fra", r#"{"sn":"gw-1"}"#, &["fra/gw-1 telemetry None None None None site=fra"]),
                ("both/ams/gw-1", r#"{"sn":"gw-1"}"#, &["ams/gw-1 telemetry None None None None site=ams"]),
                ("both/ams/gw-1", r#"{"sn":"gw-2"}"#, &["id_mismatch ams/gw-1"]),
                ("both/ams/gw-1", "{", &["bad_json ams/gw-1"]),
            ],
        );
    }

    #[test]
    fn an_unknown_field_is_explained() {
        let told = Mapping::default().add("batery", "b", 1.0, &Schema::default()).unwrap_err();
        assert!(told.starts_with("unknown field `batery`; expected one of device_id, ts, seq,"), "{told}");
        assert!(told.contains("firmware"), "{told}");
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_harm(payload in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
            read_all(&router(), &["plant/a/d/data", "plant/a/d/status"], &payload);
        }

        #[test]
        fn no_json_harms(json in r#"\{("(bat|radio|n|state|sys|sensors|at|what)":("[a-z]{0,3}"|-?[0-9]{1,20}|null|true|\[[0-9]\]|\{"mv":"[0-9e.]{0,5}"\}),?){0,4}\}"#) {
            read_all(&router(), &["plant/a/d/data", "plant/a/d/status", "plant/a/d/event"], json.as_bytes());
        }
    }
}
