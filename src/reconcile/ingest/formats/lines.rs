//! Lines of a text, of whatever ends, each with its number and none longer than a cap.

use super::super::intake::Stop;
use super::super::row::Reason;
use memchr::memchr2;
use std::io::Read;

/// Bytes of a line at most.
pub(super) const LINE_BYTES_MAX: usize = 64 * 1_024;
const BUFFER_BYTES: usize = 4 * LINE_BYTES_MAX;

/// A text being read by its lines.
pub(in super::super) struct Lines<'a> {
    from: &'a mut dyn Read,
    buffer: Vec<u8>,
    start: usize,
    filled: usize,
    is_ended: bool,
    /// The last line ended with a carriage return, so that a line feed next belongs to it.
    is_returned: bool,
    /// Number of the line that was handed out last.
    pub(super) number: u64,
}

impl<'a> Lines<'a> {
    /// Nothing read yet.
    #[must_use]
    pub(in super::super) fn new(from: &'a mut dyn Read) -> Self {
        let buffer = vec![0; BUFFER_BYTES];
        let (start, filled, number) = (0, 0, 0);
        Self { from, buffer, start, filled, is_ended: false, is_returned: false, number }
    }

    /// The next line without its end.
    ///
    /// # Errors
    /// The disk, or a line that is too long.
    pub(in super::super) fn next(&mut self) -> Result<Option<&[u8]>, Stop> {
        loop {
            let held = self.buffer.get(self.start..self.filled).unwrap_or_default();
            if self.is_returned && !held.is_empty() {
                self.is_returned = false;
                if held.first() == Some(&b'\n') {
                    self.start += 1;
                    continue;
                }
            }
            if let Some(length) = memchr2(b'\n', b'\r', held) {
                self.is_returned = held.get(length) == Some(&b'\r');
                return self.take(length, 1);
            }
            if held.len() > LINE_BYTES_MAX {
                self.number += 1;
                return Err(Stop::Wrong(Reason::new("a line longer than 64 KiB")));
            }
            if self.is_ended {
                let length = held.len();
                return if length == 0 { Ok(None) } else { self.take(length, 0) };
            }
            self.fill()?;
        }
    }

    fn take(&mut self, length: usize, end: usize) -> Result<Option<&[u8]>, Stop> {
        let start = self.start;
        self.start += length + end;
        self.number += 1;
        if length > LINE_BYTES_MAX {
            return Err(Stop::Wrong(Reason::new("a line longer than 64 KiB")));
        }
        Ok(self.buffer.get(start..start + length))
    }

    fn fill(&mut self) -> Result<(), Stop> {
        self.buffer.copy_within(self.start..self.filled, 0);
        self.filled -= self.start;
        self.start = 0;
        let room = self.buffer.get_mut(self.filled..).unwrap_or_default();
        let count = self.from.read(room)?;
        self.filled += count;
        self.is_ended = count == 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_end_of_a_line_is_one_end() {
        let mut text: &[u8] = b"a\nb\r\nc\rd\n\ne\r\n\r\nf";
        let mut lines = Lines::new(&mut text);
        let mut read = Vec::new();
        while let Ok(Some(line)) = lines.next() {
            read.push(String::from_utf8(line.to_vec()).unwrap());
        }
        assert_eq!(read, ["a", "b", "c", "d", "", "e", "", "f"]);
        assert_eq!(lines.number, 8);
        let long = vec![b'x'; BUFFER_BYTES * 2];
        let mut long = long.as_slice();
        assert!(Lines::new(&mut long).next().is_err());
    }
}
