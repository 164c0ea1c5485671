//! The terminal: taken over at the start, given back at the end, whatever the end is.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use crossterm::{cursor, execute};
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};

use crate::limits;

/// Whether the terminal is ours just now.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The screen that is drawn on.
pub type Screen = Terminal<CrosstermBackend<Frames>>;

/// The terminal while it is ours. Dropping it gives it back.
pub struct Taken {
    pub screen: Screen,
}

impl Taken {
    /// Takes the terminal over: raw, on its other screen, with pastes marked.
    ///
    /// # Errors
    /// When there is no terminal, with a sentence that says so.
    pub fn take() -> io::Result<Self> {
        if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
            return Err(io::Error::other("the room needs a terminal; input or output is not one"));
        }
        restore_on_panic();
        enable_raw_mode()?;
        TAKEN.store(true, Ordering::SeqCst);
        execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste, cursor::Hide)?;
        let viewport = Viewport::Fixed(size());
        let screen = Terminal::with_options(CrosstermBackend::new(Frames::default()), TerminalOptions { viewport })?;
        Ok(Self { screen })
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        give_back();
    }
}

/// Gives the terminal back, once. What fails here fails because there is no terminal any more.
pub fn give_back() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        let _ = execute!(io::stdout(), DisableBracketedPaste, LeaveAlternateScreen, cursor::Show);
        let _ = disable_raw_mode();
    }
}

/// A panic must not leave a raw terminal behind, nor print into the screen.
fn restore_on_panic() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        give_back();
        usual(panic);
    }));
}

/// The size of the terminal, within what is drawn. Any client can claim any size.
pub fn size() -> Rect {
    let (columns, rows) = crossterm::terminal::size().unwrap_or((80, 24));
    Rect::new(0, 0, columns.min(limits::TERMINAL.0), rows.min(limits::TERMINAL.1))
}

/// Gathers a frame and writes it in one piece, so that a slow line does not show half of it.
#[derive(Debug, Default)]
pub struct Frames {
    frame: Vec<u8>,
}

impl Write for Frames {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.frame.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        // A terminal that was given back is not written to: nobody may be there any more.
        if !TAKEN.load(Ordering::SeqCst) {
            self.frame.clear();
            return Ok(());
        }
        let mut stdout = io::stdout().lock();
        let written = stdout.write_all(&self.frame).and_then(|()| stdout.flush());
        self.frame.clear();
        written
    }
}
