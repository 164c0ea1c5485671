//! The four clocks of an incident, and the moments they are counted from.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ids::Actor;
use super::time::At;

/// A moment of an incident that a clock starts or stops at. Each can be corrected, with the old value kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Moment {
    /// The issue began.
    Onset,
    /// The first alert, or the declaration where no alert came first.
    Detected,
    /// Somebody took it.
    Acknowledged,
    /// Service restored.
    Mitigated,
    /// The root-cause fix is deployed.
    Resolved,
}

impl Moment {
    pub const ALL: [Self; 5] = [Self::Onset, Self::Detected, Self::Acknowledged, Self::Mitigated, Self::Resolved];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Onset => "onset",
            Self::Detected => "detected",
            Self::Acknowledged => "acknowledged",
            Self::Mitigated => "mitigated",
            Self::Resolved => "resolved",
        }
    }
}

/// A corrected moment: what it was, what it is now, who said so and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Correction {
    pub moment: Moment,
    pub from: Option<At>,
    pub to: At,
    pub by: Actor,
    pub at: At,
    pub reason: String,
}

/// When each moment came, as far as it has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moments {
    pub onset: Option<At>,
    pub detected: Option<At>,
    pub acknowledged: Option<At>,
    pub mitigated: Option<At>,
    pub resolved: Option<At>,
}

impl Moments {
    pub const fn get(&self, moment: Moment) -> Option<At> {
        match moment {
            Moment::Onset => self.onset,
            Moment::Detected => self.detected,
            Moment::Acknowledged => self.acknowledged,
            Moment::Mitigated => self.mitigated,
            Moment::Resolved => self.resolved,
        }
    }

    pub fn slot(&mut self, moment: Moment) -> &mut Option<At> {
        match moment {
            Moment::Onset => &mut self.onset,
            Moment::Detected => &mut self.detected,
            Moment::Acknowledged => &mut self.acknowledged,
            Moment::Mitigated => &mut self.mitigated,
            Moment::Resolved => &mut self.resolved,
        }
    }
}

/// One of the four clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Clock {
    /// Onset to first alert.
    #[serde(rename = "TTD")]
    Detect,
    /// First alert to acknowledged.
    #[serde(rename = "TTA")]
    Acknowledge,
    /// Onset to service restored.
    #[serde(rename = "TTM")]
    Mitigate,
    /// Onset to the root-cause fix deployed.
    #[serde(rename = "TTR")]
    Resolve,
}

impl Clock {
    pub const ALL: [Self; 4] = [Self::Detect, Self::Acknowledge, Self::Mitigate, Self::Resolve];

    pub const fn short(self) -> &'static str {
        match self {
            Self::Detect => "TTD",
            Self::Acknowledge => "TTA",
            Self::Mitigate => "TTM",
            Self::Resolve => "TTR",
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Detect => "detect",
            Self::Acknowledge => "acknowledge",
            Self::Mitigate => "mitigate",
            Self::Resolve => "resolve",
        }
    }

    /// The moments it runs between.
    pub const fn between(self) -> (Moment, Moment) {
        match self {
            Self::Detect => (Moment::Onset, Moment::Detected),
            Self::Acknowledge => (Moment::Detected, Moment::Acknowledged),
            Self::Mitigate => (Moment::Onset, Moment::Mitigated),
            Self::Resolve => (Moment::Onset, Moment::Resolved),
        }
    }

    /// What the clock shows at `now`. A clock whose start is not known waits; a correction that puts the end before
    /// the start reads as zero, never as a negative time.
    pub fn read(self, moments: &Moments, targets: &Targets, now: At) -> Reading {
        let (start, end) = self.between();
        let target_s = targets.of(self);
        let Some(start) = moments.get(start) else {
            return Reading { clock: self, state: ClockState::Waiting, elapsed_s: 0, target_s };
        };
        let (end, state) = match moments.get(end) {
            Some(end) => (end, ClockState::Stopped),
            None => (now, ClockState::Running),
        };
        Reading { clock: self, state, elapsed_s: end.since_s(start), target_s }
    }
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.short())
    }
}

/// How long each clock may take, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Targets {
    pub detect_s: i64,
    pub acknowledge_s: i64,
    pub mitigate_s: i64,
    pub resolve_s: i64,
}

impl Default for Targets {
    fn default() -> Self {
        Self { detect_s: 5 * 60, acknowledge_s: 5 * 60, mitigate_s: 30 * 60, resolve_s: 24 * 3600 }
    }
}

impl Targets {
    pub const fn of(&self, clock: Clock) -> i64 {
        match clock {
            Clock::Detect => self.detect_s,
            Clock::Acknowledge => self.acknowledge_s,
            Clock::Mitigate => self.mitigate_s,
            Clock::Resolve => self.resolve_s,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClockState {
    /// Its start is not known yet.
    Waiting,
    Running,
    Stopped,
}

/// How a clock stands against its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Less than three quarters of the target used, or stopped within it.
    Good,
    /// Running, and the last quarter of the target has begun.
    Close,
    /// Past the target.
    Late,
}

/// What a clock shows at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    pub clock: Clock,
    pub state: ClockState,
    pub elapsed_s: i64,
    pub target_s: i64,
}

impl Reading {
    pub const fn standing(&self) -> Standing {
        if self.elapsed_s > self.target_s {
            Standing::Late
        } else if matches!(self.state, ClockState::Running) && self.elapsed_s * 4 >= self.target_s * 3 {
            Standing::Close
        } else {
            Standing::Good
        }
    }

    /// The standing in words, so that meaning is never colour alone.
    pub const fn word(&self) -> &'static str {
        match (self.state, self.standing()) {
            (ClockState::Waiting, _) => "waiting",
            (ClockState::Running, Standing::Good) => "running",
            (ClockState::Running, Standing::Close) => "due soon",
            (ClockState::Running, Standing::Late) => "overdue",
            (ClockState::Stopped, Standing::Late) => "late",
            (ClockState::Stopped, _) => "in time",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_wait_run_and_stop() {
        let at = |s| Some(At::from_ms(0).plus_s(s));
        let targets = Targets::default();
        let now = At::from_ms(0).plus_s(1000);
        // (moments, clock, state, elapsed, word)
        let cases = [
            (Moments::default(), Clock::Detect, ClockState::Waiting, 0, "waiting"),
            (Moments { onset: at(0), ..Default::default() }, Clock::Mitigate, ClockState::Running, 1000, "running"),
            (Moments { onset: at(-500), ..Default::default() }, Clock::Mitigate, ClockState::Running, 1500, "due soon"),
            (Moments { onset: at(-5000), ..Default::default() }, Clock::Mitigate, ClockState::Running, 6000, "overdue"),
            (
                Moments { onset: at(0), detected: at(60), ..Default::default() },
                Clock::Detect,
                ClockState::Stopped,
                60,
                "in time",
            ),
            (
                Moments { onset: at(0), detected: at(600), ..Default::default() },
                Clock::Detect,
                ClockState::Stopped,
                600,
                "late",
            ),
            (
                Moments { onset: at(90), detected: at(60), ..Default::default() },
                Clock::Detect,
                ClockState::Stopped,
                0,
                "in time",
            ),
        ];
        for (moments, clock, state, elapsed, word) in cases {
            let reading = clock.read(&moments, &targets, now);
            assert_eq!(
                (reading.state, reading.elapsed_s, reading.word()),
                (state, elapsed, word),
                "{clock} {moments:?}"
            );
        }
    }
}
