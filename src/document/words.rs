//! The TOML reader's words, made into those of people who do not know Rust's types.

/// What is wrong in the reader's words, and how it is mended.
pub(super) fn explain(message: &str) -> String {
    let names: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let kind = if message.starts_with("unknown field") {
        "key"
    } else if message.starts_with("unknown variant") {
        "value"
    } else {
        let line = message.lines().collect::<Vec<_>>().join("; ");
        return of_type(&line).unwrap_or(line);
    };
    let Some((unknown, known)) = names.split_first() else { return message.to_owned() };
    match super::nearest(unknown, known) {
        Some(name) => format!("unknown {kind} `{unknown}`; did you mean `{name}`?"),
        None => format!("unknown {kind} `{unknown}`; expected one of {}", known.join(", ")),
    }
}

/// `this is the text "30", and must be a whole number`.
fn of_type(message: &str) -> Option<String> {
    let told = message.strip_prefix("invalid type: ").or_else(|| message.strip_prefix("invalid value: "))?;
    let (found, wanted) = told.rsplit_once(", expected ")?;
    Some(format!("this is {}, and must be {}", called(found), described(wanted)))
}

/// What stands there.
fn called(found: &str) -> String {
    let named = |kind: &str| found.strip_prefix(kind).map(|value| value.trim_matches('`').to_owned());
    if let Some(text) = found.strip_prefix("string ") {
        return format!("the text {text}");
    }
    match found {
        "map" => "a table".into(),
        "sequence" => "a list".into(),
        _ => match named("integer ").or_else(|| named("floating point ")) {
            Some(number) => format!("the number {number}"),
            None => named("boolean ").unwrap_or_else(|| found.to_owned()),
        },
    }
}

/// What should stand there.
fn described(wanted: &str) -> String {
    let whole = |bits: u32| format!("a whole number from 0 to {}", (1_u64 << bits) - 1);
    match wanted {
        "a string" => "text in quotes".into(),
        "a boolean" => "true or false".into(),
        "a sequence" => "a list: […], or tables that begin with [[…]]".into(),
        "a map" => "a table: {…}, or one that begins with […]".into(),
        "u8" => whole(8),
        "u16" => whole(16),
        "u32" => whole(32),
        "u64" | "usize" => "a whole number, and not below 0".into(),
        "i8" | "i16" | "i32" | "i64" => "a whole number".into(),
        "f32" | "f64" => "a number".into(),
        other if other.starts_with("struct ") => described("a map"),
        other => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_type_is_told_in_words() {
        let cases = [
            (
                "invalid type: string \"30\", expected u16",
                "this is the text \"30\", and must be a whole number from 0 to 65535",
            ),
            (
                "invalid value: integer `-3`, expected u64",
                "this is the number -3, and must be a whole number, and not below 0",
            ),
            ("invalid type: floating point `3.5`, expected i64", "this is the number 3.5, and must be a whole number"),
            ("invalid type: map, expected a string", "this is a table, and must be text in quotes"),
            ("invalid type: boolean `true`, expected f64", "this is true, and must be a number"),
            (
                "invalid type: string \"a, expected b\", expected a boolean",
                "this is the text \"a, expected b\", and must be true or false",
            ),
            (
                "invalid type: string \"x\", expected struct Broker",
                "this is the text \"x\", and must be a table: {…}, or one that begins with […]",
            ),
            ("invalid length 1, expected an array of length 2", "invalid length 1, expected an array of length 2"),
            ("missing field `broker`", "missing field `broker`"),
        ];
        for (message, expected) in cases {
            assert_eq!(explain(message), expected);
        }
    }
}
