//! Events: the lines of the log. The record of a room is its events in order, and nothing else.
//!
//! State changes by applying an event, which cannot fail; whatever can be refused is refused before an event is made.
//! Old logs must stay readable: fields are added with a default, names are never reused for something else.

pub mod drill;
mod learning;
pub mod notice;
pub mod recovery;
mod regulation;
pub mod response;
pub mod runbook;
pub mod switch;
pub mod update;
pub mod waves;

use std::sync::Arc;

pub use learning::LearningEvent;
pub use regulation::RegulationEvent;

use serde::{Deserialize, Serialize};

use drill::DrillEvent;
use notice::NoticeEvent;
use recovery::RecoveryEvent;
use response::ResponseEvent;
use runbook::RunbookEvent;
use update::UpdateEvent;
use waves::WavesEvent;

use super::acceptance::Usual;
use super::alert::Finding;
use super::campaign::{CampaignAction, CampaignState};
use super::clock::Moment;
use super::cohort::CohortKey;
use super::ids::{Actor, ActuationId, AlertId, IncidentId, Seq};
use super::incident::{Declaration, IncidentType, Severity};
use super::rollout::{Level, Standing};
use super::runbook::{Runbook, StepMark};
use super::switch::plan::Kind;
use super::switch::template::Values;
use super::switch::{Call, Preview, SwitchId};
use super::time::At;
use super::verdict::{Extent, Origin, Verdict};
use switch::SwitchEvent;

/// Something that happened, worth a line in the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    // The room itself.
    RoomOpened {
        version: String,
        fleet: String,
    },
    RoomClosed {
        reason: String,
    },
    DrillStarted {
        scenario: String,
        seed: u64,
        devices: u32,
    },
    ReplayStarted {
        capture: String,
        speed: f64,
    },
    /// A replay has shown everything; `unread` lines were no messages, and `cut` says what is wrong with the end.
    ReplayEnded {
        messages: u64,
        unread: u64,
        cut: Option<String>,
    },
    /// The wall clock jumped; durations in the log do not.
    ClockJumped {
        by_ms: i64,
    },
    LinkUp {
        broker: String,
        /// Seconds for which nothing was heard, where it had been up before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        down_s: Option<i64>,
    },
    LinkDown {
        reason: String,
    },

    // Alerts.
    AlertRaised {
        alert: AlertId,
        finding: Finding,
    },
    /// The devices of an alert also do something else.
    AlertGrew {
        alert: AlertId,
        also: Finding,
    },
    AlertAcknowledged {
        alert: AlertId,
    },
    AlertCleared {
        alert: AlertId,
    },
    /// Somebody says that this is how these devices are: the alert is over, and as long as it is no worse there is none.
    AlertAccepted {
        alert: AlertId,
        usual: Usual,
        #[serde(default)]
        until: Option<At>,
        reason: String,
    },
    /// What was accepted of these devices is an alert again.
    WatchedAgain {
        cohort: CohortKey,
    },

    // An incident's life.
    IncidentDeclared {
        incident: IncidentId,
        declaration: Declaration,
        onset: Option<At>,
        detected: At,
        acknowledged: Option<(At, Actor)>,
    },
    AlertJoined {
        incident: IncidentId,
        alert: AlertId,
    },
    /// A switch that was pulled before anybody declared.
    ActuationJoined {
        incident: IncidentId,
        actuation: ActuationId,
    },
    Acknowledged {
        incident: IncidentId,
    },
    Retitled {
        incident: IncidentId,
        from: String,
        to: String,
    },
    SeveritySet {
        incident: IncidentId,
        from: Severity,
        to: Severity,
    },
    TypeSet {
        incident: IncidentId,
        from: IncidentType,
        to: IncidentType,
    },
    /// The room has another opinion than before.
    VerdictReached {
        incident: IncidentId,
        verdict: Verdict,
    },
    /// A person says whose fault it is.
    OriginSet {
        incident: IncidentId,
        from: Origin,
        to: Origin,
    },
    /// A person says whether it is about one device or many.
    ExtentSet {
        incident: IncidentId,
        from: Option<Extent>,
        to: Extent,
    },
    /// A person says which devices it is about.
    CohortSet {
        incident: IncidentId,
        from: CohortKey,
        to: CohortKey,
    },
    /// A person says that these devices are not what it is about.
    SuspectRejected {
        incident: IncidentId,
        cohort: CohortKey,
    },
    /// What the alerts point at has become clearer.
    SuspectNamed {
        incident: IncidentId,
        from: CohortKey,
        cohort: CohortKey,
        /// The new title, where the room had given the old one.
        title: Option<String>,
        affected: u32,
        devices: u32,
    },
    CommanderSet {
        incident: IncidentId,
        from: String,
        to: String,
    },
    NoteAdded {
        incident: Option<IncidentId>,
        text: String,
    },
    Mitigated {
        incident: IncidentId,
    },
    Resolved {
        incident: IncidentId,
    },
    Reopened {
        incident: IncidentId,
        reason: String,
    },
    MomentCorrected {
        incident: IncidentId,
        moment: Moment,
        from: Option<At>,
        to: At,
        reason: String,
    },

    // Runbooks.
    RunbookTaken {
        incident: IncidentId,
        runbook: Runbook,
    },
    StepMarked {
        incident: IncidentId,
        step: String,
        text: String,
        mark: StepMark,
    },

    // Campaigns, as seen on the wire.
    CampaignChanged {
        campaign: String,
        state: CampaignState,
        target: String,
    },
    WaveStarted {
        campaign: String,
        wave: u16,
        target: String,
    },
    /// A rule that was decided before the rollout says to stop it.
    StopRuleCrossed {
        campaign: String,
        standing: Standing,
        level: Level,
    },
    /// Something speaks against a wave that has begun; wave 0 stands for the whole campaign.
    RolloutWarned {
        campaign: String,
        wave: u16,
        reason: String,
    },
    ForeignCommand {
        campaign: String,
        action: CampaignAction,
        request_id: String,
    },

    // Switches.
    SwitchArmed {
        switch: SwitchId,
        campaign: String,
    },
    SwitchDisarmed {
        switch: SwitchId,
        campaign: String,
        reason: String,
    },
    /// The intent. It is in the log before anything leaves this machine.
    ActuationRequested {
        actuation: ActuationId,
        switch: SwitchId,
        incident: Option<IncidentId>,
        preview: Box<Preview>,
        call: Box<Call>,
        /// What it is called and what it does, for when its configuration is gone; a halt in old logs.
        #[serde(default)]
        label: Option<String>,
        #[serde(default)]
        kind: Option<Kind>,
        /// Every device, in the order in which they are asked.
        #[serde(default)]
        targets: Arc<[String]>,
        #[serde(default)]
        parameters: Values,
        /// The request that it follows, where it needed two people.
        #[serde(default)]
        approval: Option<u64>,
    },
    ActuationSent {
        actuation: ActuationId,
    },
    ActuationAccepted {
        actuation: ActuationId,
    },
    ActuationEffective {
        actuation: ActuationId,
        in_flight_before: u32,
        /// Devices that were in flight and have not been heard of for minutes: they may have died of it.
        #[serde(default)]
        silent: u32,
        /// Devices that have gone back, where that was asked.
        #[serde(default)]
        rolled_back: u32,
    },
    ActuationEscaped {
        actuation: ActuationId,
        devices: Vec<String>,
        count: u32,
    },
    ActuationFailed {
        actuation: ActuationId,
        reason: String,
    },
    ActuationUnknown {
        actuation: ActuationId,
        reason: String,
    },

    // Areas with a list of their own; written down they look as flat as the others.
    #[serde(untagged)]
    Switch(SwitchEvent),
    #[serde(untagged)]
    Response(ResponseEvent),
    #[serde(untagged)]
    Learning(LearningEvent),
    #[serde(untagged)]
    Regulation(RegulationEvent),
    #[serde(untagged)]
    Runbook(RunbookEvent),
    #[serde(untagged)]
    Recovery(RecoveryEvent),
    #[serde(untagged)]
    Update(UpdateEvent),
    #[serde(untagged)]
    Drill(DrillEvent),
    #[serde(untagged)]
    Notice(NoticeEvent),
    #[serde(untagged)]
    Waves(WavesEvent),
}

impl From<WavesEvent> for Event {
    fn from(event: WavesEvent) -> Self {
        Self::Waves(event)
    }
}

impl From<NoticeEvent> for Event {
    fn from(event: NoticeEvent) -> Self {
        Self::Notice(event)
    }
}

impl From<UpdateEvent> for Event {
    fn from(event: UpdateEvent) -> Self {
        Self::Update(event)
    }
}

impl From<RecoveryEvent> for Event {
    fn from(event: RecoveryEvent) -> Self {
        Self::Recovery(event)
    }
}

impl From<RunbookEvent> for Event {
    fn from(event: RunbookEvent) -> Self {
        Self::Runbook(event)
    }
}

impl From<ResponseEvent> for Event {
    fn from(event: ResponseEvent) -> Self {
        Self::Response(event)
    }
}

impl Event {
    /// The incident an event is about, where it names one.
    pub const fn incident(&self) -> Option<IncidentId> {
        match self {
            Self::IncidentDeclared { incident, .. }
            | Self::AlertJoined { incident, .. }
            | Self::ActuationJoined { incident, .. }
            | Self::Acknowledged { incident }
            | Self::Retitled { incident, .. }
            | Self::SeveritySet { incident, .. }
            | Self::TypeSet { incident, .. }
            | Self::VerdictReached { incident, .. }
            | Self::OriginSet { incident, .. }
            | Self::ExtentSet { incident, .. }
            | Self::CohortSet { incident, .. }
            | Self::SuspectRejected { incident, .. }
            | Self::SuspectNamed { incident, .. }
            | Self::CommanderSet { incident, .. }
            | Self::Mitigated { incident }
            | Self::Resolved { incident }
            | Self::Reopened { incident, .. }
            | Self::MomentCorrected { incident, .. }
            | Self::RunbookTaken { incident, .. }
            | Self::StepMarked { incident, .. } => Some(*incident),
            Self::Response(event) => event.incident(),
            Self::Learning(event) => Some(event.incident()),
            Self::Regulation(event) => Some(event.incident()),
            Self::Recovery(event) => Some(event.incident()),
            Self::Update(event) => Some(event.incident()),
            Self::Runbook(event) => Some(event.incident()),
            Self::Notice(event) => event.incident(),
            Self::NoteAdded { incident, .. } | Self::ActuationRequested { incident, .. } => *incident,
            _ => None,
        }
    }

    /// The firing an event is about.
    pub const fn actuation(&self) -> Option<&ActuationId> {
        match self {
            Self::ActuationRequested { actuation, .. }
            | Self::ActuationJoined { actuation, .. }
            | Self::ActuationSent { actuation }
            | Self::ActuationAccepted { actuation }
            | Self::ActuationEffective { actuation, .. }
            | Self::ActuationEscaped { actuation, .. }
            | Self::ActuationFailed { actuation, .. }
            | Self::ActuationUnknown { actuation, .. } => Some(actuation),
            Self::Switch(event) => event.actuation(),
            Self::Waves(event) => event.actuation(),
            _ => None,
        }
    }
}

/// An event with its place in the log, its time and who caused it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    pub seq: Seq,
    pub at: At,
    pub actor: Actor,
    #[serde(flatten)]
    pub event: Event,
}
