//! The affected signals over the incident, from the history.

use super::{Sources, span_of};
use crate::domain::alert::Alert;
use crate::domain::cohort::CohortKey;
use crate::domain::incident::Incident;
use crate::domain::rollup::{Rollup, RollupRow};
use crate::domain::signal::{Signal, SignalKind};
use crate::domain::time::At;
use crate::engine::timeline::Entry;
use crate::report::document::{Plot, PlotMark, PlotPoint};

/// Points of a plot: about one for each point of its width.
const POINTS: i64 = 480;
/// Plots of one incident.
const PLOTS: usize = 4;

/// The online share, and whatever else alerts were about or moved, of the cohort; of the whole fleet, where the cohort
/// itself has no history.
pub(super) fn plots(sources: &Sources<'_>, incident: &Incident, alerts: &[&Alert], entries: &[Entry]) -> Vec<Plot> {
    let (from, to) = span_of(incident, sources.now);
    let rollups: Vec<&Rollup> =
        sources.rollups.iter().filter(|rollup| rollup.from() < to && rollup.at > from).collect();
    if rollups.is_empty() {
        return Vec::new();
    }
    let known = |key: &CohortKey| rollups.iter().any(|rollup| rollup.row(key).is_some());
    let narrow = std::iter::once(&incident.cohort).chain(alerts.iter().map(|alert| &alert.finding.cohort));
    let cohort = narrow.into_iter().find(|key| known(key)).cloned().unwrap_or_default();
    let marks = marks(entries, from, to);
    let signals = signals(&rollups, &cohort, alerts);
    signals.into_iter().take(PLOTS).map(|signal| plot(&rollups, &cohort, signal, (from, to), &marks)).collect()
}

/// Online first; then what alerts named; then whatever happened at all.
fn signals(rollups: &[&Rollup], cohort: &CohortKey, alerts: &[&Alert]) -> Vec<Signal> {
    let mut signals = vec![Signal::Online];
    let mut add = |signal: Signal| {
        if Signal::ALL.contains(&signal) && signal != Signal::Devices && !signals.contains(&signal) {
            signals.push(signal);
        }
    };
    alerts.iter().flat_map(|alert| alert.signals()).for_each(&mut add);
    let happened = |signal: Signal| rollups.iter().filter_map(|r| r.row(cohort)).any(|row| row.get(signal) > 0);
    [Signal::Reboots, Signal::Errors, Signal::Reconnects].into_iter().filter(|signal| happened(*signal)).for_each(add);
    signals
}

fn marks(entries: &[Entry], from: At, to: At) -> Vec<PlotMark> {
    let marked = entries.iter().filter(|entry| entry.at >= from && entry.at <= to);
    marked.filter_map(|entry| Some(PlotMark { at: entry.at, text: entry.mark.clone()? })).collect()
}

fn plot(rollups: &[&Rollup], cohort: &CohortKey, signal: Signal, (from, to): (At, At), marks: &[PlotMark]) -> Plot {
    // Whole steps that every rollup fits into: a finer one is summed, a coarse one stands for itself.
    let step_s = (to.since_s(from) / POINTS).max(10);
    let points = points(rollups, cohort, signal, from, to, step_s);
    let known = || points.iter().filter_map(|point| point.value);
    let highest = known().fold(0.0, f64::max);
    let (low, high) = match (signal, signal.kind()) {
        (Signal::Online, _) => (((known().fold(100.0, f64::min) - 1.0) / 10.0).floor().clamp(0.0, 9.0) * 10.0, 100.0),
        (_, SignalKind::Level) => (0.0, round_up(highest.max(1.0))),
        (_, SignalKind::Count) => (0.0, round_up(highest.max(0.1))),
    };
    let unit = match (signal, signal.kind()) {
        (Signal::Online, _) => "% of devices",
        (_, SignalKind::Level) => "devices",
        (_, SignalKind::Count) => "a minute",
    };
    Plot {
        title: format!("{} · {}", signal.name(), cohort.sentence()),
        unit: unit.into(),
        from,
        to,
        low,
        high,
        points,
        marks: marks.to_vec(),
    }
}

/// One point a step: of levels the last value in it, of counts their sum, as a rate a minute.
fn points(rollups: &[&Rollup], cohort: &CohortKey, signal: Signal, from: At, to: At, step_s: i64) -> Vec<PlotPoint> {
    let mut points: Vec<PlotPoint> = Vec::new();
    let mut bucket = Bucket::default();
    for rollup in rollups.iter().filter(|rollup| rollup.at <= to) {
        let n = (rollup.at.since_s(from).max(1) + step_s - 1) / step_s;
        if n != bucket.n {
            points.extend(bucket.point(signal));
            // A hole in the history is a hole in the curve.
            let ended = points.last().map(|point| point.at);
            if ended.is_some_and(|ended| rollup.from().since_s(ended) > step_s.max(i64::from(rollup.step_s)) * 2) {
                points.push(PlotPoint { at: rollup.from(), value: None });
            }
            bucket = Bucket { n, ..Bucket::default() };
        }
        bucket.add(rollup, rollup.row(cohort), signal);
    }
    points.extend(bucket.point(signal));
    points
}

#[derive(Default)]
struct Bucket {
    n: i64,
    at: Option<At>,
    /// None where nobody listened, or the cohort was not there.
    value: Option<f64>,
    seconds: f64,
}

impl Bucket {
    fn add(&mut self, rollup: &Rollup, row: Option<&RollupRow>, signal: Signal) {
        self.at = Some(rollup.at);
        let Some(row) = row.filter(|_| rollup.listening) else { return };
        match (signal, signal.kind()) {
            (Signal::Online, _) => self.value = row.online_share().map(|share| share * 100.0),
            (_, SignalKind::Level) => self.value = Some(f64::from(row.get(signal))),
            (_, SignalKind::Count) => {
                self.value = Some(self.value.unwrap_or(0.0) + f64::from(row.get(signal)));
                self.seconds += f64::from(rollup.step_s);
            }
        }
    }

    fn point(&self, signal: Signal) -> Option<PlotPoint> {
        let value = match signal.kind() {
            SignalKind::Level => self.value,
            SignalKind::Count => self.value.map(|sum| sum * 60.0 / self.seconds.max(1.0)),
        };
        // Three digits are more than a picture shows, and the same on every machine.
        let value = value.map(|value| (value * 1000.0).round() / 1000.0);
        self.at.map(|at| PlotPoint { at, value })
    }
}

/// The next of 1, 2, 5, 10, 20, 50 …
fn round_up(n: f64) -> f64 {
    let power = 10f64.powf(n.log10().floor());
    [1.0, 2.0, 5.0, 10.0].map(|step| step * power).into_iter().find(|round| *round >= n).unwrap_or(n)
}
