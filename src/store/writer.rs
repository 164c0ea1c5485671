//! The one thread that writes the log. Records queue up; each turn takes all there are into one transaction, and
//! says how far the disk has come.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::error::StoreError;
use super::log::Log;
use crate::domain::event::Record;
use crate::domain::ids::Seq;
use crate::domain::input::LogHealth;
use crate::domain::rollup::Rollup;
use crate::limits;

/// Records in one transaction at most.
const BATCH: usize = 2_000;
/// How often a log that cannot be written is tried again, and a missing reserve is set aside again.
const RETRY: Duration = Duration::from_secs(1);

/// What the writer has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// Everything up to here is on disk.
    Durable(Seq),
    Health(LogHealth),
}

/// What is to be written.
enum Job {
    Records(Vec<Record>),
    /// History: it may be lost, and never holds a record up.
    Rollups(Vec<Rollup>),
}

/// The way to the writer. Dropping it lets the writer finish what it has and close the log.
#[derive(Debug)]
pub struct Writer {
    queue: Option<SyncSender<Job>>,
    /// Rollups that wait.
    unkept: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the writer; history is kept for `retention_s` seconds, and `report` is called on its thread.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(log: Log, retention_s: i64, report: impl Fn(Report) + Send + 'static) -> std::io::Result<Self> {
        let (queue, jobs) = sync_channel(limits::UNWRITTEN_EVENTS);
        let unkept = Arc::new(AtomicUsize::new(0));
        let scribe = Scribe {
            log,
            waiting: VecDeque::new(),
            rollups: Vec::new(),
            unkept: unkept.clone(),
            retention_s,
            health: LogHealth::Safe,
            report: Box::new(report),
        };
        let thread = std::thread::Builder::new().name("log".into()).spawn(move || scribe.work(&jobs))?;
        Ok(Self { queue: Some(queue), unkept, thread: Some(thread) })
    }

    /// Queues records. False when the queue is full or the writer is gone: nothing more can be promised.
    pub fn write(&self, records: Vec<Record>) -> bool {
        self.send(Job::Records(records))
    }

    /// Queues rollups. False when too many wait already: they are lost then.
    pub fn keep(&self, rollups: Vec<Rollup>) -> bool {
        let n = rollups.len();
        if self.unkept.fetch_add(n, Ordering::Relaxed) + n <= limits::UNWRITTEN_ROLLUPS
            && self.send(Job::Rollups(rollups))
        {
            return true;
        }
        self.unkept.fetch_sub(n, Ordering::Relaxed);
        false
    }

    fn send(&self, job: Job) -> bool {
        let Some(queue) = &self.queue else { return false };
        match queue.try_send(job) {
            Ok(()) => true,
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => false,
        }
    }

    /// Writes what is queued and closes the log.
    pub fn close(mut self) {
        self.finish();
    }

    fn finish(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // A writer that panicked has said so through the panic hook; there is nothing left to write with.
            let _ = thread.join();
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.finish();
    }
}

struct Scribe {
    log: Log,
    /// Not on disk yet, in order.
    waiting: VecDeque<Record>,
    rollups: Vec<Rollup>,
    unkept: Arc<AtomicUsize>,
    retention_s: i64,
    health: LogHealth,
    report: Box<dyn Fn(Report) + Send>,
}

impl Scribe {
    fn work(mut self, jobs: &Receiver<Job>) {
        self.tell_health();
        loop {
            let troubled = !self.waiting.is_empty() || self.health != LogHealth::Safe;
            match jobs.recv_timeout(if troubled { RETRY } else { Duration::MAX }) {
                Ok(first) => {
                    self.take(first);
                    while self.waiting.len() < BATCH
                        && let Ok(more) = jobs.try_recv()
                    {
                        self.take(more);
                    }
                }
                Err(RecvTimeoutError::Timeout) => self.mend(),
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.write();
            self.keep();
        }
        self.write();
        self.log.close();
    }

    fn take(&mut self, job: Job) {
        match job {
            Job::Records(records) => self.waiting.extend(records),
            Job::Rollups(rollups) => self.rollups.extend(rollups),
        }
    }

    /// Keeps the history that waits, once every record is on disk and there is room for more than records.
    fn keep(&mut self) {
        let rollups = std::mem::take(&mut self.rollups);
        self.unkept.fetch_sub(rollups.len(), Ordering::Relaxed);
        if self.waiting.is_empty() && self.health == LogHealth::Safe {
            // Lost history is a hole in a picture; the log's own health is told by its records.
            let _ = self.log.keep(&rollups, self.retention_s);
        }
    }

    fn write(&mut self) {
        // A transaction that seemed to fail may have been kept after all.
        let written = self.log.head().seq;
        self.waiting.retain(|record| record.seq > written);
        while !self.waiting.is_empty() {
            let batch: Vec<Record> = self.waiting.iter().take(BATCH).cloned().collect();
            match self.log.append(&batch) {
                Ok(seq) => {
                    self.waiting.drain(..batch.len());
                    (self.report)(Report::Durable(seq));
                    self.tell_health();
                }
                Err(error) => {
                    self.set_health(LogHealth::Unsafe { reason: error.to_string() });
                    if !matches!(error, StoreError::DiskFull) {
                        self.mend();
                    }
                    return;
                }
            }
        }
    }

    /// Tries to make the log fit again: a fresh connection that has seen that everything promised is there.
    fn mend(&mut self) {
        if matches!(self.health, LogHealth::Unsafe { .. }) {
            match self.log.reopen() {
                Ok(()) => {}
                Err(error) => self.set_health(LogHealth::Unsafe { reason: error.to_string() }),
            }
        } else {
            self.log.restore_reserve();
            self.tell_health();
        }
    }

    fn tell_health(&mut self) {
        self.set_health(if self.log.has_reserve() { LogHealth::Safe } else { LogHealth::Reserve });
    }

    fn set_health(&mut self, health: LogHealth) {
        if self.health != health {
            self.health = health.clone();
            (self.report)(Report::Health(health));
        }
    }
}
