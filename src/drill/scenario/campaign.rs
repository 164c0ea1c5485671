//! Rollouts of a scenario.

use serde::Deserialize;
use toml::Spanned;

use super::Where;

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
