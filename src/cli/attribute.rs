//! `warroom attribute`: which attribute values the affected rows of a table share.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use hashbrown::HashMap;
use serde::Serialize;

use super::{Failure, columns, input, round};
use crate::detect::attribution::{self, Alternative, Cause, Condition, Leaf, Order, expected};

#[derive(Args)]
pub(super) struct AttributeArgs {
    /// CSV with attribute columns and the counts `total,affected`, and `base_total,base_affected` where the time before
    /// is known; `-` for standard input.
    #[arg(long, value_name = "FILE")]
    leaf: PathBuf,
}

/// The columns that are counts; all others are attributes.
const COUNTS: [&str; 4] = ["total", "affected", "base_total", "base_affected"];

pub(super) fn run(args: &AttributeArgs) -> Result<(), Failure> {
    let table = Table::read(&args.leaf)?;
    let found = attribution::attribute(&table.leaves, Order::None);
    let explained = found.is_explained();
    let answer = Answer {
        schema: 1,
        causes: found.causes.iter().map(|cause| table.names(&cause.conditions)).collect(),
        detail: found.causes.iter().map(|cause| table.detail(cause)).collect(),
        coverage: round(found.coverage),
        alternatives: found.alternatives.iter().map(|other| table.alternative(other)).collect(),
        explained,
        note: table.note(explained),
    };
    let json = serde_json::to_string(&answer).map_err(|error| Failure::Run(error.to_string()))?;
    say!("{json}");
    Ok(())
}

#[derive(Serialize)]
struct Answer {
    schema: u32,
    causes: Vec<BTreeMap<String, String>>,
    detail: Vec<Detail>,
    /// The share of the excess that the causes hold together.
    coverage: f64,
    /// What would explain it instead, the best first.
    alternatives: Vec<Instead>,
    explained: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'static str>,
}

#[derive(Serialize)]
struct Detail {
    attributes: BTreeMap<String, String>,
    devices: f64,
    affected: f64,
    expected: f64,
    /// The share of all affected rows that it holds.
    coverage: f64,
    /// The share of its own rows that is affected.
    purity: f64,
    lift: f64,
    equivalents: Vec<BTreeMap<String, String>>,
}

#[derive(Serialize)]
struct Instead {
    #[serde(flatten)]
    detail: Detail,
    /// As a share of what the best single cause is worth.
    worth: f64,
}

/// A table of counts, its attribute values as small numbers.
struct Table {
    attributes: Vec<String>,
    values: Vec<Vec<String>>,
    leaves: Vec<Leaf>,
}

impl Table {
    /// Why there is no explanation.
    fn note(&self, explained: bool) -> Option<&'static str> {
        let affected: f64 = self.leaves.iter().map(|leaf| leaf.affected).sum();
        match explained {
            true => None,
            false if self.leaves.is_empty() => Some("nothing to explain: the table has no rows"),
            false if affected == 0.0 => Some("nothing to explain: none are affected"),
            false => Some("not explained by these attributes"),
        }
    }

    fn read(path: &Path) -> Result<Self, Failure> {
        let shown = path.display();
        let wrong = |reason: String| Failure::Usage(format!("{shown}: {reason}"));
        let mut reader = csv::Reader::from_reader(input(path)?);
        let header = reader.headers().map_err(|error| wrong(error.to_string()))?.clone();
        let column = |name: &str| header.iter().position(|column| column == name);
        let needed = |name: &str| {
            column(name).ok_or_else(|| wrong(format!("there is no column `{name}`; there are {}", columns(&header))))
        };
        let (total, affected) = (needed("total")?, needed("affected")?);
        if let Some(twice) = header.iter().enumerate().find_map(|(n, name)| (column(name) != Some(n)).then_some(name)) {
            return Err(wrong(format!("there are two columns `{twice}`")));
        }
        let past = match (column("base_total"), column("base_affected")) {
            (Some(total), Some(affected)) => Some((total, affected)),
            (None, None) => None,
            _ => return Err(wrong("`base_total` and `base_affected` go together, and one of them is missing".into())),
        };
        let attributes: Vec<usize> = (0..header.len()).filter(|n| !COUNTS.contains(&&header[*n])).collect();
        if attributes.is_empty() || attributes.len() > 15 {
            return Err(wrong(format!("it has {} attribute columns; 1 to 15 can be told apart", attributes.len())));
        }

        let mut table = Self {
            attributes: attributes.iter().map(|n| header[*n].to_owned()).collect(),
            values: vec![Vec::new(); attributes.len()],
            leaves: Vec::new(),
        };
        let mut index: Vec<HashMap<String, u32>> = vec![HashMap::new(); attributes.len()];
        let mut before = Vec::new();
        for row in reader.records() {
            let row = row.map_err(|error| wrong(error.to_string()))?;
            let line = row.position().map_or(0, csv::Position::line);
            let count = |n: usize| match row[n].trim().parse::<f64>() {
                Ok(count) if count.is_finite() && count >= 0.0 => Ok(count),
                _ => Err(wrong(format!("line {line}: `{}` in column `{}` is not a count", &row[n], &header[n]))),
            };
            let mut values = Vec::with_capacity(attributes.len());
            for (slot, column) in attributes.iter().enumerate() {
                let known = index[slot].len() as u32;
                let value = *index[slot].entry_ref(&row[*column]).or_insert(known);
                if value == known {
                    if known >= Leaf::NOTHING {
                        let name = &table.attributes[slot];
                        return Err(wrong(format!("column `{name}` has more than {} values", Leaf::NOTHING)));
                    }
                    table.values[slot].push(row[*column].to_owned());
                }
                values.push(value);
            }
            let (devices, affected) = (count(total)?, count(affected)?);
            if affected > devices {
                return Err(wrong(format!("line {line}: more are affected ({affected}) than there are ({devices})")));
            }
            table.leaves.push(Leaf { values, devices, affected, expected: 0.0 });
            if let Some((total, affected)) = past {
                before.push(expected::Past { devices: count(total)?, affected: count(affected)? });
            }
        }
        if before.iter().any(|past| past.affected > 0.0) {
            expected::from_past(&mut table.leaves, &before);
        } else {
            expected::from_peers(&mut table.leaves, 0.0);
        }
        Ok(table)
    }

    fn names(&self, conditions: &[Condition]) -> BTreeMap<String, String> {
        let name = |(attribute, value): &Condition| {
            (self.attributes[*attribute].clone(), self.values[*attribute][*value as usize].clone())
        };
        conditions.iter().map(name).collect()
    }

    fn alternative(&self, other: &Alternative) -> Instead {
        Instead { detail: self.detail(&other.cause), worth: round(other.worth) }
    }

    fn detail(&self, cause: &Cause) -> Detail {
        Detail {
            attributes: self.names(&cause.conditions),
            devices: cause.sums.devices,
            affected: cause.sums.affected,
            expected: round(cause.sums.expected),
            coverage: round(cause.share_of_affected),
            purity: round(cause.sums.rate()),
            lift: round(cause.lift),
            equivalents: cause.equivalents.iter().map(|conditions| self.names(conditions)).collect(),
        }
    }
}
