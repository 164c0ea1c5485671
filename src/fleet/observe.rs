//! How the fleet takes an observation.

use super::attributes::ValueIx;
use super::campaigns::{CampaignIx, Place, Word};
use super::devices::{Device, DeviceIx, Flag};
use super::faults::Sample;
use super::groups::{GroupIx, Vector};
use super::messages::Message;
use super::{Fleet, RECONNECT_S, limits};
use crate::domain::campaign::{CampaignAction, CampaignState, OtaState};
use crate::domain::fault::Fault;
use crate::domain::observation::{AttributeIx, Batch, Body, EventKind, Observation, Telemetry};
use crate::domain::signal::Signal;

/// Something in the telemetry that the engine may have to record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The controller of a campaign spoke: whether its state changed, the wave that has just begun, and the request
    /// it answers.
    Campaign {
        campaign: String,
        state: CampaignState,
        changed: bool,
        retained: bool,
        begun: Option<u16>,
        target: String,
        answers: String,
    },
    /// A device shows that a wave has begun.
    WaveStarted { campaign: String, wave: u16, target: String },
    /// A command to a campaign was seen on the wire.
    Control { campaign: String, action: Option<CampaignAction>, request_id: String, retained: bool },
    /// An answer to a request, ours or not.
    Answer { request_id: String },
}

/// A sequence number this far below the last one is a count begun anew, not a late message.
const RESTARTED_SEQ: u32 = 1_000;

/// Reasons for a reboot that somebody wanted. Everything else (a panic, a watchdog, none given) counts.
fn is_planned(boot_reason: &str) -> bool {
    ["ota", "update", "rollback", "user", "maintenance", "config"].contains(&boot_reason)
}

impl Fleet {
    /// Takes one observation. What the engine may have to record is returned.
    pub fn observe(&mut self, batch: &Batch, observation: &Observation) -> Option<Notice> {
        self.received += 1;
        if let Body::Fault(fault) = observation.body {
            self.fault(batch, observation, fault);
            return None;
        }
        if matches!(observation.body, Body::Campaign { .. } | Body::Control { .. } | Body::Broker(..)) {
            return self.observe_campaign(batch, observation);
        }
        let id = batch.text(observation.device);
        let Some(ix) = self.find_or_add(id) else {
            self.fault(batch, observation, Fault::TableFull);
            return None;
        };
        self.set_attributes(ix, batch, observation);
        self.hear(ix, observation);
        if observation.raw.is_empty() {
            if self.watched == Some(ix) {
                self.keep_message(ix, batch, observation);
            }
        } else {
            self.keep_message(ix, batch, observation);
        }
        match &observation.body {
            Body::Status { online, boots, boot_reason, .. } => {
                let planned = is_planned(batch.text(*boot_reason)) || self.devices.get(ix).ota.in_flight();
                self.count_boots(ix, *boots, planned || observation.retained);
                self.set_presence(ix, *online, observation.retained);
            }
            Body::Telemetry(telemetry) => self.take_telemetry(ix, telemetry, batch, observation),
            Body::Event { kind, code, .. } => self.take_event(ix, *kind, batch.text(*code), observation.retained),
            Body::Ota { campaign, wave, state, target } => {
                let wave = wave.unwrap_or(0).min(u16::from(u8::MAX)) as u8;
                return self.take_ota(ix, batch.text(*campaign), wave, *state, batch.text(*target), observation);
            }
            Body::Answer { request_id } => {
                return Some(Notice::Answer { request_id: batch.text(*request_id).to_owned() });
            }
            // The version that a device reports is an attribute, and so has been taken already.
            Body::ConfigReported { .. }
            | Body::Campaign { .. }
            | Body::Control { .. }
            | Body::Broker(..)
            | Body::Fault(_) => {}
        }
        None
    }

    /// Messages about a campaign rather than about a device.
    fn observe_campaign(&mut self, batch: &Batch, observation: &Observation) -> Option<Notice> {
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
                let (changed, begun) = self.campaigns.hear(word, observation.retained, observation.at)?;
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
            Body::Control { campaign, action, request_id } => Some(Notice::Control {
                campaign: batch.text(*campaign).to_owned(),
                action: *action,
                request_id: batch.text(*request_id).to_owned(),
                retained: observation.retained,
            }),
            _ => None,
        }
    }

    /// Counts a fault and keeps a sample of it.
    pub fn fault(&mut self, batch: &Batch, observation: &Observation, fault: Fault) {
        self.faults.add(Sample {
            at: observation.at,
            fault,
            topic: batch.text(observation.topic).to_owned(),
            preview: batch.text(observation.raw).to_owned(),
            bytes: observation.bytes,
        });
    }

    fn find_or_add(&mut self, id: &str) -> Option<DeviceIx> {
        if let Some(known) = self.devices.find(id) {
            return Some(known);
        }
        let group = self.group_of([ValueIx::UNKNOWN; limits::ATTRIBUTES]);
        let ix = self.devices.add(id, group, 0)?;
        self.groups.add_to(group, Signal::Devices, 1);
        Some(ix)
    }

    fn group_of(&mut self, vector: Vector) -> GroupIx {
        if let Some(known) = self.groups.find(&vector) {
            return known;
        }
        if self.groups.is_full() {
            // Its values may be so new that nothing holds them yet.
            self.hold(&vector);
            self.sweep();
            self.release(&vector);
        }
        let mut vector = vector;
        if self.groups.is_full() {
            self.overflowed += 1;
            vector = [ValueIx::OTHER; limits::ATTRIBUTES];
            if let Some(known) = self.groups.find(&vector) {
                return known;
            }
        }
        self.hold(&vector);
        let cohorts = self.cohorts.of(&vector);
        self.groups.add(vector, cohorts)
    }

    fn hold(&mut self, vector: &Vector) {
        self.dictionaries.iter_mut().zip(vector).for_each(|(dictionary, value)| dictionary.hold(*value));
    }

    fn release(&mut self, vector: &Vector) {
        self.dictionaries.iter_mut().zip(vector).for_each(|(dictionary, value)| dictionary.release(*value));
    }

    /// Makes room by forgetting groups without devices and the values that only they held, at most once a minute.
    fn sweep(&mut self) {
        if self.second - self.swept < 60 {
            return;
        }
        self.swept = self.second;
        self.settle();
        for vector in self.groups.sweep() {
            for (dictionary, value) in self.dictionaries.iter_mut().zip(vector) {
                dictionary.release(value);
            }
        }
        for attribute in self.settings.schema.all() {
            let values = self.dictionaries[usize::from(attribute.0)].sweep();
            if !values.is_empty() {
                self.cohorts.forget(attribute, &values);
            }
        }
    }

    fn set_attributes(&mut self, ix: DeviceIx, batch: &Batch, observation: &Observation) {
        let group = self.devices.get(ix).group;
        let mut vector = *self.vector(group);
        let mut changed = false;
        for (attribute, name) in batch.attributes(observation) {
            let slot = usize::from(attribute.0);
            if self.dictionaries[slot].name(vector[slot]) != name {
                self.hold(&vector);
                let value = self.intern(attribute, name);
                self.release(&vector);
                vector[slot] = value;
                changed = true;
            }
        }
        if changed {
            self.move_to(ix, vector);
        }
    }

    fn intern(&mut self, attribute: AttributeIx, name: &str) -> ValueIx {
        let slot = usize::from(attribute.0);
        if let Some(value) = self.dictionaries[slot].intern(name) {
            return value;
        }
        self.sweep();
        self.dictionaries[slot].intern(name).unwrap_or_else(|| {
            self.overflowed += 1;
            ValueIx::OTHER
        })
    }

    fn move_to(&mut self, ix: DeviceIx, vector: Vector) {
        let to = self.group_of(vector);
        let device = self.devices.get_mut(ix);
        let from = std::mem::replace(&mut device.group, to);
        let (online, excused) = (device.has(Flag::Online), device.has(Flag::Excused));
        for (group, n) in [(from, -1), (to, 1)] {
            self.groups.add_to(group, Signal::Devices, n);
            self.groups.add_to(group, Signal::Online, if online { n } else { 0 });
            self.groups.add_to(group, Signal::Updating, if excused { n } else { 0 });
        }
    }

    /// Any message shows life, but for one that the broker had in store.
    fn hear(&mut self, ix: DeviceIx, observation: &Observation) {
        let device = self.devices.get_mut(ix);
        let group = device.group;
        if observation.retained {
            return;
        }
        device.seen = device.seen.max((observation.at.second() - self.epoch).clamp(0, u32::MAX.into()) as u32);
        self.groups.add_to(group, Signal::Messages, 1);
        let says_offline = matches!(observation.body, Body::Status { online: Some(false), .. });
        if !device.has(Flag::Online) && !says_offline && !matches!(observation.body, Body::Status { .. }) {
            device.set(Flag::Online, true);
            self.groups.add_to(group, Signal::Online, 1);
            self.excuse(ix, true);
        }
    }

    fn keep_message(&mut self, ix: DeviceIx, batch: &Batch, observation: &Observation) {
        self.messages.add(Message {
            at: observation.at,
            device: ix,
            topic: batch.text(observation.topic).to_owned(),
            preview: batch.text(observation.raw).to_owned(),
            retained: observation.retained,
        });
    }

    /// A boot counter that rises shows reboots. One seen for the first time shows none; what was planned, or comes from
    /// the broker's store, is no news.
    fn count_boots(&mut self, ix: DeviceIx, boots: Option<u32>, expected: bool) {
        let Some(boots) = boots else { return };
        let device = self.devices.get_mut(ix);
        let before = device.has(Flag::HasBoots).then_some(device.boots);
        device.set(Flag::HasBoots, true);
        device.boots = boots;
        let group = device.group;
        if let Some(before) = before
            && boots > before
            && !expected
        {
            device.set(Flag::HasSeq, false);
            // One message can show several boots; a counter that leaps is a counter that was set.
            self.groups.add_to(group, Signal::Reboots, (boots - before).min(10) as i32);
            self.count_rebooter(ix);
        }
    }

    fn count_rebooter(&mut self, ix: DeviceIx) {
        let minute = self.minute();
        let device = self.devices.get_mut(ix);
        if device.rebooted != minute {
            device.rebooted = minute;
            let group = device.group;
            self.groups.add_to(group, Signal::Rebooters, 1);
        }
    }

    fn set_presence(&mut self, ix: DeviceIx, online: Option<bool>, retained: bool) {
        let Some(online) = online else { return };
        let device = self.devices.get_mut(ix);
        let (group, was) = (device.group, device.has(Flag::Online));
        device.set(Flag::HasStatus, true);
        device.set(Flag::Online, online);
        if online && !was {
            // It may have restarted, and its count of messages with it.
            device.set(Flag::HasSeq, false);
        }
        if was != online {
            self.groups.add_to(group, Signal::Online, if online { 1 } else { -1 });
            if online && !retained {
                self.groups.add_to(group, Signal::Reconnects, 1);
            }
        }
        // A device that was away already is not excused anew by being told so again.
        if online || (was && !retained) {
            self.excuse(ix, true);
        }
    }

    /// A device that is away in the middle of an update is excused, as long as it is `recent`.
    pub(super) fn excuse(&mut self, ix: DeviceIx, recent: bool) {
        let device = self.devices.get_mut(ix);
        let excused = recent && !device.has(Flag::Online) && device.ota.in_flight();
        if device.has(Flag::Excused) != excused {
            device.set(Flag::Excused, excused);
            let group = device.group;
            self.groups.add_to(group, Signal::Updating, if excused { 1 } else { -1 });
        }
    }

    fn take_telemetry(&mut self, ix: DeviceIx, told: &Telemetry, batch: &Batch, observation: &Observation) {
        let device = self.devices.get_mut(ix);
        let group = device.group;
        if let Some(seq) = told.seq {
            let back = device.seq.checked_sub(seq).filter(|_| device.has(Flag::HasSeq) && seq > 1 || seq == device.seq);
            match back {
                Some(0) if device.has(Flag::HasSeq) => return self.fault(batch, observation, Fault::Duplicate),
                Some(1..RESTARTED_SEQ) => return self.fault(batch, observation, Fault::OutOfOrder),
                _ => {}
            }
            device.seq = seq;
            device.set(Flag::HasSeq, true);
        }
        device.battery = told.battery.unwrap_or(device.battery);
        device.rssi = told.rssi.unwrap_or(device.rssi);
        device.queue = told.queue.map_or(device.queue, |queue| queue.min(u16::MAX.into()) as u16);
        if let Some(errors) = told.errors {
            let before = device.has(Flag::HasErrors).then_some(device.errors);
            device.errors = errors;
            device.set(Flag::HasErrors, true);
            let risen = before.map_or(0, |before| errors.saturating_sub(before));
            if risen > 0 && !device.has(Flag::SendsErrors) {
                self.groups.add_to(group, Signal::Errors, risen.min(1000) as i32);
            }
        }
    }

    fn take_event(&mut self, ix: DeviceIx, kind: EventKind, code: &str, retained: bool) {
        let device = self.devices.get_mut(ix);
        let group = device.group;
        if retained {
            return;
        }
        match kind {
            EventKind::Error => {
                device.set(Flag::SendsErrors, true);
                if !code.is_empty() {
                    device.error_code = self.codes.add(code);
                }
                self.groups.add_to(group, Signal::Errors, 1);
            }
            // Where a device has a boot counter, that counts.
            EventKind::Reboot if !device.has(Flag::HasBoots) => {
                self.groups.add_to(group, Signal::Reboots, 1);
                self.count_rebooter(ix);
            }
            _ => {}
        }
    }

    fn take_ota(
        &mut self,
        ix: DeviceIx,
        campaign: &str,
        wave: u8,
        state: OtaState,
        target: &str,
        observation: &Observation,
    ) -> Option<Notice> {
        let number = self.campaigns.find_or_add(campaign, false)?;
        self.note_wave(ix, campaign, wave);
        let device: &mut Device = self.devices.get_mut(ix);
        let from = Place { campaign: device.campaign, wave: device.wave, state: device.ota };
        let to = Place { campaign: number.0, wave, state };
        (device.campaign, device.wave, device.ota) = (to.campaign, to.wave, to.state);
        self.excuse(ix, !observation.retained);
        let was_here = from.campaign == to.campaign && from.state.in_flight();
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
