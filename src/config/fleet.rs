//! `[fleet]`: what the fleet's topics are, and which attributes its devices have.

use std::collections::BTreeMap;
use std::ops::Range;

use super::maintenance::MaintenanceSection;
use super::routes::RouteSection;
use serde::Deserialize;
use toml::Spanned;

use crate::domain::cohort::CohortKey;
use crate::domain::critical::Critical;
use crate::domain::incident::Severity;
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
    /// Names of devices differ within a site only.
    pub names_per_site: Spanned<bool>,
    /// Subscriptions; made from the routes where there are none.
    pub subscribe: Vec<String>,
    /// Values that devices measure.
    #[serde(rename = "kpi")]
    pub kpis: Vec<KpiSection>,
    /// Attribute values whose devices matter more than their number says.
    pub critical: Vec<CriticalSection>,
    /// Hours in which devices are worked on.
    pub maintenance: Vec<MaintenanceSection>,
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

/// `[[fleet.critical]]`: devices that make an incident worse than their number does.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CriticalSection {
    /// Attribute values, all of which they have: `{ customer = "clinic" }`.
    #[serde(rename = "where")]
    pub only: Spanned<BTreeMap<String, String>>,
    pub at_least: Severity,
    #[serde(default = "CriticalSection::minimum")]
    pub minimum: u32,
    #[serde(default)]
    pub why: Option<String>,
}

impl CriticalSection {
    /// One device comes and goes.
    const fn minimum() -> u32 {
        3
    }
}

impl Default for FleetSection {
    fn default() -> Self {
        let pairs = [("firmware", "hardware"), ("firmware", "region"), ("firmware", "carrier")];
        Self {
            root: "fleet".into(),
            attributes: Vec::new(),
            pairs: Spanned::new(0..0, pairs.map(|(a, b)| (a.to_owned(), b.to_owned())).into()),
            silent_after_s: 300,
            names_per_site: Spanned::new(0..0, false),
            subscribe: Vec::new(),
            kpis: Vec::new(),
            critical: Vec::new(),
            maintenance: Vec::new(),
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
        let named = self.critical.iter().map(|critical| &critical.only);
        let named = named.chain(self.maintenance.iter().map(|maintenance| &maintenance.only));
        for only in named {
            let known = || schema.names().join(", ");
            let wrong = match only.get_ref().keys().find(|name| schema.find(name).is_none()) {
                Some(name) => Some(format!("no attribute `{name}`; there are {}", known())),
                None => only.get_ref().is_empty().then(|| format!("`where` names no attribute; there are {}", known())),
            };
            if let Some(message) = wrong {
                return Some((only.span(), message));
            }
        }
        if let Some(wrong) = self.maintenance.iter().find_map(|maintenance| maintenance.maintenance().err()) {
            return Some(wrong);
        }
        let bad = |route: &Spanned<RouteSection>| {
            let place = route.get_ref().place().unwrap_or(route.span());
            route.get_ref().router(&schema).err().map(|message| (place, message))
        };
        let whole = || self.router().err().map(|message| (self.names_per_site.span(), message));
        self.routes.iter().find_map(bad).or_else(whole)
    }

    pub(super) fn schema(&self) -> Schema {
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
        let critical = |critical: &CriticalSection| Critical {
            cohort: CohortKey(critical.only.get_ref().clone()),
            at_least: critical.at_least,
            minimum: critical.minimum,
            why: critical.why.clone(),
        };
        let critical = self.critical.iter().map(critical).collect();
        let maintenance = self.maintenance.iter().filter_map(|section| section.maintenance().ok()).collect();
        FleetSettings { schema: self.schema(), pairs, silent_after_s: self.silent_after_s, kpis, critical, maintenance }
    }

    /// Routes and subscriptions.
    ///
    /// # Errors
    /// A sentence about the route that is wrong.
    pub fn router(&self) -> Result<Router, String> {
        let schema = self.schema();
        let parts = self.routes.iter().map(|route| route.get_ref().router(&schema)).collect::<Result<_, _>>()?;
        let router = if self.routes.is_empty() { Router::standard(&self.root)? } else { Router::joined(parts) };
        let router = if self.subscribe.is_empty() { router } else { router.subscribed(self.subscribe.clone()) };
        if *self.names_per_site.get_ref() { router.with_names_per_site() } else { Ok(router) }
    }
}
