//! The answer to a relayed request: what it means, when its entry is closed, how it is given.
//!
//! A short answer is held: its entry is closed, durably where the operation is not idempotent, before
//! the caller gets its head. A long one streams: its entry is closed when its end is there, and where
//! the operation is not idempotent, durably before the last frame.

use super::HELD_BYTES_MAX;
use super::account::{Account, Ending};
use super::heads;
use super::stream::AnswerStream;
use crate::config::operation::Operation;
use crate::proxy::front;
use crate::proxy::listener::AnswerBody;
use crate::proxy::reply::Reply;
use crate::upstream::{Flow, FlowBody, Measure};
use bytes::{Bytes, BytesMut};
use hyper::{Method, Response};
use qaqpa_kit::fault::{Code, Fault, Outcome, Phase};
use std::future::poll_fn;

/// An answer that has begun, and what its status means.
pub(super) struct Answered {
    flow: Flow,
    method: Method,
    outcome: Outcome,
    /// Nobody agreed on its status: it is passed on, and the entry waits for evidence.
    unlisted: Option<Fault>,
    bytes_max: u64,
    is_idempotent: bool,
}

impl Answered {
    /// Reads the status by the service's codes; whatever it means, the answer is the agency's word
    /// and passes as it came.
    pub(super) fn decode(operation: &Operation, flow: Flow) -> Self {
        let (outcome, unlisted) =
            match operation.service.manifest.status_outcome(flow.status.as_u16()) {
                Ok(outcome) => (outcome, None),
                Err(fault) => (fault.outcome(), Some(fault)),
            };
        Self {
            flow,
            method: operation.method.clone(),
            outcome,
            unlisted,
            bytes_max: operation.service.body_bytes_max as u64,
            is_idempotent: operation.is_idempotent(),
        }
    }
}

/// Closes the entry or leaves that to the stream, and answers.
pub(super) async fn reply(
    mut account: Account,
    answered: Result<Answered, Fault>,
) -> Response<AnswerBody> {
    let answered = match answered {
        Ok(answered) => answered,
        Err(fault) => return refuse(account, fault).await,
    };
    let Answered { flow, method, outcome, unlisted, bytes_max, is_idempotent } = answered;
    let Flow { status, mut headers, mut body, .. } = flow;
    heads::incoming(&mut headers, &account, &method);
    let mut ending = Ending {
        outcome,
        fault: unlisted,
        http_status: status.as_u16(),
        answer: Measure::default(),
        is_whole: false,
    };
    let bytes = body.bytes_left();
    if bytes.is_some_and(|bytes| bytes > bytes_max) {
        let fault = Fault::new(Code::AgencyBrokenAnswer, Phase::Decode, "answer_too_large");
        return refuse(account, fault).await;
    }
    let is_held = match bytes {
        Some(bytes) => bytes <= HELD_BYTES_MAX,
        // How long it will be is not told: a read is passed on at once.
        None => !is_idempotent,
    };
    let first = if is_held { gather(&mut body).await } else { Ok(Bytes::new()) };
    let body = match first {
        Err(fault) => return refuse(account, fault).await,
        Ok(whole) if is_held && body.is_end() => {
            ending.answer = Measure::of(&whole);
            ending.is_whole = true;
            if let Err(fault) = account.close(ending).await
                && !is_idempotent
            {
                return told(&account, fault);
            }
            AnswerBody::from(whole)
        }
        Ok(first) => {
            AnswerBody::stream(AnswerStream::new(account, ending, body, (first, bytes_max)))
        }
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// Reads until the end, or until it is more than is held.
async fn gather(body: &mut FlowBody) -> Result<Bytes, Fault> {
    let mut whole = Bytes::new();
    let mut joined = BytesMut::new();
    while (whole.len() + joined.len()) as u64 <= HELD_BYTES_MAX
        && let Some(data) = poll_fn(|cx| body.poll_data(cx)).await
    {
        let data = data?;
        if whole.is_empty() && joined.is_empty() {
            // Most answers are one piece: no copy.
            whole = data;
        } else {
            joined.extend_from_slice(&std::mem::take(&mut whole));
            joined.extend_from_slice(&data);
        }
    }
    Ok(if joined.is_empty() { whole } else { joined.freeze() })
}

/// Closes the entry with a fault of ours and tells the caller.
async fn refuse(mut account: Account, fault: Fault) -> Response<AnswerBody> {
    let is_durable_first = account.is_durable_first();
    match account.close(Ending::refused(fault.clone())).await {
        Err(down) if is_durable_first => told(&account, down),
        _ => told(&account, fault),
    }
}

/// A fault as the caller's face has it.
fn told(account: &Account, fault: Fault) -> Response<AnswerBody> {
    front::response(account.trace.face, Reply::refused(account.gate(), fault, &account.trace))
}
