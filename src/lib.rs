//! warroom: the terminal war room for IoT-fleet incidents.
pub mod detect;
pub mod domain;
pub mod engine;
pub mod fleet;
pub mod ingest;
pub mod limits;
pub mod mqtt;
pub mod store;
