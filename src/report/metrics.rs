//! The quarter's numbers for programs: JSON, CSV, and the text format that Prometheus and its kin read.

use std::fmt::Write;

use super::csv;
use crate::domain::clock::Clock;
use crate::engine::metrics::{Group, Quarter, Report};

/// The report as JSON, `schema` 1.
///
/// # Errors
/// Never for a report of ours; the type says that JSON could refuse.
pub fn json(report: &Report) -> serde_json::Result<String> {
    let trend: Vec<_> = report
        .before
        .iter()
        .map(|(quarter, group)| serde_json::json!({ "quarter": quarter, "incidents": group.incidents, "clocks": group.clocks }))
        .collect();
    let value = serde_json::json!({
        "schema": 1, "quarter": report.quarter, "groups": report.groups, "before": trend,
    });
    serde_json::to_string_pretty(&value).map(|json| json + "\n")
}

/// A row for each quarter, group and clock.
pub fn table(report: &Report) -> String {
    let heads = [
        "quarter",
        "group",
        "clock",
        "incidents",
        "stopped",
        "open",
        "median_s",
        "p90_s",
        "worst_s",
        "worst",
        "in_time",
    ];
    let mut rows = Vec::new();
    for (quarter, group) in all(report) {
        for line in &group.clocks {
            let mut row =
                vec![quarter.to_string(), group.name.clone(), line.clock.to_string(), group.incidents.to_string()];
            row.push(line.spread.map_or(0, |spread| spread.count).to_string());
            row.push(line.open.to_string());
            row.extend(line.spread.map_or_else(
                || vec![String::new(); 5],
                |s| {
                    let numbers = [s.median_s, s.p90_s, s.worst_s].map(|n| n.to_string());
                    numbers.into_iter().chain([s.worst.to_string(), s.in_time.to_string()]).collect()
                },
            ));
            rows.push(row);
        }
    }
    csv::rows_of(&heads, &rows)
}

/// The report in the OpenMetrics text format, version 1.0.0.
pub fn open_metrics(report: &Report) -> String {
    let mut out = String::new();
    let mut family = |name: &str, unit: &str, help: &str, samples: &dyn Fn(&mut String)| {
        let _ = writeln!(out, "# TYPE {name} gauge");
        if !unit.is_empty() {
            let _ = writeln!(out, "# UNIT {name} {unit}");
        }
        let _ = writeln!(out, "# HELP {name} {help}");
        samples(&mut out);
    };
    family("warroom_incidents", "", "Incidents of a quarter.", &|out| {
        for (quarter, group) in all(report) {
            let _ = writeln!(out, "warroom_incidents{{{}}} {}", labels(quarter, group, None), group.incidents);
        }
    });
    family("warroom_incident_clock_seconds", "seconds", "Median, ninth decile and worst of a clock.", &|out| {
        for (quarter, group) in all(report) {
            for line in &group.clocks {
                let Some(s) = line.spread else { continue };
                for (statistic, seconds) in [("median", s.median_s), ("p90", s.p90_s), ("worst", s.worst_s)] {
                    let labels = labels(quarter, group, Some(line.clock));
                    let _ =
                        writeln!(out, "warroom_incident_clock_seconds{{{labels},statistic=\"{statistic}\"}} {seconds}");
                }
            }
        }
    });
    family("warroom_incident_clocks_stopped", "", "Clocks of a quarter that have stopped.", &|out| {
        for (quarter, group) in all(report) {
            for line in &group.clocks {
                let count = line.spread.map_or(0, |spread| spread.count);
                let labels = labels(quarter, group, Some(line.clock));
                let _ = writeln!(out, "warroom_incident_clocks_stopped{{{labels}}} {count}");
            }
        }
    });
    out + "# EOF\n"
}

fn all(report: &Report) -> impl Iterator<Item = (Quarter, &Group)> {
    let before = report.before.iter().map(|(quarter, group)| (*quarter, group));
    before.chain(report.groups.iter().map(|group| (report.quarter, group)))
}

fn labels(quarter: Quarter, group: &Group, clock: Option<Clock>) -> String {
    let clock = clock.map(|clock| format!(",clock=\"{clock}\"")).unwrap_or_default();
    let name = group.name.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("quarter=\"{quarter}\",group=\"{name}\"{clock}")
}
