//! `warroom report`: the quarter in numbers.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Common, Failure, Which, export};
use crate::domain::clock::Clock;
use crate::engine::metrics::{Group, Quarter, Report};
use crate::engine::room::Room;
use crate::report::metrics;
use crate::store::read;
use crate::tui::format;

#[derive(Args)]
pub(super) struct ReportArgs {
    /// The quarter, as 2026Q4; the present one where not given.
    #[arg(long)]
    quarter: Option<Quarter>,
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Where to write; the terminal if not given.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    which: Which,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Table,
    Json,
    Csv,
    Openmetrics,
}

pub(super) fn run(common: &Common, args: &ReportArgs) -> Result<(), Failure> {
    let config = common.config()?.unwrap_or_default();
    let records = read::open(&args.which.path(common)?)?.records;
    let mut room = Room::default();
    records.iter().for_each(|record| room.apply(record));
    let now = args.which.now(&records);
    let quarter = args.quarter.unwrap_or_else(|| Quarter::of(now));
    let report = Report::of(room.incidents.values(), quarter, &config.targets, now);
    let text = match args.format {
        Format::Table => table(&report),
        Format::Json => metrics::json(&report).map_err(|error| Failure::Run(error.to_string()))?,
        Format::Csv => metrics::table(&report),
        Format::Openmetrics => metrics::open_metrics(&report),
    };
    export::put(args.output.as_deref(), &text)
}

fn table(report: &Report) -> String {
    let mut lines =
        vec![format!("{} · {}", report.quarter, format::counted(report.groups[0].incidents as u64, "incident"))];
    for group in &report.groups {
        lines.push(String::new());
        lines.push(format!(
            "{:16} {:>6} {:>10} {:>10} {:>10}  {:8} in time",
            format!("{} ({})", group.name, group.incidents),
            "count",
            "median",
            "p90",
            "worst",
            ""
        ));
        lines.extend(Clock::ALL.map(|clock| line(group, clock)));
    }
    lines.push(String::new());
    lines.push(format!("{:16} {:>6} {:>10} {:>10} {:>10} {:>10}", "median", "", "TTD", "TTA", "TTM", "TTR"));
    let quarters = report.before.iter().map(|(quarter, group)| (*quarter, group));
    for (quarter, group) in quarters.chain([(report.quarter, &report.groups[0])]) {
        let medians = Clock::ALL
            .map(|clock| group.spread(clock).map_or_else(|| "–".into(), |spread| format::duration(spread.median_s)));
        let [a, b, c, d] = medians;
        lines.push(format!("{:16} {:>6} {a:>10} {b:>10} {c:>10} {d:>10}", quarter.to_string(), group.incidents));
    }
    lines.join("\n") + "\n"
}

fn line(group: &Group, clock: Clock) -> String {
    let open = group.clocks.iter().find(|line| line.clock == clock).map_or(0, |line| line.open);
    let open = if open > 0 { format!(" · {open} open") } else { String::new() };
    match group.spread(clock) {
        None => format!("  {clock:14} {:>6}{open}", 0),
        Some(s) => format!(
            "  {clock:14} {:>6} {:>10} {:>10} {:>10}  {:8} {} of {}{open}",
            s.count,
            format::duration(s.median_s),
            format::duration(s.p90_s),
            format::duration(s.worst_s),
            s.worst.to_string(),
            s.in_time,
            s.count
        ),
    }
}
