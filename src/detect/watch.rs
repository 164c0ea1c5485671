//! The watch: every symptom of every cohort that is large enough, looked at every five seconds.
//!
//! A cohort is held against its own past and against the rest of the fleet at the same time: where the rest does the
//! same, it is not the cohort that is odd. Only the fleet as a whole has nothing but its past.

use super::accepted::Away;
use super::census::{Census, key_conditions};
use super::days::Days;
use super::rhythm::Rhythm;
use super::stream::{LOOK_S, Learning, Presence, Stream};
use super::{MINIMUM_SAMPLE, census, evidence};
use crate::domain::observation::AttributeIx;
use crate::domain::symptom::Symptom;
use crate::domain::time::At;
use crate::fleet::Fleet;
use crate::fleet::cohorts::{Cohort, CohortIx, Cohorts, Grouping, Key};

/// A healthy fleet may raise one false alarm in so many looks: a week of them.
const BUDGET_LOOKS: f32 = (7 * 86_400 / LOOK_S) as f32;
/// Looks at a symptom before it is judged, and reports of an average device meanwhile: what is usual must have been seen.
pub(super) const LEARN_LOOKS: u32 = 12;
const LEARN_REPORTS: f64 = 1.0;
/// Devices that a wave, or a pair that was named, must have to be watched.
const FEW_CANARIES: u32 = 10;
/// The rest of the fleet must have so many devices to be held against.
const REST: u32 = 30;

/// What half of a cohort never does by habit: a value is held against its limits, and the device's own past.
const NO_HABIT: Symptom = Symptom::Implausible;

/// Looks in a minute.
const LOOKS_A_MINUTE: u32 = (60 / LOOK_S) as u32;
/// Weight of a minute in how lasting a symptom is, devices that say nothing of it yet, and the least that it can be: a
/// census goes over some minutes.
const SLOWLY: f32 = 0.1;
const FEW: f32 = 5.0;
const LEAST_LASTING: f32 = 0.2;
const MOST_LASTING: f32 = 1.5;

/// One cohort under watch.
#[derive(Debug)]
struct Post {
    key: Key,
    streams: Box<[Stream; Symptom::COUNT]>,
    presence: Presence,
    days: Days,
    /// What was new at this look, of each symptom.
    new: [f32; Symptom::COUNT],
    /// It has too few devices just now to be judged, as in maintenance; what is known of it is kept.
    rests: bool,
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
#[derive(Debug)]
pub(super) struct Watch {
    posts: Vec<Option<Post>>,
    look: u32,
    /// When each symptom could be seen for the first time, in looks, and whether it is known what is usual of it.
    visible: [Option<u32>; Symptom::COUNT],
    learnt: [bool; Symptom::COUNT],
    rhythm: Rhythm,
    /// How many devices a census counts of each symptom, as a share of what it would if each minute's were others.
    lasting: [f32; Symptom::COUNT],
}

impl Default for Watch {
    fn default() -> Self {
        let lasting = [1.0; Symptom::COUNT];
        let (visible, learnt) = ([None; Symptom::COUNT], [false; Symptom::COUNT]);
        Self { posts: Vec::new(), look: 0, visible, learnt, rhythm: Rhythm::default(), lasting }
    }
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

    /// Forgets the evidence of a symptom where most devices that show it are left out of account from now on.
    pub(super) fn leave_out(&mut self, counted: &Census, symptom: Symptom) {
        for post in self.posts.iter_mut().flatten() {
            let conditions = key_conditions(&post.key);
            if counted.left_out(&conditions, symptom) < counted.count(&conditions, symptom).1 {
                continue;
            }
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
            symptom => whole.streams[symptom as usize].fleet_rate() * self.lasting[symptom as usize].min(1.0),
        };
        evidence::expected(symptom, rate, 1).into()
    }

    /// Whether a symptom has been seen for long enough to be judged. What shows only in comparison with earlier reports
    /// cannot be seen before there are some. Once it has, it has: devices that come later are like those before.
    fn may_judge(&mut self, symptom: Symptom, needed: f64, reports: f64) -> bool {
        let n = symptom as usize;
        if self.learnt[n] {
            return true;
        }
        if self.visible[n].is_none() && reports >= needed {
            self.visible[n] = Some(self.look);
            for post in self.posts.iter_mut().flatten() {
                post.streams[n].begin();
            }
        }
        let is_seen = reports >= needed + LEARN_REPORTS || needed == 0.0;
        self.learnt[n] = is_seen && self.visible[n].is_some_and(|look| self.look - look >= LEARN_LOOKS);
        self.learnt[n]
    }

    /// Looks at every cohort. `held` says about which symptoms alerts are open: of these
    /// nothing is learnt meanwhile.
    pub(super) fn look(&mut self, fleet: &Fleet, now: At, held: impl Fn(Symptom) -> bool) -> Vec<Rise> {
        self.look += 1;
        let cohorts = fleet.cohorts();
        self.read(fleet);
        let reports = fleet.typical_reports();
        let needed = |symptom| reports_needed(symptom, fleet.counts_errors());
        let judged = Symptom::ALL.map(|symptom| self.may_judge(symptom, needed(symptom), reports));
        let away = Away::of(fleet);
        let Some(whole) = self.whole(cohorts, &away, now) else { return Vec::new() };
        if self.look.is_multiple_of(LOOKS_A_MINUTE) {
            self.learn_lasting(fleet, &whole, &held);
        }
        let lasting = self.lasting.map(|share| share.min(1.0));
        let mut rises = Vec::new();
        let number = self.look;
        let look_at = |place: usize, post: &Post| {
            PostLook::new(number, CohortIx(place as u32), cohorts, away.within(&post.key), &whole)
        };
        let mut posts = self.posts.iter().enumerate().filter_map(|(place, post)| Some((place, post.as_ref()?)));
        let broken = !judged[NO_HABIT as usize]
            && posts.any(|(place, post)| !post.rests && look_at(place, post).breaks_habit(post));
        let watched = self.posts.iter_mut().enumerate().filter_map(|(place, post)| Some((place, post.as_mut()?)));
        for (place, post) in watched.filter(|(_, post)| !post.rests) {
            let post_look = look_at(place, post);
            for symptom in Symptom::ALL {
                let is_broken = broken && symptom == NO_HABIT;
                let tells = post_look.tells_at_once(symptom) || is_broken && post_look.breaks_habit(post);
                let judges = judged[symptom as usize] || tells;
                let learning = match (judges, held(symptom)) {
                    (true, true) => Learning::Nothing,
                    (true, false) => Learning::Usual,
                    // What is no habit of one cohort is none of the fleet's, or of others that its devices are in.
                    (false, _) if is_broken => Learning::Nothing,
                    (false, _) => Learning::All,
                };
                let risen = match symptom {
                    Symptom::Offline => post.weigh_presence(&post_look, learning),
                    _ => {
                        let usual = post.usual(symptom, &post_look, now);
                        post.weigh_stream(symptom, &post_look, usual, learning)
                    }
                };
                if post_look.is_fleet() && symptom != Symptom::Offline && learning == Learning::Usual {
                    self.rhythm.learn(symptom, now, post.new[symptom as usize], post_look.minutes());
                }
                // From here on it is about what a census counts.
                let in_census = |rise: Rise| Rise { usual: rise.usual * lasting[symptom as usize], ..rise };
                rises.extend(risen.filter(|_| judges).map(in_census));
            }
            post.days.learn(now, &post.new, LOOK_S as f32 / 60.0, post_look.devices);
        }
        rises
    }

    /// Learns of each symptom whether it is the same devices that show it minute after minute: some always complain.
    fn learn_lasting(&mut self, fleet: &Fleet, whole: &Whole, held: impl Fn(Symptom) -> bool) {
        let shown = census::showing_now(fleet);
        for symptom in Symptom::ALL {
            let n = symptom as usize;
            if symptom == Symptom::Offline || held(symptom) {
                continue;
            }
            let of_others = evidence::expected(symptom, whole.rates[n], whole.devices);
            let share = ((shown[n] as f32 + FEW) / (of_others + FEW)).clamp(LEAST_LASTING, MOST_LASTING);
            self.lasting[n] += SLOWLY * (share - self.lasting[n]);
        }
    }

    /// The whole fleet at this look; none before there is one.
    fn whole(&self, cohorts: &Cohorts, accepted: &Away<'_>, now: At) -> Option<Whole> {
        let post = self.posts.first().and_then(Option::as_ref)?;
        let rates = Symptom::ALL.map(|s| post.streams[s as usize].fleet_rate());
        let at_this_hour = |symptom: Symptom| {
            let daily = post.days.usual(symptom, now).unwrap_or(0.0);
            self.rhythm.usual(symptom, now, rates[symptom as usize]).max(daily)
        };
        let posts = self.posts.iter().flatten().filter(|post| !post.rests).count();
        Some(Whole {
            devices: cohorts.fleet().devices(),
            away: cohorts.fleet().away().saturating_sub(accepted.within(&post.key)),
            share: post.presence.fleet_share(),
            recent: Symptom::ALL.map(|s| (post.streams[s as usize].recent, post.streams[s as usize].expected)),
            unhabitual: post.unhabitual(),
            rates,
            usual: Symptom::ALL.map(at_this_hour),
            // Every symptom of every cohort has three rises that are looked for.
            threshold: BUDGET_LOOKS.ln() + (posts as f32 * Symptom::COUNT as f32 * 3.0).ln(),
        })
    }

    /// Reads every counter; cohorts that have come are watched, those that have gone are not, those that have shrunk rest.
    fn read(&mut self, fleet: &Fleet) {
        let (cohorts, wave) = (fleet.cohorts(), fleet.schema().find("wave"));
        let mut alive = vec![false; self.posts.len()];
        for (place, cohort) in cohorts.places() {
            let at = place.0 as usize;
            let is_large = cohort.devices() >= least_devices(cohort.key.grouping, wave);
            let is_watched = is_large && !cohort.key.is_leftover() || place == Cohorts::FLEET;
            let is_known =
                self.posts.get(at).is_some_and(|post| post.as_ref().is_some_and(|post| post.key == cohort.key));
            if !is_watched && !is_known {
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
                post.rests = !is_watched;
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
        Self {
            key: cohort.key,
            streams: Box::new(cohort.shown().map(Stream::new)),
            presence: Presence::default(),
            days: Days::default(),
            new: [0.0; Symptom::COUNT],
            rests: false,
        }
    }
}

/// The whole fleet at one look.
#[derive(Debug)]
struct Whole {
    devices: u32,
    away: u32,
    /// The share that is usually away.
    share: f32,
    /// What was seen of each symptom in the last minute or so, and what was expected.
    recent: [(f32, f32); Symptom::COUNT],
    /// What was seen of the one that is no habit, with what is new.
    unhabitual: f32,
    /// The rates of the last hour, and those that are usual at this one, in devices a minute and device.
    rates: [f32; Symptom::COUNT],
    usual: [f32; Symptom::COUNT],
    /// Evidence from which a cohort has risen.
    threshold: f32,
}

/// One cohort at one look, with the fleet that it is held against.
#[derive(Debug)]
struct PostLook<'a> {
    look: u32,
    cohort: CohortIx,
    devices: u32,
    away: u32,
    whole: &'a Whole,
}

impl<'a> PostLook<'a> {
    fn new(look: u32, cohort: CohortIx, cohorts: &Cohorts, accepted: u32, whole: &'a Whole) -> Self {
        let known = cohorts.get(cohort);
        Self { look, cohort, devices: known.devices(), away: known.away().saturating_sub(accepted), whole }
    }

    fn is_fleet(&self) -> bool {
        self.cohort == Cohorts::FLEET
    }

    /// Device-minutes of one look.
    fn minutes(&self) -> f32 {
        self.devices as f32 * LOOK_S as f32 / 60.0
    }

    /// The rest of the fleet, where it is large enough to be held against.
    fn rest(&self) -> Option<f32> {
        let rest = self.whole.devices.saturating_sub(self.devices);
        (!self.is_fleet() && rest >= REST).then_some(rest as f32)
    }

    /// Whether nothing has to be learnt first: who is away is known without waiting for it, and the rest of the fleet, most
    /// of which is there, tells how many that usually are. Rooms are opened because something is wrong.
    fn tells_at_once(&self, symptom: Symptom) -> bool {
        let away_elsewhere = self.whole.away.saturating_sub(self.away) as f32;
        symptom == Symptom::Offline && self.has_peers(away_elsewhere)
    }

    /// Whether half of the cohort does what is never a habit, and the rest of the fleet does not.
    fn breaks_habit(&self, post: &Post) -> bool {
        let own = post.unhabitual();
        2.0 * own >= self.devices as f32 && self.has_peers(self.whole.unhabitual - own)
    }

    /// Whether there is a rest of the fleet, most of which is well. The first look takes the measure of the fleet.
    fn has_peers(&self, ill_elsewhere: f32) -> bool {
        self.look > 1 && self.rest().is_some_and(|rest| 2.0 * ill_elsewhere < rest)
    }

    /// Seconds since an earlier look.
    fn since_s(&self, look: u32) -> i64 {
        i64::from(self.look - look) * LOOK_S
    }
}

impl Post {
    /// What was seen of the symptom that is no habit in the last minute or so, with what is new.
    fn unhabitual(&self) -> f32 {
        self.streams[NO_HABIT as usize].recent + self.new[NO_HABIT as usize]
    }

    /// The rate that is usual at this hour: that of the last one, or, where it is a habit, of the same hour of other days.
    fn usual(&self, symptom: Symptom, at: &PostLook<'_>, now: At) -> f32 {
        let (fleet, fleet_now) = (at.whole.rates[symptom as usize], at.whole.usual[symptom as usize]);
        if at.is_fleet() {
            return fleet_now;
        }
        let lately = self.streams[symptom as usize].rate(fleet);
        // Of whose days nothing is known, they are like the fleet's.
        self.days.usual(symptom, now).map_or(lately * fleet_now / fleet, |daily| lately.max(daily))
    }

    /// Weighs how many are away against what is usual here, and against how it is with the rest just now.
    fn weigh_presence(&mut self, at: &PostLook<'_>, learning: Learning) -> Option<Rise> {
        let whole = at.whole;
        let usual = if at.is_fleet() { whole.share } else { self.presence.share(at.devices, whole.share) };
        let away_elsewhere = whole.away.saturating_sub(at.away) as f32;
        let elsewhere = at.rest().map_or(1.0, |rest| rise(away_elsewhere, rest * whole.share));
        // Where hardly anybody is here at any time, that is usual, and no more.
        let usual = (usual * elsewhere).min(usual.max(0.9));
        self.presence.weigh(at.look, at.away, at.devices, usual, learning);
        (self.presence.evidence() >= whole.threshold).then(|| Rise {
            cohort: at.cohort,
            symptom: Symptom::Offline,
            usual,
            weight: weight(at.away as f32 - usual * at.devices as f32, at.devices),
            began_s: at.since_s(self.presence.since()),
            within_s: LOOK_S,
        })
    }

    /// Weighs how many have shown a symptom since the last look against what is usual, and against how it has risen in the
    /// rest of the fleet.
    fn weigh_stream(&mut self, symptom: Symptom, at: &PostLook<'_>, usual: f32, learning: Learning) -> Option<Rise> {
        let stream = &mut self.streams[symptom as usize];
        let (recent, expected) = at.whole.recent[symptom as usize];
        let (seen, expected) = ((recent - stream.recent).max(0.0), (expected - stream.expected).max(0.0));
        let elsewhere = at.rest().map_or(1.0, |_| rise(seen, expected));
        stream.weigh(at.look, self.new[symptom as usize], at.devices, usual, elsewhere, learning);
        let began_s = at.since_s(stream.since());
        // The seconds between two devices that show it: the first may have been missed by a few of them.
        let apart_s = began_s.max(LOOK_S) as f32 / stream.recent.max(1.0);
        (stream.evidence() >= at.whole.threshold).then(|| Rise {
            cohort: at.cohort,
            symptom,
            usual: usual * elsewhere,
            weight: weight(stream.recent - stream.expected, at.devices),
            began_s,
            within_s: LOOK_S.max((3.0 * apart_s) as i64),
        })
    }
}

/// Devices a cohort needs to be watched. A wave, or a pair that was named, is where a rollout shows first: of few canaries
/// nearly all are ill, or it is not about them.
fn least_devices(grouping: Grouping, wave: Option<AttributeIx>) -> u32 {
    let names_canaries = match grouping {
        Grouping::Pair(..) => true,
        Grouping::One(attribute) => Some(attribute) == wave,
        Grouping::Fleet => false,
    };
    if names_canaries { FEW_CANARIES } else { MINIMUM_SAMPLE }
}

/// Reports that an average device must have sent before a symptom can show at all.
const fn reports_needed(symptom: Symptom, counts_errors: bool) -> f64 {
    match symptom {
        Symptom::Erring if counts_errors => 1.0,
        Symptom::Silent | Symptom::Flooding | Symptom::Queueing | Symptom::Draining | Symptom::Disordered => 3.0,
        Symptom::Malformed => 7.0,
        Symptom::Implausible | Symptom::Stuck => 10.0,
        Symptom::Drifting => 64.0,
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
