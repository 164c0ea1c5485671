//! When a notice is due: hours, calendar days, business days and calendar months, counted from a moment or from the end
//! of its day. Pure arithmetic on instants; a change of summer time moves no deadline.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::domain::day::Day;
use crate::domain::time::At;

/// A notice, and how long there is for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Term {
    pub id: String,
    /// What is to be done.
    pub what: String,
    /// Who is to be told.
    pub to: String,
    pub from: Start,
    /// None where the law says "without undue delay" and no number.
    pub within: Option<Within>,
}

/// What a term counts from, as it stands in the file: `aware`, or `filed early-warning`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Start {
    /// A moment that people set.
    Moment(String),
    /// The filing of another notice of the same regime.
    Filed(String),
}

impl From<Start> for String {
    fn from(start: Start) -> Self {
        start.to_string()
    }
}

impl TryFrom<String> for Start {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl FromStr for Start {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text.strip_prefix("filed ") {
            Some(term) => Self::Filed(term.trim().to_owned()),
            None => Self::Moment(text.trim().to_owned()),
        })
    }
}

impl fmt::Display for Start {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Moment(name) => f.write_str(name),
            Self::Filed(term) => write!(f, "filed {term}"),
        }
    }
}

/// A length of time as laws have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Within {
    pub amount: u32,
    pub unit: Unit,
    pub counting: Counting,
    /// Where days begin, in hours ahead of UTC. Where summer time moves them, the file gives the offset under which the
    /// day ends first: a deadline that is an hour early harms nobody.
    pub utc_offset_h: i8,
    /// Which days are no business days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar: Option<Calendar>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    #[serde(rename = "h")]
    Hour,
    CalendarDay,
    BusinessDay,
    Month,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Counting {
    /// To the same time of the day.
    FromTheMoment,
    /// The day of the moment is not counted, and the last day counts to its end.
    AfterTheDay,
}

/// Days on which nobody is expected to work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calendar {
    pub id: String,
    /// Monday is 0.
    pub weekend: Vec<u8>,
    pub holidays: Vec<Day>,
    /// The first and the last year whose holidays are all in it.
    pub covers: (i32, i32),
}

impl Calendar {
    pub fn is_business_day(&self, day: Day) -> bool {
        !self.weekend.contains(&day.weekday()) && !self.holidays.contains(&day)
    }
}

/// When something is due, and what is doubtful about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deadline {
    pub at: At,
    pub doubt: Option<String>,
}

impl Term {
    /// The last moment at which a notice is in time.
    pub fn deadline(&self, started: At) -> Option<Deadline> {
        let within = self.within.as_ref()?;
        Some(within.deadline(started))
    }

    /// How it is counted, in words: `72 h from aware`.
    pub fn rule(&self) -> String {
        let Some(within) = &self.within else { return format!("without undue delay from {}", self.from) };
        let unit = match within.unit {
            Unit::Hour => "h",
            Unit::CalendarDay => "calendar days",
            Unit::BusinessDay => "business days",
            Unit::Month if within.amount == 1 => "calendar month",
            Unit::Month => "calendar months",
        };
        let counting = if within.counting == Counting::AfterTheDay { "after the day of" } else { "from" };
        format!("{} {unit} {counting} {}", within.amount, self.from)
    }
}

impl Within {
    pub(super) fn deadline(&self, started: At) -> Deadline {
        if self.unit == Unit::Hour {
            return Deadline { at: started.plus_s(i64::from(self.amount) * 3600), doubt: None };
        }
        let offset_s = i32::from(self.utc_offset_h) * 3600;
        let first = Day::of(started, offset_s);
        let (last, doubt) = match self.unit {
            Unit::Hour | Unit::CalendarDay => (first.plus_days(self.amount), None),
            Unit::Month => (first.plus_months(self.amount), None),
            Unit::BusinessDay => self.business_day(first),
        };
        let at = match self.counting {
            Counting::FromTheMoment => last.begins(offset_s).plus_ms(started.since_ms(first.begins(offset_s))),
            // To the last millisecond of the day.
            Counting::AfterTheDay => last.plus_days(1).begins(offset_s).plus_ms(-1),
        };
        Deadline { at, doubt }
    }

    /// The last of so many business days after the first day.
    fn business_day(&self, first: Day) -> (Day, Option<String>) {
        let Some(calendar) = &self.calendar else { return (first.plus_days(self.amount), None) };
        let (mut day, mut left) = (first, self.amount);
        // A calendar without any business day would be counted for ever; ten days for one is more than any real one has.
        for _ in 0..self.amount.saturating_mul(10).saturating_add(31) {
            if left == 0 {
                break;
            }
            day = day.plus_days(1);
            left -= u32::from(calendar.is_business_day(day));
        }
        let (from, to) = calendar.covers;
        let unknown = [first.year(), day.year()].into_iter().find(|year| *year < from || *year > to);
        let doubt = unknown
            .map(|year| format!("the calendar {} has no holidays of {year}; only weekends were left out", calendar.id));
        (day, doubt)
    }
}

/// When the last quarter of a term begins.
pub(super) fn near(started: At, due: At) -> At {
    due.plus_ms(-(due.since_ms(started).max(0) / 4))
}
