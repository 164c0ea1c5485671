//! Stop rules that were crossed, as the record has them: what was told is not told again, not even after a restart.

use std::collections::BTreeMap;

use crate::domain::campaign::CampaignState;
use crate::domain::event::{Event, Record};
use crate::domain::rollout::Standing;
use crate::domain::time::At;
use crate::limits;

/// When each rule was crossed, by campaign, wave and rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Crossings(BTreeMap<(String, u16, String), At>);

impl Crossings {
    pub(super) fn apply(&mut self, record: &Record) {
        match &record.event {
            Event::StopRuleCrossed { campaign, standing, .. } => {
                if self.0.len() >= limits::CROSSINGS {
                    self.forget_oldest();
                }
                let key = (campaign.clone(), standing.wave, standing.rule.clone());
                self.0.entry(key).or_insert(record.at);
            }
            // What comes after its end under the same name is another rollout.
            Event::CampaignChanged { campaign, state: CampaignState::Finished, .. } => {
                self.0.retain(|(known, ..), _| known != campaign);
            }
            _ => {}
        }
    }

    fn forget_oldest(&mut self) {
        let oldest = self.0.iter().min_by_key(|(_, at)| **at).map(|(key, _)| key.clone());
        oldest.map(|key| self.0.remove(&key));
    }

    /// When it was told that a rule was crossed.
    pub fn since(&self, campaign: &str, standing: &Standing) -> Option<At> {
        self.0.get(&(campaign.to_owned(), standing.wave, standing.rule.clone())).copied()
    }
}
