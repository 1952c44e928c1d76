//! Rows looked up again by their place: the few that are no plain pair.

use super::blank::Blank;
use super::day::{Calendar, Days};
use super::frame::{self, Side};
use super::row::{self, Row};
use super::{LINE_BYTES_MAX, Taken};
use crate::payments::calendar::OperatingDay;
use crate::reconcile::matching::fingerprint::Secret;
use crate::reconcile::matching::record::{self, At};
use memchr::memchr;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// Bytes asked for first; nearly every line is shorter.
const LINE_BYTES_USUAL: usize = 256;

/// A row with its own text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub side: Side,
    /// Where it stands; of no account for what is compared.
    pub at: At,
    text: Box<[u8]>,
    /// The operating day of its posting.
    pub posted: OperatingDay,
    /// Its value date.
    pub value: OperatingDay,
    pub amount_tiyn: i64,
    /// The day since which it has been open, where an earlier run left it so.
    pub since: Option<OperatingDay>,
    /// Its format leaves requisites out: those that are empty are not compared.
    pub is_partial: bool,
}

impl Line {
    /// A line that is known to be a row.
    #[must_use]
    pub fn of(side: Side, at: At, text: &[u8], days: &mut Days) -> Option<Self> {
        let row = row::row(text).ok()?;
        let posted = days.posted(row.posted_at).ok()?;
        let value = days.value(row.value_date).ok()?;
        let amount_tiyn = row.amount_tiyn;
        Some(Self {
            side,
            at,
            text: text.into(),
            posted,
            value,
            amount_tiyn,
            since: None,
            is_partial: false,
        })
    }

    /// The same row, open since a day.
    #[must_use]
    pub fn open_since(self, since: Option<OperatingDay>) -> Self {
        Self { since, ..self }
    }

    /// Its currency.
    #[must_use]
    pub fn currency(&self) -> &[u8] {
        self.row().currency
    }

    /// The text of the row.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// Its fields.
    #[must_use]
    pub fn row(&self) -> Row<'_> {
        // What was a row once is one again; an empty row stands for what cannot be.
        row::row(&self.text).unwrap_or(Row {
            e2e_id: &[],
            receipt: &[],
            iin: &[],
            payee_bin: &[],
            kbk: &[],
            knp: &[],
            amount_tiyn: self.amount_tiyn,
            currency: &[],
            status: &[],
            posted_at: &[],
            value_date: &[],
            rail: &[],
            content: &[],
        })
    }
}

/// The files of both sides, open for single rows.
pub struct Sources<'a> {
    journal: &'a Taken,
    register: &'a Taken,
    secret: &'a Secret,
    days: Days,
    buffer: Vec<u8>,
    /// Empties the journal's content of what the register does not tell.
    blank: Blank,
}

impl<'a> Sources<'a> {
    /// Files that were read already.
    #[must_use]
    pub fn new(
        journal: &'a Taken,
        register: &'a Taken,
        secret: &'a Secret,
        calendar: &Calendar,
    ) -> Self {
        let (days, blank) = (Days::new(calendar.clone()), Blank::new(register.blank()));
        Self { journal, register, secret, days, buffer: Vec::new(), blank }
    }

    /// The row at a place, of which an amount is known already.
    ///
    /// # Errors
    /// The disk failed, or the file is not the one that was read.
    pub fn line(&mut self, side: Side, at: At, amount_tiyn: i64) -> io::Result<Line> {
        let taken = match side {
            Side::Journal => self.journal,
            Side::Register => self.register,
        };
        let number = usize::try_from(at.file).map_err(io::Error::other)?;
        let file = taken.files.get(number).ok_or_else(changed)?;
        for bytes_max in [LINE_BYTES_USUAL, LINE_BYTES_MAX + 1] {
            self.buffer.resize(bytes_max, 0);
            let count = fill(file, &mut self.buffer, at.offset)?;
            let held = self.buffer.get(..count).unwrap_or_default();
            let Some(end) = memchr(b'\n', held) else { continue };
            let text = held.get(..end).unwrap_or_default();
            let text = text.strip_suffix(b"\r").unwrap_or(text);
            let (row, since, is_partial) = if number < taken.inputs.len() {
                (text, None, taken.is_partial(number))
            } else {
                let (_, since, row) = frame::carried(text).map_err(|_| changed())?;
                (row, Some(since), text.starts_with(frame::PARTIAL))
            };
            let line = Line::of(side, at, row, &mut self.days).ok_or_else(changed)?;
            let line = Line { is_partial, ..line.open_since(since) };
            return if line.amount_tiyn == amount_tiyn { Ok(line) } else { Err(changed()) };
        }
        Err(changed())
    }

    /// The row of a tied record; its content must be what was read the first time.
    ///
    /// # Errors
    /// As [`Sources::line`].
    pub fn tied(&mut self, side: Side, record: &super::spill::Record) -> io::Result<Line> {
        let line = self.line(side, record::at(record), record::amount_tiyn(record))?;
        let row = line.row();
        let rest = record::rest(line.posted, line.value, line.since.is_some());
        let content = match side {
            Side::Journal if line.since.is_none() => self.blank.content(row.content),
            Side::Journal | Side::Register => row.content,
        };
        let print = self.secret.row(row.e2e_id, content, rest);
        let again = record::tied(&print, row.amount_tiyn, record::at(record));
        if again == *record { Ok(line) } else { Err(changed()) }
    }
}

fn fill(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(room) = buffer.get_mut(filled..).filter(|room| !room.is_empty()) {
        let count = file.read_at(room, offset + filled as u64)?;
        if count == 0 {
            break;
        }
        filled += count;
    }
    Ok(filled)
}

fn changed() -> io::Error {
    io::Error::other("the file changed while it was read")
}
