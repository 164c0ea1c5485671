//! The search among sets of conditions: what each is worth, and how it is made to fit.

use hashbrown::HashMap;

use super::{Condition, Leaf, Sums};

/// Conditions in one set.
const DEPTH: usize = 3;
/// A condition is dropped when devices outside it are affected at this share of the rate inside, beyond chance.
const WIDEN_AT: f64 = 0.2;
const WIDEN_SIGMAS: f64 = 3.0;
/// A condition is added when it keeps this share of the excess and leaves behind devices that are as good as well.
const NARROW_KEEPS: f64 = 0.9;
const NARROW_LEAVES: f64 = 0.05;
/// Scaled devices on the other side of a condition that are needed to say anything about it.
const LEAST_SAMPLE: f64 = 10.0;
/// Two sets that share this much of their affected devices are two names of one cause.
const ALIKE: f64 = 0.85;
/// Provided that they share this much of all their devices: what everybody has is no name of anything.
const MOSTLY: f64 = 0.6;
/// And provided that no devices are left out that are affected at this share of the rate of those that are not.
const AS_ILL: f64 = 0.5;

/// Up to three conditions, packed into one number: 21 bits each, 0 where there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Set(u64);

impl Set {
    const BITS: u32 = 21;

    /// Conditions must be in the order of their attributes.
    pub(super) fn of(conditions: &[Condition]) -> Self {
        let pack = |(attribute, value): &Condition| ((*attribute as u64 + 1) << 17) | u64::from(*value);
        Self(conditions.iter().fold(0, |packed, condition| packed << Self::BITS | pack(condition)))
    }

    pub(super) fn conditions(self) -> Vec<Condition> {
        let mask = (1 << Self::BITS) - 1;
        let parts = (0..DEPTH).rev().map(|n| self.0 >> (n as u32 * Self::BITS) & mask).filter(|part| *part != 0);
        parts.map(|part| ((part >> 17) as usize - 1, (part & u64::from(Leaf::VALUES - 1)) as u32)).collect()
    }

    pub(super) fn selects(self, leaf: &Leaf) -> bool {
        self.conditions().iter().all(|(attribute, value)| leaf.values[*attribute] == *value)
    }

    /// Whether every device of `narrower` is in here too.
    pub(super) fn holds(self, narrower: &Self) -> bool {
        let theirs = narrower.conditions();
        self.conditions().iter().all(|condition| theirs.contains(condition))
    }
}

/// The sums of every set of one, two and three conditions.
pub(super) fn count(leaves: &[&Leaf]) -> HashMap<Set, Sums> {
    let mut counted: HashMap<Set, Sums> = HashMap::new();
    let mut worthy = Vec::new();
    for leaf in leaves {
        worthy.clear();
        let conditions = leaf.values.iter().enumerate().map(|(attribute, value)| (attribute, *value));
        worthy.extend(conditions.filter(|(_, value)| *value != Leaf::NOTHING));
        for (n, a) in worthy.iter().enumerate() {
            counted.entry(Set::of(&[*a])).or_default().add(leaf);
            for (m, b) in worthy.iter().enumerate().skip(n + 1) {
                counted.entry(Set::of(&[*a, *b])).or_default().add(leaf);
                for c in &worthy[m + 1..] {
                    counted.entry(Set::of(&[*a, *b, *c])).or_default().add(leaf);
                }
            }
        }
    }
    counted
}

/// One round of the search.
pub(super) struct Search<'a> {
    pub(super) sums: HashMap<Set, Sums>,
    pub(super) scale: f64,
    pub(super) prices: &'a [f64],
}

impl Search<'_> {
    /// The sets that are worth their price, the best first.
    pub(super) fn ranked(&self, least_excess: f64) -> Vec<(f64, Set)> {
        let worth = |(set, sums): (&Set, &Sums)| (self.worth(*set, sums), *set);
        let worthy = self.sums.iter().filter(|(_, sums)| sums.excess() >= least_excess).map(worth);
        let mut ranked: Vec<_> = worthy.filter(|(worth, _)| *worth > 0.0).collect();
        ranked.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        ranked
    }

    pub(super) fn worth(&self, set: Set, sums: &Sums) -> f64 {
        let (n, k) = (sums.devices * self.scale, sums.affected * self.scale);
        let e = (sums.expected * self.scale).clamp(1e-3, (n - 1e-9).max(1e-3));
        if k <= e {
            return f64::NEG_INFINITY;
        }
        let term = |seen: f64, expected: f64| if seen > 0.0 { seen * (seen / expected).ln() } else { 0.0 };
        let evidence = term(k, e) + term(n - k, n - e);
        evidence - set.conditions().iter().map(|(attribute, _)| self.prices[*attribute]).sum::<f64>()
    }

    /// Makes a set wider or narrower until it fits.
    pub(super) fn refine(&self, set: Set) -> Set {
        let mut set = set;
        for _ in 0..4 {
            match self.wider(set).or_else(|| self.narrower(set)) {
                Some(better) => set = better,
                None => break,
            }
        }
        set
    }

    /// The set in which a condition is exchanged for one on an earlier attribute, where both select much the same devices:
    /// the firmware rather than the wave that brought it.
    pub(super) fn prefer_earlier(&self, set: Set) -> Set {
        let conditions = set.conditions();
        let Some(sums) = self.sums.get(&set) else { return set };
        for exchanged in (0..conditions.len()).rev() {
            let mut rest = conditions.clone();
            let (attribute, _) = rest.remove(exchanged);
            let single = self.sums.keys().map(|other| other.conditions()).filter(|other| other.len() == 1);
            let earlier = single
                .map(|other| other[0])
                .filter(|(other, _)| *other < attribute && !rest.iter().any(|(kept, _)| kept == other));
            let with = |condition: Condition, to: &[Condition]| {
                let mut with = to.to_vec();
                with.push(condition);
                with.sort_unstable();
                with
            };
            let mut same: Vec<Set> = earlier
                .filter_map(|condition| {
                    let other = Set::of(&with(condition, &rest));
                    let theirs = self.sums.get(&other)?;
                    let both = with(condition, &conditions);
                    let both = if both.len() > DEPTH { return None } else { self.sums.get(&Set::of(&both))? };
                    let alike = both.affected >= ALIKE * sums.affected.max(theirs.affected)
                        && both.devices >= MOSTLY * sums.devices.max(theirs.devices);
                    let fits = alike && !self.leaves_the_well(theirs, both) && !self.leaves_the_ill(sums, both);
                    (fits && self.worth(other, theirs) > 0.0).then_some(other)
                })
                .collect();
            same.sort_unstable();
            if let Some(better) = same.first() {
                return self.prefer_earlier(*better);
            }
        }
        set
    }

    /// Without the condition that least divides the affected from the others, if there is one.
    fn wider(&self, set: Set) -> Option<Set> {
        let conditions = set.conditions();
        if conditions.len() < 2 {
            return None;
        }
        let inside = self.sums.get(&set)?;
        let mut best: Option<(f64, Set)> = None;
        for dropped in 0..conditions.len() {
            let mut fewer = conditions.clone();
            fewer.remove(dropped);
            let wider = Set::of(&fewer);
            let outside = self.sums.get(&wider)?.without(*inside);
            let ratio = if outside.devices <= 0.0 {
                // The condition selects nothing: it only sounds like knowledge.
                f64::INFINITY
            } else {
                let chance = (outside.affected * self.scale).max(1.0).sqrt() / (outside.devices * self.scale);
                let rate = outside.excess_rate();
                let affected_too = rate > WIDEN_AT * inside.excess_rate() && rate > WIDEN_SIGMAS * chance;
                if outside.devices * self.scale < LEAST_SAMPLE || !affected_too {
                    continue;
                }
                rate / inside.excess_rate()
            };
            if best.is_none_or(|(other, _)| ratio > other) {
                best = Some((ratio, wider));
            }
        }
        best.map(|(_, wider)| wider)
    }

    /// With one more condition that leaves out devices that are well, if there is one.
    pub(super) fn narrower(&self, set: Set) -> Option<Set> {
        let conditions = set.conditions();
        if conditions.len() >= DEPTH {
            return None;
        }
        let whole = self.sums.get(&set)?;
        let mut best: Option<(f64, Set)> = None;
        for candidate in self.sums.keys() {
            let more = candidate.conditions();
            if more.len() != conditions.len() + 1 || !set.holds(candidate) {
                continue;
            }
            let part = self.sums[candidate];
            let kept = part.excess() / whole.excess();
            if kept < NARROW_KEEPS || !self.leaves_the_well(whole, &part) {
                continue;
            }
            let worth = kept - whole.without(part).excess_rate() / part.excess_rate();
            if best.is_none_or(|(other, known)| worth > other || (worth == other && *candidate < known)) {
                best = Some((worth, *candidate));
            }
        }
        best.map(|(_, narrower)| narrower)
    }

    /// Whether a part of a set leaves devices behind that are enough to tell, and as good as well.
    fn leaves_the_well(&self, whole: &Sums, part: &Sums) -> bool {
        self.ratio_outside(whole, part).is_some_and(|ratio| ratio < NARROW_LEAVES)
    }

    /// Whether a part of a set leaves devices behind that are enough to tell, and as ill as those in it.
    fn leaves_the_ill(&self, whole: &Sums, part: &Sums) -> bool {
        self.ratio_outside(whole, part).is_some_and(|ratio| ratio > AS_ILL)
    }

    /// How often the rest of a set is affected, as a multiple of how often a part of it is; none for too few to tell.
    fn ratio_outside(&self, whole: &Sums, part: &Sums) -> Option<f64> {
        let outside = whole.without(*part);
        (outside.devices * self.scale >= LEAST_SAMPLE).then(|| outside.excess_rate() / part.excess_rate())
    }
}
