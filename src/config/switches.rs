//! `[[switch]]`, `[switches]` and `[secrets]`: what can be pulled, by which system, and with whose key.
//!
//! A switch is written out, or begins with a preset (a file in `switches/`, shipped with the program) that only needs an
//! address. What is configured goes before what a fleet on the standard topics has by itself, by id.

mod given;
mod staging;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use super::secret::Secret;
use crate::domain::switch::SwitchId;
use crate::domain::switch::call::{Connect, Expect, Qos, ReadBack, Request, Run};
use crate::domain::switch::parameter::Schema;
use crate::domain::switch::plan::{GateKind, Kind, ProofKind, Reply, ReplyRule, Step, Switch, Takes, Template};
use given::ChoiceSection;

/// The shipped presets: name and text.
pub const PRESETS: &[(&str, &str)] = &[
    ("aws-certificate", include_str!("../../switches/aws-certificate.toml")),
    ("aws-job-cancel", include_str!("../../switches/aws-job-cancel.toml")),
    ("emqx-ban", include_str!("../../switches/emqx-ban.toml")),
    ("hawkbit-pause", include_str!("../../switches/hawkbit-pause.toml")),
    ("hawkbit-stop", include_str!("../../switches/hawkbit-stop.toml")),
    ("mender-abort", include_str!("../../switches/mender-abort.toml")),
    ("mosquitto-crl", include_str!("../../switches/mosquitto-crl.toml")),
    ("mosquitto-dynsec", include_str!("../../switches/mosquitto-dynsec.toml")),
    ("mosquitto-dynsec-role", include_str!("../../switches/mosquitto-dynsec-role.toml")),
    ("mosquitto-quarantine", include_str!("../../switches/mosquitto-quarantine.toml")),
    ("mqtt", include_str!("../../switches/mqtt.toml")),
    ("mqtt-rollback", include_str!("../../switches/mqtt-rollback.toml")),
];

/// `[switches]`: what holds for all of them.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SwitchesSection {
    /// Where commands to a campaign are published; below the fleet's root where not set.
    pub control_topic: Option<Spanned<String>>,
    /// What a gigabyte over the air costs.
    pub gigabyte_price: Option<f64>,
    /// Where the room's socket is; beside its log where not set.
    pub socket: Option<std::path::PathBuf>,
    /// Who may reach the room's socket: its file mode, as an octal number in quotes. 0660 where not set.
    pub socket_mode: Option<Spanned<String>>,
}

/// `[secrets.NAME]`: where a secret is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SecretSection {
    pub env: Option<String>,
    pub file: Option<std::path::PathBuf>,
    pub command: Option<Vec<String>>,
}

/// `[[switch]]`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SwitchSection {
    /// A shipped switch that this one begins with.
    pub preset: Option<Spanned<String>>,
    /// What the preset leaves open.
    pub with: BTreeMap<String, String>,
    pub id: Option<Spanned<String>>,
    pub label: Option<String>,
    pub kind: Option<Kind>,
    pub takes: Option<Takes>,
    pub gate: Option<Spanned<GateKind>>,
    pub proof: Option<ProofKind>,
    pub effect: Option<String>,
    pub parameters: Option<Vec<String>>,
    pub environments: Option<Vec<String>>,
    pub undo: Option<String>,
    pub canary: Option<String>,
    /// The share of the targets asked after each wave, in percent: `[1, 10, 100]`.
    pub waves: Option<Spanned<Vec<f64>>>,
    /// Seconds in which a wave has to stay well before the next one begins.
    pub soak_s: Option<Spanned<u32>>,
    /// What can be picked for the parameters.
    pub choice: Vec<ChoiceSection>,
    /// What `values` may be: a rule for each.
    pub schema: Option<Schema>,
    pub step: Vec<Spanned<StepSection>>,
}

/// `[[switch.step]]`: one call, for each target or once.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StepSection {
    pub name: Option<String>,
    /// One call for all targets, which then has `{devices}` for a JSON array of them.
    pub once: bool,
    pub per_second: Option<f64>,
    pub retries: Option<u8>,
    pub answer_s: Option<u32>,
    pub probe: bool,
    pub expect: Expect,
    pub mqtt: Option<MqttSection>,
    pub http: Option<HttpSection>,
    pub exec: Option<ExecSection>,
    pub connect: Option<ConnectSection>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MqttSection {
    pub topic: String,
    pub payload: String,
    #[serde(default)]
    pub retain: bool,
    /// 0, 1 or 2.
    #[serde(default)]
    pub qos: Qos,
    /// Where the answer comes, and the JSON pointer of the id in it.
    pub reply: Option<String>,
    pub reply_id: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpSection {
    pub method: String,
    pub url: String,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    pub body: Option<String>,
    pub read_back: Option<ReadBack>,
    #[serde(default)]
    pub idempotent: bool,
    #[serde(default = "ten")]
    pub timeout_s: u32,
    pub ca_file: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExecSection {
    pub argv: Vec<String>,
    #[serde(default)]
    pub env: Vec<String>,
    #[serde(default = "ten")]
    pub timeout_s: u32,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectSection {
    pub user: String,
    pub client_id: Option<String>,
    pub password: Option<String>,
    pub certificate: Option<String>,
    pub key: Option<String>,
    pub topic: Option<String>,
    #[serde(default = "ten")]
    pub timeout_s: u32,
}

const fn ten() -> u32 {
    10
}

/// The longest that one call may take: it is a call, not a job.
const LONGEST_S: u32 = 600;

impl SecretSection {
    /// Where the secret of that name is.
    ///
    /// # Errors
    /// That it does not say.
    pub fn secret(&self, name: &str) -> Result<Secret, String> {
        let file = self.file.clone().map(Secret::File);
        let found = file.or(self.command.clone().map(Secret::Command)).or(self.env.clone().map(Secret::Env));
        found.ok_or_else(|| format!("[secrets.{name}] says neither env, file nor command"))
    }
}

/// Finds a secret by its name, or says why it cannot be had.
pub type FindSecret = Arc<dyn Fn(&str) -> Result<String, String> + Send + Sync>;

/// Finds secrets by their names, each time anew.
pub fn secrets(sections: &BTreeMap<String, SecretSection>) -> FindSecret {
    let sections = sections.clone();
    Arc::new(move |name| {
        let section = sections.get(name).ok_or_else(|| format!("there is no [secrets.{name}] in the configuration"))?;
        String::from_utf8(section.secret(name)?.read()?).map_err(|_| format!("the secret `{name}` is not text"))
    })
}

type Problem = (Range<usize>, String);

impl SwitchSection {
    /// The switch, complete. A section with the id of a `standard` one and nothing that says what it does adds to that.
    ///
    /// # Errors
    /// What is wrong, and where; no place where the mistake is in what a preset was given.
    pub fn switch(&self, standard: &[Switch]) -> Result<Switch, Problem> {
        self.added_to(standard).unwrap_or_else(|| self.own())
    }

    fn own(&self) -> Result<Switch, Problem> {
        let place = self.preset.as_ref().or(self.id.as_ref()).map_or(0..0, Spanned::span);
        let wrong = |message: String| (place.clone(), message);
        let base = match &self.preset {
            Some(preset) => preset_of(preset.get_ref(), &self.with).map_err(wrong)?,
            None => Self::default(),
        };
        let id = self.id.as_ref().or(base.id.as_ref()).map(|id| id.get_ref().clone());
        let id = id.ok_or_else(|| wrong("a switch needs an `id`, or a `preset`".into()))?;
        let needs = |name: &str| wrong(format!("the switch `{id}` needs `{name}`"));
        let kind = self.kind.or(base.kind).ok_or_else(|| needs("kind"))?;
        let steps = if self.step.is_empty() { &base.step } else { &self.step };
        if steps.is_empty() {
            return Err(needs("step"));
        }
        let takes = self.takes.or(base.takes).ok_or_else(|| needs("takes"))?;
        let gate = self.gate.as_ref().or(base.gate.as_ref()).map(|gate| *gate.get_ref());
        let gate = gate.unwrap_or_else(|| least_gate(kind));
        if strictness(gate) < strictness(least_gate(kind)) {
            let span = self.gate.as_ref().map_or(place.clone(), Spanned::span);
            let least = if least_gate(kind) == GateKind::TwoPeople { "two-people" } else { "typed" };
            return Err((span, format!("`{id}` can hurt the fleet: its gate is at least \"{least}\"")));
        }
        let proof = self.proof.or(base.proof).ok_or_else(|| needs("proof"))?;
        let one_each = steps.len() == 1 && !steps[0].get_ref().once;
        let waves = staging::waves(self, &base, takes, one_each)?;
        let parameters = self.parameters.clone().or(base.parameters).unwrap_or_default();
        if takes == Takes::Devices && !parameters.iter().any(|name| name == "version") {
            if kind == Kind::Rollback {
                return Err(wrong(format!("`{id}` sends devices back: it needs `parameters = [\"version\"]`")));
            }
            if matches!(proof, ProofKind::Reported | ProofKind::RolledBack) {
                return Err(wrong(format!("`{id}` is proven by a version: it needs `parameters = [\"version\"]`")));
            }
        }
        let schema = self.schema.clone().or(base.schema).unwrap_or_default();
        let unnamed = Self { choice: base.choice, ..Self::default() };
        let switch = Switch {
            waves,
            choices: given::choices(self, &unnamed, &parameters, &schema)?,
            schema,
            label: self.label.clone().or(base.label).unwrap_or_else(|| id.replace('-', " ")),
            kind,
            takes,
            gate,
            proof,
            effect: self.effect.clone().or(base.effect).ok_or_else(|| needs("effect"))?,
            steps: steps
                .iter()
                .map(|step| step.get_ref().step(takes, proof).map_err(|m| (step_place(step, self, &place), m)))
                .collect::<Result<_, _>>()?,
            parameters,
            environments: self.environments.clone().or(base.environments).unwrap_or_default(),
            undo: self.undo.as_deref().or(base.undo.as_deref()).map(SwitchId::new),
            canary: self.canary.clone().or(base.canary),
            id: SwitchId(id),
        };
        Ok(switch)
    }
}

/// A step's own place, where the file has it; the preset's, where the preset has it.
fn step_place(step: &Spanned<StepSection>, own: &SwitchSection, preset: &Range<usize>) -> Range<usize> {
    if own.step.is_empty() { preset.clone() } else { step.span() }
}

/// What people have to give for a kind of switch, at least.
const fn least_gate(kind: Kind) -> GateKind {
    match kind {
        Kind::OtaHalt => GateKind::OneKey,
        Kind::Throttle | Kind::Custom => GateKind::Typed,
        _ => GateKind::TwoPeople,
    }
}

const fn strictness(gate: GateKind) -> u8 {
    match gate {
        GateKind::OneKey => 0,
        GateKind::Typed => 1,
        GateKind::TwoPeople => 2,
    }
}

/// A preset with its blanks (`<url>`) filled in.
fn preset_of(name: &str, with: &BTreeMap<String, String>) -> Result<SwitchSection, String> {
    let names: Vec<&str> = PRESETS.iter().map(|(name, _)| *name).collect();
    let source = PRESETS.iter().find(|(known, _)| *known == name).map(|(_, source)| *source);
    let source = source.ok_or_else(|| format!("unknown preset `{name}`; expected one of {}", names.join(", ")))?;
    // A comment may speak of a blank.
    let mut filled: String =
        source.lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect();
    let mut used = Vec::new();
    for (blank, value) in with {
        let mark = format!("<{blank}>");
        if filled.contains(&mark) {
            used.push(blank);
        }
        // Blanks stand inside quotes of both kinds; a value with quotes of its own would end them.
        if value.contains(['\'', '\n']) || (value.contains(['"', '\\']) && !filled.contains(&format!("'{mark}'"))) {
            return Err(format!("`with.{blank}` cannot hold quotes or line breaks"));
        }
        filled = filled.replace(&mark, value);
    }
    if let Some(unused) = with.keys().find(|blank| !used.contains(blank)) {
        return Err(format!("`{name}` has no blank `{unused}`"));
    }
    let blank = filled.split('<').skip(1).find_map(|rest| {
        let (word, _) = rest.split_once('>')?;
        word.chars().all(|c| c.is_ascii_lowercase() || c == '_').then(|| word.to_owned())
    });
    if let Some(blank) = blank {
        return Err(format!("`{name}` needs `with = {{ {blank} = \"…\" }}`"));
    }
    toml::from_str(&filled).map_err(|error| format!("the preset `{name}` does not fit: {}", error.message()))
}

impl StepSection {
    fn step(&self, takes: Takes, proof: ProofKind) -> Result<Step, String> {
        let template = self.template()?;
        let reply = match &self.mqtt {
            Some(MqttSection { reply: Some(topic), reply_id: Some(id), .. }) => {
                Some(Reply { rule: ReplyRule { topic: topic.clone(), id: id.clone() }, expect: self.expect.clone() })
            }
            Some(MqttSection { reply: None, reply_id: None, .. }) | None => None,
            Some(_) => return Err("`reply` and `reply_id` belong together".into()),
        };
        let unheard = self.mqtt.as_ref().is_some_and(|mqtt| mqtt.qos == Qos::AtMostOnce) && reply.is_none();
        if unheard && proof == ProofKind::Answered {
            return Err("at QoS 0 nobody confirms the message, and without a `reply` nobody answers it: \
                 use `qos = 1`, a `reply`, or another `proof`"
                .into());
        }
        let per_second = self.per_second.unwrap_or(10.0);
        if !(per_second > 0.0 && per_second <= 1000.0) {
            return Err("`per_second` is more than 0 and at most 1000".into());
        }
        // A program and a request end by themselves; what is published is answered within this time or not at all.
        let own = self.http.as_ref().map(|http| http.timeout_s * 3 + 15);
        let own = own.or(self.exec.as_ref().map(|exec| exec.timeout_s + 5)).unwrap_or(30);
        Ok(Step {
            name: self.name.clone().unwrap_or_else(|| "call".into()),
            template,
            reply,
            each: takes == Takes::Devices && !self.once,
            per_second,
            retries: self.retries.unwrap_or(0),
            answer: Duration::from_secs(self.answer_s.unwrap_or(own).clamp(1, LONGEST_S).into()),
            probes: self.probe || self.connect.is_some(),
        })
    }

    fn template(&self) -> Result<Template, String> {
        let expect = self.expect.clone();
        let timed = |timeout_s: u32| timeout_s.clamp(1, LONGEST_S);
        let mut found = Vec::new();
        if let Some(MqttSection { topic, payload, retain, qos, .. }) = self.mqtt.clone() {
            found.push(Template::Publish { topic, payload, retain, qos });
        }
        if let Some(http) = self.http.clone() {
            if !http.url.starts_with("http://") && !http.url.starts_with("https://") {
                return Err(format!("`{}` is not an http:// or https:// address", http.url));
            }
            found.push(Template::Request(Request {
                method: http.method.to_uppercase(),
                url: http.url,
                headers: http.headers.into_iter().collect(),
                body: http.body,
                expect: expect.clone(),
                read_back: http.read_back,
                idempotent: http.idempotent,
                timeout_s: timed(http.timeout_s),
                ca_file: http.ca_file,
            }));
        }
        if let Some(exec) = self.exec.clone() {
            if exec.argv.is_empty() {
                return Err("`argv` names no program".into());
            }
            found.push(Template::Run(Run { argv: exec.argv, env: exec.env, expect, timeout_s: timed(exec.timeout_s) }));
        }
        if let Some(connect) = self.connect.clone() {
            found.push(Template::Connect(Connect {
                client_id: connect.client_id.unwrap_or_else(|| connect.user.clone()),
                connect_as: connect.user,
                password: connect.password,
                certificate: connect.certificate.zip(connect.key),
                topic: connect.topic,
                timeout_s: timed(connect.timeout_s),
            }));
        }
        match (found.pop(), found.is_empty()) {
            (Some(template), true) => Ok(template),
            _ => Err("a step is one of `mqtt`, `http`, `exec` or `connect`".into()),
        }
    }
}

#[cfg(test)]
mod tests;
