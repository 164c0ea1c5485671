//! What one person at one screen is doing: where they look, what is open above it, what they have typed so far.
//!
//! None of it is on the record, and none of it is shared: two screens on one room have two of these.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::action::Action;
use super::key::Key;
use super::overlays::Overlay;
use crate::domain::alert::Alert;
use crate::domain::cohort::CohortKey;
use crate::domain::ids::IncidentId;
use crate::domain::incident::Incident;
use crate::domain::lens::Filter;
use crate::domain::signal::Signal;
use crate::domain::time::At;
use crate::engine::snapshot::Snapshot;

/// The screens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum View {
    #[default]
    Room,
    Fleet,
    Runbook,
    Timeline,
    Updates,
    Switches,
    Drill,
    Metrics,
}

/// The part of a screen that has the keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pane {
    #[default]
    Cohorts,
    Devices,
    Runbook,
    Timeline,
    Updates,
    Switches,
    Drill,
    Metrics,
}

impl View {
    /// The panes of a screen, in the order that Tab goes round. The room has a runbook when it has an incident.
    const fn panes(self, has_incident: bool) -> &'static [Pane] {
        match self {
            Self::Room if has_incident => &[Pane::Cohorts, Pane::Runbook, Pane::Timeline],
            Self::Room => &[Pane::Cohorts, Pane::Timeline],
            Self::Fleet => &[Pane::Cohorts, Pane::Devices],
            Self::Runbook => &[Pane::Runbook],
            Self::Timeline => &[Pane::Timeline],
            Self::Updates => &[Pane::Updates],
            Self::Switches => &[Pane::Switches],
            Self::Drill => &[Pane::Drill],
            Self::Metrics => &[Pane::Metrics],
        }
    }
}

/// A word to the person, for a few seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toast {
    pub text: String,
    pub bad: bool,
    pub at: At,
}

/// How long a toast stays, in seconds of life.
const TOAST_S: i64 = 5;

impl Toast {
    /// Whether it is still to be read.
    pub fn is_fresh(&self, snapshot: &Snapshot) -> bool {
        snapshot.at.since_ms(self.at) < TOAST_S * 1000 * snapshot.pace
    }
}

/// The state of one screen.
#[derive(Debug, Default)]
pub struct Ui {
    pub view: View,
    pub pane: Pane,
    /// The topmost gets the keys.
    pub overlays: Vec<Overlay>,
    /// The picture that is held, while one is.
    pub frozen: Option<Arc<Snapshot>>,
    /// The moment that is looked at, where it is not the present.
    pub past: Option<At>,
    /// The incident looked at; the newest open one where none was chosen.
    pub incident: Option<IncidentId>,
    pub group_by: Vec<String>,
    pub filter: Filter,
    /// The cohort under the cursor, by name: rows may move under it.
    pub cohort: Option<CohortKey>,
    pub signal: Option<Signal>,
    pub span_s: u32,
    pub device: usize,
    /// The device looked into.
    pub opened: Option<String>,
    /// The runbook step under the cursor, by id.
    pub step: Option<String>,
    /// Entries between the end of the timeline and its cursor.
    pub timeline_back: usize,
    /// The update under the cursor, in the order of the screen.
    pub update: usize,
    /// An update that was not sent: its template, and the words.
    pub update_draft: Option<(String, String)>,
    /// The pulled switch under the cursor, the newest first.
    pub switch: usize,
    /// The first line shown on a screen that is longer than its place, where it is not the cursor that says.
    pub top: Option<usize>,
    /// Devices marked for the next switch.
    pub marked: BTreeSet<String>,
    /// The line of the script under the cursor.
    pub inject: usize,
    pub quarters_back: usize,
    pub toast: Option<Toast>,
    /// What was asked for once and has to be asked for again, and until when that counts.
    pub doubted: Option<(Action, At)>,
    /// Keys of a chord that has begun.
    pub chord: Vec<Key>,
    /// A note that was not sent.
    pub draft: Vec<String>,
}

impl Ui {
    /// A screen that begins with this grouping.
    pub fn new(group_by: Vec<String>) -> Self {
        Self { group_by, span_s: 600, ..Self::default() }
    }

    pub fn say(&mut self, text: impl Into<String>, bad: bool, now: At) {
        self.toast = Some(Toast { text: text.into(), bad, at: now });
    }

    /// The incident on the screen.
    pub fn incident<'a>(&self, snapshot: &'a Snapshot) -> Option<&'a Arc<Incident>> {
        let chosen = self.incident.and_then(|id| snapshot.incidents.get(&id));
        chosen.or_else(|| snapshot.open_incidents().next()).or_else(|| just_resolved(snapshot))
    }

    /// The alert outside of incidents that the cohort under the cursor is about, where the incident is not about it.
    pub fn chosen_alert<'a>(&self, snapshot: &'a Snapshot) -> Option<&'a Alert> {
        let cohort = self.cohort.as_ref().filter(|cohort| !cohort.is_fleet())?;
        if self.incident(snapshot).is_some_and(|incident| incident.cohort == *cohort) {
            return None;
        }
        let related = snapshot.loose_alerts().filter(|alert| {
            let about = snapshot.about(alert);
            !about.is_fleet() && about.is_related(cohort)
        });
        related.min_by_key(|alert| snapshot.about(alert) != cohort)
    }

    /// The alert outside of incidents that the room speaks of: the one under the cursor, else the one in front.
    pub fn alert<'a>(&self, snapshot: &'a Snapshot) -> Option<&'a Alert> {
        self.chosen_alert(snapshot).or_else(|| snapshot.alert_in_front())
    }

    /// The cohort whose signal is drawn: the one chosen, else the one that an alert or the incident is about.
    pub fn chart_cohort(&self, snapshot: &Snapshot) -> Option<CohortKey> {
        let newest = || snapshot.alerts.iter().rev().find(|alert| alert.is_open());
        let alerted = || self.alert(snapshot).or_else(newest).map(|alert| snapshot.about(alert).clone());
        let concerned =
            || self.incident(snapshot).map(|incident| incident.cohort.clone()).filter(|cohort| !cohort.is_fleet());
        self.cohort.clone().or_else(concerned).or_else(alerted)
    }

    /// The cohort on fire: the one of the open incident, else of the alert in front of those that belong to none.
    pub fn burning(&self, snapshot: &Snapshot) -> Option<CohortKey> {
        let incident = self.incident(snapshot).filter(|incident| incident.is_open()).map(|i| i.cohort.clone());
        let alerted = || snapshot.alert_in_front().map(|alert| snapshot.about(alert).clone());
        incident.or_else(alerted).filter(|cohort| !cohort.is_fleet())
    }

    /// The signal that is drawn: the one chosen, else what an open alert about the drawn cohort is about.
    pub fn chart_signal(&self, snapshot: &Snapshot) -> Signal {
        self.signal.unwrap_or_else(|| self.alerted_signal(snapshot))
    }

    /// What an open alert about the drawn cohort is about; where devices are away, that goes first.
    fn alerted_signal(&self, snapshot: &Snapshot) -> Signal {
        let cohort = self.chart_cohort(snapshot).unwrap_or_default();
        let own = snapshot.alerts.iter().filter(|alert| alert.is_open() && *snapshot.about(alert) == cohort);
        let mut signals = own.map(|alert| alert.finding.signal);
        let first = signals.next().unwrap_or(Signal::Online);
        if signals.any(|signal| signal == Signal::Online) { Signal::Online } else { first }
    }

    /// Draws the next signal; after the last one, what the alert is about, where no other choice shows that.
    pub fn next_signal(&mut self, snapshot: &Snapshot) {
        let shown = self.chart_signal(snapshot);
        let at = Signal::ALL.iter().position(|signal| *signal == shown);
        self.signal = match at.map_or(0, |at| (at + 1) % Signal::COUNT) {
            0 if at.is_some() && !self.alerted_signal(snapshot).has_series() => None,
            next => Some(Signal::ALL[next]),
        };
    }

    /// The row of the cohort table under the cursor.
    pub fn cohort_row(&self, snapshot: &Snapshot) -> Option<usize> {
        let cohort = self.cohort.as_ref()?;
        snapshot.table.rows.iter().position(|row| row.key == *cohort)
    }

    /// Goes to a screen, with its first pane.
    pub fn go(&mut self, view: View) {
        self.view = view;
        self.top = None;
        let panes = view.panes(true);
        if !panes.contains(&self.pane) {
            self.pane = panes[0];
        }
    }

    /// The panes on the screen.
    pub fn panes(&self, snapshot: &Snapshot) -> &'static [Pane] {
        self.view.panes(self.incident(snapshot).is_some())
    }

    /// The pane that has the keys: the chosen one, while it is on the screen.
    pub fn focus(&self, snapshot: &Snapshot) -> Pane {
        let panes = self.panes(snapshot);
        if panes.contains(&self.pane) { self.pane } else { panes[0] }
    }
}

/// The incident that was resolved last, while it is fresh and nothing new is going on: people look at what they have
/// done, and may have to reopen it.
fn just_resolved(snapshot: &Snapshot) -> Option<&Arc<Incident>> {
    const FRESH_S: i64 = 1800;
    let resolved = |incident: &&Arc<Incident>| incident.moments.resolved;
    let last = snapshot.incidents.values().max_by_key(resolved)?;
    let fresh = last.moments.resolved.is_some_and(|at| snapshot.at.since_s(at) < FRESH_S);
    (fresh && snapshot.loose_alerts().next().is_none()).then_some(last)
}
