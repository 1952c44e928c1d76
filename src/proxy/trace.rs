//! What is known of one call so far: its id, its clock, its names; the journal's rows are made from it.

use super::dedupe;
use super::identify::Caller;
use super::reply::Reply;
use crate::channel::Face;
use crate::config::operation::Operation;
use crate::config::settings::Service;
use crate::journal::entry::{CallKey, Closed, EntryId, Opened};
use crate::sign::wsse::Signed;
use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use jiff::{Timestamp, tz::TimeZone};
use qaqpa_kit::card;
use qaqpa_kit::envelope::Request;
use qaqpa_kit::fault::{Code, Fault, Outcome, Phase};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// The country's zone, looked up once.
static ZONE: LazyLock<TimeZone> =
    LazyLock::new(|| TimeZone::get("Asia/Almaty").unwrap_or(TimeZone::UTC));

/// Times and identity of one call; texts stay empty until the phase that reads them.
#[derive(Debug)]
pub struct Trace {
    /// Identity of the entry and, in braces, `sessionId`; UUID version 7 sorts by time.
    pub id: uuid::Uuid,
    /// What the caller speaks.
    pub face: Face,
    /// Unix microseconds at `receive`.
    pub received_at_us: i64,
    pub participant: String,
    pub service: String,
    pub agency: String,
    pub key: CallKey,
    sender_id: String,
    route_id: String,
    message_id: String,
    correlation_id: String,
    caller_certificate: [u8; 32],
    /// What was found about the certificates' revocation, where the service asks.
    revocation: String,
    is_idempotent: bool,
    is_durable_first: bool,
    /// The agency itself does it once for a name, so a refusal is not remembered here.
    is_once: bool,
    started: Instant,
    ends_us: [u32; 11],
}

impl Trace {
    /// Starts the clock of a call of which nothing but the moment is known.
    #[must_use]
    pub fn begin(face: Face) -> Self {
        Self::start(face, Instant::now(), Timestamp::now().as_microsecond())
    }

    /// Starts the clock of a call whose head arrived at `started`.
    #[must_use]
    pub fn start(face: Face, started: Instant, received_at_us: i64) -> Self {
        Self {
            face,
            id: EntryId::at(received_at_us).0,
            received_at_us,
            participant: String::new(),
            service: String::new(),
            agency: String::new(),
            key: CallKey([0; 32]),
            sender_id: String::new(),
            route_id: String::new(),
            message_id: String::new(),
            correlation_id: String::new(),
            caller_certificate: [0; 32],
            revocation: String::new(),
            is_idempotent: true,
            is_durable_first: false,
            is_once: false,
            started,
            ends_us: [0; 11],
        }
    }

    /// Takes the names from the head of the request.
    pub fn read(&mut self, request: &Request<'_>) {
        request.sender_id.as_ref().clone_into(&mut self.sender_id);
        request.route_id.as_ref().clone_into(&mut self.route_id);
        request.message_id.as_ref().clone_into(&mut self.message_id);
        request.correlation_id.as_ref().clone_into(&mut self.correlation_id);
        request.service_id.as_ref().clone_into(&mut self.service);
    }

    /// The names that the caller chose for its message: `messageId` and `correlationId`.
    #[must_use]
    pub fn names(&self) -> (&str, &str) {
        (&self.message_id, &self.correlation_id)
    }

    /// Forgets the names that the caller chose: they hold what must not be kept.
    pub fn forget_names(&mut self) {
        self.message_id.clear();
        self.correlation_id.clear();
        self.route_id.clear();
    }

    /// Forgets those of the names that hold a card number, of a call that is refused before it was looked
    /// through.
    pub fn forget_cards(&mut self) {
        let names = [
            &mut self.sender_id,
            &mut self.route_id,
            &mut self.message_id,
            &mut self.correlation_id,
            &mut self.service,
        ];
        for name in names.into_iter().filter(|name| card::is_in_text(name)) {
            name.clear();
        }
    }

    /// Takes the participant, and its `senderId` where the request named none.
    pub fn identify(&mut self, caller: &Caller) {
        self.participant.clone_from(&caller.participant.id);
        self.sender_id.clone_from(&caller.participant.sender_id);
    }

    /// Takes the service found, and returns the moment at which the call must be answered.
    pub fn route(&mut self, service: &Service) -> Instant {
        self.agency.clone_from(&service.agency.id);
        self.is_idempotent = service.manifest.idempotent;
        self.is_durable_first = service.manifest.is_harmful_twice();
        self.is_once = service.manifest.once;
        self.started + service.deadline
    }

    /// Takes the operation found at a path. The call is its own: nothing in it says that it is the
    /// same as another.
    pub fn operate(&mut self, operation: &Operation) {
        self.route(&operation.service);
        self.service.clone_from(&operation.service.manifest.id);
        self.route_id.clone_from(&operation.id);
        self.is_idempotent = operation.is_idempotent();
        self.is_durable_first = !self.is_idempotent;
        self.key = CallKey(sha256(self.id.as_bytes()));
    }

    /// Whether asking the agency twice changes nothing.
    #[must_use]
    pub fn is_idempotent(&self) -> bool {
        self.is_idempotent
    }

    /// Takes the certificate that proves the caller: the signer's, else the connection's.
    pub fn prove(&mut self, caller: &Caller, signed: Option<&Signed>) {
        let signer = signed.map(|signed| &signed.certificate);
        if let Some(certificate) = signer.or(caller.tls_certificate.as_ref()) {
            self.caller_certificate = certificate.sha256();
        }
    }

    /// Notes what was found about the revocation of one certificate.
    pub fn mark_revocation(&mut self, found: String) {
        if self.revocation.is_empty() {
            self.revocation = found;
        } else if !found.is_empty() {
            self.revocation.push('\n');
            self.revocation.push_str(&found);
        }
    }

    /// Notes that `phase` ended now.
    pub fn mark(&mut self, phase: Phase) {
        let elapsed_us = u32::try_from(self.elapsed().as_micros()).unwrap_or(u32::MAX).max(1);
        if let Some(end) = self.ends_us.get_mut(phase as usize) {
            *end = elapsed_us;
        }
    }

    /// How long the agency was waited for, and whether in vain; `None` where it was not asked, or the
    /// failure says nothing of its pace.
    #[must_use]
    pub fn asked_for(&self, fault: Option<&Fault>) -> Option<(Duration, bool)> {
        let is_late = match fault.map(|fault| fault.code) {
            None => false,
            Some(Code::AgencyTimeout) => true,
            Some(_) => return None,
        };
        let end = |phase: Phase| self.ends_us.get(phase as usize).copied().filter(|us| *us > 0);
        let from_us = end(Phase::Encode)?;
        let now_us = u32::try_from(self.elapsed().as_micros()).unwrap_or(u32::MAX);
        let to_us = end(Phase::Send).unwrap_or(now_us);
        Some((Duration::from_micros(to_us.saturating_sub(from_us).into()), is_late))
    }

    /// Unix microseconds at the end of a phase; `None` where it was not reached.
    #[must_use]
    pub fn ended_at_us(&self, phase: Phase) -> Option<i64> {
        let end_us = self.ends_us.get(phase as usize).copied().filter(|us| *us > 0)?;
        Some(self.received_at_us.saturating_add(end_us.into()))
    }

    /// The phase after the last one that ended.
    #[must_use]
    pub fn under_way(&self) -> Phase {
        let ended = self.ends_us.iter().rposition(|end_us| *end_us > 0);
        let next = ended.map_or(0, |last| last + 1);
        Phase::ALL.get(next).copied().unwrap_or(Phase::Reply)
    }

    /// Microseconds from `receive` to the end of each phase, 0 where it was not reached.
    #[must_use]
    pub fn ends_us(&self) -> [u32; 11] {
        self.ends_us
    }

    /// Time since `receive`.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Unix microseconds now, by the monotonic clock from `receive` on.
    #[must_use]
    pub fn now_us(&self) -> i64 {
        let elapsed_us = i64::try_from(self.elapsed().as_micros()).unwrap_or(i64::MAX);
        self.received_at_us.saturating_add(elapsed_us)
    }

    /// `sessionId` as the schema wants it, in braces.
    #[must_use]
    pub fn session_id(&self) -> String {
        self.id.as_braced().to_string()
    }

    /// The row that must be durable before anything is sent.
    #[must_use]
    pub fn opened(&self, request: &Bytes) -> Opened {
        Opened {
            id: EntryId(self.id),
            key: self.key,
            message_key: dedupe::message_key(self.face, &self.sender_id, &self.message_id),
            opened_at_us: self.received_at_us,
            participant: self.participant.clone(),
            sender_id: self.sender_id.clone(),
            agency: self.agency.clone(),
            service: self.service.clone(),
            route_id: self.route_id.clone(),
            message_id: self.message_id.clone(),
            correlation_id: self.correlation_id.clone(),
            caller_certificate: self.caller_certificate,
            revocation: self.revocation.clone(),
            request_digest: sha256(request),
            request_bytes: request.len() as u64,
            request: request.clone(),
        }
    }

    /// The row that ends the entry.
    #[must_use]
    pub fn closed(&self, reply: &Reply) -> Closed {
        // Only an answer that an agency gave is kept for the same call; faults are told anew.
        let is_answer = reply.fault.is_none();
        let evidence = match (is_answer, reply.outcome) {
            (false, _) => "fault",
            (true, Outcome::Refused) if self.is_once => "refusal",
            (true, _) => "answer",
        };
        Closed {
            id: EntryId(self.id),
            key: self.key,
            closed_at_us: self.now_us(),
            outcome: reply.outcome,
            fault: reply.fault.as_ref().map(|fault| (fault.code, fault.phase)),
            evidence,
            http_status: reply.http_status,
            agency_digest: reply.agency_digest,
            agency_certificate: reply.agency_certificate,
            answer_digest: sha256(&reply.body),
            answer: if is_answer { reply.body.clone() } else { Bytes::new() },
            streamed: None,
            phase_us: self.ends_us,
            is_durable_first: self.is_durable_first || reply.outcome == Outcome::Unknown,
        }
    }

    /// RFC 3339 with milliseconds and the country's zone, from a Unix time in microseconds.
    #[must_use]
    pub fn date(unix_us: i64) -> String {
        Timestamp::from_microsecond(unix_us)
            .unwrap_or(Timestamp::UNIX_EPOCH)
            .to_zoned(ZONE.clone())
            .strftime("%Y-%m-%dT%H:%M:%S%.3f%:z")
            .to_string()
    }
}

/// Unix seconds by the wall clock.
pub(super) fn now_unix_s() -> i64 {
    Timestamp::now().as_second()
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut sum = [0; 32];
    sum.copy_from_slice(digest(&SHA256, bytes).as_ref());
    sum
}

#[cfg(test)]
mod tests {
    use super::Trace;

    #[test]
    fn dates_carry_milliseconds_and_the_countrys_zone() {
        assert_eq!(Trace::date(1_741_670_130_125_000), "2025-03-11T10:15:30.125+05:00");
    }
}
