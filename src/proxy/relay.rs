//! A relayed request's whole life, top to bottom, in the order of time: bodies stream both ways.
//!
//! receive → identify → route → admit → verify → open → encode → send → decode → close → reply

mod account;
mod answer;
mod heads;
mod stream;

use super::admit::Seat;
use super::listener::{AnswerBody, Arriving, BodyError, RequestBody};
use super::path::Target;
use super::{Gateway, route, verify};
use crate::channel::Face;
use crate::config::operation::Operation;
use crate::upstream::{Pace, Upload, UpstreamRequest};
use account::Account;
use answer::Answered;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::Response;
use hyper::body::Body;
use qaqpa_kit::fault::{Code, Fault, Phase};
use std::sync::Arc;

/// Bytes of a body that is held whole: of a request, so that none of it leaves if the rest never
/// comes; of an answer, so that its entry is closed before it is given.
const HELD_BYTES_MAX: u64 = 64 * 1024;

/// Relays one request, or says whose fault it is that it cannot.
pub async fn relay(gate: &Arc<Gateway>, face: Face, arriving: Arriving) -> Response<AnswerBody> {
    let mut account = Account::begin(gate, face, &arriving);
    let answered = carry(gate, &mut account, arriving).await;
    answer::reply(account, answered).await
}

/// The way of one request up to the head of its answer. Up to `open` nothing has happened and a fault
/// is only an answer; from there on the account closes the entry, whatever happens.
async fn carry(
    gate: &Arc<Gateway>,
    account: &mut Account,
    arriving: Arriving,
) -> Result<Answered, Fault> {
    // receive: the head alone; what is read of its path here is what the agency gets
    let target = Target::read(arriving.uri.path(), arriving.uri.query())?;
    heads::check(&arriving)?;
    account.trace.mark(Phase::Receive);

    let now_unix_s = arriving.received_at_us / 1_000_000;
    let certificates = gate.trust.certificates();
    let peer = arriving.peer.as_deref();
    let caller = gate.callers.identify_by_certificate(peer, certificates, now_unix_s)?;
    account.trace.identify(&caller);
    account.trace.mark(Phase::Identify);

    let operation = route::operation(&gate.settings, &caller, &arriving.method, &target)?;
    let service = &operation.service;
    account.trace.operate(operation);
    route::check_open(&service.agency, arriving.received_at_us)?;
    check_size(operation, &arriving.body)?;
    account.trace.mark(Phase::Route);

    let deadline = arriving.received_at + service.deadline;
    account.hold(gate.admission.admit(&caller.participant, service, deadline).await?);
    account.trace.mark(Phase::Admit);

    // verify: nothing is signed but the connection
    caller.judge(&gate.trust, now_unix_s)?;
    account.trace.prove(&caller, None);
    let ends = arriving.received_at + service.deadline;
    verify::revocation(gate, (&caller, None), service, ends, &mut account.trace).await?;
    account.trace.mark(Phase::Verify);

    // open: durable before a byte leaves
    let head = heads::written(&arriving);
    let is_held = arriving.body.size_hint().exact().is_some_and(|bytes| bytes <= HELD_BYTES_MAX);
    let upload = if is_held {
        Upload::whole(gathered(arriving.body).await?)
    } else {
        let seat = gate.admission.upload(&caller.participant, service)?;
        streamed(operation, arriving.body, seat)
    };
    account.open(operation, head, upload.passage.clone()).await?;
    account.trace.mark(Phase::Open);

    let headers = heads::outgoing(arriving.headers, account);
    let (method, path) = (arriving.method, target.sent());
    let request = UpstreamRequest { method, path, headers, body: Bytes::new(), may_repeat: false };
    account.trace.mark(Phase::Encode);

    let deadline = arriving.received_at + gate.settings.limits.stream_deadline;
    let pace = Pace { pause_max: service.deadline, deadline };
    let flow = gate.upstreams.flow(&service.agency, request, upload, pace).await;
    account.note(service, flow.as_ref().map(|flow| flow.marks).map_err(|failed| &failed.fault));
    let flow = flow?;
    account.trace.mark(Phase::Send);

    let answered = Answered::decode(operation, flow);
    account.trace.mark(Phase::Decode);
    Ok(answered)
}

fn too_large(phase: Phase) -> Fault {
    Fault::new(Code::CallerTooLarge, phase, "body_bytes")
}

/// Refuses a body whose length is told and too large, or that has no meaning (RFC 9110 §9.3.1).
fn check_size(operation: &Operation, body: &RequestBody) -> Result<(), Fault> {
    let least_bytes = body.size_hint().lower();
    if least_bytes > operation.service.body_bytes_max as u64 {
        return Err(too_large(Phase::Route));
    }
    if operation.method.is_safe() && !body.is_end_stream() {
        return Err(Fault::new(Code::CallerMalformed, Phase::Route, "body_without_meaning"));
    }
    Ok(())
}

/// A short body, awaited whole.
async fn gathered(mut body: RequestBody) -> Result<Bytes, Fault> {
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.map_err(BodyError::fault)?.into_data() {
            whole.extend_from_slice(&data);
        }
    }
    Ok(whole.freeze())
}

/// A body that is passed on as it arrives; it holds its place until it is sent.
fn streamed(operation: &Operation, body: RequestBody, seat: Seat) -> Upload {
    let bytes_max = operation.service.body_bytes_max as u64;
    let seated = body.map_frame(move |frame| {
        let _held = &seat;
        frame
    });
    // Part of it has left: nobody shall read in the status that it may come again.
    let blame = |error: &BodyError| Fault { http_status: None, ..error.fault() };
    Upload::stream(seated, bytes_max, blame)
}
