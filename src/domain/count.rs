//! Numbers in sentences.

use std::fmt::Display;

/// A number with what it counts: `1 device`, `12 devices`.
pub fn counted<N: Display + PartialEq + From<u8>>(n: N, thing: &str) -> String {
    let plural = if n == N::from(1) { "" } else { "s" };
    format!("{n} {thing}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_one() {
        assert_eq!(
            [counted(0_u32, "device"), counted(1_u32, "device"), counted(2_u64, "device")],
            ["0 devices", "1 device", "2 devices"]
        );
    }
}
