//! How many reports devices have sent: what shows only in comparison with earlier ones cannot be seen before.

use super::devices::DeviceIx;

/// Reports of a device after which nobody asks any more how many there were.
const COUNTED: u8 = 100;

/// The telemetry messages of every device, as far as they are counted.
#[derive(Debug, Default)]
pub(super) struct Reports {
    of: Vec<u8>,
    sum: u64,
    squares: u64,
}

impl Reports {
    /// Counts one more of a device.
    pub(super) fn count(&mut self, device: DeviceIx) {
        let at = device.0 as usize;
        if self.of.len() <= at {
            self.of.resize(at + 1, 0);
        }
        let sent = &mut self.of[at];
        if *sent < COUNTED {
            self.sum += 1;
            self.squares += 2 * u64::from(*sent) + 1;
            *sent += 1;
        }
    }

    /// How many a typical one of so many devices has sent: the mean. Made-up names that are heard but once make that as small
    /// as one likes, but not the mean over all reports of how many others the same device has sent, which is no larger in a
    /// fleet of devices that are alike.
    pub(super) fn typical(&self, devices: u32) -> f64 {
        let sum = self.sum as f64;
        (sum / f64::from(devices.max(1))).max(self.squares as f64 / sum.max(1.0) - 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_heard_once_weigh_next_to_nothing() {
        let mut reports = Reports::default();
        let mut heard = |devices: std::ops::Range<u32>, times: usize| {
            let known = devices.end;
            devices.for_each(|n| (0..times).for_each(|_| reports.count(DeviceIx(n))));
            reports.typical(known)
        };
        assert!((heard(0..100, 1) - 1.0).abs() < 0.01);
        assert!((heard(0..100, 1) - 2.0).abs() < 0.01);
        assert!((heard(0..100, 58) - 60.0).abs() < 0.01);
        assert!((50.0..60.0).contains(&heard(100..1_100, 1)));
        // Nor does one that talks without end.
        assert!(heard(1_100..1_101, 100_000) < 60.0);
    }
}
