//! `warroom switch`: what can be pulled, whether it works, and how to do it by hand.

mod test;

use clap::{Args, Subcommand};

use super::{Common, Failure, room};
use crate::config::Config;
use crate::config::switches::PRESETS;
use crate::domain::site;
use crate::domain::switch::plan::{GateKind, Switch, Takes};
use crate::domain::switch::standard::access;
use crate::domain::switch::template::Values;
use crate::engine::room::Room;
use crate::store::read;

#[derive(Args)]
pub(super) struct SwitchArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Everything that can be pulled, and when each was last tested.
    List,
    /// Switches for known systems, to be filled in; with a name, its text.
    Presets { name: Option<String> },
    /// Take the whole way of a switch on one device, and record how it went.
    Test(test::TestArgs),
    /// The same calls for a shell, for when this tool is what is broken.
    Manual(ManualArgs),
}

#[derive(Args)]
pub(super) struct ManualArgs {
    id: String,
    /// The campaign it is about.
    #[arg(long)]
    campaign: Option<String>,
    /// A device it is about; as often as there are devices.
    #[arg(long = "device")]
    devices: Vec<String>,
    /// What else the call needs: site=ams1, version=c-42.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,
}

/// `name=value`.
pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("`{text}` is not NAME=VALUE"))?;
    Ok((name.to_owned(), value.to_owned()))
}

pub(super) fn run(common: &Common, args: &SwitchArgs) -> Result<(), Failure> {
    match &args.what {
        What::List => list(common),
        What::Presets { name } => presets(name.as_deref()),
        What::Test(args) => test::run(common, args),
        What::Manual(args) => manual(common, args),
    }
}

fn list(common: &Common) -> Result<(), Failure> {
    let config = common.config()?.unwrap_or_default();
    let log = crate::config::paths::live_log(&common.data_directory());
    let mut room = Room::default();
    if log.exists() {
        read::open(&log)?.records.iter().for_each(|record| room.apply(record));
    }
    let now = crate::runtime::clock::Clock::live().now();
    for switch in config.switches() {
        let gate = match switch.gate {
            GateKind::OneKey => "one key",
            GateKind::Typed => "typed",
            GateKind::TwoPeople => "two people",
        };
        let tested = room.tests.get(&switch.id).map_or_else(
            || "never tested".into(),
            |tested| {
                let days = now.since_s(tested.at) / 86_400;
                let took = tested.took_ms as f64 / 1000.0;
                let word = if tested.ok { "tested" } else { "test FAILED" };
                format!("{word} {days} d ago in {}, {took:.1} s", tested.environment)
            },
        );
        say!("{:20} {:24} {:11} {tested}", switch.id.0, switch.label, gate);
        say!("{:20} {}", "", switch.effect);
    }
    Ok(())
}

fn presets(name: Option<&str>) -> Result<(), Failure> {
    let Some(name) = name else {
        for (name, source) in PRESETS {
            let about = source.lines().next().unwrap_or_default().trim_start_matches("# ");
            say!("{name:24} {about}");
        }
        say!("\nIn the configuration: [[switch]] preset = \"NAME\"; `warroom switch presets NAME` shows what it does.");
        return Ok(());
    };
    let found = PRESETS.iter().find(|(known, _)| *known == name);
    let names: Vec<&str> = PRESETS.iter().map(|(name, _)| *name).collect();
    let (_, source) =
        found.ok_or_else(|| Failure::Usage(format!("no preset `{name}`; there are {}", names.join(", "))))?;
    say!("{}", source.trim_end());
    Ok(())
}

/// The configured switch of that id, or one that only a drill has.
fn find(config: &Config, id: &str) -> Result<Switch, Failure> {
    let mut switches = config.switches();
    switches.extend(access(&config.fleet.root));
    let known: Vec<String> = switches.iter().map(|switch| switch.id.0.clone()).collect();
    let found = switches.into_iter().find(|switch| switch.id.0 == id);
    found.ok_or_else(|| Failure::Usage(format!("no switch `{id}`; there are {}", known.join(", "))))
}

fn manual(common: &Common, args: &ManualArgs) -> Result<(), Failure> {
    let config = common.config()?.unwrap_or_default();
    let switch = find(&config, &args.id)?;
    let address = room::address(None, &config)?;
    let options = address.as_ref().map(|address| room::shell_options(&config, address)).unwrap_or_default();
    let mut values: Values = args.set.iter().cloned().collect();
    values.entry("request_id".into()).or_insert_with(|| format!("manual-{}", crate::runtime::random::log_id()));
    values.entry("environment".into()).or_insert_with(|| config.broker.environment.clone());
    if let Some(campaign) = &args.campaign {
        values.insert("campaign".into(), campaign.clone());
    }
    let targets: Vec<Option<&String>> = match switch.takes {
        Takes::Campaign => vec![None],
        Takes::Devices if args.devices.is_empty() => {
            return Err(Failure::Usage(format!("{} acts on devices: give some with --device", switch.label)));
        }
        Takes::Devices => args.devices.iter().map(Some).collect(),
    };
    let per_site = *config.fleet.names_per_site.get_ref();
    values.insert("devices".into(), serde_json::Value::from(args.devices.clone()).to_string());
    say!("# {}: {}", switch.label, switch.effect);
    for step in &switch.steps {
        say!("# {}", step.name);
        for target in targets.iter().take(if step.each { usize::MAX } else { 1 }) {
            if let Some(device) = target {
                values.insert("device".into(), (*device).clone());
            }
            if let Some(device) = target.filter(|_| per_site && step.template.asks("device")) {
                let addressed = site::addressed(device, step.template.asks("site"));
                let (site, name) = addressed.map_err(Failure::Usage)?;
                values.extend([("site".into(), site.to_owned()), ("device".into(), name.to_owned())]);
            }
            let call = step.template.call(&values);
            let call =
                call.map_err(|problem| Failure::Usage(format!("{problem}; give it with --set or --campaign")))?;
            say!("{}", call.by_hand(&options));
        }
    }
    Ok(())
}
