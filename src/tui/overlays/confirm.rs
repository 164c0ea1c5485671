//! The confirmation of a switch: what it would do, and the one key that does it.
//!
//! Enter, Space and the arming key never confirm; any other key takes the arming back. The key that fires is asked for
//! once; whether it was quick, late or lucky is for the engine to judge. What was taken back, by whatever, stays on the
//! screen and swallows keys until somebody has seen it: the rest of a typed name must not become commands.

mod preview;

pub use preview::{STALE_DAYS, tested};

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::domain::switch::plan::{Kind, Takes};
use crate::domain::switch::template::Values;
use crate::domain::switch::{Scope, SwitchId};
use crate::domain::time::At;
use crate::engine::snapshot::{CampaignView, Snapshot};
use crate::engine::switches::{self, Arming, Gate};
use crate::tui::action::Action;
use crate::tui::key::{Code, Key};
use crate::tui::layout::centred;
use crate::tui::scene::{Scene, cut, lines, wrap};
use crate::tui::theme::Role;
use crate::tui::update::pull;

/// The key that fires.
pub const FIRE: char = 'H';
/// What ends the typed confirmation.
const END: char = '!';

/// A confirmation on the screen.
#[derive(Clone, Debug, Default)]
pub struct Confirm {
    /// Typed so far, where the gate asks for it.
    typed: String,
    /// When it was asked to fire; the answer is awaited.
    pub fired: Option<At>,
    /// An arming was on the screen: when it goes, so does this.
    pub seen: bool,
    /// What else it could be aimed at, and which of these it is.
    pub scopes: Vec<Scope>,
    pub at: usize,
    pub parameters: Values,
    /// The switch that was armed, to say how it is armed again.
    pub switch: Option<SwitchId>,
    /// Why nothing was fired.
    ended: Option<String>,
}

/// What a key did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Stay,
    /// Taken back, by this key.
    Disarm(String),
    /// Taken back on purpose.
    Leave,
    /// It had ended; somebody has seen it.
    Close,
    /// It had ended; this key begins anew.
    Again(Key),
    /// The next or the previous campaign.
    Choose {
        forward: bool,
    },
    Fire {
        typed: String,
    },
}

/// The campaigns that a switch makes sense for.
pub fn choices(snapshot: &Snapshot, kind: Kind) -> Vec<String> {
    let fits = |c: &&CampaignView| switches::fits(kind, c.state, &c.progress, c.active);
    snapshot.campaigns.iter().filter(fits).map(|c| c.id.clone()).collect()
}

impl Confirm {
    /// A confirmation that may also be aimed elsewhere.
    pub fn aimed(scopes: Vec<Scope>, at: usize, parameters: Values) -> Self {
        Self { scopes, at, parameters, ..Self::default() }
    }

    /// Nothing was fired, for this reason.
    pub fn end(&mut self, reason: &str) {
        self.ended.get_or_insert_with(|| reason.to_owned());
    }

    pub fn press(&mut self, key: Key, arming: Option<&Arming>) -> Outcome {
        if self.ended.is_some() {
            return match key.code {
                Code::Esc | Code::Enter => Outcome::Close,
                Code::F(_) => Outcome::Again(key),
                _ => Outcome::Stay,
            };
        }
        if self.fired.is_some() {
            return Outcome::Stay;
        }
        let gate = arming.map(|arming| &arming.gate);
        match (key.code, gate) {
            // The key that armed it may still be held down.
            (Code::F(_) | Code::Enter, _) => Outcome::Stay,
            (Code::Esc, _) => Outcome::Leave,
            (Code::Tab | Code::Down, _) => Outcome::Choose { forward: true },
            (Code::Up, _) => Outcome::Choose { forward: false },
            (Code::Char(FIRE), Some(Gate::OneKey)) if key.types().is_some() => Outcome::Fire { typed: String::new() },
            (Code::Backspace, Some(Gate::Typed(_) | Gate::TwoPeople(_))) => {
                self.typed.pop();
                Outcome::Stay
            }
            (Code::Char(END), Some(Gate::Typed(asked) | Gate::TwoPeople(asked))) if self.typed == *asked => {
                Outcome::Fire { typed: self.typed.clone() }
            }
            (Code::Char(c), Some(Gate::Typed(asked) | Gate::TwoPeople(asked))) if key.types().is_some() => {
                if self.typed.len() < asked.len() + 8 {
                    self.typed.push(c);
                }
                Outcome::Stay
            }
            _ => Outcome::Disarm(format!("the key {key}")),
        }
    }

    pub fn draw(&self, scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
        let snapshot = scene.snapshot;
        if let Some(reason) = &self.ended {
            return draw_ended(scene, reason, self.switch.as_ref(), area, buffer);
        }
        let Some(arming) = &snapshot.arming else {
            let inner = scene.window("switch", Role::Focus, centred(area, 50, 3), buffer);
            let doing =
                if self.fired.is_some() { "recording the intent …" } else { "looking at what it would do …" };
            return lines(&[Line::from(scene.span(doing, Role::Muted))], inner, buffer);
        };
        let width = 78u16.min(area.width);
        let wrapped = usize::from(width.saturating_sub(4));
        // However much there is to look at, what is asked and how to leave stay on the screen.
        let asked = 3 + 2;
        let rows = usize::from(area.height).saturating_sub(asked);
        let mut shown = cut(preview::rows(scene, arming, wrapped), rows, wrapped);
        shown.push(Line::default());
        shown.push(self.question(scene, arming));
        let left_s = arming.expires.since_s(snapshot.at) / snapshot.pace;
        let choose = match arming.switch.takes {
            Takes::Campaign if choices(snapshot, arming.switch.kind).len() > 1 => " · Tab another campaign".into(),
            Takes::Devices if self.scopes.len() > 1 => {
                format!(" · Tab aims elsewhere ({} of {})", self.at + 1, self.scopes.len())
            }
            Takes::Devices => {
                format!(" · to aim elsewhere: {} or {}", scene.key(Action::MarkDevice), scene.key(Action::Filter))
            }
            Takes::Campaign => String::new(),
        };
        let leave = if arming.gate == Gate::OneKey { "Enter does nothing, any other key" } else { "Esc" };
        shown.push(Line::from(scene.span(format!("{leave} leaves it · {left_s} s left{choose}"), Role::Muted)));
        let window = centred(area, width, shown.len() as u16 + 2);
        let inner = scene.window(&preview::title(snapshot, arming), Role::Warn, window, buffer);
        lines(&shown, inner, buffer);
    }

    fn question<'a>(&self, scene: &Scene<'a>, arming: &Arming) -> Line<'a> {
        if self.fired.is_some() {
            return Line::from(scene.span(" recording the intent … ", Role::Armed));
        }
        let drill = scene.snapshot.drill.is_some();
        match &arming.gate {
            Gate::OneKey if drill => {
                Line::from(scene.span(format!(" {FIRE} halts it, in this drill only "), Role::Armed))
            }
            Gate::OneKey => Line::from(scene.span(format!(" press {FIRE} to stop the rollout for real "), Role::Armed)),
            Gate::Typed(asked) | Gate::TwoPeople(asked) => {
                let fits = asked.starts_with(&self.typed);
                let what =
                    if arming.preview.devices.is_some() { "the number of devices" } else { "the campaign's name" };
                let then = if matches!(arming.gate, Gate::TwoPeople(_)) { " to ask a second person" } else { "" };
                Line::from(vec![
                    scene.span(format!(" type {what}, then {END}{then} "), Role::Armed),
                    scene.span(format!("  {}", self.typed), if fits { Role::Text } else { Role::Alarm }),
                    scene.span("▏", Role::Key),
                    scene.span(
                        if fits { format!(" {}{END}", &asked[self.typed.len()..]) } else { " does not match".into() },
                        Role::Muted,
                    ),
                ])
            }
        }
    }
}

/// What was not fired, why, and how it is begun anew.
fn draw_ended(scene: &Scene<'_>, reason: &str, switch: Option<&SwitchId>, area: Rect, buffer: &mut Buffer) {
    let width = 78u16.min(area.width);
    let columns = width.saturating_sub(4).into();
    let mut shown = vec![Line::from(scene.span("✗ NOTHING WAS FIRED", Role::Alarm))];
    let reason = wrap(&format!("taken back: {reason}"), columns);
    shown.extend(reason.into_iter().map(|text| Line::from(scene.span(text, Role::Text))));
    let own = [Action::HaltOta, Action::PushConfig, Action::Revoke, Action::RollBack];
    let own = own.into_iter().find(|action| switch.is_some() && pull::arms(*action).as_ref() == switch);
    let key = scene.key(own.unwrap_or(Action::PullSwitch));
    // A key of one stroke begins anew from here; a chord needs the window to be closed first.
    let keys = match key.starts_with('F') {
        true => format!("{key} arms it again and shows what it would do now · Esc closes this"),
        false => format!("Esc closes this; then {key} arms it again"),
    };
    shown.extend(wrap(&keys, columns).into_iter().map(|text| Line::from(scene.span(text, Role::Muted))));
    let inner = scene.window("disarmed", Role::Alarm, centred(area, width, shown.len() as u16 + 2), buffer);
    lines(&shown, inner, buffer);
}
