//! What makes things happen outside: the gate that everything dangerous passes, and the actuators behind it.

pub mod gate;
pub mod mqtt;
