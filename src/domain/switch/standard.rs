//! The switches that a fleet on the standard topics has without configuring any, and those of a drill.

use std::time::Duration;

use super::SwitchId;
use super::call::{Expect, Qos};
use super::parameter::Schema;
use super::plan::{GateKind, Kind, ProofKind, Reply, ReplyRule, Step, Switch, Takes, Template};
use super::waves::Waves;

/// How long a device has to report a configuration, and how often it is asked again.
const REPORT: Duration = Duration::from_secs(300);
const PUSHES: u8 = 3;
/// Pushes a second. A thousand devices take half a minute; nobody's broker is flooded.
const PUSHES_PER_SECOND: f64 = 40.0;
/// How long a system has to answer for one device.
const ANSWER: Duration = Duration::from_secs(30);

fn campaign(id: &str, label: &str, kind: Kind, gate: GateKind, proof: ProofKind, topic: &str, effect: &str) -> Switch {
    let action = match kind {
        Kind::Rollback => "rollback",
        Kind::Resume => "resume",
        _ => "halt",
    };
    let payload = format!(r#"{{"action":"{action}","request_id":"{{request_id}}"}}"#);
    Switch {
        id: SwitchId::new(id),
        label: label.into(),
        kind,
        takes: Takes::Campaign,
        gate,
        proof,
        effect: effect.into(),
        steps: vec![Step {
            name: action.into(),
            template: Template::Publish { topic: topic.into(), payload, retain: true, qos: Qos::default() },
            reply: None,
            each: false,
            per_second: 1.0,
            retries: 0,
            answer: ANSWER,
            probes: false,
        }],
        parameters: Vec::new(),
        environments: Vec::new(),
        undo: None,
        canary: None,
        waves: None,
        choices: Vec::new(),
        schema: Schema::default(),
    }
}

/// Switches over the standard topics: commands to a campaign go to `control`, configurations below `root`.
pub fn standard(control: &str, root: &str) -> Vec<Switch> {
    let undo = |switch: Switch, undo: &str| Switch { undo: Some(SwitchId::new(undo)), ..switch };
    vec![
        undo(
            campaign(
                "ota-halt",
                "OTA halt",
                Kind::OtaHalt,
                GateKind::OneKey,
                ProofKind::Halted,
                control,
                "no device starts any more; those in flight finish",
            ),
            "ota-resume",
        ),
        campaign(
            "rollback",
            "rollback",
            Kind::Rollback,
            GateKind::TwoPeople,
            ProofKind::RolledBack,
            control,
            "updated devices go back to the version before",
        ),
        undo(
            campaign(
                "ota-resume",
                "OTA resume",
                Kind::Resume,
                GateKind::TwoPeople,
                ProofKind::Running,
                control,
                "the rollout goes on where it was halted",
            ),
            "ota-halt",
        ),
        Switch {
            id: SwitchId::new("config-push"),
            label: "config push".into(),
            kind: Kind::ConfigPush,
            takes: Takes::Devices,
            gate: GateKind::TwoPeople,
            proof: ProofKind::Reported,
            effect: "each device gets this configuration, now or when it comes back".into(),
            steps: vec![Step {
                name: "push".into(),
                template: Template::Publish {
                    topic: format!("{root}/{{site}}/{{device}}/config/desired"),
                    payload: r#"{"version":"{version}","values":{values},"request_id":"{request_id}"}"#.into(),
                    retain: true,
                    qos: Qos::default(),
                },
                reply: None,
                each: true,
                per_second: PUSHES_PER_SECOND,
                retries: PUSHES,
                answer: REPORT,
                probes: false,
            }],
            parameters: vec!["version".into(), "values".into()],
            environments: Vec::new(),
            undo: None,
            canary: None,
            waves: None,
            choices: Vec::new(),
            schema: Schema::default(),
        },
    ]
}

/// What a drill's world understands beside that: access is taken, limited and given back device by device.
pub fn access(root: &str) -> Vec<Switch> {
    let switch = |id: &str, label: &str, kind, gate, proof, action: &str, per_second, effect: &str| Switch {
        id: SwitchId::new(id),
        label: label.into(),
        kind,
        takes: Takes::Devices,
        gate,
        proof,
        effect: effect.into(),
        steps: vec![Step {
            name: action.into(),
            template: Template::Publish {
                topic: format!("{root}/access/{{device}}/control"),
                payload: format!(r#"{{"action":"{action}","request_id":"{{request_id}}"}}"#),
                retain: false,
                qos: Qos::default(),
            },
            reply: Some(Reply {
                rule: ReplyRule { topic: format!("{root}/access/{{device}}/response"), id: "/request_id".into() },
                expect: Expect { absent: Some("/error".into()), ..Expect::default() },
            }),
            each: true,
            per_second,
            retries: 2,
            answer: ANSWER,
            probes: false,
        }],
        parameters: Vec::new(),
        environments: vec!["drill".into()],
        undo: None,
        canary: None,
        waves: None,
        choices: Vec::new(),
        schema: Schema::default(),
    };
    use {GateKind::TwoPeople, GateKind::Typed, ProofKind::Answered, ProofKind::Gone, ProofKind::Rebooted};
    vec![
        switch(
            "credential-revoke",
            "revoke credential",
            Kind::CredentialRevoke,
            TwoPeople,
            Gone,
            "revoke",
            20.0,
            "the credential stops working, and the device is thrown out",
        ),
        switch(
            "credential-restore",
            "restore credential",
            Kind::Custom,
            TwoPeople,
            Answered,
            "restore",
            20.0,
            "the credential works again",
        ),
        switch(
            "quarantine",
            "quarantine",
            Kind::Quarantine,
            TwoPeople,
            Answered,
            "quarantine",
            20.0,
            "the device stays connected, and nothing that it sends is delivered",
        ),
        switch(
            "release",
            "release",
            Kind::Custom,
            TwoPeople,
            Answered,
            "release",
            20.0,
            "what the device sends is delivered again",
        ),
        switch(
            "throttle",
            "throttle",
            Kind::Throttle,
            Typed,
            Answered,
            "throttle",
            20.0,
            "the device publishes at a tenth of its rate",
        ),
        switch(
            "restart",
            "restart",
            Kind::Restart,
            TwoPeople,
            Rebooted,
            "restart",
            1.0,
            "the device boots again, one after the other",
        ),
        back_in_waves(root),
    ]
}

/// A rollback that the room itself takes from device to device: a few first, and more once those have stayed well.
fn back_in_waves(root: &str) -> Switch {
    Switch {
        id: SwitchId::new("rollback-waves"),
        label: "rollback in waves".into(),
        kind: Kind::Rollback,
        takes: Takes::Devices,
        gate: GateKind::TwoPeople,
        proof: ProofKind::RolledBack,
        effect: "each device is told to run this version; a few first, and the next wave once those have stayed well"
            .into(),
        steps: vec![Step {
            name: "send back".into(),
            template: Template::Publish {
                topic: format!("{root}/{{site}}/{{device}}/firmware/desired"),
                payload: r#"{"version":"{version}","request_id":"{request_id}"}"#.into(),
                retain: true,
                qos: Qos::default(),
            },
            reply: None,
            each: true,
            per_second: PUSHES_PER_SECOND,
            retries: 1,
            answer: REPORT,
            probes: false,
        }],
        parameters: vec!["version".into()],
        environments: vec!["drill".into()],
        undo: None,
        canary: None,
        waves: Some(Waves { percent: vec![1.0, 10.0, 100.0], soak_s: 120 }),
        choices: Vec::new(),
        schema: Schema::default(),
    }
}
