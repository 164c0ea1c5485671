//! The desk's inbox: telemetry in one growing batch, everything else in a queue. Both are bounded.
//!
//! Waking a thread costs more than taking a message, so telemetry wakes the desk once a batch, not once a message; the
//! desk then waits a moment for more. Anything a person does wakes it at once.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::domain::input::Input;
use crate::domain::observation::Batch;
use crate::limits;

/// How long telemetry may gather before it is taken.
const GATHER: Duration = Duration::from_millis(40);

/// Observations at which telemetry that can wait has to: far from where any is dropped.
const CROWDED: usize = limits::MAILBOX_OBSERVATIONS / 16;

/// What is waiting for the desk.
#[derive(Debug, Default)]
pub struct Inbox {
    waiting: Mutex<Waiting>,
    news: Condvar,
    taken: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    batch: Batch,
    dropped: u64,
    inputs: VecDeque<Input>,
    /// Nothing more is taken from outside.
    closed: bool,
    /// The desk has not been told of it yet.
    ending: bool,
}

impl Waiting {
    fn has_telemetry(&self) -> bool {
        !self.batch.is_empty() || self.dropped > 0
    }
}

/// What the desk takes out in one go.
#[derive(Debug, Default)]
pub struct Taken {
    pub inputs: VecDeque<Input>,
    pub batch: Batch,
    pub dropped: u64,
    /// Nothing more will come.
    pub closed: bool,
}

impl Inbox {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // A panic while decoding leaves at most half an observation's text behind, which nothing points to.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts an input in. False when the inbox is full or closed; what the room itself reports is never refused.
    pub fn push(&self, input: Input) -> bool {
        let mut waiting = self.lock();
        let from_outside = matches!(input, Input::Command { .. } | Input::Look(_));
        if from_outside && (waiting.closed || waiting.inputs.len() >= limits::INPUTS) {
            return false;
        }
        waiting.inputs.push_back(input);
        self.news.notify_one();
        true
    }

    /// Lets `read` add to the batch; when it is full, the message is counted instead, and the answer is false.
    pub fn observe(&self, read: impl FnOnce(&mut Batch)) -> bool {
        let mut waiting = self.lock();
        let full =
            waiting.batch.len() >= limits::MAILBOX_OBSERVATIONS || waiting.batch.text_bytes() >= limits::MAILBOX_TEXT;
        if full {
            waiting.dropped += 1;
            return false;
        }
        let first = !waiting.has_telemetry();
        read(&mut waiting.batch);
        if first && waiting.has_telemetry() {
            self.news.notify_one();
        }
        true
    }

    /// Whether there is room for telemetry that can wait, after waiting for it for so long at most.
    pub fn has_room(&self, patience: Duration) -> bool {
        let crowded = |waiting: &mut Waiting| waiting.batch.len() >= CROWDED;
        let waited = self.taken.wait_timeout_while(self.lock(), patience, crowded);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    pub fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Says that nothing more will come; what is in is still taken.
    pub fn close(&self) {
        let mut waiting = self.lock();
        (waiting.closed, waiting.ending) = (true, true);
        self.news.notify_one();
    }

    /// Waits for something to do, for at most `patience`, and takes all of it. `spare` is an empty batch whose memory
    /// is used for the next one.
    pub fn take(&self, patience: Duration, spare: Batch) -> Taken {
        let waiting = self.lock();
        let idle = |waiting: &mut Waiting| waiting.inputs.is_empty() && !waiting.ending && !waiting.has_telemetry();
        let (waiting, _) =
            self.news.wait_timeout_while(waiting, patience, idle).unwrap_or_else(PoisonError::into_inner);
        let gather = |waiting: &mut Waiting| waiting.inputs.is_empty() && !waiting.ending && waiting.has_telemetry();
        let more = GATHER.min(patience);
        let (mut waiting, _) =
            self.news.wait_timeout_while(waiting, more, gather).unwrap_or_else(PoisonError::into_inner);
        self.taken.notify_all();
        Taken {
            inputs: std::mem::take(&mut waiting.inputs),
            batch: std::mem::replace(&mut waiting.batch, spare),
            dropped: std::mem::take(&mut waiting.dropped),
            closed: std::mem::take(&mut waiting.ending),
        }
    }
}
