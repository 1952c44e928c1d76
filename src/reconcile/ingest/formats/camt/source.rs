//! Where a document is read from: held a quarter of a mebibyte at a time, lines counted, no event larger than a cap.

use std::io::{self, BufRead, ErrorKind, Read};

/// Bytes of a tag or of a text between tags at most.
pub(super) const EVENT_BYTES_MAX: usize = 64 * 1_024;
const BUFFER_BYTES: usize = 4 * EVENT_BYTES_MAX;

/// A source with its line.
pub(super) struct Counted<'a> {
    from: &'a mut dyn Read,
    buffer: Vec<u8>,
    start: usize,
    filled: usize,
    /// Everything that is held is ASCII.
    pub(super) is_ascii: bool,
    /// What the general reader is told before it goes on; of no line.
    ahead: Vec<u8>,
    /// Bytes taken since the event began.
    taken: usize,
    /// The line under way, from 1.
    pub(super) line: u64,
}

impl<'a> Counted<'a> {
    /// The beginning of a source, without the mark of its encoding.
    ///
    /// # Errors
    /// The disk.
    pub(super) fn new(from: &'a mut dyn Read) -> io::Result<Self> {
        let (buffer, ahead) = (vec![0; BUFFER_BYTES], Vec::new());
        let (start, filled, taken, line) = (0, 0, 0, 1);
        let mut source = Self { from, buffer, start, filled, is_ascii: true, ahead, taken, line };
        source.fill()?;
        if source.held().starts_with(b"\xef\xbb\xbf") {
            source.start = 3;
        }
        Ok(source)
    }

    /// What is there.
    pub(super) fn held(&self) -> &[u8] {
        self.buffer.get(self.start..self.filled).unwrap_or_default()
    }

    /// Less is there than an event may be long.
    pub(super) const fn is_short(&self) -> bool {
        self.filled - self.start <= EVENT_BYTES_MAX
    }

    /// Reads more behind what is there; false at the end.
    ///
    /// # Errors
    /// The disk.
    pub(super) fn fill(&mut self) -> io::Result<bool> {
        self.buffer.copy_within(self.start..self.filled, 0);
        self.filled -= self.start;
        self.start = 0;
        let count = loop {
            match self.from.read(self.buffer.get_mut(self.filled..).unwrap_or_default()) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        self.filled += count;
        self.is_ascii = self.held().is_ascii();
        Ok(count > 0)
    }

    /// So many bytes were gone over, up to this line.
    pub(super) const fn pass(&mut self, bytes: usize, line: u64) {
        self.start += bytes;
        self.line = line;
    }

    /// The next event of the general reader begins here.
    pub(super) const fn begin(&mut self) {
        self.taken = 0;
    }

    /// What the general reader finds before all else.
    pub(super) fn ahead(&mut self, text: &[u8]) {
        self.ahead.clear();
        self.ahead.extend_from_slice(text);
        self.taken = 0;
    }
}

impl BufRead for Counted<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if !self.ahead.is_empty() {
            return Ok(&self.ahead);
        }
        if self.taken > EVENT_BYTES_MAX {
            let reason = "a tag or a text longer than 64 KiB";
            return Err(io::Error::new(ErrorKind::FileTooLarge, reason));
        }
        if self.start == self.filled {
            self.fill()?;
        }
        Ok(self.held())
    }

    fn consume(&mut self, count: usize) {
        if !self.ahead.is_empty() {
            self.ahead.drain(..count.min(self.ahead.len()));
            return;
        }
        let end = (self.start + count).min(self.filled);
        let used = self.buffer.get(self.start..end).unwrap_or_default();
        self.line += memchr::memchr_iter(b'\n', used).count() as u64;
        self.taken += count;
        self.start = end;
    }
}

impl Read for Counted<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let held = self.fill_buf()?;
        let count = held.len().min(to.len());
        to.iter_mut().zip(held).for_each(|(to, from)| *to = *from);
        self.consume(count);
        Ok(count)
    }
}
