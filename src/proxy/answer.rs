//! Reading an agency's answer: whose signature it bears, what it means, what the caller gets of it.

use super::identify::is_pinned;
use super::trace::Trace;
use super::{Gateway, business};
use crate::config::settings::Service;
use crate::sign::{Reason, wsse};
use crate::upstream::UpstreamAnswer;
use aws_lc_rs::digest::{SHA256, digest};
use qaqpa_kit::adapter::{
    Answer, Call, Content, EnvelopeAnswer, ErrorInfo, HttpAnswer, WrittenAnswer,
};
use qaqpa_kit::envelope::write::{AnswerHead, answer as write_answer};
use qaqpa_kit::envelope::{Answer as Received, AnswerBody, splice};
use qaqpa_kit::fault::{Code, Fault, Outcome, Phase};
use qaqpa_kit::manifest::Wire;
use qaqpa_kit::soap::{Envelope, Version};
use qaqpa_kit::xml::Document;

/// What the agency answered, as the caller shall get it, not yet signed.
pub struct Answered {
    pub outcome: Outcome,
    /// 200, or 500 for the agency's own fault.
    pub http_status: u16,
    /// A SyncChannel envelope.
    pub document: Vec<u8>,
    /// SHA-256 of the agency's answer as received.
    pub agency_digest: [u8; 32],
    /// SHA-256 of the certificate that signed it, zero where it is not signed.
    pub agency_certificate: [u8; 32],
}

/// Turns the agency's answer to a call into an outcome and the caller's document. `data` is the call's, for
/// an adapter that compares.
///
/// # Errors
/// `agency.broken_answer`, `agency.bad_signature`, `agency.unlisted_code`: the outcome is Unknown.
pub fn decode(
    gate: &Gateway,
    service: &Service,
    data: Option<&[u8]>,
    answer: &UpstreamAnswer,
    trace: &Trace,
) -> Result<Answered, Fault> {
    let limits = &gate.settings.limits.xml;
    let data = data.and_then(|data| Document::scan(data, limits).ok());
    let (message_id, correlation_id) = trace.names();
    let call = Call {
        service: &trace.service,
        message_id,
        session_id: &trace.session_id(),
        received_at: &Trace::date(trace.received_at_us),
        data: data.as_ref().map(Document::root),
    };
    Desk { gate, service, correlation_id, call: &call, now_us: trace.now_us() }.decode(answer)
}

/// Where one answer is read: the call it belongs to and the time it came.
struct Desk<'a> {
    gate: &'a Gateway,
    service: &'a Service,
    correlation_id: &'a str,
    call: &'a Call<'a>,
    now_us: i64,
}

fn broken(reason: &'static str, at: usize) -> Fault {
    Fault::new(Code::AgencyBrokenAnswer, Phase::Decode, reason).at(at)
}

impl Desk<'_> {
    fn decode(&self, answer: &UpstreamAnswer) -> Result<Answered, Fault> {
        if answer.body.len() > self.service.body_bytes_max {
            return Err(Fault::new(Code::AgencyBrokenAnswer, Phase::Decode, "answer_too_large"));
        }
        let mut answered = match self.service.agency.adapter.manifest().wire {
            Wire::Rest => self.decode_http(answer)?,
            Wire::SyncV10 => self.decode_envelope(answer)?,
        };
        answered.agency_digest.copy_from_slice(digest(&SHA256, &answer.body).as_ref());
        Ok(answered)
    }

    fn decode_http(&self, answer: &UpstreamAnswer) -> Result<Answered, Fault> {
        let http = HttpAnswer {
            status: answer.status,
            content_type: answer.content_type.as_deref(),
            body: &answer.body,
        };
        let decoded = self.service.agency.adapter.decode(self.call, &Answer::Http(http))?;
        match decoded.content {
            Content::Written(written) => Ok(self.answered(decoded.outcome, self.write(&written))),
            // There is no envelope to pass on: the adapter broke its contract.
            Content::AsReceived => {
                Err(Fault::new(Code::GatewayBug, Phase::Decode, "adapter_wrote_nothing"))
            }
        }
    }

    fn decode_envelope(&self, answer: &UpstreamAnswer) -> Result<Answered, Fault> {
        let document = Document::scan(&answer.body, &self.gate.settings.limits.xml)
            .map_err(|error| broken(error.reason, error.at))?;
        let envelope = Envelope::read(&document).map_err(|error| broken(error.reason, error.at))?;
        if envelope.version != Version::Soap11 {
            return Err(broken("soap_version", envelope.root.span().start));
        }
        let agency_certificate = self.signer(&envelope)?;
        let received = Received::read(envelope.payload)
            .map_err(|fault| broken(fault.reason, fault.at.unwrap_or(0)))?;
        let (kind, http_status) = match &received.body {
            // Whatever sent a success under another status, it was not the agency's own word.
            AnswerBody::Response { .. } if answer.status != 200 => {
                return Err(broken("http_status", 0));
            }
            AnswerBody::Response { status_code, status_message, data } => {
                let response = EnvelopeAnswer { status_code, status_message, data: *data };
                (Answer::Envelope(response), 200)
            }
            AnswerBody::Fault { error_code, error_message } => {
                (Answer::Fault(ErrorInfo { error_code, error_message }), 500)
            }
        };
        let decoded = self.service.agency.adapter.decode(self.call, &kind)?;
        if let Answer::Envelope(result) = &kind
            && decoded.outcome == Outcome::Done
        {
            business::of_answer(self.gate, self.service, result.data, self.now_us / 1_000_000)?;
        }
        let bytes = match &decoded.content {
            Content::AsReceived => splice::answer(&document, &received, self.call.session_id),
            Content::Written(written) => self.write(written),
        };
        let answered = self.answered(decoded.outcome, bytes);
        Ok(Answered { http_status, agency_certificate, ..answered })
    }

    /// The certificate that signed the answer; an agency's answers are pinned to its own.
    fn signer(&self, envelope: &Envelope<'_>) -> Result<[u8; 32], Fault> {
        let agency = &self.service.agency;
        if envelope.security.is_none() && !agency.answer_signed {
            return Ok([0; 32]);
        }
        let trust = &self.gate.trust;
        let now_unix_s = self.now_us / 1_000_000;
        let known = &agency.answer_certificates;
        let signed = wsse::verify(envelope, known, trust.certificates(), now_unix_s)
            .map_err(|refusal| refusal.of_agency())?;
        if !is_pinned(known, &signed.certificate, now_unix_s) {
            let reason = "cert_not_bound_to_sender";
            return Err(Fault::new(Code::AgencyBadSignature, Phase::Decode, reason));
        }
        let judged = trust.judge(&signed.certificate, now_unix_s).map_err(Reason::of_agency)?;
        if self.gate.revocation.is_known_revoked(&judged, now_unix_s) {
            return Err(Reason::CertRevoked.of_agency());
        }
        Ok(signed.certificate.sha256())
    }

    fn answered(&self, outcome: Outcome, document: Vec<u8>) -> Answered {
        Answered {
            outcome,
            http_status: 200,
            document,
            agency_digest: [0; 32],
            agency_certificate: [0; 32],
        }
    }

    fn write(&self, written: &WrittenAnswer) -> Vec<u8> {
        let head = AnswerHead {
            message_id: self.call.message_id,
            correlation_id: self.correlation_id,
            response_date: &Trace::date(self.now_us),
            session_id: self.call.session_id,
        };
        write_answer(&head, written).into_bytes()
    }
}
