//! Rollouts in the simulated world: waves begin, devices step through their update, the controller reports and obeys.

use super::{Plan, REBOOT_S, Update, World};
use crate::domain::campaign::{CampaignAction, CampaignState, OtaState};
use crate::domain::observation::WavePlan;
use crate::domain::time::At;
use crate::drill::scenario::{Answer, CampaignPlan, Effect, Fate};
use crate::ingest::encode;

/// Seconds that a device takes for each step of its update, from and to.
const DOWNLOAD_S: (f64, f64) = (5.0, 20.0);
const INSTALL_S: (f64, f64) = (6.0, 15.0);
const SETTLE_S: (f64, f64) = (2.0, 4.0);
/// Seconds until an update or a rollback that found its device offline is tried again.
const RETRY_S: (f64, f64) = (3.0, 6.0);
/// Seconds between two reports of a controller.
const REPORT_S: i64 = 2;
/// Seconds over which the devices of a wave say that they are queued.
const QUEUE_S: (f64, f64) = (0.0, 5.0);

/// The controller of a campaign.
#[derive(Debug)]
pub(super) struct Rollout {
    id: String,
    target: String,
    state: CampaignState,
    wave: u16,
    waves: Vec<WavePlan>,
    /// The devices of each wave.
    members: Vec<Vec<u32>>,
    /// What it was told, and is about to do.
    told: Option<(CampaignAction, String)>,
    /// The request it has answered last.
    answered: Option<String>,
    /// Why it refused that request, if it did.
    refused: Option<String>,
    /// What the last report said, so that it is not said again.
    reported: Option<(CampaignState, u16, Vec<WavePlan>)>,
}

impl Rollout {
    pub(super) fn new(plan: &CampaignPlan) -> Self {
        Self {
            id: plan.id.clone(),
            target: plan.target.clone(),
            state: CampaignState::Running,
            wave: 0,
            waves: Vec::new(),
            members: Vec::new(),
            told: None,
            answered: None,
            refused: None,
            reported: None,
        }
    }
}

impl World {
    pub(super) fn plan_rollouts(&mut self, start: At) {
        for rollout in 0..self.rollouts.len() {
            let waves = self.scenario.campaigns[rollout].waves.clone();
            let mut open: Vec<u32> = (0..self.devices()).collect();
            for (n, wave) in waves.iter().enumerate() {
                self.plan(start.plus_s(wave.at_s.into()), Plan::BeginWave(rollout as u8, n as u8));
                let mut members: Vec<u32> =
                    open.iter().copied().filter(|device| self.fits(*device, &wave.only)).collect();
                self.random.shuffle(&mut members);
                members.truncate((members.len() as f64 * wave.share.get_ref()).round() as usize);
                let taken: std::collections::HashSet<u32> = members.iter().copied().collect();
                open.retain(|device| !taken.contains(device));
                let plan = WavePlan { wave: n as u16 + 1, planned: members.len() as u32, done: 0, failed: 0 };
                let controller = &mut self.rollouts[rollout];
                controller.waves.push(plan);
                controller.members.push(members);
            }
            self.plan(start.plus_s(REPORT_S), Plan::Report(rollout as u8));
        }
    }

    pub(super) fn hear_control(&mut self, campaign: &str, action: &str, request_id: &str, at: At) {
        let Some(action) = CampaignAction::parse(action) else { return };
        let Some(rollout) = self.rollouts.iter().position(|r| r.id == campaign) else { return };
        if self.rollouts[rollout].answered.as_deref() == Some(request_id) {
            return;
        }
        let (kind, _) = self.answer_to(action);
        if self.fate(rollout as u32, kind) == Fate::Mute {
            return;
        }
        self.rollouts[rollout].told = Some((action, request_id.to_owned()));
        let controller_s = self.scenario.response.controller_s;
        let answered = match self.answer_to(action).1.clone() {
            Answer { after_s: None, .. } => at.plus_ms((controller_s * 1000.0) as i64),
            answer => self.answered_at(&answer, at),
        };
        self.plan(answered, Plan::Obey(rollout as u8));
    }

    fn answer_to(&self, action: CampaignAction) -> (usize, &Answer) {
        match action {
            CampaignAction::Halt => (0, &self.scenario.response.halt),
            CampaignAction::Resume => (1, &self.scenario.response.resume),
            CampaignAction::Rollback => (2, &self.scenario.response.rollback),
        }
    }

    pub(super) fn obey(&mut self, rollout: u8, at: At) {
        let Some((action, request_id)) = self.rollouts[usize::from(rollout)].told.take() else { return };
        let refused = match self.fate(rollout.into(), self.answer_to(action).0) {
            Fate::Refused(error) => Some(error),
            _ => None,
        };
        let controller = &mut self.rollouts[usize::from(rollout)];
        controller.answered = Some(request_id);
        controller.refused = refused;
        if controller.refused.is_some() {
            return self.report(rollout, at);
        }
        controller.state = match action {
            CampaignAction::Halt => CampaignState::Halted,
            CampaignAction::Resume => CampaignState::Running,
            CampaignAction::Rollback => CampaignState::RollingBack,
        };
        self.report(rollout, at);
        if action == CampaignAction::Rollback {
            let spread = (0.5, self.scenario.response.rollback_s);
            let updated: Vec<u32> = (0..self.devices()).filter(|d| self.is_updated(*d, rollout)).collect();
            updated.into_iter().for_each(|device| self.after(at, spread, Plan::RollBack(device)));
        }
    }

    fn is_updated(&self, device: u32, rollout: u8) -> bool {
        let Update { rollout: its, state, .. } = self.devices[device as usize].update;
        its == rollout && matches!(state, OtaState::Succeeded)
    }

    pub(super) fn begin_wave(&mut self, rollout: u8, wave: u8, at: At) {
        let spread_s = self.scenario.campaigns[usize::from(rollout)].waves[usize::from(wave)].spread_s;
        let controller = &mut self.rollouts[usize::from(rollout)];
        if controller.state != CampaignState::Running {
            return;
        }
        controller.wave = u16::from(wave) + 1;
        let members = controller.members[usize::from(wave)].clone();
        self.report(rollout, at);
        let spread = (QUEUE_S.1 + 1.0, f64::from(spread_s) + QUEUE_S.1 + 1.0);
        for device in members {
            self.devices[device as usize].update = Update { rollout, wave: wave + 1, state: OtaState::None };
            self.after(at, QUEUE_S, Plan::Step(device));
            self.after(at, spread, Plan::Step(device));
        }
    }

    /// The next step of a device's update. Each step plans the one after it, but for the first two.
    pub(super) fn step_update(&mut self, device: u32, at: At) {
        let state = &self.devices[device as usize];
        let halted = self.rollouts[usize::from(state.update.rollout)].state != CampaignState::Running;
        match state.update.state {
            OtaState::None => self.enter(device, OtaState::Queued, at),
            // A device that is away, or stopped in its queue, starts later or not at all.
            OtaState::Queued if halted && !self.starts_all_the_same(device) => {}
            _ if !state.online && state.update.state != OtaState::Rebooting => {
                self.after(at, RETRY_S, Plan::Step(device))
            }
            OtaState::Queued => {
                self.enter(device, OtaState::Downloading, at);
                self.after(at, DOWNLOAD_S, Plan::Step(device));
            }
            OtaState::Downloading => {
                self.enter(device, OtaState::Installing, at);
                self.after(at, INSTALL_S, Plan::Step(device));
            }
            OtaState::Installing if self.suffering(device, Effect::SignatureFailure, at).is_some() => {
                self.report_event(device, at, "signature-failure", "0x71", "signature not valid");
                self.enter(device, OtaState::Failed, at);
            }
            OtaState::Installing if self.suffering(device, Effect::UpdateFailure, at).is_some() => {
                self.enter(device, OtaState::Failed, at);
            }
            OtaState::Installing => {
                self.enter(device, OtaState::Rebooting, at);
                self.go_offline(device, at);
                self.after(at, REBOOT_S, Plan::Step(device));
            }
            // A device that is not let in is as if it had not booted yet.
            OtaState::Rebooting if !state.online && self.barred(device, at).is_some() => {
                self.after(at, RETRY_S, Plan::Step(device));
            }
            OtaState::Rebooting if !state.online => {
                let target = self.rollouts[usize::from(state.update.rollout)].target.clone();
                let firmware = self.firmware_index(&target);
                self.boot_into(device, firmware, "ota", at);
                self.after(at, SETTLE_S, Plan::Step(device));
            }
            OtaState::Rebooting if self.suffering(device, Effect::SelfRollback, at).is_some() => {
                let target = self.rollouts[usize::from(state.update.rollout)].target.clone();
                let firmware = self.known_good(&target);
                self.go_offline(device, at);
                self.boot_into(device, firmware, "rollback", at);
                self.enter(device, OtaState::RolledBack, at);
            }
            OtaState::Rebooting => {
                self.enter(device, OtaState::Succeeded, at);
                let update = self.devices[device as usize].update;
                self.count_done(update);
            }
            OtaState::Succeeded | OtaState::Failed | OtaState::RolledBack => {}
        }
    }

    /// Whether a halt does not reach a device: it starts in spite of it.
    fn starts_all_the_same(&self, device: u32) -> bool {
        let rollout = self.devices[device as usize].update.rollout;
        self.rollouts[usize::from(rollout)].state == CampaignState::Halted
            && self.scenario.response.halt.escaped > 0.0
            && self.fate(device, 0) == Fate::Escaped
    }

    fn firmware_index(&self, version: &str) -> u16 {
        self.attributes[self.firmware].values.iter().position(|v| v == version).unwrap_or(0) as u16
    }

    fn count_done(&mut self, update: Update) {
        let controller = &mut self.rollouts[usize::from(update.rollout)];
        if let Some(wave) = controller.waves.iter_mut().find(|wave| wave.wave == u16::from(update.wave)) {
            wave.done += 1;
        }
    }

    /// Enters a state of the update, and says so.
    pub(super) fn enter(&mut self, device: u32, state: OtaState, at: At) {
        self.devices[device as usize].update.state = state;
        let Update { rollout, wave, .. } = self.devices[device as usize].update;
        let (id, target) = {
            let controller = &self.rollouts[usize::from(rollout)];
            (controller.id.clone(), controller.target.clone())
        };
        let from = self.value(device, "firmware").unwrap_or("").to_owned();
        self.say(device, at, |address, _| address.ota(at, &id, wave.into(), state, &from, &target));
        self.blows_after_update(device, at);
    }

    /// Takes the old firmware back: needs the device online for long enough to hear of it.
    pub(super) fn roll_back(&mut self, device: u32, at: At) {
        let state = &self.devices[device as usize];
        let controller = &self.rollouts[usize::from(state.update.rollout)];
        if controller.state != CampaignState::RollingBack || state.update.state != OtaState::Succeeded {
            return;
        }
        if !state.online {
            return self.after(at, RETRY_S, Plan::RollBack(device));
        }
        let firmware = self.known_good(&controller.target);
        self.go_offline(device, at);
        self.boot_into(device, firmware, "rollback", at);
        self.enter(device, OtaState::RolledBack, at);
    }

    /// The firmware that most of the fleet had before a campaign.
    fn known_good(&self, target: &str) -> u16 {
        let weights = self.weights(self.firmware);
        let values = self.attributes[self.firmware].values.iter().zip(weights).enumerate();
        let others = values.filter(|(_, (value, _))| *value != target);
        others.max_by(|(_, a), (_, b)| a.1.total_cmp(&b.1)).map_or(0, |(ix, _)| ix as u16)
    }

    pub(super) fn report_on_change(&mut self, rollout: u8, at: At) {
        self.plan(at.plus_s(REPORT_S), Plan::Report(rollout));
        let finished = (0..self.devices()).all(|d| !self.is_updated(d, rollout));
        let controller = &mut self.rollouts[usize::from(rollout)];
        if controller.state == CampaignState::RollingBack && finished {
            controller.state = CampaignState::Finished;
        }
        let now = (controller.state, controller.wave, controller.waves.clone());
        if controller.reported.as_ref() != Some(&now) {
            self.report(rollout, at);
        }
    }

    /// The controller's word on its campaign.
    pub(super) fn report(&mut self, rollout: u8, at: At) {
        let root = self.scenario.fleet.root.clone();
        let controller = &mut self.rollouts[usize::from(rollout)];
        controller.reported = Some((controller.state, controller.wave, controller.waves.clone()));
        let Rollout { id, target, state, wave, waves, answered, refused, .. } = controller;
        let running = (*wave > 0).then_some(*wave);
        let message = encode::campaign_state(&root, id, *state, running, target, waves, answered.as_deref());
        let message = match refused {
            Some(error) => message.with("error", error),
            None => message,
        };
        self.publish(at, None, message);
    }
}

#[cfg(test)]
impl Rollout {
    pub(super) const fn report_state(&self) -> CampaignState {
        self.state
    }
}
