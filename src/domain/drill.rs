//! A game day: what is planted, what the responders are told and when, what is expected of them, and how it went.
//!
//! The plan is made from a scenario before anything begins and goes into the log with the first event, so that the log
//! alone tells the whole game day afterwards. Times are seconds into the drill.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::cohort::CohortKey;
use super::day::Day;
use super::incident::IncidentType;
use super::share::percent;
use super::time::At;
use super::verdict::Origin;

/// Everything about a game day that is decided before it begins.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DrillPlan {
    pub scenario: String,
    pub title: String,
    /// What responders are told when they sit down.
    pub story: String,
    /// What only the facilitator is told.
    pub facilitator: String,
    pub seed: u64,
    pub devices: u32,
    /// Where it runs, if not on a broker of its own: everything under this topic is removed at its end.
    pub staging: Option<String>,
    pub length_s: u32,
    pub faults: Vec<Planted>,
    pub injects: Vec<Inject>,
    pub expect: Vec<Expectation>,
    pub debrief: Vec<String>,
    /// Gaps that earlier game days have left open.
    pub carried: Vec<Gap>,
}

/// Something that goes wrong, in the words of the scenario.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Planted {
    /// One of the effects that the simulated world knows: `boot-loop`.
    pub effect: String,
    #[serde(rename = "where")]
    pub cohort: CohortKey,
    /// Of the devices that fit, 0..=1.
    pub share: f64,
    pub at_s: u32,
    pub ramp_s: u32,
    pub for_s: Option<u32>,
    pub code: String,
}

impl fmt::Display for Planted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} · {}", self.effect, self.cohort.sentence())?;
        if self.share < 1.0 {
            write!(f, " · {}", percent(self.share))?;
        }
        match self.for_s {
            Some(s) => write!(f, " · for {s} s"),
            None => Ok(()),
        }
    }
}

/// A fact told to the responders.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Inject {
    pub id: String,
    pub at_s: u32,
    pub channel: Channel,
    /// Who tells it.
    pub from: String,
    pub text: String,
}

/// How a fact reaches the responders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Channel {
    Ticket,
    Phone,
    Email,
    Chat,
    News,
    #[default]
    Colleague,
}

impl Channel {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ticket => "ticket",
            Self::Phone => "phone",
            Self::Email => "email",
            Self::Chat => "chat",
            Self::News => "news",
            Self::Colleague => "colleague",
        }
    }
}

/// One incident that was planted: what the room and the people are to make of it. Of a quiet day there is none, and every
/// alert is then a fault of ours.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Expectation {
    /// When it can first be seen.
    pub onset_s: u32,
    #[serde(rename = "type")]
    pub kind: Option<IncidentType>,
    /// Whom to suspect; the empty one is the whole fleet.
    pub suspect: Option<CohortKey>,
    pub origin: Option<Origin>,
    /// Seconds within which each must have happened: from the onset, but for the acknowledgement and the first update,
    /// which count from the first alert.
    pub detect_s: Option<u32>,
    pub acknowledge_s: Option<u32>,
    pub contain_s: Option<u32>,
    pub update_s: Option<u32>,
    pub mitigate_s: Option<u32>,
    /// The switch that contains it.
    pub switch: Option<String>,
}

/// What the facilitator asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum DrillCommand {
    /// Take the facilitator's seat: from now on this person sees what responders do not.
    Sit,
    /// Leave the terminal from which they had joined; the game day goes on.
    Leave,
    Fire {
        inject: String,
    },
    Delay {
        inject: String,
        by_s: u32,
    },
    Skip {
        inject: String,
    },
    /// Tell the responders something that no script has.
    Tell {
        channel: Channel,
        from: String,
        text: String,
    },
    /// Let something go wrong that no script has.
    Plant {
        fault: Planted,
    },
    Note {
        text: String,
    },
    Pause,
    Resume,
    /// While it stands, let this much time pass.
    Step {
        seconds: u32,
    },
    /// Promise to mend a gap.
    AssignGap {
        gap: String,
        owner: String,
        due: Day,
    },
    /// Say that a gap is closed.
    CloseGap {
        gap: String,
        reason: String,
    },
    /// End the game day; on a staging broker everything that it did is undone.
    End {
        reason: String,
    },
}

/// What the stage does for the facilitator, once it is on the record.
#[derive(Clone, Debug, PartialEq)]
pub enum StageOrder {
    Plant(Planted),
    Pause,
    Resume,
    Step { seconds: u32 },
    End,
}

/// How a game day went.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Scorecard {
    /// One for each expectation, in their order.
    pub planted: Vec<PlantedScore>,
    /// Alerts about nothing that was planted, with their evidence.
    pub false_alarms: Vec<String>,
    /// Audiences that were not told in time, with how often.
    pub missed_updates: Vec<String>,
    pub switches: Vec<SwitchScore>,
    /// Of all measures whose time has come, those that were met.
    pub met: u32,
    pub measures: u32,
    /// Measures whose time had not come.
    pub pending: u32,
}

impl Scorecard {
    /// How it went, in a line: `3 of 5 met · 4 not due yet`.
    pub fn sentence(&self) -> String {
        let pending = if self.pending > 0 { format!(" · {} not due yet", self.pending) } else { String::new() };
        format!("{} of {} met{pending}", self.met, self.measures)
    }
}

/// What became of one planted incident.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PlantedScore {
    pub expected: Expectation,
    /// The incident that was made of it: `INC-1`.
    pub incident: Option<String>,
    pub measures: Vec<Measure>,
    /// The runbook that was used, and its steps dealt with and in all.
    pub runbook: Option<(String, u32, u32)>,
}

/// One thing that was expected.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Measure {
    pub what: String,
    /// What was expected, and what it was.
    pub expected: String,
    pub was: String,
    /// Seconds, where it is a time that was taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<i64>,
    pub met: bool,
    /// Nothing has come of it, and there was time left: it is neither met nor missed.
    pub pending: bool,
}

impl Measure {
    /// What was, where there was nothing, as long as there is time and when there is none left.
    pub const NOT_YET: &str = "not yet";
    pub const NEVER: &str = "never";
    pub const NOBODY: &str = "nobody declared an incident";

    /// Whether its time has come, and not what was expected.
    pub fn is_missed(&self) -> bool {
        !self.met && !self.pending
    }

    /// What stands before it.
    pub fn mark(&self) -> &'static str {
        match (self.met, self.pending) {
            (true, _) => "✓",
            (false, true) => "·",
            (false, false) => "✗",
        }
    }
}

/// One firing of a switch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SwitchScore {
    pub switch: String,
    pub target: String,
    pub state: String,
    /// Milliseconds from the request until the other side said yes, and until the effect was seen.
    pub accepted_ms: Option<i64>,
    pub ended_ms: Option<i64>,
    pub effective: bool,
}

/// Something to mend before the next game day.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Gap {
    /// The same gap of the same scenario has the same key in every game day: `friday-deploy/late-contain`.
    pub key: String,
    pub text: String,
    /// The game days in which it was found, counted.
    pub times: u32,
    /// Who mends it, and by which day; none as long as nobody has promised it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due: Option<Day>,
}

impl Gap {
    /// Whose it is, in words.
    pub fn promise(&self) -> String {
        let owner = self.owner.as_deref().unwrap_or("nobody's yet");
        self.due.map_or_else(|| owner.to_owned(), |due| format!("{owner}, by {due}"))
    }
}

/// Earlier game days: when the last one began, and what they have left open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GameDays {
    pub last: Option<At>,
    pub open_gaps: u32,
}
