//! A replay: a capture shown in the room as if it happened now.

/// What makes a room a replay, and how it goes.
#[derive(Clone, Debug, PartialEq)]
pub struct Replay {
    /// The capture, as people know it.
    pub capture: String,
    /// Seconds of the capture that pass in a second of life.
    pub speed: f64,
    pub course: Course,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Course {
    Running,
    Paused,
    /// Everything has been shown; time stands still.
    Ended,
}

/// What a person asks of a replay's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pacing {
    /// Stand still, or go on.
    Pause,
    Faster,
    Slower,
}

/// What has become of a replay's time.
#[derive(Clone, Debug, PartialEq)]
pub enum ReplayChange {
    Pace {
        speed: f64,
        paused: bool,
    },
    /// There is nothing more. `cut` says what is wrong with the end, if it is not as it should be.
    Ended {
        messages: u64,
        unread: u64,
        cut: Option<String>,
    },
}
