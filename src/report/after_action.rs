//! The after-action report of a game day: what was planted, what was expected, what happened, and what is to be mended.

use super::page::{Block, Page, Section};
use crate::domain::drill::{Gap, Measure, Scorecard};
use crate::domain::event::Record;
use crate::domain::time::At;
use crate::engine::drill::{GameDay, gaps, score};
use crate::engine::room::Room;
use crate::engine::timeline::entry;

/// Lays the game day of a log out as a page; none where the log is not of one. One that was cut off is told as far as it
/// came.
pub fn lay_out(records: &[Record]) -> Option<Page> {
    let mut room = Room::default();
    records.iter().for_each(|record| room.apply(record));
    let day = room.drill.as_ref()?;
    let last = records.last().map_or(day.began, |record| record.at);
    let (card, found, end) = match &day.ended {
        Some(ending) => (ending.score.clone(), ending.gaps.clone(), ending.reason.clone()),
        None => {
            let card = score::score(&room, day, last);
            let found = gaps::find(&room, day, &card, last);
            (card, found, "it was cut off: this is what the log has".into())
        }
    };
    let complete = day.ended.as_ref().is_some_and(|ending| ending.complete);
    Some(Page {
        title: format!("Game day · {}", day.plan.title),
        warning: Some("This was a DRILL. No real device was concerned.".into()),
        sections: vec![
            summary(day, &card, &found, &end, complete, last),
            planted(day),
            scores(&card),
            gap_list(day, &found),
            talk(day),
            timeline(records, &room),
        ],
        footer: format!(
            "Scenario {}, seed {}, {} simulated devices, warroom {}.",
            day.plan.scenario,
            day.plan.seed,
            day.plan.devices,
            env!("CARGO_PKG_VERSION")
        ),
    })
}

fn section(id: &'static str, title: &'static str, blocks: Vec<Block>) -> Section {
    Section { id, title, blocks }
}

fn clock(at: At) -> String {
    at.utc().format("%H:%M:%S UTC").to_string()
}

fn summary(day: &GameDay, card: &Scorecard, gaps: &[Gap], end: &str, complete: bool, last: At) -> Section {
    let began = day.began.utc().format("%Y-%m-%d %H:%M:%S UTC");
    let s = day.elapsed_s(last);
    let mut rows = vec![
        vec!["began".into(), began.to_string()],
        vec!["lasted".into(), format!("{}:{:02}", s / 60, s % 60)],
        vec!["ended".into(), if complete { end.to_owned() } else { format!("{end} (before everything had its time)") }],
        vec!["score".into(), card.sentence()],
        vec!["gaps".into(), gaps.len().to_string()],
    ];
    if !day.facilitators.is_empty() {
        rows.push(vec!["facilitator".into(), day.facilitators.join(", ")]);
    }
    section("summary", "Summary", vec![Block::Text(day.plan.story.clone()), Block::Table { heads: vec!["", ""], rows }])
}

fn planted(day: &GameDay) -> Section {
    let script = day.plan.faults.iter().map(|fault| (day.began.plus_s(fault.at_s.into()), fault, ""));
    let improvised = day.planted.iter().map(|(at, fault)| (*at, fault, "improvised"));
    let rows =
        script.chain(improvised).map(|(at, fault, how)| vec![clock(at), fault.to_string(), how.to_owned()]).collect();
    let told = day.told.iter().map(|(at, inject)| {
        vec![clock(*at), inject.channel.name().to_owned(), inject.from.clone(), inject.text.trim().to_owned()]
    });
    section(
        "truth",
        "What was planted",
        vec![
            Block::Table { heads: vec!["from", "what", ""], rows },
            Block::Heading("What responders were told".into()),
            Block::Table { heads: vec!["at", "by", "from", "what"], rows: told.collect() },
        ],
    )
}

fn scores(card: &Scorecard) -> Section {
    let mut blocks = Vec::new();
    for planted in &card.planted {
        let what = planted.expected.kind.map_or_else(|| "something".into(), |kind| kind.to_string());
        let made = planted.incident.as_deref().unwrap_or("nobody declared an incident");
        blocks.push(Block::Heading(format!("{what}: {made}")));
        let row = |measure: &Measure| {
            let met = match (measure.met, measure.pending) {
                (true, _) => "yes",
                (false, true) => "not due",
                (false, false) => "NO",
            };
            vec![measure.what.clone(), measure.expected.clone(), measure.was.clone(), met.into()]
        };
        let rows = planted.measures.iter().map(row).collect();
        blocks.push(Block::Table { heads: vec!["", "expected", "was", "met"], rows });
        let runbook = planted.runbook.as_ref().map_or_else(
            || "No runbook was used.".to_owned(),
            |(id, done, all)| format!("Of the runbook {id}, {done} of {all} steps were dealt with."),
        );
        blocks.push(Block::Remark(runbook));
    }
    if !card.switches.is_empty() {
        blocks.push(Block::Heading("Switches".into()));
        let seconds = |ms: Option<i64>| ms.map_or_else(|| "–".into(), |ms| format!("{:.1} s", ms as f64 / 1000.0));
        let rows = card.switches.iter().map(|pulled| {
            vec![
                pulled.switch.clone(),
                pulled.target.clone(),
                seconds(pulled.accepted_ms),
                seconds(pulled.ended_ms),
                pulled.state.clone(),
            ]
        });
        let heads = vec!["switch", "target", "accepted after", "ended after", "state"];
        blocks.push(Block::Table { heads, rows: rows.collect() });
    }
    if !card.missed_updates.is_empty() {
        blocks.push(Block::Heading("Updates that were missed".into()));
        blocks.push(Block::List(card.missed_updates.clone()));
    }
    if card.false_alarms.is_empty() {
        blocks.push(Block::Remark("There was no false alarm.".into()));
    } else {
        blocks.push(Block::Heading("False alarms".into()));
        blocks.push(Block::List(card.false_alarms.clone()));
    }
    section("score", "What was expected, and what happened", blocks)
}

fn gap_list(day: &GameDay, found: &[Gap]) -> Section {
    let gap = |gap: &Gap| {
        let again = if gap.times > 1 { format!(" (found {} times)", gap.times) } else { String::new() };
        (false, format!("{}{again} · {} [{}]", gap.text, gap.promise(), gap.key))
    };
    let closed = day.plan.carried.iter().filter(|old| !found.iter().any(|new| new.key == old.key));
    let own = |old: &&Gap| old.key.starts_with(&format!("{}/", day.plan.scenario));
    let (own, others): (Vec<_>, Vec<_>) = closed.partition(own);
    let mut blocks =
        vec![Block::Steps(found.iter().map(gap).chain(own.iter().map(|old| (true, old.text.clone()))).collect())];
    if found.is_empty() && own.is_empty() {
        blocks = vec![Block::Remark("No gap was found.".into())];
    }
    if !others.is_empty() {
        blocks.push(Block::Heading("Still open from other game days".into()));
        blocks.push(Block::Steps(others.into_iter().map(gap).collect()));
    }
    section("gaps", "Gaps, to be mended before the next game day", blocks)
}

fn talk(day: &GameDay) -> Section {
    let questions = day.plan.debrief.iter().map(|question| Block::Question(question.clone()));
    let notes = day.notes.iter().map(|(at, by, text)| format!("{} {by}: {text}", clock(*at)));
    let notes: Vec<String> = notes.collect();
    let mut blocks: Vec<Block> = questions.collect();
    if !notes.is_empty() {
        blocks.push(Block::Heading("The facilitator's notes".into()));
        blocks.push(Block::List(notes));
    }
    if blocks.is_empty() {
        blocks.push(Block::Question("What went well, what did not, and what is done about it?".into()));
    }
    section("talk", "For the talk", blocks)
}

fn timeline(records: &[Record], room: &Room) -> Section {
    let rows = records.iter().map(|record| {
        let entry = entry(record, &room.actuations);
        vec![clock(entry.at), entry.actor.name().to_owned(), entry.text]
    });
    section("timeline", "Timeline", vec![Block::Table { heads: vec!["at", "who", "what"], rows: rows.collect() }])
}
