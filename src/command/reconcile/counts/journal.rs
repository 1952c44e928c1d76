//! A month's counts of a gateway, from its journal.
//!
//! A call that its agency answered was given, one that it refused was refused; in time is what ended within
//! the deadline of its service. Branch is the participant that called, unit is the route (`routeId`; `all`
//! where a service has none). What failed before an agency decided, and what is Unknown, was neither given
//! nor refused and is not counted. A call belongs to the month in which it was opened, in Astana.

use crate::command::Failure;
use crate::config;
use crate::journal::{JournalError, Reader};
use crate::payments::calendar::moment_us;
use crate::reconcile::services::form::{Month, is_name, write};
use crate::reconcile::services::{Counts, Key, Numbers};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

/// The party that a gateway is.
const PARTY: &str = "gateway";
/// What stands for a route where a service has none.
const ALL: &str = "all";

/// The counts of a month in the form of counts.
///
/// # Errors
/// The configuration is wrong, or the journal cannot be read now.
pub(super) fn counts(folder: &Path, month: Month) -> Result<String, Failure> {
    let settings = config::load(folder).map_err(Failure::configuration)?;
    let services = settings.services.values().flatten();
    let deadlines: BTreeMap<(&str, &str, &str), Duration> = services
        .map(|service| {
            let name = (
                service.agency.id.as_str(),
                service.manifest.id.as_str(),
                service.route_id.as_str(),
            );
            (name, service.deadline)
        })
        .collect();
    let moment = |date: jiff::civil::Date| moment_us(&format!("{date}T00:00:00")).unwrap_or(0);
    let next = month.last().saturating_add(jiff::ToSpan::days(1));
    let (from_us, until_us) = (moment(month.first()), moment(next));
    let different: BTreeSet<Duration> = deadlines.values().copied().collect();
    let mut counts = Counts::new();
    let reading = async {
        let reader = Reader::new(&settings.journal.store)?;
        for deadline in different {
            let deadline_us = i64::try_from(deadline.as_micros()).unwrap_or(i64::MAX);
            let given = reader.given(from_us..until_us, deadline_us).await.map_err(|down| {
                JournalError::Store { store: "the journal".to_owned(), cause: down.cause }
            })?;
            for row in given {
                let name = (row.agency.as_str(), row.service.as_str(), row.route_id.as_str());
                // As calls are routed: by the route of that name, else by the one without.
                let own = deadlines.get(&name).or_else(|| deadlines.get(&(name.0, name.1, "")));
                if own != Some(&deadline) {
                    continue;
                }
                let calls = u64::try_from(row.calls).unwrap_or(0);
                let unit = if row.route_id.is_empty() { ALL } else { &row.route_id };
                let (agency, service) = (named(&row.agency), named(&row.service));
                let (branch, unit) = (named(&row.participant), named(unit));
                let numbers = counts.entry(Key { agency, service, branch, unit }).or_default();
                add(numbers, row.is_given, row.is_in_time, calls);
            }
        }
        Ok::<(), JournalError>(())
    };
    crate::command::block_on(reading)?.map_err(Failure::work)?;
    Ok(write(PARTY, month, &counts))
}

fn add(numbers: &mut Numbers, is_given: bool, is_in_time: bool, calls: u64) {
    let by_number = if is_given { &mut numbers.given } else { &mut numbers.refused };
    *by_number = by_number.saturating_add(calls);
    let by_quality = if is_in_time { &mut numbers.in_time } else { &mut numbers.late };
    *by_quality = by_quality.saturating_add(calls);
}

/// A name as the form allows it: what it does not becomes `_`.
fn named(text: &str) -> String {
    if is_name(text) {
        return text.to_owned();
    }
    let inner =
        text.chars().map(|c| if c.is_alphanumeric() || "._-".contains(c) { c } else { '_' });
    let mut name = String::from("x");
    for c in inner {
        if name.len() + c.len_utf8() > 64 {
            break;
        }
        name.push(c);
    }
    name
}
