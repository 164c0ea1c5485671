//! Our own link to the broker, and when it was down: of these times nothing is known.

use std::collections::VecDeque;

use crate::domain::input::LinkChange;
use crate::domain::time::At;

/// The state of the link, as the engine was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub state: LinkChange,
    pub since: At,
    /// Filters that the broker refused.
    pub blind: Vec<(String, String)>,
    pub last_message: Option<At>,
    /// When it was down, lately: from, and to where it is up again. Nothing is known of these times.
    pub gaps: VecDeque<(At, Option<At>)>,
}

/// Gaps remembered: more of them in two hours than this is no link at all.
const GAPS: usize = 64;

impl Link {
    /// Notes that the link went down or came up.
    pub(super) fn note_gap(&mut self, up: bool, at: At) {
        match (up, self.gaps.back_mut()) {
            (true, Some((_, to @ None))) => *to = Some(at),
            (true, _) => {}
            (false, _) => {
                if self.gaps.len() == GAPS {
                    self.gaps.pop_front();
                }
                self.gaps.push_back((at, None));
            }
        }
    }

    /// Whether the link was down at a moment.
    pub fn was_down(&self, at: At) -> bool {
        self.gaps.iter().any(|(from, to)| *from <= at && to.is_none_or(|to| at < to))
    }

    pub const fn is_up(&self) -> bool {
        matches!(self.state, LinkChange::Up)
    }
}
