//! `warroom analyze`: what the room would have said of a capture.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{IsTerminal, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use serde::Serialize;

use super::{Common, Failure, room, round};
use crate::detect::JUDGES_AFTER_S;
use crate::detect::suspects::Suspect;
use crate::domain::alert::Alert;
use crate::domain::count::counted;
use crate::domain::incident::Incident;
use crate::domain::time::At;
use crate::ingest::Ingest;
use crate::ingest::capture::file::Capture;
use crate::ingest::capture::order::Order;
use crate::runtime::playback::{Playback, Played};

#[derive(Args)]
pub(super) struct AnalyzeArgs {
    /// Captures, one JSON message a line, in the order of time; `-` for standard input. What is packed
    /// by gzip or zstd is unpacked, whatever it is called.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// For programs.
    #[arg(long)]
    json: bool,
}

/// Lines between two looks at the progress.
const PROGRESS: u64 = 50_000;

pub(super) fn run(common: &Common, args: &AnalyzeArgs) -> Result<(), Failure> {
    let began = Instant::now();
    let config = common.config()?.unwrap_or_default();
    let router = config.fleet.router().map_err(Failure::Usage)?;
    let settings = room::settings(common, &config, "a capture".into(), "capture".into());
    let ingest = Ingest::new(router, settings.fleet.schema.clone());
    let mut playback = Playback::new(settings, ingest);
    let (mut unread, mut order) = (0, Order::default());
    for path in &args.files {
        unread += play(path, &mut order, &mut playback)?;
    }
    order.end().iter().for_each(|entry| playback.take(entry));
    let played = playback.end();
    if played.messages == 0 {
        return Err(Failure::Usage(format!(
            "no message was found; expected lines like {{\"t\":1774022400.25,\"topic\":\"fleet/ams1/d-1/telemetry\",\"payload\":{{…}}}} ({unread} lines could not be read)"
        )));
    }
    if args.json {
        let analysis = Analysis::of(&played, unread, &order, began.elapsed().as_millis() as u64);
        let json = serde_json::to_string(&analysis).map_err(|error| Failure::Run(error.to_string()))?;
        say!("{json}");
    } else {
        tell(&played, unread);
    }
    if let Some(objection) = order.objection() {
        let _ = writeln!(std::io::stderr(), "warroom: {objection}");
    }
    Ok(())
}

/// Plays one file; returns how many of its lines are no messages.
fn play(path: &Path, order: &mut Order, playback: &mut Playback) -> Result<u64, Failure> {
    let wrong = |error: std::io::Error| Failure::Usage(format!("{}: {error}", path.display()));
    let (input, progress) = open(path)?;
    let mut capture = Capture::open(input).map_err(wrong)?;
    while let Some(entry) = capture.entry().map_err(wrong)? {
        order.take(entry).for_each(|entry| playback.take(&entry));
        if capture.lines.is_multiple_of(PROGRESS) {
            progress.show(playback.messages);
        }
    }
    if capture.lines >= PROGRESS {
        progress.clear();
    }
    if let Some(cut) = capture.cut() {
        let mut stderr = std::io::stderr();
        // The report says that something is missing, too.
        let _ = writeln!(stderr, "warroom: {}: {cut}; what could be read of it is analysed", path.display());
    }
    Ok(capture.unread)
}

/// How far the reading of a file is, on a terminal.
struct Progress {
    /// The same open file, which knows how far it has been read, and its size.
    file: Option<(File, u64)>,
    shown: bool,
}

fn open(path: &Path) -> Result<(Box<dyn Read + Send>, Progress), Failure> {
    let shown = std::io::stderr().is_terminal();
    if path == Path::new("-") {
        return Ok((Box::new(std::io::stdin()), Progress { file: None, shown }));
    }
    let file = File::open(path).map_err(|error| Failure::Usage(format!("{}: {error}", path.display())))?;
    let same = file.try_clone().and_then(|same| Ok((same, file.metadata()?.len())));
    Ok((Box::new(file), Progress { file: same.ok(), shown }))
}

impl Progress {
    fn show(&self, messages: u64) {
        if self.shown {
            let share = self.file.as_ref().and_then(|(file, size)| {
                let at = (&mut &*file).stream_position().ok()?;
                Some(format!(", {} %", at * 100 / (*size).max(1)))
            });
            // Only a courtesy: nobody minds if it cannot be shown.
            let _ = write!(std::io::stderr(), "\r{messages} messages{}   ", share.unwrap_or_default());
        }
    }

    fn clear(&self) {
        if self.shown {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}

fn tell(played: &Played, unread: u64) {
    let time = |at: Option<At>| at.map_or_else(|| "–".into(), |at| at.to_string());
    let messages = counted(played.messages, "message");
    let devices = counted(played.devices as u64, "device");
    say!("{messages} of {devices}, {} to {}", time(played.from), time(played.to));
    if unread + played.faults > 0 {
        let (lines, faults) = (counted(unread, "line"), counted(played.faults, "message"));
        say!("not messages: {lines}; not readable as they are: {faults}");
    }
    if played.dropped > 0 {
        say!("{} messages that the recorder had no room for", played.dropped);
    }
    for alert in &played.alerts {
        say!("{}  alert {} {} · {}", alert.at, alert.id, alert.finding.cohort, alert.finding.evidence);
    }
    for (incident, suspects) in &played.incidents {
        say!("{}  {} {} {} · {}", incident.declared, incident.id, incident.severity, incident.kind, incident.title);
        for suspect in suspects {
            say!(
                "    {}: {} of {} devices affected, {:.0} % of all affected, {:.0} times as often as the others",
                suspect.cohort.sentence(),
                suspect.affected,
                suspect.devices,
                suspect.share_of_affected * 100.0,
                suspect.lift
            );
        }
    }
    if played.alerts.is_empty() {
        say!("{}", nothing(played));
    }
}

/// What it means that nothing was raised.
fn nothing(played: &Played) -> String {
    if played.devices == 0 && played.messages > 0 {
        return "no device was found in it: the routes do not fit its topics. A configuration with other routes, or with the \
                preset of its devices, is given with --config; `warroom config init` writes one to begin with"
            .into();
    }
    let length_s = played.to.zip(played.from).map_or(0, |(to, from)| to.since_s(from));
    if length_s < JUDGES_AFTER_S {
        return format!("too short to be judged: it takes {JUDGES_AFTER_S} s to learn what is usual");
    }
    "nothing that the room would have raised".into()
}

/// The JSON, schema 1.
#[derive(Serialize)]
struct Analysis {
    schema: u32,
    messages: u64,
    devices: usize,
    invalid: u64,
    dropped: u64,
    /// Lines that were not in the order of time.
    late: u64,
    from: Option<At>,
    to: Option<At>,
    wall_ms: u64,
    alerts: Vec<AlertLine>,
    incidents: Vec<IncidentLine>,
}

#[derive(Serialize)]
struct AlertLine {
    at: At,
    onset: At,
    cleared: Option<At>,
    signal: String,
    cohort: BTreeMap<String, String>,
    observed: f64,
    expected: f64,
    sample: u32,
    evidence: String,
}

#[derive(Serialize)]
struct IncidentLine {
    at: At,
    onset: Option<At>,
    #[serde(rename = "type")]
    kind: &'static str,
    verdict: &'static str,
    scope: &'static str,
    severity: String,
    affected: u32,
    suspects: Vec<SuspectLine>,
}

#[derive(Serialize)]
struct SuspectLine {
    attributes: BTreeMap<String, String>,
    devices: u32,
    affected: u32,
    share_of_affected: f64,
    lift: f64,
}

impl Analysis {
    fn of(played: &Played, unread: u64, order: &Order, wall_ms: u64) -> Self {
        Self {
            schema: 1,
            messages: played.messages,
            devices: played.devices,
            invalid: played.faults + unread,
            dropped: played.dropped,
            late: order.late + order.astray,
            from: played.from,
            to: played.to,
            wall_ms,
            alerts: played.alerts.iter().map(alert_line).collect(),
            incidents: played
                .incidents
                .iter()
                .map(|(i, suspects)| {
                    let most = played.most.get(&i.id).copied().unwrap_or(0);
                    incident_line(i, suspects, &played.alerts, most)
                })
                .collect(),
        }
    }
}

fn alert_line(alert: &Alert) -> AlertLine {
    let finding = &alert.finding;
    AlertLine {
        at: alert.at,
        onset: finding.onset,
        cleared: alert.cleared,
        signal: finding.signal.to_string(),
        cohort: finding.cohort.0.clone(),
        observed: round(finding.observed),
        expected: round(finding.expected),
        sample: finding.sample,
        evidence: finding.evidence.clone(),
    }
}

fn incident_line(incident: &Incident, suspects: &[Suspect], alerts: &[Alert], most: u32) -> IncidentLine {
    let own = alerts.iter().filter(|alert| incident.alerts.contains(&alert.id));
    let seen = own.map(|alert| alert.finding.affected).max().unwrap_or(0);
    let affected = suspects.iter().map(|suspect| suspect.affected).sum::<u32>().max(seen).max(most);
    IncidentLine {
        at: incident.declared,
        onset: incident.moments.onset,
        kind: incident.kind.id(),
        verdict: incident.origin.name(),
        scope: if affected > 1 { "broad" } else { "single" },
        severity: incident.severity.name().to_lowercase(),
        affected,
        suspects: suspects.iter().map(suspect_line).collect(),
    }
}

fn suspect_line(suspect: &Suspect) -> SuspectLine {
    SuspectLine {
        attributes: suspect.cohort.0.clone(),
        devices: suspect.devices,
        affected: suspect.affected,
        share_of_affected: round(suspect.share_of_affected),
        lift: round(suspect.lift),
    }
}
