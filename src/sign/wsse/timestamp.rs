//! The freshness that a signed `wsu:Timestamp` claims.

use crate::sign::{Reason, Refusal};
use jiff::Timestamp;
use qaqpa_kit::soap::WSU;
use qaqpa_kit::xml::Element;

/// How far clocks may differ.
const SKEW_S: i64 = 300;
/// How long a Timestamp without Expires counts.
const LIFETIME_S: i64 = 300;

/// Judges a signed Timestamp (WS-Security 1.1 §10).
///
/// # Errors
/// `timestamp_malformed`, `message_from_future`, `message_expired`.
pub(super) fn check(timestamp: Element<'_>, now_unix_s: i64) -> Result<(), Refusal> {
    let at = timestamp.span().start;
    let malformed = Reason::TimestampMalformed.at(at);
    let mut children = timestamp.children();
    let created = match children.next() {
        Some(child) if child.is(WSU, "Created") => unix_s(child).ok_or(malformed)?,
        _ => return Err(malformed),
    };
    let expires = match children.next() {
        Some(child) if child.is(WSU, "Expires") => unix_s(child).ok_or(malformed)?,
        Some(_) => return Err(malformed),
        None => created.saturating_add(LIFETIME_S),
    };
    if children.next().is_some() || expires < created {
        return Err(malformed);
    }
    if created > now_unix_s.saturating_add(SKEW_S) {
        return Err(Reason::MessageFromFuture.at(at));
    }
    if expires < now_unix_s.saturating_sub(SKEW_S) {
        return Err(Reason::MessageExpired.at(at));
    }
    Ok(())
}

fn unix_s(element: Element<'_>) -> Option<i64> {
    let text = element.plain_text().ok()?;
    text.trim().parse::<Timestamp>().ok().map(Timestamp::as_second)
}
