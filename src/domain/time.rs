//! Time as the house speaks it: milliseconds since 1970 in UTC, given in by the caller.
//!
//! There is no clock here. `runtime::clock` reads the wall, a drill has its own virtual time, and both
//! hand the moment in, so that the same inputs always give the same events.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment, in milliseconds since 1970-01-01 UTC. Written as RFC 3339 wherever people or other programs read it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct At(i64);

impl At {
    /// The moment `ms` milliseconds after 1970-01-01 UTC.
    pub const fn from_ms(ms: i64) -> Self {
        Self(ms)
    }

    /// Seconds since 1970, or milliseconds where they would otherwise lie beyond the year 5000; none where it is no time.
    pub fn from_epoch(n: f64) -> Option<Self> {
        let ms = if n.abs() < 1e11 { n * 1000.0 } else { n };
        (ms.abs() < 1e15).then(|| Self(ms.round() as i64))
    }

    /// Milliseconds since 1970-01-01 UTC.
    pub const fn ms(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970-01-01 UTC, rounded down.
    pub const fn second(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// The day of the week in UTC; Monday is 0.
    pub const fn weekday(self) -> u8 {
        // The first day of the epoch was a Thursday.
        (self.second().div_euclid(86_400) + 3).rem_euclid(7) as u8
    }

    /// This moment moved by `ms` milliseconds; it stays at the end of time rather than overflow.
    pub const fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// This moment moved by `s` seconds.
    pub const fn plus_s(self, s: i64) -> Self {
        self.plus_ms(s.saturating_mul(1000))
    }

    /// Milliseconds from `earlier` to this moment; negative if `earlier` is later.
    pub const fn since_ms(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Whole seconds from `earlier` to this moment, never negative.
    pub const fn since_s(self, earlier: Self) -> i64 {
        let ms = self.since_ms(earlier);
        if ms < 0 { 0 } else { ms / 1000 }
    }

    /// Whole seconds from `other` to this moment; negative if `other` is later.
    pub const fn after_s(self, other: Self) -> i64 {
        self.since_ms(other).div_euclid(1000)
    }

    /// The moment as a calendar date and time in UTC; the ends of the calendar stand in for what lies outside it.
    pub fn utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.0).unwrap_or(if self.0 < 0 {
            DateTime::<Utc>::MIN_UTC
        } else {
            DateTime::<Utc>::MAX_UTC
        })
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.utc().to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

impl FromStr for At {
    type Err = chrono::ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        DateTime::parse_from_rfc3339(text).map(|t| Self(t.timestamp_millis()))
    }
}

impl Serialize for At {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for At {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_survives_being_written_and_read() {
        for ms in [0, -1, 1_774_022_400_250, 253_402_300_799_999] {
            let at = At::from_ms(ms);
            assert_eq!(at.to_string().parse::<At>().unwrap(), at);
            let json = serde_json::to_string(&at).unwrap();
            assert_eq!(serde_json::from_str::<At>(&json).unwrap(), at);
        }
    }

    #[test]
    fn seconds_round_down_before_1970_too() {
        assert_eq!(At::from_ms(-1).second(), -1);
        assert_eq!(At::from_ms(1999).second(), 1);
    }

    #[test]
    fn arithmetic_stays_inside_time() {
        assert_eq!(At::from_ms(i64::MAX).plus_s(1).ms(), i64::MAX);
        assert_eq!(At::from_ms(0).since_s(At::from_ms(5000)), 0);
        assert_eq!(At::from_ms(i64::MAX).utc(), DateTime::<Utc>::MAX_UTC);
    }
}
