//! What becomes of the devices of campaigns that were stopped: those in flight finish, and can still turn bad.

use std::collections::BTreeMap;

use crate::domain::campaign::CampaignState;
use crate::domain::count::counted;
use crate::domain::event::Event;
use crate::fleet::campaigns::{Campaign, Campaigns};

/// Campaigns that start nothing any more, by name.
#[derive(Debug, Default)]
pub struct StoppedCampaigns(BTreeMap<String, Stopped>);

impl StoppedCampaigns {
    /// Devices that were in flight when a campaign stopped, and have failed or gone back since.
    pub fn bad_since(&self, campaign: &str) -> u32 {
        self.0.get(campaign).map_or(0, |stopped| stopped.bad)
    }

    /// Looks again. Says what is news.
    pub(super) fn follow(&mut self, campaigns: &Campaigns) -> Vec<Event> {
        let stands = |campaign: &&Campaign| campaign.state.starts_nothing();
        self.0.retain(|id, _| campaigns.iter().filter(stands).any(|known| known.id == *id));
        let mut events = Vec::new();
        for campaign in campaigns.iter().filter(stands) {
            let stopped = self.0.entry(campaign.id.clone()).or_insert_with(|| Stopped::new(campaign));
            if stopped.look(campaign) {
                let devices = counted(stopped.bad, "device");
                events.push(Event::RolloutWarned {
                    campaign: campaign.id.clone(),
                    wave: 0,
                    reason: format!("{devices} that were in flight when it stopped failed or went back"),
                });
            }
        }
        events
    }
}

/// One of them, while its devices in flight finish.
#[derive(Debug)]
struct Stopped {
    /// Devices that had failed or gone back by themselves when it stopped.
    before: u32,
    in_flight: u32,
    /// How many of those in flight have done so since.
    bad: u32,
    /// How many of them have been told of.
    told: u32,
    /// The last has landed, or all are sent back: what comes from here on is something else.
    is_over: bool,
}

impl Stopped {
    fn new(campaign: &Campaign) -> Self {
        let (before, in_flight) = (campaign.progress.bad(), campaign.progress.in_flight());
        Self { before, in_flight, bad: 0, told: 0, is_over: in_flight == 0 }
    }

    /// Whether what has become of the devices in flight is news: the first that turn bad are, and how many it were in the end.
    fn look(&mut self, campaign: &Campaign) -> bool {
        self.is_over |= campaign.state == CampaignState::RollingBack;
        if self.is_over {
            return false;
        }
        self.bad = campaign.progress.bad().saturating_sub(self.before).min(self.in_flight);
        self.is_over = campaign.progress.in_flight() == 0;
        let is_news = self.bad > self.told && (self.told == 0 || self.is_over);
        if is_news {
            self.told = self.bad;
        }
        is_news
    }
}
