//! The sections that tell what happened.

use super::{Block, Section, Written, both, clock, duration, or_dash, prose, utc};
use crate::domain::share::percent;
use crate::engine::timeline::Weight;
use crate::report::document::{Document, StepLine};

pub(super) fn summary(document: &Document) -> Section {
    let incident = &document.incident;
    let mut blocks = prose(document, Written::Summary);
    let acknowledged = incident.acknowledged_by.clone().unwrap_or_else(|| "nobody yet".into());
    let mut rows = vec![
        ("Type", format!("{}, fault of: {}", incident.kind, incident.fault_of)),
        ("Stage", incident.stage.clone()),
        ("Commander", incident.commander.clone()),
        ("Declared", format!("{}, by {}", both(&incident.declared), incident.declared_by)),
        ("Acknowledged by", acknowledged),
        ("Cohort", incident.about.clone()),
    ];
    if !incident.absorbed.is_empty() {
        rows.push(("Includes", incident.absorbed.join(", ")));
    }
    if let Some(into) = &incident.merged_into {
        rows.push(("Part of", into.clone()));
    }
    rows.extend(incident.roles.iter().map(|role| ("Role", format!("{}: {}", role.role, role.name))));
    if document.cost.total > 0 {
        rows.push(("Cost", document.cost.bill.sum()));
    }
    let postmortem = &document.postmortem;
    let due = postmortem.due.as_ref().map(|due| {
        let late = if postmortem.overdue { ", OVERDUE" } else { "" };
        format!("due {}{late}", both(due))
    });
    let done = postmortem
        .published
        .as_ref()
        .map(|at| format!("done {}, by {}", both(at), postmortem.published_by.as_deref().unwrap_or("nobody")));
    if let Some(told) = done.or(due) {
        rows.push(("Postmortem", told));
    }
    let rows = rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect();
    blocks.push(Block::Table { heads: vec!["", ""], rows });
    Section::new("summary", "Summary", blocks)
}

pub(super) fn impact(document: &Document) -> Section {
    let mut blocks = prose(document, Written::Impact);
    let impact = &document.impact;
    let mut rows = Vec::new();
    if let Some(duration_s) = impact.duration_s {
        let goes_on = if impact.goes_on { ", and going on" } else { "" };
        rows.push(("From onset to service restored", format!("{}{goes_on}", duration(duration_s))));
    }
    rows.push(("Devices affected", impact.affected.to_string()));
    if let Some(measured) = &impact.measured {
        let share = percent(f64::from(measured.most_away) / f64::from(measured.devices.max(1)));
        rows.extend([
            ("Devices of the cohort", measured.devices.to_string()),
            (
                "Away at once, at most",
                format!("{} ({share}), at {}", measured.most_away, measured.most_away_at.utc().format("%H:%M:%S UTC")),
            ),
            ("Away when last measured", measured.away.to_string()),
            ("Device hours away", format!("{:.1}", measured.away_device_s as f64 / 3600.0)),
            ("Reconnects", measured.reconnects.to_string()),
            ("Errors", measured.errors.to_string()),
            ("Reboots", measured.reboots.to_string()),
            ("Messages", measured.messages.to_string()),
            ("Measured for", duration(measured.measured_s as i64)),
        ]);
    }
    let rows = rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect();
    blocks.push(Block::Table { heads: vec!["", ""], rows });
    blocks.extend(document.plots.iter().cloned().map(Block::Plot));
    if document.plots.is_empty() {
        blocks.push(Block::Remark("Of this time no history is kept, so there is nothing to plot.".into()));
    }
    Section::new("impact", "Impact", blocks)
}

pub(super) fn timeline(document: &Document) -> Section {
    let told = document.timeline.iter().filter(|line| line.weight != Weight::Quiet);
    let rows = told.map(|line| vec![utc(&line.at), line.at.local.clone(), line.actor.clone(), line.text.clone()]);
    let table = Block::Table { heads: vec!["UTC", "local", "who", "what"], rows: rows.collect() };
    Section::new("timeline", "Timeline", vec![table])
}

pub(super) fn detection(document: &Document) -> Section {
    let mut blocks = prose(document, Written::Detection);
    let rows = document.clocks.iter().map(|line| {
        let elapsed = match line.state.as_str() {
            "waiting" => "–".to_owned(),
            "running" => format!("{} and running", duration(line.elapsed_s)),
            _ => duration(line.elapsed_s),
        };
        let name = format!("{} to {}", line.clock, line.name);
        vec![name, elapsed, duration(line.target_s), line.standing.clone()]
    });
    blocks.push(Block::Table { heads: vec!["clock", "time", "target", ""], rows: rows.collect() });
    let rows = document
        .moments
        .iter()
        .map(|line| vec![line.moment.clone(), line.at.as_ref().map_or_else(|| "not yet".into(), both)]);
    blocks.push(Block::Table { heads: vec!["moment", "when"], rows: rows.collect() });
    for correction in &document.corrections {
        let was = correction.from.as_ref().map_or_else(|| "not set".into(), both);
        blocks.push(Block::Text(format!(
            "Corrected: {} from {was} to {}, by {} at {}: {}",
            correction.moment,
            both(&correction.to),
            correction.by,
            both(&correction.at),
            correction.reason
        )));
    }
    if document.detection.alerts.is_empty() {
        blocks.push(Block::Remark("Declared by hand; no alert is part of this incident.".into()));
    }
    for alert in &document.detection.alerts {
        blocks.push(Block::Text(format!("{} on {}, {}: {}", alert.id, alert.signal, alert.about, alert.evidence)));
        if !alert.also.is_empty() {
            blocks.push(Block::List(alert.also.clone()));
        }
    }
    if let Some(verdict) = &document.detection.verdict {
        blocks.push(Block::Text(format!(
            "The room thought: {}, {}, fault of: {}",
            verdict.kind, verdict.scope, verdict.fault_of
        )));
        blocks.push(Block::List(verdict.evidence.clone()));
    }
    Section::new("detection", "Detection", blocks)
}

pub(super) fn response(document: &Document) -> Section {
    let response = &document.response;
    let mut blocks = Vec::new();
    for section in [Written::Worked, Written::DidNotWork, Written::Missing] {
        blocks.push(Block::Heading(section.name().into()));
        blocks.extend(prose(document, section));
    }
    if !response.phases.is_empty() {
        blocks.push(Block::Heading("Phases".into()));
        let rows = response.phases.iter().map(|line| {
            vec![line.phase.clone(), utc(&line.at), line.by.clone(), line.reason.clone().unwrap_or_default()]
        });
        blocks.push(Block::Table { heads: vec!["phase", "entered, UTC", "by", "why back"], rows: rows.collect() });
    }
    blocks.push(Block::Heading("Switches".into()));
    blocks.extend(switches(document));
    blocks.extend(super::recovery::recovery(document));
    if let Some(runbook) = &response.runbook {
        blocks.push(Block::Heading(format!("Runbook: {}, {} of {} steps", runbook.title, runbook.done, runbook.of)));
        for part in runbook.steps.chunk_by(|a, b| a.section == b.section) {
            blocks.push(Block::Remark(part[0].section.clone()));
            blocks.push(Block::Steps(part.iter().map(step).collect()));
        }
    }
    if !response.notes.is_empty() {
        blocks.push(Block::Heading("Notes".into()));
        for note in &response.notes {
            blocks.push(Block::Text(format!("{} {}:\n{}", clock(&note.at), note.by, note.text)));
        }
    }
    Section::new("response", "Response", blocks)
}

fn switches(document: &Document) -> Vec<Block> {
    let switches = &document.response.switches;
    if switches.is_empty() {
        return vec![Block::Remark("No switch was pulled.".into())];
    }
    let after = |ms: Option<i64>| or_dash(ms.map(|ms| format!("{:.1} s", ms as f64 / 1000.0)));
    let rows = switches.iter().map(|line| {
        vec![
            line.switch.clone(),
            line.on.clone(),
            line.by.clone(),
            clock(&line.requested),
            after(line.sent_ms),
            after(line.accepted_ms),
            after(line.ended_ms),
            line.outcome.clone(),
        ]
    });
    let heads = vec!["switch", "on", "by", "requested", "sent", "accepted", "ended", "outcome"];
    let mut blocks = vec![Block::Table { heads, rows: rows.collect() }];
    for line in switches {
        blocks.extend(line.waves.as_ref().map(|waves| Block::Text(format!("Waves of {}: {waves}", line.id))));
    }
    for line in switches.iter().filter(|line| !line.waited_for.is_empty()) {
        let names = line.waited_for.join(", ");
        blocks.push(Block::Text(format!("Waited for {}, alive and still in flight: {names}", line.id)));
    }
    for line in switches.iter().filter(|line| !line.escaped.is_empty()) {
        blocks.push(Block::Text(format!("Escaped {}: {}", line.id, line.escaped.join(", "))));
    }
    blocks
}

fn step(line: &StepLine) -> (bool, String) {
    let reason = line.reason.as_ref().map(|reason| format!(", {reason}")).unwrap_or_default();
    let how = match line.state.as_str() {
        "open" | "done" => String::new(),
        state => format!("{state}{reason}: "),
    };
    let told = line.by.as_ref().zip(line.at.as_ref()).map(|(by, at)| format!(" · {how}{by}, {}", clock(at)));
    (line.state == "done", format!("{}{}", line.text, told.unwrap_or_default()))
}
