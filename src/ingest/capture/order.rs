//! The order of a capture's lines. Time never goes back while one is played, so a single line with a wrong time far ahead
//! would turn everything after it into one moment.

use super::Entry;
use crate::domain::count::counted;
use crate::domain::time::At;

/// A line so far ahead of the one before it is believed once the next one says so too, in seconds.
const AHEAD_S: i64 = 3_600;
/// Lines are late that are so many seconds behind what came before them: more than a broker or a bridge takes.
const LATE_S: i64 = 60;

/// Lines as they are to be played.
#[derive(Debug, Default)]
pub struct Order {
    /// The latest moment so far.
    now: Option<At>,
    held: Option<Entry>,
    /// Lines that count as of a later moment than their own, and those whose time nobody else confirmed.
    pub late: u64,
    pub astray: u64,
}

impl Order {
    /// Takes a line; what can be played by now, in this order.
    pub fn take(&mut self, entry: Entry) -> impl Iterator<Item = Entry> + use<> {
        let at = entry.at();
        let now = *self.now.get_or_insert(at);
        let mut ready = [None, None];
        if let Some(held) = self.held.take() {
            if held.at().since_s(at) <= AHEAD_S {
                self.now = Some(held.at());
                ready[0] = Some(held);
            } else {
                self.astray += 1;
                ready[0] = Some(held.as_of(now));
            }
        }
        let now = self.now.unwrap_or(now);
        if at.since_s(now) > AHEAD_S {
            self.held = Some(entry);
        } else {
            let is_message = matches!(entry, Entry::Message(_));
            self.late += u64::from(is_message && now.since_s(at) > LATE_S);
            self.now = Some(now.max(at));
            ready[1] = Some(entry);
        }
        ready.into_iter().flatten()
    }

    /// The last line, where nothing came after it.
    pub fn end(&mut self) -> Option<Entry> {
        self.held.take()
    }

    /// What is wrong with the order of the lines, where something is.
    pub fn objection(&self) -> Option<String> {
        let lines = |n: u64, what: &str| (n > 0).then(|| format!("{what}: {}", counted(n, "line")));
        let late = lines(self.late, "more than a minute older than what came before");
        let astray = lines(self.astray, "alone and hours ahead of all others");
        let told = late.into_iter().chain(astray).collect::<Vec<_>>().join("; ");
        (!told.is_empty()).then(|| format!("{told}; taken as of the lines around them. Is it sorted by time?"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::capture::Recorded;

    /// The seconds at which lines are played, and how many were late and astray.
    fn played(seconds: &[i64]) -> (Vec<i64>, u64, u64) {
        let mut order = Order::default();
        let mut played = Vec::new();
        for second in seconds {
            let at = At::from_ms(second * 1_000);
            let (topic, payload) = (String::new(), Vec::new());
            played.extend(order.take(Entry::Message(Recorded {
                at,
                topic,
                payload,
                retained: false,
                full_length: None,
            })));
        }
        played.extend(order.end());
        (played.iter().map(|entry| entry.at().second()).collect(), order.late, order.astray)
    }

    #[test]
    fn one_line_from_the_future_does_not_stop_time() {
        assert_eq!(played(&[1, 2, 90_000, 3, 4]), (vec![1, 2, 2, 3, 4], 0, 1));
        assert_eq!(played(&[1, 2, 90_000, 90_001]), (vec![1, 2, 90_000, 90_001], 0, 0), "a gap");
        assert_eq!(played(&[1, 2, 90_000]), (vec![1, 2, 90_000], 0, 0), "nobody says otherwise");
        assert_eq!(played(&[1, 8_000, 16_000, 24_000]), (vec![1, 8_000, 16_000, 24_000], 0, 0), "seldom");
        assert_eq!(played(&[1, 90_000, 90_000, 3]), (vec![1, 90_000, 90_000, 3], 1, 0), "two agree");
    }

    #[test]
    fn lines_that_come_late_are_counted() {
        assert_eq!(played(&[100, 130, 75, 131]), (vec![100, 130, 75, 131], 0, 0), "a little");
        assert_eq!(played(&[1_000, 1_300, 1_000, 1_100]), (vec![1_000, 1_300, 1_000, 1_100], 2, 0));
        let mut order = Order::default();
        assert_eq!(order.objection(), None);
        order.late = 3;
        assert!(order.objection().unwrap().contains("before: 3 lines;"));
    }
}
