//! What messages said, in batches: the form in which telemetry enters the engine.
//!
//! A decoder pushes into a [`Batch`]; the fleet reads it. Strings lie one behind the other in a single buffer, so
//! that a message costs no allocation and a batch is one move. Everything in a batch is already safe to show.

use super::campaign::{CampaignAction, CampaignState, OtaState};
use super::fault::Fault;
use super::time::At;

/// A piece of text in a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Text {
    start: u32,
    len: u32,
}

impl Text {
    pub const EMPTY: Self = Self { start: 0, len: 0 };

    pub const fn is_empty(self) -> bool {
        self.len == 0
    }
}

/// An attribute of the configured schema, by its place in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttributeIx(pub u8);

/// What one message said of one device (or of a campaign).
#[derive(Clone, Debug)]
pub struct Observation {
    /// When it arrived here. Liveness goes by this, never by a device's own clock.
    pub at: At,
    /// The device; empty where the message is not about one.
    pub device: Text,
    /// Sent from the broker's store at subscription, not by a device just now.
    pub retained: bool,
    /// Said about the device by somebody else (a broker, a bridge, a service): it shows no life.
    pub hearsay: bool,
    /// Length of the payload as it came.
    pub bytes: u32,
    /// The topic, where it was worth keeping (everything but plain telemetry).
    pub topic: Text,
    /// The beginning of the payload, likewise.
    pub raw: Text,
    attributes: (u32, u32),
    values: (u32, u32),
    pub body: Body,
}

/// The part of a message that depends on its kind. `stamp` is the device's own time, for data quality only.
#[derive(Clone, Debug)]
pub enum Body {
    Status {
        online: Option<bool>,
        stamp: Option<At>,
        boots: Option<u32>,
        boot_reason: Text,
    },
    Telemetry(Telemetry),
    Event {
        stamp: Option<At>,
        kind: EventKind,
        code: Text,
        message: Text,
    },
    Ota {
        campaign: Text,
        wave: Option<u16>,
        state: OtaState,
        target: Text,
    },
    ConfigReported {
        request_id: Text,
    },
    /// The system that runs a campaign, about the campaign.
    Campaign {
        campaign: Text,
        state: CampaignState,
        wave: Option<u16>,
        target: Text,
        request_id: Text,
        waves: (u32, u32),
    },
    /// A command to a campaign, ours or somebody else's, as seen on the wire.
    Control {
        campaign: Text,
        action: Option<CampaignAction>,
        request_id: Text,
    },
    /// An answer to a request.
    Answer {
        request_id: Text,
    },
    /// Whether a device is in a state in which nobody misses it: in maintenance, suspended, decommissioned.
    Suppressed(bool),
    /// The broker was told to forget its retained presence: it is not expected back.
    Cleared,
    /// The broker was told to forget what a controller has said of its campaign.
    CampaignCleared {
        campaign: Text,
    },
    /// A counter or gauge of the broker itself; never a device's.
    Broker(BrokerMetric, f64),
    /// Something wrong with the message. Where the message was taken all the same, it follows as its own observation.
    Fault(Fault),
}

/// A wave of a campaign as its controller counts it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WavePlan {
    pub wave: u16,
    pub planned: u32,
    pub done: u32,
    pub failed: u32,
}

/// What a broker tells of itself, whatever it calls it. Counters are totals since it started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BrokerMetric {
    /// Clients connected now.
    Connected,
    /// Messages waiting for clients that are away or slow.
    Queued,
    /// Messages thrown away, in total.
    Dropped,
    /// Publishes received, in total.
    Received,
    /// Seconds since it started.
    Uptime,
}

/// Kinds of device events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    Error,
    Reboot,
    AuthFailure,
    Throttled,
    SignatureFailure,
    Rejected,
    /// Anything else: kept, counted as a message.
    Other,
}

/// The plain numbers of a telemetry message; absent ones are `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Telemetry {
    pub stamp: Option<At>,
    pub seq: Option<u32>,
    /// Percent, 0..=100.
    pub battery: Option<u8>,
    /// dBm.
    pub rssi: Option<i8>,
    pub errors: Option<u32>,
    pub queue: Option<u32>,
    pub uptime_s: Option<u32>,
}

/// Observations in the order they arrived.
#[derive(Debug, Default)]
pub struct Batch {
    text: String,
    attributes: Vec<(AttributeIx, Text)>,
    values: Vec<(Text, f64)>,
    waves: Vec<WavePlan>,
    items: Vec<Observation>,
}

impl Batch {
    /// Keeps `text` for an observation that is about to be pushed.
    pub fn keep(&mut self, text: &str) -> Text {
        let start = self.text.len() as u32;
        self.text.push_str(text);
        Text { start, len: text.len() as u32 }
    }

    /// Adds an attribute value to the observation that is pushed next.
    pub fn attribute(&mut self, attribute: AttributeIx, value: &str) {
        let value = self.keep(value);
        self.attributes.push((attribute, value));
    }

    /// Adds a measured value, named by its path in the payload without a leading
    /// `values.`, to the observation that is pushed next.
    pub fn value(&mut self, path: &str, value: f64) {
        let path = self.keep(path);
        self.values.push((path, value));
    }

    /// Adds a wave to the campaign message that is pushed next.
    pub fn wave(&mut self, wave: WavePlan) {
        self.waves.push(wave);
    }

    /// Where the attributes of the next observation begin; give it back to [`Batch::push`].
    pub fn mark(&self) -> Mark {
        Mark {
            attributes: self.attributes.len() as u32,
            values: self.values.len() as u32,
            waves: self.waves.len() as u32,
        }
    }

    /// Forgets attributes, values and waves added since `mark`, for a message that turned out bad.
    pub fn rewind(&mut self, mark: Mark) {
        self.attributes.truncate(mark.attributes as usize);
        self.values.truncate(mark.values as usize);
        self.waves.truncate(mark.waves as usize);
    }

    /// Pushes an observation with the attributes, values and waves added since `mark`.
    pub fn push(&mut self, mark: Mark, envelope: Envelope, body: Body) {
        let mut body = body;
        if let Body::Campaign { waves, .. } = &mut body {
            *waves = (mark.waves, self.waves.len() as u32);
        }
        self.items.push(Observation {
            at: envelope.at,
            device: envelope.device,
            retained: envelope.retained,
            hearsay: envelope.hearsay,
            bytes: envelope.bytes,
            topic: envelope.topic,
            raw: envelope.raw,
            attributes: (mark.attributes, self.attributes.len() as u32),
            values: (mark.values, self.values.len() as u32),
            body,
        });
    }

    pub fn text(&self, text: Text) -> &str {
        &self.text[text.start as usize..(text.start + text.len) as usize]
    }

    pub fn attributes(&self, observation: &Observation) -> impl Iterator<Item = (AttributeIx, &str)> {
        let (from, to) = observation.attributes;
        self.attributes[from as usize..to as usize].iter().map(|(ix, text)| (*ix, self.text(*text)))
    }

    /// The measured values of an observation, with their paths.
    pub fn values(&self, observation: &Observation) -> impl Iterator<Item = (&str, f64)> {
        let (from, to) = observation.values;
        self.values[from as usize..to as usize].iter().map(|(path, value)| (self.text(*path), *value))
    }

    pub fn waves(&self, range: (u32, u32)) -> &[WavePlan] {
        &self.waves[range.0 as usize..range.1 as usize]
    }

    pub fn iter(&self) -> impl Iterator<Item = &Observation> {
        self.items.iter()
    }

    pub fn len(&self) -> usize {
        self.items.len()
    }

    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Bytes of text held, for the mailbox's bound.
    pub fn text_bytes(&self) -> usize {
        self.text.len()
    }

    /// Empties the batch and keeps its memory for the next one.
    pub fn clear(&mut self) {
        self.text.clear();
        self.attributes.clear();
        self.values.clear();
        self.waves.clear();
        self.items.clear();
    }
}

/// Everything about a message but what it says.
#[derive(Clone, Copy, Debug, Default)]
pub struct Envelope {
    pub at: At,
    pub device: Text,
    pub retained: bool,
    pub hearsay: bool,
    pub bytes: u32,
    pub topic: Text,
    pub raw: Text,
}

/// A place in a batch; see [`Batch::mark`].
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    attributes: u32,
    values: u32,
    waves: u32,
}
