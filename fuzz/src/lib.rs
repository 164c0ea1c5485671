//! What all targets share: messages out of bytes, and what must be true of everything that comes out of a decoder.
//!
//! An input is a topic, a line end and a payload; a line of four hyphens separates messages to the same decoder, so that
//! what it remembers is tried, too.

use warroom::domain::observation::{Batch, Body};
use warroom::domain::time::At;
use warroom::fleet::attributes::Schema;
use warroom::ingest::route::Router;
use warroom::ingest::{Arrival, Ingest, preset};
use warroom::limits;

/// Messages of a preset. A topic that is not below one of `heads` is put below the first.
pub fn preset(name: &str, heads: &[&str], data: &[u8]) {
    messages(preset::router(name, None).expect("the preset is known"), heads, data);
}

/// Messages to any routes.
pub fn messages(router: Router, heads: &[&str], data: &[u8]) {
    let schema = Schema::default();
    let mut ingest = Ingest::new(router, schema);
    let mut batch = Batch::default();
    let (mut rest, mut seen) = (data, 0);
    while !rest.is_empty() {
        let (message, others) = split(rest, b"\n----\n");
        rest = others;
        let (topic, payload) = split(message, b"\n");
        let topic = below(heads, topic);
        let at = At::from_ms(1_795_176_000_000);
        let arrival = Arrival { at, topic: &topic, payload, retained: payload.len() % 7 == 0, full_length: None };
        ingest.take(arrival, Some("d"), &mut batch);
        seen += message.len();
        check(&batch, seen);
        batch.clear();
        if payload.len() % 31 == 0 {
            ingest.interrupted();
        }
    }
}

fn split<'a>(data: &'a [u8], at: &[u8]) -> (&'a [u8], &'a [u8]) {
    match data.windows(at.len()).position(|window| window == at) {
        Some(place) => (&data[..place], &data[place + at.len()..]),
        None => (data, &[]),
    }
}

fn below(heads: &[&str], topic: &[u8]) -> Vec<u8> {
    let is_below = heads.iter().any(|head| topic.starts_with(head.as_bytes()));
    let head = if is_below { "" } else { heads[0] };
    [head.as_bytes(), topic].concat()
}

/// Everything is printable and short, and there is no more of it than the bytes so far can have said.
fn check(batch: &Batch, bytes: usize) {
    assert!(batch.len() <= 8 + bytes.min(2 * limits::DEVICES_PER_MESSAGE + limits::SPARKPLUG_ENTRIES_PER_NODE));
    for o in batch.iter() {
        text(batch.text(o.device), limits::DEVICE_ID);
        // Each byte may be written out, as `<FF>` or `<U+10FFFF>`.
        text(batch.text(o.topic), limits::SENTENCE * 10);
        text(batch.text(o.raw), limits::PREVIEW * 10);
        batch.attributes(o).for_each(|(_, value)| text(value, limits::VALUE));
        batch.values(o).for_each(|(name, value)| {
            text(name, limits::VALUE);
            assert!(value.is_finite());
        });
        assert!(batch.values(o).count() <= limits::KPIS);
        assert!(batch.attributes(o).count() <= 2 * limits::ATTRIBUTES);
        match &o.body {
            Body::Status { boot_reason, .. } => text(batch.text(*boot_reason), limits::VALUE),
            Body::Event { code, message, .. } => {
                text(batch.text(*code), limits::VALUE);
                text(batch.text(*message), limits::SENTENCE);
            }
            Body::Ota { campaign, target, .. } => {
                text(batch.text(*campaign), limits::VALUE);
                text(batch.text(*target), limits::VALUE);
            }
            Body::Campaign { campaign, waves, .. } => {
                text(batch.text(*campaign), limits::VALUE);
                assert!(batch.waves(*waves).len() <= limits::WAVES);
            }
            Body::Telemetry(told) => assert!(told.battery.is_none_or(|percent| percent <= 100)),
            Body::Broker(_, value) => assert!(value.is_finite()),
            _ => {}
        }
    }
}

/// A name that was cut has its real length behind it, and a mark where alphabets are mixed.
fn text(text: &str, limit: usize) {
    assert!(!text.chars().any(char::is_control), "{text:?}");
    assert!(text.chars().count() <= limit + 32, "{} characters of at most {limit}", text.chars().count());
}
