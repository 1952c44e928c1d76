//! The answer to a caller: its bytes, its status, and what the journal is told of it.

use super::Gateway;
use super::answer::Answered;
use super::trace::Trace;
use crate::channel::{Face, rest, sync};
use crate::config::settings::Service;
use crate::journal::JournalDown;
use crate::journal::entry::EntryId;
use crate::sign::wsse::{self, Signed};
use bytes::Bytes;
use qaqpa_kit::fault::{Code, Fault, Outcome, Phase};

/// One answer, ready to be written.
#[derive(Debug)]
pub struct Reply {
    /// The entry that tells about it: this call's own, or the first one's for a stored answer.
    pub entry: EntryId,
    pub outcome: Outcome,
    /// The gateway's own fault; an agency's refusal is none.
    pub fault: Option<Fault>,
    pub http_status: u16,
    pub body: Bytes,
    pub agency_digest: [u8; 32],
    pub agency_certificate: [u8; 32],
}

impl Reply {
    /// The stored answer to the same call, byte for byte.
    #[must_use]
    pub fn stored(entry: EntryId, outcome: Outcome, http_status: u16, body: Bytes) -> Self {
        Self {
            entry,
            outcome,
            fault: None,
            http_status,
            body,
            agency_digest: [0; 32],
            agency_certificate: [0; 32],
        }
    }

    /// A fault of our taxonomy as the caller's face writes it; unsigned, so that junk costs no
    /// signature.
    #[must_use]
    pub fn refused(gate: &Gateway, fault: Fault, trace: &Trace) -> Self {
        Self::fault_about(EntryId(trace.id), gate, fault, trace)
    }

    /// The same call was left Unknown: only evidence about its first entry decides, which is named
    /// here; this repetition itself was not sent, which is what its phase says.
    #[must_use]
    pub fn left_unknown(gate: &Gateway, first: EntryId, trace: &Trace) -> Self {
        let fault = Fault::new(Code::AgencyTimeout, Phase::Open, "left_unknown").because(first);
        let outcome = Outcome::Unknown;
        Self { outcome, ..Self::fault_about(first, gate, fault, trace) }
    }

    fn fault_about(entry: EntryId, gate: &Gateway, fault: Fault, trace: &Trace) -> Self {
        let (http_status, document) = match trace.face {
            Face::Sync => {
                let language = gate.settings.node.language;
                let date = Trace::date(trace.now_us());
                let session_id = entry.0.as_braced().to_string();
                let document = sync::fault_document(&fault, language, &date, &session_id);
                // SOAP 1.1 §6.2: every fault is a 500.
                (500, document.into_bytes())
            }
            Face::Rest(language) => {
                (fault.code.row().http_status, rest::problem::document(&fault, language, entry.0))
            }
        };
        let http_status = fault.http_status.unwrap_or(http_status);
        let stored = Self::stored(entry, fault.outcome(), http_status, Bytes::from(document));
        Self { fault: Some(fault), ..stored }
    }

    /// The agency's answer as the caller's face writes it; or the fault.
    #[must_use]
    pub fn written(
        gate: &Gateway,
        answered: Result<Answered, Fault>,
        signed: Option<&Signed>,
        service: &Service,
        trace: &Trace,
    ) -> Self {
        let write = |answered: Answered| {
            let (http_status, body) = match trace.face {
                Face::Sync => (answered.http_status, sign(gate, &answered, signed)?),
                // An agency's own fault is its refusal, and so an answer.
                Face::Rest(_) => (200, in_json(gate, &answered, service, trace)?),
            };
            Ok(Self {
                entry: EntryId(trace.id),
                outcome: answered.outcome,
                fault: None,
                http_status,
                body: Bytes::from(body),
                agency_digest: answered.agency_digest,
                agency_certificate: answered.agency_certificate,
            })
        };
        answered.and_then(write).unwrap_or_else(|fault| Self::refused(gate, fault, trace))
    }

    /// This reply, unless its close had to be durable first and was not.
    ///
    /// # Errors
    /// `gateway.journal_down`: what happened at the agency is open until there is evidence.
    pub fn if_kept(
        self,
        closed: Result<(), JournalDown>,
        service: &Service,
    ) -> Result<Self, Fault> {
        match closed {
            Err(down) if !service.manifest.idempotent => {
                Err(Fault::new(Code::GatewayJournalDown, Phase::Close, "close_not_durable")
                    .because(down))
            }
            _ => Ok(self),
        }
    }
}

/// Signed with the family of key that the caller used.
fn sign(gate: &Gateway, answered: &Answered, signed: Option<&Signed>) -> Result<Vec<u8>, Fault> {
    let signer = gate.signers.answer(signed.map(|signed| signed.family));
    wsse::sign(&answered.document, signer)
        .map_err(|error| error.fault(Code::AgencyBrokenAnswer, Phase::Reply))
}

fn in_json(
    gate: &Gateway,
    answered: &Answered,
    service: &Service,
    trace: &Trace,
) -> Result<Vec<u8>, Fault> {
    let json = service.agency.adapter.json();
    let part = rest::answer::Part {
        json: json.ok_or(Fault::new(Code::GatewayBug, Phase::Reply, "no_rest_form"))?,
        service: &service.manifest.id,
        outcome: answered.outcome,
        entry: trace.id,
    };
    rest::answer::body(&answered.document, &gate.settings.limits.xml, &part)
}
