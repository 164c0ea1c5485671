//! A scope: what a person points at when pulling a switch.

use crate::domain::cohort::CohortKey;
use crate::domain::lens::Filter;

/// What a switch is to act on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// A campaign; the one that needs it most where none is named.
    Campaign(Option<String>),
    /// All devices of a cohort; of the fleet, where it is empty.
    Cohort(CohortKey),
    /// All devices that pass a filter.
    Filter(Filter),
    /// These devices: marked, pasted, or from a file.
    Devices(Vec<String>),
}
