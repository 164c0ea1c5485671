//! `warroom drill`: a game day on the embedded broker.

use std::path::Path;
use std::sync::Arc;

use clap::Args;

use super::session::{self, Look};
use super::{Common, Failure, room};
use crate::config::{Config, paths};
use crate::document;
use crate::domain::input::DrillStart;
use crate::domain::switch::standard::{access, standard};
use crate::drill::conductor::Conductor;
use crate::drill::scenario::Scenario;
use crate::drill::world::World;
use crate::engine::Settings;
use crate::ingest::Ingest;
use crate::ingest::route::Router;
use crate::mqtt::{LinkOptions, Protocol};
use crate::runtime::clock::Clock;
use crate::runtime::socket::Place;
use crate::runtime::{Source, StationOptions, random};
use crate::store::read;

#[derive(Args)]
pub(super) struct DrillArgs {
    /// A shipped scenario by name, or a file.
    #[arg(default_value = "bad-firmware")]
    scenario: String,
    /// List the shipped scenarios.
    #[arg(long)]
    list: bool,
    /// The same seed gives the same fleet and the same accidents.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Devices to simulate, instead of the scenario's number.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    devices: Option<u32>,
    /// How much faster than real time: 0.5 to 60.
    #[arg(long, default_value_t = 1.0, value_parser = session::speed)]
    speed: f64,
}

pub(super) fn run(common: &Common, args: &DrillArgs) -> Result<(), Failure> {
    if args.list {
        for (name, title) in Scenario::shipped() {
            say!("{name:18} {title}");
        }
        return Ok(());
    }
    let scenario = find(&args.scenario)?;
    let config = common.config()?.unwrap_or_default();
    let look = Look::new(common, &config)?;
    let clock = Arc::new(Clock::at_speed(args.speed));
    let began = clock.now();
    let (id, root) = (scenario.id.clone(), scenario.fleet.root.clone());
    let world = World::new(scenario, args.seed, args.devices, began);
    let drill = DrillStart { scenario: id.clone(), seed: args.seed, devices: world.devices() };
    let log = paths::new_drill_log(&common.data_directory(), &id, began.utc());
    let pace = args.speed.ceil().max(1.0) as i64;
    session::runtime()?.block_on(async {
        let ticking = clock.clone();
        let started = Conductor::start(world, Arc::new(move || ticking.now())).await;
        let conductor = started.map_err(|error| Failure::Run(format!("no port for the drill's broker: {error}")))?;
        let options = options(common, &config, &conductor, &root, drill, log.clone(), clock.clone())?;
        let settings = Settings { pace, ..options.settings };
        let options = StationOptions { settings, ..options };
        session::run(options, look).await
    })?;
    say!("drill {id} ended after {}. It is on record: {}", session::spent(&clock, began), log.display());
    // What was set aside for a full disk is needed while a room is open.
    let _ = std::fs::remove_file(log.with_extension("reserve"));
    let incidents = read::open(&log)?.records.iter().filter_map(|record| record.event.incident()).max();
    if let Some(last) = incidents {
        let newest = paths::newest_drill(&common.data_directory()).as_deref() == Some(log.as_path());
        let which = if newest { "--drill".to_owned() } else { format!("--log {}", log.display()) };
        say!("Write it down:  warroom export {} {which}", last.0);
    }
    Ok(())
}

/// A drill without a screen, for a switch to be tested in.
pub(super) async fn rehearsal(
    common: &Common,
    config: &Config,
    devices: u32,
    speed: f64,
    log: std::path::PathBuf,
) -> Result<(Conductor, StationOptions), Failure> {
    let scenario = find("bad-firmware")?;
    let clock = Arc::new(Clock::at_speed(speed));
    let (id, root) = (scenario.id.clone(), scenario.fleet.root.clone());
    let world = World::new(scenario, 1, Some(devices), clock.now());
    let drill = DrillStart { scenario: id, seed: 1, devices: world.devices() };
    let ticking = clock.clone();
    let started = Conductor::start(world, Arc::new(move || ticking.now())).await;
    let conductor = started.map_err(|error| Failure::Run(format!("no port for the drill's broker: {error}")))?;
    let options = options(common, config, &conductor, &root, drill, log, clock)?;
    let settings = Settings { pace: speed.ceil() as i64, ..options.settings };
    Ok((conductor, StationOptions { settings, socket: None, ..options }))
}

fn find(name: &str) -> Result<Scenario, Failure> {
    if let Some(shipped) = Scenario::find(name) {
        return Ok(shipped?);
    }
    let path = Path::new(name);
    if name.contains(['/', '.']) || path.exists() {
        let source = std::fs::read_to_string(path)
            .map_err(|error| Failure::Usage(format!("the scenario {name} cannot be read: {error}")))?;
        return Ok(Scenario::read(&source, name)?);
    }
    let shipped = Scenario::shipped();
    let names: Vec<&str> = shipped.iter().map(|(name, _)| name.as_str()).collect();
    let mend = document::nearest(name, &names)
        .map_or_else(|| format!("there are {}", names.join(", ")), |near| format!("did you mean `{near}`?"));
    Err(Failure::Usage(format!("no scenario `{name}`; {mend}")))
}

fn options(
    common: &Common,
    config: &Config,
    conductor: &Conductor,
    root: &str,
    drill: DrillStart,
    log: std::path::PathBuf,
    clock: Arc<Clock>,
) -> Result<StationOptions, Failure> {
    let router = Router::standard(root).map_err(Failure::Usage)?;
    let address = conductor.address();
    let mut settings = room::settings(common, config, format!("the drill's broker on {address}"), "drill".into());
    let mut switches = standard(&format!("{root}/ota/{{campaign}}/control"), root);
    switches.extend(access(root));
    settings.switches = switches.into_iter().map(Arc::new).collect();
    settings.shell_options = format!(" -h {} -p {}", address.ip(), address.port());
    let socket = config.socket(&log);
    Ok(StationOptions {
        source: Source::Broker(LinkOptions {
            host: address.ip().to_string(),
            port: address.port(),
            tls: None,
            protocol: Protocol::V3,
            client_id: random::client_id(),
            credentials: Arc::new(|| Ok(None)),
            keep_alive_s: 5,
            subscriptions: router.subscriptions().to_vec(),
            seed: random::number(),
        }),
        ingest: Ingest::new(router, settings.fleet.schema.clone()),
        settings,
        log,
        drill: Some(drill),
        clock,
        secrets: config.secrets(),
        socket: Some(Place { path: socket, mode: config.socket_mode() }),
    })
}
