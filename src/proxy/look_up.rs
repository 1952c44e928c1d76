//! The public look-up of receipts: who knows a number and whose it is learns its state, and nobody else anything.
//!
//! `GET /receipts/{number}?digest=…`, where the digest is the SHA-256 of `number:IIN`, needs no
//! certificate of its own and says `{"number", "valid", "state"}`; without a digest a page asks for the
//! IIN. It is no call: it changes nothing, and leaves no entry but a count.

use super::Gateway;
use super::listener::{AnswerBody, Arrivals, Received};
use crate::channel::rest::{self, problem};
use crate::config::settings::Limits;
use crate::journal::JournalDown;
use crate::payments::Payments;
use crate::payments::receipt::{Number, Standing, Verdict, form, form_policy, look_up};
use bytes::Bytes;
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue,
    REFERRER_POLICY, RETRY_AFTER,
};
use hyper::{Method, Response, StatusCode};
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

/// Where receipts are looked up.
pub const PREFIX: &str = "/receipts/";
const HTML: &str = "text/html; charset=utf-8";
/// Seconds after which an address that came too often may come again.
const PAUSE_S: u64 = 1;

/// The look-ups of one node.
pub struct LookUps {
    arrivals: Arrivals,
}

impl LookUps {
    /// Within these limits.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        let (rate, burst) =
            (limits.look_ups_per_address_per_second, limits.look_ups_per_address_burst);
        Self { arrivals: Arrivals::new(rate, burst, Duration::ZERO) }
    }

    /// Answers one request below [`PREFIX`].
    pub async fn answer(&self, gate: &Gateway, received: &Received) -> Response<AnswerBody> {
        if received.method != Method::GET {
            let mut refusal = refused(StatusCode::METHOD_NOT_ALLOWED);
            refusal.headers_mut().insert(ALLOW, HeaderValue::from_static("GET"));
            return refusal;
        }
        let address = group(received.peer_address.ip());
        if self.arrivals.wait(address, received.received_at).is_none() {
            gate.metrics.look_up("too_fast");
            let mut refusal = refused(StatusCode::TOO_MANY_REQUESTS);
            refusal.headers_mut().insert(RETRY_AFTER, HeaderValue::from(PAUSE_S));
            return refusal;
        }
        let written = received.uri.path().strip_prefix(PREFIX).unwrap_or_default();
        let (Ok(number), Some(payments)) = (Number::parse(written), gate.payments()) else {
            gate.metrics.look_up(Standing::NotFound.word());
            return refused(StatusCode::NOT_FOUND);
        };
        let query = received.uri.query().unwrap_or_default();
        let digest = query.split('&').find_map(|pair| pair.strip_prefix("digest="));
        let Some(digest) = digest else {
            let language = rest::language(&received.headers, gate.settings.node.language);
            let page = form(&number, language);
            gate.metrics.look_up("page");
            return told(StatusCode::OK, HTML, page.into_bytes());
        };
        match verdict(payments, &number, digest).await {
            Ok(verdict) => {
                gate.metrics.look_up(verdict.state.word());
                let json = serde_json::to_vec(&verdict).unwrap_or_default();
                told(StatusCode::OK, rest::JSON, json)
            }
            Err(down) => {
                tracing::warn!(%down, "a receipt could not be looked up");
                gate.metrics.look_up("down");
                refused(StatusCode::SERVICE_UNAVAILABLE)
            }
        }
    }
}

async fn verdict(
    payments: &Payments,
    number: &Number,
    digest: &str,
) -> Result<Verdict, JournalDown> {
    let order = match number.order() {
        Some(id) => payments.order(&id).await?,
        None => None,
    };
    let charge = match order.as_ref().and_then(|order| order.charge.as_ref()) {
        Some(id) => payments.charge(id).await?,
        None => None,
    };
    let found = order.as_ref().map(|order| (order, charge.as_ref()));
    Ok(look_up(number, found, digest))
}

/// Whoever has one address of a /64 has them all.
fn group(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address => address,
    }
}

fn refused(status: StatusCode) -> Response<AnswerBody> {
    told(status, problem::PROBLEM_JSON, problem::of_status(status))
}

fn told(status: StatusCode, media_type: &'static str, body: Vec<u8>) -> Response<AnswerBody> {
    let mut response = Response::new(AnswerBody::from(Bytes::from(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    let nosniff = HeaderName::from_static("x-content-type-options");
    headers.insert(nosniff, HeaderValue::from_static("nosniff"));
    if let Ok(policy) = HeaderValue::from_str(form_policy()) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}
