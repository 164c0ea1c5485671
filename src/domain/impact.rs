//! What an incident has done to the devices it is about, in exact numbers.

use serde::{Deserialize, Serialize};

use super::time::At;

/// Measured by the room from the onset on; written down at every step of an incident and from time to time between.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Impact {
    /// The last second that is in it.
    pub until: At,
    /// Devices of the cohort then.
    pub devices: u32,
    /// Of those, neither connected nor away as expected.
    pub away: u32,
    /// The most that were away at once, and when.
    pub most_away: u32,
    pub most_away_at: At,
    /// Seconds that devices were away, added up over devices.
    pub away_device_s: u64,
    /// Happenings since the onset.
    pub reconnects: u64,
    pub errors: u64,
    pub reboots: u64,
    pub messages: u64,
    /// Seconds that were measured: fewer than have passed where the room was closed or not connected.
    pub measured_s: u64,
}
