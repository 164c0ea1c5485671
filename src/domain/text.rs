//! Text from outside, made safe to show.
//!
//! Everything a device, a broker or a person sends passes through [`visible`] once, where it enters, before
//! it is measured, stored or drawn. Hostile characters are made visible rather than deleted: `FAILED` with six
//! backspaces and `OK` behind it must not read as `OK`. The result is one line of printable characters, each
//! one or two columns wide, and different inputs stay different.

use std::borrow::Cow;
use std::fmt::Write;

/// Combining marks kept on one character. One cell must not cost a terminal 60 KB a frame.
const MARKS_PER_CHARACTER: usize = 8;

/// `text` with every character that could act on a terminal, hide, or pass for another one written out:
/// `^[` for ESC, `<9B>` for a C1 control, `<U+202E>` for the invisible and the bidirectional.
pub fn visible(text: &str) -> Cow<'_, str> {
    if is_plain(text) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut marks = 0;
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        if is_combining(c) {
            marks += 1;
            if marks <= MARKS_PER_CHARACTER {
                out.push(c);
            }
            continue;
        }
        close_marks(&mut out, &mut marks);
        match c {
            '\0'..='\x1f' => out.extend(['^', char::from(c as u8 + 0x40)]),
            '\x7f' => out.push_str("^?"),
            '\u{80}'..='\u{9f}' => write_code(&mut out, format_args!("<{:02X}>", c as u32)),
            // What would read as one of our own marks is written as a code, so that nobody can forge one.
            '^' if characters.peek().is_some_and(|next| matches!(next, '?'..='_')) => out.push_str("<U+005E>"),
            '<' if forges_a_mark(characters.clone()) => out.push_str("<U+003C>"),
            c if is_deceptive(c) || is_furniture(c) => write_code(&mut out, format_args!("<U+{:04X}>", c as u32)),
            c => out.push(c),
        }
    }
    close_marks(&mut out, &mut marks);
    Cow::Owned(out)
}

/// Like [`visible`], for a name: cut to `limit` characters with its real length said, never blank, and marked
/// when it mixes alphabets that look alike (`dеv-1` with a Cyrillic `е` is not `dev-1`).
pub fn visible_name(text: &str, limit: usize) -> Cow<'_, str> {
    let shown = visible(text);
    if shown.trim().is_empty() {
        return Cow::Owned(if text.is_empty() { "(empty)".into() } else { format!("(blank {})", text.len()) });
    }
    let mixed = !text.is_ascii() && mixes_alphabets(text);
    if shown.len() <= limit && !mixed {
        return shown;
    }
    let mut name: String = shown.chars().take(limit).collect();
    let total = shown.chars().count();
    if total > limit {
        write_code(&mut name, format_args!("…({total})"));
    }
    if mixed {
        name.push_str("<mixed>");
    }
    Cow::Owned(name)
}

/// Several lines of text written by a person: each line as [`visible`] has it, line breaks kept, tabs as spaces.
pub fn visible_lines(text: &str) -> String {
    let spaced = text.replace("\r\n", "\n").replace('\t', "    ");
    spaced.split('\n').map(visible).collect::<Vec<_>>().join("\n")
}

/// A preview of bytes that could not be decoded: text where it is text, `<FF>` where it is not, cut to `limit` bytes.
pub fn visible_bytes(bytes: &[u8], limit: usize) -> String {
    let cut = &bytes[..bytes.len().min(limit)];
    let mut out = String::with_capacity(cut.len());
    for chunk in cut.utf8_chunks() {
        out.push_str(&visible(chunk.valid()));
        for byte in chunk.invalid() {
            write_code(&mut out, format_args!("<{byte:02X}>"));
        }
    }
    if bytes.len() > limit {
        write_code(&mut out, format_args!("… ({} bytes)", bytes.len()));
    }
    out
}

fn write_code(out: &mut String, code: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = out.write_fmt(code);
}

fn close_marks(out: &mut String, marks: &mut usize) {
    if *marks > MARKS_PER_CHARACTER {
        write_code(out, format_args!("<+{} marks>", *marks - MARKS_PER_CHARACTER));
    }
    *marks = 0;
}

/// Nearly all names are plain ASCII; they take this way out without a copy.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|b| matches!(b, 0x20..=0x7e) && b != b'^' && b != b'<')
}

/// Whether a `<` starts what looks like one of our own marks: `<U+`, `<9B>`, `<+`, `<mixed>`.
fn forges_a_mark(mut rest: impl Iterator<Item = char>) -> bool {
    match rest.next() {
        Some('U') => rest.next() == Some('+'),
        Some('+') => true,
        Some('m') => rest.take(5).eq("ixed>".chars()),
        Some(c) if c.is_ascii_hexdigit() => {
            rest.next().is_some_and(|c| c.is_ascii_hexdigit()) && rest.next() == Some('>')
        }
        _ => false,
    }
}

fn is_combining(c: char) -> bool {
    c > '\u{2ff}' && unicode_width::UnicodeWidthChar::width(c) == Some(0) && !is_deceptive(c)
}

/// Characters that are invisible, reorder what stands around them, or are spaces that do not look like one.
fn is_deceptive(c: char) -> bool {
    matches!(c,
        '\u{a0}' | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{1680}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{2000}'..='\u{200f}' | '\u{2028}'..='\u{202f}' | '\u{205f}'..='\u{206f}'
        | '\u{2800}' | '\u{3000}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{e000}'..='\u{f8ff}' | '\u{fdd0}'..='\u{fdef}' | '\u{fff0}'..='\u{fffb}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{10ffff}')
        || (c as u32 & 0xfffe) == 0xfffe
}

/// What the room itself is drawn with: frames, bars and marks. A device that is called `✓ OTA HALT` must not look like
/// the room's own word.
fn is_furniture(c: char) -> bool {
    matches!(c, '\u{2500}'..='\u{259f}' | '▸' | '▶' | '●' | '○' | '✓' | '✔' | '✗' | '✘' | '⚠')
}

/// Latin letters beside letters of an alphabet that has look-alikes for them.
fn mixes_alphabets(text: &str) -> bool {
    let latin = text.chars().any(|c| c.is_ascii_alphabetic());
    latin
        && text.chars().any(|c| {
            matches!(c,
                '\u{370}'..='\u{3ff}' | '\u{400}'..='\u{52f}' | '\u{530}'..='\u{58f}' | '\u{13a0}'..='\u{13ff}'
                | '\u{a4d0}'..='\u{a4ff}' | '\u{1f00}'..='\u{1fff}' | '\u{ff21}'..='\u{ff5a}' | '\u{1d400}'..='\u{1d7ff}')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_on_a_terminal_is_written_out() {
        let cases = [
            ("plain name-1.2", "plain name-1.2"),
            ("\x1b[2J\x1b[H", "^[[2J^[[H"),
            ("FAILED\x08\x08OK", "FAILED^H^HOK"),
            ("a\rb\nc\td", "a^Mb^Jc^Id"),
            ("A\u{9b}2JB", "A<9B>2JB"),
            ("\x7f", "^?"),
            ("fw-\u{202e}1.4.2\u{202c}", "fw-<U+202E>1.4.2<U+202C>"),
            ("dev\u{200b}-1", "dev<U+200B>-1"),
            ("a\u{e0041}", "a<U+E0041>"),
            ("│ ✔", "<U+2502> <U+2714>"),
            ("héllo 漢字", "héllo 漢字"),
            ("a < b ^ c", "a < b ^ c"),
        ];
        for (text, shown) in cases {
            assert_eq!(visible(text), shown, "{text:?}");
        }
    }

    #[test]
    fn a_mark_cannot_be_forged() {
        for forged in ["^[", "<9B>", "<U+202E>", "<+9 marks>", "<mixed>"] {
            assert_ne!(visible(forged), forged);
        }
        assert_ne!(visible("\x1b"), visible("^["));
        assert_ne!(visible("\u{202e}"), visible("<U+202E>"));
    }

    #[test]
    fn a_tower_of_marks_is_cut_and_counted() {
        let tower = format!("Z{}", "\u{301}".repeat(30_000));
        let shown = visible(&tower);
        assert!(shown.ends_with("<+29992 marks>"), "{}", &shown[shown.len() - 20..]);
        assert!(shown.len() < 64);
    }

    #[test]
    fn a_name_is_never_blank_too_long_or_a_twin() {
        assert_eq!(visible_name("", 8), "(empty)");
        assert_eq!(visible_name("   ", 8), "(blank 3)");
        assert_eq!(visible_name("abcdefghij", 4), "abcd…(10)");
        assert_eq!(visible_name("d\u{435}v-1", 16), "d\u{435}v-1<mixed>");
        assert_eq!(visible_name("датчик-1", 16), "датчик-1");
    }

    #[test]
    fn bytes_are_previewed_whatever_they_are() {
        assert_eq!(visible_bytes(b"ok\xff\x1b[2J", 64), "ok<FF>^[[2J");
        assert_eq!(visible_bytes(&[b'x'; 100], 3), "xxx… (100 bytes)");
    }

    proptest::proptest! {
        #[test]
        fn nothing_that_acts_survives(text in "\\PC*|[\\x00-\\x1f\\x7f-\\x9f\\u{200b}-\\u{202e}a^<U+>]{0,24}") {
            let shown = visible(&text);
            assert!(!shown.chars().any(|c| c.is_control() || is_deceptive(c)));
        }
    }
}
