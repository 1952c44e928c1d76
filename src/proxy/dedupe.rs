//! Which call is the same call, and what happens when it comes again (DESIGN §6).
//!
//! Live clients reuse messageIds and sign retries anew, so identity is senderId, messageId and the
//! canonical payload without password and sessionId: `wsu:Id`, signature and password do not count.

use crate::config::settings::Service;
use crate::journal::Journal;
use crate::journal::entry::{CallKey, EntryId, Opened, Opening, SameCall};
use crate::sign::canonical::{self, Options};
use aws_lc_rs::digest::{Context, SHA256};
use qaqpa_kit::envelope::Request;
use qaqpa_kit::fault::{Code, Fault, Phase};
use qaqpa_kit::manifest::MessageId;
use qaqpa_kit::xml::NodeId;
use std::time::Instant;

/// What opening a call led to.
pub enum Admitted {
    /// A new call: carry it to the agency.
    Fresh,
    /// Answered before: the same bytes again.
    Stored { entry: EntryId, http_status: u16, answer: bytes::Bytes },
    /// Left Unknown before, and may not be sent again.
    LeftUnknown { entry: EntryId },
}

/// The key under which this call is remembered.
#[must_use]
pub fn call_key(sender_id: &str, request: &Request<'_>) -> CallKey {
    let mut context = head(sender_id, &request.message_id);
    let left_out = [request.password_element, request.session_element];
    let excluded: Vec<NodeId> = left_out.into_iter().flatten().map(|out| out.id()).collect();
    let options = Options { excluded: &excluded, ..Options::default() };
    canonical::element(request.payload, &options, &mut |bytes| context.update(bytes));
    CallKey(finish(context))
}

/// The key of the messageId alone, for services whose ids are unique.
#[must_use]
pub fn message_key(sender_id: &str, message_id: &str) -> [u8; 32] {
    finish(head(sender_id, message_id))
}

/// Lengths stand before the texts, so that no two pairs share their bytes.
fn head(sender_id: &str, message_id: &str) -> Context {
    let mut context = Context::new(&SHA256);
    for text in [sender_id, message_id] {
        context.update(&(text.len() as u64).to_be_bytes());
        context.update(text.as_bytes());
    }
    context
}

fn finish(context: Context) -> [u8; 32] {
    let mut key = [0; 32];
    key.copy_from_slice(context.finish().as_ref());
    key
}

/// Opens the call durably, or finds what became of it when it came before.
///
/// # Errors
/// `caller.twin`, `caller.in_progress`, `gateway.journal_down`.
pub async fn open(
    journal: &Journal,
    service: &Service,
    opened: Opened,
    deadline: Instant,
) -> Result<Admitted, Fault> {
    let same = SameCall {
        expires_at_us: opened.opened_at_us + i64::from(service.manifest.window_s) * 1_000_000,
        unique_message_id: service.manifest.message_id == MessageId::Unique,
        idempotent: service.manifest.idempotent,
    };
    loop {
        let opening = journal.open(opened.clone(), same).await.map_err(|down| {
            Fault::new(Code::GatewayJournalDown, Phase::Open, "journal_down")
                .retry_after_s(5)
                .because(down)
        })?;
        match opening {
            Opening::Fresh => return Ok(Admitted::Fresh),
            Opening::Stored { entry, http_status, answer } => {
                return Ok(Admitted::Stored { entry, http_status, answer });
            }
            Opening::InFlight { entry } => {
                let has_ended = journal.wait(opened.key, deadline).await;
                if !has_ended {
                    return Err(Fault::new(Code::CallerInProgress, Phase::Open, "first_under_way")
                        .retry_after_s(5)
                        .because(entry.0));
                }
            }
            Opening::LeftUnknown { entry } => return Ok(Admitted::LeftUnknown { entry }),
            Opening::Twin { entry } => {
                return Err(
                    Fault::new(Code::CallerTwin, Phase::Open, "message_id_reused").because(entry.0)
                );
            }
        }
    }
}
