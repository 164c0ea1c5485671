//! Updates: what campaigns and their controllers say, and where devices stand in them.

use super::attributes::ValueIx;
use super::campaigns::{CampaignIx, Place, Word};
use super::devices::{Device, DeviceIx};
use super::groups::GroupIx;
use super::observe::Notice;
use super::{Fleet, RECONNECT_S, limits};
use crate::domain::campaign::{CampaignState, OtaState};
use crate::domain::observation::{Batch, Body, Observation};
use crate::domain::symptom::Symptom;
use crate::domain::time::At;

impl Fleet {
    /// Messages about a campaign rather than about a device.
    pub(super) fn observe_campaign(&mut self, batch: &Batch, observation: &Observation) -> Option<Notice> {
        match &observation.body {
            Body::Campaign { campaign, state, wave, target, request_id, waves } => {
                let word = Word {
                    campaign: batch.text(*campaign),
                    state: *state,
                    wave: *wave,
                    target: batch.text(*target),
                    request_id: batch.text(*request_id),
                    waves: batch.waves(*waves),
                };
                let ix = self.campaign(word.campaign, true, observation.at)?;
                if self.campaigns.get(ix).is_another(&word) {
                    self.leave(ix);
                    self.campaigns.clear(ix);
                }
                let (changed, begun) = self.campaigns.hear(ix, word, observation.retained, observation.at);
                Some(Notice::Campaign {
                    campaign: word.campaign.to_owned(),
                    state: word.state,
                    changed,
                    retained: observation.retained,
                    begun,
                    target: word.target.to_owned(),
                    answers: word.request_id.to_owned(),
                })
            }
            Body::CampaignCleared { campaign } => {
                let campaign = batch.text(*campaign);
                let (changed, target) = self.campaigns.forget_word(campaign, observation.at)?;
                Some(Notice::Campaign {
                    campaign: campaign.to_owned(),
                    state: CampaignState::Unknown,
                    changed,
                    retained: false,
                    begun: None,
                    target,
                    answers: String::new(),
                })
            }
            Body::Control { campaign, action, request_id } => Some(Notice::Control {
                campaign: batch.text(*campaign).to_owned(),
                action: *action,
                request_id: batch.text(*request_id).to_owned(),
                retained: observation.retained,
            }),
            Body::Broker(metric, value) => {
                self.broker.take(*metric, *value);
                None
            }
            _ => None,
        }
    }

    pub(super) fn take_ota(
        &mut self,
        ix: DeviceIx,
        campaign: &str,
        wave: u8,
        state: OtaState,
        target: &str,
        observation: &Observation,
    ) -> Option<Notice> {
        let number = self.campaign(campaign, false, observation.at)?;
        self.note_wave(ix, campaign, wave);
        let device: &mut Device = self.devices.get_mut(ix);
        let from = Place { campaign: device.campaign, wave: device.wave, state: device.ota };
        let group = device.group;
        let to = Place { campaign: number.0, wave, state };
        if from.campaign != to.campaign || !state.in_flight() {
            device.begins_anew();
        }
        (device.campaign, device.wave, device.ota) = (to.campaign, to.wave, to.state);
        self.excuse(ix, !observation.retained);
        let went_back = state == OtaState::RolledBack && self.campaigns.get(number).state != CampaignState::RollingBack;
        if (state == OtaState::Failed || went_back) && from.state != state && !observation.retained {
            self.show(ix, Symptom::UpdateFailing);
        }
        let was_here = from.campaign == to.campaign && from.state.in_flight();
        let had_started = from.campaign == to.campaign && from.state.has_started();
        if state.has_started() && !had_started {
            self.starts(number, group, target);
        }
        // What is first seen well under way may have started before there was anybody to see it.
        let begins = state == OtaState::Downloading
            || from.state != OtaState::None
            || self.second - self.epoch > i64::from(RECONNECT_S);
        if state.in_flight() && !was_here && begins && self.started.len() < limits::MAILBOX_OBSERVATIONS {
            self.started.push((CampaignIx(number.0), ix));
        }
        let begun = self.campaigns.move_device(from, to, target, observation.at)?;
        Some(Notice::WaveStarted { campaign: campaign.to_owned(), wave: begun, target: target.to_owned() })
    }

    /// The campaign of this name, new where it was not known. Who stood in the place that it is given stands nowhere.
    fn campaign(&mut self, id: &str, announced: bool, at: At) -> Option<CampaignIx> {
        if let Some(known) = self.campaigns.find(id) {
            return Some(known);
        }
        let (ix, in_use) = self.campaigns.place(announced, at)?;
        if in_use {
            self.leave(ix);
        }
        self.campaigns.add(ix, id, at);
        Some(ix)
    }

    /// Takes all devices out of a campaign that is over.
    fn leave(&mut self, campaign: CampaignIx) {
        let stands = |device: &Device| device.campaign == campaign.0 && device.ota != OtaState::None;
        let left: Vec<_> = self.devices.iter().filter(|(_, device)| stands(device)).map(|(ix, _)| ix).collect();
        for ix in left {
            let device = self.devices.get_mut(ix);
            (device.campaign, device.wave, device.ota) = (0, 0, OtaState::None);
            device.begins_anew();
            self.excuse(ix, false);
        }
    }

    /// A device has started its update: the version it ran until now is where a rollback would bring it.
    fn starts(&mut self, campaign: CampaignIx, group: GroupIx, target: &str) {
        let Some(firmware) = self.settings.schema.find("firmware") else { return };
        let slot = usize::from(firmware.0);
        let version = self.vector(group)[slot];
        let name = self.dictionaries[slot].name(version);
        if version != ValueIx::UNKNOWN && version != ValueIx::OTHER && name != target {
            self.campaigns.starts_from(campaign, name);
        }
    }

    /// A device's wave is an attribute like the others, so that waves can be compared.
    fn note_wave(&mut self, ix: DeviceIx, campaign: &str, wave: u8) {
        let Some(attribute) = self.settings.schema.find("wave") else { return };
        let slot = usize::from(attribute.0);
        let device = self.devices.get(ix);
        let mut vector = *self.vector(device.group);
        let known = self.dictionaries[slot].name(vector[slot]);
        let same = known.strip_prefix(campaign).and_then(|rest| rest.strip_prefix(" w"));
        if same.and_then(|number| number.parse().ok()) != Some(wave) {
            vector[slot] = self.intern(attribute, &format!("{campaign} w{wave}"));
            self.move_to(ix, vector);
        }
    }
}
