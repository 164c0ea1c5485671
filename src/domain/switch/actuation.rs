//! An actuation: one firing of a switch, what it was looked at before, and what became of it.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::call::Call;
use super::plan::Kind;
use super::template::Values;
use super::waves::{Course, Plan};
use crate::domain::campaign::Progress;
use crate::domain::ids::{Actor, ActuationId, IncidentId};
use crate::domain::time::At;

/// A configured switch, by its id: `ota-halt`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SwitchId(pub String);

impl SwitchId {
    pub fn new(id: &str) -> Self {
        Self(id.to_owned())
    }

    pub fn ota_halt() -> Self {
        Self::new("ota-halt")
    }

    pub fn rollback() -> Self {
        Self::new("rollback")
    }

    /// The id as people read it.
    pub fn label(&self) -> String {
        self.0.replace("ota-", "OTA ").replace('-', " ")
    }
}

impl fmt::Display for SwitchId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What pulling a switch would do, shown before anything is sent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Preview {
    /// The campaign it is about; empty where it is about devices.
    pub campaign: String,
    /// The version that the campaign brings.
    pub target: String,
    pub wave: Option<u16>,
    pub progress: Progress,
    /// Devices among them that have finished by the controller's count alone: others may be in flight unheard.
    #[serde(default)]
    pub unheard: u32,
    /// The exact call, as text; the first one where there are many.
    pub call: String,
    /// The devices it is about, where it is about devices.
    #[serde(default)]
    pub devices: Option<DevicesPreview>,
    /// What most devices that were not updated run, where going back is asked.
    #[serde(default)]
    pub back_to: Option<Known>,
}

/// A version that devices run, and how they are on it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Known {
    pub version: String,
    pub devices: u32,
    pub online: u32,
    /// Devices of the campaign that were seen on it before.
    #[serde(default)]
    pub came_from: u32,
    /// When that was so, where it is not now.
    #[serde(default)]
    pub seen: Option<At>,
}

impl Known {
    /// Fewer devices say nothing about a version.
    pub const DEVICES: u32 = 8;

    /// Whether enough devices run it, and well, for it to be gone back to.
    pub fn is_healthy(&self) -> bool {
        const ONLINE: f64 = 0.9;
        self.devices >= Self::DEVICES && f64::from(self.online) >= ONLINE * f64::from(self.devices)
    }
}

/// The devices a switch would act on, and what it would take.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DevicesPreview {
    /// How they were chosen, in words: `firmware 3.2.5 and hardware rev-B`.
    pub chosen: String,
    pub count: u32,
    /// The first few names.
    pub sample: Vec<String>,
    pub online: u32,
    pub in_flight: u32,
    /// Calls in all, over all steps.
    pub calls: u64,
    /// Bytes that go to devices or their broker.
    pub bytes: u64,
    /// Calls a second, of the slowest step.
    pub per_second: f64,
    pub takes_s: u64,
    /// In the configured currency; none where no price is configured.
    pub cost: Option<f64>,
    /// How it goes out, where that is not all at once.
    #[serde(default)]
    pub waves: Option<Plan>,
}

impl Preview {
    /// What it is about, in words.
    pub fn about(&self) -> String {
        match &self.devices {
            Some(devices) if devices.count == 1 => devices.sample.first().cloned().unwrap_or_default(),
            Some(devices) => format!("{} devices, {}", devices.count, devices.chosen),
            None => self.campaign.clone(),
        }
    }

    /// How much it acts on, in words: `606 devices: 268 online, 338 away`.
    pub fn size(&self) -> String {
        let counted = |n: u32| format!("{n} device{}", if n == 1 { "" } else { "s" });
        match &self.devices {
            Some(devices) => {
                let away = devices.count.saturating_sub(devices.online);
                format!("{}: {} online, {away} away", counted(devices.count), devices.online)
            }
            None => {
                let (progress, target) = (&self.progress, &self.target);
                let flying = progress.in_flight();
                let done = counted(progress.succeeded);
                format!("{done} on {target} already, {flying} on the way, {} still queued", progress.queued)
            }
        }
    }

    /// What has to be typed before it is fired: enough to have looked at it.
    pub fn word(&self) -> String {
        self.devices.as_ref().map_or_else(|| self.campaign.clone(), |devices| devices.count.to_string())
    }
}

/// How far an actuation has come. Only `effective` and `escaped` are proof; the others say what is known so far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ActuationState {
    /// The intent is in the log; the call goes out now.
    Requested,
    /// Handed to the broker, which has confirmed it.
    Sent,
    /// The system behind the switch said yes.
    Accepted,
    /// Telemetry shows it.
    Effective,
    /// It took effect, but not on these devices.
    Escaped { devices: u32 },
    /// People stopped it on its way; some targets were never asked.
    Stopped { asked: u32, left: u32 },
    /// It did not happen, and this is known.
    Failed { reason: String },
    /// It was sent, or may have been; what came of it is not known.
    Unknown { reason: String },
}

impl Actuation {
    /// Whether its effect was seen, with or without devices that escaped it.
    pub const fn is_effective(&self) -> bool {
        matches!(self.state, ActuationState::Effective | ActuationState::Escaped { .. })
    }
}

impl ActuationState {
    /// Nothing more is expected.
    pub const fn is_final(&self) -> bool {
        matches!(self, Self::Effective | Self::Escaped { .. } | Self::Stopped { .. } | Self::Failed { .. })
    }

    pub fn words(&self) -> String {
        match self {
            Self::Requested => "requested".into(),
            Self::Sent => "sent".into(),
            Self::Accepted => "accepted".into(),
            Self::Effective => "effective".into(),
            Self::Escaped { devices } => format!("effective, {devices} escaped"),
            Self::Stopped { asked, left } => format!("stopped: {asked} asked, {left} never asked"),
            Self::Failed { reason } => format!("FAILED: {reason}"),
            Self::Unknown { reason } => format!("sent, outcome unknown: {reason}"),
        }
    }
}

/// One firing of a switch, from its intent on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Actuation {
    pub id: ActuationId,
    pub switch: SwitchId,
    /// What kind of switch it was, where its configuration is gone.
    pub kind: Kind,
    pub label: String,
    pub incident: Option<IncidentId>,
    pub by: Actor,
    /// The second person, where one was asked.
    pub approved: Option<Actor>,
    /// Why one person alone pulled what needs two.
    pub broke_glass: Option<String>,
    /// The users that asked and approved, where two did.
    #[serde(default)]
    pub users: Option<(u32, u32)>,
    pub requested: At,
    pub preview: Preview,
    pub call: Call,
    /// The devices, in the order in which they are asked.
    pub targets: Arc<[String]>,
    /// What was given with it.
    pub parameters: Values,
    pub state: ActuationState,
    /// When each further state was reached.
    pub sent: Option<At>,
    pub accepted: Option<At>,
    pub ended: Option<At>,
    /// Devices on which it had no effect; the first few by name.
    pub escaped: Vec<String>,
    /// Devices that it waited for longer than anything should take: the first few by name, and how many they were.
    #[serde(default)]
    pub waited_for: (Vec<String>, u32),
    /// How far its waves have come, where it goes out in waves.
    #[serde(default)]
    pub course: Course,
}

impl Actuation {
    /// Milliseconds from the request to a later moment.
    pub fn after_ms(&self, at: Option<At>) -> Option<i64> {
        at.map(|at| at.since_ms(self.requested).max(0))
    }

    /// What is known of it, in words. A credential that still works is no partial success.
    pub fn words(&self) -> String {
        match (&self.state, self.kind) {
            (ActuationState::Escaped { devices }, Kind::CredentialRevoke | Kind::Quarantine) => {
                format!("FAILED: escaped {devices}")
            }
            (state, _) => state.words(),
        }
    }
}
