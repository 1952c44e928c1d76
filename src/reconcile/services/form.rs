//! The neutral form of counts: a header of promises, a row a key, a trailer with the digest.
//!
//! `#counts;v=1;party=centre;month=2026-11;count=N;sum=S;enc=utf-8`, then
//! `agency;service;branch;unit;given;refused;in_time;late` without a line of names, then
//! `#end;sha256=<hex of all bytes before this line>`. The sum is that of `given` and `refused` of all rows.
//! There is no quoting; a name is 1 to 64 letters, digits, `.`, `_` or `-`. A file that breaks a promise or
//! has one wrong row is refused whole.

pub use crate::journal::papers::Month;

use super::{Counts, Key, Numbers};
use crate::reconcile::ingest::frame::trailer;
use aws_lc_rs::digest::{SHA256, digest};
use qaqpa_kit::hex;
use std::fmt::Write;

/// Rows of all files of a side at most; 315 services × 20 branches are 6 300 of one agency's.
pub const ROWS_MAX: usize = 1_000_000;
/// Bytes of a file at most.
pub const FILE_BYTES_MAX: usize = 128 * 1_024 * 1_024;
/// Bytes of a name at most.
const NAME_BYTES_MAX: usize = 64;
const HEADER: &str = "not #counts;v=1;party=…;month=…;count=…;sum=…;enc=utf-8";

/// A file that kept its promises.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    pub party: String,
    pub month: Month,
    pub rows: Vec<(Key, Numbers)>,
    /// SHA-256 of all bytes, which is its identity.
    pub digest: [u8; 32],
}

/// Why a file is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// 1 is the header; 0 where the file as a whole is wrong.
    pub line: usize,
    pub reason: String,
}

/// Reads a file of counts.
///
/// # Errors
/// The first promise or row that is wrong; a row is named by its number, never by its content.
pub fn read(bytes: &[u8]) -> Result<File, Wrong> {
    let whole = |reason: &str| Wrong { line: 0, reason: reason.to_owned() };
    if bytes.len() > FILE_BYTES_MAX {
        return Err(whole("larger than a file of counts may be"));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| whole("not UTF-8"))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let body_bytes = bytes.len() - text.len();
    let at = text.rfind("#end;").ok_or_else(|| whole("no trailer: cut off, or still written"))?;
    let (body, end) = text.split_at(at);
    let lines: Vec<&str> = body.lines().collect();
    let in_line = |line: usize, reason: String| Wrong { line, reason };
    let promised = trailer(end.trim_end_matches(['\r', '\n']).as_bytes());
    let promised = promised.map_err(|reason| in_line(lines.len() + 1, reason.0))?;
    let signed = bytes.get(..body_bytes + at).unwrap_or_default();
    if digest(&SHA256, signed).as_ref() != promised {
        return Err(in_line(lines.len() + 1, "trailer: sha256 is not that of the file".to_owned()));
    }
    let (first, rest) = lines.split_first().ok_or_else(|| whole("empty"))?;
    let header = header(first).ok_or_else(|| in_line(1, HEADER.to_owned()))?;
    let mut rows = Vec::new();
    let mut sum = 0_u64;
    for (number, line) in (2..).zip(rest) {
        let (key, numbers) = row(line).map_err(|reason| in_line(number, reason.to_owned()))?;
        sum = sum.saturating_add(numbers.cases());
        rows.push((key, numbers));
    }
    if rows.len() != header.count || rows.len() > ROWS_MAX {
        return Err(whole(&format!("count={} in the header, {} rows", header.count, rows.len())));
    }
    if sum != header.sum {
        return Err(whole(&format!("sum={} in the header, {sum} in the rows", header.sum)));
    }
    let mut identity = [0; 32];
    identity.copy_from_slice(digest(&SHA256, bytes).as_ref());
    Ok(File { party: header.party.to_owned(), month: header.month, rows, digest: identity })
}

/// Puts files of one side together.
///
/// # Errors
/// Another month, or a key that stands twice: the number of the file.
pub fn together(files: &[File], month: Month) -> Result<Counts, (usize, &'static str)> {
    let mut counts = Counts::new();
    for (number, file) in files.iter().enumerate() {
        if file.month != month {
            return Err((number, "header: another month"));
        }
        for (key, numbers) in &file.rows {
            if counts.insert(key.clone(), *numbers).is_some() {
                return Err((number, "one key stands twice"));
            }
        }
    }
    Ok(counts)
}

/// The file of a side's counts.
#[must_use]
pub fn write(party: &str, month: Month, counts: &Counts) -> String {
    let sum = counts.values().fold(0_u64, |sum, numbers| sum.saturating_add(numbers.cases()));
    let count = counts.len();
    let mut text =
        format!("#counts;v=1;party={party};month={month};count={count};sum={sum};enc=utf-8\n");
    for (key, numbers) in counts {
        let Key { agency, service, branch, unit } = key;
        let [given, refused, in_time, late] = numbers.all();
        let _infallible =
            writeln!(text, "{agency};{service};{branch};{unit};{given};{refused};{in_time};{late}");
    }
    let digest = hex::lower(digest(&SHA256, text.as_bytes()).as_ref());
    text + "#end;sha256=" + &digest + "\n"
}

struct Header<'a> {
    party: &'a str,
    month: Month,
    count: usize,
    sum: u64,
}

fn header(line: &str) -> Option<Header<'_>> {
    let rest = line.strip_prefix("#counts;v=1;party=")?;
    let (party, rest) = rest.split_once(";month=")?;
    let (month, rest) = rest.split_once(";count=")?;
    let (count, rest) = rest.split_once(";sum=")?;
    let sum = rest.strip_suffix(";enc=utf-8")?;
    Some(Header {
        party: Some(party).filter(|party| is_name(party))?,
        month: Month::parse(month).ok()?,
        count: usize::try_from(whole(count)?).ok()?,
        sum: whole(sum)?,
    })
}

fn row(line: &str) -> Result<(Key, Numbers), &'static str> {
    let fields: Vec<&str> = line.split(';').collect();
    let [agency, service, branch, unit, numbers @ ..] = fields.as_slice() else {
        return Err("not eight fields");
    };
    let [given, refused, in_time, late] = numbers else { return Err("not eight fields") };
    if ![agency, service, branch, unit].into_iter().all(|name| is_name(name)) {
        return Err("a name that is not 1 to 64 letters, digits, . _ or -");
    }
    let number = |text: &str| whole(text).ok_or("a number that is not whole");
    let numbers = Numbers {
        given: number(given)?,
        refused: number(refused)?,
        in_time: number(in_time)?,
        late: number(late)?,
    };
    if numbers.given.checked_add(numbers.refused) != numbers.in_time.checked_add(numbers.late) {
        return Err("given + refused is not in_time + late");
    }
    let own = |text: &str| text.to_owned();
    let key =
        Key { agency: own(agency), service: own(service), branch: own(branch), unit: own(unit) };
    Ok((key, numbers))
}

/// Whether a text may be a name: it also becomes a part of a file's name.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let is_inner = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-');
    (1..=NAME_BYTES_MAX).contains(&text.len())
        && text.chars().all(is_inner)
        && text.chars().next().is_some_and(char::is_alphanumeric)
}

/// A whole number with one spelling, at most 15 digits.
fn whole(text: &str) -> Option<u64> {
    let is_shaped =
        (1..=15).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_plain = text == "0" || !text.starts_with('0');
    (is_shaped && is_plain).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(at: u64) -> Key {
        let name = |text: &str| format!("{text}-{}", at % 7);
        Key {
            agency: name("tax"),
            service: format!("S.{at}"),
            branch: name("almaty"),
            unit: name("75"),
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            numbers in proptest::collection::vec((0_u64..1_000, 0_u64..1_000, 0_u64..2_000), 0..30),
        ) {
            let month = Month { year: 2026, month: 11 };
            let mut counts = Counts::new();
            for (at, (given, refused, late)) in (0..).zip(numbers) {
                let late = late.min(given + refused);
                let in_time = given + refused - late;
                counts.insert(key(at), Numbers { given, refused, in_time, late });
            }
            let text = write("centre", month, &counts);
            let file = read(text.as_bytes()).unwrap();
            prop_assert_eq!((file.party.as_str(), file.month), ("centre", month));
            prop_assert_eq!(together(std::slice::from_ref(&file), month).unwrap(), counts.clone());
            let twice = together(&[file.clone(), file], month);
            prop_assert_eq!(twice.is_err(), !counts.is_empty());
        }
    }

    #[test]
    fn a_file_that_breaks_a_promise_is_refused_whole() {
        let mut counts = Counts::new();
        counts.insert(key(1), Numbers { given: 5, refused: 1, in_time: 4, late: 2 });
        let good = write("centre", Month { year: 2026, month: 11 }, &counts);
        let sealed = |from: &str, to: &str| {
            let (body, _) = good.split_at(good.find("#end").unwrap());
            let body = body.replace(from, to);
            let digest = hex::lower(digest(&SHA256, body.as_bytes()).as_ref());
            format!("{body}#end;sha256={digest}\n")
        };
        assert!(read(sealed("S.1", "S.2").as_bytes()).is_ok());
        for (text, line) in [
            (good.replace("S.1", "S.2"), 3),
            (good.split_at(60).0.to_owned(), 0),
            (sealed("count=1", "count=2"), 0),
            (sealed("sum=6", "sum=7"), 0),
            (sealed("month=2026-11", "month=2026-13"), 1),
            (sealed("#counts", "#register"), 1),
            (sealed(";5;1;", ";5;01;"), 2),
            (sealed(";5;1;4;2", ";5;1;4;1"), 2),
            (sealed(";5;1;4;2", ";5;1;4"), 2),
            (sealed("S.1", "=cmd()"), 2),
            (sealed("S.1", "../x"), 2),
        ] {
            assert_eq!(read(text.as_bytes()).map_err(|wrong| wrong.line), Err(line), "{text}");
        }
    }
}
