//! What makes things happen outside: the gate that everything dangerous passes, and the actuators behind it.

pub mod channel;
pub mod exec;
pub mod gate;
pub mod http;
pub mod mqtt;
pub mod probe;

use std::sync::Arc;

use tokio::task::JoinSet;

use crate::domain::input::Outcome;
use crate::domain::switch::template::reveal;
use crate::domain::switch::{Call, Publish};
use crate::limits;
use crate::mqtt::Outbox;
use gate::Confirmed;

/// Finds a secret by its name, at the moment it is needed.
pub type Secrets = dyn Fn(&str) -> Result<String, String> + Send + Sync;

/// The ways out of this machine.
#[derive(Clone)]
pub struct Ways {
    pub outbox: Option<Outbox>,
    pub secrets: Arc<Secrets>,
    /// How the broker is reached, for probes.
    pub probe: Option<probe::Door>,
}

/// Makes confirmed calls, some at a time, and says what came of each, by its target's place.
pub async fn fire(confirmed: Confirmed, ways: &Ways) -> Vec<(u32, Outcome)> {
    let mut waiting = confirmed.into_sending().calls.into_iter();
    let mut under_way = JoinSet::new();
    let mut answers = Vec::new();
    loop {
        while under_way.len() < limits::PARALLEL_CALLS
            && let Some((place, call)) = waiting.next()
        {
            let ways = ways.clone();
            under_way.spawn(async move { (place, make(call, &ways).await) });
        }
        match under_way.join_next().await {
            // A call that panicked has said so through the panic hook; its target stays unanswered.
            Some(answer) => answers.extend(answer),
            None => return answers,
        }
    }
}

/// Makes a call and says what came of it.
async fn make(call: Call, ways: &Ways) -> Outcome {
    match call {
        Call::Publish(publish) => {
            let Some(outbox) = &ways.outbox else {
                return Outcome::NotSent { reason: "there is no broker to send to".into() };
            };
            let payload =
                reveal(&publish.payload, publish.payload.trim_start().starts_with(['{', '[']), &*ways.secrets);
            match payload {
                Ok(payload) => mqtt::publish(Publish { payload, ..publish }, outbox).await,
                Err(reason) => Outcome::NotSent { reason },
            }
        }
        Call::Request(request) => {
            let secrets = ways.secrets.clone();
            let made = tokio::task::spawn_blocking(move || http::call(&request, &*secrets)).await;
            made.unwrap_or_else(|error| Outcome::Unknown { reason: error.to_string() })
        }
        Call::Run(run) => exec::run(&run, &*ways.secrets).await,
        Call::Connect(connect) => probe::connect(&connect, ways).await,
    }
}
