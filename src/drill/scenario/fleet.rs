//! The fleet of a scenario, before anything happens.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::Where;

/// The fleet before anything happens.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FleetPlan {
    /// The first level of every topic.
    #[serde(default = "FleetPlan::root")]
    pub root: String,
    /// Devices are called by this and a number.
    pub prefix: String,
    pub devices: Spanned<u32>,
    /// Sites; each lies in one region.
    pub sites: Spanned<u32>,
    /// Seconds between two telemetry messages of a device.
    pub telemetry_s: Spanned<u32>,
    /// Share of the devices that lose their connection in an hour, for a minute or two, with no fault anywhere.
    #[serde(default)]
    pub churn_per_hour: f64,
    /// Errors that a healthy device reports in an hour.
    #[serde(default)]
    pub errors_per_hour: f64,
    /// How much more of both there is at the busiest hour of the day than on average, and how much less at night: 0..=1.
    #[serde(default)]
    pub daily_rhythm: f64,
    /// What healthy devices measure.
    #[serde(default)]
    pub values: Values,
    /// Devices with some values have others by other weights than the rest.
    #[serde(default)]
    pub given: Vec<Given>,
    /// For each attribute its values, with weights.
    pub attributes: BTreeMap<Spanned<String>, BTreeMap<String, f64>>,
}

impl FleetPlan {
    fn root() -> String {
        "fleet".into()
    }
}

/// What healthy devices measure, each from and to.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Values {
    /// Degrees.
    pub temp_c: (f64, f64),
    /// Seconds that a position takes.
    pub fix_s: (f64, f64),
}

impl Default for Values {
    fn default() -> Self {
        Self { temp_c: (18.0, 22.0), fix_s: (20.0, 40.0) }
    }
}

/// Weights of attribute values among the devices that fit.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Given {
    #[serde(rename = "where")]
    pub only: Where,
    pub attributes: BTreeMap<Spanned<String>, BTreeMap<String, f64>>,
}
