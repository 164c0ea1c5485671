//! `warroom drill`: a game day, on a broker of its own, on a staging broker, or in virtual time.

mod headless;
pub mod history;
mod join;
mod scorecard;
mod staging;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use super::session::{self, Look};
use super::{Common, Failure, export, room};
use crate::config::{Config, paths};
use crate::document;
use crate::domain::count::counted;
use crate::domain::day::Day;
use crate::domain::drill::DrillCommand;
use crate::domain::input::DrillStart;
use crate::domain::switch::standard::{access, standard};
use crate::domain::time::At;
use crate::drill::conductor::Conductor;
use crate::drill::scenario::Scenario;
use crate::drill::world::World;
use crate::engine::Settings;
use crate::ingest::Ingest;
use crate::ingest::route::Router;
use crate::mqtt::LinkOptions;
use crate::report::{after_action, html, markdown};
use crate::runtime::clock::Clock;
use crate::runtime::socket::Place;
use crate::runtime::{Source, StageLink, StationOptions, random};
use crate::store::read;

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct DrillArgs {
    #[command(subcommand)]
    upkeep: Option<Upkeep>,
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
    /// A staging broker, as mqtt://host:1883 or mqtts://host:8883, instead of one of our own. Everything lies under a topic
    /// of its own and is removed at the end.
    #[arg(long, value_name = "URL", conflicts_with = "headless")]
    broker: Option<String>,
    /// Join the drill that runs in another terminal, as its facilitator: a screen of your own, from your own login.
    #[arg(long, conflicts_with_all = ["headless", "facilitator", "broker", "list"])]
    join: bool,
    /// The socket of the drill to join, as its room shows it; otherwise the one that belongs to the newest drill.
    #[arg(long, value_name = "FILE", requires = "join")]
    socket: Option<PathBuf>,
    /// Sit down as the facilitator: the drill screen shows what responders do not see.
    #[arg(long, conflicts_with = "headless")]
    facilitator: bool,
    /// In virtual time, without a terminal and as fast as it goes.
    #[arg(long)]
    headless: bool,
    /// For programs.
    #[arg(long, requires = "headless")]
    json: bool,
    /// What responders do and when, in a file, or `shipped` for those that come with a scenario; without it the room
    /// is left to itself.
    #[arg(long, requires = "headless", value_name = "FILE")]
    responder: Option<PathBuf>,
}

/// What there is to do about game days beside playing one.
#[derive(Subcommand)]
enum Upkeep {
    /// Past game days, days since the last, and the gaps that are open.
    History {
        /// For programs.
        #[arg(long)]
        json: bool,
    },
    /// The after-action report of a game day.
    Report {
        /// Its log; the newest if not given.
        log: Option<PathBuf>,
        #[arg(long, value_enum, default_value_t = Format::Md)]
        format: Format,
        /// Where to write; the terminal if not given.
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Promise to mend a gap, by a day.
    Assign {
        gap: String,
        #[arg(long)]
        owner: String,
        /// The day by which it is mended: 2026-12-01.
        #[arg(long)]
        due: Day,
    },
    /// Say that a gap is closed, and how.
    Close { gap: String, reason: Vec<String> },
    /// Undo what game days have left on staging brokers; every game day begins with this.
    Clear,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Md,
    Html,
}

pub(super) fn run(common: &Common, args: &DrillArgs) -> Result<(), Failure> {
    if let Some(upkeep) = &args.upkeep {
        return keep_up(common, upkeep);
    }
    if args.list {
        for (name, title) in Scenario::shipped() {
            say!("{name:18} {title}");
        }
        return Ok(());
    }
    if args.join {
        return join::run(common, args.socket.as_deref());
    }
    let scenario = find(&args.scenario)?;
    if args.headless {
        return headless::run(common, args, scenario);
    }
    play(common, args, scenario)
}

fn keep_up(common: &Common, upkeep: &Upkeep) -> Result<(), Failure> {
    let data = common.data_directory();
    match upkeep {
        Upkeep::History { json } => history::tell(&data, Clock::live().now(), *json),
        Upkeep::Report { log, format, output } => {
            let none = || Failure::Usage(format!("no drill has been run in {}", data.display()));
            let log = log.clone().or_else(|| paths::newest_drill(&data)).ok_or_else(none)?;
            export::put(output.as_deref(), &report(&log, *format)?)
        }
        Upkeep::Assign { gap, owner, due } => {
            let assign = DrillCommand::AssignGap { gap: gap.clone(), owner: owner.clone(), due: *due };
            history::tell_of(&data, own_settings(common)?, gap, assign)
        }
        Upkeep::Close { gap, reason } => {
            let close = DrillCommand::CloseGap { gap: gap.clone(), reason: reason.join(" ") };
            history::tell_of(&data, own_settings(common)?, gap, close)
        }
        Upkeep::Clear => {
            let config = common.config()?.unwrap_or_default();
            session::runtime()?.block_on(staging::clear_debts(&data, &config))
        }
    }
}

/// The settings of a command that is recorded without a room.
fn own_settings(common: &Common) -> Result<Settings, Failure> {
    let config = common.config()?.unwrap_or_default();
    Ok(Settings { operator: session::operator(&config), ..Settings::default() })
}

fn report(log: &Path, format: Format) -> Result<String, Failure> {
    let records = read::open(log)?.records;
    let page = after_action::lay_out(&records)
        .ok_or_else(|| Failure::Usage(format!("{} is not the log of a game day", log.display())))?;
    Ok(match format {
        Format::Md => markdown::write(&page),
        Format::Html => html::write(&page),
    })
}

/// Plays a game day at the terminal.
fn play(common: &Common, args: &DrillArgs, mut scenario: Scenario) -> Result<(), Failure> {
    let config = common.config()?.unwrap_or_default();
    let data = common.data_directory();
    staging::refuse_in_earnest(&data)?;
    let staging = args.broker.as_ref().map(|url| staging::place(&config, url, &mut scenario)).transpose()?;
    let mut look = Look::new(common, &config)?;
    look.facilitator = args.facilitator;
    let clock = Arc::new(Clock::at_speed(args.speed));
    let began = clock.now();
    let id = scenario.id.clone();
    let past = history::past(&data);
    let world = World::new(scenario.clone(), args.seed, args.devices, began);
    let mut plan = scenario.plan(args.seed, world.devices());
    plan.carried = history::open_gaps(&past);
    plan.staging = staging.as_ref().map(|_| scenario.fleet.root.clone());
    let drill =
        DrillStart { scenario: id.clone(), seed: args.seed, devices: world.devices(), plan: Some(Box::new(plan)) };
    let log = paths::new_drill_log(&data, &id, began.utc());
    let pace = args.speed.ceil().max(1.0) as i64;
    session::runtime()?.block_on(async {
        staging::clear_debts(&data, &config).await?;
        let debt = staging.as_ref().map(|place| place.owe(&log)).transpose()?;
        let (mut stage, score) =
            StageLink::new(&clock, args.speed, staging.as_ref().map(|place| place.options.clone()));
        stage.lever = staging.as_ref().map(|_| Duration::from_secs(config.drill.lost_s.into()));
        let started = Conductor::start(world, score).await;
        let conductor = started.map_err(|error| Failure::Run(format!("no port for the drill's broker: {error}")))?;
        let (options, broker) = match (conductor.address(), &staging) {
            (_, Some(place)) => (place.options.clone(), place.address.to_string()),
            (Some(address), None) => (own_broker(&address), format!("the drill's broker on {address}")),
            (None, None) => return Err(Failure::Run("the drill's broker is gone".into())),
        };
        let set = room_settings(common, &config, broker, &options, &scenario);
        let set = Settings { pace, game_days: history::game_days(&data), ..set };
        let options = options_of(&config, set, options, &scenario, drill, &log, clock.clone(), stage)?;
        let result = session::run(options, look).await;
        conductor.end().await;
        if let (Some(place), Some(debt)) = (&staging, debt) {
            place.settle(&debt).await?;
        }
        result
    })?;
    tell_end(&data, &log, &id, &clock, began)
}

/// The last words on a terminal: where it is on record, how it went, and the report beside the log.
fn tell_end(data: &Path, log: &Path, id: &str, clock: &Arc<Clock>, began: At) -> Result<(), Failure> {
    say!("drill {id} ended after {}. It is on record: {}", session::spent(clock, began), log.display());
    // What was set aside for a full disk is needed while a room is open.
    let _ = std::fs::remove_file(log.with_extension("reserve"));
    for (format, extension) in [(Format::Md, "md"), (Format::Html, "html")] {
        let path = log.with_extension(extension);
        export::put(Some(&path), &report(log, format)?)?;
    }
    let newest = history::past(data).into_iter().rfind(|day| day.path == log);
    if let Some(day) = newest {
        let gaps = counted(day.gaps.len() as u64, "gap");
        say!("{} · {gaps}. The after-action report: {}", day.score.sentence(), log.with_extension("md").display());
    }
    let incidents = read::open(log)?.records.iter().filter_map(|record| record.event.incident()).max();
    if let Some(last) = incidents {
        let newest = paths::newest_drill(data).as_deref() == Some(log);
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
    let world = World::new(scenario.clone(), 1, Some(devices), clock.now());
    let drill = DrillStart { scenario: scenario.id.clone(), seed: 1, devices: world.devices(), plan: None };
    let (stage, score) = StageLink::new(&clock, speed, None);
    let started = Conductor::start(world, score).await;
    let conductor = started.map_err(|error| Failure::Run(format!("no port for the drill's broker: {error}")))?;
    let address = conductor.address().ok_or_else(|| Failure::Run("the drill's broker is gone".into()))?;
    let link = own_broker(&address);
    let set = room_settings(common, config, format!("the drill's broker on {address}"), &link, &scenario);
    let set = Settings { pace: speed.ceil() as i64, ..set };
    let options = options_of(config, set, link, &scenario, drill, &log, clock, stage)?;
    Ok((conductor, StationOptions { socket: None, ..options }))
}

/// The settings of a game day: what a scenario decides about rollouts goes before what the configuration has, and its
/// switches are those that the simulated world answers to.
fn settings(settings: Settings, scenario: &Scenario) -> Settings {
    let rollout = scenario.rollout.as_ref().map(crate::config::rollout::RolloutSection::policy);
    let root = &scenario.fleet.root;
    let mut switches = standard(&format!("{root}/ota/{{campaign}}/control"), root);
    switches.extend(access(root));
    // What a push may say is a matter of the fleet, and worth a rehearsal.
    for switch in &mut switches {
        if let Some(own) =
            settings.switches.iter().find(|own| own.id == switch.id && own.parameters == switch.parameters)
        {
            switch.choices.clone_from(&own.choices);
            switch.schema.clone_from(&own.schema);
        }
    }
    Settings {
        rollout: rollout.unwrap_or_else(|| settings.rollout.clone()),
        switches: switches.into_iter().map(Arc::new).collect(),
        // No two devices of a simulated fleet have one name.
        names_per_site: false,
        ..settings
    }
}

fn room_settings(
    common: &Common,
    config: &Config,
    broker: String,
    link: &LinkOptions,
    scenario: &Scenario,
) -> Settings {
    let mut set = room::settings(common, config, broker, "drill".into());
    set.shell_options = format!(" -h {} -p {}", link.host, link.port);
    settings(set, scenario)
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

fn own_broker(address: &std::net::SocketAddr) -> LinkOptions {
    let link = LinkOptions::plain(address.ip().to_string(), address.port(), random::client_id());
    LinkOptions { seed: random::number(), ..link }
}

#[allow(clippy::too_many_arguments)]
fn options_of(
    config: &Config,
    settings: Settings,
    link: LinkOptions,
    scenario: &Scenario,
    drill: DrillStart,
    log: &Path,
    clock: Arc<Clock>,
    stage: StageLink,
) -> Result<StationOptions, Failure> {
    let router = Router::standard(&scenario.fleet.root).map_err(Failure::Usage)?;
    let socket = config.socket(log);
    let subscriptions = router.subscriptions().to_vec();
    Ok(StationOptions {
        source: Source::Broker(LinkOptions { subscriptions, ..link }),
        ingest: Ingest::new(router, settings.fleet.schema.clone()),
        settings,
        log: log.to_owned(),
        drill: Some(drill),
        clock,
        secrets: config.secrets(),
        socket: Some(Place { path: socket, mode: config.socket_mode() }),
        stage: Some(stage),
    })
}
