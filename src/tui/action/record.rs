//! Actions about the record: the past of the room, the numbers of the quarter, what laws ask for, what is learnt.

use super::{Action, Group, Needs, Spec, look};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Keeping {
    Earlier,
    Later,
    PreviousMark,
    NextMark,
    Live,
    Metrics,
    Regulation,
    Postmortem,
}

pub(super) const ACTIONS: &[Spec] = &[
    look(
        Action::Keeping(Keeping::Regulation),
        "regulation",
        &["K"],
        "laws",
        "which laws ask for notices: answer their criteria, and see until when",
    )
    .within(Group::Incident)
    .when(Needs::Incident),
    look(
        Action::Keeping(Keeping::Postmortem),
        "postmortem",
        &["E"],
        "postmortem",
        "write the postmortem: its sections, action items with owner and date, costs",
    )
    .within(Group::Incident)
    .when(Needs::Incident),
    look(
        Action::Keeping(Keeping::Metrics),
        "metrics",
        &["7"],
        "metrics",
        "the quarter in numbers: TTD, TTA, TTM, TTR, and their trend",
    ),
    look(Action::Keeping(Keeping::Earlier), "earlier", &["["], "earlier", "the room as it was, a minute earlier"),
    look(Action::Keeping(Keeping::Later), "later", &["]"], "later", "a minute later, and back into the present"),
    look(
        Action::Keeping(Keeping::PreviousMark),
        "previous-mark",
        &["{"],
        "what happened before",
        "the room as it was when something happened last",
    ),
    look(Action::Keeping(Keeping::NextMark), "next-mark", &["}"], "what happened next", "on to what happened next"),
    look(Action::Keeping(Keeping::Live), "live", &["0"], "live", "from the past back into the live room"),
];
