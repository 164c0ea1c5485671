//! `warroom actions`: what people have promised to do, across all incidents; and promising, changing, ending it.

use clap::{Args, Subcommand};

use super::drill::history;
use super::{Common, Failure, Which, write};
use crate::domain::command::{Command, LearningCommand};
use crate::domain::day::Day;
use crate::domain::ids::IncidentId;
use crate::domain::incident::Incident;
use crate::domain::learning::{ActionItem, Ending, postmortem_due};
use crate::domain::time::At;
use crate::engine::room::Room;
use crate::store::read;
use crate::tui::format;

#[derive(Args)]
pub(super) struct ActionsArgs {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    which: Which,
    /// Those that have ended too.
    #[arg(long)]
    all: bool,
    /// For programs.
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand)]
enum What {
    /// Promise something: `warroom actions add 7 "alert on crash loops" --owner jo --due 2026-12-01`.
    Add {
        /// The incident: 7, or INC-7.
        #[arg(value_parser = super::export::incident)]
        incident: IncidentId,
        text: String,
        #[arg(long)]
        owner: Option<String>,
        /// The day by which it is done: 2026-12-01.
        #[arg(long)]
        due: Option<Day>,
    },
    /// Change its text, owner or due date.
    Change {
        /// Incident and number: 7.2.
        #[arg(value_parser = item)]
        item: Item,
        #[arg(long, required_unless_present_any = ["owner", "due"])]
        text: Option<String>,
        #[arg(long)]
        owner: Option<String>,
        #[arg(long)]
        due: Option<Day>,
    },
    /// It is done.
    Done {
        #[arg(value_parser = item)]
        item: Item,
    },
    /// It will not be done.
    Drop {
        #[arg(value_parser = item)]
        item: Item,
        #[arg(long)]
        reason: String,
    },
    /// It was not done after all.
    Reopen {
        #[arg(value_parser = item)]
        item: Item,
    },
}

/// An action item by its incident and number.
#[derive(Clone, Copy, Debug)]
struct Item(IncidentId, u32);

fn item(text: &str) -> Result<Item, String> {
    let wrong = || format!("`{text}` is not an action item; write 7.2, as `warroom actions` shows it");
    let (incident, number) = text.rsplit_once('.').ok_or_else(wrong)?;
    Ok(Item(super::export::incident(incident).map_err(|_| wrong())?, number.parse().map_err(|_| wrong())?))
}

pub(super) fn run(common: &Common, args: &ActionsArgs) -> Result<(), Failure> {
    let command = match &args.what {
        None => return list(common, args),
        Some(What::Add { incident, text, owner, due }) => {
            LearningCommand::AddAction { incident: *incident, text: text.clone(), owner: owner.clone(), due: *due }
        }
        Some(What::Change { item: Item(incident, action), text, owner, due }) => LearningCommand::ChangeAction {
            incident: *incident,
            action: *action,
            text: text.clone(),
            owner: owner.clone(),
            due: *due,
        },
        Some(What::Done { item }) => end(*item, Ending::Done),
        Some(What::Drop { item, reason }) => end(*item, Ending::Dropped(reason.clone())),
        Some(What::Reopen { item }) => end(*item, Ending::Open),
    };
    write::one(common, &args.which, Command::Learning(command))
}

const fn end(Item(incident, action): Item, ending: Ending) -> LearningCommand {
    LearningCommand::EndAction { incident, action, ending }
}

fn list(common: &Common, args: &ActionsArgs) -> Result<(), Failure> {
    let path = args.which.path(common)?;
    // Before the first incident there may be gaps of game days already.
    let records = if args.which.is_live() && !path.exists() { Vec::new() } else { read::open(&path)?.records };
    let mut room = Room::default();
    records.iter().for_each(|record| room.apply(record));
    let now = args.which.now(&records);
    let today = Day::of(now, 0);
    // What game days have found belongs to nobody's incident, and waits to be done all the same.
    let gaps =
        if args.which.is_live() { history::open_gaps(&history::past(&common.data_directory())) } else { Vec::new() };
    let shown = |incident: &'_ Incident| -> Vec<ActionItem> {
        incident.learning.actions.iter().filter(|item| args.all || item.is_open()).cloned().collect()
    };
    if args.json {
        let items: Vec<_> = room
            .incidents
            .values()
            .flat_map(|incident| {
                shown(incident).into_iter().map(|item| {
                    serde_json::json!({
                        "id": format!("{}.{}", incident.id.0, item.number), "incident": incident.id,
                        "text": item.plan.text, "owner": item.plan.owner, "due": item.plan.due,
                        "state": state(&item, today), "added": item.added, "lacks": item.lacks(),
                    })
                })
            })
            .collect();
        let postmortems: Vec<_> = room.incidents.values().filter_map(|incident| owed(incident, now)).collect();
        let told = serde_json::json!({ "schema": 1, "actions": items, "postmortems_owed": postmortems, "gaps": gaps });
        say!("{told}");
        return Ok(());
    }
    let mut none = true;
    for incident in room.incidents.values() {
        for item in shown(incident) {
            none = false;
            let due = item.plan.due.map_or_else(|| "no date".into(), |due| due.to_string());
            let owner = item.plan.owner.clone().unwrap_or_else(|| "nobody".into());
            let id = format!("{}.{}", incident.id.0, item.number);
            say!("{id:6} {:8} {due:10} {:12} {}", state(&item, today), format::fit(&owner, 12), item.plan.text);
        }
    }
    for gap in &gaps {
        none = false;
        let overdue = gap.due.is_some_and(|due| due < today);
        let due = gap.due.map_or_else(|| "no date".into(), |due| due.to_string());
        let owner = format::fit(gap.owner.as_deref().unwrap_or("nobody"), 12);
        let state = if overdue { "OVERDUE" } else { "open" };
        say!("gap    {state:8} {due:10} {owner:12} {} [{}]", gap.text, gap.key);
    }
    if none {
        say!("nothing is {}", if args.all { "on record" } else { "open" });
    }
    for told in room.incidents.values().filter_map(|incident| owed(incident, now)) {
        say!("{told}");
    }
    Ok(())
}

fn state(item: &ActionItem, today: Day) -> &'static str {
    match &item.ended {
        Some((_, _, Ending::Dropped(_))) => "dropped",
        Some(_) => "done",
        None if item.is_overdue(today) => "OVERDUE",
        None => "open",
    }
}

/// The postmortem that an incident still owes, in words.
pub(super) fn owed(incident: &Incident, now: At) -> Option<String> {
    let due = postmortem_due(incident.severity, incident.moments.mitigated)?;
    if incident.learning.published.is_some() {
        return None;
    }
    let day = Day::of(due, 0);
    Some(if now > due {
        format!("the postmortem of {} is OVERDUE since {day}: {}", incident.id, incident.title)
    } else {
        format!("the postmortem of {} is due on {day}: {}", incident.id, incident.title)
    })
}
