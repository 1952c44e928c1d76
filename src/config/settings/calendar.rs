//! When an agency is open: its hours by its zone's rules, its days of rest, and announced maintenance.

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};
use std::collections::BTreeSet;

/// Days looked ahead for the next opening.
const DAYS_AHEAD_MAX: usize = 400;

/// Opening hours and maintenance of one agency.
#[derive(Debug, Clone)]
pub struct Calendar {
    pub zone: TimeZone,
    /// Time of day from which it is open.
    pub opens: Time,
    /// Time of day from which it is closed; not later than `opens`: on the next day, and the same as
    /// `opens`: never.
    pub closes: Time,
    /// Days of the week on which it does not open.
    pub rest_days: Vec<Weekday>,
    /// Dates on which it does not open.
    pub holidays: BTreeSet<Date>,
    /// Dates on which it opens though they are days of rest.
    pub working_days: BTreeSet<Date>,
    /// From the first moment to the one after the last, in order.
    pub maintenance: Vec<(Timestamp, Timestamp)>,
}

impl Calendar {
    /// When it opens, where it is closed now (Unix microseconds); `None`: it is open. A moment far ahead
    /// where no opening is known.
    #[must_use]
    pub fn opens_at(&self, now_us: i64) -> Option<Timestamp> {
        let now = Timestamp::from_microsecond(now_us).ok()?;
        let mut at = now;
        // Each step leaves one maintenance or one closed time behind.
        for _ in 0..DAYS_AHEAD_MAX {
            let next = self.after_maintenance(at).or_else(|| self.after_hours(at));
            match next {
                Some(next) => at = next,
                None => break,
            }
        }
        (at > now).then_some(at)
    }

    fn after_maintenance(&self, at: Timestamp) -> Option<Timestamp> {
        let under_way = self.maintenance.iter().find(|(from, until)| *from <= at && at < *until);
        under_way.map(|(_, until)| *until)
    }

    /// The opening after this moment, where it lies outside of the hours.
    fn after_hours(&self, at: Timestamp) -> Option<Timestamp> {
        let local = at.to_zoned(self.zone.clone());
        let today = local.date();
        // Hours that began yesterday may reach into today.
        let is_open = [today.saturating_sub(1.day()), today]
            .into_iter()
            .filter_map(|date| self.hours(date))
            .any(|(from, until)| from <= local && local < until);
        if is_open {
            return None;
        }
        let days = std::iter::successors(Some(today), |date| Some(date.saturating_add(1.day())));
        let mut openings = days.take(DAYS_AHEAD_MAX).filter_map(|date| self.hours(date));
        openings.find(|(from, _)| *from > local).map(|(from, _)| from.timestamp())
    }

    /// The hours that begin on a date, as the zone's clocks show them on that day.
    fn hours(&self, date: Date) -> Option<(Zoned, Zoned)> {
        let rests = self.holidays.contains(&date) || self.rest_days.contains(&date.weekday());
        if rests && !self.working_days.contains(&date) {
            return None;
        }
        let end = if self.closes > self.opens { date } else { date.saturating_add(1.day()) };
        let moment = |date: Date, time: Time| date.to_datetime(time).to_zoned(self.zone.clone());
        Some((moment(date, self.opens).ok()?, moment(end, self.closes).ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::{date, time};
    use proptest::prelude::*;

    fn calendar() -> Calendar {
        Calendar {
            zone: TimeZone::get("Asia/Almaty").expect("built in"),
            opens: time(9, 0, 0, 0),
            closes: time(18, 0, 0, 0),
            rest_days: vec![Weekday::Saturday, Weekday::Sunday],
            holidays: [date(2026, 12, 16)].into(),
            working_days: [date(2026, 12, 19)].into(),
            maintenance: vec![(at("2026-12-01T11:00:00+05"), at("2026-12-01T12:30:00+05"))],
        }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a moment")
    }

    fn opens(calendar: &Calendar, text: &str) -> Option<String> {
        let opens_at = calendar.opens_at(at(text).as_microsecond())?;
        Some(opens_at.to_zoned(calendar.zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string())
    }

    #[test]
    fn it_is_open_in_its_hours_and_says_when_it_opens_else() {
        let calendar = calendar();
        for (now, expected) in [
            ("2026-11-30T09:00:00+05", None),
            ("2026-11-30T17:59:59+05", None),
            ("2026-11-30T08:59:59+05", Some("2026-11-30T09:00:00+05:00")),
            ("2026-11-30T18:00:00+05", Some("2026-12-01T09:00:00+05:00")),
            ("2026-12-04T20:00:00+05", Some("2026-12-07T09:00:00+05:00")),
            ("2026-12-15T18:30:00+05", Some("2026-12-17T09:00:00+05:00")),
            ("2026-12-19T10:00:00+05", None),
            ("2026-12-01T11:15:00+05", Some("2026-12-01T12:30:00+05:00")),
            ("2026-12-01T12:30:00+05", None),
        ] {
            assert_eq!(opens(&calendar, now).as_deref(), expected, "{now}");
        }
    }

    #[test]
    fn hours_over_midnight_belong_to_the_day_that_they_begin_on() {
        let calendar =
            Calendar { opens: time(22, 0, 0, 0), closes: time(4, 0, 0, 0), ..calendar() };
        assert_eq!(opens(&calendar, "2026-12-05T03:00:00+05"), None, "Friday's night");
        let monday = Some("2026-12-07T22:00:00+05:00".to_owned());
        assert_eq!(opens(&calendar, "2026-12-05T04:00:00+05"), monday);
    }

    #[test]
    fn the_zones_own_change_of_offset_moves_the_opening() {
        // The country's clocks went from +06 to +05 on 2024-03-01.
        let calendar = calendar();
        let opening = |text| calendar.opens_at(at(text).as_microsecond());
        assert_eq!(opening("2024-02-28T20:00:00+06"), Some(at("2024-02-29T09:00:00+06")));
        assert_eq!(opening("2024-02-29T20:00:00+06"), Some(at("2024-03-01T09:00:00+05")));
    }

    proptest! {
        #[test]
        fn it_is_open_at_the_moment_that_it_names(seconds in 1_700_000_000_i64..1_900_000_000) {
            let calendar = calendar();
            if let Some(opens_at) = calendar.opens_at(seconds * 1_000_000) {
                prop_assert!(opens_at.as_second() > seconds);
                prop_assert_eq!(calendar.opens_at(opens_at.as_microsecond()), None);
            }
        }
    }
}
