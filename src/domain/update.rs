//! Updates: what each audience is told about an incident, when, and through which channel.

pub mod template;
pub mod way;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::event::update::UpdateEvent;
use super::ids::Actor;
use super::time::At;
use way::Way;

/// Whom an update is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Audience {
    Internal,
    /// The customers who are affected; the status page is theirs.
    Customers,
    /// The public, and authorities.
    Public,
}

impl Audience {
    pub const ALL: [Self; 3] = [Self::Internal, Self::Customers, Self::Public];

    pub const fn id(self) -> &'static str {
        match self {
            Self::Internal => "internal",
            Self::Customers => "customers",
            Self::Public => "public",
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Internal => "internal",
            Self::Customers => "customers",
            Self::Public => "public and regulator",
        }
    }

    pub fn parse(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|audience| audience.id() == id)
    }
}

impl fmt::Display for Audience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Where an update stands in the story.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UpdateKind {
    /// The first word. To customers it promises no time.
    First,
    Update,
    /// It is over.
    Resolved,
}

impl UpdateKind {
    pub const ALL: [Self; 3] = [Self::First, Self::Update, Self::Resolved];

    pub const fn id(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Update => "update",
            Self::Resolved => "resolved",
        }
    }
}

/// How often an audience is told, in seconds. Where a time is none, nobody waits for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Cadence {
    /// From the declaration to the first word.
    pub first_s: Option<i64>,
    /// From one update to the next, while the incident is open.
    pub every_s: Option<i64>,
    /// From its end to the notice of it.
    pub resolved_s: Option<i64>,
}

impl Cadence {
    /// What people usually promise: internal every half hour, the status page within half an hour and then every hour,
    /// and a notice at the end; what the public and authorities get has clocks of its own.
    pub const fn usual(audience: Audience) -> Self {
        match audience {
            Audience::Internal => Self { first_s: Some(1800), every_s: Some(1800), resolved_s: None },
            Audience::Customers => Self { first_s: Some(1800), every_s: Some(3600), resolved_s: Some(1800) },
            Audience::Public => Self { first_s: None, every_s: None, resolved_s: None },
        }
    }
}

/// How often every audience is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Cadences {
    pub internal: Cadence,
    pub customers: Cadence,
    pub public: Cadence,
}

impl Default for Cadences {
    fn default() -> Self {
        let [internal, customers, public] = Audience::ALL.map(Cadence::usual);
        Self { internal, customers, public }
    }
}

impl Cadences {
    /// Nobody waits for word.
    pub const NONE: Self = {
        let never = Cadence { first_s: None, every_s: None, resolved_s: None };
        Self { internal: never, customers: never, public: never }
    };

    pub const fn of(&self, audience: Audience) -> Cadence {
        match audience {
            Audience::Internal => self.internal,
            Audience::Customers => self.customers,
            Audience::Public => self.public,
        }
    }
}

/// A way to an audience, by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelInfo {
    pub name: String,
    pub audience: Audience,
    /// `slack`, `cstate`: what it is.
    pub kind: String,
    pub way: Way,
    /// Seconds that it may take to answer.
    pub timeout_s: u32,
}

/// What the system behind a channel knows of an incident already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Thread {
    /// Nothing: this is the first that it hears of it.
    New,
    /// It calls the incident so; what is sent goes on from there.
    Known(String),
    /// It may know of it, under a name that was never answered.
    Doubtful,
}

/// The channel that every room has: the clipboard of the person at the keys.
pub const CLIPBOARD: &str = "clipboard";

/// How far one sending of an update has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Delivery {
    /// The intent is on the record; it goes out now.
    Intended,
    /// It has arrived; with the answer, and the seconds it took.
    Sent { answer: String, took_ms: i64, at: At },
    /// It is on somebody's clipboard; that it was posted must be said.
    Copied,
    /// It is known not to have been sent. It may be tried again.
    NotSent { reason: String },
    /// It may have been sent.
    Unknown { reason: String },
}

impl Delivery {
    /// How it stands, in words.
    pub fn words(&self) -> String {
        match self {
            Self::Intended => "on its way".into(),
            Self::Sent { answer, took_ms: 0, .. } => format!("told: {answer}"),
            Self::Sent { answer, took_ms, .. } => format!("sent in {:.1} s: {answer}", *took_ms as f64 / 1000.0),
            Self::Copied => "copied, and not said to be posted".into(),
            Self::NotSent { reason } => format!("NOT SENT: {reason}"),
            Self::Unknown { reason } => format!("may not have arrived: {reason}"),
        }
    }

    pub const fn is_told(&self) -> bool {
        matches!(self, Self::Sent { .. })
    }
}

/// An update through one channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Update {
    /// Counted from 1 in its incident.
    pub number: u32,
    pub audience: Audience,
    pub kind: UpdateKind,
    pub channel: String,
    /// The template that it was filled from; none where it was written by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// The facts of the incident that it tells, by the names of the variables.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tells: Vec<String>,
    pub text: String,
    pub by: Actor,
    pub at: At,
    pub delivery: Delivery,
}

/// What every audience of an incident has been told.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Updates {
    pub sent: Vec<Update>,
    /// What the system behind each channel calls this incident, by the channel.
    pub references: BTreeMap<String, String>,
    /// Where this incident's cadence is another than the usual one.
    pub cadences: BTreeMap<Audience, Cadence>,
    /// For each audience, the last moment that was told to be overdue.
    pub overdue: BTreeMap<Audience, At>,
    /// For each audience, how often it was not told in time.
    pub missed: BTreeMap<Audience, u32>,
}

impl Updates {
    pub fn cadence(&self, audience: Audience, usual: &Cadences) -> Cadence {
        self.cadences.get(&audience).copied().unwrap_or_else(|| usual.of(audience))
    }

    pub fn find(&self, number: u32) -> Option<&Update> {
        self.sent.iter().find(|update| update.number == number)
    }

    /// What the system behind the channel of an update knows of the incident, but for this update.
    pub fn thread(&self, update: &Update) -> Thread {
        if let Some(reference) = self.references.get(&update.channel) {
            return Thread::Known(reference.clone());
        }
        let others = self.sent.iter().filter(|other| other.number != update.number && other.channel == update.channel);
        match others.into_iter().all(|other| matches!(other.delivery, Delivery::NotSent { .. })) {
            true => Thread::New,
            false => Thread::Doubtful,
        }
    }

    /// What an audience has been told, the newest first.
    pub fn told(&self, audience: Audience) -> impl Iterator<Item = (&Update, At)> {
        let told = |update: &'_ Update| match &update.delivery {
            Delivery::Sent { at, .. } => Some(*at),
            _ => None,
        };
        let of_it = self.sent.iter().rev().filter(move |update| update.audience == audience);
        of_it.filter_map(move |update| Some((update, told(update)?)))
    }

    /// When an audience must be told next; `declared`, `ended` (service restored) and `open` are the incident's.
    pub fn next(
        &self,
        audience: Audience,
        usual: &Cadences,
        declared: At,
        ended: Option<At>,
        open: bool,
    ) -> Option<(UpdateKind, At)> {
        let cadence = self.cadence(audience, usual);
        let last = self.told(audience).map(|(_, at)| at).max();
        let noticed = self
            .told(audience)
            .any(|(update, at)| update.kind == UpdateKind::Resolved && ended.is_some_and(|ended| at >= ended));
        match (last, ended) {
            // Who never heard of it needs no notice of its end.
            (None, _) if open => Some((UpdateKind::First, declared.plus_s(cadence.first_s?))),
            (None, _) => None,
            (Some(_), Some(_)) if noticed => None,
            (Some(_), Some(ended)) if cadence.resolved_s.is_some() => {
                Some((UpdateKind::Resolved, ended.plus_s(cadence.resolved_s?)))
            }
            (Some(last), _) if open => Some((UpdateKind::Update, last.plus_s(cadence.every_s?))),
            (Some(_), _) => None,
        }
    }

    /// Changes by an event.
    pub fn apply(&mut self, event: &UpdateEvent, at: At, by: &Actor) {
        match event {
            UpdateEvent::UpdateIntended { number, audience, kind, channel, template, tells, text, .. } => {
                let delivery = if channel == CLIPBOARD { Delivery::Copied } else { Delivery::Intended };
                self.sent.push(Update {
                    number: *number,
                    audience: *audience,
                    kind: *kind,
                    channel: channel.clone(),
                    template: template.clone(),
                    tells: tells.clone(),
                    text: text.clone(),
                    by: by.clone(),
                    at,
                    delivery,
                });
            }
            UpdateEvent::UpdateSent { number, answer, took_ms, reference, .. } => {
                let channel = self.find(*number).map(|update| update.channel.clone());
                self.references.extend(channel.zip(reference.clone()));
                self.deliver(*number, Delivery::Sent { answer: answer.clone(), took_ms: *took_ms, at });
            }
            UpdateEvent::UpdateNotSent { number, reason, .. } => {
                self.deliver(*number, Delivery::NotSent { reason: reason.clone() });
            }
            UpdateEvent::UpdateUnknown { number, reason, .. } => {
                self.deliver(*number, Delivery::Unknown { reason: reason.clone() });
            }
            UpdateEvent::UpdateRetried { number, .. } => self.deliver(*number, Delivery::Intended),
            UpdateEvent::UpdateOverdue { audience, due, .. } => {
                self.overdue.insert(*audience, *due);
                *self.missed.entry(*audience).or_default() += 1;
            }
            UpdateEvent::CadenceSet { audience, to, .. } => {
                self.cadences.insert(*audience, *to);
            }
        }
    }

    fn deliver(&mut self, number: u32, delivery: Delivery) {
        // What was told cannot be untold.
        if let Some(update) = self.sent.iter_mut().find(|update| update.number == number && !update.delivery.is_told())
        {
            update.delivery = delivery;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_audience_waits_for_the_first_word_then_the_next_then_the_notice() {
        let at = |minutes: i64| At::from_ms(0).plus_s(minutes * 60);
        let sent = |number, kind, minutes| Update {
            number,
            audience: Audience::Customers,
            kind,
            channel: "page".into(),
            template: None,
            tells: Vec::new(),
            text: "text".into(),
            by: Actor::Person("mira".into()),
            at: at(minutes),
            delivery: Delivery::Sent { answer: String::new(), took_ms: 0, at: at(minutes) },
        };
        let failed = |number, minutes| Update {
            delivery: Delivery::NotSent { reason: "503".into() },
            ..sent(number, UpdateKind::First, minutes)
        };
        use UpdateKind::{First, Resolved, Update as Next};
        // (sent, service restored at, still open, what is next and when in minutes)
        let cases = [
            (vec![], None, true, Some((First, 30))),
            (vec![failed(1, 10)], None, true, Some((First, 30))),
            (vec![sent(1, First, 10)], None, true, Some((Next, 70))),
            (vec![sent(1, First, 10), failed(2, 60)], None, true, Some((Next, 70))),
            (vec![sent(1, First, 10)], Some(90), true, Some((Resolved, 120))),
            (vec![sent(1, First, 10)], Some(90), false, Some((Resolved, 120))),
            (vec![sent(1, First, 10), sent(2, Resolved, 100)], Some(90), false, None),
            // A notice of an end that was not one does not count for the next.
            (vec![sent(1, First, 10), sent(2, Resolved, 100)], Some(200), true, Some((Resolved, 230))),
            (vec![], Some(90), false, None),
        ];
        for (sent, ended, open, expected) in cases {
            let updates = Updates { sent, ..Updates::default() };
            let next = updates.next(Audience::Customers, &Cadences::default(), at(0), ended.map(at), open);
            assert_eq!(next, expected.map(|(kind, minutes)| (kind, at(minutes))), "{updates:?}");
        }
        let none = Updates::default().next(Audience::Public, &Cadences::default(), at(0), None, true);
        assert_eq!(none, None, "what authorities get has clocks of its own");
    }
}
