//! A switch as it is configured: steps, gate and proof.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::SwitchId;
use super::call::{Call, Connect, Expect, Publish, Qos, ReadBack, Request, Run};
use super::parameter::{Choice, Schema};
use super::template::{self, Place, Values, fill};
use super::waves::Waves;

/// What a switch does, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    OtaHalt,
    /// Lets a halted rollout go on.
    Resume,
    ConfigPush,
    CredentialRevoke,
    Quarantine,
    Rollback,
    Throttle,
    Restart,
    Custom,
}

impl Kind {
    /// Whether devices are something else afterwards than they were: away, slower, on another version.
    pub const fn changes_devices(self) -> bool {
        match self {
            Self::OtaHalt | Self::Resume | Self::Custom => false,
            Self::ConfigPush
            | Self::CredentialRevoke
            | Self::Quarantine
            | Self::Rollback
            | Self::Throttle
            | Self::Restart => true,
        }
    }

    /// Whether it makes the fleet safer at once and hurts nobody who is well: then one key is enough.
    pub const fn is_safe(self) -> bool {
        matches!(self, Self::OtaHalt)
    }
}

/// What a switch acts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Takes {
    Campaign,
    /// Any number of devices: a cohort, a filter, a list, the fleet.
    Devices,
}

/// What people have to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GateKind {
    /// One confirming key: what makes the fleet safer must be quick.
    OneKey,
    /// The number of targets, or the campaign's name, typed.
    Typed,
    /// Typed, and approved by a second person from a login of their own.
    TwoPeople,
}

/// How the effect is known. Another system's yes is a step on the way; see `engine::switches::proof`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProofKind {
    /// The campaign stands, and no device is in flight any more.
    Halted,
    /// The campaign runs again.
    Running,
    /// No device is left on what the campaign brought; of devices, every one has reported the version that it was sent
    /// back to.
    RolledBack,
    /// Every device has reported the configuration that it was sent.
    Reported,
    /// The devices have gone, and do not come back.
    Gone,
    /// The devices have booted again.
    Rebooted,
    /// The system's own answer, and where configured what it says when it is asked again.
    Answered,
}

/// A switch.
#[derive(Clone, Debug, PartialEq)]
pub struct Switch {
    pub id: SwitchId,
    /// What people call it.
    pub label: String,
    pub kind: Kind,
    pub takes: Takes,
    pub gate: GateKind,
    pub proof: ProofKind,
    /// What the system behind it really does, which is not always what its name says.
    pub effect: String,
    /// Taken one after the other: block, then kick, then probe.
    pub steps: Vec<Step>,
    /// What has to be given with it: `version`, `values`.
    pub parameters: Vec<String>,
    /// Environments in which it may be pulled; any, where there are none.
    pub environments: Vec<String>,
    /// The switch that takes it back.
    pub undo: Option<SwitchId>,
    /// The device on which it is tested.
    pub canary: Option<String>,
    /// Few devices first, where it goes out in waves.
    pub waves: Option<Waves>,
    /// What can be picked for its parameters, and what `values` among them may be.
    pub choices: Vec<Choice>,
    pub schema: Schema,
}

/// One step of a switch.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// `block`, `kick`, `probe`.
    pub name: String,
    pub template: Template,
    /// How an answer to a publish is recognised, where there is one.
    pub reply: Option<Reply>,
    /// Made for each target, or once.
    pub each: bool,
    /// Calls a second, at most: a kick of ten thousand is a reconnect storm.
    pub per_second: f64,
    /// How often a target that does not answer is asked again.
    pub retries: u8,
    /// How long a target has to answer.
    pub answer: Duration,
    /// Whether a no is an escape: the step asks whether the ones before had any effect.
    pub probes: bool,
}

/// A call with names in it.
#[derive(Clone, Debug, PartialEq)]
pub enum Template {
    Publish { topic: String, payload: String, retain: bool, qos: Qos },
    Request(Request),
    Run(Run),
    Connect(Connect),
}

/// The answer to a publish.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplyRule {
    /// Where it comes; `{device}` stands for a level.
    pub topic: String,
    /// The JSON pointer of the id that it answers: the call's id.
    pub id: String,
}

/// The answer to a publish, and when it is a yes.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    pub rule: ReplyRule,
    pub expect: Expect,
}

impl Template {
    fn texts(&self) -> Vec<(&str, Place)> {
        match self {
            Self::Publish { topic, payload, .. } => vec![(topic, Place::Topic), (payload, Place::Payload)],
            Self::Request(request) => {
                let mut texts = vec![(request.url.as_str(), Place::Url)];
                texts.extend(request.headers.iter().map(|(_, value)| (value.as_str(), Place::Plain)));
                texts.extend(request.body.as_deref().map(|body| (body, Place::Payload)));
                texts.extend(request.read_back.iter().map(|back| (back.url.as_str(), Place::Url)));
                texts
            }
            Self::Run(run) => run.argv.iter().map(|word| (word.as_str(), Place::Plain)).collect(),
            Self::Connect(connect) => {
                let mut texts = vec![(connect.connect_as.as_str(), Place::Plain), (&connect.client_id, Place::Plain)];
                texts.extend(connect.password.as_deref().map(|text| (text, Place::Plain)));
                texts.extend(connect.topic.as_deref().map(|text| (text, Place::Topic)));
                if let Some((certificate, key)) = &connect.certificate {
                    texts.extend([(certificate.as_str(), Place::Plain), (key, Place::Plain)]);
                }
                texts
            }
        }
    }

    /// The names that it asks for.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.texts().into_iter().flat_map(|(text, _)| template::names(text))
    }

    /// Whether it asks for that.
    pub fn asks(&self, wanted: &str) -> bool {
        self.names().any(|name| name == wanted)
    }

    /// The secrets that it asks for.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        self.texts().into_iter().flat_map(|(text, _)| template::secrets(text))
    }

    /// The call for one target.
    ///
    /// # Errors
    /// The name without a value, or the value that must not stand where it would.
    pub fn call(&self, values: &Values) -> Result<Call, String> {
        let all =
            |texts: &[String], place| texts.iter().map(|text| fill(text, place, values)).collect::<Result<_, _>>();
        Ok(match self {
            Self::Publish { topic, payload, retain, qos } => Call::Publish(Publish {
                topic: fill(topic, Place::Topic, values)?,
                payload: fill(payload, Place::Payload, values)?,
                retain: *retain,
                qos: *qos,
            }),
            Self::Request(request) => Call::Request(Request {
                url: fill(&request.url, Place::Url, values)?,
                headers: request
                    .headers
                    .iter()
                    .map(|(name, value)| Ok((name.clone(), fill(value, Place::Plain, values)?)))
                    .collect::<Result<_, String>>()?,
                body: request.body.as_deref().map(|body| fill(body, Place::Payload, values)).transpose()?,
                read_back: match &request.read_back {
                    Some(back) => {
                        Some(ReadBack { url: fill(&back.url, Place::Url, values)?, expect: back.expect.clone() })
                    }
                    None => None,
                },
                ..request.clone()
            }),
            Self::Run(run) => Call::Run(Run { argv: all(&run.argv, Place::Plain)?, ..run.clone() }),
            Self::Connect(connect) => Call::Connect(Connect {
                connect_as: fill(&connect.connect_as, Place::Plain, values)?,
                client_id: fill(&connect.client_id, Place::Plain, values)?,
                password: connect.password.as_deref().map(|text| fill(text, Place::Plain, values)).transpose()?,
                topic: connect.topic.as_deref().map(|text| fill(text, Place::Topic, values)).transpose()?,
                certificate: match &connect.certificate {
                    Some((certificate, key)) => {
                        Some((fill(certificate, Place::Plain, values)?, fill(key, Place::Plain, values)?))
                    }
                    None => None,
                },
                timeout_s: connect.timeout_s,
            }),
        })
    }
}

impl Switch {
    /// Whether it may be pulled in an environment.
    pub fn works_in(&self, environment: &str) -> bool {
        self.environments.is_empty() || self.environments.iter().any(|known| known == environment)
    }
}
