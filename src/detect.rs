//! Detection: which devices are not as they should be, since when, and what that looks like.
//!
//! Pure: it reads the fleet's numbers and the time it is given. The interface is [`Detector::examine`], once a second. It
//! proposes; it never declares an incident.
//!
//! Three steps. [`watch`] holds every symptom of every cohort against its past and against the rest of the fleet, and says
//! where it rises beyond chance. [`attribution`] then looks for the fewest attribute values that explain the devices
//! that show it. What comes out is a [`causes::Cause`], which is one alert, whatever it makes its devices do.

pub mod accepted;
pub mod attribution;
mod causes;
pub mod census;
mod days;
mod evidence;
pub mod level;
pub mod probes;
mod rhythm;
pub mod rules;
mod stream;
pub mod suspects;
pub mod verdict;
mod watch;

use attribution::Condition;
use causes::Cause;
use census::{Census, key_conditions};
use suspects::{Breadth, Suspect};
use watch::{Rise, Watch};

use crate::domain::alert::{Alert, Finding};
use crate::domain::cohort::CohortKey;
use crate::domain::signal::Signal;
use crate::domain::symptom::Symptom;
use crate::domain::time::At;
use crate::fleet::Fleet;

/// Devices a cohort needs before anything is said about it. Of thirty, eight are a quarter.
pub const MINIMUM_SAMPLE: u32 = 30;
/// Devices that must be affected, and the share of the cohort: one device is never a mass event.
const MINIMUM_AFFECTED: f32 = 8.0;
const MINIMUM_SHARE: f32 = 0.002;
/// A cohort explains a symptom when its devices show it this many times as often as the others.
const LEAST_LIFT: f64 = 3.0;
/// While more than this share of the fleet shows a symptom, nothing shows it so much more often than the others: what is new
/// is looked for beside what alerts are open about.
const MASKED: f64 = 0.25;
/// Seconds after which devices that an earlier process knew, and this one has not heard, are given up.
pub const UNHEARD_S: i64 = 86_400;
/// Seconds after our own link came up in which nothing is judged: the fleet is still being filled.
const SETTLE_S: i64 = 30;
/// Looks that are made at once, at most, to make up for those that were missed.
const MOST_LOOKS: i64 = 12;
/// Seconds of listening before everything is judged: what is usual must have been seen. Who is away is judged sooner.
pub const JUDGES_AFTER_S: i64 = SETTLE_S + watch::LEARN_LOOKS as i64 * stream::LOOK_S;
/// Looks in a row with the same answer before an alert is raised, and before one more about a symptom that has one; and
/// looks after which an answer that wavers is as good as it gets.
const STEADY: u32 = 2;
const STEADY_BESIDE: u32 = 6;
const WAVERING: u32 = 4;
/// Looks for which few of all, or of what most of the fleet is, must be away, and the share that is not few: what they
/// share may show, and who is given another firmware comes back with it.
const STEADY_VAGUE: u32 = 18;
const NOT_FEW: f32 = 0.05;

/// What changed in the detector's opinion.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    Raised(Finding),
    /// The devices of an open alert, known by its signal and cohort, also do something else.
    Grew {
        signal: Signal,
        cohort: CohortKey,
        also: Finding,
    },
    Cleared {
        signal: Signal,
        cohort: CohortKey,
    },
}

/// An answer that is not steady yet.
#[derive(Clone, Debug)]
struct Pending {
    symptom: Symptom,
    conditions: Vec<Condition>,
    looks: u32,
    /// Looks since there has been any answer about the symptom.
    wavered: u32,
    fresh: bool,
}

/// The detector and what it is watching.
#[derive(Debug, Default)]
pub struct Detector {
    watch: Watch,
    causes: Vec<Cause>,
    pending: Vec<Pending>,
    looked: Option<At>,
    /// Since when our own link has been up.
    live_since: Option<At>,
}

impl Detector {
    /// Tells whether our own link is up. A gap of our own is not a mass disconnect.
    pub fn link(&mut self, up: bool, at: At) {
        self.live_since = up.then_some(self.live_since.unwrap_or(at));
    }

    /// Takes up an alert that was open when the room was last closed, so that it can clear.
    ///
    /// False where none of its devices has been heard of, so that it cannot be watched.
    pub fn resume(&mut self, fleet: &Fleet, alert: &Alert) -> bool {
        let Some(cause) = Cause::resumed(fleet, alert) else { return false };
        let counted = Census::take(fleet, 0);
        if counted.count(&cause.conditions, Symptom::Offline).0 == 0 {
            return false;
        }
        if !self.causes.iter().any(|known| known.is(alert.finding.signal, &alert.finding.cohort)) {
            self.causes.push(cause);
        }
        true
    }

    /// Drops what an alert is about: its devices are left out of account from now on.
    pub fn drop(&mut self, fleet: &Fleet, signal: Signal, cohort: &CohortKey) {
        let Some(place) = self.causes.iter().position(|cause| cause.is(signal, cohort)) else { return };
        let cause = self.causes.swap_remove(place);
        let counted = Census::take(fleet, 0);
        Symptom::of_bits(cause.symptoms()).for_each(|symptom| self.watch.leave_out(&counted, symptom));
    }

    /// Whether our own link has been up long enough for anything to be judged.
    pub fn is_settled(&self, now: At) -> bool {
        self.live_since.is_some_and(|since| now.since_s(since) >= SETTLE_S)
    }

    /// The symptoms that open alerts are about, a bit each.
    fn symptoms(&self) -> u32 {
        self.causes.iter().fold(0, |bits, cause| bits | cause.symptoms())
    }

    /// Who is suspected of what an open alert is about, and how its devices are spread; none where there is no such alert.
    /// `known` is who was suspected before.
    pub fn suspects(
        &self,
        fleet: &Fleet,
        signal: Signal,
        cohort: &CohortKey,
        known: Option<&CohortKey>,
    ) -> Option<(Vec<Suspect>, Breadth)> {
        let cause = self.causes.iter().find(|cause| cause.is(signal, cohort))?;
        let symptoms = cause.symptoms();
        let usual = Symptom::ALL.into_iter().filter(|s| symptoms & s.bit() != 0).map(|s| self.watch.usual(s)).sum();
        // Whom another open alert is about already is not to blame for this one too.
        let others = self.causes.iter().filter(|other| other.symptoms() & symptoms != 0 && !other.is(signal, cohort));
        let taken: Vec<&[Condition]> =
            others.map(|other| &other.conditions[..]).filter(|theirs| *theirs != cause.conditions).collect();
        let apart: Vec<_> = taken.iter().copied().filter(|theirs| causes::exclude(theirs, &cause.conditions)).collect();
        let (mut found, breadth) = suspects::find(fleet, symptoms, usual, &apart);
        if let Some(known) = known {
            suspects::stay_narrow(fleet, symptoms, known, &mut found);
        }
        let conditions = |suspect: &Suspect| census::conditions(fleet, &suspect.cohort).unwrap_or_default();
        let is_own = |suspect: &Suspect| !taken.contains(&&conditions(suspect)[..]);
        if found.iter().any(is_own) {
            found.retain(is_own);
        } else if !taken.is_empty() {
            // What others are away for masks it: it stands out beside them.
            let (beside, _) = suspects::find(fleet, symptoms, usual, &taken);
            found = if beside.is_empty() { found } else { beside };
        }
        // What it was raised about goes before what the same symptom is in as well.
        found.sort_by_key(|suspect| conditions(suspect) != cause.conditions);
        Some((found, breadth))
    }

    /// Looks at every cohort, every five seconds. To be called once a second.
    pub fn examine(&mut self, fleet: &Fleet, now: At) -> Vec<Change> {
        if !self.is_settled(now) {
            self.looked = None;
            self.pending.clear();
            return Vec::new();
        }
        let looks = self.looked.map_or(1, |looked| now.since_s(looked) / stream::LOOK_S);
        if looks == 0 {
            return Vec::new();
        }
        if self.looked.replace(now).is_none() {
            self.watch.resume(fleet);
        }
        let ill = self.symptoms();
        // A machine that is too slow looks seldom: what came in the meantime came in all of it.
        let mut rises = Vec::new();
        for _ in 0..looks.min(MOST_LOOKS) {
            rises = self.watch.look(fleet, now, |symptom| ill & symptom.bit() != 0);
        }
        if rises.is_empty() && self.causes.is_empty() {
            self.pending.clear();
            return Vec::new();
        }
        let counted = Census::take(fleet, ill);
        let mut changes = self.clear(&counted);
        let over = ill & !self.symptoms();
        for symptom in Symptom::ALL {
            // What is over was forgotten; how it had risen is no evidence any more.
            let is_fresh = |rise: &&Rise| rise.symptom == symptom && symptom.bit() & over == 0;
            let risen: Vec<&Rise> = rises.iter().filter(is_fresh).collect();
            if !risen.is_empty() {
                let beside = self.beside_causes(&counted, symptom);
                // What is new goes first: all that is away together would look like one thing that has grown.
                let is_new =
                    beside.is_some_and(|beside| self.judge_beside(fleet, &counted, &beside, &risen, now, &mut changes));
                if !is_new {
                    self.judge(fleet, &counted, &risen, now, &mut changes);
                }
            }
        }
        self.pending.retain_mut(|pending| std::mem::take(&mut pending.fresh));
        changes
    }

    /// Looks again at what is raised, and clears what has been well for a minute.
    fn clear(&mut self, counted: &Census) -> Vec<Change> {
        let mut changes = Vec::new();
        let watch = &mut self.watch;
        self.causes.retain_mut(|cause| {
            let over = cause.is_over(counted);
            if over {
                changes.push(cause.cleared());
                Symptom::ALL.into_iter().filter(|s| cause.has(*s)).for_each(|symptom| watch.forget(symptom));
            }
            !over
        });
        changes
    }

    /// The devices that no open alert is about, where so many others show a symptom that it masks what they do.
    fn beside_causes(&self, counted: &Census, symptom: Symptom) -> Option<Census> {
        let (devices, shown) = counted.count(&[], symptom);
        let masks = |cause: &&Cause| cause.has(symptom) && !cause.conditions.is_empty();
        if f64::from(shown) <= MASKED * f64::from(devices) || !self.causes.iter().any(|cause| masks(&cause)) {
            return None;
        }
        let mut beside = counted.clone();
        self.causes.iter().filter(masks).for_each(|cause| beside.set_aside(&cause.conditions));
        Some(beside)
    }

    /// Raises what the devices do that no open alert is about, once it is steady; whether there is such a thing.
    fn judge_beside(
        &mut self,
        fleet: &Fleet,
        counted: &Census,
        beside: &Census,
        risen: &[&Rise],
        now: At,
        changes: &mut Vec<Change>,
    ) -> bool {
        let (symptom, up_since) = (risen[0].symptom, self.live_since.unwrap_or(now));
        let mut is_new = false;
        for Risen { conditions, rise, usual } in explained(fleet, beside, risen, self.watch.usual(symptom)) {
            let is_enough = evidence::gather(fleet, beside, symptom, &conditions, usual).is_enough();
            if !is_enough || !causes::about(&mut self.causes, fleet, beside, &conditions, symptom).is_empty() {
                continue;
            }
            is_new = true;
            if steady(&mut self.pending, symptom, &conditions, STEADY_BESIDE) {
                // All devices of the cohort are told, whatever else some of them are away for.
                let evidence = evidence::gather(fleet, counted, symptom, &conditions, usual);
                self.causes.push(Cause::new(&evidence, &conditions));
                changes.push(Change::Raised(evidence.finding(fleet, rise, now, up_since)));
            }
        }
        is_new
    }

    /// Finds who shows a symptom that has risen, and raises what is new and steady.
    fn judge(&mut self, fleet: &Fleet, counted: &Census, risen: &[&Rise], now: At, changes: &mut Vec<Change>) {
        let (symptom, up_since) = (risen[0].symptom, self.live_since.unwrap_or(now));
        for Risen { conditions, rise, usual } in who(fleet, counted, risen, self.watch.usual(symptom)) {
            let evidence = evidence::gather(fleet, counted, symptom, &conditions, usual);
            if !evidence.is_enough() {
                continue;
            }
            let mut known = causes::about(&mut self.causes, fleet, counted, &conditions, symptom);
            if let [cause, others @ ..] = &mut known[..] {
                if !cause.has(symptom) && steady(&mut self.pending, symptom, &conditions, STEADY) {
                    let finding = evidence.clone().finding(fleet, rise, now, up_since);
                    changes.push(cause.add(&evidence, finding));
                } else if cause.has(symptom)
                    && steady(&mut self.pending, symptom, &conditions, STEADY_BESIDE)
                    // What holds the devices of two causes is the name of neither.
                    && others.is_empty()
                {
                    cause.moves_to(counted, conditions, symptom);
                }
                continue;
            }
            let beside = self.causes.iter().any(|cause| cause.has(symptom));
            let is_few = (evidence.affected as f32) < NOT_FEW * evidence.devices as f32;
            let of_most = 2 * evidence.devices > counted.devices();
            let looks = match symptom {
                Symptom::Offline if of_most && is_few => STEADY_VAGUE,
                _ if beside => STEADY_BESIDE,
                _ => STEADY,
            };
            if steady(&mut self.pending, symptom, &conditions, looks) {
                self.causes.push(Cause::new(&evidence, &conditions));
                changes.push(Change::Raised(evidence.finding(fleet, rise, now, up_since)));
            }
        }
    }
}

/// A cohort that explains a symptom.
struct Risen<'r> {
    conditions: Vec<Condition>,
    /// The rise that shows it best, in these devices or in others that most of them are.
    rise: &'r Rise,
    /// The share that is usual in the cohort itself, where it is watched: in a wave that has just begun the first that show
    /// it are a large share.
    usual: f32,
}

/// The cohorts that explain a symptom; where attributes explain nothing, the one in which most of it lies.
fn who<'r>(fleet: &Fleet, counted: &Census, risen: &[&'r Rise], usual: f64) -> Vec<Risen<'r>> {
    let explained = explained(fleet, counted, risen, usual);
    if !explained.is_empty() {
        return explained;
    }
    let Some(heaviest) = risen.iter().max_by(|a, b| a.weight.total_cmp(&b.weight)) else { return Vec::new() };
    // A cohort that nearly every device belongs to is the fleet by another name.
    let cohort = fleet.cohorts().get(heaviest.cohort);
    let is_fleet = ((counted.devices().saturating_sub(cohort.level(Signal::Devices))) as f32) < MINIMUM_AFFECTED;
    let conditions = if is_fleet { Vec::new() } else { key_conditions(&cohort.key) };
    vec![Risen { conditions, rise: heaviest, usual: heaviest.usual }]
}

/// The cohorts that explain a symptom among the devices counted.
fn explained<'r>(fleet: &Fleet, counted: &Census, risen: &[&'r Rise], usual: f64) -> Vec<Risen<'r>> {
    let of = |rise: &Rise| key_conditions(&fleet.cohorts().get(rise.cohort).key);
    let Some(symptom) = risen.first().map(|rise| rise.symptom) else { return Vec::new() };
    let found = counted.explain(symptom, usual);
    let only_fleet = risen.iter().all(|rise| of(rise).is_empty());
    // What is always so in some cohort has not risen in it: most of what has risen somewhere must be the cause's.
    let holds = |cause: &[Condition], rise: &Rise| {
        let risen = of(rise);
        if risen.is_empty() {
            return only_fleet;
        }
        let both: Vec<Condition> = cause.iter().chain(&risen).copied().collect();
        risen.iter().all(|condition| cause.contains(condition))
            || 2 * counted.count(&both, rise.symptom).1 > counted.count(&risen, rise.symptom).1
    };
    let causes = found.causes.iter().filter(|cause| found.is_explained() && counted.sets_apart(cause));
    let explained = causes.filter_map(|cause| {
        let own = risen.iter().filter(|rise| holds(&cause.conditions, rise));
        let rise = own.max_by(|a, b| a.weight.total_cmp(&b.weight))?;
        let itself = risen.iter().find(|rise| of(rise) == cause.conditions).unwrap_or(rise);
        Some(Risen { conditions: cause.conditions.clone(), rise, usual: itself.usual })
    });
    explained.collect()
}

/// Notes an answer; whether it has been the same for so many looks, or has wavered for long enough.
fn steady(pending: &mut Vec<Pending>, symptom: Symptom, conditions: &[Condition], looks: u32) -> bool {
    // Once a look, however many answers it has.
    let own = pending.iter().filter(|p| p.symptom == symptom);
    let wavered = own.map(|p| p.wavered + u32::from(!p.fresh)).max().unwrap_or(1);
    let known = pending.iter_mut().find(|p| p.symptom == symptom && p.conditions == conditions);
    let seen = match known {
        Some(known) => {
            known.looks += 1;
            (known.wavered, known.fresh) = (wavered, true);
            known.looks
        }
        None => {
            pending.push(Pending { symptom, conditions: conditions.to_vec(), looks: 1, wavered, fresh: true });
            1
        }
    };
    seen >= looks || wavered >= looks + WAVERING
}

#[cfg(test)]
mod tests;
