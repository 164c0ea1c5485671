//! The room on real brokers: Debian's mosquitto, the embedded one, and some that misbehave.

#![allow(clippy::unwrap_used)]

mod support;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use support::live::{Live, Other, link};
use support::mosquitto::Mosquitto;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use warroom::domain::command::{Command, Confirmation, SwitchCommand};
use warroom::domain::input::LinkChange;
use warroom::domain::switch::template::Values;
use warroom::domain::switch::{ActuationState, Scope, SwitchId};
use warroom::engine::snapshot::Snapshot;
use warroom::mqtt::broker::Broker;
use warroom::mqtt::{Credentials, Delivery, Link, LinkEvent, LinkOptions, Protocol, Qos, Tls};

fn down(snapshot: &Snapshot) -> Option<String> {
    match &snapshot.link.state {
        LinkChange::Down { reason, .. } => Some(reason.clone()),
        _ => None,
    }
}

fn status(n: usize) -> String {
    serde_json::json!({ "online": !n.is_multiple_of(10), "firmware": "3.2.4", "hardware": "rev-B", "boots": 1 })
        .to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn retained_status_fills_the_fleet_in_either_version_of_the_protocol() {
    let directory = tempfile::tempdir().unwrap();
    // Mosquitto holds back what a client is slow to take; a fleet's worth of retained messages must get through.
    let broker = Mosquitto::start(directory.path(), "allow_anonymous true\nmax_queued_messages 0");
    let devices = Other::connect(link(broker.port, Protocol::V5)).await;
    for n in 0..2000 {
        devices.push(&format!("fleet/site-{}/d-{n:04}/status", n % 7), status(n), true).await;
    }
    devices.say("fleet/site-0/last/status", "online", true).await;
    for protocol in [Protocol::V3, Protocol::V5, Protocol::Auto] {
        let data = tempfile::tempdir().unwrap();
        let mut room = Live::open(link(broker.port, protocol), data.path());
        room.until("2001 devices", |s| (s.totals.devices == 2001).then_some(())).await;
        let online = room.until("online", |s| (s.totals.online > 0).then_some(s.totals.online)).await;
        assert_eq!(online, 1801, "{protocol:?}");
        // And what comes now is news.
        devices.say("fleet/site-1/d-0001/status", r#"{"online":false}"#, true).await;
        room.until("one less", |s| (s.totals.online == 1800).then_some(())).await;
        devices.say("fleet/site-1/d-0001/status", status(1), true).await;
        room.station.close("done").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_opens_and_a_wrong_one_is_told_in_words() {
    let directory = tempfile::tempdir().unwrap();
    let passwords = directory.path().join("passwords");
    std::fs::write(&passwords, "").unwrap();
    let made = std::process::Command::new("mosquitto_passwd")
        .args(["-b", &passwords.display().to_string(), "warroom", "right"])
        .status()
        .unwrap();
    assert!(made.success());
    // Mosquitto gives up its rights, and reads the file after that.
    std::fs::set_permissions(&passwords, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    std::fs::set_permissions(directory.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let broker =
        Mosquitto::start(directory.path(), &format!("allow_anonymous false\npassword_file {}", passwords.display()));
    let with = |password: &'static str, protocol| LinkOptions {
        credentials: Arc::new(move || Ok(Some(Credentials { user: "warroom".into(), password: password.into() }))),
        ..link(broker.port, protocol)
    };
    for protocol in [Protocol::V3, Protocol::V5] {
        let data = tempfile::tempdir().unwrap();
        let mut room = Live::open(with("right", protocol), data.path());
        room.up().await;
        room.station.close("done").await;
        let mut room = Live::open(with("wrong", protocol), data.path());
        let reason = room.until("the refusal", down).await;
        assert!(reason.contains("not authorized") || reason.contains("refused"), "{protocol:?}: {reason}");
        let retry = room.until("the retry", |s| match s.link.state {
            LinkChange::Down { retry_ms, .. } => Some(retry_ms),
            _ => None,
        });
        assert!(retry.await >= 30_000, "a closed door is not knocked on all the time");
        room.station.close("done").await;
    }
    let data = tempfile::tempdir().unwrap();
    let unreadable = LinkOptions {
        credentials: Arc::new(|| Err("others can read the password file x; run `chmod 600` on it".into())),
        ..link(broker.port, Protocol::V5)
    };
    let mut room = Live::open(unreadable, data.path());
    assert!(room.until("the secret's problem", down).await.contains("chmod 600"));
}

/// Certificates made for one test: a CA, a server signed by it for a name, and a client.
struct Certificates {
    ca: std::path::PathBuf,
    server: (std::path::PathBuf, std::path::PathBuf),
    client: (std::path::PathBuf, std::path::PathBuf),
}

fn certificates(directory: &Path, name: &str, server_name: &str, valid: bool) -> Certificates {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
    let write = |file: &str, text: String| {
        let path = directory.join(format!("{name}-{file}"));
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
        path
    };
    let ca_key = KeyPair::generate().unwrap();
    let mut ca_params = CertificateParams::new(Vec::new()).unwrap();
    ca_params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca_params.distinguished_name.push(rcgen::DnType::CommonName, format!("test CA {name}"));
    let ca_certificate = ca_params.self_signed(&ca_key).unwrap();
    let issuer = Issuer::new(ca_params, ca_key);
    let leaf = |subject: &str| {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![subject.to_owned()]).unwrap();
        params.distinguished_name.push(rcgen::DnType::CommonName, subject);
        if !valid {
            params.not_before = rcgen::date_time_ymd(2020, 1, 1);
            params.not_after = rcgen::date_time_ymd(2021, 1, 1);
        }
        (params.signed_by(&key, &issuer).unwrap().pem(), key.serialize_pem())
    };
    let (server, server_key) = leaf(server_name);
    let (client, client_key) = leaf("warroom");
    Certificates {
        ca: write("ca.pem", ca_certificate.pem()),
        server: (write("server.pem", server), write("server.key", server_key)),
        client: (write("client.pem", client), write("client.key", client_key)),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_is_spoken_and_each_thing_wrong_with_a_certificate_is_told_apart() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::set_permissions(directory.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let good = certificates(directory.path(), "good", "localhost", true);
    let other = certificates(directory.path(), "other", "localhost", true);
    let wrong_name = certificates(directory.path(), "name", "elsewhere.example", true);
    let expired = certificates(directory.path(), "expired", "localhost", false);
    let serve = |certificates: &Certificates, more: &str| {
        let lines = format!(
            "allow_anonymous true\ncafile {}\ncertfile {}\nkeyfile {}\n{more}",
            certificates.ca.display(),
            certificates.server.0.display(),
            certificates.server.1.display()
        );
        Mosquitto::start(directory.path(), &lines)
    };
    let tls = |broker: &Mosquitto, ca: &Path, client| LinkOptions {
        tls: Some(Tls { ca_file: Some(ca.to_owned()), client }),
        ..link(broker.port, Protocol::V5)
    };
    let data = tempfile::tempdir().unwrap();

    let broker = serve(&good, "");
    let mut room = Live::open(tls(&broker, &good.ca, None), data.path());
    room.up().await;
    room.station.close("done").await;

    let mutual = serve(&good, "require_certificate true");
    let mut room = Live::open(tls(&mutual, &good.ca, Some(good.client.clone())), data.path());
    room.up().await;
    room.station.close("done").await;

    let named = serve(&wrong_name, "");
    let old = serve(&expired, "");
    let plain = Mosquitto::open(directory.path());
    let missing = directory.path().join("missing.pem");
    let cases = [
        (tls(&broker, &other.ca, None), "an issuer that is not trusted"),
        (tls(&named, &wrong_name.ca, None), "the certificate is not for localhost"),
        (tls(&old, &expired.ca, None), "the certificate of localhost has expired"),
        (tls(&mutual, &good.ca, None), "does not take our certificate"),
        (tls(&broker, &missing, None), "missing.pem cannot be read"),
        (tls(&plain, &good.ca, None), "no TLS with localhost"),
    ];
    for (options, expected) in cases {
        let mut room = Live::open(options, data.path());
        let reason = room.until("the reason", down).await;
        assert!(reason.contains(expected), "{expected}: {reason}");
        room.station.close("done").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_killed_and_comes_back_is_found_again_and_the_data_stays() {
    let directory = tempfile::tempdir().unwrap();
    let mut broker = Mosquitto::open(directory.path());
    let data = tempfile::tempdir().unwrap();
    let mut room = Live::open(link(broker.port, Protocol::Auto), data.path());
    room.up().await;
    let devices = Other::connect(link(broker.port, Protocol::V3)).await;
    devices.say("fleet/a/d1/status", status(1), true).await;
    room.until("the device", |s| (s.totals.online == 1).then_some(())).await;

    broker.kill();
    let reason = room.until("the loss", down).await;
    assert!(!reason.is_empty());
    let kept = room.snapshots.borrow().totals;
    assert_eq!((kept.devices, kept.online), (1, 1), "what was known is still on the screen");

    broker.restart();
    room.up().await;
    let devices = Other::connect(link(broker.port, Protocol::V3)).await;
    devices.say("fleet/a/d2/status", status(2), true).await;
    room.until("the subscription is there again", |s| (s.totals.devices == 2).then_some(())).await;
    room.station.close("done").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_not_there_is_said_so_and_tried_again() {
    let data = tempfile::tempdir().unwrap();
    let port = support::mosquitto::free_port();
    let mut room = Live::open(link(port, Protocol::Auto), data.path());
    let reason = room.until("the reason", down).await;
    assert!(reason.contains(&format!("nothing listens on localhost:{port}")), "{reason}");
    room.until("another attempt", |s| matches!(s.link.state, LinkChange::Connecting { attempt: 2.. }).then_some(()))
        .await;
    room.station.close("done").await;
    let unknown = LinkOptions { host: "no-such-host.invalid".into(), ..link(port, Protocol::Auto) };
    let mut room = Live::open(unknown, data.path());
    assert!(room.until("the reason", down).await.contains("is not known by name"));
}

/// What follows the fixed header of the next packet; short packets only.
async fn packet(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut header = [0; 2];
    stream.read_exact(&mut header).await?;
    let mut rest = vec![0; header[1].into()];
    stream.read_exact(&mut rest).await?;
    Ok(rest)
}

/// A broker that lets one client in and answers its subscription with this code, or not at all.
async fn answering(v5: bool, code: Option<u8>) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        packet(&mut stream).await.unwrap();
        stream.write_all(if v5 { &[0x20, 3, 0, 0, 0][..] } else { &[0x20, 2, 0, 0] }).await.unwrap();
        let subscribe = packet(&mut stream).await.unwrap();
        let id = [subscribe[0], subscribe[1]];
        if let Some(code) = code {
            let answer = if v5 { vec![0x90, 4, id[0], id[1], 0, code] } else { vec![0x90, 3, id[0], id[1], code] };
            stream.write_all(&answer).await.unwrap();
        }
        while packet(&mut stream).await.is_ok() {
            // It is alive: pings are answered.
            stream.write_all(&[0xd0, 0]).await.unwrap();
        }
    });
    port
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_subscription_is_shown_as_blindness_with_its_reason() {
    for (protocol, code, expected) in [(Protocol::V3, 0x80, "0x80"), (Protocol::V5, 0x87, "not authorized (0x87)")] {
        let data = tempfile::tempdir().unwrap();
        let port = answering(protocol == Protocol::V5, Some(code)).await;
        let mut room = Live::open(LinkOptions { host: "127.0.0.1".into(), ..link(port, protocol) }, data.path());
        let (filter, reason) = room.until("the blindness", |s| s.link.blind.first().cloned()).await;
        assert_eq!(filter, "fleet/#");
        assert!(reason.contains(expected), "{reason}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_does_not_hear_yet_is_not_up_and_says_nothing() {
    let port = answering(true, None).await;
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let options = LinkOptions { host: "127.0.0.1".into(), ..link(port, Protocol::V5) };
    let link = Link::start(options, move |event| drop(tell.send(event)));
    let outbox = link.outbox();
    let early = outbox.deliver("fleet/ota".into(), b"halt".to_vec(), false, Duration::from_secs(60));
    let end = async {
        loop {
            match told.recv().await.unwrap() {
                LinkEvent::Up => return "up".to_owned(),
                LinkEvent::Down { reason, .. } => return reason,
                _ => {}
            }
        }
    };
    tokio::select! {
        delivery = early => panic!("nobody would have heard the answer: {delivery:?}"),
        end = end => assert_eq!(end, "the broker does not confirm the subscription"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_oversized_retained_message_does_not_blind_the_room() {
    let directory = tempfile::tempdir().unwrap();
    let broker = Mosquitto::open(directory.path());
    let devices = Other::connect(link(broker.port, Protocol::V5)).await;
    broker.retain("fleet/a/big/telemetry", &[b'x'; 1024 * 1024]);
    for protocol in [Protocol::V3, Protocol::V5] {
        let data = tempfile::tempdir().unwrap();
        let mut room = Live::open(link(broker.port, protocol), data.path());
        let sample = room.until("the sample", |s| s.samples.first().cloned()).await;
        assert_eq!(
            (sample.fault.label(), sample.topic.as_str(), sample.bytes),
            ("too_large", "fleet/a/big/telemetry", 1024 * 1024)
        );
        devices.say("fleet/a/d1/status", status(1), true).await;
        room.until("the others", |s| (s.totals.devices == 1).then_some(())).await;
        assert!(room.snapshots.borrow().link.is_up());
        room.station.close("done").await;
    }
}

/// Answers a halt as the controller of a campaign does, and lets the device in flight finish.
async fn controller(mut other: Other) {
    let order = other.hear("fleet/ota/fw-1/control").await;
    assert_eq!(order["action"], "halt");
    let answer = serde_json::json!({ "state": "halted", "wave": 1, "target": "2", "request_id": order["request_id"] });
    other.say("fleet/ota/fw-1/state", answer.to_string(), true).await;
    other.say("fleet/a/d1/ota", r#"{"campaign":"fw-1","wave":1,"state":"succeeded","to":"2"}"#, false).await;
}

async fn halt(room: &mut Live) {
    room.until("the campaign in flight", |s| s.campaigns.iter().any(|c| c.progress.in_flight() == 1).then_some(()))
        .await;
    room.ask(Command::Switch(SwitchCommand::Arm {
        switch: SwitchId::ota_halt(),
        scope: Scope::Campaign(None),
        parameters: Values::new(),
    }))
    .await
    .unwrap();
    let (arming, at) = room.until("the arming", |s| s.arming.as_ref().map(|arming| (arming.id, arming.at))).await;
    // The guard: a person looks before confirming.
    room.until("the guard to pass", |s| (s.at.since_ms(at) > 1000).then_some(())).await;
    let fire = SwitchCommand::Fire(Confirmation { arming, typed: String::new() });
    room.ask(Command::Switch(fire)).await.unwrap();
}

async fn halt_round_trip(options: LinkOptions) {
    let data = tempfile::tempdir().unwrap();
    let mut room = Live::open(options.clone(), data.path());
    room.up().await;
    let subscriptions = vec!["fleet/ota/+/control".into()];
    let other = Other::connect(LinkOptions { subscriptions, client_id: "controller".into(), ..options }).await;
    other.say("fleet/ota/fw-1/state", r#"{"state":"running","wave":1,"target":"2"}"#, true).await;
    other.say("fleet/a/d1/ota", r#"{"campaign":"fw-1","wave":1,"state":"installing","to":"2"}"#, false).await;
    let controller = tokio::spawn(controller(other));
    halt(&mut room).await;
    let view = room
        .until("the proof", |s| {
            s.actuations.values().find(|view| view.actuation.state == ActuationState::Effective).cloned()
        })
        .await;
    assert!(view.actuation.sent.is_some() && view.actuation.accepted.is_some());
    controller.await.unwrap();
    room.station.close("done").await;
    // It is all on disk, in order.
    let records = warroom::store::read::open(&data.path().join("log.db")).unwrap().records;
    let kinds: Vec<String> = records
        .iter()
        .filter(|record| record.event.actuation().is_some())
        .map(|record| serde_json::to_value(&record.event).unwrap()["event"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(kinds[0], "actuation-requested");
    assert_eq!(kinds.last().unwrap(), "actuation-effective");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ota_halt_goes_round_on_mosquitto_and_on_the_embedded_broker() {
    let directory = tempfile::tempdir().unwrap();
    let broker = Mosquitto::open(directory.path());
    halt_round_trip(link(broker.port, Protocol::V5)).await;
    let embedded = Broker::start().await.unwrap();
    let options = LinkOptions { host: "127.0.0.1".into(), ..link(embedded.address().port(), Protocol::V3) };
    halt_round_trip(options).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mosquitto_takes_a_message_at_every_qos_once() {
    let directory = tempfile::tempdir().unwrap();
    let broker = Mosquitto::open(directory.path());
    for protocol in [Protocol::V3, Protocol::V5] {
        let id = |client_id: &str| LinkOptions { client_id: client_id.into(), ..link(broker.port, protocol) };
        let mut reader = Other::connect(LinkOptions { subscriptions: vec!["q/#".into()], ..id("reader") }).await;
        let sender = Other::connect(id("sender")).await;
        for qos in [Qos::AtMostOnce, Qos::AtLeastOnce, Qos::ExactlyOnce] {
            let payload = format!("\"{qos:?}\"");
            let within = Duration::from_secs(5);
            let sent = sender.outbox().deliver_at(qos, "q/a".into(), payload.into(), false, within).await;
            assert_eq!(sent, Delivery::Sent, "{protocol:?} {qos:?}");
            assert_eq!(reader.hear("q/a").await, format!("{qos:?}"));
        }
    }
}

/// A broker that takes everything and confirms nothing.
async fn silent() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                packet(&mut stream).await.unwrap();
                stream.write_all(&[0x20, 2, 0, 0]).await.unwrap();
                let publish = |topic: &str, payload: &str| {
                    let mut packet = vec![0x30, (2 + topic.len() + payload.len()) as u8, 0, topic.len() as u8];
                    packet.extend(topic.bytes().chain(payload.bytes()));
                    packet
                };
                stream.write_all(&publish("fleet/ota/fw-1/state", r#"{"state":"running","wave":1}"#)).await.unwrap();
                let device = r#"{"campaign":"fw-1","wave":1,"state":"installing"}"#;
                stream.write_all(&publish("fleet/a/d1/ota", device)).await.unwrap();
                while packet(&mut stream).await.is_ok() {}
            });
        }
    });
    port
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_killed_between_intent_and_outcome_says_outcome_unknown_at_its_next_start() {
    let data = tempfile::tempdir().unwrap();
    let port = silent().await;
    let options = LinkOptions { host: "127.0.0.1".into(), ..link(port, Protocol::V3) };
    let mut room = Live::open(options.clone(), data.path());
    halt(&mut room).await;
    // What a killed process leaves is what is on the disk at that moment.
    let left = tempfile::tempdir().unwrap();
    for file in std::fs::read_dir(data.path()).unwrap().flatten() {
        std::fs::copy(file.path(), left.path().join(file.file_name())).unwrap();
    }
    let mut again = Live::open(options, left.path());
    let unknown =
        |s: &Snapshot| s.actuations.values().any(|v| matches!(v.actuation.state, ActuationState::Unknown { .. }));
    again.until("the outcome is unknown", |s| unknown(s).then_some(())).await;
    again.station.close("done").await;
    room.station.close("done").await;
}
