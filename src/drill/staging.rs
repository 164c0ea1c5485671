//! Staging: a game day on a broker that is not ours. Everything it does lies under a topic of its own, is written down
//! before it is done, and is undone at the end, or at the next start where the end never came.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::mqtt::{Link, LinkEvent, LinkOptions};

/// What a game day leaves on a broker until it is undone. Its file lies beside the game day's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Debt {
    /// The broker, as `mqtt://host:port`.
    pub broker: String,
    /// The first level of every topic of the game day.
    pub root: String,
    /// The process that runs it.
    pub pid: u32,
}

impl Debt {
    /// Where the debt of a game day is written down.
    pub fn path(log: &Path) -> PathBuf {
        log.with_extension("staging.json")
    }

    /// Writes it down, to the disk.
    ///
    /// # Errors
    /// When the file cannot be written; nothing may be published then.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)?;
        }
        let mut file = fs::File::create(path)?;
        file.write_all(&serde_json::to_vec(self).map_err(io::Error::other)?)?;
        file.sync_all()
    }

    /// Debts that game days have left in a directory, with their files.
    pub fn left(directory: &Path) -> Vec<(PathBuf, Self)> {
        let entries = fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path());
        let files = entries.filter(|path| path.to_string_lossy().ends_with(".staging.json"));
        let read = |path: PathBuf| Some((path.clone(), serde_json::from_slice(&fs::read(path).ok()?).ok()?));
        files.filter_map(read).collect()
    }
}

/// How long the broker has to let us in, and how long it may be silent until everything has come that it had in store.
const CONNECT: Duration = Duration::from_secs(10);
const QUIET: Duration = Duration::from_millis(700);
/// Looks until nothing is left: what was published in the last moment may come after the first.
const LOOKS: usize = 5;
/// Retained topics waiting to be cleared: the largest fleet's, and what was said to each device.
const TOPICS: usize = 262_144;

/// Removes every retained message under `root`, and looks again until there is none. `options` are for a client that may
/// read and write there; its subscriptions do not matter.
///
/// # Errors
/// When the broker does not let us in, or something is still there after several looks.
pub async fn clear(options: &LinkOptions, root: &str) -> Result<u32, String> {
    let mut cleared = 0;
    for _ in 0..LOOKS {
        let found = look(options, root).await?;
        if found == 0 {
            return Ok(cleared);
        }
        cleared += found;
    }
    Err(format!("something is still retained under {root} after {LOOKS} looks; is somebody else publishing there?"))
}

/// Clears what is retained now; tells how many messages that were.
async fn look(options: &LinkOptions, root: &str) -> Result<u32, String> {
    let (tell, mut told) = mpsc::channel(TOPICS);
    let options = LinkOptions {
        subscriptions: vec![format!("{root}/#")],
        client_id: format!("{}-clear", options.client_id),
        ..options.clone()
    };
    let link = Link::start(options, move |event| {
        // What finds no room here is found at the next look.
        let _ = tell.try_send(event);
    });
    let outbox = link.outbox();
    let mut patience = CONNECT;
    let mut found = 0;
    let result = loop {
        match tokio::time::timeout(patience, told.recv()).await {
            Ok(Some(LinkEvent::Up)) => patience = QUIET,
            Ok(Some(LinkEvent::Message { topic, payload, retained: true })) if !payload.is_empty() => {
                patience = QUIET;
                if let Ok(topic) = std::str::from_utf8(&topic)
                    && outbox.push(topic.to_owned(), Vec::new(), true).await
                {
                    found += 1;
                }
            }
            Ok(Some(LinkEvent::Down { reason, .. })) => break Err(reason),
            Ok(Some(LinkEvent::Blind { filter, reason })) => break Err(format!("{filter} is refused: {reason}")),
            Ok(Some(_)) => {}
            Ok(None) | Err(_) if patience == CONNECT => break Err("the broker does not answer".to_owned()),
            Ok(None) | Err(_) => break Ok(found),
        }
    };
    link.stop().await;
    result
}
