//! How many devices of a leaf would be affected if nothing were wrong.

use hashbrown::HashMap;

use super::{Leaf, Sums};

/// Devices that the whole fleet's rate counts for against a leaf's own: a small leaf's past says little.
const PRIOR: f64 = 10.0;
/// The share of the devices that an attribute value must hold to tell what is usual.
const USUAL_SHARE: f64 = 0.02;
/// Affected devices that must have been expected of a value for it to show that fewer are.
const LEAST_EXPECTED: f64 = 10.0;
/// No rate is held to be lower than this: one affected device in ten thousand is never a surprise.
const LEAST_RATE: f64 = 1e-4;

/// A leaf's devices before, and how many of them were affected then.
#[derive(Clone, Copy, Debug, Default)]
pub struct Past {
    pub devices: f64,
    pub affected: f64,
}

/// Fills in what is to be expected of each leaf, from its own past drawn towards that of all. Where all others are
/// affected less than they were, by the hour of the day say, so much less is expected of each.
pub fn from_past(leaves: &mut [Leaf], past: &[Past]) {
    let (devices, affected) = past.iter().fold((0.0, 0.0), |(n, k), past| (n + past.devices, k + past.affected));
    let usual = if devices > 0.0 { affected / devices } else { 0.0 };
    // Affected devices count in the same currency as the prior: the past is weighed as the present is.
    let total: f64 = leaves.iter().map(|leaf| leaf.devices).sum();
    let scale = (super::WEIGHT / total.max(1.0)).min(1.0);
    for (leaf, past) in leaves.iter_mut().zip(past) {
        let rate = (past.affected * scale + PRIOR * usual) / (past.devices * scale + PRIOR);
        leaf.expected = rate.max(LEAST_RATE) * leaf.devices;
    }
    let known = large_values(leaves).into_iter().flatten().filter(|sums| sums.expected >= LEAST_EXPECTED);
    let mut changes: Vec<f64> = known.map(|sums| sums.affected / sums.expected).collect();
    changes.sort_by(f64::total_cmp);
    let fall = changes.get(changes.len() / 2).copied().unwrap_or(1.0).min(1.0);
    leaves.iter_mut().for_each(|leaf| leaf.expected = (fall * leaf.expected).max(LEAST_RATE * leaf.devices));
}

/// Fills in what is to be expected where nothing is known of the past: the rate of the attribute values that are least
/// affected, the lower quartile of all large ones, and at least `usual`, where so much is known of the past.
pub fn from_peers(leaves: &mut [Leaf], usual: f64) {
    let peers = quartile(large_values(leaves).iter().flatten());
    expect(leaves, peers.unwrap_or(0.0).max(usual));
}

/// The same where all of them were put to one test, and who passed tells what is usual: the quartile within the attribute
/// that best tells those who did not from the others. To every other attribute both are mixed.
pub fn from_who_passed(leaves: &mut [Leaf], usual: f64) {
    let peers = large_values(leaves).iter().filter_map(quartile).min_by(f64::total_cmp);
    expect(leaves, peers.unwrap_or(0.0).max(usual));
}

fn quartile<'a>(values: impl IntoIterator<Item = &'a Sums>) -> Option<f64> {
    let mut rates: Vec<f64> = values.into_iter().map(Sums::rate).collect();
    rates.sort_by(f64::total_cmp);
    rates.get(rates.len() / 4).copied()
}

fn expect(leaves: &mut [Leaf], usual: f64) {
    leaves.iter_mut().for_each(|leaf| leaf.expected = usual.max(LEAST_RATE) * leaf.devices);
}

/// Of each attribute the sums of its values that are large enough to tell what is usual; what all share tells nobody from
/// the others.
fn large_values(leaves: &[Leaf]) -> Vec<Vec<Sums>> {
    let total: f64 = leaves.iter().map(|leaf| leaf.devices).sum();
    let mut values: HashMap<(usize, u32), Sums> = HashMap::new();
    for leaf in leaves {
        for (attribute, value) in leaf.values.iter().enumerate() {
            values.entry((attribute, *value)).or_default().add(leaf);
        }
    }
    let is_large = |sums: &Sums| sums.devices > 0.0 && sums.devices >= USUAL_SHARE * total && sums.devices < total;
    let mut large = vec![Vec::new(); leaves.first().map_or(0, |leaf| leaf.values.len())];
    let told = values.into_iter().filter(|(_, sums)| is_large(sums));
    told.for_each(|((attribute, _), sums)| large[attribute].push(sums));
    large
}
