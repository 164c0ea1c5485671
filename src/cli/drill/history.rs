//! Earlier game days, as their logs tell them: when, how they went, and which gaps they have left open.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::cli::Failure;
use crate::document;
use crate::domain::command::Command;
use crate::domain::count::counted;
use crate::domain::day::Day;
use crate::domain::drill::{DrillCommand, GameDays, Gap, Scorecard};
use crate::domain::event::Event;
use crate::domain::event::drill::DrillEvent;
use crate::domain::time::At;
use crate::engine::Settings;
use crate::engine::drill::{GameDay, end};
use crate::engine::room::Room;
use crate::runtime::offline::Offline;
use crate::store::read;

/// Logs that are looked through: more than ten years of quarters.
const LOGS: usize = 60;

/// An earlier game day.
pub struct Past {
    pub path: PathBuf,
    pub began: At,
    pub scenario: String,
    pub complete: bool,
    pub score: Scorecard,
    pub gaps: Vec<Gap>,
    /// Gaps that somebody has promised to mend, and that somebody has said are closed.
    promised: BTreeMap<String, (String, Day)>,
    closed: Vec<String>,
}

/// The game days on this machine, the oldest first. A log that cannot be read tells nothing.
pub fn past(data: &Path) -> Vec<Past> {
    let entries = std::fs::read_dir(data.join("drills")).into_iter().flatten().flatten();
    let mut logs: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    logs.retain(|path| path.extension().is_some_and(|extension| extension == "db"));
    // The names begin with the time.
    logs.sort();
    let newest = logs.split_off(logs.len().saturating_sub(LOGS));
    newest.into_iter().filter_map(read_one).collect()
}

fn read_one(path: PathBuf) -> Option<Past> {
    let records = read::open(&path).ok()?.records;
    let mut room = Room::default();
    records.iter().for_each(|record| room.apply(record));
    // One that was cut off is told as far as it came.
    if let Some(last) = records.last()
        && let Some(event) = end(&room, last.at, "it was cut off")
    {
        room.apply(&crate::domain::event::Record { event, ..last.clone() });
    }
    let GameDay { plan, began, ended, .. } = room.drill?;
    let ending = ended?;
    let closed = records.iter().filter_map(|record| match &record.event {
        Event::Drill(DrillEvent::GapClosed { gap, .. }) => Some(gap.clone()),
        _ => None,
    });
    let promised = records.iter().filter_map(|record| match &record.event {
        Event::Drill(DrillEvent::GapAssigned { gap, owner, due }) => Some((gap.clone(), (owner.clone(), *due))),
        _ => None,
    });
    Some(Past {
        promised: promised.collect(),
        began,
        scenario: plan.scenario,
        complete: ending.complete,
        score: ending.score,
        gaps: ending.gaps,
        closed: closed.collect(),
        path,
    })
}

/// The gaps that are open after these game days: found, not closed by anybody, and not gone when the same scenario was
/// played to its end again.
pub fn open_gaps(past: &[Past]) -> Vec<Gap> {
    let mut open: BTreeMap<String, Gap> = BTreeMap::new();
    for day in past {
        if day.complete {
            let own = format!("{}/", day.scenario);
            open.retain(|key, _| !key.starts_with(&own));
        }
        open.extend(day.gaps.iter().map(|gap| (gap.key.clone(), gap.clone())));
        for (key, (owner, due)) in &day.promised {
            if let Some(gap) = open.get_mut(key) {
                (gap.owner, gap.due) = (Some(owner.clone()), Some(*due));
            }
        }
        open.retain(|key, _| !day.closed.contains(key));
    }
    open.into_values().collect()
}

/// What stands in the room.
pub fn game_days(data: &Path) -> GameDays {
    let past = past(data);
    GameDays { last: past.last().map(|day| day.began), open_gaps: open_gaps(&past).len() as u32 }
}

/// `warroom drill assign` and `close`: says something of a gap in the newest log.
pub(super) fn tell_of(data: &Path, settings: Settings, gap: &str, command: DrillCommand) -> Result<(), Failure> {
    let past = past(data);
    let open = open_gaps(&past);
    let keys: Vec<&str> = open.iter().map(|gap| gap.key.as_str()).collect();
    let (Some(last), true) = (past.last(), keys.contains(&gap)) else {
        let mend = document::nearest(gap, &keys).map(|near| format!("; did you mean `{near}`?"));
        return Err(Failure::Usage(format!("no gap `{gap}` is open{}", mend.unwrap_or_default())));
    };
    let mut log = Offline::open(&last.path, settings).map_err(|error| Failure::Usage(error.to_string()))?;
    let recorded = log.record(Command::Drill(command)).map_err(|error| Failure::Run(error.to_string()));
    log.close();
    say!("recorded {}", recorded?.0);
    Ok(())
}

/// `warroom drill history`
pub(super) fn tell(data: &Path, now: At, json: bool) -> Result<(), Failure> {
    let past = past(data);
    let open = open_gaps(&past);
    if json {
        let days: Vec<_> = past
            .iter()
            .map(|day| {
                serde_json::json!({
                    "began": day.began, "scenario": day.scenario, "complete": day.complete, "met": day.score.met,
                    "measures": day.score.measures, "pending": day.score.pending, "gaps": day.gaps, "log": day.path,
                })
            })
            .collect();
        say!("{}", serde_json::json!({ "schema": 1, "game_days": days, "open_gaps": open }));
        return Ok(());
    }
    let Some(last) = past.last() else {
        say!("no game day is on record in {}; begin with `warroom drill`", data.display());
        return Ok(());
    };
    for day in &past {
        let cut = if day.complete { "" } else { " · ended half-way" };
        let began = day.began.utc().format("%Y-%m-%d %H:%M");
        say!("{began}  {:20} {} · {}{cut}", day.scenario, day.score.sentence(), counted(day.gaps.len() as u64, "gap"));
    }
    say!("\nlast game day {} d ago, {} gaps open", now.since_s(last.began) / 86_400, open.len());
    for gap in &open {
        let again = if gap.times > 1 { format!(" · found {} times", gap.times) } else { String::new() };
        say!("  – {} [{}] · {}{again}", gap.text, gap.key, gap.promise());
    }
    if !open.is_empty() {
        say!("\nPromise one:  warroom drill assign KEY --owner NAME --due 2026-12-01");
        say!("Close one:    warroom drill close KEY REASON");
    }
    Ok(())
}
