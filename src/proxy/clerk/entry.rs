//! The journal's entry of an exchange that the clerk begins: open before a byte leaves, closed by what came.

use super::super::Gateway;
use crate::config::settings::Agency;
use crate::journal::JournalDown;
use crate::journal::entry::{CallKey, Closed, EntryId, Opened, Opening, SameCall};
use crate::upstream::UpstreamRequest;
use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use jiff::Timestamp;
use qaqpa_kit::fault::{Fault, Outcome, Phase};
use qaqpa_kit::hex;
use std::time::Instant;

/// What is exchanged, and about which order.
pub(super) struct About<'a> {
    /// `PAY_Submit`, `PAY_Inquire`, `PAY_Notice`.
    pub service: &'static str,
    /// The order's end-to-end id, or the notice's event: what both sides call it.
    pub message_id: &'a str,
    /// The order's id.
    pub order: &'a str,
    /// Doing it twice changes nothing, so nobody has to find out what became of it.
    pub is_idempotent: bool,
}

/// An entry that is open.
pub(super) struct Entry<'a> {
    gate: &'a Gateway,
    pub id: EntryId,
    key: CallKey,
    opened_at_us: i64,
    started: Instant,
    ends_us: [u32; 11],
}

/// How an exchange ended.
pub(super) struct End<'a> {
    pub outcome: Outcome,
    pub fault: Option<&'a Fault>,
    /// The answer as it came; empty where none did.
    pub answer: &'a Bytes,
    pub http_status: u16,
}

/// Unix microseconds now.
pub(super) fn now_us() -> i64 {
    Timestamp::now().as_microsecond()
}

/// SHA-256 as 64 hexadecimal digits.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    hex::lower(&sha256(bytes))
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut sum = [0; 32];
    sum.copy_from_slice(digest(&SHA256, bytes).as_ref());
    sum
}

impl<'a> Entry<'a> {
    /// Opens an entry under an id of its own; durable when it returns.
    ///
    /// # Errors
    /// Nothing may be sent.
    pub(super) async fn open(
        gate: &'a Gateway,
        (id, agency): (EntryId, &Agency),
        about: &About<'_>,
        request: &UpstreamRequest,
    ) -> Result<Self, JournalDown> {
        let (opened_at_us, started) = (now_us(), Instant::now());
        let key = CallKey(sha256(id.0.as_bytes()));
        let whole = whole(request);
        let opened = Opened {
            id,
            key,
            message_key: key.0,
            opened_at_us,
            participant: String::new(),
            sender_id: gate.settings.node.id.clone(),
            agency: agency.id.clone(),
            service: about.service.to_owned(),
            route_id: String::new(),
            message_id: about.message_id.to_owned(),
            correlation_id: about.order.to_owned(),
            caller_certificate: [0; 32],
            revocation: String::new(),
            request_digest: sha256(&whole),
            request_bytes: whole.len() as u64,
            request: whole,
        };
        // What the clerk does once is decided by the payments, not by the journal.
        let same_call = SameCall::alone(opened_at_us, about.is_idempotent);
        let Opening::Fresh = gate.journal.open(opened, same_call).await? else {
            return Err(JournalDown::new(
                crate::journal::Why::Broken,
                "an id that was used before",
            ));
        };
        Ok(Self { gate, id, key, opened_at_us, started, ends_us: [0; 11] })
    }

    /// Notes that a phase ended now.
    pub(super) fn mark(&mut self, phase: Phase) {
        let elapsed_us = u32::try_from(self.started.elapsed().as_micros()).unwrap_or(u32::MAX);
        if let Some(end) = self.ends_us.get_mut(phase as usize) {
            *end = elapsed_us.max(1);
        }
    }

    /// Closes it. A close that could not be confirmed is written as soon as the store can.
    pub(super) async fn close(mut self, end: End<'_>) {
        self.mark(Phase::Close);
        let elapsed_us = i64::try_from(self.started.elapsed().as_micros()).unwrap_or(i64::MAX);
        let has_answer = !end.answer.is_empty();
        let digest = if has_answer { sha256(end.answer) } else { [0; 32] };
        let closed = Closed {
            id: self.id,
            key: self.key,
            closed_at_us: self.opened_at_us.saturating_add(elapsed_us),
            outcome: end.outcome,
            fault: end.fault.map(|fault| (fault.code, fault.phase)),
            evidence: if end.fault.is_none() { "answer" } else { "fault" },
            http_status: end.http_status,
            agency_digest: digest,
            agency_certificate: [0; 32],
            answer_digest: digest,
            answer: end.answer.clone(),
            streamed: None,
            phase_us: self.ends_us,
            is_durable_first: true,
        };
        if let Err(down) = self.gate.journal.close(closed).await {
            tracing::warn!(%down, entry = %self.id, "an entry's end is not confirmed yet");
        }
    }
}

/// The request as it leaves, for the evidence: method and path in a line, then the body.
fn whole(request: &UpstreamRequest) -> Bytes {
    if request.path.is_empty() {
        return request.body.clone();
    }
    let mut whole = format!("{} {}\n", request.method, request.path).into_bytes();
    whole.extend_from_slice(&request.body);
    Bytes::from(whole)
}
