//! The evidence of an alert in numbers and in one line of plain words.

use super::census;
use super::watch::Rise;
use super::{MINIMUM_AFFECTED, MINIMUM_SHARE, SETTLE_S};
use crate::domain::alert::{BEGAN_BEFORE, Finding};
use crate::domain::cohort::CohortKey;
use crate::domain::share::percent;
use crate::domain::symptom::Symptom;
use crate::domain::time::At;
use crate::fleet::cohorts::Cohort;
use crate::fleet::{Drift, Fleet};

/// Minutes of symptoms that a census counts, on average.
pub(super) const CENSUS_MIN: f32 = 4.5;
/// Seconds back in which an onset is looked for.
const ONSET_S: usize = 900;
/// A wave that began longer ago than this is no news.
const WAVE_S: i64 = 6 * 3_600;

/// A cohort in which devices show a symptom beyond what is usual.
#[derive(Clone, Debug)]
pub(super) struct Evidence {
    pub(super) symptom: Symptom,
    pub(super) cohort: CohortKey,
    pub(super) devices: u32,
    pub(super) affected: u32,
    /// The usual share, in a minute where it is something that happens.
    pub(super) usual: f32,
    /// Devices that a rollout has started, where only those can show it.
    pub(super) started: Option<u32>,
}

impl Evidence {
    /// Devices that would show the symptom if nothing were wrong.
    pub(super) fn expected(&self) -> f32 {
        expected(self.symptom, self.usual, self.devices)
    }

    /// Whether it is so many devices beyond the usual that it is worth an alert.
    pub(super) fn is_enough(&self) -> bool {
        let least = MINIMUM_AFFECTED.max(MINIMUM_SHARE * self.devices as f32);
        self.affected as f32 - self.expected() >= least
    }

    /// The finding to raise; `rise` is where it shows most clearly. Our link has been up since `up_since`.
    pub(super) fn finding(self, fleet: &Fleet, rise: &Rise, now: At, up_since: At) -> Finding {
        let seen = fleet.cohorts().get(rise.cohort);
        let hush = fleet.hushed().filter(|_| self.symptom == Symptom::Silent);
        let began_s = match (self.symptom, hush) {
            (Symptom::Offline, _) => onset_back(seen, rise.usual).map_or(rise.began_s, |back| back as i64),
            (_, Some((silent_s, _))) => silent_s.into(),
            _ => rise.began_s,
        };
        let mut onset = now.plus_s(-began_s);
        // A coarse history ends with a whole minute, which may have begun before there was anything to see.
        if onset < up_since && seen.present_share_back(began_s as usize + 1).is_none() {
            onset = up_since;
        }
        let began_before = (0..SETTLE_S).contains(&onset.since_s(up_since));
        let share = |n: f32| (f64::from(n) / f64::from(self.devices.max(1))).clamp(0.0, 1.0);
        let usually = self.expected();
        let (observed, expected) = (share(self.affected as f32), share(usually));
        let (observed, expected) = match self.symptom {
            // Of these, people ask how many are there.
            Symptom::Offline => (1.0 - observed, 1.0 - expected),
            _ => (observed, expected),
        };
        let mut evidence = match hush {
            Some((silent_s, longest_s)) => format!(
                "nobody of {} devices heard for {silent_s} s; the longest pause before was {longest_s} s",
                self.devices
            ),
            None => self.words(observed, expected),
        };
        if let Some(told) = self.drift(fleet).or_else(|| self.odd(fleet)) {
            evidence = format!("{evidence}; {told}");
        }
        if began_before {
            evidence = format!("{evidence}; {BEGAN_BEFORE}");
        }
        if let Some(wave) = after_wave(fleet, &self.cohort, onset) {
            evidence = format!("{evidence}; {wave}");
        }
        Finding {
            signal: self.symptom.signal(),
            cohort: self.cohort,
            onset,
            onset_within_s: rise.within_s as u32,
            began_before,
            observed,
            expected,
            sample: self.devices,
            affected: (self.affected as f32 - usually).max(0.0).round() as u32,
            evidence,
        }
    }

    /// What has drifted, and from where: `fix_s 61.2, before 29.8 to 30.4 (others 30.1)`.
    fn drift(&self, fleet: &Fleet) -> Option<String> {
        let conditions = census::conditions(fleet, &self.cohort).filter(|_| self.symptom == Symptom::Drifting)?;
        let is_own = |ix| census::holds(&conditions, fleet.vector(fleet.devices().get(ix).group));
        let Drift { name, now, before, others } = fleet.drift(is_own)?;
        let (low, high) = before;
        Some(format!("{name} {now:.1}, before {low:.1} to {high:.1} (others {others:.1})"))
    }

    /// What is implausible, and what it should be: `temperature 81.2, at most 60`, or `temperature 81.2, usually 21.4`.
    fn odd(&self, fleet: &Fleet) -> Option<String> {
        let conditions = census::conditions(fleet, &self.cohort).filter(|_| self.symptom == Symptom::Implausible)?;
        let is_own = |ix| census::holds(&conditions, fleet.vector(fleet.devices().get(ix).group));
        Some(fleet.odd(is_own)?.to_string())
    }

    fn words(&self, observed: f64, expected: f64) -> String {
        let expected_n = self.expected();
        match self.symptom {
            Symptom::Offline => format!(
                "online {}, expected {}: {} of {} devices missing",
                percent(observed),
                percent(expected),
                self.affected,
                self.devices
            ),
            symptom => {
                let usual = if expected_n < 0.95 { "hardly any".into() } else { format!("{expected_n:.0}") };
                let started = self.started.filter(|started| *started < self.devices);
                let started = started.map(|n| format!(", {n} were started")).unwrap_or_default();
                format!("{} of {} devices {}{started}; usually {usual}", self.affected, self.devices, symptom.words())
            }
        }
    }
}

/// Devices that usually show a symptom in a census.
pub(super) fn expected(symptom: Symptom, usual: f32, devices: u32) -> f32 {
    match symptom {
        Symptom::Offline => usual * devices as f32,
        _ => (usual * CENSUS_MIN).min(1.0) * devices as f32,
    }
}

/// The usual share of which so many devices show a symptom in a census: the reverse.
pub(super) fn usual_of(symptom: Symptom, share: f32) -> f32 {
    match symptom {
        Symptom::Offline => share,
        _ => share / CENSUS_MIN,
    }
}

/// Seconds back to where a cohort began to be away: a quarter of what it is now, and no return since.
fn onset_back(cohort: &Cohort, usual: f32) -> Option<usize> {
    let away = |back: usize| cohort.present_share_back(back).map(|share| 1.0 - share - f64::from(usual));
    let now = away(0)?;
    (0..ONSET_S).take_while(|back| away(*back).is_some_and(|away| away > now / 4.0)).last()
}

/// `3 min after wave 2 of fw-3.2.5`, where one had begun that may have brought it.
pub(super) fn after_wave(fleet: &Fleet, cohort: &CohortKey, onset: At) -> Option<String> {
    let concerns = |target: &str| cohort.get("firmware").is_none_or(|firmware| firmware == target);
    let begun = fleet.campaigns().iter().filter(|campaign| concerns(&campaign.target)).flat_map(|campaign| {
        campaign.waves.iter().filter_map(|wave| Some((onset.after_s(wave.started?), wave.wave, &campaign.id)))
    });
    // An onset is not known to the second.
    let (since_s, wave, id) = begun.filter(|(since_s, ..)| (-60..WAVE_S).contains(since_s)).min()?;
    let since = match since_s {
        s if s < 60 => "moments".into(),
        s => format!("{} min", s / 60),
    };
    Some(format!("{since} after wave {wave} of {id}"))
}

/// The devices of a cohort, and how many show a symptom.
pub(super) fn gather(
    fleet: &Fleet,
    counted: &census::Census,
    symptom: Symptom,
    conditions: &[super::attribution::Condition],
    usual: f32,
) -> Evidence {
    let (devices, affected) = counted.count(conditions, symptom);
    let started = symptom.is_of_updates().then(|| counted.started(conditions, symptom));
    Evidence { symptom, cohort: census::cohort(fleet, conditions), devices, affected, usual, started }
}
