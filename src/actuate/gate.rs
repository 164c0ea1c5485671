//! The gate. Nothing reaches an actuator but [`Confirmed`] calls, and only a [`Gate`] makes them.
//!
//! The engine has checked all of this when the switch was pulled. It is checked here again, on the way out and against
//! the clock of this moment: between the key and the wire lie a queue and a disk, and either may have been slow. A
//! proposal that passes opens the gate for the calls of its actuation, which may be many and take a while.

use std::collections::BTreeSet;

use crate::domain::ids::{ActuationId, Seq};
use crate::domain::input::{People, Proposal, Sending};
use crate::domain::time::At;
use crate::limits;

/// Calls that may be made. There is no other way to get them than [`Gate::release`].
#[derive(Debug)]
pub struct Confirmed(Sending);

impl Confirmed {
    pub(super) fn into_sending(self) -> Sending {
        self.0
    }
}

/// Remembers which actuations have passed, for as long as the room is open.
#[derive(Debug, Default)]
pub struct Gate(BTreeSet<ActuationId>);

impl Gate {
    /// Lets an actuation pass, if its intent is on disk (`durable` says how far the log is), it was armed, confirmed and
    /// approved as it must be, and it is still fresh at `now`.
    ///
    /// # Errors
    /// Why it was stopped. Nothing has left this machine then.
    pub fn admit(&mut self, proposal: &Proposal, durable: Seq, now: At) -> Result<(), String> {
        let waited_ms = now.since_ms(proposal.confirmed);
        let decided_ms = proposal.confirmed.since_ms(proposal.armed);
        if proposal.intent > durable {
            Err("the intent is not on disk; no switch fires unlogged".into())
        } else if waited_ms > limits::INTENT_MS * proposal.pace {
            Err(format!("it took {} s to record the intent; look again before acting on it", waited_ms / 1000))
        } else if waited_ms < 0
            || !(limits::ARMING_GUARD_MS..proposal.within_ms).contains(&(decided_ms / proposal.pace))
        {
            Err("the confirmation does not fit the arming".into())
        } else if proposal.asked.as_ref().is_some_and(|asked| *asked != proposal.typed) {
            Err("what was typed is not what was asked for".into())
        } else {
            agreed(&proposal.people)?;
            self.0.insert(proposal.actuation.clone());
            Ok(())
        }
    }

    /// Lets calls of an actuation pass that has been let in.
    ///
    /// # Errors
    /// The calls, where it has not.
    pub fn release(&self, sending: Sending) -> Result<Confirmed, Sending> {
        if self.0.contains(&sending.actuation) { Ok(Confirmed(sending)) } else { Err(sending) }
    }
}

fn agreed(people: &People) -> Result<(), String> {
    match people {
        People::One => Ok(()),
        People::Two(first, second) if first != second => Ok(()),
        People::Two(..) => Err("the same person asked and approved".into()),
        People::BrokeGlass(reason) if reason.trim().chars().count() >= limits::BREAK_GLASS_REASON => Ok(()),
        People::BrokeGlass(_) => Err("the glass was broken without a reason".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::switch::SwitchId;

    #[test]
    fn only_a_fresh_recorded_confirmed_proposal_opens_the_gate() {
        let at = |ms| At::from_ms(1_000_000 + ms);
        let good = Proposal {
            actuation: ActuationId("a".into()),
            switch: SwitchId::ota_halt(),
            armed: at(0),
            confirmed: at(1000),
            within_ms: limits::ARMED_MS,
            asked: None,
            typed: String::new(),
            people: People::One,
            intent: Seq(7),
            pace: 1,
        };
        let asks = |typed: &str| Proposal { asked: Some("fw-1".into()), typed: typed.into(), ..good.clone() };
        let by = |people| Proposal { people, ..good.clone() };
        let cases = [
            (good.clone(), 7, 1100, None),
            (asks("fw-1"), 7, 1100, None),
            (good.clone(), 6, 1100, Some("not on disk")),
            (good.clone(), 7, 1001 + limits::INTENT_MS, Some("look again")),
            (good.clone(), 7, 900, Some("does not fit")),
            (Proposal { armed: at(900), ..good.clone() }, 7, 1100, Some("does not fit")),
            (Proposal { armed: at(1000 - limits::ARMED_MS), ..good.clone() }, 7, 1100, Some("does not fit")),
            (asks("fw-2"), 7, 1100, Some("not what was asked")),
            (by(People::Two(1000, 1001)), 7, 1100, None),
            (by(People::Two(1000, 1000)), 7, 1100, Some("the same person")),
            (by(People::BrokeGlass("nobody else awake".into())), 7, 1100, None),
            (by(People::BrokeGlass("   now      ".into())), 7, 1100, Some("without a reason")),
        ];
        for (proposal, durable, now, stopped) in cases {
            let mut gate = Gate::default();
            let sending = Sending { actuation: proposal.actuation.clone(), step: 0, calls: Vec::new() };
            let result = gate.admit(&proposal, Seq(durable), at(now));
            assert_eq!(gate.release(sending).is_ok(), stopped.is_none());
            match stopped {
                None => assert_eq!(result, Ok(())),
                Some(reason) => assert!(result.unwrap_err().contains(reason), "{reason}"),
            }
        }
    }
}
