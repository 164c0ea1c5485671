//! Devices on leave: heard, and neither counted nor missed, because somebody said so.

use super::Fleet;
use super::devices::{DeviceIx, Flag};
use crate::domain::observation::{Body, Observation};
use crate::domain::signal::Signal;

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
        if !self.devices.get(ix).has(Flag::Suppressed) {
            self.suppress(ix, true);
            self.devices.get_mut(ix).set(Flag::Cleared, true);
        }
    }

    /// A device is heard that had taken its leave. What else the broker still has in store of it is no sign of life.
    pub(super) fn is_back(&mut self, ix: DeviceIx, heard: &Observation) {
        let is_sign = !heard.retained || matches!(heard.body, Body::Status { .. });
        if is_sign && self.devices.get(ix).has(Flag::Cleared) {
            self.devices.get_mut(ix).set(Flag::Cleared, false);
            self.suppress(ix, false);
        }
    }
}
