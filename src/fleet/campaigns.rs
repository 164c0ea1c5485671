//! Campaigns as the wire tells them: what the controller says, and where each device stands.

use crate::domain::campaign::{CampaignState, OtaState, Progress};
use crate::domain::observation::WavePlan;
use crate::domain::time::At;
use crate::limits;

/// Seconds without a word after which a campaign may make room for another: one that is over and has devices, and any.
/// To take devices out of a campaign goes over all of them, and so must not be had for the asking.
const ENDED_S: i64 = 600;
const SILENT_S: i64 = 86_400;

/// A campaign by its place; it fits into a device's record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CampaignIx(pub u8);

/// A wave of a campaign.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wave {
    pub wave: u16,
    /// Devices as they report themselves.
    pub progress: Progress,
    /// As the controller plans and counts it, where it does.
    pub plan: Option<WavePlan>,
    pub started: Option<At>,
}

/// One campaign.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Campaign {
    pub id: String,
    pub state: CampaignState,
    /// The version it brings.
    pub target: String,
    /// The wave that runs, as the controller says or as devices show.
    pub wave: Option<u16>,
    pub waves: Vec<Wave>,
    /// Devices by state, over all waves.
    pub progress: Progress,
    /// The last word of it, from controller or device.
    pub heard: At,
    /// The versions that its devices came from, as far as they were heard before, and how many from each.
    pub came_from: Vec<(String, u32)>,
    /// Whether its controller has spoken; what only devices speak of may be made up.
    pub announced: bool,
}

impl Wave {
    /// Its devices by state, as [`Campaign::counted`] has them.
    pub fn counted(&self) -> Progress {
        let Some(plan) = self.plan else { return self.progress };
        let counted = self.progress.at_least(plan.done, plan.failed);
        Progress { queued: counted.queued_of(plan.planned), ..counted }
    }
}

impl Campaign {
    /// Devices by state, as they report themselves and as the controller counts: a room that was opened in the middle of a
    /// rollout has not heard of all. What is planned and has not started is queued.
    pub fn counted(&self) -> Progress {
        let plans = || self.waves.iter().filter_map(|wave| wave.plan);
        let sum = |of: fn(WavePlan) -> u32| plans().map(of).fold(0, u32::saturating_add);
        let counted = self.progress.at_least(sum(|plan| plan.done), sum(|plan| plan.failed));
        Progress { queued: counted.queued_of(sum(|plan| plan.planned)), ..counted }
    }

    /// Devices that have finished by the controller's count, and were not heard of.
    pub fn unheard(&self) -> u32 {
        self.counted().done() - self.progress.done()
    }

    /// Whether devices may still be started.
    pub fn is_active(&self) -> bool {
        match self.state {
            CampaignState::Running => true,
            CampaignState::Unknown => self.progress.in_flight() + self.progress.queued > 0,
            _ => false,
        }
    }

    /// Whether this place may be given to another campaign.
    fn is_idle(&self, at: At) -> bool {
        let over = matches!(self.state, CampaignState::Unknown | CampaignState::Halted | CampaignState::Finished);
        let goes_on = self.progress.in_flight() + self.progress.queued > 0;
        let least_s = match (over && !goes_on, self.progress.total()) {
            (true, 0) => 0,
            (true, _) => ENDED_S,
            (false, _) => SILENT_S,
        };
        at.since_s(self.heard) >= least_s
    }

    /// Whether the controller's word is about another rollout under the same name: it has ended, or brought another version
    /// by the controller's own word.
    pub fn is_another(&self, word: &Word<'_>) -> bool {
        let brings_another = !self.target.is_empty() && !word.target.is_empty() && self.target != word.target;
        let is_news = self.state == CampaignState::Finished || (self.announced && brings_another);
        word.state == CampaignState::Running && is_news
    }

    /// Notes the version that a device ran when it started.
    fn starts_from(&mut self, version: &str) {
        if let Some((_, devices)) = self.came_from.iter_mut().find(|(known, _)| *known == version) {
            *devices += 1;
        } else if self.came_from.len() < limits::CAME_FROM {
            self.came_from.push((version.to_owned(), 1));
        }
    }

    /// Notes that a device shows a wave to run. Returns whether this is news. A wave outside the controller's plan is a
    /// device's mistake.
    fn shows(&mut self, number: u16, at: At) -> bool {
        let planned = self.waves.iter().any(|wave| wave.plan.is_some());
        let in_plan = self.waves.iter().any(|wave| wave.wave == number && wave.plan.is_some());
        let news = self.wave.is_none_or(|running| running < number) && (in_plan || !planned);
        news && self.begin(number, Some(at))
    }

    /// Notes that a wave runs. Returns whether it has just begun.
    fn begin(&mut self, number: u16, at: Option<At>) -> bool {
        let before = self.wave.replace(number);
        if before.is_some_and(|running| running >= number) {
            return false;
        }
        if let Some(wave) = self.wave_mut(number) {
            wave.started = at;
        }
        true
    }

    fn wave_mut(&mut self, wave: u16) -> Option<&mut Wave> {
        if let Some(at) = self.waves.iter().position(|w| w.wave == wave) {
            return self.waves.get_mut(at);
        }
        if self.waves.len() >= limits::WAVES {
            return None;
        }
        let at = self.waves.partition_point(|w| w.wave < wave);
        self.waves.insert(at, Wave { wave, ..Wave::default() });
        self.waves.get_mut(at)
    }
}

/// What the controller of a campaign said.
#[derive(Clone, Copy, Debug)]
pub struct Word<'a> {
    pub campaign: &'a str,
    pub state: CampaignState,
    pub wave: Option<u16>,
    pub target: &'a str,
    pub request_id: &'a str,
    pub waves: &'a [WavePlan],
}

/// A device's place in a campaign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    pub campaign: u8,
    pub wave: u8,
    pub state: OtaState,
}

/// All campaigns heard of.
#[derive(Debug, Default)]
pub struct Campaigns {
    campaigns: Vec<Campaign>,
    /// Campaigns that found the table full.
    pub refused: u64,
}

impl Campaigns {
    pub fn iter(&self) -> impl Iterator<Item = &Campaign> {
        self.campaigns.iter()
    }

    pub fn get(&self, campaign: CampaignIx) -> &Campaign {
        &self.campaigns[usize::from(campaign.0)]
    }

    pub fn find(&self, id: &str) -> Option<CampaignIx> {
        self.campaigns.iter().position(|c| c.id == id).map(|ix| CampaignIx(ix as u8))
    }

    /// A place for another campaign: a new one, or that of one that is over where there is no other; none when every place is
    /// taken. What no controller has `announced` gets at most half of the places. Whether devices stand in it, who must be
    /// taken out of it before.
    pub fn place(&mut self, announced: bool, at: At) -> Option<(CampaignIx, bool)> {
        let unannounced = self.campaigns.iter().filter(|campaign| !campaign.announced).count();
        let may_add = announced || unannounced < limits::CAMPAIGNS / 2;
        if may_add && self.campaigns.len() < limits::CAMPAIGNS {
            return Some((CampaignIx(self.campaigns.len() as u8), false));
        }
        let idle = self.campaigns.iter().enumerate().filter(|(_, other)| other.is_idle(at));
        let given = idle.filter(|(_, other)| may_add || !other.announced);
        let oldest = given.min_by_key(|(_, other)| other.heard);
        self.refused += u64::from(oldest.is_none());
        oldest.map(|(place, other)| (CampaignIx(place as u8), other.progress.total() > 0))
    }

    /// Puts the campaign called `id` into its place.
    pub fn add(&mut self, place: CampaignIx, id: &str, at: At) {
        let campaign = Campaign { id: id.to_owned(), heard: at, ..Campaign::default() };
        match self.campaigns.get_mut(usize::from(place.0)) {
            Some(given) => *given = campaign,
            None => self.campaigns.push(campaign),
        }
    }

    /// Begins with a campaign from nothing, once its devices were taken out of it.
    pub fn clear(&mut self, campaign: CampaignIx) {
        let place = &mut self.campaigns[usize::from(campaign.0)];
        *place = Campaign { id: std::mem::take(&mut place.id), ..Campaign::default() };
    }

    /// Takes the controller's word. Says whether the state changed and which wave has just begun, if one did; from the
    /// broker's store (`retained`) comes what has been so for a while.
    pub fn hear(&mut self, ix: CampaignIx, word: Word<'_>, retained: bool, at: At) -> (bool, Option<u16>) {
        let campaign = &mut self.campaigns[usize::from(ix.0)];
        let changed = campaign.state != word.state;
        campaign.state = word.state;
        campaign.heard = at;
        if !word.target.is_empty() {
            word.target.clone_into(&mut campaign.target);
        }
        campaign.announced = true;
        for plan in word.waves {
            if let Some(wave) = campaign.wave_mut(plan.wave) {
                wave.plan = Some(*plan);
            }
        }
        let begun = word.wave.filter(|number| campaign.begin(*number, (!retained).then_some(at)));
        (changed, begun.filter(|_| !retained))
    }

    /// The controller has taken its word back: only what devices show is known. Whether that changes its state, and what it
    /// brought; none for a campaign that is not followed.
    pub fn forget_word(&mut self, id: &str, at: At) -> Option<(bool, String)> {
        let campaign = self.campaigns.iter_mut().find(|campaign| campaign.id == id)?;
        let changed = campaign.state != CampaignState::Unknown;
        (campaign.state, campaign.announced, campaign.heard) = (CampaignState::Unknown, false, at);
        campaign.waves.iter_mut().for_each(|wave| wave.plan = None);
        Some((changed, campaign.target.clone()))
    }

    /// Moves a device from one place to another. Says which wave this shows to have begun, if the controller has not.
    pub fn move_device(&mut self, from: Place, to: Place, target: &str, at: At) -> Option<u16> {
        self.count(from, |n| *n = n.saturating_sub(1));
        self.count(to, |n| *n += 1);
        let campaign = &mut self.campaigns[usize::from(to.campaign)];
        campaign.heard = at;
        if campaign.target.is_empty() {
            target.clone_into(&mut campaign.target);
        }
        let number = u16::from(to.wave);
        (to.state.in_flight() && campaign.shows(number, at)).then_some(number)
    }

    /// A device has started its update from a version.
    pub fn starts_from(&mut self, campaign: CampaignIx, version: &str) {
        if let Some(campaign) = self.campaigns.get_mut(usize::from(campaign.0)) {
            campaign.starts_from(version);
        }
    }

    fn count(&mut self, place: Place, change: impl Fn(&mut u32)) {
        if place.state == OtaState::None {
            return;
        }
        let Some(campaign) = self.campaigns.get_mut(usize::from(place.campaign)) else { return };
        if let Some(n) = campaign.progress.of(place.state) {
            change(n);
        }
        if let Some(wave) = campaign.wave_mut(u16::from(place.wave))
            && let Some(n) = wave.progress.of(place.state)
        {
            change(n);
        }
    }
}
