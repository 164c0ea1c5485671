//! The watch: every symptom of every cohort that is large enough, looked at every five seconds.
//!
//! A cohort is held against its own past and against the rest of the fleet at the same time: where the rest does the
//! same, it is not the cohort that is odd. Only the fleet as a whole has nothing but its past.

use super::rhythm::Rhythm;
use super::stream::{Control, LOOK_S, Learning, Presence, Stream};
use super::{MINIMUM_SAMPLE, evidence};
use crate::domain::symptom::Symptom;
use crate::domain::time::At;
use crate::fleet::Fleet;
use crate::fleet::cohorts::{Cohort, CohortIx, Cohorts, Key};

/// A healthy fleet may raise one false alarm in so many looks: a week of them.
const BUDGET_LOOKS: f32 = (7 * 86_400 / LOOK_S) as f32;
/// Looks at a symptom before it is judged, and reports of an average device meanwhile: what is usual must have been seen.
const LEARN_LOOKS: u32 = 12;
const LEARN_REPORTS: f64 = 1.0;
/// The rest of the fleet must have so many devices to be held against.
const REST: u32 = 30;

/// One cohort under watch.
#[derive(Debug)]
struct Post {
    key: Key,
    streams: Box<[Stream; Symptom::COUNT]>,
    presence: Presence,
    /// What was new at this look, of each symptom.
    new: [f32; Symptom::COUNT],
}

/// A cohort in which a symptom has risen beyond chance.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rise {
    pub(super) cohort: CohortIx,
    pub(super) symptom: Symptom,
    /// The share of devices (in a minute, where it is something that happens) that is usual.
    pub(super) usual: f32,
    /// Devices beyond the usual, times their share: many devices and a large part of the cohort.
    pub(super) weight: f32,
    /// Seconds since it began, and within how many that is known.
    pub(super) began_s: i64,
    pub(super) within_s: i64,
}

/// All cohorts under watch.
#[derive(Debug, Default)]
pub(super) struct Watch {
    posts: Vec<Option<Post>>,
    look: u32,
    /// When each symptom could be seen for the first time, in looks.
    visible: [Option<u32>; Symptom::COUNT],
    rhythm: Rhythm,
}

impl Watch {
    /// Reads the counters without judging: after a gap, what came in between is nobody's evidence.
    pub(super) fn resume(&mut self, fleet: &Fleet) {
        for post in self.posts.iter_mut().flatten() {
            if let Some(cohort) = fleet.cohorts().find(&post.key) {
                for symptom in Symptom::ALL {
                    post.streams[symptom as usize].read(cohort.shown()[symptom as usize]);
                }
            }
        }
    }

    /// Forgets the evidence of a symptom: what it was about is over.
    pub(super) fn forget(&mut self, symptom: Symptom) {
        for post in self.posts.iter_mut().flatten() {
            if symptom == Symptom::Offline {
                post.presence.forget();
            } else {
                post.streams[symptom as usize].forget();
            }
        }
    }

    /// The share of the fleet that usually shows a symptom in a census.
    pub(super) fn usual(&self, symptom: Symptom) -> f64 {
        let Some(whole) = self.posts.first().and_then(Option::as_ref) else { return 0.0 };
        let rate = match symptom {
            Symptom::Offline => whole.presence.fleet_share(),
            symptom => whole.streams[symptom as usize].fleet_rate(),
        };
        evidence::expected(symptom, rate, 1).into()
    }

    /// Whether a symptom has been seen for long enough to be judged. What shows only in comparison with earlier reports
    /// cannot be seen before there are some.
    fn may_judge(&mut self, symptom: Symptom, reports: f64) -> bool {
        let n = symptom as usize;
        if self.visible[n].is_none() && reports >= reports_needed(symptom) {
            self.visible[n] = Some(self.look);
            for post in self.posts.iter_mut().flatten() {
                post.streams[n].begin();
            }
        }
        let learnt = reports >= reports_needed(symptom) + LEARN_REPORTS || reports_needed(symptom) == 0.0;
        learnt && self.visible[n].is_some_and(|look| self.look - look >= LEARN_LOOKS)
    }

    /// Looks at every cohort. `held` says about which symptoms alerts are open: of these
    /// nothing is learnt meanwhile.
    pub(super) fn look(&mut self, fleet: &Fleet, now: At, held: impl Fn(Symptom) -> bool) -> Vec<Rise> {
        self.look += 1;
        let cohorts = fleet.cohorts();
        self.read(cohorts);
        let reports = fleet.reports() as f64 / f64::from(cohorts.fleet().devices().max(1));
        let judged = Symptom::ALL.map(|symptom| self.may_judge(symptom, reports));
        let Some(whole) = self.posts.first().and_then(Option::as_ref) else { return Vec::new() };
        let whole_devices = cohorts.fleet().devices();
        let fleet_share = whole.presence.fleet_share();
        let fleet_away = cohorts.fleet().away();
        let recent: Vec<(f32, f32)> = whole.streams.iter().map(|s| (s.recent, s.expected)).collect();
        let rates: Vec<f32> = whole.streams.iter().map(Stream::fleet_rate).collect();
        let posts = self.posts.iter().flatten().count();
        let threshold = BUDGET_LOOKS.ln() + (posts as f32 * Symptom::COUNT as f32 * 3.0).ln();
        let mut rises = Vec::new();
        for (place, post) in self.posts.iter_mut().enumerate().filter_map(|(place, p)| Some((place, p.as_mut()?))) {
            let cohort = cohorts.get(CohortIx(place as u32));
            let devices = cohort.devices();
            let is_fleet = CohortIx(place as u32) == Cohorts::FLEET;
            let has_rest = !is_fleet && whole_devices.saturating_sub(devices) >= REST;
            for symptom in Symptom::ALL {
                let judges = judged[symptom as usize];
                let learning = match (judges, held(symptom)) {
                    (false, _) => Learning::All,
                    (true, true) => Learning::Nothing,
                    (true, false) => Learning::Usual,
                };
                if symptom == Symptom::Offline {
                    let usual = if is_fleet { fleet_share } else { post.presence.share(devices, fleet_share) };
                    let rise = if has_rest {
                        let rest = whole_devices - devices;
                        let away = fleet_away.saturating_sub(cohort.away());
                        rise(away as f32, rest as f32 * fleet_share)
                    } else {
                        1.0
                    };
                    let usual = (usual * rise).min(0.9);
                    post.presence.weigh(self.look, cohort.away(), devices, usual, learning);
                    if judges && post.presence.evidence() >= threshold {
                        let began_s = i64::from(self.look - post.presence.since()) * LOOK_S;
                        rises.push(Rise {
                            cohort: CohortIx(place as u32),
                            symptom,
                            usual,
                            weight: weight(cohort.away() as f32 - usual * devices as f32, devices),
                            began_s,
                            within_s: LOOK_S,
                        });
                    }
                    continue;
                }
                let (n, stream) = (symptom as usize, &mut post.streams[symptom as usize]);
                let control = if is_fleet {
                    Control { rate: self.rhythm.usual(symptom, now, rates[n]), rise: 1.0 }
                } else {
                    let (seen, expected) = (recent[n].0 - stream.recent, recent[n].1 - stream.expected);
                    Control {
                        rate: rates[n],
                        rise: if has_rest { rise(seen.max(0.0), expected.max(0.0)) } else { 1.0 },
                    }
                };
                let usual = if is_fleet { control.rate } else { stream.rate(control.rate) };
                stream.weigh(self.look, post.new[n], devices, usual, control.rise, learning);
                if is_fleet && judges && learning == Learning::Usual {
                    self.rhythm.learn(symptom, now, post.new[n], devices as f32 * LOOK_S as f32 / 60.0);
                }
                if judges && stream.evidence() >= threshold {
                    let began_s = i64::from(self.look - stream.since()) * LOOK_S;
                    // The seconds between two devices that show it: the first may have been missed by a few of them.
                    let apart_s = began_s.max(LOOK_S) as f32 / stream.recent.max(1.0);
                    rises.push(Rise {
                        cohort: CohortIx(place as u32),
                        symptom,
                        usual: usual * control.rise,
                        weight: weight(stream.recent - stream.expected, devices),
                        began_s,
                        within_s: LOOK_S.max((3.0 * apart_s) as i64),
                    });
                }
            }
        }
        rises
    }

    /// Reads every counter; cohorts that have come are watched, those that have gone or shrunk are not.
    fn read(&mut self, cohorts: &Cohorts) {
        let mut alive = vec![false; self.posts.len()];
        for (place, cohort) in cohorts.places() {
            let at = place.0 as usize;
            let is_watched = cohort.devices() >= MINIMUM_SAMPLE && !cohort.key.is_leftover() || place == Cohorts::FLEET;
            if !is_watched {
                continue;
            }
            if self.posts.len() <= at {
                self.posts.resize_with(at + 1, || None);
                alive.resize(at + 1, false);
            }
            alive[at] = true;
            let slot = &mut self.posts[at];
            if slot.as_ref().is_none_or(|post| post.key != cohort.key) {
                *slot = Some(Post::new(cohort));
            }
            if let Some(post) = slot {
                for (n, counter) in cohort.shown().iter().enumerate() {
                    post.new[n] = post.streams[n].read(*counter);
                }
            }
        }
        self.posts.iter_mut().zip(alive).filter(|(_, alive)| !alive).for_each(|(post, _)| *post = None);
    }
}

impl Post {
    fn new(cohort: &Cohort) -> Self {
        let streams = cohort.shown().map(Stream::new);
        Self { key: cohort.key, streams: Box::new(streams), presence: Presence::default(), new: [0.0; Symptom::COUNT] }
    }
}

/// Reports that an average device must have sent before a symptom can show at all.
const fn reports_needed(symptom: Symptom) -> f64 {
    match symptom {
        Symptom::Silent | Symptom::Flooding | Symptom::Queueing | Symptom::Draining | Symptom::Disordered => 3.0,
        Symptom::Malformed => 7.0,
        Symptom::Implausible | Symptom::Stuck => 10.0,
        _ => 0.0,
    }
}

/// How many times more than expected: at least 1, and near it where the numbers are small.
fn rise(seen: f32, expected: f32) -> f32 {
    ((seen + 2.0) / (expected + 2.0)).max(1.0)
}

fn weight(beyond: f32, devices: u32) -> f32 {
    let beyond = beyond.max(0.0);
    beyond * (beyond / devices.max(1) as f32).min(1.0)
}
