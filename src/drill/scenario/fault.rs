//! Faults: what goes wrong, where, when and for how long.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::Where;
use crate::domain::drill::Planted;

/// Something that goes wrong.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultPlan {
    pub effect: Effect,
    #[serde(rename = "where")]
    pub only: Where,
    /// The share of the devices that fit which it really hits: 0..=1.
    #[serde(default = "FaultPlan::all")]
    pub share: Spanned<f64>,
    /// Seconds into the drill at which it begins, seconds over which it reaches its devices, and seconds it lasts.
    #[serde(default)]
    pub at_s: u32,
    #[serde(default)]
    pub ramp_s: u32,
    #[serde(default)]
    pub for_s: Option<u32>,
    /// Error code that devices report when it hits them.
    #[serde(default)]
    pub code: String,
    #[serde(default)]
    pub message: String,
    /// It hits only devices whose update has come to this: `failed`, `succeeded`, `rolled-back`.
    #[serde(default)]
    pub after_update: Option<Spanned<String>>,
    /// The configuration that a device drifts to.
    #[serde(default)]
    pub to: String,
    /// Degrees that a drifting sensor comes away at most; without them it goes on.
    #[serde(default)]
    pub most_c: Option<f64>,
    /// What ends it in a device: `restart`, or `restore` for a credential given anew. Any fault ends where its `where` no
    /// longer fits, as after a rollback or a push.
    #[serde(default)]
    pub cured_by: Option<Spanned<String>>,
    /// Seconds that a device stays up, and down: from, to.
    #[serde(default = "FaultPlan::up_s")]
    pub up_s: (f64, f64),
    #[serde(default = "FaultPlan::down_s")]
    pub down_s: (f64, f64),
}

impl FaultPlan {
    fn all() -> Spanned<f64> {
        Spanned::new(0..0, 1.0)
    }

    const fn up_s() -> (f64, f64) {
        (8.0, 20.0)
    }

    const fn down_s() -> (f64, f64) {
        (10.0, 25.0)
    }
}

/// What a fault does to a device that it hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// It boots, runs for a little while, crashes, and boots again.
    BootLoop,
    /// It is gone until the fault is over.
    Offline,
    /// It loses its connection and comes back, again and again.
    ReconnectStorm,
    /// It loses its connection every minute or two, for some seconds.
    LinkFlap,
    /// It is connected, and sends nothing.
    Silent,
    /// It sends what it has sent before, once more and late.
    RepublishBacklog,
    /// It reports errors.
    ErrorBurst,
    /// Its battery loses a point in a few minutes.
    BatteryDrain,
    /// Its measurements take much longer than they did.
    SlowFix,
    /// Its sensor repeats one value.
    StuckValues,
    /// What its sensor says moves away from what is, slowly.
    DriftingValues,
    /// Its measurements come in another unit.
    UnitError,
    /// Its measurements are far outside anything sensible.
    OutOfRange,
    /// What it sends cannot be read.
    WrongFormat,
    /// Its messages lack what it measured.
    MissingField,
    /// Its messages come in the wrong order.
    OutOfOrder,
    /// Its clock is hours ahead.
    ClockSkew,
    /// It sends twenty times as much.
    Flood,
    /// It has more and more messages waiting.
    Backlog,
    /// It is told to send less.
    Throttled,
    /// It fails to authenticate.
    AuthFailure,
    /// Its certificate has run out: it loses its connection and is not let in again.
    CertificateExpiry,
    /// It speaks with the name of another.
    SpoofedIdentity,
    /// It refuses the firmware's signature, and fails its update.
    SignatureFailure,
    /// It fails its update.
    UpdateFailure,
    /// It goes back to its old firmware by itself.
    SelfRollback,
    /// It has another configuration than the one it was given.
    ConfigDrift,
    /// The broker that it is connected to is gone. With the whole fleet it is all of the broker, and nobody hears anything.
    BrokerDown,
}

impl Effect {
    /// Every effect, by its name.
    pub const NAMES: [(&'static str, Self); 28] = [
        ("boot-loop", Self::BootLoop),
        ("offline", Self::Offline),
        ("reconnect-storm", Self::ReconnectStorm),
        ("link-flap", Self::LinkFlap),
        ("silent", Self::Silent),
        ("republish-backlog", Self::RepublishBacklog),
        ("error-burst", Self::ErrorBurst),
        ("battery-drain", Self::BatteryDrain),
        ("slow-fix", Self::SlowFix),
        ("stuck-values", Self::StuckValues),
        ("drifting-values", Self::DriftingValues),
        ("unit-error", Self::UnitError),
        ("out-of-range", Self::OutOfRange),
        ("wrong-format", Self::WrongFormat),
        ("missing-field", Self::MissingField),
        ("out-of-order", Self::OutOfOrder),
        ("clock-skew", Self::ClockSkew),
        ("flood", Self::Flood),
        ("backlog", Self::Backlog),
        ("throttled", Self::Throttled),
        ("auth-failure", Self::AuthFailure),
        ("certificate-expiry", Self::CertificateExpiry),
        ("spoofed-identity", Self::SpoofedIdentity),
        ("signature-failure", Self::SignatureFailure),
        ("update-failure", Self::UpdateFailure),
        ("self-rollback", Self::SelfRollback),
        ("config-drift", Self::ConfigDrift),
        ("broker-down", Self::BrokerDown),
    ];

    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, effect)| *effect == self).map_or("?", |(name, _)| name)
    }
}

impl FaultPlan {
    /// The fault in words that the log keeps.
    pub fn planted(&self) -> Planted {
        let pairs = self.only.iter().map(|(name, value)| (name.get_ref().clone(), value.clone()));
        Planted {
            effect: self.effect.name().to_owned(),
            cohort: crate::domain::cohort::CohortKey(pairs.collect()),
            share: *self.share.get_ref(),
            at_s: self.at_s,
            ramp_s: self.ramp_s,
            for_s: self.for_s,
            code: self.code.clone(),
        }
    }

    /// A fault that somebody has thought of just now; none where there is no such effect.
    pub fn improvised(planted: &Planted) -> Option<Self> {
        let (_, effect) = Effect::NAMES.iter().find(|(name, _)| *name == planted.effect)?;
        let only: BTreeMap<_, _> =
            planted.cohort.0.iter().map(|(name, value)| (Spanned::new(0..0, name.clone()), value.clone())).collect();
        Some(Self {
            effect: *effect,
            only,
            share: Spanned::new(0..0, planted.share),
            at_s: planted.at_s,
            ramp_s: planted.ramp_s,
            for_s: planted.for_s,
            code: planted.code.clone(),
            message: String::new(),
            to: "drifted".into(),
            most_c: None,
            cured_by: None,
            after_update: None,
            up_s: Self::up_s(),
            down_s: Self::down_s(),
        })
    }
}
