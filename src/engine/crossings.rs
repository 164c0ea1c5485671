//! Stop rules that were crossed, as the record has them: what was told is not told again, not even after a restart.

use std::collections::BTreeMap;

use crate::domain::campaign::CampaignState;
use crate::domain::event::{Event, Record};
use crate::domain::rollout::Standing;
use crate::domain::time::At;
use crate::limits;

/// What was crossed, and of which rollouts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Crossings {
    /// When each rule was crossed, by campaign, wave and rule.
    since: BTreeMap<(String, u16, String), At>,
    /// The version that each campaign brought last.
    targets: BTreeMap<String, String>,
}

impl Crossings {
    pub(super) fn apply(&mut self, record: &Record) {
        match &record.event {
            Event::StopRuleCrossed { campaign, standing, .. } => {
                if self.since.len() >= limits::CROSSINGS {
                    self.forget_oldest();
                }
                let key = (campaign.clone(), standing.wave, standing.rule.clone());
                self.since.entry(key).or_insert(record.at);
            }
            // What comes after its end under the same name is another rollout.
            Event::CampaignChanged { campaign, state: CampaignState::Finished, .. } => {
                self.forget(campaign);
            }
            // So is what brings another version.
            Event::WaveStarted { campaign, target, .. } if !target.is_empty() => {
                if self.targets.get(campaign).is_some_and(|known| known != target) {
                    self.forget(campaign);
                }
                if self.targets.len() >= limits::CROSSINGS {
                    self.targets.pop_first();
                }
                self.targets.insert(campaign.clone(), target.clone());
            }
            _ => {}
        }
    }

    fn forget(&mut self, campaign: &str) {
        self.since.retain(|(known, ..), _| known != campaign);
    }

    fn forget_oldest(&mut self) {
        let oldest = self.since.iter().min_by_key(|(_, at)| **at).map(|(key, _)| key.clone());
        oldest.map(|key| self.since.remove(&key));
    }

    /// When it was told that a rule was crossed.
    pub fn since(&self, campaign: &str, standing: &Standing) -> Option<At> {
        self.since.get(&(campaign.to_owned(), standing.wave, standing.rule.clone())).copied()
    }
}
