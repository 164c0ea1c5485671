//! Actions of the facilitator of a game day.

use super::{Action, Group, Needs, Spec, look};

/// What the facilitator does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direct {
    Screen,
    Sit,
    Fire,
    Delay,
    Skip,
    Tell,
    Plant,
    Note,
    Pause,
    Step,
    End,
}

pub(super) const ACTIONS: &[Spec] = &[
    look(
        Action::Direct(Direct::Screen),
        "drill",
        &["8"],
        "drill",
        "the game day: what responders were told, and for the facilitator all of it",
    ),
    look(
        Action::Direct(Direct::Sit),
        "facilitate",
        &[";F"],
        "facilitate",
        "take the facilitator's seat: you see what responders do not, and it is on the record",
    )
    .within(Group::Drill)
    .when(Needs::GameDay),
    look(Action::Direct(Direct::Fire), "inject-now", &[";f"], "tell now", "tell the selected line of the script now")
        .within(Group::Drill)
        .when(Needs::Facilitator)
        .footer(60),
    look(Action::Direct(Direct::Delay), "inject-later", &[";l"], "later", "put the selected line off by a minute")
        .within(Group::Drill)
        .when(Needs::Facilitator),
    look(Action::Direct(Direct::Skip), "inject-skip", &[";s"], "skip", "leave the selected line out")
        .within(Group::Drill)
        .when(Needs::Facilitator),
    look(
        Action::Direct(Direct::Tell),
        "inject-improvised",
        &[";t"],
        "tell",
        "tell responders something that is in no script",
    )
    .within(Group::Drill)
    .when(Needs::Facilitator)
    .footer(61),
    look(Action::Direct(Direct::Plant), "plant-fault", &[";b"], "break", "let something go wrong that is in no script")
        .within(Group::Drill)
        .when(Needs::Facilitator)
        .footer(62),
    look(Action::Direct(Direct::Note), "drill-note", &[";o"], "observe", "write down what you see, for the talk")
        .within(Group::Drill)
        .when(Needs::Facilitator)
        .footer(65),
    look(Action::Direct(Direct::Pause), "drill-pause", &[";p"], "hold", "let the game day stand still, or go on")
        .within(Group::Drill)
        .when(Needs::Facilitator)
        .footer(63),
    look(Action::Direct(Direct::Step), "drill-step", &[";n"], "step", "let ten seconds pass while it stands still")
        .within(Group::Drill)
        .when(Needs::Facilitator)
        .footer(64),
    look(
        Action::Direct(Direct::End),
        "drill-end",
        &[";E"],
        "end",
        "the safety lever: end the game day and undo what it did",
    )
    .within(Group::Drill)
    .when(Needs::Facilitator)
    .footer(66),
];
