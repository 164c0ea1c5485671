//! How captures are packed: not at all, by gzip, or by zstd. Read by their first bytes, written by their name.

use std::io::{self, BufRead, BufReader, Cursor, Read, Write};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use flate2::write::GzEncoder;

/// Bytes read, and bytes unpacked, at a time.
const BUFFER: usize = 64 * 1024;
/// The largest window that unpacking keeps, as a power of two: 128 MiB, what `zstd` itself allows without being asked.
const WINDOW: u32 = 27;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    Plain,
    Gzip,
    Zstd,
}

impl Packing {
    /// How a file of this name is packed: `.gz`, `.zst`, or not.
    pub fn of_name(path: &Path) -> Self {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("gz") => Self::Gzip,
            Some("zst") => Self::Zstd,
            _ => Self::Plain,
        }
    }

    /// How something that begins with these four bytes is packed.
    const fn of_head(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, ..] => Self::Gzip,
            // A frame, or one to be skipped, as parallel packers put first.
            [0x28, 0xb5, 0x2f, 0xfd] | [0x50..=0x5f, 0x2a, 0x4d, 0x18] => Self::Zstd,
            _ => Self::Plain,
        }
    }
}

/// Unpacks what is packed, whatever it is called. It is unpacked as it is read: what a small file can be made to grow
/// to is never held.
///
/// # Errors
/// When the first bytes cannot be read.
pub fn unpack(mut input: Box<dyn Read + Send>) -> io::Result<(Packing, Box<dyn BufRead + Send>)> {
    let mut head = Vec::with_capacity(4);
    input.by_ref().take(4).read_to_end(&mut head)?;
    let packing = Packing::of_head(&head);
    let input = BufReader::with_capacity(BUFFER, Cursor::new(head).chain(input));
    let unpacked: Box<dyn BufRead + Send> = match packing {
        Packing::Plain => Box::new(input),
        Packing::Gzip => Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(input))),
        Packing::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(input)?;
            decoder.window_log_max(WINDOW)?;
            Box::new(BufReader::with_capacity(BUFFER, decoder))
        }
    };
    Ok((packing, unpacked))
}

/// Packs what is written. After a flush, everything before it can be unpacked, even if nothing more comes.
pub enum Packer<W: Write> {
    Plain(W),
    Gzip(GzEncoder<W>),
    Zstd(zstd::stream::write::Encoder<'static, W>),
}

impl<W: Write> Packer<W> {
    /// # Errors
    /// When the packer cannot be set up: there is no memory.
    pub fn new(packing: Packing, output: W) -> io::Result<Self> {
        Ok(match packing {
            Packing::Plain => Self::Plain(output),
            Packing::Gzip => Self::Gzip(GzEncoder::new(output, flate2::Compression::default())),
            Packing::Zstd => Self::Zstd(zstd::stream::write::Encoder::new(output, zstd::DEFAULT_COMPRESSION_LEVEL)?),
        })
    }

    /// What is written to, to be asked how much it has been given.
    pub fn output(&self) -> &W {
        match self {
            Self::Plain(output) => output,
            Self::Gzip(encoder) => encoder.get_ref(),
            Self::Zstd(encoder) => encoder.get_ref(),
        }
    }

    /// Writes the end.
    ///
    /// # Errors
    /// When the output does not take it.
    pub fn finish(self) -> io::Result<W> {
        let mut output = match self {
            Self::Plain(output) => output,
            Self::Gzip(encoder) => encoder.finish()?,
            Self::Zstd(encoder) => encoder.finish()?,
        };
        output.flush()?;
        Ok(output)
    }

    fn writer(&mut self) -> &mut dyn Write {
        match self {
            Self::Plain(output) => output,
            Self::Gzip(encoder) => encoder,
            Self::Zstd(encoder) => encoder,
        }
    }
}

impl<W: Write> Write for Packer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_flushed_can_be_read_before_the_end_is_written() {
        for (name, packing) in [("c.jsonl", Packing::Plain), ("c.gz", Packing::Gzip), ("c.jsonl.zst", Packing::Zstd)] {
            assert_eq!(Packing::of_name(Path::new(name)), packing);
            let mut packer = Packer::new(packing, Vec::new()).unwrap();
            packer.write_all(b"one\n").unwrap();
            packer.flush().unwrap();
            let killed = packer.output().clone();
            packer.write_all(b"two\n").unwrap();
            let whole = packer.finish().unwrap();

            let (found, mut input) = unpack(Box::new(Cursor::new(killed))).unwrap();
            let mut line = String::new();
            input.read_line(&mut line).unwrap();
            assert_eq!((found, line.as_str()), (packing, "one\n"));
            let mut text = String::new();
            unpack(Box::new(Cursor::new(whole))).unwrap().1.read_to_string(&mut text).unwrap();
            assert_eq!(text, "one\ntwo\n");
        }
    }
}
