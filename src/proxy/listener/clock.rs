//! What a caller's connection is doing and until when it may: every state but a call has a deadline.
//!
//! hyper's own timer knows the head only, runs while a connection idles and costs an allocation per
//! request; here the states are told apart, and a request that comes at once touches no timer.

use super::{DRAIN_GRACE, told};
use crate::config::settings::Limits;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{Notify, watch};
use tokio::time::{Sleep, sleep_until, timeout};

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Doing {
    /// Waiting for the first byte of the first request.
    Fresh,
    /// Waiting for the first byte of the next request.
    Idle,
    /// Reading the head of a request.
    Head,
    /// Reading the body and answering; both keep their own deadlines.
    Call,
    /// Waiting for more of an answer that is still being made; its maker keeps the deadline.
    Giving,
    /// Writing what there is of the answer.
    Writing,
}

/// The clock of one connection. One task drives it; relaxed order only lets it be shared with it.
#[derive(Debug)]
pub(super) struct Clock {
    started: Instant,
    doing: AtomicU8,
    since_us: AtomicU64,
    /// The answer refused a request that is still being sent: see `connection::part`.
    is_body_left: AtomicBool,
    /// The answer under way was handed out to its last byte.
    is_last_given: AtomicBool,
    /// Bytes of it wait at HTTP/2, which has them all, for a window.
    is_held: AtomicBool,
    let_go: Notify,
}

/// Bytes of an answer that HTTP/2 has; dropped once they are written, or nobody wants them any more.
pub(super) struct Held(Arc<Clock>);

impl Held {
    pub(super) fn new(clock: &Arc<Clock>) -> Self {
        clock.is_held.store(true, Ordering::Relaxed);
        Self(Arc::clone(clock))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.is_held.store(false, Ordering::Relaxed);
        self.0.let_go.notify_one();
    }
}

impl Clock {
    pub(super) fn new() -> Self {
        Self {
            started: Instant::now(),
            doing: AtomicU8::new(Doing::Fresh as u8),
            since_us: AtomicU64::new(0),
            is_body_left: AtomicBool::new(false),
            is_last_given: AtomicBool::new(false),
            is_held: AtomicBool::new(false),
            let_go: Notify::new(),
        }
    }

    /// Whether the answer is let go within that time: taken to its last byte, or given up.
    pub(super) async fn is_let_go(&self, within: Duration) -> bool {
        let is_held = || self.is_held.load(Ordering::Relaxed);
        if !is_held() {
            return true;
        }
        drop(timeout(within, self.let_go.notified()).await);
        !is_held()
    }

    pub(super) fn begin(&self, doing: Doing) {
        let us = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.since_us.store(us, Ordering::Relaxed);
        self.doing.store(doing as u8, Ordering::Relaxed);
    }

    pub(super) fn doing(&self) -> Doing {
        match self.doing.load(Ordering::Relaxed) {
            0 => Doing::Fresh,
            1 => Doing::Idle,
            2 => Doing::Head,
            3 => Doing::Call,
            4 => Doing::Giving,
            _ => Doing::Writing,
        }
    }

    /// When the connection must be closed if nothing changes; `None` while a call is answered.
    pub(super) fn due(&self, limits: &Limits) -> Option<Instant> {
        let allowed = match self.doing() {
            Doing::Idle => limits.idle_deadline,
            Doing::Fresh | Doing::Head => limits.head_deadline,
            Doing::Call | Doing::Giving => return None,
            Doing::Writing => limits.write_deadline,
        };
        let since = Duration::from_micros(self.since_us.load(Ordering::Relaxed));
        Some(self.started + since + allowed)
    }

    /// A call begins: its answer is still to come.
    pub(super) fn call(&self) {
        self.is_last_given.store(false, Ordering::Relaxed);
        self.begin(Doing::Call);
    }

    /// Nothing more of the answer will come: what is left is to write it.
    pub(super) fn give_last(&self) {
        self.is_last_given.store(true, Ordering::Relaxed);
        self.begin(Doing::Writing);
    }

    fn is_written_when_flushed(&self) -> bool {
        self.doing() == Doing::Writing && self.is_last_given.load(Ordering::Relaxed)
    }

    pub(super) fn leave_body(&self) {
        self.is_body_left.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_body_left(&self) -> bool {
        self.is_body_left.load(Ordering::Relaxed)
    }
}

/// What a connection must do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The door is draining: the answer under way is the last.
    Last,
    /// A deadline passed: close it.
    Late,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Draining {
    No,
    /// A request may be on its way to an idle connection: it is waited for until then.
    Grace(Instant),
    Over,
    /// [`Step::Last`] was said.
    Said,
}

/// Watches one connection's clock and the drain signal with one timer.
///
/// The timer is lazy: it is moved only when it rings, or when it would ring too late.
pub(super) struct Pace {
    due: Instant,
    timer: Pin<Box<Sleep>>,
    told: Pin<Box<dyn Future<Output = ()> + Send>>,
    draining: Draining,
}

impl Pace {
    pub(super) fn new(limits: &Limits, mut drain: watch::Receiver<bool>) -> Self {
        let due = Instant::now() + limits.head_deadline;
        Self {
            due,
            timer: Box::pin(sleep_until(due.into())),
            told: Box::pin(async move { told(&mut drain).await }),
            draining: Draining::No,
        }
    }

    /// To be polled after the connection was; pending while all is well.
    pub(super) fn poll(
        &mut self,
        clock: &Clock,
        limits: &Limits,
        cx: &mut Context<'_>,
    ) -> Poll<Step> {
        loop {
            if self.is_last(clock, cx) {
                self.draining = Draining::Said;
                return Poll::Ready(Step::Last);
            }
            let due = clock.due(limits);
            let wanted = match (self.draining, due) {
                (Draining::Grace(until), Some(due)) => Some(until.min(due)),
                (Draining::Grace(until), None) => Some(until),
                (_, due) => due,
            };
            if let Some(wanted) = wanted.filter(|wanted| *wanted < self.due) {
                self.reset(wanted);
            }
            ready!(self.timer.as_mut().poll(cx));
            let now = Instant::now();
            if due.is_some_and(|due| due <= now) {
                return Poll::Ready(Step::Late);
            }
            self.reset(wanted.filter(|at| *at > now).unwrap_or(now + limits.idle_deadline));
        }
    }

    fn is_last(&mut self, clock: &Clock, cx: &mut Context<'_>) -> bool {
        if self.draining == Draining::No && self.told.as_mut().poll(cx).is_ready() {
            self.draining = Draining::Grace(Instant::now() + DRAIN_GRACE);
        }
        if let Draining::Grace(until) = self.draining
            && until <= Instant::now()
        {
            self.draining = Draining::Over;
        }
        match clock.doing() {
            Doing::Call | Doing::Giving | Doing::Writing => {
                matches!(self.draining, Draining::Grace(_) | Draining::Over)
            }
            Doing::Fresh | Doing::Idle => self.draining == Draining::Over,
            // It is arriving: it will be answered, and its own deadline watches it.
            Doing::Head => false,
        }
    }

    fn reset(&mut self, due: Instant) {
        self.due = due;
        self.timer.as_mut().reset(due.into());
    }
}

/// A stream that tells its clock when a request begins and when an answer is out.
pub(super) struct Clocked<T> {
    stream: T,
    clock: Arc<Clock>,
}

impl<T> Clocked<T> {
    pub(super) fn new(stream: T, clock: Arc<Clock>) -> Self {
        Self { stream, clock }
    }

    pub(super) fn into_inner(self) -> T {
        self.stream
    }

    /// The caller takes its answer: it has its time again.
    fn wrote(&self, result: &Poll<io::Result<usize>>) {
        if matches!(result, Poll::Ready(Ok(1..))) && self.clock.doing() == Doing::Writing {
            self.clock.begin(Doing::Writing);
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Clocked<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(cx, buffer);
        let is_waiting = matches!(self.clock.doing(), Doing::Fresh | Doing::Idle);
        if is_waiting && buffer.filled().len() > before {
            self.clock.begin(Doing::Head);
        }
        result
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Clocked<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.wrote(&result);
        result
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.wrote(&result);
        result
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// hyper flushes after it wrote all it had: the answer is out.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_flush(cx);
        if result.is_ready() && self.clock.is_written_when_flushed() {
            self.clock.begin(Doing::Idle);
        }
        result
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
