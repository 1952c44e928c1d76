//! What is sent: SOAP of several sizes, JSON to the REST face, and requests that are only relayed.

use super::Fallible;
use super::callers::{CALLER, Call};
use super::origin::BODY_BYTES;
use bytes::Bytes;
use hyper::Method;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use qaqpa::command::demo::installation::signer;
use qaqpa::command::demo::scratch::Scratch;
use qaqpa::command::now_unix_us;
use qaqpa::proxy::trace::Trace;
use qaqpa::sign::rest::jws;
use qaqpa::sign::wsse;
use qaqpa_kit::envelope::write::{RequestHead, request};
use serde_json::json;

const SERVICE: &str = "GBDFL_UniversalServiceSync";
const ASKED: &str = "<messageId>1</messageId><messageDate>2026-11-22T10:15:30+05:00</messageDate>\
    <senderCode>LOAD</senderCode><iin>850312300121</iin>";

/// Short elements, as registers send them, not one long text.
const NOTE: &str = "<note>Алматы, 050000</note>";

/// A kind of call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mix {
    /// Signed with RSA-2048, with so many bytes of text beside the question.
    Soap { filler_bytes: usize },
    /// The same without a signature, for a caller of whom TLS is proof enough.
    Unsigned { filler_bytes: usize },
    /// The same question in JSON over mutual TLS.
    Rest,
    /// A question in JSON to an agency of JSON, signed with RSA-2048 by a detached JWS.
    Jws,
    /// A GET that is passed on as it is; 2 KiB come back.
    Relay,
}

impl Mix {
    /// `count` calls, no two of them the same call.
    pub(crate) fn calls(self, scratch: &Scratch, count: usize) -> Fallible<Vec<Call>> {
        match self {
            Self::Soap { filler_bytes } => soap(scratch, (filler_bytes, true), count),
            Self::Unsigned { filler_bytes } => soap(scratch, (filler_bytes, false), count),
            Self::Rest => (0..count).map(|_| rest()).collect(),
            Self::Jws => jws_signed(scratch, count),
            Self::Relay => Ok(vec![relay(false); count]),
        }
    }
}

fn soap(
    scratch: &Scratch,
    (filler_bytes, is_signed): (usize, bool),
    count: usize,
) -> Fallible<Vec<Call>> {
    let member = scratch.member(CALLER)?;
    let signer = signer(&member.pair)?;
    let date = Trace::date(now_unix_us());
    let filler = NOTE.repeat(filler_bytes / NOTE.len());
    let data = if filler.is_empty() { ASKED.to_owned() } else { [ASKED, &filler].concat() };
    let one = |_| {
        let message_id = uuid::Uuid::new_v4().to_string();
        let head = RequestHead {
            message_id: &message_id,
            correlation_id: "",
            service_id: SERVICE,
            message_date: &date,
            route_id: "",
            sender_id: member.sender_id,
            password: member.password,
            session_id: "",
        };
        let unsigned = request(&head, &data).into_bytes();
        let body = if is_signed { wsse::sign(&unsigned, &signer)? } else { unsigned };
        Ok(Call {
            method: Method::POST,
            path: "/bip-sync-wss-gost/",
            headers: vec![
                (CONTENT_TYPE, HeaderValue::from_static("text/xml; charset=utf-8")),
                (HeaderName::from_static("soapaction"), HeaderValue::from_static("\"\"")),
            ],
            body: body.into(),
        })
    };
    (0..count).map(one).collect()
}

fn rest() -> Fallible<Call> {
    let key = HeaderValue::try_from(uuid::Uuid::new_v4().to_string())?;
    Ok(Call {
        method: Method::POST,
        path: "/api/v1/services/GBDFL_UniversalServiceSync",
        headers: vec![
            (CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (HeaderName::from_static("idempotency-key"), key),
        ],
        body: Bytes::from_static(br#"{"iin":"850312300121"}"#),
    })
}

fn jws_signed(scratch: &Scratch, count: usize) -> Fallible<Vec<Call>> {
    const PATH: &str = "/api/v1/services/AR_AddressByRka";
    const BODY: &[u8] = br#"{"rka":"0201300012345678"}"#;
    let signer = signer(&scratch.member(CALLER)?.pair)?;
    let made_unix_s = now_unix_us() / 1_000_000;
    let one = |number| {
        let claims = json!({ "htm": "POST", "htu": PATH, "iat": made_unix_s, "jti": number });
        let claims = claims.as_object().cloned().unwrap_or_default();
        let signature = HeaderValue::try_from(jws::sign(BODY, true, claims, &signer)?)?;
        Ok(Call {
            method: Method::POST,
            path: PATH,
            headers: vec![
                (CONTENT_TYPE, HeaderValue::from_static("application/json")),
                (HeaderName::from_static(jws::JWS_SIGNATURE), signature),
            ],
            body: Bytes::from_static(BODY),
        })
    };
    (0..count).map(one).collect()
}

/// A request that is passed on: a GET, or with `is_write` a POST of 2 KiB.
pub(crate) fn relay(is_write: bool) -> Call {
    let (method, body) = match is_write {
        true => (Method::POST, Bytes::from_static(&[b'x'; BODY_BYTES])),
        false => (Method::GET, Bytes::new()),
    };
    let kind = (CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    Call { method, path: "/office/files/a", headers: vec![kind], body }
}
