//! Kill switches: what can be pulled ([`plan`]), what goes out for it ([`call`]), and what became of it ([`actuation`]).
//!
//! A switch is configuration: steps that are taken for a campaign or for each of many devices, a gate that people have
//! to pass, and a proof by which its effect is known. Nothing here acts.

pub mod actuation;
pub mod call;
pub mod parameter;
pub mod plan;
pub mod scope;
pub mod standard;
pub mod template;
pub mod waves;

pub use actuation::{Actuation, ActuationState, Preview, SwitchId};
pub use call::{Call, Expect, Publish, Qos};
pub use plan::Switch;
pub use scope::Scope;
