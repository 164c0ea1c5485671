//! A scenario: one game day, in a TOML file. Shipped ones are part of the program; others are given by path.

mod response;

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

pub use response::{Answer, Fate, ResponsePlan};

use crate::document::{self, Mistake};
use crate::domain::cohort::ATTRIBUTES;

/// The shipped scenarios: file name and text.
const SHIPPED: &[(&str, &str)] = &[("bad-firmware", include_str!("../../scenarios/bad-firmware.toml"))];

/// A game day.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    pub id: String,
    pub title: String,
    /// What responders are told when they sit down.
    pub story: String,
    pub fleet: FleetPlan,
    #[serde(default, rename = "campaign")]
    pub campaigns: Vec<CampaignPlan>,
    #[serde(default, rename = "fault")]
    pub faults: Vec<FaultPlan>,
    #[serde(default)]
    pub response: ResponsePlan,
}

/// The fleet before anything happens.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FleetPlan {
    /// The first level of every topic.
    #[serde(default = "FleetPlan::root")]
    pub root: String,
    /// Devices are called by this and a number.
    pub prefix: String,
    pub devices: u32,
    /// Sites; each lies in one region.
    pub sites: u32,
    /// Seconds between two telemetry messages of a device.
    pub telemetry_s: u32,
    /// Share of the devices that lose their connection in an hour, for a minute or two, with no fault anywhere.
    #[serde(default)]
    pub churn_per_hour: f64,
    /// Errors that a healthy device reports in an hour.
    #[serde(default)]
    pub errors_per_hour: f64,
    /// How much more of both there is at the busiest hour of the day than on average, and how much less at night: 0..=1.
    #[serde(default)]
    pub daily_rhythm: f64,
    /// For each attribute its values, with weights.
    pub attributes: BTreeMap<Spanned<String>, BTreeMap<String, f64>>,
}

impl FleetPlan {
    fn root() -> String {
        "fleet".into()
    }
}

/// Attribute values that devices must have.
pub type Where = BTreeMap<Spanned<String>, String>;

/// A rollout.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CampaignPlan {
    pub id: String,
    /// The firmware it brings.
    pub target: String,
    #[serde(rename = "wave")]
    pub waves: Vec<WavePlan>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WavePlan {
    /// Seconds into the drill.
    pub at_s: u32,
    /// Of all devices that have not had a wave yet (and that fit `where`): 0..=1.
    pub share: Spanned<f64>,
    /// Seconds over which the devices of the wave begin.
    pub spread_s: u32,
    #[serde(default, rename = "where")]
    pub only: Where,
}

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
    /// What ends it in a device: `restart`, or `restore` for a credential given anew. Any fault ends where its `where` no longer fits, as after a rollback or a push.
    #[serde(default)]
    pub cured_by: String,
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
}

impl Scenario {
    /// Names and titles of the shipped scenarios.
    pub fn shipped() -> Vec<(String, String)> {
        let title = |(name, source): &(&str, &str)| {
            let title = Self::read(source, name).map_or_else(|mistake| mistake.to_string(), |scenario| scenario.title);
            ((*name).to_owned(), title)
        };
        SHIPPED.iter().map(title).collect()
    }

    /// A shipped scenario by its name.
    pub fn find(name: &str) -> Option<Result<Self, Mistake>> {
        let (name, source) = SHIPPED.iter().find(|(known, _)| *known == name)?;
        Some(Self::read(source, &format!("scenarios/{name}.toml")))
    }

    /// Reads a scenario.
    ///
    /// # Errors
    /// The first mistake in it, with its place.
    pub fn read(source: &str, file: &str) -> Result<Self, Mistake> {
        let scenario: Self = document::read(source, file)?;
        let mistake = |span: Range<usize>, message: String| Err(document::mistake(source, file, &span, message));
        let attributes: Vec<&str> = scenario.fleet.attributes.keys().map(|name| name.get_ref().as_str()).collect();
        for (name, values) in &scenario.fleet.attributes {
            if !ATTRIBUTES.contains(&name.get_ref().as_str()) {
                let message = format!("no attribute `{}`; expected one of {}", name.get_ref(), ATTRIBUTES.join(", "));
                return mistake(name.span(), message);
            }
            if values.is_empty() || values.values().any(|weight| !weight.is_finite() || *weight < 0.0) {
                return mistake(name.span(), "expected values with weights, such as `{ rev-A = 5, rev-B = 3 }`".into());
            }
        }
        for required in ["firmware", "region"] {
            if !attributes.contains(&required) {
                return mistake(0..0, format!("expected `{required}` under [fleet.attributes]"));
            }
        }
        if scenario.fleet.devices == 0 || scenario.fleet.sites == 0 || scenario.fleet.telemetry_s == 0 {
            return mistake(0..0, "`devices`, `sites` and `telemetry_s` must be at least 1".into());
        }
        let waves = scenario.campaigns.iter().flat_map(|campaign| &campaign.waves);
        let mut shares = waves.clone().map(|wave| &wave.share).chain(scenario.faults.iter().map(|fault| &fault.share));
        if let Some(share) = shares.find(|share| !(0.0..=1.0).contains(share.get_ref())) {
            return mistake(share.span(), format!("a share lies between 0 and 1, and {} does not", share.get_ref()));
        }
        let filters = waves.map(|wave| &wave.only).chain(scenario.faults.iter().map(|fault| &fault.only));
        for name in filters.flat_map(BTreeMap::keys) {
            if !attributes.contains(&name.get_ref().as_str()) && name.get_ref() != "site" {
                let message =
                    format!("the fleet has no attribute `{}`; it has {}", name.get_ref(), attributes.join(", "));
                return mistake(name.span(), message);
            }
        }
        Ok(scenario)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_scenario_can_be_read() {
        for (name, _) in SHIPPED {
            let scenario = Scenario::find(name).unwrap().unwrap();
            assert_eq!(scenario.id, *name);
        }
    }

    #[test]
    fn a_mistake_is_told_with_its_place() {
        let (_, good) = SHIPPED[0];
        let cases = [
            (good.replace("telemetry_s", "telemetri_s"), "unknown key `telemetri_s`; did you mean `telemetry_s`?"),
            (good.replace("share = 0.20", "share = 20"), "a share lies between 0 and 1, and 20 does not"),
            (good.replace("boot-loop", "boot-lop"), "unknown value `boot-lop`"),
            (good.replace("hardware = {", "hardwear = {"), "no attribute `hardwear`"),
            (good.replace("where = { hardware =", "where = { colour ="), "the fleet has no attribute `colour`"),
        ];
        for (source, expected) in cases {
            assert_ne!(source, good, "{expected}");
            let mistake = Scenario::read(&source, "x.toml").unwrap_err();
            assert!(mistake.message.contains(expected), "{mistake}");
            assert!(mistake.line > 1, "{mistake}");
        }
    }
}
