//! `warroom log`: is the record whole, where does it end, what does it say.

use clap::{Args, Subcommand};

use super::{Common, Failure, Which};
use crate::engine::room::Room;
use crate::engine::timeline::entry;
use crate::store::head::Head;
use crate::store::read::{self, Verdict};

#[derive(Args)]
pub(super) struct LogArgs {
    #[command(flatten)]
    which: Which,
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Check every link of the chain. Against a head from elsewhere it says "complete", without one only "consistent".
    Verify {
        /// A head that was kept elsewhere: `41:9f86d0…`, from an export or `log head`.
        #[arg(long)]
        head: Option<Head>,
    },
    /// Print the number and hash of the last event. Keep it somewhere else.
    Head,
    /// Print the last events.
    Tail {
        #[arg(short, default_value_t = 20)]
        n: usize,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Print the number of every event.
    Ids,
}

pub(super) fn run(common: &Common, args: &LogArgs) -> Result<(), Failure> {
    let path = args.which.path(common)?;
    match &args.what {
        What::Verify { head } => match read::verify(&path, head.as_ref())? {
            Verdict::Complete { events, head } => say!("complete: {events} events, up to {head}"),
            Verdict::Consistent { events, head } => {
                say!("consistent: {events} events, up to {head}");
                say!("Not proven complete: a cut tail is seen only against a head from elsewhere (--head).");
            }
            Verdict::Broken { seq, reason } => {
                return Err(Failure::Run(format!("{} is BROKEN from event {seq} on: {reason}", path.display())));
            }
        },
        What::Head => say!("{}", read::open(&path)?.head),
        What::Tail { n, json } => {
            let records = read::open(&path)?.records;
            let mut room = Room::default();
            records.iter().for_each(|record| room.apply(record));
            for record in &records[records.len().saturating_sub(*n)..] {
                if *json {
                    let line = serde_json::to_string(record).map_err(|error| Failure::Run(error.to_string()))?;
                    say!("{line}");
                } else {
                    let entry = entry(record, &room.actuations);
                    say!("{:>6} {} {:10} {}", entry.seq, entry.at, entry.actor.name(), entry.text);
                }
            }
        }
        What::Ids => read::open(&path)?.records.iter().for_each(|record| say!("{}", record.seq.0)),
    }
    Ok(())
}
