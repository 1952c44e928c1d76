//! Which call is the same call, and what happens when it comes again (DESIGN §6).
//!
//! Live clients reuse messageIds and sign retries anew, so identity is senderId, messageId and the
//! canonical payload without password and sessionId: `wsu:Id`, signature and password do not count.

use super::Gateway;
use super::admit::Permit;
use crate::channel::Face;
use crate::config::settings::Service;
use crate::journal::entry::{CallKey, EntryId, Opened, Opening, SameCall};
use crate::sign::canonical;
use aws_lc_rs::digest::{Context, SHA256};
use jiff::civil::DateTime;
use jiff::{Timestamp, tz::TimeZone};
use qaqpa_kit::envelope::Request;
use qaqpa_kit::fault::{Code, Fault, Outcome, Phase};
use qaqpa_kit::manifest::MessageId;
use qaqpa_kit::xml::NodeId;
use std::time::Instant;

/// How far a sender's clock may run ahead.
const AHEAD_US_MAX: i64 = 15 * 60 * 1_000_000;

/// What opening a call led to.
pub enum Admitted {
    /// A new call: carry it to the agency.
    Fresh,
    /// Answered before: the same bytes again.
    Stored { entry: EntryId, outcome: Outcome, http_status: u16, answer: bytes::Bytes },
    /// Left Unknown before, and may not be sent again.
    LeftUnknown { entry: EntryId },
}

/// The key under which this call is remembered. On REST it is what came that counts: what the gateway
/// writes of it bears the time.
#[must_use]
pub fn call_key(face: Face, request: &Request<'_>, original: &[u8]) -> CallKey {
    let mut context = head(face, &request.sender_id, &request.message_id);
    if face == Face::Sync {
        let left_out = [request.password_element, request.session_element];
        let left_out: Vec<NodeId> = left_out.into_iter().flatten().map(|out| out.id()).collect();
        let mut sink = |bytes: &[u8]| context.update(bytes);
        canonical::exclusive_without(request.payload, &left_out, &mut sink);
    } else {
        update(&mut context, &request.service_id);
        update(&mut context, &request.route_id);
        // A bank's call is named after its content: what stands around that is not the call.
        if face != Face::Bank {
            context.update(original);
        }
    }
    CallKey(finish(context))
}

/// The key of the messageId alone, for calls whose ids are unique.
#[must_use]
pub fn message_key(face: Face, sender_id: &str, message_id: &str) -> [u8; 32] {
    finish(head(face, sender_id, message_id))
}

/// Lengths stand before the texts, so that no two heads share their bytes; an `Idempotency-Key` is
/// never the same call as an equal messageId.
fn head(face: Face, sender_id: &str, message_id: &str) -> Context {
    let mut context = Context::new(&SHA256);
    let face = match face {
        Face::Sync => "",
        Face::Rest(_) | Face::Resource(..) => "rest",
        Face::Bank => "bank",
    };
    for text in [sender_id, message_id, face] {
        update(&mut context, text);
    }
    context
}

fn update(context: &mut Context, text: &str) {
    context.update(&(text.len() as u64).to_be_bytes());
    context.update(text.as_bytes());
}

fn finish(context: Context) -> [u8; 32] {
    let mut key = [0; 32];
    key.copy_from_slice(context.finish().as_ref());
    key
}

/// Refuses a call whose key may be forgotten already: where sending twice does harm, `messageDate`
/// must lie within the window for which the same call is remembered.
///
/// A date without a zone is read as the country's.
///
/// # Errors
/// `caller.stale` (`message_date`) for a date that is too old, too far ahead, or none at all.
pub fn check_age(service: &Service, message_date: &str, received_at_us: i64) -> Result<(), Fault> {
    let is_harmless = !service.manifest.is_harmful_twice();
    if is_harmless || is_remembered(message_date, received_at_us, window_us(service)) {
        return Ok(());
    }
    Err(Fault::new(Code::CallerStale, Phase::Verify, "message_date"))
}

fn is_remembered(message_date: &str, received_at_us: i64, window_us: i64) -> bool {
    let zone = TimeZone::get("Asia/Almaty").unwrap_or(TimeZone::UTC);
    let sent_at = message_date
        .parse::<Timestamp>()
        .ok()
        .or_else(|| zone.to_timestamp(message_date.parse::<DateTime>().ok()?).ok());
    let remembered = received_at_us - window_us..=received_at_us + AHEAD_US_MAX;
    sent_at.is_some_and(|sent_at| remembered.contains(&sent_at.as_microsecond()))
}

fn window_us(service: &Service) -> i64 {
    i64::from(service.manifest.window_s) * 1_000_000
}

/// Opens the call durably, or finds what became of it when it came before. While the first is under way
/// this one needs no place at the agency, and has none from then on.
///
/// # Errors
/// `caller.twin`, or `caller.conflict` for an `Idempotency-Key` that was used for something else;
/// `caller.in_progress`, `gateway.journal_down`.
pub async fn open(
    gate: &Gateway,
    (face, service): (Face, &Service),
    opened: Opened,
    permit: &mut Permit,
    deadline: Instant,
) -> Result<Admitted, Fault> {
    let journal = &gate.journal;
    let same = SameCall {
        judged_by_us: journal.steady_us(),
        expires_at_us: opened.opened_at_us + window_us(service) + AHEAD_US_MAX,
        unique_message_id: face != Face::Sync || service.manifest.message_id == MessageId::Unique,
        idempotent: service.manifest.idempotent,
        is_remembered: true,
    };
    loop {
        let opening = journal.open(opened.clone(), same).await.map_err(|down| {
            Fault::new(Code::GatewayJournalDown, Phase::Open, "journal_down")
                .retry_after_s(5)
                .because(down)
        })?;
        match opening {
            Opening::Fresh => return Ok(Admitted::Fresh),
            Opening::Stored { entry, outcome, http_status, answer } => {
                return Ok(Admitted::Stored { entry, outcome, http_status, answer });
            }
            Opening::InFlight { entry } => {
                permit.step_aside();
                let has_ended = journal.wait(opened.key, deadline).await;
                if !has_ended {
                    return Err(Fault::new(Code::CallerInProgress, Phase::Open, "first_under_way")
                        .retry_after_s(5)
                        .because(entry.0));
                }
            }
            Opening::LeftUnknown { entry } => return Ok(Admitted::LeftUnknown { entry }),
            Opening::Twin { entry } => {
                let (code, reason) = match face {
                    Face::Sync => (Code::CallerTwin, "message_id_reused"),
                    Face::Rest(_) | Face::Resource(..) | Face::Bank => {
                        (Code::CallerConflict, "idempotency_key_reused")
                    }
                };
                return Err(Fault::new(code, Phase::Open, reason).because(entry.0));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_remembered;

    #[test]
    fn a_date_counts_within_the_window_however_it_is_written() {
        let received_at_us = 1_741_670_130_000_000; // 2025-03-11T10:15:30+05:00
        let within = |date: &str| is_remembered(date, received_at_us, 600_000_000);
        for date in [
            "2025-03-11T10:15:30+05:00",
            "2025-03-11T10:05:30.000+05:00",
            "2025-03-11T05:15:30.123456789Z",
            "2025-03-11T11:15:30+0600",
            "2025-03-11T10:15:30",
            "2025-03-11T10:30:30+05:00",
        ] {
            assert!(within(date), "{date}");
        }
        for date in [
            "2025-03-11T10:05:29+05:00",
            "2025-03-11T10:30:31+05:00",
            "1999-01-01T00:00:00Z",
            "9999-99-99T99:99:99Z",
            "2025-03-11T05:15:30",
        ] {
            assert!(!within(date), "{date}");
        }
    }
}
