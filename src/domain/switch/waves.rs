//! Waves: a switch that goes out to few devices first, and to more once those have stayed well for a while.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::rollout::Standing;
use crate::domain::time::At;

/// How a switch goes out in waves, as it is configured.
#[derive(Clone, Debug, PartialEq)]
pub struct Waves {
    /// The share of the targets that has been asked after each wave, in percent: rising, and 100 at the end.
    pub percent: Vec<f64>,
    /// Seconds in which the devices of a wave have to stay well before the next one begins.
    pub soak_s: u32,
}

impl Waves {
    /// The plan for so many targets. A wave that would add nobody is left out.
    pub fn plan(&self, targets: u32) -> Plan {
        let share = |percent: f64| (f64::from(targets) * percent / 100.0).ceil() as u32;
        let mut ends: Vec<u32> = self.percent.iter().map(|percent| share(*percent).min(targets)).collect();
        ends.dedup();
        Plan { ends, soak_s: self.soak_s }
    }
}

/// The waves of one actuation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// How many of the targets have been asked after each wave, in their order.
    pub ends: Vec<u32>,
    pub soak_s: u32,
}

impl Plan {
    pub const fn waves(&self) -> u16 {
        self.ends.len() as u16
    }

    /// Where a wave begins and ends among the targets; waves are counted from 1.
    pub fn range(&self, wave: u16) -> (u32, u32) {
        let end = |wave: u16| match wave {
            0 => 0,
            n => self.ends.get(usize::from(n) - 1).or(self.ends.last()).copied().unwrap_or(0),
        };
        (end(wave.saturating_sub(1)), end(wave))
    }

    /// Devices in each wave.
    pub fn sizes(&self) -> impl Iterator<Item = u32> {
        (1..=self.waves()).map(|wave| {
            let (from, to) = self.range(wave);
            to - from
        })
    }

    /// Seconds that all waves soak together; nothing follows the last one.
    pub fn soaks_s(&self) -> u64 {
        u64::from(self.soak_s) * u64::from(self.waves().saturating_sub(1))
    }
}

/// How far the waves of an actuation have come. It is on the record, so that no wave is begun twice.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Course {
    /// Waves that were begun.
    pub begun: u16,
    /// Since when the newest one soaks.
    pub soaks: Option<At>,
    pub paused: Option<Pause>,
}

/// Why no further device is asked until a person says so.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pause {
    pub at: At,
    pub reason: Reason,
}

/// What made a plan stop by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// A stop rule, with its value and sample.
    Crossed(Standing),
    /// No device of the wave has come back: nothing is known of it.
    NobodyBack,
    /// The room that began it is gone.
    Restarted,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Crossed(standing) => standing.fmt(f),
            Self::NobodyBack => f.write_str("no device of this wave has been seen to have it"),
            Self::Restarted => f.write_str("the room that began it is gone"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_covers_every_target_once() {
        let waves = |percent: &[f64]| Waves { percent: percent.to_vec(), soak_s: 60 };
        let cases: [(&[f64], u32, &[u32]); 6] = [
            (&[1.0, 10.0, 100.0], 1000, &[10, 90, 900]),
            (&[1.0, 10.0, 100.0], 42, &[1, 4, 37]),
            (&[1.0, 10.0, 100.0], 2, &[1, 1]),
            (&[1.0, 10.0, 100.0], 1, &[1]),
            (&[0.1, 100.0], 3, &[1, 2]),
            (&[100.0], 7, &[7]),
        ];
        for (percent, targets, sizes) in cases {
            let plan = waves(percent).plan(targets);
            assert_eq!(plan.sizes().collect::<Vec<_>>(), sizes, "{percent:?} of {targets}");
            assert_eq!(plan.ends.last(), Some(&targets));
            assert_eq!(plan.soaks_s(), 60 * (sizes.len() as u64 - 1));
        }
        let plan = waves(&[1.0, 10.0, 100.0]).plan(1000);
        assert_eq!([0, 1, 2, 3].map(|wave| plan.range(wave)), [(0, 0), (0, 10), (10, 100), (100, 1000)]);
    }
}
