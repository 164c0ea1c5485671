//! A day of the calendar, as people write due dates: `2026-11-24`.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, Days, Months, NaiveDate, NaiveTime};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::time::At;

/// A day. The end of the calendar stands in for what lies beyond it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(NaiveDate);

impl Day {
    /// The day that a moment falls on where clocks are `offset_s` seconds ahead of UTC.
    pub fn of(at: At, offset_s: i32) -> Self {
        Self(at.plus_s(i64::from(offset_s)).utc().date_naive())
    }

    /// The moment at which the day begins, in the same sense.
    pub fn begins(self, offset_s: i32) -> At {
        At::from_ms(self.0.and_time(NaiveTime::MIN).and_utc().timestamp_millis()).plus_s(-i64::from(offset_s))
    }

    /// The day `n` days later.
    #[must_use]
    pub fn plus_days(self, n: u32) -> Self {
        Self(self.0.checked_add_days(Days::new(n.into())).unwrap_or(NaiveDate::MAX))
    }

    /// The same day of the month `n` months later, or the last day of that month where it is shorter: a month after
    /// January 31st ends on the last of February.
    #[must_use]
    pub fn plus_months(self, n: u32) -> Self {
        Self(self.0.checked_add_months(Months::new(n)).unwrap_or(NaiveDate::MAX))
    }

    /// Monday is 0.
    pub fn weekday(self) -> u8 {
        self.0.weekday().num_days_from_monday() as u8
    }

    pub fn year(self) -> i32 {
        self.0.year()
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.format("%Y-%m-%d"))
    }
}

impl FromStr for Day {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a day; write it as 2026-11-24");
        // The reader of dates takes less than four digits for a year too.
        if text.len() != 10 {
            return Err(wrong());
        }
        NaiveDate::parse_from_str(text, "%Y-%m-%d").map(Self).map_err(|_| wrong())
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// A day of the week as people write it; Monday is 0.
///
/// # Errors
/// A sentence that names the days.
pub fn weekday(word: &str) -> Result<u8, String> {
    let known = WEEKDAYS.iter().position(|day| *day == word.to_ascii_lowercase());
    let unknown = || format!("unknown day `{word}`; expected one of {}", WEEKDAYS.join(", "));
    known.map(|day| day as u8).ok_or_else(unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_written_and_read_and_has_its_months_clamped() {
        let day = |text: &str| text.parse::<Day>().unwrap();
        for text in ["2026-02-29", "26-11-24", "2026-11-24T10:00", "soon", ""] {
            assert!(text.parse::<Day>().is_err(), "{text}");
        }
        assert_eq!(day("2026-11-24").to_string(), "2026-11-24");
        for (from, months, to) in [
            ("2026-01-31", 1, "2026-02-28"),
            ("2028-01-31", 1, "2028-02-29"),
            ("2026-12-31", 2, "2027-02-28"),
            ("2026-03-31", 1, "2026-04-30"),
        ] {
            assert_eq!(day(from).plus_months(months), day(to), "{from} and {months}");
        }
        assert_eq!(day("2026-11-20").weekday(), 4);
        let late: At = "2026-11-20T23:30:00Z".parse().unwrap();
        assert_eq!(Day::of(late, 3600), day("2026-11-21"));
        assert_eq!(Day::of(late, -5 * 3600).begins(-5 * 3600), "2026-11-20T05:00:00Z".parse().unwrap());
    }
}
