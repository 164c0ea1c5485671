//! Attribution: which combinations of attributes explain the affected devices, the simplest first.
//!
//! A greedy search over sets of up to three conditions. A set is worth what it explains (the log-likelihood that its
//! devices are affected at their own rate rather than at the expected one), less a price for each condition, so that a
//! longer set must earn its length. The best set is then made wider where its neighbours are affected too, and narrower
//! where part of it is well. What it explains is taken away, and the search begins again, for up to three causes.
//!
//! The idea is that of DIFF and MacroBase (risk ratios over attribute sets) with the stopping rule of minimum
//! description length; on open labelled incidents it beats both. Nothing here knows what the attributes mean.

pub mod expected;

use hashbrown::HashMap;

/// Conditions in one cause, and causes at once.
const DEPTH: usize = 3;
const CAUSES: usize = 3;
/// Counts are scaled down to so many devices: beyond it everything is significant, and only size matters.
const WEIGHT: f64 = 5_000.0;
/// A condition costs as much evidence as this times the choice it made.
const PRICE: f64 = 2.0;
/// The least share of all excess devices that a cause must hold.
const LEAST_SHARE: f64 = 0.1;
/// A condition is dropped when devices outside it are affected at this share of the rate inside, beyond chance.
const WIDEN_AT: f64 = 0.2;
const WIDEN_SIGMAS: f64 = 3.0;
/// A condition is added when it keeps this share of the excess and leaves behind devices that are as good as well.
const NARROW_KEEPS: f64 = 0.9;
const NARROW_LEAVES: f64 = 0.05;
/// Scaled devices on the other side of a condition that are needed to say anything about it.
const LEAST_SAMPLE: f64 = 10.0;
/// A further cause must be affected at this share of the first one's rate.
const LEAST_RATE: f64 = 0.1;
/// Two sets that share this much of their affected devices are two names of one cause.
const ALIKE: f64 = 0.85;
/// Provided that they share this much of all their devices: what everybody has is no name of anything.
const MOSTLY: f64 = 0.6;
/// Two sets of devices that overlap by this much cannot be told apart by the data.
const SAME: f64 = 0.98;
/// Below this share of the excess explained, the attributes do not explain it.
const EXPLAINED: f64 = 0.6;

/// Devices that share all their attribute values.
#[derive(Clone, Debug)]
pub struct Leaf {
    /// A value for each attribute, as small numbers below [`Leaf::VALUES`].
    pub values: Vec<u32>,
    pub devices: f64,
    pub affected: f64,
    /// Devices that would be affected if nothing were wrong.
    pub expected: f64,
}

impl Leaf {
    /// Values of one attribute that can be told apart.
    pub const VALUES: u32 = 1 << 17;
    /// The value of an attribute that is not known: nothing that devices share.
    pub const NOTHING: u32 = Self::VALUES - 1;
}

/// A condition: an attribute by its place, and its value.
pub type Condition = (usize, u32);

/// What a set of devices adds up to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sums {
    pub devices: f64,
    pub affected: f64,
    pub expected: f64,
}

impl Sums {
    fn add(&mut self, leaf: &Leaf) {
        self.devices += leaf.devices;
        self.affected += leaf.affected;
        self.expected += leaf.expected;
    }

    fn without(self, part: Self) -> Self {
        Self {
            devices: self.devices - part.devices,
            affected: self.affected - part.affected,
            expected: self.expected - part.expected,
        }
    }

    fn excess(&self) -> f64 {
        self.affected - self.expected
    }

    fn excess_rate(&self) -> f64 {
        if self.devices > 0.0 { self.excess() / self.devices } else { 0.0 }
    }

    /// The share of the devices that is affected.
    pub fn rate(&self) -> f64 {
        if self.devices > 0.0 { self.affected / self.devices } else { 0.0 }
    }
}

/// A set of attribute values that explains affected devices.
#[derive(Clone, Debug, PartialEq)]
pub struct Cause {
    /// In the order of the attributes.
    pub conditions: Vec<Condition>,
    pub sums: Sums,
    /// The share of all affected devices that it holds.
    pub share_of_affected: f64,
    /// How much more often its devices are affected than the others.
    pub lift: f64,
    /// Other conditions that select the same devices: the data cannot tell which of them it is.
    pub equivalents: Vec<Vec<Condition>>,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attribution {
    /// The best first; none when nothing is worth its price.
    pub causes: Vec<Cause>,
    /// The share of the excess that the causes hold together.
    pub coverage: f64,
}

impl Attribution {
    /// Whether known attributes explain what is seen.
    pub fn is_explained(&self) -> bool {
        !self.causes.is_empty() && self.coverage >= EXPLAINED
    }
}

/// Whether one attribute is a better answer than another that selects the same devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The earlier the attribute stands, the more can be done about it.
    EarlierFirst,
    None,
}

/// Finds the causes of what the leaves show.
pub fn attribute(leaves: &[Leaf], order: Order) -> Attribution {
    let mut all = Sums::default();
    leaves.iter().for_each(|leaf| all.add(leaf));
    let total_excess: f64 = all.excess();
    if total_excess <= 0.0 {
        return Attribution::default();
    }
    let single = count_values(leaves);
    let prices = prices(&single, all.devices.min(WEIGHT));
    let leaves = &merge(leaves, &single, total_excess * LEAST_SHARE);
    let scale = (WEIGHT / all.devices).min(1.0);
    let mut left: Vec<&Leaf> = leaves.iter().collect();
    let mut sets: Vec<Set> = Vec::new();
    let mut first_rate = 0.0;
    for _ in 0..CAUSES {
        let search = Search { sums: count(&left), scale, prices: &prices };
        let Some(best) = search.best(total_excess * LEAST_SHARE) else { break };
        let best = search.refine(best);
        let best = if order == Order::EarlierFirst { search.prefer_earlier(best) } else { best };
        let found = search.sums[&best];
        if sets.is_empty() {
            first_rate = found.excess_rate();
        } else if found.excess() < LEAST_SHARE * total_excess || found.excess_rate() < LEAST_RATE * first_rate {
            break;
        }
        // When the rest of a wider set is affected as well, the wider set is the cause.
        sets.retain(|narrower| !best.holds(narrower));
        sets.push(best);
        left.retain(|leaf| !best.selects(leaf));
    }
    let explained: f64 = leaves
        .iter()
        .filter(|leaf| sets.iter().any(|set| set.selects(leaf)))
        .map(|leaf| leaf.affected - leaf.expected)
        .sum();
    let causes = sets.iter().map(|set| describe(set, leaves, all)).collect();
    Attribution { causes, coverage: (explained / total_excess).clamp(0.0, 1.0) }
}

/// What a condition on each attribute costs: the choice among its values, and half the logarithm of the sample.
fn prices(single: &[Vec<Sums>], sample: f64) -> Vec<f64> {
    let choices = |values: &Vec<Sums>| values.iter().filter(|sums| sums.devices > 0.0).count().max(1) as f64;
    single.iter().map(|values| PRICE * (choices(values).ln() + 0.5 * sample.max(2.0).ln())).collect()
}

/// The sums of every value of every attribute.
fn count_values(leaves: &[Leaf]) -> Vec<Vec<Sums>> {
    let mut single = vec![Vec::new(); leaves.first().map_or(0, |leaf| leaf.values.len())];
    for leaf in leaves {
        for (values, value) in single.iter_mut().zip(&leaf.values) {
            if *value == Leaf::NOTHING {
                continue;
            }
            if values.len() <= *value as usize {
                values.resize(*value as usize + 1, Sums::default());
            }
            values[*value as usize].add(leaf);
        }
    }
    single
}

/// Puts leaves together that differ only in values that hold too few affected devices to be part of any cause: a million
/// combinations become some hundreds.
fn merge(leaves: &[Leaf], single: &[Vec<Sums>], least_affected: f64) -> Vec<Leaf> {
    // The values of each attribute that matter, numbered from 1; the best ones, where there are more than fit.
    let candidates: Vec<Vec<u32>> = single.iter().map(|values| candidates(values, least_affected)).collect();
    let numbers: Vec<Vec<u8>> = candidates
        .iter()
        .zip(single)
        .map(|(candidates, values)| {
            let mut numbers = vec![0; values.len()];
            candidates.iter().zip(1..).for_each(|(value, number)| numbers[*value as usize] = number);
            numbers
        })
        .collect();
    let mut merged: HashMap<u128, Sums> = HashMap::new();
    for leaf in leaves {
        let number =
            |(numbers, value): (&Vec<u8>, &u32)| u128::from(numbers.get(*value as usize).copied().unwrap_or(0));
        let key = numbers.iter().zip(&leaf.values).map(number).fold(0, |key, number| key << 8 | number);
        merged.entry(key).or_default().add(leaf);
    }
    let mut merged: Vec<(u128, Sums)> = merged.into_iter().collect();
    merged.sort_unstable_by_key(|(key, _)| *key);
    let leaf = |(key, sums): (u128, Sums)| {
        let places = (0..candidates.len()).rev().map(|place| (key >> (8 * place)) as u8);
        let value = |(number, candidates): (u8, &Vec<u32>)| match number {
            0 => Leaf::NOTHING,
            number => candidates[usize::from(number) - 1],
        };
        let values = places.zip(&candidates).map(value).collect();
        Leaf { values, devices: sums.devices, affected: sums.affected, expected: sums.expected }
    };
    merged.into_iter().map(leaf).collect()
}

fn candidates(values: &[Sums], least_affected: f64) -> Vec<u32> {
    let mut worthy: Vec<u32> =
        (0..values.len() as u32).filter(|value| values[*value as usize].affected >= least_affected.max(1e-9)).collect();
    worthy.sort_by(|a, b| values[*b as usize].affected.total_cmp(&values[*a as usize].affected).then(a.cmp(b)));
    worthy.truncate(u8::MAX.into());
    worthy
}

/// Up to three conditions, packed into one number: 21 bits each, 0 where there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Set(u64);

impl Set {
    const BITS: u32 = 21;

    /// Conditions must be in the order of their attributes.
    fn of(conditions: &[Condition]) -> Self {
        let pack = |(attribute, value): &Condition| ((*attribute as u64 + 1) << 17) | u64::from(*value);
        Self(conditions.iter().fold(0, |packed, condition| packed << Self::BITS | pack(condition)))
    }

    fn conditions(self) -> Vec<Condition> {
        let mask = (1 << Self::BITS) - 1;
        let parts = (0..DEPTH).rev().map(|n| self.0 >> (n as u32 * Self::BITS) & mask).filter(|part| *part != 0);
        parts.map(|part| ((part >> 17) as usize - 1, (part & u64::from(Leaf::VALUES - 1)) as u32)).collect()
    }

    fn selects(self, leaf: &Leaf) -> bool {
        self.conditions().iter().all(|(attribute, value)| leaf.values[*attribute] == *value)
    }

    /// Whether every device of `narrower` is in here too.
    fn holds(self, narrower: &Self) -> bool {
        let theirs = narrower.conditions();
        self.conditions().iter().all(|condition| theirs.contains(condition))
    }
}

/// The sums of every set of one, two and three conditions.
fn count(leaves: &[&Leaf]) -> HashMap<Set, Sums> {
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
struct Search<'a> {
    sums: HashMap<Set, Sums>,
    scale: f64,
    prices: &'a [f64],
}

impl Search<'_> {
    /// The set that is worth the most, if any is worth its price.
    fn best(&self, least_excess: f64) -> Option<Set> {
        let worth = |(set, sums): (&Set, &Sums)| (self.worth(*set, sums), *set);
        let worthy = self.sums.iter().filter(|(_, sums)| sums.excess() >= least_excess).map(worth);
        let best = worthy.max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| b.1.cmp(&a.1)))?;
        (best.0 > 0.0).then_some(best.1)
    }

    fn worth(&self, set: Set, sums: &Sums) -> f64 {
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
    fn refine(&self, set: Set) -> Set {
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
    fn prefer_earlier(&self, set: Set) -> Set {
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
                    (alike && self.worth(other, theirs) > 0.0).then_some(other)
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
    fn narrower(&self, set: Set) -> Option<Set> {
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
            let outside = whole.without(part);
            let kept = part.excess() / whole.excess();
            let ratio = outside.excess_rate() / part.excess_rate();
            if outside.devices * self.scale < LEAST_SAMPLE || kept < NARROW_KEEPS || ratio >= NARROW_LEAVES {
                continue;
            }
            let better = |(other, known): (f64, Set)| {
                let worth = kept - ratio;
                worth > other || (worth == other && *candidate < known)
            };
            if best.is_none_or(better) {
                best = Some((kept - ratio, *candidate));
            }
        }
        best.map(|(_, narrower)| narrower)
    }
}

fn describe(set: &Set, leaves: &[Leaf], all: Sums) -> Cause {
    let mut sums = Sums::default();
    leaves.iter().filter(|leaf| set.selects(leaf)).for_each(|leaf| sums.add(leaf));
    let others = all.without(sums);
    // Half a device more on either side, so that "none of the others" is a number too.
    let rate = |sums: Sums| (sums.affected + 0.5) / (sums.devices + 1.0);
    Cause {
        conditions: set.conditions(),
        sums,
        share_of_affected: sums.affected / all.affected.max(1.0),
        lift: rate(sums) / rate(others),
        equivalents: equivalents(set, leaves, sums),
    }
}

/// Single conditions, other than those of the set, that select the same devices as the set or as one of its conditions.
fn equivalents(set: &Set, leaves: &[Leaf], sums: Sums) -> Vec<Vec<Condition>> {
    let mut within: HashMap<Condition, f64> = HashMap::new();
    let mut overall: HashMap<Condition, f64> = HashMap::new();
    for leaf in leaves {
        let selected = set.selects(leaf);
        for (attribute, value) in leaf.values.iter().enumerate() {
            *overall.entry((attribute, *value)).or_default() += leaf.devices;
            if selected {
                *within.entry((attribute, *value)).or_default() += leaf.devices;
            }
        }
    }
    let mut same: Vec<Vec<Condition>> = within
        .iter()
        .filter(|(condition, both)| {
            let either = sums.devices + overall[*condition] - **both;
            condition.1 != Leaf::NOTHING && !set.conditions().contains(condition) && **both >= SAME * either
        })
        .map(|(condition, _)| vec![*condition])
        .collect();
    same.sort();
    same
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten thousand devices of three attributes with ten, four and three values, of which one in a thousand is always
    /// affected, and four in five of those that `hit` says.
    fn fleet(hit: impl Fn(&[u32]) -> bool) -> Vec<Leaf> {
        let mut leaves = Vec::new();
        for a in 0..10 {
            for b in 0..4 {
                for c in 0..3 {
                    let values = vec![a, b, c];
                    let devices = 40.0 + f64::from((a * 7 + b * 13 + c * 29) % 90);
                    let affected = if hit(&values) { 0.8 * devices } else { (devices * 0.001).round() };
                    leaves.push(Leaf { values, devices, affected, expected: devices * 0.001 });
                }
            }
        }
        leaves
    }

    fn causes(leaves: &[Leaf]) -> Vec<Vec<Condition>> {
        let mut causes: Vec<_> =
            attribute(leaves, Order::None).causes.into_iter().map(|cause| cause.conditions).collect();
        causes.sort();
        causes
    }

    #[test]
    fn the_simplest_sets_that_explain_it_are_found() {
        type Case = (fn(&[u32]) -> bool, Vec<Vec<Condition>>);
        let cases: Vec<Case> = vec![
            (|v| v[0] == 3, vec![vec![(0, 3)]]),
            (|v| v[0] == 3 && v[1] == 2, vec![vec![(0, 3), (1, 2)]]),
            (|v| v[0] == 3 && v[1] == 2 && v[2] == 0, vec![vec![(0, 3), (1, 2), (2, 0)]]),
            (|v| v[0] == 3 || v[1] == 1, vec![vec![(0, 3)], vec![(1, 1)]]),
            (
                |v| (v[0] == 3 && v[2] == 1) || (v[0] == 7 && v[1] == 0),
                vec![vec![(0, 3), (2, 1)], vec![(0, 7), (1, 0)]],
            ),
            (|_| false, vec![]),
        ];
        for (hit, expected) in cases {
            assert_eq!(causes(&fleet(hit)), expected);
        }
    }

    #[test]
    fn what_everybody_shares_is_not_explained_by_an_attribute() {
        let leaves = fleet(|_| true);
        let found = attribute(&leaves, Order::None);
        assert!(found.causes.iter().all(|cause| cause.lift < 1.5), "{found:?}");
        assert_eq!(attribute(&[], Order::None), Attribution::default());
    }

    #[test]
    fn attributes_that_travel_along_are_said_to_be_equivalent() {
        let mut leaves = fleet(|v| v[0] == 3);
        // A fourth attribute that has its own value exactly where the first one is 3: the wave of a rollout.
        leaves.iter_mut().for_each(|leaf| leaf.values.push(u32::from(leaf.values[0] == 3)));
        let found = attribute(&leaves, Order::None);
        assert_eq!(found.causes.len(), 1);
        let cause = &found.causes[0];
        let named: Vec<_> = cause.conditions.iter().chain(cause.equivalents.iter().flatten()).copied().collect();
        assert!(named.contains(&(0, 3)) && named.contains(&(3, 1)), "{cause:?}");
        let ordered = attribute(&leaves, Order::EarlierFirst);
        assert_eq!(ordered.causes[0].conditions, [(0, 3)], "the attribute that something can be done about");
        assert!(found.is_explained() && found.coverage > 0.99);
    }

    #[test]
    fn sets_are_packed_and_read_back() {
        for conditions in [vec![(0, 0)], vec![(2, Leaf::VALUES - 1), (14, 7)], vec![(0, 1), (1, 0), (6, 99)]] {
            assert_eq!(Set::of(&conditions).conditions(), conditions);
        }
    }
}
