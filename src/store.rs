//! The log: the room's events on disk, in one SQLite file, append-only and hash-chained.
//!
//! What is acknowledged is on the platter: WAL with `synchronous=FULL`, one writer thread, group commit. One room
//! per file. The chain shows changes; a cut tail is seen by the head that is kept beside the file ([`head`]).
//! SQL is spoken here and nowhere else.

pub mod error;
mod files;
pub mod head;
pub mod history;
pub mod log;
pub mod read;
mod record;
mod schema;
pub mod writer;

pub use error::StoreError;
pub use log::Log;

#[cfg(test)]
mod tests;
