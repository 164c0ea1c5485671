//! `[[fleet.route]]`: a topic of this fleet, or all the topics of a well-known kind of fleet.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use crate::fleet::attributes::Schema;
use crate::ingest::decode::mapped::Mapping;
use crate::ingest::preset;
use crate::ingest::route::{Format, MessageKind, Route, Router};

/// A preset, or a topic with its message and format.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RouteSection {
    pub preset: Option<Spanned<String>>,
    /// The pattern of a topic; with a preset, where its topics begin.
    pub topic: Option<Spanned<String>>,
    pub message: Option<String>,
    pub format: Option<String>,
    /// For the format `json`: our field, and where it stands in the payload.
    pub fields: BTreeMap<String, FieldSection>,
    /// For the format `json`: words for presence beyond the usual ones.
    pub online: Vec<String>,
    pub offline: Vec<String>,
}

/// `"bat.pct"`, or `{ path = "bat.mv", scale = 0.001 }`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged, expecting = "a path such as \"bat.pct\", or a table with `path` and `scale`")]
pub enum FieldSection {
    Path(String),
    Scaled {
        path: String,
        /// What the number is multiplied by.
        scale: f64,
    },
}

impl RouteSection {
    /// Where a mistake in it is shown, if not at its beginning.
    pub(super) fn place(&self) -> Option<Range<usize>> {
        self.topic.as_ref().or(self.preset.as_ref()).map(Spanned::span)
    }

    /// Its routes and subscriptions.
    ///
    /// # Errors
    /// A sentence about what is wrong with it.
    pub(super) fn router(&self, schema: &Schema) -> Result<Router, String> {
        let topic = self.topic.as_ref().map(|topic| topic.get_ref().as_str());
        if let Some(preset) = &self.preset {
            return match self.beside_a_preset() {
                None => preset::router(preset.get_ref(), topic),
                Some(key) => Err(format!("`{key}` does not go with a preset, which has its own")),
            };
        }
        let topic = topic.ok_or_else(|| {
            let known: Vec<_> = preset::names().collect();
            format!("a route needs a `topic`, or a `preset`: one of {}", known.join(", "))
        })?;
        let message = self.message.as_deref().ok_or_else(|| {
            format!("a topic needs a `message`, which says what it is: one of {}", MessageKind::WORDS.join(", "))
        })?;
        let kind = MessageKind::parse(message)
            .ok_or_else(|| format!("unknown message `{message}`; expected one of {}", MessageKind::WORDS.join(", ")))?;
        Ok(Router::new(vec![Route::parse(topic, kind, self.format(schema)?)?], Vec::new()))
    }

    fn format(&self, schema: &Schema) -> Result<Format, String> {
        let maps = !(self.fields.is_empty() && self.online.is_empty() && self.offline.is_empty());
        match self.format.as_deref().unwrap_or("standard") {
            "standard" if maps => Err("`fields`, `online` and `offline` need `format = \"json\"`".into()),
            "standard" => Ok(Format::Standard),
            "json" => Ok(Format::Json(Box::new(self.mapping(schema)?))),
            word if preset::names().any(|name| name == word) => {
                Err(format!("`{word}` is a preset, which brings its topics along: `preset = \"{word}\"`"))
            }
            word => Err(format!("unknown format `{word}`; expected `standard` or `json`, or a `preset`")),
        }
    }

    fn mapping(&self, schema: &Schema) -> Result<Mapping, String> {
        let mut mapping = Mapping::default();
        for (field, section) in &self.fields {
            let (path, scale) = match section {
                FieldSection::Path(path) => (path, 1.0),
                FieldSection::Scaled { path, scale } => (path, *scale),
            };
            mapping.add(field, path, scale, schema)?;
        }
        Ok(mapping.with_words(self.online.clone(), self.offline.clone()))
    }

    /// A key that a preset leaves no room for.
    fn beside_a_preset(&self) -> Option<&'static str> {
        let keys = [
            ("message", self.message.is_some()),
            ("format", self.format.is_some()),
            ("fields", !self.fields.is_empty()),
            ("online", !self.online.is_empty()),
            ("offline", !self.offline.is_empty()),
        ];
        keys.into_iter().find(|(_, is_set)| *is_set).map(|(key, _)| key)
    }
}
