//! MQTT 5.

use rumqttc_v5::mqttbytes::v5::{ConnectReturnCode, DisconnectReasonCode, Packet, PubAckReason, SubscribeReasonCode};
use rumqttc_v5::mqttbytes::{Error as Unreadable, QoS};
use rumqttc_v5::{
    AsyncClient, ConnectionError, Event, EventLoop, IncomingPacketSizeLimit, MqttOptions, PublishNoticeError,
    PublishOptions, PublishResult, StateError, SubscribeFilterInput,
};

use super::super::outbox::Qos;
use super::{Ended, Incoming, Published, SessionOptions, handover, take};
use crate::mqtt::dial::{Stream, broken_words};

/// Requests waiting inside the library.
const REQUESTS: usize = 256;

pub(in crate::mqtt) struct Session {
    pub(super) client: AsyncClient,
    events: EventLoop,
}

impl Session {
    pub(super) fn open(options: SessionOptions, stream: Stream) -> Self {
        let mut mqtt = MqttOptions::new(options.client_id, ("stream", 0));
        mqtt.set_keep_alive(options.keep_alive_s).set_clean_start(true);
        // The guard sees to the size. A limit told to the broker would make it drop large messages without a word.
        mqtt.set_incoming_packet_size_limit(IncomingPacketSizeLimit::Unlimited);
        if let Some(credentials) = options.credentials {
            mqtt.set_credentials(credentials.user, credentials.password);
        }
        let handover = handover(stream, true);
        mqtt.set_socket_connector(move |_, _| {
            let stream = take(&handover);
            async move { stream }
        });
        let (client, events) = AsyncClient::builder(mqtt).capacity(REQUESTS).build();
        Self { client, events }
    }

    pub(super) fn subscribe(&self, filters: &[String]) -> Result<(), Ended> {
        let filters = filters.iter().map(|filter| SubscribeFilterInput::new(filter.clone(), QoS::AtMostOnce));
        self.client.try_subscribe_many(filters).map_err(|error| Ended::lost(format!("subscribing failed: {error}")))
    }

    pub(super) async fn next(&mut self) -> Result<Incoming, Ended> {
        match self.events.poll().await {
            Ok(Event::Incoming(packet)) => Ok(match packet {
                Packet::Publish(publish) => {
                    Incoming::Message { topic: publish.topic, payload: publish.payload, retained: publish.retain }
                }
                Packet::ConnAck(_) => Incoming::Accepted,
                Packet::SubAck(ack) => Incoming::Subscribed(ack.return_codes.iter().map(refusal).collect()),
                _ => Incoming::Other,
            }),
            Ok(Event::Outgoing(_) | Event::Auth(_)) => Ok(Incoming::Other),
            Err(error) => Err(ended(&error)),
        }
    }
}

fn refusal(code: &SubscribeReasonCode) -> Option<String> {
    Some(match code {
        SubscribeReasonCode::Success(_) => return None,
        SubscribeReasonCode::NotAuthorized => "not authorized (0x87)".into(),
        SubscribeReasonCode::TopicFilterInvalid => "the broker finds the filter invalid (0x8F)".into(),
        SubscribeReasonCode::QuotaExceeded => "quota exceeded (0x97)".into(),
        SubscribeReasonCode::WildcardSubscriptionsNotSupported => "wildcards are not supported there (0xA2)".into(),
        SubscribeReasonCode::Unspecified | SubscribeReasonCode::Failure => "refused by the broker (0x80)".into(),
        other => format!("refused by the broker ({other:?})"),
    })
}

fn ended(error: &ConnectionError) -> Ended {
    let (reason, refused, maybe_version) = match error {
        ConnectionError::ConnectionRefused(code)
        | ConnectionError::MqttState(StateError::ConnFail { reason: code }) => connect_refusal(*code),
        ConnectionError::MqttState(StateError::ServerDisconnect { reason_code, reason_string }) => {
            let words = reason_string.as_ref().map(|words| format!(": {words}")).unwrap_or_default();
            (format!("{}{words}", farewell(*reason_code)), false, false)
        }
        ConnectionError::MqttState(StateError::AwaitPingResp) => ("the broker went silent".into(), false, false),
        ConnectionError::MqttState(StateError::ConnectionAborted) => {
            ("the broker closed the connection".into(), false, true)
        }
        ConnectionError::MqttState(StateError::Io(error)) | ConnectionError::Io(error) => {
            (broken_words(error), false, true)
        }
        ConnectionError::MqttState(StateError::Deserialization(Unreadable::Io(error))) => {
            (broken_words(error), false, false)
        }
        ConnectionError::MqttState(StateError::Deserialization(error)) => {
            (format!("the broker sent what is not MQTT: {error}"), false, true)
        }
        ConnectionError::Timeout(_) => ("the broker took the connection and does not answer".into(), false, true),
        other => (other.to_string(), false, false),
    };
    Ended { reason, refused, maybe_version }
}

/// Why the broker ended the session, in words.
fn farewell(code: DisconnectReasonCode) -> String {
    use DisconnectReasonCode as Code;
    match code {
        Code::NotAuthorized => "the broker ended the session: not authorized (0x87)".into(),
        Code::ServerBusy => "the broker ended the session: it is busy (0x89)".into(),
        Code::ServerShuttingDown => "the broker is shutting down (0x8B)".into(),
        Code::KeepAliveTimeout => "the broker missed our keep-alive (0x8D)".into(),
        Code::SessionTakenOver => "another client came with our client id (0x8E)".into(),
        Code::QuotaExceeded => "the broker ended the session: quota exceeded (0x97)".into(),
        Code::AdministrativeAction => "an administrator ended the session (0x98)".into(),
        other => format!("the broker ended the session ({other:?})"),
    }
}

/// In words; whether it is about who we are; whether it may be about the version.
fn connect_refusal(code: ConnectReturnCode) -> (String, bool, bool) {
    use ConnectReturnCode as Code;
    let (words, refused, maybe_version) = match code {
        Code::BadUserNamePassword => ("user name or password refused (0x86)", true, false),
        Code::NotAuthorized => ("not authorized (0x87)", true, false),
        Code::BadAuthenticationMethod => ("the broker wants another way of authentication (0x8C)", true, false),
        Code::Banned => ("this client is banned (0x8A)", true, false),
        Code::ClientIdentifierNotValid | Code::BadClientId => ("the broker refuses this client id (0x85)", true, false),
        Code::ServerUnavailable | Code::ServiceUnavailable => ("the broker is not available (0x88)", false, false),
        Code::ServerBusy => ("the broker is busy (0x89)", false, false),
        Code::QuotaExceeded => ("quota exceeded (0x97)", false, false),
        Code::ConnectionRateExceeded => ("too many connections at once (0x9F)", false, false),
        Code::RefusedProtocolVersion | Code::UnsupportedProtocolVersion => {
            ("the broker does not speak MQTT 5", false, true)
        }
        other => return (format!("the broker refuses ({other:?})"), false, true),
    };
    (words.into(), refused, maybe_version)
}

pub(super) async fn publish(
    client: &AsyncClient,
    qos: Qos,
    topic: String,
    payload: Vec<u8>,
    retain: bool,
) -> Published {
    let qos = match qos {
        Qos::AtMostOnce => QoS::AtMostOnce,
        Qos::AtLeastOnce => QoS::AtLeastOnce,
        Qos::ExactlyOnce => QoS::ExactlyOnce,
    };
    let options = PublishOptions::new(qos).retain(retain);
    let notice = match client.publish_tracked(topic, payload, options).await {
        Ok(notice) => notice,
        Err(error) => return Published::Refused(format!("not sent: {error}")),
    };
    match notice.wait_async().await {
        Ok(PublishResult::Qos1(ack)) => match ack.reason {
            PubAckReason::Success | PubAckReason::NoMatchingSubscribers => Published::Confirmed,
            PubAckReason::NotAuthorized => {
                Published::Refused("the broker does not allow it: not authorized (0x87)".into())
            }
            reason => Published::Refused(format!("the broker refused it ({reason:?})")),
        },
        Ok(PublishResult::Qos2PubRecRejected(rec)) => {
            Published::Refused(format!("the broker refused it ({:?})", rec.reason))
        }
        Ok(_) => Published::Confirmed,
        Err(PublishNoticeError::Recv | PublishNoticeError::SessionReset) => {
            Published::Unconfirmed("the link was lost before the broker confirmed".into())
        }
        Err(error) => Published::Unconfirmed(error.to_string()),
    }
}

pub(super) async fn push(client: &AsyncClient, topic: String, payload: Vec<u8>, retain: bool) -> bool {
    client.publish(topic, payload, PublishOptions::new(QoS::AtMostOnce).retain(retain)).await.is_ok()
}
