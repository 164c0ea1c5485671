//! The screen: what a person sees and presses. It knows the engine's snapshot and commands, and nothing behind them.
//!
//! Reading order: [`app`] for the application without a terminal, [`action`] for the one table of what can be done,
//! [`screens`] for what stands where, and [`run`] below for the loop that puts it on a terminal.

pub mod action;
pub mod app;
mod bell;
pub mod format;
pub mod input;
pub mod key;
pub mod layout;
pub mod overlays;
pub mod scene;
pub mod screens;
mod submit;
pub mod terminal;
pub mod theme;
pub mod ui;
pub mod update;
pub mod widgets;

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

use crate::domain::command::Refusal;
use crate::domain::ids::Seq;
use crate::domain::input::Ticket;
use crate::domain::time::At;
use crate::engine::snapshot::Snapshot;
use crate::limits;
use app::{App, Request};
use input::Input;
use terminal::Taken;

/// Answers to commands, as the room gives them.
pub type Replies = mpsc::Receiver<(Ticket, Result<Seq, Refusal>)>;

/// Pictures of the past, each with the moment that was asked for, or why there is none.
pub type Pasts = mpsc::Receiver<(At, Result<Arc<Snapshot>, String>)>;

/// What a screen is connected to.
pub struct Port {
    pub snapshots: watch::Receiver<Arc<Snapshot>>,
    pub replies: Replies,
    /// The room as it was, with the moment it was asked for.
    pub pasts: Pasts,
    /// Takes a request to the engine; false when it could not be taken.
    pub ask: Box<dyn Fn(Request) -> bool + Send>,
}

/// Why a screen ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Somebody wanted to leave.
    Left,
    /// The terminal is gone, or cannot be written to.
    TerminalGone,
    /// The room has ended by itself: that is an error of ours.
    RoomGone,
}

/// Keys waiting to be taken.
const KEYS: usize = 256;
/// What a key did on this side is drawn after this; keys that come together share a frame.
const KEY_FRAME: Duration = Duration::from_millis(15);
/// For so long after a key, snapshots are drawn as they come.
const LIVELY: Duration = Duration::from_millis(600);

/// Runs a screen on the terminal until it ends, or until `stop` is done.
///
/// # Errors
/// When there is no terminal to run on.
pub async fn run(mut app: App, mut port: Port, stop: impl Future<Output = ()>) -> std::io::Result<Ended> {
    let mut resized = signal(SignalKind::window_change())?;
    let mut taken = Taken::take()?;
    let (keys, mut inputs) = mpsc::channel(KEYS);
    // The thread blocks in its read; it ends with the process, or with the terminal.
    std::thread::Builder::new().name("keys".into()).spawn(move || input::read(&keys))?;
    tokio::pin!(stop);
    let mut next_frame = Some(Instant::now());
    let mut pressed = Instant::now();
    loop {
        let due = next_frame.unwrap_or_else(|| Instant::now() + Duration::from_secs(3600));
        tokio::select! {
            biased;
            () = &mut stop => return Ok(Ended::Left),
            input = inputs.recv() => match input {
                Some(Input::Gone) | None => return Ok(Ended::TerminalGone),
                Some(input) => {
                    pressed = Instant::now();
                    match input {
                        Input::Key(key) => app.press(key),
                        Input::Paste(text) => app.paste(&text),
                        Input::Gone => {}
                    }
                }
            },
            _ = resized.recv() => {
                app.resized();
                if taken.screen.resize(terminal::size()).is_err() {
                    return Ok(Ended::TerminalGone);
                }
            }
            Some((ticket, result)) = port.replies.recv() => app.reply(ticket, &result),
            Some((at, result)) = port.pasts.recv() => app.receive_past(at, result),
            changed = port.snapshots.changed() => {
                if changed.is_err() {
                    return Ok(Ended::RoomGone);
                }
                let snapshot = port.snapshots.borrow_and_update().clone();
                // Seconds are drawn when they come, and so is what a key may have caused; the rest may wait.
                let at_once = snapshot.at.second() != app.snapshot.at.second() || pressed.elapsed() < LIVELY;
                app.receive(snapshot);
                pass_on(&mut app, &port)?;
                let soon = Instant::now() + if at_once { Duration::ZERO } else { limits::FRAME };
                next_frame = Some(next_frame.map_or(soon, |due| due.min(soon)));
                continue;
            }
            () = sleep_until(due) => {
                next_frame = None;
                let drawn = taken.screen.draw(|frame| app.draw(frame.area(), frame.buffer_mut()));
                if drawn.is_err() {
                    return Ok(Ended::TerminalGone);
                }
                continue;
            }
        }
        match pass_on(&mut app, &port)? {
            Passed::Quit => return Ok(Ended::Left),
            Passed::Redraw => {
                if taken.screen.clear().is_err() {
                    return Ok(Ended::TerminalGone);
                }
            }
            Passed::On => {}
        }
        let soon = Instant::now() + KEY_FRAME;
        next_frame = Some(next_frame.map_or(soon, |due| due.min(soon)));
    }
}

enum Passed {
    On,
    Redraw,
    Quit,
}

/// Hands the application's requests to whom they are for.
fn pass_on(app: &mut App, port: &Port) -> std::io::Result<Passed> {
    let mut passed = Passed::On;
    for request in app.requests() {
        match request {
            Request::Quit => return Ok(Passed::Quit),
            Request::Redraw => passed = Passed::Redraw,
            Request::Copy(text) => copy(&text)?,
            Request::Bell => ring()?,
            request => {
                if !(port.ask)(request) {
                    let now = app.snapshot.at;
                    app.ui.say("the room is swamped and did not take this; try again", true, now);
                }
            }
        }
    }
    Ok(passed)
}

/// Puts text on the clipboard by OSC 52, which also works over SSH.
fn copy(text: &str) -> std::io::Result<()> {
    let encoded = base64::engine::general_purpose::STANDARD.encode(text);
    let mut stdout = std::io::stdout().lock();
    write!(stdout, "\x1b]52;c;{encoded}\x07")?;
    stdout.flush()
}

/// Rings the terminal's bell.
fn ring() -> std::io::Result<()> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(b"\x07")?;
    stdout.flush()
}
