//! The engine: one step at a time, inputs become events and effects.
//!
//! Pure and deterministic. It reads no clock, no randomness, no file and no socket: the moment of every input is given
//! in, and the same inputs give the same events. What is on the record ([`room::Room`]) changes by events only; the
//! rest of the [`State`] (the fleet, what is armed, what a screen looks at) is rebuilt after a restart.
//!
//! Read [`step`] first, then [`room`] for what is remembered, [`switches`] for what is dangerous, and [`snapshot`]
//! for what readers get.

mod accepted;
mod affected;
mod alerts;
pub mod crossings;
mod decide;
pub mod drill;
mod facts;
mod history;
pub mod impact;
mod link;
pub mod metrics;
mod notices;
pub mod past;
pub mod reaches;
mod recovery;
mod response;
pub mod rollouts;
pub mod room;
pub mod runbooks;
pub mod settings;
pub mod snapshot;
mod suspects;
pub mod switches;
pub mod timeline;
mod triage;
pub mod updates;
mod view;
mod wire;

use std::collections::VecDeque;

pub use link::Link;
use room::Room;
pub use settings::Settings;
use switches::Switches;
use wire::WireBudget;

use crate::detect::Detector;
use crate::domain::command::{Command, Refusal, SwitchCommand};
use crate::domain::drill::DrillCommand;
use crate::domain::event::drill::DrillEvent;
use crate::domain::event::switch::SwitchEvent;
use crate::domain::event::{Event, Record};
use crate::domain::ids::{Actor, Seq};
use crate::domain::input::{DrillStart, Effect, Input, LinkChange, LogHealth, StageNews, Ticket, Word};
use crate::domain::lens::Lens;
use crate::domain::observation::Batch;
use crate::domain::replay::{Course, Replay, ReplayChange};
use crate::domain::rollup::Rollup;
use crate::domain::time::At;
use crate::fleet::Fleet;
use crate::fleet::cohorts::Grouping;
use crate::limits;

/// Everything the engine knows.
#[derive(Debug)]
pub struct State {
    pub settings: Settings,
    pub room: Room,
    pub fleet: Fleet,
    pub switches: Switches,
    pub link: Link,
    pub log: LogHealth,
    /// The last event known to be on disk.
    pub durable: Seq,
    /// Rollups that the disk had no time for.
    pub unkept: u64,
    /// Telemetry dropped because it came faster than it could be taken.
    pub dropped: u64,
    pub drill: Option<DrillStart>,
    pub replay: Option<Replay>,
    pub lens: Lens,
    /// How the way to the broker was, when it was tried.
    pub reaches: reaches::Reaches,
    detector: Detector,
    accepted: accepted::Accepted,
    suspects: suspects::Suspects,
    facts: facts::Facts,
    rollouts: rollouts::Rollouts,
    keeper: history::Keeper,
    pub impacts: impact::Impacts,
    /// Alerts of an earlier process, once they have been looked at.
    taking_up: Option<alerts::TakingUp>,
    wire: WireBudget,
}

/// What came of one input.
#[derive(Debug, Default)]
pub struct Step {
    /// To be written, in this order.
    pub records: Vec<Record>,
    /// To be done once everything in `records` is on disk.
    pub effects: Vec<Effect>,
    /// What is to be kept as history, after the records; it may be lost.
    pub rollups: Vec<Rollup>,
    /// A batch that has been taken, emptied, for its memory to be used again.
    pub spent: Option<Batch>,
}

impl State {
    /// Who is suspected, incident by incident.
    pub const fn suspects(&self) -> &suspects::Suspects {
        &self.suspects
    }

    /// What is known of open incidents just now.
    pub const fn facts(&self) -> &facts::Facts {
        &self.facts
    }

    /// The state after `history`, before anything new.
    pub fn replay<'a>(settings: Settings, history: impl IntoIterator<Item = &'a Record>, now: At) -> Self {
        let mut room = Room::default();
        history.into_iter().for_each(|record| room.apply(record));
        let link = Link {
            state: LinkChange::Connecting { attempt: 0 },
            since: now,
            blind: Vec::new(),
            last_message: None,
            gaps: VecDeque::new(),
        };
        Self {
            fleet: Fleet::new(settings.fleet.clone(), now),
            durable: room.last,
            room,
            switches: Switches::default(),
            link,
            log: LogHealth::Safe,
            unkept: 0,
            dropped: 0,
            drill: None,
            replay: settings.replay.clone(),
            lens: Lens::default(),
            reaches: reaches::Reaches::default(),
            detector: Detector::default(),
            accepted: accepted::Accepted::default(),
            suspects: suspects::Suspects::default(),
            facts: facts::Facts::default(),
            rollouts: rollouts::Rollouts::default(),
            keeper: history::Keeper::default(),
            impacts: impact::Impacts::default(),
            taking_up: None,
            wire: WireBudget::default(),
            settings,
        }
    }
}

/// Takes one input at one moment.
pub fn step(state: &mut State, at: At, input: Input) -> Step {
    let mut turn = Turn { state, at, step: Step::default() };
    turn.pass_time();
    turn.take(input);
    turn.notify();
    turn.step
}

/// One step under way: events are applied as they are made, so that what follows sees them.
struct Turn<'a> {
    state: &'a mut State,
    at: At,
    step: Step,
}

impl Turn<'_> {
    fn record(&mut self, actor: Actor, event: Event) -> Seq {
        let seq = Seq(self.state.room.last.0 + 1);
        let record = Record { seq, at: self.at, actor, event };
        self.state.room.apply(&record);
        self.step.records.push(record);
        seq
    }

    fn record_all(&mut self, actor: &Actor, events: impl IntoIterator<Item = Event>) {
        for event in events {
            // Whoever declares, the verdict is the room's.
            let by = if matches!(event, Event::VerdictReached { .. }) { Actor::Engine } else { actor.clone() };
            self.record(by, event);
        }
    }

    /// Tells the team what it has to hear of this step.
    fn notify(&mut self) {
        let notices = notices::of(self.state, &self.step.records);
        self.record_all(&Actor::Engine, notices.iter().cloned());
        let tellings = notices::tellings(self.state, &notices);
        self.step.effects.extend(tellings.into_iter().map(Effect::Tell));
    }

    /// Ends the seconds that have passed; on each, detection and switches have a look.
    fn pass_time(&mut self) {
        if !self.state.fleet.advance(self.at) {
            return;
        }
        let over = accepted::tick(self.state, self.at, false);
        self.record_all(&Actor::Engine, over);
        let changes = self.state.detector.examine(&self.state.fleet, self.at);
        for change in changes {
            self.take_change(change);
        }
        self.take_up_alerts();
        let named = suspects::tick(self.state, self.at);
        self.record_all(&Actor::Engine, named);
        let joined = response::tick(self.state, self.at);
        self.record_all(&Actor::Engine, joined);
        let counted = facts::tick(self.state, self.at);
        self.record_all(&Actor::Engine, counted);
        let overdue = [runbooks::tick(self.state, self.at), updates::tick(self.state, self.at)].concat();
        self.record_all(&Actor::Engine, overdue);
        let (crossed, halts) = rollouts::tick(self.state, self.at);
        self.record_all(&Actor::Engine, crossed);
        self.record_all(&Actor::Engine, drill::tick(&self.state.room, self.at));
        self.step.effects.extend(halts);
        let expired = switches::expire(self.state, self.at);
        self.record_all(&Actor::Engine, expired);
        let went_on = switches::run::tick(self.state, self.at);
        self.went_on(went_on);
        let mut events = switches::proof::tick(self.state, self.at);
        events.extend(decide::regulation::tick(self.state, self.at));
        events.extend(impact::tick(self.state, self.at));
        self.record_all(&Actor::Engine, events);
        self.step.rollups = history::tick(self.state, self.at);
    }

    /// Takes what a switch under way has come to.
    fn went_on(&mut self, (events, effects): (Vec<Event>, Vec<Effect>)) {
        self.record_all(&Actor::Engine, events);
        self.step.effects.extend(effects);
    }

    fn take(&mut self, input: Input) {
        match input {
            Input::Opened { version, drill } => self.open(version, drill),
            Input::Closing { reason } => {
                let mut events = switches::disarm(self.state, "the room closed");
                events.extend(switches::end_all(self.state, "the room closed"));
                self.record_all(&Actor::Engine, events);
                self.record_all(&Actor::Engine, drill::end(&self.state.room, self.at, &reason));
                self.record(Actor::Engine, Event::RoomClosed { reason });
            }
            Input::Observed { mut batch, dropped } => {
                self.observe(&batch, dropped);
                batch.clear();
                self.step.spent = Some(batch);
            }
            Input::Command { ticket, by, command } => self.command(ticket, &by, command),
            Input::Look(lens) => self.look(lens),
            Input::Tick => {}
            Input::Link(change) => self.link(change),
            Input::Probed(reach) => self.state.reaches.take(self.at, reach),
            Input::Replay(change) => self.replay(change),
            Input::Durable(seq) => self.state.durable = self.state.durable.max(seq),
            Input::Log(health) => self.state.log = health,
            Input::Outcome { actuation, step, answers } => {
                let went_on = switches::run::outcome(self.state, &actuation, step, answers, self.at);
                self.went_on(went_on);
            }
            Input::Answered { actuation, target, outcome } => {
                let went_on = switches::run::answer(self.state, &actuation, &target, &outcome, self.at);
                self.went_on(went_on);
            }
            Input::Stopped { actuation, reason } => {
                self.record(Actor::Engine, Event::ActuationFailed { actuation, reason });
            }
            Input::Warned(warning) => self.state.settings.warnings.push(warning),
            Input::Told { word, heard } => {
                let event = match word {
                    Word::Update { incident, number } => updates::told(self.state, incident, number, heard),
                    Word::Notice { number } => notices::told(self.state, number, heard),
                };
                self.record_all(&Actor::Engine, event);
            }
            Input::Stage(news) => {
                let event = match news {
                    StageNews::Slowed { asked, real } => DrillEvent::DrillSlowed { asked, real },
                    StageNews::Lost { reason } => DrillEvent::StageLost { reason },
                    StageNews::Back => DrillEvent::StageBack {},
                    StageNews::Cleared { topic, messages } => DrillEvent::StagingCleared { topic, messages },
                };
                self.record(Actor::Engine, Event::Drill(event));
            }
            Input::ClockJumped { by_ms } => {
                self.record(Actor::Engine, Event::ClockJumped { by_ms });
            }
        }
    }

    fn open(&mut self, version: String, drill: Option<DrillStart>) {
        let left_open = switches::proof::left_open(&self.state.room);
        let fleet = self.state.settings.broker.clone();
        self.record(Actor::Engine, Event::RoomOpened { version, fleet });
        if let Some(DrillStart { scenario, seed, devices, plan }) = drill.clone() {
            self.record(Actor::Engine, Event::DrillStarted { scenario, seed, devices });
            if let Some(plan) = plan {
                self.record(Actor::Engine, Event::Drill(DrillEvent::DrillPlanned { plan }));
            }
        }
        self.state.drill = drill;
        if let Some(Replay { capture, speed, .. }) = self.state.replay.clone() {
            self.record(Actor::Engine, Event::ReplayStarted { capture, speed });
        }
        self.record_all(&Actor::Engine, left_open);
        let left_open = [updates::left_open(self.state), notices::left_open(self.state)].concat();
        self.record_all(&Actor::Engine, left_open);
    }

    fn observe(&mut self, batch: &Batch, dropped: u64) {
        self.state.dropped += dropped;
        if !batch.is_empty() {
            self.state.link.last_message = Some(self.at);
        }
        for observation in batch.iter() {
            if let Some(notice) = self.state.fleet.observe(batch, observation) {
                wire::take(self, batch, observation, notice);
            }
        }
        for (campaign, device) in self.state.fleet.take_started() {
            switches::proof::started(self.state, campaign, device, self.at);
        }
    }

    fn command(&mut self, ticket: Ticket, by: &Actor, command: Command) {
        if let Command::Drill(command) = command {
            let result = self.direct(by, command);
            return self.step.effects.push(Effect::Reply { ticket, result });
        }
        let approval = match &command {
            Command::Switch(SwitchCommand::Approve(approval)) => Some((approval.approval, approval.uid)),
            _ => None,
        };
        let result = self.decide(by, command);
        if let (Err(refusal), Some((approval, uid))) = (&result, approval)
            && self.state.wire.spend(self.at)
        {
            // Somebody's yes that did not count is worth a line.
            let reason = refusal.to_string();
            self.record(by.clone(), Event::Switch(SwitchEvent::ApprovalRefused { approval, uid, reason }));
        }
        let result = result.map(|(events, effects)| {
            let tells = events.clone();
            self.record_all(by, events);
            self.drop_accepted(&tells);
            self.step.effects.extend(effects);
            let tellings = updates::tellings(self.state, &tells);
            self.step.effects.extend(tellings.into_iter().map(Effect::Tell));
            self.state.room.last
        });
        self.step.effects.push(Effect::Reply { ticket, result });
    }

    /// What the facilitator asks for; a room that is read-only for its responders is not so for the one who directs it.
    fn direct(&mut self, by: &Actor, command: DrillCommand) -> Result<Seq, Refusal> {
        let (events, order) = drill::decide(self.state, self.at, command)?;
        self.record_all(by, events);
        self.step.effects.extend(order.map(Effect::Stage));
        Ok(self.state.room.last)
    }

    fn decide(&mut self, by: &Actor, command: Command) -> switches::Decided {
        if self.state.settings.read_only {
            return Err(Refusal::new("this room is read-only"));
        }
        if self.state.room.last.0 - self.state.durable.0.min(self.state.room.last.0) > limits::UNWRITTEN_EVENTS as u64 {
            return Err(Refusal::new("the disk does not keep up; nothing more is taken until it has"));
        }
        match command {
            Command::Switch(_) if self.state.replay.is_some() => Err(Refusal::new(switches::REPLAY)),
            Command::Switch(command) => switches::decide(self.state, self.at, by, command),
            other => decide::decide(self.state, self.at, by, other).map(|events| (events, Vec::new())),
        }
    }

    fn look(&mut self, lens: Lens) {
        let schema = self.state.fleet.schema();
        let attributes: Vec<_> = lens.group_by.iter().filter_map(|name| schema.find(name)).collect();
        if let Some(grouping) = Grouping::by(&attributes) {
            self.state.fleet.follow(grouping);
        }
        self.state.fleet.watch(lens.device.as_deref());
        self.state.lens = lens;
    }

    fn replay(&mut self, change: ReplayChange) {
        let Some(replay) = self.state.replay.as_mut().filter(|replay| replay.course != Course::Ended) else { return };
        match change {
            ReplayChange::Pace { speed, paused } => {
                (replay.speed, replay.course) = (speed, if paused { Course::Paused } else { Course::Running });
            }
            ReplayChange::Ended { messages, unread, cut } => {
                replay.course = Course::Ended;
                self.record(Actor::Engine, Event::ReplayEnded { messages, unread, cut });
            }
        }
    }

    fn link(&mut self, change: LinkChange) {
        if let LinkChange::Blind { filter, reason } = change {
            self.state.link.blind.retain(|(known, _)| *known != filter);
            self.state.link.blind.push((filter, reason));
            return;
        }
        let was_up = self.state.link.is_up();
        let is_up = change == LinkChange::Up;
        if was_up != is_up {
            self.state.link.since = self.at;
            self.state.link.note_gap(is_up, self.at);
        }
        if is_up && !was_up {
            self.state.link.blind.clear();
            let broker = self.state.settings.broker.clone();
            let gap = self.state.link.gaps.back().filter(|(_, to)| *to == Some(self.at));
            let down_s = gap.map(|(from, _)| self.at.since_s(*from));
            self.record(Actor::Engine, Event::LinkUp { broker, down_s });
        }
        if let LinkChange::Down { reason, .. } = &change
            && was_up
        {
            self.record(Actor::Engine, Event::LinkDown { reason: reason.clone() });
            // What was previewed may no longer be so when the link is back.
            let events = switches::disarm(self.state, "the link went down");
            self.record_all(&Actor::Engine, events);
        }
        self.state.detector.link(is_up, self.at);
        self.state.fleet.listen(is_up, self.at);
        self.state.link.state = change;
    }
}

#[cfg(test)]
mod tests;
