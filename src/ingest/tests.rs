//! Messages in, observations out; good ones, bad ones, and whatever chance makes of them.

use proptest::prelude::*;

use super::*;
use crate::domain::campaign::OtaState;

fn now() -> At {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

fn take(topic: &str, payload: &[u8]) -> Batch {
    let mut ingest = Ingest::new(Router::standard("fleet").unwrap(), Schema::default());
    let mut batch = Batch::default();
    ingest.take(arrival(topic, payload), Some("watched"), &mut batch);
    batch
}

fn arrival<'a>(topic: &'a str, payload: &'a [u8]) -> Arrival<'a> {
    Arrival { at: now(), topic: topic.as_bytes(), payload, retained: false, full_length: None }
}

/// What a message becomes, in words.
fn told(topic: &str, payload: &[u8]) -> Vec<String> {
    let batch = take(topic, payload);
    batch.iter().map(|o| describe(&batch, o)).collect()
}

fn describe(batch: &Batch, o: &crate::domain::observation::Observation) -> String {
    let text = |t| batch.text(t);
    let what = match &o.body {
        Body::Status { online, boots, boot_reason, .. } => {
            format!("status {online:?} {boots:?} {}", text(*boot_reason))
        }
        Body::Telemetry(t) => format!("telemetry {:?} {:?} {:?} {:?}", t.seq, t.battery, t.rssi, t.errors),
        Body::Event { kind, code, message, .. } => format!("event {kind:?} {} {}", text(*code), text(*message)),
        Body::Ota { campaign, wave, state, target } => {
            format!("ota {} {wave:?} {state:?} {}", text(*campaign), text(*target))
        }
        Body::ConfigReported { request_id } => format!("config {}", text(*request_id)),
        Body::Campaign { campaign, state, waves, .. } => {
            format!("campaign {} {state} {}", text(*campaign), batch.waves(*waves).len())
        }
        Body::Control { campaign, action, request_id } => {
            format!("control {} {action:?} {}", text(*campaign), text(*request_id))
        }
        Body::Answer { request_id } => format!("answer {}", text(*request_id)),
        Body::Cleared => "cleared".into(),
        Body::CampaignCleared { campaign } => format!("cleared {}", text(*campaign)),
        Body::Suppressed(suppressed) => format!("suppressed {suppressed}"),
        Body::Broker(metric, value) => format!("broker {metric:?} {value}"),
        Body::Fault(fault) => return fault.label().to_owned(),
    };
    let attributes: Vec<_> =
        batch.attributes(o).map(|(ix, value)| format!("{}={value}", Schema::default().name(ix))).collect();
    format!("{} {what} {}", text(o.device), attributes.join(" ")).trim().to_owned()
}

/// What the decoders' tables hold: like [`describe`], with hearsay, measured values, and the device of a fault.
fn describe_all(batch: &Batch) -> Vec<String> {
    let describe = |o: &crate::domain::observation::Observation| {
        let (mut words, mut attributes) = (describe(batch, o), String::new());
        if let Some(at) = words.find('=').and_then(|at| words[..at].rfind(' ')) {
            attributes = words.split_off(at);
        }
        let device = if matches!(o.body, Body::Fault(_)) { batch.text(o.device) } else { "" };
        let hearsay = if o.hearsay { "hearsay" } else { "" };
        let values: Vec<_> = batch.values(o).map(|(name, value)| format!("{name}:{value}")).collect();
        let line = format!("{words} {device} {hearsay} {attributes} {}", values.join(" "));
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    batch.iter().map(describe).collect()
}

/// Messages of a preset, each to a decoder that knows nothing yet, and what becomes of them.
pub(super) fn table(preset: &str, rows: &[(&str, &str, &[&str])]) {
    table_of(&|| preset::router(preset, None).unwrap(), rows);
    no_cut_harms(preset, rows);
}

/// The same for other routes.
pub(super) fn table_of(router: &dyn Fn() -> Router, rows: &[(&str, &str, &[&str])]) {
    for (topic, payload, expected) in rows {
        sequence_of(router(), &[(topic, payload.as_bytes(), expected)]);
    }
}

/// Messages of a preset in their order, to one decoder, and what becomes of each.
pub(super) fn sequence(preset: &str, rows: &[(&str, &[u8], &[&str])]) {
    sequence_of(preset::router(preset, None).unwrap(), rows);
}

fn sequence_of(router: Router, rows: &[(&str, &[u8], &[&str])]) {
    let mut ingest = Ingest::new(router, Schema::default());
    for (topic, payload, expected) in rows {
        let mut batch = Batch::default();
        ingest.take(arrival(topic, payload), None, &mut batch);
        assert_eq!(describe_all(&batch), *expected, "{topic} {}", String::from_utf8_lossy(payload));
        check_safe(&batch);
    }
}

/// Takes a payload under each topic and checks that what comes out is bounded and safe to show.
pub(super) fn read_all(router: &Router, topics: &[&str], payload: &[u8]) {
    let mut ingest = Ingest::new(router.clone(), Schema::default());
    for topic in topics {
        let mut batch = Batch::default();
        ingest.take(arrival(topic, payload), Some("d"), &mut batch);
        check_safe(&batch);
    }
}

/// A real message that was cut short, or in which a byte was changed, is taken or counted.
fn no_cut_harms(preset: &str, rows: &[(&str, &str, &[&str])]) {
    let router = preset::router(preset, None).unwrap();
    for (topic, payload, _) in rows {
        for at in 0..payload.len() {
            read_all(&router, &[topic], &payload.as_bytes()[..at]);
            let mut changed = payload.as_bytes().to_vec();
            changed[at] ^= 0x1b;
            read_all(&router, &[topic], &changed);
        }
    }
}

/// Everything in a batch is printable, short, and no more than a message can say.
fn check_safe(batch: &Batch) {
    // A name that is cut has its real length behind it, and one that is escaped is longer than it was.
    let check = |text: &str, limit: usize| {
        assert!(!text.chars().any(char::is_control), "{text:?}");
        assert!(text.chars().count() <= limit + 32, "{text:?}");
    };
    assert!(batch.len() <= limits::DEVICES_PER_MESSAGE + limits::SPARKPLUG_ENTRIES_PER_NODE);
    for o in batch.iter() {
        check(batch.text(o.device), limits::DEVICE_ID);
        check(batch.text(o.topic), limits::SENTENCE);
        check(batch.text(o.raw), limits::PREVIEW * 12);
        batch.attributes(o).for_each(|(_, value)| check(value, limits::VALUE));
        batch.values(o).for_each(|(name, _)| check(name, limits::VALUE));
        assert!(batch.values(o).count() <= limits::KPIS);
        assert!(batch.values(o).all(|(_, value)| value.is_finite()));
        let words: &[_] = match &o.body {
            Body::Status { boot_reason, .. } => &[*boot_reason],
            Body::Event { code, message, .. } => &[*code, *message],
            Body::Ota { campaign, target, .. } | Body::Campaign { campaign, target, .. } => &[*campaign, *target],
            _ => &[],
        };
        words.iter().for_each(|word| check(batch.text(*word), limits::SENTENCE));
    }
}

#[test]
fn a_fault_names_its_device_where_the_topic_does() {
    for (topic, device) in [("fleet/a/d1/telemetry", "d1"), ("fleet/a/d1/nonsense", "")] {
        let batch = take(topic, b"{");
        let named: Vec<_> = batch.iter().map(|o| batch.text(o.device)).collect();
        assert_eq!(named, [device], "{topic}");
    }
}

#[test]
fn measured_values_are_the_numbers_that_are_followed() {
    let payload = br#"{"seq":1,"values":{"temp_c":4.1,"door":"open","deep":{"x":[1]},"n":null,"humidity":40},"gps":{"ttf_s":31}}"#;
    let plain = Schema::default();
    let gps = Schema::default().measuring(["gps.ttf_s", "values.humidity"]);
    for (schema, expected) in [(plain, "temp_c=4.1 humidity=40"), (gps, "humidity=40 gps.ttf_s=31")] {
        let mut ingest = Ingest::new(Router::standard("fleet").unwrap(), schema);
        let mut batch = Batch::default();
        ingest.take(arrival("fleet/a/d/telemetry", payload), None, &mut batch);
        let values: Vec<_> = batch.iter().flat_map(|o| batch.values(o)).map(|(n, v)| format!("{n}={v}")).collect();
        assert_eq!(values.join(" "), expected);
    }
}

#[test]
fn the_documented_payloads_are_read() {
    let cases: [(&str, &str, &str); 10] = [
        (
            "fleet/ams1/d1/status",
            r#"{"online":true,"ts":"2026-11-20T12:00:00Z","firmware":"3.2.4","hardware":"rev-B","region":"eu-west","carrier":"telenor","customer":"acme","config":"c-41","boots":17,"boot_reason":"power-on"}"#,
            "d1 status Some(true) Some(17) power-on site=ams1 firmware=3.2.4 hardware=rev-B region=eu-west carrier=telenor customer=acme config=c-41",
        ),
        ("fleet/ams1/d1/status", r#"{"online":false}"#, "d1 status Some(false) None  site=ams1"),
        (
            "fleet/ams1/d1/telemetry",
            r#"{"ts":"2026-11-20T12:00:00Z","seq":412,"battery":0.83,"rssi":-71,"errors":0,"queue":0,"uptime_s":312,"values":{"temp_c":4.1}}"#,
            "d1 telemetry Some(412) Some(83) Some(-71) Some(0) site=ams1",
        ),
        (
            "fleet/ams1/d1/event",
            r#"{"ts":1795176000,"kind":"error","code":"0x45","message":"stack"}"#,
            "d1 event Error 0x45 stack site=ams1",
        ),
        (
            "fleet/ams1/d1/ota",
            r#"{"campaign":"fw-3.2.5","wave":2,"state":"downloading","from":"3.2.4","to":"3.2.5"}"#,
            "d1 ota fw-3.2.5 Some(2) Downloading 3.2.5 site=ams1",
        ),
        (
            "fleet/ams1/d1/config/reported",
            r#"{"version":"c-42","request_id":"r1"}"#,
            "d1 config r1 site=ams1 config=c-42",
        ),
        ("fleet/ota/fw-3.2.5/control", r#"{"action":"halt","request_id":"r1"}"#, "control fw-3.2.5 Some(Halt) r1"),
        (
            "fleet/ota/fw-3.2.5/state",
            r#"{"state":"running","wave":2,"target":"3.2.5","waves":[{"wave":1,"planned":100,"done":98,"failed":2}]}"#,
            "campaign fw-3.2.5 running 1",
        ),
        ("fleet/ota/fw-3.2.5/state", "", "cleared fw-3.2.5"),
        (
            "fleet/ams1/d1/diagnostics/response",
            r#"{"request_id":"r1","chunk":1,"total_chunks":3}"#,
            "d1 answer r1 site=ams1",
        ),
    ];
    for (topic, payload, expected) in cases {
        assert_eq!(told(topic, payload.as_bytes()), [expected], "{payload}");
    }
}

#[test]
fn presence_comes_in_many_forms() {
    for (payload, online) in
        [("online", true), ("Offline", false), ("1", true), (r#"{"state":"online"}"#, true), ("lost\n", false)]
    {
        assert!(
            told("fleet/a/d/status", payload.as_bytes())[0].starts_with(&format!("d status Some({online})")),
            "{payload}"
        );
    }
    assert_eq!(told("fleet/a/d/status", br#"{"state":"fine"}"#), ["bad_status"]);
    assert_eq!(told("fleet/a/d/status", b""), ["d cleared"]);
    assert!(told("fleet/a/d/ota", b"").is_empty());
}

#[test]
fn bad_input_has_a_name_and_leaves_nothing_else_behind() {
    let deep = "[".repeat(100_000);
    let deep_field = format!(r#"{{"x":{}1{}}}"#, "[".repeat(200), "]".repeat(200));
    let digits = format!(r#"{{"seq":{}}}"#, "1".repeat(100_000));
    let cases: [(&[u8], &str); 19] = [
        (b"", "bad_json"),
        (b"null", "bad_shape"),
        (b"[1]", "bad_shape"),
        (b"\"x\"", "bad_shape"),
        (b"{", "bad_json"),
        (b"{} trailing", "bad_json"),
        (b"\xff\xfe", "bad_utf8"),
        (b"{\"a\":\"\x1b[2J\"}", "bad_json"),
        (br#"{"seq":18446744073709551615}"#, "bad_number"),
        (br#"{"battery":1e400}"#, "bad_number"),
        (digits.as_bytes(), "bad_number"),
        (deep.as_bytes(), "too_deep"),
        (deep_field.as_bytes(), "too_deep"),
        (br#"{"device_id":"d2"}"#, "id_mismatch"),
        (br#"{"device_id":"d","device_id":"d"}"#, "duplicate_key"),
        (br#"{"battery":"full"}"#, "bad_type"),
        (br#"{"ts":[1],"firmware":{"a":1}}"#, "bad_type"),
        (br#"{"seq":-1}"#, "bad_type"),
        (br#"{"firmware":"1","fw":"2"}"#, "duplicate_key"),
    ];
    for (payload, fault) in cases {
        assert_eq!(
            told("fleet/a/d/telemetry", payload),
            [fault],
            "{}",
            String::from_utf8_lossy(&payload[..payload.len().min(40)])
        );
    }
    assert_eq!(told("fleet/a/d/telemetry", &vec![b' '; limits::PAYLOAD + 1]), ["too_large"]);
    assert_eq!(told("fleet/a/d/ota", br#"{"campaign":"c","state":"dancing"}"#), ["bad_status"]);
}

#[test]
fn what_is_odd_but_usable_is_taken_and_counted() {
    let cases = [
        (r#"{"ts":0,"seq":1}"#, "bad_ts"),
        (r#"{"ts":"yesterday","seq":1}"#, "bad_ts"),
        (r#"{"ts":"2099-01-01T00:00:00Z","seq":1}"#, "future_ts"),
        (r#"{"ts":"2020-01-01T00:00:00Z","seq":1}"#, "old_ts"),
        (r#"{"battery":1e9,"seq":1}"#, "out_of_range"),
        (r#"{"errors":-4,"seq":1}"#, "out_of_range"),
    ];
    for (payload, fault) in cases {
        let told = told("fleet/a/d/telemetry", payload.as_bytes());
        assert_eq!(told[0], fault, "{payload}");
        assert!(told[1].starts_with("d telemetry Some(1) None"), "{payload}: {told:?}");
    }
}

#[test]
fn hostile_text_is_made_visible_on_its_way_in() {
    let told = told(
        "fleet/a/d\u{435}v-1/event",
        "{\"kind\":\"error\",\"code\":\"\\u001b[2J\",\"message\":\"fw-\u{202e}1\"}".as_bytes(),
    );
    assert_eq!(told, ["d\u{435}v-1<mixed> event Error ^[[2J fw-<U+202E>1 site=a"]);
}

#[test]
fn telemetry_is_kept_as_it_came_only_for_the_device_somebody_watches() {
    let raw = |device: &str| {
        let batch = take(&format!("fleet/a/{device}/telemetry"), br#"{"seq":1}"#);
        batch.iter().map(|o| batch.text(o.raw).to_owned()).collect::<Vec<_>>()
    };
    assert_eq!((raw("watched"), raw("other")), (vec![r#"{"seq":1}"#.into()], vec![String::new()]));
}

#[test]
fn what_is_written_is_what_is_read() {
    let address = encode::Address { root: "fleet", site: "ams1", device: "d1" };
    let send = |message: encode::Outgoing| told(&message.topic, &message.payload);
    assert_eq!(
        send(address.online(now(), &[("firmware", "3.2.4")], 3, "power-on")),
        ["d1 status Some(true) Some(3) power-on site=ams1 firmware=3.2.4"]
    );
    assert_eq!(send(address.offline()), ["d1 status Some(false) None  site=ams1"]);
    assert_eq!(
        send(address.telemetry(
            now(),
            encode::Reading {
                seq: 7,
                battery: 0.5,
                rssi: -70,
                errors: 1,
                queue: 0,
                uptime_s: 60,
                temp_c: 4.0,
                fix_s: 30.0
            }
        )),
        ["d1 telemetry Some(7) Some(50) Some(-70) Some(1) site=ams1"]
    );
    assert_eq!(
        send(address.ota(now(), "c", 1, OtaState::Installing, "1", "2")),
        ["d1 ota c Some(1) Installing 2 site=ams1"]
    );
}

proptest! {
    /// Whatever comes, it is read or counted, never a panic, and nothing unsafe comes out.
    #[test]
    fn no_bytes_harm(topic in "[a-z/{}]{0,40}|fleet/[^/]{1,4}/[^/]{1,4}/(status|telemetry|event|ota)", payload in proptest::collection::vec(any::<u8>(), 0..200)) {
        let batch = take(&topic, &payload);
        for observation in batch.iter() {
            let shown = [observation.topic, observation.raw, observation.device].map(|t| batch.text(t));
            prop_assert!(!shown.concat().chars().any(char::is_control));
        }
    }

    /// The same for every preset, below the topics that it reads.
    #[test]
    fn no_bytes_harm_a_preset(
        below in "[a-z]{1,4}(/[a-zA-Z$0-9]{1,6}){0,4}(/(LWT|SENSOR|INFO3|config|connected|disconnected|state|status|online|rpc|\\$state|\\$description|telemetry|attributes|completed|failed|availability|devices))?",
        payload in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..200),
            r#"[\[{]("[a-z.]{0,6}":)?("(\\\\u00[01][0-9a-f]|[a-z\u{202e}]){0,5}"|-?[0-9]{1,400}|null|true|\[\]|\{"[a-z]{1,3}":[0-9]\})?[\]}]"#.prop_map(String::into_bytes),
        ],
    ) {
        for preset in preset::names() {
            let router = preset::router(preset, None).unwrap();
            let topics: Vec<String> = router
                .subscriptions()
                .iter()
                .map(|filter| filter.replace('#', &below).replace('+', below.rsplit('/').next().unwrap_or("x")))
                .collect();
            read_all(&router, &topics.iter().map(String::as_str).collect::<Vec<_>>(), &payload);
        }
    }

    #[test]
    fn no_json_harms(json in r#"\{("(ts|seq|battery|online|state|kind|wave|waves|device_id|firmware)":("[a-z]{0,3}"|-?[0-9]{1,20}|null|true|\[\]|\{\}),?){0,4}\}"#) {
        for leaf in ["status", "telemetry", "event", "ota", "config/reported"] {
            take(&format!("fleet/a/d/{leaf}"), json.as_bytes());
        }
        take("fleet/ota/c/state", json.as_bytes());
    }
}
