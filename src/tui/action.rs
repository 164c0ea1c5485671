//! ONE table of actions. Keys, help, palette and footer are all made from it.

pub mod direct;
mod pull;
pub mod record;
pub mod respond;

use std::sync::LazyLock;

use direct::Direct;
use record::Keeping;
use respond::Respond;

use crate::engine::snapshot::Snapshot;
use crate::tui::key::Chord;

/// Everything a person can do with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    Up,
    Down,
    PageUp,
    PageDown,
    Top,
    Bottom,
    Enter,
    Back,
    NextPane,
    PreviousPane,
    Room,
    Fleet,
    Runbook,
    Timeline,
    Switches,
    Help,
    Palette,
    Filter,
    GroupBy,
    Signal,
    Span,
    Freeze,
    Pause,
    Faster,
    Slower,
    NextIncident,
    BadInput,
    Copy,
    NextTheme,
    Redraw,
    Quit,
    Acknowledge,
    Declare,
    DeclareByHand,
    Note,
    Mitigate,
    Resolve,
    Reopen,
    Severity,
    Type,
    Verdict,
    Origin,
    About,
    Commander,
    Rename,
    Correct,
    MarkStep,
    SkipStep,
    HaltOta,
    PushConfig,
    Revoke,
    RollBack,
    PullSwitch,
    Approval,
    UndoSwitch,
    StopActuation,
    GoOn,
    Recheck,
    TryAgain,
    CloseActuation,
    MarkDevice,
    ListDevices,
    Respond(Respond),
    Direct(Direct),
    Keeping(Keeping),
}

/// What an action is about; the help is ordered by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    Switch,
    Incident,
    Look,
    Move,
    Drill,
}

impl Group {
    pub const ALL: [Self; 5] = [Self::Switch, Self::Incident, Self::Look, Self::Move, Self::Drill];

    pub const fn title(self) -> &'static str {
        match self {
            Self::Switch => "switches",
            Self::Incident => "the incident",
            Self::Look => "looking",
            Self::Move => "moving",
            Self::Drill => "the game day",
        }
    }
}

/// When an action makes sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    Nothing,
    /// An alert or an incident that nobody has acknowledged.
    Unacknowledged,
    OpenIncident,
    /// Any incident, resolved ones too.
    Incident,
    /// An open incident, and an alert that belongs to none.
    Joinable,
    /// An alert that belongs to no incident.
    LooseAlert,
    /// Something that was accepted as usual.
    Accepted,
    /// Two open incidents.
    OtherIncident,
    /// A runbook in the incident.
    Steps,
    /// A campaign on the wire.
    Campaign,
    /// An actuation whose outcome is open.
    OpenActuation,
    /// An actuation of unknown outcome.
    UnknownActuation,
    /// An actuation whose waves are paused.
    PausedActuation,
    /// Any actuation.
    Actuation,
    /// Something that waits for a second person.
    Request,
    /// A replay that goes on.
    Replay,
    /// A game day.
    GameDay,
    /// The facilitator's seat in a game day.
    Facilitator,
}

/// A line of the table.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    pub action: Action,
    /// The name in configuration.
    pub id: &'static str,
    /// The usual keys.
    pub keys: &'static [&'static str],
    /// A word or two for the footer.
    pub label: &'static str,
    /// A sentence for help and palette.
    pub help: &'static str,
    pub group: Group,
    pub needs: Needs,
    /// It changes the record, so a read-only room does not have it.
    pub writes: bool,
    /// Its place in the footer, if it is worth one.
    pub footer: Option<u8>,
}

/// What anybody may look at; the others are made of it.
const fn look(
    action: Action,
    id: &'static str,
    keys: &'static [&'static str],
    label: &'static str,
    help: &'static str,
) -> Spec {
    Spec { action, id, keys, label, help, group: Group::Look, needs: Needs::Nothing, writes: false, footer: None }
}

/// What changes the record of an incident.
const fn change(
    action: Action,
    id: &'static str,
    keys: &'static [&'static str],
    label: &'static str,
    help: &'static str,
) -> Spec {
    Spec { group: Group::Incident, writes: true, ..look(action, id, keys, label, help) }
}

impl Spec {
    const fn within(self, group: Group) -> Self {
        Self { group, ..self }
    }

    const fn when(self, needs: Needs) -> Self {
        Self { needs, ..self }
    }

    const fn footer(self, place: u8) -> Self {
        Self { footer: Some(place), ..self }
    }

    /// Whether a facilitator has it who has joined from another terminal.
    const fn is_for_joined(&self) -> bool {
        let own = matches!(
            self.action,
            Action::Up
                | Action::Down
                | Action::PageUp
                | Action::PageDown
                | Action::Help
                | Action::Palette
                | Action::NextTheme
                | Action::Redraw
                | Action::Quit
        );
        own || (matches!(self.group, Group::Drill) && !matches!(self.action, Action::Direct(Direct::Sit)))
    }

    /// Whether a room has it at all: only a replay has what is for replays.
    pub fn exists_in(&self, snapshot: &Snapshot) -> bool {
        if snapshot.joined && !self.is_for_joined() {
            return false;
        }
        match self.needs {
            Needs::Replay => snapshot.replay.is_some(),
            Needs::GameDay | Needs::Facilitator => snapshot.game_day.is_some(),
            _ => true,
        }
    }
}

/// Every action. Areas have their part of the table in a file of their own.
pub static ACTIONS: LazyLock<Vec<Spec>> =
    LazyLock::new(|| [pull::ACTIONS, ROOM, respond::ACTIONS, direct::ACTIONS, record::ACTIONS].concat());

const ROOM: &[Spec] = &[
    change(Action::Acknowledge, "acknowledge", &["a"], "ack", "take the alert or the incident: TTA stops")
        .when(Needs::Unacknowledged)
        .footer(1),
    change(Action::Declare, "declare", &["d"], "declare", "make an incident of the alert").footer(2),
    change(
        Action::DeclareByHand,
        "declare-by-hand",
        &["D"],
        "declare by hand",
        "declare an incident that no alert has seen",
    ),
    change(Action::Note, "note", &["n"], "note", "write something down, in as many lines as it takes").footer(3),
    change(Action::Mitigate, "mitigate", &["m"], "mitigated", "service is restored: TTM stops")
        .when(Needs::OpenIncident)
        .footer(4),
    change(Action::Resolve, "resolve", &["r"], "resolve", "the root cause is fixed: TTR stops")
        .when(Needs::OpenIncident)
        .footer(5),
    change(Action::Reopen, "reopen", &["O"], "reopen", "it was not over: say why").when(Needs::Incident),
    change(Action::Severity, "severity", &["S"], "severity", "set the severity").when(Needs::OpenIncident),
    change(Action::Type, "type", &["T"], "type", "overrule the type of incident").when(Needs::OpenIncident),
    change(Action::Origin, "fault-of", &["P"], "fault", "say whose fault it is, and whether it is one device or many")
        .when(Needs::OpenIncident),
    change(Action::About, "about", &["A"], "about", "say which devices it is about; the room leaves it so")
        .when(Needs::OpenIncident),
    change(Action::Commander, "commander", &["C"], "commander", "hand the incident over").when(Needs::OpenIncident),
    change(Action::Rename, "rename", &["N"], "rename", "give the incident another title").when(Needs::Incident),
    change(Action::Correct, "correct", &["e"], "correct a time", "correct the time of a moment; the old value is kept")
        .when(Needs::Incident),
    change(Action::MarkStep, "mark-step", &["space"], "step done", "tick the runbook step, or take the tick back")
        .when(Needs::Steps)
        .footer(6),
    change(Action::SkipStep, "skip-step", &["-"], "skip step", "leave a runbook step out, with a reason")
        .when(Needs::Steps),
    change(
        Action::MarkDevice,
        "mark-device",
        &["!m"],
        "mark",
        "mark the device under the cursor for the next switch, or unmark it",
    )
    .within(Group::Switch),
    change(
        Action::ListDevices,
        "list-devices",
        &["!l"],
        "list",
        "mark devices by a list, pasted or from a file; an empty one unmarks all",
    ),
    look(Action::Room, "room", &["1"], "room", "the room: everything on one screen"),
    look(Action::Fleet, "fleet", &["2"], "fleet", "cohorts and devices").footer(8),
    look(Action::Runbook, "runbook", &["3"], "runbook", "the runbook in full"),
    look(Action::Timeline, "timeline", &["4"], "timeline", "everything that is on the record"),
    look(Action::Switches, "switches", &["6"], "switches", "rollouts, and what became of every switch pulled"),
    look(Action::Verdict, "verdict", &["v"], "verdict", "what the incident looks like and why, and who is suspected"),
    look(
        Action::Filter,
        "filter",
        &["/"],
        "filter",
        "show only some devices: fw=3.2.5 region!=eu-west unhealthy offline th-00",
    ),
    look(Action::GroupBy, "group-by", &["g"], "group", "group the cohorts by one attribute, or by two"),
    look(Action::Signal, "signal", &["c"], "signal", "draw another signal"),
    look(Action::Span, "span", &["w"], "span", "draw ten minutes, half an hour, or two hours"),
    look(Action::Freeze, "freeze", &["z"], "freeze", "hold the picture still; everything goes on behind it"),
    look(Action::Pause, "pause", &["p"], "pause", "hold a replay's time, or let it go on")
        .when(Needs::Replay)
        .footer(9),
    look(Action::Faster, "faster", &[">"], "faster", "run a replay faster").when(Needs::Replay).footer(10),
    look(Action::Slower, "slower", &["<"], "slower", "run a replay slower").when(Needs::Replay),
    look(Action::NextIncident, "next-incident", &["i"], "next incident", "look at another incident"),
    look(Action::BadInput, "bad-input", &["x"], "bad input", "messages that could not be read, with samples"),
    look(Action::Copy, "copy", &["y"], "copy", "copy what is selected, over SSH too"),
    look(Action::NextTheme, "next-theme", &[], "theme", "try another theme"),
    look(Action::Palette, "palette", &[":"], "palette", "every action by name").footer(7),
    look(Action::Help, "help", &["?"], "help", "all keys"),
    look(Action::Redraw, "redraw", &["ctrl-l"], "redraw", "draw the whole screen again"),
    look(Action::Quit, "quit", &["q", "ctrl-c"], "quit", "leave; the incident stays open and the record whole"),
    look(Action::Up, "up", &["up", "k"], "", "up").within(Group::Move),
    look(Action::Down, "down", &["down", "j"], "", "down").within(Group::Move),
    look(Action::PageUp, "page-up", &["pageup"], "", "a page up").within(Group::Move),
    look(Action::PageDown, "page-down", &["pagedown"], "", "a page down").within(Group::Move),
    look(Action::Top, "top", &["home"], "", "to the beginning").within(Group::Move),
    look(Action::Bottom, "bottom", &["end", "G"], "", "to the end").within(Group::Move),
    look(Action::Enter, "enter", &["enter", "right"], "", "go in").within(Group::Move),
    look(Action::Back, "back", &["esc", "left"], "", "come back").within(Group::Move),
    look(Action::NextPane, "next-pane", &["tab"], "", "to the next pane").within(Group::Move),
    look(Action::PreviousPane, "previous-pane", &["shift-tab"], "", "to the pane before").within(Group::Move),
];

/// The line of an action. Every action has one; a test sees to it.
pub fn spec(action: Action) -> &'static Spec {
    ACTIONS.iter().find(|spec| spec.action == action).unwrap_or(&ACTIONS[0])
}

/// Which chords lead to which action.
#[derive(Clone, Debug)]
pub struct Keymap {
    bindings: Vec<(Chord, Action)>,
}

/// What a few keys in a row mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    Action(Action),
    /// More keys are to come.
    Prefix,
    Nothing,
}

impl Keymap {
    /// The usual keys, with `remapped` actions on other ones. A read-only room has no keys for what writes.
    ///
    /// # Errors
    /// An unknown action, something that is no key, or one key for two actions.
    pub fn new<'a>(
        remapped: impl IntoIterator<Item = (&'a String, &'a Vec<String>)>,
        read_only: bool,
    ) -> Result<Self, String> {
        let mut keys: Vec<(Action, Vec<String>)> =
            ACTIONS.iter().map(|spec| (spec.action, spec.keys.iter().map(|key| (*key).to_owned()).collect())).collect();
        for (id, chords) in remapped {
            let ids: Vec<&str> = ACTIONS.iter().map(|spec| spec.id).collect();
            let Some(at) = ids.iter().position(|known| known == id) else {
                let mend = crate::document::nearest(id, &ids).map_or_else(
                    || "`warroom config init` lists them".to_owned(),
                    |near| format!("did you mean `{near}`?"),
                );
                return Err(format!("unknown action `{id}` under [screen.keys]; {mend}"));
            };
            keys[at].1.clone_from(chords);
        }
        let mut bindings: Vec<(Chord, Action)> = Vec::new();
        for (action, chords) in keys {
            if read_only && spec(action).writes {
                continue;
            }
            for text in chords {
                let chord: Chord = text.parse()?;
                if let Some((_, other)) = bindings.iter().find(|(known, _)| *known == chord) {
                    return Err(format!(
                        "the key `{text}` is for both `{}` and `{}`",
                        spec(*other).id,
                        spec(action).id
                    ));
                }
                bindings.push((chord, action));
            }
        }
        Ok(Self { bindings })
    }

    /// What these keys mean.
    pub fn meaning(&self, keys: &[super::key::Key]) -> Meaning {
        let exact = self.bindings.iter().find(|(chord, _)| chord.0 == keys);
        if let Some((_, action)) = exact {
            return Meaning::Action(*action);
        }
        let longer = self.bindings.iter().any(|(chord, _)| chord.0.len() > keys.len() && chord.0.starts_with(keys));
        if longer { Meaning::Prefix } else { Meaning::Nothing }
    }

    /// The first key of an action, for footer and buttons.
    pub fn key(&self, action: Action) -> Option<&Chord> {
        self.bindings.iter().find(|(_, bound)| *bound == action).map(|(chord, _)| chord)
    }

    /// Every key of an action.
    pub fn keys(&self, action: Action) -> impl Iterator<Item = &Chord> {
        self.bindings.iter().filter(move |(_, bound)| *bound == action).map(|(chord, _)| chord)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::tui::key::Key;

    fn keymap(remapped: &[(&str, &[&str])]) -> Result<Keymap, String> {
        let remapped: BTreeMap<String, Vec<String>> = remapped
            .iter()
            .map(|(id, keys)| ((*id).to_owned(), keys.iter().map(|key| (*key).to_owned()).collect()))
            .collect();
        Keymap::new(&remapped, false)
    }

    #[test]
    fn the_table_holds_every_action_once() {
        for spec in ACTIONS.iter() {
            assert_eq!(ACTIONS.iter().filter(|other| other.action == spec.action).count(), 1, "{}", spec.id);
            assert_eq!(ACTIONS.iter().filter(|other| other.id == spec.id).count(), 1, "{}", spec.id);
            assert!(!spec.help.is_empty());
        }
        keymap(&[]).unwrap();
    }

    #[test]
    fn keys_lead_to_actions_one_after_the_other_too() {
        let map = keymap(&[("acknowledge", &["ctrl-a"])]).unwrap();
        let press = |keys: &str| map.meaning(&keys.chars().map(Key::char).collect::<Vec<_>>());
        assert_eq!(press("!"), Meaning::Prefix);
        assert_eq!(press("!1"), Meaning::Action(Action::HaltOta));
        assert_eq!(press("!9"), Meaning::Nothing);
        assert_eq!(press("!2"), Meaning::Action(Action::PushConfig));
        assert_eq!(press("a"), Meaning::Nothing);
        assert_eq!(map.meaning(&["ctrl-a".parse().unwrap()]), Meaning::Action(Action::Acknowledge));
    }

    #[test]
    fn the_sample_configuration_has_every_action_with_its_usual_keys() {
        let line = |spec: &Spec| format!("# {} = {:?}\n", spec.id, spec.keys);
        let missing: String = ACTIONS.iter().map(line).filter(|line| !crate::config::SAMPLE.contains(line)).collect();
        assert_eq!(missing, "");
    }

    #[test]
    fn a_wrong_remapping_is_explained() {
        let cases = [
            (("acknowlege", "a"), "did you mean `acknowledge`?"),
            (("note", "hyper-n"), "`hyper-n` is not a key"),
            (("note", "q"), "is for both"),
        ];
        for ((action, key), expected) in cases {
            assert!(keymap(&[(action, &[key])]).unwrap_err().contains(expected), "{expected}");
        }
    }

    #[test]
    fn a_read_only_room_has_no_keys_for_what_writes() {
        let map = Keymap::new(&BTreeMap::new(), true).unwrap();
        for spec in ACTIONS.iter().filter(|spec| spec.writes) {
            assert_eq!(map.key(spec.action), None, "{}", spec.id);
        }
    }
}
