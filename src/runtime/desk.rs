//! The desk: the thread that owns the engine.
//!
//! It takes from the inbox, lets the engine step, hands events to the writer, and lets effects go once the events they
//! follow from are on disk. It publishes snapshots, at most ten a second.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};

use super::clock::{Clock, JumpWatch};
use super::inbox::Inbox;
use super::{Reply, Watched};
use crate::actuate;
use crate::domain::event::Record;
use crate::domain::ids::Seq;
use crate::domain::input::{Effect, Input, Outcome, Proposal};
use crate::domain::observation::Batch;
use crate::domain::switch::ActuationState;
use crate::domain::time::At;
use crate::engine::snapshot::Snapshot;
use crate::engine::{self, State};
use crate::limits;
use crate::mqtt::Outbox;
use crate::store::writer::Writer;

/// How long a room that closes waits for a switch that was just pulled.
const FAREWELL: Duration = Duration::from_millis(1500);

/// What a desk is made of.
pub(super) struct Parts {
    pub state: State,
    pub inbox: Arc<Inbox>,
    pub writer: Writer,
    pub clock: Arc<Clock>,
    /// The way out, where there is one: a replay has nobody to send to.
    pub outbox: Option<Outbox>,
    pub tokio: Handle,
    pub reply: mpsc::Sender<Reply>,
    pub watched: Watched,
}

/// The engine's owner.
pub(super) struct Desk {
    parts: Parts,
    /// Events that the writer's queue had no room for.
    unsent: VecDeque<Vec<Record>>,
    /// Effects waiting for their events to be on disk.
    pending: VecDeque<(Seq, Effect)>,
    jumps: JumpWatch,
    snapshots: watch::Sender<Arc<Snapshot>>,
    published: Instant,
    second: i64,
    changed: bool,
}

impl Desk {
    pub(super) fn new(parts: Parts) -> (Self, watch::Receiver<Arc<Snapshot>>) {
        let now = parts.clock.now();
        let (snapshots, newest) = watch::channel(Arc::new(Snapshot::of(&parts.state, now)));
        let desk = Self {
            parts,
            unsent: VecDeque::new(),
            pending: VecDeque::new(),
            jumps: JumpWatch::default(),
            snapshots,
            published: Instant::now(),
            second: now.second(),
            changed: true,
        };
        (desk, newest)
    }

    /// Works until the inbox is closed.
    pub(super) fn work(mut self) {
        let mut spare = Batch::default();
        let mut closing: Option<Instant> = None;
        loop {
            let mut taken = self.parts.inbox.take(self.patience(), spare);
            for input in taken.inputs.drain(..) {
                if let Input::Look(lens) = &input {
                    self.parts.watched.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&lens.device);
                }
                self.step(input);
            }
            spare = self.observe(taken.batch, taken.dropped);
            self.tick();
            self.release();
            self.publish();
            if taken.closed {
                closing.get_or_insert_with(Instant::now);
            }
            if closing.is_some_and(|since| self.is_settled() || since.elapsed() > FAREWELL) {
                break;
            }
        }
        self.finish();
    }

    /// Whether no switch is on its way: what was confirmed is sent, or said not to have been.
    fn is_settled(&self) -> bool {
        let waiting = self.pending.iter().any(|(_, effect)| matches!(effect, Effect::Actuate(_)));
        let mut pulled = self.parts.state.room.actuations.values();
        !waiting && !pulled.any(|actuation| actuation.state == ActuationState::Requested)
    }

    /// Until the next second, or until a snapshot that is due may be published.
    fn patience(&self) -> Duration {
        let next_second = At::from_ms((self.second + 1) * 1000);
        let tick = Duration::from_millis(self.parts.clock.real_ms_until(next_second));
        if self.changed { tick.min(limits::SNAPSHOT.saturating_sub(self.published.elapsed())) } else { tick }
    }

    fn step(&mut self, input: Input) -> Option<Batch> {
        let at = self.parts.clock.now();
        let step = engine::step(&mut self.parts.state, at, input);
        self.changed = true;
        let last = self.parts.state.room.last;
        if !step.records.is_empty() {
            self.unsent.push_back(step.records);
            self.send();
        }
        if !step.rollups.is_empty() {
            let n = step.rollups.len() as u64;
            self.parts.state.unkept += if self.parts.writer.keep(step.rollups) { 0 } else { n };
        }
        for effect in step.effects {
            match effect {
                // A refusal waits for nothing: least of all for the disk that may be its reason.
                Effect::Reply { ticket, result: Err(refusal) } => self.reply((ticket, Err(refusal))),
                effect => self.pending.push_back((last, effect)),
            }
        }
        step.spent
    }

    /// Takes telemetry, and returns an empty batch for the next.
    fn observe(&mut self, batch: Batch, dropped: u64) -> Batch {
        if batch.is_empty() && dropped == 0 {
            return batch;
        }
        self.step(Input::Observed { batch, dropped }).unwrap_or_default()
    }

    /// Once a second: the clocks move, the wall is looked at, what has waited too long is given up.
    fn tick(&mut self) {
        let second = self.parts.clock.now().second();
        if second == self.second {
            return;
        }
        self.second = second;
        self.step(Input::Tick);
        if let Some(by_ms) = self.jumps.look() {
            self.step(Input::ClockJumped { by_ms });
        }
        self.give_up();
    }

    /// Hands events to the writer, in order, as far as its queue has room.
    fn send(&mut self) {
        while let Some(records) = self.unsent.pop_front() {
            if !self.parts.writer.write(records.clone()) {
                // The engine takes no more commands once too many events wait.
                self.unsent.push_front(records);
                return;
            }
        }
    }

    /// Lets the effects go whose events are on disk.
    fn release(&mut self) {
        self.send();
        while self.pending.front().is_some_and(|(seq, _)| *seq <= self.parts.state.durable) {
            let Some((_, effect)) = self.pending.pop_front() else { return };
            match effect {
                Effect::Reply { ticket, result } => self.reply((ticket, result)),
                Effect::Actuate(proposal) => self.actuate(proposal),
            }
        }
    }

    fn reply(&self, reply: Reply) {
        // Whoever asked may have gone.
        drop(self.parts.reply.try_send(reply));
    }

    fn actuate(&mut self, proposal: Proposal) {
        let actuation = proposal.actuation.clone();
        let inbox = self.parts.inbox.clone();
        let Some(outbox) = self.parts.outbox.clone() else {
            let reason = "there is no broker to send to".to_owned();
            self.step(Input::Outcome { actuation, outcome: Outcome::NotSent { reason } });
            return;
        };
        match actuate::gate::confirm(proposal, self.parts.state.durable, self.parts.clock.now()) {
            Ok(confirmed) => drop(self.parts.tokio.spawn(async move {
                let outcome = actuate::mqtt::fire(confirmed, &outbox).await;
                inbox.push(Input::Outcome { actuation, outcome });
            })),
            Err(reason) => drop(self.step(Input::Outcome { actuation, outcome: Outcome::NotSent { reason } })),
        }
    }

    /// A switch whose intent could not be written in time is not pulled later, when nobody expects it.
    fn give_up(&mut self) {
        let now = self.parts.clock.now();
        let stale = |effect: &Effect| match effect {
            Effect::Actuate(proposal) => now.since_ms(proposal.confirmed) > limits::INTENT_MS * proposal.pace,
            Effect::Reply { .. } => false,
        };
        let (given_up, kept) = std::mem::take(&mut self.pending).into_iter().partition(|(_, effect)| stale(effect));
        self.pending = kept;
        let given_up: VecDeque<(Seq, Effect)> = given_up;
        for (_, effect) in given_up {
            if let Effect::Actuate(Proposal { actuation, .. }) = effect {
                let reason = "its intent could not be recorded in time; nothing was sent".to_owned();
                self.step(Input::Outcome { actuation, outcome: Outcome::NotSent { reason } });
            }
        }
    }

    fn publish(&mut self) {
        if self.changed && self.published.elapsed() >= limits::SNAPSHOT {
            self.snapshots.send_replace(Arc::new(Snapshot::of(&self.parts.state, self.parts.clock.now())));
            self.published = Instant::now();
            self.changed = false;
        }
    }

    /// Writes what is left. What the disk does not take now is lost, and was never said to be recorded.
    fn finish(mut self) {
        self.send();
        // Those who wait for the end wait for the snapshots to end: they go last.
        let Self { parts, snapshots, .. } = self;
        parts.writer.close();
        drop(snapshots);
    }
}
