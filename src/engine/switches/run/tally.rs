//! How far a run has come, in numbers.

use super::{Run, Stage, Staging};
use crate::domain::switch::plan::GateKind;
use crate::fleet::Fleet;
use crate::fleet::devices::Flag;

/// Targets by how far they have come. They always add up to the total.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub total: u32,
    /// Of which not asked yet.
    pub unasked: u32,
    /// Connected, and asked or about to be.
    pub pending: u32,
    /// Away: asked when they come back.
    pub offline: u32,
    /// They have it.
    pub done: u32,
    /// They refused, did not answer, or came back.
    pub escaped: u32,
    /// Seconds until the last is asked, at the allowed pace.
    pub eta_s: u32,
}

impl Run {
    /// How far the targets have come.
    pub fn tally(&self, fleet: &Fleet) -> Tally {
        let mut tally = Tally { total: self.targets.len() as u32, ..Tally::default() };
        let last = self.step + 1 >= self.switch.steps.len();
        for target in &self.targets {
            let online = target.device.is_none_or(|ix| fleet.devices().get(ix).has(Flag::Online));
            match target.stage {
                Stage::No => tally.escaped += 1,
                Stage::Yes if target.returned => tally.escaped += 1,
                Stage::Yes if last => tally.done += 1,
                _ if self.is_reported() && !online && target.stage == Stage::Asked => tally.offline += 1,
                _ => tally.pending += 1,
            }
            tally.unasked += u32::from(target.stage == Stage::Waiting && target.tries == 0);
        }
        let pace = self.step().map_or(1.0, |step| step.per_second).max(f64::MIN_POSITIVE);
        let left = if self.step().is_some_and(|step| step.each) { tally.unasked } else { 0 };
        // Waves that follow wait for those before them to soak.
        let soaks_s = self.staging.as_ref().map_or(0, |staging| {
            let left = u64::from(staging.plan.waves().saturating_sub(staging.wave.max(1)));
            left * u64::from(staging.plan.soak_s)
        });
        tally.eta_s = ((f64::from(left) / pace).ceil() + soaks_s as f64).min(f64::from(u32::MAX)) as u32;
        tally
    }

    /// The step under way, by name, and of how many.
    pub fn position(&self) -> (&str, usize, usize) {
        (self.step().map_or("", |step| &step.name), self.step + 1, self.switch.steps.len())
    }

    /// Whether an earlier room has begun it.
    pub(in crate::engine::switches) const fn is_taken_up(&self) -> bool {
        self.taken_up
    }

    pub(in crate::engine::switches) fn gate(&self) -> GateKind {
        self.switch.gate
    }

    /// How far its waves have come, where it goes out in waves.
    pub const fn staging(&self) -> Option<&Staging> {
        self.staging.as_ref()
    }
}
