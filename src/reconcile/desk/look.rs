//! The first look at a register: whose it is and of which day, before anything is done.

use super::entry::now_us;
use super::{Asked, Failed, blocking, disk};
use crate::payments::calendar::OperatingDay;
use crate::reconcile::ingest::LINE_BYTES_MAX;
use crate::reconcile::ingest::frame::{self, Side};

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
        let day = match (line.first(), asked.told_day) {
            // The neutral form names its bank and its day; other forms name neither for sure.
            (Some(b'#'), _) | (_, None) => neutral(&asked, line)?,
            (_, Some(day)) => day,
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
