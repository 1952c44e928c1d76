//! Counts what a socket took: whether a byte of a request left is measured, not guessed.
//!
//! It sits below TLS, directly on the socket: a record that rustls made but the kernel never took has
//! not left. The reverse is kept on the safe side: what the kernel took counts as gone.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What the socket took so far.
#[derive(Debug)]
pub(super) struct Meter {
    opened_at: Instant,
    written_bytes: AtomicU64,
    last_write_us: AtomicU64,
    is_blocked: AtomicBool,
}

// One task at a time drives a connection; relaxed order only lets it be `Sync`.
impl Meter {
    pub(super) fn new() -> Self {
        Self {
            opened_at: Instant::now(),
            written_bytes: AtomicU64::new(0),
            last_write_us: AtomicU64::new(0),
            is_blocked: AtomicBool::new(false),
        }
    }

    /// Bytes that the kernel took.
    pub(super) fn written_bytes(&self) -> u64 {
        self.written_bytes.load(Ordering::Relaxed)
    }

    /// When the kernel took the last of them.
    pub(super) fn last_write_at(&self) -> Instant {
        self.opened_at + Duration::from_micros(self.last_write_us.load(Ordering::Relaxed))
    }

    /// The last write ended before all was taken: a request is still on its way out.
    pub(super) fn is_blocked(&self) -> bool {
        self.is_blocked.load(Ordering::Relaxed)
    }

    fn note(&self, offered: usize, result: &Poll<io::Result<usize>>) {
        let taken = match result {
            Poll::Ready(Ok(taken)) => *taken,
            Poll::Ready(Err(_)) | Poll::Pending => 0,
        };
        self.is_blocked.store(taken < offered, Ordering::Relaxed);
        if taken > 0 {
            self.written_bytes.fetch_add(taken as u64, Ordering::Relaxed);
            let us = u64::try_from(self.opened_at.elapsed().as_micros()).unwrap_or(u64::MAX);
            self.last_write_us.store(us, Ordering::Relaxed);
        }
    }
}

/// A socket under a meter.
pub(super) struct Metered<T> {
    socket: T,
    meter: Arc<Meter>,
}

impl<T> Metered<T> {
    pub(super) fn new(socket: T, meter: Arc<Meter>) -> Self {
        Self { socket, meter }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Metered<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(cx, buffer)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Metered<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.socket).poll_write(cx, bytes);
        self.meter.note(bytes.len(), &result);
        result
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let offered = slices.iter().map(|slice| slice.len()).sum();
        let result = Pin::new(&mut self.socket).poll_write_vectored(cx, slices);
        self.meter.note(offered, &result);
        result
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}
