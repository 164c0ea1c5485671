//! `[[fleet.maintenance]]`: hours in which devices are worked on, and not missed.

use std::collections::BTreeMap;
use std::ops::Range;

use chrono::{NaiveTime, Timelike};
use serde::Deserialize;
use toml::Spanned;

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
    pub utc_offset_h: Option<Spanned<f64>>,
}

/// The second of a day of `02:30`.
fn second(time: &Spanned<String>) -> Result<i64, (Range<usize>, String)> {
    let read = NaiveTime::parse_from_str(time.get_ref(), "%H:%M");
    let wrong = |_| (time.span(), format!("`{}` is no time of the day; expected one like 02:30", time.get_ref()));
    read.map(|time| time.num_seconds_from_midnight().into()).map_err(wrong)
}

/// The seconds of an offset in hours: there are zones at half and at three quarters of an hour.
pub fn offset_s(hours: &Spanned<f64>) -> Result<i64, (Range<usize>, String)> {
    let quarters = 4.0 * hours.get_ref();
    if quarters.fract() != 0.0 || !(-48.0..=56.0).contains(&quarters) {
        let told = format!("{} h is no time zone; expected -12 to 14, in quarters of an hour", hours.get_ref());
        return Err((hours.span(), told));
    }
    Ok(quarters as i64 * 900)
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
        let utc_offset_s = self.utc_offset_h.as_ref().map_or(Ok(0), offset_s)?;
        Ok(Maintenance {
            cohort: CohortKey(self.only.get_ref().clone()),
            weekdays,
            from_s: second(&self.from)?,
            to_s: second(&self.to)?,
            utc_offset_s,
        })
    }
}
