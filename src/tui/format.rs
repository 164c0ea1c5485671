//! Numbers and times as they stand on the screen: short, of steady width, and never rounded into a lie.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::domain::share;
use crate::domain::time::At;

/// `2:14`, `1:02:14`, `3d 04:12`.
pub fn duration(s: i64) -> String {
    let (d, h, m, s) = (s / 86_400, s / 3600 % 24, s / 60 % 60, s % 60);
    match (d, h) {
        (0, 0) => format!("{m}:{s:02}"),
        (0, h) => format!("{h}:{m:02}:{s:02}"),
        (d, h) => format!("{d}d {h:02}:{m:02}"),
    }
}

/// A target in the fewest letters: `5m`, `24h`, `90s`.
pub fn target(s: i64) -> String {
    match s {
        s if s >= 3600 && s % 3600 == 0 => format!("{}h", s / 3600),
        s if s >= 60 && s % 60 == 0 => format!("{}m", s / 60),
        s => format!("{s}s"),
    }
}

/// How long ago, in the largest unit: `34 s`, `5 min`, `2 h`, `3 d`.
pub fn ago(s: i64) -> String {
    match s {
        s if s < 60 => format!("{s} s"),
        s if s < 3600 => format!("{} min", s / 60),
        s if s < 86_400 => format!("{} h", s / 3600),
        s => format!("{} d", s / 86_400),
    }
}

/// `17:42:09`, in UTC.
pub fn clock(at: At) -> String {
    at.utc().format("%H:%M:%S").to_string()
}

/// Digits in groups of three: `12 345`.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    grouped
}

/// A number with what it counts: `1 message`, `12 messages`.
pub fn counted(n: u64, thing: &str) -> String {
    format!("{} {thing}{}", count(n), if n == 1 { "" } else { "s" })
}

/// Bytes, in the unit that fits: `1.2 MB`.
pub fn bytes(n: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut value = n as f64;
    let mut unit = 0;
    while value >= 1000.0 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    if unit == 0 { format!("{n} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}

/// A share in percent, in five columns: ` 100%`, `99.7%`, `  41%`. In sentences it is [`crate::domain::share::percent`].
pub fn percent(share: f64) -> String {
    format!("{:>4}%", share::digits(share))
}

/// A rate: `0`, `0.1`, `38.1`, `412`, `4.9k`, `1.2M`.
pub fn rate(n: f64) -> String {
    match n {
        n if n <= 0.0 => "0".into(),
        n if n < 0.05 => "<0.1".into(),
        n if n < 100.0 => format!("{n:.1}"),
        n if n < 1000.0 => format!("{n:.0}"),
        n if n < 99_950.0 => format!("{:.1}k", n / 1000.0),
        n if n < 999_500.0 => format!("{:.0}k", n / 1000.0),
        n => format!("{:.1}M", n / 1e6),
    }
}

/// A number where there is little room: `0`, `412`, `4.9k`, `1.2M`.
pub fn short(n: u64) -> String {
    if n < 1000 { n.to_string() } else { rate(n as f64) }
}

/// A change with its sign: `−58`, `+3`, `0`.
pub fn change(n: f64) -> String {
    match n.round() as i64 {
        0 => "0".into(),
        n if n < 0 => format!("−{}", -n),
        n => format!("+{n}"),
    }
}

/// Text in at most `width` columns, with `…` where it was cut.
pub fn fit(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut fitted = String::new();
    let mut used = 0;
    for c in text.chars() {
        let w = c.width().unwrap_or(0);
        if used + w + 1 > width {
            break;
        }
        fitted.push(c);
        used += w;
    }
    if width > 0 {
        fitted.push('…');
    }
    fitted
}

/// Text in exactly `width` columns, to the left.
pub fn left(text: &str, width: usize) -> String {
    let text = fit(text, width);
    let pad = width.saturating_sub(text.width());
    text + &" ".repeat(pad)
}

/// Text in exactly `width` columns, to the right.
pub fn right(text: &str, width: usize) -> String {
    let text = fit(text, width);
    " ".repeat(width.saturating_sub(text.width())) + &text
}

/// A bar of `width` columns in half steps: what is filled, and what is left.
pub fn bar(share: f64, width: usize) -> (String, String) {
    let halves = (share.clamp(0.0, 1.0) * (width * 2) as f64).floor() as usize;
    let mut filled = "━".repeat(halves / 2);
    if halves % 2 == 1 {
        filled.push('╸');
    }
    let left = width - filled.width();
    (filled, "─".repeat(left))
}

/// A little line of dots, two values of 0..=1 a column; gaps where there is none.
pub fn trend(values: &[Option<f32>]) -> String {
    // Braille dots from top to bottom, for the left and the right half of a cell.
    const LEFT: [u32; 4] = [0x01, 0x02, 0x04, 0x40];
    const RIGHT: [u32; 4] = [0x08, 0x10, 0x20, 0x80];
    let dot = |value: Option<&Option<f32>>, dots: [u32; 4]| match value {
        Some(Some(v)) => dots[3 - (v.clamp(0.0, 1.0) * 3.0).floor() as usize],
        _ => 0,
    };
    let cell = |pair: &[Option<f32>]| match dot(pair.first(), LEFT) | dot(pair.get(1), RIGHT) {
        0 => ' ',
        dots => char::from_u32(0x2800 + dots).unwrap_or(' '),
    };
    values.chunks(2).map(cell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_true() {
        assert_eq!([0, 134, 3734, 276_000].map(duration), ["0:00", "2:14", "1:02:14", "3d 04:40"]);
        assert_eq!([300, 86_400, 90].map(target), ["5m", "24h", "90s"]);
        assert_eq!([0, 999, 1612, 1_234_567].map(count), ["0", "999", "1 612", "1 234 567"]);
        assert_eq!([1.0, 0.9999, 0.41, 0.005, 0.0].map(percent), [" 100%", "99.9%", "  41%", " 0.5%", "   0%"]);
        assert_eq!([0.0, 0.01, 38.12, 412.4, 4912.0, 1.2e6].map(rate), ["0", "<0.1", "38.1", "412", "4.9k", "1.2M"]);
        assert_eq!([1, 999, 4912].map(short), ["1", "999", "4.9k"]);
        assert_eq!([1, 1200].map(|n| counted(n, "message")), ["1 message", "1 200 messages"]);
        assert_eq!([-58.2, 0.3, 3.0].map(change), ["−58", "0", "+3"]);
    }

    #[test]
    fn text_fits_its_columns() {
        assert_eq!(fit("abcdef", 4), "abc…");
        assert_eq!(fit("漢字漢字", 5), "漢字…");
        assert_eq!(left("ab", 4), "ab  ");
        assert_eq!(right("ab", 4), "  ab");
        assert_eq!(fit("abc", 0), "");
        assert_eq!(bar(0.41, 8), ("━━━".into(), "─────".into()));
        assert_eq!(bar(0.9999, 2), ("━╸".into(), String::new()), "not whole is not shown as whole");
        assert_eq!(bar(1.0, 2), ("━━".into(), String::new()));
        assert_eq!(trend(&[Some(1.0), Some(1.0), None, None, Some(0.0)]), "⠉ ⡀");
    }

    proptest::proptest! {
        #[test]
        fn nothing_is_wider_than_it_may_be(text in "\\PC{0,40}", width in 0usize..50) {
            proptest::prop_assert!(fit(&text, width).width() <= width);
            proptest::prop_assert_eq!(left(&text, width).width(), width);
        }
    }
}
