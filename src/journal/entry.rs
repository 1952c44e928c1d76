//! One call's record: the row opened before the send, the row closed after it, and what closed it.

use qaqpa_kit::fault::{Code, Outcome, Phase};

/// Identity of an entry: UUID version 7, so that ids sort by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntryId(pub uuid::Uuid);

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
    /// SHA-256 of the request as received.
    pub request_digest: [u8; 32],
    pub request_bytes: u64,
    /// The request as received; kept by policy.
    pub request: bytes::Bytes,
}

/// How the same-call rule of the service reads.
#[derive(Clone, Copy, Debug)]
pub struct SameCall {
    /// Unix microseconds until which the key is remembered.
    pub expires_at_us: i64,
    /// Other content under the same messageId is refused.
    pub unique_message_id: bool,
    /// A key left Unknown may be sent again.
    pub idempotent: bool,
}

/// What opening found.
#[derive(Debug)]
pub enum Opening {
    /// New, durable: go on to `encode`.
    Fresh,
    /// The same call was answered: these bytes, with the HTTP status they had.
    Stored { entry: EntryId, http_status: u16, answer: bytes::Bytes },
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
    /// What closed it: `answer`, `fault`, `interrupted`, `inquiry`, `register`, `operator`.
    pub evidence: &'static str,
    pub http_status: u16,
    /// SHA-256 of the agency's answer as received, zero where none came.
    pub agency_digest: [u8; 32],
    /// SHA-256 of the certificate that signed the agency's answer.
    pub agency_certificate: [u8; 32],
    /// SHA-256 of what the caller got.
    pub answer_digest: [u8; 32],
    /// What the caller got; stored for the same call unless empty.
    pub answer: bytes::Bytes,
    /// Microseconds since `opened_at_us` at the end of each phase, in the order of [`Phase::ALL`]; 0: not reached.
    pub phase_us: [u32; 11],
    /// The answer and this row must be durable before the reply.
    pub is_durable_first: bool,
}
