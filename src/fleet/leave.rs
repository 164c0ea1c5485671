//! Devices on leave: heard, and neither counted nor missed, because somebody said so.

use super::Fleet;
use super::devices::{Device, DeviceIx, Flag};
use crate::domain::campaign::OtaState;
use crate::domain::maintenance::Maintenance;
use crate::domain::observation::{Body, Observation};
use crate::domain::signal::Signal;
use crate::domain::time::At;

/// Seconds between two looks at who is worked on.
pub(super) const LOOK_S: i64 = 10;

impl Fleet {
    /// Leaves a device out of account, or counts it again: in maintenance it is heard, and neither counted nor missed.
    pub(super) fn suppress(&mut self, ix: DeviceIx, suppressed: bool) {
        let device = self.devices.get(ix);
        if device.has(Flag::Suppressed) == suppressed {
            return;
        }
        let n = if suppressed { -1 } else { 1 };
        let (online, excused) = (device.has(Flag::Online), device.has(Flag::Excused));
        self.devices.get_mut(ix).set(Flag::Suppressed, false);
        self.level(ix, Signal::Devices, n);
        self.level(ix, Signal::Online, if online { n } else { 0 });
        self.level(ix, Signal::Updating, if excused { n } else { 0 });
        self.devices.get_mut(ix).set(Flag::Suppressed, suppressed);
        self.suppressed = self.suppressed.saturating_add_signed(-n);
    }

    /// The broker was told to forget a device: it is not missed any more until it is heard again, which one that is still
    /// there soon is.
    pub(super) fn takes_leave(&mut self, id: &str) {
        let Some(ix) = self.devices.find(id) else { return };
        let device = self.devices.get(ix);
        if !device.has(Flag::Suppressed) || device.has(Flag::Planned) {
            self.suppress(ix, true);
            self.devices.get_mut(ix).set(Flag::Planned, false);
            self.devices.get_mut(ix).set(Flag::Cleared, true);
        }
    }

    /// Who was heard once and never again is a name that somebody may have made up: it is counted from the second time on.
    pub(super) fn forget_stranger(&mut self, ix: DeviceIx) {
        let device = self.devices.get(ix);
        // Some devices speak of their updates alone.
        if device.was_heard_once() && device.ota == OtaState::None && !device.has(Flag::Suppressed) {
            self.suppress(ix, true);
            self.devices.get_mut(ix).set(Flag::Stranger, true);
            self.strangers += 1;
        }
    }

    /// A stranger is heard again.
    fn meets_again(&mut self, ix: DeviceIx) {
        if self.devices.get(ix).has(Flag::Stranger) {
            self.devices.get_mut(ix).set(Flag::Stranger, false);
            self.suppress(ix, false);
            self.strangers -= 1;
        }
    }

    /// A device says whether it is in maintenance; while it is worked on it may well say that it is not.
    pub(super) fn says_maintenance(&mut self, ix: DeviceIx, suppressed: bool) {
        self.meets_again(ix);
        if self.devices.get(ix).has(Flag::Cleared) {
            // The broker's store may still say that it is active.
            self.devices.get_mut(ix).set(Flag::Cleared, !suppressed);
            return;
        }
        if suppressed {
            self.devices.get_mut(ix).set(Flag::Planned, false);
        }
        if !self.devices.get(ix).has(Flag::Planned) {
            self.suppress(ix, suppressed);
        }
    }

    /// Leaves those out of account that are worked on at this hour, and counts them again when it is over. Who was away
    /// before it began is still missed: that is not the work.
    pub(super) fn look_at_maintenance(&mut self) {
        if self.settings.maintenance.is_empty() {
            return;
        }
        let now = At::from_ms(self.second * 1000);
        // Who goes away in its first second is not missed either.
        let is_on = |maintenance: &&Maintenance| maintenance.is_on(now) || maintenance.is_on(now.plus_s(LOOK_S));
        let on = self.settings.maintenance.iter().filter(is_on);
        let whose: Vec<_> = on.filter_map(|maintenance| self.values_of(&maintenance.cohort)).collect();
        let is_worked_on = |device: &Device| {
            let vector = self.vector(device.group);
            whose.iter().any(|values| values.iter().all(|(attribute, value)| vector[*attribute] == *value))
        };
        let was_missed = |device: &Device| !device.has(Flag::Online) && !device.has(Flag::Excused) && device.seen > 0;
        let changes =
            self.devices.iter().filter_map(|(ix, device)| match (is_worked_on(device), device.has(Flag::Planned)) {
                (true, false) if !device.has(Flag::Suppressed) && !was_missed(device) => Some((ix, true)),
                (false, true) => Some((ix, false)),
                _ => None,
            });
        for (ix, planned) in changes.collect::<Vec<_>>() {
            self.suppress(ix, planned);
            self.devices.get_mut(ix).set(Flag::Planned, planned);
        }
    }

    /// A device is heard that had taken its leave. What else the broker still has in store of it is no sign of life.
    pub(super) fn is_back(&mut self, ix: DeviceIx, heard: &Observation) {
        let is_sign = !heard.retained || matches!(heard.body, Body::Status { .. });
        if is_sign {
            self.meets_again(ix);
        }
        if is_sign && self.devices.get(ix).has(Flag::Cleared) {
            self.devices.get_mut(ix).set(Flag::Cleared, false);
            self.suppress(ix, false);
        }
    }
}
