//! Days of rows, quickly: a file has few dates and offsets, so each is worked out once.
//!
//! The operating day is a step function of the time within one date at one offset: it changes at most
//! once, at the cut-off. So a row's day costs a look at its hours, minutes and seconds.

use super::row::Reason;
use crate::config::settings::Bank;
use crate::payments::calendar::{OperatingDay, astana};
use jiff::civil::{Date, Time};
use jiff::{Timestamp, ToSpan};
use std::sync::Arc;

/// Dates × offsets remembered; beyond that the oldest is forgotten.
const REMEMBERED_MAX: usize = 64;
const DAY_S: i64 = 86_400;

/// Which operating days there are.
#[derive(Clone, Debug)]
pub enum Calendar {
    /// A bank's own, from the configuration.
    Bank(Arc<Bank>),
    /// Every date is one, from cut-off to cut-off: all that two files alone tell.
    EveryDate { cut_off: Time },
}

impl Calendar {
    /// The operating day of a moment (Unix microseconds).
    #[must_use]
    pub fn day(&self, at_us: i64) -> OperatingDay {
        match self {
            Self::Bank(bank) => bank.operating_day(at_us),
            Self::EveryDate { cut_off } => {
                let local = astana(at_us);
                let is_next = local.time() >= *cut_off;
                let date = local.date();
                OperatingDay::of(if is_next { date.saturating_add(1.day()) } else { date })
            }
        }
    }

    /// Operating days from one to another; 0 where the second is not later.
    #[must_use]
    pub fn age(&self, from: OperatingDay, to: OperatingDay) -> u32 {
        match self {
            Self::Bank(bank) => {
                let days = std::iter::successors(Some(from), |day| Some(bank.day_after(*day)));
                let count = days.skip(1).take_while(|day| *day <= to).take(AGE_DAYS_MAX).count();
                u32::try_from(count).unwrap_or(u32::MAX)
            }
            Self::EveryDate { .. } => u32::try_from(to.0.saturating_sub(from.0)).unwrap_or(0),
        }
    }
}

/// Operating days counted at most: some four years; older is as old.
const AGE_DAYS_MAX: usize = 1_000;

/// The days of one file's rows.
pub struct Days {
    calendar: Calendar,
    moments: Vec<Moment>,
    /// The one that the last row had.
    recent: usize,
    oldest: usize,
    date: ([u8; 10], OperatingDay),
}

/// One date at one offset, and where the operating day changes in it.
#[derive(Clone, Copy)]
struct Moment {
    date: [u8; 10],
    zone: [u8; 6],
    before: OperatingDay,
    changes_at_s: i64,
    after: OperatingDay,
}

impl Days {
    /// Nothing remembered yet.
    #[must_use]
    pub fn new(calendar: Calendar) -> Self {
        let date = (*b"1970-01-01", OperatingDay(0));
        Self { calendar, moments: Vec::new(), recent: 0, oldest: 0, date }
    }

    /// The operating day of `posted_at`.
    ///
    /// # Errors
    /// It is no RFC 3339 time with `T`, whole seconds and an offset.
    #[inline]
    pub fn posted(&mut self, text: &[u8]) -> Result<OperatingDay, Reason> {
        let wrong = || Reason::new("posted_at: no time like 2026-11-22T14:30:05+05:00");
        let (date, rest) = text.split_first_chunk::<10>().ok_or_else(wrong)?;
        let (clock, rest) = rest.split_first_chunk::<9>().ok_or_else(wrong)?;
        let second = clock_s(clock).ok_or_else(wrong)?;
        let zone = zone(rest).ok_or_else(wrong)?;
        let is_it = |moment: &Moment| moment.date == *date && moment.zone == zone;
        let moment = match self.moments.get(self.recent) {
            Some(moment) if is_it(moment) => *moment,
            _ => self.find(*date, zone).ok_or_else(wrong)?,
        };
        Ok(if second < moment.changes_at_s { moment.before } else { moment.after })
    }

    /// The day of `value_date`.
    ///
    /// # Errors
    /// It is no date.
    #[inline]
    pub fn value(&mut self, text: &[u8]) -> Result<OperatingDay, Reason> {
        if text == self.date.0 {
            return Ok(self.date.1);
        }
        let wrong = || Reason::new("value_date: no date like 2026-11-22");
        let date: [u8; 10] = text.try_into().map_err(|_| wrong())?;
        let day = OperatingDay::of(calendar_date(&date).ok_or_else(wrong)?);
        self.date = (date, day);
        Ok(day)
    }

    #[cold]
    fn find(&mut self, date: [u8; 10], zone: [u8; 6]) -> Option<Moment> {
        let known = |moment: &Moment| moment.date == date && moment.zone == zone;
        if let Some(at) = self.moments.iter().position(known) {
            self.recent = at;
            return self.moments.get(at).copied();
        }
        let moment = moment(&self.calendar, date, zone)?;
        if self.moments.len() < REMEMBERED_MAX {
            self.recent = self.moments.len();
            self.moments.push(moment);
        } else {
            self.recent = self.oldest;
            self.oldest = (self.oldest + 1) % REMEMBERED_MAX;
            if let Some(slot) = self.moments.get_mut(self.recent) {
                *slot = moment;
            }
        }
        Some(moment)
    }
}

/// Where the operating day changes within one date at one offset: by halves, since it never goes back.
fn moment(calendar: &Calendar, date: [u8; 10], zone: [u8; 6]) -> Option<Moment> {
    calendar_date(&date)?;
    let written = std::str::from_utf8(&date).ok()?;
    let offset = std::str::from_utf8(&zone).ok()?;
    let offset = if offset.starts_with('Z') { "Z" } else { offset };
    let midnight: Timestamp = format!("{written}T00:00:00{offset}").parse().ok()?;
    let day = |second: i64| calendar.day(midnight.as_microsecond() + second * 1_000_000);
    let before = day(0);
    let (mut low, mut high) = (0, DAY_S);
    while low < high {
        let middle = low + (high - low) / 2;
        if day(middle) == before { low = middle + 1 } else { high = middle }
    }
    let after = day(low.min(DAY_S - 1));
    Some(Moment { date, zone, before, changes_at_s: low, after })
}

/// `YYYY-MM-DD` and nothing else that a date could be written as.
pub(in crate::reconcile) fn calendar_date(text: &[u8; 10]) -> Option<Date> {
    let is_shaped = text.iter().enumerate().all(|(at, byte)| match at {
        4 | 7 => *byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    is_shaped.then_some(())?;
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// `THH:MM:SS` as a second of the day.
#[inline]
fn clock_s(clock: &[u8; 9]) -> Option<i64> {
    let [b'T', h1, h2, b':', m1, m2, b':', s1, s2] = *clock else { return None };
    let two = |tens: u8, ones: u8| {
        let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
        (tens <= 9 && ones <= 9).then(|| i64::from(tens) * 10 + i64::from(ones))
    };
    let (hour, minute, second) = (two(h1, h2)?, two(m1, m2)?, two(s1, s2)?);
    (hour < 24 && minute < 60 && second < 60).then_some(hour * 3_600 + minute * 60 + second)
}

/// An offset behind at most nine digits of a fraction.
#[inline]
fn zone(rest: &[u8]) -> Option<[u8; 6]> {
    let rest = match rest.strip_prefix(b".") {
        None => rest,
        Some(fraction) => {
            let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
            (1..=9).contains(&digits).then(|| fraction.get(digits..))??
        }
    };
    if rest == b"Z" {
        return Some(*b"Z     ");
    }
    let zone: [u8; 6] = rest.try_into().ok()?;
    let [sign, h1, h2, b':', m1, m2] = zone else { return None };
    let is_shaped = matches!(sign, b'+' | b'-')
        && [h1, h2, m1, m2].iter().all(u8::is_ascii_digit)
        && m1 < b'6'
        && (h1, h2) < (b'2', b'4');
    is_shaped.then_some(zone)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn every_date() -> Calendar {
        Calendar::EveryDate { cut_off: jiff::civil::time(16, 0, 0, 0) }
    }

    fn day(text: &str) -> Result<String, Reason> {
        Days::new(every_date()).posted(text.as_bytes()).map(|day| day.to_string())
    }

    #[test]
    fn a_row_belongs_to_the_day_that_its_time_in_astana_tells() {
        for (posted_at, expected) in [
            ("2026-11-22T15:59:59+05:00", "2026-11-22"),
            ("2026-11-22T15:59:59.999999999+05:00", "2026-11-22"),
            ("2026-11-22T16:00:00+05:00", "2026-11-23"),
            ("2026-11-22T10:59:59Z", "2026-11-22"),
            ("2026-11-22T11:00:00Z", "2026-11-23"),
            ("2026-11-22T23:30:00-12:00", "2026-11-24"),
            ("2024-02-29T10:00:00Z", "2024-03-01"), // UTC+6 then
        ] {
            assert_eq!(day(posted_at).as_deref(), Ok(expected), "{posted_at}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "2026-11-22",
            "2026-11-22 14:30:05+05:00",
            "2026-11-22T14:30:05",
            "2026-11-22T14:30:05+0500",
            "2026-11-22T24:00:00+05:00",
            "2026-11-22T14:60:00Z",
            "2026-11-22T14:30:60Z",
            "2026-11-22T14:30:05.Z",
            "2026-11-22T14:30:05.1234567890Z",
            "2026-11-22T14:30:05+25:00",
            "2026-11-22T14:30:05Zx",
            "2026-02-30T14:30:05Z",
            "20x6-11-22T14:30:05Z",
        ] {
            assert!(day(text).is_err(), "{text}");
        }
        let mut days = Days::new(every_date());
        for text in ["2026-02-30", "2026-1-1", "2026-11-223", "26.11.2026"] {
            assert!(days.value(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn many_dates_are_worked_out_again_and_stay_right() {
        let mut days = Days::new(every_date());
        for _ in 0..2 {
            for month in 1..=12 {
                for date in 1..=28 {
                    let text = format!("2026-{month:02}-{date:02}T12:00:00+05:00");
                    let day = days.posted(text.as_bytes()).unwrap().to_string();
                    assert_eq!(day, format!("2026-{month:02}-{date:02}"));
                }
            }
        }
        assert_eq!(days.moments.len(), REMEMBERED_MAX);
    }

    proptest! {
        #[test]
        fn the_quick_way_gives_what_the_calendar_gives(at_s in 1_600_000_000_i64..2_000_000_000) {
            let calendar = every_date();
            let text = Timestamp::from_second(at_s).unwrap().to_string();
            let quick = Days::new(calendar.clone()).posted(text.as_bytes()).unwrap();
            prop_assert_eq!(quick, calendar.day(at_s * 1_000_000), "{}", text);
        }
    }
}
