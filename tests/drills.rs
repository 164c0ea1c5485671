//! Every shipped scenario, played in virtual time by the responders that come with it: what it expects is what happens,
//! the same seed gives the same bytes, and other seeds give the same outcome.

#![allow(clippy::unwrap_used)]

use assert_cmd::Command;
use serde_json::{Value, json};
use warroom::drill::scenario::{SHIPPED, Scenario};

/// Devices in a test; the scenario's own number is for people, and for the benchmark.
const DEVICES: &str = "2000";
const SEEDS: [u64; 4] = [1, 2, 3, 4];
/// Enough to see whether two runs are the same.
const FEW: &str = "300";

fn drill(arguments: &[&str]) -> assert_cmd::assert::Assert {
    let data = tempfile::tempdir().unwrap();
    let mut command = Command::cargo_bin("warroom").unwrap();
    command.env_remove("WARROOM_CONFIG").arg("--config").arg("/dev/null");
    command.arg("--data-dir").arg(data.path()).arg("drill").args(arguments).assert()
}

fn headless(scenario: &str, seed: u64, devices: &str) -> Vec<u8> {
    let seed = seed.to_string();
    let arguments = [scenario, "--headless", "--json", "--devices", devices, "--seed", &seed, "--responder", "shipped"];
    drill(&arguments).success().get_output().stdout.clone()
}

/// What was not as expected, a line each.
fn missed(told: &Value) -> Vec<String> {
    let planted = told["score"]["planted"].as_array().unwrap();
    let measures = planted.iter().flat_map(|planted| planted["measures"].as_array().unwrap());
    let missed = measures.filter(|measure| measure["met"] != true);
    let alarms = told["score"]["false_alarms"].as_array().unwrap();
    missed.chain(alarms).map(ToString::to_string).collect()
}

/// Plays a scenario twice with one seed, and once with each of the others.
fn plays_as_expected(scenario: &str) {
    let few = || headless(scenario, 1, FEW);
    assert!(few() == few(), "{scenario}: the same seed gave something else");
    for seed in SEEDS {
        let json = headless(scenario, seed, DEVICES);
        let told: Value = serde_json::from_slice(&json).unwrap();
        assert_eq!(told["scenario"], scenario);
        assert_eq!(missed(&told), [""; 0], "{scenario}, seed {seed}: {:#}", told["alerts"]);
        let refused: Vec<_> =
            told["acted"].as_array().unwrap().iter().filter(|acted| !acted["refused"].is_null()).collect();
        assert!(refused.is_empty(), "{scenario}, seed {seed}: {refused:?}");
    }
}

macro_rules! scenarios {
    ($($test:ident: $name:literal),* $(,)?) => {
        $(#[test]
        fn $test() {
            plays_as_expected($name);
        })*

        #[test]
        fn no_shipped_scenario_is_left_out() {
            let here = [$($name),*];
            assert_eq!(SHIPPED.iter().map(|(name, ..)| *name).collect::<Vec<_>>(), here);
        }
    };
}

scenarios! {
    bad_firmware: "bad-firmware",
    friday_deploy: "friday-deploy",
    regional_outage: "regional-outage",
    broker_outage: "broker-outage",
    data_corruption: "data-corruption",
    reconnect_storm: "reconnect-storm",
    cost_spike: "cost-spike",
    config_drift: "config-drift",
    certificate_expiry: "certificate-expiry",
    credential_leak: "credential-leak",
    cold_chain: "cold-chain",
    quiet_day: "quiet-day",
}

#[test]
fn two_causes_that_nobody_stops_stay_apart() {
    for seed in ["5", "6"] {
        let arguments = ["cold-chain", "--headless", "--json", "--devices", DEVICES, "--seed", seed];
        let json = drill(&arguments).get_output().stdout.clone();
        let told: Value = serde_json::from_slice(&json).unwrap();
        let cohorts = |alert: &Value| {
            let also = alert["also"].as_array().into_iter().flatten();
            let findings = std::iter::once(&alert["finding"]).chain(also);
            findings.map(|finding| finding["cohort"]["hardware"].to_string()).collect::<std::collections::BTreeSet<_>>()
        };
        let apart: Vec<_> = told["alerts"].as_array().unwrap().iter().map(cohorts).collect();
        let expected = ["\"rev-D\"", "\"rev-C\""].map(|hardware| [hardware.to_owned()].into());
        assert_eq!(apart, expected, "seed {seed}: {:#}", told["alerts"]);
        // To the end, when of those that failed all are away, and all others have left their firmware.
        let suspected = |incident: &Value| {
            let suspects = incident["suspects"].as_array().unwrap();
            suspects.iter().map(|suspect| suspect["cohort"].clone()).collect::<Vec<_>>()
        };
        let suspected: Vec<_> = told["incidents"].as_array().unwrap().iter().map(suspected).collect();
        let expected = [json!({"hardware": "rev-D"}), json!({"firmware": "4.1.0", "hardware": "rev-C"})];
        assert_eq!(suspected, expected.map(|cohort| vec![cohort]), "seed {seed}");
    }
}

#[test]
fn every_scenario_is_a_story_with_a_talk_afterwards() {
    for (name, _, _) in SHIPPED {
        let scenario = Scenario::find(name).unwrap().unwrap();
        assert!(scenario.story.len() > 100 && scenario.facilitator.len() > 100, "{name}");
        assert!(!scenario.injects.is_empty() && scenario.debrief.len() >= 2, "{name}");
        Scenario::responder(name).unwrap().unwrap();
    }
}

#[test]
fn a_scenario_with_mistakes_is_told_all_of_them_before_anything_begins() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("mine.toml");
    let source = SHIPPED[0].1.replace("boot-loop", "boot-lop").replace("share = 0.20", "share = 20");
    std::fs::write(&file, source).unwrap();
    let file = file.to_str().unwrap();
    let output = drill(&[file, "--headless"]).failure().code(2).get_output().stderr.clone();
    let told = String::from_utf8(output).unwrap();
    assert!(told.contains("2 mistakes:"), "{told}");
    assert!(told.contains("mine.toml:") && told.contains("did you mean `boot-loop`?"), "{told}");
    assert!(told.contains("a share lies between 0 and 1, and 20 does not"), "{told}");
}

#[test]
fn the_readmes_example_is_a_scenario_that_can_be_played() {
    let readme = include_str!("../README.md");
    let begin = readme.find("id = \"mine\"").unwrap();
    let source = &readme[begin..begin + readme[begin..].find("```").unwrap()];
    Scenario::read(source, "README.md").unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("mine.toml");
    std::fs::write(&file, source).unwrap();
    drill(&[file.to_str().unwrap(), "--headless", "--devices", "200"]).success();
}

#[test]
fn no_game_day_begins_where_production_is_or_where_it_would_take_down_anothers_broker() {
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("warroom.toml");
    std::fs::write(&config, "[broker]\nurl = \"mqtts://broker.example\"\nenvironment = \"prod\"\n").unwrap();
    let refused = |scenario: &str, broker: &str| {
        let mut command = Command::cargo_bin("warroom").unwrap();
        command.arg("--config").arg(&config).arg("--data-dir").arg(directory.path());
        let output = command.args(["drill", scenario, "--broker", broker]).assert().failure().code(2);
        String::from_utf8(output.get_output().stderr.clone()).unwrap()
    };
    let told = refused("bad-firmware", "mqtt://broker.example:1883");
    assert!(told.contains("is configured as prod, and no game day is played there"), "{told}");
    let told = refused("broker-outage", "mqtt://staging.example");
    assert!(told.contains("takes the broker down"), "{told}");
}
