//! A game day in virtual time: the same core as a room's, the same fleet as a drill's, no clock, broker, disk or screen.
//!
//! The same scenario, seed and responders give the same records, to the byte. Without responders the room is left to
//! itself: every alert that belongs to no incident is declared, so that there is something to judge, and nothing is done.

mod acting;

use std::collections::{BTreeMap, VecDeque};

pub use acting::Acted;
use acting::Acting;

use super::answers::Answers;
use crate::detect::suspects::Suspect;
use crate::domain::alert::Alert;
use crate::domain::command::{Command, Declare};
use crate::domain::drill::{DrillPlan, StageOrder};
use crate::domain::event::{Event, Record};
use crate::domain::ids::{Actor, AlertId, IncidentId};
use crate::domain::input::{DrillStart, Effect, Input, LinkChange, Outcome, Sending, Ticket};
use crate::domain::observation::Batch;
use crate::domain::switch::Call;
use crate::domain::time::At;
use crate::drill::responder::Responder;
use crate::drill::scenario::FaultPlan;
use crate::drill::world::{Published, World};
use crate::engine::{self, Settings, State};
use crate::ingest::{Arrival, Ingest};

/// What is played.
pub struct Play {
    pub world: World,
    pub plan: DrillPlan,
    pub settings: Settings,
    pub ingest: Ingest,
    pub responder: Option<Responder>,
    pub start: At,
}

/// What came of it.
pub struct Played {
    pub state: State,
    pub records: Vec<Record>,
    pub alerts: Vec<Alert>,
    /// The suspects of each incident when most of their devices were affected.
    pub suspects: BTreeMap<IncidentId, Vec<Suspect>>,
    pub acted: Vec<Acted>,
    pub messages: u64,
    pub to: At,
}

/// A game day under way.
struct Day {
    world: World,
    state: State,
    ingest: Ingest,
    answers: Answers,
    now: At,
    records: Vec<Record>,
    alerts: BTreeMap<AlertId, Alert>,
    suspects: BTreeMap<IncidentId, Vec<Suspect>>,
    /// Nobody acts, so alerts are declared by rule.
    alone: bool,
    answer: Option<Result<(), String>>,
    connected: bool,
    messages: u64,
}

/// Plays a game day to its end.
pub fn play(play: Play) -> Played {
    let Play { world, plan, settings, ingest, responder, start } = play;
    let length_s = i64::from(plan.length_s);
    let answers = Answers::new(&settings.switches, settings.names_per_site);
    let mut day = Day {
        answers,
        state: State::replay(settings, &[], start),
        world,
        ingest,
        now: start,
        records: Vec::new(),
        alerts: BTreeMap::new(),
        suspects: BTreeMap::new(),
        alone: responder.is_none(),
        answer: None,
        connected: true,
        messages: 0,
    };
    let drill = DrillStart {
        scenario: plan.scenario.clone(),
        seed: plan.seed,
        devices: plan.devices,
        plan: Some(Box::new(plan)),
    };
    day.input(Input::Opened { version: env!("CARGO_PKG_VERSION").into(), drill: Some(drill) });
    day.input(Input::Link(LinkChange::Up));
    let retained = day.world.retained(start);
    day.hear(retained, true);
    let mut acting = Acting::new(responder.unwrap_or_default(), start);
    for _ in 0..length_s {
        day.second();
        acting.act(&mut day);
    }
    day.input(Input::Closing { reason: "the script is over".into() });
    Played {
        alerts: day.alerts.into_values().collect(),
        suspects: day.suspects,
        records: day.records,
        acted: acting.acted,
        messages: day.messages,
        to: day.now,
        state: day.state,
    }
}

impl Day {
    /// Lets a second pass.
    fn second(&mut self) {
        self.now = self.now.plus_s(1);
        let messages = self.world.advance(self.now);
        self.connect(self.world.has_broker(self.now));
        if self.connected {
            self.hear(messages, false);
        }
        self.input(Input::Tick);
        self.note_suspects();
    }

    /// Our own link goes with the broker, and comes back with it.
    fn connect(&mut self, up: bool) {
        if up == self.connected {
            return;
        }
        self.connected = up;
        self.ingest.interrupted();
        if up {
            self.input(Input::Link(LinkChange::Up));
            let retained = self.world.retained_anew(self.now);
            self.hear(retained, true);
        } else {
            self.input(Input::Link(LinkChange::Down { reason: "connection refused".into(), retry_ms: 1000 }));
        }
    }

    fn hear(&mut self, messages: Vec<Published>, retained: bool) {
        let mut batch = Batch::default();
        let mut answered = Vec::new();
        for published in messages {
            self.messages += 1;
            let message = &published.message;
            let (topic, payload) = (message.topic.as_bytes(), &message.payload);
            let arrival = Arrival { at: published.at, topic, payload, retained, full_length: None };
            match self.answers.read(topic, payload).filter(|_| !retained) {
                Some(answer) => answered.push(answer),
                None => self.ingest.take(arrival, None, &mut batch),
            }
        }
        self.input(Input::Observed { batch, dropped: 0 });
        for answer in answered {
            self.input(answer);
        }
    }

    /// Asks for something in a person's name; tells whether it was done.
    fn command(&mut self, by: Actor, command: Command) -> Result<(), String> {
        self.answer = None;
        self.input(Input::Command { ticket: Ticket(1), by, command });
        self.answer.take().unwrap_or(Ok(()))
    }

    /// Gives the engine an input; what it wants done is done at once.
    fn input(&mut self, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            let step = engine::step(&mut self.state, self.now, input);
            self.state.durable = self.state.room.last;
            for record in &step.records {
                inputs.extend(self.note(record));
            }
            self.records.extend(step.records);
            for effect in step.effects {
                match effect {
                    Effect::Reply { ticket: Ticket(1), result } => {
                        self.answer = Some(result.map(drop).map_err(|refusal| refusal.to_string()));
                    }
                    Effect::Reply { .. } => {}
                    // The gate is for what leaves this machine; nothing here does.
                    Effect::Actuate(_) => {}
                    Effect::Send(sending) => inputs.push_back(self.send(sending)),
                    Effect::Stage(StageOrder::Plant(planted)) => {
                        if let Some(fault) = FaultPlan::improvised(&planted) {
                            self.world.plant(fault, self.now);
                        }
                    }
                    // Nobody outside is told in virtual time.
                    Effect::Tell(_) | Effect::Stage(_) => {}
                }
            }
        }
    }

    /// What a switch sends, the world hears at once.
    fn send(&mut self, Sending { actuation, step, calls }: Sending) -> Input {
        let mut answers = Vec::new();
        for (place, call) in calls {
            answers.push((
                place,
                match call {
                    Call::Publish(publish) => {
                        self.world.hear(&publish.topic, publish.payload.as_bytes(), self.now);
                        Outcome::Sent
                    }
                    _ => Outcome::NotSent { reason: "the simulated world is reached by MQTT alone".into() },
                },
            ));
        }
        Input::Outcome { actuation, step, answers }
    }

    /// Keeps what is told of an alert, and does what is done by rule.
    fn note(&mut self, record: &Record) -> Option<Input> {
        match &record.event {
            Event::AlertRaised { alert, finding } => {
                self.alerts.insert(*alert, Alert::new(*alert, record.at, finding.clone()));
                let loose = self.alone && self.state.room.incident_of(*alert).is_none();
                let declare = Command::Declare(Declare { alert: Some(*alert), ..Declare::default() });
                return loose.then_some(Input::Command { ticket: Ticket(0), by: Actor::Engine, command: declare });
            }
            Event::AlertGrew { alert, also } => {
                if let Some(alert) = self.alerts.get_mut(alert) {
                    alert.also.push(also.clone());
                }
            }
            Event::AlertAcknowledged { alert } => {
                if let Some(alert) = self.alerts.get_mut(alert) {
                    alert.acknowledged = Some((record.at, record.actor.clone()));
                }
            }
            Event::AlertCleared { alert } => {
                if let Some(alert) = self.alerts.get_mut(alert) {
                    alert.cleared = Some(record.at);
                }
            }
            _ => {}
        }
        None
    }

    fn note_suspects(&mut self) {
        let affected = |suspects: &[Suspect]| suspects.first().map_or(0, |suspect| suspect.affected);
        for incident in self.state.room.open_incidents() {
            let now = self.state.suspects().in_incident(incident);
            let known = self.suspects.entry(incident.id).or_default();
            if !now.is_empty() && affected(&now) >= affected(known) {
                *known = now;
            }
        }
    }
}
