//! `warroom detect`: the level detector over one series of values.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use super::{Failure, columns, input};
use crate::detect::level::Level;
use crate::domain::time::At;

#[derive(Args)]
pub(super) struct DetectArgs {
    /// CSV with one value a row, in the order of time; `-` for standard input.
    #[arg(long, value_name = "FILE")]
    csv: PathBuf,
    /// The column of the time: RFC 3339, `2026-11-20 17:30:00`, or epoch seconds.
    #[arg(long, value_name = "COLUMN", default_value = "timestamp")]
    time: String,
    /// The column of the value.
    #[arg(long, value_name = "COLUMN", default_value = "value")]
    value: String,
}

/// Prints a row for each row: `timestamp,value,anomaly_score,alarm`. A row is judged by it and those before it alone.
pub(super) fn run(args: &DetectArgs) -> Result<(), Failure> {
    let shown = args.csv.display();
    let wrong = |reason: String| Failure::Usage(format!("{shown}: {reason}"));
    let mut reader = csv::Reader::from_reader(input(&args.csv)?);
    let header = reader.headers().map_err(|error| wrong(error.to_string()))?.clone();
    let column = |name: &str| {
        header.iter().position(|column| column == name).ok_or_else(|| {
            wrong(format!(
                "there is no column `{name}`; there are {}. --time and --value name others",
                columns(&header)
            ))
        })
    };
    let (time, value) = (column(&args.time)?, column(&args.value)?);
    let mut writer = csv::Writer::from_writer(std::io::stdout().lock());
    let written = |result: csv::Result<()>| {
        if result.is_err() {
            // A reader that has had enough is no error.
            std::process::exit(0);
        }
    };
    written(writer.write_record(["timestamp", "value", "anomaly_score", "alarm"]));
    let mut level = Level::default();
    let (mut rows, mut no_numbers, mut no_times, mut too_early) = (0, 0, 0, 0);
    let mut last = None;
    for row in reader.records() {
        let row = row.map_err(|error| wrong(error.to_string()))?;
        let (time, text) = (&row[time], &row[value]);
        // An empty cell, or a word, is a gap; the row is there all the same.
        let (at, value) = (moment(time), text.trim().parse().unwrap_or(f64::NAN));
        rows += 1;
        no_numbers += u64::from(!Level::takes(value));
        no_times += u64::from(at.is_none());
        too_early += u64::from(at.is_some() && at < last);
        last = at.max(last);
        let reading = level.observe(at, value);
        let score = format!("{:.6}", reading.score);
        written(writer.write_record([time, text, &score, if reading.alarm { "1" } else { "0" }]));
    }
    written(writer.flush().map_err(csv::Error::from));
    let told = [
        (no_numbers, "values are no numbers, or larger than 1e150: their score is 0, and nothing is learnt of them"),
        (no_times, "times cannot be read: the time of day counts for nothing there"),
        (too_early, "rows are earlier than one before them, and were taken as they stand. Is it sorted by time?"),
    ];
    for (count, what) in told.into_iter().filter(|(count, _)| *count > 0) {
        let _ = writeln!(std::io::stderr(), "warroom: {shown}: {count} of {rows} {what}");
    }
    Ok(())
}

/// A time as tables have it. None where it is none: then there is no rhythm, and everything else.
fn moment(text: &str) -> Option<At> {
    let text = text.trim();
    let plain = |format| chrono::NaiveDateTime::parse_from_str(text, format).ok();
    let naive = plain("%Y-%m-%d %H:%M:%S%.f").or_else(|| plain("%Y-%m-%dT%H:%M:%S%.f"));
    if let Some(naive) = naive {
        return Some(At::from_ms(naive.and_utc().timestamp_millis()));
    }
    text.parse().ok().and_then(At::from_epoch).or_else(|| text.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_tables_have_them() {
        let at = Some(At::from_ms(1_795_176_000_000));
        for text in
            ["2026-11-20 12:00:00", "2026-11-20T12:00:00", "2026-11-20T13:00:00+01:00", "1795176000", "1795176000000"]
        {
            assert_eq!(moment(text), at, "{text}");
        }
        assert_eq!(moment("noon"), None);
    }
}
