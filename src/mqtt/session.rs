//! One connection's life in the client library, for both versions of the protocol, told in the same words.

mod v3;
mod v5;

use bytes::Bytes;

use super::dial::Stream;
use super::link::Credentials;
use super::outbox::Qos;
use crate::limits;

/// The largest packet that can come through the guard: a payload, a topic, and what belongs to them.
const PACKET: usize = limits::PAYLOAD + 3 * 65_536;

/// What a session is opened with.
pub(super) struct SessionOptions {
    pub client_id: String,
    pub credentials: Option<Credentials>,
    pub keep_alive_s: u16,
}

/// Something that came in.
#[derive(Debug)]
pub(super) enum Incoming {
    /// The broker has taken us.
    Accepted,
    /// What the broker says to our subscriptions, in their order; a reason where it refuses one.
    Subscribed(Vec<Option<String>>),
    Message {
        topic: Bytes,
        payload: Bytes,
        retained: bool,
    },
    /// Something that keeps the protocol going.
    Other,
}

/// Why a session ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ended {
    pub reason: String,
    /// The broker said no to who we are; trying again soon is knocking on a closed door.
    pub refused: bool,
    /// The other side may speak another version of the protocol.
    pub maybe_version: bool,
}

impl Ended {
    pub(super) fn lost(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), refused: false, maybe_version: false }
    }
}

/// A session over a stream that was dialled.
pub(super) enum Session {
    V3(Box<v3::Session>),
    V5(Box<v5::Session>),
}

/// The sending side of a session.
#[derive(Clone, Debug)]
pub(super) enum Sender {
    V3(rumqttc::AsyncClient),
    V5(rumqttc_v5::AsyncClient),
}

/// What became of a publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Published {
    /// The broker has it.
    Confirmed,
    /// The broker will not have it.
    Refused(String),
    /// The session ended before the broker confirmed.
    Unconfirmed(String),
}

impl Session {
    pub(super) fn open(v5: bool, options: SessionOptions, stream: Stream) -> Self {
        if v5 {
            Self::V5(Box::new(v5::Session::open(options, stream)))
        } else {
            Self::V3(Box::new(v3::Session::open(options, stream)))
        }
    }

    pub(super) fn sender(&self) -> Sender {
        match self {
            Self::V3(session) => Sender::V3(session.client.clone()),
            Self::V5(session) => Sender::V5(session.client.clone()),
        }
    }

    /// Asks for these filters. The answer comes as [`Incoming::Subscribed`].
    pub(super) fn subscribe(&self, filters: &[String]) -> Result<(), Ended> {
        match self {
            Self::V3(session) => session.subscribe(filters),
            Self::V5(session) => session.subscribe(filters),
        }
    }

    pub(super) async fn next(&mut self) -> Result<Incoming, Ended> {
        match self {
            Self::V3(session) => session.next().await,
            Self::V5(session) => session.next().await,
        }
    }

    /// Says goodbye, as far as the other side lets us.
    pub(super) async fn close(mut self) {
        let said = match self.sender() {
            Sender::V3(client) => client.try_disconnect_now().is_ok(),
            Sender::V5(client) => client.try_disconnect_now().is_ok(),
        };
        while said && self.next().await.is_ok() {}
    }
}

impl Sender {
    /// Hands a message to the library and does not ask what becomes of it. Waits while the library is full.
    pub(super) async fn push(&self, topic: String, payload: Vec<u8>, retain: bool) -> bool {
        match self {
            Self::V3(client) => v3::push(client, topic, payload, retain).await,
            Self::V5(client) => v5::push(client, topic, payload, retain).await,
        }
    }

    pub(super) async fn publish(&self, qos: Qos, topic: String, payload: Vec<u8>, retain: bool) -> Published {
        match self {
            Self::V3(client) => v3::publish(client, qos, topic, payload, retain).await,
            Self::V5(client) => v5::publish(client, qos, topic, payload, retain).await,
        }
    }
}

/// The stream, to be handed over once when the library asks for it.
type Handover = std::sync::Arc<std::sync::Mutex<Option<super::guard::Guard<Stream>>>>;

fn handover(stream: Stream, v5: bool) -> Handover {
    std::sync::Arc::new(std::sync::Mutex::new(Some(super::guard::Guard::new(stream, limits::PAYLOAD, v5))))
}

fn take(handover: &Handover) -> std::io::Result<super::guard::Guard<Stream>> {
    let stream = handover.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
    stream.ok_or_else(|| std::io::Error::other("the connection was used up"))
}
