//! A walk over JSON of any shape: every value at the end of a branch, with its path, in one pass and without a tree.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::fields::{Str, blame, is_too_deep};
use crate::domain::fault::Fault;

/// A value that holds no others.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Leaf<'a> {
    Number(f64),
    Text(Cow<'a, str>),
    Bool(bool),
    Null,
}

impl<'a> Leaf<'a> {
    /// A number, or text that is one.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Number(n) => Some(*n),
            Self::Text(text) => text.trim().parse().ok().filter(|n: &f64| n.is_finite()),
            Self::Bool(_) | Self::Null => None,
        }
    }

    /// Text, or a number as text: versions are written as either.
    pub fn text(self) -> Option<Str<'a>> {
        match self {
            Self::Text(text) => Some(Str(text)),
            Self::Number(n) => Some(Str(n.to_string().into())),
            Self::Bool(_) | Self::Null => None,
        }
    }
}

/// Where a value stands: keys and places in lists, with dots between them.
#[derive(Debug, Default)]
pub(super) struct Path {
    text: String,
    /// The length of the first key, once there is one: keys may have dots of their own.
    head: Option<usize>,
}

impl Path {
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The key at the top, and what stands below it.
    pub fn split(&self) -> (&str, &str) {
        let (head, below) = self.text.split_at(self.head.unwrap_or(0));
        (head, below.strip_prefix('.').unwrap_or(below))
    }

    fn enter(&mut self, key: &str) -> (usize, Option<usize>) {
        let before = (self.text.len(), self.head);
        if self.head.is_some() {
            self.text.push('.');
        }
        self.text.push_str(key);
        self.head = self.head.or(Some(self.text.len()));
        before
    }

    fn leave(&mut self, before: (usize, Option<usize>)) {
        self.text.truncate(before.0);
        self.head = before.1;
    }
}

/// What is done with each value.
pub(super) type Each<'e, 'a> = dyn FnMut(&Path, Leaf<'a>) + 'e;

/// Calls `each` for every value at the end of a branch. What was taken before a mistake in the JSON has been taken:
/// forget it when this fails.
///
/// # Errors
/// The kind of fault that makes the payload unreadable.
pub(super) fn walk<'a>(payload: &'a [u8], each: &mut Each<'_, 'a>) -> Result<(), Fault> {
    let text = std::str::from_utf8(payload).map_err(|_| Fault::BadUtf8)?;
    if is_too_deep(payload) {
        return Err(Fault::TooDeep);
    }
    let mut json = serde_json::Deserializer::from_str(text);
    let walked = Walker { path: &mut Path::default(), each }.deserialize(&mut json);
    walked.and_then(|()| json.end()).map_err(|error| blame(&error, text))
}

struct Walker<'w, 'e, 'a> {
    path: &'w mut Path,
    each: &'w mut Each<'e, 'a>,
}

impl<'a> Walker<'_, '_, 'a> {
    fn take(self, leaf: Leaf<'a>) {
        (self.each)(self.path, leaf);
    }
}

impl<'de> DeserializeSeed<'de> for Walker<'_, '_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walker<'_, '_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Str<'de>>()? {
            let before = self.path.enter(&key.0);
            map.next_value_seed(Walker { path: self.path, each: self.each })?;
            self.path.leave(before);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        for place in 0usize.. {
            let before = self.path.enter(&place.to_string());
            let more = seq.next_element_seed(Walker { path: self.path, each: self.each })?;
            self.path.leave(before);
            if more.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn visit_f64<E: de::Error>(self, n: f64) -> Result<(), E> {
        self.take(Leaf::Number(n));
        Ok(())
    }

    fn visit_u64<E: de::Error>(self, n: u64) -> Result<(), E> {
        self.take(Leaf::Number(n as f64));
        Ok(())
    }

    fn visit_i64<E: de::Error>(self, n: i64) -> Result<(), E> {
        self.take(Leaf::Number(n as f64));
        Ok(())
    }

    fn visit_bool<E: de::Error>(self, told: bool) -> Result<(), E> {
        self.take(Leaf::Bool(told));
        Ok(())
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        self.take(Leaf::Null);
        Ok(())
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<(), E> {
        self.take(Leaf::Text(Cow::Borrowed(text)));
        Ok(())
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<(), E> {
        self.take(Leaf::Text(Cow::Owned(text.to_owned())));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walked(json: &str) -> Result<String, Fault> {
        let mut told = Vec::new();
        walk(json.as_bytes(), &mut |path, leaf| {
            let (head, below) = path.split();
            told.push(format!("{head}|{below}={leaf:?}"));
        })?;
        Ok(told.join(" "))
    }

    #[test]
    fn every_value_comes_with_its_path() {
        let cases = [
            (r#"{"a":{"b":[1,"x"]},"c.d":{"e":true}}"#, r#"a|b.0=Number(1.0) a|b.1=Text("x") c.d|e=Bool(true)"#),
            ("21.5", "|=Number(21.5)"),
            (r#"[{"":-1},null]"#, "0|=Number(-1.0) 1|=Null"),
            (r#"{"":{"a":1}}"#, "|a=Number(1.0)"),
            ("{}", ""),
        ];
        for (json, expected) in cases {
            assert_eq!(walked(json), Ok(expected.to_owned()), "{json}");
        }
        for (json, fault) in [("{", Fault::BadJson), ("online", Fault::BadJson), ("1e999", Fault::BadNumber)] {
            assert_eq!(walked(json), Err(fault), "{json}");
        }
        assert_eq!(walked(&"[".repeat(1000)), Err(Fault::TooDeep));
    }
}
