//! `warroom`: the room on the configured broker.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::session::{self, Look};
use super::{Common, Failure, drill, replay};
use crate::config::broker::{Address, ProtocolWord};
use crate::config::channels::ChannelSection;
use crate::config::{Config, paths, response, runbooks, templates};
use crate::domain::text::visible;
use crate::engine::Settings;
use crate::ingest::Ingest;
use crate::mqtt::{Credentials, LinkOptions, Protocol, Tls};
use crate::runtime::clock::Clock;
use crate::runtime::socket::Place;
use crate::runtime::{Source, StationOptions, random};

#[derive(Args)]
pub(super) struct RoomArgs {
    /// Broker, as mqtt://host:1883 or mqtts://host:8883, instead of the configured one.
    #[arg(long, env = "WARROOM_BROKER", value_name = "URL")]
    pub(super) broker: Option<String>,
    /// Open the room on captures, one after the other, instead of a broker: nothing is ever sent, and the log is one of
    /// its own. What is packed by gzip or zstd is unpacked.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(super) replay: Vec<PathBuf>,
    /// How much faster than life a replay runs: 0.5 to 60.
    #[arg(long, default_value_t = 1.0, value_parser = session::speed, requires = "replay")]
    pub(super) speed: f64,
}

const WELCOME: &str = "\
no broker is configured yet. Try one of these:

    warroom drill                       a game day on a simulated fleet; needs nothing
    warroom --broker mqtt://HOST:1883   the room on a broker, once
    warroom config init                 a configuration file to fill in";

/// The broker asked for, or the configured one.
pub(super) fn address(asked: Option<&String>, config: &Config) -> Result<Option<Address>, Failure> {
    let url = asked.or(config.broker.url.as_ref().map(|url| url.get_ref()));
    url.map(|url| url.parse().map_err(Failure::Usage)).transpose()
}

pub(super) fn run(common: &Common, args: &RoomArgs) -> Result<(), Failure> {
    if !args.replay.is_empty() {
        return replay::run(common, &args.replay, args.speed);
    }
    let config = common.config()?.unwrap_or_default();
    let address = address(args.broker.as_ref(), &config)?.ok_or_else(|| Failure::Usage(WELCOME.into()))?;
    let look = Look::new(common, &config)?;
    let options = options(common, &config, &address)?;
    session::runtime()?.block_on(session::run(options, look))
}

pub(super) fn options(common: &Common, config: &Config, address: &Address) -> Result<StationOptions, Failure> {
    let router = config.fleet.router().map_err(Failure::Usage)?;
    let settings = settings(common, config, address.to_string(), config.broker.environment.clone());
    let game_days = drill::history::game_days(&common.data_directory());
    let shell_options = shell_options(config, address);
    let settings = Settings { shell_options, subscriptions: router.subscriptions().into(), game_days, ..settings };
    let log = paths::live_log(&common.data_directory());
    let socket = config.socket(&log);
    Ok(StationOptions {
        source: Source::Broker(link(config, address, router.subscriptions().to_vec())),
        ingest: Ingest::new(router, settings.fleet.schema.clone()),
        settings,
        log,
        drill: None,
        clock: Arc::new(Clock::live()),
        secrets: config.secrets(),
        socket: Some(Place { path: socket, mode: config.socket_mode() }),
        stage: None,
    })
}

/// The settings that a live room and a drill share.
pub(super) fn settings(common: &Common, config: &Config, broker: String, environment: String) -> Settings {
    let library = runbooks::library(config.runbooks.directory.as_deref());
    let law = config.regulation.law();
    let (rates, mispriced) = config.cost.rates();
    let codes = response::codes(config.triage.codes.as_deref());
    let templates = templates::library(config.updates.directory.as_deref());
    let mut warnings = library.problems;
    warnings.extend(templates.problems);
    warnings.extend(codes.as_ref().err().cloned());
    warnings.extend(law.problems.iter().cloned());
    warnings.extend(mispriced);
    Settings {
        fleet: config.fleet.settings(),
        targets: config.targets,
        runbooks: library.runbooks,
        contacts: contacts(config),
        templates: templates.templates,
        channels: config.channels.iter().map(ChannelSection::info).collect(),
        notify: config.updates.notify.iter().map(|name| visible(name.get_ref()).into_owned()).collect(),
        cadences: config.updates.cadences(),
        codes: codes.unwrap_or_default(),
        watch_s: config.recovery.watch_s(),
        broker,
        root: config.fleet.root.clone(),
        environment,
        operator: session::operator(config),
        rollout: config.rollout.policy(),
        read_only: common.read_only,
        switches: config.switches().into_iter().map(Arc::new).collect(),
        names_per_site: *config.fleet.names_per_site.get_ref(),
        uid: rustix::process::getuid().as_raw(),
        own_names: config.broker.user.clone().into_iter().collect(),
        gigabyte_price: config.switches.gigabyte_price,
        warnings,
        regimes: law.regimes.into(),
        history_s: i64::from(config.history.days) * 86_400,
        rates: rates.into(),
        ..Settings::default()
    }
}

/// How people are reached, safe to show.
fn contacts(config: &Config) -> BTreeMap<String, String> {
    let safe = |(name, reach): (&String, &String)| (visible(name).into_owned(), visible(reach).into_owned());
    config.contacts.iter().map(safe).collect()
}

/// How `mosquitto_pub` reaches the same broker; the password is for the person to give.
pub(super) fn shell_options(config: &Config, address: &Address) -> String {
    let mut options = format!(" -h {} -p {}", address.host, address.port);
    match &config.broker.ca_file {
        Some(path) if address.tls => options += &format!(" --cafile {}", path.display()),
        None if address.tls => options += " --capath /etc/ssl/certs",
        _ => {}
    }
    if let Some(user) = address.user.as_ref().or(config.broker.user.as_ref()) {
        options += &format!(" -u {user} -P …");
    }
    options
}

/// How to reach the broker, as configured.
pub(super) fn link(config: &Config, address: &Address, subscriptions: Vec<String>) -> LinkOptions {
    let broker = &config.broker;
    let client = broker.client_cert.clone().zip(broker.client_key.clone());
    let tls = address.tls.then(|| Tls { ca_file: broker.ca_file.clone(), client });
    let user = address.user.clone().or_else(|| broker.user.clone());
    let password = broker.password();
    let credentials = move || {
        let Some(user) = user.clone() else { return Ok(None) };
        let password = password.as_ref().map(|secret| secret.read()).transpose()?.unwrap_or_default();
        Ok(Some(Credentials { user, password }))
    };
    LinkOptions {
        host: address.host.clone(),
        port: address.port,
        tls,
        protocol: match broker.protocol {
            ProtocolWord::Auto => Protocol::Auto,
            ProtocolWord::V3 => Protocol::V3,
            ProtocolWord::V5 => Protocol::V5,
        },
        client_id: random::client_id(),
        credentials: Arc::new(credentials),
        keep_alive_s: broker.keep_alive_s.max(1),
        subscriptions,
        seed: random::number(),
    }
}
