//! Actions of the facilitator of a game day.

use super::{Action, Group, Needs, Spec, change, look};

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

const fn direct(
    action: Direct,
    id: &'static str,
    keys: &'static [&'static str],
    label: &'static str,
    help: &'static str,
    needs: Needs,
) -> Spec {
    Spec { group: Group::Drill, writes: false, ..change(Action::Direct(action), id, keys, label, help, needs) }
}

pub(super) const ACTIONS: &[Spec] = &[
    look(
        Action::Direct(Direct::Screen),
        "drill",
        &["8"],
        "drill",
        "the game day: what responders were told, and for the facilitator all of it",
    ),
    direct(
        Direct::Sit,
        "facilitate",
        &[";F"],
        "facilitate",
        "take the facilitator's seat: you see what responders do not, and it is on the record",
        Needs::GameDay,
    ),
    direct(
        Direct::Fire,
        "inject-now",
        &[";f"],
        "tell now",
        "tell the selected line of the script now",
        Needs::Facilitator,
    )
    .footer(60),
    direct(
        Direct::Delay,
        "inject-later",
        &[";l"],
        "later",
        "put the selected line off by a minute",
        Needs::Facilitator,
    ),
    direct(Direct::Skip, "inject-skip", &[";s"], "skip", "leave the selected line out", Needs::Facilitator),
    direct(
        Direct::Tell,
        "inject-improvised",
        &[";t"],
        "tell",
        "tell responders something that is in no script",
        Needs::Facilitator,
    )
    .footer(61),
    direct(
        Direct::Plant,
        "plant-fault",
        &[";b"],
        "break",
        "let something go wrong that is in no script",
        Needs::Facilitator,
    )
    .footer(62),
    direct(Direct::Note, "drill-note", &[";o"], "observe", "write down what you see, for the talk", Needs::Facilitator)
        .footer(65),
    direct(Direct::Pause, "drill-pause", &[";p"], "hold", "let the game day stand still, or go on", Needs::Facilitator)
        .footer(63),
    direct(
        Direct::Step,
        "drill-step",
        &[";n"],
        "step",
        "let ten seconds pass while it stands still",
        Needs::Facilitator,
    )
    .footer(64),
    direct(
        Direct::End,
        "drill-end",
        &[";E"],
        "end",
        "the safety lever: end the game day and undo what it did",
        Needs::Facilitator,
    )
    .footer(66),
];
