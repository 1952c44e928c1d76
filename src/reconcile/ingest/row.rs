//! One row of the neutral form: twelve fields, each of one shape, so that equal rows are equal texts.
//!
//! `e2e_id;receipt;iin;payee_bin;kbk;knp;amount_tiyn;ccy;status;posted_at;value_date;rail`. There is no
//! quoting: a semicolon is always an end. Codes may be empty where a side does not know them. Check
//! digits are not asked for: the file's makers carry numbers that were never issued, and a register is
//! evidence also where it is wrong.

use std::fmt;

/// Bytes of an id, a receipt, a status or a rail at most. ISO 20022 ends ids at 35; other rails do not.
pub const TEXT_BYTES_MAX: usize = 64;
/// Digits of an amount at most: 10¹⁶ tenge, so that a sum of any file fits its number.
pub const AMOUNT_DIGITS_MAX: usize = 18;
const FIELDS: usize = 12;
/// `iin`, `payee_bin`, `kbk` and `knp`: what a statement's format may not carry.
pub const REQUISITES: usize = 4;

/// A row, borrowed from its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// The payment's id at both sides; empty where the side carries none.
    pub e2e_id: &'a [u8],
    /// The bank's document number.
    pub receipt: &'a [u8],
    pub iin: &'a [u8],
    pub payee_bin: &'a [u8],
    pub kbk: &'a [u8],
    pub knp: &'a [u8],
    /// More than zero.
    pub amount_tiyn: i64,
    pub currency: &'a [u8],
    pub status: &'a [u8],
    /// RFC 3339, with its offset.
    pub posted_at: &'a [u8],
    /// `YYYY-MM-DD`.
    pub value_date: &'a [u8],
    pub rail: &'a [u8],
    /// The text from `iin` to `status`.
    pub content: &'a [u8],
}

/// Why a line is no row, a header or a trailer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason(pub String);

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Reason {
    pub(in crate::reconcile) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

/// Reads a line without its end.
///
/// # Errors
/// Another number of fields, or a field of another shape; the reason names it, never its content.
#[inline]
pub fn row(line: &[u8]) -> Result<Row<'_>, Reason> {
    match read(line) {
        Ok(row) => Ok(row),
        Err(reason) => Err(explain(line, reason)),
    }
}

#[inline]
fn read(line: &[u8]) -> Result<Row<'_>, &'static str> {
    let (e2e_id, rest) = text(line, "e2e_id: longer than 64 bytes")?;
    let (receipt, body) = text(rest, "receipt: longer than 64 bytes")?;
    let (iin, rest) = code::<12>(body, "iin: not twelve digits")?;
    let (payee_bin, rest) = code::<12>(rest, "payee_bin: not twelve digits")?;
    let (kbk, rest) = code::<6>(rest, "kbk: not six digits")?;
    let (knp, rest) = code::<3>(rest, "knp: not three digits")?;
    let (amount_tiyn, rest) = amount(rest)?;
    let (currency, rest) = currency(rest)?;
    let (status, rest) = text(rest, "status: longer than 64 bytes")?;
    if status.is_empty() {
        return Err("status: empty");
    }
    let content_bytes = body.len() - rest.len() - 1;
    let content = body.get(..content_bytes).unwrap_or_default();
    let (posted_at, rest) = text(rest, "posted_at: longer than 64 bytes")?;
    let (value_date, rest) = rest.split_first_chunk::<10>().ok_or("value_date: no YYYY-MM-DD")?;
    let rail = rest.strip_prefix(b";").ok_or("value_date: no YYYY-MM-DD")?;
    if rail.len() > TEXT_BYTES_MAX {
        return Err("rail: longer than 64 bytes");
    }
    if semicolon(rail).is_some() {
        return Err("more fields than twelve");
    }
    Ok(Row {
        e2e_id,
        receipt,
        iin,
        payee_bin,
        kbk,
        knp,
        amount_tiyn,
        currency,
        status,
        posted_at,
        value_date,
        rail,
        content,
    })
}

/// A count of fields explains more than the first field that then looks wrong.
#[cold]
fn explain(line: &[u8], reason: &str) -> Reason {
    let fields = line.split(|byte| *byte == b';').count();
    if fields == FIELDS {
        Reason::new(reason)
    } else {
        let plural = if fields == 1 { "" } else { "s" };
        Reason::new(format!("{fields} field{plural} instead of twelve"))
    }
}

#[inline]
fn text<'a>(rest: &'a [u8], reason: &'static str) -> Result<(&'a [u8], &'a [u8]), &'static str> {
    let end = semicolon(rest).ok_or("fewer fields than twelve")?;
    let (field, tail) = rest.split_at_checked(end).ok_or("fewer fields than twelve")?;
    if field.len() > TEXT_BYTES_MAX {
        return Err(reason);
    }
    Ok((field, tail.get(1..).unwrap_or_default()))
}

/// Where the first semicolon stands: eight bytes at a time, since fields are too short for more.
#[inline]
fn semicolon(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGHS: u64 = ONES << 7;
    const SEMICOLONS: u64 = u64::from_ne_bytes([b';'; 8]);
    let (words, rest) = bytes.as_chunks::<8>();
    for (number, word) in words.iter().enumerate() {
        // A semicolon becomes a zero byte; of the marks of such the lowest is right (Warren, 6-1).
        let marked = u64::from_le_bytes(*word) ^ SEMICOLONS;
        let zeros = marked.wrapping_sub(ONES) & !marked & HIGHS;
        if zeros != 0 {
            return Some(number * 8 + zeros.trailing_zeros() as usize / 8);
        }
    }
    let at = rest.iter().position(|byte| *byte == b';')?;
    Some(words.len() * 8 + at)
}

/// So many digits, or none at all.
#[inline]
fn code<'a, const N: usize>(
    rest: &'a [u8],
    reason: &'static str,
) -> Result<(&'a [u8], &'a [u8]), &'static str> {
    if let Some(tail) = rest.strip_prefix(b";") {
        return Ok((&[], tail));
    }
    let (field, tail) = rest.split_first_chunk::<N>().ok_or(reason)?;
    let tail = tail.strip_prefix(b";").ok_or(reason)?;
    let wrong =
        field.iter().fold(0_u8, |wrong, byte| wrong | u8::from(byte.wrapping_sub(b'0') > 9));
    if wrong == 0 { Ok((field, tail)) } else { Err(reason) }
}

#[inline]
fn amount(rest: &[u8]) -> Result<(i64, &[u8]), &'static str> {
    const REASON: &str = "amount_tiyn: no whole number above zero, of at most 18 digits";
    let mut amount = 0_i64;
    let mut digits = 0_usize;
    let mut bytes = rest.iter();
    for byte in &mut bytes {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            if *byte != b';' {
                return Err(REASON);
            }
            break;
        }
        // A zero at the head would make two texts of one amount.
        if digits == AMOUNT_DIGITS_MAX || amount == 0 && digit == 0 {
            return Err(REASON);
        }
        amount = amount * 10 + i64::from(digit);
        digits += 1;
    }
    let tail = bytes.as_slice();
    let is_ended = rest.len() > digits;
    if digits > 0 && is_ended { Ok((amount, tail)) } else { Err(REASON) }
}

#[inline]
fn currency(rest: &[u8]) -> Result<(&[u8], &[u8]), &'static str> {
    const REASON: &str = "ccy: not three capital letters";
    let (field, tail) = rest.split_first_chunk::<3>().ok_or(REASON)?;
    let tail = tail.strip_prefix(b";").ok_or(REASON)?;
    if field.iter().all(u8::is_ascii_uppercase) { Ok((field, tail)) } else { Err(REASON) }
}

/// Whether a line holds printable ASCII only, as nearly every line does.
#[must_use]
pub fn is_plain(bytes: &[u8]) -> bool {
    // Without an early exit this is a dozen vector instructions.
    bytes.iter().fold(true, |plain, byte| plain & (*byte >= b' ') & (*byte < 0x7f))
}

/// Whether all lines of a block are plain, and end with line feeds alone.
#[must_use]
pub fn are_plain(block: &[u8]) -> bool {
    block
        .iter()
        .fold(true, |plain, byte| plain & ((*byte >= b' ') & (*byte < 0x7f) | (*byte == b'\n')))
}

/// Whether a line that is not plain is text all the same: UTF-8 without control characters.
#[must_use]
pub fn is_text(line: &[u8]) -> bool {
    std::str::from_utf8(line).is_ok_and(|text| !text.chars().any(char::is_control))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) const LINE: &str = "GW26112200000017;47000001;900101300017;990140000017;108125;911;\
        1987500;KZT;POSTED;2026-11-22T14:30:05+05:00;2026-11-22;CLEARING";

    /// The line with one field replaced.
    pub(crate) fn with(field: usize, text: &str) -> String {
        let mut fields: Vec<&str> = LINE.split(';').collect();
        fields[field] = text;
        fields.join(";")
    }

    #[test]
    fn a_row_has_twelve_fields() {
        let row = row(LINE.as_bytes()).unwrap();
        assert_eq!(row.e2e_id, b"GW26112200000017");
        assert_eq!(row.receipt, b"47000001");
        assert_eq!((row.iin, row.payee_bin), (&b"900101300017"[..], &b"990140000017"[..]));
        assert_eq!((row.kbk, row.knp), (&b"108125"[..], &b"911"[..]));
        assert_eq!((row.amount_tiyn, row.currency), (1_987_500, &b"KZT"[..]));
        assert_eq!((row.status, row.rail), (&b"POSTED"[..], &b"CLEARING"[..]));
        assert_eq!(row.posted_at, b"2026-11-22T14:30:05+05:00");
        assert_eq!(row.value_date, b"2026-11-22");
        let content = "900101300017;990140000017;108125;911;1987500;KZT;POSTED";
        assert_eq!(row.content, content.as_bytes());
    }

    #[test]
    fn what_a_side_does_not_know_is_empty() {
        for field in [0, 1, 2, 3, 4, 5, 11] {
            let line = with(field, "");
            assert!(row(line.as_bytes()).is_ok(), "{line}");
        }
    }

    #[test]
    fn a_field_of_another_shape_is_refused_by_its_name() {
        let long = "x".repeat(65);
        for (field, text, reason) in [
            (0, long.as_str(), "e2e_id"),
            (1, &long, "receipt"),
            (2, "90010130001", "iin"),
            (2, "9001013000170", "iin"),
            (2, "90010130001x", "iin"),
            (3, "99014000001:", "payee_bin"),
            (4, "10812", "kbk"),
            (5, "91", "knp"),
            (6, "", "amount_tiyn"),
            (6, "0", "amount_tiyn"),
            (6, "-5", "amount_tiyn"),
            (6, "+5", "amount_tiyn"),
            (6, "007", "amount_tiyn"),
            (6, "5.00", "amount_tiyn"),
            (6, "1000000000000000000", "amount_tiyn"),
            (7, "kzt", "ccy"),
            (7, "", "ccy"),
            (8, "", "status"),
            (10, "2026-11-2", "value_date"),
            (10, "2026-11-222", "value_date"),
            (11, &long, "rail"),
        ] {
            let line = with(field, text);
            let refused = row(line.as_bytes()).unwrap_err();
            assert!(refused.0.starts_with(reason), "{line}: {refused}");
        }
        assert_eq!(
            row(with(6, "999999999999999999").as_bytes()).unwrap().amount_tiyn,
            999_999_999_999_999_999
        );
    }

    #[test]
    fn another_number_of_fields_is_counted() {
        for (line, count) in [
            ("", "1 field"),
            ("a;b", "2 fields"),
            (&format!("{LINE};"), "13 fields"),
            (LINE.split_at(90).0, "10 fields"),
        ] {
            let refused = row(line.as_bytes()).unwrap_err();
            assert_eq!(refused.0, format!("{count} instead of twelve"), "{line}");
        }
    }

    proptest::proptest! {
        #[test]
        fn the_first_semicolon_is_found_wherever_it_stands(bytes in "[;:<\\xbb-\\xbc a]{0,40}") {
            let bytes = bytes.as_bytes();
            proptest::prop_assert_eq!(semicolon(bytes), bytes.iter().position(|byte| *byte == b';'));
        }
    }

    #[test]
    fn a_block_is_plain_where_each_of_its_lines_is() {
        assert!(are_plain(b"") && are_plain(b"a;b\n\nc~ d\n"));
        for byte in [b'\r', b'\t', 0, 0x0b, 0x7f, 0x80, 0xff] {
            let mut block = [b'\n'; 40];
            block[33] = byte;
            assert!(!are_plain(&block), "{byte}");
        }
    }

    #[test]
    fn a_line_with_control_characters_is_no_text() {
        assert!(is_plain(LINE.as_bytes()));
        assert!(is_text("Қақпа;ы".as_bytes()) && !is_plain("Қақпа".as_bytes()));
        for bytes in [&b"a\0b"[..], b"a\tb", b"\x7f", b"\xff\xfe", "\u{85}".as_bytes()] {
            assert!(!is_plain(bytes) && !is_text(bytes), "{bytes:?}");
        }
    }
}
