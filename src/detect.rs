//! Detection: which cohort is not as it should be, since when, and what that looks like.
//!
//! Pure: it reads the fleet's numbers and the time it is given. The interface is [`Detector::examine`], once a second;
//! what is inside may be replaced without anybody noticing but the people who are woken less. It proposes; it never
//! declares an incident.

pub mod attribution;
mod evidence;
pub mod level;
pub mod suspects;
pub mod verdict;

use evidence::{Evidence, Symptom};

use crate::domain::alert::Finding;
use crate::domain::cohort::CohortKey;
use crate::domain::signal::Signal;
use crate::domain::time::At;
use crate::fleet::Fleet;
use crate::fleet::cohorts::{Cohort, Key};

/// Devices a cohort needs before anything is said about it. Of thirty, eight are a quarter.
const MINIMUM_SAMPLE: u32 = 30;
/// Devices that must be affected: one device is never a mass event.
const MINIMUM_AFFECTED: f64 = 8.0;
/// Seconds a deviation must last before it is raised, and be gone before it is cleared.
const RAISE_AFTER_S: u32 = 5;
const CLEAR_AFTER_S: u32 = 60;
/// Seconds after our own link came up in which nothing is judged: the fleet is still being filled.
const SETTLE_S: i64 = 30;

/// What changed in the detector's opinion.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    Raised(Finding),
    Cleared { signal: Signal, cohort: CohortKey },
}

/// A deviation that is being watched.
#[derive(Clone, Debug)]
struct Track {
    symptom: Symptom,
    key: Key,
    name: CohortKey,
    /// What it should be, as it was before it began. It stays while the deviation lasts.
    expected: f64,
    /// Seconds in a row that it has deviated, or has been back.
    bad_s: u32,
    good_s: u32,
    raised: bool,
}

/// The detector and what it is watching.
#[derive(Debug, Default)]
pub struct Detector {
    tracks: Vec<Track>,
    /// Since when our own link has been up.
    live_since: Option<At>,
}

impl Detector {
    /// Tells whether our own link is up. A gap of our own is not a mass disconnect.
    pub fn link(&mut self, up: bool, at: At) {
        self.live_since = up.then_some(self.live_since.unwrap_or(at));
    }

    /// Takes up alerts that were open when the room was last closed, so that they can clear.
    ///
    /// False when the cohort is not there any more, and so cannot be watched.
    pub fn resume(&mut self, fleet: &Fleet, finding: &Finding) -> bool {
        let symptom = match finding.signal {
            Signal::Online => Symptom::Offline,
            _ => Symptom::Rebooting,
        };
        let Some(cohort) = fleet.cohort(&finding.cohort).filter(|cohort| cohort.level(Signal::Devices) > 0) else {
            return false;
        };
        if !self.tracks.iter().any(|track| track.name == finding.cohort && track.symptom == symptom) {
            let name = finding.cohort.clone();
            self.tracks.push(Track {
                symptom,
                key: cohort.key,
                name,
                expected: finding.expected,
                bad_s: 0,
                good_s: 0,
                raised: true,
            });
        }
        true
    }

    /// Whether our own link has been up long enough for anything to be judged.
    pub fn is_settled(&self, now: At) -> bool {
        self.live_since.is_some_and(|since| now.since_s(since) >= SETTLE_S)
    }

    /// Looks at every cohort. To be called once a second.
    pub fn examine(&mut self, fleet: &Fleet, now: At) -> Vec<Change> {
        if !self.is_settled(now) {
            return Vec::new();
        }
        let mut changes = Vec::new();
        for symptom in Symptom::ALL {
            self.follow(fleet, symptom, &mut changes);
            self.search(fleet, symptom, now, &mut changes);
        }
        changes
    }

    /// Looks again at what is raised, and clears what has been well for a minute.
    fn follow(&mut self, fleet: &Fleet, symptom: Symptom, changes: &mut Vec<Change>) {
        for track in self.tracks.iter_mut().filter(|t| t.symptom == symptom && t.raised) {
            let still = fleet.cohorts().find(&track.key).and_then(|cohort| {
                let now = Evidence::against(symptom, cohort, track.expected)?;
                Some(now.affected >= MINIMUM_AFFECTED / 2.0 && now.deviation() >= now.margin() / 2.0)
            });
            track.good_s = if still == Some(true) { 0 } else { track.good_s + 1 };
        }
        self.tracks.retain(|track| {
            let well = track.symptom == symptom && track.raised && track.good_s >= CLEAR_AFTER_S;
            if well {
                changes.push(Change::Cleared { signal: symptom.signal(), cohort: track.name.clone() });
            }
            !well
        });
    }

    /// Finds new deviations: of all cohorts that deviate, the one that holds the most of it in the fewest devices, then
    /// the next one that it does not explain.
    fn search(&mut self, fleet: &Fleet, symptom: Symptom, now: At, changes: &mut Vec<Change>) {
        let mut suspects: Vec<(&Cohort, Evidence)> = fleet
            .cohorts()
            .iter()
            .filter(|cohort| cohort.level(Signal::Devices) >= MINIMUM_SAMPLE && !cohort.key.is_leftover())
            .filter_map(|cohort| Some((cohort, Evidence::gather(symptom, cohort, fleet)?)))
            .filter(|(_, evidence)| evidence.affected >= MINIMUM_AFFECTED && evidence.deviation() >= evidence.margin())
            .collect();
        suspects.sort_by(|a, b| b.1.weight().total_cmp(&a.1.weight()).then_with(|| a.0.key.cmp(&b.0.key)));

        let mut explained: Vec<Key> =
            self.tracks.iter().filter(|t| t.symptom == symptom && t.raised).map(|t| t.key).collect();
        let mut seen = Vec::new();
        for (cohort, evidence) in suspects {
            if evidence::is_explained(symptom, &cohort.key, &explained, fleet, &evidence) {
                continue;
            }
            explained.push(cohort.key);
            seen.push(cohort.key);
            let track = self.track(fleet, symptom, cohort, &evidence);
            track.bad_s += 1;
            if !track.raised && track.bad_s >= RAISE_AFTER_S {
                track.raised = true;
                changes.push(Change::Raised(evidence.finding(cohort, track.name.clone(), now)));
            }
        }
        self.tracks.retain(|track| track.symptom != symptom || track.raised || seen.contains(&track.key));
    }

    fn track(&mut self, fleet: &Fleet, symptom: Symptom, cohort: &Cohort, evidence: &Evidence) -> &mut Track {
        let at = self.tracks.iter().position(|track| track.symptom == symptom && track.key == cohort.key);
        let at = at.unwrap_or_else(|| {
            let (key, name) = (cohort.key, fleet.cohort_key(&cohort.key));
            self.tracks.push(Track {
                symptom,
                key,
                name,
                expected: evidence.expected,
                bad_s: 0,
                good_s: 0,
                raised: false,
            });
            self.tracks.len() - 1
        });
        &mut self.tracks[at]
    }
}

#[cfg(test)]
mod tests;
