//! What stands around the rows of the neutral form: the header's promises and the trailer's digest.
//!
//! `#register;v=1;bank=BANKKZ9A;opdate=2026-11-22;count=N;sum=S;enc=utf-8` opens a register, `#journal;…`
//! the gateway's own side, `#open;…` what an earlier run left open, each row with its side and its first
//! day before it; `#end;sha256=<hex of all bytes before this line>` closes all three.

use super::day::calendar_date;
use super::row::Reason;
use crate::payments::calendar::OperatingDay;
use encoding_rs::{Encoding, IBM866, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1251};

/// Whose rows a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The gateway's own.
    Journal,
    /// The bank's.
    Register,
}

impl Side {
    /// The word of the header.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Journal => "journal",
            Self::Register => "register",
        }
    }
}

/// What a file promises of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// `None`: open rows of both sides.
    pub side: Option<Side>,
    pub bank: String,
    pub day: OperatingDay,
    pub count: u64,
    pub sum_tiyn: i64,
    /// What it says that its bytes are.
    pub encoding: &'static Encoding,
}

/// Reads the first line of a file.
///
/// # Errors
/// A key that is missing, unknown, given twice or of another shape.
pub fn header(line: &[u8]) -> Result<Header, Reason> {
    let line = std::str::from_utf8(line).map_err(|_| Reason::new("header: not UTF-8"))?;
    let mut parts = line.split(';');
    let side = match parts.next() {
        Some("#register") => Some(Side::Register),
        Some("#journal") => Some(Side::Journal),
        Some("#open") => None,
        _ => {
            return Err(Reason::new("header: #register; #journal; or #open; does not stand first"));
        }
    };
    let mut values: [Option<&str>; KEYS.len()] = [None; KEYS.len()];
    for part in parts {
        let (key, value) =
            part.split_once('=').ok_or_else(|| Reason::new("header: a part without ="))?;
        let slot = KEYS.iter().zip(&mut values).find(|(name, _)| **name == key);
        let (name, slot) = slot.ok_or_else(|| Reason::new("header: an unknown key"))?;
        if slot.replace(value).is_some() {
            return Err(Reason::new(format!("header: {name} is given twice")));
        }
    }
    let [version, bank, day, count, sum, encoding] = values;
    let missing = |name: &str| Reason::new(format!("header: {name} is missing"));
    if version.ok_or_else(|| missing("v"))? != "1" {
        return Err(Reason::new("header: v is not 1"));
    }
    let bank = bank.ok_or_else(|| missing("bank"))?;
    let is_name = (1..=35).contains(&bank.len())
        && bank.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    if !is_name {
        return Err(Reason::new("header: bank is not 1 to 35 letters, digits, _ or -"));
    }
    let day = day.ok_or_else(|| missing("opdate"))?;
    let date = <&[u8; 10]>::try_from(day.as_bytes()).ok().and_then(calendar_date);
    let date = date.ok_or_else(|| Reason::new("header: opdate is no date like 2026-11-22"))?;
    Ok(Header {
        side,
        bank: bank.to_owned(),
        day: OperatingDay::of(date),
        count: whole(count.ok_or_else(|| missing("count"))?, "count")?,
        sum_tiyn: i64::try_from(whole(sum.ok_or_else(|| missing("sum"))?, "sum")?)
            .map_err(|_| Reason::new("header: sum is beyond 63 bits"))?,
        encoding: named(encoding.ok_or_else(|| missing("enc"))?).ok_or_else(|| {
            Reason::new("header: enc is none of utf-8, windows-1251, cp866 and utf-16")
        })?,
    })
}

/// The encodings that a neutral file may be written in; house and examples write UTF-8.
const ENCODINGS: [&Encoding; 5] = [UTF_8, WINDOWS_1251, IBM866, UTF_16LE, UTF_16BE];

fn named(label: &str) -> Option<&'static Encoding> {
    Encoding::for_label(label.as_bytes()).filter(|encoding| ENCODINGS.contains(encoding))
}

/// The encoding that the first line of a file names, where it names one.
#[must_use]
pub fn encoding(line: &[u8]) -> Option<&'static Encoding> {
    let value = line.split(|byte| *byte == b';').find_map(|part| part.strip_prefix(b"enc="))?;
    named(std::str::from_utf8(value).ok()?)
}

const KEYS: [&str; 6] = ["v", "bank", "opdate", "count", "sum", "enc"];

fn whole(text: &str, name: &str) -> Result<u64, Reason> {
    let is_shaped = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty();
    let number = is_shaped.then(|| text.parse().ok()).flatten();
    number.ok_or_else(|| Reason::new(format!("header: {name} is no whole number")))
}

/// What an open row of the register begins with whose format leaves requisites out.
pub const PARTIAL: &[u8] = b"statement;";

/// Takes what stands before an open row: its side and the day since which it is open.
///
/// # Errors
/// It begins otherwise.
pub fn carried(line: &[u8]) -> Result<(Side, OperatingDay, &[u8]), Reason> {
    let wrong =
        || Reason::new("open row: none of journal; register; statement; and a day stand first");
    let own = line.strip_prefix(b"journal;").map(|rest| (Side::Journal, rest));
    let banks = line.strip_prefix(b"register;").or_else(|| line.strip_prefix(PARTIAL));
    let banks = banks.map(|rest| (Side::Register, rest));
    let (side, rest) = own.or(banks).ok_or_else(wrong)?;
    let (day, rest) = rest.split_first_chunk::<10>().ok_or_else(wrong)?;
    let day = OperatingDay::of(calendar_date(day).ok_or_else(wrong)?);
    rest.strip_prefix(b";").map(|row| (side, day, row)).ok_or_else(wrong)
}

/// Reads the last line of a file: the SHA-256 of all bytes before it.
///
/// # Errors
/// It is another line.
pub fn trailer(line: &[u8]) -> Result<[u8; 32], Reason> {
    let wrong = || Reason::new("trailer: not #end;sha256= and 64 hex digits");
    let hex = line.strip_prefix(b"#end;sha256=").ok_or_else(wrong)?;
    let hex = <&[u8; 64]>::try_from(hex).map_err(|_| wrong())?;
    let mut digest = [0_u8; 32];
    for (byte, pair) in digest.iter_mut().zip(hex.chunks_exact(2)) {
        for digit in pair {
            let value = char::from(*digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
            *byte = *byte << 4 | value.ok_or_else(wrong)?;
        }
    }
    Ok(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str =
        "#register;v=1;bank=BANKKZ9A;opdate=2026-11-22;count=2;sum=3975000;enc=utf-8";

    #[test]
    fn a_header_promises_bank_day_count_and_sum() {
        let read = header(HEADER.as_bytes()).unwrap();
        assert_eq!((read.side, read.bank.as_str()), (Some(Side::Register), "BANKKZ9A"));
        assert_eq!((read.day.to_string().as_str(), read.count), ("2026-11-22", 2));
        assert_eq!((read.sum_tiyn, read.encoding), (3_975_000, UTF_8));
        let journal = HEADER.replace("#register", "#journal");
        assert_eq!(header(journal.as_bytes()).unwrap().side, Some(Side::Journal));
        let open = HEADER.replace("#register", "#open");
        assert_eq!(header(open.as_bytes()).unwrap().side, None);
    }

    #[test]
    fn a_header_of_another_shape_is_refused() {
        for (from, to) in [
            ("#register", "#statement"),
            ("#register", "register"),
            ("v=1", "v=2"),
            ("v=1;", ""),
            ("bank=BANKKZ9A", "bank="),
            ("bank=BANKKZ9A", "bank=A B"),
            ("opdate=2026-11-22", "opdate=22.11.2026"),
            ("opdate=2026-11-22", "opdate=2026-11-31"),
            ("count=2", "count=-2"),
            ("count=2", "count="),
            ("count=2;", ""),
            ("sum=3975000", "sum=39750.00"),
            ("sum=3975000", "sum=9223372036854775808"),
            ("enc=utf-8", "enc=koi8-r"),
            ("enc=utf-8", "enc=utf-8;enc=utf-8"),
            ("enc=utf-8", "enc=utf-8;more=1"),
            (";enc=utf-8", ""),
        ] {
            let line = HEADER.replacen(from, to, 1);
            assert!(header(line.as_bytes()).is_err(), "{line}");
        }
    }

    #[test]
    fn a_trailer_is_a_digest_and_nothing_more() {
        let line = format!("#end;sha256={}", "0a".repeat(32));
        assert_eq!(trailer(line.as_bytes()).unwrap(), [10; 32]);
        for line in [
            "#end",
            "#end;sha256=",
            line.split_at(75).0,
            &format!("{line} "),
            &line.replace('a', "g"),
        ] {
            assert!(trailer(line.as_bytes()).is_err(), "{line}");
        }
    }
}
