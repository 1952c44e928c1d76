//! The clock of one HTTP/2 connection, and the stream under it that counts what its caller sends.
//!
//! Requests keep deadlines of their own (`streams`). What is left for the connection as a whole: a
//! head that never ends, a caller that does not read, one that only floods, and one that is idle.

use super::clock::Clock;
use super::cut::Cut;
use super::frames::{ErrorCode, FrameHead, Frames, HEADERS, PREFACE, Spare, go_away};
use super::told;
use crate::config::settings::{Http2, Limits};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;
use tokio::time::{Sleep, sleep_until};

/// What a connection is doing. One task drives it, those of its requests only enter and leave;
/// relaxed order is enough, because the timer looks again.
#[derive(Debug)]
pub(super) struct Session {
    started: Instant,
    requests: AtomicUsize,
    /// Of them, those whose answers only wait until HTTP/2 lets them go.
    given: AtomicUsize,
    /// When the last request began or ended. Moments are microseconds since `started`.
    since_us: AtomicU64,
    /// When what is half said began; 0: nothing is.
    amid_since_us: AtomicU64,
    /// Since when the socket takes nothing more; 0: it does.
    blocked_since_us: AtomicU64,
    is_greeted: AtomicBool,
    is_leaving: AtomicBool,
    /// What it did that ends it: the number of a [`Cut`] and one; 0: nothing.
    end: AtomicU8,
}

impl Session {
    pub(super) fn new() -> Self {
        Self {
            started: Instant::now(),
            requests: AtomicUsize::new(0),
            given: AtomicUsize::new(0),
            since_us: AtomicU64::new(0),
            amid_since_us: AtomicU64::new(0),
            blocked_since_us: AtomicU64::new(0),
            is_greeted: AtomicBool::new(false),
            is_leaving: AtomicBool::new(false),
            end: AtomicU8::new(0),
        }
    }

    /// Counts one request until the place is dropped.
    pub(super) fn enter(self: &Arc<Self>) -> Place {
        self.requests.fetch_add(1, Ordering::Relaxed);
        Place(Arc::clone(self))
    }

    /// This connection shall take no further request.
    pub(super) fn leave(&self) {
        if !self.is_leaving.swap(true, Ordering::Relaxed) {
            self.since_us.store(self.now_us(), Ordering::Relaxed);
        }
    }

    pub(super) fn is_leaving(&self) -> bool {
        self.is_leaving.load(Ordering::Relaxed)
    }

    /// What it did that ends it: a flood, or a frame that h2 would let pass.
    pub(super) fn end(&self) -> Option<Cut> {
        let number = self.end.load(Ordering::Relaxed).checked_sub(1)?;
        Cut::ALL.get(usize::from(number)).copied()
    }

    /// Waits until an answer that was given whole is let go, and ends the connection where it is not: only its window
    /// can be in the way. Where the socket is, the connection's own deadline counts.
    pub(super) async fn let_go(&self, clock: &Clock, limits: &Limits) {
        self.given.fetch_add(1, Ordering::Relaxed);
        while !clock.is_let_go(limits.write_deadline).await {
            if self.blocked_since_us.load(Ordering::Relaxed) == 0 {
                self.give_up(Cut::Write);
                break;
            }
        }
        self.given.fetch_sub(1, Ordering::Relaxed);
    }

    /// Ends the connection when it is looked at next.
    fn give_up(&self, cut: Cut) {
        self.end.store(cut as u8 + 1, Ordering::Relaxed);
    }

    fn now_us(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX).max(1)
    }

    /// When the connection must be ended if nothing changes, and why; `None` while requests run.
    fn due(&self, limits: &Limits) -> Option<(Instant, Cut)> {
        if let Some(cut) = self.end() {
            return Some((self.started, cut));
        }
        let at = |us: u64| self.started + Duration::from_micros(us);
        let load = |moment: &AtomicU64| Some(moment.load(Ordering::Relaxed)).filter(|us| *us > 0);
        let amid = load(&self.amid_since_us).map(|us| (at(us) + limits.head_deadline, Cut::Head));
        let blocked =
            load(&self.blocked_since_us).map(|us| (at(us) + limits.write_deadline, Cut::Write));
        let requests = self.requests.load(Ordering::Relaxed);
        let is_done = self.is_leaving() && requests == self.given.load(Ordering::Relaxed);
        let resting = (requests == 0 || is_done).then(|| {
            let since = at(self.since_us.load(Ordering::Relaxed));
            if self.is_leaving() {
                (since + limits.linger_deadline, Cut::Idle)
            } else if self.is_greeted.load(Ordering::Relaxed) {
                (since + limits.idle_deadline, Cut::Idle)
            } else {
                (since + limits.head_deadline, Cut::Head)
            }
        });
        amid.into_iter().chain(blocked).chain(resting).min_by_key(|(due, _)| *due)
    }
}

/// One request's place in its connection.
pub(super) struct Place(Arc<Session>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.since_us.store(self.0.now_us(), Ordering::Relaxed);
        self.0.requests.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What the connection must do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Take no further request, and say so.
    Last,
    /// Close it.
    Over(Cut),
}

/// Watches the session and the drain signal with one lazy timer.
pub(super) struct Watch {
    due: Instant,
    timer: Pin<Box<Sleep>>,
    told: Pin<Box<dyn Future<Output = ()> + Send>>,
    is_last_said: bool,
}

impl Watch {
    pub(super) fn new(limits: &Limits, mut drain: watch::Receiver<bool>) -> Self {
        let due = Instant::now() + limits.head_deadline;
        Self {
            due,
            timer: Box::pin(sleep_until(due.into())),
            told: Box::pin(async move { told(&mut drain).await }),
            is_last_said: false,
        }
    }

    /// To be polled after the connection was; pending while all is well.
    pub(super) fn poll(
        &mut self,
        session: &Session,
        limits: &Limits,
        cx: &mut Context<'_>,
    ) -> Poll<Step> {
        loop {
            if !self.is_last_said && self.told.as_mut().poll(cx).is_ready() {
                session.leave();
            }
            if session.is_leaving() && !self.is_last_said {
                self.is_last_said = true;
                return Poll::Ready(Step::Last);
            }
            let due = session.due(limits);
            // Requests that end wake nobody here: while they run, it is looked again.
            let again = || Instant::now() + limits.idle_deadline.min(limits.write_deadline);
            let wanted = due.map_or_else(again, |(at, _)| at);
            if wanted < self.due {
                self.reset(wanted);
            }
            ready!(self.timer.as_mut().poll(cx));
            match due.filter(|(at, _)| *at <= Instant::now()) {
                Some((_, Cut::Idle)) if !session.is_leaving() => session.leave(),
                Some((_, cut)) => return Poll::Ready(Step::Over(cut)),
                None => self.reset(wanted),
            }
        }
    }

    fn reset(&mut self, due: Instant) {
        self.due = due;
        self.timer.as_mut().reset(due.into());
    }
}

/// Where a connection leaves its stream when hyper is done with it.
pub(super) type Left<T> = Arc<Mutex<Option<T>>>;

/// A stream whose frames are counted in both directions.
pub(super) struct Framed<T> {
    /// `None` only after the drop began.
    stream: Option<T>,
    session: Arc<Session>,
    inbound: Frames,
    outbound: Frames,
    spare: Spare,
    frame_bytes_max: u32,
    last_stream: u32,
    left: Left<T>,
}

impl<T: AsyncRead + AsyncWrite + Unpin> Framed<T> {
    pub(super) fn new(stream: T, session: Arc<Session>, limits: &Http2) -> (Self, Left<T>) {
        let left = Left::default();
        let framed = Self {
            stream: Some(stream),
            session,
            inbound: Frames::new(PREFACE.len()),
            outbound: Frames::new(0),
            spare: Spare::new(limits.spare_frames_max),
            frame_bytes_max: limits.frame_bytes_max,
            last_stream: 0,
            left: Arc::clone(&left),
        };
        (framed, left)
    }

    fn stream(&mut self) -> io::Result<Pin<&mut T>> {
        self.stream.as_mut().map(Pin::new).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    /// Follows what came; an error where the connection must end.
    fn came(&mut self, bytes: &[u8], cx: &mut Context<'_>) -> io::Result<()> {
        let Self { inbound, spare, last_stream, session, frame_bytes_max, .. } = self;
        let (mut end, mut is_new) = (None, false);
        let mut is_first = !session.is_greeted.load(Ordering::Relaxed);
        inbound.follow(bytes, |head: FrameHead| {
            is_new = true;
            let offence = head.offence(std::mem::take(&mut is_first), *frame_bytes_max);
            end = end
                .or_else(|| offence.map(|code| (Cut::Http2, code)))
                .or_else(|| spare.charge(head).map(|cut| (cut, ErrorCode::EnhanceYourCalm)));
            if head.kind == HEADERS {
                *last_stream = head.stream.max(*last_stream);
            }
        });
        if is_new {
            session.is_greeted.store(true, Ordering::Relaxed);
        }
        let since = &session.amid_since_us;
        if !inbound.is_amid_head() {
            since.store(0, Ordering::Relaxed);
        } else if since.load(Ordering::Relaxed) == 0 || is_new && !inbound.is_block_open() {
            since.store(session.now_us(), Ordering::Relaxed);
        }
        match end {
            Some((cut, code)) => {
                session.give_up(cut);
                self.say_farewell(code, cx);
                Err(io::Error::other(cut.word()))
            }
            None => Ok(()),
        }
    }

    /// Says why, where the peer can understand it: not in the middle of a frame.
    fn say_farewell(&mut self, code: ErrorCode, cx: &mut Context<'_>) {
        let farewell = go_away(self.last_stream, code);
        if !self.outbound.is_at_rest() {
            return;
        }
        if let Ok(mut stream) = self.stream() {
            let _is_written = stream.as_mut().poll_write(cx, &farewell);
            let _is_flushed = stream.poll_flush(cx);
        }
    }

    /// Follows what left, and notes whether the peer takes it.
    fn wrote(&mut self, slices: &[&[u8]], written: &Poll<io::Result<usize>>) {
        let since = &self.session.blocked_since_us;
        match written {
            Poll::Ready(Ok(bytes)) => {
                since.store(0, Ordering::Relaxed);
                let mut left = *bytes;
                for slice in slices {
                    let now = slice.get(..left.min(slice.len())).unwrap_or_default();
                    left -= now.len();
                    let spare = &mut self.spare;
                    self.outbound.follow(now, |head| spare.earn(head));
                }
            }
            Poll::Ready(Err(_)) => {}
            Poll::Pending => {
                if since.load(Ordering::Relaxed) == 0 {
                    since.store(self.session.now_us(), Ordering::Relaxed);
                }
            }
        }
    }
}

impl<T> Drop for Framed<T> {
    fn drop(&mut self) {
        *self.left.lock().unwrap_or_else(PoisonError::into_inner) = self.stream.take();
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncRead for Framed<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(self.stream()?.poll_read(cx, buffer))?;
        let bytes = buffer.filled().get(before..).unwrap_or_default();
        Poll::Ready(self.came(bytes, cx))
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Framed<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = self.stream()?.poll_write(cx, bytes);
        self.wrote(&[bytes], &written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = self.stream()?.poll_write_vectored(cx, slices);
        let all: Vec<&[u8]> = slices.iter().map(|slice| &**slice).collect();
        self.wrote(&all, &written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.as_ref().is_some_and(AsyncWrite::is_write_vectored)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream()?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream()?.poll_shutdown(cx)
    }
}
