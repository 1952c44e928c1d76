//! The listener around the adapters' pure simulators: an agency's stand-in over real sockets and TLS.
//!
//! It verifies the gateway's signature and signs its answers as a living agency does, so that a demo
//! or a test passes every check that production passes.

pub mod bank;

use crate::config::settings::BoundCertificate;
use crate::proxy::identify::is_pinned;
use crate::proxy::listener::Received;
use crate::proxy::listener::{AnswerBody, Handler};
use crate::proxy::trace::Trace;
use crate::sign::certificate::CertificateCache;
use crate::sign::{Signers, wsse};
use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use qaqpa_kit::adapter::{
    Adapter, Call, SimulatedAnswer, SimulatedRequest, Simulator, WrittenAnswer,
};
use qaqpa_kit::envelope::Request;
use qaqpa_kit::envelope::write::{AnswerHead, FaultInfo, answer, fault};
use qaqpa_kit::fault::{Code, Fault, Phase};
use qaqpa_kit::manifest::Wire;
use qaqpa_kit::soap::Envelope;
use qaqpa_kit::xml::Limits;
use std::sync::Arc;

/// How an agency misbehaves, for the tests of bad days.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Behaviour {
    /// As the simulator says.
    #[default]
    Honest,
    /// Answers bytes that are no XML.
    Garbage,
    /// Answers without a signature.
    Unsigned,
    /// Answers with a signature over something else.
    WronglySigned,
    /// Never answers.
    Hanging,
}

/// One simulated agency.
pub struct SimulatedAgency {
    pub adapter: Arc<dyn Adapter>,
    pub signers: Signers,
    /// The gateway's certificates; a request signed by anybody else is answered with a fault.
    pub gateway: Vec<BoundCertificate>,
    pub behaviour: Behaviour,
    /// Told every request that reached the agency, before it is answered.
    pub observer: Option<Observer>,
    /// Certificates of the gateway seen so far.
    pub certificates: CertificateCache,
}

/// Sees the body of a request.
pub type Observer = Box<dyn Fn(&Bytes) + Send + Sync>;

impl Handler for SimulatedAgency {
    async fn answer(&self, received: Box<Received>) -> Response<AnswerBody> {
        self.answer_to(&received).await
    }
}

impl SimulatedAgency {
    /// Answers one request of the gateway.
    async fn answer_to(&self, received: &Received) -> Response<AnswerBody> {
        if let Some(observer) = &self.observer {
            observer(&received.body);
        }
        if self.behaviour == Behaviour::Hanging {
            std::future::pending::<()>().await;
        }
        if self.behaviour == Behaviour::Garbage {
            return respond(200, "text/xml", Bytes::from_static(b"<<< this is no answer"));
        }
        let Some(simulator) = self.adapter.simulator() else {
            return respond(404, "text/plain", Bytes::from_static(b"no simulator"));
        };
        match self.adapter.manifest().wire {
            Wire::Rest => answer_http(simulator, received),
            Wire::SyncV10 => self.answer_envelope(simulator, received),
        }
    }

    fn answer_envelope(
        &self,
        simulator: &dyn Simulator,
        received: &Received,
    ) -> Response<AnswerBody> {
        let date = Trace::date(received.received_at_us);
        let (status, document) = match self.read(simulator, received, &date) {
            Ok(answered) => answered,
            Err(refusal) => (500, refused(&refusal, &date)),
        };
        let signed = match self.behaviour {
            Behaviour::Unsigned => Ok(document.into_bytes()),
            Behaviour::WronglySigned => wsse::sign(document.as_bytes(), self.signers.outgoing())
                .map(|signed| replace(&signed, b"<messageId>", b"<messageId>0")),
            _ => wsse::sign(document.as_bytes(), self.signers.outgoing()),
        };
        match signed {
            Ok(body) => respond(status, "text/xml; charset=utf-8", Bytes::from(body)),
            Err(error) => respond(500, "text/plain", Bytes::from(error.to_string())),
        }
    }

    fn read(
        &self,
        simulator: &dyn Simulator,
        received: &Received,
        date: &str,
    ) -> Result<(u16, String), Fault> {
        let document = crate::channel::sync::scan(&received.body, &Limits::default())?;
        let message = crate::channel::sync::Message::read(&document)?;
        self.check_signature(message.envelope.as_ref(), received)?;
        let request = &message.request;
        let simulated = simulator.answer(&SimulatedRequest::Envelope(Call {
            service: &request.service_id,
            message_id: &request.message_id,
            session_id: "",
            received_at: date,
            data: request.data,
        }));
        Ok(written(request, simulated, date))
    }

    fn check_signature(
        &self,
        envelope: Option<&Envelope<'_>>,
        received: &Received,
    ) -> Result<(), Fault> {
        let now_unix_s = received.received_at_us / 1_000_000;
        let refusal = |reason| Fault::new(Code::CallerBadSignature, Phase::Verify, reason);
        let envelope = envelope.ok_or_else(|| refusal("no_envelope"))?;
        let signed = wsse::verify(envelope, &self.gateway, &self.certificates, now_unix_s)
            .map_err(|refusal| refusal.of_caller())?;
        if is_pinned(&self.gateway, &signed.certificate, now_unix_s) {
            self.certificates.keep(&signed.certificate);
            Ok(())
        } else {
            Err(refusal("cert_unknown"))
        }
    }
}

fn written(request: &Request<'_>, simulated: SimulatedAnswer, date: &str) -> (u16, String) {
    match simulated {
        SimulatedAnswer::Envelope(written) => (200, answer_document(request, &written, date)),
        SimulatedAnswer::Fault { error_code, error_message } => {
            let info = FaultInfo {
                error_code: &error_code,
                error_message: &error_message,
                error_data: "",
                error_date: date,
                session_id: "",
                is_callers: false,
            };
            (500, fault(&info))
        }
        SimulatedAnswer::Http { .. } => (500, String::new()),
    }
}

fn answer_document(request: &Request<'_>, written: &WrittenAnswer, date: &str) -> String {
    let message_id = format!("{}-answer", request.message_id);
    let head = AnswerHead {
        message_id: &message_id,
        correlation_id: &request.correlation_id,
        response_date: date,
        session_id: "",
    };
    answer(&head, written)
}

fn refused(refusal: &Fault, date: &str) -> String {
    fault(&FaultInfo {
        error_code: refusal.code.error_code(),
        error_message: refusal.code.row().ru,
        error_data: &refusal.public_line(),
        error_date: date,
        session_id: "",
        is_callers: true,
    })
}

fn answer_http(simulator: &dyn Simulator, received: &Received) -> Response<AnswerBody> {
    let request = SimulatedRequest::Http {
        method: received.method.as_str(),
        path: received.uri.path_and_query().map_or("/", |path| path.as_str()),
        body: &received.body,
    };
    match simulator.answer(&request) {
        SimulatedAnswer::Http { status, content_type, body } => {
            respond(status, content_type, Bytes::from(body))
        }
        _ => respond(500, "text/plain", Bytes::from_static(b"not an HTTP simulator")),
    }
}

fn respond(status: u16, content_type: &'static str, body: Bytes) -> Response<AnswerBody> {
    let mut response = Response::new(AnswerBody::from(body));
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// The bytes with the first `from` replaced by `to`.
fn replace(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(bytes);
    text.replacen(&*String::from_utf8_lossy(from), &String::from_utf8_lossy(to), 1).into_bytes()
}
