//! A scenario: one game day, in a TOML file. Shipped ones are part of the program; others are given by path.

mod campaign;
mod check;
mod fault;
mod fleet;
mod response;
pub mod script;
mod shipped;

use std::collections::BTreeMap;

pub use campaign::{CampaignPlan, WavePlan};
pub use fault::{Effect, FaultPlan};
pub use fleet::{FleetPlan, Given, Values};
pub use response::{Answer, Fate, ResponsePlan};
use script::{ExpectPlan, InjectPlan};
use serde::Deserialize;
pub use shipped::SHIPPED;
use toml::Spanned;

use super::responder::Responder;
use crate::config::rollout::RolloutSection;
use crate::document::{self, Mistakes};
use crate::domain::drill::DrillPlan;
use crate::domain::time::At;

/// A game day.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    pub id: String,
    pub title: String,
    /// What responders are told when they sit down.
    pub story: String,
    /// What only the facilitator is told.
    #[serde(default)]
    pub facilitator: String,
    /// When it begins, where time is not real: it may matter that it is a Friday.
    #[serde(default)]
    pub begins: Option<Spanned<String>>,
    /// Seconds after which a game day without a person ends.
    #[serde(default)]
    pub length_s: Option<Spanned<u32>>,
    pub fleet: FleetPlan,
    #[serde(default, rename = "campaign")]
    pub campaigns: Vec<CampaignPlan>,
    /// What was decided about rollouts in advance, instead of what the configuration has.
    #[serde(default)]
    pub rollout: Option<RolloutSection>,
    #[serde(default, rename = "fault")]
    pub faults: Vec<FaultPlan>,
    #[serde(default, rename = "inject")]
    pub injects: Vec<InjectPlan>,
    #[serde(default)]
    pub response: ResponsePlan,
    #[serde(default, rename = "expect")]
    pub expect: Vec<ExpectPlan>,
    /// Questions for the talk afterwards.
    #[serde(default)]
    pub debrief: Vec<String>,
}

/// Attribute values that devices must have.
pub type Where = BTreeMap<Spanned<String>, String>;

/// Seconds of a game day that does not say how long it is.
const LENGTH_S: u32 = 1_200;
/// When virtual time begins where a scenario does not say: the morning of a Tuesday.
const BEGINS: &str = "2026-11-17T09:00:00Z";

impl Scenario {
    /// Names and titles of the shipped scenarios.
    pub fn shipped() -> Vec<(String, String)> {
        let title = |(name, source, _): &(&str, &str, &str)| {
            let title =
                Self::read(source, name).map_or_else(|mistakes| mistakes.to_string(), |scenario| scenario.title);
            ((*name).to_owned(), title)
        };
        SHIPPED.iter().map(title).collect()
    }

    /// A shipped scenario by its name.
    pub fn find(name: &str) -> Option<Result<Self, Mistakes>> {
        let (name, source, _) = SHIPPED.iter().find(|(known, ..)| *known == name)?;
        Some(Self::read(source, &format!("scenarios/{name}.toml")))
    }

    /// The responders shipped with a scenario, who play it as a good team would.
    pub fn responder(name: &str) -> Option<Result<Responder, Mistakes>> {
        let (name, _, source) = SHIPPED.iter().find(|(known, ..)| *known == name)?;
        Some(Responder::read(source, &format!("scenarios/responders/{name}.toml")))
    }

    /// Reads a scenario.
    ///
    /// # Errors
    /// Every mistake in it, with its place.
    pub fn read(source: &str, file: &str) -> Result<Self, Mistakes> {
        let (read, mut mistakes) = document::read_all::<Self>(source, file);
        if let Some(scenario) = &read {
            mistakes.extend(document::mistakes(source, file, &check::check(scenario)));
        }
        mistakes.sort_by_key(|mistake| (mistake.line, mistake.column));
        match read {
            Some(scenario) if mistakes.is_empty() => Ok(scenario),
            _ => Err(Mistakes(mistakes)),
        }
    }

    pub fn length_s(&self) -> u32 {
        self.length_s.as_ref().map_or(LENGTH_S, |length| *length.get_ref())
    }

    /// When it begins in virtual time.
    pub fn begins(&self) -> At {
        let begins = self.begins.as_ref().map_or(BEGINS, |begins| begins.get_ref().as_str());
        begins.parse().unwrap_or_default()
    }

    /// What is going to happen, in the words of the log.
    pub fn plan(&self, seed: u64, devices: u32) -> DrillPlan {
        DrillPlan {
            scenario: self.id.clone(),
            title: self.title.clone(),
            story: self.story.trim().to_owned(),
            facilitator: self.facilitator.trim().to_owned(),
            seed,
            devices,
            staging: None,
            length_s: self.length_s(),
            faults: self.faults.iter().map(FaultPlan::planted).collect(),
            injects: self.injects.iter().enumerate().map(|(n, inject)| inject.inject(n)).collect(),
            expect: self.expect.iter().map(ExpectPlan::expectation).collect(),
            debrief: self.debrief.clone(),
            carried: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests;
