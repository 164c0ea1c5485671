//! What is given with a switch: choices that were written down on a quiet day, and what values may be.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde_json::Value;

use super::template::Values;

/// The parameter that is JSON, and that a schema is about.
pub const VALUES: &str = "values";

/// Parameters that belong together, under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    pub label: String,
    pub parameters: Values,
}

/// What a value may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Type {
    Integer,
    Number,
    String,
    Boolean,
}

impl Type {
    fn fits(self, value: &Value) -> bool {
        match self {
            Self::Integer => value.is_i64() || value.is_u64(),
            Self::Number => value.is_number(),
            Self::String => value.is_string(),
            Self::Boolean => value.is_boolean(),
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Integer => "an integer",
            Self::Number => "a number",
            Self::String => "text in quotes",
            Self::Boolean => "true or false",
        })
    }
}

/// The rule for one value.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    #[serde(rename = "type")]
    pub kind: Type,
    #[serde(default)]
    pub min: Option<f64>,
    #[serde(default)]
    pub max: Option<f64>,
    /// Nothing but these, where there are some.
    #[serde(default)]
    pub one_of: Vec<Value>,
    /// Whether it has to be given.
    #[serde(default)]
    pub required: bool,
}

impl Rule {
    fn check(&self, name: &str, value: &Value) -> Result<(), String> {
        if !self.kind.fits(value) {
            return Err(format!("`{name}` is {}, and not {value}", self.kind));
        }
        if !self.one_of.is_empty() && !self.one_of.contains(value) {
            let allowed: Vec<String> = self.one_of.iter().map(ToString::to_string).collect();
            return Err(format!("`{name}` is one of {}, and not {value}", allowed.join(", ")));
        }
        let Some(number) = value.as_f64() else { return Ok(()) };
        if let Some(min) = self.min.filter(|min| number < *min) {
            return Err(format!("`{name}` is at least {min}, and not {value}"));
        }
        match self.max.filter(|max| number > *max) {
            Some(max) => Err(format!("`{name}` is at most {max}, and not {value}")),
            None => Ok(()),
        }
    }

    /// The rule in a few words: `an integer, 5 to 3600`.
    pub fn words(&self) -> String {
        if !self.one_of.is_empty() {
            return self.one_of.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ");
        }
        match (self.min, self.max) {
            (Some(min), Some(max)) => format!("{}, {min} to {max}", self.kind),
            (Some(min), None) => format!("{}, {min} or more", self.kind),
            (None, Some(max)) => format!("{}, {max} at most", self.kind),
            (None, None) => self.kind.to_string(),
        }
    }
}

/// The rules for the values of a configuration, by name. Where there are some, nothing else is a value.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct Schema(pub BTreeMap<String, Rule>);

impl Schema {
    /// Looks at `values` among what is given with a switch.
    ///
    /// # Errors
    /// What is no JSON object, is unknown, missing, or not what the rule says.
    pub fn check(&self, parameters: &Values) -> Result<(), String> {
        let Some(text) = parameters.get(VALUES).filter(|_| !self.0.is_empty()) else { return Ok(()) };
        let json: Value = serde_json::from_str(text).map_err(|error| format!("`{VALUES}` is not JSON: {error}"))?;
        let object = json.as_object().ok_or_else(|| format!("`{VALUES}` is an object, such as {{\"name\":1}}"))?;
        for (name, value) in object {
            let known = || self.0.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            let rule = self.0.get(name).ok_or_else(|| format!("`{name}` is no value here; there are {}", known()))?;
            rule.check(name, value)?;
        }
        match self.0.iter().find(|(name, rule)| rule.required && !object.contains_key(*name)) {
            Some((name, rule)) => Err(format!("`{name}` has to be given: {}", rule.words())),
            None => Ok(()),
        }
    }

    /// All rules in one line.
    pub fn words(&self) -> String {
        self.0.iter().map(|(name, rule)| format!("{name}: {}", rule.words())).collect::<Vec<_>>().join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_held_against_their_rules() {
        let schema: Schema = serde_json::from_str(
            r#"{"hz":{"type":"integer","min":1,"max":50},"mode":{"type":"string","one_of":["eco","full"]},
                "gain":{"type":"number"},"on":{"type":"boolean","required":true}}"#,
        )
        .unwrap();
        let cases = [
            (r#"{"on":true}"#, None),
            (r#"{"on":false,"hz":50,"mode":"eco","gain":0.5}"#, None),
            (r#"{"on":true,"hz":0}"#, Some("`hz` is at least 1, and not 0")),
            (r#"{"on":true,"hz":51}"#, Some("`hz` is at most 50, and not 51")),
            (r#"{"on":true,"hz":1.5}"#, Some("`hz` is an integer, and not 1.5")),
            (r#"{"on":true,"hz":"5"}"#, Some("`hz` is an integer, and not \"5\"")),
            (r#"{"on":true,"mode":"max"}"#, Some("`mode` is one of \"eco\", \"full\", and not \"max\"")),
            (r#"{"on":1}"#, Some("`on` is true or false, and not 1")),
            (r#"{"hz":5}"#, Some("`on` has to be given: true or false")),
            (r#"{"on":true,"Hz":5}"#, Some("`Hz` is no value here; there are gain, hz, mode, on")),
            ("[1]", Some("`values` is an object")),
            ("{", Some("`values` is not JSON")),
        ];
        for (text, expected) in cases {
            let given = Values::from([(VALUES.to_owned(), text.to_owned())]);
            match (schema.check(&given), expected) {
                (Ok(()), None) => {}
                (Err(told), Some(part)) => assert!(told.contains(part), "{text}: {told}"),
                (told, _) => panic!("{text}: {told:?}"),
            }
        }
        assert!(Schema::default().check(&Values::from([(VALUES.to_owned(), "1".to_owned())])).is_ok());
        assert!(schema.words().contains("hz: an integer, 1 to 50; mode: \"eco\" or \"full\""));
    }
}
