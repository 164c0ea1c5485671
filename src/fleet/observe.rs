//! How the fleet takes an observation.

use super::Fleet;
use super::attributes::ValueIx;
use super::devices::{DeviceIx, Flag};
use super::faults::Sample;
use super::messages::Message;
use super::symptoms::{is_late, learn_period};
use crate::domain::campaign::{CampaignAction, CampaignState};
use crate::domain::fault::Fault;
use crate::domain::observation::{Batch, Body, EventKind, Observation, Telemetry};
use crate::domain::signal::Signal;
use crate::domain::symptom::Symptom;

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

/// A device that was away for so many seconds and has booted once may have had its power cut.
const CUT_S: u32 = 60;

/// Reasons for a reboot that somebody wanted. Everything else (a panic, a watchdog, none given) counts.
fn is_planned(boot_reason: &str) -> bool {
    ["ota", "update", "rollback", "user", "maintenance", "config", "commanded"].contains(&boot_reason)
}

impl Fleet {
    /// Takes one observation. What the engine may have to record is returned.
    pub fn observe(&mut self, batch: &Batch, observation: &Observation) -> Option<Notice> {
        self.received += 1;
        if let Body::Fault(fault) = observation.body {
            match self.devices.find(batch.text(observation.device)) {
                Some(ix) => {
                    // What cannot be read shows life all the same.
                    self.hears_somebody(observation);
                    self.is_back(ix, observation);
                    let followed = self.was_followed(ix);
                    self.hear(ix, self.away_s(ix), observation);
                    // What was missed while nobody listened is not the device's fault.
                    if fault == Fault::SequenceGap && !followed {
                        self.fault(batch, observation, fault);
                    } else {
                        self.suffer(ix, batch, observation, fault);
                    }
                }
                None => self.fault(batch, observation, fault),
            }
            return None;
        }
        if matches!(
            observation.body,
            Body::Campaign { .. } | Body::CampaignCleared { .. } | Body::Control { .. } | Body::Broker(..)
        ) {
            return self.observe_campaign(batch, observation);
        }
        let id = batch.text(observation.device);
        if matches!(observation.body, Body::Cleared) {
            self.takes_leave(id);
            return None;
        }
        let Some(ix) = self.find_or_add(id) else {
            self.fault(batch, observation, Fault::TableFull);
            return None;
        };
        self.is_back(ix, observation);
        if let Body::Suppressed(suppressed) = observation.body {
            self.says_maintenance(ix, suppressed);
            return None;
        }
        let left = self.set_attributes(ix, batch, observation);
        self.hears_somebody(observation);
        let away_s = self.away_s(ix);
        let followed = self.was_followed(ix);
        self.hear(ix, away_s, observation);
        if observation.raw.is_empty() {
            if self.messages.is_watched(ix) {
                self.keep_message(ix, batch, observation);
            }
        } else {
            self.keep_message(ix, batch, observation);
        }
        self.tells_version(ix, left, observation);
        match &observation.body {
            Body::Status { online, boots, boot_reason, .. } => {
                self.keeps_presence |= observation.retained && online.is_some();
                let device = self.devices.get(ix);
                let loops = device.has(Flag::KeepsComingBack);
                let comes_back = *online == Some(true) && !device.has(Flag::Online);
                let is_news = followed && device.seen > 0 && !observation.retained && !observation.hearsay;
                let moved = left.is_some() && !loops && !self.has_fallen_back(ix);
                // Whoever is away at this hour by habit is switched on again when it comes.
                let wakes = comes_back && device.has(Flag::Excused) && !device.has(Flag::Leaving);
                let planned =
                    moved || wakes || device.is_updating() || (is_planned(batch.text(*boot_reason)) && !loops);
                if let Some(version) = left.filter(|_| comes_back && is_news) {
                    self.leaves_version(ix, version, away_s);
                }
                let expected = planned || observation.retained || !followed;
                self.count_boots(ix, *boots, expected, comes_back.then_some(away_s));
                self.set_presence(ix, *online, observation.retained, away_s);
            }
            Body::Telemetry(telemetry) => {
                let is_news = followed && !observation.retained;
                if let Some(told) = self.take_telemetry(ix, telemetry, is_news, batch, observation) {
                    self.check_telemetry(ix, told, is_news, batch, observation);
                    self.measure(ix, is_news, is_late(told, observation), batch, observation);
                }
            }
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
            | Body::CampaignCleared { .. }
            | Body::Control { .. }
            | Body::Broker(..)
            | Body::Suppressed(_)
            | Body::Cleared
            | Body::Fault(_) => {}
        }
        None
    }

    /// A device tells that it has left a version: it has booted into another one. Where it was away for that until a moment
    /// ago, it went to move.
    fn tells_version(&mut self, ix: DeviceIx, left: Option<ValueIx>, observation: &Observation) {
        let Some(version) = left.filter(|_| !observation.retained) else { return };
        let device = self.devices.get_mut(ix);
        let was_away = device.has_just_come_back();
        if !was_away {
            device.is_back(0);
        }
        device.set(Flag::JustMoved, true);
        let away_s = device.away.into();
        if was_away && !observation.hearsay && device.has(Flag::Online) {
            self.leaves_version(ix, version, away_s);
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

    /// Whoever is heard ends a hush. What was missed in it was lost on the way, as if our own link had been down.
    fn hears_somebody(&mut self, observation: &Observation) {
        let second = self.counted(observation.at.second());
        if !observation.retained && !observation.hearsay && self.listening.is_some() && self.hush.hear(second) {
            self.listening = Some(second);
        }
    }

    /// Any message shows life, but for one that the broker had in store, and for what others say.
    fn hear(&mut self, ix: DeviceIx, away_s: u32, observation: &Observation) {
        let second = self.counted(observation.at.second());
        let device = self.devices.get_mut(ix);
        let group = device.group;
        if observation.retained || observation.hearsay {
            return;
        }
        let followed = device.has(Flag::Online) && self.listening.is_some_and(|since| device.seen >= since);
        // What it says of its presence and of its update comes in bursts, and is what updates and crashes are known by.
        let reports = !matches!(observation.body, Body::Status { .. } | Body::Ota { .. });
        // How long it keeps quiet is known from the second report on: the first follows its status at once.
        if followed && device.seen > 0 && device.has(Flag::HasReported) {
            learn_period(device, away_s as f32);
        }
        device.set(Flag::HeardAgain, device.seen > 0);
        device.set(Flag::HasReported, reports || device.has(Flag::HasReported));
        device.seen = device.seen.max(second);
        if reports {
            device.reports = device.reports.saturating_add(1);
        }
        self.groups.add_to(group, Signal::Messages, 1);
        let says_offline = matches!(observation.body, Body::Status { online: Some(false), .. });
        if !device.has(Flag::Online) && !says_offline && !matches!(observation.body, Body::Status { .. }) {
            device.set(Flag::Online, true);
            self.level(ix, Signal::Online, 1);
            self.woke(ix, away_s);
            self.devices.get_mut(ix).set(Flag::Leaving, false);
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
    /// A single boot that ends a long absence, `away_s`, is part of that absence: its power was cut. Another one soon after
    /// is not.
    fn count_boots(&mut self, ix: DeviceIx, boots: Option<u32>, expected: bool, away_s: Option<u32>) {
        let Some(boots) = boots else { return };
        let minute = self.minute();
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
            let was_away = boots - before == 1 && away_s.is_some_and(|s| s >= CUT_S);
            if !was_away || !self.devices.get_mut(ix).shown.note_cut(minute) {
                self.show(ix, Symptom::Rebooting);
            }
        }
    }

    fn set_presence(&mut self, ix: DeviceIx, online: Option<bool>, retained: bool, away_s: u32) {
        let Some(online) = online else { return };
        let device = self.devices.get_mut(ix);
        let (group, was, was_known) = (device.group, device.has(Flag::Online), device.has(Flag::HasStatus));
        device.set(Flag::HasStatus, true);
        device.set(Flag::Online, online);
        if online && !was {
            // It may have restarted, and its count of messages with it.
            device.set(Flag::HasSeq, false);
        }
        if was != online {
            self.level(ix, Signal::Online, if online { 1 } else { -1 });
            if online && !retained {
                self.groups.add_to(group, Signal::Reconnects, 1);
                self.devices.get_mut(ix).is_back(away_s);
                if self.devices.get(ix).ota.in_flight() {
                    self.devices.get_mut(ix).comes_back();
                }
                self.returned(ix, was_known);
                self.woke(ix, away_s);
            }
            self.devices.get_mut(ix).set(Flag::Leaving, false);
        }
        // A device that was away already is not excused anew by being told so again.
        if online || was {
            self.excuse(ix, !retained);
            self.falls_asleep(ix);
        }
    }

    /// A device that is away in the middle of an update is excused, as long as it is `recent`.
    pub(super) fn excuse(&mut self, ix: DeviceIx, recent: bool) {
        let device = self.devices.get(ix);
        self.set_excused(ix, recent && !device.has(Flag::Online) && device.is_updating());
    }

    pub(super) fn set_excused(&mut self, ix: DeviceIx, excused: bool) {
        let device = self.devices.get_mut(ix);
        if device.has(Flag::Excused) != excused {
            device.set(Flag::Excused, excused);
            self.level(ix, Signal::Updating, if excused { 1 } else { -1 });
        }
    }

    /// Takes the numbers of a telemetry message; none of a message that has come before, or whose place was before.
    fn take_telemetry<'t>(
        &mut self,
        ix: DeviceIx,
        told: &'t Telemetry,
        is_news: bool,
        batch: &Batch,
        observation: &Observation,
    ) -> Option<&'t Telemetry> {
        let device = self.devices.get_mut(ix);
        let group = device.group;
        if let Some(seq) = told.seq {
            let known = device.has(Flag::HasSeq);
            let last = device.seq;
            let back = last.checked_sub(seq).filter(|_| known && seq > 1 || seq == last);
            match back {
                Some(0) if known => {
                    self.suffer(ix, batch, observation, Fault::Duplicate);
                    return None;
                }
                Some(1..RESTARTED_SEQ) => {
                    self.suffer(ix, batch, observation, Fault::OutOfOrder);
                    return None;
                }
                _ => {}
            }
            device.seq = seq;
            device.set(Flag::HasSeq, true);
            // What was missed while nobody listened is not the device's fault.
            if known && is_news && (2..RESTARTED_SEQ).contains(&seq.saturating_sub(last)) {
                self.show(ix, Symptom::Disordered);
            }
        }
        let device = self.devices.get_mut(ix);
        device.battery = told.battery.unwrap_or(device.battery);
        device.rssi = told.rssi.unwrap_or(device.rssi);
        if let Some(errors) = told.errors {
            self.counts_errors |= !device.has(Flag::SendsErrors);
            let before = device.has(Flag::HasErrors).then_some(device.errors);
            device.errors = errors;
            device.set(Flag::HasErrors, true);
            let risen = before.map_or(0, |before| errors.saturating_sub(before));
            if risen > 0 && is_news && !device.has(Flag::SendsErrors) {
                self.groups.add_to(group, Signal::Errors, risen.min(1000) as i32);
                self.show(ix, Symptom::Erring);
            }
        }
        Some(told)
    }

    /// Notes what a device tells as it happens. The boot that an absence or an update ends with is part of that, as where
    /// boots are counted.
    fn take_event(&mut self, ix: DeviceIx, kind: EventKind, code: &str, retained: bool) {
        let minute = self.minute();
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
                self.show(ix, Symptom::Erring);
            }
            // Where a device has a boot counter, that counts.
            EventKind::Reboot if !device.has(Flag::HasBoots) => {
                let goes_with = device.away >= CUT_S as u16 || device.has(Flag::JustMoved) || device.is_updating();
                let is_part = device.has_just_come_back() && goes_with;
                self.groups.add_to(group, Signal::Reboots, 1);
                if !is_part || !self.devices.get_mut(ix).shown.note_cut(minute) {
                    self.show(ix, Symptom::Rebooting);
                }
            }
            EventKind::AuthFailure => self.show(ix, Symptom::AuthFailing),
            EventKind::Throttled | EventKind::Rejected => self.show(ix, Symptom::Refused),
            EventKind::SignatureFailure => self.show(ix, Symptom::BadSignature),
            EventKind::Reboot | EventKind::Other => {}
        }
    }
}
