//! A request on its way out (RFC 9112): its head and as much of its body as there is, in one write.

use super::UpstreamRequest;
use super::body::Outgoing;
use bytes::{Buf, Bytes};
use hyper::Method;
use hyper::body::Body;
use hyper::header::{CONTENT_LENGTH, HOST, HeaderValue};
use std::io::{self, IoSlice, Write};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::AsyncWrite;

/// Bytes for a head without growing.
const HEAD_BYTES_USUAL: usize = 512;
const CHUNK_END: &[u8] = b"\r\n";
const LAST_CHUNK_END: &[u8] = b"\r\n0\r\n\r\n";
const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// What is still to be written.
pub(super) struct Writing {
    /// The head, and the line with a chunk's size.
    front: Bytes,
    /// Data of the body.
    data: Bytes,
    /// What ends a chunk.
    back: &'static [u8],
    /// Bytes of the body that were announced and not seen yet; `None`: it goes by chunks.
    left_bytes: Option<u64>,
    /// The rest of the body; `None` once all of it was seen.
    body: Option<Outgoing>,
    /// The stream may hold what it took.
    is_unflushed: bool,
}

impl Writing {
    /// Of a [`head`] and the body that it tells of.
    pub(super) fn of(front: Bytes, body: Outgoing) -> Self {
        let left_bytes = body.size_hint().exact();
        let body = (left_bytes != Some(0)).then_some(body);
        Self { front, data: Bytes::new(), back: &[], left_bytes, body, is_unflushed: false }
    }

    /// Nothing of what was seen is left.
    fn is_empty(&self) -> bool {
        self.front.is_empty() && self.data.is_empty() && self.back.is_empty()
    }

    /// Writes as much as goes now; ready when all of it left.
    pub(super) fn poll<S: AsyncWrite + Unpin>(
        &mut self,
        stream: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            if self.data.is_empty() && self.back.is_empty() {
                self.poll_body(cx)?;
            }
            if self.is_empty() {
                if self.is_unflushed {
                    ready!(Pin::new(&mut *stream).poll_flush(cx))?;
                    self.is_unflushed = false;
                }
                return if self.body.is_none() { Poll::Ready(Ok(())) } else { Poll::Pending };
            }
            let slices = [&self.front[..], &self.data, self.back].map(IoSlice::new);
            let mut taken = ready!(Pin::new(&mut *stream).poll_write_vectored(cx, &slices))?;
            if taken == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.is_unflushed = true;
            skip(&mut self.front, &mut taken);
            skip(&mut self.data, &mut taken);
            self.back = self.back.get(taken..).unwrap_or_default();
        }
    }

    /// Looks for the next data of the body.
    fn poll_body(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        while self.data.is_empty()
            && let Some(body) = &mut self.body
        {
            let Poll::Ready(frame) = Pin::new(&mut *body).poll_frame(cx) else { return Ok(()) };
            let is_end = frame.is_none() || body.is_end_stream();
            let frame = frame.transpose().map_err(io::Error::other)?;
            // Trailers are not passed on.
            let data = frame.and_then(|frame| frame.into_data().ok()).unwrap_or_default();
            if is_end {
                self.body = None;
            }
            self.load(data, is_end)?;
        }
        Ok(())
    }

    /// Frames the next data.
    fn load(&mut self, data: Bytes, is_end: bool) -> io::Result<()> {
        match &mut self.left_bytes {
            Some(left_bytes) => {
                let left = left_bytes.checked_sub(data.len() as u64);
                *left_bytes = left.filter(|left| !is_end || *left == 0).ok_or_else(|| {
                    io::Error::other("the body is not as long as it was announced")
                })?;
            }
            None if data.is_empty() => self.back = if is_end { LAST_CHUNK } else { &[] },
            None => {
                let mut front = Vec::with_capacity(self.front.len() + 18);
                front.extend_from_slice(&self.front);
                write!(front, "{:x}\r\n", data.len())?;
                self.front = front.into();
                self.back = if is_end { LAST_CHUNK_END } else { CHUNK_END };
            }
        }
        self.data = data;
        Ok(())
    }
}

/// Takes off what was written; what is empty holds nothing any more.
fn skip(bytes: &mut Bytes, taken: &mut usize) {
    let here = bytes.len().min(*taken);
    *taken -= here;
    bytes.advance(here);
    if bytes.is_empty() {
        *bytes = Bytes::new();
    }
}

/// The head of a request (RFC 9112 §3) whose headers are end-to-end; how its body ends is said here and
/// nowhere else: by its length, or (`None`) chunk by chunk.
pub(super) fn head(
    request: &UpstreamRequest,
    target: &str,
    host: &HeaderValue,
    body_bytes: Option<u64>,
) -> Bytes {
    let mut head = Vec::with_capacity(HEAD_BYTES_USUAL);
    let mut push = |parts: &[&[u8]]| parts.iter().for_each(|part| head.extend_from_slice(part));
    push(&[request.method.as_str().as_bytes(), b" ", target.as_bytes(), b" HTTP/1.1\r\n"]);
    push(&[b"host: ", host.as_bytes(), b"\r\n"]);
    for (name, value) in &request.headers {
        if name != HOST && name != CONTENT_LENGTH {
            push(&[name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"]);
        }
    }
    let has_body = matches!(request.method, Method::POST | Method::PUT | Method::PATCH);
    match body_bytes {
        Some(0) if !has_body => {}
        Some(bytes) => push(&[b"content-length: ", bytes.to_string().as_bytes(), b"\r\n"]),
        None => push(&[b"transfer-encoding: chunked\r\n"]),
    }
    push(&[b"\r\n"]);
    head.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upstream::body::whole;
    use http_body_util::Either;
    use http_body_util::combinators::UnsyncBoxBody;
    use hyper::body::{Frame, SizeHint};
    use std::collections::VecDeque;
    use std::error::Error;

    /// A stream that takes so many bytes at a time and keeps them.
    struct Narrow {
        width: usize,
        taken: Vec<u8>,
        writes: usize,
        is_flushed: bool,
    }

    impl AsyncWrite for Narrow {
        fn poll_write(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
        }

        fn poll_write_vectored(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            slices: &[IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            let offered: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
            let taken = offered.len().min(self.width);
            self.taken.extend_from_slice(&offered[..taken]);
            self.writes += 1;
            self.is_flushed = false;
            Poll::Ready(Ok(taken))
        }

        fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.is_flushed = true;
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    /// A body that comes in parts, with a pause before each.
    struct Parts {
        parts: VecDeque<&'static str>,
        announced: Option<u64>,
        is_pause: bool,
    }

    impl Body for Parts {
        type Data = Bytes;
        type Error = Box<dyn Error + Send + Sync>;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
            self.is_pause = !self.is_pause;
            if self.is_pause {
                return Poll::Pending;
            }
            let part = self.parts.pop_front();
            Poll::Ready(part.map(|part| Ok(Frame::data(Bytes::from_static(part.as_bytes())))))
        }

        fn size_hint(&self) -> SizeHint {
            self.announced.map_or_else(SizeHint::default, SizeHint::with_exact)
        }
    }

    fn parts(announced: Option<u64>, parts: &[&'static str]) -> Outgoing {
        let parts = parts.iter().copied().collect();
        Either::Right(UnsyncBoxBody::new(Parts { parts, announced, is_pause: false }))
    }

    /// What leaves for a stream that takes so many bytes at a time, and in how many writes.
    fn written(body: Outgoing, width: usize) -> Result<(String, usize), String> {
        let mut request = UpstreamRequest::soap(Bytes::new());
        request.headers = [(HOST, "evil"), (CONTENT_LENGTH, "7")]
            .map(|(name, value)| (name, HeaderValue::from_static(value)))
            .into_iter()
            .collect();
        let host = HeaderValue::from_static("c");
        let head = head(&request, "/a?b", &host, body.size_hint().exact());
        let mut writing = Writing::of(head, body);
        let mut narrow = Narrow { width, taken: Vec::new(), writes: 0, is_flushed: false };
        let mut cx = Context::from_waker(std::task::Waker::noop());
        for _ in 0..100 {
            match writing.poll(&mut narrow, &mut cx) {
                Poll::Ready(Ok(())) => {
                    assert!(narrow.is_flushed, "the stream may still hold it");
                    return Ok((String::from_utf8(narrow.taken).unwrap(), narrow.writes));
                }
                Poll::Ready(Err(error)) => return Err(error.to_string()),
                Poll::Pending => {}
            }
        }
        Err("no end".to_owned())
    }

    #[test]
    fn a_request_leaves_the_same_however_little_is_taken_at_a_time() {
        let head = "POST /a?b HTTP/1.1\r\nhost: c\r\n";
        let counted = "content-length: 5\r\n\r\n";
        let chunked = "transfer-encoding: chunked\r\n\r\n";
        for width in [1, 2, 3, 7, 1000] {
            for (body, rest) in [
                (whole(Bytes::new()), "content-length: 0\r\n\r\n".to_owned()),
                (whole(Bytes::from_static(b"hello")), format!("{counted}hello")),
                (parts(Some(5), &["he", "", "llo"]), format!("{counted}hello")),
                (parts(None, &[]), format!("{chunked}0\r\n\r\n")),
                (
                    parts(None, &["hello", "", "0123456789abcdef"]),
                    format!("{chunked}5\r\nhello\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n"),
                ),
            ] {
                let (text, _) = written(body, width).unwrap();
                assert_eq!(text, format!("{head}{rest}"), "{width} bytes at a time");
            }
        }
    }

    #[test]
    fn a_whole_body_leaves_with_its_head_in_one_write() {
        assert_eq!(written(whole(Bytes::from_static(b"hello")), 1000).unwrap().1, 1);
    }

    #[test]
    fn a_body_that_is_not_as_long_as_it_was_announced_does_not_end_well() {
        for body in [parts(Some(4), &["he", "llo"]), parts(Some(6), &["he", "llo"])] {
            let error = written(body, 1000).unwrap_err();
            assert_eq!(error, "the body is not as long as it was announced");
        }
    }
}
