//! warroom: the terminal war room for IoT-fleet incidents.
//!
//! A pure, deterministic core decides; one engine owns the only mutable truth and writes it down before it acts;
//! everything else either feeds it facts or draws its latest snapshot. The modules, in the order to read them:
//!
//! | module | what it is |
//! |---|---|
//! | [`domain`] | the words: device, cohort, incident, clock, switch; what comes in, what is written down, what goes out |
//! | [`limits`] | every bound, each with its reason |
//! | [`fleet`] | the device table, cohorts and their signals: the hot path |
//! | [`detect`] | what is unusual, and in which cohort |
//! | [`engine`] | `step(state, at, input) -> (records, effects)`, replay, snapshot |
//! | [`store`] | the log: SQLite, append-only, hash-chained |
//! | [`ingest`] | from a topic and bytes to an observation |
//! | [`mqtt`] | the one adapter to the MQTT client, and the small embedded broker |
//! | [`actuate`] | the gate that arms and fires, and what carries out a switch |
//! | [`runtime`] | where it is wired: threads, bounded queues, the clock, an orderly end |
//! | [`drill`] | a game day: scenario, simulated fleet, facilitator |
//! | [`report`] | the postmortem, as Markdown and JSON |
//! | [`document`], [`config`] | TOML with errors that name line and column; the settings |
//! | [`tui`] | the screens: they read a snapshot and propose, nothing else |
//! | [`cli`] | the subcommands |
//!
//! Who may know whom is a test: `tests/house.rs`.

pub mod actuate;
pub mod cli;
pub mod config;
pub mod detect;
pub mod document;
pub mod domain;
pub mod drill;
pub mod engine;
pub mod fleet;
pub mod ingest;
pub mod limits;
pub mod mqtt;
pub mod report;
pub mod runtime;
pub mod store;
pub mod tui;
