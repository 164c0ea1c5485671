//! A session at the terminal: a room opened, a screen on it, and an orderly end whatever ends it.

use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use super::{Common, Failure};
use crate::config::Config;
use crate::domain::command::Command;
use crate::domain::drill::DrillCommand;
use crate::domain::ids::IncidentId;
use crate::domain::input::Ticket;
use crate::domain::lens::Lens;
use crate::domain::text::visible_name;
use crate::domain::time::At;
use crate::engine::snapshot::Snapshot;
use crate::runtime::archive::Archive;
use crate::runtime::{Station, StationOptions, signals};
use crate::tui::action::Keymap;
use crate::tui::app::{App, Request};
use crate::tui::theme::Theme;
use crate::tui::ui::View;
use crate::tui::{self, Ended, Port, terminal};

/// Time for a screen to end by itself after a signal; a terminal that takes no bytes can hold it for ever.
const GRACE: Duration = Duration::from_secs(2);

/// How the screen looks and what it answers to, checked before anything is opened.
pub(super) struct Look {
    theme: Theme,
    keymap: Keymap,
    group_by: Vec<String>,
    /// Whether the terminal's bell rings.
    bell: bool,
    /// The person sits down as the facilitator of a game day.
    pub(super) facilitator: bool,
}

impl Look {
    /// What an application is made of, beside its first picture.
    pub(super) fn into_parts(self) -> (Vec<String>, Theme, Keymap) {
        (self.group_by, self.theme, self.keymap)
    }

    pub(super) fn new(common: &Common, config: &Config) -> Result<Self, Failure> {
        if !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal() {
            return Err(Failure::Usage("the room needs a terminal; input or output is not one".into()));
        }
        if std::env::var("TERM").is_ok_and(|term| term == "dumb") {
            return Err(Failure::Usage("TERM=dumb cannot show the room; set TERM to what the terminal is".into()));
        }
        let (theme, keymap) = dress(common, config)?;
        let (bell, group_by) = (config.screen.bell && !common.quiet, config.screen.group_by.get_ref().clone());
        Ok(Self { theme, keymap, group_by, bell, facilitator: false })
    }
}

/// The colours and the keys that were asked for.
pub(super) fn dress(common: &Common, config: &Config) -> Result<(Theme, Keymap), Failure> {
    // A theme that was asked for by name goes before NO_COLOR.
    let no_color = common.theme.is_none() && std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let name = common.theme.as_ref().unwrap_or(&config.screen.theme);
    let theme = Theme::find(name, no_color).map_err(Failure::Usage)?;
    Ok((theme, Keymap::new(&config.screen.keys, common.read_only).map_err(Failure::Usage)?))
}

/// Who is at the keys: as configured, or the login name.
pub(super) fn operator(config: &Config) -> String {
    let login = || std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).unwrap_or_else(|_| "operator".into());
    let name = config.operator.clone().unwrap_or_else(login);
    visible_name(&name, 24).into_owned()
}

/// How fast the time of a drill or a replay runs.
pub(super) fn speed(text: &str) -> Result<f64, String> {
    let speed: f64 = text.parse().map_err(|_| format!("`{text}` is not a number"))?;
    if (0.5..=60.0).contains(&speed) { Ok(speed) } else { Err("expected 0.5 to 60 times the speed of life".into()) }
}

/// The runtime that everything asynchronous runs on.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let built = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    built.map_err(|error| Failure::Run(format!("this machine gives no threads: {error}")))
}

/// Opens a room and runs a screen on it until somebody leaves.
pub(super) async fn run(options: StationOptions, look: Look) -> Result<(), Failure> {
    let archive = Arc::new(Archive::new(&options.log, options.settings.clone()));
    let (station, replies) = Station::open(options).map_err(|error| Failure::Usage(error.to_string()))?;
    let snapshots = station.snapshots();
    let first = snapshots.borrow().clone();
    let mut app = App::new(first, look.group_by, look.theme, look.keymap);
    if !look.bell {
        app.silence();
    }
    let asker = station.asker();
    if look.facilitator {
        asker.command(Ticket(0), Command::Drill(DrillCommand::Sit));
        app.ui.go(View::Drill);
    }
    let (past, pasts) = tokio::sync::mpsc::channel(PASTS);
    let newest = snapshots.clone();
    let port = Port {
        snapshots: snapshots.clone(),
        replies,
        pasts,
        ask: Box::new(move |request| match request {
            Request::Past { at, lens, incident } => {
                look_back(&archive, &past, (at, lens, incident), newest.borrow().at)
            }
            Request::Command(ticket, command) => asker.command(ticket, command),
            Request::Look(lens) => asker.look(lens),
            Request::Pace(pacing) => asker.pace(pacing),
            Request::Copy(_) | Request::Bell | Request::Redraw | Request::Quit => true,
        }),
    };
    let (asked, was_asked) = tokio::sync::watch::channel(None);
    let emergency = station.emergency();
    tokio::spawn(async move {
        let Ok(reason) = signals::asked_to_end().await else { return };
        asked.send_replace(Some(reason));
        tokio::time::sleep(GRACE).await;
        // Still here: the screen hangs on its terminal. The record is closed without it.
        emergency.close(reason).await;
        terminal::give_back();
        std::process::exit(0);
    });
    let mut stop = was_asked.clone();
    let ended = tui::run(app, port, async move { drop(stop.wait_for(Option::is_some).await) }).await;
    let signal: Option<&str> = *was_asked.borrow();
    let reason = match (&ended, signal) {
        (_, Some(signal)) => signal,
        (Ok(Ended::Left), None) => "left",
        (Ok(Ended::TerminalGone), None) => "the terminal is gone",
        (Ok(Ended::RoomGone), None) => "the room ended by itself",
        (Err(_), None) => "no terminal",
    };
    station.close(reason).await;
    match ended {
        Ok(Ended::Left | Ended::TerminalGone) => Ok(()),
        Ok(Ended::RoomGone) => Err(Failure::Run("the room ended by itself; what was recorded is safe".into())),
        Err(error) => Err(Failure::Usage(error.to_string())),
    }
}

/// Pictures of the past on their way to the screen. More than a few are asked for only by a held key.
const PASTS: usize = 16;

type PastSender = tokio::sync::mpsc::Sender<(At, Result<Arc<Snapshot>, String>)>;

/// Reads the past beside the room, and sends the picture to the screen.
fn look_back(
    archive: &Arc<Archive>,
    past: &PastSender,
    (at, lens, incident): (At, Lens, Option<IncidentId>),
    now: At,
) -> bool {
    let (archive, past) = (archive.clone(), past.clone());
    tokio::task::spawn_blocking(move || {
        let made = archive.snapshot(at, now, &lens, incident).map(Arc::new);
        // A screen that is gone, or has too many pictures to look at, does without.
        drop(past.try_send((at, made.map_err(|error| error.to_string()))));
    });
    true
}

/// Opens a screen on the past of a log alone: nothing is connected, and nothing can be changed.
pub(super) async fn run_past(
    archive: Archive,
    look: Look,
    incident: IncidentId,
    at: At,
    end: At,
) -> Result<(), Failure> {
    let archive = Arc::new(archive);
    let lens = Lens { group_by: look.group_by.clone(), ..Lens::default() };
    let last = archive.snapshot(end, end, &lens, Some(incident))?;
    let (_live, snapshots) = tokio::sync::watch::channel(Arc::new(Snapshot { past: None, ..last }));
    let (past, pasts) = tokio::sync::mpsc::channel(PASTS);
    // Nobody answers commands, because nobody can give one.
    let (_answers, replies) = tokio::sync::mpsc::channel(1);
    let mut app = App::new(snapshots.borrow().clone(), look.group_by, look.theme, look.keymap);
    app.open_at(incident, at);
    let port = Port {
        snapshots,
        replies,
        pasts,
        ask: Box::new(move |request| match request {
            Request::Past { at, lens, incident } => look_back(&archive, &past, (at, lens, incident), end),
            _ => true,
        }),
    };
    // There is no room that would wake the screen with something new.
    for request in app.requests() {
        (port.ask)(request);
    }
    let stop = async { drop(signals::asked_to_end().await) };
    tui::run(app, port, stop).await.map(drop).map_err(|error| Failure::Usage(error.to_string()))
}

/// Seconds of a drill or a session, for the last line.
pub(super) fn spent(clock: &Arc<crate::runtime::clock::Clock>, began: crate::domain::time::At) -> String {
    tui::format::duration(clock.now().since_s(began))
}
