//! From HTTP to a call and back: which face a request is for, and the headers of its answer.

use super::current::Current;
use super::listener::{AnswerBody, Arriving, Handler, Intake, Peer, Received};
use super::look_up::{self, LookUps};
use super::reply::Reply;
use super::trace::Trace;
use super::{Gateway, bank, handle, path, registers, relay, verdict};
use crate::channel::bank::{METHODS, PREFIX};
use crate::channel::rest::{self, resource};
use crate::channel::{Face, sync::wsdl};
use crate::config::settings::{Listener, TlsMode};
use bytes::Bytes;
use hyper::header::{
    ALLOW, CONTENT_LANGUAGE, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, LOCATION,
    RETRY_AFTER,
};
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode, Version};
use qaqpa_kit::fault::{Budget, Fault};
use std::sync::Arc;

/// The entry that tells about this answer.
const ENTRY: HeaderName = HeaderName::from_static("qaqpa-entry");
/// Set on every answer that the gateway made itself: the fault's public code.
const FAULT: HeaderName = HeaderName::from_static("qaqpa-fault");
/// Whose failure it is, in which phase, and the four times of the call.
const VERDICT: HeaderName = HeaderName::from_static("qaqpa-verdict");

/// What stands behind one door for callers.
///
/// SyncChannel is served on every path but those of the REST face: systems connect with the path that
/// they have configured for the ШЭП. `GET …?wsdl` and `GET /api/v1/openapi.json` describe the faces.
pub struct Front {
    pub current: Arc<Current>,
    /// Which of the settings' listeners it is.
    pub listener: usize,
    /// Where receipts are looked up, at the doors that allow it.
    pub look_ups: Arc<LookUps>,
}

impl Handler for Front {
    /// Below an agency with operations requests are relayed while they arrive; a register goes to disk.
    fn intake(&self, head: &Parts) -> Intake {
        let gate = self.current.gate();
        let is_streamed = registers::is_upload(head) || is_relayed(&gate, head.uri.path());
        if is_streamed { Intake::Stream } else { Intake::Whole }
    }

    fn is_swamped(&self) -> bool {
        self.current.gate().admission.is_swamped()
    }

    async fn relay(&self, arriving: Arriving) -> Response<AnswerBody> {
        let gate = self.current.gate();
        let face = face(&gate, &arriving.method, arriving.uri.path(), &arriving.headers);
        if arriving.uri.path().starts_with(registers::PREFIX) {
            return registers::upload(&gate, face, arriving).await;
        }
        relay::relay(&gate, face, arriving).await
    }

    /// All but a call is boxed: a call that waits for its agency holds no room for anything else.
    async fn answer(&self, received: Box<Received>) -> Response<AnswerBody> {
        let gate = &*self.current.gate();
        if received.uri.path().starts_with(look_up::PREFIX)
            && self.listener(gate).is_some_and(|listener| listener.receipts)
        {
            return Box::pin(self.look_ups.answer(gate, &received)).await;
        }
        let face = face(gate, &received.method, received.uri.path(), &received.headers);
        if received.uri.path().starts_with(registers::PREFIX) {
            return Box::pin(registers::look_up(gate, face, &received)).await;
        }
        if let Some(unserved) = unserved(face, &received.method, received.uri.path()) {
            return unserved;
        }
        match (face, &received.method) {
            (Face::Bank, _) => Box::pin(bank::answer(gate, received)).await,
            (Face::Resource(..), _) | (_, &Method::POST) => {
                response(face, handle::handle(gate, face, received).await)
            }
            (Face::Rest(_), _) => described(gate.rest.document(), rest::JSON),
            (Face::Sync, _) => self.wsdl(gate, &received).unwrap_or_else(|| {
                plain(StatusCode::NOT_FOUND, "POST a SyncChannel message, or GET ?wsdl\n")
            }),
        }
    }

    fn owner(&self, peer: &Peer, now_unix_s: i64) -> Option<Arc<str>> {
        let gate = self.current.gate();
        let certificate = peer.read(gate.trust.certificates()).ok()?;
        let bearer = gate.callers.bearer(&certificate, now_unix_s)?;
        Some(bearer.id.as_str().into())
    }

    fn refuse(&self, head: &Parts, fault: &Fault) -> Response<AnswerBody> {
        let gate = &*self.current.gate();
        let face = face(gate, &head.method, head.uri.path(), &head.headers);
        if face == Face::Bank {
            let request = (&head.method, &head.uri, &head.headers);
            return bank::refuse(gate, request, fault);
        }
        let trace = Trace::begin(face);
        let refusal = response(face, handle::refuse(gate, fault.clone(), &trace));
        // What is not served here is told as that, whatever is wrong with the rest of it. On SyncChannel
        // only what HTTP/2 frames: in HTTP/1 what is wrong may be where the request ends.
        unserved(face, &head.method, head.uri.path())
            .filter(|_| face != Face::Sync || head.version == Version::HTTP_2)
            .unwrap_or(refusal)
    }
}

fn is_relayed(gate: &Gateway, path: &str) -> bool {
    gate.settings.operations.contains_key(&*path::first_segment(path))
}

/// What a request's caller speaks, by its address.
fn face(gate: &Gateway, method: &Method, path: &str, headers: &HeaderMap) -> Face {
    let language = || rest::language(headers, gate.settings.node.language);
    match resource::find(method.as_str(), path) {
        Some(resource) => Face::Resource(resource, language()),
        None if path.starts_with(rest::ROOT) || is_relayed(gate, path) => Face::Rest(language()),
        None if bank::asker(&gate.settings, path).is_some() => Face::Bank,
        None => Face::Sync,
    }
}

impl Front {
    fn listener<'g>(&self, gate: &'g Gateway) -> Option<&'g Listener> {
        gate.settings.listeners.get(self.listener)
    }

    /// The address at which this caller reaches the gateway: what the listener says, else the one that
    /// the caller wrote.
    fn address(&self, gate: &Gateway, received: &Received) -> Option<String> {
        match self.listener(gate).and_then(|listener| listener.public_url.as_deref()) {
            Some(url) => Some(url.trim_end_matches('/').to_owned()),
            None => own_url(received),
        }
    }

    fn wsdl(&self, gate: &Gateway, received: &Received) -> Option<Response<AnswerBody>> {
        let address = format!("{}{}", self.address(gate, received)?, received.uri.path());
        let document = wsdl::document(received.uri.query()?, &address)?;
        Some(described(document.into(), Face::Sync.media_type(false)))
    }
}

/// The answer to a method or an address that nothing is served at; what is relayed is the agency's to
/// say.
fn unserved(face: Face, method: &Method, path: &str) -> Option<Response<AnswerBody>> {
    let resources = resource::methods(path).join(", ");
    let allowed = match face {
        Face::Resource(..) => return None,
        // A bank that asks nothing of us, or none at all.
        Face::Sync if path.starts_with(PREFIX) => return Some(no_call(StatusCode::NOT_FOUND)),
        Face::Sync => "GET, POST",
        Face::Bank => METHODS,
        Face::Rest(_) if rest::service_in(path).is_some() => "POST",
        Face::Rest(_) if path == rest::OPENAPI_PATH => "GET",
        Face::Rest(_) if !path.starts_with(rest::ROOT) => return None,
        Face::Rest(_) if !resources.is_empty() => &resources,
        Face::Rest(_) => return Some(no_call(StatusCode::NOT_FOUND)),
    };
    if allowed.split(", ").any(|served| served == method.as_str()) {
        return None;
    }
    let mut response = match face {
        Face::Sync => plain(StatusCode::METHOD_NOT_ALLOWED, "POST, or GET ?wsdl\n"),
        _ => no_call(StatusCode::METHOD_NOT_ALLOWED),
    };
    if let Ok(allowed) = HeaderValue::from_str(allowed) {
        response.headers_mut().insert(ALLOW, allowed);
    }
    Some(response)
}

fn described(document: Bytes, media_type: &'static str) -> Response<AnswerBody> {
    let mut response = Response::new(AnswerBody::from(document));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

/// What a request below the REST face gets that calls nothing there.
fn no_call(status: StatusCode) -> Response<AnswerBody> {
    let document = rest::problem::of_status(status);
    let mut response = Response::new(AnswerBody::from(Bytes::from(document)));
    *response.status_mut() = status;
    let media_type = HeaderValue::from_static(rest::problem::PROBLEM_JSON);
    response.headers_mut().insert(CONTENT_TYPE, media_type);
    response
}

/// A reply as its caller's face has it over HTTP.
pub(super) fn response(face: Face, reply: Reply) -> Response<AnswerBody> {
    let location = match face {
        Face::Resource(resource, _) if reply.http_status == 201 => resource.location(&reply.body),
        _ => None,
    };
    let mut response = Response::new(AnswerBody::from(reply.body));
    *response.status_mut() =
        StatusCode::from_u16(reply.http_status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    // A resource tells a refusal as a problem too.
    let is_refusal = matches!(face, Face::Resource(..)) && reply.http_status >= 400;
    let media_type = face.media_type(reply.fault.is_some() || is_refusal);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    if let Some(location) = location.and_then(|text| HeaderValue::from_str(&text).ok()) {
        headers.insert(LOCATION, location);
    }
    if let Some(language) = face.language() {
        let word = HeaderValue::from_static(language.word());
        headers.insert(CONTENT_LANGUAGE, word);
    }
    if let Ok(entry) = HeaderValue::from_str(&reply.entry.to_string()) {
        headers.insert(ENTRY, entry);
    }
    if let Some(budget) = &reply.budget {
        tell_budget(headers, budget);
    }
    if let Some(fault) = &reply.fault {
        headers.insert(FAULT, HeaderValue::from_static(fault.code.word()));
        if let Ok(verdict) = HeaderValue::from_str(&verdict::header(fault)) {
            headers.insert(VERDICT, verdict);
        }
        if let Some(seconds) = fault.retry_after_s {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
    }
    response
}

/// What is left of a quota (draft-ietf-httpapi-ratelimit-headers): a bucket of so many calls that is full
/// again after so many seconds; what remains of it, and when there is more.
fn tell_budget(headers: &mut HeaderMap, budget: &Budget) {
    let full_s = budget.burst.div_ceil(budget.per_second.max(1));
    for (name, value) in [
        ("ratelimit-policy", format!("\"contract\";q={};w={full_s}", budget.burst)),
        ("ratelimit", format!("\"contract\";r={};t={}", budget.remaining, budget.reset_s)),
    ] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}

/// The gateway's address as the caller wrote it; anything but a plain authority is refused.
fn own_url(received: &Received) -> Option<String> {
    let host = match received.headers.get(HOST) {
        Some(host) => host.to_str().ok()?,
        // HTTP/2 says it in `:authority` (RFC 9113 §8.3.1).
        None => received.uri.authority()?.as_str(),
    };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
    let scheme = if received.tls == TlsMode::Off { "http" } else { "https" };
    host.chars().all(is_plain).then(|| format!("{scheme}://{host}"))
}

fn plain(status: StatusCode, text: &'static str) -> Response<AnswerBody> {
    let mut response = Response::new(AnswerBody::from(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::http::Request;
    use std::net::{Ipv4Addr, SocketAddr};
    use std::time::Instant;

    #[test]
    fn the_own_address_is_the_one_that_the_caller_wrote_in_either_http() {
        let url = |uri: &str, host: Option<&str>| {
            let host = host.into_iter().fold(Request::get(uri), |r, host| r.header(HOST, host));
            let (head, ()) = host.body(()).expect("a request").into_parts();
            own_url(&Received {
                method: head.method,
                uri: head.uri,
                headers: head.headers,
                body: Bytes::new(),
                peer: None,
                peer_address: SocketAddr::from((Ipv4Addr::LOCALHOST, 1)),
                tls: TlsMode::Mutual,
                received_at: Instant::now(),
                received_at_us: 0,
            })
        };
        let expected = Some("https://gateway:8443".to_owned());
        assert_eq!(url("/x?wsdl", Some("gateway:8443")), expected, "HTTP/1.1");
        assert_eq!(url("https://gateway:8443/x?wsdl", None), expected, "HTTP/2");
        assert_eq!(url("/x", None), None);
        assert_eq!(url("/x", Some("<a>")), None);
    }
}
