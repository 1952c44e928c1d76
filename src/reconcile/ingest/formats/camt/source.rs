//! What the XML reader reads from: lines counted, and no event larger than a cap.

use std::io::{self, BufRead, ErrorKind, Read};

/// Bytes of a tag or of a text between tags at most.
const EVENT_BYTES_MAX: usize = 64 * 1_024;
const BUFFER_BYTES: usize = 256 * 1_024;

/// A source with its line.
pub(super) struct Counted<'a> {
    from: &'a mut dyn Read,
    buffer: Vec<u8>,
    start: usize,
    filled: usize,
    /// Bytes taken since the event began.
    taken: usize,
    /// The line under way, from 1.
    pub(super) line: u64,
}

impl<'a> Counted<'a> {
    pub(super) fn new(from: &'a mut dyn Read) -> Self {
        let buffer = vec![0; BUFFER_BYTES];
        Self { from, buffer, start: 0, filled: 0, taken: 0, line: 1 }
    }

    /// The next event begins here.
    #[inline]
    pub(super) const fn begin(&mut self) {
        self.taken = 0;
    }
}

impl BufRead for Counted<'_> {
    #[inline]
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.taken > EVENT_BYTES_MAX {
            let reason = "a tag or a text longer than 64 KiB";
            return Err(io::Error::new(ErrorKind::FileTooLarge, reason));
        }
        if self.start == self.filled {
            self.filled = self.from.read(&mut self.buffer)?;
            self.start = 0;
        }
        Ok(self.buffer.get(self.start..self.filled).unwrap_or_default())
    }

    #[inline]
    fn consume(&mut self, count: usize) {
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
