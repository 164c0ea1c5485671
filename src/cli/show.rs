//! `warroom show`: the room as it was, opened from the log alone; or the incident as it is, printed.

use std::io::IsTerminal;

use clap::Args;

use super::session::{self, Look};
use super::{Common, Failure, Which, export, room};
use crate::domain::ids::IncidentId;
use crate::domain::time::At;
use crate::engine::{Settings, past};
use crate::runtime::archive::Archive;
use crate::store::read;

#[derive(Args)]
pub(super) struct ShowArgs {
    /// The incident: 7, or INC-7.
    #[arg(value_parser = export::incident)]
    incident: IncidentId,
    /// Open the room as it was then: 17:41, or 2026-11-20T17:41:00Z, in UTC.
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    #[command(flatten)]
    which: Which,
}

pub(super) fn run(common: &Common, args: &ShowArgs) -> Result<(), Failure> {
    let id = args.incident;
    let printed = args.at.is_none() || !std::io::stdout().is_terminal();
    if printed {
        return export::print(common, id, &args.which);
    }
    let path = args.which.path(common)?;
    let records = read::open(&path)?.records;
    let now = args.which.now(&records);
    if !records.iter().any(|record| record.event.incident() == Some(id)) {
        let message = format!("there is no {id} in {}; see `warroom incidents`", path.display());
        return Err(Failure::Usage(message));
    }
    let (from, to) = past::window(&records, Some(id), now);
    let at = args.at.as_deref().map_or(Ok(to), |text| moment(text, from, to)).map_err(Failure::Usage)?;
    let config = common.config()?.unwrap_or_default();
    let common = super::Common { read_only: true, ..common.clone() };
    let look = Look::new(&common, &config)?;
    let settings = room::settings(&common, &config, format!("the log {}", path.display()), "log".into());
    let archive = Archive::new(&path, Settings { read_only: true, ..settings });
    session::runtime()?.block_on(session::run_past(archive, look, id, at, to))
}

/// A time of the day within the incident, or a moment of its own.
fn moment(text: &str, from: At, to: At) -> Result<At, String> {
    if let Ok(at) = text.parse::<At>() {
        return Ok(at);
    }
    let wrong = || format!("`{text}` is not a time; write 17:41, 17:41:30, or 2026-11-20T17:41:00Z");
    let mut parts = text.split(':').map(|part| part.parse::<i64>().ok().filter(|n| (0..60).contains(n)));
    let (hour, minute) = (parts.next().flatten().ok_or_else(wrong)?, parts.next().flatten().ok_or_else(wrong)?);
    let second = parts.next().map_or(Ok(0), |part| part.ok_or_else(wrong))?;
    if hour > 23 || parts.next().is_some() {
        return Err(wrong());
    }
    let midnight = from.second().div_euclid(86_400) * 86_400;
    let of_day = hour * 3600 + minute * 60 + second;
    let days = (0..).map(|day| At::from_ms((midnight + day * 86_400 + of_day) * 1000)).take_while(|at| *at <= to);
    let outside = || format!("{text} is not within it: the room can be shown from {from} to {to}");
    days.into_iter().find(|at| *at >= from).ok_or_else(outside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_day_is_looked_for_within_the_incident() {
        let at = |text: &str| text.parse::<At>().unwrap();
        let (from, to) = (at("2026-11-20T23:30:00Z"), at("2026-11-21T08:00:00Z"));
        for (text, expected) in [
            ("23:41", Ok("2026-11-20T23:41:00.000Z")),
            ("07:41:30", Ok("2026-11-21T07:41:30.000Z")),
            ("2026-11-20T23:45:00Z", Ok("2026-11-20T23:45:00.000Z")),
            ("17:41", Err("17:41 is not within it")),
            ("24:00", Err("`24:00` is not a time")),
            ("noon", Err("`noon` is not a time")),
            ("1:2:3:4", Err("`1:2:3:4` is not a time")),
        ] {
            match (moment(text, from, to), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found.to_string(), expected),
                (Err(told), Err(expected)) => assert!(told.starts_with(expected), "{told}"),
                (found, _) => panic!("{text}: {found:?}"),
            }
        }
    }
}
