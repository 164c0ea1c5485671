//! The price of a picture: the room in the middle of an incident. Read the rows as ratios to `plain_text`, which fills
//! the same area with a paragraph.
//!
//!     cargo bench --bench draw

#![allow(clippy::unwrap_used)]

#[path = "../tests/support/mod.rs"]
mod rehearsal;

use divan::Bencher;
use ratatui::backend::CrosstermBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::{Paragraph, Widget};
use ratatui::{Terminal, TerminalOptions, Viewport};
use rehearsal::Rehearsal;

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];

fn main() {
    divan::main();
}

/// The shipped game day, twenty seconds after its alert.
fn incident() -> Rehearsal {
    let mut rehearsal = Rehearsal::drill(2_000);
    rehearsal.wait_until("an alert", |room| !room.state.room.alerts.is_empty());
    rehearsal.press(&["d", "enter"]);
    rehearsal.wait(20);
    rehearsal
}

#[divan::bench(args = SIZES.iter().map(|(w, h)| format!("{w}x{h}")))]
fn plain_text(bencher: Bencher, size: &str) {
    let area = area(size);
    let line = "a line of the runbook, and what has been done about it so far ".repeat(4);
    let text = vec![line.as_str(); area.height.into()].join("\n");
    let mut buffer = Buffer::empty(area);
    bencher.bench_local(|| Paragraph::new(text.as_str()).render(area, &mut buffer));
}

/// The picture, into a buffer.
#[divan::bench(args = SIZES.iter().map(|(w, h)| format!("{w}x{h}")))]
fn room(bencher: Bencher, size: &str) {
    let area = area(size);
    let mut rehearsal = incident();
    let mut buffer = Buffer::empty(area);
    bencher.bench_local(|| {
        buffer.reset();
        rehearsal.app.draw(area, &mut buffer);
    });
}

/// The picture, what has changed of it, and the bytes for the terminal: a whole frame.
#[divan::bench(args = SIZES.iter().map(|(w, h)| format!("{w}x{h}")))]
fn room_to_terminal(bencher: Bencher, size: &str) {
    let mut rehearsal = incident();
    let options = TerminalOptions { viewport: Viewport::Fixed(area(size)) };
    let mut terminal = Terminal::with_options(CrosstermBackend::new(std::io::sink()), options).unwrap();
    bencher.bench_local(|| {
        terminal.draw(|frame| rehearsal.app.draw(frame.area(), frame.buffer_mut())).unwrap();
    });
}

fn area(size: &str) -> Rect {
    let (width, height) = size.split_once('x').unwrap();
    Rect::new(0, 0, width.parse().unwrap(), height.parse().unwrap())
}
