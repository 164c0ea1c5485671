//! Game days: a scenario, a simulated fleet that lives by it, and the conductor who puts it on real MQTT.
//!
//! The world is pure: it is given the time and what was published to it, and gives back what its devices publish. The
//! room does not know that it is not a real fleet. Randomness comes from the seed of the drill and nowhere else.

pub mod conductor;
pub mod responder;
pub mod scenario;
pub mod staging;
pub mod world;
