//! Attribution: which combinations of attributes explain the affected devices, the simplest first.
//!
//! A greedy search over sets of up to three conditions. A set is worth what it explains (the log-likelihood that its
//! devices are affected at their own rate rather than at the expected one), less a price for each condition, so that a
//! longer set must earn its length. The best set is then made wider where its neighbours are affected too, and narrower
//! where part of it is well. What it explains is taken away, and the search begins again, for up to three causes.
//!
//! The idea is that of DIFF and MacroBase (risk ratios over attribute sets) with the stopping rule of minimum
//! description length; on open labelled incidents it beats both. What a greedy search cannot see, that two values of one
//! attribute explain together what a wider set explains halfway, is tried beside it. What comes next by the same measure
//! is told as an alternative. Nothing here knows what the attributes mean.

pub mod expected;
mod search;

use hashbrown::HashMap;

use search::{Search, Set, count};

/// Causes at once.
const CAUSES: usize = 3;
/// Explanations that are told beside the first one.
const ALTERNATIVES: usize = 2;
/// Counts are scaled down to so many devices: beyond it everything is significant, and only size matters.
const WEIGHT: f64 = 5_000.0;
/// A condition costs as much evidence as this times the choice it made.
const PRICE: f64 = 2.0;
/// The least share of all excess devices that a cause must hold.
const LEAST_SHARE: f64 = 0.1;
/// A further cause must be affected at this share of the first one's rate.
const LEAST_RATE: f64 = 0.1;
/// Two values of one attribute explain it instead of what the search finds by itself when they hold this share of the
/// excess, and are worth this many times as much together.
const PAIR_SHARE: f64 = 0.9;
const PAIR_WORTH: f64 = 1.05;
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

/// One of the causes, or all together, must be affected so many times as often as all others.
const LEAST_APART: f64 = 1.5;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attribution {
    /// The best first; none when nothing is worth its price.
    pub causes: Vec<Cause>,
    /// The share of the excess that the causes hold together.
    pub coverage: f64,
    /// What would explain it instead, the best first: other devices, and worth the most after the causes.
    pub alternatives: Vec<Alternative>,
}

/// Another explanation for the same.
#[derive(Clone, Debug, PartialEq)]
pub struct Alternative {
    pub cause: Cause,
    /// What it is worth, as a share of what the best set is worth.
    pub worth: f64,
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
    let single = count_values(leaves);
    // Where others are better off than usual, that does not outweigh who is worse off.
    let total_excess = single.iter().flatten().map(Sums::excess).fold(all.excess(), f64::max);
    if total_excess <= 0.0 {
        return Attribution::default();
    }
    let prices = prices(&single, all.devices.min(WEIGHT));
    let leaves = &merge(leaves, &single, total_excess * LEAST_SHARE);
    let found = Finder { order, total_excess, scale: (WEIGHT / all.devices).min(1.0), prices: &prices }.find(leaves);
    let own = selected(leaves, |leaf| found.sets.iter().any(|set| set.selects(leaf)));
    let stands_out = |set: &Set| sets_apart(selected(leaves, |leaf| set.selects(leaf)), all);
    // What everybody shows is explained by nobody.
    if !sets_apart(own, all) && !found.sets.iter().any(stands_out) {
        return Attribution::default();
    }
    let explained = own.affected - own.expected;
    let described = |set: &Set| describe(set, leaves, all);
    Attribution {
        causes: found.sets.iter().map(described).collect(),
        coverage: (explained / total_excess).clamp(0.0, 1.0),
        alternatives: found
            .alternatives
            .iter()
            .map(|(set, worth)| Alternative { cause: described(set), worth: *worth })
            .collect(),
    }
}

/// Sets that explain it together, and others that would instead.
#[derive(Debug, Default)]
struct Found {
    sets: Vec<Set>,
    worth: f64,
    alternatives: Vec<(Set, f64)>,
}

/// What holds for a whole attribution.
struct Finder<'a> {
    order: Order,
    total_excess: f64,
    scale: f64,
    prices: &'a [f64],
}

impl Finder<'_> {
    fn least_excess(&self) -> f64 {
        self.total_excess * LEAST_SHARE
    }

    fn search(&self, left: &[&Leaf]) -> Search<'_> {
        Search { sums: count(left), scale: self.scale, prices: self.prices }
    }

    fn find(&self, leaves: &[Leaf]) -> Found {
        let first = self.search(&leaves.iter().collect::<Vec<_>>());
        let ranked = first.ranked(self.least_excess());
        let Some((worth, best)) = ranked.first() else { return Found::default() };
        let found = self.one_by_one(leaves, &first, *best);
        let mut found = self.pair(&first, &ranked, &found).unwrap_or(found);
        let told: Vec<Sums> = found.sets.iter().map(|set| first.sums[set]).collect();
        let others = ranked.iter().filter(|(_, set)| !told.contains(&first.sums[set]));
        found.alternatives = others.take(ALTERNATIVES).map(|(theirs, set)| (*set, theirs / worth)).collect();
        found
    }

    /// The best set, then the best of what is left.
    fn one_by_one(&self, leaves: &[Leaf], first: &Search, best: Set) -> Found {
        let mut found = Found::default();
        let mut left: Vec<&Leaf> = leaves.iter().collect();
        let (mut later, mut next, mut first_rate) = (None, Some(best), 0.0);
        for _ in 0..CAUSES {
            let search = later.as_ref().unwrap_or(first);
            let Some(best) = next.map(|set| search.refine(set)) else { break };
            let best = if self.order == Order::EarlierFirst { search.prefer_earlier(best) } else { best };
            let sums = search.sums[&best];
            if found.sets.is_empty() {
                first_rate = sums.excess_rate();
            } else if sums.excess() < self.least_excess() || sums.excess_rate() < LEAST_RATE * first_rate {
                break;
            }
            found.worth += search.worth(best, &sums);
            // When the rest of a wider set is affected as well, the wider set is the cause.
            found.sets.retain(|narrower| !best.holds(narrower));
            found.sets.push(best);
            left.retain(|leaf| !best.selects(leaf));
            let search = later.insert(self.search(&left));
            next = search.ranked(self.least_excess()).first().map(|(_, set)| *set);
        }
        found
    }

    /// Two values of one attribute that explain nearly all of it, and better than what was found one by one.
    fn pair(&self, first: &Search, ranked: &[(f64, Set)], found: &Found) -> Option<Found> {
        let is_early = |attribute: usize| {
            let earliest = found.sets.iter().flat_map(|set| set.conditions()).map(|(attribute, _)| attribute).min();
            self.order == Order::None || earliest.is_none_or(|earliest| attribute <= earliest)
        };
        let single: Vec<_> = ranked
            .iter()
            .filter_map(|(worth, set)| {
                let [(attribute, _)] = set.conditions()[..] else { return None };
                is_early(attribute).then_some((attribute, *worth, *set, first.sums[set]))
            })
            .collect();
        let mut best: Option<Found> = None;
        for (n, (attribute, worth, set, sums)) in single.iter().enumerate() {
            for (other, less, second, theirs) in &single[n + 1..] {
                let worth = worth + less;
                let all = sums.excess() + theirs.excess() >= PAIR_SHARE * self.total_excess;
                let as_often = theirs.excess_rate() >= LEAST_RATE * sums.excess_rate();
                let better = worth > best.as_ref().map_or(PAIR_WORTH * found.worth, |best| best.worth);
                if attribute == other && all && as_often && better {
                    best = Some(Found { sets: vec![*set, *second], worth, alternatives: Vec::new() });
                }
            }
        }
        let fitted = |set: &Set| first.narrower(*set).unwrap_or(*set);
        best.map(|pair| Found { sets: pair.sets.iter().map(fitted).collect(), ..pair })
    }
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

/// Whether devices are affected more often than all others.
fn sets_apart(own: Sums, all: Sums) -> bool {
    let others = all.without(own);
    // Where hardly anybody is left, the others are as all are.
    let rate = |sums: Sums| (sums.affected + all.rate()) / (sums.devices + 1.0);
    rate(own) >= LEAST_APART * rate(others)
}

/// What the leaves add up to that a set selects.
fn selected(leaves: &[Leaf], selects: impl Fn(&Leaf) -> bool) -> Sums {
    let mut sums = Sums::default();
    leaves.iter().filter(|leaf| selects(leaf)).for_each(|leaf| sums.add(leaf));
    sums
}

fn describe(set: &Set, leaves: &[Leaf], all: Sums) -> Cause {
    let sums = selected(leaves, |leaf| set.selects(leaf));
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

    /// Counted devices of two attributes, and how many are affected; `usual` is the share that always is.
    fn table(counted: &[([u32; 2], f64, f64)], usual: f64) -> Vec<Leaf> {
        let leaf = |(values, devices, affected): &([u32; 2], f64, f64)| Leaf {
            values: values.to_vec(),
            devices: *devices,
            affected: *affected,
            expected: usual * devices,
        };
        counted.iter().map(leaf).collect()
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
    fn two_values_of_one_attribute_are_seen_together() {
        // Three in four of the devices of two values have something else in common, which explains it halfway.
        let mut leaves = Vec::new();
        for a in 0..8u32 {
            for b in 0..4u32 {
                let devices = if b == 0 { 700.0 } else { 100.0 };
                let hit = a < 2;
                leaves.push(Leaf {
                    values: vec![u32::from(b != 0) + u32::from(!hit && b == 0), a, b],
                    devices,
                    affected: if hit { 0.5 * devices } else { 0.0 },
                    expected: devices * 0.001,
                });
            }
        }
        assert_eq!(causes(&leaves), [vec![(1, 0)], vec![(1, 1)]]);
    }

    #[test]
    fn each_of_two_values_of_one_attribute_is_as_narrow_as_its_trouble() {
        // One value is hit much harder than the other, both only where the second attribute is 1.
        let counted = [
            ([0, 1], 356.0, 109.0),
            ([0, 0], 76.0, 1.0),
            ([1, 1], 2336.0, 154.0),
            ([1, 0], 267.0, 1.0),
            ([2, 1], 560.0, 8.0),
            ([2, 0], 124.0, 2.0),
        ];
        assert_eq!(causes(&table(&counted, 0.0136)), [vec![(0, 0), (1, 1)], vec![(0, 1), (1, 1)]]);
    }

    #[test]
    fn who_is_as_bad_as_by_day_while_all_others_are_at_rest_is_found() {
        let past = |v: &[u32]| if v[0] == 3 { 0.02 } else { 0.1 };
        let now = |v: &[u32]| if v[0] == 3 { 0.15 } else { 0.05 };
        let mut leaves = fleet(|_| false);
        let of = |leaf: &Leaf, rate: f64| expected::Past { devices: leaf.devices, affected: rate * leaf.devices };
        let before: Vec<_> = leaves.iter().map(|leaf| of(leaf, past(&leaf.values))).collect();
        leaves.iter_mut().for_each(|leaf| leaf.affected = now(&leaf.values) * leaf.devices);
        expected::from_past(&mut leaves, &before);
        assert_eq!(causes(&leaves), [vec![(0, 3)]]);
    }

    #[test]
    fn who_gets_worse_while_many_others_recover_is_found() {
        let mut leaves = fleet(|v| v[0] == 3);
        // Another value was in trouble before and is well now: in sum fewer are affected than usual.
        leaves.iter_mut().filter(|leaf| leaf.values[0] != 3).for_each(|leaf| leaf.expected = 0.2 * leaf.devices);
        assert!(leaves.iter().map(|leaf| leaf.affected - leaf.expected).sum::<f64>() < 0.0);
        assert_eq!(causes(&leaves), [vec![(0, 3)]]);
    }

    #[test]
    fn what_comes_next_is_told_beside_it_unless_it_is_the_same_devices() {
        let mut leaves = fleet(|v| v[0] == 3 && v[1] == 2);
        // Travels along with the first attribute, so that it is no other explanation.
        leaves.iter_mut().for_each(|leaf| leaf.values.push(leaf.values[0]));
        let found = attribute(&leaves, Order::EarlierFirst);
        assert_eq!(found.causes[0].conditions, [(0, 3), (1, 2)]);
        let told: Vec<_> = found.alternatives.iter().map(|other| other.cause.conditions.clone()).collect();
        assert_eq!(told, [vec![(0, 3)], vec![(3, 3)]]);
        assert!(found.alternatives[0].worth < 0.9, "{:?}", found.alternatives);
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
    fn an_earlier_attribute_that_nearly_everybody_shares_is_not_preferred() {
        let counted = [([0, 0], 30.0, 8.0), ([0, 1], 18.0, 0.0), ([1, 0], 1.0, 0.0), ([1, 1], 1.0, 0.0)];
        assert_eq!(attribute(&table(&counted, 0.0005), Order::EarlierFirst).causes[0].conditions, [(1, 0)]);
    }

    #[test]
    fn an_earlier_attribute_that_leaves_out_some_who_are_as_ill_is_not_preferred() {
        // All of the revision have failed their update; what runs the old firmware is what has failed.
        let counted = [([0, 0], 86.0, 86.0), ([1, 0], 829.0, 829.0), ([2, 1], 5085.0, 3.0)];
        assert_eq!(attribute(&table(&counted, 0.0005), Order::EarlierFirst).causes[0].conditions, [(1, 0)]);
    }

    #[test]
    fn sets_are_packed_and_read_back() {
        for conditions in [vec![(0, 0)], vec![(2, Leaf::VALUES - 1), (14, 7)], vec![(0, 1), (1, 0), (6, 99)]] {
            assert_eq!(Set::of(&conditions).conditions(), conditions);
        }
    }
}
