//! warroom: the terminal war room for IoT-fleet incidents.
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
