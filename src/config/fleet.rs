//! `[fleet]`: what the fleet's topics are, and which attributes its devices have.

use std::ops::Range;

use super::routes::RouteSection;
use serde::Deserialize;
use toml::Spanned;

use crate::fleet::FleetSettings;
use crate::fleet::attributes::{Schema, measured_name};
use crate::fleet::cohorts::Grouping;
use crate::fleet::kpis::KpiPlan;
use crate::ingest::route::Router;
use crate::limits;

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FleetSection {
    /// The first level of the topics of the standard format.
    pub root: String,
    /// Attributes beyond the usual ones.
    pub attributes: Vec<String>,
    /// Pairs of attributes whose history is kept from the start.
    pub pairs: Spanned<Vec<(String, String)>>,
    /// A device that never told its presence is offline after this long without a message.
    pub silent_after_s: u32,
    /// Subscriptions; made from the routes where there are none.
    pub subscribe: Vec<String>,
    /// Values that devices measure.
    #[serde(rename = "kpi")]
    pub kpis: Vec<KpiSection>,
    /// Topics of this fleet, instead of the standard ones.
    #[serde(rename = "route")]
    pub routes: Vec<Spanned<RouteSection>>,
}

/// `[[fleet.kpi]]`: a value that devices measure, and what it may be.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KpiSection {
    /// Where it stands in the payload: `values.temp_c`.
    pub path: Spanned<String>,
    #[serde(default)]
    pub min: Option<f64>,
    #[serde(default)]
    pub max: Option<f64>,
    /// The most it may change in a minute.
    #[serde(default)]
    pub change_per_minute: Option<f64>,
}

impl Default for FleetSection {
    fn default() -> Self {
        let pairs = [("firmware", "hardware"), ("firmware", "region"), ("firmware", "carrier")];
        Self {
            root: "fleet".into(),
            attributes: Vec::new(),
            pairs: Spanned::new(0..0, pairs.map(|(a, b)| (a.to_owned(), b.to_owned())).into()),
            silent_after_s: 300,
            subscribe: Vec::new(),
            kpis: Vec::new(),
            routes: Vec::new(),
        }
    }
}

impl FleetSection {
    pub(super) fn check(&self) -> Option<(Range<usize>, String)> {
        if let Err(message) = self.groupings() {
            return Some((self.pairs.span(), message));
        }
        if let Some(kpi) = self.kpis.get(limits::KPIS) {
            return Some((kpi.path.span(), format!("more than {} values are not followed", limits::KPIS)));
        }
        let empty = |kpi: &&KpiSection| kpi.min.zip(kpi.max).is_some_and(|(min, max)| min >= max);
        if let Some(kpi) = self.kpis.iter().find(empty) {
            return Some((kpi.path.span(), "`min` must be less than `max`".into()));
        }
        let schema = self.schema();
        let bad = |route: &Spanned<RouteSection>| {
            let place = route.get_ref().place().unwrap_or(route.span());
            route.get_ref().router(&schema).err().map(|message| (place, message))
        };
        self.routes.iter().find_map(bad).or_else(|| self.router().err().map(|message| (0..0, message)))
    }

    fn schema(&self) -> Schema {
        Schema::with(&self.attributes).measuring(self.kpis.iter().map(|kpi| kpi.path.get_ref().as_str()))
    }

    fn groupings(&self) -> Result<Vec<Grouping>, String> {
        let schema = self.schema();
        let find = |name: &str| {
            let known = || format!("no attribute `{name}`; there are {}", schema.names().join(", "));
            schema.find(name).ok_or_else(known)
        };
        let pair = |(a, b): &(String, String)| {
            Grouping::by(&[find(a)?, find(b)?]).ok_or_else(|| format!("`{a}` twice is not a pair"))
        };
        self.pairs.get_ref().iter().map(pair).collect()
    }

    /// How the fleet is to be read. Pairs that do not exist were refused when the file was read.
    pub fn settings(&self) -> FleetSettings {
        let pairs = self.groupings().unwrap_or_default();
        let plan = |kpi: &KpiSection| KpiPlan {
            name: measured_name(kpi.path.get_ref()).to_owned(),
            min: kpi.min,
            max: kpi.max,
            change_per_minute: kpi.change_per_minute,
        };
        let kpis = self.kpis.iter().map(plan).collect();
        FleetSettings { schema: self.schema(), pairs, silent_after_s: self.silent_after_s, kpis }
    }

    /// Routes and subscriptions.
    ///
    /// # Errors
    /// A sentence about the route that is wrong.
    pub fn router(&self) -> Result<Router, String> {
        if self.routes.is_empty() {
            let standard = Router::standard(&self.root)?;
            return Ok(if self.subscribe.is_empty() { standard } else { standard.subscribed(self.subscribe.clone()) });
        }
        let schema = self.schema();
        let parts = self.routes.iter().map(|route| route.get_ref().router(&schema)).collect::<Result<_, _>>()?;
        let router = Router::joined(parts);
        Ok(if self.subscribe.is_empty() { router } else { router.subscribed(self.subscribe.clone()) })
    }
}
