//! The socket of an open room: how a second person, a script or a facilitator reaches the engine that runs.
//!
//! One request a line, one answer a line, both JSON. Who asks says the system by the user of the connecting process, and
//! not a name in the request. Who may connect at all says the file's mode. Every connection is bounded in time, in bytes
//! and in number.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::time::timeout;

use super::inbox::Inbox;
use super::seats::Seats;
use crate::domain::command::{Approval, Command, LearningCommand, Refusal, RegulationCommand, SwitchCommand};
use crate::domain::drill::DrillCommand;
use crate::domain::ids::{Actor, IncidentId, Seq};
use crate::domain::input::{Input, Ticket};
use crate::domain::switch::SwitchId;
use crate::domain::text::visible_name;
use crate::engine::drill::view::Seat;
use crate::engine::snapshot::Snapshot;
use crate::limits;

/// How long a connection may be silent, and an answer may take.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long a new picture of the room may take.
const PICTURE: Duration = Duration::from_secs(2);
/// Tickets of the socket begin here; a screen's begin at one.
const FIRST_TICKET: u64 = 1 << 40;
/// Characters of a user's name.
const NAME: usize = 24;

/// Where a room's socket is, and who may reach it.
#[derive(Clone, Debug)]
pub struct Place {
    pub path: PathBuf,
    /// The mode of the file: 0o660 lets its group in.
    pub mode: u32,
}

/// What can be asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Request {
    /// The second person's yes.
    Approve {
        approval: u64,
        reason: String,
    },
    /// What waits for a second person.
    Requests,
    Note {
        incident: Option<IncidentId>,
        text: String,
    },
    /// Something about a postmortem, an action item or a cost.
    Learning {
        command: LearningCommand,
    },
    /// Something about a regulatory deadline.
    Regulation {
        command: RegulationCommand,
    },
    /// A switch was tested, and how that went.
    Tested {
        switch: String,
        environment: String,
        ok: bool,
        took_ms: u64,
        detail: String,
    },
    Acknowledge {
        incident: IncidentId,
    },
    /// Something that the facilitator of a game day does.
    Direct {
        command: DrillCommand,
    },
    /// What the facilitator sees, for one who sits.
    Watch,
}

/// What is answered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The event's number in the log: it is on disk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requests: Vec<Waiting>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seat: Option<Box<Seat>>,
}

/// A switch that waits for a second person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Waiting {
    pub approval: u64,
    pub switch: String,
    /// What it really does.
    pub effect: String,
    pub about: String,
    pub call: String,
    /// How many targets, and how they are now; and the last test of the switch.
    #[serde(default)]
    pub size: String,
    #[serde(default)]
    pub tested: String,
    pub by: String,
    pub left_s: i64,
}

/// Commands of the socket whose answers are awaited.
#[derive(Clone, Default)]
pub(super) struct Awaited(Arc<Mutex<HashMap<Ticket, Answered>>>);

type Answered = oneshot::Sender<Result<Seq, Refusal>>;

impl Awaited {
    /// Gives an answer to whoever waits for it here; false where nobody does.
    pub(super) fn give(&self, ticket: Ticket, result: &Result<Seq, Refusal>) -> bool {
        let waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&ticket);
        // Whoever asked may have gone.
        waiting.is_some_and(|sender| sender.send(result.clone()).is_ok())
    }
}

/// The open socket. It is gone when this is dropped.
pub(super) struct Socket {
    path: PathBuf,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.task.abort();
        // Nobody answers there any more.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// What connections share.
#[derive(Clone)]
struct Desk {
    inbox: Arc<Inbox>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    awaited: Awaited,
    tickets: Arc<AtomicU64>,
    seats: Seats,
    /// The user of this room, and what they are called here.
    own: (u32, String),
}

impl Socket {
    /// Opens the socket. The room's log is locked by now, so that one that is left there is nobody's.
    ///
    /// # Errors
    /// Why there can be none; the room goes on without.
    pub(super) fn open(
        place: &Place,
        inbox: Arc<Inbox>,
        snapshots: watch::Receiver<Arc<Snapshot>>,
        awaited: Awaited,
        seats: Seats,
        own: (u32, String),
    ) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("no socket at {}: {error}", place.path.display());
        match std::fs::remove_file(&place.path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        let listener = UnixListener::bind(&place.path).map_err(failed)?;
        std::fs::set_permissions(&place.path, std::fs::Permissions::from_mode(place.mode)).map_err(failed)?;
        let desk = Desk { inbox, snapshots, awaited, tickets: Arc::new(AtomicU64::new(FIRST_TICKET)), seats, own };
        let places = Arc::new(Semaphore::new(limits::SOCKET_CONNECTIONS));
        let task = tokio::spawn(async move {
            loop {
                let Ok(place) = places.clone().acquire_owned().await else { return };
                match listener.accept().await {
                    Ok((stream, _)) => {
                        let desk = desk.clone();
                        tokio::spawn(async move {
                            // A connection that breaks has nobody left to tell.
                            let _ = desk.serve(stream).await;
                            drop(place);
                        });
                    }
                    // Out of files, for one: others may close theirs.
                    Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
                }
            }
        });
        Ok(Self { path: place.path.clone(), task })
    }
}

impl Desk {
    async fn serve(&self, stream: UnixStream) -> std::io::Result<()> {
        let uid = stream.peer_cred()?.uid();
        let (read, mut write) = stream.into_split();
        let mut lines = tokio::io::BufReader::new(read.take(limits::SOCKET_BYTES)).lines();
        while let Ok(Ok(Some(line))) = timeout(PATIENCE, lines.next_line()).await {
            let answer = match serde_json::from_str(&line) {
                Ok(request) => self.answer(request, uid).await,
                Err(error) => Answer { error: Some(format!("this is no request: {error}")), ..Answer::default() },
            };
            let mut text = serde_json::to_string(&answer)?;
            text.push('\n');
            timeout(PATIENCE, write.write_all(text.as_bytes())).await??;
        }
        Ok(())
    }

    async fn answer(&self, request: Request, uid: u32) -> Answer {
        let by = self.name(&request, uid);
        let command = match request {
            Request::Watch => return self.watch(&by).await,
            Request::Requests => return self.requests(),
            Request::Approve { approval, reason } => {
                Command::Switch(SwitchCommand::Approve(Approval { approval, uid, reason }))
            }
            Request::Note { incident, text } => Command::Note { incident, text },
            Request::Tested { switch, environment, ok, took_ms, detail } => {
                let switch = SwitchId(visible_name(&switch, limits::VALUE).into_owned());
                let environment = visible_name(&environment, limits::VALUE).into_owned();
                Command::Switch(SwitchCommand::Tested { switch, environment, ok, took_ms, detail })
            }
            Request::Learning { command } => Command::Learning(command),
            Request::Regulation { command } => Command::Regulation(command),
            Request::Acknowledge { incident } => Command::Acknowledge(incident),
            Request::Direct { command } => {
                if command == DrillCommand::Leave {
                    self.seats.left(&by);
                }
                Command::Drill(command)
            }
        };
        let ticket = Ticket(self.tickets.fetch_add(1, Ordering::Relaxed));
        let (sender, answered) = oneshot::channel();
        self.awaited.0.lock().unwrap_or_else(PoisonError::into_inner).insert(ticket, sender);
        let taken = self.inbox.push(Input::Command { ticket, by: Actor::Person(by), command });
        let answer = if taken { timeout(PATIENCE, answered).await.ok().and_then(Result::ok) } else { None };
        self.awaited.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&ticket);
        match answer {
            Some(Ok(seq)) => Answer { recorded: Some(seq.0), ..Answer::default() },
            Some(Err(refusal)) => Answer { error: Some(refusal.0), ..Answer::default() },
            None => Answer { error: Some("the room does not answer; it may be closing".into()), ..Answer::default() },
        }
    }

    /// What who asks is called here. A facilitator who is the same user as the responder is somebody else all the same:
    /// the responder's screen shows nothing that they see.
    fn name(&self, request: &Request, uid: u32) -> String {
        match request {
            _ if uid != self.own.0 => user_name(uid),
            Request::Direct { .. } | Request::Watch => format!("{} (facilitator)", self.own.1),
            _ => self.own.1.clone(),
        }
    }

    /// The game day for one who has taken the facilitator's seat, which is on the record.
    async fn watch(&self, name: &str) -> Answer {
        let mut snapshots = self.snapshots.clone();
        let sits = |snapshot: &Arc<Snapshot>| {
            let day = snapshot.game_day.as_ref().map(|view| &view.day);
            day.is_some_and(|day| day.facilitators.iter().any(|known| known == name))
        };
        // Who has sat down just now may be quicker than the picture.
        let seen = timeout(PICTURE, snapshots.wait_for(sits)).await.ok().and_then(Result::ok).map(|seen| seen.clone());
        let Some(view) = seen.and_then(|snapshot| snapshot.game_day.clone()) else {
            return Answer { error: Some("take the facilitator's seat first".into()), ..Answer::default() };
        };
        self.seats.seen(name, Instant::now());
        let seat = Seat { name: name.to_owned(), view: (*view).clone() };
        Answer { seat: Some(Box::new(seat)), ..Answer::default() }
    }

    fn requests(&self) -> Answer {
        let snapshot = self.snapshots.borrow().clone();
        let waiting = |request: &crate::engine::switches::Request| Waiting {
            approval: request.approval,
            switch: request.arming.switch.label.clone(),
            effect: request.arming.switch.effect.clone(),
            about: request.arming.preview.about(),
            call: request.arming.preview.call.clone(),
            size: request.arming.preview.size(),
            tested: snapshot
                .tests
                .get(&request.arming.switch.id)
                .map_or_else(|| "never".into(), |tested| tested.words(snapshot.at)),
            by: request.arming.by.name().to_owned(),
            left_s: request.expires.since_s(snapshot.at).max(0) / snapshot.pace,
        };
        Answer { requests: snapshot.requests.iter().map(waiting).collect(), ..Answer::default() }
    }
}

/// What this machine calls a user.
fn user_name(uid: u32) -> String {
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let named = passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, _, id) = (fields.next()?, fields.next()?, fields.next()?);
        (id.parse() == Ok(uid)).then(|| visible_name(name, NAME).into_owned())
    });
    // A user of a directory service has no line there; the number is who they are all the same.
    named.unwrap_or_else(|| format!("user {uid}"))
}

/// Asks the room that has this socket.
///
/// # Errors
/// None where no room is open there; otherwise why it could not be asked.
pub fn ask(path: &Path, request: &Request) -> Result<Option<Answer>, String> {
    use std::io::ErrorKind::{ConnectionRefused, NotFound, PermissionDenied};
    let stream = match std::os::unix::net::UnixStream::connect(path) {
        Ok(stream) => stream,
        Err(error) if matches!(error.kind(), NotFound | ConnectionRefused) => return Ok(None),
        Err(error) if error.kind() == PermissionDenied => {
            let mend = "whoever runs the room has to let you in, under [switches]: socket in a directory that you may \
                        enter, and socket_mode \"0660\" with a group that you share, or \"0666\"";
            return Err(format!("you may not reach the room at {}: {mend}", path.display()));
        }
        Err(error) => return Err(format!("the room at {} cannot be reached: {error}", path.display())),
    };
    let asked = || -> std::io::Result<Answer> {
        stream.set_read_timeout(Some(PATIENCE + Duration::from_secs(5)))?;
        let mut line = serde_json::to_string(request)?;
        line.push('\n');
        (&stream).write_all(line.as_bytes())?;
        let mut answer = String::new();
        BufReader::new(&stream).read_line(&mut answer)?;
        Ok(serde_json::from_str(&answer)?)
    };
    asked().map(Some).map_err(|error| format!("the room at {} did not answer: {error}", path.display()))
}
