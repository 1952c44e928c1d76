//! The first look at a register: whose it is and of which day, before anything is done.

use super::entry::now_us;
use super::{Asked, Failed, beside, blocking, disk, failed};
use crate::payments::calendar::OperatingDay;
use crate::reconcile::ingest::day::Calendar;
use crate::reconcile::ingest::frame::{self, Side};
use crate::reconcile::ingest::{LINE_BYTES_MAX, Reading, secret, take};
use crate::reconcile::run::RunError;
use std::sync::Arc;

/// The day that is asked for, and one that is over; else nothing is noted, since the file is not to blame.
pub(super) fn check(asked: &Asked, day: OperatingDay) -> Result<(), Failed> {
    let bank = &asked.bank;
    if let Some(other) = asked.day.filter(|other| *other != day) {
        return Err(Failed::OtherDay { register: day, asked: other });
    }
    if bank.operating_day(now_us()) <= day {
        let cut_off = bank.cut_off.strftime("%H:%M").to_string();
        return Err(Failed::OpenDay { bank: bank.id.clone(), day, cut_off });
    }
    Ok(())
}

/// The day that the register names, which must be the bank's.
pub(super) async fn day(asked: &Asked) -> Result<OperatingDay, Failed> {
    let asked = asked.clone();
    blocking(move || {
        let path = asked.registers.first().ok_or_else(|| Failed::refused("there is no file"))?;
        let line = disk::first_line(path, LINE_BYTES_MAX)?;
        let line = line.strip_suffix(b"\r").unwrap_or(&line);
        let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        // The neutral form names its bank and its day; other forms name neither for sure.
        let day = match (line.first(), asked.told_day.or(asked.day)) {
            (Some(b'#'), _) => neutral(&asked, line)?,
            (_, Some(day)) => day,
            (_, None) => foreign_day(&asked)?,
        };
        if !asked.bank.is_operating(day.date()) {
            return Err(Failed::refused(format!(
                "{day} is no operating day of the bank; correct the register, or holidays and \
                 working_days in payments.toml"
            )));
        }
        Ok(day)
    })
    .await
}

/// The day of a file in the neutral form, if it is a register of this bank.
fn neutral(asked: &Asked, line: &[u8]) -> Result<OperatingDay, Failed> {
    let header = frame::header(line).map_err(|reason| Failed::refused(reason.0))?;
    if header.side != Some(Side::Register) {
        return Err(Failed::refused("header: #register; does not stand first"));
    }
    let bic = &asked.bank.bic;
    if header.bank != bic.to_string() {
        return Err(Failed::refused(format!("header: bank is not {bic}, whose register it is")));
    }
    Ok(header.day)
}

/// The day of a register whose form names none: the last one that a row of it was posted in.
fn foreign_day(asked: &Asked) -> Result<OperatingDay, Failed> {
    let scratch = tempfile::tempdir_in(beside(&asked.out)?)?;
    let reading = Reading {
        secret: &secret()?,
        calendar: &Calendar::Bank(Arc::clone(&asked.bank)),
        scratch: scratch.path(),
        open: &[],
        forms: &asked.forms,
        window: None,
        blank: [false; 4],
        is_survey: false,
        progress: &|_| {},
    };
    let taken = take(Side::Register, &asked.registers, &reading);
    let taken = taken.map_err(|error| failed::of(RunError::Ingest(error)))?;
    let days = taken.inputs.iter().filter(|input| input.header.count > 0);
    let last = days.map(|input| input.header.day).max();
    last.ok_or_else(|| Failed::refused("no row in it that tells a day: name the day (--day)"))
}
