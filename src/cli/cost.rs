//! `warroom cost`: what an incident has cost, and writing down what something really cost.

use clap::{Args, Subcommand};

use super::{Common, Failure, Which, write};
use crate::domain::command::{Command, LearningCommand};
use crate::domain::cost::{Bill, about, money, parse_money};
use crate::domain::ids::IncidentId;
use crate::engine::room::Room;
use crate::store::read;

#[derive(Args)]
pub(super) struct CostArgs {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    which: Which,
}

#[derive(Subcommand)]
enum What {
    /// The bill so far.
    Show {
        /// The incident: 7, or INC-7.
        #[arg(value_parser = super::export::incident)]
        incident: IncidentId,
        /// For programs; sums in hundredths.
        #[arg(long)]
        json: bool,
    },
    /// Write down a cost: `warroom cost add 7 truck-roll 1564`, `warroom cost add 7 goodwill --sum 180000`.
    Add {
        #[arg(value_parser = super::export::incident)]
        incident: IncidentId,
        /// What it is, as the file of prices names it.
        rate: String,
        /// How much of it, at the price in that file.
        #[arg(required_unless_present = "sum")]
        quantity: Option<f64>,
        /// A sum as a whole, instead of the price.
        #[arg(long, value_parser = parse_money)]
        sum: Option<i64>,
        #[arg(long, default_value = "")]
        note: String,
    },
    /// Take a cost back by its number; it stays on the record.
    Withdraw {
        #[arg(value_parser = super::export::incident)]
        incident: IncidentId,
        number: u32,
        #[arg(long)]
        reason: String,
    },
}

pub(super) fn run(common: &Common, args: &CostArgs) -> Result<(), Failure> {
    let command = match &args.what {
        What::Show { incident, json } => return show(common, args, *incident, *json),
        What::Add { incident, rate, quantity, sum, note } => LearningCommand::NoteCost {
            incident: *incident,
            rate: rate.clone(),
            quantity: *quantity,
            amount: *sum,
            note: note.clone(),
        },
        What::Withdraw { incident, number, reason } => {
            LearningCommand::WithdrawCost { incident: *incident, number: *number, reason: reason.clone() }
        }
    };
    write::one(common, &args.which, Command::Learning(command))
}

fn show(common: &Common, args: &CostArgs, id: IncidentId, json: bool) -> Result<(), Failure> {
    let path = args.which.path(common)?;
    let (rates, problems) = common.config()?.unwrap_or_default().cost.rates();
    let records = read::open(&path)?.records;
    let mut room = Room::default();
    records.iter().for_each(|record| room.apply(record));
    let incident = room.incidents.get(&id);
    let incident = incident.ok_or_else(|| Failure::Usage(format!("there is no {id} in {}", path.display())))?;
    let bill = incident.bill(&rates, args.which.now(&records));
    if json {
        say!("{}", serde_json::json!({ "schema": 1, "incident": id, "bill": bill, "total": bill.total() }));
        return Ok(());
    }
    problems.iter().for_each(|problem| say!("! {problem}"));
    print(&bill);
    let noted = incident.learning.costs.iter().filter(|entry| entry.withdrawn.is_none());
    for entry in noted {
        say!("#{} {} {} {}", entry.number, entry.cost.name, entry.cost.currency, money(entry.cost.amount));
    }
    Ok(())
}

fn print(bill: &Bill) {
    for line in &bill.lines {
        let quantity = line.quantity.map(|n| format!("{n} {}", line.unit)).unwrap_or_default();
        let estimated = if line.estimated { "  estimated" } else { "" };
        say!("{:48} {quantity:>16} {:>14}{estimated}", line.name, about(line.amount, line.estimated));
    }
    say!("{:48} {:>16} {:>14}", "total", bill.currency, about(bill.total(), bill.estimated != 0));
    for cost in &bill.foreign {
        say!("not in it: {} {} {}", cost.name, cost.currency, money(cost.amount));
    }
}
