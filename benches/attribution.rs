//! The price of an answer: which attribute values the affected devices of a fleet share, with seven attributes. The
//! baseline counts affected devices by each value alone, which answers only the simplest questions.
//!
//!     cargo bench --bench attribution

use std::collections::HashMap;

use divan::Bencher;
use warroom::detect::attribution::{Leaf, Order, attribute};
use warroom::limits;

const FLEETS: [u32; 3] = [10_000, 100_000, 1_000_000];

fn main() {
    divan::main();
}

/// A fleet of seven attributes, the last with five thousand values, of which one pair is in trouble and one device in a
/// hundred is away anyhow. Devices alike in everything are one leaf, as in a room, which tells as many apart as
/// `limits::GROUPS` says.
fn leaves(devices: u32) -> Vec<Leaf> {
    let values = [6, 12, 4, 5, 8, 30, 5_000];
    let mut random = fastrand::Rng::with_seed(1);
    let mut leaves: HashMap<Vec<u32>, Leaf> = HashMap::new();
    let groups = devices.min(limits::GROUPS as u32);
    let vectors: Vec<Vec<u32>> = (0..groups).map(|_| values.iter().map(|n| random.u32(0..*n)).collect()).collect();
    for device in 0..devices {
        let vector = vectors[(device % groups) as usize].clone();
        let hit = vector[0] == 3 && vector[1] == 5;
        let leaf =
            leaves.entry(vector.clone()).or_insert(Leaf { values: vector, devices: 0.0, affected: 0.0, expected: 0.0 });
        leaf.devices += 1.0;
        leaf.expected += 0.01;
        leaf.affected += f64::from(u8::from(random.f64() < if hit { 0.6 } else { 0.01 }));
    }
    leaves.into_values().collect()
}

#[divan::bench(args = FLEETS, sample_count = 5, sample_size = 1)]
fn count_single_values(bencher: Bencher, devices: u32) {
    let leaves = leaves(devices);
    bencher.bench_local(|| {
        let mut counts: HashMap<(usize, u32), (f64, f64)> = HashMap::new();
        for leaf in &leaves {
            for condition in leaf.values.iter().copied().enumerate() {
                let sums = counts.entry(condition).or_default();
                sums.0 += leaf.devices;
                sums.1 += leaf.affected;
            }
        }
        counts
    });
}

#[divan::bench(args = FLEETS, sample_count = 5, sample_size = 1)]
fn find_causes(bencher: Bencher, devices: u32) {
    let leaves = leaves(devices);
    bencher.bench_local(|| {
        let found = attribute(&leaves, Order::EarlierFirst);
        assert_eq!(found.causes[0].conditions, [(0, 3), (1, 5)]);
        found
    });
}
