//! Keeps one poisonous message from ending the connection for ever.
//!
//! The client ends the connection on a packet over its limit and on a topic that is not one. If that message is
//! retained, it comes again after every connect: a room that is blind until somebody else clears it. The guard stands
//! between the socket and the client and rewrites such a publish, on the fly and without holding it, into a small one
//! below [`QUARANTINE`] that says what it was. Packet ids stay, so that acknowledgements still fit.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BufMut, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The topic below which rewritten messages appear, followed by the length of the original packet. No subscription
/// with a wildcard brings a topic that begins with `$`, so a broker never sends one of these.
pub const QUARANTINE: &str = "$warroom/quarantine/";

/// Bytes read from the socket at a time.
const READ: usize = 64 * 1024;
/// Bytes of an oversized payload that are passed on as a sample.
const SAMPLE: usize = 512;
/// MQTT's type of a publish packet, in the upper half of the first byte.
const PUBLISH: u8 = 3;

/// A stream whose incoming packets are looked at.
pub(super) struct Guard<S> {
    inner: S,
    /// Payloads beyond this are cut.
    limit: usize,
    /// MQTT 5 has properties between packet id and payload.
    has_properties: bool,
    /// Read from the socket, and not passed on yet.
    raw: BytesMut,
    /// Made here, to be passed on first.
    made: BytesMut,
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// A packet begins.
    Header,
    /// So many bytes are to be passed on as they are.
    Pass(usize),
    /// So many bytes are to be dropped.
    Skip(usize),
}

impl<S> Guard<S> {
    pub(super) fn new(inner: S, limit: usize, has_properties: bool) -> Self {
        let (raw, made) = (BytesMut::with_capacity(READ), BytesMut::new());
        Self { inner, limit, has_properties, raw, made, state: State::Header }
    }

    /// Moves what can be moved into `out`. Returns false when more must be read first.
    fn advance(&mut self, out: &mut ReadBuf<'_>) -> bool {
        loop {
            if !self.made.is_empty() {
                let n = self.made.len().min(out.remaining());
                out.put_slice(&self.made[..n]);
                self.made.advance(n);
            }
            if out.remaining() == 0 {
                return true;
            }
            match self.state {
                State::Header => match self.begin_packet() {
                    Some(state) => self.state = state,
                    None => return false,
                },
                State::Pass(left) => {
                    let n = left.min(self.raw.len()).min(out.remaining());
                    out.put_slice(&self.raw[..n]);
                    self.raw.advance(n);
                    self.state = if n == left { State::Header } else { State::Pass(left - n) };
                    if n == 0 {
                        return false;
                    }
                }
                State::Skip(left) => {
                    let n = left.min(self.raw.len());
                    self.raw.advance(n);
                    self.state = if n == left { State::Header } else { State::Skip(left - n) };
                    if n == 0 {
                        return false;
                    }
                }
            }
        }
    }

    /// Looks at the beginning of a packet; none when there is not enough of it yet.
    fn begin_packet(&mut self) -> Option<State> {
        let first = *self.raw.first()?;
        let (remaining, header) = match remaining_length(&self.raw[1..]) {
            Length::Known(remaining, bytes) => (remaining, 1 + bytes),
            Length::Incomplete => return None,
            // Not MQTT. The client says so better than we could.
            Length::Wrong => return Some(State::Pass(self.raw.len())),
        };
        let whole = State::Pass(header + remaining);
        if first >> 4 != PUBLISH || remaining < 2 {
            return Some(whole);
        }
        let body = self.raw.get(header..)?;
        let topic_length = usize::from(u16::from_be_bytes([*body.first()?, *body.get(1)?]));
        let has_id = first & 0b0110 != 0;
        let before_payload = 2 + topic_length + if has_id { 2 } else { 0 };
        if before_payload > remaining {
            return Some(whole);
        }
        let topic = body.get(2..2 + topic_length)?;
        if remaining - before_payload <= self.limit && is_topic(topic) {
            return Some(whole);
        }
        // A poisonous packet waits for a sample of its payload, as far as there is one.
        let wanted = remaining.min(before_payload + SAMPLE);
        let body = body.get(..wanted)?;
        let id = has_id.then(|| [body[before_payload - 2], body[before_payload - 1]]);
        let properties = if self.has_properties { properties_length(&body[before_payload..]) } else { 0 };
        let sample = body.get(before_payload + properties..).unwrap_or_default();
        let payload_length = remaining.saturating_sub(before_payload + properties);
        self.made = self.rewrite(first, &body[2..2 + topic_length], id, sample, payload_length);
        self.raw.advance(header + wanted);
        Some(State::Skip(remaining - wanted))
    }

    /// The small packet that stands for a poisonous one: its topic and sample are the payload, behind the topic's length.
    fn rewrite(&self, first: u8, topic: &[u8], id: Option<[u8; 2]>, sample: &[u8], payload_length: usize) -> BytesMut {
        let name = format!("{QUARANTINE}{payload_length}");
        let properties = usize::from(self.has_properties);
        let length = 2 + name.len() + id.map_or(0, |id| id.len()) + properties + 2 + topic.len() + sample.len();
        let mut packet = BytesMut::with_capacity(length + 5);
        packet.put_u8(first);
        put_remaining_length(&mut packet, length);
        packet.put_u16(name.len() as u16);
        packet.put_slice(name.as_bytes());
        if let Some(id) = id {
            packet.put_slice(&id);
        }
        packet.put_bytes(0, properties);
        packet.put_u16(topic.len() as u16);
        packet.put_slice(topic);
        packet.put_slice(sample);
        packet
    }
}

/// Takes a rewritten message apart: the length of its payload, its topic, a sample of its payload.
pub(super) fn open_quarantined<'a>(topic: &[u8], payload: &'a [u8]) -> Option<(u64, &'a [u8], &'a [u8])> {
    let length = std::str::from_utf8(topic.strip_prefix(QUARANTINE.as_bytes())?).ok()?.parse().ok()?;
    let topic_length = usize::from(u16::from_be_bytes([*payload.first()?, *payload.get(1)?]));
    let (original, sample) = payload[2..].split_at_checked(topic_length)?;
    Some((length, original, sample))
}

/// What the client takes for a topic. A v5 topic may be empty, where an alias stands for it.
fn is_topic(topic: &[u8]) -> bool {
    !topic.is_empty() && !topic.iter().any(|b| matches!(b, b'+' | b'#' | 0)) && std::str::from_utf8(topic).is_ok()
}

/// How many bytes the properties of MQTT 5 take, with the length before them.
fn properties_length(body: &[u8]) -> usize {
    match remaining_length(body) {
        Length::Known(length, bytes) => bytes + length,
        Length::Incomplete | Length::Wrong => 0,
    }
}

enum Length {
    Known(usize, usize),
    Incomplete,
    Wrong,
}

/// MQTT's variable length: seven bits a byte, at most four bytes.
fn remaining_length(bytes: &[u8]) -> Length {
    let mut length = 0;
    for (i, byte) in bytes.iter().take(4).enumerate() {
        length |= usize::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            return Length::Known(length, i + 1);
        }
    }
    if bytes.len() < 4 { Length::Incomplete } else { Length::Wrong }
}

fn put_remaining_length(packet: &mut BytesMut, length: usize) {
    let mut left = length;
    loop {
        let byte = (left & 0x7f) as u8;
        left >>= 7;
        packet.put_u8(if left > 0 { byte | 0x80 } else { byte });
        if left == 0 {
            return;
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guard<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = out.filled().len();
        loop {
            let full = this.advance(out);
            if full || out.filled().len() > before {
                return Poll::Ready(Ok(()));
            }
            this.raw.reserve(READ);
            let spare = READ.min(this.raw.capacity() - this.raw.len());
            let start = this.raw.len();
            this.raw.resize(start + spare, 0);
            let mut chunk = ReadBuf::new(&mut this.raw[start..]);
            let read = Pin::new(&mut this.inner).poll_read(cx, &mut chunk);
            let n = chunk.filled().len();
            this.raw.truncate(start + n);
            ready!(read)?;
            if n == 0 {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guard<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use rumqttc::mqttbytes::QoS;
    use rumqttc::mqttbytes::v4::{Packet, Publish};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    const LIMIT: usize = 1000;

    fn publish(topic: &[u8], qos: u8, id: u16, payload: usize) -> Vec<u8> {
        let mut packet = BytesMut::new();
        packet.put_u8(0x30 | qos << 1);
        put_remaining_length(&mut packet, 2 + topic.len() + if qos > 0 { 2 } else { 0 } + payload);
        packet.put_u16(topic.len() as u16);
        packet.put_slice(topic);
        if qos > 0 {
            packet.put_u16(id);
        }
        packet.put_bytes(b'x', payload);
        packet.to_vec()
    }

    /// Sends bytes in pieces of `step` through a guard, and reads packets behind it as the client does.
    async fn through(bytes: Vec<u8>, step: usize) -> Vec<Publish> {
        let (mut far, near) = tokio::io::duplex(1 << 20);
        let mut guard = Guard::new(near, LIMIT, false);
        let send = async {
            for piece in bytes.chunks(step) {
                far.write_all(piece).await.unwrap();
                tokio::task::yield_now().await;
            }
            drop(far);
        };
        let mut passed = BytesMut::new();
        let receive = async { while guard.read_buf(&mut passed).await.unwrap() > 0 {} };
        tokio::join!(send, receive);
        let mut packets = Vec::new();
        while !passed.is_empty() {
            match Packet::read(&mut passed, 100_000).unwrap() {
                Packet::Publish(publish) => packets.push(publish),
                Packet::PingResp => {}
                other => panic!("{other:?}"),
            }
        }
        packets
    }

    #[tokio::test]
    async fn good_packets_pass_and_bad_ones_are_rewritten_however_they_arrive() {
        let mut bytes = publish(b"a/b", 0, 0, 10);
        bytes.extend([0xd0, 0]);
        bytes.extend(publish(b"big", 1, 7, 50_000));
        bytes.extend(publish(b"bad/\xff", 0, 0, 10));
        bytes.extend(publish(b"bad/+", 1, 9, 10));
        bytes.extend(publish(b"", 0, 0, 3));
        bytes.extend(publish(b"c/d", 1, 8, LIMIT));
        for step in [1, 2, 3, 7, 100, 1_000_000] {
            let packets = through(bytes.clone(), step).await;
            let seen: Vec<_> = packets
                .iter()
                .map(|p| match open_quarantined(&p.topic, &p.payload) {
                    Some((length, topic, sample)) => {
                        (String::from_utf8_lossy(topic).into_owned(), p.pkid, length as usize, sample.len())
                    }
                    None => (String::from_utf8_lossy(&p.topic).into_owned(), p.pkid, p.payload.len(), 0),
                })
                .collect();
            let expected = [
                ("a/b", 0, 10, 0),
                ("big", 7, 50_000, SAMPLE),
                ("bad/\u{fffd}", 0, 10, 10),
                ("bad/+", 9, 10, 10),
                ("", 0, 3, 3),
                ("c/d", 8, LIMIT, 0),
            ];
            let expected: Vec<_> = expected.map(|(t, id, len, sample)| (t.to_owned(), id, len, sample)).into();
            assert_eq!(seen, expected, "in pieces of {step}");
            assert_eq!(packets[1].qos, QoS::AtLeastOnce);
        }
    }
}
