//! Operating days: to which day of a bank a payment belongs, by its calendar, its cut-off and Astana time.
//!
//! Pure, and a function of the bank's own time of posting: when a notice arrives changes nothing. The
//! zone is Asia/Almaty of the time zone database that is built in: UTC+6 before 2024-03-01, UTC+5
//! since, so that a machine with old zone data closes the same days.

use crate::config::settings::Bank;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;

/// Days looked ahead for an operating day; a calendar with a longer gap is broken off there.
const GAP_DAYS_MAX: usize = 60;

pub(super) static ASTANA: LazyLock<TimeZone> = LazyLock::new(|| {
    // Built in; without it the offset since 2024 is the best that is known.
    TimeZone::get("Asia/Almaty").unwrap_or(TimeZone::fixed(jiff::tz::offset(5)))
});

/// The date in the country at a moment (Unix microseconds).
#[must_use]
pub fn country_date(unix_us: i64) -> Date {
    let moment = Timestamp::from_microsecond(unix_us).unwrap_or(Timestamp::UNIX_EPOCH);
    moment.to_zoned(ASTANA.clone()).date()
}

/// RFC 3339 to the second, in the country's zone as it was then.
#[must_use]
pub fn country_time(unix_us: i64) -> String {
    let moment = Timestamp::from_microsecond(unix_us).unwrap_or(Timestamp::UNIX_EPOCH);
    moment.to_zoned(ASTANA.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

/// Unix microseconds of a moment as a bank writes it: RFC 3339, or without a zone in the country's time.
/// `None` where it is neither.
#[must_use]
pub fn moment_us(text: &str) -> Option<i64> {
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Some(moment.as_microsecond());
    }
    let local: jiff::civil::DateTime = text.parse().ok()?;
    local.to_zoned(ASTANA.clone()).ok().map(|moment| moment.timestamp().as_microsecond())
}

/// An operating day of a bank, as days since 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OperatingDay(pub i32);

impl OperatingDay {
    /// The operating day with this date.
    #[must_use]
    pub fn of(date: Date) -> Self {
        let days = date.since(Date::new(1970, 1, 1).unwrap_or(Date::ZERO));
        Self(days.map_or(0, |span| span.get_days()))
    }

    /// Its date.
    #[must_use]
    pub fn date(self) -> Date {
        let epoch = Date::new(1970, 1, 1).unwrap_or(Date::ZERO);
        epoch.saturating_add(i64::from(self.0).days())
    }
}

impl std::fmt::Display for OperatingDay {
    /// `YYYY-MM-DD`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.date().fmt(f)
    }
}

/// The civil time in Astana at a moment (Unix microseconds).
#[must_use]
pub fn astana(at_us: i64) -> DateTime {
    let moment = Timestamp::from_microsecond(at_us).unwrap_or(Timestamp::UNIX_EPOCH);
    moment.to_zoned(ASTANA.clone()).datetime()
}

impl Bank {
    /// Whether the bank has an operating day with this date.
    #[must_use]
    pub fn is_operating(&self, date: Date) -> bool {
        self.working_days.contains(&date)
            || !self.holidays.contains(&date) && !self.rest_days.contains(&date.weekday())
    }

    /// The operating day of what was posted at this moment (Unix microseconds): today's before the
    /// cut-off, else the next one. The moment of the cut-off itself belongs to the next day.
    #[must_use]
    pub fn operating_day(&self, posted_at_us: i64) -> OperatingDay {
        let local = astana(posted_at_us);
        if local.time() < self.cut_off && self.is_operating(local.date()) {
            OperatingDay::of(local.date())
        } else if local.time() < self.cut_off {
            self.first_from(local.date())
        } else {
            self.first_from(local.date().saturating_add(1.day()))
        }
    }

    /// The first operating day after this one.
    #[must_use]
    pub fn day_after(&self, day: OperatingDay) -> OperatingDay {
        self.first_from(day.date().saturating_add(1.day()))
    }

    /// The day that a posting is counted in, for ever: its own, or the first one that is still open
    /// where its own is closed already.
    #[must_use]
    pub fn window(&self, posted_at_us: i64, closed: Option<OperatingDay>) -> OperatingDay {
        let own = self.operating_day(posted_at_us);
        match closed {
            Some(closed) if own <= closed => self.day_after(closed),
            _ => own,
        }
    }

    fn first_from(&self, date: Date) -> OperatingDay {
        let days = std::iter::successors(Some(date), |date| Some(date.saturating_add(1.day())));
        let found = days.take(GAP_DAYS_MAX).find(|date| self.is_operating(*date));
        OperatingDay::of(found.unwrap_or(date))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::settings::Bank;
    use jiff::civil::{Weekday, date, time};
    use proptest::prelude::*;
    use qaqpa_kit::bank::Placement;
    use qaqpa_kit::ids::Bic;
    use qaqpa_kit::manifest::Name;

    fn bank() -> Bank {
        let text = || "bank".to_owned();
        Bank {
            id: text(),
            name: Name { kk: text(), ru: text(), en: text() },
            bic: Bic::parse("BANKKZ9A").expect("valid"),
            participant: None,
            agency: None,
            dialect: None,
            placement: Placement::default(),
            cut_off: time(16, 0, 0, 0),
            rest_days: vec![Weekday::Saturday, Weekday::Sunday],
            holidays: [date(2026, 12, 16), date(2026, 12, 17)].into(),
            working_days: [date(2026, 12, 19)].into(),
        }
    }

    fn us(text: &str) -> i64 {
        text.parse::<Timestamp>().expect(text).as_microsecond()
    }

    #[test]
    fn a_payment_belongs_to_its_operating_day() {
        let bank = bank();
        for (posted_at, day) in [
            ("2026-11-25T10:59:59.999999Z", "2026-11-25"), // 15:59:59 in Astana
            ("2026-11-25T11:00:00Z", "2026-11-26"),        // the cut-off itself
            ("2026-11-24T19:00:00Z", "2026-11-25"),        // midnight in Astana
            ("2026-11-24T18:59:59Z", "2026-11-25"),        // the evening before, after the cut-off
            ("2026-11-27T11:00:00Z", "2026-11-30"),        // Friday evening
            ("2026-11-28T05:00:00Z", "2026-11-30"),        // Saturday morning
            ("2026-12-15T12:00:00Z", "2026-12-18"),        // before two holidays
            ("2026-12-18T12:00:00Z", "2026-12-19"),        // a Saturday that is worked
            ("2026-12-31T18:59:59Z", "2027-01-01"),        // new year's eve, after the cut-off
        ] {
            assert_eq!(bank.operating_day(us(posted_at)).to_string(), day, "{posted_at}");
        }
    }

    #[test]
    fn the_zone_was_an_hour_ahead_before_march_2024() {
        let bank = bank();
        for (posted_at, day) in [
            ("2024-02-29T09:59:59Z", "2024-02-29"), // 15:59:59 at UTC+6
            ("2024-02-29T10:00:00Z", "2024-03-01"),
            ("2024-03-01T10:00:00Z", "2024-03-01"), // 15:00 at UTC+5
            ("2024-03-01T10:59:59Z", "2024-03-01"),
            ("2024-03-01T11:00:00Z", "2024-03-04"),
        ] {
            assert_eq!(bank.operating_day(us(posted_at)).to_string(), day, "{posted_at}");
        }
        let offset = |text: &str| ASTANA.to_offset(text.parse().expect(text)).seconds();
        assert_eq!(offset("2024-02-29T17:59:59Z"), 6 * 3600);
        assert_eq!(offset("2024-02-29T18:00:00Z"), 5 * 3600);
    }

    #[test]
    fn a_closed_day_never_takes_a_posting() {
        let bank = bank();
        let wednesday = us("2026-11-25T08:00:00Z");
        let closed = |text: &str| Some(OperatingDay::of(text.parse().expect(text)));
        assert_eq!(bank.window(wednesday, None).to_string(), "2026-11-25");
        assert_eq!(bank.window(wednesday, closed("2026-11-24")).to_string(), "2026-11-25");
        assert_eq!(bank.window(wednesday, closed("2026-11-25")).to_string(), "2026-11-26");
        assert_eq!(bank.window(wednesday, closed("2026-11-27")).to_string(), "2026-11-30");
    }

    proptest! {
        #[test]
        fn operating_days_are_days_of_the_calendar_and_never_go_back(
            from_s in 1_600_000_000_i64..2_000_000_000, later_s in 0_i64..864_000,
        ) {
            let bank = bank();
            let day = bank.operating_day(from_s * 1_000_000);
            prop_assert!(bank.is_operating(day.date()));
            prop_assert!(day <= bank.operating_day((from_s + later_s) * 1_000_000));
            prop_assert_eq!(OperatingDay::of(day.date()), day);
            prop_assert!(bank.day_after(day) > day);
            let closed = bank.day_after(day);
            prop_assert!(bank.window(from_s * 1_000_000, Some(closed)) > closed);
        }
    }
}
