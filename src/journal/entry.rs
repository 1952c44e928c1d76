//! One call's record: the row opened before the send, the row closed after it, and what closed it.

use aws_lc_rs::rand;
use qaqpa_kit::fault::{Code, Outcome, Phase};
use std::fmt;
use uuid::{Builder, NoContext, Timestamp, Uuid};

/// Identity of an entry: UUID version 7, so that ids sort by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntryId(pub uuid::Uuid);

impl EntryId {
    /// A new id whose time is `unix_us` (microseconds; the id keeps milliseconds).
    #[must_use]
    pub fn at(unix_us: i64) -> Self {
        let unix_us = u64::try_from(unix_us).unwrap_or(0);
        // Random bytes without a system call; where there are none, the kernel's.
        let mut random = [0; 10];
        if rand::fill(&mut random).is_ok() {
            return Self(Builder::from_unix_timestamp_millis(unix_us / 1_000, &random).into_uuid());
        }
        let nanos = u32::try_from(unix_us % 1_000_000).unwrap_or(0) * 1_000;
        Self(Uuid::new_v7(Timestamp::from_unix(NoContext, unix_us / 1_000_000, nanos)))
    }

    /// Days (UTC) since 1970 of the id's time: chooses the partition and the key of the bodies.
    /// 0 for an id that carries no time.
    #[must_use]
    pub fn day(self) -> i32 {
        let unix_s = self.0.get_timestamp().map_or(0, |time| time.to_unix().0);
        i32::try_from(unix_s / 86_400).unwrap_or(0)
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::str::FromStr for EntryId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// Which call is the same call: SHA-256 over senderId, messageId and the canonical payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CallKey(pub [u8; 32]);

/// The row that must be durable before anything is sent.
#[derive(Clone, Debug)]
pub struct Opened {
    pub id: EntryId,
    pub key: CallKey,
    /// SHA-256 over senderId and messageId alone, for services whose ids are unique.
    pub message_key: [u8; 32],
    /// Unix microseconds.
    pub opened_at_us: i64,
    pub participant: String,
    pub sender_id: String,
    pub agency: String,
    pub service: String,
    pub route_id: String,
    pub message_id: String,
    pub correlation_id: String,
    /// SHA-256 of the caller's certificate (DER), zero where none was shown.
    pub caller_certificate: [u8; 32],
    /// Whether the caller's certificates were revoked and on what evidence, a line each; empty where
    /// the service does not ask.
    pub revocation: String,
    /// SHA-256 of the request as received.
    pub request_digest: [u8; 32],
    pub request_bytes: u64,
    /// The request as received; kept by policy.
    pub request: bytes::Bytes,
}

/// How the same-call rule of the service reads.
#[derive(Clone, Copy, Debug)]
pub struct SameCall {
    /// Unix microseconds: what is remembered has expired by the call's own time, but never later than by
    /// this, so that a clock that jumped ahead forgets nothing.
    pub judged_by_us: i64,
    /// Unix microseconds until which the key is remembered; until then at least a call under way is not
    /// given up.
    pub expires_at_us: i64,
    /// Other content under the same messageId is refused.
    pub unique_message_id: bool,
    /// A key left Unknown may be sent again.
    pub idempotent: bool,
    /// The key is remembered. Else no call can be the same: nobody else knows the key, and it is only this
    /// entry's name.
    pub is_remembered: bool,
}

impl SameCall {
    /// Of an entry that is known by its key alone, until then by its own time.
    #[must_use]
    pub const fn until(expires_at_us: i64, idempotent: bool) -> Self {
        Self {
            judged_by_us: i64::MAX,
            expires_at_us,
            unique_message_id: false,
            idempotent,
            is_remembered: true,
        }
    }

    /// Of an entry that no other call can be the same as: what the gateway does by itself, and what is
    /// only relayed. Its key is made of its own id. It is not given up before then, should its node die.
    #[must_use]
    pub const fn alone(until_us: i64, idempotent: bool) -> Self {
        Self { is_remembered: false, ..Self::until(until_us, idempotent) }
    }
}

/// What opening found.
#[derive(Debug)]
pub enum Opening {
    /// New, durable: go on to `encode`.
    Fresh,
    /// The same call was answered, Done or Refused: these bytes, with the HTTP status they had.
    Stored { entry: EntryId, outcome: Outcome, http_status: u16, answer: bytes::Bytes },
    /// The same call is under way: wait for it, then open again.
    InFlight { entry: EntryId },
    /// The same call was left Unknown and may not be sent again.
    LeftUnknown { entry: EntryId },
    /// The messageId was used with other content and the service forbids it.
    Twin { entry: EntryId },
}

/// The row that ends an entry.
#[derive(Clone, Debug)]
pub struct Closed {
    pub id: EntryId,
    pub key: CallKey,
    /// Unix microseconds.
    pub closed_at_us: i64,
    pub outcome: Outcome,
    pub fault: Option<(Code, Phase)>,
    /// What closed it: `answer`, `refusal` (of an agency that does a call once for its name: nothing
    /// was done, and the same call may end otherwise another time), `fault`, `interrupted`, `inquiry`, `register`, `operator`.
    pub evidence: &'static str,
    pub http_status: u16,
    /// SHA-256 of the agency's answer as received, zero where none came.
    pub agency_digest: [u8; 32],
    /// SHA-256 of the certificate that signed the agency's answer.
    pub agency_certificate: [u8; 32],
    /// SHA-256 of what the caller got.
    pub answer_digest: [u8; 32],
    /// What the caller got; stored for the same call unless empty or a refusal.
    pub answer: bytes::Bytes,
    /// Bodies that only passed; `None` where they were held.
    pub streamed: Option<Streamed>,
    /// Microseconds since `opened_at_us` at the end of each phase, in the order of [`Phase::ALL`]; 0: not reached.
    pub phase_us: [u32; 11],
    /// The answer and this row must be durable before the reply.
    pub is_durable_first: bool,
}

/// What is known of bodies that passed by and were not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Streamed {
    /// SHA-256 of the request's body as far as it was sent on, zero where there was none.
    pub request_digest: [u8; 32],
    pub request_bytes: u64,
    /// Bytes that the caller was given of the answer.
    pub answer_bytes: u64,
}

impl Closed {
    /// Whether the same call gets this answer again: an answer that the agency gave. Faults are told
    /// anew, and what is Unknown has no answer yet.
    #[must_use]
    pub fn is_stored(&self) -> bool {
        let is_answer = self.fault.is_none() && self.evidence != "refusal";
        is_answer && self.outcome != Outcome::Unknown && !self.answer.is_empty()
    }
}

/// The row that ends an entry left Unknown.
#[derive(Clone, Debug)]
pub struct Resolved {
    pub id: EntryId,
    /// Unix microseconds.
    pub resolved_at_us: i64,
    /// Done or Refused; Refused frees the key, so that the caller may send the same call again.
    pub outcome: Outcome,
    /// What decided: `inquiry`, `register` or `operator`.
    pub evidence: &'static str,
    /// For people: which register, who decided and why.
    pub note: String,
}

/// What became of a [`Resolved`] row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// Durable: the entry is no longer Unknown.
    Written,
    /// No such entry waits for evidence: it is absent, still open, clear, or resolved before.
    NotWaiting,
}

/// PostgreSQL's texts hold no NUL; one caller's must not fail a whole group.
pub(super) fn without_nul(opened: &mut Opened) {
    for text in [
        &mut opened.participant,
        &mut opened.sender_id,
        &mut opened.agency,
        &mut opened.service,
        &mut opened.route_id,
        &mut opened.message_id,
        &mut opened.correlation_id,
    ] {
        clean(text);
    }
}

pub(super) fn clean(text: &mut String) {
    if text.contains('\0') {
        *text = text.replace('\0', "\u{fffd}");
    }
}

#[cfg(test)]
mod tests {
    use super::EntryId;

    #[test]
    fn an_id_carries_its_day_and_sorts_by_time() {
        let noon_us = 1_795_348_800_000_000; // 2026-11-22T12:00:00Z
        let (earlier, later) = (EntryId::at(noon_us), EntryId::at(noon_us + 1_000));
        assert!(earlier < later);
        assert_eq!(earlier.day(), 20_779);
        assert_eq!(EntryId::at(noon_us + 12 * 3_600 * 1_000_000).day(), 20_780);
        assert_eq!(EntryId(uuid::Uuid::nil()).day(), 0);
        assert_eq!(later.to_string().parse(), Ok(later));
    }
}
