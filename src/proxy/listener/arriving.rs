//! A request whose body still arrives: its bytes are bounded, and so is the time that it is waited for.

use super::budget::Room;
use super::request::{Peer, Received};
use crate::config::settings::{Limits, TlsMode};
use crate::ops::metrics::DoorFigures;
use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::{HeaderMap, Method, Uri};
use qaqpa_kit::fault::{Code, Fault, Phase};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::time::{Sleep, sleep_until};

/// Bytes of one frame that [`RequestBody`] gives, at most.
pub const FRAME_BYTES_MAX: usize = 64 * 1024;

/// A request whose head is there, and where it came from.
#[derive(Debug)]
pub struct Arriving {
    pub method: Method,
    /// Path and query.
    pub uri: Uri,
    pub headers: HeaderMap,
    /// The certificate that the connection proved.
    pub peer: Option<Arc<Peer>>,
    pub peer_address: SocketAddr,
    pub tls: TlsMode,
    /// When the head was there.
    pub received_at: Instant,
    /// The same moment, Unix microseconds.
    pub received_at_us: i64,
    pub body: RequestBody,
}

impl Arriving {
    /// The request with its body, once that is there. What it arrived with is given back here.
    pub(super) fn received(self: Box<Self>, body: Bytes) -> Box<Received> {
        let Self {
            method, uri, headers, peer, peer_address, tls, received_at, received_at_us, ..
        } = *self;
        Box::new(Received {
            method,
            uri,
            headers,
            body,
            peer,
            peer_address,
            tls,
            received_at,
            received_at_us,
        })
    }
}

/// Why a body did not arrive whole. What came before is valid; nothing comes after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[repr(u8)]
pub enum BodyError {
    #[error("the body did not arrive before its deadline")]
    Deadline,
    #[error("the body arrives more slowly than the least rate")]
    TooSlow,
    #[error("the body is larger than the limit")]
    TooLarge,
    #[error("the bodies of all callers together fill the memory meant for them")]
    Full,
    #[error("the spool of large bodies is full")]
    SpoolFull,
    #[error("the bodies of one participant fill its part of the spool")]
    SpoolShare,
    #[error("the caller went away")]
    Gone,
}

impl BodyError {
    /// Every error, in the order of its number.
    pub const ALL: [Self; 7] = [
        Self::Deadline,
        Self::TooSlow,
        Self::TooLarge,
        Self::Full,
        Self::SpoolFull,
        Self::SpoolShare,
        Self::Gone,
    ];

    /// The same as a fault of the phase receive. A caller that is gone reads no fault, but its call
    /// may need one for the journal.
    #[must_use]
    pub fn fault(self) -> Fault {
        let fault = |code, reason| Fault::new(code, Phase::Receive, reason);
        let late = |fault: Fault| fault.http_status(408);
        match self {
            // 408 says that the same request may come again (RFC 9110 §15.5.9).
            Self::Deadline => late(fault(Code::CallerMalformed, "body_deadline")),
            Self::TooSlow => late(fault(Code::CallerMalformed, "body_too_slow")),
            Self::TooLarge => fault(Code::CallerTooLarge, "body_bytes"),
            Self::Full => fault(Code::GatewayOverloaded, "body_bytes_in_flight").retry_after_s(1),
            Self::SpoolFull => fault(Code::GatewayOverloaded, "spool_bytes").retry_after_s(1),
            Self::SpoolShare => {
                fault(Code::GatewayOverloaded, "spool_bytes_per_participant").retry_after_s(1)
            }
            Self::Gone => fault(Code::CallerMalformed, "body_incomplete"),
        }
    }
}

/// The body of a request as it arrives.
///
/// Frames hold at most [`FRAME_BYTES_MAX`] bytes; trailers are dropped. Only the time that the
/// *caller* lets us wait counts against it: whoever reads slowly holds it back without blame. The
/// frame given last stays in the budget of bytes in flight until the next is asked for. After an
/// error there is nothing more.
#[derive(Debug)]
pub struct RequestBody {
    incoming: Incoming,
    is_http2: bool,
    pace: Patience,
    bytes_left: usize,
    /// Where whoever receives the whole counts it, nothing is counted here.
    room: Option<Room>,
    figures: Option<Arc<DoorFigures>>,
    rest: Bytes,
    state: State,
    /// Shared with the connection: the last byte has come.
    is_whole: Arc<AtomicBool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Arriving,
    Ended,
}

impl RequestBody {
    pub(super) fn new(incoming: Incoming, is_http2: bool, bounds: Bounds) -> Self {
        let is_whole = Arc::new(AtomicBool::new(incoming.is_end_stream()));
        Self {
            incoming,
            is_http2,
            pace: Patience::new(&bounds),
            bytes_left: bounds.bytes_max,
            room: None,
            figures: None,
            rest: Bytes::new(),
            state: State::Arriving,
            is_whole,
        }
    }

    /// It will be passed on: its frames are counted in `room`, and its end in `figures`. What is
    /// returned turns true when the last byte has come.
    pub(super) fn stream(&mut self, room: Room, figures: &Arc<DoorFigures>) -> Arc<AtomicBool> {
        self.room = Some(room);
        self.figures = Some(Arc::clone(figures));
        Arc::clone(&self.is_whole)
    }

    fn end(&mut self, error: BodyError) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.state = State::Ended;
        self.room = None;
        if let Some(figures) = &self.figures {
            figures.refuse_body(error);
        }
        Poll::Ready(Some(Err(error)))
    }

    fn give(&mut self, mut data: Bytes) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.rest = data.split_off(data.len().min(FRAME_BYTES_MAX));
        if self.room.as_mut().is_some_and(|room| !room.take(data.len())) {
            return self.end(BodyError::Full);
        }
        if self.rest.is_empty() && self.incoming.is_end_stream() {
            self.is_whole.store(true, Ordering::Release);
        }
        Poll::Ready(Some(Ok(Frame::data(data))))
    }

    /// The next bytes as hyper has them.
    fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, BodyError>> {
        loop {
            return match Pin::new(&mut self.incoming).poll_frame(cx) {
                Poll::Pending => match self.pace.poll_over(cx) {
                    Poll::Ready(error) => Poll::Ready(Err(error)),
                    Poll::Pending => Poll::Pending,
                },
                Poll::Ready(None) => {
                    // A stream that was reset with NO_ERROR ends here too, and is not whole.
                    let is_cut = self.is_http2 && !self.incoming.is_end_stream();
                    Poll::Ready(if is_cut { Err(BodyError::Gone) } else { Ok(None) })
                }
                Poll::Ready(Some(Err(_))) => Poll::Ready(Err(BodyError::Gone)),
                Poll::Ready(Some(Ok(frame))) => {
                    // Trailers carry nothing that anybody here reads.
                    let Ok(data) = frame.into_data() else { continue };
                    self.pace.came(data.len());
                    Poll::Ready(Ok(Some(data)))
                }
            };
        }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if self.state == State::Ended {
            return Poll::Ready(None);
        }
        if let Some(room) = &mut self.room {
            room.clear();
        }
        if !self.rest.is_empty() {
            let rest = std::mem::take(&mut self.rest);
            return self.give(rest);
        }
        if self.incoming.size_hint().lower() > self.bytes_left as u64 {
            return self.end(BodyError::TooLarge);
        }
        match self.poll_data(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Err(error)) => self.end(error),
            Poll::Ready(Ok(None)) => {
                self.state = State::Ended;
                self.is_whole.store(true, Ordering::Release);
                Poll::Ready(None)
            }
            Poll::Ready(Ok(Some(data))) => match self.bytes_left.checked_sub(data.len()) {
                None => self.end(BodyError::TooLarge),
                Some(left) => {
                    self.bytes_left = left;
                    self.give(data)
                }
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        self.state == State::Ended || (self.rest.is_empty() && self.incoming.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        let ahead = self.rest.len() as u64;
        let incoming = self.incoming.size_hint();
        match incoming.exact() {
            Some(bytes) => SizeHint::with_exact(bytes.saturating_add(ahead)),
            None => SizeHint::default(),
        }
    }
}

/// How much of a body may come, and how slowly.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) bytes_max: usize,
    pub(super) deadline: Duration,
    grace: Duration,
    bytes_per_second_min: u32,
}

impl Bounds {
    /// Of a body that is received whole.
    pub(super) fn whole(limits: &Limits) -> Self {
        Self {
            bytes_max: limits.body_bytes_max,
            deadline: limits.body_deadline,
            grace: limits.body_grace,
            bytes_per_second_min: limits.body_bytes_per_second_min,
        }
    }

    /// Of a body that is passed on while it arrives.
    pub(super) fn stream(limits: &Limits) -> Self {
        Self {
            bytes_max: limits.stream_bytes_max,
            deadline: limits.stream_deadline,
            ..Self::whole(limits)
        }
    }
}

/// For how long a caller is waited for: a grace, and one second more for each `bytes_per_second_min`
/// bytes that came; never beyond the deadline of the whole body.
#[derive(Debug)]
struct Patience {
    until: Instant,
    credit: Duration,
    bytes_per_second_min: u32,
    waiting_since: Option<Instant>,
    /// Made at the first wait: most bodies arrive with their head.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Patience {
    fn new(bounds: &Bounds) -> Self {
        Self {
            until: Instant::now() + bounds.deadline,
            credit: bounds.grace,
            bytes_per_second_min: bounds.bytes_per_second_min.max(1),
            waiting_since: None,
            timer: None,
        }
    }

    /// Bytes came: what was waited is paid, what came is earned.
    fn came(&mut self, bytes: usize) {
        if let Some(since) = self.waiting_since.take() {
            self.credit = self.credit.saturating_sub(since.elapsed());
        }
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.credit += Duration::from_secs(bytes.into()) / self.bytes_per_second_min;
    }

    /// Ready when the caller is not waited for any more.
    fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<BodyError> {
        let since = *self.waiting_since.get_or_insert_with(Instant::now);
        let patient_until = since + self.credit;
        let due = self.until.min(patient_until);
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(due.into())));
        if timer.deadline() != due.into() {
            timer.as_mut().reset(due.into());
        }
        timer.as_mut().poll(cx).map(|()| {
            if patient_until < self.until { BodyError::TooSlow } else { BodyError::Deadline }
        })
    }
}
