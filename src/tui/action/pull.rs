//! Switches: what is pulled, approved, stopped and looked at again.

use super::{Action, Needs, Spec, pull};

pub(super) const ACTIONS: &[Spec] = &[
    pull(
        Action::HaltOta,
        "ota-halt",
        &["F5", "!1"],
        "OTA halt",
        "stop a rollout: preview first, one more key fires",
        Needs::Campaign,
    )
    .footer(0),
    pull(
        Action::PushConfig,
        "config-push",
        &["F6", "!2"],
        "push",
        "send a configuration to the cohort, the filter, or the marked devices",
        Needs::Nothing,
    )
    .footer(0),
    pull(
        Action::Revoke,
        "credential-revoke",
        &["F7", "!3"],
        "revoke",
        "take the credentials of the cohort, the filter, or the marked devices",
        Needs::Nothing,
    )
    .footer(0),
    pull(
        Action::RollBack,
        "rollback",
        &["!4"],
        "roll back",
        "send the updated devices back to the version before",
        Needs::Campaign,
    ),
    pull(Action::PullSwitch, "pull-switch", &["!5"], "switches", "choose from all switches", Needs::Nothing),
    pull(Action::Approval, "approval", &["!a"], "approval", "what waits for a second person", Needs::Request),
    pull(
        Action::UndoSwitch,
        "undo-switch",
        &["!u"],
        "undo",
        "arm what takes the selected actuation back",
        Needs::Actuation,
    ),
    pull(
        Action::StopActuation,
        "stop-switch",
        &["!s"],
        "stop sending",
        "ask no further device of the actuation under way",
        Needs::OpenActuation,
    ),
    pull(
        Action::Recheck,
        "recheck",
        &["!r"],
        "re-check",
        "look at what became of an actuation of unknown outcome",
        Needs::UnknownActuation,
    ),
    pull(
        Action::TryAgain,
        "try-again",
        &["!t"],
        "try again",
        "the same call under the same id, where its outcome is unknown",
        Needs::UnknownActuation,
    ),
    pull(
        Action::CloseActuation,
        "close-actuation",
        &["!c"],
        "close switch",
        "end an actuation whose outcome will never be known",
        Needs::OpenActuation,
    ),
];
