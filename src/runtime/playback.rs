//! A capture played to the engine in virtual time: the same core as a room's, without a clock, a broker or a log.
//!
//! What a commander would do to get an incident under way is done by rule: every alert that belongs to no incident is
//! declared.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::detect::suspects::Suspect;
use crate::domain::alert::Alert;
use crate::domain::command::{Command, Declare};
use crate::domain::event::Event;
use crate::domain::fault::Fault;
use crate::domain::ids::{Actor, AlertId, IncidentId};
use crate::domain::incident::Incident;
use crate::domain::input::{Input, LinkChange, Ticket};
use crate::domain::observation::Batch;
use crate::domain::time::At;
use crate::engine::timeline::Entry as Told;
use crate::engine::{self, Settings, State};
use crate::ingest::Ingest;
use crate::ingest::capture::Entry;
use crate::limits;

/// Seconds without a message that are played; a longer gap is leapt over, as one in which nobody listened.
pub(super) const LONGEST_GAP_S: i64 = 3_600;
/// Seconds that are played after the last line: what its messages tell is judged after some looks, and nobody is thought
/// to be silent so soon.
pub(super) const LAST_LOOKS_S: i64 = 15;
/// Why nobody listened in such a gap.
pub(super) const GAP: &str = "a gap in the capture";
/// Why nobody listened before a recorder says that it has its link while it had it: it has been started anew since its
/// last line.
pub(super) const RESTARTED: &str = "the recorder was not running";

/// A capture being played.
pub struct Playback {
    ingest: Ingest,
    settings: Settings,
    state: Option<State>,
    now: At,
    batch: Batch,
    /// Nobody listens just now, as far as the capture tells.
    deaf: bool,
    alerts: BTreeMap<AlertId, Alert>,
    /// The suspects of each incident when most of their devices were affected.
    suspects: BTreeMap<IncidentId, Vec<Suspect>>,
    /// The most devices that were affected at once by what concerns the whole fleet.
    most: BTreeMap<IncidentId, u32>,
    pub messages: u64,
    dropped: u64,
    from: Option<At>,
}

/// What came of it.
pub struct Played {
    pub from: Option<At>,
    pub to: Option<At>,
    pub messages: u64,
    /// Messages that came faster than the recorder could write.
    pub dropped: u64,
    pub devices: usize,
    /// Messages, or parts of them, that could not be read, by what is wrong with them.
    pub faults: Vec<(Fault, u64)>,
    pub alerts: Vec<Alert>,
    pub incidents: Vec<(Incident, Vec<Suspect>)>,
    /// The most devices that were affected at once by an incident that concerns the whole fleet.
    pub most: BTreeMap<IncidentId, u32>,
    /// What the room would have written down, the oldest first, as far back as it keeps it.
    pub timeline: Vec<Arc<Told>>,
    /// Attribute values, cohorts and campaigns that found no room.
    pub overflowed: u64,
}

impl Playback {
    pub fn new(settings: Settings, ingest: Ingest) -> Self {
        Self {
            ingest,
            settings,
            state: None,
            now: At::default(),
            batch: Batch::default(),
            deaf: false,
            alerts: BTreeMap::new(),
            suspects: BTreeMap::new(),
            most: BTreeMap::new(),
            messages: 0,
            dropped: 0,
            from: None,
        }
    }

    /// Plays one line. Time never goes back: a message that comes late counts as of now.
    pub fn take(&mut self, entry: &Entry) {
        if self.state.is_none() {
            self.begin(entry.at());
        }
        if matches!(entry, Entry::Link { up: true, .. }) && entry.at() > self.now {
            self.listen(Some(RESTARTED));
        }
        if entry.at().second() > self.now.second() {
            self.flush();
            self.pass(entry.at());
        }
        self.now = self.now.max(entry.at());
        match entry {
            Entry::Message(recorded) => {
                self.messages += 1;
                self.from.get_or_insert(self.now);
                recorded.take(self.now, &mut self.ingest, None, &mut self.batch);
            }
            Entry::Link { up: true, .. } => self.listen(None),
            Entry::Quiet { .. } => {}
            Entry::Link { up: false, reason, .. } => self.listen(Some(reason)),
            Entry::Dropped { messages, .. } => {
                self.dropped += messages;
                self.ingest.interrupted();
            }
        }
        if self.batch.len() >= limits::MAILBOX_OBSERVATIONS / 16 {
            self.flush();
        }
    }

    fn begin(&mut self, at: At) {
        self.now = at;
        self.state = Some(State::replay(self.settings.clone(), &[], at));
        self.input(Input::Link(LinkChange::Up));
    }

    /// Says that nobody listens any more, and why, or that somebody does again.
    fn listen(&mut self, deaf: Option<&str>) {
        if deaf.is_some() != self.deaf {
            self.flush();
            self.deaf = deaf.is_some();
            self.ingest.interrupted();
            self.input(Input::Link(match deaf {
                Some(reason) => LinkChange::Down { reason: reason.to_owned(), retry_ms: 0 },
                None => LinkChange::Up,
            }));
        }
    }

    fn pass(&mut self, to: At) {
        if to.since_s(self.now) > LONGEST_GAP_S {
            // Nobody listened: what comes after it is judged like what comes after a lost link.
            let was_deaf = self.deaf;
            self.listen(Some(GAP));
            self.now = to;
            if !was_deaf {
                self.listen(None);
            }
        }
        while self.now.second() < to.second() {
            self.now = At::from_ms((self.now.second() + 1) * 1000);
            self.input(Input::Tick);
            self.note_suspects();
        }
    }

    fn flush(&mut self) {
        if !self.batch.is_empty() {
            let batch = std::mem::take(&mut self.batch);
            self.batch = self.input(Input::Observed { batch, dropped: 0 }).unwrap_or_default();
        }
    }

    /// Gives the engine an input, and does what a commander would. Returns the batch that was taken.
    fn input(&mut self, input: Input) -> Option<Batch> {
        let state = self.state.as_mut()?;
        let step = engine::step(state, self.now, input);
        state.durable = state.room.last;
        let mut wanted = Vec::new();
        for record in &step.records {
            match &record.event {
                Event::AlertRaised { alert, finding } => {
                    self.alerts.insert(*alert, Alert::new(*alert, record.at, finding.clone()));
                    if state.room.incident_of(*alert).is_none() {
                        wanted.push(Command::Declare(Declare { alert: Some(*alert), ..Declare::default() }));
                    }
                }
                Event::AlertGrew { alert, also } => {
                    if let Some(alert) = self.alerts.get_mut(alert) {
                        alert.also.push(also.clone());
                    }
                }
                Event::AlertCleared { alert } => {
                    if let Some(alert) = self.alerts.get_mut(alert) {
                        alert.cleared = Some(record.at);
                    }
                }
                _ => {}
            }
        }
        for command in wanted {
            // Refused where an alert of the same moment has joined meanwhile.
            self.input(Input::Command { ticket: Ticket(0), by: Actor::Engine, command });
        }
        step.spent
    }

    fn note_suspects(&mut self) {
        let Some(state) = &self.state else { return };
        let affected = |suspects: &[Suspect]| suspects.first().map_or(0, |suspect| suspect.affected);
        for incident in state.room.open_incidents() {
            let now = state.suspects().in_incident(incident);
            let known = self.suspects.entry(incident.id).or_default();
            if !now.is_empty() && affected(&now) >= affected(known) {
                *known = now;
            }
            if incident.cohort.is_fleet() {
                let most = self.most.entry(incident.id).or_default();
                *most = (*most).max(state.suspects().most_affected(incident));
            }
        }
    }

    /// Plays the last messages, and tells what came of all of them.
    pub fn end(mut self) -> Played {
        self.flush();
        let to = self.now.plus_s(1);
        self.pass(self.now.plus_s(LAST_LOOKS_S));
        let Some(state) = self.state else {
            return Played {
                from: None,
                to: None,
                messages: 0,
                dropped: 0,
                devices: 0,
                faults: Vec::new(),
                alerts: Vec::new(),
                incidents: Vec::new(),
                most: BTreeMap::new(),
                timeline: Vec::new(),
                overflowed: 0,
            };
        };
        let mut suspects = self.suspects;
        let incidents = state.room.incidents.values();
        Played {
            from: self.from,
            to: Some(to),
            messages: self.messages,
            dropped: self.dropped,
            devices: state.fleet.devices().len(),
            faults: state.fleet.faults().counts(),
            alerts: self.alerts.into_values().collect(),
            incidents: incidents.map(|i| (i.clone(), suspects.remove(&i.id).unwrap_or_default())).collect(),
            most: self.most,
            timeline: state.room.timeline.iter().cloned().collect(),
            overflowed: state.fleet.overflowed(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::capture;
    use crate::ingest::route::Router;

    /// The gaps in which nobody listened, in seconds from the first line.
    fn gaps(lines: &[&str]) -> Vec<(i64, Option<i64>)> {
        let settings = Settings::default();
        let ingest = Ingest::new(Router::standard("fleet").unwrap(), settings.fleet.schema.clone());
        let mut playback = Playback::new(settings, ingest);
        for line in lines {
            playback.take(&capture::read(line.as_bytes()).unwrap());
        }
        let state = playback.state.unwrap();
        let since = |at: At| at.second() - 1_000_000_000;
        state.link.gaps.iter().map(|(from, to)| (since(*from), to.map(since))).collect()
    }

    #[test]
    fn a_capture_tells_when_nobody_listened() {
        const UP: &str = r#"{"t":1000000000,"link":"up"}"#;
        let message = r#"{"t":1000000010,"topic":"fleet/a/b/status","payload":"online"}"#;
        let late = r#"{"t":1000010000,"topic":"fleet/a/b/status","payload":"online"}"#;
        let (down, again) = (r#"{"t":1000000020,"link":"down"}"#, r#"{"t":1000000070,"link":"up"}"#);
        assert_eq!(gaps(&[UP, message]), []);
        assert_eq!(gaps(&[message, down]), [(20, None)]);
        assert_eq!(gaps(&[UP, message, down, again]), [(20, Some(70))]);
        assert_eq!(gaps(&[UP, message, again]), [(10, Some(70))], "a recorder that was started anew");
        assert_eq!(gaps(&[UP, message, late]), [(10, Some(10_000))], "longer than an hour");
        assert_eq!(gaps(&[UP, message, down, late]), [(20, None)], "messages or not, the link is said to be down");
    }
}
