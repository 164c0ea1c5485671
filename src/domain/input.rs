//! Inputs and effects: the closed lists of what goes into the engine and what comes out of it beside events.

use super::command::{Command, Refusal};
use super::drill::{DrillPlan, StageOrder};
use super::ids::{Actor, ActuationId, IncidentId, Seq};
use super::incident::Severity;
use super::observation::Batch;
use super::probe::Reach;
use super::replay::ReplayChange;
use super::response::Phase;
use super::switch::{Call, SwitchId};
use super::time::At;
use super::update::way::Way;
use super::update::{Thread, UpdateKind};

/// Everything that can reach the engine.
#[derive(Debug)]
pub enum Input {
    /// The room opens: the first input after the log has been replayed.
    Opened {
        version: String,
        drill: Option<DrillStart>,
    },
    /// The room is about to close.
    Closing {
        reason: String,
    },
    /// Telemetry, and how many messages were dropped before it because the queue was full.
    Observed {
        batch: Batch,
        dropped: u64,
    },
    /// A person asks for something.
    Command {
        ticket: Ticket,
        by: Actor,
        command: Command,
    },
    /// What a screen wants to see. It changes no state worth keeping.
    Look(super::lens::Lens),
    /// Time has passed. At least one a second, or the clocks stand still.
    Tick,
    Link(LinkChange),
    /// The way to the broker was tried beside the link.
    Probed(Reach),
    /// The time of a replay goes otherwise, or has come to its end.
    Replay(ReplayChange),
    /// The log has everything up to here.
    Durable(Seq),
    /// The log can, or can no longer, be written.
    Log(LogHealth),
    /// What came of calls of an actuation.
    Outcome {
        actuation: ActuationId,
        step: u8,
        /// By the target's place in the actuation.
        answers: Vec<(u32, Outcome)>,
    },
    /// The gate let nothing of an actuation pass: it is known that nothing was sent.
    Stopped {
        actuation: ActuationId,
        reason: String,
    },
    /// A system answered a publish of an actuation.
    Answered {
        actuation: ActuationId,
        /// The target that it names, by its place or by its name; all of them, where it names none.
        target: AnswerTo,
        outcome: Outcome,
    },
    /// Something about this machine is not as it should be; the room goes on, and says so.
    Warned(String),
    /// What came of something that people were told.
    Told {
        word: Word,
        heard: Heard,
    },
    /// The stage of a game day reports.
    Stage(StageNews),
    /// The wall clock jumped against the steady one.
    ClockJumped {
        by_ms: i64,
    },
}

/// What makes a room a drill.
#[derive(Clone, Debug, PartialEq)]
pub struct DrillStart {
    pub scenario: String,
    pub seed: u64,
    pub devices: u32,
    /// The whole day, where there is more to it than a fleet.
    pub plan: Option<Box<DrillPlan>>,
}

/// What the stage of a game day reports.
#[derive(Clone, Debug, PartialEq)]
pub enum StageNews {
    /// This machine cannot keep the speed that was asked for.
    Slowed {
        asked: f64,
        real: f64,
    },
    /// The staging broker has dropped the simulated fleet, and let it in again.
    Lost {
        reason: String,
    },
    Back,
    /// What the game day had left on a staging broker is gone.
    Cleared {
        topic: String,
        messages: u32,
    },
}

/// Pairs a command with its answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Ticket(pub u64);

/// The state of the connection to the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkChange {
    Connecting {
        attempt: u32,
    },
    Up,
    /// Not connected; tried again after `retry_ms`.
    Down {
        reason: String,
        retry_ms: u64,
    },
    /// The broker refuses to send what a filter asks for: the room is blind there.
    Blind {
        filter: String,
        reason: String,
    },
}

/// Whether events reach the disk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LogHealth {
    #[default]
    Safe,
    /// Written, but from the reserve: the disk is full.
    Reserve,
    /// Not written. No switch fires.
    Unsafe { reason: String },
}

/// What an actuator reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The broker has it.
    Sent,
    /// The system behind the switch said yes.
    Accepted,
    /// It said no.
    Refused { reason: String },
    /// It is known that nothing left this machine.
    NotSent { reason: String },
    /// It may have left this machine.
    Unknown { reason: String },
}

/// Whom an answer is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnswerTo {
    Place(u32),
    Device(String),
    All,
}

/// What is told: an update of an incident, or a notice of the room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    Update { incident: IncidentId, number: u32 },
    Notice { number: u64 },
}

/// What came of telling it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    pub outcome: Outcome,
    /// The answer, where there was more of one than the outcome.
    pub answer: Option<String>,
    /// What the system behind the channel calls our incident.
    pub reference: Option<String>,
    pub took_ms: i64,
}

/// A word on its way through a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Telling {
    pub word: Word,
    pub incident: Option<IncidentId>,
    /// Begins the names that this room gives to others, so that those of two rooms never meet.
    pub room: String,
    pub channel: String,
    pub way: Way,
    pub timeout_s: u32,
    pub thread: Thread,
    pub kind: UpdateKind,
    pub phase: Phase,
    pub title: String,
    pub severity: Severity,
    pub began: At,
    /// When service was restored.
    pub restored: Option<At>,
    pub text: String,
    pub at: At,
}

/// What the engine wants done once its events are on disk.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Answer a command: recorded as these events, or refused.
    Reply { ticket: Ticket, result: Result<Seq, Refusal> },
    /// Pull a switch. From then on `actuate::gate` lets its calls pass.
    Actuate(Proposal),
    /// Tell an audience something.
    Tell(Telling),
    /// Make calls of a switch that was pulled.
    Send(Sending),
    /// Do something on the stage of a game day.
    Stage(StageOrder),
}

/// Calls to be made for an actuation, by their targets' places.
#[derive(Clone, Debug, PartialEq)]
pub struct Sending {
    pub actuation: ActuationId,
    pub step: u8,
    pub calls: Vec<(u32, Call)>,
}

/// A switch to be pulled, with what the gate needs to check again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    pub actuation: ActuationId,
    pub switch: SwitchId,
    /// When it was armed and confirmed, for the gate's own look at freshness.
    pub armed: At,
    pub confirmed: At,
    /// How long people had to decide.
    pub within_ms: i64,
    /// What had to be typed, and what was.
    pub asked: Option<String>,
    pub typed: String,
    /// Whether two people had to agree, and how they did.
    pub people: People,
    /// The log line of the intent.
    pub intent: Seq,
    /// Seconds of the room that pass in a second of life, by which deadlines of people are stretched.
    pub pace: i64,
}

/// Who agreed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum People {
    /// One was enough.
    One,
    /// Two users of this machine.
    Two(u32, u32),
    /// One, where two were asked for, with a reason.
    BrokeGlass(String),
}
