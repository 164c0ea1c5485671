//! Probes the way to the broker, but only while something is in doubt: our link is down, or an alert is open.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::inbox::Inbox;
use crate::domain::alert::Alert;
use crate::domain::input::{Input, LinkChange};
use crate::domain::probe::{Reach, Step};
use crate::domain::text::visible_name;
use crate::engine::snapshot::Snapshot;
use crate::limits;
use crate::mqtt::way::{self, Tried, Way};
use crate::mqtt::{LinkOptions, Tls};

/// Between two probes while our link is down, and while it is up: a broker must not take us for an attacker.
const WHILE_DOWN: Duration = Duration::from_secs(20);
const WHILE_UP: Duration = Duration::from_secs(60);

/// Where the broker is.
pub(super) struct Prober {
    host: String,
    port: u16,
    tls: Option<Tls>,
}

impl Prober {
    pub(super) fn new(options: &LinkOptions) -> Self {
        Self { host: options.host.clone(), port: options.port, tls: options.tls.clone() }
    }

    /// Probes until the room closes.
    pub(super) async fn run(self, inbox: Arc<Inbox>, mut snapshots: watch::Receiver<Arc<Snapshot>>) {
        loop {
            let Ok(up) = snapshots.wait_for(|snapshot| is_in_doubt(snapshot)).await.map(|s| s.link.is_up()) else {
                return;
            };
            let way = way::go(&self.host, self.port, self.tls.as_ref()).await;
            inbox.push(Input::Probed(self.reach(way)));
            let closed = async { while snapshots.changed().await.is_ok() {} };
            if tokio::time::timeout(if up { WHILE_UP } else { WHILE_DOWN }, closed).await.is_ok() {
                return;
            }
        }
    }

    fn reach(&self, way: Way) -> Reach {
        Reach {
            host: visible_name(&self.host, limits::VALUE).into_owned(),
            name: step(way.name),
            connection: step(way.connection),
            tls: self.tls.as_ref().map(|_| step(way.tls)),
        }
    }
}

/// A link that has not been tried yet is not in doubt, and is not to be got in the way of.
fn is_in_doubt(snapshot: &Snapshot) -> bool {
    matches!(snapshot.link.state, LinkChange::Down { .. }) || snapshot.alerts.iter().any(Alert::is_open)
}

fn step(tried: Option<Tried>) -> Step {
    match tried {
        None => Step::NotTried,
        Some(Ok(ms)) => Step::Done { ms },
        Some(Err(failure)) => Step::Failed { reason: failure.reason, by_broker: failure.by_broker },
    }
}
