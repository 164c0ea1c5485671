//! `[[switch.choice]]` and `[switch.schema]`: what may be given with a switch; and standard switches with more to them.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::{Problem, SwitchSection, least_gate, staging, strictness};
use crate::domain::switch::parameter::{Choice, Schema};
use crate::domain::switch::template::Values;
use crate::domain::switch::{Switch, SwitchId};

/// `[[switch.choice]]`: a label, and a value for each parameter.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct ChoiceSection {
    pub label: Spanned<String>,
    #[serde(flatten)]
    pub parameters: BTreeMap<String, toml::Value>,
}

impl ChoiceSection {
    /// The choice for a switch with these parameters.
    fn choice(&self, parameters: &[String], schema: &Schema) -> Result<Choice, Problem> {
        let wrong = |message: String| Err((self.label.span(), message));
        if let Some(unknown) = self.parameters.keys().find(|name| !parameters.contains(name)) {
            return wrong(format!("`{unknown}` is no parameter of this switch; it has {}", parameters.join(", ")));
        }
        if let Some(missing) = parameters.iter().find(|name| !self.parameters.contains_key(*name)) {
            return wrong(format!("the choice needs `{missing}`"));
        }
        let text = |value: &toml::Value| match value {
            toml::Value::String(text) => text.clone(),
            other => serde_json::to_string(other).unwrap_or_default(),
        };
        let values: Values = self.parameters.iter().map(|(name, value)| (name.clone(), text(value))).collect();
        match schema.check(&values) {
            Ok(()) => Ok(Choice { label: self.label.get_ref().clone(), parameters: values }),
            Err(reason) => wrong(reason),
        }
    }
}

/// The choices of a switch: its own, or those of its preset.
pub(super) fn choices(
    own: &SwitchSection,
    base: &SwitchSection,
    parameters: &[String],
    schema: &Schema,
) -> Result<Vec<Choice>, Problem> {
    let sections = if own.choice.is_empty() { &base.choice } else { &own.choice };
    sections.iter().map(|section| section.choice(parameters, schema)).collect()
}

impl SwitchSection {
    /// Whether it only adds to a switch that is there without it.
    fn adds(&self) -> bool {
        let says_what = self.kind.is_some() || self.takes.is_some() || self.proof.is_some();
        self.preset.is_none() && !says_what && self.step.is_empty() && self.parameters.is_none()
    }

    /// The standard switch of the same id, with what stands here; none where it is a switch of its own.
    pub(super) fn added_to(&self, standard: &[Switch]) -> Option<Result<Switch, Problem>> {
        let id = self.id.as_ref().filter(|_| self.adds())?;
        let switch = standard.iter().find(|switch| switch.id == SwitchId::new(id.get_ref()))?;
        Some(self.add_to(switch.clone()))
    }

    fn add_to(&self, switch: Switch) -> Result<Switch, Problem> {
        if let Some(gate) = self.gate.as_ref().filter(|gate| strictness(*gate.get_ref()) < strictness(switch.gate)) {
            return Err((gate.span(), format!("the gate of `{}` can only be made stricter", switch.id)));
        }
        debug_assert!(strictness(switch.gate) >= strictness(least_gate(switch.kind)));
        let each = switch.steps.len() == 1 && switch.steps[0].each;
        let waves = staging::waves(self, &Self::default(), switch.takes, each)?;
        let schema = self.schema.clone().unwrap_or_default();
        let choices = choices(self, &Self::default(), &switch.parameters, &schema)?;
        Ok(Switch {
            label: self.label.clone().unwrap_or(switch.label),
            gate: self.gate.as_ref().map_or(switch.gate, |gate| *gate.get_ref()),
            effect: self.effect.clone().unwrap_or(switch.effect),
            environments: self.environments.clone().unwrap_or(switch.environments),
            undo: self.undo.as_deref().map(SwitchId::new).or(switch.undo),
            canary: self.canary.clone().or(switch.canary),
            waves: waves.or(switch.waves),
            choices,
            schema,
            ..switch
        })
    }
}
