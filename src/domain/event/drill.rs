//! Events of a game day. What responders must not see is not in their timeline, and is in the log all the same.

use serde::{Deserialize, Serialize};

use crate::domain::day::Day;
use crate::domain::drill::{Channel, DrillPlan, Gap, Planted, Scorecard};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum DrillEvent {
    /// What is going to happen, before it does.
    DrillPlanned {
        plan: Box<DrillPlan>,
    },
    /// A person has taken the facilitator's seat.
    FacilitatorSat {},
    /// One who had joined from a terminal of their own has left it.
    FacilitatorLeft {},
    /// The responders are told something; one without an id stands in no script.
    InjectTold {
        inject: String,
        channel: Channel,
        from: String,
        text: String,
    },
    InjectDelayed {
        inject: String,
        by_s: u32,
    },
    InjectSkipped {
        inject: String,
    },
    /// Something goes wrong that stands in no script.
    FaultPlanted {
        fault: Planted,
    },
    FacilitatorNoted {
        text: String,
    },
    DrillPaused {},
    DrillResumed {},
    DrillStepped {
        seconds: u32,
    },
    /// This machine cannot keep the speed that was asked for.
    DrillSlowed {
        asked: f64,
        real: f64,
    },
    /// It is over, and this is how it went.
    DrillEnded {
        reason: String,
        complete: bool,
        score: Box<Scorecard>,
        gaps: Vec<Gap>,
    },
    /// Somebody promises to mend a gap of this or an earlier game day.
    GapAssigned {
        gap: String,
        owner: String,
        due: Day,
    },
    /// Somebody says that a gap of this or an earlier game day is closed.
    GapClosed {
        gap: String,
        reason: String,
    },
    /// The staging broker has dropped the clients of the simulated fleet; what responders see then is not the scenario.
    StageLost {
        reason: String,
    },
    /// They are connected again.
    StageBack {},
    /// What a game day had left on a staging broker is gone.
    StagingCleared {
        topic: String,
        messages: u32,
    },
}
