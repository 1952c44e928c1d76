//! The body of an answer: whole bytes or a stream, watched so that a caller that does not read is seen.

use super::clock::{Clock, Doing, Held};
use bytes::Bytes;
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::{Body, Frame, SizeHint};
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// Why a stream broke off; the caller sees a truncated answer, never a wrong one.
pub type StreamError = Box<dyn std::error::Error + Send + Sync>;

/// What a handler answers with.
///
/// Whole bytes leave in one write with the head; a stream leaves frame by frame, with
/// `Content-Length` where its size hint is exact and chunked otherwise. A stream is polled only
/// while the caller takes what it was given: back-pressure reaches its source.
#[derive(Default)]
pub struct AnswerBody {
    source: Source,
    /// Told of every frame, where the answer is on its way to a caller.
    watch: Option<Watch>,
    /// Over HTTP/2: bytes of one frame at most, and what tells the clock when the last of them is let go.
    frames: Option<(usize, Arc<Held>)>,
}

/// The clock of an answer on its way.
struct Watch(Arc<Clock>);

/// Bytes that HTTP/2 has.
struct Given {
    bytes: Bytes,
    _held: Arc<Held>,
}

impl AsRef<[u8]> for Given {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

enum Source {
    Whole(Bytes),
    Stream(UnsyncBoxBody<Bytes, StreamError>),
}

impl Default for Source {
    fn default() -> Self {
        Self::Whole(Bytes::new())
    }
}

impl AnswerBody {
    /// An answer that is still being made. An error of the body cuts the answer: HTTP/1.1 closes the
    /// connection, HTTP/2 resets the stream.
    pub fn stream<B>(body: B) -> Self
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<StreamError>,
    {
        let stream = UnsyncBoxBody::new(body.map_err(Into::into));
        Self { source: Source::Stream(stream), ..Self::default() }
    }

    /// The same with other bytes, where it is whole.
    pub(super) fn mapped(mut self, map: impl FnOnce(Bytes) -> Bytes) -> Self {
        if let Source::Whole(bytes) = &mut self.source
            && !bytes.is_empty()
        {
            *bytes = map(std::mem::take(bytes));
        }
        self
    }

    /// Tells `clock` what becomes of this answer; over HTTP/2 a frame has so many bytes at most.
    pub(super) fn watched(mut self, clock: Arc<Clock>, frame_bytes_max: Option<usize>) -> Self {
        clock.begin(Doing::Writing);
        self.frames = frame_bytes_max.map(|max| (max, Arc::new(Held::new(&clock))));
        self.watch = Some(Watch(clock));
        self
    }

    fn poll_source(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, StreamError>>> {
        match &mut self.source {
            Source::Stream(stream) => Pin::new(stream).poll_frame(cx),
            Source::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Source::Whole(bytes) => {
                let bytes_max = self.frames.as_ref().map_or(usize::MAX, |(max, _)| *max);
                let length = bytes_max.min(bytes.len());
                Poll::Ready(Some(Ok(Frame::data(bytes.split_to(length)))))
            }
        }
    }
}

impl From<Bytes> for AnswerBody {
    fn from(bytes: Bytes) -> Self {
        Self { source: Source::Whole(bytes), ..Self::default() }
    }
}

impl From<String> for AnswerBody {
    fn from(text: String) -> Self {
        Bytes::from(text).into()
    }
}

impl fmt::Debug for AnswerBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.source {
            Source::Whole(bytes) => return write!(f, "AnswerBody({} bytes)", bytes.len()),
            Source::Stream(_) => "AnswerBody(stream)",
        };
        f.write_str(kind)
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = StreamError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, StreamError>>> {
        let mut polled = self.poll_source(cx);
        if let Some((_, held)) = &self.frames {
            let given = |bytes| Bytes::from_owner(Given { bytes, _held: Arc::clone(held) });
            polled = polled.map_ok(|frame| frame.map_data(given));
        }
        if let Some(Watch(clock)) = &self.watch {
            // A frame given is the caller's to take; while there is none, its source is waited for.
            clock.begin(if polled.is_pending() { Doing::Giving } else { Doing::Writing });
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Whole(bytes) => bytes.is_empty(),
            Source::Stream(stream) => stream.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Source::Stream(stream) => stream.size_hint(),
        }
    }
}

impl Drop for Watch {
    /// All was given, or nobody wants it any more.
    fn drop(&mut self) {
        self.0.give_last();
    }
}
