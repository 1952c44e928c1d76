//! One file, read once from front to end: lines become records, and its promises are held against them.

use super::blank::Blank;
use super::day::Days;
use super::formats::{Format, Found};
use super::frame::{self, Header, Side};
use super::row::{self, Reason, Row};
use super::spill::LOOSE;
use super::{BUFFER_BYTES, Input, LINE_BYTES_MAX, Reading, Taken};
use crate::payments::calendar::OperatingDay;
use crate::reconcile::matching::record::{self, At};
use aws_lc_rs::digest::Context;
use memchr::{memchr_iter, memrchr};
use std::fs::File;
use std::io::{self, Read};

/// One file on its way in.
pub(super) struct Intake<'a> {
    pub(super) side: Side,
    pub(super) number: u64,
    pub(super) taken: &'a mut Taken,
    pub(super) last_id: &'a mut Vec<u8>,
    pub(super) reading: &'a Reading<'a>,
    pub(super) days: Days,
    /// What the other side does not tell.
    pub(super) blank: Blank,
    /// The line under way.
    pub(super) lines: u64,
    pub(super) header: Option<Header>,
    pub(super) is_ended: bool,
    /// It holds open rows of both sides.
    pub(super) is_carried: bool,
    pub(super) hash: Context,
    pub(super) rows: u64,
    pub(super) sum_tiyn: i128,
    /// The latest operating day that a row was posted in.
    pub(super) last_day: Option<OperatingDay>,
    /// Of a file that is read recoded: its own bytes before the trailer.
    pub(super) sealed: Option<Context>,
}

const CUT_OFF: &str = "no trailer: cut off, or still being written";

pub(super) enum Stop {
    /// The line under way is wrong.
    Wrong(Reason),
    /// The file is.
    Whole(Reason),
    Io(io::Error),
}

impl From<Reason> for Stop {
    fn from(reason: Reason) -> Self {
        Self::Wrong(reason)
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Intake<'_> {
    pub(super) fn file(&mut self, mut file: &File) -> Result<Input, Stop> {
        let mut buffer = vec![0; BUFFER_BYTES];
        let (mut filled, mut offset) = (0_usize, 0_u64);
        loop {
            let count = file.read(buffer.get_mut(filled..).unwrap_or_default())?;
            filled += count;
            let held = buffer.get(..filled).unwrap_or_default();
            let whole = match memrchr(b'\n', held) {
                _ if count == 0 => filled,
                Some(at) => at + 1,
                None => 0,
            };
            if filled - whole > LINE_BYTES_MAX {
                self.lines += memchr_iter(b'\n', held).count() as u64 + 1;
                return Err(Stop::Wrong(Reason::new("a line longer than 1024 bytes")));
            }
            self.block(held.get(..whole).unwrap_or_default(), offset)?;
            (self.reading.progress)(count as u64);
            offset += whole as u64;
            buffer.copy_within(whole..filled, 0);
            filled -= whole;
            if count == 0 {
                break;
            }
        }
        self.promises(offset)
    }

    /// Whole lines, of which the last may lack its end.
    fn block(&mut self, block: &[u8], offset: u64) -> Result<(), Stop> {
        let mut start = 0;
        let mut hashed = 0;
        // As nearly every block is; told of all its lines at once.
        let is_plain = row::are_plain(block);
        let ends = memchr_iter(b'\n', block).map(|at| (at, at + 1));
        let last =
            (!block.ends_with(b"\n") && !block.is_empty()).then_some((block.len(), block.len()));
        for (end, next) in ends.chain(last) {
            let line = block.get(start..end).unwrap_or_default();
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            self.lines += 1;
            if self.is_ended {
                return Err(Stop::Wrong(Reason::new("something follows the trailer")));
            }
            if self.header.is_none() {
                self.first(line)?;
            } else if line.first() == Some(&b'#') {
                let promised = frame::trailer(line)?;
                self.hash.update(block.get(hashed..start).unwrap_or_default());
                hashed = start;
                let sealed = self.sealed.as_ref().unwrap_or(&self.hash);
                if sealed.clone().finish().as_ref() != promised {
                    return Err(Stop::Wrong(Reason::new(
                        "trailer: sha256 is not that of the file",
                    )));
                }
                self.is_ended = true;
            } else {
                // Only a trailer may end without an end.
                let is_cut = next == end;
                let at = offset + start as u64;
                let row = if is_plain { self.plain(line, at) } else { self.row(line, at) };
                row.map_err(|stop| if is_cut { Stop::Wrong(Reason::new(CUT_OFF)) } else { stop })?;
            }
            start = next;
        }
        self.hash.update(block.get(hashed..).unwrap_or_default());
        Ok(())
    }

    fn first(&mut self, line: &[u8]) -> Result<(), Stop> {
        let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        let header = frame::header(line)?;
        let word = |side: Option<Side>| side.map_or("open", Side::word);
        let asked = (!self.is_carried).then_some(self.side);
        if header.side != asked {
            let (found, asked) = (word(header.side), word(asked));
            let reason = format!("header: #{found}; where #{asked}; is asked for");
            return Err(Stop::Wrong(Reason::new(reason)));
        }
        let other = self.taken.inputs.first().map(|input| (&input.header.bank, input.header.day));
        let reason = match other {
            Some((bank, _)) if *bank != header.bank => "header: another bank than the file before",
            Some((_, day)) if self.is_carried && header.day >= day => {
                "header: open rows of this opdate or of a later one"
            }
            Some((_, day)) if !self.is_carried && header.day != day => {
                "header: another opdate than the file before"
            }
            _ => "",
        };
        if !reason.is_empty() {
            return Err(Stop::Wrong(Reason::new(reason)));
        }
        self.header = Some(header);
        Ok(())
    }

    #[inline]
    pub(super) fn row(&mut self, line: &[u8], offset: u64) -> Result<(), Stop> {
        if !row::is_plain(line) && !row::is_text(line) {
            return Err(Stop::Wrong(Reason::new("not UTF-8, or with control characters")));
        }
        self.plain(line, offset)
    }

    /// A row of which it is known that it is text.
    #[inline]
    fn plain(&mut self, line: &[u8], offset: u64) -> Result<(), Stop> {
        let (is_mine, line) = if self.is_carried {
            let (side, _, row) = frame::carried(line)?;
            (side == self.side, row)
        } else {
            (true, line)
        };
        let row = row::row(line)?;
        let posted = self.days.posted(row.posted_at)?;
        let value = self.days.value(row.value_date)?;
        self.last_day = self.last_day.max(Some(posted));
        self.rows += 1;
        self.sum_tiyn += i128::from(row.amount_tiyn);
        if !is_mine {
            return Ok(());
        }
        if self.is_carried {
            self.taken.carried_rows += 1;
            self.taken.carried_sum_tiyn += i128::from(row.amount_tiyn);
        }
        let at = At { file: self.number, offset };
        if row.e2e_id.is_empty() {
            let loose = record::loose(self.reading.secret, &row, at);
            return Ok(self.taken.spill.push(LOOSE, &loose)?);
        }
        self.in_order(&row);
        let rest = record::rest(posted, value, self.is_carried);
        let content = if self.is_carried { row.content } else { self.blank.content(row.content) };
        let print = self.reading.secret.row(row.e2e_id, content, rest);
        let partition = record::partition(print.key);
        let record = record::tied(&print, row.amount_tiyn, at);
        if let Some(digest) = self.taken.digests.get_mut(partition) {
            digest.rows += 1;
            digest.sum_tiyn += i128::from(row.amount_tiyn);
            digest.content = digest.content.wrapping_add(print.content);
        }
        Ok(self.taken.spill.push(partition, &record)?)
    }

    #[inline]
    fn in_order(&mut self, row: &Row<'_>) {
        if self.is_carried {
            self.taken.is_ascending = false;
        }
        if self.taken.is_ascending {
            self.taken.is_ascending = self.last_id.as_slice() < row.e2e_id;
            self.last_id.clear();
            self.last_id.extend_from_slice(row.e2e_id);
        }
    }

    /// The file has ended: did it keep its word?
    fn promises(&mut self, bytes: u64) -> Result<Input, Stop> {
        let whole = |reason: String| Err(Stop::Whole(Reason::new(reason)));
        let Some(header) = self.header.take() else { return whole("empty".to_owned()) };
        if !self.is_ended {
            return whole(CUT_OFF.to_owned());
        }
        if header.count != self.rows {
            return whole(format!("count={} in the header, {} rows", header.count, self.rows));
        }
        if i128::from(header.sum_tiyn) != self.sum_tiyn {
            return whole(format!(
                "sum={} in the header, {} in the rows",
                header.sum_tiyn, self.sum_tiyn
            ));
        }
        if !self.is_carried {
            self.taken.rows += self.rows;
            self.taken.sum_tiyn += self.sum_tiyn;
        }
        let mut digest = [0; 32];
        digest.copy_from_slice(self.hash.clone().finish().as_ref());
        Ok(Input { header, digest, bytes, found: Found::new(Format::Neutral) })
    }
}
