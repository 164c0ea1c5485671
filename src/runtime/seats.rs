//! The seats of facilitators who have joined from another terminal, and the safety lever that falls when one of them is
//! lost: a game day on somebody else's broker does not go on without anybody who watches over it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::inbox::Inbox;
use crate::domain::command::Command;
use crate::domain::drill::DrillCommand;
use crate::domain::ids::Actor;
use crate::domain::input::{Input, Ticket};

/// How often the seats are looked at.
const LOOK: Duration = Duration::from_millis(500);

/// Who sits, and when their terminal was heard from last. This is time of life: the drill's own may stand still.
#[derive(Clone, Default)]
pub(super) struct Seats(Arc<Mutex<BTreeMap<String, Instant>>>);

impl Seats {
    fn table(&self) -> MutexGuard<'_, BTreeMap<String, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A terminal was heard from.
    pub(super) fn seen(&self, name: &str, now: Instant) {
        self.table().insert(name.to_owned(), now);
    }

    /// Somebody has stood up, which is no loss.
    pub(super) fn left(&self, name: &str) {
        self.table().remove(name);
    }

    /// Who was not heard from for so long; they are told of once.
    fn lost(&self, patience: Duration, now: Instant) -> Option<String> {
        let mut table = self.table();
        let name = table.iter().find(|(_, seen)| now.duration_since(**seen) >= patience)?.0.clone();
        table.remove(&name);
        Some(name)
    }

    /// Ends the game day when a facilitator's terminal is lost for so long.
    pub(super) async fn watch(self, patience: Duration, inbox: Arc<Inbox>) {
        loop {
            tokio::time::sleep(LOOK).await;
            if let Some(name) = self.lost(patience, Instant::now()) {
                let reason = format!("the terminal of {name} was lost for {} s", patience.as_secs());
                let command = Command::Drill(DrillCommand::End { reason });
                if !inbox.push(Input::Command { ticket: Ticket(0), by: Actor::Engine, command }) {
                    // The room is closing, which undoes everything as well.
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_sits_and_is_silent_is_lost() {
        let (seats, start, patience) = (Seats::default(), Instant::now(), Duration::from_secs(60));
        let after = |s| start + Duration::from_secs(s);
        seats.seen("kim", start);
        seats.seen("jo", start);
        seats.left("jo");
        assert_eq!(seats.lost(patience, after(59)), None);
        seats.seen("kim", after(59));
        assert_eq!(seats.lost(patience, after(118)), None);
        assert_eq!(seats.lost(patience, after(119)), Some("kim".into()));
        assert_eq!(seats.lost(patience, after(500)), None, "told of once");
    }
}
