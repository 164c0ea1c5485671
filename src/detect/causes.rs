//! Causes: what alerts are open about. One cause is one alert, whatever it makes its devices do.

use super::attribution::Condition;
use super::census::{self, Census};
use super::evidence::{Evidence, expected, usual_of};
use super::stream::LOOK_S;
use super::{Change, MINIMUM_AFFECTED, UNHEARD_S};
use crate::domain::alert::{Alert, Finding};
use crate::domain::cohort::CohortKey;
use crate::domain::signal::Signal;
use crate::domain::symptom::Symptom;
use crate::fleet::Fleet;

/// Seconds for which a symptom must be gone before it is over.
const CLEAR_AFTER_S: i64 = 60;
/// Seconds in which what goes on shows again after a restart.
const SHOWS_AGAIN_S: i64 = 600;
/// The share of the most devices that ever showed it, from which a symptom goes on.
const GOES_ON: f32 = 0.10;
const AWAY_GOES_ON: f32 = 0.05;
/// A cohort that has more than this share of its affected devices in another is about the same.
const SAME: f32 = 0.6;

/// One symptom of a cause.
#[derive(Clone, Debug)]
struct Ailment {
    symptom: Symptom,
    usual: f32,
    /// The most devices beyond the usual.
    peak: f32,
    good_s: i64,
    unheard: Unheard,
}

/// Devices of an earlier process that this one has not heard of: they are away still, until they are given up.
#[derive(Clone, Copy, Debug, Default)]
struct Unheard {
    /// How many there were, and how many of them are missing: once they were heard they may leave the cohort.
    were: u32,
    missing: u32,
    left_s: i64,
}

impl Unheard {
    /// Looks again, where the cohort has so many devices now. How many are away.
    fn look(&mut self, devices: u32) -> u32 {
        self.missing = self.missing.min(self.were.saturating_sub(devices));
        self.left_s = (self.left_s - LOOK_S).max(0);
        if self.left_s > 0 { self.missing } else { 0 }
    }
}

/// Something that is wrong with a cohort.
#[derive(Clone, Debug)]
pub(super) struct Cause {
    /// The alert is known by these.
    signal: Signal,
    name: CohortKey,
    /// The devices it is about, as is known by now.
    pub(super) conditions: Vec<Condition>,
    ailments: Vec<Ailment>,
}

impl Cause {
    pub(super) fn new(evidence: &Evidence, conditions: &[Condition]) -> Self {
        Self {
            signal: evidence.symptom.signal(),
            name: evidence.cohort.clone(),
            conditions: conditions.to_vec(),
            ailments: vec![Ailment::new(evidence)],
        }
    }

    /// The cause of an alert that an earlier process raised, with all that its devices did.
    pub(super) fn resumed(fleet: &Fleet, alert: &Alert) -> Option<Self> {
        let Alert { finding, also, .. } = alert;
        let mut ailments = vec![Ailment::resumed(fleet, finding)?];
        for ailment in also.iter().filter_map(|finding| Ailment::resumed(fleet, finding)) {
            if ailments.iter().all(|known| known.symptom != ailment.symptom) {
                ailments.push(ailment);
            }
        }
        Some(Self {
            signal: finding.signal,
            name: finding.cohort.clone(),
            conditions: census::conditions(fleet, &finding.cohort)?,
            ailments,
        })
    }

    pub(super) fn has(&self, symptom: Symptom) -> bool {
        self.ailments.iter().any(|ailment| ailment.symptom == symptom)
    }

    /// Every symptom, a bit each.
    pub(super) fn symptoms(&self) -> u32 {
        self.ailments.iter().fold(0, |bits, ailment| bits | ailment.symptom.bit())
    }

    /// Whether devices with these attribute values, that show a symptom, are the ones it is about.
    fn is_about(&self, fleet: &Fleet, census: &Census, conditions: &[Condition], symptom: Symptom) -> bool {
        let holds = |a: &[Condition], b: &[Condition]| a.iter().all(|condition| b.contains(condition));
        // What a cohort does while something else is wrong with the whole fleet is another matter, unless it does that too.
        if self.conditions.is_empty() && !conditions.is_empty() && !self.has(symptom) {
            let showing = |symptom| census.count(conditions, symptom).1 as f32;
            return self.ailments.iter().any(|ailment| showing(ailment.symptom) > SAME * showing(symptom));
        }
        // The same devices, fewer of them, or more: but the whole fleet is more than the growth of a cohort.
        if holds(&self.conditions, conditions) || (!conditions.is_empty() && holds(conditions, &self.conditions)) {
            return true;
        }
        // Another wave of the same rollout, or the version that it brings.
        let rollout = |conditions: &[Condition]| census::rollout(fleet, conditions);
        if let (Some((mine, own)), Some((other, others))) = (rollout(&self.conditions), rollout(conditions))
            && mine == other
            && (holds(&own, &others) || holds(&others, &own))
        {
            return true;
        }
        let both: Vec<Condition> = self.conditions.iter().chain(conditions).copied().collect();
        census.count(&both, symptom).1 as f32 > SAME * census.count(conditions, symptom).1 as f32
    }

    /// The share of the devices showing a symptom, of its own and of those with these attribute values, that are both.
    fn closeness(&self, census: &Census, conditions: &[Condition], symptom: Symptom) -> f32 {
        let both: Vec<Condition> = self.conditions.iter().chain(conditions).copied().collect();
        let showing = |conditions: &[Condition]| census.count(conditions, symptom).1;
        let shared = showing(&both);
        let all = showing(&self.conditions) + showing(conditions) - shared;
        shared as f32 / all.max(1) as f32
    }

    /// Takes what explains it better by now; of two waves of a rollout, the one that is worse.
    pub(super) fn moves_to(&mut self, census: &Census, conditions: Vec<Condition>, symptom: Symptom) {
        if census.count(&conditions, symptom).1 >= census.count(&self.conditions, symptom).1 / 2 {
            self.conditions = conditions;
        }
    }

    /// Adds a symptom of the same devices.
    pub(super) fn add(&mut self, evidence: &Evidence, finding: Finding) -> Change {
        self.ailments.push(Ailment::new(evidence));
        Change::Grew { signal: self.signal, cohort: self.name.clone(), also: finding }
    }

    /// Looks again; says whether everything has been well for long enough.
    pub(super) fn is_over(&mut self, census: &Census) -> bool {
        for ailment in &mut self.ailments {
            let (devices, shown) = census.count(&self.conditions, ailment.symptom);
            let shown = shown + ailment.unheard.look(devices);
            let beyond = shown as f32 - expected(ailment.symptom, ailment.usual, devices);
            ailment.peak = ailment.peak.max(beyond);
            let part = if ailment.symptom == Symptom::Offline { AWAY_GOES_ON } else { GOES_ON };
            let goes_on = beyond >= (MINIMUM_AFFECTED / 2.0).max(part * ailment.peak);
            ailment.good_s = if goes_on { 0 } else { ailment.good_s + LOOK_S };
        }
        self.ailments.iter().all(|ailment| ailment.good_s >= CLEAR_AFTER_S)
    }

    pub(super) fn cleared(&self) -> Change {
        Change::Cleared { signal: self.signal, cohort: self.name.clone() }
    }

    /// Whether it is the cause of this alert.
    pub(super) fn is(&self, signal: Signal, cohort: &CohortKey) -> bool {
        self.signal == signal && self.name == *cohort
    }
}

/// Whether no device can meet both: they ask for different values of one attribute.
pub(super) fn exclude(a: &[Condition], b: &[Condition]) -> bool {
    a.iter().any(|(attribute, value)| b.iter().any(|(other, theirs)| attribute == other && value != theirs))
}

/// The causes that devices with these attribute values may be of, that show a symptom; the one that shares most with them
/// first.
pub(super) fn about<'c>(
    causes: &'c mut [Cause],
    fleet: &Fleet,
    census: &Census,
    conditions: &[Condition],
    symptom: Symptom,
) -> Vec<&'c mut Cause> {
    let mut about: Vec<_> =
        causes.iter_mut().filter(|cause| cause.is_about(fleet, census, conditions, symptom)).collect();
    let closeness = |cause: &Cause| cause.closeness(census, conditions, symptom);
    about.sort_by(|a, b| closeness(b).total_cmp(&closeness(a)));
    about
}

impl Ailment {
    fn new(evidence: &Evidence) -> Self {
        let peak = evidence.affected as f32 - evidence.expected();
        Self { symptom: evidence.symptom, usual: evidence.usual, peak, good_s: 0, unheard: Unheard::default() }
    }

    fn resumed(fleet: &Fleet, finding: &Finding) -> Option<Self> {
        let symptom = Symptom::of(finding.signal)?;
        let is_away = symptom == Symptom::Offline;
        let shown = if is_away { 1.0 - finding.expected } else { finding.expected };
        // Where the broker keeps presence it is known at once who is away. What devices do shows when they do it again.
        let were = if is_away && !fleet.keeps_presence() { finding.sample } else { 0 };
        let unheard = Unheard { were, missing: were, left_s: UNHEARD_S };
        let (usual, peak) = (usual_of(symptom, shown as f32), finding.affected as f32);
        Some(Self { symptom, usual, peak, good_s: if is_away { 0 } else { -SHOWS_AGAIN_S }, unheard })
    }
}
