//! Commands: what people ask of the engine. A command is either refused with a reason or becomes events.

mod learning;
pub mod recovery;
mod regulation;
pub mod response;
pub mod runbook;
pub mod update;

pub use learning::LearningCommand;
pub use regulation::RegulationCommand;

use super::clock::Moment;
use super::cohort::CohortKey;
use super::drill::DrillCommand;
use super::ids::{ActuationId, AlertId, IncidentId};
use super::incident::{IncidentType, Severity};
use super::runbook::StepMark;
use super::switch::template::Values;
use super::switch::{Scope, SwitchId};
use super::time::At;
use super::verdict::{Extent, Origin};
use recovery::RecoveryCommand;
use response::ResponseCommand;
use runbook::RunbookCommand;
use update::UpdateCommand;

/// Something a person asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    Declare(Declare),
    /// Take an alert that nobody has declared yet.
    AcknowledgeAlert(AlertId),
    /// Say that an alert is about nothing new: so it is with these devices, for so many seconds or for good.
    AcceptAlert {
        alert: AlertId,
        /// Whose it is, as the person saw it.
        cohort: CohortKey,
        for_s: Option<i64>,
        reason: String,
    },
    /// Take that back.
    WatchAgain(CohortKey),
    Acknowledge(IncidentId),
    Retitle {
        incident: IncidentId,
        title: String,
    },
    SetSeverity {
        incident: IncidentId,
        severity: Severity,
    },
    SetType {
        incident: IncidentId,
        kind: IncidentType,
    },
    /// Say whose fault it is, and how far it reaches; what is left out stays as the room sees it.
    Overrule {
        incident: IncidentId,
        origin: Option<Origin>,
        extent: Option<Extent>,
    },
    /// Say which devices it is about; the room does not change it any more.
    SetCohort {
        incident: IncidentId,
        cohort: CohortKey,
    },
    /// Say that a suspect is not the one; it is not named again.
    RejectSuspect {
        incident: IncidentId,
        cohort: CohortKey,
    },
    SetCommander {
        incident: IncidentId,
        name: String,
    },
    Note {
        incident: Option<IncidentId>,
        text: String,
    },
    Mitigate(IncidentId),
    Resolve(IncidentId),
    Reopen {
        incident: IncidentId,
        reason: String,
    },
    Correct {
        incident: IncidentId,
        moment: Moment,
        to: At,
        reason: String,
    },
    MarkStep {
        incident: IncidentId,
        step: String,
        mark: StepMark,
    },
    /// Something about how the incident is worked.
    Response(ResponseCommand),
    /// Something about its end.
    Recovery(RecoveryCommand),
    /// Something about what audiences are told.
    Update(UpdateCommand),
    /// Something about a runbook.
    Runbook(RunbookCommand),
    /// Something about a switch.
    Switch(SwitchCommand),
    /// Something about the postmortem, action items or costs.
    Learning(LearningCommand),
    /// Something about regulatory deadlines.
    Regulation(RegulationCommand),
    /// Something that the facilitator of a game day asks for.
    Drill(DrillCommand),
}

/// What a person asks of a switch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SwitchCommand {
    /// Look at what a switch would do. It is armed for a few seconds.
    Arm {
        switch: SwitchId,
        scope: Scope,
        parameters: Values,
    },
    /// Look at an actuation of unknown outcome, to ask again under the same id.
    ArmAgain(ActuationId),
    Disarm {
        reason: String,
    },
    /// Pull the armed switch; or, where it needs two people, ask for the second.
    Fire(Confirmation),
    /// The second person's yes.
    Approve(Approval),
    /// One person pulls what needs two, and says why.
    BreakGlass {
        approval: u64,
        reason: String,
    },
    /// The first person takes the request back.
    Withdraw {
        approval: u64,
        reason: String,
    },
    /// Ask no further target.
    Stop(ActuationId),
    /// Let the waves of a paused actuation go on.
    GoOn(ActuationId),
    /// Look at what has become of an actuation of unknown outcome.
    Recheck(ActuationId),
    /// The whole way of a switch was taken on one device.
    Tested {
        switch: SwitchId,
        environment: String,
        ok: bool,
        took_ms: u64,
        detail: String,
    },
    /// End an actuation whose outcome will never be known.
    Close {
        actuation: ActuationId,
        reason: String,
    },
}

/// A second person's yes. Who it is says the system, by the user that the request came from, and not a typed name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    pub approval: u64,
    pub uid: u32,
    pub reason: String,
}

/// What a person wants to declare; what is left open is proposed by the room.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Declare {
    pub title: Option<String>,
    pub severity: Option<Severity>,
    pub kind: Option<IncidentType>,
    pub commander: Option<String>,
    pub alert: Option<AlertId>,
    pub cohort: CohortKey,
}

/// What a person gave to pull a switch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirmation {
    /// The arming that was on the screen; an older one does not count.
    pub arming: u64,
    /// What was typed, where the gate asks for it.
    pub typed: String,
}

/// Why a command was not carried out, in words for the person who gave it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(pub String);

impl Refusal {
    pub fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}
