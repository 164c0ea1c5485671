//! `warroom switch test`: the whole way of a switch, on one device, in staging or in a drill.
//!
//! It is the room itself, without a screen: the same arming, gate, actuator and proof. What it does is on a log of its
//! own; that it was tested, and how that went, is on the live one.

use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use tokio::sync::mpsc::Receiver;

use super::super::{Common, Failure, drill, room, session};
use crate::config::{Config, paths};
use crate::domain::command::{Command, Confirmation, SwitchCommand};
use crate::domain::ids::Seq;
use crate::domain::input::Ticket;
use crate::domain::lens::Lens;
use crate::domain::switch::plan::{Kind, Switch, Takes};
use crate::domain::switch::template::Values;
use crate::domain::switch::{ActuationState, Scope};
use crate::engine::Settings;
use crate::engine::snapshot::{ActuationView, Snapshot};
use crate::engine::switches::known::VERSION;
use crate::runtime::clock::Clock;
use crate::runtime::offline::Offline;
use crate::runtime::socket::{self, Request};
use crate::runtime::{Asker, Reply, Station};

/// How long a test may take, in seconds of life.
const PATIENCE_S: u64 = 300;
/// Devices of the drill that a switch is tested in, and how much faster than life it runs.
const DRILL_DEVICES: u32 = 300;
const DRILL_SPEED: f64 = 20.0;
/// Why one person is enough here.
const REASON: &str = "a test of the switch on one canary device";

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Environment {
    Staging,
    Drill,
}

#[derive(Args)]
pub(super) struct TestArgs {
    id: String,
    /// Where: on the configured broker, if that is staging, or in a simulated fleet.
    #[arg(long = "env", value_enum, default_value_t = Environment::Drill)]
    environment: Environment,
    /// The device, instead of the configured canary.
    #[arg(long)]
    device: Option<String>,
    /// What the switch needs: version=c-42.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = super::pair)]
    set: Vec<(String, String)>,
}

pub(super) fn run(common: &Common, args: &TestArgs) -> Result<(), Failure> {
    let config = common.config()?.unwrap_or_default();
    let switch = super::find(&config, &args.id)?;
    let environment = match args.environment {
        Environment::Staging => "staging",
        Environment::Drill => "drill",
    };
    let outcome = session::runtime()?.block_on(take(common, &config, args, &switch));
    let (ok, took_ms, detail) = match outcome {
        Ok((took_ms, detail)) => (true, took_ms, detail),
        Err(Ended::Untried(failure)) => return Err(failure),
        Err(Ended::Failed { took_ms, reason }) => (false, took_ms, reason),
    };
    let seq = record(
        common,
        &config,
        Request::Tested {
            switch: args.id.clone(),
            environment: environment.into(),
            ok,
            took_ms,
            detail: detail.clone(),
        },
    )?;
    let took = took_ms as f64 / 1000.0;
    let told = format!(
        "{} in {environment}: {} after {took:.1} s · {detail}",
        switch.label,
        if ok { "works" } else { "FAILED" }
    );
    if ok {
        say!("{told}\nrecorded {seq}");
        Ok(())
    } else {
        Err(Failure::Run(told))
    }
}

/// Why there is no success.
enum Ended {
    /// It was never pulled.
    Untried(Failure),
    Failed {
        took_ms: u64,
        reason: String,
    },
}

impl From<Failure> for Ended {
    fn from(failure: Failure) -> Self {
        Self::Untried(failure)
    }
}

fn untried(reason: impl Into<String>) -> Ended {
    Ended::Untried(Failure::Run(reason.into()))
}

/// Puts the outcome on the live log: through the room, where one is open.
fn record(common: &Common, config: &Config, tested: Request) -> Result<u64, Failure> {
    let log = paths::live_log(&common.data_directory());
    if let Some(answer) = socket::ask(&config.socket(&log), &tested).map_err(Failure::Run)? {
        return answer.recorded.ok_or_else(|| Failure::Run(answer.error.unwrap_or_default()));
    }
    let settings = Settings { operator: session::operator(config), ..Settings::default() };
    let mut offline = Offline::open(&log, settings).map_err(|error| Failure::Usage(error.to_string()))?;
    let Request::Tested { switch, environment, ok, took_ms, detail } = tested else { return Ok(0) };
    let command =
        SwitchCommand::Tested { switch: crate::domain::switch::SwitchId(switch), environment, ok, took_ms, detail };
    let seq = offline.record(Command::Switch(command)).map_err(|error| Failure::Run(error.to_string()))?;
    offline.close();
    Ok(seq.0)
}

/// Opens a room without a screen and pulls the switch in it.
async fn take(common: &Common, config: &Config, args: &TestArgs, switch: &Switch) -> Result<(u64, String), Ended> {
    let log = paths::new_test_log(&common.data_directory(), &args.id, Clock::live().now().utc());
    // What is set aside for a full disk is needed while a room is open.
    let reserve = log.with_extension("reserve");
    let mut conductor = None;
    let options = match args.environment {
        Environment::Drill => {
            let (started, options) = drill::rehearsal(common, config, DRILL_DEVICES, DRILL_SPEED, log).await?;
            conductor = Some(started);
            options
        }
        Environment::Staging => {
            if config.broker.environment != "staging" {
                return Err(untried(format!(
                    "the configured broker is {}, not staging; a switch is not tested there",
                    config.broker.environment
                )));
            }
            let address = room::address(None, config)?.ok_or_else(|| untried("no broker is configured"))?;
            crate::runtime::StationOptions { log, socket: None, ..room::options(common, config, &address)? }
        }
    };
    let (station, replies) = Station::open(options).map_err(|error| untried(error.to_string()))?;
    let mut bench = Bench { snapshots: station.snapshots(), asker: station.asker(), replies, tickets: 0 };
    let taken = tokio::time::timeout(Duration::from_secs(PATIENCE_S), bench.take(args, switch)).await;
    station.close("the test is over").await;
    drop(conductor);
    let _ = std::fs::remove_file(reserve);
    let reason = format!("no outcome for {PATIENCE_S} s");
    taken.unwrap_or(Err(Ended::Failed { took_ms: PATIENCE_S * 1000, reason }))
}

struct Bench {
    snapshots: tokio::sync::watch::Receiver<Arc<Snapshot>>,
    asker: Asker,
    replies: Receiver<Reply>,
    tickets: u64,
}

impl Bench {
    async fn take(&mut self, args: &TestArgs, switch: &Switch) -> Result<(u64, String), Ended> {
        self.until(|snapshot| snapshot.link.is_up().then_some(())).await?;
        let scope = match switch.takes {
            Takes::Campaign => Scope::Campaign(None),
            Takes::Devices => Scope::Devices(vec![self.canary(args, switch).await?]),
        };
        let mut parameters: Values = args.set.iter().cloned().collect();
        // What was written down for it is what it is pulled with.
        if let Some(choice) = switch.choices.first() {
            choice.parameters.iter().for_each(|(name, value)| {
                parameters.entry(name.clone()).or_insert_with(|| value.clone());
            });
        }
        if let (Kind::Rollback, Scope::Devices(devices)) = (switch.kind, &scope)
            && !parameters.contains_key(VERSION)
        {
            parameters.insert(VERSION.to_owned(), self.version_for(&devices[0]).await?);
        }
        for name in &switch.parameters {
            let value = if name == "values" { "{}".into() } else { format!("test-{}", self.tickets) };
            parameters.entry(name.clone()).or_insert(value);
        }
        self.arm(switch, &scope, &parameters).await?;
        let (arming, word, at) = self
            .until(|snapshot| snapshot.arming.as_ref().map(|arming| (arming.id, arming.preview.word(), arming.at)))
            .await?;
        // The guard is there for tests too.
        self.until(|s| (s.at.since_ms(at) > (crate::limits::ARMING_GUARD_MS + 100) * s.pace).then_some(())).await?;
        let fire = Confirmation { arming, typed: word };
        self.ask(SwitchCommand::Fire(fire)).await.map_err(untried)?;
        if switch.gate == crate::domain::switch::plan::GateKind::TwoPeople {
            let approval = self.until(|snapshot| snapshot.requests.last().map(|request| request.approval)).await?;
            self.ask(SwitchCommand::BreakGlass { approval, reason: REASON.into() }).await.map_err(untried)?;
        }
        let view = self.until(|s| s.actuations.values().find(|view| is_over(view)).cloned()).await?;
        let actuation = &view.actuation;
        let took_ms = actuation.after_ms(actuation.ended).unwrap_or_default().max(0) as u64;
        match &actuation.state {
            ActuationState::Effective => Ok((took_ms, actuation.preview.about())),
            _ => Err(Ended::Failed { took_ms, reason: actuation.words() }),
        }
    }

    /// The device asked for, the configured one, or in a drill the first one that is seen.
    async fn canary(&mut self, args: &TestArgs, switch: &Switch) -> Result<String, Ended> {
        if let Some(device) = args.device.clone().or_else(|| switch.canary.clone()) {
            return Ok(device);
        }
        if args.environment == Environment::Staging {
            return Err(untried("on which device? Give --device, or `canary` in the configuration of the switch"));
        }
        self.asker.look(Lens { devices: Some((0, 50)), ..Default::default() });
        let first = |snapshot: &Snapshot| {
            let page = snapshot.devices.as_ref()?;
            page.rows.iter().find(|row| row.online && row.seen.is_some()).map(|row| row.id.clone())
        };
        self.until(first).await
    }

    /// A version that is known to run well, and that this device does not run yet if there is one.
    async fn version_for(&mut self, device: &str) -> Result<String, Ended> {
        self.asker.look(Lens { device: Some(device.to_owned()), ..Default::default() });
        let other = |snapshot: &Snapshot| {
            let own = &snapshot.device.as_ref()?.row;
            let at = snapshot.attributes.iter().position(|attribute| attribute == "firmware")?;
            let good = || snapshot.good_versions.iter().map(|known| known.version.clone());
            good().find(|version| own.values.get(at) != Some(version)).or_else(|| good().next())
        };
        self.until(other).await
    }

    /// Arms it as soon as there is something to arm it at: a rollout takes its time to begin.
    async fn arm(&mut self, switch: &Switch, scope: &Scope, parameters: &Values) -> Result<(), Ended> {
        let mut refusal = String::new();
        for _ in 0..120 {
            let (switch, scope, parameters) = (switch.id.clone(), scope.clone(), parameters.clone());
            match self.ask(SwitchCommand::Arm { switch, scope, parameters }).await {
                Ok(_) => return Ok(()),
                Err(reason) => refusal = reason,
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        Err(untried(refusal))
    }

    async fn ask(&mut self, command: SwitchCommand) -> Result<Seq, String> {
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        self.asker.command(ticket, Command::Switch(command));
        while let Some((answered, result)) = self.replies.recv().await {
            if answered == ticket {
                return result.map_err(|refusal| refusal.0);
            }
        }
        Err("the room ended by itself".into())
    }

    async fn until<T>(&mut self, wanted: impl Fn(&Snapshot) -> Option<T>) -> Result<T, Ended> {
        loop {
            if let Some(found) = wanted(&self.snapshots.borrow_and_update()) {
                return Ok(found);
            }
            self.snapshots.changed().await.map_err(|_| untried("the room ended by itself"))?;
        }
    }
}

fn is_over(view: &ActuationView) -> bool {
    view.actuation.state.is_final() || matches!(view.actuation.state, ActuationState::Unknown { .. })
}
