//! Campaigns: firmware going out in waves, and what each device says of it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where one device stands in a campaign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OtaState {
    /// Not part of any campaign, or not heard of.
    #[default]
    None,
    Queued,
    Downloading,
    Installing,
    Rebooting,
    Succeeded,
    Failed,
    RolledBack,
}

impl OtaState {
    pub const ALL: [Self; 8] = [
        Self::None,
        Self::Queued,
        Self::Downloading,
        Self::Installing,
        Self::Rebooting,
        Self::Succeeded,
        Self::Failed,
        Self::RolledBack,
    ];

    /// Whether it has left the queue.
    pub const fn has_started(self) -> bool {
        self.in_flight() || self.is_over()
    }

    /// In flight: started and not finished. These devices can still turn bad after a halt.
    pub const fn in_flight(self) -> bool {
        matches!(self, Self::Downloading | Self::Installing | Self::Rebooting)
    }

    /// Its update has ended, one way or the other.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::RolledBack)
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Queued => "queued",
            Self::Downloading => "downloading",
            Self::Installing => "installing",
            Self::Rebooting => "rebooting",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::RolledBack => "rolled-back",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().skip(1).find(|state| state.name() == word)
    }
}

/// What the system that runs a campaign says of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CampaignState {
    /// Seen in device messages only.
    #[default]
    Unknown,
    Running,
    Paused,
    Halted,
    RollingBack,
    Finished,
}

impl CampaignState {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Halted => "halted",
            Self::RollingBack => "rolling-back",
            Self::Finished => "finished",
        }
    }

    /// Known words, with the synonyms that OTA systems use.
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "running" | "started" | "in-progress" => Self::Running,
            "paused" => Self::Paused,
            "halted" | "stopped" | "cancelled" | "canceled" | "aborted" => Self::Halted,
            "rolling-back" | "rollback" => Self::RollingBack,
            "finished" | "completed" | "rolled-back" => Self::Finished,
            _ => return None,
        })
    }

    /// No new device is started in this state.
    pub const fn starts_nothing(self) -> bool {
        matches!(self, Self::Paused | Self::Halted | Self::RollingBack | Self::Finished)
    }
}

impl fmt::Display for CampaignState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What is asked of a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CampaignAction {
    Halt,
    Resume,
    Rollback,
}

impl CampaignAction {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Halt => "halt",
            Self::Resume => "resume",
            Self::Rollback => "rollback",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        [Self::Halt, Self::Resume, Self::Rollback].into_iter().find(|action| action.name() == word)
    }
}

/// Devices of a campaign or wave, by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    pub queued: u32,
    pub downloading: u32,
    pub installing: u32,
    pub rebooting: u32,
    pub succeeded: u32,
    pub failed: u32,
    pub rolled_back: u32,
}

impl Progress {
    /// Devices started and not finished.
    pub const fn in_flight(&self) -> u32 {
        self.downloading + self.installing + self.rebooting
    }

    /// Devices that have finished, one way or the other.
    pub const fn done(&self) -> u32 {
        self.succeeded.saturating_add(self.bad())
    }

    /// Devices that have failed, or went back.
    pub const fn bad(&self) -> u32 {
        self.failed.saturating_add(self.rolled_back)
    }

    /// Devices that have left the queue. A controller's count can be any number, and nothing of it overflows.
    pub const fn started(&self) -> u32 {
        self.in_flight().saturating_add(self.done())
    }

    /// Devices heard of.
    pub const fn total(&self) -> u32 {
        self.queued.saturating_add(self.started())
    }

    /// These devices and those that only the controller has seen to finish, by its count of `done` and `failed`.
    pub fn at_least(self, done: u32, failed: u32) -> Self {
        let unheard = done.saturating_add(failed).saturating_sub(self.done());
        let unheard_failed = failed.saturating_sub(self.bad()).min(unheard);
        Self { succeeded: self.succeeded + (unheard - unheard_failed), failed: self.failed + unheard_failed, ..self }
    }

    /// Devices of so many planned that have not started.
    pub fn queued_of(&self, planned: u32) -> u32 {
        planned.saturating_sub(self.started()).max(self.queued)
    }

    /// The counter of one state; a device in no state is not counted.
    pub fn of(&mut self, state: OtaState) -> Option<&mut u32> {
        Some(match state {
            OtaState::None => return None,
            OtaState::Queued => &mut self.queued,
            OtaState::Downloading => &mut self.downloading,
            OtaState::Installing => &mut self.installing,
            OtaState::Rebooting => &mut self.rebooting,
            OtaState::Succeeded => &mut self.succeeded,
            OtaState::Failed => &mut self.failed,
            OtaState::RolledBack => &mut self.rolled_back,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_the_controller_has_seen_is_counted_once() {
        // (heard: queued, in flight, succeeded, failed, rolled back), (the controller: planned, done, failed),
        // what is counted: (queued, succeeded, failed, rolled back)
        let cases = [
            // A room that was opened in the middle, or knows it all.
            ((0, 0, 0, 0, 0), (1000, 60, 25), (915, 60, 25, 0)),
            ((30, 5, 3, 2, 0), (40, 3, 2), (30, 3, 2, 0)),
            ((0, 5, 3, 0, 0), (100, 60, 25), (10, 60, 25, 0)),
            // The controller lags behind, or has no plan.
            ((0, 5, 70, 9, 1), (100, 60, 5), (15, 70, 9, 1)),
            ((7, 1, 2, 0, 0), (0, 0, 0), (7, 2, 0, 0)),
            // What was done has gone back since.
            ((0, 0, 0, 0, 60), (100, 60, 0), (40, 0, 0, 60)),
            ((0, 0, 0, 0, 0), (10, u32::MAX, u32::MAX), (0, 0, u32::MAX, 0)),
        ];
        for ((queued, downloading, succeeded, failed, rolled_back), (planned, done, no), expected) in cases {
            let heard = Progress { queued, downloading, succeeded, failed, rolled_back, ..Progress::default() };
            let counted = heard.at_least(done, no);
            let found = (counted.queued_of(planned), counted.succeeded, counted.failed, counted.rolled_back);
            assert_eq!(found, expected, "{heard:?} {planned} {done} {no}");
        }
    }
}
