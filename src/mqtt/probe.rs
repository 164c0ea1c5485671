//! A probe: knocks at a broker as somebody, once, and says whether the door opens.

use std::time::Duration;

use tokio::time::timeout;

use super::dial::{Tls, dial};
use super::link::Credentials;
use super::outbox::Qos;
use super::session::{Ended, Incoming, Published, Session, SessionOptions};

/// How a broker answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Knock {
    /// Let in, and allowed to publish where it tried to.
    Open,
    /// Refused, at the door or at the first publish.
    Refused(String),
    /// The broker could not be asked.
    Unasked(String),
}

/// Connects as `client_id` with these credentials, and publishes an empty message to `topic` where one is given.
pub async fn knock(
    place: (&str, u16),
    tls: Option<&Tls>,
    v5: bool,
    client_id: String,
    credentials: Option<Credentials>,
    topic: Option<String>,
    within: Duration,
) -> Knock {
    let stream = match dial(place.0, place.1, tls).await {
        Ok(stream) => stream,
        // A broker that checks certificates refuses in the handshake.
        Err(reason) if tls.is_some_and(|tls| tls.client.is_some()) && reason.contains("handshake") => {
            return Knock::Refused(reason);
        }
        Err(reason) => return Knock::Unasked(reason),
    };
    let options = SessionOptions { client_id, credentials, keep_alive_s: 30 };
    let mut session = Session::open(v5, options, stream);
    let asked = async {
        loop {
            match session.next().await {
                Ok(Incoming::Accepted) => break,
                Ok(_) => {}
                Err(ended) => return refused(ended),
            }
        }
        let Some(topic) = topic else { return Knock::Open };
        let sender = session.sender();
        let publish = sender.publish(Qos::AtLeastOnce, topic, Vec::new(), false);
        tokio::pin!(publish);
        loop {
            tokio::select! {
                published = &mut publish => return match published {
                    Published::Confirmed => Knock::Open,
                    Published::Refused(reason) => Knock::Refused(reason),
                    Published::Unconfirmed(reason) => Knock::Unasked(reason),
                },
                incoming = session.next() => if let Err(ended) = incoming { return refused(ended) },
            }
        }
    };
    let answer = timeout(within, asked).await;
    let answer = answer.unwrap_or_else(|_| Knock::Unasked(format!("no answer for {} s", within.as_secs())));
    session.close().await;
    answer
}

/// A session that ended because of who we are was refused; one that ended otherwise was not answered.
fn refused(ended: Ended) -> Knock {
    let by_certificate = ended.reason.contains("does not take our certificate");
    if ended.refused || by_certificate { Knock::Refused(ended.reason) } else { Knock::Unasked(ended.reason) }
}
