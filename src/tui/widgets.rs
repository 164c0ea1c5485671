//! One file for each thing one can point at on a screen.

pub mod actuation;
pub mod banner;
pub mod campaign;
pub mod chart;
pub mod clocks;
pub mod cohorts;
pub mod devices;
pub mod drill;
pub mod due;
pub mod footer;
pub mod header;
pub mod metrics;
pub mod rollout;
pub mod runbook;
pub mod scrubber;
pub mod switches;
pub mod timeline;
pub mod updates;
pub mod waves;
pub mod why;
