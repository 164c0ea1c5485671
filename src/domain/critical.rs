//! Devices that matter more than others: a team says which, before anything happens.

use super::cohort::CohortKey;
use super::incident::Severity;

/// Attribute values whose devices make an incident worse than their number does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Critical {
    pub cohort: CohortKey,
    /// An incident that has reached so many of them is no less severe than this.
    pub at_least: Severity,
    pub minimum: u32,
    /// Why they matter, for the evidence.
    pub why: Option<String>,
}
