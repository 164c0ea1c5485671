//! Messages in, observations out; good ones, bad ones, and whatever chance makes of them.

use proptest::prelude::*;

use super::*;
use crate::domain::campaign::OtaState;

fn now() -> At {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

fn take(topic: &str, payload: &[u8]) -> Batch {
    let ingest = Ingest::new(Router::standard("fleet").unwrap(), Schema::default());
    let mut batch = Batch::default();
    let arrival = Arrival { at: now(), topic: topic.as_bytes(), payload, retained: false, full_length: None };
    ingest.take(arrival, Some("watched"), &mut batch);
    batch
}

/// What a message becomes, in words.
fn told(topic: &str, payload: &[u8]) -> Vec<String> {
    let batch = take(topic, payload);
    let describe = |o: &crate::domain::observation::Observation| {
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
            Body::Suppressed(suppressed) => format!("suppressed {suppressed}"),
            Body::Broker(metric, value) => format!("broker {metric:?} {value}"),
            Body::Fault(fault) => fault.label().to_owned(),
        };
        if let Body::Fault(_) = o.body {
            return what;
        }
        let attributes: Vec<_> =
            batch.attributes(o).map(|(ix, value)| format!("{}={value}", Schema::default().name(ix))).collect();
        format!("{} {what} {}", text(o.device), attributes.join(" ")).trim().to_owned()
    };
    batch.iter().map(describe).collect()
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
        let ingest = Ingest::new(Router::standard("fleet").unwrap(), schema);
        let mut batch = Batch::default();
        let topic = b"fleet/a/d/telemetry";
        ingest.take(Arrival { at: now(), topic, payload, retained: false, full_length: None }, None, &mut batch);
        let values: Vec<_> = batch.iter().flat_map(|o| batch.values(o)).map(|(n, v)| format!("{n}={v}")).collect();
        assert_eq!(values.join(" "), expected);
    }
}

#[test]
fn the_documented_payloads_are_read() {
    let cases: [(&str, &str, &str); 9] = [
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
    assert!(told("fleet/a/d/status", b"").is_empty());
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

    #[test]
    fn no_json_harms(json in r#"\{("(ts|seq|battery|online|state|kind|wave|waves|device_id|firmware)":("[a-z]{0,3}"|-?[0-9]{1,20}|null|true|\[\]|\{\}),?){0,4}\}"#) {
        for leaf in ["status", "telemetry", "event", "ota", "config/reported"] {
            take(&format!("fleet/a/d/{leaf}"), json.as_bytes());
        }
        take("fleet/ota/c/state", json.as_bytes());
    }
}
