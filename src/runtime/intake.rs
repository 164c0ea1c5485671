//! What comes from outside, on its way to the desk: messages are decoded on the spot, everything else is an input.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Watched;
use super::answers::Answers;
use super::clock::Clock;
use super::inbox::Inbox;
use crate::domain::input::{Input, LinkChange};
use crate::domain::observation::Batch;
use crate::domain::text::visible;
use crate::ingest::{self, Arrival, Ingest};
use crate::mqtt::LinkEvent;

/// The way in.
pub(super) struct Intake {
    pub inbox: Arc<Inbox>,
    /// One thread reads, so that nobody ever waits for it.
    pub ingest: Mutex<Ingest>,
    pub clock: Arc<Clock>,
    pub watched: Watched,
    /// Answers to switches, which are not telemetry.
    pub answers: Answers,
}

impl Intake {
    /// Lets `read` add a message to what waits for the desk.
    pub(super) fn take(&self, read: impl FnOnce(&mut Ingest, Option<&str>, &mut Batch)) {
        let watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let mut ingest = self.ingest();
        if !self.inbox.observe(|batch| read(&mut ingest, watched.as_deref(), batch)) {
            ingest.interrupted();
        }
    }

    fn ingest(&self) -> MutexGuard<'_, Ingest> {
        self.ingest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what the link tells.
    pub(super) fn hear(&self, event: LinkEvent) {
        match event {
            LinkEvent::Message { topic, payload, retained } => {
                if !retained && let Some(answer) = self.answers.read(&topic, &payload) {
                    self.inbox.push(answer);
                    return;
                }
                let at = self.clock.now();
                let arrival = Arrival { at, topic: &topic, payload: &payload, retained, full_length: None };
                self.take(|ingest, watched, batch| ingest.take(arrival, watched, batch));
            }
            LinkEvent::Quarantined { topic, sample, length, retained } => {
                let (at, full_length) = (self.clock.now(), Some(length));
                let arrival = Arrival { at, topic: &topic, payload: &sample, retained, full_length };
                self.take(|_, _, batch| ingest::take_quarantined(arrival, batch));
            }
            LinkEvent::Connecting { attempt } => self.link(LinkChange::Connecting { attempt }),
            LinkEvent::Up => self.link(LinkChange::Up),
            LinkEvent::Down { reason, retry } => self.down(&reason, retry.as_millis() as u64),
            LinkEvent::Blind { filter, reason } => self.link(LinkChange::Blind { filter, reason }),
        }
    }

    pub(super) fn down(&self, reason: &str, retry_ms: u64) {
        self.ingest().interrupted();
        self.link(LinkChange::Down { reason: visible(reason).into_owned(), retry_ms });
    }

    pub(super) fn link(&self, change: LinkChange) {
        self.inbox.push(Input::Link(change));
    }
}
