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
        self.succeeded + self.failed + self.rolled_back
    }

    /// Devices heard of.
    pub const fn total(&self) -> u32 {
        self.queued + self.in_flight() + self.done()
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
