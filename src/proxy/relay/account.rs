//! The entry of one relayed call: opened once, and closed whatever happens, a dropped task included.

use crate::channel::Face;
use crate::config::operation::Operation;
use crate::config::settings::Service;
use crate::journal::JournalDown;
use crate::journal::entry::{Closed, EntryId, Opening, SameCall, Streamed};
use crate::proxy::admit::Permit;
use crate::proxy::listener::Arriving;
use crate::proxy::reply::Reply;
use crate::proxy::trace::Trace;
use crate::proxy::{Gateway, handle};
use crate::upstream::{Marks, Measure, Passage};
use bytes::Bytes;
use qaqpa_kit::fault::{Code, Fault, Outcome, Phase};
use std::net::SocketAddr;
use std::sync::Arc;

/// What is owed to the journal for one call.
pub(super) struct Account {
    pub(super) trace: Trace,
    gate: Arc<Gateway>,
    peer_address: SocketAddr,
    permit: Option<Permit>,
    /// The request's body, once the entry is open.
    passage: Option<Passage>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing happened yet.
    Begun,
    Open,
    Closed,
}

/// How a call ended.
#[derive(Clone)]
pub(super) struct Ending {
    pub(super) outcome: Outcome,
    /// Ours, or that of a status which nobody agreed on.
    pub(super) fault: Option<Fault>,
    pub(super) http_status: u16,
    /// What the caller was given of the agency's answer.
    pub(super) answer: Measure,
    /// That was all of it.
    pub(super) is_whole: bool,
}

impl Ending {
    /// A call that brought no answer of the agency.
    pub(super) fn refused(fault: Fault) -> Self {
        Self {
            outcome: fault.outcome(),
            http_status: fault.http_status.unwrap_or(fault.code.row().http_status),
            fault: Some(fault),
            answer: Measure::default(),
            is_whole: false,
        }
    }
}

impl Account {
    /// A call whose head is there.
    pub(super) fn begin(gate: &Arc<Gateway>, face: Face, arriving: &Arriving) -> Self {
        Self {
            trace: Trace::start(face, arriving.received_at, arriving.received_at_us),
            gate: Arc::clone(gate),
            peer_address: arriving.peer_address,
            permit: None,
            passage: None,
            state: State::Begun,
        }
    }

    pub(super) fn gate(&self) -> &Gateway {
        &self.gate
    }

    pub(super) fn entry(&self) -> EntryId {
        EntryId(self.trace.id)
    }

    /// Holds the call's place until the entry is closed.
    pub(super) fn hold(&mut self, permit: Permit) {
        self.permit = Some(permit);
    }

    /// Tells the agency's line how long the head of its answer took, from the last byte of the request
    /// on: how long the caller took to send it says nothing of the agency.
    pub(super) fn note(&self, service: &Service, marks: Result<Marks, &Fault>) {
        let Some(permit) = &self.permit else { return };
        let told = match marks {
            Ok(Marks { sent: Some(sent), first_byte: Some(first_byte), .. }) => {
                Some((first_byte.saturating_duration_since(sent), false))
            }
            Err(fault) if fault.code == Code::AgencyTimeout => Some((service.deadline, true)),
            _ => None,
        };
        self.gate.admission.note(permit, service, told);
    }

    /// Opens the entry durably. Every relayed call is a call of its own: a path carries no messageId.
    ///
    /// # Errors
    /// `gateway.journal_down`: nothing may be sent.
    pub(super) async fn open(
        &mut self,
        operation: &Operation,
        head: Bytes,
        passage: Passage,
    ) -> Result<(), Fault> {
        let window_us = i64::from(operation.service.manifest.window_s) * 1_000_000;
        let until_us = self.trace.received_at_us + window_us;
        let same_call = SameCall::alone(until_us, operation.is_idempotent());
        let opening = self.gate.journal.open(self.trace.opened(&head), same_call).await;
        match opening.map_err(|down| {
            Fault::new(Code::GatewayJournalDown, Phase::Open, "journal_down")
                .retry_after_s(5)
                .because(down)
        })? {
            Opening::Fresh => {
                self.passage = Some(passage);
                self.state = State::Open;
                Ok(())
            }
            // Its key is its own id.
            _ => Err(Fault::new(Code::GatewayBug, Phase::Open, "entry_not_fresh")),
        }
    }

    /// Whether the close must be durable before the caller is told.
    pub(super) fn is_durable_first(&self) -> bool {
        self.state == State::Open && !self.trace.is_idempotent()
    }

    /// Ends the entry; durable when it returns, where that must be.
    ///
    /// # Errors
    /// The store did not confirm in time: what happened at the agency is open until there is evidence.
    pub(super) async fn close(&mut self, ending: Ending) -> Result<(), Fault> {
        let is_durable_first = self.is_durable_first();
        let Some(mut closed) = self.end(ending) else { return Ok(()) };
        closed.is_durable_first = is_durable_first;
        self.gate.journal.close(closed).await.map_err(|down: JournalDown| {
            Fault::new(Code::GatewayJournalDown, Phase::Close, "close_not_durable").because(down)
        })
    }

    /// Ends the entry with the next group, for those who cannot wait.
    pub(super) fn close_soon(mut self, ending: Ending) {
        self.end_soon(ending);
    }

    fn end_soon(&mut self, ending: Ending) {
        if let Some(closed) = self.end(ending) {
            self.gate.journal.close_soon(closed);
        }
    }

    /// Half a request may be half done, whatever the head of an answer said that was cut too.
    fn doubted(&self, ending: Ending) -> Ending {
        let is_request_cut = self.passage.as_ref().is_some_and(|passage| !passage.is_whole());
        if !is_request_cut || ending.is_whole || ending.fault.is_some() {
            return ending;
        }
        let fault = Fault::new(Code::CallerMalformed, Phase::Send, "body_incomplete");
        Ending { outcome: fault.outcome(), fault: Some(fault), ..ending }
    }

    /// Tells metrics and log of the end, and the journal where nothing was opened; else the row that
    /// it must be given.
    fn end(&mut self, ending: Ending) -> Option<Closed> {
        let was_open = self.state == State::Open;
        if self.state == State::Closed {
            return None;
        }
        let ending = self.doubted(ending);
        self.state = State::Closed;
        match &ending.fault {
            Some(fault) if !was_open => self.trace.mark(fault.phase),
            _ => self.trace.mark(Phase::Close),
        }
        let agency_digest = if ending.is_whole { ending.answer.sha256() } else { [0; 32] };
        let reply = Reply {
            fault: ending.fault,
            agency_digest,
            ..Reply::stored(self.entry(), ending.outcome, ending.http_status, Bytes::new())
        };
        let request = self.passage.as_ref().map(Passage::measure).unwrap_or_default();
        let closed = Closed {
            answer_digest: ending.answer.sha256(),
            streamed: was_open.then(|| Streamed {
                request_digest: request.sha256(),
                request_bytes: request.bytes(),
                answer_bytes: ending.answer.bytes(),
            }),
            is_durable_first: false,
            ..self.trace.closed(&reply)
        };
        self.trace.mark(Phase::Reply);
        let figures = &self.gate.metrics.relayed;
        figures.request_bytes.inc_by(request.bytes());
        figures.answer_bytes.inc_by(ending.answer.bytes());
        handle::observe(&self.gate, &self.trace, &reply, Some(self.peer_address));
        if was_open {
            return Some(closed);
        }
        self.gate.journal.record(self.trace.opened(&Bytes::new()), closed);
        None
    }
}

impl Drop for Account {
    /// Nobody carries the call any more: a panic, or the end of the node. Whether a byte left is not
    /// known from `send` on.
    fn drop(&mut self) {
        if self.state == State::Open {
            let fault = Fault::new(Code::GatewayBug, self.trace.under_way(), "interrupted");
            self.end_soon(Ending::refused(fault));
        }
    }
}
