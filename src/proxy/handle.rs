//! A request's whole life, top to bottom, in the order of time.
//!
//! receive → identify → route → admit → verify → open → encode → send → decode → close → reply

use super::admit::Permit;
use super::dedupe::{self, Admitted};
use super::exchange::{self, Asking, Question};
use super::listener::Received;
use super::reply::Reply;
use super::trace::Trace;
use super::{Gateway, face, route, verify};
use crate::channel::Face;
use crate::channel::sync::{self, Message};
use crate::config::settings::Service;
use crate::ops::log::{self, Access};
use crate::ops::metrics::CallFigures;
use crate::sign::wsse::Signed;
use bytes::Bytes;
use qaqpa_kit::fault::{Fault, Phase};
use std::net::SocketAddr;
use std::sync::Arc;

/// Answers one call: lets it in, carries it, and turns a refusal into a fault that says whose it is.
pub async fn handle(gate: &Gateway, face: Face, received: Box<Received>) -> Reply {
    let mut trace = Trace::start(face, received.received_at, received.received_at_us);
    let peer_address = received.peer_address;
    // Boxed: what letting in needs is given back when it ends.
    let reply = match Box::pin(enter(gate, received, &mut trace)).await {
        Entered::Open(call) => carry(gate, call, &mut trace).await,
        Entered::Answered(reply) => *reply,
    };
    let reply = reply.with_budget(gate, &trace);
    trace.mark(Phase::Reply);
    observe(gate, &trace, &reply, Some(peer_address));
    reply
}

/// Answers a request that did not arrive whole: there is nothing to carry.
pub fn refuse(gate: &Gateway, fault: Fault, trace: &Trace) -> Reply {
    let reply = Reply::refused(gate, fault, trace);
    gate.journal.record(trace.opened(&Bytes::new()), trace.closed(&reply));
    observe(gate, trace, &reply, None);
    reply
}

pub(super) fn observe(gate: &Gateway, trace: &Trace, reply: &Reply, peer: Option<SocketAddr>) {
    gate.metrics.observe(&CallFigures {
        service: &trace.service,
        outcome: reply.outcome,
        fault: reply.fault.as_ref(),
        ends_us: trace.ends_us(),
    });
    log::access(&Access {
        entry: reply.entry.0,
        peer,
        participant: &trace.participant,
        service: &trace.service,
        agency: &trace.agency,
        outcome: reply.outcome,
        fault: reply.fault.as_ref(),
        http_status: reply.http_status,
        took: trace.elapsed(),
    });
}

/// What became of a call up to `encode`. Boxed: it is held while the call is carried.
enum Entered {
    Open(Box<Open>),
    Answered(Box<Reply>),
}

/// A call whose entry is open. Of the message itself nothing is held any more: agencies take seconds,
/// and a thousand calls wait for them.
struct Open {
    service: Arc<Service>,
    signed: Option<Signed>,
    permit: Permit,
    question: Question,
}

/// Lets a call in. Up to `open` nothing has happened and a fault is only an answer.
async fn enter(gate: &Gateway, received: Box<Received>, trace: &mut Trace) -> Entered {
    let original = face::original(trace.face, &received);
    let entered = read(gate, &received, &original, trace).await;
    entered.unwrap_or_else(|fault| {
        trace.mark(fault.phase);
        if fault.phase as usize <= Phase::Route as usize {
            trace.forget_cards();
        }
        let reply = Reply::refused(gate, fault, trace);
        gate.journal.record(trace.opened(&original), trace.closed(&reply));
        Entered::Answered(Box::new(reply))
    })
}

/// From the bytes of a call to what its agency gets of it.
async fn read(
    gate: &Gateway,
    received: &Received,
    original: &Bytes,
    trace: &mut Trace,
) -> Result<Entered, Fault> {
    // receive: the one reading of these bytes; every later step looks at the nodes found here
    let form = face::form(gate, received, trace)?;
    let document = sync::scan(&form, &gate.settings.limits.xml)?;
    let mut message = Message::read(&document)?;
    trace.read(&message.request);
    trace.mark(Phase::Receive);

    let caller = gate.callers.identify(gate, received, trace.face, &message.request)?;
    caller.name_sender(&mut message.request);
    trace.identify(&caller);
    trace.mark(Phase::Identify);
    let request = &message.request;

    let service = route::service(&gate.settings, &caller, request)?;
    let deadline = trace.route(&service);
    route::check_open(&service.agency, trace.received_at_us)?;
    route::check_size(&service, received.body.len())?;
    face::check(trace.face, &service, received)?;
    face::check_cards(&service, &document).inspect_err(|_| trace.forget_names())?;
    trace.mark(Phase::Route);

    // admit: before the costly verification where TLS proves the caller, after it where only the
    // signature does, so that nobody can spend another's quota
    let seat = gate.admission.seat(service.class_for(&caller.participant))?;
    let of = (&*caller.participant, &*service);
    let admit = async |seat| gate.admission.enter(seat, of, deadline).await;
    let early = if caller.is_proved() { Ok(admit(seat).await?) } else { Err(seat) };
    trace.mark(Phase::Admit);

    let now_unix_s = trace.received_at_us / 1_000_000;
    let signed = verify::transport(gate, &message, &caller, now_unix_s)?;
    trace.prove(&caller, signed.as_ref());
    verify::revocation(gate, (&caller, signed.as_ref()), &service, deadline, trace).await?;
    let mut permit = match early {
        Ok(permit) => permit,
        Err(seat) => admit(seat).await?,
    };
    dedupe::check_age(&service, &request.message_date, trace.received_at_us)?;
    verify::business(gate, &service, (request.data, received), deadline, trace).await?;
    trace.mark(Phase::Verify);

    // open: durable before a byte leaves
    trace.key = dedupe::call_key(trace.face, request, original);
    let opened = trace.opened(original);
    let original_digest = opened.request_digest;
    match dedupe::open(gate, (trace.face, &service), opened, &mut permit, deadline).await? {
        Admitted::Stored { entry, outcome, http_status, answer } => {
            let reply = Reply::stored(entry, outcome, http_status, answer);
            return Ok(Entered::Answered(Box::new(reply)));
        }
        Admitted::LeftUnknown { entry } => {
            return Ok(Entered::Answered(Box::new(Reply::left_unknown(gate, entry, trace))));
        }
        Admitted::Fresh => trace.mark(Phase::Open),
    }

    // encode: what leaves; a fault from here on closes the entry
    let asking = Asking { service: &service, request, original_digest, deadline };
    let question =
        exchange::prepare(gate, &asking, (&caller.participant, &mut permit), trace).await;
    Ok(Entered::Open(Box::new(Open { service, signed, permit, question })))
}

/// Carries a call to its agency and back. Its entry is closed, whatever happens, before anybody is told.
async fn carry(gate: &Gateway, call: Box<Open>, trace: &mut Trace) -> Reply {
    let service = &*call.service;
    // send, decode
    let answered = exchange::ask(gate, service, call.question, trace).await;
    gate.admission.note(&call.permit, service, trace.asked_for(answered.as_ref().err()));

    let reply = Reply::written(gate, answered, call.signed.as_ref(), service, trace);
    let closed = gate.journal.close(trace.closed(&reply)).await;
    drop(call.permit);
    trace.mark(Phase::Close);
    reply.if_kept(closed, service).unwrap_or_else(|fault| Reply::refused(gate, fault, trace))
}
