//! The stop rules, asked of the devices that a run has reached.
//!
//! A rule counts what a device shows after it has what it was sent: what was wrong with it before is why it was sent
//! something. It is compared with the devices that the run is not about. A wave smaller than a rule's minimum is judged
//! as soon as all of it is known.

use super::{Run, Stage, Target};
use crate::detect::MINIMUM_SAMPLE;
use crate::domain::rollout::{Metric, RolloutPolicy, Standing, StopRule};
use crate::domain::symptom::Symptom;
use crate::domain::time::At;
use crate::engine::State;
use crate::fleet::Fleet;
use crate::fleet::devices::Flag;
use crate::limits;

/// Seconds until what a device has just shown is surely of the time after: its running minute, and the one before.
const FRESH_S: i64 = 120;
/// Seconds that a rule without a window looks back on.
const LATELY_S: u32 = 300;

/// What a target has shown since it has what it was sent.
#[derive(Clone, Debug, Default)]
pub(super) struct Since {
    /// When it was seen to have it, and its boots at the last look.
    pub settled: Option<At>,
    boots: u32,
    /// The symptoms that were noted, and when each was last.
    noted: Vec<(Symptom, At)>,
}

impl Since {
    fn note(&mut self, symptom: Symptom, at: At) {
        match self.noted.iter_mut().find(|(known, _)| *known == symptom) {
            Some((_, last)) => *last = at,
            None => self.noted.push((symptom, at)),
        }
    }

    fn has_shown(&self, symptom: Symptom, window_s: u32, at: At) -> bool {
        self.noted.iter().any(|(known, last)| *known == symptom && at.since_s(*last) <= i64::from(window_s))
    }
}

/// Devices asked of, and those of them that do what a rule is about.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    sample: u32,
    do_it: u32,
}

impl Count {
    const fn add(&mut self, does_it: bool) {
        self.sample += 1;
        self.do_it += does_it as u32;
    }

    fn share(self) -> f64 {
        f64::from(self.do_it) / f64::from(self.sample.max(1))
    }
}

impl Run {
    /// Notes which targets have what they were sent, and what they have shown since.
    pub(super) fn note_settled(&mut self, state: &State, at: At) {
        if self.staging.is_none() {
            return;
        }
        let (fleet, minute, released) = (&state.fleet, state.fleet.minute(), self.released());
        for target in self.targets[..released].iter_mut().filter(|target| target.stage == Stage::Yes) {
            let Some(device) = target.device.map(|ix| fleet.devices().get(ix)) else { continue };
            let since = &mut target.since_then;
            let Some(settled) = since.settled else {
                *since = Since { settled: Some(at), boots: device.boots, noted: Vec::new() };
                continue;
            };
            if at.since_s(settled) >= FRESH_S {
                Symptom::of_bits(device.shown.just_now(minute)).for_each(|symptom| since.note(symptom, at));
            }
            // A boot is counted by the device itself, and so is surely one of the time after.
            if device.boots > since.boots {
                since.boots = device.boots;
                since.note(Symptom::Rebooting, at);
            }
        }
    }

    /// How every rule stands for the devices that were asked so far.
    pub(super) fn judge(&self, state: &State, at: At) -> Vec<Standing> {
        let Some(staging) = &self.staging else { return Vec::new() };
        let policy = &state.settings.rollout;
        let asked = policy.rules.iter().take(limits::STOP_RULES);
        // Going back is what was asked for here, and no sign of trouble.
        let asked = asked.filter(|rule| rule.metric != Metric::RolledBack);
        let asked = asked.filter(|rule| rule.wave.is_none_or(|wave| wave == staging.wave));
        let others = self.others(&state.fleet);
        asked.map(|rule| self.standing(rule, state, &others, at)).collect()
    }

    fn standing(&self, rule: &StopRule, state: &State, others: &Others, at: At) -> Standing {
        let policy = &state.settings.rollout;
        let (mut count, mut reachable) = (Count::default(), 0);
        for target in &self.targets[..self.released()] {
            let does_it = target.does(rule, policy, &state.fleet, at);
            does_it.into_iter().for_each(|does_it| count.add(does_it));
            reachable += u32::from(does_it.is_some() || target.is_expected(&state.fleet));
        }
        let (value, others) = (count.share(), others.share(rule.metric));
        // A push that reaches everybody pauses at the limit alone: asking once more costs little.
        let times_others = rule.times_others.filter(|_| others.is_some());
        let minimum = rule.minimum.min(reachable).max(1);
        Standing {
            rule: rule.name(),
            wave: self.staging.as_ref().map_or(0, |staging| staging.wave),
            value,
            limit: rule.limit,
            sample: count.sample,
            others,
            crossed: count.sample >= minimum && rule.limit.is_crossed(value, others, times_others),
        }
    }

    /// What the devices show that this run is not about.
    fn others(&self, fleet: &Fleet) -> Others {
        let mut own = vec![false; fleet.devices().len()];
        for ix in self.targets.iter().filter_map(|target| target.device) {
            own[ix.0 as usize] = true;
        }
        let mut others = Others { devices: 0, shown: [0; Symptom::COUNT] };
        let counted = fleet.devices().iter().filter(|(ix, device)| !own[ix.0 as usize] && !device.is_on_leave());
        for (_, device) in counted {
            others.devices += 1;
            let shown = device.showing(fleet.minute());
            Symptom::of_bits(shown).for_each(|symptom| others.shown[symptom as usize] += 1);
        }
        others
    }
}

/// Devices that the run is not about, and how many of them show what.
struct Others {
    devices: u32,
    shown: [u32; Symptom::COUNT],
}

impl Others {
    /// None where they are too few to say what is usual.
    fn share(&self, metric: Metric) -> Option<f64> {
        let shows = |symptom: Symptom| f64::from(self.shown[symptom as usize]) / f64::from(self.devices);
        (self.devices >= MINIMUM_SAMPLE).then(|| match metric {
            Metric::Shows(symptom) => shows(symptom),
            Metric::Online => 1.0 - shows(Symptom::Offline),
            // Who was sent nothing has nothing to fail.
            Metric::Succeeded => 1.0,
            _ => 0.0,
        })
    }
}

impl Target {
    /// Whether something will still be heard of it in this wave.
    fn is_expected(&self, fleet: &Fleet) -> bool {
        let online = self.device.is_none_or(|ix| fleet.devices().get(ix).has(Flag::Online));
        matches!(self.stage, Stage::Waiting | Stage::Asked) && (online || self.reached.is_some())
    }

    /// Whether it does what a rule is about; none where it is no part of its sample.
    fn does(&self, rule: &StopRule, policy: &RolloutPolicy, fleet: &Fleet, at: At) -> Option<bool> {
        let device = self.device.map(|ix| fleet.devices().get(ix));
        let known = matches!(self.stage, Stage::Yes | Stage::No);
        match rule.metric {
            Metric::RolledBack => None,
            Metric::Failed => known.then_some(self.stage == Stage::No),
            Metric::NotBack | Metric::Succeeded => {
                let reached = self.reached.filter(|_| !known);
                let late_s = i64::from(rule.window_s.unwrap_or(policy.reconnect_s));
                let is_away = device.is_some_and(|device| !device.has(Flag::Online));
                let late = reached.is_some_and(|reached| is_away && at.since_s(reached) >= late_s);
                let does_it = if rule.metric == Metric::NotBack { late } else { self.stage == Stage::Yes };
                (known || late).then_some(does_it)
            }
            Metric::Online => {
                self.since_then.settled?;
                Some(device?.showing(fleet.minute()) & Symptom::Offline.bit() == 0)
            }
            Metric::Shows(Symptom::Offline) => {
                self.since_then.settled?;
                Some(device?.showing(fleet.minute()) & Symptom::Offline.bit() != 0)
            }
            Metric::Shows(symptom) => {
                self.since_then.settled?;
                Some(self.since_then.has_shown(symptom, rule.window_s.unwrap_or(LATELY_S), at))
            }
        }
    }
}
