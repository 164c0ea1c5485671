//! What a room and the stage of its game day tell each other.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::clock::Clock;
use crate::domain::drill::StageOrder;
use crate::domain::input::StageNews;
use crate::drill::conductor::Score;
use crate::mqtt::LinkOptions;

/// Orders and news waiting between the two: people give them one by one.
const WAITING: usize = 256;

/// The room's end.
pub struct StageLink {
    pub orders: mpsc::Sender<StageOrder>,
    pub news: mpsc::Receiver<StageNews>,
    /// For how long the terminal of a facilitator who has joined may be lost until the game day is ended: on a staging
    /// broker, nobody else would.
    pub lever: Option<Duration>,
}

impl StageLink {
    /// Both ends, on one clock. `speed` is how much faster than life it was asked to run.
    pub fn new(clock: &Arc<Clock>, speed: f64, staging: Option<LinkOptions>) -> (Self, Score) {
        let (orders, ordered) = mpsc::channel(WAITING);
        let (news, told) = mpsc::channel(WAITING);
        let (ticking, set) = (clock.clone(), clock.clone());
        let score = Score {
            clock: Arc::new(move || ticking.now()),
            speed,
            set_speed: Arc::new(move |speed| set.set_speed(speed)),
            orders: ordered,
            news,
            staging,
        };
        (Self { orders, news: told, lever: None }, score)
    }
}
