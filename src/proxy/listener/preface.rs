//! Tells HTTP/2 with prior knowledge from HTTP/1.1 by a caller's first bytes (RFC 9113 §3.3).

use super::frames::PREFACE;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A stream some of whose first bytes were read already.
pub(super) struct Ahead<T> {
    bytes: [u8; PREFACE.len()],
    /// Of `bytes`: how many were read from the stream, and how many of them were given.
    read: usize,
    given: usize,
    stream: T,
}

impl<T> Ahead<T> {
    pub(super) fn new(stream: T) -> Self {
        Self { bytes: [0; PREFACE.len()], read: 0, given: 0, stream }
    }

    pub(super) fn into_inner(self) -> T {
        self.stream
    }

    /// The caller said something.
    pub(super) fn is_begun(&self) -> bool {
        self.read > 0
    }
}

impl<T: AsyncRead + Unpin> Ahead<T> {
    /// Whether the caller speaks HTTP/2; reads no more than it takes to know. A caller that closes
    /// before it says anything speaks neither.
    pub(super) fn poll_is_http2(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        loop {
            let (said, free) = self.bytes.split_at_mut(self.read);
            if !PREFACE.starts_with(said) {
                return Poll::Ready(Ok(false));
            }
            if free.is_empty() {
                return Poll::Ready(Ok(true));
            }
            let mut buffer = ReadBuf::new(free);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer))?;
            match buffer.filled().len() {
                0 => return Poll::Ready(Ok(false)),
                bytes => self.read += bytes,
            }
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Ahead<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.given < self.read {
            let bytes = self.bytes.get(self.given..self.read).unwrap_or_default();
            let now = bytes.get(..buffer.remaining().min(bytes.len())).unwrap_or_default();
            buffer.put_slice(now);
            self.given += now.len();
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Ahead<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
