//! Moves: devices that go away and come back with another firmware, though no rollout tells of itself.
//!
//! Most fleets show no more of an update than that. While devices leave a version, one of that version that goes away is
//! not missed at once: it is given about twice the time that the others took, as long as no more are away at once than
//! about three times what the pace of those that came back lets expect, and no more than a tenth of the fleet. What goes
//! beyond is no update, and nobody of them is excused.

use super::attributes::ValueIx;
use super::devices::{Device, DeviceIx, Flag};
use super::{Fleet, RECONNECT_S};
use crate::limits;

/// Devices that have left a version before more are thought to; fewer will do where others are being left as well.
const MOVERS: u32 = 8;
const MOVERS_BESIDE: u32 = 2;
/// Seconds between two looks, and the weight of one in the pace.
const LOOK_S: f32 = 10.0;
const SMOOTH: f32 = 1.0 / 6.0;
/// Looks without a mover after which nobody leaves a version just now, and after which it is not being left any more: the
/// next wave may take an hour.
const PAUSES_LOOKS: u16 = 30;
const STAYS_LOOKS: u16 = 360;
/// A device may be away for this many times as long as the others were, and these seconds more, where so many were.
const KNOWN: u32 = 64;
const AWAY_TIMES: f32 = 2.0;
const AWAY_MORE_S: f32 = 20.0;
/// So many times as many may be away at once as the pace lets expect.
const AT_ONCE_TIMES: f32 = 3.0;
/// The most of the fleet that may, as a share; and what a look leaves of the quickest pace.
const AT_ONCE_SHARE: f32 = 0.1;
const FADES: f32 = 0.99;

/// A version that devices leave.
#[derive(Clone, Copy, Debug, Default)]
struct Left {
    version: ValueIx,
    /// When the first one came back, as the device table counts seconds.
    began: u32,
    movers: u32,
    /// Since the last look.
    came: u32,
    /// Devices a second that came back with another version, and the most that lately did.
    pace: f32,
    most: f32,
    looks: u32,
    idle: u16,
    /// Seconds for which they were away.
    away_s: f32,
}

impl Left {
    fn moves(&mut self, away_s: u32) {
        self.movers = self.movers.saturating_add(1);
        self.came += 1;
        let weight = (1.0 / self.movers as f32).max(1.0 / 64.0);
        self.away_s += weight * (away_s.min(RECONNECT_S) as f32 - self.away_s);
    }

    /// For how long one that leaves it may be away.
    fn longest_s(&self) -> u32 {
        let known_s = (AWAY_TIMES * self.away_s + AWAY_MORE_S) as u32;
        if self.movers < KNOWN { RECONNECT_S } else { known_s.min(RECONNECT_S) }
    }

    /// Whether enough have left it for more to be thought to, where so many have left any version.
    const fn is_left(&self, by_all: u32) -> bool {
        self.movers >= MOVERS || (self.movers >= MOVERS_BESIDE && by_all >= MOVERS)
    }

    /// Takes what came since the last look. Returns the devices that may be away at once, at the quickest pace so far.
    fn look(&mut self) -> f32 {
        self.looks += 1;
        let weight = (1.0 / self.looks as f32).max(SMOOTH);
        self.pace += weight * (self.came as f32 / LOOK_S - self.pace);
        self.most = (FADES * self.most).max(self.pace);
        self.idle = if self.came > 0 { 0 } else { self.idle.saturating_add(1) };
        self.came = 0;
        self.most * self.away_s.max(LOOK_S)
    }
}

/// The versions that devices leave just now.
#[derive(Debug, Default)]
pub struct Moves {
    left: Vec<Left>,
    /// Whether those that are away are as few as is to be expected.
    is_plausible: bool,
}

impl Moves {
    fn find(&self, version: ValueIx) -> Option<&Left> {
        self.left.iter().find(|left| left.version == version)
    }

    /// Devices that have left any of them.
    fn movers(&self) -> u32 {
        self.left.iter().map(|left| left.movers).sum()
    }

    /// A device has come back with another version than this one.
    fn leaves(&mut self, version: ValueIx, second: u32, away_s: u32) {
        if let Some(known) = self.left.iter_mut().find(|left| left.version == version) {
            known.moves(away_s);
        } else if self.left.len() < limits::CAME_FROM {
            let began = second.saturating_sub(away_s.min(RECONNECT_S));
            let mut left = Left { version, began, ..Left::default() };
            left.moves(away_s);
            self.left.push(left);
        }
    }

    /// Forgets versions whose places are given to others.
    pub(super) fn forget(&mut self, versions: &[ValueIx]) {
        self.left.retain(|left| !versions.contains(&left.version));
    }
}

impl Fleet {
    /// A device has come back with another firmware than `version`. Where its rollout told so before, that is no news; and
    /// to what others leave nobody moves: it has fallen back.
    pub(super) fn leaves_version(&mut self, ix: DeviceIx, version: ValueIx, away_s: u32) {
        if !self.devices.get(ix).ota.in_flight() && !self.has_fallen_back(ix) {
            self.moves.leaves(version, self.counted(self.second), away_s);
        }
    }

    /// Whether a device runs what others leave.
    pub(super) fn has_fallen_back(&self, ix: DeviceIx) -> bool {
        self.left_by(self.devices.get(ix)).is_some()
    }

    /// The version of a device, where others leave it.
    fn left_by(&self, device: &Device) -> Option<&Left> {
        if self.moves.left.is_empty() {
            return None;
        }
        let firmware = self.settings.schema.find("firmware")?;
        self.moves.find(self.vector(device.group)[usize::from(firmware.0)])
    }

    /// Looks who is away from a version that is being left, every ten seconds.
    pub(super) fn look_at_moves(&mut self) {
        if self.moves.left.is_empty() {
            return;
        }
        let left = self.devices.iter().filter(|(_, device)| self.still_moves(device).is_some());
        let away: Vec<DeviceIx> = left.map(|(ix, _)| ix).collect();
        let most = AT_ONCE_SHARE * self.cohorts.fleet().devices() as f32;
        let expected: f32 = self.moves.left.iter_mut().map(Left::look).sum();
        self.moves.is_plausible = away.len() as f32 <= (AT_ONCE_TIMES * expected + MOVERS as f32).min(most);
        self.moves.left.retain(|left| left.idle < STAYS_LOOKS);
        away.into_iter().for_each(|ix| self.falls_asleep(ix));
        let excused = self.devices.iter().filter(|(_, device)| device.has(Flag::Leaving) && device.has(Flag::Excused));
        let late: Vec<DeviceIx> = excused.map(|(ix, _)| ix).filter(|ix| !self.may_be_away(*ix)).collect();
        late.into_iter().for_each(|ix| self.set_excused(ix, false));
    }

    /// Whether a device is away as others were that came back with another firmware.
    pub(super) fn is_moving(&self, ix: DeviceIx) -> bool {
        let is_left = |left: &Left| left.is_left(self.moves.movers());
        self.moves.is_plausible && self.still_moves(self.devices.get(ix)).is_some_and(is_left)
    }

    /// Whether a device that is away went while others left its version: that it has this one is how far the update has
    /// come, and not what is wrong with it.
    pub fn went_while_left(&self, device: &Device) -> bool {
        if device.has(Flag::Online) || device.has(Flag::Leaving) {
            return device.has(Flag::Leaving);
        }
        let by_all = self.moves.movers();
        let goes_on = |left: &Left| left.is_left(by_all) && left.idle < PAUSES_LOOKS && device.seen >= left.began;
        self.left_by(device).is_some_and(goes_on)
    }

    /// The version of a device that went since it is being left, and is away for no longer than it may.
    fn still_moves(&self, device: &Device) -> Option<&Left> {
        let is_away = !device.has(Flag::Online) && !device.has(Flag::Suppressed) && !device.ota.in_flight();
        if !is_away || device.seen == 0 {
            return None;
        }
        let away_s = self.counted(self.second).saturating_sub(device.seen);
        self.left_by(device).filter(|left| device.seen >= left.began && away_s <= left.longest_s())
    }
}
