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
        // What had failed, and worked again before it began, is over.
        let works = self.0.iter().filter(|(at, reach)| at.after_s(onset) < 0 && reach.failure().is_none());
        let worked = works.map(|(at, _)| at.after_s(onset)).max().unwrap_or(-BEFORE_S);
        let mut since = self.0.iter().filter(|(at, _)| at.after_s(onset) >= worked.max(-BEFORE_S));
        let near = since.clone().filter(|(at, _)| at.after_s(onset) <= AFTER_S);
        let failed = near.filter_map(|(_, reach)| Some((reach.failure()?.1, reach)));
        let worst = failed.max_by_key(|(by_broker, _)| *by_broker).map(|(_, reach)| reach);
        worst.or_else(|| since.next_back().map(|(_, reach)| reach))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::probe::Step;

    #[test]
    fn what_failed_long_before_speaks_for_nothing() {
        let onset = At::from_ms(1_774_022_400_000);
        let failed =
            || Reach { connection: Step::Failed { reason: "refused".into(), by_broker: true }, ..Reach::default() };
        // (seconds from the onset to a failure, whether it is told)
        for (failed_s, expected) in [(-600, false), (-121, false), (-60, true), (200, true), (301, false)] {
            let mut tries = vec![(failed_s, failed()), (30, Reach::default()), (400, Reach::default())];
            tries.sort_by_key(|(at_s, _)| *at_s);
            let mut reaches = Reaches::default();
            tries.into_iter().for_each(|(at_s, reach)| reaches.take(onset.plus_s(at_s), reach));
            assert_eq!(reaches.near(onset).is_some_and(|reach| reach.failure().is_some()), expected, "{failed_s}");
        }
        let mut reaches = Reaches::default();
        [(-90, failed()), (-70, Reach::default())]
            .into_iter()
            .for_each(|(at_s, reach)| reaches.take(onset.plus_s(at_s), reach));
        assert!(reaches.near(onset).unwrap().failure().is_none(), "it worked again before");
    }
}
