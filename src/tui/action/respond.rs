//! Actions about how an incident is worked.

use super::{Action, Needs, Spec, change, look};

/// What a person does about roles, phases and several incidents at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Respond {
    Roles,
    Phase,
    Incidents,
    Join,
    Accept,
    WatchAgain,
    Merge,
    Triage,
    Verify,
    Decide,
    Change,
    NotApplicable,
    StepNote,
    OtherRunbook,
    Updates,
    Compose,
    Cadence,
}

pub(super) const ACTIONS: &[Spec] = &[
    change(
        Action::Respond(Respond::Phase),
        "phase",
        &["L"],
        "phase",
        "go on from detect to triage, contain, recover, verify; or back, with a reason",
    )
    .when(Needs::OpenIncident),
    change(
        Action::Respond(Respond::Roles),
        "roles",
        &["R"],
        "roles",
        "say who is commander, operations, communications, scribe; a handover is on the record",
    )
    .when(Needs::OpenIncident),
    change(Action::Respond(Respond::Join), "join-alert", &["J"], "join", "say that an alert belongs to this incident")
        .when(Needs::Joinable),
    change(
        Action::Respond(Respond::Accept),
        "accept-alert",
        &["H"],
        "as usual",
        "say that an alert is how its devices are, for some hours or for good",
    )
    .when(Needs::LooseAlert),
    change(
        Action::Respond(Respond::WatchAgain),
        "watch-again",
        &["X"],
        "watch again",
        "take back what was accepted as usual: it is an alert again",
    )
    .when(Needs::Accepted),
    change(
        Action::Respond(Respond::Merge),
        "merge",
        &["M"],
        "merge",
        "say that this incident is a part of another one; both keep their history",
    )
    .when(Needs::OtherIncident),
    change(
        Action::Respond(Respond::Decide),
        "decide-data",
        &["B"],
        "backfill",
        "decide what becomes of bad data: backfill, or forward-only; since when, and whose it is",
    )
    .when(Needs::OpenIncident),
    change(
        Action::Respond(Respond::Change),
        "note-change",
        &["W"],
        "change",
        "note what was changed where the room cannot see it: a deploy, a certificate, a network",
    ),
    change(
        Action::Respond(Respond::NotApplicable),
        "step-not-applicable",
        &["="],
        "not applicable",
        "say that a runbook step has no meaning here",
    )
    .when(Needs::Steps),
    change(
        Action::Respond(Respond::StepNote),
        "step-note",
        &["o"],
        "step note",
        "write something down beside a runbook step",
    )
    .when(Needs::Steps),
    change(
        Action::Respond(Respond::OtherRunbook),
        "other-runbook",
        &["b"],
        "other runbook",
        "work by another runbook; what was done by this one is kept",
    )
    .when(Needs::OpenIncident),
    change(
        Action::Respond(Respond::Compose),
        "update",
        &["u"],
        "update",
        "write an update from a template, read it again, and send it",
    )
    .when(Needs::Incident),
    change(
        Action::Respond(Respond::Cadence),
        "cadence",
        &["U"],
        "cadence",
        "set how often an audience is told in this incident",
    )
    .when(Needs::OpenIncident),
    look(
        Action::Respond(Respond::Updates),
        "updates",
        &["5"],
        "updates",
        "what each audience has been told, when, and what it has not",
    ),
    look(
        Action::Respond(Respond::Triage),
        "triage",
        &["t"],
        "triage",
        "which, how many, since when, what changed: every question answered from live data",
    ),
    look(
        Action::Respond(Respond::Verify),
        "verify",
        &["V"],
        "verify",
        "how recovery stands: six checks, and which devices are still affected; Enter waives one",
    ),
    look(
        Action::Respond(Respond::Incidents),
        "incidents",
        &["I"],
        "incidents",
        "every incident: Enter looks at one, M merges this one into it",
    ),
];
