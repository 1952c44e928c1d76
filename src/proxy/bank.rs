//! A bank's request on its way: who it must be, what it signed, and what it is told.

use super::front::response;
use super::identify::is_pinned;
use super::listener::{AnswerBody, Received};
use super::reply::Reply;
use super::trace::Trace;
use super::{Gateway, handle};
use crate::channel::{Face, bank};
use crate::config::settings::{Bank, BankSignature, Dialect, Settings};
use crate::sign::document;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use hyper::{Method, Response, StatusCode, Uri};
use qaqpa_kit::bank::{Provider, Told};
use qaqpa_kit::card;
use qaqpa_kit::fault::{Code, Fault, Phase};

/// When a bank sends what could not be taken again, where the fault does not say so.
const AGAIN_AFTER_S: u64 = 5;

/// A bank that asks us, and its dialect.
#[derive(Clone, Copy)]
pub struct Asker<'s> {
    bank: &'s Bank,
    dialect: &'s Dialect,
    provider: &'s dyn Provider,
}

/// The bank that a path names, if it asks us anything.
#[must_use]
pub fn asker<'s>(settings: &'s Settings, path: &str) -> Option<Asker<'s>> {
    let (id, _) = bank::place(path)?;
    let bank = settings.payments.banks.get(id)?;
    let dialect = bank.dialect.as_ref()?;
    Some(Asker { bank, dialect, provider: dialect.adapter.provider()? })
}

/// Answers a whole request.
pub async fn answer(gate: &Gateway, received: Box<Received>) -> Response<AnswerBody> {
    // The answer is written in the words of the question.
    let Received { method, uri, headers, body, .. } = Received::clone(&received);
    let reply = handle::handle(gate, Face::Bank, received).await;
    written(gate, (&method, &uri, &headers), &body, reply)
}

/// Answers a request that did not arrive whole.
pub fn refuse(
    gate: &Gateway,
    request: (&Method, &Uri, &HeaderMap),
    fault: &Fault,
) -> Response<AnswerBody> {
    let reply = handle::refuse(gate, fault.clone(), &Trace::begin(Face::Bank));
    written(gate, request, b"", reply)
}

/// A reply in the bank's dialect: what the desk said, or what a fault means for money.
fn written(
    gate: &Gateway,
    (method, uri, headers): (&Method, &Uri, &HeaderMap),
    body: &[u8],
    mut reply: Reply,
) -> Response<AnswerBody> {
    // Without a bank of that name this face is not chosen.
    let Some(asker) = asker(&gate.settings, uri.path()) else {
        return response(Face::Bank, reply);
    };
    let asked = bank::asked((method, uri), headers, body, &asker.bank.placement);
    let told = match &reply.fault {
        Some(fault) => Told::fault(fault),
        None => bank::told(&reply.body),
    };
    let answer = asker.provider.write(&asked, &told);
    reply.body = Bytes::from(answer.body);
    let mut response = response(Face::Bank, reply);
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or_default();
    if response.status() == StatusCode::SERVICE_UNAVAILABLE {
        let after = HeaderValue::from(AGAIN_AFTER_S);
        response.headers_mut().entry(RETRY_AFTER).or_insert(after);
    }
    let media_type = HeaderValue::from_static(answer.content_type);
    response.headers_mut().insert(CONTENT_TYPE, media_type);
    response
}

/// The SyncChannel form of a bank's request. Who is not this bank is told nothing of what it wrote.
///
/// # Errors
/// `caller.unknown` and `caller.forbidden` for who is not the bank, `caller.unsigned` and
/// `caller.bad_signature` where it signs its requests, `caller.malformed` for what cannot be read.
pub fn form(gate: &Gateway, received: &Received, trace: &Trace) -> Result<Vec<u8>, Fault> {
    let unknown = Fault::new(Code::CallerUnknownService, Phase::Receive, "bank_unknown");
    let asker = asker(&gate.settings, received.uri.path()).ok_or(unknown)?;
    check_caller(gate, asker, received)?;
    let request = (&received.method, &received.uri);
    let placement = &asker.bank.placement;
    let asked = bank::asked(request, &received.headers, &received.body, placement);
    let (own_ids, limits) = (asker.provider.own_ids(), &gate.settings.limits.xml);
    let is_own = |name: &str| own_ids.contains(&name);
    let malformed = |reason| Fault::new(Code::CallerMalformed, Phase::Receive, reason);
    match card::is_in_body(asked.body, limits, is_own) {
        _ if card::is_in_query(asked.query, is_own) => return Err(malformed("card_number")),
        Ok(false) => {}
        Ok(true) => return Err(malformed("card_number")),
        Err(reason) => return Err(malformed(reason)),
    }
    let ask = asker.provider.read(&asked)?;
    let received_at = Trace::date(trace.received_at_us);
    let stamp = (trace.session_id(), received_at);
    bank::form(&asker.bank.id, &ask, (&stamp.0, &stamp.1)).map(String::into_bytes)
}

/// Whether the certificate, and the signature where the bank signs, are the bank's.
fn check_caller(gate: &Gateway, asker: Asker<'_>, received: &Received) -> Result<(), Fault> {
    let now_unix_s = received.received_at_us / 1_000_000;
    let (peer, certificates) = (received.peer.as_deref(), gate.trust.certificates());
    let caller = gate.callers.identify_by_certificate(peer, certificates, now_unix_s)?;
    if asker.bank.participant.as_deref() != Some(caller.participant.id.as_str()) {
        return Err(Fault::new(Code::CallerForbidden, Phase::Identify, "not_this_bank"));
    }
    let Some(BankSignature { header, covers }) = &asker.dialect.signature else { return Ok(()) };
    let refused = |code, reason| Fault::new(code, Phase::Verify, reason);
    let mut values = received.headers.get_all(header.as_str()).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(refused(Code::CallerUnsigned, "signature_missing"));
    };
    // RFC 7515 Appendix F: the payload is not repeated in the signature.
    let detached = value.to_str().unwrap_or_default().split_once("..");
    let (head, signature) =
        detached.ok_or_else(|| refused(Code::CallerBadSignature, "signature_malformed"))?;
    let payload = bank::signed(*covers, &received.method, &received.uri, &received.body);
    let document = format!("{head}.{}.{signature}", URL_SAFE_NO_PAD.encode(payload));
    let signed = document::verify(&document, certificates)
        .map_err(|reason| refused(Code::CallerBadSignature, reason.word()))?;
    let is_theirs = is_pinned(&caller.participant.certificates, &signed.certificate, now_unix_s);
    if signed.kind == bank::signature_kind(*covers) && is_theirs {
        Ok(())
    } else {
        Err(refused(Code::CallerBadSignature, "signature_of_another"))
    }
}
