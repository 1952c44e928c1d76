//! The papers of a month's services: the report by the 3rd, the act by the 15th of the next month.
//!
//! Source: the rules of the State Corporation for the monthly comparison (facts: domain §E 86, 87). A day
//! is over at midnight in Astana. A paper that was made is an entry of the operator's under a key of its
//! own, so that whether it is still owed is one look-up.

use super::entry::CallKey;
use super::{Journal, now_us};
use aws_lc_rs::digest::{SHA256, digest};
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan, tz::TimeZone};

/// A month, `YYYY-MM`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month {
    pub year: i16,
    pub month: i8,
}

impl Month {
    /// Reads `2026-11`.
    ///
    /// # Errors
    /// It is no month.
    pub fn parse(text: &str) -> Result<Self, String> {
        let date = format!("{text}-01").parse::<Date>();
        let date = date.ok().filter(|_| text.len() == 7);
        let date = date.ok_or_else(|| "no month like 2026-11".to_owned())?;
        Ok(Self { year: date.year(), month: date.month() })
    }

    /// Its first day.
    #[must_use]
    pub fn first(self) -> Date {
        Date::new(self.year, self.month, 1).unwrap_or(Date::ZERO)
    }

    /// Its last day.
    #[must_use]
    pub fn last(self) -> Date {
        self.first().last_of_month()
    }

    /// The month whose papers are owed on a day: the one before it.
    #[must_use]
    pub fn owed(today: Date) -> Self {
        let before = today.first_of_month().saturating_sub(1.day());
        Self { year: before.year(), month: before.month() }
    }
}

impl std::fmt::Display for Month {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

/// A paper that is owed for a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paper {
    Report,
    Act,
}

/// Both, in the order of their dates.
pub const PAPERS: [Paper; 2] = [Paper::Report, Paper::Act];

impl Paper {
    /// Its name.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Report => "report",
            Self::Act => "act",
        }
    }

    /// The last day for the paper of a month.
    #[must_use]
    pub fn due(self, month: Month) -> Date {
        let next = month.first().saturating_add(1.month());
        let day = match self {
            Self::Report => 3,
            Self::Act => 15,
        };
        Date::new(next.year(), next.month(), day).unwrap_or(next)
    }

    /// The key of the entry that says it was made.
    #[must_use]
    pub fn key(self, month: Month) -> CallKey {
        let mut key = [0; 32];
        let name = format!("qaqpa-paper-1\n{}\n{month}", self.word());
        key.copy_from_slice(digest(&SHA256, name.as_bytes()).as_ref());
        CallKey(key)
    }
}

/// The month whose papers are owed at a moment, and the second at which each is late.
#[must_use]
pub fn owed(now_us: i64) -> (Month, [i64; 2]) {
    let zone = TimeZone::get("Asia/Almaty").unwrap_or(TimeZone::fixed(jiff::tz::offset(5)));
    let now = Timestamp::from_microsecond(now_us).unwrap_or(Timestamp::UNIX_EPOCH);
    let month = Month::owed(now.to_zoned(zone.clone()).date());
    let late = PAPERS.map(|paper| {
        let midnight = paper.due(month).saturating_add(1.day()).to_zoned(zone.clone());
        midnight.map_or(0, |midnight| midnight.timestamp().as_second())
    });
    (month, late)
}

impl Journal {
    /// Looks whether the papers of the last month were made, for the figures, where they are watched. A
    /// store that cannot be read now leaves the figures as they are.
    pub async fn look_after_papers(&self) {
        if !self.inner.papers_watched {
            return;
        }
        let (month, late_unix_s) = owed(now_us());
        let levels = [&self.stats().report_late_unix_s, &self.stats().act_late_unix_s];
        for ((paper, late), level) in PAPERS.into_iter().zip(late_unix_s).zip(levels) {
            if let Ok(is_made) = self.inner.reader.is_known(paper.key(month)).await {
                level.set(if is_made { 0 } else { u64::try_from(late).unwrap_or(0) });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn papers_of_a_month_are_due_on_the_3rd_and_the_15th_of_the_next() {
        for (month, report, act) in [
            ("2026-11", date(2026, 12, 3), date(2026, 12, 15)),
            ("2026-12", date(2027, 1, 3), date(2027, 1, 15)),
            ("2028-01", date(2028, 2, 3), date(2028, 2, 15)),
        ] {
            let month = Month::parse(month).unwrap();
            assert_eq!(Paper::Report.due(month), report);
            assert_eq!(Paper::Act.due(month), act);
        }
        assert_eq!(Month::owed(date(2026, 12, 1)).to_string(), "2026-11");
        assert_eq!(Month::owed(date(2027, 1, 31)).to_string(), "2026-12");
    }

    #[test]
    fn a_month_ends_at_midnight_in_astana() {
        let us = |text: &str| text.parse::<Timestamp>().unwrap().as_microsecond();
        let (month, _) = owed(us("2026-11-30T18:59:59Z"));
        assert_eq!(month.to_string(), "2026-10");
        let (month, late) = owed(us("2026-11-30T19:00:00Z"));
        assert_eq!(month.to_string(), "2026-11");
        let late = late.map(|second| Timestamp::from_second(second).unwrap().to_string());
        assert_eq!(late, ["2026-12-03T19:00:00Z", "2026-12-15T19:00:00Z"]);
        assert_ne!(Paper::Report.key(month), Paper::Act.key(month));
    }
}
