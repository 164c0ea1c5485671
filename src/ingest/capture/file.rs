//! A capture read from its beginning to its end, one line in memory at a time.

use std::io::{self, BufRead, Read};

use super::packing::{Packing, unpack};
use super::{Entry, read};
use crate::limits;

/// A capture that is being read.
pub struct Capture {
    input: Box<dyn BufRead + Send>,
    packing: Packing,
    line: Vec<u8>,
    /// Why there is nothing more, where that is not because it is the end.
    cut: Option<String>,
    /// Lines read, and those of them that are no entries. What is missing at the end of a packed file counts as one.
    pub lines: u64,
    pub unread: u64,
}

impl Capture {
    /// Begins to read; what is packed by gzip or zstd is unpacked.
    ///
    /// # Errors
    /// When not even its first bytes can be read.
    pub fn open(input: Box<dyn Read + Send>) -> io::Result<Self> {
        let (packing, input) = unpack(input)?;
        Ok(Self { input, packing, line: Vec::new(), cut: None, lines: 0, unread: 0 })
    }

    /// The next entry; none at the end. What is no entry is counted and passed over.
    ///
    /// # Errors
    /// When the file cannot be read. One that was cut or damaged while packed ends where it does.
    pub fn entry(&mut self) -> io::Result<Option<Entry>> {
        while self.cut.is_none() {
            self.line.clear();
            // A line without an end must not fill the memory; what is cut off is no message.
            match self.input.by_ref().take(limits::CAPTURE_LINE).read_until(b'\n', &mut self.line) {
                Ok(0) => return Ok(None),
                Ok(_) => {}
                Err(error) => self.end_early(error)?,
            }
            self.lines += 1;
            match read(&self.line) {
                Some(entry) => return Ok(Some(entry)),
                None if self.line.trim_ascii().is_empty() => {}
                // Half a line is part of what is missing, which is counted.
                None => self.unread += u64::from(self.cut.is_none()),
            }
        }
        Ok(None)
    }

    /// Takes a file that cannot be unpacked any further as one that ends here.
    fn end_early(&mut self, error: io::Error) -> io::Result<()> {
        // What the system says is about the disk, not about what is on it.
        if self.packing == Packing::Plain || error.raw_os_error().is_some() {
            return Err(error);
        }
        self.unread += 1;
        self.cut = Some(match error.kind() {
            io::ErrorKind::UnexpectedEof => "the packed file is cut off in the middle".into(),
            _ => format!("the packed file is damaged ({error})"),
        });
        Ok(())
    }

    /// What is wrong with the end, if the file does not end as it should.
    pub fn cut(&self) -> Option<&str> {
        self.cut.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use super::*;
    use crate::ingest::capture::packing::Packer;

    fn lines(n: u64) -> String {
        (0..n).map(|n| format!("{{\"t\":{n},\"topic\":\"a/{n}\",\"payload\":{{\"n\":{}}}}}\n", n * 7919)).collect()
    }

    fn packed(packing: Packing, text: &str) -> Vec<u8> {
        let mut packer = Packer::new(packing, Vec::new()).unwrap();
        packer.write_all(text.as_bytes()).unwrap();
        packer.finish().unwrap()
    }

    /// Messages, what was not read, and whether it was cut.
    fn outcome(bytes: Vec<u8>) -> (u64, u64, bool) {
        let mut capture = Capture::open(Box::new(Cursor::new(bytes))).unwrap();
        let mut messages = 0;
        while capture.entry().unwrap().is_some() {
            messages += 1;
        }
        assert_eq!(capture.entry().unwrap(), None, "the end stays the end");
        (messages, capture.unread, capture.cut().is_some())
    }

    #[test]
    fn a_packed_file_cut_anywhere_gives_what_can_be_read_and_says_so() {
        let text = lines(20_000);
        for packing in [Packing::Gzip, Packing::Zstd] {
            let whole = packed(packing, &text);
            assert_eq!(outcome(whole.clone()), (20_000, 0, false));
            for percent in [1, 30, 50, 77, 99] {
                let (messages, unread, cut) = outcome(whole[..whole.len() * percent / 100].to_vec());
                assert!(cut && unread == 1 && messages < 20_000, "{packing:?} {percent} %: {messages}");
                assert!(percent < 50 || messages > 1_000, "{packing:?} {percent} %: {messages}");
            }
            let mut damaged = whole.clone();
            let middle = damaged.len() / 2;
            damaged[middle..middle + 64].fill(0xa5);
            let (messages, unread, cut) = outcome(damaged);
            assert!(cut && unread >= 1 && messages < 20_000, "{packing:?}: {messages}");
            // Two files, one behind the other, are one.
            assert_eq!(outcome([packed(packing, &lines(3)), packed(packing, &lines(4))].concat()), (7, 0, false));
        }
    }

    #[test]
    fn a_line_that_never_ends_is_no_message_and_takes_no_memory() {
        let bomb = packed(Packing::Zstd, &"x".repeat(64 << 20));
        assert!(bomb.len() < 10_000);
        let mut capture = Capture::open(Box::new(Cursor::new(bomb))).unwrap();
        assert_eq!(capture.entry().unwrap(), None);
        assert_eq!(capture.unread, (64 << 20) / limits::CAPTURE_LINE);
        assert!(capture.line.capacity() as u64 <= 2 * limits::CAPTURE_LINE);
    }
}
