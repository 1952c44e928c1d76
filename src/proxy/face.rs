//! What a caller's face changes on the way: the form that a call is put into, and what it must bear.

use super::listener::Received;
use super::trace::Trace;
use super::{Gateway, bank, route};
use crate::channel::Face;
use crate::channel::rest::{self, Stamp};
use crate::channel::sync;
use crate::config::settings::Service;
use crate::sign::rest::jws;
use bytes::Bytes;
use hyper::Method;
use qaqpa_kit::card;
use qaqpa_kit::fault::{Code, Fault, Phase};
use qaqpa_kit::manifest::SignatureForm;
use qaqpa_kit::xml::Document;
use std::borrow::Cow;

/// So many times `limits.body_bytes_max` a form may be large: escapes make many bytes of one, and it
/// stays in memory as long as its call.
const GROWTH_MAX: usize = 2;

/// The SyncChannel form of a call: SOAP as it came, JSON as the service's adapter puts it.
///
/// # Errors
/// `caller.malformed` for a REST call that cannot be put into it, and for SOAP that is said to be no UTF-8;
/// `caller.too_large` for one that grows too much.
pub fn form<'r>(
    gate: &Gateway,
    received: &'r Received,
    trace: &Trace,
) -> Result<Cow<'r, [u8]>, Fault> {
    let (path, headers, body) = (received.uri.path(), &received.headers, &received.body);
    let (call, json_body) = match trace.face {
        Face::Sync => {
            sync::check_charset(headers)?;
            return Ok(Cow::Borrowed(body));
        }
        Face::Bank => return bank::form(gate, received, trace).map(Cow::Owned),
        Face::Rest(_) => (rest::Call::read(path, headers)?, Cow::Borrowed(&**body)),
        Face::Resource(resource, _) => {
            let call = rest::Call::of(resource.service, headers, !body.is_empty())?;
            (call, resource.json(path, received.uri.query(), body)?)
        }
    };
    // A service that is unknown, or has no JSON form, is refused by `route`, once the caller is known.
    let service = route::find(&gate.settings, call.service_id, call.route_id);
    let json = service.and_then(|service| service.agency.adapter.json());
    let json_body = if rest::is_jose(headers) && !body.is_empty() {
        Cow::Owned(opened(service.map(|service| &**service), body)?)
    } else {
        json_body
    };
    let stamp =
        Stamp { session_id: &trace.session_id(), received_at: &Trace::date(trace.received_at_us) };
    let form = call.form(json, &json_body, &stamp)?;
    if form.len() / GROWTH_MAX > gate.settings.limits.body_bytes_max {
        return Err(Fault::new(Code::CallerTooLarge, Phase::Receive, "body_bytes"));
    }
    Ok(Cow::Owned(form.into_bytes()))
}

/// The JSON inside a body that is a JWS, where the service takes one; `verify` says whose it is.
fn opened(service: Option<&Service>, body: &[u8]) -> Result<Vec<u8>, Fault> {
    let malformed = |reason| Fault::new(Code::CallerMalformed, Phase::Receive, reason);
    let is_taken = |service: &Service| {
        let mut demands = service.manifest.signatures.iter();
        demands.any(|demand| demand.form.contains(&SignatureForm::Jws))
    };
    if !service.is_some_and(is_taken) {
        return Err(malformed("content_type"));
    }
    jws::payload(body).ok_or(malformed("jws_malformed"))
}

/// What came, as the evidence of a call and as that which makes it the same call: its body, after the
/// line with method and target where these say more than the service.
#[must_use]
pub fn original(face: Face, received: &Received) -> Bytes {
    let is_in_body = match face {
        Face::Resource(resource, _) => resource.is_in_body(),
        Face::Bank => received.method != Method::GET,
        Face::Sync | Face::Rest(_) => true,
    };
    if is_in_body {
        return received.body.clone();
    }
    let target = received.uri.path_and_query().map_or("/", |target| target.as_str());
    let line = format!("{} {target}\n", received.method);
    Bytes::from([line.as_bytes(), &received.body].concat())
}

/// Refuses a request about money that holds a card's number or its security code, before anything of
/// it is kept. A bank's own ids are exempt: they are numbers too.
///
/// # Errors
/// `caller.malformed` with the reason `card_number`.
pub fn check_cards(service: &Service, document: &Document<'_>) -> Result<(), Fault> {
    const BANKS_OWN: [&str; 6] =
        ["txn_id", "about_txn_id", "document_number", "event_id", "messageId", "correlationId"];
    const NONE: [&str; 0] = [];
    let is_banks = service.manifest.id.starts_with("PAY_Bank");
    let exempt: &[&str] = if is_banks { &BANKS_OWN } else { &NONE };
    if service.agency.is_house() && card::is_in_document(document, |name| exempt.contains(&name)) {
        return Err(Fault::new(Code::CallerMalformed, Phase::Route, "card_number"));
    }
    Ok(())
}

/// Whether a service can be called on this face, in this way.
///
/// # Errors
/// On REST: as [`rest::check`].
pub fn check(face: Face, service: &Service, received: &Received) -> Result<(), Fault> {
    match face {
        Face::Sync | Face::Bank => Ok(()),
        Face::Rest(_) | Face::Resource(..) => rest::check(service, &received.headers),
    }
}
