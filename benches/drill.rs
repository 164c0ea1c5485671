//! How fast a game day goes: `cargo bench --bench drill`.
//!
//! In virtual time: device messages a second of CPU time, beside the simulated world alone in the same run, which is what
//! there would be if the room cost nothing. In real time: the fastest that a fleet of ten thousand can be played through
//! the embedded broker, doubled until the machine is too slow for it, a message is lost, or the room falls behind.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use tokio::sync::mpsc;
use warroom::domain::input::StageNews;
use warroom::drill::conductor::Conductor;
use warroom::drill::scenario::Scenario;
use warroom::drill::world::World;
use warroom::engine::Settings;
use warroom::ingest::Ingest;
use warroom::ingest::route::Router;
use warroom::mqtt::LinkOptions;
use warroom::runtime::clock::Clock;
use warroom::runtime::headless::{Play, play};
use warroom::runtime::{Source, StageLink, Station, StationOptions};

const DEVICES: u32 = 10_000;
const SCENARIO: &str = "bad-firmware";
/// How long each speed is held.
const HELD: Duration = Duration::from_secs(10);
/// The room's count may end this much behind, which is what is on its way.
const ON_ITS_WAY: f64 = 0.02;

fn scenario() -> Scenario {
    Scenario::find(SCENARIO).unwrap().unwrap()
}

fn cpu() -> Duration {
    let spent = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(spent.tv_sec as u64, spent.tv_nsec as u32)
}

/// Messages a second of CPU time.
fn told(name: &str, messages: u64, cpu: Duration) -> f64 {
    let rate = messages as f64 / cpu.as_secs_f64();
    println!("{name:28} {messages:>9} messages  {rate:>9.0} a second of CPU time");
    rate
}

fn virtual_time() {
    println!("{SCENARIO}, {DEVICES} devices, in virtual time");
    let (start, length_s) = (scenario().begins(), scenario().length_s());
    let began = cpu();
    let mut world = World::new(scenario(), 1, Some(DEVICES), start);
    let mut messages = world.retained(start).len() as u64;
    for second in 1..=length_s {
        messages += world.advance(start.plus_s(second.into())).len() as u64;
    }
    let alone = told("the world alone", messages, cpu() - began);

    let began = cpu();
    let settings = Settings::default();
    let ingest = Ingest::new(Router::standard("fleet").unwrap(), settings.fleet.schema.clone());
    let (world, plan) = (World::new(scenario(), 1, Some(DEVICES), start), scenario().plan(1, DEVICES));
    let played = play(Play { world, plan, settings, ingest, responder: None, start });
    let whole = told("the whole game day", played.messages, cpu() - began);
    println!("ratio {:.2}\n", alone / whole);
}

fn link(address: std::net::SocketAddr) -> LinkOptions {
    let link = LinkOptions::plain(address.ip().to_string(), address.port(), "room");
    LinkOptions { subscriptions: vec!["fleet/#".into()], ..link }
}

/// What the world says in this many seconds of its own, from its beginning.
fn said(seconds: f64) -> u64 {
    let start = scenario().begins();
    let mut world = World::new(scenario(), 1, Some(DEVICES), start);
    world.retained(start);
    world.advance(start.plus_ms((seconds * 1000.0) as i64)).len() as u64
}

/// Plays at a speed for a while: messages a second that the room took, or why it could not.
async fn hold(speed: f64) -> Result<f64, String> {
    let clock = Arc::new(Clock::at_speed(speed));
    let (mut stage, score) = StageLink::new(&clock, speed, None);
    let conductor = Conductor::start(World::new(scenario(), 1, Some(DEVICES), clock.now()), score).await.unwrap();
    let data = tempfile::tempdir().unwrap();
    let settings = Settings { environment: "drill".into(), ..Settings::default() };
    // The stage's news are heard here, not by the room.
    let (silent, nobody) = mpsc::channel(1);
    let mut told = std::mem::replace(&mut stage.news, nobody);
    let options = StationOptions {
        ingest: Ingest::new(Router::standard("fleet").unwrap(), settings.fleet.schema.clone()),
        settings,
        log: data.path().join("log.db"),
        source: Source::Broker(link(conductor.address().unwrap())),
        drill: None,
        clock: clock.clone(),
        secrets: Arc::new(|name| Err(name.to_owned())),
        socket: None,
        stage: Some(stage),
    };
    let (station, _replies) = Station::open(options).unwrap();
    let mut snapshots = station.snapshots();
    // Everybody has said who they are.
    while snapshots.borrow_and_update().totals.devices < DEVICES {
        snapshots.changed().await.unwrap();
    }
    let (before, from) = (snapshots.borrow().totals, Instant::now());
    tokio::time::sleep(HELD).await;
    let (after, took) = (snapshots.borrow().totals, from.elapsed().as_secs_f64());
    station.close("measured").await;
    conductor.end().await;
    drop(silent);
    let rate = (after.received - before.received) as f64 / took;
    if let Ok(StageNews::Slowed { real, .. }) = told.try_recv() {
        return Err(format!("too slow: it ran at {real:.1}"));
    }
    if after.dropped > 0 {
        return Err(format!("{} messages found no room", after.dropped));
    }
    let expected = said(took * speed) as f64 / took;
    if rate < expected * (1.0 - ON_ITS_WAY) {
        return Err(format!("{rate:.0} a second came of {expected:.0}"));
    }
    Ok(rate)
}

#[tokio::main]
async fn main() {
    virtual_time();
    println!("the same through the embedded broker, each speed held for {} s", HELD.as_secs());
    let mut speed = 1.0;
    loop {
        match hold(speed).await {
            Ok(rate) => println!("{speed:>6}× life  {rate:>9.0} messages a second, none lost"),
            Err(reason) => {
                println!("{speed:>6}× life  {reason}");
                return;
            }
        }
        speed *= 2.0;
    }
}
