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
    /// The device that somebody watches, and its last messages: others' do not push them out.
    watched: Option<(DeviceIx, VecDeque<Message>)>,
}

impl Messages {
    /// Follows one device, or none, from what is known of it.
    pub fn watch(&mut self, device: Option<DeviceIx>) {
        if self.watched.as_ref().map(|(watched, _)| *watched) == device {
            return;
        }
        let known = |device| self.recent.iter().filter(|message| message.device == device).cloned().collect();
        self.watched = device.map(|device| (device, known(device)));
    }

    /// Whether somebody watches this device.
    pub fn is_watched(&self, device: DeviceIx) -> bool {
        self.watched.as_ref().is_some_and(|(watched, _)| *watched == device)
    }

    pub fn add(&mut self, message: Message) {
        match &mut self.watched {
            Some((watched, own)) if *watched == message.device => keep(own, limits::WATCHED_MESSAGES, message),
            _ => keep(&mut self.recent, limits::RECENT_MESSAGES, message),
        }
    }

    /// Those of one device, the newest first.
    pub fn of(&self, device: DeviceIx) -> impl Iterator<Item = &Message> {
        let kept = match &self.watched {
            Some((watched, own)) if *watched == device => own,
            _ => &self.recent,
        };
        kept.iter().rev().filter(move |message| message.device == device)
    }
}

fn keep(kept: &mut VecDeque<Message>, limit: usize, message: Message) {
    while kept.len() >= limit {
        kept.pop_front();
    }
    kept.push_back(message);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(n: i64, device: u32) -> Message {
        let (topic, preview) = (format!("t/{n}"), String::new());
        Message { at: At::from_ms(n), device: DeviceIx(device), topic, preview, retained: false }
    }

    #[test]
    fn messages_of_a_watched_device_outlive_those_of_all_others() {
        let mut messages = Messages::default();
        messages.add(message(1, 7));
        messages.watch(Some(DeviceIx(7)));
        messages.add(message(2, 7));
        (3..2000).for_each(|n| messages.add(message(n, 8)));
        messages.watch(Some(DeviceIx(7)));
        let told = |messages: &Messages, device| {
            messages.of(DeviceIx(device)).map(|message| message.at.ms()).collect::<Vec<_>>()
        };
        assert_eq!(told(&messages, 7), [2, 1]);
        assert_eq!(told(&messages, 8).len(), limits::RECENT_MESSAGES);
        (2000..2100).for_each(|n| messages.add(message(n, 7)));
        assert_eq!(told(&messages, 7).len(), limits::WATCHED_MESSAGES);
        messages.watch(None);
        assert_eq!(told(&messages, 7), [] as [i64; 0], "and are gone with who watched");
    }
}
