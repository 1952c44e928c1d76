//! Rows of all three sides in the form that they have in common: the neutral one without what not all know.
//!
//! Payer, КНП and the time within a day are left out, a status says only that the money was taken. What was
//! not taken (refused, expired, returned) is counted and left aside: the Treasury never hears of it.

use super::form;
use super::totals::Totals;
use super::walk::{Promise, Stop, Walked, walk};
use super::{Party, form::Row};
use crate::payments::calendar::OperatingDay;
use crate::reconcile::ingest::frame::{self, Side};
use crate::reconcile::ingest::row::{self, Reason};
use aws_lc_rs::digest::{Context, SHA256};
use qaqpa_kit::hex;
use std::io::{self, BufRead, Write};

/// The bank of a file that holds all banks' rows.
pub const ALL_BANKS: &str = "ALL";
/// States of money that was taken; of a surplus too, for it lies with the bank or the Treasury.
const TAKEN: [&[u8]; 9] = [
    b"POSTED",
    b"SETTLED",
    b"PAID",
    b"ACSC",
    b"ACCC",
    b"BOOK",
    b"BOOKED",
    b"SURPLUS",
    b"DOUBLE_PAID",
];

/// A side on its way into the common form.
pub struct Projection<'a> {
    pub party: Party,
    pub day: OperatingDay,
    pub totals: &'a mut Totals,
    /// Rows without header and trailer.
    pub to: &'a mut dyn Write,
    pub kept_rows: u64,
    pub kept_sum_tiyn: i128,
}

impl Projection<'_> {
    /// Reads a file of this side.
    ///
    /// # Errors
    /// It is of another side or day, breaks a promise, or the disk failed.
    pub fn file(&mut self, from: &mut impl BufRead) -> Result<Walked, Stop> {
        let (party, day) = (self.party, self.day);
        match party {
            Party::Treasury => walk(from, |line| statement(line, day), |line| self.credit(line)),
            Party::Journal | Party::Register => {
                walk(from, |line| bank_day(line, party, day), |line| self.payment(line))
            }
        }
    }

    fn credit(&mut self, line: &[u8]) -> Result<i64, Stop> {
        let row = form::row(line).map_err(reason)?;
        self.totals.learn(row.payee_bin, row.administrator).map_err(whole)?;
        let Row { e2e_id, document, payee_bin, kbk, amount_tiyn, currency, value_date, .. } = row;
        self.keep([e2e_id, document, payee_bin, kbk, currency, value_date], amount_tiyn)?;
        Ok(amount_tiyn)
    }

    fn payment(&mut self, line: &[u8]) -> Result<i64, Stop> {
        if !row::is_plain(line) && !row::is_text(line) {
            return Err(whole("not UTF-8, or with control characters"));
        }
        let row = row::row(line).map_err(reason)?;
        if TAKEN.contains(&row.status) {
            let text = |bytes| std::str::from_utf8(bytes).map_err(|_| whole("not UTF-8"));
            let fields = [
                text(row.e2e_id)?,
                text(row.receipt)?,
                text(row.payee_bin)?,
                text(row.kbk)?,
                text(row.currency)?,
                text(row.value_date)?,
            ];
            self.keep(fields, row.amount_tiyn)?;
        }
        Ok(row.amount_tiyn)
    }

    fn keep(&mut self, fields: [&str; 6], amount_tiyn: i64) -> Result<(), Stop> {
        let [e2e_id, document, payee_bin, kbk, currency, value_date] = fields;
        self.kept_rows += 1;
        self.kept_sum_tiyn += i128::from(amount_tiyn);
        self.totals.add(self.party, (kbk, payee_bin), amount_tiyn).map_err(whole)?;
        writeln!(
            self.to,
            "{e2e_id};{document};;{payee_bin};{kbk};;{amount_tiyn};{currency};TAKEN;\
             {value_date}T12:00:00+05:00;{value_date};"
        )?;
        Ok(())
    }
}

/// Writes header, rows and trailer of a side in the common form.
///
/// # Errors
/// The disk.
pub fn seal(
    to: &mut impl Write,
    side: Side,
    day: OperatingDay,
    (count, sum_tiyn): (u64, i128),
    rows: &mut impl BufRead,
) -> io::Result<()> {
    let mut hash = Context::new(&SHA256);
    let mut put = |bytes: &[u8]| {
        hash.update(bytes);
        to.write_all(bytes)
    };
    let word = side.word();
    let head = format!(
        "#{word};v=1;bank={ALL_BANKS};opdate={day};count={count};sum={sum_tiyn};enc=utf-8\n"
    );
    put(head.as_bytes())?;
    loop {
        let block = rows.fill_buf()?;
        if block.is_empty() {
            break;
        }
        put(block)?;
        let count = block.len();
        rows.consume(count);
    }
    writeln!(to, "#end;sha256={}", hex::lower(hash.finish().as_ref()))
}

fn statement(line: &[u8], day: OperatingDay) -> Result<Promise, Reason> {
    let header = form::header(line)?;
    if header.day != day {
        return Err(Reason::new("header: another opdate"));
    }
    Ok(Promise { count: header.count, sum_tiyn: header.sum_tiyn })
}

fn bank_day(line: &[u8], party: Party, day: OperatingDay) -> Result<Promise, Reason> {
    let header = frame::header(line)?;
    let asked = if party == Party::Journal { Side::Journal } else { Side::Register };
    if header.side != Some(asked) {
        return Err(Reason::new(format!("header: #{}; does not stand first", asked.word())));
    }
    if header.day != day {
        return Err(Reason::new("header: another opdate"));
    }
    Ok(Promise { count: header.count, sum_tiyn: header.sum_tiyn })
}

fn reason(reason: Reason) -> Stop {
    Stop::Wrong(0, reason.0)
}

fn whole(reason: &str) -> Stop {
    Stop::Wrong(0, reason.to_owned())
}
