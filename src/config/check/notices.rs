//! Who is told of payments and how patiently, checked: agencies that take notices, pauses between attempts.

use super::inspector::Inspector;
use super::payments::Known;
use super::services::{Offer, instead};
use crate::config::document::Document;
use crate::config::finding::Place;
use crate::config::raw;
use crate::config::settings::Agency;
use qaqpa_kit::manifest::Wire;
use std::collections::BTreeMap;
use std::time::Duration;

/// Attempts to tell a participant, and the longest pause between two.
const PAUSES_MAX: usize = 32;
const WEEK_S: u64 = 604_800;

/// By participant, the agency that takes its notices.
pub(super) fn recipients(
    inspector: &mut Inspector<'_>,
    document: &Document<raw::Payments>,
    known: &Known<'_>,
) -> BTreeMap<String, String> {
    let top = document.source.top();
    let recipients =
        document.raw.notice.iter().filter_map(|(id, raw)| {
            recipient(inspector, &top.key("notice").key(id), (id, raw), known)
        });
    recipients.collect()
}

/// The agency that takes a participant's notices.
fn recipient(
    inspector: &mut Inspector<'_>,
    place: &Place<'_>,
    (id, raw): (&str, &raw::Notice),
    known: &Known<'_>,
) -> Option<(String, String)> {
    inspector.id(place, id);
    participant(inspector, place, id, known);
    let place = place.key("agency");
    if !inspector.demand(&place, &raw.agency, "name an agency of services.toml") {
        return None;
    }
    let speaks_soap = |agency: &Agency| agency.adapter.manifest().wire == Wire::SyncV10;
    let wrong = "a notice is a SyncChannel request, and this agency speaks something else";
    let agency = way(inspector, &place, &raw.agency, (known.offer, &speaks_soap, wrong))?;
    Some((id.to_owned(), agency))
}

/// That there is such a participant.
pub(super) fn participant(
    inspector: &mut Inspector<'_>,
    place: &Place<'_>,
    id: &str,
    known: &Known<'_>,
) {
    let ids: Vec<&str> = known.participants.values().map(|one| one.id.as_str()).collect();
    if !ids.contains(&id) {
        let cure = instead(id, &ids, &format!("name one of {}", ids.join(", ")));
        inspector.error(place, format!("there is no participant {id:?}"), cure);
    }
}

/// What an agency must be able to do.
pub(super) type Fits<'f> = &'f dyn Fn(&Agency) -> bool;

/// An agency of `services.toml` that fits; where some agency is not known because of a mistake, no
/// second one is told.
pub(super) fn way(
    inspector: &mut Inspector<'_>,
    place: &Place<'_>,
    id: &str,
    (offer, fits, wrong): (&Offer, Fits<'_>, &str),
) -> Option<String> {
    match offer.agencies.get(id) {
        Some(agency) if fits(agency) => return Some(id.to_owned()),
        Some(_) => inspector.error(place, wrong, "name another agency"),
        None if offer.is_partial => {}
        None => {
            let known: Vec<&str> = offer.agencies.keys().map(String::as_str).collect();
            let cure = "name an agency of services.toml";
            let wrong = format!("there is no agency {id:?}");
            inspector.error(place, wrong, instead(id, &known, cure));
        }
    }
    None
}

/// The ladder of notices.
pub(super) fn pauses(
    inspector: &mut Inspector<'_>,
    gateway: &Document<raw::Gateway>,
) -> Vec<Duration> {
    let pauses = &gateway.raw.payments.notice_pauses_s;
    let is_good = |pause: &u64| (1..=WEEK_S).contains(pause);
    if pauses.is_empty() || pauses.len() > PAUSES_MAX || !pauses.iter().all(is_good) {
        let place = gateway.source.top().key("payments").key("notice_pauses_s");
        let cure = "write 1 to 32 numbers of seconds, each 1 … 604800";
        inspector.error(&place, "these are no pauses between attempts", cure);
    }
    pauses.iter().copied().map(Duration::from_secs).collect()
}
