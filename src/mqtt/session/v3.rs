//! MQTT 3.1.1.

use rumqttc::mqttbytes::v4::{ConnectReturnCode, Packet, SubscribeReasonCode};
use rumqttc::mqttbytes::{Error as Unreadable, QoS};
use rumqttc::{
    AsyncClient, ConnectionError, Event, EventLoop, MqttOptions, PublishNoticeError, PublishOptions, StateError,
    SubscribeFilterInput,
};

use super::super::outbox::Qos;
use super::{Ended, Incoming, PACKET, Published, SessionOptions, handover, take};
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
        mqtt.set_keep_alive(options.keep_alive_s).set_clean_session(true).set_max_packet_size(PACKET, PACKET);
        if let Some(credentials) = options.credentials {
            mqtt.set_credentials(credentials.user, credentials.password);
        }
        let handover = handover(stream, false);
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
            Ok(Event::Outgoing(_)) => Ok(Incoming::Other),
            Err(error) => Err(ended(&error)),
        }
    }
}

fn refusal(code: &SubscribeReasonCode) -> Option<String> {
    match code {
        SubscribeReasonCode::Success(_) => None,
        // 3.1.1 has one code for every reason.
        SubscribeReasonCode::Failure => {
            Some("refused by the broker (0x80); most often its access rules forbid it".into())
        }
    }
}

fn ended(error: &ConnectionError) -> Ended {
    let (reason, refused, maybe_version) = match error {
        ConnectionError::ConnectionRefused(code) => match code {
            ConnectReturnCode::BadUserNamePassword => ("user name or password refused (code 4)".into(), true, false),
            ConnectReturnCode::NotAuthorized => ("not authorized (code 5)".into(), true, false),
            ConnectReturnCode::BadClientId => ("the broker refuses this client id (code 2)".into(), true, false),
            ConnectReturnCode::ServiceUnavailable => ("the broker is not available (code 3)".into(), false, false),
            ConnectReturnCode::RefusedProtocolVersion => {
                ("the broker does not speak MQTT 3.1.1 (code 1)".into(), false, true)
            }
            ConnectReturnCode::Success => ("refused without a reason".into(), false, false),
        },
        ConnectionError::MqttState(StateError::AwaitPingResp) => ("the broker went silent".into(), false, false),
        ConnectionError::MqttState(StateError::ConnectionAborted) => {
            ("the broker closed the connection".into(), false, true)
        }
        ConnectionError::MqttState(StateError::Io(error)) | ConnectionError::Io(error) => {
            (broken_words(error), false, false)
        }
        ConnectionError::MqttState(StateError::Deserialization(Unreadable::Io(error))) => {
            (broken_words(error), false, false)
        }
        ConnectionError::MqttState(StateError::Deserialization(error)) => {
            (format!("the broker sent what is not MQTT: {error}"), false, true)
        }
        ConnectionError::NetworkTimeout => ("the broker took the connection and does not answer".into(), false, true),
        other => (other.to_string(), false, false),
    };
    Ended { reason, refused, maybe_version }
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
