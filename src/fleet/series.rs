//! A signal over time: one value a second and one a minute, over the last two hours.
//!
//! Most seconds of most signals are alike (no reboot, the same number of devices), so a finished minute whose seconds
//! are all equal costs four bytes. Cohorts beyond the fine ones keep minutes only.

use std::collections::VecDeque;

use crate::domain::signal::SignalKind;
use crate::limits;

/// Seconds in a minute, as a length of arrays.
const MINUTE: usize = 60;

/// The history of one signal of one cohort.
#[derive(Debug)]
pub struct Series {
    kind: SignalKind,
    /// Finished minutes, oldest first: the last second's value of a level, the sum of a count.
    minutes: VecDeque<u32>,
    /// The running minute so far.
    running: u32,
    fine: Option<Fine>,
}

#[derive(Debug)]
struct Fine {
    /// Finished minutes by the second, as many as `minutes`.
    minutes: VecDeque<Seconds>,
    /// The running minute; the first `len` are set.
    running: Box<[u32; MINUTE]>,
    len: usize,
}

/// The seconds of a finished minute, in the least memory that holds them.
#[derive(Debug)]
enum Seconds {
    Same(u32),
    Narrow(Box<[u16; MINUTE]>),
    Wide(Box<[u32; MINUTE]>),
}

impl Seconds {
    fn of(values: &[u32; MINUTE]) -> Self {
        let largest = values.iter().copied().max().unwrap_or(0);
        if values.iter().all(|v| *v == values[0]) {
            Self::Same(values[0])
        } else if let Ok(narrow) = u16::try_from(largest).map(|_| values.map(|v| v as u16)) {
            Self::Narrow(Box::new(narrow))
        } else {
            Self::Wide(Box::new(*values))
        }
    }

    fn get(&self, second: usize) -> u32 {
        match self {
            Self::Same(value) => *value,
            Self::Narrow(values) => values[second].into(),
            Self::Wide(values) => values[second],
        }
    }
}

impl Series {
    /// An empty history; `fine` for one by the second as well.
    pub fn new(kind: SignalKind, fine: bool) -> Self {
        let fine = fine.then(|| Fine { minutes: VecDeque::new(), running: Box::new([0; MINUTE]), len: 0 });
        Self { kind, minutes: VecDeque::new(), running: 0, fine }
    }

    /// Adds the value of the second that has just ended.
    pub fn push(&mut self, value: u32) {
        match self.kind {
            SignalKind::Level => self.running = value,
            SignalKind::Count => self.running = self.running.saturating_add(value),
        }
        if let Some(fine) = &mut self.fine
            && fine.len < MINUTE
        {
            fine.running[fine.len] = value;
            fine.len += 1;
        }
    }

    /// Ends the running minute. A series that began inside it has its first seconds filled with its first value.
    pub fn end_minute(&mut self) {
        self.minutes.push_back(self.running);
        if self.kind == SignalKind::Count {
            self.running = 0;
        }
        if let Some(fine) = &mut self.fine {
            let missing = MINUTE - fine.len;
            let first = if self.kind == SignalKind::Level { fine.running[0] } else { 0 };
            fine.running.copy_within(..fine.len, missing);
            fine.running[..missing].fill(first);
            fine.minutes.push_back(Seconds::of(&fine.running));
            fine.len = 0;
        }
        if self.minutes.len() > limits::HISTORY_MINUTES {
            self.minutes.pop_front();
            if let Some(fine) = &mut self.fine {
                fine.minutes.pop_front();
            }
        }
    }

    /// Seconds of history there are.
    pub fn seconds(&self) -> usize {
        self.fine.as_ref().map_or(self.minutes.len() * MINUTE, |fine| fine.minutes.len() * MINUTE + fine.len)
    }

    /// The value `back` seconds before the last one (0 is the last). A coarse series answers with its minute: a level
    /// as it is, a count spread evenly.
    pub fn back(&self, back: usize) -> Option<u32> {
        match &self.fine {
            Some(fine) => {
                if back < fine.len {
                    return Some(fine.running[fine.len - 1 - back]);
                }
                let behind = back - fine.len;
                let minute = fine.minutes.len().checked_sub(1 + behind / MINUTE)?;
                Some(fine.minutes[minute].get(MINUTE - 1 - behind % MINUTE))
            }
            None => {
                let minute = self.minutes.len().checked_sub(1 + back / MINUTE)?;
                Some(match self.kind {
                    SignalKind::Level => self.minutes[minute],
                    SignalKind::Count => self.minutes[minute] / MINUTE as u32,
                })
            }
        }
    }

    /// The sum of the last `seconds` seconds, or of as many as there are. A coarse count gives whole minutes, and of the
    /// one that is cut a part.
    pub fn sum(&self, seconds: usize) -> f64 {
        let seconds = seconds.min(self.seconds());
        if self.fine.is_none() && self.kind == SignalKind::Count {
            let share = |n: usize| seconds.saturating_sub(n * MINUTE).min(MINUTE) as f64 / MINUTE as f64;
            return self.minutes.iter().rev().enumerate().map(|(n, sum)| f64::from(*sum) * share(n)).sum();
        }
        (0..seconds).filter_map(|back| self.back(back)).map(f64::from).sum()
    }

    /// Finished minutes, oldest first.
    pub fn minutes(&self) -> impl DoubleEndedIterator<Item = u32> + ExactSizeIterator {
        self.minutes.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(kind: SignalKind, fine: bool, values: impl Iterator<Item = u32>) -> Series {
        let mut series = Series::new(kind, fine);
        for (second, value) in values.enumerate() {
            if second > 0 && second % MINUTE == 0 {
                series.end_minute();
            }
            series.push(value);
        }
        series
    }

    #[test]
    fn every_second_of_two_hours_can_be_read_back() {
        let values: Vec<u32> = (0..7400).map(|s| if s % 7 == 0 { 70_000 + s } else { s % 3 }).collect();
        let series = filled(SignalKind::Count, true, values.iter().copied());
        assert!(series.seconds() >= 7200);
        for back in 0..7200 {
            assert_eq!(series.back(back), Some(values[values.len() - 1 - back]), "{back} s back");
        }
    }

    #[test]
    fn minutes_hold_sums_of_counts_and_ends_of_levels() {
        let counts = filled(SignalKind::Count, false, (0..180).map(|_| 2));
        assert_eq!(counts.minutes().collect::<Vec<_>>(), [120, 120]);
        assert_eq!(counts.back(0), Some(2));
        let rare = filled(SignalKind::Count, false, (0..180).map(|s| u32::from(s % 60 < 59)));
        assert_eq!((rare.sum(60), rare.sum(90)), (59.0, 59.0 * 1.5), "59 a minute are not none");
        let levels = filled(SignalKind::Level, false, 0..180);
        assert_eq!(levels.minutes().collect::<Vec<_>>(), [59, 119]);
    }

    #[test]
    fn history_is_bounded() {
        let series = filled(SignalKind::Count, true, 0..20_000);
        assert_eq!(series.minutes.len(), limits::HISTORY_MINUTES);
        assert_eq!(series.fine.as_ref().unwrap().minutes.len(), limits::HISTORY_MINUTES);
        assert_eq!(series.back(20_000), None);
    }

    #[test]
    fn a_series_that_begins_inside_a_minute_lines_up_with_the_others() {
        let mut late = Series::new(SignalKind::Level, true);
        (0..10).for_each(|_| late.push(5));
        late.end_minute();
        late.push(6);
        assert_eq!((late.back(0), late.back(10), late.back(60)), (Some(6), Some(5), Some(5)));
    }
}
