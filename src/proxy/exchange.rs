//! The agency's part of a call: encode, send, decode.

use super::admit::Permit;
use super::release::{self, Proof};
use super::trace::Trace;
use super::{Gateway, answer, house};
use crate::config::settings::{Participant, Service};
use crate::sign::wsse;
use crate::upstream::UpstreamRequest;
use bytes::Bytes;
use qaqpa_kit::adapter::{Call, HttpOutgoing, Outgoing};
use qaqpa_kit::envelope::{Request, splice};
use qaqpa_kit::fault::{Code, Fault, Phase};
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
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

/// What leaves for the agency, and what was bound to the call for it. Nothing in it leads back to the
/// message that came.
pub struct Question {
    proof: Option<Proof>,
    /// Or why the entry closes without the agency having been asked.
    outgoing: Result<Leaving, Fault>,
    original_digest: [u8; 32],
    deadline: Instant,
}

/// What goes, and to whom.
enum Leaving {
    /// With the call's `data`, where the answer will be held against it.
    ToAgency(Box<UpstreamRequest>, Option<Vec<u8>>),
    ToHouse(Box<HttpOutgoing>),
}

/// Makes the question of a call that is open, and binds to it what it needs. A panic ends here, because
/// the entry must be closed: it is our bug in the phase that was under way.
pub async fn prepare(
    gate: &Gateway,
    asking: &Asking<'_>,
    (participant, permit): (&Participant, &mut Permit),
    trace: &mut Trace,
) -> Question {
    let Asking { service, original_digest, deadline, .. } = *asking;
    let bound = {
        let bound = pin!(async {
            // From a place of its own, which a call that waited for the same call has given back.
            gate.admission.step_in(permit, (participant, service), deadline).await?;
            release::redeem(gate, asking, trace).await
        });
        unless_panicked(bound).await
    };
    let (proof, outgoing) = match bound.unwrap_or_else(|| Err(bug(gate, trace))) {
        Ok(proof) => {
            let encoded = catch_unwind(AssertUnwindSafe(|| encode(gate, asking, trace)));
            (proof, encoded.unwrap_or_else(|_panic| Err(bug(gate, trace))))
        }
        Err(fault) => (None, Err(fault)),
    };
    Question { proof, outgoing, original_digest, deadline }
}

/// Asks the agency: once, unless no byte left. A panic ends here too; one after the answer does not undo it.
///
/// # Errors
/// As [`release::redeem`]; `caller.malformed` from `encode` (nothing was sent), `gateway.bug`, else the agency's failure.
pub async fn ask(
    gate: &Gateway,
    service: &Service,
    question: Question,
    trace: &mut Trace,
) -> Result<Answered, Fault> {
    let Question { proof, outgoing, original_digest, deadline } = question;
    let answered = match outgoing {
        Ok(leaving) => {
            let sending = Sending { service, original_digest, deadline };
            let asked = {
                // Pinned here: handed over it would be held twice.
                let exchanged = pin!(exchange(gate, &sending, leaving, trace));
                unless_panicked(exchanged).await
            };
            asked.unwrap_or_else(|| Err(bug(gate, trace)))
        }
        Err(fault) => Err(fault),
    };
    let is_settled = {
        let settled = pin!(release::settle(gate, proof, &answered, trace.now_us()));
        unless_panicked(settled).await.is_some()
    };
    if !is_settled {
        drop(bug(gate, trace));
    }
    answered
}

/// What a panic of the phase under way is to the caller.
pub(super) fn bug(gate: &Gateway, trace: &Trace) -> Fault {
    gate.metrics.callers.panics.inc();
    Fault::new(Code::GatewayBug, trace.under_way(), "panic")
}

/// What a future yields, `None` where it panicked; it is not touched again.
fn unless_panicked<F: Future>(mut future: Pin<&mut F>) -> impl Future<Output = Option<F::Output>> {
    poll_fn(move |cx| {
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx)));
        polled.map_or(Poll::Ready(None), |poll| poll.map(Some))
    })
}

/// What the agency gets of a call.
fn encode(gate: &Gateway, asking: &Asking<'_>, trace: &mut Trace) -> Result<Leaving, Fault> {
    let Asking { service, request, .. } = *asking;
    let call = Call {
        service: &request.service_id,
        message_id: &request.message_id,
        session_id: &trace.session_id(),
        received_at: &Trace::date(trace.received_at_us),
        data: request.data,
    };
    let leaving = match service.agency.adapter.encode(&call)? {
        Outgoing::Http(outgoing) if service.agency.is_house() => {
            Leaving::ToHouse(Box::new(outgoing))
        }
        outgoing => {
            let mut written = Box::new(written(gate, request, &call, outgoing)?);
            written.may_repeat = service.manifest.idempotent;
            let compared = request.data.filter(|_| service.agency.adapter.compares());
            let data = compared.map(splice::standing_alone);
            Leaving::ToAgency(written, data)
        }
    };
    trace.mark(Phase::Encode);
    Ok(leaving)
}

struct Sending<'a> {
    service: &'a Service,
    original_digest: [u8; 32],
    deadline: Instant,
}

async fn exchange(
    gate: &Gateway,
    sending: &Sending<'_>,
    leaving: Leaving,
    trace: &mut Trace,
) -> Result<Answered, Fault> {
    let Sending { service, original_digest, deadline } = *sending;
    let (received, data) = match leaving {
        Leaving::ToHouse(outgoing) => {
            let asked = (&*outgoing, original_digest);
            // Boxed: else every call that waits for an agency would have room for it.
            (Box::pin(house::answer(gate, service, asked, trace)).await?, None)
        }
        Leaving::ToAgency(outgoing, data) => {
            (gate.upstreams.send(&service.agency, outgoing, deadline).await?, data)
        }
    };
    trace.mark(Phase::Send);

    let answered = answer::decode(gate, service, data.as_deref(), &received, trace)?;
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
            let signed = wsse::sign_spliced(&spliced, gate.signers.outgoing())
                .map_err(|error| error.fault(Code::CallerMalformed, Phase::Encode))?;
            Ok(UpstreamRequest::soap(Bytes::from(signed)))
        }
        Outgoing::Http(http) => Ok(UpstreamRequest::http(http)),
    }
}
