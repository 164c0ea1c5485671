//! A run: the calls of an actuation, target by target and step by step, at the pace that was allowed.
//!
//! It decides who is asked when, counts what they answer, and says when every effect is known or given up. It lives as
//! long as the process; what it learns is made events in [`drive`].

mod drive;
mod rules;
mod tally;
mod waves;

use std::collections::VecDeque;
use std::sync::Arc;

pub(in crate::engine) use drive::{answer, outcome, tick};

pub use tally::Tally;
pub use waves::Staging;

use super::aim::{self, Aim};
use super::known::VERSION;
use crate::domain::event::Event;
use crate::domain::event::switch::SwitchEvent;
use crate::domain::ids::ActuationId;
use crate::domain::input::{Outcome, Sending};
use crate::domain::switch::plan::{ProofKind, Step, Switch, Takes, Template};
use crate::domain::switch::waves::{Course, Plan};
use crate::domain::switch::{Actuation, Scope};
use crate::domain::time::At;
use crate::engine::State;
use crate::fleet::Fleet;
use crate::fleet::attributes::ValueIx;
use crate::fleet::devices::{DeviceIx, Flag};
use crate::limits;

/// Seconds after the last kick in which a device that shows life was on its way already.
const GRACE_S: i64 = 3;
/// Seconds without a sign of life that show that a device has gone: what telemetry says most rarely comes once a minute.
const GONE_S: i64 = 90;
/// Seconds that a device has to boot again.
const REBOOT_S: i64 = 300;
/// Seconds after which a configuration that is still not reported has escaped, however often the device is away.
const DRIFTED_S: i64 = 86_400;

/// How far a target has come in the running step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Not asked yet.
    Waiting,
    /// Asked; no answer yet.
    Asked,
    Yes,
    No,
}

/// One target.
#[derive(Clone, Debug)]
struct Target {
    device: Option<DeviceIx>,
    stage: Stage,
    tries: u8,
    /// When it was last asked, or last away.
    since: At,
    /// Boots when it was asked.
    boots: u32,
    /// The broker has its call.
    sent: bool,
    /// It said yes, and has come back all the same.
    returned: bool,
    /// When it was asked first, and when it was asked last while it was connected.
    asked: Option<At>,
    reached: Option<At>,
    /// What it has shown since it has what it was sent.
    since_then: rules::Since,
}

/// The calls of an actuation under way.
#[derive(Clone, Debug)]
pub struct Run {
    id: ActuationId,
    switch: Arc<Switch>,
    aim: Aim,
    targets: Vec<Target>,
    step: usize,
    /// Places still to be asked in this step, in order; and those to be asked again.
    next: usize,
    again: VecDeque<u32>,
    /// Calls that may be made now, and when that was worked out.
    allowance: f64,
    allowed: At,
    told_sent: bool,
    /// The first no, in words.
    reason: Option<String>,
    /// What came of a single call could not be known.
    lost: Option<String>,
    /// When the last step was through.
    through: Option<At>,
    /// Few targets first, where it goes out in waves.
    staging: Option<Staging>,
    /// It was begun by an earlier room.
    taken_up: bool,
}

impl Run {
    pub(super) fn new(state: &State, switch: Arc<Switch>, aim: Aim, id: &ActuationId, at: At) -> Self {
        let target = |device| Target {
            device,
            stage: Stage::Waiting,
            tries: 0,
            since: at,
            boots: 0,
            sent: false,
            returned: false,
            asked: None,
            reached: None,
            since_then: rules::Since::default(),
        };
        let targets = match switch.takes {
            Takes::Campaign => vec![target(None)],
            Takes::Devices => aim.targets.iter().map(|name| target(state.fleet.devices().find(name))).collect(),
        };
        Self {
            id: id.clone(),
            switch,
            aim,
            targets,
            step: 0,
            next: 0,
            again: VecDeque::new(),
            allowance: 1.0,
            allowed: at,
            told_sent: false,
            reason: None,
            lost: None,
            through: None,
            staging: None,
            taken_up: false,
        }
        .skipping(&state.fleet)
    }

    /// The same run in waves, as the record has them.
    #[must_use]
    pub(super) fn in_waves(self, plan: Option<&Plan>, course: &Course) -> Self {
        Self { staging: plan.map(|plan| Staging::new(plan.clone(), course)), ..self }
    }

    /// Nobody is sent back to what they run.
    fn skipping(mut self, fleet: &Fleet) -> Self {
        if self.switch.proof == ProofKind::RolledBack && self.switch.takes == Takes::Devices {
            let there: Vec<bool> = self.targets.iter().map(|target| self.has_version(target, fleet)).collect();
            let there = self.targets.iter_mut().zip(there).filter(|(_, there)| *there);
            there.for_each(|(target, _)| target.stage = Stage::Yes);
        }
        self
    }

    /// A run whose calls an earlier process has made, or may have: only its effect is looked at.
    pub(super) fn sent_already(state: &State, switch: Arc<Switch>, actuation: &Actuation, at: At) -> Self {
        let aim = Aim {
            scope: Scope::Devices(actuation.targets.to_vec()),
            chosen: actuation.preview.about(),
            targets: actuation.targets.clone(),
            parameters: actuation.parameters.clone(),
        };
        let plan = actuation.preview.devices.as_ref().and_then(|devices| devices.waves.as_ref());
        let mut run = Self::new(state, switch, aim, &actuation.id, at).in_waves(plan, &actuation.course);
        run.taken_up = true;
        run.step = run.switch.steps.len().saturating_sub(1);
        // What a wave has begun is never begun again; what none has begun was not asked.
        let released = run.released();
        run.next = released;
        run.told_sent = true;
        let waits = run.is_reported();
        for target in run.targets[..released].iter_mut().filter(|target| target.stage != Stage::Yes) {
            target.stage = if waits { Stage::Asked } else { Stage::Yes };
            target.tries = u8::MAX;
            target.asked = Some(at);
        }
        if !waits && released == run.targets.len() {
            run.through = Some(at);
        }
        run
    }

    fn step(&self) -> Option<&Step> {
        self.switch.steps.get(self.step)
    }

    /// Whether somebody answers the calls of the running step, beside the broker that takes them.
    fn is_answered(&self) -> bool {
        self.step().is_some_and(|step| step.reply.is_some() || !matches!(step.template, Template::Publish { .. }))
    }

    /// Whether the running step only looks at what those before it have done.
    fn is_probing(&self) -> bool {
        self.step().is_some_and(|step| step.probes)
    }

    /// Whether the devices' own reports are the answer to the running step.
    fn is_reported(&self) -> bool {
        self.reports().is_some() && self.step + 1 == self.switch.steps.len()
    }

    /// The attribute that devices report, and what they are to report in it.
    fn reports(&self) -> Option<(&'static str, &str)> {
        let attribute = match (self.switch.proof, self.switch.takes) {
            (ProofKind::Reported, _) => "config",
            (ProofKind::RolledBack, Takes::Devices) => "firmware",
            _ => return None,
        };
        Some((attribute, self.aim.parameters.get(VERSION).map_or("", |version| version.trim())))
    }

    /// Whether a target reports what it was sent.
    fn has_version(&self, target: &Target, fleet: &Fleet) -> bool {
        let Some((attribute, version)) = self.reports() else { return false };
        let Some(attribute) = fleet.schema().find(attribute) else { return false };
        let Some(version) = fleet.dictionary(attribute).find(version) else { return false };
        let of = |ix: DeviceIx| fleet.vector(fleet.devices().get(ix).group)[usize::from(attribute.0)];
        version != ValueIx::UNKNOWN && target.device.is_some_and(|ix| of(ix) == version)
    }

    /// The calls that may be made now.
    pub(super) fn pump(&mut self, state: &State, at: At) -> Option<Sending> {
        let switch = self.switch.clone();
        let step = switch.steps.get(self.step).filter(|_| self.through.is_none() && !self.is_paused())?;
        let earned = at.since_ms(self.allowed).max(0) as f64 / 1000.0 * step.per_second;
        self.allowance = (self.allowance + earned).min(step.per_second.max(1.0));
        self.allowed = at;
        let mut calls = Vec::new();
        while self.allowance >= 1.0
            && let Some(place) = self.take_next(step.each)
        {
            self.allowance -= 1.0;
            let device = self.aim.targets.get(place as usize).filter(|_| step.each).map(String::as_str);
            let call = aim::call(state, &step.template, &self.aim, device, &self.id);
            let target = &mut self.targets[place as usize];
            target.tries = target.tries.saturating_add(1);
            target.since = at;
            target.asked.get_or_insert(at);
            let known = target.device.map(|ix| state.fleet.devices().get(ix));
            target.boots = known.map_or(0, |device| device.boots);
            if known.is_some_and(|device| device.has(Flag::Online)) {
                target.reached = Some(at);
            }
            match call {
                Ok(call) => {
                    target.stage = Stage::Asked;
                    calls.push((place, call));
                }
                Err(reason) => self.refuse(place, reason),
            }
        }
        (!calls.is_empty()).then(|| Sending { actuation: self.id.clone(), step: self.step as u8, calls })
    }

    fn take_next(&mut self, each: bool) -> Option<u32> {
        if let Some(place) = self.again.pop_front() {
            return Some(place);
        }
        let released = self.released();
        while self.next < released {
            let place = self.next;
            self.next = if each { place + 1 } else { released };
            if self.targets[place].stage == Stage::Waiting {
                return Some(place as u32);
            }
        }
        None
    }

    fn refuse(&mut self, place: u32, reason: String) {
        if let Some(target) = self.targets.get_mut(place as usize) {
            target.stage = Stage::No;
            self.reason.get_or_insert(reason);
        }
    }

    /// Takes what came of a call.
    fn take(&mut self, place: u32, outcome: Outcome) {
        let (answered, reported, each) = (self.is_answered(), self.is_reported(), self.step().is_some_and(|s| s.each));
        let retries = self.step().map_or(0, |step| step.retries);
        let Some(target) = self.targets.get_mut(place as usize) else { return };
        if target.stage != Stage::Asked {
            return;
        }
        let again = target.tries <= retries;
        target.sent |= outcome == Outcome::Sent;
        match outcome {
            Outcome::Sent if answered || reported => {}
            Outcome::Sent | Outcome::Accepted => target.stage = Stage::Yes,
            Outcome::Refused { reason } => self.refuse(place, reason),
            // It is asked again once it has been silent for long enough.
            Outcome::NotSent { .. } | Outcome::Unknown { .. } if again => {}
            Outcome::NotSent { reason } => self.refuse(place, reason),
            Outcome::Unknown { reason } if each => self.refuse(place, format!("outcome unknown: {reason}")),
            Outcome::Unknown { reason } => {
                self.lost = Some(reason);
                target.stage = Stage::Yes;
            }
        }
        if !each && let Some(stage) = self.targets.get(place as usize).map(|target| target.stage) {
            // One call was for all of them.
            self.targets.iter_mut().for_each(|target| target.stage = stage);
        }
    }

    /// Marks every target that has reported what it was sent.
    fn take_reports(&mut self, fleet: &Fleet) {
        for place in 0..self.targets.len() {
            let target = &self.targets[place];
            if target.stage == Stage::Asked && self.has_version(target, fleet) {
                self.targets[place].stage = Stage::Yes;
            }
        }
    }

    /// Gives up on targets that have not answered in time, or has them asked again.
    fn chase(&mut self, fleet: &Fleet, at: At) {
        let Some(step) = self.step() else { return };
        let (patience_s, retries, each) = (step.answer.as_secs() as i64, step.retries, step.each);
        let reported = self.is_reported();
        for place in 0..self.targets.len() {
            let target = &mut self.targets[place];
            if target.stage != Stage::Asked {
                continue;
            }
            let online = target.device.is_none_or(|ix| fleet.devices().get(ix).has(Flag::Online));
            let given_up = reported && target.asked.is_some_and(|asked| at.since_s(asked) >= DRIFTED_S);
            if online {
                target.reached.get_or_insert(at);
            }
            if reported && !online && !given_up {
                // What was retained for it is there when it comes back; its time runs from then.
                target.since = at;
            } else if given_up {
                self.refuse(place as u32, "not reported for a day".into());
            } else if at.since_s(target.since) >= patience_s {
                if target.tries <= retries {
                    target.since = at;
                    target.stage = Stage::Waiting;
                    self.again.push_back(place as u32);
                } else if each {
                    self.refuse(place as u32, format!("no answer for {patience_s} s, asked {} times", retries + 1));
                } else {
                    // One call, and nobody says what came of it: it may have had its effect.
                    self.lost = Some(format!("no answer for {patience_s} s"));
                    self.targets.iter_mut().for_each(|target| target.stage = Stage::Yes);
                }
            }
        }
    }

    /// Goes on to the next step where this one is through.
    fn advance(&mut self, at: At) -> Option<Event> {
        let open = |target: &Target| matches!(target.stage, Stage::Waiting | Stage::Asked);
        if self.through.is_some() || self.targets.iter().any(open) {
            return None;
        }
        let name = self.step().map(|step| step.name.clone()).unwrap_or_default();
        let count = |stage| self.targets.iter().filter(|target| target.stage == stage).count() as u32;
        let (yes, no) = (count(Stage::Yes), count(Stage::No));
        let last = self.step + 1 >= self.switch.steps.len();
        if last || yes == 0 {
            self.through = Some(at);
        } else {
            self.step += 1;
            (self.next, self.allowance) = (0, 1.0);
            for target in self.targets.iter_mut().filter(|target| target.stage == Stage::Yes) {
                (target.stage, target.tries) = (Stage::Waiting, 0);
            }
        }
        let is_worth_telling = self.switch.takes == Takes::Devices || self.switch.steps.len() > 1;
        let event = SwitchEvent::StepTaken {
            actuation: self.id.clone(),
            step: name,
            yes,
            no,
            reason: self.reason.clone().filter(|_| no > 0),
        };
        is_worth_telling.then_some(Event::Switch(event))
    }

    /// Notes devices that show life although they should be gone, and says whether the others have been silent for long
    /// enough.
    fn watch_gone(&mut self, fleet: &Fleet, through: At, at: At) -> bool {
        for target in self.targets.iter_mut().filter(|target| target.stage == Stage::Yes && !target.returned) {
            let Some(ix) = target.device else { continue };
            let shown = fleet.seen(ix).is_some_and(|seen| seen.since_s(through) >= GRACE_S);
            target.returned = shown && fleet.devices().get(ix).has(Flag::Online);
        }
        at.since_s(through) >= GONE_S
    }

    fn has_rebooted(target: &Target, fleet: &Fleet) -> bool {
        target.device.is_some_and(|ix| fleet.devices().get(ix).boots > target.boots)
    }

    /// What is known of the effect, once it is known.
    fn outcome(&mut self, state: &State, at: At) -> Option<Event> {
        let through = self.through?;
        let actuation = self.id.clone();
        let yes = self.targets.iter().filter(|target| target.stage == Stage::Yes).count();
        if let Some(reason) = self.lost.take() {
            // A yes that was heard on another way is worth more than an answer that was not.
            let heard = state.room.actuations.get(&actuation).is_some_and(|known| known.accepted.is_some());
            return (!heard).then_some(Event::ActuationUnknown { actuation, reason });
        }
        if yes == 0 {
            let reason = self.reason.clone().unwrap_or_else(|| "no target took it".into());
            // A probe that says no for everybody has found that nothing had any effect.
            let probed = self.step().is_some_and(|step| step.probes);
            return Some(if probed { self.ended() } else { Event::ActuationFailed { actuation, reason } });
        }
        let listening = state.link.is_up() && at.since_s(state.link.since) >= GRACE_S;
        let known = match self.switch.proof {
            // The campaign shows it; see `proof`.
            ProofKind::Halted | ProofKind::Running => return None,
            ProofKind::RolledBack if self.switch.takes == Takes::Campaign => return None,
            ProofKind::Answered | ProofKind::Reported | ProofKind::RolledBack => true,
            ProofKind::Gone => self.watch_gone(&state.fleet, through, at) && listening,
            ProofKind::Rebooted => {
                let late = at.since_s(through) >= REBOOT_S;
                for target in self.targets.iter_mut().filter(|target| target.stage == Stage::Yes) {
                    target.returned = late && !Self::has_rebooted(target, &state.fleet);
                }
                late || self.targets.iter().all(|t| t.stage != Stage::Yes || Self::has_rebooted(t, &state.fleet))
            }
        };
        known.then(|| self.ended())
    }

    fn ended(&self) -> Event {
        let escaped = |target: &&Target| target.stage == Stage::No || target.returned;
        let count = self.targets.iter().filter(escaped).count() as u32;
        let actuation = self.id.clone();
        if count == 0 {
            let is_back = self.switch.proof == ProofKind::RolledBack;
            let rolled_back = if is_back { self.targets.len() as u32 } else { 0 };
            return Event::ActuationEffective { actuation, in_flight_before: 0, silent: 0, rolled_back };
        }
        let names = self.targets.iter().zip(self.aim.targets.iter()).filter(|(target, _)| escaped(target));
        let devices = names.map(|(_, name)| name.clone()).take(limits::NAMED_DEVICES).collect();
        Event::ActuationEscaped { actuation, devices, count }
    }
}

impl Run {
    /// Whether every call of the first step has left this machine, and some of them to good effect.
    fn is_handed_over(&self) -> bool {
        let left = |target: &Target| target.sent || matches!(target.stage, Stage::Yes | Stage::No);
        let some = self.targets.iter().any(|target| target.stage != Stage::No);
        self.lost.is_none() && some && (self.step > 0 || self.targets[..self.released()].iter().all(left))
    }

    /// A step further, if there is one: the event that tells of it.
    fn advance_or_end(&mut self, at: At) -> Option<Option<Event>> {
        let (step, through) = (self.step, self.through);
        let event = self.advance(at);
        (self.step != step || self.through != through).then_some(event)
    }

    /// Nothing more is sent, and the campaign shows the rest.
    fn is_over(&self) -> bool {
        let shown = matches!(self.switch.proof, ProofKind::Halted | ProofKind::Running | ProofKind::RolledBack);
        self.through.is_some() && shown && self.switch.takes == Takes::Campaign
    }
}
