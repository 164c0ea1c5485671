//! `warroom drill --join`: the facilitator's seat in a game day that runs in another terminal, from a login of their own.
//!
//! The room is asked for a picture twice a second; that is how it knows too that the facilitator is still there.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::sleep;

use crate::cli::session::{self, Look};
use crate::cli::{Common, Failure};
use crate::config::paths;
use crate::domain::command::{Command, Refusal};
use crate::domain::drill::DrillCommand;
use crate::domain::ids::Seq;
use crate::domain::input::{LinkChange, Ticket};
use crate::engine::drill::view::Seat;
use crate::engine::snapshot::Snapshot;
use crate::runtime::signals;
use crate::runtime::socket::{self, Answer, Request};
use crate::tui::app::{App, Request as Wanted};
use crate::tui::ui::View;
use crate::tui::{self, Ended, Port};

/// Between two pictures.
const LOOK: Duration = Duration::from_millis(500);
/// Times in a row that the room may be away before the seat is given up.
const PATIENCE: u32 = 20;

/// Answers and pictures on their way to the screen.
const QUEUE: usize = 64;

pub(super) fn run(common: &Common, socket: Option<&Path>) -> Result<(), Failure> {
    let config = common.config()?.unwrap_or_default();
    let look = Look::new(common, &config)?;
    let path = match socket {
        Some(path) => path.to_owned(),
        None => {
            let data = common.data_directory();
            let none = || Failure::Usage(format!("no drill has been run in {}; give its --socket", data.display()));
            config.socket(&paths::newest_drill(&data).ok_or_else(none)?)
        }
    };
    let sat = ask(&path, &Request::Direct { command: DrillCommand::Sit }).map_err(Failure::Usage)?;
    if let Some(error) = sat.error {
        return Err(Failure::Usage(error));
    }
    let first = seat(&path).map_err(Failure::Run)?;
    let title = first.view.day.plan.title.clone();
    let left = session::runtime()?.block_on(sit(path, look, Snapshot::joined(&first)))?;
    say!("{left}: {title}");
    Ok(())
}

/// Asks the room, and takes silence for an error.
fn ask(path: &Path, request: &Request) -> Result<Answer, String> {
    let answer = socket::ask(path, request)?;
    answer.ok_or_else(|| format!("no drill is running here: nobody answers at {}", path.display()))
}

fn seat(path: &Path) -> Result<Seat, String> {
    let answer = ask(path, &Request::Watch)?;
    let nothing = || answer.error.clone().unwrap_or_else(|| "the room has no game day".into());
    answer.seat.map(|seat| *seat).ok_or_else(nothing)
}

/// Runs the screen until somebody leaves it, or the room is gone; tells which.
async fn sit(path: PathBuf, look: Look, first: Snapshot) -> Result<&'static str, Failure> {
    let (pictures, snapshots) = watch::channel(Arc::new(first));
    let (answers, replies) = mpsc::channel(QUEUE);
    // The past is looked at in the room, or in its log afterwards.
    let (_past, pasts) = mpsc::channel(1);
    let (gone, room_gone) = oneshot::channel();
    tokio::spawn(look_on(path.clone(), pictures, gone));
    let (group_by, theme, keymap) = look.into_parts();
    let mut app = App::new(snapshots.borrow().clone(), group_by, theme, keymap);
    app.ui.go(View::Drill);
    let asked = path.clone();
    let port = Port {
        snapshots,
        replies,
        pasts,
        ask: Box::new(move |request| {
            if let Wanted::Command(ticket, Command::Drill(command)) = request {
                tokio::spawn(carry(asked.clone(), ticket, command, answers.clone()));
            }
            true
        }),
    };
    let (lost, was_lost) = watch::channel(false);
    let stop = async move {
        tokio::select! {
            _ = room_gone => drop(lost.send_replace(true)),
            // A terminal that is lost is no facilitator who leaves: the room is not told.
            _ = signals::asked_to_end() => {}
        }
    };
    let ended = tui::run(app, port, stop).await.map_err(|error| Failure::Usage(error.to_string()))?;
    if *was_lost.borrow() {
        return Ok("the room of the game day is gone");
    }
    match ended {
        Ended::Left => {
            let leave = Request::Direct { command: DrillCommand::Leave };
            let told = tokio::task::spawn_blocking(move || ask(&path, &leave)).await;
            let told = told.is_ok_and(|answer| answer.is_ok_and(|answer| answer.error.is_none()));
            Ok(if told { "left the facilitator's seat" } else { "left, and the room does not know" })
        }
        Ended::TerminalGone | Ended::RoomGone => Ok("the terminal is gone"),
    }
}

/// Fetches picture after picture, until the room is gone for good or the screen has ended.
async fn look_on(path: PathBuf, pictures: watch::Sender<Arc<Snapshot>>, gone: oneshot::Sender<()>) {
    let mut away = 0;
    while away < PATIENCE && !pictures.is_closed() {
        let asked = path.clone();
        let seen = tokio::task::spawn_blocking(move || seat(&asked)).await;
        match seen.map_err(|error| error.to_string()).and_then(|seen| seen) {
            Ok(seat) => {
                away = 0;
                pictures.send_replace(Arc::new(Snapshot::joined(&seat)));
            }
            Err(reason) => {
                away += 1;
                let last = pictures.borrow().clone();
                let link = crate::engine::Link {
                    state: LinkChange::Down { reason, retry_ms: LOOK.as_millis() as u64 },
                    since: last.at,
                    ..last.link.clone()
                };
                pictures.send_replace(Arc::new(Snapshot { link, ..(*last).clone() }));
            }
        }
        sleep(LOOK).await;
    }
    // A screen that has ended does not wait for this.
    let _ = gone.send(());
}

/// Takes a command to the room, and its answer back to the screen.
async fn carry(
    path: PathBuf,
    ticket: Ticket,
    command: DrillCommand,
    answers: mpsc::Sender<(Ticket, Result<Seq, Refusal>)>,
) {
    let asked = tokio::task::spawn_blocking(move || ask(&path, &Request::Direct { command })).await;
    let answer = match asked.map_err(|error| error.to_string()).and_then(|answer| answer) {
        Ok(Answer { recorded: Some(seq), .. }) => Ok(Seq(seq)),
        Ok(Answer { error, .. }) => Err(Refusal::new(error.unwrap_or_else(|| "the room did not say".into()))),
        Err(reason) => Err(Refusal::new(reason)),
    };
    // The screen may have ended meanwhile.
    let _ = answers.send((ticket, answer)).await;
}
