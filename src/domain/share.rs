//! Shares in percent, rounded by one rule wherever they are read.

/// `41 %`, with a tenth where it is told from nothing, from all, or from another small share: `0.4 %`, `99.7 %`. What is not
/// nothing is never shown as nothing, and what is not whole never as whole. A share that is not a number is none.
pub fn percent(share: f64) -> String {
    format!("{} %", digits(share))
}

/// The same without its unit, in at most four characters.
pub fn digits(share: f64) -> String {
    // Tenths decide: 9.96 is 10, not 10.0.
    match (share * 1000.0).clamp(0.0, 1000.0) {
        tenths if tenths >= 1000.0 => "100".into(),
        tenths if tenths >= 985.0 => format!("{:.1}", tenths.floor() / 10.0),
        tenths if tenths.round() >= 100.0 => format!("{:.0}", tenths / 10.0),
        tenths if tenths.round() >= 1.0 => format!("{:.1}", tenths.round() / 10.0),
        tenths if tenths > 0.0 => "<0.1".into(),
        _ => "0".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_whole_or_nothing_is_not_shown_as_it() {
        let cases = [
            (0.0, "0 %"),
            (1e-9, "<0.1 %"),
            (0.004, "0.4 %"),
            (0.0836, "8.4 %"),
            (0.0994, "9.9 %"),
            (0.0996, "10 %"),
            (0.106, "11 %"),
            (0.41, "41 %"),
            (0.984, "98 %"),
            (0.9876, "98.7 %"),
            (0.999_99, "99.9 %"),
            (1.0, "100 %"),
            (1.2, "100 %"),
            (-0.1, "0 %"),
            (f64::NAN, "0 %"),
        ];
        for (share, expected) in cases {
            assert_eq!(percent(share), expected, "{share}");
        }
    }
}
