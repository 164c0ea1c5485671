//! The real program in a real pseudo-terminal, seen as its user sees it.

#![allow(dead_code, clippy::unwrap_used)]

use std::io::{Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// How long anything may take that must come.
const PATIENCE: Duration = Duration::from_secs(30);

/// A program in a terminal of its own.
pub struct Terminal {
    pub child: Box<dyn Child + Send + Sync>,
    /// None once it was hung up.
    line: Option<Line>,
    /// Tells the reader to let go of the line.
    hung_up: Arc<AtomicBool>,
    seen: Arc<(Mutex<Seen>, Condvar)>,
}

struct Line {
    master: Box<dyn MasterPty + Send>,
    writer: Box<dyn Write + Send>,
}

struct Seen {
    screen: vt100::Parser,
    raw: Vec<u8>,
}

impl Terminal {
    pub fn start(program: &Path, arguments: &[&str], environment: &[(&str, &str)], size: (u16, u16)) -> Self {
        let (cols, rows) = size;
        let pty = native_pty_system().openpty(PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }).unwrap();
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        command.env("TERM", "xterm-256color");
        for name in ["NO_COLOR", "WARROOM_CONFIG", "WARROOM_DATA_DIR", "WARROOM_BROKER", "WARROOM_THEME"] {
            command.env_remove(name);
        }
        for (name, value) in environment {
            command.env(name, value);
        }
        let child = pty.slave.spawn_command(command).unwrap();
        drop(pty.slave);
        let screen = vt100::Parser::new(rows.try_into().unwrap(), cols.try_into().unwrap(), 0);
        let seen = Arc::new((Mutex::new(Seen { screen, raw: Vec::new() }), Condvar::new()));
        let (mut reader, seeing) = (pty.master.try_clone_reader().unwrap(), seen.clone());
        let hung_up = Arc::new(AtomicBool::new(false));
        let let_go = hung_up.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 8192];
            while let Ok(n) = reader.read(&mut buffer) {
                if n == 0 || let_go.load(Ordering::SeqCst) {
                    break;
                }
                let mut seen = seeing.0.lock().unwrap();
                seen.screen.process(&buffer[..n]);
                seen.raw.extend_from_slice(&buffer[..n]);
                seeing.1.notify_all();
            }
        });
        let writer = pty.master.take_writer().unwrap();
        Self { child, line: Some(Line { master: pty.master, writer }), hung_up, seen }
    }

    /// The program of this crate.
    pub fn warroom(arguments: &[&str], size: (u16, u16)) -> Self {
        Self::start(Path::new(env!("CARGO_BIN_EXE_warroom")), arguments, &[], size)
    }

    pub fn text(&self) -> String {
        self.seen.0.lock().unwrap().screen.screen().contents()
    }

    /// Everything that was written to the terminal.
    pub fn raw(&self) -> Vec<u8> {
        self.seen.0.lock().unwrap().raw.clone()
    }

    /// On the other screen, and without a cursor: what a program must give back.
    pub fn is_taken(&self) -> bool {
        let seen = self.seen.0.lock().unwrap();
        seen.screen.screen().alternate_screen() || seen.screen.screen().hide_cursor()
    }

    /// Waits until the screen is as wanted.
    pub fn until(&self, what: &str, wanted: impl Fn(&str) -> bool) {
        let seen = self.seen.0.lock().unwrap();
        let not_yet = |seen: &mut Seen| !wanted(&seen.screen.screen().contents());
        let (seen, waited) = self.seen.1.wait_timeout_while(seen, PATIENCE, not_yet).unwrap();
        assert!(!waited.timed_out(), "never came: {what}\n{}", seen.screen.screen().contents());
    }

    pub fn shows(&self, text: &str) {
        self.until(text, |screen| screen.contains(text));
    }

    pub fn press(&mut self, keys: &str) {
        let line = self.line.as_mut().unwrap();
        line.writer.write_all(keys.as_bytes()).unwrap();
        line.writer.flush().unwrap();
    }

    /// Leaves a room in which something is open: it asks once more.
    pub fn leave_open(&mut self) {
        self.press("q");
        self.shows("q again leaves, the log keeps it");
        self.press("q");
    }

    pub fn resize(&self, cols: u16, rows: u16) {
        self.seen.0.lock().unwrap().screen.screen_mut().set_size(rows.try_into().unwrap(), cols.try_into().unwrap());
        let line = self.line.as_ref().unwrap();
        line.master.resize(PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }).unwrap();
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        let pid = self.child.process_id().unwrap().to_string();
        let sent = std::process::Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap();
        assert!(sent.success());
    }

    /// Closes the line, as a dropped SSH session does: what the program writes next goes nowhere.
    pub fn hang_up(&mut self) {
        self.hung_up.store(true, Ordering::SeqCst);
        self.line = None;
    }

    /// Whether the terminal echoes and works by lines, as a shell needs it.
    pub fn is_cooked(&self) -> bool {
        let settings = self.line.as_ref().unwrap().master.get_termios().unwrap();
        let flags = format!("{:?}", settings.local_flags);
        flags.contains("ICANON") && flags.contains("ECHO")
    }

    /// Waits for the end, and returns the exit code.
    pub fn ends(&mut self) -> u32 {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.exit_code();
            }
            assert!(Instant::now() < deadline, "does not end\n{}", self.text());
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

/// Holds raw terminal output against what this program needs: text, and a few sequences. Anything else came from
/// somebody's payload.
pub fn audit(raw: &[u8]) -> Result<(), String> {
    let mut at = 0;
    let around =
        |at: usize| format!("{at}: {:?}", String::from_utf8_lossy(&raw[at.saturating_sub(12)..raw.len().min(at + 24)]));
    while at < raw.len() {
        match raw[at] {
            0x1b if raw.get(at + 1) == Some(&b'[') => {
                let end = raw[at + 2..].iter().position(|b| (0x40..=0x7e).contains(b));
                let Some(end) = end.map(|end| at + 2 + end) else { return Ok(()) };
                let parameters = std::str::from_utf8(&raw[at + 2..end]).map_err(|_| around(at))?;
                let modes = ["?25", "?1049", "?2004"];
                let fine = match raw[end] {
                    b'm' => parameters.len() <= 40 && !parameters.contains("222;173;190"),
                    b'H' => !parameters.split(';').any(|n| n == "999"),
                    b'h' | b'l' => modes.contains(&parameters),
                    b'J' | b'K' | b'A' | b'B' | b'C' | b'D' | b'G' | b'd' => true,
                    _ => false,
                };
                if !fine {
                    return Err(around(at));
                }
                at = end + 1;
            }
            0x1b => return Err(around(at)),
            b'\r' | b'\n' => at += 1,
            // The room's own bell, which it rings after a picture and never within one.
            0x07 if raw[..at].ends_with(b"\x1b[?25l") => at += 1,
            0..=0x1f | 0x7f => return Err(around(at)),
            _ => at += 1,
        }
    }
    let text = String::from_utf8_lossy(raw);
    let hidden = |c: char| matches!(c, '\u{80}'..='\u{9f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fffd}');
    match text.chars().find(|c| hidden(*c)) {
        Some(c) => Err(format!("hidden character {:?}", c)),
        None => Ok(()),
    }
}
