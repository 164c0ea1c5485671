//! One screen's application: keys in, requests and pictures out. It touches no terminal and no engine; the loop in
//! `tui` does, and so do tests.

use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::action::{Keymap, Meaning};
use super::bell::Bell;
use super::key::{Code, Key};
use super::layout;
use super::overlays::confirm::Confirm;
use super::overlays::{Overlay, compose, form, help, note, palette, switches, triage, verdict};
use super::scene::Scene;
use super::screens;
use super::submit;
use super::theme::Theme;
use super::ui::{Pane, Ui};
use super::update;
use crate::domain::command::{Command, Refusal, SwitchCommand};
use crate::domain::ids::{IncidentId, Seq};
use crate::domain::input::Ticket;
use crate::domain::lens::Lens;
use crate::domain::replay::Pacing;
use crate::domain::time::At;
use crate::engine::snapshot::Snapshot;
use crate::limits;

/// Something the application wants from outside.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    Command(Ticket, Command),
    Look(Lens),
    /// Change the time of a replay.
    Pace(Pacing),
    /// The room as it was, seen so, with this incident.
    Past {
        at: At,
        lens: Lens,
        incident: Option<IncidentId>,
    },
    /// Put text on the clipboard of the person's terminal.
    Copy(String),
    /// Ring: somebody who looks elsewhere has to look here.
    Bell,
    Redraw,
    Quit,
}

/// What a command was for, so that its answer can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Plainly,
    /// Nothing needs to be said of it.
    Quietly,
    Arm,
    /// Whether what was confirmed waits for a second person: by the time of the answer the arming is gone.
    Fire {
        waits: bool,
    },
}

/// The application of one screen.
#[derive(Debug)]
pub struct App {
    pub ui: Ui,
    pub theme: Theme,
    pub keymap: Keymap,
    pub snapshot: Arc<Snapshot>,
    pub(super) requests: Vec<Request>,
    asked: Vec<(Ticket, Asked)>,
    tickets: u64,
    lens: Lens,
    bell: Bell,
    area: Rect,
}

/// Commands whose answers are still awaited, at most.
const AWAITED: usize = 64;

impl App {
    pub fn new(snapshot: Arc<Snapshot>, group_by: Vec<String>, theme: Theme, keymap: Keymap) -> Self {
        Self {
            ui: Ui::new(group_by),
            theme,
            keymap,
            lens: snapshot.lens.clone(),
            bell: Bell::new(&snapshot),
            snapshot,
            requests: Vec::new(),
            asked: Vec::new(),
            tickets: 0,
            area: Rect::default(),
        }
    }

    /// Never rings.
    pub const fn silence(&mut self) {
        self.bell.silence();
    }

    /// What is wanted since the last call.
    pub fn requests(&mut self) -> Vec<Request> {
        self.look();
        std::mem::take(&mut self.requests)
    }

    /// The picture to draw: the newest, or the one that is held.
    pub fn shown(&self) -> &Snapshot {
        self.ui.frozen.as_deref().unwrap_or(&self.snapshot)
    }

    /// The pane that has the keys.
    pub(super) fn focus(&self) -> Pane {
        self.ui.focus(self.shown())
    }

    /// Takes a newer snapshot.
    pub fn receive(&mut self, snapshot: Arc<Snapshot>) {
        self.snapshot = snapshot;
        if self.bell.rings(&self.snapshot) {
            self.requests.push(Request::Bell);
        }
        let armed = self.snapshot.arming.is_some();
        let now = self.snapshot.at;
        let waits = !self.snapshot.requests.is_empty();
        if let Some(Overlay::Approval { seen }) = self.ui.overlays.last_mut() {
            // Once it was answered or has expired, the timeline says so, and no key is swallowed for it.
            let is_over = *seen && !waits;
            *seen |= waits;
            self.ui.overlays.truncate(self.ui.overlays.len() - usize::from(is_over));
        }
        let patience_ms = (limits::INTENT_MS + 2_000) * self.snapshot.pace;
        if let Some(Overlay::Confirm(confirm)) = self.ui.overlays.last_mut() {
            match confirm.fired {
                None if confirm.seen && !armed && self.snapshot.link.is_up() => confirm.end("not confirmed in time"),
                None if confirm.seen && !armed => confirm.end("the link went down"),
                Some(fired) if now.since_ms(fired) > patience_ms => {
                    confirm.end("its intent could not be recorded; see the timeline for what became of it");
                }
                _ => {}
            }
            confirm.seen |= armed;
            let switch = self.snapshot.arming.as_ref().map(|arming| arming.switch.id.clone());
            confirm.switch = switch.or(confirm.switch.take());
        }
    }

    /// Opens the room as it was.
    pub fn open_at(&mut self, incident: IncidentId, at: At) {
        self.ui.incident = Some(incident);
        update::time::go(self, at);
    }

    /// Takes a picture of the past, if it is still wanted.
    pub fn receive_past(&mut self, at: At, result: Result<Arc<Snapshot>, String>) {
        if self.ui.past != Some(at) {
            return;
        }
        match result {
            Ok(snapshot) => {
                // Asked for more than there is, it is the end of what there is.
                self.ui.past = Some(snapshot.at);
                self.ui.frozen = Some(snapshot);
            }
            Err(reason) => {
                update::time::live(self);
                let now = self.snapshot.at;
                self.ui.say(format!("the past cannot be read: {reason}"), true, now);
            }
        }
    }

    /// Takes the answer to a command.
    pub fn reply(&mut self, ticket: Ticket, result: &Result<Seq, Refusal>) {
        let at = self.asked.iter().position(|(asked, _)| *asked == ticket);
        let asked = at.map_or(Asked::Plainly, |at| self.asked.remove(at).1);
        let now = self.snapshot.at;
        match (asked, result) {
            (Asked::Arm, Ok(_)) => {}
            (Asked::Arm | Asked::Fire { .. }, Err(refusal)) => {
                self.close_confirm();
                self.ui.say(refusal.to_string(), true, now);
                if asked != Asked::Arm {
                    self.command(Command::Switch(SwitchCommand::Disarm { reason: "refused".into() }), Asked::Quietly);
                }
            }
            (Asked::Fire { waits }, Ok(seq)) => {
                self.close_confirm();
                if waits {
                    self.ui.overlays.push(Overlay::Approval { seen: false });
                }
                let next = if waits { "it waits for a second person" } else { "sending; 6 shows what comes of it" };
                self.ui.say(format!("intent recorded {seq}; {next}"), false, now);
            }
            (Asked::Quietly, _) => {}
            // What went wrong or is asked once more since the key was pressed is to be read before that it worked.
            (Asked::Plainly, Ok(_)) if self.ui.toast.as_ref().is_some_and(|toast| toast.bad) => {}
            (Asked::Plainly, Ok(seq)) => self.ui.say(format!("recorded {seq}"), false, now),
            (Asked::Plainly, Err(refusal)) => self.ui.say(refusal.to_string(), true, now),
        }
    }

    fn close_confirm(&mut self) {
        self.ui.overlays.retain(|overlay| !matches!(overlay, Overlay::Confirm(_)));
    }

    /// Asks the engine for something.
    pub(super) fn command(&mut self, command: Command, asked: Asked) {
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        if self.asked.len() == AWAITED {
            self.asked.remove(0);
        }
        self.asked.push((ticket, asked));
        self.requests.push(Request::Command(ticket, command));
    }

    /// The terminal has another size. What was armed was looked at in another picture.
    pub fn resized(&mut self) {
        if self.ui.overlays.iter().any(|overlay| matches!(overlay, Overlay::Confirm(_))) {
            self.disarm("the screen changed its size");
        }
    }

    /// Takes an arming back, and says so where it was asked for: what was not fired must never look as if it was.
    pub(super) fn disarm(&mut self, reason: &str) {
        for overlay in &mut self.ui.overlays {
            if let Overlay::Confirm(confirm) = overlay {
                confirm.end(reason);
            }
        }
        let now = self.snapshot.at;
        self.ui.say(format!("NOT fired: {reason}"), true, now);
        self.command(Command::Switch(SwitchCommand::Disarm { reason: reason.to_owned() }), Asked::Quietly);
    }

    /// Takes a paste. It is text, never keys: where nobody types, it is nothing.
    pub fn paste(&mut self, text: &str) {
        match self.ui.overlays.last_mut() {
            Some(Overlay::Form(form)) => form.paste(text),
            Some(Overlay::Note(note)) => note.paste(text),
            Some(Overlay::Compose(composer)) => composer.paste(text),
            Some(Overlay::Confirm(_)) => self.disarm("a paste"),
            _ => {}
        }
    }

    /// Takes a key.
    pub fn press(&mut self, key: Key) {
        self.ui.toast = None;
        // Ctrl-C leaves from everywhere: it is what hands do when nothing else helps.
        if key.ctrl && key.code == Code::Char('c') {
            self.requests.push(Request::Quit);
            return;
        }
        if let Some(overlay) = self.ui.overlays.pop() {
            self.press_in_overlay(overlay, key);
            return;
        }
        self.ui.chord.push(key);
        match self.keymap.meaning(&self.ui.chord) {
            Meaning::Action(action) => {
                self.ui.chord.clear();
                update::perform(self, action);
            }
            Meaning::Prefix => {}
            Meaning::Nothing => {
                if self.snapshot.read_only && self.ui.chord.len() == 1 {
                    let now = self.snapshot.at;
                    self.ui.say("this room is read-only: that key is not bound in it", true, now);
                }
                // A chord that leads nowhere is forgotten; its last key may be one of its own.
                let begun = self.ui.chord.len() > 1;
                self.ui.chord.clear();
                if begun && key.code != Code::Esc {
                    self.press(key);
                }
            }
        }
    }

    /// The topmost overlay gets the key first; it is taken off and put back unless it is done.
    fn press_in_overlay(&mut self, overlay: Overlay, key: Key) {
        let kept = match overlay {
            Overlay::Help { scroll } => {
                help::scrolled(key, scroll, self.area, &self.snapshot).map(|scroll| Overlay::Help { scroll })
            }
            Overlay::BadInput { selected } => {
                let samples = self.shown().samples.len();
                update::scrolled(key, selected, samples).map(|selected| Overlay::BadInput { selected })
            }
            Overlay::Verdict { selected } => self.press_in_verdict(selected, key),
            Overlay::Regulation { selected } => update::record::press_in_regulation(self, selected, key),
            Overlay::Postmortem { selected } => update::record::press_in_postmortem(self, selected, key),
            Overlay::Incidents { selected } => update::respond::press_in_incidents(self, selected, key),
            Overlay::Triage { scroll } => {
                update::scrolled(key, scroll, triage::length(self.shown())).map(|scroll| Overlay::Triage { scroll })
            }
            Overlay::Verify { selected } => update::respond::press_in_checks(self, selected, key),
            Overlay::Palette(mut palette) => match palette.press(key) {
                palette::Outcome::Stay => Some(Overlay::Palette(palette)),
                palette::Outcome::Close => None,
                palette::Outcome::Run(spec) => {
                    update::perform(self, spec.action);
                    None
                }
            },
            Overlay::Form(mut form) => match form.press(key) {
                form::Outcome::Stay => Some(Overlay::Form(form)),
                form::Outcome::Close => None,
                form::Outcome::Send => match submit::submit(self, &form) {
                    Ok(()) => None,
                    Err(problem) => {
                        form.refuse(problem);
                        Some(Overlay::Form(form))
                    }
                },
            },
            Overlay::Compose(mut composer) => match composer.press(key) {
                compose::Outcome::Stay => Some(Overlay::Compose(composer)),
                compose::Outcome::Close => {
                    self.ui.update_draft = Some(composer.draft());
                    None
                }
                compose::Outcome::Send(message) => {
                    update::updates::send(self, message);
                    None
                }
            },
            Overlay::Note(mut note) => match note.press(key) {
                note::Outcome::Stay => Some(Overlay::Note(note)),
                note::Outcome::Keep(draft) => {
                    if note.is_note() {
                        self.ui.draft = draft;
                    }
                    None
                }
                note::Outcome::Send(text) => {
                    if note.is_note() {
                        self.ui.draft.clear();
                    }
                    self.command(note.command(text), Asked::Plainly);
                    None
                }
            },
            Overlay::Approval { seen } => update::pull::press_in_approval(self, key, seen),
            Overlay::Switches { selected } => self.press_in_switches(selected, key),
            Overlay::Confirm(mut confirm) => {
                let outcome = confirm.press(key, self.snapshot.arming.as_ref());
                update::pull::confirmed(self, confirm, outcome)
            }
        };
        self.ui.overlays.extend(kept);
    }

    /// Chooses a switch to look at.
    fn press_in_switches(&mut self, selected: usize, key: Key) -> Option<Overlay> {
        if key.code == Code::Enter {
            let id = self.snapshot.switches.get(selected).map(|switch| switch.id.clone());
            id.into_iter().for_each(|id| update::pull::pull(self, &id));
            return None;
        }
        let length = switches::length(&self.snapshot);
        update::scrolled(key, selected, length).map(|selected| Overlay::Switches { selected })
    }

    /// Overrules the verdict, moves in its list, or leaves it for the forms that change it.
    fn press_in_verdict(&mut self, selected: usize, key: Key) -> Option<Overlay> {
        let snapshot = self.shown().clone();
        if let Some(command) = verdict::decide(key, selected, &self.ui, &snapshot) {
            self.command(command, Asked::Plainly);
            return Some(Overlay::Verdict { selected });
        }
        let length = verdict::suspects(&self.ui, &snapshot).len();
        let kept = update::scrolled(key, selected, length).map(|selected| Overlay::Verdict { selected });
        if kept.is_none() && key.code != Code::Esc {
            self.press(key);
        }
        kept
    }

    /// Opens what confirms a switch.
    pub(super) fn open_confirm(&mut self, confirm: Confirm) {
        self.close_confirm();
        self.ui.overlays.push(Overlay::Confirm(confirm));
    }

    /// Asks for another view of things where what is wanted has changed.
    fn look(&mut self) {
        let lens = self.wanted_lens();
        if lens != self.lens {
            self.lens = lens.clone();
            self.requests.push(Request::Look(lens));
            if let Some(at) = self.ui.past {
                update::time::go(self, at);
            }
        }
    }

    pub(super) fn wanted_lens(&self) -> Lens {
        let rows = usize::from(self.area.height).max(24);
        let first = (self.ui.device / rows) * rows;
        let in_fleet = self.ui.view == super::ui::View::Fleet;
        Lens {
            group_by: self.ui.group_by.clone(),
            filter: self.ui.filter.clone(),
            cohort: self.ui.chart_cohort(&self.snapshot),
            pinned: self.ui.burning(&self.snapshot),
            signal: self.ui.chart_signal(&self.snapshot),
            span_s: self.ui.span_s,
            devices: in_fleet.then_some((first, rows * 2)),
            device: self.ui.opened.clone(),
        }
    }

    /// Draws the screen.
    pub fn draw(&mut self, area: Rect, buffer: &mut Buffer) {
        self.area = area;
        screens::draw(&self.scene(), area, buffer);
    }

    /// What the screen that is shown has for itself.
    pub(super) fn body(&self) -> Rect {
        screens::frame(&self.scene(), self.area).body
    }

    /// What is drawn, as it stands.
    pub(super) fn scene(&self) -> Scene<'_> {
        Scene {
            snapshot: self.shown(),
            ui: &self.ui,
            theme: &self.theme,
            keymap: &self.keymap,
            shape: layout::shape(self.area),
        }
    }

    /// Opens the list of bad input.
    pub(super) fn open_bad_input(&mut self) {
        self.ui.overlays.push(Overlay::BadInput { selected: 0 });
    }
}
