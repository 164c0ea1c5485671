//! What opens above a screen: help, palette, forms, the note, bad input, and the confirmation of a switch.

pub mod approval;
pub mod bad_input;
pub mod compose;
pub mod confirm;
mod foot;
pub mod form;
pub mod help;
pub mod incidents;
pub mod note;
pub mod palette;
pub mod postmortem;
pub mod regulation;
pub mod switches;
pub mod triage;
pub mod verdict;
pub mod verify;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::scene::Scene;
use compose::Composer;
use confirm::Confirm;
use form::Form;
use note::NoteEditor;
use palette::Palette;

/// Something that is open above the screen.
#[derive(Debug)]
pub enum Overlay {
    Help {
        scroll: usize,
    },
    Palette(Palette),
    Form(Form),
    Note(NoteEditor),
    Compose(Box<Composer>),
    BadInput {
        selected: usize,
    },
    Verdict {
        selected: usize,
    },
    Incidents {
        selected: usize,
    },
    Triage {
        scroll: usize,
    },
    Verify {
        selected: usize,
    },
    Regulation {
        selected: usize,
    },
    Postmortem {
        selected: usize,
    },
    Confirm(Confirm),
    /// What waits for a second person.
    Approval {
        seen: bool,
    },
    Switches {
        selected: usize,
    },
}

impl Overlay {
    pub fn draw(&self, scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
        match self {
            Self::Help { scroll } => help::draw(*scroll, scene, area, buffer),
            Self::Palette(palette) => palette.draw(scene, area, buffer),
            Self::Form(form) => form.draw(scene, area, buffer),
            Self::Note(note) => note.draw(scene, area, buffer),
            Self::Compose(composer) => composer.draw(scene, area, buffer),
            Self::BadInput { selected } => bad_input::draw(*selected, scene, area, buffer),
            Self::Verdict { selected } => verdict::draw(*selected, scene, area, buffer),
            Self::Incidents { selected } => incidents::draw(*selected, scene, area, buffer),
            Self::Triage { scroll } => triage::draw(*scroll, scene, area, buffer),
            Self::Verify { selected } => verify::draw(*selected, scene, area, buffer),
            Self::Regulation { selected } => regulation::draw(*selected, scene, area, buffer),
            Self::Postmortem { selected } => postmortem::draw(*selected, scene, area, buffer),
            Self::Confirm(confirm) => confirm.draw(scene, area, buffer),
            Self::Approval { .. } => approval::draw(scene, area, buffer),
            Self::Switches { selected } => switches::draw(*selected, scene, area, buffer),
        }
    }
}
