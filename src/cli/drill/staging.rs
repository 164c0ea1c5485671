//! Where a game day may be played: never on production, never while it is earnest; and what it owes a staging broker.

use std::path::{Path, PathBuf};

use crate::cli::{Failure, room};
use crate::config::broker::Address;
use crate::config::{Config, paths};
use crate::domain::event::Record;
use crate::drill::scenario::{Effect, Scenario};
use crate::drill::staging::{self, Debt};
use crate::engine::room::Room;
use crate::mqtt::{LinkOptions, Tls};
use crate::runtime::random;
use crate::store::read;

/// A staging broker, and the topic of this game day on it.
pub(super) struct Place {
    pub address: Address,
    pub options: LinkOptions,
    root: String,
}

/// No game day begins while an incident is open in the live room.
pub(super) fn refuse_in_earnest(data: &Path) -> Result<(), Failure> {
    let live = paths::live_log(data);
    if !live.exists() {
        return Ok(());
    }
    let mut room = Room::default();
    let records: Vec<Record> = read::open(&live)?.records;
    records.iter().for_each(|record| room.apply(record));
    match room.open_incidents().next() {
        None => Ok(()),
        Some(incident) => Err(Failure::Usage(format!(
            "{} is open in the live room ({}); no game day begins before it is resolved",
            incident.id, incident.title
        ))),
    }
}

/// Moves a scenario to a staging broker, under a topic of its own.
pub(super) fn place(config: &Config, url: &str, scenario: &mut Scenario) -> Result<Place, Failure> {
    let address: Address = url.parse().map_err(Failure::Usage)?;
    let configured = room::address(None, config)?;
    let same_host = configured.as_ref().is_some_and(|known| known.host == address.host);
    if same_host && config.broker.environment.eq_ignore_ascii_case("prod") {
        return Err(Failure::Usage(format!(
            "{address} is configured as prod, and no game day is played there; give a staging broker, or a configuration \
             with another `environment`"
        )));
    }
    if scenario.faults.iter().any(|fault| fault.effect == Effect::BrokerDown) {
        return Err(Failure::Usage(format!(
            "{} takes the broker down, which it can do only with one of its own; leave out --broker",
            scenario.id
        )));
    }
    let root = format!("drill-{:08x}", random::number() as u32);
    scenario.fleet.root.clone_from(&root);
    Ok(Place { options: options(config, &address, same_host), address, root })
}

/// How to reach a broker; what the configuration says about getting in is for the configured host alone.
fn options(config: &Config, address: &Address, same_host: bool) -> LinkOptions {
    if same_host {
        return room::link(config, address, Vec::new());
    }
    let tls = address.tls.then(Tls::default);
    let link = room::link(&Config::default(), address, Vec::new());
    LinkOptions { tls, ..link }
}

impl Place {
    /// Writes down what will have to be undone, before anything is done.
    pub fn owe(&self, log: &Path) -> Result<PathBuf, Failure> {
        let path = Debt::path(log);
        let debt = Debt { broker: self.address.to_string(), root: self.root.clone(), pid: std::process::id() };
        let failed =
            |error| Failure::Run(format!("{} cannot be written, so nothing is published: {error}", path.display()));
        debt.write(&path).map_err(failed)?;
        Ok(path)
    }

    /// Looks that nothing is left, and forgets the debt.
    pub async fn settle(&self, debt: &Path) -> Result<(), Failure> {
        match staging::clear(&self.options, &self.root).await {
            Ok(left) => {
                if left > 0 {
                    say!("{left} retained messages were removed from {}", self.address);
                }
                say!("{} is clean: nothing is retained under {}", self.address, self.root);
                // A debt that is kept by accident is looked into again at the next start, and found settled.
                let _ = std::fs::remove_file(debt);
                Ok(())
            }
            Err(reason) => Err(Failure::Run(format!(
                "{} could not be cleared ({reason}); `warroom drill clear` tries again",
                self.address
            ))),
        }
    }
}

/// Undoes what game days that never ended have left on staging brokers.
pub(super) async fn clear_debts(data: &Path, config: &Config) -> Result<(), Failure> {
    for (path, debt) in Debt::left(&data.join("drills")) {
        if is_running(debt.pid) {
            continue;
        }
        let address: Address = debt.broker.parse().map_err(Failure::Usage)?;
        let same_host = room::address(None, config)?.is_some_and(|known| known.host == address.host);
        match staging::clear(&options(config, &address, same_host), &debt.root).await {
            Ok(messages) => {
                say!("{address}: {messages} retained messages of an earlier game day were removed ({})", debt.root);
                let _ = std::fs::remove_file(path);
            }
            // A broker that is not there holds nobody up; it is tried again next time.
            Err(reason) => {
                say!("{address}: an earlier game day has left {} there, and it cannot be removed: {reason}", debt.root)
            }
        }
    }
    Ok(())
}

fn is_running(pid: u32) -> bool {
    let Some(pid) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) else { return false };
    rustix::process::test_kill_process(pid).is_ok()
}
