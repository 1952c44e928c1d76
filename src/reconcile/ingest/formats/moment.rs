//! Days and moments of statements, into the times of the neutral form.
//!
//! A day without a time is its midnight in Astana, which no cut-off moves to another operating day. A
//! time without a zone is Astana's, whose offset was another before 2024-03-01.

use super::super::row::Reason;
use crate::payments::calendar::{country_time, moment_us};

/// The last two times that were worked out; a file has few.
#[derive(Default)]
pub(super) struct Moments {
    last: [(Vec<u8>, String); 2],
}

impl Moments {
    /// RFC 3339 of a day or a moment.
    ///
    /// # Errors
    /// It is neither.
    pub(super) fn posted<'a>(&'a mut self, text: &'a [u8]) -> Result<&'a [u8], Reason> {
        // As the neutral form has it already: its reader judges it.
        let has_zone = text.get(19..).is_some_and(|rest| {
            rest.ends_with(b"Z") || rest.iter().any(|byte| matches!(byte, b'+' | b'-'))
        });
        if has_zone && text.get(10) == Some(&b'T') {
            return Ok(text);
        }
        if !self.last.iter().any(|(known, _)| known == text) {
            self.last.swap(0, 1);
            let [newest, _] = &mut self.last;
            newest.1 = moment(text)?;
            text.clone_into(&mut newest.0);
        }
        let found = self.last.iter().find(|(known, _)| known == text);
        Ok(found.map_or(&[], |(_, moment)| moment.as_bytes()))
    }
}

/// The country's day of a moment that is written in another zone; `None` where its first ten letters
/// are that day already, or it is no moment.
#[must_use]
pub(super) fn country_day(text: &[u8]) -> Option<[u8; 10]> {
    text.get(19..).filter(|zone| !zone.is_empty() && !zone.ends_with(b"+05:00"))?;
    let is_moment = text.get(10) == Some(&b'T');
    let text = std::str::from_utf8(text).ok().filter(|_| is_moment)?;
    country_time(moment_us(text)?).as_bytes().first_chunk().copied()
}

fn moment(text: &[u8]) -> Result<String, Reason> {
    let wrong = || Reason::new("posted_at: neither a day like 2026-11-22 nor a time");
    let text = std::str::from_utf8(text).map_err(|_| wrong())?;
    let is_day = text.len() == 10;
    // The form of a day with a zone (`2026-11-22+05:00`) says no more than the day.
    let day =
        text.split_at_checked(10).filter(|(_, rest)| is_day || rest.starts_with(['+', '-', 'Z']));
    let written = day.map_or_else(|| text.to_owned(), |(day, _)| format!("{day}T00:00:00"));
    moment_us(&written).map(country_time).ok_or_else(wrong)
}

/// `YYYY-MM-DD` of year, month and day as digits.
#[must_use]
pub(super) fn day(year: &[u8], month: &[u8], date: &[u8]) -> [u8; 10] {
    let mut text = *b"2000-00-00";
    let places = [(4_usize, year), (7, month), (10, date)];
    for (end, digits) in places {
        for (to, from) in text.iter_mut().take(end).rev().zip(digits.iter().rev()) {
            *to = *from;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_its_midnight_in_astana_and_a_time_without_a_zone_is_astanas() {
        let mut moments = Moments::default();
        for (text, expected) in [
            ("2026-11-22", "2026-11-22T00:00:00+05:00"),
            ("2024-02-29", "2024-02-29T00:00:00+06:00"),
            ("2026-11-22Z", "2026-11-22T00:00:00+05:00"),
            ("2026-11-22T14:30:05", "2026-11-22T14:30:05+05:00"),
            ("2026-11-22T14:30:05.25+01:00", "2026-11-22T14:30:05.25+01:00"),
            ("2026-11-22", "2026-11-22T00:00:00+05:00"),
        ] {
            assert_eq!(moments.posted(text.as_bytes()).unwrap(), expected.as_bytes(), "{text}");
        }
        for text in ["", "22.11.2026", "2026-13-01", "2026-11-22T25:00:00", "\u{2026}"] {
            assert!(moments.posted(text.as_bytes()).is_err(), "{text}");
        }
        for (text, expected) in [
            ("2026-11-21T20:30:00Z", Some(b"2026-11-22")),
            ("2026-11-22T01:30:00+05:00", None),
            ("2026-11-22T23:30:00+03:00", Some(b"2026-11-23")),
            ("2026-11-22", None),
            ("2026-11-22T14:30:05", None),
            ("2026-11-22T14:30:05.25", Some(b"2026-11-22")),
            ("soon, but not yet, T+", None),
        ] {
            assert_eq!(country_day(text.as_bytes()).as_ref(), expected, "{text}");
        }
        assert_eq!(&day(b"26", b"11", b"02"), b"2026-11-02");
        assert_eq!(&day(b"1999", b"1", b"2"), b"1999-01-02");
    }
}
