//! Cohorts with a history: the whole fleet, every value of every attribute, and the values of some pairs.

use hashbrown::HashMap;

use super::attributes::ValueIx;
use super::groups::Vector;
use super::series::Series;
use super::showings::Showings;
use crate::domain::observation::AttributeIx;
use crate::domain::signal::{Signal, SignalKind};
use crate::domain::symptom::Symptom;
use crate::limits;

/// A cohort by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CohortIx(pub u32);

/// What fleets are divided by: one attribute, or two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grouping {
    Fleet,
    One(AttributeIx),
    /// The lower attribute first.
    Pair(AttributeIx, AttributeIx),
}

impl Grouping {
    /// The grouping by these attributes, in either order; none for more than two or the same twice.
    pub fn by(attributes: &[AttributeIx]) -> Option<Self> {
        Some(match *attributes {
            [] => Self::Fleet,
            [one] => Self::One(one),
            [a, b] if a != b => Self::Pair(a.min(b), a.max(b)),
            _ => return None,
        })
    }

    /// The values of a vector that decide its cohort.
    pub fn values(self, vector: &Vector) -> [ValueIx; 2] {
        let of = |attribute: AttributeIx| vector[usize::from(attribute.0)];
        match self {
            Self::Fleet => [ValueIx::UNKNOWN; 2],
            Self::One(a) => [of(a), ValueIx::UNKNOWN],
            Self::Pair(a, b) => [of(a), of(b)],
        }
    }

    pub fn attributes(self) -> impl Iterator<Item = AttributeIx> {
        let (a, b) = match self {
            Self::Fleet => (None, None),
            Self::One(a) => (Some(a), None),
            Self::Pair(a, b) => (Some(a), Some(b)),
        };
        a.into_iter().chain(b)
    }
}

/// A cohort's grouping and values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    pub grouping: Grouping,
    pub values: [ValueIx; 2],
}

impl Key {
    /// Whether a device with this vector belongs to the cohort.
    pub fn holds(&self, vector: &Vector) -> bool {
        self.grouping.values(vector) == self.values
    }

    /// Whether a value is not known: such a cohort is what is left over, not something devices share.
    pub fn is_leftover(&self) -> bool {
        let values = self.grouping.attributes().zip(self.values).map(|(_, value)| value);
        values.into_iter().any(|value| value == ValueIx::UNKNOWN || value == ValueIx::OTHER)
    }
}

/// One cohort and its signals over time.
#[derive(Debug)]
pub struct Cohort {
    pub key: Key,
    /// Levels as they stand, counts of the running second.
    now: [u32; Signal::COUNT],
    series: [Series; Signal::COUNT],
    /// Devices that have shown each symptom, each once a minute, added up since the cohort began; it wraps.
    shown: [u32; Symptom::COUNT],
    /// The same by the minute, where there is a history by the second too.
    showings: Option<Showings>,
}

impl Cohort {
    fn new(key: Key, fine: bool) -> Self {
        Self {
            key,
            now: [0; Signal::COUNT],
            series: Signal::ALL.map(|signal| Series::new(signal.kind(), fine)),
            shown: [0; Symptom::COUNT],
            showings: fine.then(Showings::default),
        }
    }

    /// The level now.
    pub const fn level(&self, signal: Signal) -> u32 {
        self.now[signal as usize]
    }

    /// Devices that have shown each symptom, each once a minute, added up; to be compared with an earlier answer.
    pub const fn shown(&self) -> &[u32; Symptom::COUNT] {
        &self.shown
    }

    /// Devices that showed a symptom in the last minute that has ended, or in one `back` minutes before it.
    pub fn shown_back(&self, symptom: Symptom, back: usize) -> Option<u32> {
        self.showings.as_ref()?.back(symptom, back)
    }

    /// Devices that belong to it, now.
    pub const fn devices(&self) -> u32 {
        self.level(Signal::Devices)
    }

    /// Devices that are neither connected nor excused, now.
    pub const fn away(&self) -> u32 {
        let here = self.level(Signal::Online) + self.level(Signal::Updating);
        self.level(Signal::Devices).saturating_sub(here)
    }

    pub const fn series(&self, signal: Signal) -> &Series {
        &self.series[signal as usize]
    }

    /// The share of its devices that are online, now.
    pub fn online_share(&self) -> Option<f64> {
        share(self.level(Signal::Online), self.level(Signal::Devices))
    }

    /// The share online `back` seconds ago.
    pub fn online_share_back(&self, back: usize) -> Option<f64> {
        share(self.series(Signal::Online).back(back)?, self.series(Signal::Devices).back(back)?)
    }

    /// The share that was where it should be `back` seconds ago: online, or away as expected.
    pub fn present_share_back(&self, back: usize) -> Option<f64> {
        let present = self.series(Signal::Online).back(back)? + self.series(Signal::Updating).back(back)?;
        share(present, self.series(Signal::Devices).back(back)?)
    }
}

fn share(part: u32, whole: u32) -> Option<f64> {
    (whole > 0).then(|| f64::from(part.min(whole)) / f64::from(whole))
}

/// All cohorts with a history.
#[derive(Debug)]
pub struct Cohorts {
    groupings: Vec<Grouping>,
    cohorts: Vec<Cohort>,
    index: HashMap<Key, CohortIx>,
    /// Cohorts of each grouping, in the order of `groupings`.
    sizes: Vec<usize>,
    free: Vec<CohortIx>,
    /// Pairs that are configured, the first of all pairs: they are always followed.
    configured: usize,
    /// Cohorts that found their grouping full.
    pub refused: u64,
}

impl Cohorts {
    /// The place of the whole fleet.
    pub const FLEET: CohortIx = CohortIx(0);

    /// The whole fleet, each of `attributes`, and these pairs.
    pub fn new(attributes: impl Iterator<Item = AttributeIx>, pairs: &[Grouping]) -> Self {
        let mut cohorts = Self {
            groupings: vec![Grouping::Fleet],
            cohorts: Vec::new(),
            index: HashMap::new(),
            sizes: vec![0],
            free: Vec::new(),
            configured: pairs.len().min(limits::PAIRS),
            refused: 0,
        };
        cohorts.groupings.extend(attributes.map(Grouping::One));
        cohorts.groupings.extend(pairs.iter().take(limits::PAIRS));
        cohorts.sizes = vec![0; cohorts.groupings.len()];
        cohorts.find_or_add(Key { grouping: Grouping::Fleet, values: [ValueIx::UNKNOWN; 2] });
        cohorts
    }

    pub fn follows(&self, grouping: Grouping) -> bool {
        self.groupings.contains(&grouping)
    }

    /// Starts to follow a pair; of those that are not configured, the one that was followed longest makes room. Groups must
    /// be assigned anew after it. False where the configured ones leave no room.
    pub fn follow(&mut self, pair: Grouping) -> bool {
        let pairs: Vec<_> = self.groupings.iter().copied().filter(|g| matches!(g, Grouping::Pair(..))).collect();
        if pairs.len() >= limits::PAIRS {
            let Some(oldest) = pairs.get(self.configured) else { return false };
            self.unfollow(*oldest);
        }
        self.groupings.push(pair);
        self.sizes.push(0);
        true
    }

    fn unfollow(&mut self, pair: Grouping) {
        self.remove(|key| key.grouping == pair);
        if let Some(at) = self.groupings.iter().position(|g| *g == pair) {
            self.groupings.remove(at);
            self.sizes.remove(at);
        }
    }

    /// Forgets the cohorts that hold one of these values of an attribute.
    pub fn forget(&mut self, attribute: AttributeIx, values: &[ValueIx]) {
        self.remove(|key| {
            key.grouping.attributes().zip(key.values).any(|(a, v)| a == attribute && values.contains(&v))
        });
    }

    fn remove(&mut self, unwanted: impl Fn(&Key) -> bool) {
        let Self { index, free, groupings, sizes, cohorts, .. } = self;
        index.retain(|key, ix| {
            let keep = !unwanted(key);
            if !keep {
                free.push(*ix);
                cohorts[ix.0 as usize].now = [0; Signal::COUNT];
                if let Some(at) = groupings.iter().position(|g| *g == key.grouping) {
                    sizes[at] -= 1;
                }
            }
            keep
        });
        // The table's own order is another one in every process: places must not depend on it.
        free.sort_unstable_by(|a, b| b.cmp(a));
    }

    /// The cohorts of a vector, new ones where there is room.
    pub fn of(&mut self, vector: &Vector) -> Box<[CohortIx]> {
        let keys: Vec<Key> = self.groupings.iter().map(|g| Key { grouping: *g, values: g.values(vector) }).collect();
        keys.into_iter().filter_map(|key| self.find_or_add(key)).collect()
    }

    fn find_or_add(&mut self, key: Key) -> Option<CohortIx> {
        if let Some(ix) = self.index.get(&key) {
            return Some(*ix);
        }
        let at = self.groupings.iter().position(|g| *g == key.grouping)?;
        if self.sizes[at] >= limits::COHORTS_PER_GROUPING {
            self.refused += 1;
            return None;
        }
        let cohort = Cohort::new(key, self.sizes[at] < limits::FINE_COHORTS_PER_GROUPING);
        self.sizes[at] += 1;
        let ix = match self.free.pop() {
            Some(ix) => {
                self.cohorts[ix.0 as usize] = cohort;
                ix
            }
            None => {
                self.cohorts.push(cohort);
                CohortIx(self.cohorts.len() as u32 - 1)
            }
        };
        self.index.insert(key, ix);
        Some(ix)
    }

    pub fn find(&self, key: &Key) -> Option<&Cohort> {
        self.index.get(key).map(|ix| self.get(*ix))
    }

    pub fn get(&self, cohort: CohortIx) -> &Cohort {
        &self.cohorts[cohort.0 as usize]
    }

    pub fn fleet(&self) -> &Cohort {
        self.get(Self::FLEET)
    }

    /// Every followed cohort with its place, in a stable order.
    pub fn places(&self) -> impl Iterator<Item = (CohortIx, &Cohort)> {
        let alive = |(ix, cohort): &(CohortIx, &Cohort)| self.index.get(&cohort.key) == Some(ix);
        self.cohorts.iter().enumerate().map(|(ix, cohort)| (CohortIx(ix as u32), cohort)).filter(alive)
    }

    /// Every followed cohort, in a stable order.
    pub fn iter(&self) -> impl Iterator<Item = &Cohort> {
        self.places().map(|(_, cohort)| cohort)
    }

    /// Takes a change that a group tells.
    pub fn add(&mut self, cohort: CohortIx, signal: Signal, change: i64) {
        let value = &mut self.cohorts[cohort.0 as usize].now[signal as usize];
        *value = (i64::from(*value) + change).clamp(0, i64::from(u32::MAX)) as u32;
    }

    /// Takes devices that showed symptoms.
    pub fn show(&mut self, cohort: CohortIx, shown: &[u16; Symptom::COUNT]) {
        let totals = &mut self.cohorts[cohort.0 as usize].shown;
        totals.iter_mut().zip(shown).for_each(|(total, n)| *total = total.wrapping_add((*n).into()));
    }

    /// Ends a second: every signal gets its value, counts start anew.
    pub fn end_second(&mut self, ends_minute: bool) {
        for cohort in &mut self.cohorts {
            if let Some(showings) = cohort.showings.as_mut().filter(|_| ends_minute) {
                showings.end_minute(&cohort.shown);
            }
            for signal in Signal::ALL {
                let series = &mut cohort.series[signal as usize];
                series.push(cohort.now[signal as usize]);
                if ends_minute {
                    series.end_minute();
                }
                if signal.kind() == SignalKind::Count {
                    cohort.now[signal as usize] = 0;
                }
            }
        }
    }
}
