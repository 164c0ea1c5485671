//! The past of a log: snapshots of moments that have gone, read from the file beside whoever writes it.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::domain::event::Record;
use crate::domain::ids::IncidentId;
use crate::domain::lens::Lens;
use crate::domain::rollup::Rollup;
use crate::domain::time::At;
use crate::engine::snapshot::Snapshot;
use crate::engine::{Settings, past};
use crate::store::{StoreError, history, read};

/// A log that is looked back into.
pub struct Archive {
    path: PathBuf,
    settings: Settings,
    loaded: Mutex<Option<Loaded>>,
}

/// What was read last; the next step back is close to it.
struct Loaded {
    records: Vec<Record>,
    /// The moment the records go up to: asked for a later one, they are read again.
    until: At,
    rollups: Vec<Rollup>,
    span: (At, At),
}

/// Seconds of history read beyond what one picture needs, on both sides: steps to and fro stay within it.
const SLACK_S: i64 = 1_800;

impl Archive {
    pub fn new(path: &Path, settings: Settings) -> Self {
        Self { path: path.to_owned(), settings, loaded: Mutex::new(None) }
    }

    /// The room at a moment; `now` is when it is asked for. Reads files: not for a thread that others wait for.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn snapshot(&self, at: At, now: At, lens: &Lens, incident: Option<IncidentId>) -> Result<Snapshot, StoreError> {
        let mut guard = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        let records = match guard.take() {
            Some(loaded) if at <= loaded.until => Ok((loaded.records, loaded.until, loaded.rollups, loaded.span)),
            _ => read::open(&self.path).map(|chain| (chain.records, now, Vec::new(), (now, now))),
        };
        let (records, until, mut rollups, mut span) = records?;
        let window = past::window(&records, incident, now);
        let at = at.clamp(window.0, window.1.max(window.0));
        let wanted = (at.plus_s(-past::reach(lens)), at);
        if wanted.0 < span.0 || wanted.1 > span.1 {
            span = (wanted.0.plus_s(-SLACK_S), wanted.1.plus_s(SLACK_S).min(now));
            rollups = history::between(&self.path, span.0, span.1)?;
        }
        let snapshot = past::snapshot(self.settings.clone(), &records, &rollups, lens, at, window);
        *guard = Some(Loaded { records, until, rollups, span });
        Ok(snapshot)
    }
}
