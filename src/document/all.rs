//! Every mistake of a document at once: what is wrong is told, something right is put into its place, and reading goes on.

use std::ops::Range;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue, Deserializer};

use super::words::explain;
use super::{Mistake, mistake};

/// Mistakes told at once: whoever has made more has another kind of document.
const AT_ONCE: usize = 50;
/// Values tried in the place of wrong ones; each mistake needs one or two.
const TRIES: usize = 4 * AT_ONCE;

/// Reads as much of a document as can be read. What could not be read of it is told; in its place stands some value of
/// the right type, of which [`stands_in`] tells by its place.
pub fn read_all<T: DeserializeOwned>(source: &str, file: &str) -> (Option<T>, Vec<Mistake>) {
    let wrong = |span: &Range<usize>, message: String| mistake(source, file, span, message);
    let (mut table, errors) = DeTable::parse_recoverable(source);
    if !errors.is_empty() {
        let told = errors.iter().take(AT_ONCE);
        return (None, told.map(|e| wrong(&e.span().unwrap_or(0..0), explain(e.message()))).collect());
    }
    let mut mistakes = Vec::new();
    for n in 0..TRIES {
        let error = match T::deserialize(Deserializer::from(table.clone())) {
            Ok(read) => return (Some(read), mistakes),
            Err(error) => error,
        };
        let span = error.span().unwrap_or(0..0);
        let message = error.message();
        let place = place_of(table.get_ref(), &span);
        if !stands_in(&span, source) {
            let path = path(&place);
            let named = message.starts_with("unknown field") || path.is_empty();
            let told = explain(message);
            mistakes.push(wrong(&span, if named { told } else { format!("{path}: {told}") }));
        }
        let beyond = source.len() + 1 + n;
        if mistakes.len() >= AT_ONCE || !mend(table.get_mut(), &place, message, beyond..beyond + 1) {
            break;
        }
    }
    (None, mistakes)
}

/// Whether a place is that of a value which stands in for a wrong one.
pub(super) fn stands_in(span: &Range<usize>, source: &str) -> bool {
    span.start > source.len()
}

/// A step on the way to a value.
#[derive(Clone, Debug)]
enum Step {
    Key(String),
    Element(usize),
}

/// The way to the innermost entry that holds a place; the table itself where there is none.
fn place_of(table: &DeTable<'_>, span: &Range<usize>) -> Vec<Step> {
    let holds = |outer: Range<usize>| outer.start <= span.start && span.end <= outer.end;
    for (key, value) in table {
        let step = Step::Key(key.get_ref().to_string());
        if key.span() == *span {
            return vec![step];
        }
        let deeper = within(value, span);
        if !deeper.is_empty() || holds(value.span()) {
            return std::iter::once(step).chain(deeper).collect();
        }
    }
    Vec::new()
}

fn within(value: &Spanned<DeValue<'_>>, span: &Range<usize>) -> Vec<Step> {
    match value.get_ref() {
        DeValue::Table(inner) => place_of(inner, span),
        DeValue::Array(elements) => {
            let tables = elements.iter().enumerate().filter(|(_, element)| element.get_ref().is_table());
            for (n, element) in tables {
                let deeper = within(element, span);
                if !deeper.is_empty() || element.span() == *span {
                    return std::iter::once(Step::Element(n)).chain(deeper).collect();
                }
            }
            Vec::new()
        }
        _ => Vec::new(),
    }
}

/// `fault[2].share`
fn path(place: &[Step]) -> String {
    let mut path = String::new();
    for step in place {
        match step {
            Step::Key(key) if path.is_empty() => path.push_str(key),
            Step::Key(key) => path += &format!(".{key}"),
            Step::Element(n) => path += &format!("[{n}]"),
        }
    }
    path
}

/// Takes what nobody knows out, adds what is missing, and puts something right into the place of what is wrong.
fn mend(table: &mut DeTable<'_>, place: &[Step], message: &str, span: Range<usize>) -> bool {
    if message.starts_with("missing field") {
        let Some(name) = message.split('`').nth(1) else { return false };
        let Some(table) = table_at(table, place) else { return false };
        let key = Spanned::new(span.clone(), name.to_owned().into());
        table.insert(key, Spanned::new(span, DeValue::String("x".into())));
        return true;
    }
    let Some((Step::Key(last), parents)) = place.split_last() else { return false };
    let Some(parent) = table_at(table, parents) else { return false };
    if message.starts_with("unknown field") {
        return parent.remove(last.as_str()).is_some();
    }
    match (parent.get_mut(last.as_str()), right(message)) {
        (Some(value), Some(right)) => {
            *value = Spanned::new(span, right);
            true
        }
        _ => false,
    }
}

fn table_at<'t, 'i>(table: &'t mut DeTable<'i>, place: &[Step]) -> Option<&'t mut DeTable<'i>> {
    let mut here = table;
    let mut steps = place.iter();
    while let Some(step) = steps.next() {
        let Step::Key(key) = step else { return None };
        let mut value = here.get_mut(key.as_str())?.get_mut();
        if let DeValue::Array(elements) = value {
            let Some(Step::Element(n)) = steps.next() else { return None };
            value = elements.get_mut(*n)?.get_mut();
        }
        let DeValue::Table(inner) = value else { return None };
        here = inner;
    }
    Some(here)
}

/// A value of the type that the reader asks for.
fn right(message: &str) -> Option<DeValue<'static>> {
    let expected = message.rsplit("expected ").next()?;
    let number = |text: &'static str| DeTable::parse(text).ok()?.get_ref().get("n").map(|n| n.get_ref().clone());
    if message.starts_with("unknown variant") {
        let known = message.split('`').nth(3)?;
        Some(DeValue::String(known.to_owned().into()))
    } else if ["u8", "u16", "u32", "u64", "i8", "i16", "i32", "i64", "usize"].contains(&expected) {
        number("n = 1")
    } else if ["f32", "f64"].contains(&expected) {
        number("n = 1.0")
    } else if expected.contains("boolean") {
        number("n = false")
    } else if expected.contains("tuple") {
        number("n = [1, 2]")
    } else if expected.contains("sequence") {
        Some(DeValue::Array(DeArray::new()))
    } else if expected.contains("map") || expected.contains("struct") {
        Some(DeValue::Table(DeTable::new()))
    } else if expected.contains("string") || expected.contains("variant") {
        Some(DeValue::String("x".into()))
    } else {
        None
    }
}
