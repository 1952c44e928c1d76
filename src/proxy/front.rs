//! From HTTP to a call and back: which face a request is for, and the headers of its answer.

use super::listener::{AnswerBody, Arriving, Handler, Intake, Peer, Received};
use super::reply::Reply;
use super::trace::Trace;
use super::{Gateway, handle, path, relay};
use crate::channel::sync::wsdl;
use crate::config::settings::TlsMode;
use bytes::Bytes;
use hyper::header::{ALLOW, CONTENT_TYPE, HOST, HeaderName, HeaderValue, RETRY_AFTER};
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};
use qaqpa_kit::fault::Fault;
use std::sync::Arc;

/// The entry that tells about this answer.
const ENTRY: HeaderName = HeaderName::from_static("qaqpa-entry");
/// Set on every answer that the gateway made itself: the fault's public code.
const FAULT: HeaderName = HeaderName::from_static("qaqpa-fault");

const XML: &str = "text/xml; charset=utf-8";

/// What stands behind one door for callers.
///
/// SyncChannel is served on every path: systems connect with the path that they have configured for
/// the ШЭП. `GET …?wsdl` serves its description.
pub struct Front {
    pub gate: Arc<Gateway>,
    /// The address that `?wsdl` prints; `None`: the one that the caller wrote.
    pub public_url: Option<String>,
}

impl Handler for Front {
    /// Below an agency with operations requests are relayed while they arrive.
    fn intake(&self, head: &Parts) -> Intake {
        let agency = path::first_segment(head.uri.path());
        let is_relayed = self.gate.settings.operations.contains_key(&*agency);
        if is_relayed { Intake::Stream } else { Intake::Whole }
    }

    async fn relay(&self, arriving: Arriving) -> Response<AnswerBody> {
        relay::relay(&self.gate, arriving).await
    }

    async fn answer(&self, received: Received) -> Response<AnswerBody> {
        match received.method {
            Method::POST => response(handle::handle(&self.gate, &received).await),
            Method::GET => self.description(&received).unwrap_or_else(|| {
                plain(StatusCode::NOT_FOUND, "POST a SyncChannel message, or GET ?wsdl\n")
            }),
            _ => {
                let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "POST or GET ?wsdl\n");
                response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, POST"));
                response
            }
        }
    }

    fn owner(&self, peer: &Peer, now_unix_s: i64) -> Option<Arc<str>> {
        let certificate = self.gate.trust.certificates().parse(&peer.certificate).ok()?;
        let bearer = self.gate.callers.bearer(&certificate, now_unix_s)?;
        Some(bearer.id.as_str().into())
    }

    fn refuse(&self, head: &Parts, fault: &Fault) -> Response<AnswerBody> {
        let trace = Trace::begin();
        if self.intake(head) == Intake::Stream {
            let entry = handle::refuse(&self.gate, fault.clone(), &trace).entry;
            return relay::problem(fault, &entry.to_string());
        }
        response(handle::refuse(&self.gate, fault.clone(), &trace))
    }
}

impl Front {
    fn description(&self, received: &Received) -> Option<Response<AnswerBody>> {
        let base = match &self.public_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => own_url(received)?,
        };
        let address = format!("{base}{}", received.uri.path());
        let document = wsdl::document(received.uri.query()?, &address)?;
        let mut response = Response::new(AnswerBody::from(Bytes::from(document)));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(XML));
        Some(response)
    }
}

fn response(reply: Reply) -> Response<AnswerBody> {
    let mut response = Response::new(AnswerBody::from(reply.body));
    *response.status_mut() =
        StatusCode::from_u16(reply.http_status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(XML));
    if let Ok(entry) = HeaderValue::from_str(&reply.entry.to_string()) {
        headers.insert(ENTRY, entry);
    }
    if let Some(fault) = &reply.fault {
        headers.insert(FAULT, HeaderValue::from_static(fault.code.word()));
        if let Some(seconds) = fault.retry_after_s {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
    }
    response
}

/// The gateway's address as the caller wrote it; anything but a plain authority is refused.
fn own_url(received: &Received) -> Option<String> {
    let host = received.headers.get(HOST)?.to_str().ok()?;
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
