//! The player: gives the desk a capture as the link gives it a broker's messages, in step with the clock.
//!
//! It reads one line ahead. The clock does not leave the second of the next line before that line is delivered, so that
//! a machine too slow for the speed shows a slower replay, and never a wrong one.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;

use super::intake::Intake;
use super::playback::{GAP, LAST_LOOKS_S, LONGEST_GAP_S, RESTARTED};
use crate::domain::input::{Input, LinkChange};
use crate::domain::observation::Batch;
use crate::domain::replay::ReplayChange;
use crate::domain::time::At;
use crate::engine::snapshot::Snapshot;
use crate::ingest::capture::Entry;
use crate::ingest::capture::file::Capture;
use crate::ingest::capture::order::Order;

/// How long it may take to notice that the room is closing.
const LOOK: Duration = Duration::from_millis(100);

/// Captures to be played one after the other, read up to the first entry.
pub struct Reel {
    captures: VecDeque<Capture>,
    order: Order,
    /// Entries that have been read, and are to be played next.
    ready: VecDeque<Entry>,
    begins: At,
    unread: u64,
    cut: Option<String>,
}

impl Reel {
    /// Reads up to the first entry; none if there is none in any of the captures.
    ///
    /// # Errors
    /// When a capture cannot be read.
    pub fn new(captures: impl IntoIterator<Item = Capture>) -> io::Result<Option<Self>> {
        let captures = captures.into_iter().collect();
        let (order, ready) = (Order::default(), VecDeque::new());
        let mut reel = Self { captures, order, ready, begins: At::default(), unread: 0, cut: None };
        let Some(first) = reel.entry()? else { return Ok(None) };
        reel.begins = first.at();
        reel.ready.push_front(first);
        Ok(Some(reel))
    }

    /// When the capture begins.
    pub const fn begins(&self) -> At {
        self.begins
    }

    fn entry(&mut self) -> io::Result<Option<Entry>> {
        loop {
            if let Some(next) = self.ready.pop_front() {
                return Ok(Some(next));
            }
            let Some(capture) = self.captures.front_mut() else { return Ok(self.order.end()) };
            if let Some(entry) = capture.entry()? {
                self.ready.extend(self.order.take(entry));
                continue;
            }
            self.unread += capture.unread;
            self.cut = self.cut.take().or_else(|| capture.cut().map(str::to_owned));
            self.captures.pop_front();
        }
    }
}

/// What plays.
pub(super) struct Player {
    reel: Reel,
    intake: Intake,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    tokio: Handle,
    /// Nobody listens just now, as far as the capture tells.
    deaf: bool,
    at: At,
    messages: u64,
}

/// The room is closing: nothing more is to be played.
struct Closing;

impl Player {
    pub(super) fn new(reel: Reel, intake: Intake, snapshots: watch::Receiver<Arc<Snapshot>>, tokio: Handle) -> Self {
        let at = reel.begins;
        Self { reel, intake, snapshots, tokio, deaf: true, at, messages: 0 }
    }

    /// Plays to the end, or until the room is closing.
    pub(super) fn play(mut self) {
        // Whoever closes the room waits for nobody here.
        let _ = self.play_all();
    }

    fn play_all(&mut self) -> Result<(), Closing> {
        self.listen(None)?;
        loop {
            match self.reel.entry() {
                Ok(Some(entry)) => self.play_entry(&entry)?,
                Ok(None) => return self.end(None),
                Err(error) => return self.end(Some(error.to_string())),
            }
        }
    }

    /// Time never goes back: what comes late counts as of now.
    fn play_entry(&mut self, entry: &Entry) -> Result<(), Closing> {
        if matches!(entry, Entry::Link { up: true, .. }) && entry.at() > self.at {
            self.listen(Some(RESTARTED))?;
        }
        if entry.at().since_s(self.at) > LONGEST_GAP_S {
            self.leap(entry.at())?;
        }
        self.reach(self.at.max(entry.at()))?;
        match entry {
            Entry::Message(recorded) => {
                self.messages += 1;
                while !self.intake.inbox.has_room(LOOK) {
                    self.look()?;
                }
                let at = self.at;
                self.intake.take(|ingest, watched, batch| recorded.take(at, ingest, watched, batch));
            }
            Entry::Link { up: true, .. } => self.listen(None)?,
            Entry::Quiet { .. } => {}
            Entry::Link { up: false, reason, .. } => self.listen(Some(reason))?,
            Entry::Dropped { messages, .. } => {
                let dropped = Input::Observed { batch: Batch::default(), dropped: *messages };
                self.intake.inbox.push(dropped);
            }
        }
        Ok(())
    }

    /// Lets time pass up to a moment.
    fn reach(&mut self, at: At) -> Result<(), Closing> {
        self.at = at;
        self.intake.clock.allow(At::from_ms((at.second() + 1) * 1000 - 1));
        while !self.intake.clock.wait_until(at, LOOK) {
            self.look()?;
        }
        Ok(())
    }

    /// Leaps over a time without messages, as one in which nobody listened.
    fn leap(&mut self, to: At) -> Result<(), Closing> {
        let was_deaf = self.deaf;
        self.listen(Some(GAP))?;
        self.at = to;
        self.intake.clock.leap(to);
        if was_deaf { Ok(()) } else { self.listen(None) }
    }

    /// Says that nobody listens any more, and why, or that somebody does again; and waits until the desk knows it,
    /// since it takes what it is told at the moment at which it takes it.
    fn listen(&mut self, deaf: Option<&str>) -> Result<(), Closing> {
        if deaf.is_some() == self.deaf {
            return Ok(());
        }
        self.deaf = deaf.is_some();
        match deaf {
            Some(reason) => self.intake.down(reason, 0),
            None => self.intake.link(LinkChange::Up),
        }
        let known = self.snapshots.wait_for(|snapshot| snapshot.link.is_up() == deaf.is_none());
        self.tokio.block_on(known).map(drop).map_err(|_| Closing)
    }

    fn look(&self) -> Result<(), Closing> {
        if self.intake.inbox.is_closed() { Err(Closing) } else { Ok(()) }
    }

    /// The last second ends, and what was noticed in it is looked at; then time stops.
    fn end(&mut self, broken: Option<String>) -> Result<(), Closing> {
        self.reach(self.at.plus_s(LAST_LOOKS_S))?;
        self.intake.clock.stop();
        let cut = broken.or_else(|| self.reel.cut.take()).or_else(|| self.reel.order.objection());
        let ended = ReplayChange::Ended { messages: self.messages, unread: self.reel.unread, cut };
        self.intake.inbox.push(Input::Replay(ended));
        Ok(())
    }
}
