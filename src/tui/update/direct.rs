//! What the facilitator's actions do: a command at once, or a form first.

use crate::domain::command::Command;
use crate::domain::drill::DrillCommand;
use crate::engine::drill::LineState;
use crate::tui::action::direct::Direct;
use crate::tui::app::{App, Asked};
use crate::tui::overlays::Overlay;
use crate::tui::overlays::form::{Field, Form, Purpose};
use crate::tui::submit::direct::{Asks, CHANNELS, EFFECTS};
use crate::tui::ui::View;

/// Seconds by which a line of the script is put off, and that pass in a step.
const LATER_S: u32 = 60;
const STEP_S: u32 = 10;

pub(super) fn perform(app: &mut App, action: Direct) {
    let Some(view) = app.snapshot.game_day.clone() else {
        return app.ui.go(View::Drill);
    };
    let selected = view.day.script.get(app.ui.inject).map(|line| line.inject.id.clone()).unwrap_or_default();
    let command = match action {
        Direct::Screen => return app.ui.go(View::Drill),
        Direct::Sit => {
            app.ui.go(View::Drill);
            DrillCommand::Sit
        }
        Direct::Fire => DrillCommand::Fire { inject: selected },
        Direct::Delay => DrillCommand::Delay { inject: selected, by_s: LATER_S },
        Direct::Skip => DrillCommand::Skip { inject: selected },
        Direct::Pause if view.day.paused => DrillCommand::Resume,
        Direct::Pause => DrillCommand::Pause,
        Direct::Step => DrillCommand::Step { seconds: STEP_S },
        Direct::Tell | Direct::Plant | Direct::Note | Direct::End => {
            return app.ui.overlays.push(Overlay::Form(form(action, &view.attributes)));
        }
    };
    if matches!(action, Direct::Fire | Direct::Skip) {
        // The cursor goes on to what is told next.
        let next =
            view.day.script.iter().enumerate().position(|(n, line)| n != app.ui.inject && line.state == LineState::Due);
        app.ui.inject = next.unwrap_or(app.ui.inject);
    }
    app.command(Command::Drill(command), Asked::Plainly);
}

fn form(action: Direct, attributes: &[String]) -> Form {
    let asks = |asks, title: &str, verb, fields| Form::new(Purpose::Direct(asks), title, verb, fields);
    match action {
        Direct::Tell => {
            let channels = CHANNELS.map(|channel| channel.name().to_owned()).into();
            let fields = vec![Field::choice("by", channels, 0), Field::text("from", ""), Field::text("what", "")];
            asks(Asks::Tell, "tell the responders", "tells them", fields)
        }
        Direct::Plant => {
            let effects = EFFECTS.map(str::to_owned).into();
            let fields = vec![
                Field::choice("what", effects, 0),
                Field::text("where", ""),
                Field::text("share", "1.0"),
                Field::text("for s", ""),
            ];
            asks(Asks::Plant, "let something go wrong", "breaks it", fields).hint(format!(
                "where: firmware=3.2.5 hardware=rev-B, or nothing for the whole fleet · attributes: {} · for: seconds, or \
                 nothing for good",
                attributes.join(", ")
            ))
        }
        Direct::Note => asks(Asks::Note, "what you see", "keeps it", vec![Field::text("note", "")]),
        _ => asks(Asks::End, "end the game day", "ends it", vec![Field::text("reason", "")])
            .hint("On a staging broker everything that the game day did is undone. The room stays open."),
    }
}
