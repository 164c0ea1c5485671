//! `[[fleet.maintenance]]`: hours in which devices are worked on, and not missed.

use std::collections::BTreeMap;
use std::ops::Range;

use chrono::{NaiveTime, Timelike};
use serde::Deserialize;
use toml::Spanned;

use super::offset::Offset;
use crate::domain::cohort::CohortKey;
use crate::domain::day::weekday;
use crate::domain::maintenance::Maintenance;

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaintenanceSection {
    /// Attribute values, all of which the devices have: `{ site = "fra1" }`.
    #[serde(rename = "where")]
    pub only: Spanned<BTreeMap<String, String>>,
    /// The days on which it begins; every day where none is named.
    #[serde(default)]
    pub days: Option<Spanned<Vec<String>>>,
    /// Times of the day; one that ends no later than it begins ends on the next day.
    pub from: Spanned<String>,
    pub to: Spanned<String>,
    #[serde(default)]
    pub utc_offset_h: Offset,
}

/// The second of a day of `02:30`.
fn second(time: &Spanned<String>) -> Result<i64, (Range<usize>, String)> {
    let read = NaiveTime::parse_from_str(time.get_ref(), "%H:%M");
    let wrong = |_| (time.span(), format!("`{}` is no time of the day; expected one like 02:30", time.get_ref()));
    read.map(|time| time.num_seconds_from_midnight().into()).map_err(wrong)
}

impl MaintenanceSection {
    /// When it is.
    ///
    /// # Errors
    /// What is wrong with it, with its place.
    pub fn maintenance(&self) -> Result<Maintenance, (Range<usize>, String)> {
        let weekdays = match &self.days {
            None => (0..7).collect(),
            Some(days) if days.get_ref().is_empty() => return Err((days.span(), "it names no day".into())),
            Some(days) => {
                let known: Result<_, _> = days.get_ref().iter().map(|day| weekday(day)).collect();
                known.map_err(|message| (days.span(), message))?
            }
        };
        Ok(Maintenance {
            cohort: CohortKey(self.only.get_ref().clone()),
            weekdays,
            from_s: second(&self.from)?,
            to_s: second(&self.to)?,
            utc_offset_s: self.utc_offset_h.seconds.into(),
        })
    }
}
