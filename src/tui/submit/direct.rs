//! Forms of the facilitator.

use crate::domain::command::Command;
use crate::domain::drill::{Channel, DrillCommand, Planted};
use crate::tui::overlays::form::Form;

/// What such a form asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asks {
    Tell,
    Plant,
    Note,
    End,
}

pub const CHANNELS: [Channel; 6] =
    [Channel::Ticket, Channel::Phone, Channel::Email, Channel::Chat, Channel::News, Channel::Colleague];

/// What can be let go wrong on the spot.
pub const EFFECTS: [&str; 20] = [
    "offline",
    "boot-loop",
    "reconnect-storm",
    "link-flap",
    "silent",
    "error-burst",
    "battery-drain",
    "slow-fix",
    "stuck-values",
    "drifting-values",
    "unit-error",
    "out-of-range",
    "wrong-format",
    "missing-field",
    "out-of-order",
    "clock-skew",
    "flood",
    "auth-failure",
    "spoofed-identity",
    "throttled",
];

pub(super) fn command(form: &Form, asks: Asks, attributes: &[String]) -> Result<Command, String> {
    let typed = |n: usize| form.fields[n].typed().trim().to_owned();
    let number = |n: usize, what: &str| -> Result<f64, String> {
        typed(n).parse().map_err(|_| format!("`{}` is no {what}", typed(n)))
    };
    Ok(Command::Drill(match asks {
        Asks::Tell => DrillCommand::Tell { channel: CHANNELS[form.fields[0].chosen()], from: typed(1), text: typed(2) },
        Asks::Note => DrillCommand::Note { text: typed(0) },
        Asks::End => DrillCommand::End { reason: typed(0) },
        Asks::Plant => {
            let for_s = if typed(3).is_empty() { None } else { Some(number(3, "number of seconds")? as u32) };
            let fault = Planted {
                effect: EFFECTS[form.fields[0].chosen()].to_owned(),
                cohort: super::cohort(&typed(1), attributes)?,
                share: number(2, "share, such as 0.5")?,
                ramp_s: 10,
                for_s,
                code: "0x99".into(),
                ..Planted::default()
            };
            DrillCommand::Plant { fault }
        }
    }))
}
