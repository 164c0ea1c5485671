//! Templates: text with `{name}` in it, filled in for each target.
//!
//! What is filled in comes from devices and from people in a hurry, so that it is made safe for the place where it
//! goes: quoted inside a JSON string, percent-encoded in a URL, refused in a topic where it would reach other topics. A
//! name without a value is an error, never blank text. `{secret:NAME}` stays as it is: secrets are filled in by the
//! actuator, at the last moment, and are in no log and on no screen.

use std::collections::BTreeMap;

/// Values by name.
pub type Values = BTreeMap<String, String>;

/// Where the text goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// One argument of a program, or a header: taken as it stands.
    Plain,
    Topic,
    Url,
    /// A payload. Where it is JSON, what stands inside quotes is escaped, and what stands outside must be JSON itself.
    Payload,
}

/// The beginning of a name that stands for a secret.
const SECRET: &str = "secret:";

/// A part of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part<'a> {
    Text(&'a str),
    Name(&'a str),
}

/// Takes a template apart. Braces that hold no name (`{"a":1}`, `{}`) are text.
fn parts(template: &str) -> Vec<Part<'_>> {
    let is_name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | ':' | '.'))
    };
    let mut parts = Vec::new();
    let (mut begin, mut at) = (0, 0);
    while let Some(open) = template[at..].find('{').map(|found| at + found) {
        let name = template[open + 1..].split('}').next().unwrap_or("");
        if is_name(name) && template[open + 1 + name.len()..].starts_with('}') {
            parts.push(Part::Text(&template[begin..open]));
            parts.push(Part::Name(name));
            begin = open + name.len() + 2;
            at = begin;
        } else {
            at = open + 1;
        }
    }
    parts.push(Part::Text(&template[begin..]));
    parts
}

/// The names that a template asks for, secrets left out.
pub fn names(template: &str) -> impl Iterator<Item = &str> {
    parts(template).into_iter().filter_map(|part| match part {
        Part::Name(name) if !name.starts_with(SECRET) => Some(name),
        _ => None,
    })
}

/// The secrets that a template asks for.
pub fn secrets(template: &str) -> impl Iterator<Item = &str> {
    parts(template).into_iter().filter_map(|part| match part {
        Part::Name(name) => name.strip_prefix(SECRET),
        Part::Text(_) => None,
    })
}

/// Fills a template in.
///
/// # Errors
/// The name that has no value, or the value that must not stand where it would.
pub fn fill(template: &str, place: Place, values: &Values) -> Result<String, String> {
    let is_json = place == Place::Payload && template.trim_start().starts_with(['{', '[']);
    let mut filled = String::with_capacity(template.len() + 64);
    let mut quoted = false;
    for part in parts(template) {
        match part {
            Part::Text(text) => {
                quoted = ends_in_quotes(text, quoted);
                filled.push_str(text);
            }
            Part::Name(name) if name.starts_with(SECRET) => {
                filled.push('{');
                filled.push_str(name);
                filled.push('}');
            }
            Part::Name(name) => {
                let value = values.get(name).ok_or_else(|| missing(name, values))?;
                // A device that calls itself so must not be told a secret.
                if value.contains("{secret:") {
                    return Err(format!("the value of `{name}` asks for a secret: {value}"));
                }
                match place {
                    Place::Payload if is_json && quoted => filled.push_str(&within_quotes(value)),
                    Place::Payload if is_json => {
                        let json: serde_json::Value = serde_json::from_str(value)
                            .map_err(|error| format!("the value of `{name}` is not JSON: {error}"))?;
                        filled.push_str(&json.to_string());
                    }
                    Place::Payload | Place::Plain => filled.push_str(value),
                    Place::Topic => filled.push_str(topic_level(value)?),
                    Place::Url => filled.push_str(&percent_encoded(value)),
                }
            }
        }
    }
    Ok(filled)
}

/// Puts secrets in the place of their names. `quote` where the text is JSON.
///
/// # Errors
/// Why a secret cannot be had.
pub fn reveal(text: &str, is_json: bool, find: &dyn Fn(&str) -> Result<String, String>) -> Result<String, String> {
    let mut revealed = String::with_capacity(text.len() + 64);
    for part in parts(text) {
        match part {
            Part::Text(text) => revealed.push_str(text),
            Part::Name(name) => match name.strip_prefix(SECRET) {
                Some(secret) => {
                    let value = find(secret)?;
                    revealed.push_str(&if is_json { within_quotes(&value) } else { value });
                }
                // It was filled in already: what looks like a name came from a value.
                None => {
                    revealed.push('{');
                    revealed.push_str(name);
                    revealed.push('}');
                }
            },
        }
    }
    Ok(revealed)
}

fn missing(name: &str, values: &Values) -> String {
    let known: Vec<&str> = values.keys().map(String::as_str).collect();
    format!("`{{{name}}}` has no value here; there are {}", known.join(", "))
}

/// Whether the text ends inside a JSON string that began in it or before it.
fn ends_in_quotes(text: &str, mut quoted: bool) -> bool {
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' if quoted => drop(characters.next()),
            '"' => quoted = !quoted,
            _ => {}
        }
    }
    quoted
}

/// A value inside the quotes of JSON.
fn within_quotes(value: &str) -> String {
    let quoted = serde_json::Value::from(value).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// A value that may be one level of a topic.
fn topic_level(value: &str) -> Result<&str, String> {
    // A name that was cut or made visible on its way in carries one of our own marks, and is not what others call it.
    let is_marked = value.contains(['<', '^', '…']) || value.starts_with("(blank") || value == "(empty)";
    if value.is_empty() || is_marked || value.contains(['+', '#', '/', '\0']) {
        return Err(format!("`{value}` cannot be part of a topic, so nothing can be sent to it"));
    }
    Ok(value)
}

fn percent_encoded(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values() -> Values {
        let pairs = [
            ("device", "th-7"),
            ("evil", r#"a"b\c"#),
            ("values", r#"{"hz":1}"#),
            ("path", "a/b c"),
            ("n", ""),
            ("sly", "{secret:token}"),
        ];
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    #[test]
    fn what_is_filled_in_cannot_break_out_of_its_place() {
        let cases = [
            (r#"{"who":"{device}"}"#, Place::Payload, Ok(r#"{"who":"th-7"}"#)),
            (r#"{"who":"x{evil}y"}"#, Place::Payload, Ok(r#"{"who":"xa\"b\\cy"}"#)),
            (r#"{"v":{values}}"#, Place::Payload, Ok(r#"{"v":{"hz":1}}"#)),
            (r#"{"v":{evil}}"#, Place::Payload, Err("the value of `evil` is not JSON")),
            ("off {evil}", Place::Payload, Ok(r#"off a"b\c"#)),
            ("fleet/{device}/x", Place::Topic, Ok("fleet/th-7/x")),
            ("fleet/{path}/x", Place::Topic, Err("`a/b c` cannot be part of a topic")),
            ("fleet/{n}/x", Place::Topic, Err("cannot be part of a topic")),
            ("https://x/{path}", Place::Url, Ok("https://x/a%2Fb%20c")),
            ("{sly}", Place::Payload, Err("the value of `sly` asks for a secret")),
            ("{nobody}", Place::Plain, Err("`{nobody}` has no value here; there are device, evil")),
            ("Bearer {secret:token}", Place::Plain, Ok("Bearer {secret:token}")),
            ("{} {\"a\"} {A} {", Place::Plain, Ok("{} {\"a\"} {A} {")),
        ];
        for (template, place, expected) in cases {
            let filled = fill(template, place, &values());
            match expected {
                Ok(text) => assert_eq!(filled.as_deref(), Ok(text), "{template}"),
                Err(part) => assert!(filled.unwrap_err().contains(part), "{template}"),
            }
        }
    }

    #[test]
    fn secrets_are_revealed_last_and_quoted_where_they_must_be() {
        let find = |name: &str| if name == "token" { Ok("s\"3".to_owned()) } else { Err("no such secret".to_owned()) };
        assert_eq!(reveal("Bearer {secret:token} {device}", false, &find).unwrap(), "Bearer s\"3 {device}");
        assert_eq!(reveal(r#"{"t":"{secret:token}"}"#, true, &find).unwrap(), r#"{"t":"s\"3"}"#);
        assert!(reveal("{secret:other}", false, &find).is_err());
        assert_eq!(secrets("a {secret:x} {b}").collect::<Vec<_>>(), ["x"]);
        assert_eq!(names("a {secret:x} {b}").collect::<Vec<_>>(), ["b"]);
    }
}
