//! SWIFT MT messages as fields: blocks and their wrappers, tags, continuation lines.
//!
//! Banks wrap block 4 in anything: the blocks of SWIFT, a header of three lines, nothing. So what stands
//! outside a message is passed over, and a message is its fields from `:20:` to a line with `-`.

use super::Format;
use super::lines::Lines;
use crate::reconcile::ingest::intake::Stop;
use crate::reconcile::ingest::row::Reason;
use std::io::Read;

/// Bytes of a field with its continuation lines at most.
const FIELD_BYTES_MAX: usize = 64 * 1_024;

/// A field, or the end of a message.
pub(super) enum Part {
    Field(Field),
    End,
}

/// A field with its lines, parted by line feeds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Field {
    /// Two digits, and a letter or a space.
    pub(super) tag: [u8; 3],
    pub(super) text: Vec<u8>,
    /// The line of its tag.
    pub(super) line: u64,
}

/// The fields of a file.
pub(super) struct Fields<'a> {
    lines: Lines<'a>,
    under_way: Option<Field>,
    is_ended: bool,
    /// What followed the end of a message on its line.
    rest: Vec<u8>,
}

/// MT102 or MT940 by the first bytes of a text; `None` where it is neither.
pub(super) fn format(head: &[u8]) -> Option<Format> {
    // Payments of a batch have it, and some statements too.
    let mut has_reference = false;
    for line in head.split(|byte| matches!(byte, b'\n' | b'\r')) {
        if let Some(at) = memchr::memmem::find(line, b"{2:") {
            match line.get(at + 4..at + 7).unwrap_or_default() {
                b"940" | b"942" | b"950" => return Some(Format::Mt940),
                b"100" | b"102" | b"103" => return Some(Format::Mt102),
                _ => {}
            }
        }
        let line = memchr::memmem::find(line, b"{4:")
            .map_or(line, |at| line.get(at + 3..).unwrap_or_default());
        match tag(line).map(|(tag, _)| tag) {
            Some([b'2', b'5' | b'8', _] | [b'6', _, _] | [b'3', b'4', _]) => {
                return Some(Format::Mt940);
            }
            Some([b'3', b'2', _] | [b'5', _, _]) => return Some(Format::Mt102),
            Some([b'2', b'1', _]) => has_reference = true,
            _ => {}
        }
    }
    has_reference.then_some(Format::Mt102)
}

/// The tag that a line begins with, and what follows it.
fn tag(line: &[u8]) -> Option<([u8; 3], &[u8])> {
    let rest = line.strip_prefix(b":")?;
    let (digits, rest) = rest.split_first_chunk::<2>()?;
    digits.iter().all(u8::is_ascii_digit).then_some(())?;
    let [tens, ones] = *digits;
    match rest {
        [b':', text @ ..] => Some(([tens, ones, b' '], text)),
        [letter, b':', text @ ..] if letter.is_ascii_alphabetic() => {
            Some(([tens, ones, letter.to_ascii_uppercase()], text))
        }
        _ => None,
    }
}

impl<'a> Fields<'a> {
    pub(super) fn new(from: &'a mut dyn Read) -> Self {
        let (under_way, rest) = (None, Vec::new());
        Self { lines: Lines::new(from), under_way, is_ended: false, rest }
    }

    /// The next part; `None` at the end of the file.
    ///
    /// # Errors
    /// The disk, or a line or a field that is too long.
    pub(super) fn next(&mut self) -> Result<Option<Part>, Stop> {
        if std::mem::take(&mut self.is_ended) {
            return Ok(Some(Part::End));
        }
        loop {
            let rest = std::mem::take(&mut self.rest);
            let line = if rest.is_empty() { self.lines.next()? } else { Some(rest.as_slice()) };
            let Some(line) = line else {
                return Ok(self.under_way.take().map(Part::Field));
            };
            if let Some(after) = ending(line) {
                after.clone_into(&mut self.rest);
                return Ok(Some(match self.under_way.take() {
                    Some(field) => {
                        self.is_ended = true;
                        Part::Field(field)
                    }
                    None => Part::End,
                }));
            }
            let line = match memchr::memmem::find(line, b"{4:") {
                Some(at) => line.get(at + 3..).unwrap_or_default(),
                None => line,
            };
            if let Some((tag, text)) = tag(line) {
                let field = Field { tag, text: text.to_vec(), line: 0 };
                let number = self.lines.number;
                let before = self.under_way.replace(Field { line: number, ..field });
                if let Some(field) = before {
                    return Ok(Some(Part::Field(field)));
                }
            } else if let Some(field) = &mut self.under_way {
                field.text.push(b'\n');
                field.text.extend_from_slice(line);
                if field.text.len() > FIELD_BYTES_MAX {
                    return Err(Stop::Wrong(Reason::new("a field longer than 64 KiB")));
                }
            }
        }
    }

    /// The line that was read last.
    pub(super) const fn line(&self) -> u64 {
        self.lines.number
    }
}

/// What follows the end of a message, where a line is one.
fn ending(line: &[u8]) -> Option<&[u8]> {
    match line {
        [b'-', b'}', rest @ ..] => Some(rest),
        [b'-', rest @ ..] if rest.trim_ascii().is_empty() => Some(&[]),
        _ => None,
    }
}

/// `YYMMDD` as `20YY-MM-DD`, and what follows it.
pub(super) fn date(text: &[u8]) -> Option<([u8; 10], &[u8])> {
    let (digits, rest) = text.split_first_chunk::<6>()?;
    digits.iter().all(u8::is_ascii_digit).then_some(())?;
    let (year, day) = digits.split_at(2);
    let (month, date) = day.split_at(2);
    let number = |text: &[u8]| text.iter().fold(0_u32, |n, byte| n * 10 + u32::from(byte - b'0'));
    let last = match number(month) {
        2 if number(year) % 4 == 0 => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    // Banks that reckon months of thirty days write a 30 February.
    let is_beyond = (last + 1..=31).contains(&number(date));
    let date = if is_beyond { last.to_string().into_bytes() } else { date.to_vec() };
    Some((super::moment::day(year, month, &date), rest))
}
