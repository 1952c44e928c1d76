//! Where drafts become rows of the neutral form: written down, judged by its own reader, counted.

use super::decode::{Decoded, Hashed, encoding};
use super::draft::{Draft, POSTED, RETURNED};
use super::moment::{Moments, country_day};
use super::{Format, Payments, read};
use crate::payments::calendar::OperatingDay;
use crate::reconcile::ingest::Input;
use crate::reconcile::ingest::frame::Header;
use crate::reconcile::ingest::intake::{Intake, Stop};
use crate::reconcile::ingest::row::{REQUISITES, Reason};
use std::fs::File;
use std::io::{BufWriter, Write};

const BUFFER_BYTES: usize = 256 * 1_024;

/// What was found in a file beside its rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub format: Format,
    /// Statements, notifications, batches or sections.
    pub statements: u64,
    /// Rows of money that left the account.
    pub debits: u64,
    pub debits_tiyn: i128,
    /// Entries that move no money: amounts of zero, and entries for information.
    pub passed_over: u64,
    /// Of `iin`, `payee_bin`, `kbk` and `knp`, those that some row tells.
    pub told: [bool; REQUISITES],
    /// The first promise that the file breaks, and the line where it shows.
    pub broken: Option<(Option<u64>, String)>,
}

impl Found {
    /// Nothing found yet in a file of this format.
    #[must_use]
    pub const fn new(format: Format) -> Self {
        Self {
            format,
            statements: 0,
            debits: 0,
            debits_tiyn: 0,
            passed_over: 0,
            told: [false; REQUISITES],
            broken: None,
        }
    }
}

/// Takes drafts.
pub(super) struct Sink<'a, 'b> {
    intake: &'a mut Intake<'b>,
    to: BufWriter<File>,
    offset: u64,
    line: Vec<u8>,
    moments: Moments,
    payments: Payments,
    pub(super) found: Found,
}

impl Sink<'_, '_> {
    /// Takes a payment.
    ///
    /// # Errors
    /// A field of another shape than the neutral form asks for, or the disk.
    pub(super) fn push(&mut self, draft: &Draft) -> Result<(), Stop> {
        self.intake.lines = draft.line;
        if draft.amount_tiyn == 0 {
            self.found.passed_over += 1;
            return Ok(());
        }
        self.compose(draft)?;
        let line = std::mem::take(&mut self.line);
        self.intake.row(line.strip_suffix(b"\n").unwrap_or_default(), self.offset)?;
        self.line = line;
        self.to.write_all(&self.line)?;
        self.offset += self.line.len() as u64;
        let requisites = [&draft.iin, &draft.payee_bin, &draft.kbk, &draft.knp];
        for (told, text) in self.found.told.iter_mut().zip(requisites) {
            *told |= !text.is_empty();
        }
        if draft.is_debit {
            self.found.debits += 1;
            self.found.debits_tiyn += i128::from(draft.amount_tiyn);
        }
        Ok(())
    }

    /// An entry that moves no money.
    pub(super) const fn pass_over(&mut self) {
        self.found.passed_over += 1;
    }

    /// The file breaks a promise of its own; the first one is told.
    pub(super) fn broken(&mut self, line: u64, reason: impl Into<String>) {
        let line = (line > 0).then_some(line);
        self.found.broken.get_or_insert_with(|| (line, reason.into()));
    }

    /// The line under way is wrong.
    #[must_use]
    pub(super) fn wrong(&mut self, line: u64, reason: impl Into<String>) -> Stop {
        self.intake.lines = line;
        Stop::Wrong(Reason::new(reason))
    }

    /// Where a reader is that stops of itself.
    pub(super) const fn at(&mut self, line: u64) {
        self.intake.lines = line;
    }

    /// The neutral text of a draft.
    fn compose(&mut self, draft: &Draft) -> Result<(), Stop> {
        let is_return = match self.payments {
            Payments::Both => false,
            Payments::Credits => draft.is_debit,
            Payments::Debits => !draft.is_debit,
        };
        let status = if draft.status.is_empty() { POSTED } else { draft.status.as_slice() };
        let status = if is_return && status == POSTED { RETURNED } else { status };
        let posted_at = self.moments.posted(&draft.posted_at)?;
        let told = if draft.value_date.len() < 10 { posted_at } else { &draft.value_date };
        let own = country_day(told);
        let value_date = own.as_ref().map_or(told.get(..10).unwrap_or_default(), |day| day);
        let line = &mut self.line;
        line.clear();
        for text in [&draft.e2e_id, &draft.receipt] {
            push_text(line, text);
        }
        for code in [&draft.iin, &draft.payee_bin, &draft.kbk, &draft.knp] {
            line.extend_from_slice(code);
            line.push(b';');
        }
        push_number(line, draft.amount_tiyn);
        let currency: &[u8] = if draft.currency.is_empty() { b"KZT" } else { &draft.currency };
        line.push(b';');
        for text in [currency, status, posted_at, value_date] {
            line.extend_from_slice(text);
            line.push(b';');
        }
        push_text(line, &draft.rail);
        line.pop();
        line.push(b'\n');
        Ok(())
    }
}

/// A text and the end of its field. A semicolon within would be an end, so it becomes a comma.
fn push_text(line: &mut Vec<u8>, text: &[u8]) {
    let start = line.len();
    line.extend_from_slice(text);
    if memchr::memchr2(b';', b'\t', text).is_some() {
        for byte in line.iter_mut().skip(start) {
            match byte {
                b';' => *byte = b',',
                b'\t' => *byte = b' ',
                _ => {}
            }
        }
    }
    line.push(b';');
}

fn push_number(line: &mut Vec<u8>, number: i64) {
    let mut digits = [b'0'; 20];
    let mut rest = number.unsigned_abs();
    let mut count = 0;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
        count += 1;
        if rest == 0 {
            break;
        }
    }
    line.extend_from_slice(digits.get(digits.len() - count..).unwrap_or_default());
}

/// Reads a file of a foreign format. What stands in its place from here on is the neutral text of its
/// rows; its identity stays the digest of its own bytes.
///
/// # Errors
/// The row or the promise that is wrong, or the disk.
pub(in super::super) fn file(
    intake: &mut Intake<'_>,
    (file, head): (&File, &[u8]),
    format: Format,
) -> Result<(Input, File), Stop> {
    let forms = intake.reading.forms;
    let progress = intake.reading.progress;
    let rows = tempfile::tempfile_in(intake.reading.scratch)?;
    let to = BufWriter::with_capacity(BUFFER_BYTES, rows.try_clone()?);
    let mut hash = intake.hash.clone();
    let mut hashed = Hashed { file, hash: &mut hash, bytes: 0, progress };
    let asked = forms.columns.as_ref().map_or("", |columns| columns.encoding.as_str());
    let mut sink = Sink {
        intake,
        to,
        offset: 0,
        line: Vec::new(),
        moments: Moments::default(),
        payments: forms.payments,
        found: Found::new(format),
    };
    match encoding(format, head, asked) {
        None => read(format, forms, (file, &mut hashed), &mut sink)?,
        Some(encoding) => {
            let mut decoded = Decoded::new(&mut hashed, encoding);
            read(format, forms, (file, &mut decoded), &mut sink)?;
        }
    }
    // A reader may stop before the end; the digest is that of all bytes.
    std::io::copy(&mut hashed, &mut std::io::sink())?;
    let bytes = hashed.bytes;
    sink.to.flush()?;
    let found = sink.found;
    let window = intake.reading.window.clone();
    let day = intake.last_day.unwrap_or(OperatingDay(0));
    let (bank, day) = window.unwrap_or_else(|| ("-".to_owned(), day));
    let sum_tiyn = i64::try_from(intake.sum_tiyn)
        .map_err(|_| Stop::Whole(Reason::new("the sum is beyond 63 bits of tiyn")))?;
    let header = Header {
        side: Some(intake.side),
        bank,
        day,
        count: intake.rows,
        sum_tiyn,
        encoding: encoding_rs::UTF_8,
    };
    intake.taken.rows += intake.rows;
    intake.taken.sum_tiyn += intake.sum_tiyn;
    let mut digest = [0; 32];
    digest.copy_from_slice(hash.finish().as_ref());
    Ok((Input { header, digest, bytes, found }, rows))
}
