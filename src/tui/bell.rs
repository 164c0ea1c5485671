//! The bell of the terminal: it rings when somebody has to look who may look elsewhere.
//!
//! It rings once for each thing: a new alert that nobody has declared, a new incident of the two worst severities, a request
//! for a second person, and what becomes overdue. The byte itself is written by the loop in `tui`, and by nobody else.

use crate::domain::due::DueKind;
use crate::domain::incident::Severity;
use crate::engine::snapshot::Snapshot;

/// What has been seen so far; what was there when the screen opened is no news.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Bell {
    silent: bool,
    seen: Seen,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Seen {
    alert: u32,
    incident: u32,
    request: u64,
    overdue: usize,
}

impl Seen {
    fn of(snapshot: &Snapshot) -> Self {
        let bad = |severity: Severity| severity <= Severity::Sev2;
        let incidents = snapshot.incidents.values().filter(|incident| incident.is_open() && bad(incident.severity));
        let told = |kind: DueKind| matches!(kind, DueKind::Regulatory | DueKind::Escalation | DueKind::Update);
        Self {
            alert: snapshot.loose_alerts().map(|alert| alert.id.0).max().unwrap_or_default(),
            incident: incidents.map(|incident| incident.id.0).max().unwrap_or_default(),
            request: snapshot.requests.iter().map(|request| request.approval).max().unwrap_or_default(),
            overdue: snapshot.due.iter().filter(|due| told(due.kind) && due.is_overdue(snapshot.at)).count(),
        }
    }
}

impl Bell {
    pub(super) fn new(snapshot: &Snapshot) -> Self {
        Self { silent: false, seen: Seen::of(snapshot) }
    }

    pub(super) const fn silence(&mut self) {
        self.silent = true;
    }

    /// Whether a newer snapshot has news that it rings for.
    pub(super) fn rings(&mut self, snapshot: &Snapshot) -> bool {
        let (before, now) = (self.seen, Seen::of(snapshot));
        // What was seen once stays seen; what is overdue no longer may be so again.
        self.seen = Seen {
            alert: before.alert.max(now.alert),
            incident: before.incident.max(now.incident),
            request: before.request.max(now.request),
            overdue: now.overdue,
        };
        let news = now.alert > before.alert
            || now.incident > before.incident
            || now.request > before.request
            || now.overdue > before.overdue;
        news && !self.silent
    }
}
