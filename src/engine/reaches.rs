//! How the way to the broker was, lately: of what is in doubt the worst that was seen near its beginning speaks.

use std::collections::VecDeque;

use crate::domain::probe::Reach;
use crate::domain::time::At;
use crate::limits;

/// Seconds before and after an onset in which a failing way to the broker belongs to it.
const BEFORE_S: i64 = 120;
const AFTER_S: i64 = 300;

/// The last tries.
#[derive(Clone, Debug, Default)]
pub struct Reaches(VecDeque<(At, Reach)>);

impl Reaches {
    pub(super) fn take(&mut self, at: At, reach: Reach) {
        if self.0.len() == limits::REACHES {
            self.0.pop_front();
        }
        self.0.push_back((at, reach));
    }

    /// The last one.
    pub fn last(&self) -> Option<&Reach> {
        self.0.back().map(|(_, reach)| reach)
    }

    /// What speaks for something that began at a moment: a failure near it, the broker's own before others, or else the
    /// newest try since.
    pub fn near(&self, onset: At) -> Option<&Reach> {
        let mut since = self.0.iter().filter(|(at, _)| at.since_s(onset) >= -BEFORE_S);
        let near = since.clone().filter(|(at, _)| at.since_s(onset) <= AFTER_S);
        let failed = near.filter_map(|(_, reach)| Some((reach.failure()?.1, reach)));
        let worst = failed.max_by_key(|(by_broker, _)| *by_broker).map(|(_, reach)| reach);
        worst.or_else(|| since.next_back().map(|(_, reach)| reach))
    }
}
