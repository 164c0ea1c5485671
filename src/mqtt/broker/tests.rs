//! Broker and link against each other, over real sockets.

use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::*;
use crate::mqtt::{Delivery, Link, LinkEvent, LinkOptions, Protocol, Qos};

const PATIENCE: Duration = Duration::from_secs(5);

/// A link whose events can be waited for.
struct Client {
    link: Link,
    events: UnboundedReceiver<LinkEvent>,
}

fn connect(broker: &Broker, id: &str, protocol: Protocol, subscriptions: &[&str]) -> Client {
    let (tell, events) = unbounded_channel();
    let plain = LinkOptions::plain(broker.address().ip().to_string(), broker.address().port(), id);
    let subscriptions = subscriptions.iter().map(|s| (*s).to_owned()).collect();
    let options = LinkOptions { protocol, subscriptions, ..plain };
    let link = Link::start(options, move |event| drop(tell.send(event)));
    Client { link, events }
}

impl Client {
    async fn wait<T>(&mut self, wanted: impl Fn(&LinkEvent) -> Option<T>) -> T {
        let search = async {
            loop {
                let event = self.events.recv().await.expect("the link is running");
                if let Some(found) = wanted(&event) {
                    return found;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(10), search).await.expect("the event comes")
    }

    async fn up(&mut self) {
        self.wait(|event| matches!(event, LinkEvent::Up).then_some(())).await;
    }

    async fn message(&mut self) -> (String, String, bool) {
        self.wait(|event| match event {
            LinkEvent::Message { topic, payload, retained } => {
                let text = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
                Some((text(topic), text(payload), *retained))
            }
            _ => None,
        })
        .await
    }

    async fn deliver(&self, topic: &str, payload: &str, retain: bool) -> Delivery {
        self.link.outbox().deliver(topic.into(), payload.into(), retain, PATIENCE).await
    }
}

#[tokio::test]
async fn messages_go_round_and_retained_ones_wait() {
    let broker = Broker::start().await.unwrap();
    let mut sender = connect(&broker, "sender", Protocol::V3, &[]);
    sender.up().await;
    assert_eq!(sender.deliver("fleet/a/d1/status", "kept", true).await, Delivery::Sent);
    let mut reader = connect(&broker, "reader", Protocol::V3, &["fleet/#"]);
    assert_eq!(reader.message().await, ("fleet/a/d1/status".into(), "kept".into(), true));
    sender.deliver("fleet/a/d1/event", "now", false).await;
    assert_eq!(reader.message().await, ("fleet/a/d1/event".into(), "now".into(), false));
    // Cleared: a later reader does not get it.
    sender.deliver("fleet/a/d1/status", "", true).await;
    sender.deliver("fleet/a/d2/status", "other", true).await;
    let mut later = connect(&broker, "later", Protocol::V3, &["fleet/+/+/status"]);
    assert_eq!(later.message().await.0, "fleet/a/d2/status");
    sender.link.stop().await;
}

#[tokio::test]
async fn a_message_goes_round_once_at_every_qos() {
    let broker = Broker::start().await.unwrap();
    let mut reader = connect(&broker, "reader", Protocol::V3, &["fleet/#"]);
    reader.up().await;
    let mut sender = connect(&broker, "sender", Protocol::V3, &[]);
    sender.up().await;
    // More than packet ids of one in flight: each is let go again.
    for n in 0..300 {
        for qos in [Qos::AtMostOnce, Qos::AtLeastOnce, Qos::ExactlyOnce] {
            let text = format!("{n} {qos:?}");
            let outbox = sender.link.outbox();
            let sent = outbox.deliver_at(qos, "fleet/a/d/x".into(), text.clone().into(), false, PATIENCE).await;
            assert_eq!(sent, Delivery::Sent, "{text}");
            assert_eq!(reader.message().await.1, text);
        }
    }
}

#[tokio::test]
async fn a_link_that_is_kicked_comes_back_and_hears_again() {
    let broker = Broker::start().await.unwrap();
    let mut reader = connect(&broker, "reader", Protocol::V3, &["fleet/#"]);
    reader.up().await;
    assert_eq!(broker.kick(|id| id == "reader"), 1);
    let reason = reader
        .wait(|event| match event {
            LinkEvent::Down { reason, retry } => Some((reason.clone(), *retry)),
            _ => None,
        })
        .await;
    assert!(reason.1 >= Duration::from_millis(700), "{reason:?}");
    reader.up().await;
    let mut sender = connect(&broker, "sender", Protocol::V3, &[]);
    sender.up().await;
    sender.deliver("fleet/a/d/event", "x", false).await;
    assert_eq!(reader.message().await.0, "fleet/a/d/event");
}

#[tokio::test]
async fn where_the_broker_does_not_know_version_5_the_older_one_is_spoken() {
    let broker = Broker::start().await.unwrap();
    let mut reader = connect(&broker, "reader", Protocol::Auto, &["fleet/#"]);
    reader.up().await;
    assert_eq!(broker.clients(), ["reader"]);
}

#[tokio::test]
async fn a_message_that_would_end_the_connection_is_set_aside() {
    let broker = Broker::start().await.unwrap();
    let mut sender = connect(&broker, "sender", Protocol::V3, &[]);
    sender.up().await;
    let large = "x".repeat(400_000);
    sender.deliver("fleet/a/d/telemetry", &large, true).await;
    let mut reader = connect(&broker, "reader", Protocol::V3, &["fleet/#"]);
    let (topic, length) = reader
        .wait(|event| match event {
            LinkEvent::Quarantined { topic, length, .. } => Some((topic.clone(), *length)),
            LinkEvent::Down { reason, .. } => panic!("the connection ended: {reason}"),
            _ => None,
        })
        .await;
    assert_eq!((&topic[..], length), (&b"fleet/a/d/telemetry"[..], 400_000));
    sender.deliver("fleet/a/d/event", "after", false).await;
    assert_eq!(reader.message().await.1, "after");
}

#[tokio::test]
async fn nothing_is_said_to_be_sent_that_was_not() {
    let broker = Broker::start().await.unwrap();
    let mut sender = connect(&broker, "sender", Protocol::V3, &[]);
    sender.up().await;
    drop(broker);
    sender.wait(|event| matches!(event, LinkEvent::Down { .. }).then_some(())).await;
    let outbox = sender.link.outbox();
    let delivery = outbox.deliver("a".into(), b"x".to_vec(), false, Duration::from_millis(50)).await;
    assert!(matches!(delivery, Delivery::NotSent(_)), "{delivery:?}");
    assert!(!outbox.push("a".into(), b"x".to_vec(), false).await);
}

#[tokio::test]
async fn a_client_that_vanishes_leaves_its_will() {
    let broker = Broker::start().await.unwrap();
    let mut reader = connect(&broker, "reader", Protocol::V3, &["fleet/#"]);
    reader.up().await;
    let mut stream = TcpStream::connect(broker.address()).await.unwrap();
    let mut greeting = BytesMut::new();
    let mut connect = Connect::new("dying");
    connect.last_will = Some(LastWill::new("fleet/a/d/status", r#"{"online":false}"#, QoS::AtLeastOnce, true));
    connect.write(&mut greeting).unwrap();
    stream.write_all(&greeting).await.unwrap();
    let mut answer = [0; 4];
    stream.read_exact(&mut answer).await.unwrap();
    drop(stream);
    assert_eq!(reader.message().await.1, r#"{"online":false}"#);
}
