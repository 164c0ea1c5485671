//! The last messages worth looking at: everything but plain telemetry, and all of the device somebody watches.

use std::collections::VecDeque;

use super::devices::DeviceIx;
use crate::domain::time::At;
use crate::limits;

/// A message as it came, safe to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub at: At,
    pub device: DeviceIx,
    pub topic: String,
    pub preview: String,
    pub retained: bool,
}

/// The last messages, oldest first.
#[derive(Debug, Default)]
pub struct Messages {
    recent: VecDeque<Message>,
}

impl Messages {
    pub fn add(&mut self, message: Message) {
        if self.recent.len() == limits::RECENT_MESSAGES {
            self.recent.pop_front();
        }
        self.recent.push_back(message);
    }

    /// Those of one device, the newest first.
    pub fn of(&self, device: DeviceIx) -> impl Iterator<Item = &Message> {
        self.recent.iter().rev().filter(move |message| message.device == device)
    }
}
