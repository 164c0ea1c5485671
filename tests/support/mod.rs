//! A rehearsal: the real engine, the real application of a screen and a simulated fleet, in virtual time and one thread.
//!
//! Everything between device and picture is the program's own code; only the sockets and the disk are left out.

#![allow(dead_code, clippy::unwrap_used)]

pub mod browser;
pub mod live;
pub mod mosquitto;
pub mod recording;
pub mod stub;
pub mod terminal;

use std::collections::VecDeque;
use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use warroom::actuate::gate::Gate;
use warroom::config::{runbooks, templates};
use warroom::domain::clock::Targets;
use warroom::domain::event::Record;
use warroom::domain::ids::{Actor, IncidentId};
use warroom::domain::input::{DrillStart, Effect, Input, LinkChange, Outcome, Sending};
use warroom::domain::observation::Batch;
use warroom::domain::rollup::Rollup;
use warroom::domain::switch::Call;
use warroom::domain::time::At;
use warroom::drill::scenario::Scenario;
use warroom::drill::world::{Published, World};
use warroom::engine::snapshot::Snapshot;
use warroom::engine::{self, Settings, State, past};
use warroom::ingest::route::Router;
use warroom::ingest::{Arrival, Ingest};
use warroom::report::document::{Document, Provenance};
use warroom::report::gather::{Sources, gather};
use warroom::tui::action::Keymap;
use warroom::tui::app::{App, Request};
use warroom::tui::key::Key;
use warroom::tui::theme::Theme;

/// A room with a simulated fleet, in one's own time.
pub struct Rehearsal {
    pub state: State,
    pub app: App,
    pub now: At,
    pub records: Vec<Record>,
    pub rollups: Vec<Rollup>,
    world: Option<World>,
    gate: Gate,
    ingest: Ingest,
    pub quit: bool,
    pub copied: Vec<String>,
    /// How often the bell has rung.
    pub rung: u32,
    /// Updates that have left; what comes of them is the test's to say.
    pub told: Vec<warroom::domain::input::Telling>,
    /// What the room published.
    pub published: Vec<(String, String)>,
}

/// When every rehearsal begins.
pub fn start() -> At {
    "2026-11-20T17:30:00Z".parse().unwrap()
}

impl Rehearsal {
    /// A room that is connected, with nobody on the line.
    pub fn empty() -> Self {
        Self::open(None, Settings { environment: "staging".into(), ..settings() })
    }

    /// The shipped game day with `devices` devices.
    pub fn drill(devices: u32) -> Self {
        Self::drill_with_seed(devices, 1)
    }

    pub fn drill_with_seed(devices: u32, seed: u64) -> Self {
        let scenario = Scenario::find("bad-firmware").unwrap().unwrap();
        Self::open(Some(World::new(scenario, seed, Some(devices), start())), settings())
    }

    pub fn open(world: Option<World>, settings: Settings) -> Self {
        let ingest = Ingest::new(Router::standard("fleet").unwrap(), settings.fleet.schema.clone());
        let read_only = settings.read_only;
        let state = State::replay(settings, &[], start());
        let snapshot = Arc::new(Snapshot::of(&state, start()));
        let keymap = Keymap::new(&std::collections::BTreeMap::new(), read_only).unwrap();
        let theme = Theme::find("dark", false).unwrap();
        let app = App::new(snapshot, vec!["firmware".into(), "hardware".into()], theme, keymap);
        let drill = world.as_ref().map(|world| DrillStart {
            scenario: world.scenario().id.clone(),
            seed: 1,
            devices: world.devices(),
            plan: None,
        });
        let mut rehearsal = Self {
            state,
            app,
            now: start(),
            records: Vec::new(),
            rollups: Vec::new(),
            world,
            gate: Gate::default(),
            ingest,
            quit: false,
            copied: Vec::new(),
            rung: 0,
            told: Vec::new(),
            published: Vec::new(),
        };
        rehearsal.input(Input::Opened { version: "test".into(), drill });
        rehearsal.input(Input::Link(LinkChange::Up));
        let retained = rehearsal.world.as_mut().map(|world| world.retained(start())).unwrap_or_default();
        rehearsal.hear(retained, true);
        rehearsal.look();
        rehearsal
    }

    /// Every device falls silent for good, without a word.
    pub fn leave(&mut self) {
        self.world = None;
    }

    /// The room is ended and begins again from its log; the fleet goes on.
    pub fn restart(&mut self) {
        let settings = self.state.settings.clone();
        let drill = self.state.drill.clone();
        self.gate = Gate::default();
        self.state = State::replay(settings, &self.records, self.now);
        self.input(Input::Opened { version: "test".into(), drill });
        self.input(Input::Link(LinkChange::Up));
        let retained = self.world.as_mut().map(|world| world.retained_anew(self.now)).unwrap_or_default();
        self.hear(retained, true);
        self.look();
    }

    /// Gives the engine an input; what it wants done is done at once.
    pub fn input(&mut self, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            let step = engine::step(&mut self.state, self.now, input);
            if let Some(last) = step.records.last() {
                self.state.durable = last.seq;
            }
            self.records.extend(step.records);
            self.rollups.extend(step.rollups);
            for effect in step.effects {
                match effect {
                    Effect::Reply { ticket, result } => self.app.reply(ticket, &result),
                    Effect::Stage(_) => {}
                    Effect::Actuate(proposal) => {
                        let admitted = self.gate.admit(&proposal, self.state.durable, self.now);
                        assert_eq!(admitted, Ok(()), "{proposal:?}");
                    }
                    Effect::Tell(telling) => self.told.push(telling),
                    Effect::Send(sending) => {
                        assert!(self.gate.release(sending.clone()).is_ok(), "the gate is closed: {sending:?}");
                        let Sending { actuation, step, calls } = sending;
                        let answers = calls.iter().map(|(place, _)| (*place, Outcome::Sent)).collect();
                        for (_, call) in calls {
                            let Call::Publish(publish) = call else { panic!("a drill only publishes: {call:?}") };
                            if let Some(world) = &mut self.world {
                                world.hear(&publish.topic, publish.payload.as_bytes(), self.now);
                            }
                            self.published.push((publish.topic, publish.payload));
                        }
                        inputs.push_back(Input::Outcome { actuation, step, answers });
                    }
                }
            }
        }
    }

    fn hear(&mut self, messages: Vec<Published>, retained: bool) {
        let mut batch = Batch::default();
        for published in messages {
            let message = &published.message;
            let arrival = Arrival {
                at: published.at,
                topic: message.topic.as_bytes(),
                payload: &message.payload,
                retained,
                full_length: None,
            };
            self.ingest.take(arrival, self.state.lens.device.as_deref(), &mut batch);
        }
        self.input(Input::Observed { batch, dropped: 0 });
    }

    /// A message from outside, as it came.
    pub fn message(&mut self, topic: &str, payload: &[u8]) {
        let mut batch = Batch::default();
        let arrival = Arrival { at: self.now, topic: topic.as_bytes(), payload, retained: false, full_length: None };
        self.ingest.take(arrival, None, &mut batch);
        self.input(Input::Observed { batch, dropped: 0 });
        self.look();
    }

    /// Lets seconds pass.
    pub fn wait(&mut self, seconds: i64) {
        for _ in 0..seconds {
            self.now = self.now.plus_s(1);
            let now = self.now;
            let messages = self.world.as_mut().map(|world| world.advance(now)).unwrap_or_default();
            self.hear(messages, false);
            self.input(Input::Tick);
        }
        self.look();
    }

    /// Lets time pass until something is so; at most ten minutes.
    pub fn wait_until(&mut self, what: &str, so: impl Fn(&Self) -> bool) {
        for _ in 0..600 {
            if so(self) {
                return;
            }
            self.wait(1);
        }
        panic!("never came: {what}\n{}", self.screen(120, 40));
    }

    /// The application gets the newest snapshot, and its requests are carried out.
    fn look(&mut self) {
        for _ in 0..3 {
            self.app.receive(Arc::new(Snapshot::of(&self.state, self.now)));
            for request in self.app.requests() {
                match request {
                    Request::Command(ticket, command) => {
                        self.input(Input::Command { ticket, by: Actor::Person("mira".into()), command });
                    }
                    Request::Look(lens) => self.input(Input::Look(lens)),
                    Request::Pace(_) => {}
                    Request::Past { at, lens, incident } => {
                        let window = past::window(&self.records, incident, self.now);
                        let moment = at.clamp(window.0, window.1);
                        let settings = self.state.settings.clone();
                        let made = past::snapshot(settings, &self.records, &self.rollups, &lens, moment, window);
                        self.app.receive_past(at, Ok(Arc::new(made)));
                    }
                    Request::Copy(text) => self.copied.push(text),
                    Request::Bell => self.rung += 1,
                    Request::Quit => self.quit = true,
                    Request::Redraw => {}
                }
            }
        }
    }

    /// Presses keys, written as in the configuration: `F5`, `esc`, `a`.
    pub fn press(&mut self, keys: &[&str]) {
        for key in keys {
            self.app.press(key.parse::<Key>().unwrap());
            self.look();
        }
    }

    /// Types text.
    pub fn type_text(&mut self, text: &str) {
        for c in text.chars() {
            self.app.press(Key::char(c));
            self.look();
        }
    }

    /// The picture as drawn.
    pub fn buffer(&mut self, width: u16, height: u16) -> Buffer {
        let area = Rect::new(0, 0, width, height);
        let mut buffer = Buffer::empty(area);
        self.app.draw(area, &mut buffer);
        // The first picture may have asked for more rows; the second has them.
        self.look();
        let mut buffer = Buffer::empty(area);
        self.app.draw(area, &mut buffer);
        buffer
    }

    /// The picture as text, trailing blanks cut.
    pub fn screen(&mut self, width: u16, height: u16) -> String {
        let buffer = self.buffer(width, height);
        let row = |y: u16| {
            let mut text = String::new();
            let mut skip = 0;
            for x in 0..width {
                if skip > 0 {
                    skip -= 1;
                    continue;
                }
                let symbol = buffer[(x, y)].symbol();
                text.push_str(symbol);
                skip = unicode_width::UnicodeWidthStr::width(symbol).saturating_sub(1);
            }
            text.trim_end().to_owned()
        };
        (0..height).map(row).collect::<Vec<_>>().join("\n")
    }

    pub fn shows(&mut self, text: &str) -> bool {
        self.screen(120, 40).contains(text)
    }
}

pub fn settings() -> Settings {
    Settings {
        runbooks: runbooks::library(None).runbooks,
        templates: templates::library(None).templates,
        broker: "test broker".into(),
        environment: "drill".into(),
        operator: "mira".into(),
        log_id: "test".into(),
        ..Settings::default()
    }
}

/// The fleet of a shipped scenario, with this many devices.
pub fn world(scenario: &str, devices: u32) -> World {
    World::new(Scenario::find(scenario).unwrap().unwrap(), 1, Some(devices), start())
}

/// A room in which a bad firmware was found, declared and stopped.
pub fn halted(devices: u32, settings: Settings) -> Rehearsal {
    let mut room = Rehearsal::open(Some(world("bad-firmware", devices)), settings);
    room.wait_until("the alert", |r| r.state.room.open_alerts().count() > 0);
    room.wait(5);
    room.press(&["a", "d", "enter"]);
    room.wait(4);
    room.press(&["F5"]);
    room.wait(1);
    room.press(&["H"]);
    room.wait(60);
    room
}

/// The first incident of a room, as its exports have it.
pub fn document(room: &Rehearsal, zone: &str, local: &dyn Fn(At) -> String) -> Document {
    let sources = Sources {
        records: &room.records,
        rollups: &room.rollups,
        targets: &Targets::default(),
        rates: &room.state.settings.rates,
        now: room.now,
        local,
    };
    let (events, head) = (room.records.len() as u64, format!("{}:{}", room.records.len(), "0".repeat(64)));
    let log = Provenance { id: "abc".into(), events, head, zone: zone.into(), blameless: false };
    gather(&sources, IncidentId(1), log).unwrap()
}
