//! Randomness, where it is needed: ids that must not meet, and delays that must not coincide.

use std::hash::{BuildHasher, RandomState};

/// A random number, from the system's randomness behind std's hash maps.
pub fn number() -> u64 {
    RandomState::new().hash_one(std::process::id())
}

/// The id of a new log: short enough to be read out over the phone.
pub fn log_id() -> String {
    letters(6)
}

/// A client id that no other room has.
pub fn client_id() -> String {
    format!("warroom-{}", letters(8))
}

/// Letters and digits that cannot be mistaken for each other.
fn letters(n: usize) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz23456789x";
    let mut bits = number();
    (0..n)
        .map(|_| {
            let letter = ALPHABET[(bits & 31) as usize];
            bits >>= 5;
            char::from(letter)
        })
        .collect()
}
