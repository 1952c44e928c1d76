//! The agency's part of a call: encode, send, decode.

use super::trace::Trace;
use super::{Gateway, answer, house, release};
use crate::config::settings::Service;
use crate::sign::wsse;
use crate::upstream::UpstreamRequest;
use bytes::Bytes;
use qaqpa_kit::adapter::{Call, Outgoing};
use qaqpa_kit::envelope::{Request, splice};
use qaqpa_kit::fault::{Code, Fault, Phase};
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;
use std::time::Instant;

pub use super::answer::Answered;

/// What is to be asked, of whom, and until when.
pub struct Asking<'a> {
    pub service: &'a Service,
    pub request: &'a Request<'a>,
    /// SHA-256 of the call as it came.
    pub original_digest: [u8; 32],
    pub deadline: Instant,
}

/// Asks the agency: once, unless no byte left. A panic ends here, because the entry is open and must
/// be closed: it is our bug in the phase that was under way. One after the answer does not undo it.
///
/// # Errors
/// As [`release::redeem`]; `caller.malformed` from `encode` (nothing was sent), `gateway.bug`, else the agency's failure.
pub async fn ask(
    gate: &Gateway,
    asking: &Asking<'_>,
    trace: &mut Trace,
) -> Result<Answered, Fault> {
    let redeemed = unless_panicked(release::redeem(gate, asking, trace)).await;
    let proof = redeemed.unwrap_or_else(|| Err(bug(gate, trace)))?;
    let asked = unless_panicked(exchange(gate, asking, trace)).await;
    let answered = asked.unwrap_or_else(|| Err(bug(gate, trace)));
    let settled = unless_panicked(release::settle(gate, proof, &answered, trace.now_us())).await;
    settled.unwrap_or_else(|| drop(bug(gate, trace)));
    answered
}

/// What a panic of the phase under way is to the caller.
pub(super) fn bug(gate: &Gateway, trace: &Trace) -> Fault {
    gate.metrics.callers.panics.inc();
    Fault::new(Code::GatewayBug, trace.under_way(), "panic")
}

/// What a future yields, `None` where it panicked; it is not touched again.
async fn unless_panicked<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|cx| {
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx)));
        polled.map_or(Poll::Ready(None), |poll| poll.map(Some))
    })
    .await
}

async fn exchange(
    gate: &Gateway,
    asking: &Asking<'_>,
    trace: &mut Trace,
) -> Result<Answered, Fault> {
    let Asking { service, request, deadline, .. } = *asking;
    let session_id = trace.session_id();
    let received_at = Trace::date(trace.received_at_us);
    let call = Call {
        service: &request.service_id,
        message_id: &request.message_id,
        session_id: &session_id,
        received_at: &received_at,
        data: request.data,
    };
    let received = match service.agency.adapter.encode(&call)? {
        Outgoing::Http(outgoing) if service.agency.is_house() => {
            trace.mark(Phase::Encode);
            house::answer(gate, asking, &outgoing, trace).await?
        }
        outgoing => {
            let written = written(gate, request, &call, outgoing)?;
            let may_repeat = service.manifest.idempotent;
            let outgoing = UpstreamRequest { may_repeat, ..written };
            trace.mark(Phase::Encode);
            gate.upstreams.send(&service.agency, outgoing, deadline).await?
        }
    };
    trace.mark(Phase::Send);

    let desk = answer::Desk { gate, service, request, call: &call, now_us: trace.now_us() };
    let answered = desk.decode(&received)?;
    trace.mark(Phase::Decode);
    Ok(answered)
}

fn written(
    gate: &Gateway,
    request: &Request<'_>,
    call: &Call<'_>,
    outgoing: Outgoing,
) -> Result<UpstreamRequest, Fault> {
    match outgoing {
        Outgoing::Envelope => {
            let marked = wsse::marked(request.payload.document().root());
            let spliced = splice::request(request, call.session_id, marked);
            let signed = wsse::sign(&spliced, gate.signers.outgoing())
                .map_err(|error| error.fault(Code::CallerMalformed, Phase::Encode))?;
            Ok(UpstreamRequest::soap(Bytes::from(signed)))
        }
        Outgoing::Http(http) => Ok(UpstreamRequest::http(http)),
    }
}
