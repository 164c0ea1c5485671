//! A recorder: what a broker sends, written down as a capture.
//!
//! The link's task makes a line of each message and lays it on the [`Tape`]; a thread takes what lies there and writes
//! it. The tape is bounded: what comes faster than the disk takes it is counted, and the count becomes a line too.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::clock::Clock;
use crate::domain::text::visible;
use crate::domain::time::At;
use crate::ingest::Arrival;
use crate::ingest::capture::packing::{Packer, Packing};
use crate::ingest::capture::write;
use crate::limits;
use crate::mqtt::{Link, LinkEvent, LinkOptions};

/// Between two flushes: what a killed recorder loses at most.
const FLUSH: Duration = Duration::from_secs(1);
/// Seconds without a line after which one says that nothing came.
const QUIET_S: i64 = 10;
/// Bytes on the tape for which it is not waited until the next flush.
const ENOUGH: usize = 256 * 1024;
/// Bytes that the end of a packed file takes.
const ENDING: u64 = 64;
/// What is told about the link, and not yet heard.
const NEWS: usize = 32;
/// How long the output may take for the last lines.
const FAREWELL: Duration = Duration::from_secs(5);

/// Where a recording goes.
pub struct Output {
    pub file: Box<dyn Write + Send>,
    pub packing: Packing,
    /// Bytes after which it ends by itself; the file never grows beyond them.
    pub most: Option<u64>,
}

/// How far a recording is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    pub messages: u64,
    /// Bytes given to the file, packed as they are there.
    pub bytes: u64,
    /// Messages that found no room on the tape.
    pub dropped: u64,
    /// How often there was a link, and whether there is one now.
    pub links: u64,
    pub up: bool,
}

/// A running recorder.
pub struct Recorder {
    tape: Arc<Tape>,
    link: Link,
    writer: JoinHandle<io::Result<()>>,
    written: Arc<Written>,
    ended: watch::Receiver<bool>,
}

impl Recorder {
    /// Begins to record. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// When there is no thread to write with, or no memory to pack with.
    pub fn start(link: LinkOptions, output: Output) -> io::Result<Self> {
        let tape = Arc::new(Tape::default());
        let written = Arc::new(Written::default());
        let (end, ended) = watch::channel(false);
        let counted = Counted { file: output.file, written: written.clone() };
        let packer = Packer::new(output.packing, counted)?;
        let pen = Pen { packer, written: written.clone(), most: output.most, unflushed: 0, flushed: Instant::now() };
        let waiting = tape.clone();
        let writer = std::thread::Builder::new().name("capture".into()).spawn(move || {
            let clock = Clock::live();
            let result = pen.write(&waiting, || clock.now());
            waiting.lock().closed = true;
            end.send_replace(true);
            result
        })?;
        let clock = Clock::live();
        let laying = tape.clone();
        let link = Link::start(link, move |event| laying.lay(clock.now(), event));
        Ok(Self { tape, link, writer, written, ended })
    }

    /// Waits until it has ended by itself: the file is as large as it may be, or takes nothing more.
    pub async fn ended(&self) {
        // The sender is gone when the thread is, which is an end too.
        let _ = self.ended.clone().wait_for(|ended| *ended).await;
    }

    pub fn progress(&self) -> Progress {
        let waiting = self.tape.lock();
        Progress {
            messages: self.written.messages.load(Ordering::Relaxed),
            bytes: self.written.bytes.load(Ordering::Relaxed),
            dropped: waiting.dropped,
            links: waiting.links,
            up: waiting.up,
        }
    }

    /// What the link has told since it was asked last.
    pub fn news(&self) -> Vec<String> {
        self.tape.lock().news.drain(..).collect()
    }

    /// Ends it: the broker is told goodbye, and what lies on the tape is written.
    ///
    /// # Errors
    /// When the file did not take everything.
    pub async fn close(self) -> io::Result<Progress> {
        self.link.stop().await;
        self.tape.close();
        let mut ended = self.ended;
        let in_time = tokio::time::timeout(FAREWELL, ended.wait_for(|ended| *ended)).await;
        if in_time.is_err() {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "what was recorded last is not taken"));
        }
        let result = self.writer.join().unwrap_or_else(|_| Err(io::Error::other("the writer broke")));
        let waiting = self.tape.lock();
        result.map(|()| Progress {
            messages: self.written.messages.load(Ordering::Relaxed),
            bytes: self.written.bytes.load(Ordering::Relaxed),
            dropped: waiting.dropped,
            links: waiting.links,
            up: false,
        })
    }
}

/// What the thread has written, for whoever wants to know.
#[derive(Debug, Default)]
struct Written {
    messages: AtomicU64,
    bytes: AtomicU64,
}

/// Lines between the link and the file.
#[derive(Debug, Default)]
struct Tape {
    waiting: Mutex<Waiting>,
    enough: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    lines: Vec<u8>,
    /// Dropped in all, and of those the ones that no line tells yet.
    dropped: u64,
    untold: u64,
    links: u64,
    up: bool,
    /// The moment of the last line.
    last: At,
    news: VecDeque<String>,
    closed: bool,
}

impl Waiting {
    /// Adds a line, or counts it where there is no room.
    fn put(&mut self, at: At, line: impl FnOnce(&mut Vec<u8>)) {
        if self.closed {
            return;
        }
        if self.lines.len() >= limits::TAPE {
            self.dropped += 1;
            self.untold += 1;
            return;
        }
        self.tell_dropped(at);
        self.last = at;
        line(&mut self.lines);
    }

    /// Says that nothing came, where nothing did for long enough, or it ends.
    fn note_quiet(&mut self, at: At) {
        let least_s = if self.closed { 1 } else { QUIET_S };
        if self.up && at.since_s(self.last) >= least_s {
            self.tell_dropped(at);
            self.last = at;
            write::quiet(at, &mut self.lines);
        }
    }

    fn tell_dropped(&mut self, at: At) {
        let untold = std::mem::take(&mut self.untold);
        if untold > 0 {
            write::dropped(at, untold, &mut self.lines);
        }
    }

    fn tell(&mut self, news: String) {
        // The same word again and again, once for every attempt, is no news.
        if self.news.back() != Some(&news) && self.news.len() < NEWS {
            self.news.push_back(news);
        }
    }

    fn up(&mut self, at: At) {
        (self.up, self.links, self.last) = (true, self.links + 1, at);
        self.tell_dropped(at);
        // The word about the link always finds room: it is short, and rare.
        write::link(at, None, &mut self.lines);
        self.tell("connected".into());
    }

    fn down(&mut self, at: At, reason: &str, retry: Duration) {
        let reason = visible(reason);
        if std::mem::take(&mut self.up) {
            self.tell_dropped(at);
            write::link(at, Some(&reason), &mut self.lines);
        }
        self.tell(format!("not connected: {reason}; next try within {} s", retry.as_secs().max(1)));
    }
}

impl Tape {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // A panic while a line is made leaves half a line at most, which readers pass over.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lay(&self, at: At, event: LinkEvent) {
        let mut waiting = self.lock();
        match event {
            LinkEvent::Message { topic, payload, retained } => {
                let arrival = Arrival { at, topic: &topic, payload: &payload, retained, full_length: None };
                waiting.put(at, |lines| write::message(&arrival, lines));
            }
            LinkEvent::Quarantined { topic, sample, length, retained } => {
                let arrival = Arrival { at, topic: &topic, payload: &sample, retained, full_length: Some(length) };
                waiting.put(at, |lines| write::message(&arrival, lines));
            }
            LinkEvent::Up => waiting.up(at),
            LinkEvent::Down { reason, retry } => waiting.down(at, &reason, retry),
            LinkEvent::Blind { filter, reason } => {
                waiting.tell(format!("the broker does not send {}: {}", visible(&filter), visible(&reason)));
            }
            LinkEvent::Connecting { .. } => {}
        }
        if waiting.lines.len() >= ENOUGH {
            self.enough.notify_one();
        }
    }

    fn close(&self) {
        self.lock().closed = true;
        self.enough.notify_one();
    }

    /// Takes what lies there, after at most the time between two flushes, into an empty `spare`. False at the end.
    fn take(&self, spare: &mut Vec<u8>, now: impl Fn() -> At) -> bool {
        let idle = |waiting: &mut Waiting| waiting.lines.len() < ENOUGH && !waiting.closed;
        let waited = self.enough.wait_timeout_while(self.lock(), FLUSH, idle);
        let (mut waiting, _) = waited.unwrap_or_else(PoisonError::into_inner);
        waiting.note_quiet(now());
        std::mem::swap(&mut waiting.lines, spare);
        !waiting.closed
    }
}

/// What writes.
struct Pen {
    packer: Packer<Counted>,
    written: Arc<Written>,
    most: Option<u64>,
    /// Bytes handed to the packer since it was flushed: more than they will take in the file.
    unflushed: u64,
    flushed: Instant,
}

impl Pen {
    /// Writes until the tape is closed or the file is full.
    fn write(mut self, tape: &Tape, now: impl Fn() -> At) -> io::Result<()> {
        let mut lines = Vec::new();
        loop {
            let goes_on = tape.take(&mut lines, &now);
            let has_room = self.put(&lines)?;
            lines.clear();
            if !goes_on || !has_room {
                return self.packer.finish().map(drop);
            }
            if self.flushed.elapsed() >= FLUSH {
                self.flush()?;
            }
        }
    }

    /// Writes lines; false when the file is full.
    fn put(&mut self, lines: &[u8]) -> io::Result<bool> {
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            if !self.has_room(line.len() as u64)? {
                return Ok(false);
            }
            self.packer.write_all(line)?;
            self.unflushed += line.len() as u64;
            self.written.messages.fetch_add(write::is_message(line).into(), Ordering::Relaxed);
        }
        Ok(true)
    }

    fn has_room(&mut self, bytes: u64) -> io::Result<bool> {
        let Some(most) = self.most else { return Ok(true) };
        let after = |pen: &Self| pen.written.bytes.load(Ordering::Relaxed) + pen.unflushed + bytes + ENDING;
        if after(self) > most && self.unflushed > 0 {
            // Packed, it takes less than it seemed.
            self.flush()?;
        }
        Ok(after(self) <= most)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.packer.flush()?;
        (self.unflushed, self.flushed) = (0, Instant::now());
        Ok(())
    }
}

/// Counts the bytes that go to the file.
struct Counted {
    file: Box<dyn Write + Send>,
    written: Arc<Written>,
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.file.write(bytes)?;
        self.written.bytes.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::capture::{Entry, read};

    fn message(n: usize, bytes: usize) -> LinkEvent {
        LinkEvent::Message { topic: format!("a/{n}").into(), payload: vec![b'x'; bytes].into(), retained: false }
    }

    #[test]
    fn the_tape_is_bounded_and_what_finds_no_room_is_told_in_its_place() {
        let (tape, at) = (Tape::default(), At::from_ms(1_000));
        tape.lay(at, LinkEvent::Up);
        let most = limits::TAPE / 100_000 + 1;
        (0..most + 50).for_each(|n| tape.lay(at, message(n, 100_000)));
        let mut lines = Vec::new();
        assert!(tape.take(&mut lines, || at));
        assert!(lines.len() < limits::TAPE + 200_000);
        tape.lay(at, message(0, 1));
        let dropped = tape.lock().dropped;
        assert!((49..=51).contains(&dropped), "{dropped}");
        let mut rest = Vec::new();
        tape.close();
        assert!(!tape.take(&mut rest, || at));
        let entries: Vec<Entry> = rest.split_inclusive(|byte| *byte == b'\n').filter_map(read).collect();
        assert_eq!(entries[0], Entry::Dropped { at, messages: dropped });
        assert!(matches!(&entries[1], Entry::Message(_)));
        tape.lay(at, message(1, 1));
        assert!(tape.lock().lines.is_empty(), "closed is closed");
    }

    #[test]
    fn that_nothing_comes_is_a_line_now_and_then_and_at_the_end() {
        let tape = Tape::default();
        let second = |s: i64| At::from_ms(s * 1_000);
        let taken = |at: At| {
            let mut waiting = tape.lock();
            waiting.note_quiet(at);
            let lines = std::mem::take(&mut waiting.lines);
            lines.split_inclusive(|byte| *byte == b'\n').filter_map(read).collect::<Vec<_>>()
        };
        assert_eq!(taken(second(50)), [], "nobody listens");
        tape.lay(second(60), LinkEvent::Up);
        assert_eq!(taken(second(61)).len(), 1);
        assert_eq!(taken(second(69)), []);
        assert_eq!(taken(second(70)), [Entry::Quiet { at: second(70) }]);
        assert_eq!(taken(second(71)), []);
        tape.close();
        assert_eq!(taken(second(75)), [Entry::Quiet { at: second(75) }], "it listened to the end");
    }

    #[test]
    fn a_link_that_is_lost_is_a_line_once_however_often_it_is_tried_again() {
        let (tape, at) = (Tape::default(), At::from_ms(1_000));
        let down = || LinkEvent::Down { reason: "gone\u{1b}".into(), retry: Duration::from_secs(4) };
        for event in [down(), LinkEvent::Up, down(), down(), LinkEvent::Up] {
            tape.lay(at, event);
        }
        let lines = String::from_utf8(tape.lock().lines.clone()).unwrap();
        let up = "{\"t\":1.000,\"link\":\"up\"}\n";
        assert_eq!(lines, format!("{up}{{\"t\":1.000,\"link\":\"down\",\"reason\":\"gone^[\"}}\n{up}"));
        assert_eq!(tape.lock().news.len(), 4);
    }

    #[test]
    fn a_file_never_grows_beyond_what_it_may() {
        for packing in [Packing::Plain, Packing::Gzip, Packing::Zstd] {
            let written = Arc::new(Written::default());
            let counted = Counted { file: Box::new(io::sink()), written: written.clone() };
            let packer = Packer::new(packing, counted).unwrap();
            let most = Some(20_000);
            let pen = Pen { packer, written: written.clone(), most, unflushed: 0, flushed: Instant::now() };
            let tape = Tape::default();
            (0..100_000).for_each(|n| tape.lay(At::from_ms(n as i64 * 37), message(n, n % 50)));
            pen.write(&tape, At::default).unwrap();
            let bytes = written.bytes.load(Ordering::Relaxed);
            let messages = written.messages.load(Ordering::Relaxed);
            assert!((19_000..=20_000).contains(&bytes), "{packing:?}: {bytes}");
            assert!(messages > if packing == Packing::Plain { 200 } else { 1000 }, "{packing:?}: {messages}");
        }
    }
}
