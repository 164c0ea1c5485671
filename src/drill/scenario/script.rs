//! The script of a scenario: what the responders are told, and what is expected of them.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::Where;
use crate::domain::cohort::CohortKey;
use crate::domain::drill::{Channel, Expectation, Inject};
use crate::domain::incident::IncidentType;
use crate::domain::verdict::Origin;

/// A fact told to the responders at its time.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InjectPlan {
    pub at_s: u32,
    #[serde(default)]
    pub channel: Channel,
    pub from: String,
    pub text: String,
}

/// What is expected of the responders, for one incident.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectPlan {
    /// Seconds into the drill at which it can first be seen.
    pub onset_s: u32,
    #[serde(default, rename = "type")]
    pub kind: Option<IncidentType>,
    /// Whom to suspect; `{}` is the whole fleet.
    #[serde(default)]
    pub suspect: Option<Where>,
    #[serde(default)]
    pub origin: Option<Origin>,
    #[serde(default)]
    pub detect_s: Option<u32>,
    #[serde(default)]
    pub acknowledge_s: Option<u32>,
    #[serde(default)]
    pub contain_s: Option<u32>,
    #[serde(default)]
    pub update_s: Option<u32>,
    #[serde(default)]
    pub mitigate_s: Option<u32>,
    #[serde(default)]
    pub switch: Option<Spanned<String>>,
}

/// The switches that a scenario may expect.
pub const SWITCHES: [&str; 8] =
    ["ota-halt", "rollback", "config-push", "credential-revoke", "quarantine", "throttle", "restart", "resume"];

impl InjectPlan {
    pub(super) fn inject(&self, n: usize) -> Inject {
        let Self { at_s, channel, from, text } = self.clone();
        Inject { id: format!("i{}", n + 1), at_s, channel, from, text }
    }
}

impl ExpectPlan {
    pub(super) fn expectation(&self) -> Expectation {
        let key = |only: &Where| {
            let pairs: BTreeMap<_, _> =
                only.iter().map(|(name, value)| (name.get_ref().clone(), value.clone())).collect();
            CohortKey(pairs)
        };
        Expectation {
            onset_s: self.onset_s,
            kind: self.kind,
            suspect: self.suspect.as_ref().map(key),
            origin: self.origin,
            detect_s: self.detect_s,
            acknowledge_s: self.acknowledge_s,
            contain_s: self.contain_s,
            update_s: self.update_s,
            mitigate_s: self.mitigate_s,
            switch: self.switch.as_ref().map(|switch| switch.get_ref().clone()),
        }
    }
}
