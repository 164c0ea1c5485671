//! The gate. Nothing reaches an actuator but a [`Confirmed`] proposal, and only [`confirm`] makes one.
//!
//! The engine has checked all of this when the switch was pulled. It is checked here again, on the way out and against
//! the clock of this moment: between the key and the wire lie a queue and a disk, and either may have been slow.

use crate::domain::ids::Seq;
use crate::domain::input::Proposal;
use crate::domain::time::At;
use crate::limits;

/// A proposal that may be carried out. There is no other way to get one than [`confirm`].
#[derive(Debug)]
pub struct Confirmed(Proposal);

impl Confirmed {
    pub(super) fn into_proposal(self) -> Proposal {
        self.0
    }
}

/// Lets a proposal pass, if its intent is on disk (`durable` says how far the log is), it was armed and confirmed as
/// it must be, and it is still fresh at `now`.
///
/// # Errors
/// Why it was stopped. Nothing has left this machine then.
pub fn confirm(proposal: Proposal, durable: Seq, now: At) -> Result<Confirmed, String> {
    let waited_ms = now.since_ms(proposal.confirmed);
    let decided_ms = proposal.confirmed.since_ms(proposal.armed);
    if proposal.intent > durable {
        Err("the intent is not on disk; no switch fires unlogged".into())
    } else if waited_ms > limits::INTENT_MS * proposal.pace {
        Err(format!("it took {} s to record the intent; look again before acting on it", waited_ms / 1000))
    } else if waited_ms < 0 || !(limits::ARMING_GUARD_MS..limits::ARMED_MS).contains(&(decided_ms / proposal.pace)) {
        Err("the confirmation does not fit the arming".into())
    } else if proposal.asked.as_ref().is_some_and(|asked| *asked != proposal.typed) {
        Err("what was typed is not what was asked for".into())
    } else {
        Ok(Confirmed(proposal))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::ActuationId;
    use crate::domain::switch::{Call, SwitchId};

    #[test]
    fn only_a_fresh_recorded_confirmed_proposal_passes() {
        let at = |ms| At::from_ms(1_000_000 + ms);
        let good = Proposal {
            actuation: ActuationId("a".into()),
            switch: SwitchId::ota_halt(),
            call: Call { topic: "t".into(), payload: "{}".into(), retain: true },
            armed: at(0),
            confirmed: at(1000),
            asked: None,
            typed: String::new(),
            intent: Seq(7),
            pace: 1,
        };
        let asks = |typed: &str| Proposal { asked: Some("fw-1".into()), typed: typed.into(), ..good.clone() };
        let cases = [
            (good.clone(), 7, 1100, None),
            (asks("fw-1"), 7, 1100, None),
            (good.clone(), 6, 1100, Some("not on disk")),
            (good.clone(), 7, 1001 + limits::INTENT_MS, Some("look again")),
            (good.clone(), 7, 900, Some("does not fit")),
            (Proposal { armed: at(900), ..good.clone() }, 7, 1100, Some("does not fit")),
            (Proposal { armed: at(1000 - limits::ARMED_MS), ..good.clone() }, 7, 1100, Some("does not fit")),
            (asks("fw-2"), 7, 1100, Some("not what was asked")),
        ];
        for (proposal, durable, now, stopped) in cases {
            let result = confirm(proposal.clone(), Seq(durable), at(now)).map(Confirmed::into_proposal);
            match stopped {
                None => assert_eq!(result, Ok(proposal)),
                Some(reason) => assert!(result.unwrap_err().contains(reason), "{reason}"),
            }
        }
    }
}
