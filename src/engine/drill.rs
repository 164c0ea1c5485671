//! The game day: the script that is told, what the facilitator does, and how it goes.
//!
//! All of it is on the record, so that the log alone tells the whole day afterwards. What responders must not see is
//! left out of their timeline, and out of nothing else.

pub mod gaps;
pub mod score;
#[cfg(test)]
mod tests;
pub mod view;
pub mod words;

use serde::{Deserialize, Serialize};

use super::State;
use super::room::Room;
use crate::domain::command::Refusal;
use crate::domain::drill::{DrillCommand, DrillPlan, Gap, Inject, Planted, Scorecard, StageOrder};
use crate::domain::event::drill::DrillEvent;
use crate::domain::event::{Event, Record};
use crate::domain::ids::Actor;
use crate::domain::text::{visible, visible_lines};
use crate::domain::time::At;
use crate::limits;

/// A game day as its events have left it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GameDay {
    pub plan: DrillPlan,
    pub began: At,
    pub facilitators: Vec<String>,
    pub script: Vec<Line>,
    /// What was improvised.
    pub planted: Vec<(At, Planted)>,
    pub told: Vec<(At, Inject)>,
    pub notes: Vec<(At, String, String)>,
    pub paused: bool,
    /// Asked and real speed, where this machine is too slow.
    pub slowed: Option<(f64, f64)>,
    pub ended: Option<Ending>,
}

/// A line of the script.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub inject: Inject,
    pub due: At,
    pub state: LineState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LineState {
    Due,
    Told(At),
    Skipped,
}

/// How a game day ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ending {
    pub at: At,
    pub reason: String,
    /// Whether everything that was planned has had its time.
    pub complete: bool,
    pub score: Scorecard,
    pub gaps: Vec<Gap>,
}

impl GameDay {
    fn new(plan: DrillPlan, began: At) -> Self {
        let line = |inject: &Inject| Line {
            due: began.plus_s(inject.at_s.into()),
            inject: inject.clone(),
            state: LineState::Due,
        };
        Self {
            script: plan.injects.iter().map(line).collect(),
            plan,
            began,
            facilitators: Vec::new(),
            planted: Vec::new(),
            told: Vec::new(),
            notes: Vec::new(),
            paused: false,
            slowed: None,
            ended: None,
        }
    }

    /// Seconds since it began.
    pub fn elapsed_s(&self, at: At) -> i64 {
        self.ended.as_ref().map_or(at, |ending| ending.at).since_s(self.began)
    }

    fn line(&self, inject: &str) -> Option<&Line> {
        self.script.iter().find(|line| line.inject.id == inject)
    }

    fn line_mut(&mut self, inject: &str) -> Option<&mut Line> {
        self.script.iter_mut().find(|line| line.inject.id == inject)
    }

    /// Changes the day by one of its events.
    fn apply(&mut self, event: &DrillEvent, actor: &Actor, at: At) {
        match event {
            DrillEvent::FacilitatorSat {} => {
                if !self.facilitators.iter().any(|name| name == actor.name()) {
                    self.facilitators.push(actor.name().to_owned());
                }
            }
            DrillEvent::InjectTold { inject, channel, from, text } => {
                if let Some(line) = self.line_mut(inject) {
                    line.state = LineState::Told(at);
                }
                let (id, at_s) = (inject.clone(), at.since_s(self.began) as u32);
                self.told.push((at, Inject { id, at_s, channel: *channel, from: from.clone(), text: text.clone() }));
            }
            DrillEvent::InjectDelayed { inject, by_s } => {
                if let Some(line) = self.line_mut(inject) {
                    line.due = line.due.plus_s((*by_s).into());
                }
            }
            DrillEvent::InjectSkipped { inject } => {
                if let Some(line) = self.line_mut(inject) {
                    line.state = LineState::Skipped;
                }
            }
            DrillEvent::FaultPlanted { fault } => self.planted.push((at, fault.clone())),
            DrillEvent::FacilitatorNoted { text } => self.notes.push((at, actor.name().to_owned(), text.clone())),
            DrillEvent::DrillPaused {} => self.paused = true,
            DrillEvent::DrillResumed {} => self.paused = false,
            DrillEvent::DrillSlowed { asked, real } => self.slowed = Some((*asked, *real)),
            DrillEvent::DrillEnded { reason, complete, score, gaps } => {
                self.ended = Some(Ending {
                    at,
                    reason: reason.clone(),
                    complete: *complete,
                    score: (**score).clone(),
                    gaps: gaps.clone(),
                });
            }
            DrillEvent::DrillPlanned { .. }
            | DrillEvent::FacilitatorLeft {}
            | DrillEvent::DrillStepped { .. }
            | DrillEvent::GapAssigned { .. }
            | DrillEvent::GapClosed { .. }
            | DrillEvent::StageLost { .. }
            | DrillEvent::StageBack {}
            | DrillEvent::StagingCleared { .. } => {}
        }
    }
}

/// Changes the game day of a room by an event.
pub fn apply(day: &mut Option<GameDay>, record: &Record) {
    let Event::Drill(event) = &record.event else { return };
    match (event, day) {
        (DrillEvent::DrillPlanned { plan }, day) => *day = Some(GameDay::new((**plan).clone(), record.at)),
        (event, Some(day)) => day.apply(event, &record.actor, record.at),
        (_, None) => {}
    }
}

/// What the script has for this moment.
pub(super) fn tick(room: &Room, at: At) -> Vec<Event> {
    let Some(day) = room.drill.as_ref().filter(|day| day.ended.is_none()) else { return Vec::new() };
    let due = day.script.iter().filter(|line| line.state == LineState::Due && line.due <= at);
    due.map(|line| tell(&line.inject)).collect()
}

fn tell(inject: &Inject) -> Event {
    let Inject { id, channel, from, text, .. } = inject.clone();
    Event::Drill(DrillEvent::InjectTold { inject: id, channel, from, text })
}

/// Decides what the facilitator asks for.
pub(super) fn decide(
    state: &State,
    at: At,
    command: DrillCommand,
) -> Result<(Vec<Event>, Option<StageOrder>), Refusal> {
    let day = state.room.drill.as_ref().ok_or_else(|| Refusal::new("this is no game day"))?;
    if day.ended.is_some()
        && !matches!(
            command,
            DrillCommand::Note { .. }
                | DrillCommand::Sit
                | DrillCommand::Leave
                | DrillCommand::AssignGap { .. }
                | DrillCommand::CloseGap { .. }
        )
    {
        return Err(Refusal::new("the game day is over"));
    }
    let alone = |event| Ok((vec![Event::Drill(event)], None));
    let with = |event, order| Ok((vec![Event::Drill(event)], Some(order)));
    match command {
        DrillCommand::Sit => alone(DrillEvent::FacilitatorSat {}),
        DrillCommand::Leave => alone(DrillEvent::FacilitatorLeft {}),
        DrillCommand::Fire { inject } => Ok((vec![tell(&due(day, &inject)?.inject)], None)),
        DrillCommand::Delay { inject, by_s } => {
            due(day, &inject)?;
            alone(DrillEvent::InjectDelayed { inject, by_s })
        }
        DrillCommand::Skip { inject } => {
            due(day, &inject)?;
            alone(DrillEvent::InjectSkipped { inject })
        }
        DrillCommand::Tell { channel, from, text } => alone(DrillEvent::InjectTold {
            inject: String::new(),
            channel,
            from: words(&from, "who tells it")?,
            text: words(&text, "what is told")?,
        }),
        DrillCommand::Plant { fault } => {
            if !(0.0..=1.0).contains(&fault.share) {
                return Err(Refusal::new(format!("a share lies between 0 and 1, and {} does not", fault.share)));
            }
            let fault = Planted { at_s: at.since_s(day.began) as u32, ..fault };
            with(DrillEvent::FaultPlanted { fault: fault.clone() }, StageOrder::Plant(fault))
        }
        DrillCommand::Note { text } => {
            let text: String = visible_lines(text.trim()).chars().take(limits::SENTENCE * 16).collect();
            if text.is_empty() {
                Err(Refusal::new("a note needs some text"))
            } else {
                alone(DrillEvent::FacilitatorNoted { text })
            }
        }
        DrillCommand::AssignGap { gap, owner, due } => {
            let (gap, owner) = (words(&gap, "a gap")?, words(&owner, "an owner")?);
            alone(DrillEvent::GapAssigned { gap, owner, due })
        }
        DrillCommand::CloseGap { gap, reason } => {
            let gap = words(&gap, "a gap")?;
            alone(DrillEvent::GapClosed { gap, reason: words(&reason, "how it was closed")? })
        }
        DrillCommand::Pause if day.paused => Err(Refusal::new("time stands still already")),
        DrillCommand::Pause => with(DrillEvent::DrillPaused {}, StageOrder::Pause),
        DrillCommand::Resume if !day.paused => Err(Refusal::new("time goes on already")),
        DrillCommand::Resume => with(DrillEvent::DrillResumed {}, StageOrder::Resume),
        DrillCommand::Step { .. } if !day.paused => Err(Refusal::new("pause it first; then it goes on in steps")),
        DrillCommand::Step { seconds } => {
            let seconds = seconds.clamp(1, 3_600);
            with(DrillEvent::DrillStepped { seconds }, StageOrder::Step { seconds })
        }
        DrillCommand::End { reason } => {
            let reason = words(&reason, "a reason")?;
            Ok((end(&state.room, at, &reason).into_iter().collect(), Some(StageOrder::End)))
        }
    }
}

fn due<'d>(day: &'d GameDay, inject: &str) -> Result<&'d Line, Refusal> {
    let line = day.line(inject).ok_or_else(|| Refusal::new(format!("the script has no {inject}")))?;
    match line.state {
        LineState::Due => Ok(line),
        LineState::Told(_) => Err(Refusal::new(format!("{inject} has been told already"))),
        LineState::Skipped => Err(Refusal::new(format!("{inject} was skipped"))),
    }
}

fn words(text: &str, what: &str) -> Result<String, Refusal> {
    let text: String = visible(text.trim()).chars().take(limits::SENTENCE).collect();
    if text.is_empty() { Err(Refusal::new(format!("this needs {what}"))) } else { Ok(text) }
}

/// The end of a game day that has not ended yet, with its score.
pub fn end(room: &Room, at: At, reason: &str) -> Option<Event> {
    let day = room.drill.as_ref().filter(|day| day.ended.is_none())?;
    let score = score::score(room, day, at);
    let gaps = gaps::find(room, day, &score, at);
    let is_over = day.elapsed_s(at) >= i64::from(day.plan.length_s);
    let complete = is_over || (!score.planted.is_empty() && score.pending == 0);
    let reason = reason.to_owned();
    Some(Event::Drill(DrillEvent::DrillEnded { reason, complete, score: Box::new(score), gaps }))
}
