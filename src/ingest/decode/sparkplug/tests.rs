//! Births, data and deaths, in the order in which plants send them and in others.

use proptest::prelude::*;
use prost::Message as _;

use super::payload::{Metric, Payload};
use crate::ingest::tests::{read_all, sequence};

const NBIRTH: &str = "spBv1.0/plant/NBIRTH/gw1";
const NDATA: &str = "spBv1.0/plant/NDATA/gw1";
const NDEATH: &str = "spBv1.0/plant/NDEATH/gw1";
const DBIRTH: &str = "spBv1.0/plant/DBIRTH/gw1/pump";
const DDATA: &str = "spBv1.0/plant/DDATA/gw1/pump";
const DDEATH: &str = "spBv1.0/plant/DDEATH/gw1/pump";

fn metric(name: &str, alias: u64) -> Metric {
    Metric {
        name: (!name.is_empty()).then(|| name.to_owned()),
        alias: (alias > 0).then_some(alias),
        ..Metric::default()
    }
}

fn bd_seq(n: u64) -> Metric {
    Metric { long_value: Some(n), datatype: Some(4), ..metric("bdSeq", 0) }
}

fn text(name: &str, text: &str) -> Metric {
    Metric { string_value: Some(text.to_owned()), datatype: Some(12), ..metric(name, 0) }
}

fn payload(seq: Option<u64>, metrics: &[Metric]) -> Vec<u8> {
    Payload { timestamp: Some(1_795_176_000_000), metrics: metrics.to_vec(), seq }.encode_to_vec()
}

fn node_birth(session: u64) -> Vec<u8> {
    let metrics = [
        bd_seq(session),
        Metric { boolean_value: Some(false), ..metric("Node Control/Rebirth", 1) },
        text("Properties/Hardware Make", "Acme"),
        text("Properties/Hardware Model", "GW-2"),
        text("Properties/FirmwareVersion", "3.2.5"),
        Metric { double_value: Some(40.5), datatype: Some(10), ..metric("CPU/Temperature", 2) },
    ];
    payload(Some(0), &metrics)
}

fn device_birth(seq: u64) -> Vec<u8> {
    let metrics = [
        Metric { int_value: Some(-71i32 as u32), datatype: Some(3), ..metric("Radio/RSSI", 11) },
        Metric { float_value: Some(7.5), datatype: Some(9), ..metric("Flow", 12) },
        text("region", "eu-west"),
    ];
    payload(Some(seq), &metrics)
}

const BORN: &str = "plant/gw1 status Some(true) None site=plant hardware=GW-2 firmware=3.2.5 CPU/Temperature:40.5";
const PUMP_BORN: &str = "plant/gw1/pump status Some(true) None site=plant region=eu-west Flow:7.5";

#[test]
fn births_name_what_data_abbreviate() {
    let data = |seq| payload(Some(seq), &[Metric { double_value: Some(41.0), ..metric("", 2) }]);
    let radio = Metric { int_value: Some(-80i32 as u32), ..metric("", 11) };
    sequence(
        "sparkplug",
        &[
            (NBIRTH, &node_birth(0), &[BORN]),
            (NDATA, &data(1), &["plant/gw1 telemetry None None None None site=plant CPU/Temperature:41"]),
            (DBIRTH, &device_birth(2), &[PUMP_BORN]),
            (DDATA, &payload(Some(3), &[radio]), &["plant/gw1/pump telemetry None None Some(-80) None site=plant"]),
            (DDEATH, &payload(Some(4), &[]), &["plant/gw1/pump status Some(false) None site=plant"]),
            (NDATA, &data(5), &["plant/gw1 telemetry None None None None site=plant CPU/Temperature:41"]),
        ],
    );
}

#[test]
fn a_late_joiner_says_what_it_cannot_read() {
    let named = Metric { double_value: Some(1.5), ..metric("Level", 0) };
    let life = "plant/gw1 telemetry None None None None site=plant";
    sequence(
        "sparkplug",
        &[
            (NDATA, &payload(Some(7), &[metric("", 2)]), &["no_birth plant/gw1", "unknown_alias plant/gw1", life]),
            (NDATA, &payload(Some(8), &[named]), &["no_birth plant/gw1", &format!("{life} Level:1.5")]),
            (NBIRTH, &node_birth(3), &[BORN]),
            (NDATA, &payload(Some(1), &[metric("", 99)]), &["unknown_alias plant/gw1", life]),
            (
                DDATA,
                &payload(Some(2), &[]),
                &["no_birth plant/gw1/pump", "plant/gw1/pump telemetry None None None None site=plant"],
            ),
        ],
    );
}

#[test]
fn a_death_counts_for_its_own_session_and_for_everything_behind_the_node() {
    let death = |session| payload(None, &[bd_seq(session)]);
    let dead = "plant/gw1 status Some(false) None site=plant";
    sequence(
        "sparkplug",
        &[
            (NBIRTH, &node_birth(7), &[BORN]),
            (DBIRTH, &device_birth(1), &[PUMP_BORN]),
            (NDEATH, &death(6), &["stale_death plant/gw1"]),
            (NDEATH, &death(7), &[dead, "plant/gw1/pump status Some(false) None hearsay site=plant"]),
            // Heard without its birth, it may be any session's.
            (NDEATH, &death(1), &[dead]),
            (
                NDATA,
                &payload(Some(2), &[]),
                &["no_birth plant/gw1", "plant/gw1 telemetry None None None None site=plant"],
            ),
        ],
    );
}

#[test]
fn lost_messages_show_in_the_sequence() {
    let life = "plant/gw1 telemetry None None None None site=plant";
    let data = |seq| payload(Some(seq), &[]);
    sequence(
        "sparkplug",
        &[
            (NBIRTH, &node_birth(0), &[BORN]),
            (NDATA, &data(1), &[life]),
            (NDATA, &data(4), &["seq_gap plant/gw1", life]),
            (NDATA, &data(4), &["duplicate plant/gw1"]),
            (NDATA, &data(255), &["seq_gap plant/gw1", life]),
            (NDATA, &data(0), &[life]),
        ],
    );
}

#[test]
fn what_was_stored_shows_no_life() {
    let stored = Metric { double_value: Some(1.5), is_historical: Some(true), ..metric("Level", 0) };
    sequence(
        "sparkplug",
        &[
            (NBIRTH, &node_birth(0), &[BORN]),
            (NDATA, &payload(Some(1), &[stored]), &["plant/gw1 telemetry None None None None hearsay site=plant"]),
        ],
    );
}

#[test]
fn the_rest_is_taken_or_counted() {
    let not_a_number = Metric { double_value: Some(f64::NAN), ..metric("Level", 0) };
    let small = Metric { int_value: Some(0xff), datatype: Some(1), ..metric("Level", 0) };
    let large = Metric { long_value: Some(-2i64 as u64), datatype: Some(4), ..metric("Level", 0) };
    sequence(
        "sparkplug",
        &[
            (
                "spBv1.0/STATE/scada",
                br#"{"online":true,"timestamp":1668114759262}"#,
                &["STATE/scada status Some(true) None"],
            ),
            ("spBv1.0/STATE/scada", b"OFFLINE", &["STATE/scada status Some(false) None"]),
            ("spBv1.0/plant/NCMD/gw1", b"whatever", &[]),
            ("spBv1.0/plant/DCMD/gw1/pump", b"whatever", &[]),
            ("spBv1.0/plant/NDANCE/gw1", b"", &["bad_topic plant/gw1"]),
            ("spBv1.0/plant", b"", &["bad_topic"]),
            (NDATA, b"{}", &["bad_protobuf plant/gw1"]),
            (NBIRTH, &node_birth(0), &[BORN]),
            (NDATA, &payload(None, &[not_a_number]), &["plant/gw1 telemetry None None None None site=plant"]),
            (NDATA, &payload(None, &[small]), &["plant/gw1 telemetry None None None None site=plant Level:-1"]),
            (NDATA, &payload(None, &[large]), &["plant/gw1 telemetry None None None None site=plant Level:-2"]),
        ],
    );
}

const TOPICS: [&str; 6] = [NBIRTH, NDATA, NDEATH, DBIRTH, DDATA, DDEATH];

proptest! {
    #[test]
    fn no_bytes_harm(payload in proptest::collection::vec(any::<u8>(), 0..200)) {
        read_all(&crate::ingest::preset::router("sparkplug", None).unwrap(), &TOPICS, &payload);
    }

    #[test]
    fn no_change_in_a_birth_harms(at in 0usize..160, byte in any::<u8>()) {
        let mut birth = node_birth(7);
        let at = at % birth.len();
        birth[at] = byte;
        read_all(&crate::ingest::preset::router("sparkplug", None).unwrap(), &TOPICS, &birth);
    }
}
