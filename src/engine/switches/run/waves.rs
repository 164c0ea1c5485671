//! Waves of a run: who may be asked yet, and whether those who were stay well.
//!
//! A wave is begun on the record before the first of its devices is asked, soaks once all of it that can be reached has
//! answered, and is followed by the next one where no stop rule is crossed. A crossed rule pauses the plan; going on, or
//! not, is for people.

use super::{Run, Stage, Target};
use crate::domain::command::Refusal;
use crate::domain::event::Event;
use crate::domain::event::waves::WavesEvent;
use crate::domain::rollout::{Limit, Standing};
use crate::domain::switch::waves::{Course, Plan, Reason};
use crate::domain::time::At;
use crate::engine::State;
use crate::fleet::Fleet;
use crate::fleet::devices::Flag;

/// Seconds between two looks at the stop rules: each goes over all devices.
const LOOK_S: i64 = 5;

/// The waves of a run under way.
#[derive(Clone, Debug)]
pub struct Staging {
    pub plan: Plan,
    /// The wave that was begun last, counted from 1.
    pub wave: u16,
    pub soaks: Option<At>,
    pub paused: bool,
    /// How the stop rules stood at the last look.
    pub standings: Vec<Standing>,
    /// Rules that people have gone on in spite of, and how many devices did what they are about then.
    overruled: Vec<(String, u32)>,
    /// People have gone on although nobody of this wave has come back.
    unheard: bool,
    looked: Option<At>,
}

impl Staging {
    /// Waves as the record has them: none begun, or some by a run before this one. What soaked then soaks anew: nobody has
    /// looked on in the meantime.
    pub(super) const fn new(plan: Plan, course: &Course) -> Self {
        Self {
            plan,
            wave: course.begun,
            soaks: None,
            paused: false,
            standings: Vec::new(),
            overruled: Vec::new(),
            unheard: false,
            looked: None,
        }
    }

    pub const fn is_last(&self) -> bool {
        self.wave >= self.plan.waves()
    }
}

impl Run {
    /// Targets that may be asked by now: those of the waves that were begun.
    pub(super) fn released(&self) -> usize {
        self.staging.as_ref().map_or(self.targets.len(), |staging| staging.plan.range(staging.wave).1 as usize)
    }

    pub(super) fn is_paused(&self) -> bool {
        self.staging.as_ref().is_some_and(|staging| staging.paused)
    }

    /// Begins the next wave, if there is one.
    pub(in crate::engine::switches) fn begin_wave(&mut self) -> Option<Event> {
        let actuation = self.id.clone();
        let staging = self.staging.as_mut().filter(|staging| !staging.is_last())?;
        staging.wave += 1;
        (staging.soaks, staging.unheard) = (None, false);
        let (from, to) = staging.plan.range(staging.wave);
        let (wave, of, devices) = (staging.wave, staging.plan.waves(), to - from);
        Some(WavesEvent::SwitchWaveBegun { actuation, wave, of, devices }.into())
    }

    /// Once a second: whether the wave has soaked, whether a rule is crossed, and the next wave.
    pub(super) fn tick_waves(&mut self, state: &State, at: At) -> Option<Event> {
        self.note_settled(state, at);
        let staging = self.staging.as_ref().filter(|_| self.through.is_none() && state.link.is_up())?;
        let soaked = staging.soaks.is_some_and(|since| {
            // What happened while nobody listened says nothing.
            at.since_s(since.max(state.link.since)) >= i64::from(staging.plan.soak_s)
        });
        if soaked || staging.looked.is_none_or(|looked| at.since_s(looked) >= LOOK_S) {
            self.look(state, at);
        }
        if self.is_paused() {
            return None;
        }
        if let Some(crossed) = self.crossed() {
            return self.pause(Reason::Crossed(crossed));
        }
        if soaked {
            return if self.is_nobody_back() { self.pause(Reason::NobodyBack) } else { self.begin_wave() };
        }
        self.begin_soak(state, at)
    }

    fn look(&mut self, state: &State, at: At) {
        let standings = self.judge(state, at);
        if let Some(staging) = &mut self.staging {
            staging.standings = standings;
            staging.looked = Some(at);
        }
    }

    /// A rule that is crossed, by more devices than people have gone on in spite of.
    fn crossed(&self) -> Option<Standing> {
        let staging = self.staging.as_ref()?;
        let known = |standing: &Standing| {
            staging.overruled.iter().any(|(rule, devices)| *rule == standing.rule && doing(standing) <= *devices)
        };
        staging.standings.iter().find(|standing| standing.crossed && !known(standing)).cloned()
    }

    /// Whether no device of the newest wave has shown that it has what it was sent.
    fn is_nobody_back(&self) -> bool {
        let Some(staging) = &self.staging else { return false };
        let (from, to) = staging.plan.range(staging.wave);
        let own = &self.targets[from as usize..to as usize];
        !staging.unheard && !own.iter().any(|target| target.stage == Stage::Yes)
    }

    fn begin_soak(&mut self, state: &State, at: At) -> Option<Event> {
        let is_due = self.staging.as_ref().is_some_and(|staging| staging.soaks.is_none() && !staging.is_last());
        let released = self.released();
        let patience_s = i64::from(state.settings.rollout.reconnect_s);
        let open = |target: &Target| target.holds_wave(&state.fleet, at, patience_s);
        if !is_due || self.targets[..released].iter().any(open) {
            return None;
        }
        let actuation = self.id.clone();
        let staging = self.staging.as_mut()?;
        staging.soaks = Some(at);
        let (from, to) = staging.plan.range(staging.wave);
        let own = &self.targets[from as usize..to as usize];
        let count = |stage| own.iter().filter(|target| target.stage == stage).count() as u32;
        let (done, escaped) = (count(Stage::Yes), count(Stage::No));
        let (wave, soak_s, away) = (staging.wave, staging.plan.soak_s, to - from - done - escaped);
        Some(WavesEvent::SwitchWaveSoaks { actuation, wave, done, escaped, away, soak_s }.into())
    }

    /// Asks nobody any more until a person says so.
    pub(in crate::engine::switches) fn pause(&mut self, reason: Reason) -> Option<Event> {
        let actuation = self.id.clone();
        let staging = self.staging.as_mut()?;
        staging.paused = true;
        Some(WavesEvent::SwitchWavesPaused { actuation, wave: staging.wave, reason }.into())
    }

    /// A person lets the waves go on in spite of what is crossed now. More devices that do the same stop it again.
    pub(in crate::engine::switches) fn go_on(&mut self) -> Result<Event, Refusal> {
        let actuation = self.id.clone();
        let staging = self.staging.as_mut().filter(|staging| staging.paused);
        let staging = staging.ok_or_else(|| Refusal::new(format!("{actuation} is not paused")))?;
        (staging.paused, staging.unheard) = (false, true);
        let crossed = staging.standings.iter().filter(|standing| standing.crossed);
        staging.overruled = crossed.map(|standing| (standing.rule.clone(), doing(standing))).collect();
        Ok(WavesEvent::SwitchWavesWentOn { actuation, wave: staging.wave }.into())
    }
}

/// How many devices are on the wrong side of a rule.
fn doing(standing: &Standing) -> u32 {
    let share = match standing.limit {
        Limit::Above(_) => standing.value,
        Limit::Below(_) => 1.0 - standing.value,
    };
    (share * f64::from(standing.sample)).round() as u32
}

impl Target {
    /// Whether a wave waits for it: it can be reached, or was when it was asked and is expected back.
    fn holds_wave(&self, fleet: &Fleet, at: At, patience_s: i64) -> bool {
        let online = self.device.is_none_or(|ix| fleet.devices().get(ix).has(Flag::Online));
        match self.stage {
            Stage::Waiting if self.tries == 0 => true,
            Stage::Waiting | Stage::Asked => {
                online || self.reached.is_some_and(|reached| at.since_s(reached) < patience_s)
            }
            Stage::Yes | Stage::No => false,
        }
    }
}
