//! `warroom drill --headless`: a game day in virtual time, as fast as it goes, told as JSON or in a few lines.

use std::path::Path;

use serde::Serialize;

use super::{DrillArgs, Failure};
use crate::cli::{Common, room};
use crate::config::Config;
use crate::detect::suspects::Suspect;
use crate::domain::alert::Alert;
use crate::domain::clock::{Clock, Reading};
use crate::domain::cohort::CohortKey;
use crate::domain::drill::{Expectation, Gap, Inject, Planted, Scorecard};
use crate::domain::event::{Event, Record};
use crate::domain::incident::{IncidentType, Severity, Stage};
use crate::domain::switch::Actuation;
use crate::domain::time::At;
use crate::domain::verdict::{Origin, Verdict};
use crate::drill::responder::Responder;
use crate::drill::scenario::Scenario;
use crate::drill::world::World;
use crate::ingest::Ingest;
use crate::ingest::route::Router;
use crate::runtime::headless::{Acted, Play, Played, play};

/// The JSON. The same scenario, seed, devices and responders give the same bytes.
#[derive(Serialize)]
struct Told<'a> {
    schema: u32,
    scenario: &'a str,
    title: &'a str,
    seed: u64,
    devices: u32,
    from: At,
    to: At,
    messages: u64,
    truth: Truth<'a>,
    injects: Vec<&'a Inject>,
    acted: &'a [Acted],
    alerts: &'a [Alert],
    incidents: Vec<ToldIncident<'a>>,
    /// Every opinion that the room has had, in the order in which it had them.
    verdicts: Vec<ToldVerdict<'a>>,
    actuations: Vec<&'a Actuation>,
    score: &'a Scorecard,
    gaps: &'a [Gap],
}

#[derive(Serialize)]
struct Truth<'a> {
    faults: &'a [Planted],
    expected: &'a [Expectation],
}

#[derive(Serialize)]
struct ToldIncident<'a> {
    id: String,
    title: &'a str,
    severity: Severity,
    #[serde(rename = "type")]
    kind: IncidentType,
    origin: Origin,
    cohort: &'a CohortKey,
    stage: Stage,
    declared: At,
    commander: &'a str,
    clocks: [Reading; 4],
    verdict: Option<&'a Verdict>,
    suspects: Vec<ToldSuspect<'a>>,
    alerts: Vec<String>,
}

#[derive(Serialize)]
struct ToldVerdict<'a> {
    at: At,
    incident: String,
    #[serde(flatten)]
    verdict: &'a Verdict,
}

#[derive(Serialize)]
struct ToldSuspect<'a> {
    cohort: &'a CohortKey,
    affected: u32,
    devices: u32,
    equivalents: &'a [CohortKey],
}

pub(super) fn run(common: &Common, args: &DrillArgs, scenario: Scenario) -> Result<(), Failure> {
    let config = common.config()?.unwrap_or_default();
    let responder = args.responder.as_deref().map(|path| responder(path, &scenario.id)).transpose()?;
    let title = scenario.title.clone();
    let played = play(stage(common, &config, scenario, args.seed, args.devices, responder)?);
    let complete = || Failure::Run("the game day has left no record".into());
    let day = played.state.room.drill.as_ref().ok_or_else(complete)?;
    let ending = day.ended.as_ref().ok_or_else(complete)?;
    if args.json {
        let told = Told {
            schema: 1,
            scenario: &day.plan.scenario,
            title: &title,
            seed: day.plan.seed,
            devices: day.plan.devices,
            from: day.began,
            to: played.to,
            messages: played.messages,
            truth: Truth { faults: &day.plan.faults, expected: &day.plan.expect },
            injects: day.told.iter().map(|(_, inject)| inject).collect(),
            acted: &played.acted,
            alerts: &played.alerts,
            incidents: incidents(&played),
            verdicts: played.records.iter().filter_map(verdict).collect(),
            actuations: played.state.room.actuations.values().collect(),
            score: &ending.score,
            gaps: &ending.gaps,
        };
        let json = serde_json::to_string(&told).map_err(|error| Failure::Run(error.to_string()))?;
        say!("{json}");
    } else {
        super::scorecard::tell(&day.plan, &ending.score, &ending.gaps);
    }
    Ok(())
}

/// The responders in a file, or those shipped with the scenario.
fn responder(path: &Path, scenario: &str) -> Result<Responder, Failure> {
    if path == Path::new("shipped") {
        let shipped = Scenario::responder(scenario);
        let none = || Failure::Usage(format!("no responders are shipped with {scenario}; give a file"));
        return Ok(shipped.ok_or_else(none)??);
    }
    let name = path.display().to_string();
    let source = std::fs::read_to_string(path)
        .map_err(|error| Failure::Usage(format!("the responders in {name} cannot be read: {error}")))?;
    Ok(Responder::read(&source, &name)?)
}

/// Everything that a game day in virtual time needs.
pub fn stage(
    common: &Common,
    config: &Config,
    scenario: Scenario,
    seed: u64,
    devices: Option<u32>,
    responder: Option<Responder>,
) -> Result<Play, Failure> {
    let router = Router::standard(&scenario.fleet.root).map_err(Failure::Usage)?;
    let settings = room::settings(common, config, "a simulated broker".into(), "drill".into());
    let settings = super::settings(settings, &scenario);
    let start = scenario.begins();
    let world = World::new(scenario.clone(), seed, devices, start);
    let plan = scenario.plan(seed, world.devices());
    let ingest = Ingest::new(router, settings.fleet.schema.clone());
    Ok(Play { world, plan, settings, ingest, responder, start })
}

fn incidents(played: &Played) -> Vec<ToldIncident<'_>> {
    let room = &played.state.room;
    let told = room.incidents.values().map(|incident| {
        let suspects = played.suspects.get(&incident.id).map_or(&[][..], Vec::as_slice);
        ToldIncident {
            id: incident.id.to_string(),
            title: &incident.title,
            severity: incident.severity,
            kind: incident.kind,
            origin: incident.origin,
            cohort: &incident.cohort,
            stage: incident.stage(),
            declared: incident.declared,
            commander: &incident.commander,
            clocks: Clock::ALL.map(|clock| clock.read(&incident.moments, &played.state.settings.targets, played.to)),
            verdict: incident.verdict.as_ref(),
            suspects: suspects.iter().map(suspect).collect(),
            alerts: incident.alerts.iter().map(ToString::to_string).collect(),
        }
    });
    told.collect()
}

fn verdict(record: &Record) -> Option<ToldVerdict<'_>> {
    let Event::VerdictReached { incident, verdict } = &record.event else { return None };
    Some(ToldVerdict { at: record.at, incident: incident.to_string(), verdict })
}

fn suspect(suspect: &Suspect) -> ToldSuspect<'_> {
    let Suspect { cohort, affected, devices, equivalents, .. } = suspect;
    ToldSuspect { cohort, affected: *affected, devices: *devices, equivalents }
}
