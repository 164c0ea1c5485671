//! What waits for a second person: what they have to do, how long they have, and how to go without them.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::domain::switch::Switch;
use crate::engine::snapshot::Snapshot;
use crate::engine::switches::Request;
use crate::tui::format;
use crate::tui::layout::centred;
use crate::tui::overlays::confirm::tested;
use crate::tui::scene::{Scene, lines, shell, wrap};
use crate::tui::theme::Role;

/// The key that opens the form to break the glass, and the one that takes the request back.
pub const BREAK: char = 'b';
pub const WITHDRAW: char = 'w';

/// The key that copies what the second person runs.
pub const COPY: char = 'y';

/// What the second person runs.
pub fn command(request: &Request, snapshot: &Snapshot) -> String {
    format!("warroom approve {} --socket {} --reason 'what you have looked at'", request.approval, snapshot.socket)
}

/// The newest request.
pub fn newest(snapshot: &Snapshot) -> Option<&Request> {
    snapshot.requests.last()
}

pub fn draw(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let width = 78u16.min(area.width);
    let wrapped = usize::from(width.saturating_sub(4));
    let Some(request) = newest(scene.snapshot) else {
        let inner = scene.window("a second person", Role::Focus, centred(area, width, 3), buffer);
        return lines(
            &[Line::from(scene.span("nothing waits any more · Esc closes this", Role::Muted))],
            inner,
            buffer,
        );
    };
    let switch: &Switch = &request.arming.switch;
    let left_s = request.expires.since_s(scene.snapshot.at).max(0) / scene.snapshot.pace;
    let mut shown = vec![
        Line::from(
            scene.span(format!("approval {} · {} left", request.approval, format::duration(left_s)), Role::Armed),
        ),
        Line::default(),
    ];
    let say = |text: &str, role| wrap(text, wrapped).into_iter().map(move |text| (text, role)).collect::<Vec<_>>();
    let mut told = say(&format!("{} · {}", switch.label, request.arming.preview.about()), Role::Title);
    told.extend(say(&request.arming.preview.size(), Role::Text));
    told.extend(say(&switch.effect, Role::Text));
    let (tested, role) = tested(scene.snapshot, switch);
    told.extend(say(&format!("tested {tested}"), role));
    told.push((String::new(), Role::Text));
    told.extend(say("Somebody else, logged in on this machine as themselves, runs:", Role::Muted));
    told.extend(shell(&command(request, scene.snapshot), wrapped).into_iter().map(|text| (text, Role::Key)));
    if let Some(closed) = &scene.snapshot.socket_closed {
        told.extend(say(closed, Role::Warn));
    }
    told.push((String::new(), Role::Text));
    let keys = format!(
        "{COPY} copies the command · {WITHDRAW} takes it back · {BREAK} breaks the glass: you alone, with a reason, \
         and a review · Esc hides this"
    );
    told.extend(say(&keys, Role::Muted));
    shown.extend(told.into_iter().map(|(text, role)| Line::from(scene.span(text, role))));
    let window = centred(area, width, shown.len() as u16 + 2);
    let inner = scene.window("it takes a second person", Role::Warn, window, buffer);
    lines(&shown, inner, buffer);
}
