//! The words of the house: what things are called, in the code, on the screen, in the log and in the docs.
//!
//! Pure: no clock, no randomness, no input or output, and no other module of this crate. Read [`input`] first: it
//! lists everything that can reach the engine, and everything that can come out of it; then [`event`], the record.

pub mod acceptance;
pub mod alert;
pub mod campaign;
pub mod clock;
pub mod cohort;
pub mod command;
pub mod cost;
pub mod count;
pub mod critical;
pub mod day;
pub mod drill;
pub mod due;
pub mod event;
pub mod fault;
pub mod ids;
pub mod impact;
pub mod incident;
pub mod input;
pub mod learning;
pub mod lens;
pub mod maintenance;
pub mod notice;
pub mod observation;
pub mod probe;
pub mod query;
pub mod recovery;
pub mod regulation;
pub mod replay;
pub mod response;
pub mod rollout;
pub mod rollup;
pub mod runbook;
pub mod share;
pub mod signal;
pub mod site;
pub mod switch;
pub mod symptom;
pub mod text;
pub mod time;
pub mod update;
pub mod verdict;
