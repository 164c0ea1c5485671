//! The desk's inbox: telemetry in one growing batch, everything else in a queue. Both are bounded.
//!
//! Waking a thread costs more than taking a message, so telemetry wakes the desk once a batch, not once a message; the
//! desk then waits a moment for more. Anything a person does wakes it at once.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

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
    /// For how long telemetry has waited for the desk since it last had time to spare.
    held_up: Duration,
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

    fn is_full(&self) -> bool {
        self.batch.len() >= limits::MAILBOX_OBSERVATIONS || self.batch.text_bytes() >= limits::MAILBOX_TEXT
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

    /// Lets `read` add to the batch. When that is full, a burst waits for the desk: what a fleet says when it is first
    /// subscribed to is said once. Where the desk never catches up, the message is counted instead, and the answer is false.
    pub fn observe(&self, read: impl FnOnce(&mut Batch)) -> bool {
        let mut waiting = self.lock();
        if waiting.is_full() && !waiting.closed {
            let (since, patience) = (Instant::now(), limits::BURST.saturating_sub(waiting.held_up));
            let waited = self.taken.wait_timeout_while(waiting, patience, |waiting| waiting.is_full());
            waiting = waited.unwrap_or_else(PoisonError::into_inner).0;
            waiting.held_up += since.elapsed();
        }
        if waiting.is_full() {
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
        if waiting.batch.len() < limits::MAILBOX_OBSERVATIONS / 2 {
            waiting.held_up = Duration::ZERO;
        }
        self.taken.notify_all();
        Taken {
            inputs: std::mem::take(&mut waiting.inputs),
            batch: std::mem::replace(&mut waiting.batch, spare),
            dropped: std::mem::take(&mut waiting.dropped),
            closed: std::mem::take(&mut waiting.ending),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::At;
    use crate::ingest::{Arrival, take_quarantined};

    /// Observes something `n` times; tells how often it was taken.
    fn fill(inbox: &Inbox, n: usize) -> usize {
        let arrival =
            || Arrival { at: At::default(), topic: b"t", payload: b"x", retained: false, full_length: Some(9) };
        (0..n).filter(|_| inbox.observe(|batch| take_quarantined(arrival(), batch))).count()
    }

    #[test]
    fn a_burst_waits_for_the_desk_and_what_never_ends_is_counted() {
        let inbox = Inbox::default();
        let burst = limits::MAILBOX_OBSERVATIONS + 1000;
        let (taken, given) = std::thread::scope(|scope| {
            let given = scope.spawn(|| fill(&inbox, burst));
            let mut taken = 0;
            while taken < burst {
                let found = inbox.take(Duration::from_secs(10), Batch::default());
                assert_eq!(found.dropped, 0);
                taken += found.batch.len();
            }
            (taken, given.join().unwrap())
        });
        assert_eq!((taken, given), (burst, burst));

        // The desk has had no time to spare for as long as anybody waits.
        fill(&inbox, limits::MAILBOX_OBSERVATIONS);
        inbox.lock().held_up = limits::BURST;
        assert_eq!(fill(&inbox, 10), 0);
        assert_eq!(inbox.take(Duration::ZERO, Batch::default()).dropped, 10);
        assert!(inbox.lock().held_up >= limits::BURST, "it was full, so this is no time to spare");
        inbox.take(Duration::ZERO, Batch::default());
        assert_eq!(inbox.lock().held_up, Duration::ZERO);
    }
}
