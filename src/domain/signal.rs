//! Signals: what is measured of every cohort, second by second.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One measured series of a cohort.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(usize)]
pub enum Signal {
    /// Devices that belong to the cohort (a level).
    Devices,
    /// Devices of it that are connected and heard from (a level).
    Online,
    /// Devices of it that are away because they are being updated, or as at this hour every day (a level): nobody misses
    /// them yet.
    Updating,
    /// Messages received.
    Messages,
    /// Devices that came (back) online.
    Reconnects,
    /// Errors reported.
    Errors,
    /// Reboots that nobody asked for, by boot counter where a device has one.
    Reboots,
    // From here on without a series by the second: of these there is how many devices showed them, by the minute.
    AuthFailures,
    Refusals,
    BadSignatures,
    UpdateFailures,
    Silence,
    Queue,
    Battery,
    Format,
    Values,
    StuckValues,
    Order,
    Drift,
}

/// How a signal adds up over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignalKind {
    /// A number that holds until it changes: a minute's value is its last second's.
    Level,
    /// A number of happenings: a minute's value is the sum of its seconds.
    Count,
}

impl Signal {
    /// How many signals have a history.
    pub const COUNT: usize = 7;

    /// Every signal with a history, in the order of its index.
    pub const ALL: [Self; Self::COUNT] =
        [Self::Devices, Self::Online, Self::Updating, Self::Messages, Self::Reconnects, Self::Errors, Self::Reboots];

    /// Whether it is measured second by second.
    pub const fn has_series(self) -> bool {
        (self as usize) < Self::COUNT
    }

    pub const fn kind(self) -> SignalKind {
        match self {
            Self::Devices | Self::Online | Self::Updating => SignalKind::Level,
            _ => SignalKind::Count,
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Devices => "devices",
            Self::Online => "online",
            Self::Updating => "being updated",
            Self::Messages => "messages",
            Self::Reconnects => "reconnects",
            Self::Errors => "errors",
            Self::Reboots => "reboots",
            Self::AuthFailures => "auth failures",
            Self::Refusals => "refusals",
            Self::BadSignatures => "bad signatures",
            Self::UpdateFailures => "update failures",
            Self::Silence => "silence",
            Self::Queue => "queue",
            Self::Battery => "battery",
            Self::Format => "format",
            Self::Values => "values",
            Self::StuckValues => "stuck values",
            Self::Order => "order",
            Self::Drift => "drift",
        }
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
