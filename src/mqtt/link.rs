//! The link to a broker: one task that dials, subscribes, reads, and begins again when it must.
//!
//! Each connection is a fresh session of the client library, so that nothing is left over from the one before. The
//! task only reads: it hands messages to the sink, which must be quick and must not wait. Publishing goes by the
//! [`Outbox`]. Subscriptions are made again after every connect. There is no notion here of what messages mean.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::dial::{Tls, dial};
use super::guard;
use super::outbox::Outbox;
use super::session::{Ended, Incoming, Sender, Session, SessionOptions};

/// Which version of MQTT to speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// 5 first, 3.1.1 where the broker does not know it.
    #[default]
    Auto,
    V3,
    V5,
}

/// User and password. They are never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    pub user: String,
    pub password: Vec<u8>,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("user", &self.user).finish_non_exhaustive()
    }
}

/// Finds the credentials anew for each connect: tokens expire. It may take its time.
pub type FindCredentials = Arc<dyn Fn() -> Result<Option<Credentials>, String> + Send + Sync>;

/// How to reach a broker.
#[derive(Clone)]
pub struct LinkOptions {
    pub host: String,
    pub port: u16,
    pub tls: Option<Tls>,
    pub protocol: Protocol,
    /// Unique to this process: two clients with one id throw each other out for ever.
    pub client_id: String,
    pub credentials: FindCredentials,
    pub keep_alive_s: u16,
    pub subscriptions: Vec<String>,
    /// Spreads the delays of many rooms that lost the same broker.
    pub seed: u64,
}

impl LinkOptions {
    /// A broker that asks for nothing, over MQTT 3.1.1, without subscriptions: one on this machine.
    pub fn plain(host: impl Into<String>, port: u16, client_id: impl Into<String>) -> Self {
        Self {
            host: host.into(),
            port,
            tls: None,
            protocol: Protocol::V3,
            client_id: client_id.into(),
            credentials: Arc::new(|| Ok(None)),
            keep_alive_s: 5,
            subscriptions: Vec::new(),
            seed: 1,
        }
    }
}

/// What a link has to tell.
#[derive(Clone, Debug)]
pub enum LinkEvent {
    Connecting {
        attempt: u32,
    },
    /// The broker has confirmed the subscriptions: what is said from here on, and its answers, are heard.
    Up,
    Down {
        reason: String,
        retry: Duration,
    },
    /// The broker refuses a subscription.
    Blind {
        filter: String,
        reason: String,
    },
    Message {
        topic: Bytes,
        payload: Bytes,
        retained: bool,
    },
    /// A message that would have ended the connection: too large, or with a topic that is not one.
    Quarantined {
        topic: Bytes,
        sample: Bytes,
        length: u64,
        retained: bool,
    },
}

/// Delays between attempts: seven in the first minute, so that no broker takes us for an attacker.
const DELAYS_S: [u64; 6] = [1, 2, 4, 8, 15, 30];
/// After a refusal of who we are: at most two attempts a minute.
const REFUSED_S: u64 = 30;
/// A session that lasted this long was a good one; the next loss begins with the shortest delay.
const GOOD_S: u64 = 60;
/// Within this time a broker answers a subscription.
const CONFIRM: Duration = Duration::from_secs(10);
/// Keep-alive periods without anything at all from the library until the session is given up.
const STALLED_PERIODS: u32 = 4;

/// A running link.
#[derive(Debug)]
pub struct Link {
    outbox: Outbox,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Link {
    /// Starts a link; `sink` gets everything it has to tell. Must be called inside a tokio runtime.
    pub fn start(options: LinkOptions, sink: impl Fn(LinkEvent) + Send + Sync + 'static) -> Self {
        let (sender, current) = watch::channel(None);
        let (stop, stopped) = watch::channel(false);
        let worker = Worker { options, sink, sender, stopped, progress: Arc::default() };
        Self { outbox: Outbox::new(current), stop, task: tokio::spawn(worker.run()) }
    }

    pub fn outbox(&self) -> Outbox {
        self.outbox.clone()
    }

    /// Disconnects and ends; a broker that does not let go is left after two seconds.
    pub async fn stop(mut self) {
        // The task is gone already if nobody listens.
        let _ = self.stop.send(true);
        if tokio::time::timeout(Duration::from_secs(2), &mut self.task).await.is_err() {
            self.task.abort();
        }
    }
}

struct Worker<F> {
    options: LinkOptions,
    sink: F,
    sender: watch::Sender<Option<Sender>>,
    stopped: watch::Receiver<bool>,
    /// Counts what the library does, for the watchdog.
    progress: Arc<AtomicU64>,
}

impl<F: Fn(LinkEvent) + Send + Sync> Worker<F> {
    async fn run(mut self) {
        let mut v5 = self.options.protocol != Protocol::V3;
        let mut failures = 0;
        let mut attempt = 0;
        let mut jitter = self.options.seed | 1;
        loop {
            attempt += 1;
            (self.sink)(LinkEvent::Connecting { attempt });
            let began = Instant::now();
            let connected = self.connect(v5).await;
            self.sender.send_replace(None);
            let Some((ended, accepted)) = connected else { return };
            let other_version = self.options.protocol == Protocol::Auto && ended.maybe_version && !accepted;
            if other_version {
                v5 = !v5;
            }
            if accepted && began.elapsed() >= Duration::from_secs(GOOD_S) {
                failures = 0;
            }
            let retry = match failures {
                // The first time, the other version is tried at once.
                0 if other_version => Duration::from_millis(100),
                _ if ended.refused => Duration::from_secs(REFUSED_S),
                n => spread(Duration::from_secs(DELAYS_S[(n as usize).min(DELAYS_S.len() - 1)]), &mut jitter),
            };
            failures += 1;
            (self.sink)(LinkEvent::Down { reason: ended.reason, retry });
            tokio::select! {
                () = tokio::time::sleep(retry) => {}
                _ = self.stopped.wait_for(|stop| *stop) => return,
            }
        }
    }

    /// One connection from dialling to its end: why it ended, and whether the broker had accepted it. None when the
    /// link was stopped.
    async fn connect(&mut self, v5: bool) -> Option<(Ended, bool)> {
        let mut stopped = self.stopped.clone();
        let opened = tokio::select! {
            opened = self.open(v5) => opened,
            _ = stopped.wait_for(|stop| *stop) => return None,
        };
        let mut session = match opened {
            Ok(session) => session,
            Err(reason) => return Some((Ended { reason, refused: false, maybe_version: false }, false)),
        };
        let mut accepted = false;
        let ended = tokio::select! {
            ended = self.pump(&mut session, &mut accepted) => Some(ended),
            ended = self.watch() => Some(ended),
            _ = stopped.wait_for(|stop| *stop) => None,
        };
        match ended {
            Some(ended) => Some((ended, accepted)),
            None => {
                session.close().await;
                None
            }
        }
    }

    async fn open(&self, v5: bool) -> Result<Session, String> {
        let find = self.options.credentials.clone();
        let credentials = tokio::task::spawn_blocking(move || find()).await.map_err(|error| error.to_string())??;
        let stream = dial(&self.options.host, self.options.port, self.options.tls.as_ref()).await?;
        let options = SessionOptions {
            client_id: self.options.client_id.clone(),
            credentials,
            keep_alive_s: self.options.keep_alive_s,
        };
        Ok(Session::open(v5, options, stream))
    }

    /// Reads until the session ends.
    async fn pump(&self, session: &mut Session, accepted: &mut bool) -> Ended {
        // Until when the broker may take to confirm the subscriptions: unconfirmed is blind without knowing it.
        let mut confirm_by = None;
        loop {
            let next = match confirm_by {
                None => session.next().await,
                Some(by) => match tokio::time::timeout_at(by, session.next()).await {
                    Ok(next) => next,
                    Err(_) => return Ended::lost("the broker does not confirm the subscription"),
                },
            };
            let incoming = match next {
                Ok(incoming) => incoming,
                Err(ended) => return ended,
            };
            self.progress.fetch_add(1, Ordering::Relaxed);
            // A message that comes before the confirmation says as well that we are heard.
            let is_heard = matches!(incoming, Incoming::Message { .. } | Incoming::Subscribed(_));
            if is_heard && confirm_by.take().is_some() {
                self.up(session);
            }
            match incoming {
                Incoming::Accepted => {
                    *accepted = true;
                    if self.options.subscriptions.is_empty() {
                        self.up(session);
                    } else if let Err(ended) = session.subscribe(&self.options.subscriptions) {
                        return ended;
                    } else {
                        confirm_by = Some(Instant::now() + CONFIRM);
                    }
                }
                Incoming::Message { topic, payload, retained } => {
                    self.hand_over(topic, payload, retained);
                }
                Incoming::Subscribed(refusals) => {
                    for (filter, refusal) in self.options.subscriptions.iter().zip(refusals) {
                        if let Some(reason) = refusal {
                            (self.sink)(LinkEvent::Blind { filter: filter.clone(), reason });
                        }
                    }
                }
                Incoming::Other => {}
            }
        }
    }

    /// The link is up when it hears, not before: the library sends publishes past a subscription that waits, and the
    /// answer to what is said too early is heard by nobody.
    fn up(&self, session: &Session) {
        self.sender.send_replace(Some(session.sender()));
        (self.sink)(LinkEvent::Up);
    }

    fn hand_over(&self, topic: Bytes, payload: Bytes, retained: bool) {
        let event = match guard::open_quarantined(&topic, &payload) {
            None => LinkEvent::Message { topic, payload, retained },
            Some((length, original, sample)) => LinkEvent::Quarantined {
                topic: payload.slice_ref(original),
                sample: payload.slice_ref(sample),
                length,
                retained,
            },
        };
        (self.sink)(event);
    }

    /// Ends a session in which nothing has moved for several keep-alive periods, not even the keep-alive itself.
    async fn watch(&self) -> Ended {
        let period = Duration::from_secs(u64::from(self.options.keep_alive_s).max(1)) * STALLED_PERIODS;
        let mut seen = self.progress.load(Ordering::Relaxed);
        loop {
            tokio::time::sleep(period).await;
            let now = self.progress.load(Ordering::Relaxed);
            if now == seen {
                return Ended {
                    reason: format!("nothing has moved for {} s", period.as_secs()),
                    refused: false,
                    maybe_version: false,
                };
            }
            seen = now;
        }
    }
}

/// A delay of 75 to 125 percent.
fn spread(delay: Duration, state: &mut u64) -> Duration {
    // xorshift: chance good enough for delays.
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    delay * (75 + (*state % 51) as u32) / 100
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_are_spread_and_bounded() {
        let mut state = 42;
        let delays: Vec<_> = (0..200).map(|_| spread(Duration::from_secs(4), &mut state)).collect();
        assert!(delays.iter().all(|d| (3000..=5000).contains(&d.as_millis())));
        assert!(delays.iter().any(|d| d.as_millis() < 3500) && delays.iter().any(|d| d.as_millis() > 4500));
    }

    #[test]
    fn a_minute_of_failures_is_at_most_ten_attempts() {
        let earliest: u64 = DELAYS_S.iter().map(|s| s * 75 / 100).sum();
        assert!(earliest + 30 * 75 / 100 > 60 - 1, "six delays and one more fill a minute");
    }
}
