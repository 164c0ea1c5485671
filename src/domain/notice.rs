//! Notices: what the room itself tells the team, where nobody has the time to: that the glass was broken, that somebody is
//! to be woken. They go to channels for internal word alone; whoever is outside is told by people.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::event::notice::NoticeEvent;
use super::ids::IncidentId;
use super::time::At;
use super::update::Delivery;

/// What a notice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoticeKind {
    /// One person pulled what needs two.
    BreakGlass,
    /// A switch that goes out in waves has stopped by itself.
    Paused,
    /// A step that names somebody was not done in its time.
    Escalation,
}

impl NoticeKind {
    pub const fn name(self) -> &'static str {
        match self {
            Self::BreakGlass => "break-glass",
            Self::Paused => "waves paused",
            Self::Escalation => "escalation",
        }
    }
}

/// A notice through one channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Counted from 1 in the log.
    pub number: u64,
    pub incident: Option<IncidentId>,
    pub kind: NoticeKind,
    pub channel: String,
    pub text: String,
    pub at: At,
    pub delivery: Delivery,
}

/// The newest notices; older ones are in the log.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Notices {
    /// How many there were.
    pub count: u64,
    kept: VecDeque<Notice>,
}

impl Notices {
    /// Oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Notice> {
        self.kept.iter()
    }

    pub fn find(&self, number: u64) -> Option<&Notice> {
        self.kept.iter().find(|notice| notice.number == number)
    }

    /// Changes by an event; the newest `most` are kept.
    pub fn apply(&mut self, event: &NoticeEvent, at: At, most: usize) {
        match event {
            NoticeEvent::NoticeIntended { notice, incident, kind, channel, text } => {
                self.count = self.count.max(*notice);
                if self.kept.len() >= most {
                    self.kept.pop_front();
                }
                self.kept.push_back(Notice {
                    number: *notice,
                    incident: *incident,
                    kind: *kind,
                    channel: channel.clone(),
                    text: text.clone(),
                    at,
                    delivery: Delivery::Intended,
                });
            }
            NoticeEvent::NoticeSent { notice, answer, took_ms, .. } => {
                self.deliver(*notice, Delivery::Sent { answer: answer.clone(), took_ms: *took_ms, at });
            }
            NoticeEvent::NoticeNotSent { notice, reason, .. } => {
                self.deliver(*notice, Delivery::NotSent { reason: reason.clone() });
            }
            NoticeEvent::NoticeUnknown { notice, reason, .. } => {
                self.deliver(*notice, Delivery::Unknown { reason: reason.clone() });
            }
        }
    }

    fn deliver(&mut self, number: u64, delivery: Delivery) {
        if let Some(notice) = self.kept.iter_mut().find(|notice| notice.number == number) {
            notice.delivery = delivery;
        }
    }
}
