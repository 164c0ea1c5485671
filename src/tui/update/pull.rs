//! Arming a switch, and what the keys of its confirmation ask for.

use crate::domain::command::{Command, Confirmation, SwitchCommand};
use crate::domain::switch::SwitchId;
use crate::tui::app::{App, Asked};
use crate::tui::overlays::Overlay;
use crate::tui::overlays::confirm::{self, Confirm, Outcome};

/// Looks at what a switch would do, and arms it.
pub(super) fn arm(app: &mut App, switch: SwitchId, campaign: Option<String>) {
    // What is confirmed must be what is on the screen, and that must be now.
    app.ui.frozen = None;
    app.open_confirm();
    app.command(Command::Switch(SwitchCommand::Arm { switch, campaign }), Asked::Arm);
}

/// Does what a key in the confirmation asked for. Returns the overlay if it stays.
pub(in crate::tui) fn confirmed(app: &mut App, confirm: Confirm, outcome: Outcome) -> Option<Overlay> {
    match outcome {
        Outcome::Stay => Some(Overlay::Confirm(confirm)),
        Outcome::Disarm(reason) => {
            let mut confirm = confirm;
            confirm.end(&reason);
            app.disarm(&reason);
            Some(Overlay::Confirm(confirm))
        }
        Outcome::Leave => {
            app.disarm("Esc");
            None
        }
        Outcome::Close => None,
        Outcome::Again(key) => {
            app.press(key);
            None
        }
        Outcome::Choose { forward } => {
            let arming = app.snapshot.arming.clone()?;
            let active = confirm::choices(&app.snapshot, &arming.switch);
            let at = active.iter().position(|id| *id == arming.preview.campaign).unwrap_or(0);
            let next = if forward { at + 1 } else { at + active.len().max(1) - 1 };
            match active.get(next % active.len().max(1)).filter(|id| **id != arming.preview.campaign) {
                Some(id) => {
                    arm(app, arming.switch, Some(id.clone()));
                    None
                }
                None => Some(Overlay::Confirm(confirm)),
            }
        }
        Outcome::Fire { typed } => {
            let mut confirm = confirm;
            confirm.fired = Some(app.snapshot.at);
            let arming = app.snapshot.arming.as_ref()?.id;
            app.command(Command::Switch(SwitchCommand::Fire(Confirmation { arming, typed })), Asked::Fire);
            Some(Overlay::Confirm(confirm))
        }
    }
}
