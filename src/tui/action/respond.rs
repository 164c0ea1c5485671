//! Actions about how an incident is worked.

use super::{Action, Needs, Spec, change, look};

/// What a person does about roles, phases and several incidents at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Respond {
    Roles,
    Phase,
    Incidents,
    Join,
    Merge,
}

pub(super) const ACTIONS: &[Spec] = &[
    change(
        Action::Respond(Respond::Phase),
        "phase",
        &["L"],
        "phase",
        "go on from detect to triage, contain, recover, verify; or back, with a reason",
        Needs::OpenIncident,
    ),
    change(
        Action::Respond(Respond::Roles),
        "roles",
        &["R"],
        "roles",
        "say who is commander, operations, communications, scribe; a handover is on the record",
        Needs::OpenIncident,
    ),
    change(
        Action::Respond(Respond::Join),
        "join-alert",
        &["J"],
        "join",
        "say that an alert belongs to this incident",
        Needs::LooseAlert,
    ),
    change(
        Action::Respond(Respond::Merge),
        "merge",
        &["M"],
        "merge",
        "say that this incident is a part of another one; both keep their history",
        Needs::OtherIncident,
    ),
    look(
        Action::Respond(Respond::Incidents),
        "incidents",
        &["I"],
        "incidents",
        "every incident: Enter looks at one, M merges this one into it",
    ),
];
