//! The keyboard: bytes from the terminal become keys and pastes.
//!
//! The bytes are read here rather than by the terminal library, whose reader swallows every key for ever once the end
//! of a paste is lost. A paste ends by its mark, or when nothing comes for a moment; what is too long is cut. A terminal
//! that is gone is noticed at once.

use std::io;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use terminput::{Event, KeyCode, KeyEventKind, KeyModifiers};
use tokio::sync::mpsc::Sender;

use super::key::{Code, Key};
use crate::limits;

/// A bare ESC is the key; with something behind it this soon, it begins a sequence.
const ESCAPE: Duration = Duration::from_millis(30);
/// A paste whose end does not come ends after this.
const PASTE_IDLE: Duration = Duration::from_millis(250);
/// The longest sequence a key is sent as.
const SEQUENCE: usize = 32;

const PASTE_BEGINS: &[u8] = b"\x1b[200~";
const PASTE_ENDS: &[u8] = b"\x1b[201~";

/// What a person did at the terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    Key(Key),
    Paste(String),
    /// There is no terminal any more.
    Gone,
}

/// Takes bytes apart into keys.
#[derive(Debug, Default)]
pub struct Decoder {
    bytes: Vec<u8>,
    /// What has been pasted so far, while a paste goes on.
    paste: Option<Vec<u8>>,
}

impl Decoder {
    /// Takes bytes; returns what is complete.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Input> {
        self.bytes.extend_from_slice(bytes);
        let mut inputs = Vec::new();
        while self.step(&mut inputs) {}
        inputs
    }

    /// How long to wait for more bytes before [`Decoder::idle`].
    pub const fn patience(&self) -> Option<Duration> {
        if self.paste.is_some() {
            Some(PASTE_IDLE)
        } else if self.bytes.is_empty() {
            None
        } else {
            Some(ESCAPE)
        }
    }

    /// Nothing more came in time: a lone ESC is a key, a paste is over, half a sequence is nothing.
    pub fn idle(&mut self) -> Vec<Input> {
        let escape = self.bytes.first() == Some(&0x1b);
        if let Some(mut paste) = self.paste.take() {
            paste.append(&mut self.bytes);
            return vec![pasted(&paste)];
        }
        self.bytes.clear();
        if escape { vec![Input::Key(Key::plain(Code::Esc))] } else { Vec::new() }
    }

    /// Takes one thing off the front. False when there is nothing complete.
    fn step(&mut self, inputs: &mut Vec<Input>) -> bool {
        if let Some(paste) = &mut self.paste {
            let end = find(&self.bytes, PASTE_ENDS);
            // The end mark may be cut by the end of what has been read.
            let take = end.unwrap_or(self.bytes.len().saturating_sub(PASTE_ENDS.len() - 1));
            let room = limits::PASTE.saturating_sub(paste.len());
            paste.extend_from_slice(&self.bytes[..take.min(room)]);
            self.bytes.drain(..take + if end.is_some() { PASTE_ENDS.len() } else { 0 });
            if end.is_some() {
                inputs.push(pasted(&self.paste.take().unwrap_or_default()));
            }
            return end.is_some();
        }
        if self.bytes.starts_with(PASTE_BEGINS) {
            self.bytes.drain(..PASTE_BEGINS.len());
            self.paste = Some(Vec::new());
            return true;
        }
        let Some((used, key)) = self.sequence() else { return false };
        self.bytes.drain(..used);
        inputs.extend(key.map(Input::Key));
        true
    }

    /// The first key in the bytes, and how many of them it takes; none when it is not complete.
    fn sequence(&self) -> Option<(usize, Option<Key>)> {
        let first = *self.bytes.first()?;
        let from = if first == 0x1b {
            // ESC alone may be the beginning of more; ESC twice is ESC.
            if *self.bytes.get(1)? == 0x1b {
                return Some((1, Some(Key::plain(Code::Esc))));
            }
            2
        } else {
            1
        };
        for n in from..=self.bytes.len().min(SEQUENCE) {
            match Event::parse_from(&self.bytes[..n]) {
                Ok(Some(event)) => return Some((n, key(&event))),
                Ok(None) => {}
                Err(_) => return Some((n, None)),
            }
        }
        (self.bytes.len() >= SEQUENCE).then_some((SEQUENCE, None))
    }
}

fn pasted(bytes: &[u8]) -> Input {
    Input::Paste(String::from_utf8_lossy(bytes).replace('\r', "\n"))
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

fn key(event: &Event) -> Option<Key> {
    let event = event.as_key().filter(|event| event.kind != KeyEventKind::Release)?;
    let held = |modifier| event.modifiers.contains(modifier);
    let code = match event.code {
        KeyCode::Char(c) => Code::Char(c),
        KeyCode::F(n) => Code::F(n),
        KeyCode::Enter => Code::Enter,
        KeyCode::Esc => Code::Esc,
        KeyCode::Tab => Code::Tab,
        KeyCode::Backspace => Code::Backspace,
        KeyCode::Delete => Code::Delete,
        KeyCode::Up => Code::Up,
        KeyCode::Down => Code::Down,
        KeyCode::Left => Code::Left,
        KeyCode::Right => Code::Right,
        KeyCode::Home => Code::Home,
        KeyCode::End => Code::End,
        KeyCode::PageUp => Code::PageUp,
        KeyCode::PageDown => Code::PageDown,
        _ => return None,
    };
    let shift = held(KeyModifiers::SHIFT) && !matches!(code, Code::Char(_));
    Some(Key { code, ctrl: held(KeyModifiers::CTRL), alt: held(KeyModifiers::ALT), shift })
}

/// Reads the terminal until it is gone, or nobody listens. Blocks; it has a thread of its own.
pub fn read(inputs: &Sender<Input>) {
    let stdin = rustix::stdio::stdin();
    let mut decoder = Decoder::default();
    let mut buffer = [0; 4096];
    loop {
        let began = Instant::now();
        let patience = decoder.patience();
        let timeout = patience.map(|p| Timespec { tv_sec: p.as_secs() as i64, tv_nsec: p.subsec_nanos().into() });
        let mut ready = [PollFd::new(&stdin, PollFlags::IN)];
        let events = match poll(&mut ready, timeout.as_ref()) {
            Ok(0) => decoder.idle(),
            Ok(_) => match rustix::io::read(stdin, &mut buffer) {
                Ok(0) => vec![Input::Gone],
                Ok(n) => decoder.feed(&buffer[..n]),
                Err(error) if interrupted(error.into()) => Vec::new(),
                Err(_) => vec![Input::Gone],
            },
            Err(error) if interrupted(error.into()) => match patience {
                Some(patience) if began.elapsed() >= patience => decoder.idle(),
                _ => Vec::new(),
            },
            Err(_) => vec![Input::Gone],
        };
        for input in events {
            let gone = input == Input::Gone;
            if inputs.blocking_send(input).is_err() || gone {
                return;
            }
        }
    }
}

fn interrupted(error: io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(bytes: &[u8], step: usize) -> Vec<String> {
        let mut decoder = Decoder::default();
        let mut inputs: Vec<Input> = bytes.chunks(step).flat_map(|chunk| decoder.feed(chunk)).collect();
        inputs.extend(decoder.idle());
        inputs
            .iter()
            .map(|input| match input {
                Input::Key(key) => key.to_string(),
                Input::Paste(text) => format!("<{text}>"),
                Input::Gone => "gone".into(),
            })
            .collect()
    }

    #[test]
    fn keys_arrive_however_their_bytes_are_cut() {
        let cases: [(&[u8], &[&str]); 12] = [
            (b"aB?", &["a", "B", "?"]),
            (b"\r\t\x7f", &["enter", "tab", "backspace"]),
            (b"\x1b[A\x1b[B", &["up", "down"]),
            (b"\x1bOP\x1b[15~", &["F1", "F5"]),
            (b"\x1b", &["esc"]),
            (b"\x1b\x1b", &["esc", "esc"]),
            (b"\x1b\x1b[A", &["esc", "up"]),
            (b"\x1bx", &["alt-x"]),
            (b"\x03", &["ctrl-c"]),
            ("é漢".as_bytes(), &["é", "漢"]),
            (b"\x1b[Z", &["shift-tab"]),
            (b"a\xffb", &["a", "b"]),
        ];
        for (bytes, expected) in cases {
            for step in [1, 2, 100] {
                assert_eq!(decode(bytes, step), expected, "{bytes:?} in pieces of {step}");
            }
        }
    }

    #[test]
    fn a_paste_is_text_and_never_keys_and_cannot_deafen() {
        assert_eq!(decode(b"a\x1b[200~q\r!1\x1b[201~b", 3), ["a", "<q\n!1>", "b"]);
        // The end is lost: the paste ends by itself, and the next key is heard.
        let mut decoder = Decoder::default();
        assert!(decoder.feed(b"\x1b[200~lost").is_empty());
        assert_eq!(decoder.patience(), Some(PASTE_IDLE));
        assert_eq!(decoder.idle(), [Input::Paste("lost".into())]);
        assert_eq!(decoder.feed(b"q"), [Input::Key(Key::char('q'))]);
        // A flood is cut.
        let mut decoder = Decoder::default();
        decoder.feed(b"\x1b[200~");
        for _ in 0..1000 {
            decoder.feed(&[b'x'; 4096]);
        }
        assert!(decoder.bytes.len() < 16 && decoder.paste.as_ref().is_some_and(|p| p.len() <= limits::PASTE));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_are_held_back_for_ever(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
            let mut decoder = Decoder::default();
            decoder.feed(&bytes);
            decoder.idle();
            proptest::prop_assert_eq!(decoder.feed(b"q"), [Input::Key(Key::char('q'))]);
        }
    }
}
