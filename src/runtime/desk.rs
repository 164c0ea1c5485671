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
use super::socket::Awaited;
use super::{Reply, Watched};
use crate::actuate::{self, Ways, gate::Gate};
use crate::domain::drill::StageOrder;
use crate::domain::event::Record;
use crate::domain::ids::Seq;
use crate::domain::input::{Effect, Heard, Input, Outcome, Proposal, Sending, Telling};
use crate::domain::observation::Batch;
use crate::domain::switch::ActuationState;
use crate::domain::time::At;
use crate::engine::snapshot::Snapshot;
use crate::engine::{self, State};
use crate::limits;
use crate::store::writer::Writer;

/// How long a room that closes waits for a switch that was just pulled.
const FAREWELL: Duration = Duration::from_millis(1500);

/// What a desk is made of.
pub(super) struct Parts {
    pub state: State,
    pub inbox: Arc<Inbox>,
    pub writer: Writer,
    pub clock: Arc<Clock>,
    pub ways: Ways,
    pub tokio: Handle,
    pub reply: mpsc::Sender<Reply>,
    /// Answers that the socket waits for.
    pub awaited: Awaited,
    pub watched: Watched,
    /// Who carries out what the facilitator of a game day asks for.
    pub stage: Option<mpsc::Sender<StageOrder>>,
}

/// The engine's owner.
pub(super) struct Desk {
    parts: Parts,
    /// Events that the writer's queue had no room for.
    unsent: VecDeque<Vec<Record>>,
    /// Effects waiting for their events to be on disk.
    pending: VecDeque<(Seq, Effect)>,
    gate: Gate,
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
            gate: Gate::default(),
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
                Effect::Actuate(proposal) => self.admit(&proposal),
                Effect::Send(sending) => self.send_out(sending),
                Effect::Tell(telling) => self.tell(telling),
                Effect::Stage(order) => self.stage(&order),
            }
        }
    }

    fn reply(&self, (ticket, result): Reply) {
        if !self.parts.awaited.give(ticket, &result) {
            // Whoever asked may have gone.
            drop(self.parts.reply.try_send((ticket, result)));
        }
    }

    /// Time is ours to hold; the rest is for whoever has set the stage.
    fn stage(&mut self, order: &StageOrder) {
        match order {
            StageOrder::Pause => self.parts.clock.hold(),
            StageOrder::Resume => self.parts.clock.go_on(),
            StageOrder::Step { seconds } => self.parts.clock.go_on_for(*seconds),
            StageOrder::Plant(_) | StageOrder::End => {}
        }
        if let Some(stage) = &self.parts.stage {
            // A stage that has gone, or that is this far behind, takes no orders.
            let _ = stage.try_send(order.clone());
        }
    }

    /// Opens the gate for a switch that was pulled, or says why it stays closed.
    fn admit(&mut self, proposal: &Proposal) {
        let (durable, now) = (self.parts.state.durable, self.parts.clock.now());
        if let Err(reason) = self.gate.admit(proposal, durable, now) {
            self.step(Input::Stopped { actuation: proposal.actuation.clone(), reason });
        }
    }

    /// Makes calls of a switch that has passed the gate; what came of them comes back as an input.
    fn send_out(&mut self, sending: Sending) {
        let (actuation, step) = (sending.actuation.clone(), sending.step);
        let confirmed = match self.gate.release(sending) {
            Ok(confirmed) => confirmed,
            // Whoever waits for these calls must not wait for ever.
            Err(stopped) => {
                let not_sent = || Outcome::NotSent { reason: "the gate is closed for it: arm it again".into() };
                let answers = stopped.calls.into_iter().map(|(place, _)| (place, not_sent())).collect();
                self.step(Input::Outcome { actuation, step, answers });
                return;
            }
        };
        let (inbox, ways) = (self.parts.inbox.clone(), self.parts.ways.clone());
        drop(self.parts.tokio.spawn(async move {
            let answers = actuate::fire(confirmed, &ways).await;
            inbox.push(Input::Outcome { actuation, step, answers });
        }));
    }

    /// Tells an audience something; what came of it comes back as an input.
    fn tell(&self, telling: Telling) {
        let (inbox, ways) = (self.parts.inbox.clone(), self.parts.ways.clone());
        let (word, began) = (telling.word, Instant::now());
        drop(self.parts.tokio.spawn(async move {
            let heard = actuate::channel::carry(telling, &ways).await;
            // Less than a millisecond is still some time.
            let took_ms = (began.elapsed().as_millis() as i64).max(1);
            inbox.push(Input::Told { word, heard: Heard { took_ms, ..heard } });
        }));
    }

    /// A switch whose intent could not be written in time is not pulled later, when nobody expects it.
    fn give_up(&mut self) {
        let now = self.parts.clock.now();
        let stale = |effect: &Effect| match effect {
            Effect::Actuate(proposal) => now.since_ms(proposal.confirmed) > limits::INTENT_MS * proposal.pace,
            Effect::Reply { .. } | Effect::Send(_) | Effect::Tell(_) | Effect::Stage(_) => false,
        };
        let (given_up, kept) = std::mem::take(&mut self.pending).into_iter().partition(|(_, effect)| stale(effect));
        self.pending = kept;
        let given_up: VecDeque<(Seq, Effect)> = given_up;
        for (_, effect) in given_up {
            if let Effect::Actuate(Proposal { actuation, .. }) = effect {
                let reason = "its intent could not be recorded in time; nothing was sent".to_owned();
                self.step(Input::Stopped { actuation, reason });
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
