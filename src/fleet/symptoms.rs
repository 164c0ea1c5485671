//! What is wrong with a device, as its messages and its silence show it.

use super::devices::{Device, DeviceIx, Flag};
use super::{Fleet, limits};
use crate::domain::fault::Fault;
use crate::domain::observation::{Batch, Observation, Telemetry};
use crate::domain::signal::Signal;
use crate::domain::symptom::Symptom;
use crate::domain::time::At;

/// A device that came back this often within a few minutes is not only unlucky.
const STORM: u8 = 3;
/// A battery that rises by this much was charged or changed.
const CHARGED: u8 = 5;
/// A time stamp this far behind its arrival is late: it waited in the device, or somewhere on the way.
const LATE_S: i64 = 600;
/// Messages in a row with the same fields before one that lacks some of them is malformed, and before a field that comes
/// and goes is not thought optional yet.
const STEADY: u8 = 6;
const PROVEN: u8 = 64;
/// Reports in a minute, and times the usual number, that are many; and that make a flood at once, where many must come in
/// two minutes running: a device that was away may empty what it kept.
const MANY: i32 = 6;
const MANY_TIMES: i32 = 2;
const FLOOD: i32 = 20;
const FLOOD_TIMES: i32 = 4;
/// A device is silent after this many of its usual periods, and these seconds more.
const SILENT_PERIODS: f32 = 3.0;
const SILENT_LEAST_S: f32 = 20.0;
/// Seconds after which it matters no more what a device was about to do when it went away.
const FORGOTTEN_S: u32 = 86_400;

impl Fleet {
    /// Notes that a device shows a symptom.
    pub(super) fn show(&mut self, ix: DeviceIx, symptom: Symptom) {
        let minute = self.minute();
        let device = self.devices.get_mut(ix);
        if !device.has(Flag::Suppressed) && device.shown.note(symptom, minute) {
            let group = device.group;
            self.groups.show(group, symptom);
        }
    }

    /// Counts a fault of a known device's message, and what it says about the device.
    pub(super) fn suffer(&mut self, ix: DeviceIx, batch: &Batch, observation: &Observation, fault: Fault) {
        self.fault(batch, observation, fault);
        let symptom = match fault {
            Fault::IdMismatch => Symptom::AuthFailing,
            Fault::OutOfRange => Symptom::Implausible,
            Fault::FutureTimestamp
            | Fault::OldTimestamp
            | Fault::Duplicate
            | Fault::OutOfOrder
            | Fault::SequenceGap => Symptom::Disordered,
            Fault::SharedName | Fault::UnknownRequest | Fault::ForeignCommand | Fault::TableFull => return,
            // What we do not know is no fault of the device.
            Fault::NoBirth | Fault::UnknownAlias | Fault::AliasesFull | Fault::StaleDeath => return,
            _ => Symptom::Malformed,
        };
        if !observation.retained {
            self.show(ix, symptom);
        }
    }

    /// Notes that a device has come back online; `known` where it had told its presence before.
    pub(super) fn returned(&mut self, ix: DeviceIx, known: bool) {
        let device = self.devices.get_mut(ix);
        if known && !device.is_updating() {
            device.returns = device.returns.saturating_add(1).min(2 * STORM);
            if device.returns >= STORM {
                self.show(ix, Symptom::Reconnecting);
            }
        }
    }

    /// Looks for what is wrong in a telemetry message that was taken.
    ///
    /// What has changed since the message before is only `is_news` where we listened in between.
    pub(super) fn check_telemetry(
        &mut self,
        ix: DeviceIx,
        told: &Telemetry,
        is_news: bool,
        batch: &Batch,
        observation: &Observation,
    ) {
        self.reports.count(ix);
        if is_late(told, observation) && !observation.retained {
            self.show(ix, Symptom::Disordered);
        }
        let mut fields = fields(told);
        for (n, _) in batch.values(observation).enumerate().take(limits::KPIS) {
            fields |= 1 << (8 + n);
        }
        if lacks(self.devices.get_mut(ix), fields) {
            self.show(ix, Symptom::Malformed);
        }
        let device = self.devices.get_mut(ix);
        if let Some(queue) = told.queue {
            let queue = queue.min(u16::MAX.into()) as u16;
            let grows = is_news && queue > device.queue && queue > 10;
            device.queue = queue;
            if grows {
                self.show(ix, Symptom::Queueing);
            }
        }
        if let Some(battery) = told.battery {
            let device = self.devices.get_mut(ix);
            let low = device.battery_low;
            if low == Device::UNKNOWN_BATTERY || battery >= low.saturating_add(CHARGED) {
                device.battery_low = battery;
            } else if battery < low {
                device.battery_low = battery;
                if is_news {
                    self.show(ix, Symptom::Draining);
                }
            }
        }
    }

    /// Looks at every device, every ten seconds: who has gone silent, who is missed, and (at the end of a minute) who
    /// sends far more than usual.
    ///
    /// Devices that have never told their presence are offline once they have been silent for long enough; devices that
    /// have been away in an update for too long are missed.
    pub(super) fn look_around(&mut self, ends_minute: bool) {
        let Some(since) = self.listening else { return };
        if ends_minute {
            self.look_for_drift();
        }
        let now = self.now_s();
        if self.hush.look(now) {
            self.all_are_silent();
            return;
        }
        self.look_at_moves();
        let silent_after_s = self.settings.silent_after_s;
        let (mut missed, mut lost, mut shows) = (Vec::new(), Vec::new(), Vec::new());
        for (ix, device) in self.devices.iter_mut() {
            let silent_s = now.saturating_sub(device.seen.max(since));
            // Of whom only the broker's store has spoken, nobody knows when it began.
            let was_heard = device.seen > 0;
            if was_heard && device.ota.in_flight() && !device.has(Flag::Online) && silent_s > super::RECONNECT_S {
                missed.push(ix);
            }
            if device.has(Flag::Online) {
                if silent_s > silent_after_s && !device.has(Flag::HasStatus) {
                    lost.push(ix);
                } else if is_silent(device, silent_s as f32) {
                    shows.push((ix, Symptom::Silent));
                }
            }
            // A minute of which we heard only a part says nothing.
            if ends_minute {
                if now.saturating_sub(since) >= 60 && end_minute(device) {
                    shows.push((ix, Symptom::Flooding));
                }
                device.reports = 0;
                device.returns = device.returns.saturating_sub(1);
                device.forgets_minute();
            }
        }
        for ix in missed {
            self.excuse(ix, false);
            self.show(ix, Symptom::UpdateFailing);
        }
        shows.into_iter().for_each(|(ix, symptom)| self.show(ix, symptom));
        for ix in lost {
            self.devices.get_mut(ix).set(Flag::Online, false);
            self.level(ix, Signal::Online, -1);
            self.falls_asleep(ix);
            self.forget_stranger(ix);
        }
    }

    /// Nobody is heard: who is away, and who only cannot be heard, nobody knows.
    fn all_are_silent(&mut self) {
        let connected = self.devices.iter().filter(|(_, device)| device.has(Flag::Online));
        let connected: Vec<_> = connected.map(|(ix, _)| ix).collect();
        for ix in connected {
            self.devices.get_mut(ix).reports = 0;
            self.show(ix, Symptom::Silent);
        }
    }

    /// A device that is away is excused where it usually is at this hour, or where others of its version come back with
    /// another.
    pub(super) fn falls_asleep(&mut self, ix: DeviceIx) {
        if self.is_moving(ix) {
            self.devices.get_mut(ix).set(Flag::Leaving, true);
        }
        if !self.devices.get(ix).has(Flag::Online) && self.may_be_away(ix) {
            self.set_excused(ix, true);
        }
    }

    /// Whether nobody is missed: a device that is away at this hour by habit, one that changes its firmware, or one that
    /// was heard but once.
    pub(super) fn may_be_away(&self, ix: DeviceIx) -> bool {
        let was_heard_once = self.devices.get(ix).was_heard_once();
        was_heard_once || self.is_moving(ix) || self.habits.is_away(ix, At::from_ms(self.second * 1000))
    }

    /// Seconds for which a device that we know has been silent while we listened.
    pub(super) fn away_s(&self, ix: DeviceIx) -> u32 {
        let device = self.devices.get(ix);
        if device.seen > 0 { self.silent_s(device) } else { 0 }
    }

    /// A device has come back that was silent for so long.
    pub(super) fn woke(&mut self, ix: DeviceIx, away_s: u32) {
        let device = self.devices.get(ix);
        // What it did in an update, or in maintenance, is no habit of its own.
        if !device.ota.in_flight() && !device.has(Flag::Leaving) && !device.has(Flag::Suppressed) {
            let back = At::from_ms(self.second * 1000);
            self.habits.returned(ix, back.plus_s(-i64::from(away_s)), back);
        }
    }

    /// Ends what was excused by a habit and should be over, and gives up habits that were not kept.
    pub(super) fn look_at_habits(&mut self) {
        if self.listening.is_none() {
            return;
        }
        let now = At::from_ms(self.second * 1000);
        if self.second.rem_euclid(3_600) == 0 {
            let Self { habits, devices, .. } = self;
            habits.end_hour(now.plus_s(-1), |ix| devices.get(ix).has(Flag::Online));
        }
        let long_gone = |device: &Device| device.has(Flag::Leaving) && self.silent_s(device) > FORGOTTEN_S;
        let gone: Vec<_> = self.devices.iter().filter(|(_, device)| long_gone(device)).map(|(ix, _)| ix).collect();
        gone.into_iter().for_each(|ix| self.devices.get_mut(ix).set(Flag::Leaving, false));
        let asleep = self.devices.iter().filter(|(_, device)| device.has(Flag::Excused) && !device.ota.in_flight());
        let late: Vec<_> = asleep.map(|(ix, _)| ix).filter(|ix| !self.may_be_away(*ix)).collect();
        late.into_iter().for_each(|ix| self.set_excused(ix, false));
    }

    /// Adds to a level of a device's group, unless the device is left out of account.
    pub(super) fn level(&mut self, ix: DeviceIx, signal: Signal, n: i32) {
        let device = self.devices.get(ix);
        if !device.has(Flag::Suppressed) {
            let group = device.group;
            self.groups.add_to(group, signal, n);
        }
    }

    /// Whether a device has been heard since we listen without a break: what changed before that is no news.
    pub(super) fn was_followed(&self, ix: DeviceIx) -> bool {
        let device = self.devices.get(ix);
        device.seen == 0 || self.listening.is_some_and(|since| device.seen >= since)
    }
}

/// Whether a message was made long before it came.
pub(super) fn is_late(told: &Telemetry, observation: &Observation) -> bool {
    told.stamp.is_some_and(|stamp| observation.at.since_s(stamp) > LATE_S)
}

/// The plain fields that a message has, a bit each.
fn fields(told: &Telemetry) -> u16 {
    let has = [
        told.battery.is_some(),
        told.rssi.is_some(),
        told.seq.is_some(),
        told.errors.is_some(),
        told.queue.is_some(),
        told.uptime_s.is_some(),
        told.stamp.is_some(),
    ];
    has.iter().enumerate().fold(0, |fields, (n, has)| fields | u16::from(*has) << n)
}

/// Whether a message lacks fields that its device has sent with every one so far. What is lacking for long is a new
/// habit; what came and went from the beginning is optional, and only lacking three times in a row.
const fn lacks(device: &mut Device, fields: u16) -> bool {
    if device.fields & !fields == 0 {
        if device.has(Flag::Lacked) {
            device.set(Flag::Forgetful, device.has(Flag::Forgetful) || device.steady < PROVEN);
            device.steady /= 2;
        }
        device.set(Flag::Lacked, false);
        device.set(Flag::LackedTwice, false);
        // More fields than before must prove themselves too.
        device.steady = if device.fields == fields { device.steady.saturating_add(1) } else { 0 };
        device.fields = fields;
        return false;
    }
    let is_lacking = !device.has(Flag::Forgetful) || device.has(Flag::LackedTwice);
    let lacks = device.steady >= STEADY && is_lacking;
    device.set(Flag::LackedTwice, device.has(Flag::Lacked));
    device.set(Flag::Lacked, true);
    device.steady = device.steady.saturating_sub(1);
    if device.steady < STEADY {
        (device.fields, device.steady) = (fields, 0);
    }
    lacks
}

/// Whether a connected device has sent nothing for several of its usual periods.
pub(super) fn is_silent(device: &Device, silent_s: f32) -> bool {
    device.period_s > 0.0 && silent_s > SILENT_LEAST_S + SILENT_PERIODS * device.period_s
}

/// Learns how long a device usually keeps quiet: quickly when it is longer than thought, slowly when it is shorter, so
/// that several messages at once do not count as many short periods.
pub(super) fn learn_period(device: &mut Device, silent_s: f32) {
    let weight = match silent_s - device.period_s {
        _ if device.period_s == 0.0 => 1.0,
        _ if is_silent(device, silent_s) => 1.0 / 16.0,
        longer if longer > 0.0 => 1.0 / 2.0,
        _ => 1.0 / 64.0,
    };
    device.period_s += weight * (silent_s - device.period_s);
}

/// Learns from a device's reports in the minute that ends; whether they were a flood.
fn end_minute(device: &mut Device) -> bool {
    let (count, usual) = (i32::from(device.reports), i32::from(device.usual));
    let sent = |least: i32, times: i32| count >= least && usual > 0 && count > times * usual;
    let (many, flood) = (sent(MANY, MANY_TIMES), sent(FLOOD, FLOOD_TIMES));
    let floods = flood || (many && device.has(Flag::SentMany));
    device.set(Flag::SentMany, many);
    if usual == 0 {
        device.usual = device.reports;
    } else if device.has(Flag::Online) && !many {
        // Away from zero, so that small differences are learnt too.
        let step = (count - usual + 7 * (count - usual).signum()) / 8;
        device.usual = (usual + step).clamp(1, u16::MAX.into()) as u16;
    }
    floods
}
