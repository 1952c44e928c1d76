//! A cell of a table, and the amounts and days that people and programs write into one.

use super::amount::signed;
use super::moment::day;

/// The form of a day behind which a time may follow.
const ISO_DAY: &str = "YYYY-MM-DD";

/// A cell of a row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) text: String,
    /// It is a number, whose leading zeros nobody wrote down.
    pub(super) is_number: bool,
    /// It is a day or a time, already as ISO 8601 has it.
    pub(super) is_moment: bool,
    /// A formula stands behind it.
    pub(super) is_formula: bool,
}

/// An amount with whatever parts its thousands. The other mark parts them only where three digits follow
/// it; one mark alone with fewer behind it is the decimal one, whatever was described.
pub(super) fn amount(text: &str, decimal: char, is_number: bool) -> Result<i64, &'static str> {
    let decimal = if is_number { '.' } else { decimal };
    let other = if decimal == '.' { ',' } else { '.' };
    let text: String = text.chars().filter(|c| !c.is_whitespace() && *c != '\'').collect();
    let (whole, rest) = text.split_once(decimal).unwrap_or((&text, ""));
    let groups = || whole.trim_end_matches('-').split(other).skip(1).map(str::len);
    let is_decimal = groups().all(|digits| (1..=2).contains(&digits)) && groups().count() == 1;
    if rest.is_empty() && is_decimal {
        return signed(text.as_bytes());
    }
    if groups().any(|digits| digits != 3) || rest.contains(other) {
        return Err("neither thousands nor tiyn stand behind its marks");
    }
    signed(text.replace(other, "").as_bytes())
}

/// A day or a time by its form, as ISO 8601 has it. Where the form is its day, a time may follow.
pub(super) fn moment(cell: &Cell, form: &str) -> Result<Vec<u8>, String> {
    let text = cell.text.trim();
    if cell.is_moment {
        return Ok(text.as_bytes().to_vec());
    }
    if cell.is_number {
        return Err("a number whose cell is not formatted as a day".to_owned());
    }
    if form == ISO_DAY && matches!(text.as_bytes().get(10), Some(b'T' | b' ')) {
        return Ok(text.replacen(' ', "T", 1).into_bytes());
    }
    let wrong = || format!("not of the form {form}");
    let mut parts: [&[u8]; 6] = [&[]; 6];
    let words = ["YYYY", "MM", "DD", "hh", "mm", "ss"];
    let (mut form_left, mut left) = (form, text.as_bytes());
    while let Some(letter) = form_left.chars().next() {
        let word = words.iter().position(|word| form_left.starts_with(word));
        let short_year = form_left.starts_with("YY").then_some(0);
        let (length, part) = match (word, short_year) {
            (Some(part), _) => (words.get(part).map_or(0, |word| word.len()), Some(part)),
            (None, Some(part)) => (2, Some(part)),
            (None, None) => (letter.len_utf8(), None),
        };
        let (written, rest) = form_left.split_at_checked(length).ok_or_else(wrong)?;
        let (taken, tail) = left.split_at_checked(length).ok_or_else(wrong)?;
        match part.and_then(|part| parts.get_mut(part)) {
            Some(place) if taken.iter().all(u8::is_ascii_digit) => *place = taken,
            None if taken == written.as_bytes() => {}
            _ => return Err(wrong()),
        }
        (form_left, left) = (rest, tail);
    }
    if !left.is_empty() {
        return Err(wrong());
    }
    let [year, month, date, hour, minute, second] = parts;
    if date.is_empty() || month.is_empty() || year.is_empty() {
        return Err(format!("the form {form} has no whole date"));
    }
    let mut iso = day(year, month, date).to_vec();
    if !hour.is_empty() {
        for (mark, part) in [(b'T', hour), (b':', minute), (b':', second)] {
            iso.push(mark);
            iso.extend_from_slice(if part.is_empty() { b"00" } else { part });
        }
    }
    Ok(iso)
}
