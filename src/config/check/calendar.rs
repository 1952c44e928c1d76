//! Opening hours and maintenance of an agency, checked.

use super::inspector::Inspector;
use super::payments::{dates, time, weekday};
use crate::config::finding::Place;
use crate::config::raw;
use crate::config::settings::Calendar;
use jiff::Timestamp;
use jiff::civil::{DateTime, Weekday};
use jiff::tz::TimeZone;
use toml::value::Datetime;

/// The calendar of one agency; `None` where something in it is wrong.
pub(super) fn calendar(
    inspector: &mut Inspector<'_>,
    place: &Place<'_>,
    raw: &raw::Calendar,
) -> Option<Calendar> {
    let zone = TimeZone::get(&raw.zone).ok();
    if zone.is_none() {
        let wrong = format!("{:?} is no time zone", raw.zone);
        inspector.error(&place.key("zone"), wrong, "write e.g. \"Asia/Almaty\"");
    }
    let mut moment = |key: &'static str, text: &str| {
        let time = time(text);
        if time.is_none() {
            let wrong = format!("{text:?} is no time of day");
            inspector.error(&place.key(key), wrong, "write e.g. \"09:00\"");
        }
        time
    };
    let (opens, closes) = (moment("opens", &raw.opens), moment("closes", &raw.closes));
    let rest_days: Vec<Weekday> = raw.rest_days.iter().map(|day| weekday(*day)).collect();
    let holidays = dates(inspector, &place.key("holidays"), &raw.holidays);
    let working_days = dates(inspector, &place.key("working_days"), &raw.working_days);
    if Weekday::Sunday.cycle_forward().take(7).all(|day| rest_days.contains(&day))
        && working_days.is_empty()
    {
        let wrong = "the agency would never open";
        inspector.error(&place.key("rest_days"), wrong, "leave a day of the week out");
    }
    let zone = zone?;
    let maintenance = raw.maintenance.iter().enumerate();
    let maintenance = maintenance.filter_map(|(at, raw)| {
        let place = place.key("maintenance").item(at);
        let (from, until) = (instant(raw.from, &zone), instant(raw.until, &zone));
        match (from, until) {
            (Some(from), Some(until)) if from < until => Some((from, until)),
            _ => {
                let cure =
                    "write from = 2026-12-01T22:00:00 and a later until, in the agency's time";
                inspector.error(&place, "from and until are no span of time", cure);
                None
            }
        }
    });
    let mut maintenance: Vec<_> = maintenance.collect();
    maintenance.sort_unstable();
    Some(Calendar {
        zone,
        opens: opens?,
        closes: closes?,
        rest_days,
        holidays,
        working_days,
        maintenance,
    })
}

/// A moment as written: with an offset, or else by the agency's clocks.
fn instant(raw: Option<Datetime>, zone: &TimeZone) -> Option<Timestamp> {
    let text = raw?.to_string();
    let local = || zone.to_timestamp(text.parse::<DateTime>().ok()?).ok();
    text.parse::<Timestamp>().ok().or_else(local)
}
