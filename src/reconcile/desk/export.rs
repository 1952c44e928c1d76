//! The journal's side of a bank's operating day, in the neutral form, a page of payments at a time.
//!
//! Of a closed day it is what was known at the closing: whatever payments become later, a second export
//! has the same bytes. What the bank has is told in the bank's words: money that it took is `POSTED`,
//! also once the Treasury has it.

use super::Failed;
use crate::config::settings::Bank;
use crate::payments::Payments;
use crate::payments::breaks::record::DayRow;
use crate::payments::calendar::{OperatingDay, country_time};
use crate::payments::order::{State, Step};
use aws_lc_rs::digest::{Context, SHA256};
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// Payments asked for at once.
const PAGE: u32 = 2_000;
const BUFFER_BYTES: usize = 64 * 1_024;

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    pub rows: u64,
    pub sum_tiyn: i128,
    /// SHA-256 of the whole file.
    pub digest: [u8; 32],
    /// The day takes no posting any more.
    pub is_closed: bool,
}

/// Writes the journal's side of a day.
///
/// # Errors
/// The store or the disk.
pub async fn export(
    payments: &Payments,
    bank: &Bank,
    day: OperatingDay,
    to: &Path,
) -> Result<Exported, Failed> {
    let closed_at_us = payments.closing(&bank.id, day).await?.map(|closing| closing.closed_at_us);
    let mut sealed = Sealed::new(to)?;
    let mut after = String::new();
    loop {
        let rows = payments.day_rows((&bank.id, day), closed_at_us, &after, PAGE).await?;
        let Some(last) = rows.last() else { break };
        last.id.clone_into(&mut after);
        for row in &rows {
            sealed.row(line(row, day).as_bytes(), row.amount_tiyn)?;
        }
    }
    let head = format!("#journal;v=1;bank={};opdate={day}", bank.bic);
    let is_closed = closed_at_us.is_some();
    Ok(Exported { is_closed, ..sealed.finish(&head)? })
}

/// A row; the order of payments is that of their ids, so that equal days are proved by their digests.
fn line(row: &DayRow, day: OperatingDay) -> String {
    let receipt = row.document_number.as_ref().or(row.txn_id.as_ref());
    let receipt = receipt.filter(|text| is_field(text)).map_or("", String::as_str);
    let DayRow { payer, payee, kbk, knp, amount_tiyn, .. } = row;
    // A return that the bank made by itself has an id that it never heard of.
    let end_to_end_id = if row.step == Step::Returned { "" } else { &row.end_to_end_id };
    let posted_at = country_time(row.posted_at_us);
    let status = status(row);
    format!(
        "{end_to_end_id};{receipt};{payer};{payee};{kbk};{knp};{amount_tiyn};KZT;{status};\
         {posted_at};{day};"
    )
}

/// What fits a field of the neutral form.
fn is_field(text: &str) -> bool {
    text.len() <= 64 && !text.contains([';', '\n', '\r']) && !text.chars().any(char::is_control)
}

const fn status(row: &DayRow) -> &'static str {
    match (row.state, row.step) {
        (State::Posted | State::Settled, _) if row.reverses.is_some() => "RETURNED",
        (State::Posted | State::Settled, Step::Surplus) => "SURPLUS",
        (State::Posted | State::Settled, _) => "POSTED",
        (State::Cancelled, _) => "CANCELLED",
        (State::Expired, _) => "EXPIRED",
        (State::Rejected, _) => "REJECTED",
        (State::Conflict, _) => "CONFLICT",
        (State::Reserved | State::Submitting | State::Submitted | State::Unknown, _) => "UNKNOWN",
        (State::Accepted, _) => "ACCEPTED",
    }
}

/// A file of the neutral form under way: rows wait beside it until their number and sum are known.
pub(super) struct Sealed<'p> {
    path: &'p Path,
    rows: BufWriter<File>,
    count: u64,
    sum_tiyn: i128,
}

impl<'p> Sealed<'p> {
    pub(super) fn new(path: &'p Path) -> io::Result<Self> {
        let folder = path.parent().unwrap_or_else(|| Path::new("."));
        let rows = BufWriter::with_capacity(BUFFER_BYTES, tempfile::tempfile_in(folder)?);
        Ok(Self { path, rows, count: 0, sum_tiyn: 0 })
    }

    pub(super) fn row(&mut self, line: &[u8], amount_tiyn: i64) -> io::Result<()> {
        self.count += 1;
        self.sum_tiyn += i128::from(amount_tiyn);
        self.rows.write_all(line)?;
        self.rows.write_all(b"\n")
    }

    /// Writes header, rows and trailer; the header begins with this.
    pub(super) fn finish(self, head: &str) -> io::Result<Exported> {
        let mut rows = self.rows.into_inner().map_err(io::IntoInnerError::into_error)?;
        rows.seek(SeekFrom::Start(0))?;
        let mut rows = BufReader::with_capacity(BUFFER_BYTES, rows);
        let mut to = BufWriter::with_capacity(BUFFER_BYTES, super::disk::private(self.path)?);
        let mut hash = Context::new(&SHA256);
        let head = format!("{head};count={};sum={};enc=utf-8\n", self.count, self.sum_tiyn);
        let mut put = |bytes: &[u8], hash: &mut Context| {
            hash.update(bytes);
            to.write_all(bytes)
        };
        put(head.as_bytes(), &mut hash)?;
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            let count = rows.read(&mut buffer)?;
            let Some(read) = buffer.get(..count).filter(|read| !read.is_empty()) else { break };
            put(read, &mut hash)?;
        }
        let sha256 = qaqpa_kit::hex::lower(hash.clone().finish().as_ref());
        put(format!("#end;sha256={sha256}\n").as_bytes(), &mut hash)?;
        to.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        let mut digest = [0; 32];
        digest.copy_from_slice(hash.finish().as_ref());
        let (rows, sum_tiyn) = (self.count, self.sum_tiyn);
        Ok(Exported { rows, sum_tiyn, digest, is_closed: false })
    }
}
