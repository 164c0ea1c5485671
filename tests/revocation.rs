//! Credentials taken away for real: on Debian's mosquitto with its dynamic-security plugin, from devices with passwords
//! and from devices with certificates, and what is said where a broker's yes is none.

#![allow(clippy::unwrap_used)]

mod support;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, IsCa, KeyIdMethod, KeyPair,
    KeyUsagePurpose, RevocationReason, RevokedCertParams, SerialNumber, date_time_ymd,
};
use support::live::{Live, Other, link, patient};
use support::mosquitto::{Mosquitto, free_port};
use warroom::domain::command::{Command, Confirmation, SwitchCommand};
use warroom::domain::switch::template::Values;
use warroom::domain::switch::{Actuation, Scope, Switch, SwitchId};
use warroom::mqtt::probe::{Knock, knock};
use warroom::mqtt::{Credentials, LinkOptions, Protocol, Tls};

/// The password of every device, which is the one secret that rooms of tests know.
const SECRET: &str = "c3R1Yg==";

/// The plugin, where Debian has it.
fn plugin() -> PathBuf {
    let lib = std::fs::read_dir("/usr/lib").unwrap().flatten();
    let places = lib.map(|entry| entry.path().join("mosquitto_dynamic_security.so"));
    places.into_iter().find(|path| path.exists()).expect("mosquitto comes with its dynamic-security plugin")
}

/// A broker with accounts: an administrator, who is the room, and devices by password and by certificate.
struct Accounts {
    broker: Mosquitto,
    tls_port: u16,
    directory: tempfile::TempDir,
    ca: PathBuf,
}

fn write(path: &Path, text: &str, mode: u32) -> PathBuf {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    path.to_owned()
}

impl Accounts {
    async fn open() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        // Mosquitto gives up its rights, and writes its accounts after that.
        std::fs::set_permissions(directory.path(), std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
        let accounts = at("accounts.json");
        let made = std::process::Command::new("mosquitto_ctrl")
            .args(["dynsec", "init", &accounts.display().to_string(), "room", "secret"])
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        std::fs::set_permissions(&accounts, std::os::unix::fs::PermissionsExt::from_mode(0o666)).unwrap();

        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name.push(rcgen::DnType::CommonName, "fleet CA");
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let ca = write(&at("ca.pem"), &issuer.pem(), 0o644);
        for (n, name) in ["localhost", "d1", "d2"].into_iter().enumerate() {
            let key = KeyPair::generate().unwrap();
            let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
            params.serial_number = Some(SerialNumber::from(n as u64 + 1));
            params.distinguished_name = rcgen::DistinguishedName::new();
            params.distinguished_name.push(rcgen::DnType::CommonName, name);
            write(&at(&format!("{name}.pem")), &params.signed_by(&key, &issuer).unwrap().pem(), 0o644);
            write(&at(&format!("{name}.key")), &key.serialize_pem(), 0o644);
        }
        let list = |revoked: Vec<u64>| {
            let revoked = revoked.into_iter().map(|serial| RevokedCertParams {
                serial_number: SerialNumber::from(serial),
                revocation_time: date_time_ymd(2026, 1, 1),
                reason_code: Some(RevocationReason::KeyCompromise),
                invalidity_date: None,
            });
            let params = CertificateRevocationListParams {
                this_update: date_time_ymd(2026, 1, 1),
                next_update: date_time_ymd(2099, 1, 1),
                crl_number: SerialNumber::from(1),
                issuing_distribution_point: None,
                revoked_certs: revoked.collect(),
                key_identifier_method: KeyIdMethod::Sha256,
            };
            params.signed_by(&issuer).unwrap().pem().unwrap()
        };
        write(&at("crl.pem"), &list(vec![]), 0o644);
        write(&at("revoked.pem"), &list(vec![2]), 0o644);

        let tls_port = free_port();
        let path = |name: &str| at(name).display().to_string();
        let broker = Mosquitto::start(
            directory.path(),
            &format!(
                "allow_anonymous false\nplugin {}\nplugin_opt_config_file {}\nlistener {tls_port} 127.0.0.1\ncafile {}\n\
                 certfile {}\nkeyfile {}\ncrlfile {}\nrequire_certificate true\nuse_identity_as_username true",
                plugin().display(),
                accounts.display(),
                path("ca.pem"),
                path("localhost.pem"),
                path("localhost.key"),
                path("crl.pem")
            ),
        );
        // What takes a certificate's good name away: the list, and word to the broker.
        let hang_up = format!("#!/bin/sh\ncp {} {}\nkill -HUP {}\n", path("revoked.pem"), path("crl.pem"), broker.id());
        write(&at("revoke"), &hang_up, 0o755);
        let accounts = Self { broker, tls_port, directory, ca };
        accounts.fill().await;
        accounts
    }

    /// Two devices with one role; both may use a password or their certificate.
    async fn fill(&self) {
        let room = Other::connect(LinkOptions {
            subscriptions: vec!["$CONTROL/dynamic-security/v1/response".into()],
            ..self.as_room("setup")
        })
        .await;
        let acl = |kind: &str, topic: &str| serde_json::json!({"acltype": kind, "topic": topic, "priority": 0, "allow": true});
        let acls = ["publishClientSend", "publishClientReceive", "subscribePattern"].map(|kind| acl(kind, "fleet/#"));
        let client = |name: &str| {
            serde_json::json!({
                "command": "createClient", "username": name, "password": SECRET, "roles": [{"rolename": "device"}],
            })
        };
        let commands = serde_json::json!({"commands": [
            {"command": "createRole", "rolename": "device", "acls": acls},
            client("d1"), client("d2"),
            {"command": "addRoleACL", "rolename": "admin", "acltype": "publishClientReceive", "topic": "#", "allow": true},
            {"command": "addRoleACL", "rolename": "admin", "acltype": "subscribePattern", "topic": "#", "allow": true},
        ]});
        // The plugin's own answer may come before the subscription to it counts: what is waited for is that the accounts work.
        for _ in 0..20 {
            room.say("$CONTROL/dynamic-security/v1", commands.to_string(), false).await;
            if self.knock("d2", false).await == Knock::Open {
                return;
            }
        }
        panic!("the accounts were not made");
    }

    fn as_room(&self, client_id: &str) -> LinkOptions {
        let credentials = || Ok(Some(Credentials { user: "room".into(), password: b"secret".to_vec() }));
        LinkOptions {
            credentials: Arc::new(credentials),
            client_id: client_id.into(),
            ..link(self.broker.port, Protocol::V5)
        }
    }

    fn tls(&self, name: &str) -> Tls {
        let of = |kind: &str| self.directory.path().join(format!("{name}.{kind}"));
        Tls { ca_file: Some(self.ca.clone()), client: Some((of("pem"), of("key"))) }
    }

    /// A device's link, by password or by certificate.
    fn as_device(&self, name: &'static str, by_certificate: bool) -> LinkOptions {
        let credentials = move || {
            let password = Credentials { user: name.into(), password: SECRET.into() };
            Ok((!by_certificate).then_some(password))
        };
        LinkOptions {
            credentials: Arc::new(credentials),
            client_id: name.into(),
            tls: by_certificate.then(|| self.tls(name)),
            subscriptions: Vec::new(),
            ..link(if by_certificate { self.tls_port } else { self.broker.port }, Protocol::V5)
        }
    }

    /// Whether a device gets in, and may publish.
    async fn knock(&self, name: &'static str, by_certificate: bool) -> Knock {
        let options = self.as_device(name, by_certificate);
        let place = ("localhost", options.port);
        let credentials = (options.credentials)().unwrap();
        let topic = Some(format!("fleet/a/{name}/probe"));
        let id = format!("{name}-probe");
        knock(place, options.tls.as_ref(), true, id, credentials, topic, Duration::from_secs(10)).await
    }

    fn switch(&self, preset: &str) -> Switch {
        let with = match preset {
            "mosquitto-dynsec-role" => "role = 'device'".to_owned(),
            "mosquitto-crl" => format!("program = '{}'", self.directory.path().join("revoke").display()),
            _ => String::new(),
        };
        let source = format!("[[switch]]\npreset = '{preset}'\nwith = {{ {with} }}\n");
        patient(&source, SPEED)
    }
}

/// Room seconds in a second of the test: what is proven by silence need not be waited for in real time.
const SPEED: f64 = 20.0;

/// Revokes `d1` by a switch while it goes on telling what it measures, and returns what became of it.
async fn revoke(accounts: &Accounts, switch: Switch, by_certificate: bool) -> Actuation {
    let data = tempfile::tempdir().unwrap();
    let mut room = Live::open_at(accounts.as_room("room"), data.path(), vec![switch], SPEED);
    room.up().await;
    let device = Other::connect(accounts.as_device("d1", by_certificate)).await;
    device.say("fleet/a/d1/status", r#"{"online":true,"firmware":"1"}"#, true).await;
    let telling = tokio::spawn(async move {
        let mut tick = tokio::time::interval(Duration::from_millis(200));
        loop {
            tick.tick().await;
            device.try_push("fleet/a/d1/telemetry", r#"{"battery":0.5}"#).await;
        }
    });
    room.until("the device", |s| (s.totals.online == 1).then_some(())).await;
    let arm = SwitchCommand::Arm {
        switch: SwitchId::new("credential-revoke"),
        scope: Scope::Devices(vec!["d1".into()]),
        parameters: Values::new(),
    };
    room.ask(Command::Switch(arm)).await.unwrap();
    let (arming, at) = room.until("the arming", |s| s.arming.as_ref().map(|arming| (arming.id, arming.at))).await;
    room.until("the guard to pass", |s| (s.at.since_ms(at) > 400 * SPEED as i64).then_some(())).await;
    room.ask(Command::Switch(SwitchCommand::Fire(Confirmation { arming, typed: "1".into() }))).await.unwrap();
    let approval = room.until("the request", |s| s.requests.last().map(|request| request.approval)).await;
    let reason = "there is nobody else in this test".into();
    room.ask(Command::Switch(SwitchCommand::BreakGlass { approval, reason })).await.unwrap();
    let ended = room
        .until("the end", |s| {
            s.actuations.values().find(|view| view.actuation.state.is_final()).map(|view| view.actuation.clone())
        })
        .await;
    telling.abort();
    room.station.close("done").await;
    (*ended).clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_revoked_for_good() {
    let accounts = Accounts::open().await;
    assert_eq!(accounts.knock("d1", false).await, Knock::Open);
    let ended = revoke(&accounts, accounts.switch("mosquitto-dynsec"), false).await;
    assert_eq!(ended.words(), "effective");
    assert!(matches!(accounts.knock("d1", false).await, Knock::Refused(_)));
    assert_eq!(accounts.knock("d2", false).await, Knock::Open, "nobody else is hit");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_brokers_yes_about_a_certificate_that_still_works_is_called_a_failure() {
    let accounts = Accounts::open().await;
    assert_eq!(accounts.knock("d1", true).await, Knock::Open);
    let ended = revoke(&accounts, accounts.switch("mosquitto-dynsec"), true).await;
    assert!(ended.accepted.is_some(), "mosquitto said yes");
    assert_eq!(ended.words(), "FAILED: escaped 1");
    assert_eq!(ended.escaped, ["d1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_without_its_role_can_say_nothing_any_more() {
    let accounts = Accounts::open().await;
    let ended = revoke(&accounts, accounts.switch("mosquitto-dynsec-role"), true).await;
    assert_eq!(ended.words(), "effective");
    assert!(matches!(accounts.knock("d1", true).await, Knock::Refused(_)));
    assert_eq!(accounts.knock("d2", true).await, Knock::Open);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_on_the_list_is_kicked_and_cannot_return() {
    let accounts = Accounts::open().await;
    let ended = revoke(&accounts, accounts.switch("mosquitto-crl"), true).await;
    assert_eq!(ended.words(), "effective");
    assert!(matches!(accounts.knock("d1", true).await, Knock::Refused(_)));
    assert_eq!(accounts.knock("d2", true).await, Knock::Open);
}

/// A switch that asks mosquitto for `command`, and then knocks with the credential of the device.
fn probing(command: &str) -> Switch {
    let source = format!(
        r#"
[[switch]]
preset = "mosquitto-dynsec"
proof = "answered"

[[switch.step]]
name = "disable"
expect = {{ absent = "/responses/0/error" }}
[switch.step.mqtt]
topic = "$CONTROL/dynamic-security/v1"
payload = '{{"commands":[{{"command":"{command}","username":"{{device}}","correlationData":"{{request_id}}:{{device}}"}}]}}'
reply = "$CONTROL/dynamic-security/v1/response"
reply_id = "/responses/0/correlationData"

[[switch.step]]
name = "probe"
[switch.step.connect]
user = "{{device}}"
password = "{{secret:device}}"
topic = "fleet/a/{{device}}/probe"

[secrets.device]
env = "UNUSED"
"#
    );
    patient(&source, SPEED)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_probe_finds_the_door_shut() {
    let accounts = Accounts::open().await;
    let ended = revoke(&accounts, probing("disableClient"), false).await;
    assert_eq!(ended.words(), "effective");
    assert!(matches!(accounts.knock("d1", false).await, Knock::Refused(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_probe_finds_the_door_open_whatever_the_broker_says() {
    let accounts = Accounts::open().await;
    // Mosquitto says yes to it, and nothing has changed.
    let ended = revoke(&accounts, probing("getClient"), false).await;
    assert!(ended.accepted.is_some(), "mosquitto said yes");
    assert_eq!(ended.words(), "FAILED: escaped 1");
    assert_eq!(accounts.knock("d1", false).await, Knock::Open);
}
