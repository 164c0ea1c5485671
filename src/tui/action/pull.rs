//! Switches: what is pulled, approved, stopped and looked at again.

use super::{Action, Group, Needs, Spec, change};

pub(super) const ACTIONS: &[Spec] = &[
    change(Action::HaltOta, "ota-halt", &["F5", "!1"], "OTA halt", "stop a rollout: preview first, one more key fires")
        .within(Group::Switch)
        .when(Needs::Campaign)
        .footer(0),
    change(
        Action::PushConfig,
        "config-push",
        &["F6", "!2"],
        "push",
        "send a configuration to the cohort, the filter, or the marked devices",
    )
    .within(Group::Switch)
    .footer(0),
    change(
        Action::Revoke,
        "credential-revoke",
        &["F7", "!3"],
        "revoke",
        "take the credentials of the cohort, the filter, or the marked devices",
    )
    .within(Group::Switch)
    .footer(0),
    change(Action::RollBack, "rollback", &["!4"], "roll back", "send the updated devices back to the version before")
        .within(Group::Switch)
        .when(Needs::Campaign),
    change(Action::PullSwitch, "pull-switch", &["!5"], "switches", "choose from all switches").within(Group::Switch),
    change(Action::Approval, "approval", &["!a"], "approval", "what waits for a second person")
        .within(Group::Switch)
        .when(Needs::Request),
    change(Action::UndoSwitch, "undo-switch", &["!u"], "undo", "arm what takes the selected actuation back")
        .within(Group::Switch)
        .when(Needs::Actuation),
    change(
        Action::StopActuation,
        "stop-switch",
        &["!s"],
        "stop sending",
        "ask no further device of the actuation under way",
    )
    .within(Group::Switch)
    .when(Needs::OpenActuation),
    change(Action::GoOn, "go-on", &["!g"], "go on", "let paused waves go on, in spite of what stopped them")
        .within(Group::Switch)
        .when(Needs::PausedActuation),
    change(Action::Recheck, "recheck", &["!r"], "re-check", "look at what became of an actuation of unknown outcome")
        .within(Group::Switch)
        .when(Needs::UnknownActuation),
    change(
        Action::TryAgain,
        "try-again",
        &["!t"],
        "try again",
        "the same call under the same id, where its outcome is unknown",
    )
    .within(Group::Switch)
    .when(Needs::UnknownActuation),
    change(
        Action::CloseActuation,
        "close-actuation",
        &["!c"],
        "close switch",
        "end an actuation whose outcome will never be known",
    )
    .within(Group::Switch)
    .when(Needs::OpenActuation),
];
