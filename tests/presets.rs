//! The presets for systems that cannot be had here, pulled by a whole room against a stub of their documented API: what
//! is asked, with which secret, and what is made of the answer.

#![allow(clippy::unwrap_used)]

mod support;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use support::live::{Live, Other, link, patient};
use support::stub::stub;
use warroom::domain::command::{Command, Confirmation, SwitchCommand};
use warroom::domain::switch::plan::{GateKind, Takes};
use warroom::domain::switch::template::Values;
use warroom::domain::switch::{Actuation, ActuationState, Scope, Switch};
use warroom::mqtt::Protocol;
use warroom::mqtt::broker::Broker;

/// Room seconds in a second of the test.
const SPEED: f64 = 20.0;

fn configured(preset: &str, with: &str) -> Switch {
    let secrets = ["emqx", "hawkbit", "mender"].map(|name| format!("[secrets.{name}]\nenv = 'X'\n")).concat();
    let source = format!("[[switch]]\npreset = '{preset}'\nwith = {{ {with} }}\n{secrets}");
    patient(&source, SPEED)
}

/// Pulls a switch on a campaign or a device that is there, and returns what became of it.
async fn pull(switch: Switch, parameters: &[(&str, &str)]) -> Actuation {
    let broker = Broker::start().await.unwrap();
    let data = tempfile::tempdir().unwrap();
    let options = link(broker.address().port(), Protocol::V3);
    let mut room = Live::open_at(options.clone(), data.path(), vec![switch.clone()], SPEED);
    room.up().await;
    let other = Other::connect(warroom::mqtt::LinkOptions { client_id: "device".into(), ..options }).await;
    other.say("fleet/ota/7/state", r#"{"state":"running","wave":1,"target":"2"}"#, true).await;
    other.say("fleet/a/d1/status", r#"{"online":false}"#, true).await;
    room.until("the campaign and the device", |s| (s.campaigns.len() == 1 && s.totals.devices == 1).then_some(()))
        .await;
    let scope = match switch.takes {
        Takes::Campaign => Scope::Campaign(Some("7".into())),
        Takes::Devices => Scope::Devices(vec!["d1".into()]),
    };
    let parameters: Values = parameters.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    let arm = SwitchCommand::Arm { switch: switch.id.clone(), scope, parameters };
    room.ask(Command::Switch(arm)).await.unwrap();
    let armed = room.until("the arming", |s| s.arming.as_ref().map(|a| (a.id, a.at, a.preview.word()))).await;
    let (arming, at, word) = armed;
    room.until("the guard to pass", |s| (s.at.since_ms(at) > 400 * SPEED as i64).then_some(())).await;
    room.ask(Command::Switch(SwitchCommand::Fire(Confirmation { arming, typed: word }))).await.unwrap();
    if switch.gate == GateKind::TwoPeople {
        let approval = room.until("the request", |s| s.requests.last().map(|request| request.approval)).await;
        let reason = "there is nobody else in this test".into();
        room.ask(Command::Switch(SwitchCommand::BreakGlass { approval, reason })).await.unwrap();
    }
    // The other system has stopped it; the campaign's own word follows where there is one.
    if switch.takes == Takes::Campaign {
        room.until("an answer", |s| {
            s.actuations
                .values()
                .find(|view| view.actuation.accepted.is_some() || view.actuation.state.is_final())
                .map(|_| ())
        })
        .await;
        other.say("fleet/ota/7/state", r#"{"state":"halted","wave":1,"target":"2"}"#, true).await;
    }
    let ended = room
        .until("the end", |s| s.actuations.values().find(|v| v.actuation.state.is_final()).map(|v| v.actuation.clone()))
        .await;
    room.station.close("done").await;
    (*ended).clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn emqx_bans_then_kicks_and_a_client_that_is_not_there_needs_no_kick() {
    let (url, asked) = stub(|first| if first.starts_with("DELETE") { (404, "{}".into()) } else { (200, "{}".into()) });
    let ended = pull(configured("emqx-ban", &format!("url = '{url}'")), &[]).await;
    assert_eq!(ended.state, ActuationState::Effective);
    let asked = asked.lock().unwrap().clone();
    assert_eq!(asked[0].0, "POST /api/v5/banned");
    assert_eq!(asked[0].1, "Basic c3R1Yg==");
    let body: serde_json::Value = serde_json::from_str(&asked[0].2).unwrap();
    assert_eq!((body["who"].as_str(), body["as"].as_str()), (Some("d1"), Some("clientid")));
    assert_eq!(body["reason"], ended.id.0.as_str(), "the vendor's own record points back here");
    assert!(body["until"].is_string(), "without it a ban ends after minutes");
    assert_eq!(asked[1].0, "DELETE /api/v5/clients/d1");
    assert_eq!(asked.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn hawkbit_is_asked_again_whether_it_really_paused() {
    for (status, halted) in [("paused", true), ("running", false)] {
        let (url, asked) = stub(move |first| match first.starts_with("GET") {
            true => (200, format!(r#"{{"id":7,"status":"{status}"}}"#)),
            false => (200, String::new()),
        });
        let ended = pull(configured("hawkbit-pause", &format!("url = '{url}'")), &[]).await;
        let asked: Vec<String> = asked.lock().unwrap().iter().map(|(first, ..)| first.clone()).collect();
        assert_eq!(asked, ["POST /rest/v1/rollouts/7/pause", "GET /rest/v1/rollouts/7"]);
        match halted {
            true => assert_eq!(ended.state, ActuationState::Effective),
            false => assert!(ended.words().contains("asked again it says"), "{}", ended.words()),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hawkbit_stops_and_mender_aborts() {
    let (url, asked) = stub(|first| match first.starts_with("GET") {
        true => (200, r#"{"status":"stopping"}"#.into()),
        false => (200, String::new()),
    });
    let ended = pull(configured("hawkbit-stop", &format!("url = '{url}'")), &[]).await;
    assert_eq!(ended.state, ActuationState::Effective);
    assert_eq!(asked.lock().unwrap()[0].0, "POST /rest/v1/rollouts/7/stop");

    let (url, asked) = stub(|first| match first.starts_with("GET") {
        true => (200, r#"{"status":"aborted"}"#.into()),
        false => (204, String::new()),
    });
    let ended = pull(configured("mender-abort", &format!("url = '{url}'")), &[]).await;
    assert_eq!(ended.state, ActuationState::Effective);
    let first = asked.lock().unwrap()[0].clone();
    assert_eq!(first.0, "PUT /api/management/v1/deployments/deployments/7/status");
    assert_eq!((first.1.as_str(), first.2.as_str()), ("Bearer c3R1Yg==", r#"{"status":"aborted"}"#));

    // What the server refuses has failed, and says why.
    let (url, _) = stub(|_| (409, r#"{"error":"deployment already finished"}"#.into()));
    let ended = pull(configured("mender-abort", &format!("url = '{url}'")), &[]).await;
    assert!(ended.words().contains("answered 409: {\"error\":\"deployment already finished\"}"), "{}", ended.words());
}

/// A stand-in for the `aws` program: it writes down what it was given, and answers as documented.
fn aws(directory: &Path, answer: &str) -> String {
    let program = directory.join("aws");
    let script = format!("#!/bin/sh\nprintf '%s\\n' \"$*\" >> {}/asked\nprintf '%s' '{answer}'\n", directory.display());
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    program.display().to_string()
}

fn with_program(mut switch: Switch, program: &str) -> Switch {
    for step in &mut switch.steps {
        if let warroom::domain::switch::plan::Template::Run(run) = &mut step.template {
            run.argv[0] = program.to_owned();
        }
    }
    switch
}

#[tokio::test(flavor = "multi_thread")]
async fn aws_cancels_a_job_and_deactivates_a_certificate_through_its_program() {
    let directory = tempfile::tempdir().unwrap();
    let program = aws(directory.path(), r#"{"jobId":"7"}"#);
    let ended = pull(with_program(configured("aws-job-cancel", ""), &program), &[]).await;
    assert_eq!(ended.state, ActuationState::Effective);
    let asked = std::fs::read_to_string(directory.path().join("asked")).unwrap();
    let expected = format!("iot cancel-job --job-id 7 --reason-code WARROOM --comment {} --output json\n", ended.id);
    assert_eq!(asked, expected);

    let directory = tempfile::tempdir().unwrap();
    let program = aws(directory.path(), "");
    let switch = with_program(configured("aws-certificate", ""), &program);
    let ended = pull(switch, &[("certificate", "abc123")]).await;
    assert_eq!(ended.state, ActuationState::Effective);
    let asked = std::fs::read_to_string(directory.path().join("asked")).unwrap();
    assert_eq!(asked, "iot update-certificate --certificate-id abc123 --new-status INACTIVE\n");

    // An answer that is none is no yes.
    let directory = tempfile::tempdir().unwrap();
    let program = aws(directory.path(), "Unable to locate credentials");
    let ended = pull(with_program(configured("aws-job-cancel", ""), &program), &[]).await;
    assert!(ended.words().contains("the answer is not JSON: Unable to locate credentials"), "{}", ended.words());
}
