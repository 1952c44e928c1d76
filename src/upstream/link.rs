//! One connection to an agency, and the exchange under way on it.
//!
//! It is driven by the call that holds it, not by a task of its own: no wake-up across threads on the
//! way, and dropping the call closes the connection. While it waits it holds no buffer.

use super::body::Outgoing;
use super::chunks::Piece;
use super::exchange::Broken;
use super::meter::{Meter, Metered};
use super::reading::{Head, Reading};
use super::writing::Writing;
use crate::proxy::tls::stream::Stream;
use bytes::{Bytes, BytesMut};
use hyper::Method;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};
use tokio::net::TcpStream;

/// Room to read in, and the least with which it is not made anew: for a head, and for a body.
const HEAD_ROOM: Room = Room { bytes: 8 * 1024, bytes_min: 1024 };
const BODY_ROOM: Room = Room { bytes: 64 * 1024, bytes_min: 16 * 1024 };
/// Room made at one time for an answer that is read whole: what it says of its length is believed so far.
const WHOLE_ROOM: Room = Room { bytes: 1024 * 1024, bytes_min: 1 };

#[derive(Clone, Copy)]
struct Room {
    bytes: usize,
    bytes_min: usize,
}

impl Room {
    /// No more than so much.
    fn within(self, bytes_max: Option<u64>) -> Self {
        let bytes_max = bytes_max.and_then(|bytes| usize::try_from(bytes).ok());
        let within = |bytes: usize| bytes_max.map_or(bytes, |bytes_max| bytes.min(bytes_max));
        Self { bytes: within(self.bytes), bytes_min: within(self.bytes_min) }
    }
}

/// One connection.
pub(super) struct Link {
    stream: Stream<Metered<TcpStream>>,
    /// Bytes that were read and not understood yet.
    buffer: BytesMut,
    /// The request, until all of it left.
    writing: Option<Writing>,
    /// Why no more of it leaves.
    unwritten: Option<io::Error>,
    reading: Reading,
    pub(super) meter: Arc<Meter>,
    /// An exchange ended cleanly here before.
    pub(super) is_proved: bool,
    pub(super) idle_since: Instant,
}

impl Link {
    /// A connection that was just opened. Boxed: it goes through several hands of a call, and each
    /// would hold it whole.
    pub(super) fn new(stream: Stream<Metered<TcpStream>>, meter: Arc<Meter>) -> Box<Self> {
        Box::new(Self {
            stream,
            buffer: BytesMut::new(),
            writing: None,
            unwritten: None,
            reading: Reading::to(&Method::GET),
            meter,
            is_proved: false,
            idle_since: Instant::now(),
        })
    }

    /// Whether the peer said nothing since the last answer, neither a word nor goodbye.
    pub(super) async fn is_quiet(&mut self) -> bool {
        let mut byte = [0];
        let mut word = ReadBuf::new(&mut byte);
        poll_fn(|cx| {
            let heard = Pin::new(&mut self.stream).poll_read(cx, &mut word);
            Poll::Ready(heard.is_pending())
        })
        .await
    }

    /// Sends a request, its head as it was written for this connection's endpoint, and waits for the head
    /// of its answer.
    pub(super) async fn ask(
        &mut self,
        method: &Method,
        head: Bytes,
        body: Outgoing,
    ) -> Result<Head, Broken> {
        self.reading = Reading::to(method);
        self.writing = Some(Writing::of(head, body));
        poll_fn(|cx| self.poll_head(cx)).await
    }

    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<Result<Head, Broken>> {
        self.write(cx);
        loop {
            if let Some(head) = self.reading.head(&mut self.buffer)? {
                return Poll::Ready(Ok(head));
            }
            let filled = ready!(self.poll_more(cx, HEAD_ROOM));
            if filled.map_err(|error| Broken::failed("connection_failed", &error))? == 0 {
                self.reading.ended(&self.buffer)?;
            }
        }
    }

    /// The next bytes of the answer's body; the rest of the request leaves meanwhile.
    pub(super) fn poll_data(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Broken>>> {
        self.write(cx);
        loop {
            match self.reading.data(&mut self.buffer) {
                Ok(Piece::Data(data)) => return Poll::Ready(Some(Ok(data))),
                Ok(Piece::End) => return Poll::Ready(None),
                Ok(Piece::More) => {}
                Err(error) => return Poll::Ready(Some(Err(error.into()))),
            }
            if let Err(broken) = ready!(self.poll_body(cx, BODY_ROOM.within(self.bytes_left()))) {
                return Poll::Ready(Some(Err(broken)));
            }
        }
    }

    /// Waits until all of a body of known length is there, so that it is one piece.
    pub(super) fn poll_whole(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        self.write(cx);
        while let Some(left_bytes) = self.bytes_left() {
            let missing = left_bytes.saturating_sub(self.buffer.len() as u64);
            if missing == 0 {
                break;
            }
            ready!(self.poll_body(cx, WHOLE_ROOM.within(Some(missing))))?;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_body(&mut self, cx: &mut Context<'_>, room: Room) -> Poll<Result<(), Broken>> {
        Poll::Ready(match ready!(self.poll_more(cx, room)) {
            Ok(0) => self.reading.ended(&self.buffer).map_err(Broken::from),
            Ok(_) => Ok(()),
            Err(error) => Err(Broken::failed("half_answer", &error)),
        })
    }

    /// All of the answer was given.
    pub(super) fn is_end(&self) -> bool {
        self.reading.is_end()
    }

    /// Bytes of the answer still to come, where the agency said how many.
    pub(super) fn bytes_left(&self) -> Option<u64> {
        self.reading.bytes_left()
    }

    /// All of the request left.
    pub(super) fn has_left_whole(&self) -> bool {
        self.writing.is_none() && self.unwritten.is_none()
    }

    /// Both messages ended, and nothing came behind the answer.
    pub(super) fn is_reusable(&self) -> bool {
        self.has_left_whole() && self.reading.is_reusable() && self.buffer.is_empty()
    }

    /// An exchange ended cleanly, and nobody asks for a while: gives up the room of its answer.
    pub(super) fn rest(&mut self, now: Instant) {
        self.buffer = BytesMut::new();
        self.is_proved = true;
        self.idle_since = now;
    }

    /// Writes as much of the request as goes now. A failure is told only where no answer says more: the
    /// agency may have answered before it closed.
    fn write(&mut self, cx: &mut Context<'_>) {
        let Some(writing) = &mut self.writing else { return };
        match writing.poll(&mut self.stream, cx) {
            Poll::Ready(result) => {
                self.writing = None;
                self.unwritten = result.err();
            }
            Poll::Pending => {}
        }
    }

    /// Reads what there is of the answer; where nothing is, why the request did not leave ends it.
    fn poll_more(&mut self, cx: &mut Context<'_>, room: Room) -> Poll<io::Result<usize>> {
        match (self.poll_fill(cx, room), self.unwritten.take()) {
            (Poll::Pending, Some(error)) => Poll::Ready(Err(error)),
            (filled, unwritten) => {
                self.unwritten = unwritten;
                filled
            }
        }
    }

    /// Reads what there is; what waits for the peer holds no room.
    fn poll_fill(&mut self, cx: &mut Context<'_>, room: Room) -> Poll<io::Result<usize>> {
        if self.buffer.capacity() - self.buffer.len() < room.bytes_min {
            self.buffer.reserve(room.bytes);
        }
        let filled = pin!(self.stream.read_buf(&mut self.buffer)).poll(cx);
        if filled.is_pending() && self.buffer.is_empty() {
            self.buffer = BytesMut::new();
        }
        filled
    }
}
