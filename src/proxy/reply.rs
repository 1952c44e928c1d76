//! The answer to a caller: its bytes, its status, and what the journal is told of it.

use super::Gateway;
use super::answer::Answered;
use super::trace::Trace;
use super::{exchange, verdict};
use crate::channel::{Face, rest, sync};
use crate::config::settings::Service;
use crate::journal::JournalDown;
use crate::journal::entry::EntryId;
use crate::sign::wsse::{self, Signed};
use bytes::Bytes;
use qaqpa_kit::fault::{Budget, Code, Fault, Outcome, Phase};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// One answer, ready to be written.
#[derive(Debug)]
pub struct Reply {
    /// The entry that tells about it: this call's own, or the first one's for a stored answer.
    pub entry: EntryId,
    pub outcome: Outcome,
    /// The gateway's own fault; an agency's refusal is none.
    pub fault: Option<Fault>,
    /// What is left of the caller's quota, where its face tells.
    pub budget: Option<Budget>,
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
            budget: None,
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
        let times = verdict::times(&fault, trace);
        let fault = fault.times(times);
        let (http_status, document) = match trace.face {
            Face::Sync => {
                let language = gate.settings.node.language;
                let date = Trace::date(trace.now_us());
                let session_id = entry.0.as_braced().to_string();
                let document = sync::fault_document(&fault, language, &date, &session_id);
                // SOAP 1.1 §6.2: every fault is a 500.
                (500, document.into_bytes())
            }
            // The dialect writes it, where the answer leaves.
            Face::Bank => (fault.code.row().http_status, Vec::new()),
            Face::Rest(language) | Face::Resource(_, language) => {
                (fault.code.row().http_status, rest::problem::document(&fault, language, entry.0))
            }
        };
        let http_status = fault.http_status.unwrap_or(http_status);
        let stored = Self::stored(entry, fault.outcome(), http_status, Bytes::from(document));
        Self { fault: Some(fault), ..stored }
    }

    /// This reply with what is left of the caller's quota, on REST: of the one that refused the call,
    /// else of its own.
    #[must_use]
    pub fn with_budget(self, gate: &Gateway, trace: &Trace) -> Self {
        if !matches!(trace.face, Face::Rest(_) | Face::Resource(..)) {
            return self;
        }
        let refused = self.fault.as_ref().and_then(|fault| fault.budget.as_deref().cloned());
        let own = || {
            let is_known = gate.settings.services.contains_key(&trace.service);
            is_known.then(|| gate.admission.budget(&trace.participant, &trace.service))?
        };
        let budget = refused.or_else(own);
        Self { budget, ..self }
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
        let answered = match answered {
            Ok(answered) => answered,
            Err(fault) => return Self::refused(gate, fault, trace),
        };
        // The entry is open: a panic must not keep it so.
        let write = AssertUnwindSafe(|| Self::form(gate, &answered, signed, service, trace));
        let written = catch_unwind(write).unwrap_or_else(|_| Err(exchange::bug(gate, trace)));
        let reply = match written {
            Ok((http_status, body)) => {
                Self::stored(EntryId(trace.id), answered.outcome, http_status, Bytes::from(body))
            }
            Err(fault) => Self::refused(gate, fault, trace),
        };
        // What the agency said is evidence, also where it cannot be told.
        Self {
            agency_digest: answered.agency_digest,
            agency_certificate: answered.agency_certificate,
            ..reply
        }
    }

    /// Status and bytes of the agency's answer in the form of the caller's face.
    fn form(
        gate: &Gateway,
        answered: &Answered,
        signed: Option<&Signed>,
        service: &Service,
        trace: &Trace,
    ) -> Result<(u16, Vec<u8>), Fault> {
        match trace.face {
            Face::Sync => sign(gate, answered, signed).map(|body| (answered.http_status, body)),
            // An agency's own fault is its refusal, and so an answer.
            Face::Rest(_) => part(service, answered, trace).and_then(|part| {
                Ok((200, rest::answer::body(&answered.document, &gate.settings.limits.xml, &part)?))
            }),
            Face::Bank => part(service, answered, trace).and_then(|part| {
                let limits = &gate.settings.limits.xml;
                Ok((200, rest::answer::data(&answered.document, limits, &part)?))
            }),
            Face::Resource(resource, language) => part(service, answered, trace).and_then(|part| {
                let limits = &gate.settings.limits.xml;
                let data = rest::answer::data(&answered.document, limits, &part)?;
                resource.answer(answered.outcome, data, language)
            }),
        }
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
            Err(down) if service.manifest.is_harmful_twice() => {
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

/// What an answer in JSON is made of.
fn part<'a>(
    service: &'a Service,
    answered: &Answered,
    trace: &Trace,
) -> Result<rest::answer::Part<'a>, Fault> {
    let json = service.agency.adapter.json();
    Ok(rest::answer::Part {
        json: json.ok_or(Fault::new(Code::GatewayBug, Phase::Reply, "no_rest_form"))?,
        service: &service.manifest.id,
        outcome: answered.outcome,
        entry: trace.id,
    })
}
