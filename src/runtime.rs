//! The one place that wires: threads, queues, the clock, shutdown.
//!
//! Three threads matter. The link's task decodes messages into the [`inbox`]; the desk ([`desk`]) owns the engine and
//! takes from the inbox; the writer puts events on disk and tells the desk how far it has come. Screens get snapshots
//! and never hold anybody up. In a replay a [`player`] stands in for the link.

mod answers;
pub mod archive;
pub mod clock;
mod desk;
pub mod headless;
mod inbox;
mod intake;
pub mod offline;
pub mod playback;
pub mod player;
mod prober;
pub mod random;
mod reach;
pub mod recorder;
mod seats;
pub mod signals;
pub mod socket;
mod stage;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use tokio::sync::{mpsc, watch};

use crate::actuate::probe::Door;
use crate::actuate::{Secrets, Ways};
use crate::domain::command::{Command, Refusal};
use crate::domain::ids::{Actor, Seq};
use crate::domain::input::{DrillStart, Input, Ticket};
use crate::domain::lens::Lens;
use crate::domain::replay::{Pacing, ReplayChange};
use crate::engine::snapshot::Snapshot;
use crate::engine::{Settings, State};
use crate::ingest::Ingest;
use crate::mqtt::{Link, LinkOptions};
use crate::store::writer::{Report, Writer};
use crate::store::{Log, StoreError};
use answers::Answers;
use clock::Clock;
use desk::Desk;
use inbox::Inbox;
use intake::Intake;
use player::{Player, Reel};
use prober::Prober;
use seats::Seats;
use socket::{Awaited, Place, Socket};
pub use stage::StageLink;

/// What a room is opened with.
pub struct StationOptions {
    /// The id of the log is filled in when the log is open.
    pub settings: Settings,
    pub log: PathBuf,
    pub source: Source,
    pub ingest: Ingest,
    pub drill: Option<DrillStart>,
    pub clock: Arc<Clock>,
    /// Finds a switch's secret by its name.
    pub secrets: Arc<Secrets>,
    /// Where other logins reach the room.
    pub socket: Option<Place>,
    /// Who carries out what the facilitator of a game day asks for.
    pub stage: Option<StageLink>,
}

/// Where a room has its messages from.
pub enum Source {
    Broker(LinkOptions),
    /// Nothing can be published in such a room: there is no link to do it with.
    Capture(Reel),
}

/// An answer to a command.
pub type Reply = (Ticket, Result<Seq, Refusal>);

/// Answers waiting for whoever asked.
const REPLIES: usize = 256;

/// Why a room cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Log(#[from] StoreError),
    #[error("this machine gives no more threads: {0}")]
    Thread(std::io::Error),
}

/// An open room.
pub struct Station {
    inbox: Arc<Inbox>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    desk: Option<JoinHandle<()>>,
    link: Option<Link>,
    socket: Option<Socket>,
    operator: Actor,
    /// The clock, where it may be paced.
    paced: Option<Arc<Clock>>,
}

impl Station {
    /// Opens the log, replays it, and connects. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// When the log is not fit to be used; nothing has been started then.
    pub fn open(options: StationOptions) -> Result<(Self, mpsc::Receiver<Reply>), OpenError> {
        let StationOptions { mut settings, log, source, ingest, drill, clock, secrets, socket, stage } = options;
        let (log, history) = Log::open(&log, &random::log_id())?;
        log.id().clone_into(&mut settings.log_id);
        settings.socket = socket.as_ref().map(|place| place.path.display().to_string()).unwrap_or_default();
        settings.socket_closed = socket.as_ref().and_then(reach::closed);
        let operator = Actor::Person(settings.operator.clone());
        let uid = settings.uid;

        let inbox = Arc::new(Inbox::default());
        let reports = inbox.clone();
        let writer = Writer::start(log, settings.history_s, move |report| {
            reports.push(match report {
                Report::Durable(seq) => Input::Durable(seq),
                Report::Health(health) => Input::Log(health),
            });
        })
        .map_err(OpenError::Thread)?;

        let watched: Watched = Arc::default();
        let (switches, names_per_site) = (settings.switches.clone(), settings.names_per_site);
        let state = State::replay(settings, &history, clock.now());
        drop(history);
        inbox.push(Input::Opened { version: env!("CARGO_PKG_VERSION").into(), drill });

        let answers = Answers::new(&switches, names_per_site);
        let intake = Intake {
            inbox: inbox.clone(),
            ingest: Mutex::new(ingest),
            clock: clock.clone(),
            watched: watched.clone(),
            answers,
        };
        let mut probe = None;
        let prober = match &source {
            Source::Broker(options) => Some(Prober::new(options)),
            Source::Capture(_) => None,
        };
        let (link, play) = match source {
            Source::Broker(mut options) => {
                probe = Some(Door { host: options.host.clone(), port: options.port, tls: options.tls.clone() });
                intake.answers.subscribe(&mut options.subscriptions);
                (Some(Link::start(options, move |event| intake.hear(event))), None)
            }
            Source::Capture(reel) => (None, Some((reel, intake))),
        };
        let ways = Ways { outbox: link.as_ref().map(Link::outbox), secrets, probe };
        let paced = play.is_some().then(|| clock.clone());
        let seats = Seats::default();
        if let Some(patience) = stage.as_ref().and_then(|stage| stage.lever) {
            tokio::spawn(seats.clone().watch(patience, inbox.clone()));
        }
        let (orders, news) = stage.map(|StageLink { orders, news, .. }| (orders, news)).unzip();
        if let Some(mut news) = news {
            let told = inbox.clone();
            tokio::spawn(async move {
                while let Some(news) = news.recv().await {
                    told.push(Input::Stage(news));
                }
            });
        }
        let (reply, replies) = mpsc::channel(REPLIES);
        let awaited = Awaited::default();
        let (desk, snapshots) = Desk::new(desk::Parts {
            state,
            inbox: inbox.clone(),
            writer,
            clock,
            ways,
            tokio: tokio::runtime::Handle::current(),
            reply,
            awaited: awaited.clone(),
            watched,
            stage: orders,
        });
        let desk =
            std::thread::Builder::new().name("desk".into()).spawn(move || desk.work()).map_err(OpenError::Thread)?;
        if let Some(prober) = prober {
            tokio::spawn(prober.run(inbox.clone(), snapshots.clone()));
        }
        if let Some((reel, intake)) = play {
            let player = Player::new(reel, intake, snapshots.clone(), tokio::runtime::Handle::current());
            // The thread ends with the capture, or soon after the room.
            let thread = std::thread::Builder::new().name("replay".into());
            thread.spawn(move || player.play()).map_err(OpenError::Thread)?;
        }
        let socket = socket.and_then(|place| {
            let opened = Socket::open(
                &place,
                inbox.clone(),
                snapshots.clone(),
                awaited,
                seats,
                (uid, operator.name().to_owned()),
            );
            opened.map_err(|problem| inbox.push(Input::Warned(problem))).ok()
        });
        Ok((Self { inbox, snapshots, desk: Some(desk), link, socket, operator, paced }, replies))
    }

    /// The newest snapshot, and word of newer ones. When the sender is gone, the desk has ended.
    pub fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshots.clone()
    }

    /// A way to ask for something; it outlives no room.
    pub fn asker(&self) -> Asker {
        Asker { inbox: self.inbox.clone(), operator: self.operator.clone(), paced: self.paced.clone() }
    }

    /// A way to close the record when the screen hangs and cannot.
    pub fn emergency(&self) -> Emergency {
        Emergency { inbox: self.inbox.clone(), snapshots: self.snapshots.clone() }
    }

    /// Closes the room: the last events are written, the log is whole, the broker is told goodbye.
    pub async fn close(mut self, reason: &str) {
        drop(self.socket.take());
        self.inbox.push(Input::Closing { reason: reason.to_owned() });
        self.inbox.close();
        if let Some(desk) = self.desk.take() {
            // A desk that panicked has said so through the panic hook.
            let _ = tokio::task::spawn_blocking(move || desk.join()).await;
        }
        if let Some(link) = self.link.take() {
            link.stop().await;
        }
    }
}

/// Closes a room from beside it.
pub struct Emergency {
    inbox: Arc<Inbox>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
}

impl Emergency {
    /// Ends the desk, and with it the log, and waits for that, for two seconds at most.
    pub async fn close(mut self, reason: &str) {
        self.inbox.push(Input::Closing { reason: reason.to_owned() });
        self.inbox.close();
        let ended = async { while self.snapshots.changed().await.is_ok() {} };
        // A disk that takes longer than this may take for ever.
        let _ = tokio::time::timeout(std::time::Duration::from_secs(2), ended).await;
    }
}

/// Asks the engine, in the name of the operator.
#[derive(Clone)]
pub struct Asker {
    inbox: Arc<Inbox>,
    operator: Actor,
    paced: Option<Arc<Clock>>,
}

impl Asker {
    /// Asks for a command; the answer comes with the same ticket. False when the room is closing or swamped.
    pub fn command(&self, ticket: Ticket, command: Command) -> bool {
        self.inbox.push(Input::Command { ticket, by: self.operator.clone(), command })
    }

    pub fn look(&self, lens: Lens) -> bool {
        self.inbox.push(Input::Look(lens))
    }

    /// Changes the pace of a replay; in any other room time is not to be changed.
    pub fn pace(&self, pacing: Pacing) -> bool {
        if let Some(clock) = &self.paced {
            let (speed, paused) = clock.pace(pacing);
            self.inbox.push(Input::Replay(ReplayChange::Pace { speed, paused }));
        }
        true
    }
}

/// The device that somebody looks at.
type Watched = Arc<Mutex<Option<String>>>;
